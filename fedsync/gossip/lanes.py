"""What waits to be written on a link, by priority: the most urgent first, and a small share for each other class. Pure."""

from collections import deque
from collections.abc import Callable
from typing import Final

from fedsync.gossip.framing import PREFIX_BYTES
from fedsync.gossip.priority import FIRST, LAST, WORDS
from fedsync.gossip.schedule.rounds import Rounds

FRAME_COST: Final = 256
"""A frame counts for so many bytes at least: small ones take more memory than they have bytes."""
_DRAW_ON_MORE: Final = (FIRST, WORDS, LAST)
"""What may use of a budget what is kept from all else, in this order."""


def cost(body: bytes) -> int:
    """Return what a frame counts for while it waits."""
    size = len(body) + PREFIX_BYTES
    return size if size > FRAME_COST else FRAME_COST


class Lanes:
    """Frames that wait. Within a priority they keep their order."""

    def __init__(self, limit: int, reserve: int) -> None:
        """`limit` for all, `reserve` beyond it for what is urgent and for words, both as `cost` counts."""
        self.queued = 0
        """What all that waits counts for."""
        self._limit, self._reserve = limit, reserve
        self._lanes: dict[int, deque[bytes]] = {}
        self._rounds = Rounds()

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def put(self, body: bytes, priority: int) -> bool:
        """Let a frame wait; False when there is no room. What found room may go beyond it by its own size."""
        if self.queued >= self._limit + (self._reserve if priority <= WORDS else 0):
            return False
        self._lanes.setdefault(priority, deque()).append(body)
        self.queued += cost(body)
        return True

    def take(self, limit: int, may: Callable[[int, int, int], bool] | None = None) -> list[bytes]:
        """Take the frames that go next, up to `limit` bytes, and one at least if any waits.

        `may`, when there is one, is asked of each, with its priority, its size, and that of those before it. A frame
        that may not go holds up all but what may draw on more: what is urgent, then words, then signs of life.
        """
        found: list[bytes] = []
        total, heads = 0, {priority: self._head(priority) for priority in self._lanes}
        while heads:
            priority = self._rounds.pick(heads)
            if may is not None and not may(priority, heads[priority], total):
                better = (each for each in _DRAW_ON_MORE if each in heads and may(each, heads[each], total))
                priority = next(better, -1)
                if priority < 0:
                    break
            if found and total + heads[priority] > limit:
                break
            total += heads[priority]
            self._rounds.gave(priority, heads)
            lane = self._lanes[priority]
            found.append(lane.popleft())
            self.queued -= cost(found[-1])
            if lane:
                heads[priority] = self._head(priority)
            else:
                del self._lanes[priority], heads[priority]
        return found

    def next(self) -> tuple[int, int]:
        """Return the priority of the frame whose turn it is, and its size with its prefix."""
        priority = self._rounds.pick({each: self._head(each) for each in self._lanes})
        return priority, self._head(priority)

    def waiting(self) -> dict[int, int]:
        """Return how many bytes wait of each priority."""
        return {priority: sum(map(len, lane)) for priority, lane in sorted(self._lanes.items())}

    def _head(self, priority: int) -> int:
        return len(self._lanes[priority][0]) + PREFIX_BYTES

    def clear(self) -> None:
        """Drop all."""
        self._lanes.clear()
        self.queued = 0
