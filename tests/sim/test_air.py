"""The air between two stations is as bad as its profile says, and no worse."""

from dataclasses import replace
from functools import partial
from random import Random

from fedsync.sim.air import FLAKY, RADIO, Air, Profile
from fedsync.sim.heap import Heap

HOUR = 3600.0


class Listening:
    """An air with a log of what each side heard, and when."""

    def __init__(self, profile: Profile, seed: int = 0) -> None:
        self.heap = Heap()
        self.heard: tuple[list[tuple[float, bytes]], ...] = ([], [])
        self.air = Air(self.heap, Random(seed), profile, self._hear)

    def _hear(self, side: int, packet: bytes) -> None:
        self.heard[side].append((self.heap.now, packet))

    def stream(self, side: int, count: int, size: int, every: float, begins: float = 0.0) -> None:
        for number in range(count):
            packet = number.to_bytes(4, "big") + bytes(size - 4)
            self.heap.at(begins + number * every, partial(self.air.send, side, packet))


def test_a_window_of_flaky_brings_seventy_percent_of_what_fits_and_nothing_between_windows() -> None:
    it = Listening(FLAKY)
    it.stream(0, 60_000, 1200, 0.01)
    it.heap.run(600.0)
    brought = sum(len(packet) for _, packet in it.heard[1]) * 8
    assert 0.66 < brought / (10 * FLAKY.open * FLAKY.bits) < 0.71
    assert all((when - FLAKY.delay) % 60 <= 5.0 + 1e-6 for when, _ in it.heard[1])
    # In order: nothing overtakes on a line.
    numbers = [packet[:4] for _, packet in it.heard[1]]
    assert numbers == sorted(numbers)


def test_nobody_is_heard_who_speaks_at_the_same_time_and_who_listens_first_seldom_does() -> None:
    it = Listening(replace(RADIO, loss=0.0))
    # Each wants the whole channel: they have to share it.
    it.stream(0, 2000, 200, 0.4)
    it.stream(1, 2000, 200, 0.4, begins=0.01)
    it.heap.run(1000.0)
    went = [side.packets for side in it.air.sides]
    came = [len(each) for each in it.heard]
    assert it.air.collided == sum(went) - sum(came)
    assert it.air.collided < sum(went) * 0.4
    assert min(came) > 0.3 * max(came)
    for one, two in ((0, 1), (1, 0)):
        for when, packet in it.heard[one]:
            begun = when - it.air.profile.takes(len(packet))
            spoken = it.air.sides[one].spoken
            assert not any(at < when - 1e-9 and at + takes > begun + 1e-9 for at, takes in spoken), two


def test_radio_loses_a_fifth_and_tells_how_long_each_was_on_the_air() -> None:
    it = Listening(RADIO)
    it.stream(0, 2000, 100, 3.6)
    it.heap.run(2 * HOUR)
    assert 0.77 < len(it.heard[1]) / 2000 < 0.83
    # A hundred bytes are 160 ms; a thousand of them an hour.
    assert abs(it.air.sides[0].most_in_hour - 160.0) < 0.5
    assert not it.air.collided


def test_a_modem_keeps_half_a_second_and_drops_what_is_beyond() -> None:
    it = Listening(replace(RADIO, loss=0.0))
    for number in range(50):
        it.air.send(0, bytes((number,)) * 200)
    it.heap.run(60.0)
    assert 2 <= len(it.heard[1]) <= 6
    assert it.air.sides[0].dropped == 50 - len(it.heard[1])


def test_what_is_sent_into_a_cut_link_is_lost_and_was_on_the_air() -> None:
    it = Listening(replace(FLAKY, loss=0.0))
    it.air.cut = True
    it.stream(0, 10, 1000, 0.1)
    it.heap.run(10.0)
    assert not it.heard[1]
    assert it.air.sides[0].packets == 10
    it.air.cut = False
    it.stream(0, 1, 1000, 1.0, begins=60.0)
    it.stream(0, 1, 1000, 1.0, begins=66.0)
    it.heap.run(100.0)
    assert len(it.heard[1]) == 1
