"""What is said on the carrier of a relay: who waits to be called, who calls whom, and the bytes of the two. Pure.

A carrier of its own beside sessions: a connection to the relay that says by its ALPN that it is no session. Whoever
cannot be called waits at the relay (ATTEND). A call rings there, is answered over a new connection, and from GO on
the relay passes the two connections' DATA on, as it comes. What DATA holds is TLS between the two.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

import msgpack

from fedsync.gossip.messages import BadMessage
from fedsync.records.ids import Key

PROTOCOL: Final = "fedsync-relay/1"
"""The ALPN name of the carrier."""
MAX_DATA: Final = 32 * 1024
"""Bytes of one DATA: what a relay holds of a stream at a time, each way, beside the queue of the connection."""
TICKET_BYTES: Final = 16
MAX_CODE: Final = 32
"""Bytes of the code in an END."""

_ATTEND, _HERE, _CALL, _RING, _ANSWER, _GO, _END = range(1, 8)
_DATA = b"\0"


@dataclass(frozen=True, slots=True)
class Attend:
    """I can be called here, over this connection. Said again now and then, as a sign of life."""


@dataclass(frozen=True, slots=True)
class Here:
    """The relay's answer to ATTEND."""


@dataclass(frozen=True, slots=True)
class Call:
    """Connect me with this node, which waits with you."""

    callee: Key


@dataclass(frozen=True, slots=True)
class Ring:
    """Somebody calls who waits: answer with this ticket, over a new connection."""

    ticket: bytes
    caller: Key


@dataclass(frozen=True, slots=True)
class Answer:
    """I take the call with this ticket."""

    ticket: bytes


@dataclass(frozen=True, slots=True)
class Go:
    """The other side is there: from now on DATA, both ways."""


@dataclass(frozen=True, slots=True)
class End:
    """The relay carries no more of this, for a reason with a stable code; `until`, in ms since 1970, is when it may go on."""

    code: str
    until: int = 0


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of the one for the other."""

    bytes: bytes


Word: TypeAlias = Attend | Here | Call | Ring | Answer | Go | End | Data


def encode(word: Word) -> bytes:
    """Return the body of the frame that says this."""
    match word:
        case Data(data):
            return _DATA + data
        case Attend():
            fields: list[object] = [_ATTEND]
        case Here():
            fields = [_HERE]
        case Call(callee):
            fields = [_CALL, callee]
        case Ring(ticket, caller):
            fields = [_RING, ticket, caller]
        case Answer(ticket):
            fields = [_ANSWER, ticket]
        case Go():
            fields = [_GO]
        case End(code, until):
            fields = [_END, code.encode(), until]
        case _:
            assert_never(word)
    packed: bytes = msgpack.packb(fields)
    return packed


def decode(body: bytes) -> Word:
    """Return what a frame says. Raises BadMessage."""
    if body[:1] == _DATA:
        if not 0 < len(body) - 1 <= MAX_DATA:
            # What is empty would be carried all day for nothing, and keep a call that is idle.
            raise BadMessage("field", f"{len(body) - 1} bytes of data at once")
        return Data(body[1:])
    try:
        fields = msgpack.unpackb(body, max_array_len=4, max_bin_len=64, max_map_len=0, max_str_len=0)
    except Exception as error:  # whatever a peer's bytes bring about: they say nothing
        raise BadMessage("msgpack", "no word of a relay") from error
    match fields:
        case [1]:
            return Attend()
        case [2]:
            return Here()
        case [3, bytes() as callee] if len(callee) == 32:
            return Call(Key(callee))
        case [4, bytes() as ticket, bytes() as caller] if len(ticket) == TICKET_BYTES and len(caller) == 32:
            return Ring(ticket, Key(caller))
        case [5, bytes() as ticket] if len(ticket) == TICKET_BYTES:
            return Answer(ticket)
        case [6]:
            return Go()
        case [7, bytes() as code, int() as until] if (
            type(until) is int and 0 <= until < 1 << 53 and len(code) <= MAX_CODE and code.isascii()
        ):
            return End(code.decode(), until)
    raise BadMessage("field", "no word of a relay")


SENTENCES: Final = {
    "not-offered": "it does not relay",
    "unknown": "it knows one of the two not at all",
    "absent": "the other does not wait there to be called",
    "busy": "it carries as many streams as it offers to",
    "quota": "it has carried as much today as it offers to",
    "pair-quota": "it has carried as much between the two today as it offers to",
    "idle": "nothing went to and fro for too long",
    "ended": "the other side hung up",
    "replaced": "another call took its place",
    "misbehaved": "it took our words for none",
}
"""Why a relay does not carry, in words, by the code of its END."""


def sentence(end: End) -> str:
    """Return why a relay does not carry. A code that is not known is shown as it is, escaped."""
    return SENTENCES.get(end.code) or f"it says {end.code!a}"
