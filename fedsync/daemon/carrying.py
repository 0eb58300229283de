"""What a session needs of whatever carries it: a stream over TLS, or packets over a thin link."""

from typing import Protocol

from fedsync.gossip.link import Code, LinkClosed
from fedsync.gossip.nature import Nature
from fedsync.gossip.schedule.toll import Toll
from fedsync.records.ids import Key


class Carries(Protocol):
    """Frames to and from one peer. It ends once, for one reason, which its methods raise from then on as LinkClosed."""

    peer: Key
    via: Key | None
    """The relay that carries it."""
    nature: Nature
    ended: LinkClosed | None
    toll: Toll | None
    """What it asks before it sends, if anything."""

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent; small frames count for more than they have."""

    @property
    def takes(self) -> int:
        """Bytes that may well be sent now."""

    @property
    def wire_in(self) -> int:
        """Bytes received, with all that is about frames."""

    @property
    def wire_out(self) -> int:
        """Bytes sent, with all that is about frames."""

    def waiting(self) -> dict[int, int]:
        """Return how many bytes wait to be sent of each priority."""

    def count(self) -> None:
        """Tell the toll what has gone and come since it was last told."""

    async def receive(self) -> list[bytes]:
        """Return the frames that came next: one or more. May be cancelled and called again."""

    def send(self, body: bytes, priority: int = ...) -> bool:
        """Queue a frame. Return False, and queue nothing, when there is no room for it."""

    async def room(self) -> None:
        """Return when something may well be sent."""

    def cut(self, code: Code, sentence: str) -> LinkClosed:
        """End it at once, for a reason of our own, and return why it ended."""
