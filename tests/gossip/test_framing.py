"""Frames survive any cutting of the stream, and no length is believed."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.framing import MAX_BODY, BadFrame, FrameReader, TruncatedStream, frame

BODIES = st.lists(st.binary(min_size=1, max_size=300), max_size=8)


@given(BODIES, st.lists(st.integers(0, 3000), max_size=12))
def test_frames_come_out_whole_and_in_order_however_the_stream_is_cut(
    bodies: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(map(frame, bodies))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()
    got = [body for a, b in pairwise(edges) for body in reader.feed(stream[a:b])]
    assert got == bodies
    assert reader.inside == 0
    reader.end()


def test_a_byte_at_a_time_gives_the_same_frames() -> None:
    reader = FrameReader()
    got = [body for byte in frame(b"one") + frame(b"two") for body in reader.feed(bytes([byte]))]
    assert got == [b"one", b"two"]


def test_the_largest_frame_passes_and_a_byte_more_cannot_be_written() -> None:
    body = bytes(MAX_BODY)
    assert FrameReader().feed(frame(body)) == [body]
    with pytest.raises(BadFrame) as refused:
        frame(body + b"\0")
    assert (refused.value.code, refused.value.length) == ("oversized", MAX_BODY + 1)


def test_an_oversized_frame_is_refused_at_its_length_before_any_of_its_body_is_kept() -> None:
    reader = FrameReader(limit=4096)
    with pytest.raises(BadFrame) as refused:
        reader.feed((4097).to_bytes(2, "big"))
    assert (refused.value.code, refused.value.length) == ("oversized", 4097)


def test_an_empty_frame_is_refused() -> None:
    with pytest.raises(BadFrame) as refused:
        FrameReader().feed(b"\0\0")
    assert refused.value.code == "empty"
    with pytest.raises(BadFrame):
        frame(b"")


@pytest.mark.parametrize(("piece", "missing"), [(b"\x00", 1), (b"\x00\x05", 5), (b"\x00\x05abc", 2)])
def test_an_end_inside_a_frame_is_not_a_clean_end(piece: bytes, missing: int) -> None:
    reader = FrameReader()
    reader.feed(frame(b"before") + piece)
    assert reader.inside == len(piece)
    with pytest.raises(TruncatedStream) as cut:
        reader.end()
    assert cut.value.missing == missing


def test_no_more_is_kept_than_one_frame() -> None:
    reader = FrameReader()
    for _ in range(100):
        reader.feed(frame(bytes(1000)) * 3 + b"\xff\xff")
        assert reader.inside == 2
        reader.feed(bytes(MAX_BODY))
        assert reader.inside == 0
