"""Sealing: words from a person become signed records at the end of that person's log. Pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from fedsync.records import ed25519
from fedsync.records.block import Base, Block, check
from fedsync.records.codec import MAX_RECORD_BYTES, NotCanonical, Value, pack
from fedsync.records.genesis import GENESIS, Genesis
from fedsync.records.header import MAX_REFS, VERSION, check_fields, pack_header
from fedsync.records.ids import ZERO_ID, LogClass, RecordId, payload_id, record_id, signed_bytes
from fedsync.records.places import START, Place, walk
from fedsync.records.wire import Row, write


@dataclass(frozen=True, slots=True)
class Draft:
    """A record before it is signed. `time` is the claimed time in ms."""

    kind: str
    value: Value
    time: int
    refs: tuple[RecordId, ...] = ()


def seal(
    private: ed25519.Signs,
    genesis: Genesis,
    base: Base | None,
    drafts: Sequence[Draft],
    time: int = 0,
    rule: ed25519.Rule = ed25519,
) -> list[Block]:
    """Return the blocks that append `drafts` to a log, each ending in a signature.

    `base` is the log's tip as the writer's own store has it; None begins the log, with its genesis dated
    `time`. Records of the authority class are signed one by one, others at the end and at each mandatory
    place. Raises NotCanonical when a draft has no canonical form or is too large.
    """
    rows = [Row(VERSION, each.kind, each.time, each.refs, pack(normal(each.value))) for each in drafts]
    if base is None:
        rows.insert(0, Row(VERSION, GENESIS, time, (), genesis.payload))
    if not rows:
        return []
    start, prev, before = (0, ZERO_ID, START) if base is None else (base.seq + 1, base.id, base.place)
    ids, sizes = _link(genesis, start, prev, rows)
    blocks: list[Block] = []
    first = 0
    for end in _ends(before, sizes):
        each_signed = genesis.log_class is LogClass.AUTHORITY
        places = range(first, end) if each_signed else range(end - 1, end)
        signatures = [(at - first, ed25519.sign(private, signed_bytes(ids[at]))) for at in places]
        link = ids[first - 1] if first else prev
        raw = write(genesis.log, start + first, link, rows[first:end], signatures)
        block = check(raw, base if start + first else None, rule)
        blocks.append(block)
        base = Base(genesis, block.last, block.tip, block.place(base.place if base else START))
        first = end
    return blocks


def _ends(before: Place, sizes: list[int]) -> list[int]:
    """Return where blocks end: after each mandatory place, and after the last record."""
    places = [each + 1 for each in walk(before, sizes)[0] if each >= 0]
    return places if places and places[-1] == len(sizes) else [*places, len(sizes)]


def _link(genesis: Genesis, first: int, prev: RecordId, rows: list[Row]) -> tuple[list[RecordId], list[int]]:
    ids: list[RecordId] = []
    sizes: list[int] = []
    for at, row in enumerate(rows):
        check_fields(row.version, row.kind, row.time, first + at)
        if len(row.refs) > MAX_REFS or any(len(each) != 32 for each in row.refs):
            raise NotCanonical(f"a record builds on at most {MAX_REFS} others, named by 32 bytes each")
        payload = row.payload
        header = pack_header(
            row.version,
            genesis.log,
            first + at,
            prev,
            row.kind,
            row.time,
            payload_id(payload),
            len(payload),
            row.refs,
        )
        size = len(header) + len(payload)
        if size > MAX_RECORD_BYTES:
            raise NotCanonical(f"a record of {size} bytes; {MAX_RECORD_BYTES} are allowed")
        prev = record_id(header)
        ids.append(prev)
        sizes.append(size)
    return ids, sizes


def normal(value: Value) -> Value:
    """Return `value` with its texts in Unicode's form C, so that two keyboards give one name."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list | tuple):
        return [normal(each) for each in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise NotCanonical("a key that is not text")
        fields = {unicodedata.normalize("NFC", key): normal(each) for key, each in value.items()}
        if len(fields) < len(value):
            raise NotCanonical("two keys that are one when normalised")
        return fields
    return value
