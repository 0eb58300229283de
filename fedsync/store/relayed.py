"""What this node has carried as a relay for pairs of others, day by day. Touches `relayed`."""

import sqlite3

from fedsync.records.ids import Key
from fedsync.store.errors import guarded


class Relayed:
    """Bytes for each pair and day. Writes belong in the open transaction."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def of_day(self, day: int) -> dict[tuple[Key, Key], int]:
        """Return what was carried on a day."""
        rows = self._conn.execute("SELECT one, other, bytes FROM relayed WHERE day = ?", (day,)).fetchall()
        return {(Key(one), Key(other)): carried for one, other, carried in rows}

    @guarded
    def put(self, day: int, one: Key, other: Key, carried: int) -> None:
        """Keep what was carried for a pair on a day, and forget other days."""
        self._conn.execute("DELETE FROM relayed WHERE day != ?", (day,))
        self._conn.execute("INSERT OR REPLACE INTO relayed VALUES (?, ?, ?, ?)", (day, one, other, carried))
