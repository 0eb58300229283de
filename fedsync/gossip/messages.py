"""The messages of a session, to bytes and back. Pure. docs/protocol.md is their grammar.

A frame carries one msgpack array, [tag, field...], of exactly the arity and the types below; anything else is
refused with a code, and the session ends. Listings are packed by hand (listing.py): they are what a session
over a thin link consists of.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby, pairwise
from typing import Any, NamedTuple, TypeAlias

import msgpack

from fedsync.gossip.holdings import SetKey
from fedsync.gossip.limits import (
    ALIAS_BYTES,
    ALIAS_SALT_BYTES,
    HEARSAY,
    LISTING_BYTES,
    MAX_ARRAY,
    MAX_ASKED,
    MAX_CODE,
    MAX_ENTRIES,
    MAX_MESSAGE,
    MAX_NAME,
    MAX_PLACES,
    MAX_SETS,
    MAX_SPANS,
    SHORT_BYTES,
)
from fedsync.records.dictionary import NEWEST
from fedsync.records.ids import Key, LogClass, LogId, Reach, Scope
from fedsync.records.segment import SHORT_BYTES as SEGMENT_SHORT_BYTES


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
    SPANS = 17
    LEAVE = 18
    INTRODUCE = 19
    SEGMENT = 20
    PLAIN = 21
    WHICH = 22
    THESE = 23


class BadMessage(ValueError):
    """The peer sent what is no message. `code` is stable: size, msgpack, shape, tag or field."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Hello(NamedTuple):
    """Who I am and how far I have seen you. `root` is over the sets that I think both may hold."""

    version: int
    journal: bytes
    counter: int
    seen_journal: bytes
    seen_counter: int
    nonce: bytes
    wall_ms: int
    root: bytes
    follows: bytes = bytes(8)
    """A digest of what I follow, as I would tell it to you: equal to yours, nobody need say it."""
    words: int = NEWEST
    """The newest dictionary that I have for segments; 0: send me none."""


class Sets(NamedTuple):
    """My sets, ordered, and 8 salted bytes of their roots. The peer compares those that differ by RANGE.

    All that I have of the scopes from `first` to below `end`; empty: from the beginning, to the end.
    """

    roots: tuple[tuple[SetKey, bytes], ...]
    first: bytes = b""
    end: bytes = b""


@dataclass(frozen=True, slots=True)
class Spans:
    """All my sets in brief: where each stretch of scopes ends, and 8 salted bytes over its sets.

    The first begins at the beginning, each other where the one before it ends, and the last ends at the end: b"". The peer
    answers each that differs with SETS.
    """

    spans: tuple[tuple[bytes, bytes], ...]


class Range(NamedTuple):
    """Nodes and items of one set; each entry is understood alone.

    `set` is 4 salted bytes when a SETS of either side named it in this session.
    """

    set: SetKey | bytes
    entries: tuple[bytes, ...]


class Delta(NamedTuple):
    """Items of logs that changed since you last saw me. `more`: the listing goes on in the next message."""

    more: bool
    listing: bytes


class Rest(NamedTuple):
    """Guards DELTA: 16 bytes over my sets without the logs that either of us listed."""

    root: bytes


class Want(NamedTuple):
    """Logs that I ask for, each with what I hold of it."""

    listing: bytes


class BlockMessage(NamedTuple):
    """One block. `last`: of what was asked of this log. `pushed`: nobody asked."""

    last: bool
    pushed: bool
    raw: bytes


class Segment(NamedTuple):
    """One block, without what you hold already: `records.segment`."""

    last: bool
    pushed: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Plain:
    """I could not read a segment of this log, or (b"") of one that I do not know: send its blocks whole from now on."""

    short: bytes


class Tip(NamedTuple):
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


class Bye(NamedTuple):
    """Nothing is left that I would ask. `root` b"": as in my HELLO."""

    code: int
    root: bytes
    counter: int
    handled: int


@dataclass(frozen=True, slots=True)
class NoBase:
    """I cannot serve this log from where you stand. `why` is one of those below."""

    short: bytes
    why: int


UNKNOWN_BASE, NOTHING_ABOVE, NOT_SERVED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Locate:
    """Records that I hold of this log, so that you find where our chains part."""

    short: bytes
    places: bytes


class Bodies(NamedTuple):
    """The bodies that I follow, of the aliases under this salt from `first` to below `end`; empty: from the beginning, to the end.

    `data`: their rows (aliases.py).
    """

    salt: bytes
    first: bytes
    end: bytes
    data: bytes


class Which(NamedTuple):
    """I may have a use for bodies that you told me and I do not know: which are these? `names`: their aliases."""

    salt: bytes
    names: bytes


class These(NamedTuple):
    """The bodies that you asked for, in full: scope and body of each."""

    data: bytes


class Beat(NamedTuple):
    """I am here, and this is what I hold: the root over the sets that both may hold.

    `within`: seconds after which I speak again, at the latest. `asks`: answer with a BEAT of yours. `told`: how fresh my
    knowledge of a few bodies is (`hearsay`).
    """

    root: bytes
    counter: int
    handled: int
    within: int
    asks: bool = False
    told: bytes = b""


@dataclass(frozen=True, slots=True)
class Prune:
    """I had that already from another: tell me of tips only."""


@dataclass(frozen=True, slots=True)
class Leave:
    """I keep no link with you now. `why` is one of those below; `after`: ask again in so many seconds, 0 when that says nothing."""

    why: int
    after: int = 0


FULL, EXCHANGED, STRANGER, ASLEEP = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Introduce:
    """There is a node that you may want to know: its key, what I call it, where it answers, and its body, if I know that.

    Names and addresses are text, read above: addresses with a space between two. All of it is my word alone.
    """

    node: Key
    name: bytes
    addresses: bytes
    scope: bytes = b""
    body: bytes = b""


Message: TypeAlias = (
    Hello
    | Sets
    | Spans
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
    | Which
    | These
    | Beat
    | Prune
    | Leave
    | Introduce
    | Segment
    | Plain
)

_SHORT_ARRAY = 0x90
"""The first byte of an array of up to 15 elements, less how many there are."""

_pack = msgpack.Packer(use_bin_type=True, autoreset=True).pack


def encode(message: Message) -> bytes:
    """Return the bytes of a message."""
    tag, fields = _FIELDS[type(message)]
    packed: bytes = _pack((tag, *fields(message)))
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
    if frame[0] != _SHORT_ARRAY + arity or frame[1] != value[0]:
        # What a message costs is known by its first two bytes, so there is one way to write them.
        raise BadMessage("shape", "a message that begins in a longer form than it could")
    return read(value)


# --- Fields: exactly these types, since Python holds True == 1 -----------------------------------------


def _whole(value: Any, below: int = 2**63) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise BadMessage("field", "a number that is none, or out of bounds")
    return value


_TOLD = HEARSAY * (SHORT_BYTES + 1 + 9)
"""The most bytes that a BEAT may tell."""


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


def _told(value: Any) -> bytes:
    if type(value) is not bytes or len(value) > _TOLD:
        raise BadMessage("field", "bytes of another length than they should have")
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
        _bytes(v[9], 16),
        _bytes(v[8], 8),
        _whole(v[10], 256),
    )


def _sets(v: list[Any]) -> Message:
    first, end, data = _bytes(v[1], 0, 16), _bytes(v[2], 0, 16), _listing(v[3])
    roots: list[tuple[SetKey, bytes]] = []
    at = 0
    while at < len(data):
        scope, count = data[at : at + 16], data[at + 16 : at + 17]
        at += 17
        for _ in range(count[0] if count else 0):
            code, root = data[at : at + 1], data[at + 1 : at + 9]
            at += 9
            if len(root) != 8 or code[0] >= 12:
                raise BadMessage("field", "a set of an unknown reach or class, or one that is cut off")
            reach, log_class = divmod(code[0], 4)
            roots.append(((Scope(scope), Reach(reach), LogClass(log_class)), root))
        if not count or not count[0] or len(roots) > MAX_SETS:
            raise BadMessage("field", f"a scope without sets, or more than {MAX_SETS} sets")
    keys = [key for key, _ in roots]
    if any(one >= other for one, other in pairwise(keys)):
        raise BadMessage("field", "sets that are out of order")
    if keys and (keys[0][0] < first or (end and keys[-1][0] >= end)):
        raise BadMessage("field", "a set that is not among the scopes of its message")
    return Sets(tuple(roots), first, end)


def _packed_sets(message: Sets) -> bytes:
    parts: list[bytes] = []
    for scope, group in groupby(message.roots, key=lambda each: each[0][0]):
        sets = [bytes((key[1] * 4 + key[2],)) + root for key, root in group]
        parts += [scope, bytes((len(sets),)), *sets]
    return b"".join(parts)


def _spans(v: list[Any]) -> Message:
    data = _listing(v[1])
    if len(data) % 24 != 8 or len(data) > MAX_SPANS * 24:
        raise BadMessage("field", f"spans that are cut off, or more than {MAX_SPANS}")
    spans = [(data[at : at + 16], data[at + 16 : at + 24]) for at in range(0, len(data) - 8, 24)]
    if any(one[0] >= other[0] for one, other in pairwise(spans)) or (spans and not any(spans[0][0])):
        raise BadMessage("field", "spans that are out of order")
    return Spans((*spans, (b"", data[-8:])))


def _range(v: list[Any]) -> Message:
    if type(v[1]) is list:
        if len(v[1]) != 3:
            raise BadMessage("shape", "a set has three fields")
        key: SetKey | bytes = _set(*v[1])
    else:
        key = _bytes(v[1], 4)
    return Range(key, tuple([_bytes(each) for each in _list(v[2], MAX_ENTRIES)]))


def _bodies(v: list[Any]) -> Message:
    edges = _bytes(v[2], 0, ALIAS_BYTES), _bytes(v[3], 0, ALIAS_BYTES)
    return Bodies(_bytes(v[1], ALIAS_SALT_BYTES), *edges, _listing(v[4]))


def _which(v: list[Any]) -> Message:
    names = _listing(v[2])
    if len(names) > MAX_ASKED * ALIAS_BYTES:
        raise BadMessage("field", f"more than {MAX_ASKED} bodies asked for")
    return Which(_bytes(v[1], ALIAS_SALT_BYTES), names)


def _introduce(v: list[Any]) -> Message:
    name, addresses = _bytes(v[2]), _bytes(v[3])
    if len(name) > MAX_NAME or len(addresses) > MAX_PLACES:
        raise BadMessage("field", "a name or addresses that are too long")
    scope, body = _bytes(v[4], 0, 16), _bytes(v[5], 0, 32)
    if bool(scope) != bool(body):
        raise BadMessage("field", "a body without its founding tag, or a tag without its body")
    return Introduce(Key(_bytes(v[1], 32)), name, addresses, scope, body)


def _refused(v: list[Any]) -> Message:
    if type(v[2]) is not str or len(v[2].encode(errors="replace")) > MAX_CODE:
        raise BadMessage("field", "a code that is none, or too long")
    return Refused(LogId(_bytes(v[1], 32)), v[2], _whole(v[3]))


_READERS: dict[int, tuple[int, Callable[[list[Any]], Message]]] = {
    Tag.HELLO: (11, _hello),
    Tag.SETS: (4, _sets),
    Tag.SPANS: (2, _spans),
    Tag.RANGE: (3, _range),
    Tag.DELTA: (3, lambda v: Delta(_flag(v[1]), _listing(v[2]))),
    Tag.REST: (2, lambda v: Rest(_bytes(v[1], 16))),
    Tag.WANT: (2, lambda v: Want(_listing(v[1]))),
    Tag.BLOCK: (3, lambda v: BlockMessage(bool(_whole(v[1], 4) & 1), v[1] > 1, _bytes(v[2]))),
    Tag.SEGMENT: (3, lambda v: Segment(bool(_whole(v[1], 4) & 1), v[1] > 1, _bytes(v[2]))),
    Tag.PLAIN: (2, lambda v: Plain(_bytes(v[1], 0, SEGMENT_SHORT_BYTES))),
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
    Tag.BODIES: (5, _bodies),
    Tag.WHICH: (3, _which),
    Tag.THESE: (2, lambda v: These(_listing(v[1]))),
    Tag.BEAT: (
        7,
        lambda v: Beat(_bytes(v[1], 16), _whole(v[2]), _whole(v[3]), _whole(v[4]), _flag(v[5]), _told(v[6])),
    ),
    Tag.PRUNE: (1, lambda _: Prune()),
    Tag.LEAVE: (3, lambda v: Leave(_whole(v[1], 256), _whole(v[2], 1 << 32))),
    Tag.INTRODUCE: (6, _introduce),
}


def _in_order(message: Iterable[Any]) -> Iterable[Any]:
    """Return the fields of a message that is sent as it stands."""
    return message


_FIELDS: dict[type[Any], tuple[int, Callable[[Any], Iterable[Any]]]] = {
    Hello: (
        Tag.HELLO,
        lambda m: [
            m.version, m.journal, m.counter, m.seen_journal, m.seen_counter, m.nonce, m.wall_ms, m.follows, m.root,
            m.words,
        ],
    ),
    Sets: (Tag.SETS, lambda m: [m.first, m.end, _packed_sets(m)]),
    Spans: (Tag.SPANS, lambda m: [b"".join([end + brief for end, brief in m.spans])]),
    Range: (Tag.RANGE, lambda m: [m.set, list(m.entries)]),
    Delta: (Tag.DELTA, _in_order),
    Rest: (Tag.REST, _in_order),
    Want: (Tag.WANT, _in_order),
    BlockMessage: (Tag.BLOCK, lambda m: [m.last | m.pushed << 1, m.raw]),
    Segment: (Tag.SEGMENT, lambda m: [m.last | m.pushed << 1, m.data]),
    Plain: (Tag.PLAIN, lambda m: [m.short]),
    Tip: (Tag.TIP, lambda m: [m.log, m.kind, m.seq, m.short, m.urgent + 1]),
    Refused: (Tag.REFUSED, lambda m: [m.log, m.code, m.until]),
    Bye: (Tag.BYE, _in_order),
    NoBase: (Tag.NOBASE, lambda m: [m.short, m.why]),
    Locate: (Tag.LOCATE, lambda m: [m.short, m.places]),
    Bodies: (Tag.BODIES, _in_order),
    Which: (Tag.WHICH, _in_order),
    These: (Tag.THESE, _in_order),
    Beat: (Tag.BEAT, _in_order),
    Prune: (Tag.PRUNE, lambda _: []),
    Leave: (Tag.LEAVE, lambda m: [m.why, m.after]),
    Introduce: (Tag.INTRODUCE, lambda m: [m.node, m.name, m.addresses, m.scope, m.body]),
}  # fmt: skip
