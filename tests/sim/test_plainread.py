"""The reader of the checks: it says of any block what the nodes' own reader says, and shares nothing with that."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.gossip.messages import Segment, encode
from fedsync.records.block import BadBlock, Block
from fedsync.records.codec import NotCanonical, pack, unpack
from fedsync.records.genesis import Genesis
from fedsync.records.seal import Draft, seal
from fedsync.records.segment import BadSegment, whose
from fedsync.records.wire import Row, write
from fedsync.sim.plainread import Beginning, Said, Unreadable, log_of_segment, page_named, read
from tests.records.blocks import ALICE, FACTS, PAGES, event
from tests.records.test_block import GENESIS, LOGS, sealed
from tests.records.test_codec import same
from tests.records.test_vectors import GENESIS as OF_VECTORS
from tests.records.values import EVERYTHING
from tests.vectors import naivecodec

FOLDER = Path(__file__).parent.parent / "vectors"
VECTORS = json.loads((FOLDER / "block.json").read_text("utf-8"))
SEGMENTS = json.loads((FOLDER / "segment.json").read_text("utf-8"))
BEGUN = read(GENESIS.raw, None).of
MANDATED = replace(PAGES, capacity=("mandate", b"p" * 32, 3))


def by_nodes(block: Block) -> list[tuple[object, ...]]:
    """Return what the nodes' reader says of each record."""
    found = list[tuple[object, ...]]()
    for each in block.records():
        try:
            value = unpack(each.payload)
        except NotCanonical:
            value = None
        found.append((each.seq, each.id, each.prev, each.kind, each.time, each.payload_id, value))
    return found


def plainly(records: tuple[Said, ...]) -> list[tuple[object, ...]]:
    return [each[1:] for each in records]


@given(LOGS, st.booleans())
@settings(max_examples=150)
def test_any_block_says_the_same_to_both_readers(drafts: list[Draft], begins: bool) -> None:
    for block in sealed(drafts, None) if begins else sealed(drafts):
        run = read(block.raw, None if block.first == 0 else BEGUN)
        assert plainly(run.records) == by_nodes(block)
        assert run.first == block.first


def begun(of: Genesis) -> Beginning:
    return Beginning(of.log, of.key, of.scope, of.capacity, of.log_class, of.reach, of.incarnation)


@pytest.mark.parametrize("of", [FACTS, PAGES, MANDATED], ids=["facts", "pages", "a delegate's"])
def test_a_log_begins_with_what_its_genesis_says(of: Genesis) -> None:
    (block,) = seal(ALICE, of, None, [])
    assert read(block.raw, None).of == begun(of)


@pytest.mark.parametrize(
    "case", [each for each in VECTORS if each["verdict"] == "ok"], ids=lambda each: each["name"]
)
def test_the_vectors_of_the_format_come_to_their_ids(case: dict[str, Any]) -> None:
    records = read(bytes.fromhex(case["block"]), begun(OF_VECTORS) if case["base"] else None).records
    # What nobody signed to the end says so all the same: that is left out when it passes a door.
    assert [each.id.hex() for each in records][: len(case["records"])] == case["records"]


def test_no_flipped_bit_says_something_else_under_the_same_id() -> None:
    (block,) = sealed([event(3), event(4), Draft("count", {"quantity": 7}, 9)])
    sound, changed = {each.id: each for each in read(block.raw, BEGUN).records}, 0
    for bit in range(8 * len(block.raw)):
        raw = bytearray(block.raw)
        raw[bit // 8] ^= 1 << bit % 8
        try:
            records = read(bytes(raw), BEGUN).records
        except Unreadable:
            continue
        changed += 1
        assert all(sound[each.id] == each for each in records if each.id in sound)
    assert changed


@given(st.binary(max_size=200))
def test_whatever_is_no_block_is_unreadable_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read(raw, BEGUN)


def read_with(payload: bytes) -> object:
    """Return what the plain reader says that the payload of a record means."""
    raw = write(GENESIS.log, 1, GENESIS.tip, [Row(1, "count", 9, (), payload)], [(0, bytes(64))])
    (record,) = read(raw, BEGUN).records
    return record.value


def naive_value(payload: bytes) -> object:
    try:
        return naivecodec.read(payload)
    except naivecodec.Refused:
        return None


@given(EVERYTHING, st.data())
@settings(max_examples=300)
def test_a_payload_that_is_no_canonical_value_means_nothing(value: Any, data: st.DataObject) -> None:
    try:
        payload = bytearray(msgpack.packb(value, unicode_errors="surrogatepass"))
    except (OverflowError, ValueError):
        return
    match data.draw(st.integers(0, 2)):
        case 0:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
        case 1:
            payload += data.draw(st.binary(min_size=1, max_size=3))
    assert same(read_with(bytes(payload)), naive_value(bytes(payload)))


@pytest.mark.parametrize(
    "payload",
    [
        b"\xcc\x05",  # 5 in two bytes
        b"\xd0\x05",  # 5 with a sign
        b"\xcf" + b"\xff" * 8,
        b"\xcb" + bytes(8),  # a float
        b"\xd4\x05\x05",  # of a type of its own
        b"\xa1\t",
        b"\xa2\xc3\x28",
        b"\x05\x05",
        b"\x82\xa1b\x01\xa1a\x01",
        b"\x82\xa1a\x01\xa1a\x01",
        b"\x81\x01\x01",
        b"\x91" * 9 + b"\xc0",
        b"\xdc\x10\x01" + b"\xc0" * 4097,
        b"",
    ],
)
def test_what_has_another_form_for_the_same_or_no_form_means_nothing(payload: bytes) -> None:
    assert naive_value(payload) is None
    assert read_with(payload) is None


def test_what_is_just_within_the_form_means_what_it_says() -> None:
    deep: Any = 5
    for _ in range(8):
        deep = [deep]
    keys = {"a": 1, "b": True, "\ue000": 0, "\U00010000": 2}
    values: list[Any] = [deep, [5] * 4096, 2**63 - 1, -(2**63), "a\nb", keys]
    for value in values:
        assert same(read_with(pack(value)), value)


def test_a_block_of_a_log_of_which_the_beginning_is_not_known_is_unreadable() -> None:
    (block,) = sealed([event(3)])
    with pytest.raises(Unreadable, match="beginning is not held"):
        read(block.raw, None)


@pytest.mark.parametrize("case", SEGMENTS, ids=lambda each: each["name"])
def test_a_segment_is_of_the_log_of_which_the_nodes_say_that_it_is(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["segment"])
    try:
        wanted = whose(data)
    except (BadSegment, BadBlock):
        wanted = b""
    assert log_of_segment(encode(Segment(True, True, data))) == wanted


@given(st.binary(max_size=100))
def test_what_is_no_segment_is_of_no_log(frame: bytes) -> None:
    assert len(log_of_segment(frame)) in (0, 3, 32)


def test_what_is_named_by_its_payload_has_the_name_of_the_format() -> None:
    (block,) = sealed([event(3)])
    (said,) = read(block.raw, BEGUN).records
    assert said.named == page_named(block.payloads[0]) == block.record(0).payload_id
