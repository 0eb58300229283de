"""Headers: what is packed is parsed, and nothing else is taken for one. Vectors: test_vectors.py."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.records.codec import NotCanonical, pack
from fedsync.records.header import MAX_REFS, MAX_TIME, Header, check_fields
from fedsync.records.ids import LogId, PayloadId, RecordId
from tests.records.values import VALUES

IDS = st.binary(min_size=32, max_size=32)
HEADERS = st.builds(
    Header,
    version=st.integers(1, 0xFFFF),
    log=IDS.map(LogId),
    seq=st.integers(0, 2**53 - 1),
    prev=IDS.map(RecordId),
    kind=st.sampled_from(["page", "count", "k" * 64, "\u00e4" * 32, "a\nb"]),
    time=st.integers(-MAX_TIME, MAX_TIME),
    payload=IDS.map(PayloadId),
    payload_length=st.integers(0, 2**40),
    refs=st.lists(IDS.map(RecordId), max_size=MAX_REFS).map(tuple),
)


@given(HEADERS)
def test_a_header_comes_back_with_the_same_id(header: Header) -> None:
    again = Header.parse(header.pack())
    assert again == header
    assert again.id == header.id


@given(HEADERS, HEADERS)
def test_two_headers_never_share_an_id(one: Header, other: Header) -> None:
    assert (one == other) == (one.id == other.id)


@given(HEADERS, st.integers(0, 8), VALUES)
def test_a_field_of_another_type_makes_it_no_header_or_the_header_that_it_then_is(
    header: Header, at: int, value: Any
) -> None:
    fields: list[Any] = [
        header.version,
        header.log,
        header.seq,
        header.prev,
        header.kind,
        header.time,
        header.payload,
        header.payload_length,
        list(header.refs),
    ]
    fields[at] = value
    data = pack(fields)
    try:
        assert Header.parse(data).pack() == data
    except NotCanonical:
        assert fields[at] is value


@given(st.binary(max_size=300))
def test_any_bytes_are_no_header(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        Header.parse(data)


@pytest.mark.parametrize("kind", ["", "k" * 65, "\u00e4" * 33, "\ud800", "a\x00", None, b"page", 1])
def test_a_kind_is_a_word_of_1_to_64_bytes(kind: object) -> None:
    with pytest.raises(NotCanonical):
        check_fields(1, kind, 0, 0)
