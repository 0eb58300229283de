"""Blocks that came ahead of what they follow: files are carried in any order, and nobody can be asked to send one again.

Touches `ahead`. Nothing in it is verified. What waits is let in by the node as soon as what it follows is held, however
that came.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from fedsync.records.ids import Key, LogId, RecordId
from fedsync.records.wire import BlockHead
from fedsync.store.errors import guarded

AHEAD_BYTES: Final = 64 * 1024 * 1024
"""Bytes that wait, of all who bring them: some thousand blocks, half a year of a region on sticks that got lost."""
AHEAD_EACH: Final = 32 * 1024 * 1024
"""The same of one who brings them."""


AHEAD_SAME: Final = 8
"""Blocks of one who brings them that follow one record: somebody may cut a log otherwise than another. All are let go, and
verified, in the commit in which that record comes, be it a recall."""


class Early(NamedTuple):
    """A block that waits, and who brought it."""

    origin: Key
    raw: bytes


class Ahead:
    """What waits for what it follows. Writes belong in the open transaction."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._logs: set[LogId] | None = None
        self._sizes: dict[Key, int] | None = None
        """Bytes of each who brought them."""

    def forget(self) -> None:
        """Forget what was read: the transaction was rolled back."""
        self._logs = self._sizes = None

    @guarded
    def keep(self, head: BlockHead, origin: Key, raw: bytes, until: int) -> bool:
        """Keep a block until that time in ms; False when there is no room. Repeats cost nothing."""
        log, first, prev = head.log, head.first, head.prev
        known = self._conn.execute(
            "SELECT no FROM ahead WHERE log = ? AND prev = ? AND raw = ?", (log, prev, raw)
        ).fetchone()
        if known:
            self._conn.execute("UPDATE ahead SET until = max(until, ?) WHERE no = ?", (until, known[0]))
            return True
        same = self._conn.execute(
            "SELECT count(*) FROM ahead WHERE log = ? AND first = ? AND prev = ? AND origin = ?",
            (log, first, prev, origin),
        ).fetchone()[0]
        sizes = self._by_origin()
        each = sizes.get(origin, 0) + len(raw)
        if sum(sizes.values()) + len(raw) > AHEAD_BYTES or each > AHEAD_EACH or same >= AHEAD_SAME:
            return False
        sizes[origin] = each
        self._conn.execute(
            "INSERT INTO ahead (log, first, last, prev, origin, size, raw, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (log, first, head.last, prev, origin, len(raw), raw, until),
        )
        self._of_logs().add(log)
        return True

    def waits(self, log: LogId) -> bool:
        """Say whether something of a log waits. Costs next to nothing: it is asked of each block that is taken."""
        return log in self._of_logs()

    @guarded
    def release(self, log: LogId, first: int, ids: Sequence[RecordId]) -> list[Early]:
        """Let go, and return, what follows one of these records, which stand in a row from `first` on."""
        rows = self._conn.execute(
            "SELECT no, first, prev, origin, raw FROM ahead WHERE log = ? AND first BETWEEN ? AND ?",
            (log, first + 1, first + len(ids)),
        ).fetchall()
        found = [row for row in rows if ids[row[1] - first - 1] == row[2]]
        sizes = self._by_origin() if found else {}
        self._conn.executemany("DELETE FROM ahead WHERE no = ?", [(row[0],) for row in found])
        for row in found:
            sizes[Key(row[3])] -= len(row[4])
        if found and not self._conn.execute("SELECT 1 FROM ahead WHERE log = ?", (log,)).fetchone():
            self._of_logs().discard(log)
        return [Early(Key(origin), raw) for _, _, _, origin, raw in found]

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

    def _by_origin(self) -> dict[Key, int]:
        if self._sizes is None:
            rows = self._conn.execute("SELECT origin, sum(size) FROM ahead GROUP BY origin")
            self._sizes = {Key(origin): size for origin, size in rows}
        return self._sizes
