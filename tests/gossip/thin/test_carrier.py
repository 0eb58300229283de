"""Two carriers back to back: whatever the link does, each frame comes out once, and those of one priority in order."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fedsync.gossip.priority import FIRST, LAST
from fedsync.gossip.thin.flight import Flight
from fedsync.gossip.thin.outward import Outward
from fedsync.gossip.thin.profile import FLAKY, RADIO, Profile
from tests.gossip.thin.air import Air, Way, windows

QUICK = [Phase.explicit, Phase.reuse, Phase.generate]
"""A failure is not made small: a carrier that does not come to rest takes long to simulate."""
FAST = Profile(frame=300, bits=100_000, round_trip=0.1)


@settings(max_examples=40, deadline=None, phases=QUICK)
@given(
    frames=st.lists(
        st.tuples(st.integers(0, 1), st.integers(FIRST, LAST), st.integers(1, 9000)), max_size=25
    ),
    loss=st.sampled_from([0, 0.1, 0.3, 0.6]),
    stray=st.sampled_from([0, 0.2]),
    twice=st.sampled_from([0, 0.3]),
    outage=st.sampled_from([0, 5, 4000]),
    half=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_each_frame_comes_out_once_and_those_of_one_priority_in_their_order(
    frames: list[tuple[int, int, int]],
    loss: float,
    stray: float,
    twice: float,
    outage: float,
    half: bool,
    seed: int,
) -> None:
    profile = Profile(frame=300, bits=100_000, round_trip=0.1, half_duplex=half)
    way = Way(loss, 0.05, stray, twice, up=lambda now: not 0.5 < now < 0.5 + outage)
    air = Air(profile, way, seed)
    sent: list[list[tuple[int, bytes]]] = [[], []]
    for at, (number, priority, size) in enumerate(frames):
        body = at.to_bytes(2, "big") * size
        assert air.send(number, body, priority)
        sent[number].append((priority if sent[number] else FIRST, body))
        air.run(air.now + 0.05)
    air.run(20_000, lambda: all(end.carrier.idle for end in air.ends))
    for number in (0, 1):
        got = air.ends[1 - number].got
        assert sorted(got) == sorted(body for _, body in sent[number])
        for priority in range(LAST + 1):
            mine = [body for each, body in sent[number] if each == priority]
            assert [body for body in got if body in set(mine)] == mine
        if sent[number]:
            assert got[0] == sent[number][0][1], "a session begins with its first frame"


@pytest.mark.parametrize("profile", [FLAKY, RADIO, FAST])
def test_an_idle_carrier_says_nothing(profile: Profile) -> None:
    air = Air(profile, Way())
    air.send(0, b"hello", FIRST)
    air.send(1, b"hello", FIRST)
    air.run(100)
    assert [end.got for end in air.ends] == [[b"hello"], [b"hello"]]
    before = [end.packets for end in air.ends]
    air.run(100_000)
    assert [end.packets for end in air.ends] == before


def test_a_megabyte_and_a_half_takes_five_windows_of_a_flaky_link() -> None:
    air = Air(FLAKY, Way(0.3, 0.15, up=windows(5, 60)), 1)
    left = [bytes([at % 256]) * 5000 for at in range(300)]
    air.send(0, b"hello", FIRST)

    def fill() -> bool:
        while left and air.ends[0].carrier.room and air.send(0, left[-1], 4):
            left.pop()
        return len(air.ends[1].got) == 301

    air.run(1000, fill)
    assert air.now <= 245


def test_small_frames_fill_packets_when_many_wait() -> None:
    air = Air(FLAKY, Way(0.3, 0.15, up=windows(5, 60)), 2)
    left = [bytes([at % 256]) * 450 for at in range(3400)]
    air.send(0, b"hello", FIRST)

    def fill() -> bool:
        while left and air.ends[0].carrier.room and air.send(0, left[-1], 4):
            left.pop()
        return len(air.ends[1].got) == 3401

    air.run(1000, fill)
    assert air.now <= 245


def test_a_link_that_is_slower_than_was_said_is_not_filled_beyond_what_it_takes() -> None:
    profile = Profile(frame=1200, bits=1_000_000, round_trip=0.1)
    air = Air(profile, Way(0.0, 0.05, slower=5), 3)
    air.send(0, b"hello", FIRST)

    def fill() -> bool:
        while air.ends[0].carrier.room and air.send(0, bytes(4000), 4):
            pass
        return False

    air.run(60, fill)
    got, sent = sum(map(len, air.ends[1].got)), air.ends[0].bytes
    assert got > 0.75 * 200_000 / 8 * 60
    assert got > 0.8 * sent


def _busy() -> Air:
    """Return two carriers of which one sends facts without end, and is in the middle of that."""
    air = Air(FAST, Way(), 5)
    air.send(0, b"hello", FIRST)
    air.run(2)
    while air.ends[0].carrier.room and air.send(0, bytes(6000), 4):
        pass
    air.run(4)
    return air


def test_what_is_urgent_goes_with_the_very_next_packet_and_comes_before_all_that_waits() -> None:
    air = _busy()
    before = air.ends[0].packets
    air.send(0, b"recall", FIRST)
    air.run(30, lambda: b"recall" in air.ends[1].got)
    assert air.ends[0].packets - before <= 1 + 0.1 / FAST.airtime(FAST.room), (
        "and those that went while it was on its way"
    )
    assert sum(len(each) == 6000 for each in air.ends[1].got) < 5


def test_the_least_urgent_keeps_a_small_share() -> None:
    air = _busy()
    facts = len(air.ends[1].got)

    def fill() -> bool:
        while air.ends[0].carrier.queued < 400_000 and air.send(0, bytes(3000), FIRST):
            pass
        return False

    air.run(150, fill)
    took = sum(len(each) == 6000 for each in air.ends[1].got[facts:]) * 6000
    assert 100_000 / 8 * 150 / 40 < took < 100_000 / 8 * 150 / 10


@pytest.mark.parametrize(("loss", "times"), [(0.01, 1), (0.09, 2), (0.2, 3), (0.3, 4), (0.8, 4)])
def test_what_is_urgent_goes_so_often_before_an_answer_that_it_is_missed_one_time_in_a_hundred(
    loss: float, times: int
) -> None:
    outward = Outward()
    # The first frame of all goes as what is urgent does.
    outward.put(b"hello", FIRST)
    outward.put(b"a recall", FIRST)
    outward.put(b"a text", 4)
    sent: dict[int, int] = {}
    for at in range(100):
        found = outward.pick(20, True, at / 10, loss, 0.05, False)
        if found is not None:
            found[0].take(found[1], at / 10)
            sent[found[0].lane] = sent.get(found[0].lane, 0) + 1
    assert sent == {FIRST: times, 4: 1}


@pytest.mark.parametrize("heard", [True, False])
def test_losses_are_learned_from_what_goes_while_the_other_side_is_heard(heard: bool) -> None:
    flight = Flight(FLAKY)
    before = flight.loss
    flight.sent(0.0)
    flight.told(0, 1, 0.0, 0.3)
    for at in range(30):
        if not heard:
            flight.pause()
        flight.sent(1.0 + at)
    flight.told(30, 3, 0.0, 40.0)
    assert (flight.loss > before) is heard
