"""What waits outside: blocks of authors whom nobody named yet.

Touches `parked`. A page that names an author may come after that author's records, so these are
kept for a while, within a quota for each peer that brought them; a stranger can fill its own quota and no other.
"""

import sqlite3
from typing import NamedTuple

from fedsync.records.ids import Key, LogId
from fedsync.store.errors import guarded

PARKED_BYTES = 1024 * 1024
"""What one peer may leave here of unknown authors."""

PARKED_BLOCKS = 256
"""The same in blocks, so that many small ones are no way around it."""


class ParkedBlock(NamedTuple):
    """Bytes that nobody has verified, and who brought them."""

    peer: Key
    log: LogId
    raw: bytes


class Parked:
    """Blocks of unknown authors. Writes belong in the open transaction."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def park(self, peer: Key, log: LogId, raw: bytes, until: int) -> bool:
        """Keep `raw` until that time in ms; False when the peer's quota is used up. Repeats cost nothing."""
        known = self._conn.execute(
            "SELECT no FROM parked WHERE log = ? AND peer = ? AND raw = ?", (log, peer, raw)
        ).fetchone()
        if known:
            self._conn.execute("UPDATE parked SET until = max(until, ?) WHERE no = ?", (until, known[0]))
            return True
        blocks, size = self._conn.execute(
            "SELECT count(*), coalesce(sum(length(raw)), 0) FROM parked WHERE peer = ?", (peer,)
        ).fetchone()
        if blocks >= PARKED_BLOCKS or size + len(raw) > PARKED_BYTES:
            return False
        self._conn.execute(
            "INSERT INTO parked (peer, log, raw, until) VALUES (?, ?, ?, ?)", (peer, log, raw, until)
        )
        return True

    @guarded
    def waiting(self, log: LogId) -> list[ParkedBlock]:
        """Return what is parked for a log, in the order in which it came."""
        rows = self._conn.execute("SELECT peer, log, raw FROM parked WHERE log = ? ORDER BY no", (log,))
        return [ParkedBlock(*row) for row in rows.fetchall()]

    @guarded
    def logs(self) -> list[LogId]:
        """Return the logs for which something is parked."""
        return [
            log for (log,) in self._conn.execute("SELECT DISTINCT log FROM parked ORDER BY log").fetchall()
        ]

    @guarded
    def release(self, log: LogId) -> None:
        """Forget what is parked for a log: it was taken, or refused for good."""
        self._conn.execute("DELETE FROM parked WHERE log = ?", (log,))

    @guarded
    def expire(self, now: int) -> int:
        """Forget what was kept until before `now`; return how many blocks that were."""
        return self._conn.execute("DELETE FROM parked WHERE until < ?", (now,)).rowcount
