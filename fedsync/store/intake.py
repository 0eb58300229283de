"""How much each author and each body has brought in lately, so that a restart gives nobody new room. Touches `intake`."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from fedsync.store.errors import guarded


class IntakeRow(NamedTuple):
    """What one name brought in within an hour and a day, each by its number since 1970; and what had to wait."""

    name: bytes
    hour: int
    hour_records: int
    hour_bytes: int
    day: int
    day_records: int
    day_bytes: int
    until: int
    """Until when more of it waits, in ms; 0 when nothing was delayed."""
    delayed: int
    """Blocks that were told to wait, in that time."""


class IntakeTable:
    """The rows. Writes belong in the open transaction."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def get(self, name: bytes) -> IntakeRow | None:
        """Return the row of a name."""
        row = self._conn.execute("SELECT * FROM intake WHERE name = ?", (name,)).fetchone()
        return IntakeRow(*row) if row else None

    @guarded
    def put(self, rows: Iterable[tuple[bytes | int, ...]]) -> None:
        """Keep rows in place of earlier ones of the same names."""
        self._conn.executemany("INSERT OR REPLACE INTO intake VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    @guarded
    def waiting(self, now: int) -> list[IntakeRow]:
        """Return the rows of which more waits now, the one that waits for longest first."""
        rows = self._conn.execute("SELECT * FROM intake WHERE until > ? ORDER BY until DESC, name", (now,))
        return [IntakeRow(*row) for row in rows.fetchall()]

    @guarded
    def forget_before(self, day: int) -> int:
        """Forget rows that were last written before a day; return how many."""
        return self._conn.execute("DELETE FROM intake WHERE day < ?", (day,)).rowcount
