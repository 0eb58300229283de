"""What came a moment ago and waits at the door is named like what is held: the next block need not wait for the disk. Pure.

A bad link brings forty blocks at once, of which each follows the one before. What they name is taken from those before them, as
they came; if one deserved nothing, neither do those that follow it, and the door says so.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from fedsync.gossip.names import HeldNames
from fedsync.records.block import BadBlock, claimed_ids, claimed_rows, peek
from fedsync.records.ids import LogId, RecordId
from fedsync.records.segment import RECENT_ROWS, SHORT_BYTES
from fedsync.records.shortnames import Place
from fedsync.records.wire import Row

MAX_IN_HAND = 64
"""Logs of which the last block that came is kept in mind, with RECENT_ROWS records of each."""


@dataclass(frozen=True, slots=True)
class _End:
    """Where a log stood when its last block came."""

    seq: int
    id: RecordId
    rows: tuple[Row, ...]


class InHand:
    """Names for what comes: what is held, and before that what came last."""

    def __init__(self, held: HeldNames) -> None:
        self._held = held
        self._ends: OrderedDict[LogId, _End] = OrderedDict()

    def came(self, raw: bytes) -> None:
        """Note a block that was read."""
        try:
            head, tip, rows = peek(raw), claimed_ids(raw)[-1][0], claimed_rows(raw)
        except BadBlock:
            return
        if len(rows) < RECENT_ROWS and head.first:
            missing = min(RECENT_ROWS - len(rows), head.first)
            rows = [*self.recent(head.log, head.first - 1, head.prev, missing), *rows]
        self._ends[head.log] = _End(head.last, tip, tuple(rows[-RECENT_ROWS:]))
        self._ends.move_to_end(head.log)
        if len(self._ends) > MAX_IN_HAND:
            self._ends.popitem(last=False)

    def short(self, log: LogId) -> bool:
        """Say whether a log is known by its first bytes."""
        return self._held.short(log)

    def log(self, short: bytes) -> LogId | None:
        """Return the one log whose id begins so."""
        found = self._held.log(short)
        if found is not None:
            return found
        begin = [log for log in self._ends if log[:SHORT_BYTES] == short]
        return begin[0] if len(begin) == 1 else None

    def held(self, log: LogId, seq: int) -> Sequence[RecordId]:
        """Return the ids at `seq` of a log: of what came last first."""
        end = self._ends.get(log)
        found = self._held.held(log, seq)
        if end is None or end.seq != seq or end.id in found:
            return found
        return [end.id, *found]

    def recent(self, log: LogId, seq: int, record: RecordId, count: int) -> Sequence[Row]:
        """Return the last `count` records of the chain that ends in this one."""
        end = self._ends.get(log)
        if end is not None and end.id == record and len(end.rows) >= count:
            return end.rows[-count:]
        return self._held.recent(log, seq, record, count)

    def place(self, id_: bytes) -> Place | None:
        """Return where a record or payload stands."""
        return self._held.place(id_)

    def at(self, log: LogId, seq: int) -> tuple[bytes, bytes] | None:
        """Return the id of the only record at this place, and that of its payload."""
        return self._held.at(log, seq)
