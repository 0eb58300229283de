"""How far this store has come, so that a peer can ask what changed since it last looked.

Touches the table `meta`. The counter grows by one with each change of a log's tips. The id is new whenever the
directory was made, restored or copied: a counter says nothing about another journal.
"""

import sqlite3

from fedsync.store.errors import guarded

JOURNAL_BYTES = 8


class Journal:
    """The journal's id and counter."""

    def __init__(self, conn: sqlite3.Connection, writing: bool = True) -> None:
        """`writing`: this connection is the one that writes, so nobody else moves the counter."""
        self._conn, self._writing = conn, writing
        self._saved = self._read()
        self._counter = self._saved

    @property
    def id(self) -> bytes:
        """8 random bytes."""
        row = self._conn.execute("SELECT value FROM meta WHERE key = 'journal'").fetchone()
        found: bytes = row[0]
        return found

    @property
    def counter(self) -> int:
        """How many changes of tips this journal has seen, those of the open transaction included."""
        return self._counter if self._writing else self._read()

    def tick(self) -> int:
        """Count one more change and return its number."""
        self._counter += 1
        return self._counter

    def flush(self) -> None:
        """Write the counter, at the end of a transaction."""
        if self._counter != self._saved:
            self._conn.execute("UPDATE meta SET value = ? WHERE key = 'counter'", (self._counter,))

    def settle(self) -> None:
        """Take it that the transaction was committed."""
        self._saved = self._counter

    def forget(self) -> None:
        """Go back to what the file says: the transaction was rolled back."""
        self._saved = self._counter = self._read()

    @guarded
    def renew(self, journal: bytes) -> None:
        """Begin a new journal. The counter goes on: what changed since then is still told by it."""
        _demand(journal)
        self._conn.execute("INSERT OR REPLACE INTO meta VALUES ('journal', ?)", (journal,))

    @guarded
    def _read(self) -> int:
        row = self._conn.execute("SELECT value FROM meta WHERE key = 'counter'").fetchone()
        return row[0] if row else 0


def begin_journal(conn: sqlite3.Connection, journal: bytes) -> None:
    """Write the journal of a store that is being made."""
    _demand(journal)
    conn.executemany("INSERT INTO meta VALUES (?, ?)", [("journal", journal), ("counter", 0)])


def _demand(journal: bytes) -> None:
    if len(journal) != JOURNAL_BYTES:
        raise ValueError(f"a journal's id has {JOURNAL_BYTES} bytes")
