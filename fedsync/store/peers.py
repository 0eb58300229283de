"""Whom this node exchanges with, whom it invited, and which bodies it follows.

Touches `peers`, `invitations` and `followed`. Writes belong in the open transaction. What is remembered of a
peer is a convenience: memory that does not fit is guarded against by the protocol.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from fedsync.records.genesis import Genesis
from fedsync.records.ids import Extent, Key, PageId, Reach, Scope
from fedsync.store.errors import guarded

Source: TypeAlias = Literal["own", "joined", "peer", "asked", "kin", "announced"]
"""Why a body is followed: it is our own; our people founded or joined it; a peer that was invited is its node; the
operator asked for it; our own book makes it kin; a peer announced it."""

_NOTHING = 0
"""The extent of a body of which the operator wants nothing any more, whoever announces it."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A node that this one may exchange with. Times in ms; what is None is not known yet."""

    key: Key
    name: str
    addresses: tuple[str, ...] = ()
    role: str = "peer"
    since: int = 0
    last_contact: int | None = None
    state: str | None = None
    reason: str | None = None
    we_lack: int | None = None
    they_lack: int | None = None
    paused: bool = False


_COLUMNS = "key, name, addresses, role, since, last_contact, state, reason, we_lack, they_lack, paused"


class Peers:
    """The direct peers."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def all(self) -> list[Peer]:
        """Return the peers by name."""
        rows = self._conn.execute(f"SELECT {_COLUMNS} FROM peers ORDER BY name, key").fetchall()
        return [_peer(row) for row in rows]

    @guarded
    def get(self, key: Key) -> Peer | None:
        """Return a peer by its key."""
        row = self._conn.execute(f"SELECT {_COLUMNS} FROM peers WHERE key = ?", (key,)).fetchone()
        return _peer(row) if row else None

    @guarded
    def put(self, peer: Peer) -> None:
        """Add a peer, or replace all that is known of it."""
        self._conn.execute(
            f"INSERT OR REPLACE INTO peers ({_COLUMNS}) VALUES ({', '.join('?' * 11)})",
            (
                peer.key,
                peer.name,
                json.dumps(peer.addresses),
                peer.role,
                peer.since,
                peer.last_contact,
                peer.state,
                peer.reason,
                peer.we_lack,
                peer.they_lack,
                int(peer.paused),
            ),
        )

    @guarded
    def remove(self, key: Key) -> bool:
        """Forget a peer; False when there was none."""
        return self._conn.execute("DELETE FROM peers WHERE key = ?", (key,)).rowcount > 0

    @guarded
    def contact(self, key: Key, at: int) -> None:
        """Note that the peer was heard of."""
        self._conn.execute("UPDATE peers SET last_contact = ? WHERE key = ?", (at, key))

    @guarded
    def show(self, key: Key, state: str, reason: str, we_lack: int | None, they_lack: int | None) -> None:
        """Note what people are shown of the link to this peer: a word, its one reason, and who lacks what."""
        self._conn.execute(
            "UPDATE peers SET state = ?, reason = ?, we_lack = ?, they_lack = ? WHERE key = ?",
            (state, reason, we_lack, they_lack, key),
        )

    @guarded
    def pause(self, key: Key, paused: bool) -> None:
        """Stop exchanging with a peer, or go on."""
        self._conn.execute("UPDATE peers SET paused = ? WHERE key = ?", (int(paused), key))


def _peer(row: Sequence[object]) -> Peer:
    key, name, addresses, role, since, last, state, reason, we, they, paused = row
    return Peer(
        key=key,  # type: ignore[arg-type]
        name=name,  # type: ignore[arg-type]
        addresses=tuple(json.loads(addresses)),  # type: ignore[arg-type]
        role=role,  # type: ignore[arg-type]
        since=since,  # type: ignore[arg-type]
        last_contact=last,  # type: ignore[arg-type]
        state=state,  # type: ignore[arg-type]
        reason=reason,  # type: ignore[arg-type]
        we_lack=we,  # type: ignore[arg-type]
        they_lack=they,  # type: ignore[arg-type]
        paused=bool(paused),
    )


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time invitation, known by the hash of its token. Times in ms."""

    token_hash: bytes
    name: str
    until: int
    used: int | None = None
    used_by: Key | None = None
    since: int = 0
    """When it was given."""


class Invitations:
    """The invitations that this node has given."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def add(self, invitation: Invitation) -> None:
        """Keep an invitation that was given."""
        self._conn.execute(
            "INSERT INTO invitations (token_hash, name, until, used, used_by, since) VALUES (?, ?, ?, ?, ?, ?)",
            (
                invitation.token_hash,
                invitation.name,
                invitation.until,
                invitation.used,
                invitation.used_by,
                invitation.since,
            ),
        )

    @guarded
    def get(self, token_hash: bytes) -> Invitation | None:
        """Return an invitation, used and expired ones too: they are refused in other words than unknown ones."""
        row = self._conn.execute(
            "SELECT token_hash, name, until, used, used_by, since FROM invitations WHERE token_hash = ?",
            (token_hash,),
        ).fetchone()
        return Invitation(*row) if row else None

    @guarded
    def all(self) -> list[Invitation]:
        """Return the invitations, the one that ends last first."""
        rows = self._conn.execute(
            "SELECT token_hash, name, until, used, used_by, since FROM invitations ORDER BY until DESC, token_hash"
        ).fetchall()
        return [Invitation(*row) for row in rows]

    @guarded
    def use(self, token_hash: bytes, by: Key, at: int) -> bool:
        """Mark an invitation as used; False when it was used before, or there is none."""
        cursor = self._conn.execute(
            "UPDATE invitations SET used = ?, used_by = ? WHERE token_hash = ? AND used IS NULL",
            (at, by, token_hash),
        )
        return cursor.rowcount == 1

    @guarded
    def remove(self, token_hash: bytes) -> None:
        """Forget an invitation."""
        self._conn.execute("DELETE FROM invitations WHERE token_hash = ?", (token_hash,))


@dataclass(frozen=True, slots=True)
class FollowedBody:
    """A body whose records this node keeps, and why: its own, a peer's, or one that a peer announced."""

    scope: Scope
    body: PageId
    name: str | None
    source: Source
    via: Key | None
    since: int
    extent: Extent = Extent.ALL


class LetGo(NamedTuple):
    """A body of which the operator wants nothing any more, and what it was called."""

    scope: Scope
    body: PageId
    name: str | None


class Followed:
    """The bodies that this node follows, and how much of each. A scope is bound to one page 0 when it is first followed."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    @guarded
    def all(self) -> list[FollowedBody]:
        """Return them, the own one first, then in the order in which they came."""
        rows = self._conn.execute(
            f"SELECT {_FOLLOWED} FROM followed WHERE extent > 0 ORDER BY source != 'own', since, scope"
        ).fetchall()
        return [_followed(row) for row in rows]

    @guarded
    def get(self, scope: Scope) -> FollowedBody | None:
        """Return what is followed under a scope."""
        row = self._conn.execute(
            f"SELECT {_FOLLOWED} FROM followed WHERE scope = ? AND extent > 0", (scope,)
        ).fetchone()
        return _followed(row) if row else None

    def counts(self, genesis: Genesis) -> bool:
        """Say whether what is held of a log is among what is followed. Of a body of which less is followed than once, the rest
        lies there and grows no more: who shows it would show another state than whoever never had it."""
        followed = self.get(genesis.scope)
        return (
            followed is None
            or genesis.reach is Reach.LOCAL
            or followed.extent.covers(genesis.reach, genesis.log_class)
        )

    @guarded
    def extents(self) -> list[tuple[Scope, PageId, Extent]]:
        """Return how much of each body is followed, by scope."""
        rows = self._conn.execute(
            "SELECT scope, body, extent FROM followed WHERE extent > 0 ORDER BY scope"
        ).fetchall()
        return [(Scope(scope), PageId(body), Extent(extent)) for scope, body, extent in rows]

    @guarded
    def count(self) -> int:
        """Return how many there are."""
        found: int = self._conn.execute("SELECT count(*) FROM followed WHERE extent > 0").fetchone()[0]
        return found

    @guarded
    def add(self, body: FollowedBody) -> bool:
        """Follow a body; False when its scope is followed already, for this body or another: that stays."""
        self._conn.execute("DELETE FROM followed WHERE scope = ? AND extent = 0", (body.scope,))
        cursor = self._conn.execute(
            "INSERT OR IGNORE INTO followed (scope, body, name, source, via, since, extent)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (body.scope, body.body, body.name, body.source, body.via, body.since, int(body.extent)),
        )
        return cursor.rowcount == 1

    @guarded
    def extend(self, scope: Scope, extent: Extent, source: Source) -> None:
        """Follow so much of a body that is followed, and for this reason."""
        self._conn.execute(
            "UPDATE followed SET extent = ?, source = ? WHERE scope = ?", (int(extent), source, scope)
        )

    @guarded
    def name(self, scope: Scope, name: str) -> None:
        """Note a body's name."""
        self._conn.execute("UPDATE followed SET name = ? WHERE scope = ?", (name, scope))

    @guarded
    def remove(self, scope: Scope) -> None:
        """Follow a body no longer. What is held of it stays."""
        self._conn.execute("DELETE FROM followed WHERE scope = ?", (scope,))

    @guarded
    def unfollow(self, scope: Scope) -> None:
        """Follow a body no longer, and remember that the operator wants it so."""
        self._conn.execute("UPDATE followed SET extent = ? WHERE scope = ?", (_NOTHING, scope))

    @guarded
    def let_go(self) -> list[LetGo]:
        """Return the bodies of which the operator wants nothing any more, in the order in which they came."""
        rows = self._conn.execute(
            "SELECT scope, body, name FROM followed WHERE extent = ? ORDER BY since, scope", (_NOTHING,)
        ).fetchall()
        return [LetGo(*row) for row in rows]

    @guarded
    def is_unwanted(self, scope: Scope) -> bool:
        """Say whether the operator wants nothing of a body any more."""
        row = self._conn.execute("SELECT extent FROM followed WHERE scope = ?", (scope,)).fetchone()
        return row is not None and row[0] == _NOTHING


_FOLLOWED = "scope, body, name, source, via, since, extent"


def _followed(row: Sequence[object]) -> FollowedBody:
    scope, body, name, source, via, since, extent = row
    return FollowedBody(
        scope=scope,  # type: ignore[arg-type]
        body=body,  # type: ignore[arg-type]
        name=name,  # type: ignore[arg-type]
        source=source,  # type: ignore[arg-type]
        via=via,  # type: ignore[arg-type]
        since=since,  # type: ignore[arg-type]
        extent=Extent(extent),  # type: ignore[arg-type]
    )
