"""What the chunks of a bundle say, to bytes and back. Pure. docs/bundles.md is their grammar.

A block needs nobody's word: its own signatures are verified by whoever takes it in. What the maker says itself (who made
this and how far it had come, what it holds, what it lacks, what has arrived) is signed with its node key, so that nobody
else can ask in its name, or confirm what never came.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeAlias

import msgpack

from fedsync.gossip.bundles.chunks import Chunk
from fedsync.gossip.following import NOTHING_HEARD, Page
from fedsync.gossip.holdings import FORK, TIP, SetKey
from fedsync.gossip.listing import Reader, number
from fedsync.gossip.messages import BadMessage
from fedsync.records import ed25519, segment
from fedsync.records.ids import Key, LogClass, LogId, Reach, Scope
from fedsync.records.wire import MAX_BLOCK_BYTES

BUNDLE_TAG: Final = b"fedsync/1/bundle\0"
BUNDLE_BYTES: Final = 16
"""Of a bundle's name: random, made with it."""
NAME_BYTES: Final = 8
"""Of a record's id in tips and wants: enough, beside its log and place, to tell that another is held."""
MAX_READERS: Final = 64
"""Nodes that one bundle is for; the title of each file has their keys."""
MAX_LISTING: Final = 48 * 1024
"""Bytes of tips or wants in one chunk."""
MAX_HELD: Final = 16
"""Branches that a wish names of one log."""
MAX_RECEIPTS: Final = 64
"""Makers that one chunk confirms bundles of."""
MAX_CONFIRMED: Final = 64
"""Bundles of one maker that are confirmed by name, the last ones; the counters speak of all before."""
MAX_ROWS: Final = 1 << 32
"""Tips that a bundle can number."""
CLASSES: Final = len(LogClass)
NONE: Final = -1
"""In `since`: nothing of this class is in the bundle."""

Counters: TypeAlias = tuple[int, int, int, int]
"""One of a journal's for each class of log."""


class Kind(IntEnum):
    """What a chunk is. Others are passed over: they are of a later version, or of whoever wraps files up."""

    TITLE = 1
    BLOCK = 2
    TIPS = 3
    WANTS = 4
    RECEIPTS = 5
    END = 6
    SEGMENT = 7
    FOLLOWS = 10


class BadChunk(ValueError):
    """The chunk came as it was written, and says nothing that it may say. `code` is stable: shape, signature, unknown, or newer: it
    takes a newer version of this program to read it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Said(NamedTuple):
    """Whose word a chunk is, and in which bundle."""

    bundle: bytes
    maker: Key


@dataclass(frozen=True, slots=True)
class Title:
    """Who made this and how far it had come. Begins each file of a bundle, and stands at its end again."""

    said: Said
    part: int
    """Which file of the bundle this is, from 0."""
    journal: bytes
    counter: int
    """The bundle has what the maker's journal held up to here, or says that it has not."""
    made: int
    """In ms since 1970, by the maker's clock: for people only."""
    since: Counters
    """It leaves out what was held before; NONE where it has nothing of a class."""
    readers: tuple[Key, ...] = ()
    tips: int = 0
    """How many tips are told, in all files."""
    everything: bool = False
    """They are those of all logs of these sets, and not only of what moved: then nothing else is missing."""


@dataclass(frozen=True, slots=True)
class End:
    """The file was written to its end. `last`: and so was the bundle; `whole`: nothing was left out for want of room."""

    title: Title
    chunks: int
    """In this file, before this one."""
    last: bool
    whole: bool


class Held(NamedTuple):
    """A record that somebody holds, by its place and the first bytes of its id."""

    seq: int
    name: bytes


class Tip(NamedTuple):
    """What the maker holds of a log: its last record, one for each branch; or that it is forked at `seq`."""

    set: SetKey
    kind: int
    log: LogId
    seq: int
    name: bytes


@dataclass(frozen=True, slots=True)
class Tips:
    """Some of the tips of the logs that moved since, or of all: those from number `first` on, of `total`."""

    said: Said
    first: int
    total: int
    rows: tuple[Tip, ...]


class Wanted(NamedTuple):
    """A log that the maker asks for, and what it holds of it: the end of each branch."""

    log: LogId
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Wants:
    """Logs that the maker asks for."""

    said: Said
    rows: tuple[Wanted, ...]


class Receipt(NamedTuple):
    """What has arrived of one maker: all up to these counters of its journal, and the last bundles by name."""

    maker: Key
    journal: bytes
    counters: Counters
    bundles: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Receipts:
    """What has arrived here."""

    said: Said
    rows: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Follows:
    """A page of the bodies that the maker follows, as it would tell it in a session."""

    said: Said
    page: Page


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it is stored and sent."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """A block in the short form that needs nothing but this program to be read. It is read as the block that it stands for."""

    data: bytes


Content: TypeAlias = Title | End | Tips | Wants | Receipts | Follows | Block
Sign: TypeAlias = Callable[[bytes], bytes]

_pack = msgpack.Packer(use_bin_type=True, autoreset=True).pack


def shortest(raw: bytes) -> Block | Segment:
    """Return a block as it takes the fewest bytes."""
    data = segment.pack(raw)
    return Segment(data) if len(data) < len(raw) else Block(raw)


def write(content: Content | Segment, sign: Sign) -> tuple[int, bytes]:
    """Return a chunk's kind and body."""
    match content:
        case Segment(data):
            return Kind.SEGMENT, data
        case Block(raw):
            return Kind.BLOCK, raw
        case Title():
            return _signed(Kind.TITLE, content.said, _title(content), sign)
        case End(title, chunks, last, whole):
            return _signed(Kind.END, title.said, (*_title(title), chunks, last, whole), sign)
        case Tips(said, first, total, rows):
            return _signed(Kind.TIPS, said, (first, total, b"".join(_tips(rows))), sign)
        case Wants(said, rows=wanted):
            return _signed(Kind.WANTS, said, (b"".join(map(wanted_bytes, wanted)),), sign)
        case Receipts(said, rows=receipts):
            return _signed(Kind.RECEIPTS, said, (receipts,), sign)
        case Follows(said, Page(first, end, data)):
            return _signed(Kind.FOLLOWS, said, (first, end, data), sign)


def _signed(kind: Kind, said: Said, fields: tuple[object, ...], sign: Sign) -> tuple[int, bytes]:
    told: bytes = _pack((*said, *fields))
    return kind, sign(_to_sign(kind, told)) + told


def _to_sign(kind: int, told: bytes) -> bytes:
    return BUNDLE_TAG + bytes((kind,)) + told


def _title(title: Title) -> tuple[object, ...]:
    since = [each + 1 for each in title.since]
    return (
        title.part,
        title.journal,
        title.counter,
        title.made,
        since,
        title.readers,
        title.tips,
        title.everything,
    )


def tip_bytes(tip: Tip) -> bytes:
    """Return a tip as it stands in a listing, behind the set that it is in."""
    name = b"" if tip.kind == FORK else tip.name
    return bytes((tip.kind,)) + tip.log + number(tip.seq) + name


def _tips(rows: Iterable[Tip]) -> Iterator[bytes]:
    for (scope, reach, log_class), group in groupby(rows, key=lambda each: each.set):
        tips = [tip_bytes(each) for each in group]
        yield scope + bytes((reach * CLASSES + log_class,)) + number(len(tips)) + b"".join(tips)


def wanted_bytes(wanted: Wanted) -> bytes:
    """Return a wish as it stands in a listing."""
    held = wanted.held[:MAX_HELD]
    return wanted.log + bytes((len(held),)) + b"".join([number(each.seq) + each.name for each in held])


# --- Reading ----------------------------------------------------------------------------------------------


def read(chunk: Chunk, rule: ed25519.Rule = ed25519) -> Content:
    """Return what a chunk says. Raises BadChunk for what says nothing, or is not signed by who it says that it is of."""
    if chunk.kind == Kind.BLOCK:
        _demand(len(chunk.body) <= MAX_BLOCK_BYTES, "a block that is too long")
        return Block(chunk.body)
    if chunk.kind == Kind.SEGMENT:
        try:
            return Block(segment.unpack(chunk.body))
        except segment.BadSegment as error:
            raise BadChunk("newer" if error.code == "form" else "shape", str(error)) from None
    reader = _READERS.get(chunk.kind)
    if reader is None:
        raise BadChunk("unknown", f"no chunk of this version is of kind {chunk.kind}")
    signature, told = chunk.body[: ed25519.SIGNATURE_BYTES], chunk.body[ed25519.SIGNATURE_BYTES :]
    fields = _unpack(told)
    _demand(len(fields) >= 2, "a chunk that names no bundle and no maker")
    said = Said(_bytes(fields[0], BUNDLE_BYTES), Key(_bytes(fields[1], ed25519.KEY_BYTES)))
    try:
        found = reader(said, fields[2:])
    except BadMessage as error:
        raise BadChunk("shape", str(error)) from None
    try:
        rule.verify(said.maker, signature, _to_sign(chunk.kind, told))
    except ed25519.BadSignature:
        raise BadChunk("signature", "a chunk that its maker did not sign") from None
    return found


def _unpack(told: bytes) -> list[Any]:
    try:
        found = msgpack.unpackb(
            told,
            raw=False,
            max_str_len=0,
            max_bin_len=len(told),
            max_array_len=MAX_CONFIRMED + CLASSES,
            max_map_len=0,
            max_ext_len=0,
        )
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException):
        raise BadChunk("shape", "a chunk that is no msgpack") from None
    _demand(type(found) is list, "a chunk that is no list")
    assert isinstance(found, list)
    return found


def _demand(true: bool, message: str) -> None:
    if not true:
        raise BadChunk("shape", message)


def _bytes(value: Any, length: int) -> bytes:
    _demand(type(value) is bytes and len(value) == length, "bytes of another length than they should have")
    assert isinstance(value, bytes)
    return value


def _whole(value: Any, below: int = 2**63) -> int:
    _demand(type(value) is int and 0 <= value < below, "a number that is none, or out of bounds")
    assert isinstance(value, int)
    return value


def _flag(value: Any) -> bool:
    _demand(type(value) is bool, "a flag that is neither true nor false")
    return bool(value)


def _list(value: Any, most: int) -> list[Any]:
    _demand(type(value) is list and len(value) <= most, f"a list that is none, or longer than {most}")
    assert isinstance(value, list)
    return value


def _counters(value: Any) -> Counters:
    found = _list(value, CLASSES)
    _demand(len(found) == CLASSES, "not one counter for each class")
    one, two, three, four = (_whole(each) for each in found)
    return one, two, three, four


_TITLE_FIELDS: Final = 8


def _read_title(said: Said, fields: list[Any]) -> Title:
    _demand(len(fields) == _TITLE_FIELDS, f"a title has {_TITLE_FIELDS} fields")
    part, journal, counter, made, since, readers, tips, everything = fields
    one, two, three, four = (each - 1 for each in _counters(since))
    return Title(
        said,
        _whole(part, 1 << 16),
        _bytes(journal, 8),
        _whole(counter),
        _whole(made, 2**53),
        (one, two, three, four),
        tuple(Key(_bytes(each, ed25519.KEY_BYTES)) for each in _list(readers, MAX_READERS)),
        _whole(tips, MAX_ROWS),
        _flag(everything),
    )


def _read_end(said: Said, fields: list[Any]) -> End:
    _demand(len(fields) == _TITLE_FIELDS + 3, "an end has three fields more than a title")
    chunks, last, whole = fields[_TITLE_FIELDS:]
    return End(_read_title(said, fields[:_TITLE_FIELDS]), _whole(chunks), _flag(last), _flag(whole))


def _read_tips(said: Said, fields: list[Any]) -> Tips:
    _demand(len(fields) == 3 and type(fields[2]) is bytes, "tips have three fields")
    first, total = _whole(fields[0], MAX_ROWS), _whole(fields[1], MAX_ROWS)
    reader, rows = Reader(fields[2]), []
    while reader.more:
        scope, code = Scope(reader.take(16)), reader.take(1)[0]
        reach, log_class = divmod(code, CLASSES)
        _demand(reach < len(Reach), "a set of an unknown reach")
        key = (scope, Reach(reach), LogClass(log_class))
        for _ in range(reader.number()):
            kind = reader.take(1)[0]
            _demand(kind in (TIP, FORK), "a tip of an unknown kind")
            log, seq = LogId(reader.take(32)), reader.number()
            rows.append(Tip(key, kind, log, seq, b"" if kind == FORK else reader.take(NAME_BYTES)))
    _demand(first + len(rows) <= total, "more tips than there are")
    return Tips(said, first, total, tuple(rows))


def _read_wants(said: Said, fields: list[Any]) -> Wants:
    _demand(len(fields) == 1 and type(fields[0]) is bytes, "wishes have one field")
    return Wants(said, tuple(read_wanted(fields[0])))


def read_wanted(data: bytes) -> Iterator[Wanted]:
    """Yield the wishes of a listing. Raises BadMessage and BadChunk."""
    reader = Reader(data)
    while reader.more:
        log, count = LogId(reader.take(32)), reader.take(1)[0]
        _demand(count <= MAX_HELD, "a wish that names too many branches")
        yield Wanted(log, tuple(Held(reader.number(), reader.take(NAME_BYTES)) for _ in range(count)))


def _read_receipts(said: Said, fields: list[Any]) -> Receipts:
    _demand(len(fields) == 1, "receipts have one field")
    rows = []
    for each in _list(fields[0], MAX_RECEIPTS):
        row = _list(each, 4)
        _demand(len(row) == 4, "a receipt has four fields")
        bundles = tuple(_bytes(name, BUNDLE_BYTES) for name in _list(row[3], MAX_CONFIRMED))
        rows.append(
            Receipt(Key(_bytes(row[0], ed25519.KEY_BYTES)), _bytes(row[1], 8), _counters(row[2]), bundles)
        )
    return Receipts(said, tuple(rows))


def _read_follows(said: Said, fields: list[Any]) -> Follows:
    _demand(len(fields) == 3 and all(type(each) is bytes for each in fields), "a page has three fields")
    first, end, data = fields
    _demand(len(first) in (0, 16) and len(end) in (0, 16), "a page of scopes that are none")
    page = Page(first, end, data)
    NOTHING_HEARD.with_page(page)
    return Follows(said, page)


_READERS: Final[dict[int, Callable[[Said, list[Any]], Content]]] = {
    Kind.TITLE: _read_title,
    Kind.TIPS: _read_tips,
    Kind.WANTS: _read_wants,
    Kind.RECEIPTS: _read_receipts,
    Kind.END: _read_end,
    Kind.FOLLOWS: _read_follows,
}
