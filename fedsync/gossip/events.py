"""What happens to a session, and what it wants done: closed unions, both ways. Pure.

The shell turns sockets, clocks and the store into events, and carries out effects in their order. `now` is in
seconds of any clock that does not jump.
"""

from dataclasses import dataclass
from typing import NamedTuple, NewType, TypeAlias

from fedsync.gossip.deeds import Deed
from fedsync.gossip.hearsay import Hint
from fedsync.gossip.holdings import Head
from fedsync.gossip.nature import STREAM, Nature
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.records.ids import Extent, Key, LogId, Scope

Peer = NewType("Peer", bytes)
"""Whom a session is with: the peer's node key."""

# --- Events -------------------------------------------------------------------------------------------


class Opened(NamedTuple):
    """The carrier stands. `nonce`: 8 random bytes; `wall_ms` is told to the peer, for its report only."""

    dialler: bool
    nonce: bytes
    wall_ms: int
    memory: PeerMemory | None
    brief: bool = False
    """End when nothing is left to ask, instead of staying for what comes."""
    near: frozenset[Scope] | None = None
    """The bodies of which the peer may have what goes only as far as their region; None: every one."""
    nature: Nature = STREAM
    """What the carrier is like."""


class Received(NamedTuple):
    """A frame's body has come."""

    frame: bytes


class Room(NamedTuple):
    """The carrier takes so many more bytes now. It says so whenever its queue has drained."""

    size: int


class Held(NamedTuple):
    """The block, or the longest part of it that deserved it, is durable. `fork`: the log is forked there."""

    records: int
    fork: int | None = None
    fault: bool = False
    """Whether the rest of it was badly signed: a strike for who sent it."""


@dataclass(frozen=True, slots=True)
class Known:
    """All of it was held, or its log is forked below it."""


@dataclass(frozen=True, slots=True)
class Struck:
    """The bytes deserved nothing: bad hash, chain or end signature, or no block at all."""

    code: str


@dataclass(frozen=True, slots=True)
class Parked:
    """Its author is unknown; perhaps kept aside. `until` is in ms since 1970."""

    code: str
    until: int


@dataclass(frozen=True, slots=True)
class Declined:
    """It is not taken, until then (ms since 1970; 0: until authority or quota change)."""

    code: str
    until: int


@dataclass(frozen=True, slots=True)
class Baseless:
    """What it follows is not held."""


Outcome: TypeAlias = Held | Known | Struck | Parked | Declined | Baseless


class Taken(NamedTuple):
    """The door has answered the Take of this number, and what it kept is durable."""

    number: int
    outcome: Outcome


class Stored(NamedTuple):
    """A block is durable, whoever brought it. `origin`: the peer that did, None for our own."""

    log: LogId
    raw: bytes
    tip: Head
    fork: int | None = None
    origin: Peer | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """Authority, quota or pins have changed: what was refused or parked is asked for again."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The body of a log that is held has named its tip, or takes that back: only the tip's chain is judged then.

    Which record that is stands in what is held (`Log.pin`), and is durable.
    """

    log: LogId


@dataclass(frozen=True, slots=True)
class Hurried:
    """More of a log that is held goes before all else than before: see `Log.urgent`."""

    log: LogId


@dataclass(frozen=True, slots=True)
class Followed:
    """The bodies that this node follows have changed."""


@dataclass(frozen=True, slots=True)
class Curious:
    """This node may have a use for bodies now that it does not follow: ask which those of the peer are."""


@dataclass(frozen=True, slots=True)
class Entitled:
    """The peer may have all of other bodies than before: see `Opened.near`."""

    near: frozenset[Scope] | None


@dataclass(frozen=True, slots=True)
class Introducing:
    """The peer is to hear of a node: its key, its name and addresses as text, its body's founding tag and id, or neither."""

    node: Key
    name: bytes
    addresses: bytes
    scope: bytes = b""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; a session asks for it with Wake."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """This node gives the link up. `why` is one of LEAVE's; the peer is told."""

    why: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The carrier is gone."""


Event: TypeAlias = (
    Opened
    | Leaving
    | Received
    | Room
    | Taken
    | Stored
    | Granted
    | Pinned
    | Hurried
    | Followed
    | Curious
    | Entitled
    | Introducing
    | Tick
    | Closed
)

# --- Effects ------------------------------------------------------------------------------------------


class Send(NamedTuple):
    """Put this frame's body on the carrier, after what it has of the same or a more urgent priority (0 first)."""

    frame: bytes
    priority: int


class Take(NamedTuple):
    """Let the door judge this block, in order; answer with Taken."""

    number: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Follow:
    """The peer follows so much of this body, and we less; follow it too if it is wanted here, and say Followed."""

    scope: Scope
    body: bytes
    extent: Extent = Extent.ALL


class Remember(NamedTuple):
    """Keep this of the peer, for the next session. Everything it rests on is durable."""

    memory: PeerMemory


class Level(NamedTuple):
    """All that the peer holds of what both may hold is held here, and nothing of it is refused. `told`: by its word, how
    fresh its own knowledge of some bodies is."""

    told: tuple[Hint, ...] = ()


@dataclass(frozen=True, slots=True)
class Outrun:
    """The peer remembers more of this journal than it holds: it was rolled back. Write to no old log."""

    counter: int


@dataclass(frozen=True, slots=True)
class Noted:
    """The peer refuses a log of ours, or we one of its: to be shown."""

    log: LogId
    code: str
    until: int
    ours: bool
    """Whether it is we who refuse."""


@dataclass(frozen=True, slots=True)
class Introduced:
    """The peer says that there is this node. Its word alone: whoever reads it decides."""

    node: Key
    name: bytes
    addresses: bytes
    scope: bytes
    body: bytes


class Did(NamedTuple):
    """The peer did something that one thinks better or worse of it for."""

    deed: Deed


class Pause(NamedTuple):
    """Read no frame of the peer's until then; None: until Resume."""

    until: float | None


@dataclass(frozen=True, slots=True)
class Resume:
    """Read the peer's frames again."""


class Wake(NamedTuple):
    """Say Tick then, at the latest. A later Wake takes an earlier one's place."""

    at: float


class Close(NamedTuple):
    """Send what is queued and close the carrier. `code` is stable; do not hear the peer for `back_off` seconds.

    `again`: the peer wants to be called again after so many seconds, not earlier; 0: it does not say.
    """

    code: str
    reason: str
    back_off: float = 0.0
    again: float = 0.0


Effect: TypeAlias = (
    Send
    | Take
    | Follow
    | Remember
    | Level
    | Outrun
    | Noted
    | Introduced
    | Did
    | Pause
    | Resume
    | Wake
    | Close
)
