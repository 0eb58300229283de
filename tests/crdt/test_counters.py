"""Counters that merge: the laws, and that a log's longer word holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.laws.counters import Tally, TwoTallies
from fedsync.records.ids import LogId

LOGS = [LogId(bytes([each]) * 32) for each in range(3)]
HOURS = [[1, 2, 0, 5, 3], [0, 0, 7, 1, 1], [4, 4, 4, 4, 4]]


def read(log: int, upto: int) -> Tally:
    """Return what the first records of a log say: one chain, so a longer part says what a shorter one does."""
    return Tally.of(LOGS[log], upto, sum(HOURS[log][:upto]))


words = st.builds(read, st.integers(0, 2), st.integers(0, 5))


def merged(parts: list[Tally]) -> Tally:
    found = Tally()
    for each in parts:
        found = found | each
    return found


tallies = st.lists(words, max_size=5).map(merged)
pairs = st.builds(TwoTallies, tallies, tallies)


@given(tallies, tallies, tallies)
def test_merging_tallies_commutes_associates_and_repeats_without_effect(
    one: Tally, two: Tally, three: Tally
) -> None:
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one


@given(pairs, pairs, pairs)
def test_merging_two_tallies_commutes_associates_and_repeats_without_effect(
    one: TwoTallies, two: TwoTallies, three: TwoTallies
) -> None:
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5))))
def test_a_tally_is_the_sum_of_each_logs_longest_part_whatever_was_repeated(
    parts: list[tuple[int, int]],
) -> None:
    longest = [max((upto for log, upto in parts if log == each), default=0) for each in range(3)]
    expected = sum(sum(HOURS[log][:upto]) for log, upto in enumerate(longest))
    assert merged([read(*each) for each in parts]).total == expected


@given(tallies, tallies)
def test_a_tally_never_falls(one: Tally, two: Tally) -> None:
    assert (one | two).total >= max(one.total, two.total)


def test_what_goes_down_is_a_tally_of_its_own() -> None:
    with pytest.raises(ValueError):
        Tally.of(LOGS[0], 1, -5)
    both = TwoTallies(read(0, 5)) | TwoTallies(down=read(1, 5))
    assert (both.up.total, both.down.total) == (11, 9)
