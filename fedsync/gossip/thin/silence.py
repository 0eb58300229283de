"""Whether the other side can be reached, and how often to look while it cannot. Pure; times in seconds.

After a few packets without an answer nothing but small ones go, with what is urgent, until anything comes. They cost a fixed
share of what the link carries, less after a while: so a fast link is looked at ten times a second, and a slow one now and then.
"""

from math import ceil, inf
from typing import Final

from fedsync.gossip.groups import Dice
from fedsync.gossip.thin.profile import Profile

COLD_BURST: Final = 4
"""Packets that go at full rate to someone who was not heard lately."""
GROWTH: Final = 1.5
"""Each wait is so many times the one before, until the share below is reached."""
SHARE: Final = 0.005
"""Of what the link carries: what looking costs in the first minutes."""
LATER_SHARE: Final = 0.001
"""The same after a long time."""
LATER_S: Final = 600.0
CALM_S: Final = 30.0
"""At least so long between the first two looks while nothing but a sign of life waits: else that costs more than it tells."""
CALM_GROWTH: Final = 2.0
"""And so many times as long with each: each is some seventy bytes, and may be made in vain."""
MINUTE_S: Final = 60.0
"""What is up at set times comes by the minute, the hour or the day: a look in no hurry goes at the second at which it was last heard,"""
BEFORE_S: Final = 3.0
"""or up to so long before it: that may have been the last of its window."""
LEAST_S: Final = 0.1
"""At least so long between two looks."""
MOST_S: Final = 900.0
"""At most so long."""


class Silence:
    """What one side knows of the other's being there."""

    def __init__(self, profile: Profile, dice: Dice, now: float) -> None:
        self._profile, self._dice = profile, dice
        self.heard_at: float | None = None
        self._since = now
        """When it was last heard, or looked for anew."""
        self._unanswered: float | None = None
        """When something that wants an answer first went since it was heard."""
        self._packets = 0
        self._cold = True
        self._looks = 0
        self._next = self._later = now

    def heard(self, now: float) -> None:
        """Note that a packet came."""
        self.heard_at = now
        self.look(now)
        self._cold = False

    def look(self, now: float) -> None:
        """Begin anew."""
        self._since, self._unanswered, self._packets, self._looks = now, None, 0, 0
        self._next = self._later = now
        self._cold = True

    def quiet_at(self, unfinished: tuple[bool, bool], patience: float) -> float:
        """Return from when on the other side is out of reach, if nothing comes. `unfinished`: out and in."""
        outward, inward = unfinished
        since = inf
        if outward and self._unanswered is not None:
            since = -inf if self._cold and self._packets >= COLD_BURST else self._unanswered
        if inward:
            since = min(since, self._since)
        return since + patience

    def quiet(self, now: float, unfinished: tuple[bool, bool], patience: float) -> bool:
        """Say whether the other side is out of reach."""
        return now >= self.quiet_at(unfinished, patience)

    def sent(self, now: float, airtime: float, *, wants: bool, probe: bool) -> None:
        """Note that a packet went. `wants`: an answer; `probe`: only to look."""
        if wants:
            if self._unanswered is None:
                self._unanswered = now
                self._cold = self._cold or self.heard_at is None or now - self.heard_at > self._slow
            self._packets += 1
        wait = min(self._first * GROWTH ** min(self._looks, 64), self._limit(now, airtime))
        calm = min(CALM_S * CALM_GROWTH ** min(self._looks, 64), MOST_S)
        self._looks += probe
        some = 0.75 + self._dice.random() / 2
        self._next, self._later = now + wait * some, self._alike(now + max(wait, calm) * some)

    def _alike(self, at: float) -> float:
        """Return a time from this one on at which the other side is as likely to be heard as when it was last."""
        # Where only one can speak, two that choose their times so would choose the same one again and again.
        if self.heard_at is None or self._profile.half_duplex:
            return at
        heard = self.heard_at - BEFORE_S * self._dice.random()
        return heard + MINUTE_S * ceil((at - heard) / MINUTE_S)

    def look_at(self, *, calm: bool) -> float:
        """Return when to look next. `calm`: nothing waits but signs of life, which are in no hurry."""
        return self._later if calm else self._next

    @property
    def _first(self) -> float:
        profile = self._profile
        return max(1.5 * profile.round_trip + 4 * profile.airtime(profile.room), LEAST_S)

    @property
    def _slow(self) -> float:
        return 10 * self._first

    def _limit(self, now: float, airtime: float) -> float:
        silent = now - self._since
        share = max(SHARE * LATER_S / max(silent, LATER_S), LATER_SHARE) * self._profile.duty
        return min(max(airtime / share, LEAST_S), MOST_S)
