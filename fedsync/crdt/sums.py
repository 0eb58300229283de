"""What moved in a pool, span of time by span, so that a late count adds up spans and opens what happened in one. Touches a draft only.

Each movement is in one run: those of one log in one span of time, from one stretch of it. A replaced one stays in its run, which
is only read again, and stands in `movement_off` too. The sums of spans are without it.
"""

from collections.abc import Iterator, Sequence

from fedsync.crdt import facts
from fedsync.crdt.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.factchain import along
from fedsync.crdt.facts import Moves
from fedsync.crdt.tables import OFF, RUNS, SUMS, PoolKey, Run, log_of, run, run_row, small
from fedsync.crdt.view import Draft
from fedsync.records.ids import LogId

SPAN = 16 * 24 * 3600 * 1000
"""What is added up as one: 16 days, so that a batch of the daily movements of a dozen goods adds a few rows, not one for
each movement, and a late count has not much to go through.
"""
FEW_SPANS = 50
"""Spans that are asked for one by one, rather than all that there are."""


def add(draft: Draft, key: PoolKey, log: LogId, first: int, last: int, moves: Moves) -> None:
    """Add movements of a stretch of a log, from seq `first` to `last`."""
    low, high = min(moves.times), max(moves.times)
    if low // SPAN == high // SPAN:
        spans = {low // SPAN: Run(last, low, high, sum(moves.deltas), moves.apart, len(moves.times))}
    else:
        spans = _by_span(last, moves)
    for span, each in spans.items():
        draft.put(RUNS, (*key, span, log, first), run_row(each))
        shift(draft, key, span, each.sum, each.events)


def _by_span(last: int, moves: Moves) -> dict[int, Run]:
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
        span: Run(last, min(each.times), max(each.times), sum(each.deltas), apart, len(each.times))
        for (span, each), apart in zip(spans.items(), aparts, strict=True)
    }


def shift(draft: Draft, key: PoolKey, span: int, delta: int, told: int) -> None:
    """Change what moved in a span."""
    row = draft.get(SUMS, (*key, span))
    total, number = (int(row[0]), int(row[1])) if row is not None else (0, 0)  # type: ignore[arg-type]
    total, number = total + delta, number + told
    if number or total:
        draft.put(SUMS, (*key, span), (small(total), number))
    else:
        draft.drop(SUMS, (*key, span))


def take_out(draft: Draft, key: PoolKey, log: LogId, spans: set[int]) -> Run | None:
    """Take out what a log moved on these days, and return that, added up; None when it moved nothing."""
    total = apart = events = 0
    for span in sorted(spans):
        for run_key, row in list(draft.scan(RUNS, (*key, span, log))):
            found = run(row)
            draft.drop(RUNS, run_key)
            shift(draft, key, span, -found.sum, -found.events)
            total, apart, events = total + found.sum, apart + found.apart, events + found.events
    return Run(0, 0, 0, total, apart, events) if events else None


def upto(draft: Draft, key: PoolKey, times: Sequence[int]) -> tuple[list[int], int]:
    """Return what moved up to each of these times and at its very instant, and what moved in all."""
    found, total = [0] * len(times), 0
    spans = [at // SPAN for at in times]
    for (*_, span), (cell, _) in draft.scan(SUMS, key):
        moved = int(cell)  # type: ignore[arg-type]
        total += moved
        for number, each in enumerate(spans):
            if span < each:  # type: ignore[operator]
                found[number] += moved
    for number, at in enumerate(times):
        found[number] += _within(draft, key, spans[number], at)
    return found, total


def between(draft: Draft, key: PoolKey, low: int, high: int) -> int:
    """Return what moved after one time, up to another that is not before it, and at its very instant."""
    first, last = low // SPAN, high // SPAN
    if last - first > FEW_SPANS:
        (before, until), _ = upto(draft, key, (low, high))
        return until - before
    moved = _within(draft, key, last, high) - _within(draft, key, first, low)
    for span in range(first, last):
        row = draft.get(SUMS, (*key, span))
        moved += int(row[0]) if row is not None else 0  # type: ignore[arg-type]
    return moved


def latest(draft: Draft, key: PoolKey) -> int | None:
    """Return when the latest movement happened, replaced or not; None when there is none."""
    spans = [span for (*_, span), (_, told) in draft.scan(SUMS, key) if told]
    if not spans:
        return None
    return max(run(row).latest for _, row in draft.scan(RUNS, (*key, max(spans))))


def _within(draft: Draft, key: PoolKey, span: int, at: int) -> int:
    """Return what moved in a span up to a time in it."""
    moved = 0
    for run_key, row in list(draft.scan(RUNS, (*key, span))):
        found = run(row)
        if found.latest <= at:
            moved += found.sum
        elif found.earliest <= at:
            moved += sum(delta for when, delta in _moves(draft, key, run_key, found, span) if when <= at)
    for _, (when, delta) in draft.scan(OFF, (*key, span)):
        if when <= at:  # type: ignore[operator]
            moved -= int(delta)  # type: ignore[arg-type]
    return moved


def _moves(
    draft: Draft, key: PoolKey, run_key: tuple[bytes | int | str, ...], found: Run, span: int
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
                if when // SPAN == span
            )
        at = stop
