"""Random worlds over three levels, as they grow: a slice of what `scripts/worlds-soak` plays by the hundred thousand.

FEDSYNC_SEEDS=0-99999 plays more. Each world is played once for all of these tests.
"""

from collections import Counter
from functools import cache

from tests.authority.meeting import WANTED
from tests.authority.soak import play
from tests.seeds import seeds

SLICE = 150
OFTEN = {
    "page sealed", "page displaced", "page adopted", "region's page sealed", "world's page sealed", "sign moved",
    "sign suspended", "vote void", "mandate recalled", "mandate ended", "mandate suspended", "result final",
    "seat dropped by an epoch", "lock waits", "epoch waits", "recalled vote named by a word", "kept below a tip",
    "region's page sealed by a recalled delegate's name", "breach not cured by a confirm",
}  # fmt: skip
"""What a slice meets too; a long run has to meet all of `meeting.WANTED`."""


@cache
def played() -> tuple[int, list[str], Counter[str]]:
    """Return what came of the slice."""
    return play(seeds(SLICE))


def failures(promise: str) -> list[str]:
    """Return the failures of one promise."""
    return [each for each in played()[1] if each.partition(": ")[2].startswith(promise)]


def test_the_fold_says_what_the_naive_twin_says_of_every_part_of_a_world() -> None:
    assert failures("twin") == []


def test_any_order_and_any_repetition_end_in_the_same_rows() -> None:
    assert failures("order") == []


def test_sealed_is_never_unsealed_within_the_bound() -> None:
    assert failures("sealed_stays_sealed") == []
    assert failures("certified_only_grows") == []


def test_void_never_comes_back_but_by_name() -> None:
    assert failures("void_never_comes_back") == []


def test_nothing_is_adopted_or_sealed_by_fewer_than_it_takes() -> None:
    assert failures("never_adopted_by_fewer_than_k") == []


def test_a_final_result_never_changes() -> None:
    assert failures("final_never_changes") == []


def test_hoarded_acts_of_removed_seats_and_recalled_delegates_gain_nothing() -> None:
    assert failures("hoarded_acts_gain_nothing") == []


def test_a_late_recall_two_levels_down_reaches_nothing_sealed() -> None:
    assert failures("a_late_recall_reaches_nothing_sealed") == []


def test_unknown_only_ever_turns_into_yes_or_no() -> None:
    assert failures("unknown_only_turns_into_yes_or_no") == []


def test_the_worlds_are_worth_playing() -> None:
    worlds, failed, met = played()
    assert worlds == len(seeds(SLICE))
    assert failed == []
    assert OFTEN <= WANTED
    assert {each for each in OFTEN if not met[each]} == set()
