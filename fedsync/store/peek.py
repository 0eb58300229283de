"""A short look at a few tables of the state, without what else a store can do: for lists that must come at once.

Touches the file for reading only, and sees one state of it. Whatever is not as usual (an older state, a medium that
cannot be written, no file) is left to `reading`, which has the words for it.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from fedsync.store import schema
from fedsync.store.errors import StoreError
from fedsync.store.meta import Meta
from fedsync.store.peers import Followed
from fedsync.store.state import StateTables, TableLike

BUSY_SECONDS = 2.0
"""How long to wait for another program that has the file, as the store itself does."""


class Peek:
    """An open look: the state in some tables, and the bodies that are followed."""

    def __init__(self, conn: sqlite3.Connection, tables: Iterable[TableLike]) -> None:
        self._conn = conn
        self.followed = Followed(conn)
        self.state = StateTables(conn, Meta(conn), None, tables)

    def close(self) -> None:
        """Close the file."""
        self._conn.close()


def peek(path: Path, tables: Iterable[TableLike], version: int) -> Peek | None:
    """Look at a store whose state a fold of this version left and which is worked out to its end; else return None."""
    if not path.exists():
        return None
    try:
        conn = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
    except sqlite3.Error:
        return None
    try:
        conn.execute("PRAGMA query_only = ON")
        conn.execute("PRAGMA trusted_schema = OFF")
        conn.execute("BEGIN DEFERRED")
        if schema.version(conn) == schema.VERSION:
            found = Peek(conn, tables)
            last = conn.execute("SELECT max(no) FROM blocks").fetchone()[0] or 0
            if found.state.is_of(version) and found.state.folded_upto >= last:
                return found
    except (sqlite3.Error, StoreError):
        pass
    conn.close()
    return None
