"""What waits to be written on a link, by priority: the most urgent first, and a small share for the least. Pure."""

from collections import deque
from typing import Final

from fedsync.gossip.framing import PREFIX_BYTES
from fedsync.gossip.limits import LOW_SHARE
from fedsync.gossip.priority import WORDS

FRAME_COST: Final = 256
"""A frame counts for so many bytes at least: small ones take more memory than they have bytes."""


def cost(body: bytes) -> int:
    """Return what a frame counts for while it waits."""
    return max(len(body) + PREFIX_BYTES, FRAME_COST)


class Lanes:
    """Frames that wait. Within a priority they keep their order."""

    def __init__(self, limit: int, reserve: int) -> None:
        """`limit` for all, `reserve` beyond it for what is urgent and for words, both as `cost` counts."""
        self.queued = 0
        """What all that waits counts for."""
        self._limit, self._reserve = limit, reserve
        self._lanes: dict[int, deque[bytes]] = {}
        self._taken = 0

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def put(self, body: bytes, priority: int) -> bool:
        """Let a frame wait; False when there is no room. What found room may go beyond it by its own size."""
        if self.queued >= self._limit + (self._reserve if priority <= WORDS else 0):
            return False
        self._lanes.setdefault(priority, deque()).append(body)
        self.queued += cost(body)
        return True

    def take(self, limit: int) -> list[bytes]:
        """Take the frames that go next, up to `limit` bytes, and one at least if any waits."""
        found: list[bytes] = []
        while self._lanes:
            # Every so many frames the least urgent lane has its turn, so that it never starves.
            priority = max(self._lanes) if (self._taken + 1) % LOW_SHARE == 0 else min(self._lanes)
            lane = self._lanes[priority]
            limit -= len(lane[0]) + PREFIX_BYTES
            if found and limit < 0:
                break
            self._taken += 1
            found.append(lane.popleft())
            self.queued -= cost(found[-1])
            if not lane:
                del self._lanes[priority]
        return found

    def clear(self) -> None:
        """Drop all."""
        self._lanes.clear()
        self.queued = 0
