"""A carousel: whoever begins to listen at any time gets all of it, and nothing that is not of it."""

from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fedsync.gossip.priority import FIRST, LAST
from fedsync.gossip.thin import broadcast
from fedsync.gossip.thin.broadcast import FORM, MAX_CATCHING, MAX_SHOWN, Carousel, Catcher
from fedsync.gossip.thin.fountain import LEAST_SYMBOL
from fedsync.gossip.thin.inward import MAX_HELD
from fedsync.gossip.thin.packets import MAX_PARCEL, varint
from fedsync.gossip.thin.profile import RADIO, Profile

LINK = Profile(frame=300, bits=100_000, round_trip=0.1, loss=0.2)


def packets(carousel: Carousel, since: float, until: float) -> list[tuple[float, bytes]]:
    """Return what goes in a stretch of time."""
    found: list[tuple[float, bytes]] = []
    while since <= until:
        some, at = carousel.poll(since)
        found += [(since, each) for each in some]
        assert some or at > since, "it would keep us busy with nothing"
        since = max(at, since)
    return found


@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    batches=st.lists(
        st.tuples(st.integers(FIRST, LAST), st.lists(st.integers(1, 6000), min_size=1, max_size=6)),
        min_size=1,
        max_size=5,
    ),
    late=st.floats(0, 60),
    loss=st.sampled_from([0, 0.2, 0.5]),
    seed=st.integers(0, 10**6),
)
def test_whoever_begins_to_listen_at_any_time_gets_each_frame_once(
    batches: list[tuple[int, list[int]]], late: float, loss: float, seed: int
) -> None:
    dice, carousel, catcher = Random(seed), Carousel(LINK, Random(1), 0.0), Catcher()
    shown: list[bytes] = []
    for priority, sizes in batches:
        frames = [dice.randbytes(size) for size in sizes]
        carousel.show(frames, priority)
        shown += frames
    packets(carousel, 0.0, late)
    got: list[bytes] = []
    # A frame of one packet is lost in every one of n rounds once in 1 / loss ** n.
    rounds = 30 if loss == 0.5 else 12
    for _, packet in packets(carousel, late, late + rounds * carousel.round_s + 5):
        assert len(packet) <= LINK.room
        if dice.random() >= loss:
            got += [frame for each in catcher.hear(packet) for frame in each.frames]
    assert sorted(got) == sorted(shown)
    assert catcher.held == 0 or catcher.spoilt == 0


def test_at_the_loss_that_it_reckons_with_most_come_within_the_time_that_it_says() -> None:
    came = 0
    for seed in range(20):
        dice, carousel, catcher = Random(seed), Carousel(LINK, Random(1), 0.0), Catcher()
        carousel.show([dice.randbytes(2000) for _ in range(10)], 3)
        late = dice.random() * carousel.round_s
        packets(carousel, 0.0, late)
        got = [
            x
            for _, each in packets(carousel, late, late + carousel.round_s)
            if dice.random() >= 0.2
            for x in catcher.hear(each)
        ]
        came += sum(len(each.frames) for each in got)
    assert came >= 0.95 * 200


def test_what_is_urgent_comes_long_before_the_rest_has_come_round() -> None:
    carousel, catcher = Carousel(LINK, Random(1), 0.0), Catcher()
    carousel.show([bytes([at]) * 5000 for at in range(40)], 4)
    packets(carousel, 0.0, 7.0)
    carousel.show([b"recall"], FIRST)
    for at, packet in packets(carousel, 7.0, 10.0):
        if any(b"recall" in each.frames for each in catcher.hear(packet)):
            assert at < 7.2
            break
    else:
        pytest.fail("it never came")
    again = Catcher()
    came = [
        at
        for at, each in packets(carousel, 10.1, 60.0)
        if any(b"recall" in x.frames for x in again.hear(each))
    ]
    assert came[0] < 10.6
    assert len(came) == 1, "a catcher takes each once"


def test_the_share_of_the_time_is_kept_by_a_carousel_too() -> None:
    carousel = Carousel(RADIO, Random(1), 0.0)
    carousel.show([bytes(3000)], 3)
    spoken = sum(RADIO.airtime(len(each)) for _, each in packets(carousel, 0.0, 3600.0))
    assert 300 < spoken <= 360


def test_what_was_shown_longest_makes_room_and_what_is_withdrawn_goes_no_more() -> None:
    carousel = Carousel(LINK, Random(1), 0.0)
    urgent = carousel.show([b"urgent"], FIRST)
    first = carousel.show([b"a" * 60_000], 4)
    for at in range(20):
        carousel.show([bytes([at]) * 60_000], 4)
        assert carousel.shown <= MAX_SHOWN
    ids = {packet[1:7] for _, packet in packets(carousel, 0.0, 100.0)}
    assert urgent[0] in ids
    assert first[0] not in ids
    carousel.withdraw(urgent)
    assert urgent[0] not in {packet[1:7] for _, packet in packets(carousel, 100.0, 200.0)}
    assert carousel.show([b"x"], 2) != carousel.show([b"y"], 2)
    assert carousel.show([b"x"], 2) == [], "it goes round already"


def test_polluted_pieces_delay_an_object_and_are_never_delivered() -> None:
    carousel, catcher, dice = Carousel(LINK, Random(1), 0.0), Catcher(), Random(5)
    frame = dice.randbytes(4000)
    carousel.show([frame], 3)
    got: list[bytes] = []
    for number, (_, packet) in enumerate(packets(carousel, 0.0, 60.0)):
        if number % 40 == 7:
            packet = packet[:-3] + b"bad"
        got += [x for each in catcher.hear(packet) for x in each.frames]
    assert catcher.spoilt
    assert got == [frame]


def test_an_object_whose_base_was_missing_can_come_again() -> None:
    carousel, catcher = Carousel(LINK, Random(1), 0.0), Catcher()
    carousel.show([b"needs something"], 3)
    times = 0
    for _, packet in packets(carousel, 0.0, 10.0):
        for caught in catcher.hear(packet):
            times += 1
            if times < 3:
                catcher.listen_again(caught.id)
    assert times == 3


@given(st.binary(max_size=60))
def test_any_bytes_are_heard_without_harm(data: bytes) -> None:
    catcher = Catcher()
    catcher.hear(data)
    catcher.hear(bytes([FORM]) + data)


def test_objects_without_end_are_kept_up_to_a_bound() -> None:
    catcher, dice = Catcher(), Random(1)
    for at in range(2 * MAX_CATCHING):
        size = MAX_PARCEL if at % 2 else 300
        catcher.hear(bytes([FORM]) + dice.randbytes(6) + varint(size) + varint(100) + varint(9) + bytes(100))
        assert catcher.held <= MAX_HELD + MAX_PARCEL


def test_a_stranger_cannot_make_whoever_listens_sum_up_more_than_it_may() -> None:
    left, asked = [30_000], []

    def may(cost: int) -> bool:
        asked.append(cost)
        left[0] -= cost
        return left[0] >= 0

    catcher, dice = Catcher(may), Random(1)
    for number in range(3000, 3100):
        symbol = dice.randbytes(LEAST_SYMBOL)
        catcher.hear(
            bytes([FORM])
            + b"object"
            + varint(2000 * LEAST_SYMBOL)
            + varint(LEAST_SYMBOL)
            + varint(number)
            + symbol
        )
    assert asked == [2000] * 100
    (decoder,) = catcher._open.values()
    assert decoder.count - decoder.needed == 15


def test_pieces_that_are_smaller_than_their_equations_are_passed_over() -> None:
    catcher = Catcher()
    catcher.hear(bytes([FORM]) + b"object" + varint(2048) + varint(1) + varint(5000) + b"x")
    assert catcher.held == 0


def test_however_large_the_objects_are_that_strangers_begin_they_are_kept_up_to_a_bound() -> None:
    catcher = Catcher()
    for number in range(40):
        name = number.to_bytes(6, "big")
        head = bytes([FORM]) + name + varint(MAX_PARCEL) + varint(200) + varint(0)
        catcher.hear(head + bytes(200))
        assert catcher.held <= MAX_HELD


def test_of_what_has_come_a_bounded_number_is_kept_in_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "MAX_CAUGHT", 2)
    carousel, catcher = Carousel(LINK, Random(1), 0.0), Catcher()
    for number in range(3):
        carousel.show([bytes([number]) * 250], 3)
    for _, each in packets(carousel, 0.0, 5.0):
        catcher.hear(each)
    assert len(catcher._caught) == 2


def test_a_single_urgent_object_leaves_most_of_the_time_to_others() -> None:
    carousel = Carousel(LINK, Random(1), 0.0)
    (urgent,) = carousel.show([b"a recall" * 30], FIRST)
    carousel.show([Random(1).randbytes(20_000)], 4)
    sent = [each[1:7] for _, each in packets(carousel, 0.0, 20.0)]
    assert 0.05 < sent.count(urgent) / len(sent) < 0.3
