"""Whether a connection has stalled: what was sent is on its way, and nothing of it arrives. Pure.

TCP waits twice as long after each loss. On a link that comes and goes it sleeps through the time in which the link is up;
a new connection begins with short waits. A peer that reads slowly is no stall: it says itself that it has no room.
"""

from dataclasses import dataclass
from math import inf
from typing import NamedTuple


class Progress(NamedTuple):
    """What the system knows of a connection."""

    arrived: int
    """Bytes of ours that the other side's system has confirmed."""
    flying: int
    """Packets that are on their way and not confirmed."""


@dataclass(slots=True)
class Stall:
    """Watches one connection: stalled is one that had something on its way for `limit` seconds of which nothing arrived."""

    limit: float
    _arrived: int = -1
    _since: float = inf

    def look(self, progress: Progress, now: float) -> bool:
        """Take how it stands now, and say whether it has stalled."""
        if not progress.flying:
            self._since = inf
        elif progress.arrived != self._arrived or self._since == inf:
            self._since = now
        self._arrived = progress.arrived
        return now - self._since >= self.limit
