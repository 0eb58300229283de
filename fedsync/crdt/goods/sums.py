"""What moved in a pool, added up by span of time and part of a log, so that a late count opens few blocks. Touches a draft only.

Each movement is in one run: those of one log in one span of time, from one part of it. A replaced one stays in its run, and
stands in `movement_off` too.
"""

from collections.abc import Iterator, Sequence

from fedsync.crdt.goods import facts
from fedsync.crdt.goods.facts import Moves
from fedsync.crdt.goods.tables import OFF, RUNS, PoolKey, Run, log_of, run, run_row
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.logs.factchain import along
from fedsync.crdt.view import Draft
from fedsync.records.ids import LogId

SPAN = 64 * 24 * 3600 * 1000
"""What is added up as one, in ms: 64 days, so that movements of many goods, taken in together, add a few rows and not one for
each movement."""
PART = 4096
"""Records of a log that are added up as one: 32 full blocks. A late count opens so many again for each part that its moment
falls into, some 10 ms; halved, a thousand goods that move by turns take a third longer from scratch."""
FEW_SPANS = 50
"""Spans that are asked for one by one, rather than all that there are."""


def add(draft: Draft, key: PoolKey, log: LogId, first: int, last: int, moves: Moves) -> None:
    """Add movements of a stretch of a log, from seq `first` to `last`. It follows all that was added of the log before."""
    times = moves.times
    low, high = (times[0], times[0]) if len(times) == 1 else (min(times), max(times))
    span = low // SPAN
    if span == high // SPAN:
        total = moves.deltas[0] if len(times) == 1 else sum(moves.deltas)
        _put(
            draft,
            (*key, span, log, first // PART),
            Run(first, last, low, high, total, moves.apart, len(times)),
        )
        return
    for span, each in _by_span(first, last, moves).items():
        _put(draft, (*key, span, log, first // PART), each)


def _put(draft: Draft, key: tuple[bytes | int, ...], added: Run) -> None:
    """Add a run to what was added of its part and span before."""
    row = draft.get(RUNS, key)
    if row is not None:
        old = run(row)
        added = Run(
            old.first,
            added.last,
            min(old.earliest, added.earliest),
            max(old.latest, added.latest),
            old.sum + added.sum,
            old.apart + added.apart,
            old.events + added.events,
        )
    draft.put(RUNS, key, run_row(added))


def _by_span(first: int, last: int, moves: Moves) -> dict[int, Run]:
    spans: dict[int, Moves] = {}
    for at, delta in zip(moves.times, moves.deltas, strict=True):
        found = spans.get(at // SPAN)
        if found is None:
            found = spans[at // SPAN] = Moves()
        found.times.append(at)
        found.deltas.append(delta)
    # What is apart is asked for by log alone, so it stands with any one of its spans.
    aparts = [moves.apart] + [0] * (len(spans) - 1)
    return {
        span: Run(first, last, min(each.times), max(each.times), sum(each.deltas), apart, len(each.times))
        for (span, each), apart in zip(spans.items(), aparts, strict=True)
    }


def take_out(draft: Draft, key: PoolKey, log: LogId, spans: set[int]) -> Run | None:
    """Take out what a log moved in these spans, and return that, added up; None when it moved nothing."""
    total = apart = events = 0
    for span in sorted(spans):
        for run_key, row in list(draft.scan(RUNS, (*key, span, log))):
            found = run(row)
            draft.drop(RUNS, run_key)
            total, apart, events = total + found.sum, apart + found.apart, events + found.events
    return Run(0, 0, 0, 0, total, apart, events) if events else None


def upto(draft: Draft, key: PoolKey, times: Sequence[int]) -> tuple[list[int], int]:
    """Return what moved up to each of these times and at its very instant, and what moved in all."""
    found, total = [0] * len(times), 0
    for run_key, row in draft.scan(RUNS, key):
        run_ = run(row)
        total += run_.sum
        for number, at in enumerate(times):
            found[number] += _of_run(draft, key, run_key, run_, at)
    for _, (when, delta) in draft.scan(OFF, key):
        total -= int(delta)  # type: ignore[arg-type]
        for number, at in enumerate(times):
            if when <= at:  # type: ignore[operator]
                found[number] -= int(delta)  # type: ignore[arg-type]
    return found, total


def between(draft: Draft, key: PoolKey, low: int, high: int) -> int:
    """Return what moved after one time, up to another that is not before it, and at its very instant."""
    first, last = low // SPAN, high // SPAN
    if last - first > FEW_SPANS:
        (before, until), _ = upto(draft, key, (low, high))
        return until - before
    moved = 0
    for span in range(first, last + 1):
        for run_key, row in draft.scan(RUNS, (*key, span)):
            found = run(row)
            moved += _of_run(draft, key, run_key, found, high) - _of_run(draft, key, run_key, found, low)
        for _, (when, delta) in draft.scan(OFF, (*key, span)):
            if low < when <= high:  # type: ignore[operator]
                moved -= int(delta)  # type: ignore[arg-type]
    return moved


def latest(draft: Draft, key: PoolKey) -> int | None:
    """Return when the latest movement happened, replaced or not; None when there is none."""
    return max((run(row).latest for _, row in draft.scan(RUNS, key)), default=None)


def _of_run(draft: Draft, key: PoolKey, run_key: tuple[bytes | int | str, ...], found: Run, at: int) -> int:
    """Return what moved in a run up to a time."""
    if found.latest <= at:
        return found.sum
    if found.earliest > at:
        return 0
    return sum(delta for when, delta in _moves(draft, key, run_key, found) if when <= at)


def _moves(
    draft: Draft, key: PoolKey, run_key: tuple[bytes | int | str, ...], found: Run
) -> Iterator[tuple[int, int]]:
    """Read the movements of a run again."""
    span, log, at = run_key[4], log_of(run_key, 5), found.first
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
                if when // SPAN == span
            )
        at = stop
