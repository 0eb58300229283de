"""How fresh what is held of each body is: what the daemon saw itself, and what peers told it. Touches `freshness`.

Writes belong in the open transaction. Moments are in ms by this machine's clock, whatever that was worth then.
"""

import sqlite3
from dataclasses import dataclass

from fedsync.records.ids import Key, Scope
from fedsync.store.errors import guarded


@dataclass(frozen=True, slots=True)
class Seen:
    """At that moment all was held that this node held, which the body's own book names."""

    at: int
    node: Key


@dataclass(frozen=True, slots=True)
class Told:
    """A peer told that such was so at that moment; `hops`: over how many nodes it had heard that, 0 for none."""

    at: int
    peer: Key
    hops: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of one body."""

    seen: Seen | None = None
    told: Told | None = None


class Freshnesses:
    """What is known of each body."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def all(self) -> dict[Scope, Freshness]:
        """Return it by founding tag."""
        rows = self._conn.execute(f"SELECT {_COLUMNS} FROM freshness").fetchall()
        return {Scope(row[0]): _read(*row[1:]) for row in rows}

    @guarded
    def get(self, scope: Scope) -> Freshness:
        """Return what is known of a body, nothing perhaps."""
        row = self._conn.execute(f"SELECT {_COLUMNS} FROM freshness WHERE scope = ?", (scope,)).fetchone()
        return _read(*row[1:]) if row else Freshness()

    @guarded
    def put(self, scope: Scope, known: Freshness) -> None:
        """Keep what is known of a body."""
        seen = (known.seen.at, known.seen.node) if known.seen else (None, None)
        told = (known.told.at, known.told.peer, known.told.hops) if known.told else (None, None, None)
        self._conn.execute(
            f"INSERT OR REPLACE INTO freshness ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", (scope, *seen, *told)
        )


_COLUMNS = "scope, seen_at, seen_node, told_at, told_peer, told_hops"


def _read(
    seen_at: int | None, node: bytes | None, told_at: int | None, peer: bytes | None, hops: int | None
) -> Freshness:
    seen = Seen(seen_at, Key(node)) if seen_at is not None and node is not None else None
    told = (
        Told(told_at, Key(peer), hops)
        if told_at is not None and peer is not None and hops is not None
        else None
    )
    return Freshness(seen, told)
