"""What is wrapped up for some nodes: those open it, nobody else does, and damage hides no more than its own piece."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.records.ed25519 import BadSignature, private_key, public_key
from fedsync.records.ids import Key
from fedsync.wrapping import (
    ENCLOSURE_BYTES,
    MOST_ENCLOSURES_BYTES,
    MOST_RECIPIENTS,
    OVERHEAD,
    NotForUs,
    Opener,
    Wrapper,
    unwrapper,
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
