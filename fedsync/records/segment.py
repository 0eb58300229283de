"""A block for a receiver who holds what it refers to: a third of the bytes, or a quarter. Pure.

A block names its log and the record before it with 32 bytes each, and says again what the records before it said. Who holds
these needs a few bytes for each. What both sides hold is asked of `Names`, so that this room knows neither stores nor sessions.

    segment = 0 | block                                          what is not written shorter, or does not come back as it was
            | dictionary 1 | flags 1 | name | first | [prev 32] | [count 1] | [signed] | check 3 | signatures 64... | deflated body
    name    = the log: 3 bytes, or all 32                        first = LEB128
    prev    = only when the receiver is not known to hold it     count = only when it is not 1
    signed  = a bit for each record, the lowest first; left out when all are, or only the last
    check   = the last 3 bytes of CRC-32 of what is left out and of what comes out, so that another record of the same name is noticed
    body    = that of the block, deflated (raw) with the dictionary, and behind it the bodies of the records before, each alone
              ids in it may stand as short names: see `shortnames`

It needs no trust: what comes out is a block like any other, and goes through `block.check`. The bytes are those that were
packed; only the compression of a block's body may differ, where two machines compress with different programs.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import msgpack

from fedsync.records.dictionary import NEWEST, NoDictionary, dictionary
from fedsync.records.ids import LogId, RecordId
from fedsync.records.places import MAX_RUN_RECORDS
from fedsync.records.shortnames import (
    ID_BYTES,
    MAX_NAMED,
    NOTHING,
    SHORT_BYTES,
    BadSegment,
    Filler,
    Names,
    Place,
    Reader,
    Shortener,
    leb,
    the_log,
)
from fedsync.records.wire import (
    FORM,
    MAX_BLOCK_BYTES,
    MAX_BODY_BYTES,
    BlockHead,
    pack_body,
    read_outer,
)

RECENT_ROWS = 8
"""Records before a block whose words help to compress it: both sides read them anew each time."""
MAX_CONTEXT_BYTES = 8 * 1024
"""Of these; what a record is full of is near its end no less than at its beginning."""
MAX_CHAINS = 8
"""Branches of a log that are tried: a log of books may have more, and is then sent in full."""
MAX_SEGMENT_BYTES = MAX_BLOCK_BYTES + 1

_RAW = 0
_WHOLE_LOG, _WHOLE_PREV, _CONTEXT, _ONE, _ALL_SIGNED, _LAST_SIGNED, _NAMED = (1 << bit for bit in range(7))
_SIGNATURE_BYTES = 64
_CHECK_BYTES = 3
"""Of what means something else here one in sixteen million is not noticed by it; then the door notices."""

__all__ = [
    "MAX_NAMED",
    "MAX_SEGMENT_BYTES",
    "NOTHING",
    "RECENT_ROWS",
    "SHORT_BYTES",
    "BadSegment",
    "Names",
    "Place",
    "pack",
    "unpack",
    "whose",
]

_pack = msgpack.Packer(autoreset=True, use_bin_type=True).pack


# --- Writing ------------------------------------------------------------------------------------------


def pack(raw: bytes, names: Names = NOTHING, words: int = NEWEST) -> bytes:
    """Return the shortest form of a block that is sure to be read back by whoever knows these names. Raises BadBlock.

    `words`: the number of the dictionary, one that the reader has. When it is not here, the block is sent as it is.
    """
    head, signatures, size, packed = read_outer(raw)
    plain = bytes((_RAW,)) + raw
    try:
        dictionary(words)
        body = _inflate(zlib.decompressobj(), packed)
    except (NoDictionary, BadSegment):
        return plain
    if len(body) != size:
        return plain
    best = plain
    for named in (False,) if names is NOTHING else (True, False):
        found = _write(head, signatures, body, names, named, words)
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
    words: int,
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
        writer = Shortener(names, head, context)
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
        9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, dictionary(words) + context
    )
    deflated = deflater.compress(written) + deflater.flush()
    return b"".join(
        [
            bytes((words, flags)),
            name,
            leb(head.first),
            prev,
            count,
            signed,
            check,
            *(each for _, each in signatures),
            deflated,
        ]
    )


# --- Reading ------------------------------------------------------------------------------------------


def unpack(data: bytes, names: Names = NOTHING) -> bytes:
    """Return the block that a segment is. Raises BadSegment, never anything else."""
    if len(data) > MAX_SEGMENT_BYTES:
        raise BadSegment("malformed", f"a segment of {len(data)} bytes; {MAX_SEGMENT_BYTES} are allowed")
    if data[:1] == bytes((_RAW,)):
        return data[1:]
    reader = Reader(data)
    number, flags = reader.take(2)
    try:
        words = dictionary(number)
    except NoDictionary as error:
        raise BadSegment("form", str(error)) from None
    log = LogId(reader.take(ID_BYTES)) if flags & _WHOLE_LOG else the_log(names, reader.take(SHORT_BYTES))
    first = reader.number()
    whole = RecordId(reader.take(ID_BYTES)) if flags & _WHOLE_PREV else None
    count = 1 if flags & _ONE else reader.take(1)[0]
    if not 1 <= count <= MAX_RUN_RECORDS or first >= 2**53:
        raise BadSegment("malformed", "a segment with too many records, or too far up")
    positions = _positions(reader, flags, count)
    check = reader.take(_CHECK_BYTES)
    signatures = [(position, reader.take(_SIGNATURE_BYTES)) for position in positions]
    packed = reader.rest()
    if first == 0:
        chains: Sequence[RecordId] = (RecordId(bytes(ID_BYTES)),)
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


def whose(data: bytes) -> bytes:
    """Return the log that a segment is of: its id, or the first SHORT_BYTES of it. Raises BadSegment and BadBlock."""
    if data[:1] == bytes((_RAW,)):
        return read_outer(data[1:])[0].log
    reader = Reader(data)
    _, flags = reader.take(2)
    return reader.take(ID_BYTES if flags & _WHOLE_LOG else SHORT_BYTES)


def _body(head: BlockHead, flags: int, words: bytes, packed: bytes, names: Names) -> bytes:
    if flags & _CONTEXT:
        context = _context(names, head) if head.first else b""
        if not context:
            raise BadSegment("base", "what comes before it is not at hand", head.log)
        words += context
    body = _inflate(zlib.decompressobj(-15, words), packed)
    return Filler(names, head).body(body) if flags & _NAMED else body


def _positions(reader: "Reader", flags: int, count: int) -> Sequence[int]:
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


# --- Both ---------------------------------------------------------------------------------------------


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
    return zlib.crc32(body, zlib.crc32(said)).to_bytes(4, "big")[-_CHECK_BYTES:]


def _inflate(inflater: Any, packed: bytes) -> bytes:
    try:
        body: bytes = inflater.decompress(packed, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise BadSegment("check", "bytes that do not inflate with what is held here") from None
    if len(body) > MAX_BODY_BYTES or not inflater.eof or inflater.unused_data:
        raise BadSegment("malformed", "a body that is longer than one may be, or cut off")
    return body
