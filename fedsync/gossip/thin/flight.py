"""What is on its way, and what that teaches of the link: how much is lost, how long a round trip takes. Pure; times in seconds."""

from collections import deque
from dataclasses import dataclass
from math import inf
from typing import Final

from fedsync.gossip.thin.pace import SAVED
from fedsync.gossip.thin.packets import SERIALS
from fedsync.gossip.thin.parcel import Parcel
from fedsync.gossip.thin.profile import Profile

SAMPLE: Final = 24
"""Packets of which the share that is lost is taken at a time."""
LEARN: Final = 0.2
"""How much a new measurement counts against those before."""
FORGET: Final = 1.002
"""By so much the quickest round trip is reckoned longer with each that is measured."""
MOST_LOSS: Final = 0.8
LEAST_LOSS: Final = 0.01
REPORT_S: Final = 0.02
"""At least so long until what came is told; else a quarter of a round trip."""


@dataclass(frozen=True, slots=True)
class _Sent:
    serial: int
    at: float
    carried: tuple[tuple[Parcel, int], ...]


class Flight:
    """The packets that were sent and not yet spoken of."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.serial = 0
        """Of the next packet."""
        self.loss = max(profile.loss, LEAST_LOSS)
        self.round_trip = max(profile.round_trip, 0.001)
        self.queue = 0.0
        """Seconds by which the last packet that was told of took longer than the quickest: it waited somewhere."""
        self._shortest = inf
        self._sent: deque[_Sent] = deque()
        self._carries: list[tuple[Parcel, int]] = []
        self._told: tuple[int, int] | None = None
        """The serial and the count of the last report from which losses were counted."""
        self._latest = -1

    # --- Times ----------------------------------------------------------------------------------------

    @property
    def report_delay(self) -> float:
        """How long what came may wait to be told: where only one can speak, until the other is likely to be done."""
        if self._profile.half_duplex:
            return 2.5 * self._packet_s
        return max(self.round_trip / 4, REPORT_S)

    @property
    def timeout(self) -> float:
        """After so long without a word of it a packet is not counted on any more."""
        return 2 * self.round_trip + 2 * self.report_delay + 2 * self._packet_s + 0.05

    @property
    def patience(self) -> float:
        """After so long without any packet the other side is taken to be out of reach."""
        saving = (SAVED + 2) * self._packet_s / self._profile.duty if self._profile.duty < 1 else 0.0
        return max(1.0, 2 * self.timeout + saving)

    @property
    def spacing(self) -> float:
        """Between two copies of a packet, so that one short disturbance does not take both."""
        return self.round_trip / 8

    @property
    def _packet_s(self) -> float:
        return self._profile.airtime(self._profile.room)

    @property
    def expires(self) -> float:
        """When the first of them is not counted on any more."""
        return self._sent[0].at + self.timeout if self._sent else inf

    # --- What happens ---------------------------------------------------------------------------------

    def carries(self, parcel: Parcel, number: int) -> None:
        """Note that the packet that is being made carries this symbol."""
        self._carries.append((parcel, number))

    def sent(self, now: float) -> None:
        """Note that it goes."""
        if self._carries:
            self._sent.append(_Sent(self.serial, now, tuple(self._carries)))
            self._carries.clear()
        self.serial += 1

    def expire(self, now: float) -> None:
        """Count no more on what was sent long ago."""
        while self._sent and now >= self._sent[0].at + self.timeout:
            self._land(self._sent.popleft())
            # Nothing is learned from a time in which nothing came back: the link may have been down.
            self._told = None

    def pause(self) -> None:
        """Learn no losses from what goes now: the other side may be out of reach."""
        self._told = None

    def told(self, heard: int, count: int, age: float | None, now: float) -> bool:
        """Take in up to which packet the other side has heard us; False when we never sent that one."""
        behind = (self.serial - 1 - heard) % SERIALS
        heard = self.serial - 1 - behind
        if heard < 0 or heard < self._latest:
            return False
        self._latest = heard
        while self._sent and self._sent[0].serial <= heard:
            each = self._sent.popleft()
            if each.serial == heard and age is not None:
                took = max(now - each.at - age, 0.0)
                self.round_trip += LEARN * (took - self.round_trip)
                # Forgotten little by little: the way may have become longer.
                self._shortest = min(took, self._shortest * FORGET)
                self.queue = took - self._shortest
            self._land(each)
        self._learn(heard, count)
        return True

    def _learn(self, heard: int, count: int) -> None:
        if self._told is None:
            self._told = heard, count
            return
        sent, came = heard - self._told[0], (count - self._told[1]) % SERIALS
        if sent >= SAMPLE:
            lost = min(max(1 - came / sent, LEAST_LOSS), MOST_LOSS)
            self.loss += LEARN * (lost - self.loss)
            self._told = heard, count

    @staticmethod
    def _land(each: _Sent) -> None:
        for parcel, number in each.carried:
            parcel.landed(number)
