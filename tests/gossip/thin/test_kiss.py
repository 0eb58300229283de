"""KISS frames: found again however they are cut, and whatever else comes between them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.thin.kiss import KissReader, kiss

BODIES = st.lists(
    st.binary(min_size=1, max_size=40) | st.sampled_from([b"\xc0", b"\xdb", b"\xdb\xdc\xc0\xdb\xdd"])
)


def naive(stream: bytes, limit: int) -> list[bytes]:
    """Read one byte after the other, as the description of KISS says."""
    found: list[bytes] = []
    body, escaped, bad, begun = bytearray(), False, False, False
    for byte in stream:
        if byte == 0xC0:
            if begun and not bad and not escaped and body[0] == 0 and 1 < len(body) <= limit + 1:
                found.append(bytes(body[1:]))
            body, escaped, bad, begun = bytearray(), False, False, False
            continue
        begun = True
        if escaped:
            bad = bad or byte not in (0xDC, 0xDD)
            body.append(0xC0 if byte == 0xDC else 0xDB)
            escaped = False
        elif byte == 0xDB:
            escaped = True
        else:
            body.append(byte)
    return found


@given(BODIES, st.randoms(use_true_random=False))
def test_what_was_written_is_read_however_it_is_cut(bodies: list[bytes], dice: Random) -> None:
    stream = b"".join(map(kiss, bodies))
    reader, found = KissReader(40), []
    while stream:
        cut = dice.randrange(1, 9)
        found += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert found == bodies
    assert reader.passed_over == 0


@given(st.lists(st.sampled_from([b"\xc0", b"\xdb", b"\xdc", b"\xdd", b"\x00", b"a", b"\x10"])).map(b"".join))
def test_whatever_comes_the_same_is_found_as_one_byte_at_a_time(stream: bytes) -> None:
    assert KissReader(6).feed(stream) == naive(stream, 6)


def test_noise_and_words_of_the_modem_are_passed_over_and_the_next_frame_is_found() -> None:
    reader = KissReader(10)
    assert reader.feed(b"OK modem 7\r\n" + kiss(b"oats")) == [b"oats"]
    assert reader.feed(b"\xc0\x01\x20\xc0" + kiss(b"rye") + b"\xc0\x00a\xdbb\xc0") == [b"rye"]
    assert reader.passed_over == 3


def test_a_frame_that_never_ends_takes_no_more_room_than_two_frames() -> None:
    reader = KissReader(10)
    for _ in range(1000):
        assert reader.feed(b"\x00" + b"x" * 999) == []
        assert len(reader._kept) <= 22
    assert reader.feed(b"x" + kiss(b"oats")) == [b"oats"]
    assert reader.feed(kiss(b"x" * 11) + kiss(b"x" * 10)) == [b"x" * 10]
