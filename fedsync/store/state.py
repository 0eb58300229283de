"""The folded state in tables: what a fold reads through, and where its changes go.

Touches tables named `state_...`, made from descriptions that the fold gives, and never reads what they mean.
All of it can be made again from the blocks. `folded_upto` says how far it is: the number of the last block that
was folded; it moves in the transaction that wrote what came of that block, so a crash costs a repeat at most.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from fedsync.records.ids import LogId
from fedsync.store import views
from fedsync.store.errors import StoreError, guarded, translated
from fedsync.store.meta import Cell, Meta

if TYPE_CHECKING:
    from fedsync.records.block import Block
    from fedsync.store.logs import Logs

Row: TypeAlias = tuple[Cell, ...]
KeyRow: TypeAlias = tuple[bytes | int | str, ...]


class TableLike(Protocol):
    """What must be known of a table of the state."""

    @property
    def name(self) -> str:
        """Its name, a word."""
        ...

    @property
    def key(self) -> tuple[str, ...]:
        """The names of its key's columns."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its other columns."""
        ...

    @property
    def rooted(self) -> bool:
        """Whether its rows enter the state root."""
        ...


T = TypeVar("T", bound=TableLike)


class _Words:
    """The statements of one table."""

    __slots__ = ("bare", "drop", "get", "put", "scans", "width")

    def __init__(self, table: TableLike) -> None:
        name, columns = table_name(table), ", ".join(_quoted(each) for each in table.columns)
        keys = [_quoted(each) for each in table.key]
        named = ", ".join(keys)
        match = " AND ".join(f"{each} = ?" for each in keys)
        self.width = len(keys)
        self.bare = not table.columns
        self.get = f"SELECT {columns or '1'} FROM {name} WHERE {match}"
        marks = ", ".join("?" * (len(keys) + len(table.columns)))
        self.put = f"INSERT OR REPLACE INTO {name} VALUES ({marks})"
        self.drop = f"DELETE FROM {name} WHERE {match}"
        every = ", ".join(filter(None, (named, columns)))
        self.scans = [
            f"SELECT {every} FROM {name}"
            + (" WHERE " + " AND ".join(f"{each} = ?" for each in keys[:n]) if n else "")
            + f" ORDER BY {named}"
            for n in range(len(keys) + 1)
        ]


class StateTables:
    """The folded state: what a fold calls its view. Writes belong in the open transaction."""

    def __init__(
        self, conn: sqlite3.Connection, meta: Meta, logs: "Logs | None", tables: Iterable[TableLike]
    ) -> None:
        self._conn, self._meta, self._logs = conn, meta, logs
        self._tables = tuple(tables)
        # By identity first: the fold asks by the same objects a million times, and to hash one takes longer
        # than to read a row. The tuple above keeps them, so no identity is used twice.
        self._words = {id(table): _Words(table) for table in self._tables}
        self._equal = {table: self._words[id(table)] for table in self._tables}

    # --- Reading --------------------------------------------------------------------------------------

    def get(self, table: TableLike, key: KeyRow) -> Row | None:
        """Return the row of `key` (its columns without the key), or None."""
        try:
            words = self._words.get(id(table)) or self._equal[table]
            found: Row | None = self._conn.execute(words.get, key).fetchone()
        except sqlite3.Error as error:
            raise translated(error) from error
        return () if found is not None and words.bare else found

    def scan(self, table: TableLike, prefix: KeyRow = ()) -> Iterator[tuple[KeyRow, Row]]:
        """Yield the rows whose key begins with `prefix`, ordered by key, as they are now."""
        words = self._words.get(id(table)) or self._equal[table]
        try:
            rows = self._conn.execute(words.scans[len(prefix)], prefix).fetchall()
        except sqlite3.Error as error:
            raise translated(error) from error
        width = words.width
        return iter([(row[:width], row[width:]) for row in rows])

    def blocks(self, log: LogId, first: int = 0) -> Iterator["Block"]:
        """Yield the held blocks of `log`, all branches, that reach seq `first` or beyond, by first seq."""
        assert self._logs is not None, "who looks at tables alone reads no blocks"
        return self._logs.blocks(log, first)

    @property
    def folded_upto(self) -> int:
        """The number of the last block that is folded."""
        return self._meta.number("folded_upto")

    @property
    def tables(self) -> tuple[TableLike, ...]:
        """The tables that make up the state."""
        return self._tables

    def ready(self, version: int) -> bool:
        """Say whether the file holds the state of these tables, as a fold of this version leaves it."""
        return self._meta.text("state_digest") == self._digest(version)

    @guarded
    def is_of(self, version: int) -> bool:
        """Say whether a fold of this version left the state, and these tables are as described, whatever others are."""
        for table in self._tables:
            held = self._conn.execute("SELECT name FROM pragma_table_info(?)", (f"state_{table.name}",))
            if [name for (name,) in held] != [*table.key, *table.columns]:
                return False
        return self._meta.number("state_version") == version

    # --- Writing --------------------------------------------------------------------------------------

    @guarded
    def write(self, changes: Mapping[tuple[T, KeyRow], Row | None]) -> None:
        """Take the new row of each changed key; None removes it."""
        tables: dict[int, T] = {}
        puts: dict[int, dict[KeyRow, Row]] = {}
        drops: dict[int, list[KeyRow]] = {}
        for (table, key), row in changes.items():
            number = id(table)
            if number not in tables:
                tables[number], puts[number], drops[number] = table, {}, []
            if row is None:
                drops[number].append(key)
            else:
                puts[number][key] = row
        for number, table in tables.items():
            words = self._words.get(number) or self._equal[table]
            if drops[number]:
                self._conn.executemany(words.drop, drops[number])
            # In the key's order: neighbours in the file are written one after the other.
            if rows := puts[number]:
                self._conn.executemany(words.put, [key + rows[key] for key in sorted(rows)])

    def fold_done(self, number: int) -> None:
        """Say that all blocks up to this one are folded."""
        self._meta.set("folded_upto", number)

    def prepare(self, version: int) -> bool:
        """Make the tables if they are not those of these descriptions and fold; return whether they were made.

        Then nothing is folded yet, and all blocks are to be folded again.
        """
        if self.ready(version):
            return False
        self.drop_state()
        for table in self._tables:
            self._create(table)
        self._meta.set("state_digest", self._digest(version))
        self._meta.set("state_version", version)
        views.refresh(self._conn)
        return True

    @guarded
    def drop_state(self) -> None:
        """Remove all that is derived. The blocks stay; `prepare` makes the tables again."""
        rows = self._conn.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'state\\_%' ESCAPE '\\'"
        ).fetchall()
        for (name,) in rows:
            self._conn.execute(f"DROP TABLE {_quoted(name)}")
        self._meta.set("state_digest", None)
        self._meta.set("state_version", None)
        self._meta.set("folded_upto", 0)

    @guarded
    def _create(self, table: TableLike) -> None:
        # No types: a column without one keeps bytes, whole numbers and text as they are.
        keys = ", ".join(_quoted(each) for each in table.key)
        columns = ", ".join(_quoted(each) for each in (*table.key, *table.columns))
        self._conn.execute(
            f"CREATE TABLE {table_name(table)} ({columns}, PRIMARY KEY ({keys})) WITHOUT ROWID"
        )

    def _digest(self, version: int) -> str:
        said = [(each.name, each.key, each.columns) for each in self._tables]
        return sha256(repr((version, said)).encode()).hexdigest()


def table_name(table: TableLike) -> str:
    """Return the name of a state table in the file."""
    return _quoted(f"state_{table.name}")


def _quoted(name: str) -> str:
    if not name.replace("_", "").isalnum():
        raise StoreError(f"{name!r} is no name for a table or a column")
    return f'"{name}"'
