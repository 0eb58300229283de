"""How records of one log stand in a block: by columns, with all that can be derived left out. Pure.

Record by record, ids, hashes, links and authors would be ten times what a record says. In a block
they are implied: a receiver rebuilds each header and payload and hashes it. A wrong column gives a
wrong hash, and the signature at the end does not verify; so the form needs no trust, and two forms
of the same records may differ.

    block  = [1, log, first, prev | b"", count, [[position, signature]...], inflated size, zlib(body)]
    body   = [versions, kinds, times, refs, shapes, nil]     the last is reserved for hashes of erased payloads
    kinds  = [[kind...], index | nil]           index: a byte for each record
    refs   = nil | [table of ids, counts, index]
    shapes = [[keys | nil, rows | nil, [column...]]...]      keys nil: one column of whole payloads
    column = [0, [value...]] | [1, value] | [2, [value...], index] | [3, [first, difference...]]
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, TypeAlias, cast

import msgpack

from fedsync.records.codec import (
    CONTROL,
    INT_MAX,
    INT_MIN,
    MAX_ITEMS,
    NotCanonical,
    Value,
    check_text,
    ordered,
    unpack,
)
from fedsync.records.header import MAX_REFS, MAX_TIME, check_fields
from fedsync.records.ids import LogId, RecordId
from fedsync.records.places import MAX_RUN_RECORDS

FORM = 1
MAX_BLOCK_BYTES = 60 * 1024
"""A block fits a frame of 64 KiB with room to spare, compressed or not."""
MAX_BODY_BYTES = 64 * 1024
"""What a body may inflate to; the sender says it, the receiver stops there."""
MAX_KEYS = 64
_PLAIN, _CONSTANT, _DICTIONARY, _DIFFERENCES = range(4)

_pack = msgpack.Packer(autoreset=True, use_bin_type=True).pack


class BadBlock(ValueError):
    """The bytes are no block of verified records. `code` is stable; whoever sent them is at fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class BlockHead:
    """What a block says of itself, unverified."""

    log: LogId
    first: int
    count: int
    prev: RecordId

    @property
    def last(self) -> int:
        """The seq of its last record."""
        return self.first + self.count - 1


@dataclass(frozen=True, slots=True)
class Row:
    """What a block must say of one record; the rest of its header follows from its place."""

    version: int
    kind: str
    time: int
    refs: tuple[RecordId, ...]
    payload: bytes


Keys: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class Shape:
    """Records of a block whose payloads have the same keys. `keys` None: `columns` is one of whole payloads."""

    keys: Keys | None
    rows: Sequence[int]
    columns: list[list[Value]]


@dataclass(slots=True)
class Body:
    """A block's columns, expanded to one entry a record."""

    versions: list[int]
    kinds: list[str]
    times: list[int]
    refs: list[tuple[RecordId, ...]]
    shapes: list[Shape]
    pieces: list[tuple[Sequence[int], list[bytes]]]
    """For each shape, its rows and their payloads' bytes."""

    def payloads(self) -> list[bytes]:
        """Return each record's payload."""
        if len(self.pieces) == 1:
            return self.pieces[0][1]
        found = [b""] * len(self.kinds)
        for rows, payloads in self.pieces:
            for row, payload in zip(rows, payloads, strict=True):
                found[row] = payload
        return found


# --- Reading ------------------------------------------------------------------------------------------


def read_outer(raw: bytes) -> tuple[BlockHead, list[tuple[int, bytes]], int, bytes]:
    """Return a block's head, signatures, inflated size and packed body. Raises BadBlock."""
    if len(raw) > MAX_BLOCK_BYTES:
        raise BadBlock("oversize", f"a block of {len(raw)} bytes; {MAX_BLOCK_BYTES} are allowed")
    try:
        outer = msgpack.unpackb(
            raw, raw=False, use_list=False, ext_hook=_no_ext, max_array_len=MAX_RUN_RECORDS + 8
        )
        form, log, first, prev, count, signatures, size, body = outer
    except Exception:
        raise BadBlock("malformed", "not a block") from None
    if form != FORM or type(form) is not int:
        raise BadBlock("form", "a block of a form that this version does not know")
    _demand(type(log) is bytes and len(log) == 32)
    _demand(type(first) is int and 0 <= first < 2**53)
    _demand(type(count) is int and 1 <= count <= MAX_RUN_RECORDS)
    _demand(type(prev) is bytes and len(prev) == (32 if first else 0))
    _demand(type(size) is int and 0 < size <= MAX_BODY_BYTES and type(body) is bytes)
    _demand(type(signatures) is tuple and 1 <= len(signatures) <= count)
    before = -1
    for each in signatures:
        _demand(type(each) is tuple and len(each) == 2)
        position, signature = each
        _demand(type(position) is int and before < position < count)
        _demand(type(signature) is bytes and len(signature) == 64)
        before = position
    return BlockHead(LogId(log), first, count, RecordId(prev or bytes(32))), list(signatures), size, body


def read_body(packed: bytes, size: int, count: int) -> Body:
    """Return the columns of a body of `count` records. Raises BadBlock, never anything else."""
    try:
        inflater = zlib.decompressobj()
        data = inflater.decompress(packed, size)
        if len(data) != size or not inflater.eof or inflater.unused_data:
            raise BadBlock("malformed", "a block's body is not as long as it says")
        most = min(size, MAX_ITEMS)
        value = msgpack.unpackb(
            data, raw=False, strict_map_key=False, ext_hook=_no_ext, max_array_len=most, max_map_len=most
        )
        versions, kinds, times, refs, shapes, hashes = value
        if hashes is not None:
            raise BadBlock("form", "a block with erased payloads, which this version does not know")
        body = Body(
            versions=_read_versions(versions, count),
            kinds=_read_kinds(kinds, count),
            times=_read_times(times, count),
            refs=_read_refs(refs, count),
            shapes=[],
            pieces=[],
        )
        for version, kind in set(zip(body.versions, body.kinds, strict=True)):
            check_fields(version, kind, 0, 0)
        _read_shapes(shapes, count, body)
    except BadBlock:
        raise
    except Exception as error:  # any wrong type or length in a peer's bytes ends here
        raise BadBlock("malformed", f"a block's columns are wrong: {error}") from None
    return body


def _no_ext(code: int, data: bytes) -> object:
    raise BadBlock("malformed", f"an extension type ({code})")


def _demand(condition: bool) -> None:
    if not condition:
        raise BadBlock("malformed", "a block's fields are wrong")


def _read_versions(value: Any, count: int) -> list[int]:
    versions = value if type(value) is list else [value] * count
    # True equals 1 in Python, and would be another header.
    _demand(len(versions) == count and set(map(type, versions)) == {int})
    return versions


def _read_kinds(value: Any, count: int) -> list[str]:
    names, index = value
    _demand(type(names) is list)
    if index is None:
        _demand(len(names) == 1)
        return list(names) * count
    _demand(type(index) is bytes and len(index) == count)
    return [names[each] for each in index]


def _read_times(value: list[int], count: int) -> list[int]:
    _demand(type(value) is list and set(map(type, value)) == {int})
    if len(value) == 1:
        value = value + [0] * (count - 1)
    times = list(accumulate(value))
    _demand(len(times) == count and min(times) >= -MAX_TIME and max(times) <= MAX_TIME)
    return times


def _read_refs(value: Any, count: int) -> list[tuple[RecordId, ...]]:
    if value is None:
        return [()] * count
    table, counts, index = value
    _demand(type(table) is bytes and len(table) % 32 == 0 and type(counts) is bytes and len(counts) == count)
    _demand(max(counts) <= MAX_REFS and sum(counts) == len(index))
    ids = [RecordId(table[at : at + 32]) for at in range(0, len(table), 32)]
    _demand(type(index) is bytes or (type(index) is list and all(type(i) is int and i >= 0 for i in index)))
    flat = iter(index)
    return [tuple(ids[next(flat)] for _ in range(each)) for each in counts]


def _read_shapes(value: Any, count: int, body: Body) -> None:
    seen = 0
    taken = bytearray(count)
    for keys, rows, columns in value:
        if rows is None:
            _demand(len(value) == 1)
            rows = range(count)
        else:
            # Ascending, or the columns would tell another record's story than the payloads that are hashed.
            _demand(type(rows) is bytes and len(rows) > 0)
            _demand(all(a < b for a, b in pairwise(rows)))
            for row in rows:
                _demand(not taken[row])
                taken[row] = 1
        n = len(rows)
        seen += n
        if keys is None:
            (column,) = columns
            payloads = _read_column(column, n)[0]
            _demand(set(map(type, payloads)) == {bytes})
            body.shapes.append(Shape(None, rows, [payloads]))
            body.pieces.append((rows, cast("list[bytes]", payloads)))
        else:
            _demand(type(keys) is list and len(keys) <= MAX_KEYS and len(columns) == len(keys))
            body.shapes.append(_read_map_shape(tuple(keys), rows, columns, n, body))
    _demand(seen == count)


def _read_map_shape(keys: Keys, rows: Sequence[int], columns: list[Any], n: int, body: Body) -> Shape:
    for key in keys:
        _demand(type(key) is str)
        check_text(key)
    _demand(all(a < b for a, b in pairwise(keys)))
    # Payload bytes are the map's head, then each key and value; what is the same in all rows is packed once.
    lead: bytes = _map_head(len(keys))
    values: list[list[Value]] = []
    varying: list[list[bytes]] = []
    for key, column in zip(keys, columns, strict=True):
        lead += _pack(key)
        expanded, index, distinct = _read_column(column, n)
        values.append(expanded)
        if len(distinct) == 1 and index is not None:
            lead += _pack(distinct[0])
        elif index is not None:
            packed = [lead + _pack(each) for each in distinct]
            varying.append([packed[each] for each in index])
            lead = b""
        else:
            varying.append([lead + _pack(each) for each in distinct])
            lead = b""
    if lead:
        varying.append([lead] * n)
    payloads = varying[0] if len(varying) == 1 else [b"".join(row) for row in zip(*varying, strict=True)]
    body.pieces.append((rows, payloads))
    return Shape(keys, rows, values)


def _map_head(n: int) -> bytes:
    head: bytes = _pack_head(n)
    return head


_pack_head = msgpack.Packer(autoreset=True).pack_map_header


def _read_column(column: Any, n: int) -> tuple[list[Value], Sequence[int] | None, list[Value]]:
    """Return a column's value for each row, and where they are few, which of the distinct ones each is."""
    # A msgpack map can be indexed and walked like a list but answers the two differently: folds would read
    # values that nobody signed. So everything that is not a cell is a list or bytes, by type.
    _demand(type(column) is list and type(column[0]) is int)
    code = column[0]
    if code == _CONSTANT:
        _, value = column
        _check_values([value])
        return [value] * n, bytes(n), [value]
    if code == _DICTIONARY:
        _, distinct, index = column
        _demand(type(distinct) is list and len(distinct) > 1)
        _demand(type(index) is bytes and len(index) == n)
        _check_values(distinct)
        return [distinct[each] for each in index], index, distinct
    if code == _DIFFERENCES:
        _, steps = column
        _demand(type(steps) is list and set(map(type, steps)) == {int})
        numbers: list[Value] = list(accumulate(steps))
        _check_values(numbers)
        _demand(len(numbers) == n)
        return numbers, None, numbers
    _demand(code == _PLAIN)
    _, values = column
    _demand(type(values) is list and len(values) == n)
    _check_values(values)
    return values, None, values


def _check_values(values: list[Any]) -> None:
    """Raise NotCanonical unless each value may stand in a payload."""
    types = set(map(type, values))
    if types == {int}:
        if min(values) < INT_MIN or max(values) > INT_MAX:
            raise NotCanonical("an integer beyond 64 bits")
    elif types == {str}:
        if CONTROL.search("".join(values)):
            raise NotCanonical("a control character in a text")
    elif types != {bytes}:
        for value in values:
            # Within the payload's map, so the depth is 2; a nested map must already be in order.
            if _pack(ordered(value, 2)) != _pack(value):
                raise NotCanonical("a map that is not in order")


# --- Writing ------------------------------------------------------------------------------------------


def write(
    log: LogId, first: int, prev: RecordId, rows: Sequence[Row], signatures: Sequence[tuple[int, bytes]]
) -> bytes:
    """Return the block of these records, after checking that it reads back as exactly the same records."""
    body = _pack(_columns(rows))
    if not _reads_back(body, rows):
        body = _pack(_plain(rows))
    head = prev if first else b""
    block: bytes = _pack((FORM, log, first, head, len(rows), signatures, len(body), zlib.compress(body, 6)))
    return block


def pack_body(rows: Sequence[Row]) -> bytes:
    """Return the body of a block of these records, as it is before it is compressed."""
    body: bytes = _pack(_columns(rows))
    return body


def _reads_back(body: bytes, rows: Sequence[Row]) -> bool:
    if len(body) > MAX_BODY_BYTES:
        return False
    try:
        read = read_body(zlib.compress(body, 0), len(body), len(rows))
    except BadBlock:
        return False
    return read_rows(read) == list(rows)


def read_rows(body: Body) -> list[Row]:
    """Return the records of a body, one by one."""
    return [
        Row(*each)
        for each in zip(body.versions, body.kinds, body.times, body.refs, body.payloads(), strict=True)
    ]


def _columns(rows: Sequence[Row]) -> tuple[object, ...]:
    shapes: dict[Keys | None, tuple[list[int], list[list[Value]]]] = {}
    for position, row in enumerate(rows):
        value = _map_of(row.payload)
        keys = None if value is None else tuple(value)
        if keys not in shapes:
            shapes[keys] = ([], [[] for _ in (keys if keys is not None else "x")])
        positions, columns = shapes[keys]
        positions.append(position)
        cells: list[Value] = [row.payload] if value is None else list(value.values())
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
    written = [
        (keys, None if len(shapes) == 1 else bytes(positions), [_column(each) for each in columns])
        for keys, (positions, columns) in shapes.items()
    ]
    return (*_outer_columns(rows), written, None)


def _plain(rows: Sequence[Row]) -> tuple[object, ...]:
    return (*_outer_columns(rows), [(None, None, [(_PLAIN, [row.payload for row in rows])])], None)


def _outer_columns(rows: Sequence[Row]) -> tuple[object, ...]:
    versions = [row.version for row in rows]
    names = list(dict.fromkeys(row.kind for row in rows))
    index = None if len(names) == 1 else bytes(names.index(row.kind) for row in rows)
    times = _steps([row.time for row in rows])
    if not any(times[1:]):
        times = times[:1]
    refs: object = None
    if any(row.refs for row in rows):
        table = list(dict.fromkeys(ref for row in rows for ref in row.refs))
        at = {ref: number for number, ref in enumerate(table)}
        flat = [at[ref] for row in rows for ref in row.refs]
        counts = bytes(len(row.refs) for row in rows)
        refs = (b"".join(table), counts, bytes(flat) if len(table) <= 256 else flat)
    return versions[0] if len(set(versions)) == 1 else versions, (names, index), times, refs


def _map_of(payload: bytes) -> dict[str, Value] | None:
    try:
        value = unpack(payload)
    except NotCanonical:
        return None
    return value if isinstance(value, dict) and len(value) <= MAX_KEYS else None


def _column(values: list[Value]) -> tuple[object, ...]:
    # Python holds True == 1, and 1 == 1 in a map of any key, so values are compared by their bytes.
    packed = [_pack(value) for value in values]
    distinct = dict(zip(packed, values, strict=True))
    if len(distinct) == 1:
        return (_CONSTANT, values[0])
    if len(distinct) <= len(values) // 2:
        numbers = {each: number for number, each in enumerate(distinct)}
        return (_DICTIONARY, list(distinct.values()), bytes(numbers[each] for each in packed))
    if set(map(type, values)) == {int}:
        steps = _steps(cast("list[int]", values))
        if all(INT_MIN <= step <= INT_MAX for step in steps) and len(_pack(steps)) < sum(map(len, packed)):
            return (_DIFFERENCES, steps)
    return (_PLAIN, values)


def _steps(numbers: list[int]) -> list[int]:
    return numbers[:1] + [b - a for a, b in pairwise(numbers)]
