"""A block: a run of verified records of one log, and the only way to get one. Pure.

Bytes from elsewhere become a `Block` through `check`, which raises when they do not deserve it; there is no
`verify() -> bool` that a caller can forget. Records are views of their block, made when asked for, because a
first sync brings hundreds of thousands of them and most are only ever added up.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import TypeVar, cast

from fedsync.records import ed25519
from fedsync.records.codec import MAX_RECORD_BYTES, NotCanonical, Value, unpack
from fedsync.records.genesis import GENESIS, BadGenesis, Genesis
from fedsync.records.header import pack_fields, pack_header
from fedsync.records.ids import (
    PAYLOAD_TAG,
    RECORD_TAG,
    ZERO_ID,
    LogId,
    PayloadId,
    RecordId,
    payload_id,
    signed_bytes,
)
from fedsync.records.places import MAX_RUN_BYTES, START, Place, walk
from fedsync.records.wire import BadBlock, BlockHead, Body, Keys, Row, read_body, read_outer, read_rows, write

__all__ = [
    "BadBlock",
    "Base",
    "Block",
    "BlockHead",
    "Columns",
    "Record",
    "check",
    "claimed_genesis",
    "claimed_ids",
    "claimed_records",
    "claimed_rows",
    "is_signed",
    "load",
    "merge",
    "peek",
]


T = TypeVar("T")

PEEKED_KEPT = 64
"""Blocks of which it is remembered what they say of themselves: a few KB each, and 4 MB at most."""
SILENT = ""
"""Stands for the kind of a record that says nothing where it is read."""


@dataclass(frozen=True, slots=True)
class Base:
    """Where a chain that the holder has verified stands: what a block that follows it is checked against.

    `signed` says whether the record is covered as a mandatory place would have to be.
    """

    genesis: Genesis
    seq: int
    id: RecordId
    place: Place
    signed: bool = True


@dataclass(slots=True)
class Columns:
    """Records of one kind in a block whose payloads are maps with the same keys: one list for each key."""

    kind: str
    version: int
    keys: Keys
    rows: Sequence[int]
    """Positions in the block, ascending."""
    cols: dict[str, list[Value]]


class Record:
    """One verified record, as a view of its block."""

    __slots__ = ("_at", "_block")

    def __init__(self, block: "Block", at: int) -> None:
        self._block, self._at = block, at

    @property
    def log(self) -> LogId:
        """The log that it stands in."""
        return self._block.log

    @property
    def genesis(self) -> Genesis:
        """Whose log it is, and for what."""
        return self._block.genesis

    @property
    def seq(self) -> int:
        """Its place in the log; the genesis has 0."""
        return self._block.first + self._at

    @property
    def id(self) -> RecordId:
        """The hash of its header."""
        return self._block.ids[self._at]

    @property
    def prev(self) -> RecordId:
        """The id of the record before it, 32 zero bytes for a genesis."""
        return self._block.ids[self._at - 1] if self._at else self._block.prev

    @property
    def version(self) -> int:
        """The version of the format that it was written in."""
        return self._block.body.versions[self._at]

    @property
    def kind(self) -> str:
        """What it says it is."""
        return self._block.body.kinds[self._at]

    @property
    def time(self) -> int:
        """The time that its author claims, in ms since 1970."""
        return self._block.body.times[self._at]

    @property
    def refs(self) -> tuple[RecordId, ...]:
        """The records that it builds on."""
        return self._block.body.refs[self._at]

    @property
    def payload(self) -> bytes:
        """Its payload's exact bytes."""
        return self._block.payloads[self._at]

    @property
    def payload_id(self) -> PayloadId:
        """The hash of its payload."""
        return PayloadId(sha256(PAYLOAD_TAG + self.payload).digest())

    @property
    def value(self) -> Value:
        """What its payload says. Raises NotCanonical when the payload is no canonical value."""
        return self._block.value(self._at)

    @property
    def header(self) -> bytes:
        """Its header's exact bytes."""
        return pack_header(
            self.version,
            self.log,
            self.seq,
            self.prev,
            self.kind,
            self.time,
            self.payload_id,
            len(self.payload),
            self.refs,
        )

    def __repr__(self) -> str:
        return f"<Record {self.kind} {self.id.hex()[:8]} seq {self.seq}>"


class Block:
    """A run of verified records of one log, at most 128 or 48 KiB, that ends in a signature. Immutable."""

    def __init__(
        self,
        raw: bytes,
        head: BlockHead,
        signatures: list[tuple[int, bytes]],
        body: Body,
        genesis: Genesis,
        fault: str | None = None,
    ) -> None:
        self.raw = raw
        """The exact bytes, to be kept and served."""
        self.log = head.log
        self.first = head.first
        self.count = head.count
        self.last = head.last
        self.prev = head.prev
        self.signatures = signatures
        self.body = body
        self.genesis = genesis
        self.fault = fault
        """What was wrong with the bytes that this is the good part of: a strike for who sent them."""

    @property
    def times(self) -> list[int]:
        """The claimed time of each record, in ms."""
        return self.body.times

    @property
    def kinds(self) -> list[str]:
        """The kind of each record."""
        return self.body.kinds

    @cached_property
    def payloads(self) -> list[bytes]:
        """The payload of each record."""
        return self.body.payloads()

    @cached_property
    def _chain(self) -> tuple[list[RecordId], list[int]]:
        return _chain(self.log, self.first, self.prev, self.body, self.payloads)

    @property
    def ids(self) -> list[RecordId]:
        """The id of each record."""
        return self._chain[0]

    @property
    def sizes(self) -> list[int]:
        """The bytes of header and payload of each record."""
        return self._chain[1]

    @property
    def tip(self) -> RecordId:
        """The id of the last record."""
        return self.ids[-1]

    def record(self, at: int) -> Record:
        """Return the record at position `at`, from 0."""
        if not 0 <= at < self.count:
            raise IndexError(at)
        return Record(self, at)

    def records(self) -> Iterator[Record]:
        """Yield the records in order."""
        return (Record(self, at) for at in range(self.count))

    def value(self, at: int) -> Value:
        """Return what the payload at position `at` says. Raises NotCanonical when it is no canonical value."""
        for shape in self.body.shapes:
            # What came in columns was read with the block.
            if shape.keys is not None and at in shape.rows:
                row = shape.rows.index(at)
                return {key: cells[row] for key, cells in zip(shape.keys, shape.columns, strict=True)}
        return unpack(self.payloads[at])

    def columns(self) -> list[Columns]:
        """Return the records whose payloads are maps, by kind and keys, whatever form the block came in.

        Records whose payload is something else are not among them: ask `record` for them.
        """
        return self._columns

    @cached_property
    def _columns(self) -> list[Columns]:
        # Who counts stores, transfers and factors each ask for them; none of them writes into what it gets.
        found: list[Columns] = []
        for shape in self.body.shapes:
            if shape.keys is not None:
                found.extend(self._by_kind(shape.keys, shape.rows, shape.columns))
                continue
            loose: dict[Keys, tuple[list[int], list[list[Value]]]] = {}
            for row, payload in zip(shape.rows, shape.columns[0], strict=True):
                value = _map_or_none(payload)
                if value is not None:
                    rows, columns = loose.setdefault(tuple(value), ([], [[] for _ in value]))
                    rows.append(row)
                    for column, cell in zip(columns, value.values(), strict=True):
                        column.append(cell)
            for keys, (rows, columns) in loose.items():
                found.extend(self._by_kind(keys, rows, columns))
        return found

    def once(self, work: Callable[["Block"], T]) -> T:
        """Return what comes of this work on the block, done once: whoever gets it changes nothing in it."""
        found = self._done.get(work)
        if found is None:
            found = self._done[work] = work(self)
        return cast(T, found)

    @cached_property
    def _done(self) -> dict[Callable[["Block"], object], object]:
        return {}

    def _by_kind(self, keys: Keys, rows: Sequence[int], columns: list[list[Value]]) -> Iterator[Columns]:
        kinds, versions = self.body.kinds, self.body.versions
        names = {(kinds[row], versions[row]) for row in rows}
        for kind, version in sorted(names):
            if len(names) == 1:
                yield Columns(kind, version, keys, rows, dict(zip(keys, columns, strict=True)))
                continue
            keep = [at for at, row in enumerate(rows) if kinds[row] == kind and versions[row] == version]
            cols = {key: [column[at] for at in keep] for key, column in zip(keys, columns, strict=True)}
            yield Columns(kind, version, keys, [rows[at] for at in keep], cols)

    def silenced(self, rows: Collection[int]) -> "Block":
        """Return this block, for whoever reads what it says: the records at these positions are of no kind there.

        Ids, bytes and signatures stay as they are.
        """
        kinds = list(self.body.kinds)
        for at in rows:
            kinds[at] = SILENT
        found = copy(self)
        # What was worked out of the kinds comes along with the copy, so that ids stay those of the records.
        found._chain = self._chain
        found.body = replace(self.body, kinds=kinds)
        found.__dict__.pop("_columns", None)
        found.__dict__.pop("_done", None)
        return found

    def place(self, before: Place) -> Place:
        """Return the place after the last record, given the one before the first."""
        return walk(before, self.sizes)[1]

    def after(self, seq: int) -> "Block":
        """Return the part of this block that follows `seq`. Raises IndexError when there is none."""
        if seq < self.first:
            return self
        cut = seq - self.first + 1
        if cut >= self.count:
            raise IndexError(seq)
        return self._slice(cut, self.count)

    def upto(self, seq: int) -> "Block":
        """Return the part of this block up to its last signature at or before `seq`, or raise IndexError."""
        if seq >= self.last:
            return self
        ends = [position for position, _ in self.signatures if self.first + position <= seq]
        if not ends:
            raise IndexError(seq)
        return self._slice(0, ends[-1] + 1)

    def _slice(self, start: int, stop: int, fault: str | None = None) -> "Block":
        rows = read_rows(self.body)[start:stop]
        signatures = [(at - start, each) for at, each in self.signatures if start <= at < stop]
        prev = self.ids[start - 1] if start else self.prev
        return _make(self.log, self.first + start, prev, rows, signatures, self.genesis, fault)


# A session looks at a block that came, then the door, and soon the next session that was sent the same.
@lru_cache(maxsize=PEEKED_KEPT)
def peek(raw: bytes) -> BlockHead:
    """Return what a block says of itself, unverified. Raises BadBlock."""
    return read_outer(raw)[0]


# Who judges how urgent a block is asks for its genesis, then for its records, and another door soon for the same.
@lru_cache(maxsize=PEEKED_KEPT)
def _claimed(raw: bytes) -> Body:
    head, _, size, packed = read_outer(raw)
    return read_body(packed, size, head.count)


def claimed_genesis(raw: bytes, rule: ed25519.Rule = ed25519) -> Genesis | None:
    """Return the genesis that a block begins with, unverified; None when it begins further on. Raises BadBlock.

    `rule`: as for `check`.
    """
    head = peek(raw)
    return _genesis(head, _claimed(raw), rule) if head.first == 0 else None


def claimed_records(raw: bytes) -> list[tuple[str, bytes]]:
    """Return the kind and payload of each record of a block, unverified. Raises BadBlock."""
    body = _claimed(raw)
    return list(zip(body.kinds, body.payloads(), strict=True))


def claimed_rows(raw: bytes) -> list[Row]:
    """Return the records of a block, unverified. Raises BadBlock."""
    head, _, size, packed = read_outer(raw)
    return read_rows(read_body(packed, size, head.count))


def claimed_ids(raw: bytes) -> list[tuple[RecordId, PayloadId]]:
    """Return the id of each record of a block, and that of its payload, unverified. Raises BadBlock."""
    head, _, size, packed = read_outer(raw)
    body = read_body(packed, size, head.count)
    payloads = body.payloads()
    ids = _chain(head.log, head.first, head.prev, body, payloads)[0]
    return [(id_, payload_id(payload)) for id_, payload in zip(ids, payloads, strict=True)]


def check(raw: bytes, base: Base | None, rule: ed25519.Rule = ed25519) -> Block:
    """Return the block, verified: shape, chain, signatures and mandatory places.

    `base` is where the holder's chain stands just before the block's first record; None when the block begins
    with its genesis. When the end is badly signed the longest prefix that ends in a good signature is
    returned, with its `fault` set. `rule` is another one only where nothing is real. Raises BadBlock with one of the codes oversize, malformed, form, base,
    genesis, signature, place.
    """
    head, signatures, size, packed = read_outer(raw)
    body = read_body(packed, size, head.count)
    if head.first == 0:
        genesis = _genesis(head, body, rule)
        before = Base(genesis, -1, ZERO_ID, START)
    elif base is None or base.seq != head.first - 1 or base.id != head.prev or base.genesis.log != head.log:
        raise BadBlock("base", "the block does not follow what is held of its log")
    else:
        genesis, before = base.genesis, base
        if GENESIS in body.kinds:
            raise BadBlock("genesis", "a genesis in the middle of a log")
    block = Block(raw, head, signatures, body, genesis)
    # Columns can say much with few bytes; what they stand for must fit a block that is written plainly too,
    # or a part of it could not be served.
    if sum(block.sizes) > MAX_RUN_BYTES:
        raise BadBlock("oversize", f"records of {sum(block.sizes)} bytes; {MAX_RUN_BYTES} are allowed")
    places = walk(before.place, block.sizes)[0]
    if places and places[0] == -1:
        if not before.signed:
            raise BadBlock("place", "the record before the block should be signed and is not")
        del places[0]
    good = [(at, each) for at, each in signatures if _signed(genesis, block.ids[at], each, rule)]
    end = _verified_end(head.count, places, {at for at, _ in good})
    if end == 0:
        code = "place" if good else "signature"
        raise BadBlock(code, "no record of the block is covered by a good signature")
    if end == head.count and len(good) == len(signatures):
        return block
    block.signatures = good
    return block._slice(0, end, None if end == head.count else "signature")


def is_signed(raw: bytes, genesis: Genesis, rule: ed25519.Rule = ed25519) -> bool:
    """Say whether a block ends in a signature of whoever writes this log, wherever in it the block may stand.

    So much can be known before what it follows is held; it takes `check` to make a block of it. Raises BadBlock.
    """
    head, signatures, size, packed = read_outer(raw)
    body = read_body(packed, size, head.count)
    ids = _chain(head.log, head.first, head.prev, body, body.payloads())[0]
    at, signature = signatures[-1]
    return head.log == genesis.log and at == head.count - 1 and _signed(genesis, ids[at], signature, rule)


def load(raw: bytes, genesis: Genesis) -> Block:
    """Return a block that was verified when it was stored. Raises BadBlock when the bytes are damaged."""
    head, signatures, size, packed = read_outer(raw)
    return Block(raw, head, signatures, read_body(packed, size, head.count), genesis)


def merge(blocks: Sequence[Block], needed: Sequence[int] = ()) -> Block:
    """Return one block of consecutive ones, so that many small ones cost one signature on the wire.

    Signatures within it are left out but those at the seqs in `needed` (mandatory places, signed at once).
    The caller keeps to the limits of a block: MAX_RUN_RECORDS, and MAX_RUN_BYTES of their `sizes`.
    """
    one = blocks[0]
    rows = [row for block in blocks for row in read_rows(block.body)]
    keep = set(needed)
    keep.add(blocks[-1].last)
    signatures = [
        (block.first + at - one.first, each)
        for block in blocks
        for at, each in block.signatures
        if block.first + at in keep
    ]
    return _make(one.log, one.first, one.prev, rows, signatures, one.genesis)


def _make(
    log: LogId,
    first: int,
    prev: RecordId,
    rows: list[Row],
    signatures: list[tuple[int, bytes]],
    genesis: Genesis,
    fault: str | None = None,
) -> Block:
    raw = write(log, first, prev, rows, signatures)
    head, signed, size, packed = read_outer(raw)
    return Block(raw, head, signed, read_body(packed, size, head.count), genesis, fault)


def _chain(
    log: LogId, first: int, prev: RecordId, body: Body, payloads: list[bytes]
) -> tuple[list[RecordId], list[int]]:
    """Return each record's id, and its size in bytes.

    Nearly all that a first sync costs is done here: two hashes and one small packing for each record.
    """
    pack, record_tag, hashed = pack_fields, RECORD_TAG, sha256
    digests = [hashed(PAYLOAD_TAG + payload).digest() for payload in payloads]
    lengths = list(map(len, payloads))
    ids: list[bytes] = []
    sizes: list[int] = []
    link: bytes = prev
    fields = zip(body.versions, body.kinds, body.times, body.refs, digests, lengths, strict=True)
    for at, (version, kind, time, refs, digest, length) in enumerate(fields, first):
        header = pack((version, log, at, link, kind, time, digest, length, refs))
        link = hashed(record_tag + header).digest()
        ids.append(link)
        sizes.append(len(header) + length)
    if max(sizes) > MAX_RECORD_BYTES:
        raise BadBlock("oversize", f"a record of {max(sizes)} bytes; {MAX_RECORD_BYTES} are allowed")
    return cast("list[RecordId]", ids), sizes


def _genesis(head: BlockHead, body: Body, rule: ed25519.Rule) -> Genesis:
    if body.kinds[0] != GENESIS or GENESIS in body.kinds[1:]:
        raise BadBlock("genesis", "a log begins with its genesis, and has no other")
    try:
        genesis = Genesis.parse(body.payloads()[0])
        rule.check_key(genesis.key)
    except (BadGenesis, ed25519.BadSignature) as error:
        raise BadBlock("genesis", str(error)) from None
    if genesis.log != head.log:
        raise BadBlock("genesis", "the genesis is that of another log")
    return genesis


def _signed(genesis: Genesis, record: RecordId, signature: bytes, rule: ed25519.Rule) -> bool:
    try:
        rule.verify(genesis.key, signature, signed_bytes(record))
    except ed25519.BadSignature:
        return False
    return True


def _verified_end(count: int, places: Sequence[int], signed: set[int]) -> int:
    """Return how many records are covered: none beyond an unsigned mandatory place."""
    limit = next((place for place in places if place not in signed), count)
    return max((at + 1 for at in signed if at <= limit), default=0)


def _map_or_none(payload: Value) -> dict[str, Value] | None:
    try:
        value = unpack(payload)  # type: ignore[arg-type]
    except NotCanonical:
        return None
    return value if isinstance(value, dict) else None
