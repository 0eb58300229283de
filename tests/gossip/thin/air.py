"""Two carriers over a simulated link: windows, loss, delay, repetition, and one voice at a time where that is so."""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

from fedsync.gossip.thin.carrier import Carrier
from fedsync.gossip.thin.profile import Profile


@dataclass
class Way:
    """What the link does to packets."""

    loss: float = 0.0
    delay: float = 0.05
    stray: float = 0.0
    """The share of packets that come late, by up to five delays."""
    twice: float = 0.0
    up: Callable[[float], bool] = lambda _: True
    slower: float = 1.0
    """How many times slower than its profile the link is; what would wait for more than half a second is lost."""
    damage: Callable[[bytes], bytes] = lambda packet: packet


def windows(up: float, every: float, first: float = 0.0) -> Callable[[float], bool]:
    """Return a link that is up for a while at equal intervals."""
    return lambda now: (now - first) % every < up


@dataclass
class End:
    carrier: Carrier
    got: list[bytes] = field(default_factory=list)
    got_at: list[float] = field(default_factory=list)
    poll_at: float = 0.0
    packets: int = 0
    bytes: int = 0
    airtime: float = 0.0
    sent_at: list[tuple[float, float]] = field(default_factory=list)


class Air:
    """Two ends and what is between them, in virtual time."""

    def __init__(self, profile: Profile, way: Way, seed: int = 0) -> None:
        self.profile, self.way, self.dice, self.now = profile, way, Random(seed), 0.0
        self.ends = [End(Carrier(profile, Random(f"{seed} {at}"), 0.0)) for at in range(2)]
        self._coming: list[tuple[float, int, int, bytes, list[float]]] = []
        self._order = count()
        self._free = [0.0, 0.0]
        self._voices: list[list[float]] = []
        self.collisions = 0
        self.polls = 0

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        """Go on until then, or until it is done."""
        while not done():
            at = min([each.poll_at for each in self.ends] + [row[0] for row in self._coming[:1]])
            if at > until:
                self.now = until
                return
            self.now = max(at, self.now)
            while self._coming and self._coming[0][0] <= self.now:
                _, _, to, packet, voice = heappop(self._coming)
                if not voice[3]:
                    self.hear(to, packet)
            for number, end in enumerate(self.ends):
                if end.poll_at <= self.now:
                    self.poll(number)

    def send(self, number: int, body: bytes, priority: int = 2) -> bool:
        """Have one end send a frame."""
        self.ends[number].poll_at = self.now
        return self.ends[number].carrier.send(body, priority)

    def hear(self, to: int, packet: bytes) -> None:
        """Have an end hear a packet."""
        end = self.ends[to]
        frames = end.carrier.hear(packet, self.now)
        end.got += frames
        end.got_at += [self.now] * len(frames)
        end.poll_at = self.now

    def poll(self, number: int) -> None:
        """Have an end send what it wants to send now."""
        end = self.ends[number]
        packets, end.poll_at = end.carrier.poll(self.now)
        self.polls += 1
        assert packets or end.poll_at > self.now, "it would keep us busy with nothing"
        for packet in packets:
            assert len(packet) <= self.profile.room
            end.packets += 1
            end.bytes += len(packet)
            end.airtime += self.profile.airtime(len(packet))
            self._fly(number, packet)

    def _fly(self, number: int, packet: bytes) -> None:
        begin = max(self.now, self._free[number])
        if begin > self.now + 0.5 and self.way.slower > 1:
            return
        end = self._free[number] = begin + self.profile.airtime(len(packet)) * self.way.slower
        self.ends[number].sent_at.append((begin, end))
        way, dice = self.way, self.dice
        voice = [begin, end, number, 0]
        if self.profile.half_duplex:
            self._voices = [each for each in self._voices if each[1] > begin - 60]
            for each in self._voices:
                if each[2] != number and each[0] < end and begin < each[1]:
                    each[3] = voice[3] = 1
                    self.collisions += 1
            self._voices.append(voice)
        for _ in range(1 + (dice.random() < way.twice)):
            late = way.delay * (1 + (5 * dice.random() if dice.random() < way.stray else 0))
            arrives = end + late
            lost = dice.random() < way.loss or not way.up(begin) or not way.up(arrives)
            if not lost:
                heappush(self._coming, (arrives, next(self._order), 1 - number, way.damage(packet), voice))
