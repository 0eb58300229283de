"""What moved in a pool, day by day, so that a late count adds up days and opens what happened on one. Touches a draft only.

Each movement is in one run: those of one log on one day, from one stretch of it. A replaced one stays in its run, which
is only read again, and stands in `movement_off` too. The sums of days are without it.
"""

from collections.abc import Iterator, Sequence

from fedsync.crdt import facts
from fedsync.crdt.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.factchain import along
from fedsync.crdt.facts import Moves
from fedsync.crdt.tables import OFF, RUNS, SUMS, PoolKey, Run, log_of, run, run_row, small
from fedsync.crdt.view import Draft
from fedsync.records.ids import LogId

DAY = 24 * 3600 * 1000
FEW_DAYS = 200
"""Days that are asked for one by one rather than all that there are: about as fast where a store is ten years old."""


def add(draft: Draft, key: PoolKey, log: LogId, first: int, last: int, moves: Moves) -> None:
    """Add movements of a stretch of a log, from seq `first` to `last`."""
    low, high = min(moves.times), max(moves.times)
    if low // DAY == high // DAY:
        days = {low // DAY: Run(last, low, high, sum(moves.deltas), moves.apart, len(moves.times))}
    else:
        days = _by_day(last, moves)
    for day, each in days.items():
        draft.put(RUNS, (*key, day, log, first), run_row(each))
        shift(draft, key, day, each.sum, each.events)


def _by_day(last: int, moves: Moves) -> dict[int, Run]:
    days: dict[int, Moves] = {}
    for at, delta in zip(moves.times, moves.deltas, strict=True):
        found = days.get(at // DAY)
        if found is None:
            found = days[at // DAY] = Moves()
        found.times.append(at)
        found.deltas.append(delta)
    # What is apart is asked for by log alone, so it stands with any one of its days.
    aparts = [moves.apart] + [0] * (len(days) - 1)
    return {
        day: Run(last, min(each.times), max(each.times), sum(each.deltas), apart, len(each.times))
        for (day, each), apart in zip(days.items(), aparts, strict=True)
    }


def shift(draft: Draft, key: PoolKey, day: int, delta: int, told: int) -> None:
    """Change what moved on a day."""
    row = draft.get(SUMS, (*key, day))
    total, number = (int(row[0]), int(row[1])) if row is not None else (0, 0)  # type: ignore[arg-type]
    total, number = total + delta, number + told
    if number or total:
        draft.put(SUMS, (*key, day), (small(total), number))
    else:
        draft.drop(SUMS, (*key, day))


def take_out(draft: Draft, key: PoolKey, log: LogId, days: set[int]) -> Run | None:
    """Take out what a log moved on these days, and return that, added up; None when it moved nothing."""
    total = apart = events = 0
    for day in sorted(days):
        for run_key, row in list(draft.scan(RUNS, (*key, day, log))):
            found = run(row)
            draft.drop(RUNS, run_key)
            shift(draft, key, day, -found.sum, -found.events)
            total, apart, events = total + found.sum, apart + found.apart, events + found.events
    return Run(0, 0, 0, total, apart, events) if events else None


def upto(draft: Draft, key: PoolKey, times: Sequence[int]) -> tuple[list[int], int]:
    """Return what moved up to each of these times and at its very instant, and what moved in all."""
    found, total = [0] * len(times), 0
    days = [at // DAY for at in times]
    for (*_, day), (cell, _) in draft.scan(SUMS, key):
        moved = int(cell)  # type: ignore[arg-type]
        total += moved
        for number, each in enumerate(days):
            if day < each:  # type: ignore[operator]
                found[number] += moved
    for number, at in enumerate(times):
        found[number] += _within_day(draft, key, days[number], at)
    return found, total


def between(draft: Draft, key: PoolKey, low: int, high: int) -> int:
    """Return what moved after one time, up to another that is not before it, and at its very instant."""
    first, last = low // DAY, high // DAY
    if last - first > FEW_DAYS:
        (before, until), _ = upto(draft, key, (low, high))
        return until - before
    moved = _within_day(draft, key, last, high) - _within_day(draft, key, first, low)
    for day in range(first, last):
        row = draft.get(SUMS, (*key, day))
        moved += int(row[0]) if row is not None else 0  # type: ignore[arg-type]
    return moved


def latest(draft: Draft, key: PoolKey) -> int | None:
    """Return when the latest movement happened, replaced or not; None when there is none."""
    days = [day for (*_, day), (_, told) in draft.scan(SUMS, key) if told]
    if not days:
        return None
    return max(run(row).latest for _, row in draft.scan(RUNS, (*key, max(days))))


def _within_day(draft: Draft, key: PoolKey, day: int, at: int) -> int:
    """Return what moved on a day up to a time on it."""
    moved = 0
    for run_key, row in list(draft.scan(RUNS, (*key, day))):
        found = run(row)
        if found.latest <= at:
            moved += found.sum
        elif found.earliest <= at:
            moved += sum(delta for when, delta in _moves(draft, key, run_key, found, day) if when <= at)
    for _, (when, delta) in draft.scan(OFF, (*key, day)):
        if when <= at:  # type: ignore[operator]
            moved -= int(delta)  # type: ignore[arg-type]
    return moved


def _moves(
    draft: Draft, key: PoolKey, run_key: tuple[bytes | int | str, ...], found: Run, day: int
) -> Iterator[tuple[int, int]]:
    """Read the movements of a run again."""
    log, at = log_of(run_key, 5), int(run_key[6])
    row = draft.get(COUNTED_LOGS, (log,))
    assert row is not None, "what was read of a log is written down with it"
    for block, end in along(draft, log, counted_log(row), at):
        stop = min(found.last + 1, end)
        if stop <= at:
            # An overlap ends before, a later block begins beyond.
            if at > found.last:
                return
            continue
        moves = facts.read(block, at, stop).moves.get(key[1:])
        if moves is not None:
            yield from (
                (when, delta)
                for when, delta in zip(moves.times, moves.deltas, strict=True)
                if when // DAY == day
            )
        at = stop
