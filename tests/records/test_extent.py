"""How much of a body a node follows: what each extent holds, and that the smaller of two holds what both do."""

from itertools import product

import pytest

from fedsync.records.ids import Extent, LogClass, Reach

SETS = list(product(Reach, LogClass))


@pytest.mark.parametrize("extent", Extent)
@pytest.mark.parametrize("log_class", LogClass)
def test_what_is_local_is_followed_by_nobody(extent: Extent, log_class: LogClass) -> None:
    assert not extent.covers(Reach.LOCAL, log_class)


def test_the_book_is_what_carries_authority_and_nothing_else() -> None:
    held = {(reach, log_class) for reach, log_class in SETS if Extent.BOOK.covers(reach, log_class)}

    assert held == {(Reach.REGION, LogClass.AUTHORITY), (Reach.WORLD, LogClass.AUTHORITY)}


def test_whoever_follows_the_world_holds_every_class_that_reaches_it_and_the_book() -> None:
    held = {(reach, log_class) for reach, log_class in SETS if Extent.WORLD.covers(reach, log_class)}

    assert held == {(Reach.REGION, LogClass.AUTHORITY)} | {(Reach.WORLD, each) for each in LogClass}


def test_the_smaller_of_two_extents_covers_exactly_what_both_cover() -> None:
    for one, other, (reach, log_class) in product(Extent, Extent, SETS):
        both = one.covers(reach, log_class) and other.covers(reach, log_class)

        assert min(one, other).covers(reach, log_class) == both, (one, other, reach, log_class)
