"""When the next packet may go: the link's rate, the share of the time, and whose turn it is. Pure; times in seconds."""

from typing import Final

from fedsync.gossip.groups import Dice
from fedsync.gossip.thin.profile import Profile

AHEAD_S: Final = 0.02
"""Packets are given to the link so long before it can take them, so that it never waits for us."""
DUTY_BURST: Final = 8
"""Packets of full size that may go at once where the share of the time is limited."""
DUTY_HOUR_S: Final = 3600.0
"""In any stretch of this length the share is kept, burst included."""
TURN: Final = 8
"""Packets until the other side has a turn, where only one can speak."""
GAP: Final = 1.3
"""Where only one can speak: whoever has not said that it listens now may go on within so many packets' time."""


class Pace:
    """When this side may send."""

    def __init__(self, profile: Profile, dice: Dice, now: float) -> None:
        self._profile, self._dice = profile, dice
        self._free = now
        """When the link has taken all that it was given."""
        self._hold = now
        """Where only one can speak: until then the other side does."""
        self._turn = 0
        self._longest = profile.airtime(profile.room)
        self._most = DUTY_BURST * self._longest
        self._credit, self._credit_at = self._most, now
        self._gain = max(profile.duty - self._most / DUTY_HOUR_S, profile.duty / 2)

    def at(self, now: float) -> float:
        """Return when the next packet may go."""
        ready = max(self._free - (0.0 if self._profile.half_duplex else AHEAD_S), self._hold)
        if self._profile.duty < 1:
            self._earn(now)
            if self._credit < self._longest:
                ready = max(ready, now + (self._longest - self._credit) / self._gain)
        return ready

    def sent(self, size: int, now: float, *, over: bool, asks: bool) -> None:
        """Note that a packet goes. `over`: it says that we listen now; `asks`: an answer is expected."""
        took = self._profile.airtime(size)
        self._free = max(self._free, now) + took
        self._earn(now)
        self._credit -= took
        if self._profile.half_duplex:
            self._turn += 1
            if over:
                self._turn = 0
                if asks:
                    self._hold = self._free + self.wait

    def heard(self, now: float, over: bool) -> None:
        """Note that a packet came."""
        if not self._profile.half_duplex:
            return
        self._turn = 0
        self._hold = now if over else now + self._longest * GAP + self._longest * self._dice.random()

    @property
    def turn_ends(self) -> bool:
        """Whether the next packet is the last of our turn."""
        return self._profile.half_duplex and self._turn >= TURN - 1

    @property
    def wait(self) -> float:
        """Seconds that an answer takes where only one can speak, and some more by chance."""
        return self._profile.round_trip + self._longest * (1.5 + self._dice.random())

    def _earn(self, now: float) -> None:
        self._credit = min(self._most, self._credit + (now - self._credit_at) * self._gain)
        self._credit_at = now
