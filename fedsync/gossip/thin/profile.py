"""What a thin link is: how large its packets are, how fast it is, and who may speak when. Pure."""

from dataclasses import dataclass
from typing import Final

SEAL_BYTES: Final = 20
"""Bytes of each packet that its seal may take; the carrier leaves them free."""
LEAST_FRAME: Final = 96
"""Bytes of the smallest packet: what says who is there, and some bytes of what is carried."""
MOST_FRAME: Final = 65_507
"""Bytes of the largest packet: what UDP can carry."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the operator says of a link. What can be measured (loss, round trip) is only where to begin."""

    frame: int
    """Bytes of a packet as it is given to the link, seal included."""
    bits: float
    """Bits a second that the link takes."""
    round_trip: float
    """Seconds from a packet's last bit to the first of its answer."""
    half_duplex: bool = False
    """Whether only one side can speak at a time."""
    duty: float = 1.0
    """The share of the time in which this side may send."""
    loss: float = 0.1
    """The share of packets that are lost, as far as one knows beforehand."""
    extra: int = 0
    """Bytes that the link adds to each packet, which take its time, too: 28 for UDP."""

    def __post_init__(self) -> None:
        if not LEAST_FRAME <= self.frame <= MOST_FRAME:
            raise ValueError(f"a packet has {LEAST_FRAME} to {MOST_FRAME} bytes")
        if not self.bits >= 1:
            raise ValueError("a link carries at least 1 bit/s")
        if not 0 < self.duty <= 1:
            raise ValueError("the share of the time is above 0 and at most 1")
        if not 0 <= self.round_trip <= 3600:
            raise ValueError("a round trip takes 0 to 3600 seconds")
        if not (0 <= self.loss < 1 and self.extra >= 0):
            raise ValueError("the loss is at least 0 and below 1, what is added at least 0 bytes")

    @property
    def room(self) -> int:
        """Bytes of a packet before it is sealed."""
        return self.frame - SEAL_BYTES

    def airtime(self, size: int) -> float:
        """Return how many seconds a packet of so many bytes, before it is sealed, takes the link."""
        return (size + SEAL_BYTES + self.extra) * 8 / self.bits

    @property
    def rate(self) -> float:
        """Bytes a second that this side may send, over a long time."""
        return self.bits * self.duty / 8


FLAKY: Final = Profile(frame=1200, bits=1_000_000, round_trip=0.3, loss=0.3, extra=28)
"""A bad radio or satellite link with IP over it."""
RADIO: Final = Profile(frame=200, bits=5_000, round_trip=0.2, half_duplex=True, duty=0.1, loss=0.2)
"""A radio modem on a shared band."""
