"""Packets between two stations over a link that is bad: windows, loss, one of them at a time, little time on the air.

A packet goes out when it is given, after those that wait before it, and comes whole or not at all. Nobody is told what
was lost. What is sent while the link is down is lost, and has cost its time all the same.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from fedsync.sim.heap import Heap

HOUR: Final = 3600.0
WAITING: Final = 0.5
"""Seconds of packets that a modem or a router keeps before it drops what comes."""
TURN_S: Final = 0.05
"""From hearing nobody to being heard: who begins within so long of another is not heard to have begun."""
SLOTS: Final = 8
"""On a shared channel whoever waited begins after up to so many turns more, so that two who waited seldom begin at once."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a link is like. Loss is that of each packet, in the calm too: it is how the link is."""

    name: str
    frame: int
    """The most bytes that a packet has, with whatever is around it."""
    bits: int
    """A second."""
    delay: float
    """Seconds from one end to the other."""
    loss: float
    shared: bool
    """One channel for both directions: who speaks hears nothing, and two at once are not heard."""
    duty: float
    """The share of an hour that a station may be on the air."""
    every: float
    """Seconds from one window to the next; 0: the link is always up."""
    open: float
    """Seconds that a window is open."""
    extra: int = 0
    """Bytes that the link itself adds to each packet."""

    def up(self, now: float) -> bool:
        """Say whether the link is up then."""
        return not self.every or now % self.every < self.open

    def takes(self, size: int) -> float:
        """Return for how many seconds a packet is on the air."""
        return (size + self.extra) * 8 / self.bits


FLAKY: Final = Profile("FLAKY", 1200, 1_000_000, 0.15, 0.3, False, 1.0, 60.0, 5.0, 28)
"""A satellite or a far relay with IP over it: a round trip of 300 ms, and five seconds a minute."""
RADIO: Final = Profile("RADIO", 200, 5_000, 0.0, 0.2, True, 0.1, 0.0, 0.0)
"""A radio modem on a band where a station may be on the air for six minutes in an hour."""
PROFILES: Final = {each.name: each for each in (FLAKY, RADIO)}


@dataclass(eq=False)
class Side:
    """One end: what waits to go out, and how long it was on the air."""

    waits: deque[bytes] = field(default_factory=deque)
    busy_until: float = 0.0
    """Until when it is on the air, or the line takes nothing else."""
    planned: bool = False
    spoken: deque[tuple[float, float]] = field(default_factory=deque)
    """When it was on the air in the last hour, and for how long."""
    in_hour: float = 0.0
    most_in_hour: float = 0.0
    """The most seconds on the air in any hour."""
    packets: int = 0
    bytes: int = 0
    dropped: int = 0
    """Packets for which the modem had no room."""


class Air:
    """One link. Sides are 0 and 1; `heard` is called with the side that hears, and a packet."""

    def __init__(
        self, heap: Heap, dice: Random, profile: Profile, heard: Callable[[int, bytes], None]
    ) -> None:
        self.heap, self.dice, self.profile = heap, dice, profile
        self.heard = heard
        self.sides = (Side(), Side())
        self.phase = 0.0
        """When its first window opens; before that it is down."""
        self.cut = False
        """Nothing comes through, and nobody is told."""
        self.lost = self.collided = 0

    def up(self, now: float) -> bool:
        """Say whether the link is up then."""
        return not self.cut and now >= self.phase and self.profile.up(now - self.phase)

    def send(self, side: int, packet: bytes) -> None:
        """Give a packet to the modem. One that is too large for the link is a mistake of whoever made it."""
        assert 0 < len(packet) <= self.profile.frame, f"a packet of {len(packet)} bytes"
        mine = self.sides[side]
        waiting = sum(map(len, mine.waits)) * 8 / self.profile.bits
        if mine.waits and waiting > max(WAITING, 2 * self.profile.takes(self.profile.frame)):
            mine.dropped += 1
            return
        mine.waits.append(packet)
        if not mine.planned:
            mine.planned = True
            self.heap.at(self._free_at(side), self._begin, side)

    def _free_at(self, side: int) -> float:
        mine, other = self.sides[side], self.sides[1 - side]
        if not self.profile.shared:
            return mine.busy_until
        now = self.heap.now
        heard = other.busy_until if other.busy_until > now else 0.0
        free = max(now, mine.busy_until, heard)
        return free if free == now else free + self._gap()

    def _gap(self) -> float:
        return TURN_S * (1 + SLOTS * self.dice.random())

    def _begin(self, side: int) -> None:
        mine, other, now = self.sides[side], self.sides[1 - side], self.heap.now
        if self.profile.shared and other.busy_until > now and now - _last(other) > TURN_S:
            # Somebody is heard to speak: later.
            self.heap.at(self._free_at(side), self._begin, side)
            return
        packet = mine.waits.popleft()
        takes = self.profile.takes(len(packet))
        mine.busy_until = now + takes
        mine.packets += 1
        mine.bytes += len(packet)
        _on_air(mine, now, takes)
        self.heap.at(now + takes, self._sent, side, packet, now, self.up(now))
        mine.planned = bool(mine.waits)
        if mine.waits:
            gap = self._gap() if self.profile.shared else 0.0
            self.heap.at(now + takes + gap, self._begin, side)

    def _sent(self, side: int, packet: bytes, since: float, was_up: bool) -> None:
        now, profile = self.heap.now, self.profile
        if not was_up or not self.up(now):
            return
        if profile.shared and _overlaps(self.sides[1 - side], since, now):
            self.collided += 1
            return
        if self.dice.random() < profile.loss:
            self.lost += 1
            return
        self.heap.at(now + profile.delay, self._comes, 1 - side, packet)

    def _comes(self, side: int, packet: bytes) -> None:
        if not self.cut:
            self.heard(side, packet)


def _last(side: Side) -> float:
    return side.spoken[-1][0] if side.spoken else -HOUR


def _overlaps(side: Side, since: float, until: float) -> bool:
    """Say whether it was on the air for any of that time."""
    for begun, takes in reversed(side.spoken):
        if begun + takes <= since:
            return False
        if begun < until:
            return True
    return False


def _on_air(side: Side, now: float, takes: float) -> None:
    spoken = side.spoken
    spoken.append((now, takes))
    side.in_hour += takes
    while spoken[0][0] + spoken[0][1] < now - HOUR:
        side.in_hour -= spoken.popleft()[1]
    side.most_in_hour = max(side.most_in_hour, side.in_hour)
