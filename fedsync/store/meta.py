"""Small facts that a store keeps about itself, by name. Touches the table `meta`."""

import sqlite3
from typing import TypeAlias

from fedsync.store.errors import guarded

Cell: TypeAlias = bytes | int | str | None


class Meta:
    """Named values; what is written is written in the open transaction."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def get(self, key: str) -> Cell:
        """Return a value, None when it was never set."""
        row = self._conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def number(self, key: str) -> int:
        """Return a value that is a number, 0 when it was never set."""
        found = self.get(key)
        return found if isinstance(found, int) else 0

    def data(self, key: str) -> bytes:
        """Return a value that is bytes, none when it was never set."""
        found = self.get(key)
        return found if isinstance(found, bytes) else b""

    def text(self, key: str) -> str:
        """Return a value that is text, "" when it was never set."""
        found = self.get(key)
        return found if isinstance(found, str) else ""

    @guarded
    def set(self, key: str, value: Cell) -> None:
        """Set a value; None removes it."""
        if value is None:
            self._conn.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._conn.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
