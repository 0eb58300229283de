"""Which stretches of which logs hold the newest movements of a pool, and their records. Pure; reads a view."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fedsync.crdt.goods.levels import Reader
from fedsync.crdt.goods.tables import RUNS, PoolKey, run
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.logs.factchain import along
from fedsync.records.block import Record
from fedsync.records.ids import LogId

FAR = 512
"""Records between two that are wanted, from which on those between are not even opened: some four blocks."""


class _Stretch(NamedTuple):
    """Movements of one span of time in a pool by one log, by their place in it."""

    log: LogId
    first: int
    last: int
    earliest: int
    latest: int
    events: int


def wanted(
    view: Reader, key: PoolKey, limit: int, since: int | None, most: int
) -> tuple[dict[LogId, list[tuple[int, int]]], int | None]:
    """Return the stretches of logs to read, and from when on all movements are in them (None: ever)."""
    spans: dict[int, list[_Stretch]] = {}
    for cells, row in view.scan(RUNS, key):
        found = run(row)
        span, log = cells[4:6]
        stretch = _Stretch(LogId(log), found.first, found.last, found.earliest, found.latest, found.events)  # type: ignore[arg-type]
        spans.setdefault(span, []).append(stretch)  # type: ignore[arg-type]
    chosen: list[_Stretch] = []
    begins: int | None = None
    events = 0
    for span in sorted(spans, reverse=True):
        if events >= limit or (since is not None and begins is not None and begins <= since):
            return _by_log(chosen), begins
        rows = sorted(spans[span], key=lambda each: each.latest, reverse=True)
        for at, each in enumerate(rows):
            if events >= most:
                # One span holds too many. What is later than all that is not read of it is read as a whole.
                return _by_log(chosen), rows[at].latest + 1
            events += each.events
            chosen.append(each)
        begins = min(each.earliest for each in rows)
    return _by_log(chosen), None


def _by_log(chosen: Iterable[_Stretch]) -> dict[LogId, list[tuple[int, int]]]:
    found: dict[LogId, list[tuple[int, int]]] = {}
    for each in chosen:
        found.setdefault(each.log, []).append((each.first, each.last))
    return found


def records(view: Reader, key: PoolKey, log: LogId, stretches: Iterable[tuple[int, int]]) -> Iterator[Record]:
    """Yield the records of a log in these stretches that count and tell of the pool's item, each once."""
    row = view.get(COUNTED_LOGS, (log,))
    if row is None:
        return
    ordered = sorted(stretches)
    counting = counted_log(row)
    at, upto = 0, -1
    while at < len(ordered):
        for block, stop in along(view, log, counting, ordered[at][0]):
            while at < len(ordered) and ordered[at][0] < stop:
                first, last = ordered[at]
                for seq in range(max(first, block.first, upto + 1), min(last + 1, stop)):
                    upto = seq
                    value = block.value(seq - block.first)
                    if isinstance(value, dict) and value.get("resource_conforms_to") == key[2]:
                        yield block.record(seq - block.first)
                if last >= stop:
                    break
                at += 1
            if at == len(ordered):
                return
            # The chain of a log whose branch a book chose is walked from its end: once is enough.
            if counting.chain is None and ordered[at][0] > block.last + FAR:
                break
        else:
            return
