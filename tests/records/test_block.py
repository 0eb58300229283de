"""Sealing and checking: any records come back equal, and nothing else is taken for them."""

import random
import unicodedata
from collections import defaultdict
from typing import Any

import msgpack
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fedsync.records.block import BadBlock, Base, Block, Record, check, load, merge, peek
from fedsync.records.codec import MAX_RECORD_BYTES, NotCanonical, Value, pack, unpack
from fedsync.records.ed25519 import sign
from fedsync.records.header import MAX_TIME, Header
from fedsync.records.ids import ZERO_ID, RecordId, payload_id, record_id, signed_bytes
from fedsync.records.places import MAX_RUN_BYTES, MAX_RUN_RECORDS, START
from fedsync.records.seal import Draft, seal
from fedsync.records.wire import MAX_BLOCK_BYTES, Row, write
from tests.records.blocks import (
    ALICE,
    FACTS,
    MALLORY,
    PAGES,
    carve,
    cut,
    event,
    follow,
    inner,
    outer,
    refusal,
    tip,
)
from tests.records.values import INTS, MAPS, TEXTS, VALUES

REFS = st.lists(st.sampled_from([RecordId(bytes([n]) * 32) for n in range(12)]), max_size=8).map(tuple)
TIMES = st.one_of(st.integers(-MAX_TIME, MAX_TIME), st.integers(0, 5), st.sampled_from([-MAX_TIME, MAX_TIME]))
STOCK = st.fixed_dictionaries(
    {"action": st.sampled_from(["raise", "consume"]), "quantity": INTS, "note": TEXTS}
)
DRAFTS = st.builds(
    Draft,
    st.sampled_from(["economic_event", "count", "ratatouille", "\u00e4"]),
    st.one_of(STOCK, STOCK, MAPS, VALUES),
    TIMES,
    REFS,
)
LOGS = st.lists(DRAFTS, max_size=12)
GENESIS = seal(ALICE, FACTS, None, [])[0]
BASE = tip(GENESIS)


def composed(value: Value) -> Value:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [composed(each) for each in value]
    if isinstance(value, dict):
        return {unicodedata.normalize("NFC", key): composed(each) for key, each in value.items()}
    return value


def sealed(drafts: list[Draft], base: Base | None = BASE) -> list[Block]:
    try:
        return seal(ALICE, FACTS, base, drafts)
    except NotCanonical:
        assume(False)  # two keys that are one in form C
        raise


def by_hand(block: Block) -> dict[tuple[str, int, tuple[str, ...]], dict[int, dict[str, Value]]]:
    """Return what `columns` should say: for each kind, version and keys, the value of each row."""
    found: dict[tuple[str, int, tuple[str, ...]], dict[int, dict[str, Value]]] = defaultdict(dict)
    for at, record in enumerate(block.records()):
        try:
            value = unpack(record.payload)
        except NotCanonical:
            continue
        if isinstance(value, dict):
            found[record.kind, record.version, tuple(value)][at] = value
    return dict(found)


def by_columns(block: Block) -> dict[tuple[str, int, tuple[str, ...]], dict[int, dict[str, Value]]]:
    found: dict[tuple[str, int, tuple[str, ...]], dict[int, dict[str, Value]]] = defaultdict(dict)
    for columns in block.columns():
        assert tuple(columns.cols) == columns.keys
        assert list(columns.rows) == sorted(columns.rows)
        for number, at in enumerate(columns.rows):
            row = {key: column[number] for key, column in columns.cols.items()}
            assert at not in found[columns.kind, columns.version, columns.keys]
            found[columns.kind, columns.version, columns.keys][at] = row
    return dict(found)


def said(block: Block) -> list[tuple[object, ...]]:
    """Return everything that a block says of each record."""
    return [
        (each.id, each.seq, each.prev, each.version, each.kind, each.time, each.refs, each.payload)
        for each in block.records()
    ]


# --- What is sealed is what is read ---------------------------------------------------------------------


@given(LOGS, st.booleans())
@settings(max_examples=150)
def test_any_records_come_back_as_they_were(drafts: list[Draft], begins: bool) -> None:
    made = sealed(drafts, None if begins else BASE)
    blocks = follow([block.raw for block in made], None if begins else BASE)
    records = [record for block in blocks for record in block.records()]
    if begins:
        genesis, *records = records
        assert (genesis.kind, genesis.seq, genesis.prev) == ("genesis", 0, ZERO_ID)
        assert genesis.payload == FACTS.payload
    assert len(records) == len(drafts)
    for at, (record, draft) in enumerate(zip(records, drafts, strict=True)):
        assert (record.kind, record.time, record.refs, record.seq) == (
            draft.kind,
            draft.time,
            draft.refs,
            at + 1,
        )
        assert record.payload == pack(composed(draft.value))
        assert_says_its_payload(record)
    for block in blocks:
        assert by_columns(block) == by_hand(block)
        for keys, rows in by_columns(block).items():
            for at, row in rows.items():
                assert pack(row) == block.payloads[at], keys


@given(LOGS)
def test_ids_are_those_of_the_headers_and_headers_chain(drafts: list[Draft]) -> None:
    prev = BASE.id
    for block in sealed(drafts):
        for record in block.records():
            header = Header.parse(record.header)
            assert header.pack() == record.header
            assert (header.prev, header.log, header.seq) == (prev, FACTS.log, record.seq)
            assert (header.payload, header.payload_length) == (
                payload_id(record.payload),
                len(record.payload),
            )
            assert record_id(record.header) == record.id == header.id
            prev = record.id


@given(st.lists(LOGS.filter(bool), min_size=1, max_size=4), st.data())
@settings(max_examples=50)
def test_batches_merge_split_and_load_without_a_change(
    batches: list[list[Draft]], data: st.DataObject
) -> None:
    base: Base = BASE
    blocks = []
    for batch in batches:
        for block in sealed(batch, base):
            blocks.append(block)
            base = tip(block, base)
    every = [each for block in blocks for each in said(block)]
    assume(
        len(every) <= MAX_RUN_RECORDS and sum(map(sum, (block.sizes for block in blocks))) <= MAX_RUN_BYTES
    )

    one = check(merge(blocks).raw, BASE)
    assert said(one) == every
    assert said(load(one.raw, FACTS)) == every
    assert said(check(merge(blocks, [block.last for block in blocks]).raw, BASE)) == every

    seq = data.draw(st.integers(one.first - 1, one.last - 1))
    rest = one.after(seq)
    assert said(rest) == every[seq - BASE.seq :]
    place = START if seq < one.first else BASE.place
    id_before = one.prev if seq < one.first else one.ids[seq - one.first]
    assert said(check(rest.raw, Base(FACTS, seq, id_before, place))) == said(rest)

    ends = [block.last for block in blocks]
    signed_everywhere = merge(blocks, ends)
    seq = data.draw(st.integers(ends[0], one.last))
    part = signed_everywhere.upto(seq)
    assert part.last == max(end for end in ends if end <= seq)
    assert said(check(part.raw, BASE)) == every[: part.count]


def test_after_the_end_and_before_the_first_signature_there_is_nothing() -> None:
    block = seal(ALICE, FACTS, BASE, [event(n) for n in range(5)])[0]
    with pytest.raises(IndexError):
        block.after(block.last)
    with pytest.raises(IndexError):
        block.upto(block.last - 1)
    with pytest.raises(IndexError):
        block.record(5)
    assert block.after(0) is block
    assert block.upto(99) is block


def test_a_long_import_is_blocks_of_at_most_128_records_and_48_kib() -> None:
    blocks = seal(ALICE, FACTS, None, [event(n) for n in range(500)])
    assert [block.count for block in blocks] == [128, 128, 128, 117]
    assert all(len(block.signatures) == 1 and len(block.raw) < 3_000 for block in blocks)
    odd = random.Random(1)
    big = seal(ALICE, FACTS, None, [Draft("odd", {"x": odd.randbytes(9_000)}, 0) for _ in range(12)])
    assert all(sum(block.sizes) <= MAX_RUN_BYTES and len(block.raw) <= MAX_BLOCK_BYTES for block in big)
    assert [block.count for block in big] == [6, 5, 2]


def test_acts_of_authority_are_signed_one_by_one() -> None:
    (block,) = seal(ALICE, PAGES, None, [Draft("page", {"n": n}, n) for n in range(20)])
    assert [at for at, _ in block.signatures] == list(range(21))
    # 128 of them with payloads that do not compress, each signed, still fit in a block.
    odd = random.Random(2)
    (full,) = seal(ALICE, PAGES, None, [Draft("page", {"n": odd.randbytes(215)}, n) for n in range(127)])
    assert full.count == 128
    assert len(full.signatures) == 128


def test_peek_says_where_a_block_stands() -> None:
    first, second = seal(ALICE, FACTS, None, [event(n) for n in range(200)])
    head = peek(second.raw)
    assert (head.log, head.first, head.count, head.prev) == (FACTS.log, 128, 73, first.tip)
    assert head.last == second.last == 200


def test_text_is_composed_when_it_is_sealed() -> None:
    (block,) = seal(ALICE, FACTS, BASE, [Draft("odd", {"e\u0301": ["e\u0301", ("e\u0301",)]}, 0)])  # type: ignore[list-item]
    assert block.record(0).value == {"\u00e9": ["\u00e9", ["\u00e9"]]}
    with pytest.raises(NotCanonical):
        seal(ALICE, FACTS, BASE, [Draft("odd", {"e\u0301": 1, "\u00e9": 2}, 0)])


@pytest.mark.parametrize(
    "draft",
    [
        Draft("", {}, 0),
        Draft("k" * 65, {}, 0),
        Draft("a\tb", {}, 0),
        Draft("odd", {"x": 1.5}, 0),  # type: ignore[dict-item]
        Draft("odd", {1: 1}, 0),  # type: ignore[dict-item]
        Draft("odd", {"x": 2**63}, 0),
        Draft("odd", {"x": bytes(MAX_RECORD_BYTES)}, 0),
        Draft("odd", {}, True),
        Draft("odd", {}, MAX_TIME + 1),
        Draft("odd", {}, 0, (RecordId(bytes(32)),) * 9),
        Draft("odd", {}, 0, (RecordId(bytes(31)),)),
    ],
    ids=repr,
)
def test_what_has_no_canonical_form_is_not_sealed(draft: Draft) -> None:
    with pytest.raises(NotCanonical):
        seal(ALICE, FACTS, BASE, [draft])


# --- What a peer may send ------------------------------------------------------------------------------


TWO = seal(ALICE, FACTS, None, [event(n) for n in range(200)])
MIXED = seal(
    ALICE,
    FACTS,
    BASE,
    [
        event(5),
        event(7),
        Draft("odd", [1, {"a": True}], 3, (RecordId(b"r" * 32),)),
        Draft("odd", {}, 9),
        event(7),
    ],
)[0]
SIGNED_TWICE = merge([MIXED, *seal(ALICE, FACTS, tip(MIXED), [event(n) for n in range(3)])], [MIXED.last])
REPEATED = seal(ALICE, FACTS, BASE, [event(quantity) for quantity in (5, 7, 9) * 4])[0]
"""Its quantities stand in a dictionary column."""


def test_a_block_is_refused_where_it_does_not_belong() -> None:
    first, second = TWO
    after_first = tip(first)
    assert refusal(second.raw, after_first) is None
    assert refusal(second.raw, None) == "base"
    assert refusal(second.raw, BASE) == "base"
    assert refusal(second.raw, Base(FACTS, 127, RecordId(b"x" * 32), START)) == "base"
    assert refusal(second.raw, Base(FACTS, 126, first.tip, START)) == "base"
    assert refusal(second.raw, Base(PAGES, 127, first.tip, START)) == "base"
    wrong_prev = cut(second.raw, lambda fields: fields.__setitem__(3, b"x" * 32))
    assert refusal(wrong_prev, after_first) == "base"
    assert refusal(wrong_prev, Base(FACTS, 127, RecordId(b"x" * 32), START)) == "signature"


def test_a_missing_or_wrong_last_signature_gives_the_part_that_is_signed() -> None:
    def drop(fields: list[Any]) -> None:
        del fields[5][1]

    def spoil(fields: list[Any]) -> None:
        fields[5][1][1] = bytes(64)

    def by_mallory(fields: list[Any]) -> None:
        fields[5][1][1] = sign(MALLORY, signed_bytes(SIGNED_TWICE.tip))

    def of_another(fields: list[Any]) -> None:
        fields[5][1][1] = fields[5][0][1]

    def untagged(fields: list[Any]) -> None:
        fields[5][1][1] = sign(ALICE, SIGNED_TWICE.tip)

    assert said(check(SIGNED_TWICE.raw, BASE))[:5] == said(MIXED)
    for change in (drop, spoil, by_mallory, of_another, untagged):
        block = check(cut(SIGNED_TWICE.raw, change), BASE)
        assert said(block) == said(MIXED)
        assert block.fault == "signature"
        assert said(check(block.raw, BASE)) == said(MIXED)
        assert refusal(cut(MIXED.raw, lambda fields: fields.__setitem__(5, [])), BASE) == "malformed"
    for spoilt in (bytes(64), sign(MALLORY, signed_bytes(MIXED.tip))):
        wrong = cut(MIXED.raw, lambda fields, put=spoilt: fields[5][0].__setitem__(1, put))  # type: ignore[misc]
        assert refusal(wrong, BASE) == "signature"


def test_a_wrong_signature_that_nobody_needs_is_left_out() -> None:
    spoilt = cut(SIGNED_TWICE.raw, lambda fields: fields[5][0].__setitem__(1, bytes(64)))
    block = check(spoilt, BASE)
    assert said(block) == said(SIGNED_TWICE)
    assert [at for at, _ in block.signatures] == [7]
    assert said(check(block.raw, BASE)) == said(SIGNED_TWICE)


def test_no_record_is_taken_beyond_its_signature_even_when_only_one_is_cut_off() -> None:
    def shorter(fields: list[Any]) -> None:
        fields[4] -= 1

    assert refusal(cut(MIXED.raw, shorter), BASE) == "malformed"


def test_who_signs_with_another_key_is_refused() -> None:
    with pytest.raises(BadBlock, match="signature"):
        seal(MALLORY, FACTS, None, [event(1)])
    other = cut(MIXED.raw, lambda fields: fields.__setitem__(1, PAGES.log))
    assert refusal(other, BASE) == "base"


def test_a_genesis_is_that_of_its_log_with_a_good_key() -> None:
    raw = GENESIS.raw
    assert refusal(cut(raw, lambda fields: fields.__setitem__(1, b"x" * 32))) == "genesis"
    value = unpack(FACTS.payload)
    assert isinstance(value, dict)
    wrong: list[tuple[str, Value]] = [
        ("key", bytes(32)), ("key", b"k" * 31), ("scope", b""), ("class", True), ("class", 4), ("reach", -1),
        ("incarnation", None), ("capacity", []), ("capacity", [1]), ("capacity", "seat"), ("capacity", ["seat", None]),
        ("more", 1),
    ]  # fmt: skip
    for field, put in wrong:
        rows = [Row(1, "genesis", 0, (), pack({**value, field: put}))]
        assert refusal(write(FACTS.log, 0, ZERO_ID, rows, [(0, bytes(64))])) == "genesis", (field, put)
    rows = [Row(1, "genesis", 0, (), b"\xff")]
    assert refusal(write(FACTS.log, 0, ZERO_ID, rows, [(0, bytes(64))])) == "genesis"
    rows = [Row(1, "economic_event", 0, (), FACTS.payload)]
    assert refusal(write(FACTS.log, 0, ZERO_ID, rows, [(0, bytes(64))])) == "genesis"


def block_of(*rows: Row) -> bytes:
    """Return a block of these rows that Alice signs at its end, whatever they hold."""
    prev = BASE.id
    for seq, row in enumerate(rows, 1):
        header = Header(
            row.version,
            FACTS.log,
            seq,
            prev,
            row.kind,
            row.time,
            payload_id(row.payload),
            len(row.payload),
            row.refs,
        )
        prev = header.id
    return write(FACTS.log, 1, BASE.id, rows, [(len(rows) - 1, sign(ALICE, signed_bytes(prev)))])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x81\xa1a",
        b"\x82\xa1b\x01\xa1a\x01",
        b"\x81\x01\x01",
        b"\xcc\x01",
        b"\x91" * 3000,
        b"\xa1\x07",
    ],
    ids=lambda payload: payload[:6].hex(),
)
def test_a_payload_that_says_nothing_does_not_keep_its_record_out(payload: bytes) -> None:
    good = Row(1, "economic_event", 0, (), pack({"a": 1}))
    block = check(block_of(good, Row(1, "economic_event", 0, (), payload), good), BASE)
    assert block.payloads == [good.payload, payload, good.payload]
    assert by_columns(block) == {("economic_event", 1, ("a",)): {0: {"a": 1}, 2: {"a": 1}}}
    with pytest.raises(NotCanonical):
        _ = block.record(1).value


def test_a_later_version_is_kept_and_told_apart() -> None:
    rows = [Row(version, "economic_event", 0, (), pack({"a": version})) for version in (1, 2, 1, 65535)]
    block = check(block_of(*rows), BASE)
    assert [record.version for record in block.records()] == [1, 2, 1, 65535]
    assert by_columns(block) == by_hand(block)
    assert [list(each.rows) for each in block.columns()] == [[0, 2], [1], [3]]


def test_a_record_has_at_most_32_kib_and_a_block_128_records() -> None:
    assert refusal(block_of(Row(1, "odd", 0, (), bytes(MAX_RECORD_BYTES))), BASE) == "oversize"
    small = check(block_of(Row(1, "odd", 0, (), bytes(32_000))), BASE)
    room = MAX_RECORD_BYTES - small.sizes[0]
    assert refusal(block_of(Row(1, "odd", 0, (), bytes(32_000 + room))), BASE) is None
    assert refusal(block_of(Row(1, "odd", 0, (), bytes(32_001 + room))), BASE) == "oversize"
    assert refusal(block_of(*[Row(1, "odd", 0, (), b"\xc0")] * 129), BASE) == "malformed"


def test_more_than_a_block_may_hold_is_refused_before_it_is_read() -> None:
    assert refusal(bytes(MAX_BLOCK_BYTES + 1)) == "oversize"
    lies = cut(MIXED.raw, lambda fields: fields.__setitem__(6, 2**31))
    assert refusal(lies, BASE) == "malformed"
    for size in (1, outer(MIXED.raw)[6] - 1, outer(MIXED.raw)[6] + 1):
        other = cut(MIXED.raw, lambda fields, put=size: fields.__setitem__(6, put))  # type: ignore[misc]
        assert refusal(other, BASE) == "malformed"


@pytest.mark.parametrize("at", range(8))
@pytest.mark.parametrize("put", [None, True, -1, 2**63, 2**53, b"", b"x", "x", [], [[]], [[0]], {}, 1.5])
def test_an_outer_field_of_another_type_is_refused(at: int, put: Any) -> None:
    assert refusal(cut(MIXED.raw, lambda fields: fields.__setitem__(at, put)), BASE) in ("malformed", "form")


@pytest.mark.parametrize(
    "signatures",
    [
        [[4, b"s" * 63]], [[4, "s" * 64]], [[5, b"s" * 64]], [[-1, b"s" * 64]], [[True, b"s" * 64]],
        [[4, b"s" * 64], [4, b"s" * 64]], [[4, b"s" * 64], [3, b"s" * 64]], [[4, b"s" * 64, 1]], {4: b"s" * 64},
    ],
)  # fmt: skip
def test_signatures_are_in_order_one_a_record(signatures: Any) -> None:
    assert refusal(cut(MIXED.raw, lambda fields: fields.__setitem__(5, signatures)), BASE) == "malformed"


def test_a_block_of_a_later_form_is_told_from_a_broken_one() -> None:
    assert refusal(cut(MIXED.raw, lambda fields: fields.__setitem__(0, 2)), BASE) == "form"
    assert refusal(carve(MIXED.raw, lambda body: body.__setitem__(5, [])), BASE) == "form"


# --- Damage --------------------------------------------------------------------------------------------


def harmless(raw: bytes, original: Block, base: Base | None) -> bool:
    """Say whether bytes are refused (False) or say nothing but a beginning of the original (True)."""
    try:
        block = check(raw, base)
    except BadBlock:
        return False
    assert said(block) == said(original)[: block.count]
    assert by_columns(block) == by_hand(block)
    for at, record in enumerate(block.records()):
        assert record.payload == original.payloads[at]
        assert_says_its_payload(record)
    return True


def assert_says_its_payload(record: Record) -> None:
    """What came in columns is never read from the payload's bytes, and must be what they say."""
    try:
        value = unpack(record.payload)
    except NotCanonical:
        with pytest.raises(NotCanonical):
            _ = record.value
        return
    assert repr(record.value) == repr(value)  # 1 and True are equal, and two values


@pytest.mark.parametrize("block", [MIXED, SIGNED_TWICE], ids=["signed once", "signed twice"])
def test_no_flipped_bit_changes_what_a_block_says(block: Block) -> None:
    for at in range(len(block.raw)):
        for bit in (1, 4, 128):
            raw = bytearray(block.raw)
            raw[at] ^= bit
            harmless(bytes(raw), block, BASE)


def test_no_truncated_block_is_accepted() -> None:
    for length in range(len(MIXED.raw)):
        assert refusal(MIXED.raw[:length], BASE) == "malformed"
    assert refusal(MIXED.raw + b"\0", BASE) == "malformed"


def test_no_change_of_columns_changes_what_a_block_says() -> None:
    """A small fuzz: a column, cell, key or index is replaced, doubled, dropped or moved, many times over."""
    dice = random.Random(20)
    accepted = 0
    for _ in range(3_000):
        block = dice.choice([MIXED, SIGNED_TWICE, REPEATED])
        raw = carve(block.raw, lambda body: mutate(body, dice))
        accepted += harmless(raw, block, BASE)
    assert accepted  # some changes are other forms of the same records


ODD: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    3,
    255,
    -1,
    2**63,
    2**64 - 1,
    b"",
    b"\0",
    b"\0\1",
    "",
    "a",
    [],
    {},
    1.5,
]
ODD += [
    {0: 2, 1: [5, 7], 2: b"\0\1"},
    {0: 999, 1: 888},
    [0, [5, 7, 7]],
    [1, 7],
    [2, [5, 7], b"\0\1\1"],
    [3, [5, 2, 0]],
]


def mutate(node: Any, dice: random.Random) -> None:
    """Change one place somewhere below `node`, which is a list."""
    while True:
        at = dice.randrange(len(node))
        if isinstance(node[at], list) and node[at] and dice.random() < 0.8:
            node = node[at]
            continue
        break
    match dice.randrange(6):
        case 5 if isinstance(node[at], list):
            # A map that is walked like this list and asked like another.
            forged: dict[Any, Any] = {each: 0 for each in node[at] if isinstance(each, int | str | bytes)}
            node[at] = forged | dict(enumerate(dice.choices(ODD, k=len(node[at]))))
        case 0:
            node[at] = dice.choice(ODD)
        case 1:
            node.insert(at, dice.choice([node[at], dice.choice(ODD)]))
        case 2:
            del node[at]
        case 3:
            node.insert(at, node.pop(dice.randrange(len(node))))
        case _ if isinstance(node[at], bytes) and node[at]:
            changed = bytearray(node[at])
            changed[dice.randrange(len(changed))] = dice.randrange(8)
            node[at] = bytes(changed)
        case _ if type(node[at]) is int:
            node[at] += dice.choice([-1, 1, 2**62])
        case _:
            node[at] = dict(enumerate([node[at], *dice.choices(ODD, k=2)]))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_a_block(raw: bytes) -> None:
    assert refusal(raw) is not None
    with pytest.raises(BadBlock):
        load(raw, FACTS)


@given(st.binary(max_size=100))
def test_any_bytes_are_refused_as_a_body(body: bytes) -> None:
    def put(fields: list[Any]) -> None:
        fields[6], fields[7] = max(1, len(body)), body

    assert refusal(cut(MIXED.raw, put), BASE) == "malformed"


@given(VALUES)
def test_any_value_is_refused_as_columns(value: Value) -> None:
    def put(body: list[Any]) -> None:
        body[:] = value if isinstance(value, list) else [value]

    assert refusal(carve(MIXED.raw, put), BASE) in ("malformed", "form")


def test_the_shape_of_columns_holds() -> None:
    # What the fuzz above works on: three shapes, references, two kinds.
    assert [keys for keys, _, _ in inner(MIXED.raw)[4]] == [
        ["action", "has_point_in_time", "quantity", "store"],
        None,
        [],
    ]
    assert msgpack.unpackb(MIXED.raw, raw=False)[4] == 5
