"""A block for a receiver who holds what it refers to: a third of the bytes, or a quarter. Pure.

A block names its log and the record before it with 32 bytes each, and says again what the records before it said. Who holds
these needs a few bytes for each. What both sides hold is asked of `Names`, so that this room knows neither stores nor sessions.

    segment = 0 | block                                          what is not written shorter, or does not come back as it was
            | dictionary 1 | flags 1 | name | first | [prev 32] | [count 1] | [signed] | check 4 | signatures 64... | deflated body
    name    = the log: 4 bytes, or all 32                        first = LEB128
    prev    = only when the receiver is not known to hold it     count = only when it is not 1
    signed  = a bit for each record, the lowest first; left out when all are, or only the last
    check   = CRC-32 of what is left out and of what comes out, so that another record of the same name is noticed
    body    = that of the block, deflated (raw) with the dictionary, and behind it the bodies of the records before, each alone
    in it an id may be msgpack ext 1: | log 4 | seq       of the record there     ext 2: of its payload     ext 3: | log 4, the log
                             | without a log: so far before the block's first record, in its own log, in 4 bytes at most

It needs no trust: what comes out is a block like any other, and goes through `block.check`. The bytes are those that were
packed; only the compression of a block's body may differ, where two machines compress with different programs.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgpack

from fedsync.records.codec import MAX_ITEMS
from fedsync.records.dictionary import NEWEST, NoDictionary, dictionary
from fedsync.records.ids import LogId, RecordId
from fedsync.records.places import MAX_RUN_RECORDS
from fedsync.records.wire import (
    FORM,
    MAX_BLOCK_BYTES,
    MAX_BODY_BYTES,
    BlockHead,
    Row,
    pack_body,
    read_outer,
)

SHORT_BYTES = 4
"""Of a log's id: of 100,000 logs two begin alike, and these are named in full."""
RECENT_ROWS = 8
"""Records before a block whose words help to compress it: both sides read them anew each time."""
MAX_CONTEXT_BYTES = 8 * 1024
"""Of these; what a record is full of is near its end no less than at its beginning."""
MAX_CHAINS = 8
"""Branches of a log that are tried: a log of books may have more, and is then sent in full."""
MAX_NAMED = 256
"""Ids in a segment that stand as places: each is a look into the store of whoever reads it."""
MAX_SEGMENT_BYTES = MAX_BLOCK_BYTES + 1

_RAW = 0
_WHOLE_LOG, _WHOLE_PREV, _CONTEXT, _ONE, _ALL_SIGNED, _LAST_SIGNED, _NAMED = (1 << bit for bit in range(7))
_RECORD, _PAYLOAD, _LOG = 1, 2, 3
_ID_BYTES, _SIGNATURE_BYTES, _CHECK_BYTES = 32, 64, 4

_pack = msgpack.Packer(autoreset=True, use_bin_type=True).pack


class BadSegment(ValueError):
    """The bytes could not be made a block. `code` is stable, and says who is at fault.

    `malformed`: the sender. `form`: this program is too old. `base`: what comes before is not held (yet). `unknown`: a log
    or record is not held here; `check`: it means something else here. The last four are nobody's fault: ask for the block.
    """

    def __init__(self, code: str, message: str, needs: LogId | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.log: LogId | None = None
        self.seq = -1
        """The log of the block and the seq before it, as far as they could be read."""
        self.needs = needs
        """Of `base` and `unknown`: the log that has the record that is not held, if it is known which."""


class Names(Protocol):
    """What a sender knows a receiver to hold, and a receiver holds. Each method costs a look into a store at most."""

    def short(self, log: LogId) -> bool:
        """Say whether the receiver knows this log, and the first SHORT_BYTES of its id are those of no other."""
        ...

    def log(self, short: bytes) -> LogId | None:
        """Return the one log whose id begins so."""
        ...

    def held(self, log: LogId, seq: int) -> Sequence[RecordId]:
        """Return the ids of the records at `seq` of a log, one for each branch."""
        ...

    def recent(self, log: LogId, seq: int, record: RecordId, count: int) -> Sequence[Row]:
        """Return the last `count` records of the chain that ends in this one; () when they are not at hand."""
        ...

    def place(self, id_: bytes) -> "Place | None":
        """Return a place whose record or payload has this id, if the receiver is known to hold it."""
        ...

    def at(self, log: LogId, seq: int) -> "tuple[bytes, bytes] | None":
        """Return the id of the only record at this place, and that of its payload."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where an id is to be found: of a record, or of its payload."""

    log: LogId
    seq: int
    payload: bool = False


class Nothing:
    """Names for a receiver of whom nothing is known: what a stranger can read."""

    def short(self, log: LogId) -> bool:
        """No log is known."""
        return False

    def log(self, short: bytes) -> LogId | None:
        """No log is known."""
        return None

    def held(self, log: LogId, seq: int) -> Sequence[RecordId]:
        """No record is known."""
        return ()

    def recent(self, log: LogId, seq: int, record: RecordId, count: int) -> Sequence[Row]:
        """No record is known."""
        return ()

    def place(self, id_: bytes) -> Place | None:
        """No record is known."""
        return None

    def at(self, log: LogId, seq: int) -> tuple[bytes, bytes] | None:
        """No record is known."""
        return None


NOTHING = Nothing()


# --- Writing ------------------------------------------------------------------------------------------


def pack(raw: bytes, names: Names = NOTHING, number: int = NEWEST) -> bytes:
    """Return the shortest form of a block that is sure to be read back by whoever knows these names. Raises BadBlock.

    `number`: the dictionary, one that the reader has.
    """
    head, signatures, size, packed = read_outer(raw)
    plain = bytes((_RAW,)) + raw
    try:
        body = _inflate(zlib.decompressobj(), packed)
    except BadSegment:
        return plain
    if len(body) != size:
        return plain
    best = plain
    for named in (True, False):
        found = _write(head, signatures, body, names, named, number)
        if found is not None and len(found) < len(best) and _comes_back(found, raw, names):
            best = found
    return best


def _comes_back(segment: bytes, raw: bytes, names: Names) -> bool:
    try:
        again = unpack(segment, names)
    except BadSegment:
        return False
    if again == raw:
        return True
    # Compressed elsewhere by another program: the same but for that.
    one, other = read_outer(raw), read_outer(again)
    return one[:3] == other[:3] and zlib.decompress(one[3]) == zlib.decompress(other[3])


def _write(
    head: BlockHead,
    signatures: Sequence[tuple[int, bytes]],
    body: bytes,
    names: Names,
    named: bool,
    number: int,
) -> bytes | None:
    flags = 0
    known = head.first > 0 and names.short(head.log)
    name: bytes = head.log
    if known:
        name = head.log[:SHORT_BYTES]
    else:
        flags |= _WHOLE_LOG
    prev = b""
    held = names.held(head.log, head.first - 1) if known else ()
    if head.first and head.prev not in held[:MAX_CHAINS]:
        flags |= _WHOLE_PREV
        prev = head.prev
    context = b""
    if head.first and not prev:
        context = _context(names, head)
        flags |= _CONTEXT if context else 0
    written = body
    if named:
        writer = _Writer(names, head, context)
        shorter = writer.body(body)
        if shorter is None:
            return None
        written = shorter
        flags |= _NAMED
    positions = [position for position, _ in signatures]
    count = signed = b""
    if head.count == 1:
        flags |= _ONE
    else:
        count = bytes((head.count,))
    if positions == list(range(head.count)):
        flags |= _ALL_SIGNED
    elif positions == [head.count - 1]:
        flags |= _LAST_SIGNED
    else:
        signed = sum(1 << each for each in positions).to_bytes((head.count + 7) // 8, "little")
    check = _check(head, signatures, body)
    deflater = zlib.compressobj(
        9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, dictionary(number) + context
    )
    deflated = deflater.compress(written) + deflater.flush()
    return b"".join(
        [
            bytes((number, flags)),
            name,
            _number(head.first),
            prev,
            count,
            signed,
            check,
            *(each for _, each in signatures),
            deflated,
        ]
    )


class _Writer:
    """Puts places in the stead of ids that the receiver can look up."""

    def __init__(self, names: Names, head: BlockHead, context: bytes) -> None:
        self._names, self._head, self._context = names, head, context
        self._found: dict[bytes, Any] = {}
        self._left = MAX_NAMED

    def body(self, body: bytes) -> bytes | None:
        """Return the body with places in it; None when there is none to put."""
        value = _read_value(body)
        if type(value) is not list or len(value) != 6:
            return None
        if type(value[3]) is list and value[3] and type(value[3][0]) is bytes:
            table = value[3][0]
            value[3][0] = [table[at : at + _ID_BYTES] for at in range(0, len(table), _ID_BYTES)]
        value = self._walk(value)
        if self._left == MAX_NAMED:
            return None
        written: bytes = _pack(value)
        return written

    def _walk(self, value: Any) -> Any:
        if type(value) is bytes and len(value) == _ID_BYTES:
            return self._id(value)
        if type(value) is list:
            return [self._walk(each) for each in value]
        if type(value) is dict:
            return {key: self._walk(each) for key, each in value.items()}
        return value

    def _id(self, id_: bytes) -> Any:
        if id_ in self._found:
            return self._found[id_]
        # What was said shortly before costs less as a repetition of that.
        if self._left == 0 or id_ in self._context:
            return id_
        found = self._said(id_)
        if found is not id_:
            self._left -= 1
        self._found[id_] = found
        return found

    def _said(self, id_: bytes) -> Any:
        if id_ == self._head.log:
            return msgpack.ExtType(_LOG, b"")
        if self._names.short(LogId(id_)):
            return msgpack.ExtType(_LOG, id_[:SHORT_BYTES])
        place = self._names.place(id_)
        if place is None:
            return id_
        there = self._names.at(place.log, place.seq)
        if there is None or there[place.payload] != id_:
            return id_  # Two branches have a record there.
        code = _PAYLOAD if place.payload else _RECORD
        if place.log == self._head.log:
            back = _number(max(0, self._head.first - place.seq))
            return (
                msgpack.ExtType(code, back)
                if place.seq < self._head.first and len(back) <= SHORT_BYTES
                else id_
            )
        if not self._names.short(place.log):
            return id_
        return msgpack.ExtType(code, place.log[:SHORT_BYTES] + _number(place.seq))


# --- Reading ------------------------------------------------------------------------------------------


def unpack(data: bytes, names: Names = NOTHING) -> bytes:
    """Return the block that a segment is. Raises BadSegment, never anything else."""
    if len(data) > MAX_SEGMENT_BYTES:
        raise BadSegment("malformed", f"a segment of {len(data)} bytes; {MAX_SEGMENT_BYTES} are allowed")
    if data[:1] == bytes((_RAW,)):
        return data[1:]
    reader = _Reader(data)
    number, flags = reader.take(2)
    try:
        words = dictionary(number)
    except NoDictionary as error:
        raise BadSegment("form", str(error)) from None
    log = LogId(reader.take(_ID_BYTES)) if flags & _WHOLE_LOG else _log(names, reader.take(SHORT_BYTES))
    first = reader.number()
    whole = RecordId(reader.take(_ID_BYTES)) if flags & _WHOLE_PREV else None
    count = 1 if flags & _ONE else reader.take(1)[0]
    if not 1 <= count <= MAX_RUN_RECORDS or first >= 2**53:
        raise BadSegment("malformed", "a segment with too many records, or too far up")
    positions = _positions(reader, flags, count)
    check = reader.take(_CHECK_BYTES)
    signatures = [(position, reader.take(_SIGNATURE_BYTES)) for position in positions]
    packed = reader.rest()
    if first == 0:
        chains: Sequence[RecordId] = (RecordId(bytes(_ID_BYTES)),)
    elif whole is not None:
        chains = (whole,)
    else:
        chains = names.held(log, first - 1)[:MAX_CHAINS]
        if not chains:
            raise _of(BadSegment("base", "what comes before it is not held", log), log, first)
    failure = BadSegment("check", "what it stands for is something else here")
    for prev in chains:
        head = BlockHead(log, first, count, prev)
        try:
            body = _body(head, flags, words, packed, names)
        except BadSegment as error:
            # With the words of another branch anything may come of it.
            if error.code != "malformed" or not flags & _CONTEXT:
                failure = error
            continue
        if _check(head, signatures, body) == check:
            return _block(head, signatures, body)
    raise _of(failure, log, first)


def _of(error: BadSegment, log: LogId, first: int) -> BadSegment:
    error.log, error.seq = log, first - 1
    return error


def _body(head: BlockHead, flags: int, words: bytes, packed: bytes, names: Names) -> bytes:
    if flags & _CONTEXT:
        context = _context(names, head) if head.first else b""
        if not context:
            raise BadSegment("base", "what comes before it is not at hand", head.log)
        words += context
    body = _inflate(zlib.decompressobj(-15, words), packed)
    return _Filler(names, head).body(body) if flags & _NAMED else body


def _log(names: Names, short: bytes) -> LogId:
    log = names.log(short)
    if log is None:
        raise BadSegment("unknown", "no log here, or more than one, has that short name")
    return log


def _positions(reader: "_Reader", flags: int, count: int) -> Sequence[int]:
    if flags & _ALL_SIGNED:
        return range(count)
    if flags & _LAST_SIGNED:
        return (count - 1,)
    bits = int.from_bytes(reader.take((count + 7) // 8), "little")
    if not 0 < bits < 1 << count:
        raise BadSegment("malformed", "a segment that signs no record, or one that it has not")
    return [each for each in range(count) if bits >> each & 1]


def _block(head: BlockHead, signatures: list[tuple[int, bytes]], body: bytes) -> bytes:
    prev = head.prev if head.first else b""
    raw: bytes = _pack(
        (FORM, head.log, head.first, prev, head.count, signatures, len(body), zlib.compress(body, 6))
    )
    if len(raw) > MAX_BLOCK_BYTES:
        raise BadSegment("malformed", f"a block of {len(raw)} bytes; {MAX_BLOCK_BYTES} are allowed")
    return raw


class _Filler:
    """Puts ids in the stead of places, and notices when there are too many."""

    def __init__(self, names: Names, head: BlockHead) -> None:
        self._names, self._head = names, head
        self._known: dict[tuple[int, bytes], bytes] = {}

    def body(self, body: bytes) -> bytes:
        """Return a block's body. Raises BadSegment."""
        value = _read_value(body, self._id)
        if type(value) is not list or len(value) != 6:
            raise BadSegment("malformed", "columns that are none")
        if type(value[3]) is list and value[3] and type(value[3][0]) is list:
            table = value[3][0]
            if not all(type(each) is bytes for each in table):
                raise BadSegment("malformed", "references that are none")
            value[3][0] = b"".join(table)
        try:
            written: bytes = _pack(value)
        except (ValueError, TypeError, OverflowError):
            raise BadSegment("malformed", "columns that are none") from None
        if len(written) > MAX_BODY_BYTES:
            raise BadSegment("malformed", "a body that is longer than one may be")
        return written

    def _id(self, code: int, data: bytes) -> bytes:
        known = self._known.get((code, data))
        if known is None:
            if len(self._known) == MAX_NAMED:
                raise BadSegment("malformed", f"more than {MAX_NAMED} places in a segment")
            known = self._known[code, data] = self._look(code, data)
        return known

    def _look(self, code: int, data: bytes) -> bytes:
        if code == _LOG:
            return _log(self._names, data) if data else self._head.log
        if code not in (_RECORD, _PAYLOAD):
            raise BadSegment("form", "an id named in a way that this version does not know")
        reader = _Reader(data)
        if len(data) > SHORT_BYTES:
            log, seq = _log(self._names, reader.take(SHORT_BYTES)), reader.number()
        else:
            log, seq = self._head.log, self._head.first - reader.number()
        if reader.rest() or seq < 0:
            raise BadSegment("malformed", "a place that is none")
        found = self._names.at(log, seq)
        if found is None:
            raise BadSegment(
                "unknown", "a record that it names is not held here, or there are two of it", log
            )
        return found[code == _PAYLOAD]


# --- Both ---------------------------------------------------------------------------------------------


class _Reader:
    """Takes bytes from the front. Raises BadSegment when there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise BadSegment("malformed", "a segment that is cut off")
        self._at += count
        return found

    def number(self) -> int:
        """Return the next number, in its shortest form."""
        found = 0
        for shift in range(0, 63, 7):
            (byte,) = self.take(1)
            found |= (byte & 127) << shift
            if byte < 128:
                if byte == 0 and shift:
                    break
                return found
        raise BadSegment("malformed", "a number that is too long")

    def rest(self) -> bytes:
        """Return what is left."""
        found, self._at = self._data[self._at :], len(self._data)
        return found


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def _context(names: Names, head: BlockHead) -> bytes:
    """Return the bodies of the records before a block, each as it would stand alone; b"" when they are not at hand."""
    count = min(RECENT_ROWS, head.first)
    rows = names.recent(head.log, head.first - 1, head.prev, count)
    if len(rows) != count:
        return b""
    return b"".join([pack_body([row]) for row in rows])[-MAX_CONTEXT_BYTES:]


def _check(head: BlockHead, signatures: Sequence[tuple[int, bytes]], body: bytes) -> bytes:
    said = _pack((head.log, head.first, head.prev, head.count))
    for position, signature in signatures:
        said += bytes((position,)) + signature
    return zlib.crc32(body, zlib.crc32(said)).to_bytes(_CHECK_BYTES, "big")


def _inflate(inflater: Any, packed: bytes) -> bytes:
    try:
        body: bytes = inflater.decompress(packed, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise BadSegment("check", "bytes that do not inflate with what is held here") from None
    if len(body) > MAX_BODY_BYTES or not inflater.eof or inflater.unused_data:
        raise BadSegment("malformed", "a body that is longer than one may be, or cut off")
    return body


def _read_value(body: bytes, ext: Callable[[int, bytes], object] | None = None) -> Any:
    most = min(len(body), MAX_ITEMS)
    try:
        return msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=False,
            ext_hook=ext or _no_ext,
            max_array_len=most,
            max_map_len=most,
        )
    except BadSegment:
        raise
    except Exception:  # msgpack raises a dozen kinds for bad input; all mean the same here
        raise BadSegment("malformed", "columns that are none") from None


def _no_ext(code: int, data: bytes) -> object:
    raise BadSegment("malformed", "columns that are none")
