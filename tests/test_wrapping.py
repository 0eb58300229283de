"""What is wrapped up for some nodes: those open it, nobody else does, and damage hides no more than its own piece."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.bundles.chunks import MAGIC, Chunk, Damage, Piece, cut, pack
from fedsync.records.ed25519 import BadSignature, PrivateKey, private_key, public_key
from fedsync.records.ids import Key
from fedsync.wrapping import (
    ENCLOSURE_BYTES,
    ENCLOSURES_KIND,
    MOST_ENCLOSURES_BYTES,
    MOST_RECIPIENTS,
    MOST_TRIED,
    OVERHEAD,
    REPEATED,
    WRAPPED_KIND,
    NotForUs,
    Opener,
    Wrapper,
    unwrapped,
    unwrapper,
    wrapped,
)

MILL, HILL, EVE = (private_key(bytes([number]) * 32) for number in (1, 2, 3))


def keys(number: int) -> list[Key]:
    return [public_key(private_key(bytes([9, each]) * 16)) for each in range(number)]


@given(st.lists(st.binary(max_size=5000), max_size=6))
def test_each_recipient_reads_every_piece_in_any_order(pieces: list[bytes]) -> None:
    wrapper = Wrapper([public_key(MILL), public_key(HILL)])
    wrapped = [wrapper.wrap(piece) for piece in pieces]

    for private in (MILL, HILL):
        ours = unwrapper(wrapper.enclosures, Opener(private))
        assert [ours.unwrap(piece) for piece in reversed(wrapped)] == pieces[::-1]
    assert all(len(hidden) == len(piece) + OVERHEAD for hidden, piece in zip(wrapped, pieces, strict=True))


def test_what_was_wrapped_up_once_is_opened_by_every_later_version() -> None:
    enclosures = (
        "0143c5036af2a556aada481b97af2cab5ea3841cb43f0722a692ec29643e0550d3db4723410e0ddcc3fa7ff0a66d3dd968392d52d3ce"
        "5b577790a2ed6d43f149c52135fbd953d81ca259969153285beaa189a16fa017ea5009e4398e94e14ec757"
    )
    piece = "0000000000000000a2cf5bfe68984421d20dc849c7e31af3687c5ea5bbc0bfa3fca317d6b29628f3bacd5f"
    ours = unwrapper(bytes.fromhex(enclosures), Opener(MILL))
    assert ours.unwrap(bytes.fromhex(piece)) == b"the mill's own word"


def test_nobody_else_reads_it_and_the_bytes_do_not_show_it() -> None:
    wrapper = Wrapper([public_key(MILL)])
    wrapped = wrapper.wrap(b"the mill's own word")

    with pytest.raises(NotForUs):
        unwrapper(wrapper.enclosures, Opener(EVE))
    assert b"word" not in wrapped
    assert wrapper.enclosures.find(public_key(MILL)) < 0


def test_the_same_thing_wrapped_twice_looks_different() -> None:
    one, other = Wrapper([public_key(MILL)]), Wrapper([public_key(MILL)])

    assert one.wrap(b"same") != other.wrap(b"same")
    assert one.wrap(b"same") != one.wrap(b"same")
    assert one.enclosures[1:17] != other.enclosures[1:17]


def test_a_piece_that_is_changed_moved_or_cut_does_not_open_and_the_others_do() -> None:
    wrapper = Wrapper([public_key(MILL)])
    one, other = wrapper.wrap(b"one"), wrapper.wrap(b"other")
    ours = unwrapper(wrapper.enclosures, Opener(MILL))

    for bad in (
        *(one[:at] + bytes([one[at] ^ 1]) + one[at + 1 :] for at in range(len(one))),
        *(one[:size] for size in range(len(one))),
        other[:8] + one[8:],
        Wrapper([public_key(MILL)]).wrap(b"one"),
    ):
        with pytest.raises(NotForUs):
            ours.unwrap(bad)
    assert ours.unwrap(other) == b"other"


def test_damage_to_one_enclosure_takes_it_from_nobody_else() -> None:
    wrapper = Wrapper([public_key(MILL), public_key(HILL)])
    wrapped = wrapper.wrap(b"x")
    for at in (17, 17 + ENCLOSURE_BYTES):
        bad = wrapper.enclosures[:at] + bytes(ENCLOSURE_BYTES) + wrapper.enclosures[at + ENCLOSURE_BYTES :]
        opened = []
        for private in (MILL, HILL):
            try:
                opened.append(unwrapper(bad, Opener(private)).unwrap(wrapped))
            except NotForUs:
                continue
        assert opened == [b"x"]


@given(st.binary(max_size=300))
def test_enclosures_of_any_bytes_are_not_for_us(raw: bytes) -> None:
    with pytest.raises(NotForUs):
        unwrapper(raw, Opener(MILL))


def test_more_enclosures_than_there_may_be_are_not_tried() -> None:
    wrapper = Wrapper([public_key(MILL)])
    padded = wrapper.enclosures[:17] + bytes(ENCLOSURE_BYTES * MOST_RECIPIENTS) + wrapper.enclosures[17:]

    assert len(padded) > MOST_ENCLOSURES_BYTES
    with pytest.raises(NotForUs):
        unwrapper(padded, Opener(MILL))


def test_it_is_for_one_at_least_and_not_for_too_many() -> None:
    with pytest.raises(ValueError):
        Wrapper([])
    with pytest.raises(ValueError):
        Wrapper(keys(MOST_RECIPIENTS + 1))
    assert len(Wrapper(keys(MOST_RECIPIENTS)).enclosures) == MOST_ENCLOSURES_BYTES


def test_a_key_that_agrees_on_nothing_is_refused_before_anything_is_wrapped() -> None:
    with pytest.raises(BadSignature):
        Wrapper([Key(bytes(32))])


# --- Files ------------------------------------------------------------------------------------------------


def file_of(bodies: list[bytes]) -> bytes:
    return MAGIC + b"".join(pack(2, number, body) for number, body in enumerate(bodies))


def opened(data: bytes, private: PrivateKey | None) -> list[Piece]:
    return list(unwrapped(cut([data]), Opener(private) if private else None))


BODIES = [bytes([1 + number % 200]) * (100 + number) for number in range(200)]
PLAIN = [Chunk(2, number, body) for number, body in enumerate(BODIES)]


def test_a_wrapped_file_is_the_same_file_to_whom_it_is_for() -> None:
    data = b"".join(wrapped([file_of(BODIES)], [public_key(MILL), public_key(HILL)]))

    assert opened(data, MILL) == opened(data, HILL) == PLAIN
    assert len(data) < len(file_of(BODIES)) * 1.05 + 200 * 45


@pytest.mark.parametrize("private", [EVE, None])
def test_whoever_it_is_not_for_learns_how_much_it_is(private: PrivateKey | None) -> None:
    data = b"".join(wrapped([file_of(BODIES)], [public_key(MILL)]))
    (told,) = opened(data, private)

    assert isinstance(told, Damage)
    assert told.why == "wrapped"
    assert told.size > len(b"".join(BODIES))


def test_a_file_that_is_not_wrapped_up_is_read_with_a_key_or_without() -> None:
    assert opened(file_of(BODIES), MILL) == opened(file_of(BODIES), None) == PLAIN


def test_damage_anywhere_costs_the_chunk_that_it_hits_and_no_other() -> None:
    data = b"".join(wrapped([file_of(BODIES)], [public_key(MILL)]))
    for at in range(0, len(data), 997):
        bad = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        found = [each for each in opened(bad, MILL) if isinstance(each, Chunk)]
        assert len(found) >= len(PLAIN) - 1
        assert [each for each in PLAIN if each in found] == found


def test_a_file_that_is_cut_short_gives_all_before_the_cut_in_order() -> None:
    data = b"".join(wrapped([file_of(BODIES)], [public_key(MILL)]))
    for size in range(0, len(data), 1009):
        found = [each for each in opened(data[:size], MILL) if isinstance(each, Chunk)]
        assert found == PLAIN[: len(found)]


def test_a_file_whose_beginning_is_lost_is_opened_by_the_enclosures_that_come_later() -> None:
    data = b"".join(wrapped([file_of(BODIES)], [public_key(MILL)]))
    found = [each for each in opened(data[200:], MILL) if isinstance(each, Chunk)]

    assert len(found) >= len(PLAIN) - 1


def test_a_stick_full_of_enclosures_is_not_tried_for_ever() -> None:
    class Counting(Opener):
        tried = 0

        def secret(self, enclosures: bytes) -> bytes:
            Counting.tried += 1
            return super().secret(enclosures)

    many = [Wrapper([public_key(EVE)]).enclosures for _ in range(40)]
    data = MAGIC + b"".join(pack(ENCLOSURES_KIND, number, each) for number, each in enumerate(many * 3))
    assert list(unwrapped(cut([data]), Counting(MILL))) == []

    assert Counting.tried == MOST_TRIED


def test_what_hides_nothing_that_can_be_a_chunk_is_damaged_and_nothing_is_opened_twice() -> None:
    wrapper = Wrapper([public_key(MILL)])
    twice = bytes((WRAPPED_KIND,)) + bytes(3) + wrapper.wrap(b"\x02\0\0\0inner")
    bodies = [wrapper.enclosures, wrapper.wrap(b""), wrapper.wrap(b"\x02\0\0\0"), wrapper.wrap(twice)]
    kinds = [ENCLOSURES_KIND, WRAPPED_KIND, WRAPPED_KIND, WRAPPED_KIND]
    data = MAGIC + b"".join(pack(kind, 0, body) for kind, body in zip(kinds, bodies, strict=True))
    first, second, third = opened(data, MILL)

    assert isinstance(first, Damage)
    assert isinstance(second, Damage)
    # It is a chunk of a kind that nobody reads, whatever it hides.
    assert isinstance(third, Chunk)
    assert third.kind == WRAPPED_KIND


def test_what_is_not_whole_is_not_wrapped_up() -> None:
    with pytest.raises(ValueError):
        list(wrapped([file_of(BODIES)[:-1]], [public_key(MILL)]))


def test_of_what_nobody_can_open_yet_a_bounded_number_of_pieces_is_held() -> None:
    hidden = Wrapper([public_key(MILL)])
    pieces = (Chunk(WRAPPED_KIND, number, hidden.wrap(bytes(1000))) for number in range(1000))
    tracemalloc.start()
    found = list(unwrapped(pieces, None))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [Damage(0, 1000 * (1000 + OVERHEAD), "wrapped")]
    assert most < 2 * REPEATED * 1000
