"""The codec beside a naive one: the same bytes for each value, the same verdict on any bytes."""

import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedsync.records.codec import INT_MAX, INT_MIN, MAX_DEPTH, MAX_ITEMS, NotCanonical, Value, pack, unpack
from tests.records.values import EVERYTHING, VALUES
from tests.vectors import naivecodec


def naive_read(data: bytes) -> tuple[bool, Any]:
    try:
        return True, naivecodec.read(data)
    except naivecodec.Refused:
        return False, None


def read(data: bytes) -> tuple[bool, Any]:
    try:
        return True, unpack(data)
    except NotCanonical:
        return False, None


def same(one: Any, other: Any) -> bool:
    """Say whether two values are equal with their types, at every depth and in the order of their keys."""
    if type(one) is not type(other):
        return False
    if type(one) is list:
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is dict:
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


@given(VALUES)
@settings(max_examples=300)
def test_what_is_packed_comes_back(value: Value) -> None:
    data = pack(value)
    assert data == naivecodec.write(value)
    assert same(unpack(data), naivecodec.read(data))
    assert pack(unpack(data)) == data
    assert unpack(data) == value


@given(EVERYTHING)
@settings(max_examples=300)
def test_a_value_is_packed_or_refused_as_the_naive_codec_does(value: Any) -> None:
    try:
        expected = naivecodec.write(value)
    except naivecodec.Refused:
        with pytest.raises(NotCanonical):
            pack(value)
    else:
        assert pack(value) == expected


@given(st.binary(max_size=60))
@settings(max_examples=500)
@example(b"")
def test_any_bytes_get_the_verdict_of_the_naive_codec(data: bytes) -> None:
    assert read(data)[0] == naive_read(data)[0]


@given(VALUES, st.data())
@settings(max_examples=500)
def test_bytes_with_a_fault_get_the_verdict_of_the_naive_codec(value: Value, data: st.DataObject) -> None:
    raw = bytearray(pack(value))
    match data.draw(st.integers(0, 3)):
        case 0:
            at = data.draw(st.integers(0, len(raw) - 1))
            raw[at] = data.draw(st.integers(0, 255))
        case 1:
            del raw[data.draw(st.integers(0, len(raw) - 1)) :]
        case 2:
            raw += data.draw(st.binary(min_size=1, max_size=3))
        case _:
            raw[data.draw(st.integers(0, len(raw))) :] = data.draw(st.binary(max_size=8))
    accepted, found = read(bytes(raw))
    naive_accepted, naive_found = naive_read(bytes(raw))
    assert accepted == naive_accepted
    assert same(found, naive_found)


@given(EVERYTHING)
@settings(max_examples=200)
def test_other_encoders_are_refused_unless_they_say_the_same_bytes(value: Any) -> None:
    try:
        data = msgpack.packb(value, unicode_errors="surrogatepass")
    except (OverflowError, ValueError):
        return
    assert read(data)[0] == naive_read(data)[0]


@given(st.integers(INT_MIN, INT_MAX))
def test_an_integer_has_one_encoding(number: int) -> None:
    forms = {
        code: number.to_bytes(size, "big", signed=signed)
        for code, size, signed in [
            (0xCC, 1, False), (0xCD, 2, False), (0xCE, 4, False), (0xCF, 8, False),
            (0xD0, 1, True), (0xD1, 2, True), (0xD2, 4, True), (0xD3, 8, True),
        ]
        if (0 <= number < 1 << 8 * size if not signed else -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1)
    }  # fmt: skip
    encodings = [bytes([code]) + raw for code, raw in forms.items()]
    if -32 <= number < 128:
        encodings.append(bytes([number & 0xFF]))
    assert [each for each in encodings if read(each)[0]] == [pack(number)]


def nested(depth: int) -> Value:
    value: Value = 1
    for level in range(depth):
        value = [value] if level % 2 else {"in": value}
    return value


def test_eight_containers_within_each_other_are_allowed_and_nine_are_not() -> None:
    assert unpack(pack(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    with pytest.raises(NotCanonical):
        pack(nested(MAX_DEPTH + 1))
    with pytest.raises(NotCanonical):
        unpack(msgpack.packb(nested(MAX_DEPTH + 1)))


def test_a_list_or_map_has_at_most_4096_members() -> None:
    assert unpack(pack([0] * MAX_ITEMS)) == [0] * MAX_ITEMS
    for value in ([0] * (MAX_ITEMS + 1), {f"{n:04}": 0 for n in range(MAX_ITEMS + 1)}):
        with pytest.raises(NotCanonical):
            pack(value)  # type: ignore[arg-type]
        with pytest.raises(NotCanonical):
            unpack(msgpack.packb(value))


def test_true_is_not_one() -> None:
    assert pack(True) != pack(1)
    assert pack({"a": [True, 1, False, 0]}) == b"\x81\xa1a\x94\xc3\x01\xc2\x00"
    assert list(map(type, unpack(b"\x94\xc3\x01\xc2\x00"))) == [bool, int, bool, int]  # type: ignore[arg-type]


def test_line_feeds_are_the_only_control_characters() -> None:
    for code in [*range(0x20), 0x7F]:
        values: list[Value] = [chr(code), {chr(code): 1}, ["a" + chr(code) + "b"]]
        for value in values:
            if chr(code) == "\n":
                assert unpack(pack(value)) == value
            else:
                with pytest.raises(NotCanonical):
                    pack(value)
                with pytest.raises(NotCanonical):
                    unpack(msgpack.packb(value))


def test_unicode_is_not_judged_beyond_that() -> None:
    # Composed or not, unassigned, private, in any direction: no verdict rests on Unicode's tables.
    for text in ("\u00e9", "e\u0301", "\u202e", "\u0085", "\ue000", "\ufffe", "\U000e0001", "\U0010ffff"):
        assert unpack(pack({text: text})) == {text: text}


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x91" * 60_000 + b"\x01",
        b"\x81\xa1a" * 20_000 + b"\x01",
        b"\xdc\xff\xff" * 20_000,
        b"\xdc\x7f\xff" * 1_000 + bytes(29_000),
        b"\xdc\x10\x00" * 1_000 + bytes(29_000),
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdb\x7f\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
    ],
    ids=lambda bomb: bomb[:6].hex(),
)
def test_a_bomb_is_refused_for_little_memory(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(NotCanonical):
            unpack(bomb)
        # A thousand lists within each other, each with room for MAX_ITEMS: 33 MB at worst, for a moment.
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()


def test_extension_types_are_refused_wherever_they_stand() -> None:
    stamp = msgpack.packb(msgpack.Timestamp(1))
    for ext in (stamp, msgpack.packb(msgpack.ExtType(5, b"x")), b"\xc7\x0c\xff" + b"\xff" * 12, b"\xc1"):
        for data in (ext, b"\x91" + ext, b"\x81\xa1a" + ext, b"\x81" + ext + b"\x01"):
            with pytest.raises(NotCanonical):
                unpack(data)
