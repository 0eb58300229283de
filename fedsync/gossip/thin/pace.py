"""When the next packet may go: the link's rate, the share of the time, and whose turn it is. Pure; times in seconds.

Where only one can speak, each side speaks a few packets and then listens; the other answers at once. Nobody hears the other
while speaking, so two that begin at the same time lose both: hence every wait there has some chance in it, more after each that was in vain.
Where the share of the time is limited a side saves for a few packets at a time, and keeps enough for an answer and for what is urgent.
"""

from typing import Final

from fedsync.gossip.groups import Dice
from fedsync.gossip.thin.profile import Profile

AHEAD_S: Final = 0.02
"""Packets are given to the link so long before it can take them, so that it never waits for us."""
DUTY_BURST: Final = 8
"""Packets of full size that may go at once where the share of the time is limited."""
DUTY_HOUR_S: Final = 3600.0
"""In any stretch of this length the share is kept, burst included."""
SAVED: Final = 3
"""Packets for which a side saves until it goes on, one to three more by chance."""
TURN: Final = 8
"""Packets until the other side has a turn, where only one can speak."""
GAP: Final = 1.3
"""Where only one can speak: whoever has not said that it listens now may go on within so many packets' time."""
MOST_DOUBLINGS: Final = 4
QUEUE_S: Final = 0.1
"""Packets that wait so much longer on their way than the quickest fill a queue: the link is slower than was said, or others use it."""
SLOWER: Final = 0.8
FASTER: Final = 1.05
SLOWEST: Final = 1 / 64
"""Of the rate that was said."""


class Pace:
    """When this side may send."""

    def __init__(self, profile: Profile, dice: Dice, now: float) -> None:
        self._profile, self._dice = profile, dice
        self._longest = profile.airtime(profile.room)
        self._free = now
        """When the link has taken all that it was given."""
        self._hold = now + 4 * self._longest * dice.random() * profile.half_duplex
        """Where only one can speak: until then the other side does."""
        self._share, self._changed_at = 1.0, now
        """Of the rate that was said, what is used."""
        self._turn = 0
        self._vain = 0
        """Turns that nobody answered."""
        self._most = DUTY_BURST * self._longest
        self._credit, self._credit_at = self._most, now
        self._gain = max(profile.duty - self._most / DUTY_HOUR_S, profile.duty / 2)
        self._saves = 0.0
        """Seconds of the share that must be there before more than answers goes again; 0 while it may."""

    def at(self, now: float) -> float:
        """Return when the next packet may go: an answer, or what is urgent."""
        ready = max(self._free - (0.0 if self._profile.half_duplex else AHEAD_S), self._hold)
        return max(ready, self._credit_for(self._longest, now))

    def more_at(self, now: float) -> float:
        """Return when anything else may go."""
        return max(self.at(now), self._credit_for(self._saves or 2 * self._longest, now))

    def _credit_for(self, need: float, now: float) -> float:
        if self._profile.duty == 1:
            return now
        self._earn(now)
        # A rounding error must not ask for one more look at the same moment.
        return now + (need - self._credit) / self._gain if need > self._credit + 1e-9 else now

    def sent(self, size: int, now: float, *, over: bool, asks: bool) -> None:
        """Note that a packet goes. `over`: it says that we listen now; `asks`: an answer is expected."""
        took = self._profile.airtime(size)
        self._free = max(self._free, now) + took / self._share
        if self._profile.duty < 1:
            self._earn(now)
            self._credit -= took
            if self._credit < 2 * self._longest:
                self._saves = (SAVED + 2 * self._dice.random()) * self._longest
        if self._profile.half_duplex:
            self._turn += 1
            if over:
                self._turn = 0
                if asks:
                    by_chance = self._dice.random() * 2 ** min(self._vain, MOST_DOUBLINGS)
                    self._vain += 1
                    self._hold = self._free + self._profile.round_trip + self._longest * (1.5 + by_chance)

    def heard(self, now: float, over: bool) -> None:
        """Note that a packet came."""
        if not self._profile.half_duplex:
            return
        self._turn = self._vain = 0
        self._hold = now if over else now + self._longest * (GAP + self._dice.random())

    def told(self, now: float, queue: float, round_trip: float) -> None:
        """Go slower while packets wait on their way, and faster again when they do not; a step for each round trip."""
        if self._profile.half_duplex or now < self._changed_at + round_trip:
            return
        if queue > QUEUE_S:
            self._share, self._changed_at = max(self._share * SLOWER, SLOWEST), now
        elif queue < QUEUE_S / 2 and self._share < 1:
            self._share, self._changed_at = min(self._share * FASTER, 1.0), now

    @property
    def turn_ends(self) -> bool:
        """Whether the next packet is the last of our turn."""
        if not self._profile.half_duplex:
            return False
        return self._turn >= TURN - 1 or (self._profile.duty < 1 and self._credit < 3 * self._longest)

    def _earn(self, now: float) -> None:
        self._credit = min(self._most, self._credit + (now - self._credit_at) * self._gain)
        self._credit_at = now
        if self._credit >= self._saves:
            self._saves = 0.0
