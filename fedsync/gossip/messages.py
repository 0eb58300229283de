"""The messages of a session, to bytes and back. Pure. docs/protocol.md is their grammar.

A frame carries one msgpack array, [tag, field...], of exactly the arity and the types below; anything else is
refused with a code, and the session ends. Listings are packed by hand (listing.py): they are what a session
over a thin link consists of.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Any, TypeAlias

import msgpack

from fedsync.gossip.holdings import SetKey
from fedsync.gossip.limits import (
    LISTING_BYTES,
    MAX_ARRAY,
    MAX_BODIES,
    MAX_CODE,
    MAX_ENTRIES,
    MAX_MESSAGE,
    MAX_SETS,
    SHORT_BYTES,
)
from fedsync.records.ids import LogClass, LogId, Reach, Scope


class Tag(IntEnum):
    """What a message is. 16 is kept for parts of blocks on thin links."""

    HELLO = 1
    SETS = 2
    RANGE = 3
    DELTA = 4
    REST = 5
    WANT = 6
    BLOCK = 7
    TIP = 8
    REFUSED = 9
    BYE = 10
    NOBASE = 11
    LOCATE = 12
    BODIES = 13
    BEAT = 14
    PRUNE = 15
    PART = 16


class BadMessage(ValueError):
    """The peer sent what is no message. `code` is stable: size, msgpack, shape, tag or field."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Hello:
    """Who I am and how far I have seen you. `root` is over the sets that I think both may hold."""

    version: int
    journal: bytes
    counter: int
    seen_journal: bytes
    seen_counter: int
    nonce: bytes
    wall_ms: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Sets:
    """My sets, ordered, and 8 salted bytes of their roots. The peer compares those that differ by RANGE."""

    roots: tuple[tuple[SetKey, bytes], ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Nodes and items of one set; each entry is understood alone.

    `set` is 4 salted bytes when a SETS of either side named it in this session.
    """

    set: SetKey | bytes
    entries: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """Items of logs that changed since you last saw me. `more`: the listing goes on in the next message."""

    more: bool
    listing: bytes


@dataclass(frozen=True, slots=True)
class Rest:
    """Guards DELTA: 16 bytes over my sets without the logs that either of us listed."""

    root: bytes


@dataclass(frozen=True, slots=True)
class Want:
    """Logs that I ask for, each with what I hold of it."""

    listing: bytes


@dataclass(frozen=True, slots=True)
class BlockMessage:
    """One block. `last`: of what was asked of this log. `pushed`: nobody asked."""

    last: bool
    pushed: bool
    raw: bytes


@dataclass(frozen=True, slots=True)
class Tip:
    """A log has moved, or forked; ask if you want it."""

    log: LogId
    kind: int
    seq: int
    short: bytes
    urgent: int = -1
    """Up to this seq the log goes before all else; -1: nothing of it does. The peer's word: it orders its own wishes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """I do not take this log, until then (ms since 1970; 0: until authority or quota change)."""

    log: LogId
    code: str
    until: int


@dataclass(frozen=True, slots=True)
class Bye:
    """Nothing is left that I would ask. `root` b"": as in my HELLO."""

    code: int
    root: bytes
    counter: int
    handled: int


@dataclass(frozen=True, slots=True)
class NoBase:
    """I cannot serve this log from where you stand. `why` is one of the three below."""

    short: bytes
    why: int


UNKNOWN_BASE, NOTHING_ABOVE, NOT_SERVED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Locate:
    """Records that I hold of this log, so that you find where our chains part."""

    short: bytes
    places: bytes


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bodies that I follow."""

    bodies: tuple[tuple[Scope, bytes], ...]


@dataclass(frozen=True, slots=True)
class Beat:
    """I am here, and this is what I hold: the root over the sets that both may hold.

    `within`: seconds after which I speak again, at the latest. `asks`: answer with a BEAT of yours.
    """

    root: bytes
    counter: int
    handled: int
    within: int
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Prune:
    """I had that already from another: tell me of tips only."""


Message: TypeAlias = (
    Hello
    | Sets
    | Range
    | Delta
    | Rest
    | Want
    | BlockMessage
    | Tip
    | Refused
    | Bye
    | NoBase
    | Locate
    | Bodies
    | Beat
    | Prune
)

_pack = msgpack.Packer(use_bin_type=True, autoreset=True).pack


def encode(message: Message) -> bytes:
    """Return the bytes of a message."""
    tag, fields = _FIELDS[type(message)]
    packed: bytes = _pack([tag, *fields(message)])
    return packed


def decode(frame: bytes) -> Message:
    """Return the message in a frame. Raises BadMessage for anything but exactly one well-formed message."""
    if len(frame) > MAX_MESSAGE:
        raise BadMessage("size", f"a message of {len(frame)} bytes")
    try:
        value = msgpack.unpackb(
            frame,
            raw=False,
            strict_map_key=True,
            max_str_len=MAX_CODE,
            max_bin_len=MAX_MESSAGE,
            max_array_len=MAX_ARRAY,
            max_map_len=0,
            max_ext_len=0,
        )
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as error:
        raise BadMessage("msgpack", f"no msgpack that a message may be: {type(error).__name__}") from None
    if type(value) is not list or not value or type(value[0]) is not int:
        raise BadMessage("shape", "a message is a list that begins with its tag")
    reader = _READERS.get(value[0])
    if reader is None:
        raise BadMessage("tag", f"no message has the tag {value[0]}")
    arity, read = reader
    if len(value) != arity:
        raise BadMessage("shape", f"a {Tag(value[0]).name} has {arity} fields, not {len(value)}")
    return read(value)


# --- Fields: exactly these types, since Python holds True == 1 -----------------------------------------


def _whole(value: Any, below: int = 2**63) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise BadMessage("field", "a number that is none, or out of bounds")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise BadMessage("field", "a flag that is neither true nor false")
    return value


def _bytes(value: Any, *lengths: int) -> bytes:
    if type(value) is not bytes or (lengths and len(value) not in lengths):
        raise BadMessage("field", "bytes of another length than they should have")
    return value


def _listing(value: Any) -> bytes:
    if type(value) is not bytes or len(value) > LISTING_BYTES + 1024:
        raise BadMessage("field", "a listing that is none, or too long")
    return value


def _list(value: Any, limit: int) -> list[Any]:
    if type(value) is not list or len(value) > limit:
        raise BadMessage("field", f"a list that is none, or has more than {limit} elements")
    return value


def _set(scope: Any, reach: Any, log_class: Any) -> SetKey:
    try:
        return Scope(_bytes(scope, 16)), Reach(_whole(reach)), LogClass(_whole(log_class))
    except BadMessage:
        raise
    except ValueError:
        raise BadMessage("field", "a set of an unknown reach or class") from None


def _hello(v: list[Any]) -> Message:
    return Hello(
        _whole(v[1]),
        _bytes(v[2], 8),
        _whole(v[3]),
        _bytes(v[4], 0, 8),
        _whole(v[5]),
        _bytes(v[6], 8),
        _whole(v[7]),
        _bytes(v[8], 16),
    )


def _sets(v: list[Any]) -> Message:
    roots: list[tuple[SetKey, bytes]] = []
    for each in _list(v[1], MAX_SETS):
        if len(_list(each, 2)) != 2:
            raise BadMessage("shape", "the sets of a scope have two fields")
        for one in _list(each[1], 12):
            if len(_list(one, 2)) != 2:
                raise BadMessage("shape", "a set has two fields")
            reach, log_class = divmod(_whole(one[0], 12), 4)
            roots.append((_set(each[0], reach, log_class), _bytes(one[1], 8)))
    return Sets(tuple(roots))


def _scopes(message: Sets) -> list[Any]:
    scopes = groupby(message.roots, key=lambda each: each[0][0])
    return [[scope, [[key[1] * 4 + key[2], root] for key, root in group]] for scope, group in scopes]


def _range(v: list[Any]) -> Message:
    if type(v[1]) is list:
        if len(v[1]) != 3:
            raise BadMessage("shape", "a set has three fields")
        key: SetKey | bytes = _set(*v[1])
    else:
        key = _bytes(v[1], 4)
    return Range(key, tuple([_bytes(each) for each in _list(v[2], MAX_ENTRIES)]))


def _bodies(v: list[Any]) -> Message:
    bodies = []
    for each in _list(v[1], MAX_BODIES):
        if len(_list(each, 2)) != 2:
            raise BadMessage("shape", "a body has two fields")
        bodies.append((Scope(_bytes(each[0], 16)), _bytes(each[1], 0, 32)))
    return Bodies(tuple(bodies))


def _refused(v: list[Any]) -> Message:
    if type(v[2]) is not str or len(v[2].encode(errors="replace")) > MAX_CODE:
        raise BadMessage("field", "a code that is none, or too long")
    return Refused(LogId(_bytes(v[1], 32)), v[2], _whole(v[3]))


_READERS: dict[int, tuple[int, Callable[[list[Any]], Message]]] = {
    Tag.HELLO: (9, _hello),
    Tag.SETS: (2, _sets),
    Tag.RANGE: (3, _range),
    Tag.DELTA: (3, lambda v: Delta(_flag(v[1]), _listing(v[2]))),
    Tag.REST: (2, lambda v: Rest(_bytes(v[1], 16))),
    Tag.WANT: (2, lambda v: Want(_listing(v[1]))),
    Tag.BLOCK: (3, lambda v: BlockMessage(bool(_whole(v[1], 4) & 1), v[1] > 1, _bytes(v[2]))),
    Tag.TIP: (
        6,
        lambda v: Tip(
            LogId(_bytes(v[1], 32)), _whole(v[2], 3), _whole(v[3]), _bytes(v[4], 4), _whole(v[5]) - 1
        ),
    ),
    Tag.REFUSED: (4, _refused),
    Tag.BYE: (5, lambda v: Bye(_whole(v[1], 256), _bytes(v[2], 0, 16), _whole(v[3]), _whole(v[4]))),
    Tag.NOBASE: (3, lambda v: NoBase(_bytes(v[1], SHORT_BYTES), _whole(v[2], 3))),
    Tag.LOCATE: (3, lambda v: Locate(_bytes(v[1], SHORT_BYTES), _listing(v[2]))),
    Tag.BODIES: (2, _bodies),
    Tag.BEAT: (
        6,
        lambda v: Beat(_bytes(v[1], 16), _whole(v[2]), _whole(v[3]), _whole(v[4]), _flag(v[5])),
    ),
    Tag.PRUNE: (1, lambda _: Prune()),
}

_FIELDS: dict[type[Any], tuple[int, Callable[[Any], list[Any]]]] = {
    Hello: (
        Tag.HELLO,
        lambda m: [
            m.version, m.journal, m.counter, m.seen_journal, m.seen_counter, m.nonce, m.wall_ms, m.root,
        ],
    ),
    Sets: (Tag.SETS, lambda m: [_scopes(m)]),
    Range: (Tag.RANGE, lambda m: [m.set, list(m.entries)]),
    Delta: (Tag.DELTA, lambda m: [m.more, m.listing]),
    Rest: (Tag.REST, lambda m: [m.root]),
    Want: (Tag.WANT, lambda m: [m.listing]),
    BlockMessage: (Tag.BLOCK, lambda m: [m.last | m.pushed << 1, m.raw]),
    Tip: (Tag.TIP, lambda m: [m.log, m.kind, m.seq, m.short, m.urgent + 1]),
    Refused: (Tag.REFUSED, lambda m: [m.log, m.code, m.until]),
    Bye: (Tag.BYE, lambda m: [m.code, m.root, m.counter, m.handled]),
    NoBase: (Tag.NOBASE, lambda m: [m.short, m.why]),
    Locate: (Tag.LOCATE, lambda m: [m.short, m.places]),
    Bodies: (Tag.BODIES, lambda m: [[list(each) for each in m.bodies]]),
    Beat: (Tag.BEAT, lambda m: [m.root, m.counter, m.handled, m.within, m.asks]),
    Prune: (Tag.PRUNE, lambda _: []),
}  # fmt: skip
