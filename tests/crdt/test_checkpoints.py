"""Counts as checkpoints: the laws, and what a level is made of."""

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.goods.checkpoints import Checkpoints, Count, Level, level
from fedsync.records.ids import LogId, RecordId

LOGS = [LogId(bytes([each]) * 32) for each in range(3)]


def a_count(number: int) -> Count:
    """Return the one count of this number; few instants, so that they meet."""
    log, seq = number % 3, number // 3
    return Count(number % 4, number * 7 % 10, RecordId(bytes([number * 37 % 251]) * 32), LOGS[log], seq)


checkpoints = st.frozensets(st.integers(0, 40).map(a_count)).map(Checkpoints)


@given(checkpoints, checkpoints, checkpoints)
def test_merging_checkpoints_commutes_associates_and_repeats_without_effect(
    one: Checkpoints, two: Checkpoints, three: Checkpoints
) -> None:
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one
    assert (one | two).last_two() == (two | one).last_two()


@given(checkpoints)
def test_the_last_two_instants_are_the_latest_at_which_somebody_counted(found: Checkpoints) -> None:
    times = sorted({each.at for each in found.counts})
    last, before = found.last_two()
    assert (last.at if last else None) == (times[-1] if times else None)
    assert (before.at if before else None) == (times[-2] if len(times) > 1 else None)
    for instant in (last, before):
        if instant is not None:
            here = [each for each in found.counts if each.at == instant.at]
            latest = [
                max((e for e in here if e.log == log), key=lambda e: e.seq) for log in {e.log for e in here}
            ]
            assert instant.count == max(latest, key=lambda each: each.id)
            assert instant.contested == (len(latest) > 1)


def test_a_level_is_the_last_count_and_what_moved_after_it() -> None:
    before, last = (
        Count(1, 100, RecordId(b"1" * 32), LOGS[0], 1),
        Count(9, 70, RecordId(b"2" * 32), LOGS[1], 1),
    )
    newest, older = Checkpoints.of([last, before]).last_two()
    assert level(newest, older, between=-20, after=5) == Level(75, -10, newest)
    assert level(newest, None, between=60, after=0) == Level(70, 10, newest)
    assert level(None, None, between=0, after=12) == Level(12, None, None)
