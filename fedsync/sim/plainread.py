"""Blocks and records as docs/record-format.md has them, by a second reader: slow, short, and for the checks alone.

It shares nothing with the reader in `records` but the names of things. msgpack, zlib and SHA-256 are all it stands on, so
what that reader takes to be said where something else was signed is found out. Who signed it asks nobody here: the ledger
has every id that was ever signed, and an id is worked out from each byte of its record and of all before it.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

import msgpack

from fedsync.records.ids import Key, LogClass, LogId, PayloadId, Reach, RecordId, Scope

Value: TypeAlias = bool | int | bytes | str | list["Value"] | dict[str, "Value"] | None

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
"""What no text may hold."""


class Unreadable(ValueError):
    """The bytes are not what docs/record-format.md describes; no node should have taken them."""


class Beginning(NamedTuple):
    """What record 0 says of a log."""

    log: LogId
    key: Key
    scope: Scope
    capacity: tuple[object, ...]
    log_class: LogClass
    reach: Reach
    incarnation: bytes


class Said(NamedTuple):
    """A record, as its bytes say. `value`: what its payload means; None when that is no value."""

    of: Beginning
    seq: int
    id: RecordId
    before: RecordId
    kind: str
    time: int
    named: PayloadId
    """The hash of its payload, by which a page or a store is named."""
    value: Value


class Run(NamedTuple):
    """A block: records of one log that follow each other."""

    raw: bytes
    of: Beginning
    first: int
    records: tuple[Said, ...]


def log_of(raw: bytes) -> LogId:
    """Return which log a block is of."""
    return LogId(msgpack.unpackb(raw)[1])


def log_of_segment(frame: bytes) -> bytes:
    """Return which log the segment in a frame is of: its id, or the 3 bytes by which it is named; nothing of what is none."""
    try:
        data = msgpack.unpackb(frame)[-1]
        named = log_of(data[1:]) if data[0] == 0 else data[2:34] if data[1] & 1 else data[2:5]
    except Exception:  # a liar's
        return b""
    return named if len(named) in (3, 32) else b""


def read(raw: bytes, of: Beginning | None) -> Run:
    """Return what a block says. `of`: how its log begins, if it does not begin here. Raises Unreadable."""
    try:
        return _read(raw, of)
    except Unreadable:
        raise
    except Exception as error:  # whatever a wrong type or length raises means the same here
        raise Unreadable(f"no block: {error!r}") from error


def log_named(beginning: bytes) -> LogId:
    """Return the id of the log that begins with this payload."""
    return LogId(sha256(b"fedsync/1/log\0" + beginning).digest())


def page_named(payload: bytes) -> PayloadId:
    """Return how a page, a store or whatever else a payload makes is named."""
    return PayloadId(sha256(b"fedsync/1/payload\0" + payload).digest())


def _read(raw: bytes, of: Beginning | None) -> Run:
    form, log, first, prev, count, _, size, packed = msgpack.unpackb(raw)
    data = zlib.decompress(packed)
    if form != 1 or len(data) != size:
        raise Unreadable("a form of block that nobody writes yet, or a body of another length than it says")
    versions, kinds, times, refs, shapes, erased = msgpack.unpackb(data, strict_map_key=False)
    if erased is not None:
        raise Unreadable("erased payloads, which nobody makes yet")
    cells = zip(
        versions if isinstance(versions, list) else [versions] * count,
        _kinds(kinds, count),
        accumulate(times if len(times) == count else times + [0] * (count - 1)),
        _refs(refs, count),
        _payloads(shapes, count),
        strict=True,
    )
    before, records = RecordId(prev if first else bytes(32)), list[Said]()
    for seq, (version, kind, time, named, payload) in enumerate(cells, first):
        if seq == 0:
            of = _beginning(payload, log)
        if of is None or of.log != log:
            raise Unreadable("a block of a log whose beginning is not held")
        hashed = page_named(payload)
        header = msgpack.packb([version, log, seq, before, kind, time, hashed, len(payload), named])
        id_ = RecordId(sha256(b"fedsync/1/record\0" + header).digest())
        records.append(Said(of, seq, id_, before, kind, time, hashed, _value(payload)))
        before = id_
    assert of is not None
    return Run(raw, of, first, tuple(records))


def _beginning(payload: bytes, log: bytes) -> Beginning:
    if log_named(payload) != log:
        raise Unreadable("a log that is not named by how it begins")
    said = msgpack.unpackb(payload)
    return Beginning(
        LogId(log), said["key"], said["scope"], tuple(said["capacity"]), LogClass(said["class"]), Reach(said["reach"]),
        said["incarnation"],
    )  # fmt: skip


def _value(payload: bytes) -> Value:
    try:
        value: Value = msgpack.unpackb(payload, strict_map_key=False)
    except Exception:
        return None
    return value if _is_plain(value) and msgpack.packb(value) == payload else None


def _is_plain(value: object, within: int = 0) -> bool:
    """Say whether the format has such a value. That it is written in the shortest way is another matter."""
    match value:
        case str():
            return CONTROL.search(value) is None
        case None | bool() | bytes():
            return True
        case int():
            return value < 2**63
        case list():
            return within < 8 and len(value) <= 4096 and all(_is_plain(each, within + 1) for each in value)
        case dict():
            keys = list(value)
            return (
                all(isinstance(key, str) and _is_plain(key) for key in keys)
                and keys == sorted(keys)
                and _is_plain(list(value.values()), within)
            )
    return False


def _kinds(said: Any, count: int) -> Sequence[str]:
    names, index = said
    return [names[0]] * count if index is None else [names[each] for each in index]


def _refs(said: Any, count: int) -> Iterator[list[bytes]]:
    """Yield what each record refers to: a table of ids, how many each has, and which."""
    if said is None:
        yield from ([] for _ in range(count))
        return
    table, counts, index = said
    at = 0
    for many in counts:
        yield [table[32 * each : 32 * each + 32] for each in index[at : at + many]]
        at += many


def _payloads(shapes: Any, count: int) -> list[bytes]:
    """Return each record's payload: whole, or a map put together from a column for each of its keys."""
    found: dict[int, bytes] = {}
    for keys, rows, columns in shapes:
        places = list(range(count)) if rows is None else list(rows)
        cells = [_column(each, len(places)) for each in columns]
        for row, values in zip(
            places, zip(*cells, strict=True) if cells else [()] * len(places), strict=True
        ):
            if row in found:
                raise Unreadable("two payloads of one record")
            found[row] = values[0] if keys is None else msgpack.packb(dict(zip(keys, values, strict=True)))
    return [found[row] for row in range(count)]


def _column(column: Any, rows: int) -> Sequence[Any]:
    match column:
        case [0, list(values)] if len(values) == rows:
            return values
        case [1, value]:
            return [value] * rows
        case [2, list(values), bytes(index)] if len(index) == rows:
            return [values[each] for each in index]
        case [3, list(steps)] if len(steps) == rows:
            return list(accumulate(steps))
    raise Unreadable("a column of an unknown form")
