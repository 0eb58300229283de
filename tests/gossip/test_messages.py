"""Messages: what may come in comes out again, and anything else is refused with a code."""

from contextlib import suppress

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip import messages as m
from fedsync.gossip.following import Row
from fedsync.gossip.limits import MAX_ARRAY, MAX_MESSAGE
from fedsync.gossip.listing import (
    Named,
    Reader,
    Salt,
    number,
    read_changed,
    read_entry,
    read_places,
    read_wanted,
)
from fedsync.records.ids import Extent, Key, LogClass, LogId, Reach, Scope
from tests.gossip.telling import tells

SET = (Scope(b"s" * 16), Reach.WORLD, LogClass.PLANS)

EXAMPLES: list[m.Message] = [
    m.Hello(1, b"j" * 8, 7, b"", 0, b"n" * 8, 1_700_000_000_000, b"r" * 16),
    m.Sets(((SET, b"r" * 8), ((Scope(b"t" * 16), Reach.REGION, LogClass.FACTS), b"q" * 8))),
    m.Range(SET, (b"\x00\x00\x00",)),
    m.Range(b"four", ()),
    m.Delta(True, b"x"),
    m.Rest(b"r" * 16),
    m.Want(b"w"),
    m.BlockMessage(True, False, b"block"),
    m.BlockMessage(False, True, b"block"),
    m.Tip(LogId(b"l" * 32), 1, 9, b"1234"),
    m.Refused(LogId(b"l" * 32), "unknown-author", 0),
    m.Bye(0, b"", 3, 4),
    m.NoBase(b"short6", 1),
    m.Locate(b"short6", b"p"),
    m.Sets(((SET, b"r" * 8),), b"s" * 16, b"t" * 16),
    m.Spans(((b"s" * 16, b"1" * 8), (b"", b"2" * 8))),
    m.Spans(((b"", b"2" * 8),)),
    tells(Row(Scope(b"s" * 16), b"b" * 32, Extent.ALL)),
    m.Bodies(b"saltsalt", b"ali0", b"aliP", b""),
    m.Which(b"saltsalt", b"ali0" * 3),
    m.These(b"s" * 16 + b"b" * 32),
    m.Beat(b"r" * 16, 3, 4, 960, True),
    m.Prune(),
    m.Leave(m.EXCHANGED),
    m.Introduce(Key(b"k" * 32), "Mühle".encode(), b"m:1 n:2", b"s" * 16, b"b" * 32),
    m.Introduce(Key(b"k" * 32), b"Mill", b""),
    m.Segment(True, False, b"segment"),
    m.Plain(b"log"),
    m.Plain(b""),
]


def code(frame: bytes) -> str:
    with pytest.raises(m.BadMessage) as caught:
        m.decode(frame)
    return caught.value.code


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda each: type(each).__name__)
def test_what_is_said_is_what_is_heard(message: m.Message) -> None:
    assert m.decode(m.encode(message)) == message


def test_every_tag_but_the_reserved_one_has_an_example() -> None:
    tags = {m.encode(each)[1] for each in EXAMPLES}
    assert tags == set(m.Tag) - {m.Tag.PART}


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda each: type(each).__name__)
def test_a_field_too_many_or_too_few_is_refused(message: m.Message) -> None:
    value = msgpack.unpackb(m.encode(message))
    assert code(msgpack.packb([*value, 0])) == "shape"
    if len(value) > 1:
        assert code(msgpack.packb(value[:-1])) == "shape"


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("wrong", [None, -1, 2**63, 1.5, "text", b"", [], [[]], True, b"x" * 33])
def test_no_field_of_a_wrong_type_gets_through_unseen(message: m.Message, wrong: object) -> None:
    value = msgpack.unpackb(m.encode(message))
    for at in range(1, len(value)):
        frame = msgpack.packb([*value[:at], wrong, *value[at + 1 :]])
        try:
            heard = m.decode(frame)
        except m.BadMessage:
            continue
        # What is taken is taken as it stands: no True for a 1, no text for bytes.
        assert m.encode(heard) == frame or isinstance(heard, m.Range | m.Sets | m.Bodies)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"", "msgpack"),
        (b"\xc1", "msgpack"),
        (b"\x91" * MAX_MESSAGE, "msgpack"),
        (b"\xdd\xff\xff\xff\xff", "msgpack"),
        (b"\xdc\xff\xf0" + b"\x90" * 65_000, "msgpack"),
        (b"\x81\x01\x01", "msgpack"),
        (b"\x92\x01\x81\x01\x01", "msgpack"),
        (b"\x91\xc7\x01\x01\x00", "msgpack"),
        (b"\x91\x0f\x00", "msgpack"),
        (b"\x91\xd9\xffshort", "msgpack"),
        (b"\x92\x06\xc6\xff\xff\xff\xff", "msgpack"),
        (b"\x91\xa1\xff", "msgpack"),
        (b"\x01", "shape"),
        (b"\x90", "shape"),
        (b"\x91\xc3", "shape"),
        (b"\x91\x10", "tag"),
        (b"\x91\x63", "tag"),
        (b"\xdc\x00\x01\x0f", "shape"),
        (b"\x91\xcc\x0f", "shape"),
        (b"\x91\x0f" + b"\x00" * MAX_MESSAGE, "size"),
        (msgpack.packb([3, b"four", [b""] * (MAX_ARRAY + 1)]), "msgpack"),
        (msgpack.packb([2, b"", b"", b"s" * 16]), "field"),
        (msgpack.packb([2, b"", b"", b"s" * 16 + b"\0"]), "field"),
        (msgpack.packb([2, b"", b"", b"s" * 16 + b"\1\x0c" + b"r" * 8]), "field"),
        (msgpack.packb([2, b"", b"", b"s" * 16 + b"\1\4" + b"r" * 7]), "field"),
        (msgpack.packb([2, b"", b"", b"s" * 16 + b"\2" + (b"\4" + b"r" * 8) * 2]), "field"),
        (msgpack.packb([2, b"t" * 16, b"", b"s" * 16 + b"\1\4" + b"r" * 8]), "field"),
        (msgpack.packb([2, b"", b"s" * 16, b"s" * 16 + b"\1\4" + b"r" * 8]), "field"),
        (msgpack.packb([17, b"r" * 7]), "field"),
        (msgpack.packb([17, (b"s" * 16 + b"r" * 8) * 2 + b"r" * 8]), "field"),
        (msgpack.packb([17, bytes(16) + b"r" * 16]), "field"),
        (msgpack.packb([13, b"four", b"", b"", b""]), "field"),
        (msgpack.packb([13, b"saltsalt", b"five5", b"", b""]), "field"),
        (msgpack.packb([22, b"four", b""]), "field"),
        (msgpack.packb([23, b"x" * 65_000]), "field"),
        (msgpack.packb([3, [b"s" * 16, 3, 0], []]), "field"),
        (msgpack.packb([3, [b"s" * 16, 0], []]), "shape"),
        (msgpack.packb([9, b"l" * 32, "x" * 65, 0]), "msgpack"),
    ],
    ids=lambda each: each[:8].hex() if isinstance(each, bytes) else each,
)
def test_bombs_and_garbage_are_refused_with_a_code(frame: bytes, expected: str) -> None:
    assert code(frame) == expected


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_refused(frame: bytes) -> None:
    with suppress(m.BadMessage):
        m.decode(frame)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_listing_or_refused(data: bytes) -> None:
    for read in (read_entry, read_changed, read_wanted, read_places):
        with suppress(m.BadMessage):
            read(data)


@given(st.integers(0, 2**63 - 1))
def test_numbers_in_listings_come_back(value: int) -> None:
    reader = Reader(number(value))
    assert reader.number() == value
    assert not reader.more


def test_a_salt_is_the_dialler_s_and_the_listener_s_in_that_order() -> None:
    one, two = Salt(b"1" * 8, b"2" * 8), Salt(b"2" * 8, b"1" * 8)
    assert one.log(b"l" * 32) != two.log(b"l" * 32)
    assert Named(0, 1, one.record(b"r" * 32)) != Named(0, 1, two.record(b"r" * 32))
