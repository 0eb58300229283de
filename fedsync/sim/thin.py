"""A link of the simulator over which frames go in packets: a thin carrier at each end, and bad air between them.

Nobody dials. A session begins at each end when its node comes up, and goes on through every outage; when the other end
begins anew, so does this one, as in a daemon.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Final, NamedTuple

from fedsync.gossip.lanes import cost
from fedsync.gossip.thin.carrier import Carrier
from fedsync.gossip.thin.profile import FLAKY as FLAKY_CARRIER
from fedsync.gossip.thin.profile import RADIO as RADIO_CARRIER
from fedsync.gossip.thin.profile import SEAL_BYTES, Profile
from fedsync.sim.air import FLAKY, PROFILES, RADIO, Air
from fedsync.sim.heap import Heap

CARRIERS: Final = {FLAKY.name: FLAKY_CARRIER, RADIO.name: RADIO_CARRIER}
"""What the operator says of each kind of link."""
SEAL: Final = bytes(SEAL_BYTES)
"""Stands for what seals a packet."""
TOLD_BYTES: Final = 2048
"""A session is told when a link takes so much more than it knows of."""
LEAST_POLL_S: Final = 0.001
"""A carrier is asked again so much later at the earliest."""


@dataclass(eq=False)
class Port:
    """One end."""

    carrier: Carrier | None = None
    poll_at: float = inf
    told: int = 0
    """How much room its session was told of last, less what it gave since."""
    frames: int = 0
    bytes: int = 0
    """Of frames that were given to it."""
    refused: int = 0
    """Frames for which it had no room: the session gave more than it was told to."""
    lives: int = 0


class Above(NamedTuple):
    """Who uses the link. The first argument of each says which end."""

    deliver: Callable[[int, bytes], None]
    """A frame has come."""
    room: Callable[[int, int], None]
    """So many more bytes are taken."""
    anew: Callable[[int], None]
    """The other end has begun a new life: the session here is over, and begins again."""
    lives: Callable[[int], bool]
    """Whether the end still stands: nobody says so when its power fails."""
    spent: Callable[[int, int], None]
    """So many bytes go into the air."""


class Thin:
    """Two carriers over one air. Ends are 0 and 1."""

    def __init__(self, heap: Heap, dice: Random, profile: str, above: Above) -> None:
        self.heap, self.dice, self._above = heap, dice, above
        self.profile: Profile = CARRIERS[profile]
        self.air = Air(heap, dice, PROFILES[profile], self._hear)
        self.ports = (Port(), Port())

    def open(self, at: int) -> None:
        """Begin a life at an end."""
        port = self.ports[at]
        port.lives += 1
        port.carrier = Carrier(self.profile, Random(self.dice.getrandbits(64)), self.heap.now)
        port.told = 0
        self._plan(at, self.heap.now)

    def close(self, at: int) -> None:
        """End a life, without a word."""
        self.ports[at].carrier = None

    def send(self, at: int, frame: bytes, priority: int) -> bool:
        """Let a frame go; False when there is no room for it."""
        port = self.ports[at]
        if port.carrier is None:
            return True
        port.frames += 1
        port.bytes += len(frame)
        if port.carrier.send(frame, priority):
            port.told -= cost(frame)
            self._plan(at, self.heap.now)
            return True
        port.refused += 1
        return False

    def _port(self, at: int) -> Port:
        port = self.ports[at]
        if not self._above.lives(at):
            port.carrier = None
        return port

    def _hear(self, at: int, packet: bytes) -> None:
        frames = self._frames(at, packet)
        if frames is None:
            self._above.anew(at)
            # A new carrier takes what told the old one that it is over.
            frames = self._frames(at, packet)
        for each in frames or ():
            if self._port(at).carrier is not None:
                self._above.deliver(at, each)
        self._tell(at)
        self._plan(at, self.heap.now)

    def _frames(self, at: int, packet: bytes) -> list[bytes] | None:
        """Return the frames that a packet makes whole; None when the other end has begun anew, and so must this one."""
        port = self._port(at)
        if port.carrier is None:
            return []
        frames = port.carrier.hear(packet[: -len(SEAL)], self.heap.now)
        if port.carrier.over:
            port.carrier = None
            return None
        return frames

    def _tell(self, at: int) -> None:
        """Tell the session of room when there is more than it knows of."""
        port = self.ports[at]
        room = port.carrier.room if port.carrier is not None else 0
        if room - port.told >= TOLD_BYTES or port.told <= 0 < room:
            port.told = room
            self._above.room(at, room)

    def _plan(self, at: int, when: float) -> None:
        port = self.ports[at]
        if when < port.poll_at:
            port.poll_at = when
            self.heap.at(when, self._poll, at, when)

    def _poll(self, at: int, when: float) -> None:
        port = self._port(at)
        if port.poll_at != when:
            return
        port.poll_at = inf
        if port.carrier is None:
            return
        packets, again = port.carrier.poll(self.heap.now)
        for each in packets:
            self._above.spent(at, len(each) + len(SEAL) + self.air.profile.extra)
            self.air.send(at, each + SEAL)
        self._tell(at)
        if again < inf:
            self._plan(at, max(again, self.heap.now + LEAST_POLL_S))
