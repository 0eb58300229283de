"""How much each author and each body has brought in lately, so that a restart gives nobody new room. Touches `intake`."""

import sqlite3
from collections.abc import Iterable
from typing import TypeAlias

from fedsync.store.errors import guarded

Row: TypeAlias = tuple[bytes, int, int, int, int, int, int, int, int]
"""What is kept of one name, in the order of the columns; what each means is said where accounts are kept (`fedsync.intake.Spent`)."""


class IntakeTable:
    """The rows. Writes belong in the open transaction."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def get(self, name: bytes) -> Row | None:
        """Return the row of a name."""
        row: Row | None = self._conn.execute("SELECT * FROM intake WHERE name = ?", (name,)).fetchone()
        return row

    @guarded
    def put(self, rows: Iterable[Row]) -> None:
        """Keep rows in place of earlier ones of the same names."""
        self._conn.executemany("INSERT OR REPLACE INTO intake VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    @guarded
    def waiting(self, now: int) -> list[Row]:
        """Return the rows of which more waits now, the one that waits for longest first."""
        rows = self._conn.execute("SELECT * FROM intake WHERE until > ? ORDER BY until DESC, name", (now,))
        return rows.fetchall()

    @guarded
    def forget_before(self, day: int) -> int:
        """Forget rows that were last written before a day; return how many."""
        return self._conn.execute("DELETE FROM intake WHERE day < ?", (day,)).rowcount
