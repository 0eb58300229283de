"""How a fold reads the state and says what it changes. Pure; the state itself lies elsewhere.

State is a handful of tables of plain rows. A fold never holds the state: it reads through a `View`
and writes into a `Draft`, whose `changes` the program above commits, with the block or soon after.
`MemoryView` keeps the same tables in memory: for tests, simulation and naive twins.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from fedsync.records.ids import LogId

if TYPE_CHECKING:
    # Tables are named by commands that read no block, and what a block needs takes long to load.
    from fedsync.records.block import Block

Cell: TypeAlias = bytes | int | str | None
Row: TypeAlias = tuple[Cell, ...]
KeyRow: TypeAlias = tuple[bytes | int | str, ...]


# Compared by identity: there is one of each, and a fold looks thousands of rows up by it.
@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of the folded state: what its key and its columns are called.

    `rooted` says that its rows enter the state root: they depend only on the set of records held,
    never on how these were grouped, ordered or repeated, and hold nothing local or disputed.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rooted: bool = False


Changes: TypeAlias = dict[tuple[Table, KeyRow], Row | None]
"""The new row of each changed key; None says that the row is gone."""


class View(Protocol):
    """What a fold may read."""

    def get(self, table: Table, key: KeyRow) -> Row | None:
        """Return the row of `key` (its columns without the key), or None."""
        ...

    def scan(self, table: Table, prefix: KeyRow = ()) -> Iterator[tuple[KeyRow, Row]]:
        """Yield the rows whose key begins with `prefix`, ordered by key."""
        ...

    def blocks(self, log: LogId, first: int = 0) -> Iterator["Block"]:
        """Yield the held blocks of `log`, all branches, that reach seq `first` or beyond, by first seq."""
        ...


class Draft:
    """Changes over a view: reads see what was put. Lives for one batch; `changes` is what came of it.

    The view may not change meanwhile: a row is asked for once and remembered.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self.changes: Changes = {}
        self._rows: Changes = {}
        """What was put, and what was read."""
        self._touched: dict[Table, _Touched] = {}

    def get(self, table: Table, key: KeyRow) -> Row | None:
        """Return the row of `key` as it is with the changes so far."""
        place = (table, key)
        row = self._rows.get(place, _ABSENT)
        if row is _ABSENT:
            row = self._rows[place] = self._view.get(table, key)
        return row  # type: ignore[return-value]

    def is_new(self, table: Table, key: KeyRow) -> None:
        """Say that the view can't have a row of `key`, so that nobody looks for it there."""
        self._rows.setdefault((table, key), None)

    def put(self, table: Table, key: KeyRow, row: Row) -> None:
        """Set the row of `key`."""
        self._set(table, key, row)

    def drop(self, table: Table, key: KeyRow) -> None:
        """Remove the row of `key`, if there is one."""
        self._set(table, key, None)

    def _set(self, table: Table, key: KeyRow, row: Row | None) -> None:
        place = (table, key)
        if place not in self.changes:
            touched = self._touched.get(table)
            if touched is None:
                touched = self._touched[table] = _Touched()
            touched.fresh.append(key)
        self.changes[place] = self._rows[place] = row

    def scan(self, table: Table, prefix: KeyRow = ()) -> Iterator[tuple[KeyRow, Row]]:
        """Yield the rows whose key begins with `prefix`, ordered by key, with the changes so far."""
        touched = self._touched.get(table)
        mine = touched.under(prefix) if touched else []
        if not mine:
            yield from self._view.scan(table, prefix)
            return
        rows = dict(self._view.scan(table, prefix))
        for key in mine:
            row = self.changes[table, key]
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        yield from sorted(rows.items(), key=lambda item: item[0])

    def changed(self, table: Table) -> list[KeyRow]:
        """Return the keys of a table that were put or dropped, in order."""
        touched = self._touched.get(table)
        return touched.under(()) if touched else []

    def blocks(self, log: LogId, first: int = 0) -> Iterator["Block"]:
        """Yield the held blocks of `log` from `first` on."""
        return self._view.blocks(log, first)


class _Touched:
    """The keys of one table that a draft changed. Sorted only when somebody scans: most batches never do."""

    __slots__ = ("fresh", "ordered")

    def __init__(self) -> None:
        self.fresh: list[KeyRow] = []
        self.ordered: list[KeyRow] = []

    def under(self, prefix: KeyRow) -> list[KeyRow]:
        """Return the keys that begin with `prefix`, in order."""
        if len(self.fresh) > 16:
            self.ordered.extend(self.fresh)
            self.ordered.sort()
        else:
            for key in self.fresh:
                insort(self.ordered, key)
        self.fresh.clear()
        keys, n = self.ordered, len(prefix)
        start = end = bisect_left(keys, prefix)
        while end < len(keys) and keys[end][:n] == prefix:
            end += 1
        return keys[start:end]


_ABSENT: object = object()


class MemoryView:
    """The state in memory: `commit` takes a draft's changes. `hold` adds a block that `blocks` shall yield."""

    def __init__(self) -> None:
        self._rows: defaultdict[Table, dict[KeyRow, Row]] = defaultdict(dict)
        self._keys: defaultdict[Table, dict[Cell, list[KeyRow]]] = defaultdict(dict)
        """By their first cell, ordered: hardly anyone scans a table from end to end."""
        self._blocks: dict[LogId, list[Block]] = {}

    def get(self, table: Table, key: KeyRow) -> Row | None:
        """Return the row of `key`, or None."""
        return self._rows[table].get(key)

    def scan(self, table: Table, prefix: KeyRow = ()) -> Iterator[tuple[KeyRow, Row]]:
        """Yield the rows whose key begins with `prefix`, ordered by key."""
        groups, n = self._keys[table], len(prefix)
        found: list[KeyRow] = []
        if not prefix:
            for first in sorted(groups):  # type: ignore[type-var]
                found.extend(groups[first])
        elif prefix[0] in groups:
            keys = groups[prefix[0]]
            at = bisect_left(keys, prefix)
            while at < len(keys) and keys[at][:n] == prefix:
                found.append(keys[at])
                at += 1
        rows = self._rows[table]
        yield from [(key, rows[key]) for key in found]

    def blocks(self, log: LogId, first: int = 0) -> Iterator["Block"]:
        """Yield the held blocks of `log` that reach `first` or beyond."""
        yield from [block for block in self._blocks.get(log, []) if block.last >= first]

    def hold(self, block: "Block") -> None:
        """Keep a block, so that later folds can read it again."""
        held = self._blocks.setdefault(block.log, [])
        held.append(block)
        if len(held) > 1 and held[-2].first > block.first:
            held.sort(key=lambda each: each.first)

    def commit(self, changes: Mapping[tuple[Table, KeyRow], Row | None]) -> None:
        """Take a draft's changes."""
        for (table, key), row in changes.items():
            rows = self._rows[table]
            if row is None:
                if rows.pop(key, None) is not None:
                    keys = self._keys[table][key[0]]
                    del keys[bisect_left(keys, key)]
            else:
                if key not in rows:
                    insort(self._keys[table].setdefault(key[0], []), key)
                rows[key] = row
