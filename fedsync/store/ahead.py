"""Blocks that came ahead of what they follow: files are carried in any order, and nobody can be asked to send one again.

Touches `ahead`. Nothing in it is verified, but of some it is known that the author of its log signed it: **proven**. What is
not may be made up by anybody, and has a part of the room. What waits is let in by the node as soon as what it follows is
held, however that came.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from fedsync.records.ids import Key, LogId, RecordId
from fedsync.records.wire import BlockHead
from fedsync.store.errors import guarded

AHEAD_BYTES: Final = 64 * 1024 * 1024
"""Bytes that wait, of all who bring them: some thousand blocks, half a year of a region on sticks that got lost."""
AHEAD_EACH: Final = 32 * 1024 * 1024
"""The same of one who brings them."""
UNPROVEN_PART: Final = 2
"""Of either, one of so many parts is for what nobody can check yet: whoever copies a title of a known maker could fill it."""
AHEAD_SAME: Final = 8
"""Blocks of one who brings them that follow one record: somebody may cut a log otherwise than another. All are let go, and
verified, as soon as that record comes, be it a recall."""
SLICE_BYTES: Final = 1024 * 1024
SLICE_RECORDS: Final = 16_384
"""What is let go in one commit: two tenths of a second of work at the door. The rest of a long chain comes with the next ones."""
SLICE_LOOKS: Final = 4096
"""Blocks that wait and are looked at in one commit, whether they can be let go or not."""


@dataclass(slots=True)
class Slice:
    """How much more may be let go in the open transaction. What a block says of its size is believed: it is only counted."""

    size: int = SLICE_BYTES
    records: int = SLICE_RECORDS
    looks: int = SLICE_LOOKS

    @property
    def full(self) -> bool:
        """Whether the rest has to wait for the next transaction."""
        return self.size <= 0 or self.records <= 0 or self.looks <= 0


class Early(NamedTuple):
    """A block that waits, and who brought it."""

    origin: Key
    raw: bytes


class At(NamedTuple):
    """Where what waits of a log is looked at: a place, and from which block on of those that begin there. Of these there may be more
    than one slice: nothing that waits is verified."""

    first: int
    no: int = 0


class Ahead:
    """What waits for what it follows. Writes belong in the open transaction."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._logs: set[LogId] | None = None
        self._sizes: dict[tuple[Key, bool], int] | None = None
        """Bytes of each who brought them, proven and not."""

    def forget(self) -> None:
        """Forget what was read: the transaction was rolled back."""
        self._logs = self._sizes = None

    @guarded
    def keep(self, head: BlockHead, origin: Key, raw: bytes, until: int, proven: bool = False) -> bool:
        """Keep a block until that time in ms; False when there is no room. Repeats cost nothing. `proven`: its author signed it."""
        log, first, prev = head.log, head.first, head.prev
        known = self._conn.execute(
            "SELECT no FROM ahead WHERE log = ? AND prev = ? AND raw = ?", (log, prev, raw)
        ).fetchone()
        if known:
            self._conn.execute("UPDATE ahead SET until = max(until, ?) WHERE no = ?", (until, known[0]))
            return True
        same = self._conn.execute(
            "SELECT count(*) FROM ahead WHERE log = ? AND first = ? AND prev = ? AND origin = ? AND proven = ?",
            (log, first, prev, origin, proven),
        ).fetchone()[0]
        if same >= AHEAD_SAME or not self._has_room(origin, len(raw), proven):
            return False
        sizes = self._by_origin()
        sizes[origin, proven] = sizes.get((origin, proven), 0) + len(raw)
        self._conn.execute(
            "INSERT INTO ahead (log, first, last, prev, origin, size, raw, until, proven)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (log, first, head.last, prev, origin, len(raw), raw, until, proven),
        )
        self._of_logs().add(log)
        return True

    def _has_room(self, origin: Key, size: int, proven: bool) -> bool:
        """Say whether so many bytes more of one who brings them have room: among all that waits, and among what is not proven."""
        sizes = self._by_origin()
        each = sizes.get((origin, False), 0) + sizes.get((origin, True), 0)
        if sum(sizes.values()) + size > AHEAD_BYTES or each + size > AHEAD_EACH:
            return False
        unproven = sum(many for (_, is_proven), many in sizes.items() if not is_proven)
        return proven or (
            unproven + size <= AHEAD_BYTES // UNPROVEN_PART
            and sizes.get((origin, False), 0) + size <= AHEAD_EACH // UNPROVEN_PART
        )

    def waits(self, log: LogId) -> bool:
        """Say whether something of a log waits. Costs next to nothing: it is asked of each block that is taken."""
        return log in self._of_logs()

    @guarded
    def release(
        self, log: LogId, low: At, high: int, follows: Callable[[int, RecordId], bool], room: Slice
    ) -> tuple[list[Early], At | None]:
        """Let go, and return, what begins from `low` to the place `high` and follows what is held, as far as there is room.

        `follows` says whether what stands before a place, by its id, is held. The second is from where on
        it has to be looked again; None when all was seen.
        """
        found: list[Early] = []
        rest: At | None = None
        gone: list[tuple[int]] = []
        sizes = self._by_origin()
        rows = self._conn.execute(
            "SELECT no, first, last, prev, origin, size, proven FROM ahead WHERE log = ? AND first BETWEEN ? AND ?"
            " AND (first > ? OR no >= ?) ORDER BY first, no",
            (log, low.first, high, low.first, low.no),
        )
        for no, first, last, prev, origin, size, proven in rows:
            if room.full:
                rest = At(first, no)
                break
            room.looks -= 1
            if follows(first, RecordId(prev)):
                room.size -= size
                room.records -= last + 1 - first
                (raw,) = self._conn.execute("SELECT raw FROM ahead WHERE no = ?", (no,)).fetchone()
                found.append(Early(Key(origin), raw))
                gone.append((no,))
                sizes[Key(origin), bool(proven)] -= size
        rows.close()
        if found:
            self._conn.executemany("DELETE FROM ahead WHERE no = ?", gone)
            if not self._conn.execute("SELECT 1 FROM ahead WHERE log = ?", (log,)).fetchone():
                self._of_logs().discard(log)
        return found, rest

    def logs(self) -> set[LogId]:
        """Return the logs of which something waits."""
        return set(self._of_logs())

    @guarded
    def spans(self) -> dict[LogId, list[tuple[int, int]]]:
        """Return of which logs something waits: the first and last place of each block."""
        found: dict[LogId, list[tuple[int, int]]] = {}
        for log, first, last in self._conn.execute("SELECT log, first, last FROM ahead ORDER BY log, first"):
            found.setdefault(LogId(log), []).append((first, last))
        return found

    @guarded
    def drop(self, log: LogId) -> None:
        """Forget what waits of a log: nothing of it is wanted."""
        self._conn.execute("DELETE FROM ahead WHERE log = ?", (log,))
        self._of_logs().discard(log)
        self._sizes = None

    @guarded
    def expire(self, now: int) -> int:
        """Forget what was kept until before `now`; return how many blocks that were."""
        self.forget()
        return self._conn.execute("DELETE FROM ahead WHERE until < ?", (now,)).rowcount

    def _of_logs(self) -> set[LogId]:
        if self._logs is None:
            self._logs = {LogId(log) for (log,) in self._conn.execute("SELECT DISTINCT log FROM ahead")}
        return self._logs

    def _by_origin(self) -> dict[tuple[Key, bool], int]:
        if self._sizes is None:
            rows = self._conn.execute("SELECT origin, proven, sum(size) FROM ahead GROUP BY origin, proven")
            self._sizes = {(Key(origin), bool(proven)): size for origin, proven, size in rows}
        return self._sizes
