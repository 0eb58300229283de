"""Whom the operator removed, and who introduced whom. Touches `removed`, `introductions` and `introducing`.

A removal stays until the operator says otherwise: whatever a book names, a peer introduces or a node announces later.
"""

import json
import sqlite3
from dataclasses import dataclass

from fedsync.records.ids import Key, PageId, Scope
from fedsync.store.errors import guarded

MAX_INTRODUCED = 16
"""Nodes that one peer's introductions are kept of; more wait until the operator decided on some, or took that peer's back."""
MAX_INTRODUCING = 256
"""Introductions of ours that are kept to be said; the first goes."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A node that the operator removed, and what it was called. `at` in ms."""

    key: Key
    name: str
    at: int


class Removed:
    """The nodes that the operator removed."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def all(self) -> list[Removal]:
        """Return them by name."""
        rows = self._conn.execute("SELECT key, name, at FROM removed ORDER BY name, key").fetchall()
        return [Removal(*row) for row in rows]

    @guarded
    def get(self, key: Key) -> Removal | None:
        """Return the removal of a node, None when it is not removed."""
        row = self._conn.execute("SELECT key, name, at FROM removed WHERE key = ?", (key,)).fetchone()
        return Removal(*row) if row else None

    @guarded
    def add(self, removal: Removal) -> None:
        """Keep it that a node is removed."""
        self._conn.execute("INSERT OR REPLACE INTO removed (key, name, at) VALUES (?, ?, ?)",
                           (removal.key, removal.name, removal.at))  # fmt: skip

    @guarded
    def take_back(self, key: Key) -> bool:
        """Let a node be as any other again; False when it was not removed."""
        return self._conn.execute("DELETE FROM removed WHERE key = ?", (key,)).rowcount > 0


@dataclass(frozen=True, slots=True)
class Introduction:
    """A node of which a peer says that we should know it. What it says of the node is its word alone. `at` in ms."""

    node: Key
    by: Key
    name: str
    addresses: tuple[str, ...]
    scope: Scope | None
    body: PageId | None
    at: int


@dataclass(frozen=True, slots=True)
class Introducing:
    """That this node is to introduce one node to another."""

    node: Key
    to: Key
    at: int


class Introductions:
    """Who introduced whom: to us, and by us."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def all(self) -> list[Introduction]:
        """Return what peers introduced to us, the first that came first."""
        rows = self._conn.execute(
            "SELECT node, by, name, addresses, scope, body, at FROM introductions ORDER BY at, node, by"
        ).fetchall()
        return [
            Introduction(node, by, name, tuple(json.loads(addresses)), scope, body, at)
            for node, by, name, addresses, scope, body, at in rows
        ]

    def of(self, node: Key) -> list[Introduction]:
        """Return who introduced a node, the first first."""
        return [each for each in self.all() if each.node == node]

    @guarded
    def add(self, said: Introduction) -> bool:
        """Keep what a peer says; False when that many of this peer are kept that the operator must decide first."""
        held = self._conn.execute(
            "SELECT count(*) FROM introductions WHERE by = ? AND node != ?", (said.by, said.node)
        ).fetchone()[0]
        if held >= MAX_INTRODUCED:
            return False
        self._conn.execute(
            "INSERT INTO introductions (node, by, name, addresses, scope, body, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (node, by) DO UPDATE SET name = excluded.name, addresses = excluded.addresses,"
            " scope = excluded.scope, body = excluded.body",
            (said.node, said.by, said.name, json.dumps(said.addresses), said.scope, said.body, said.at),
        )
        return True

    @guarded
    def forget(self, node: Key) -> None:
        """Forget who introduced a node."""
        self._conn.execute("DELETE FROM introductions WHERE node = ?", (node,))

    @guarded
    def ours(self) -> list[Introducing]:
        """Return whom this node is to introduce, the first first."""
        rows = self._conn.execute("SELECT node, told, at FROM introducing ORDER BY at, node, told").fetchall()
        return [Introducing(*row) for row in rows]

    @guarded
    def introduce(self, node: Key, to: Key, at: int) -> None:
        """Keep it that one node is to be introduced to another."""
        self._conn.execute(
            "INSERT OR REPLACE INTO introducing (node, told, at) VALUES (?, ?, ?)", (node, to, at)
        )
        self._conn.execute(
            "DELETE FROM introducing WHERE (node, told) IN"
            " (SELECT node, told FROM introducing ORDER BY at DESC, node, told LIMIT -1 OFFSET ?)",
            (MAX_INTRODUCING,),
        )

    @guarded
    def introduce_no_more(self, key: Key) -> None:
        """Introduce a node to nobody any more, and nobody to it."""
        self._conn.execute("DELETE FROM introducing WHERE node = ? OR told = ?", (key, key))
