"""Whose turn it is among classes that wait: a deficit round robin below what is strictly first. Pure.

What is urgent goes before all. Of the rest, the most urgent class that waits has all turns but these: whenever it has
been given LOW_SHARE - 1 times as many bytes as the next frame of a lesser class has, that frame goes. So each lesser class
moves on at a sixteenth of the best one's pace, however large or small the frames of either are, and none starves. What
says how things stand once all else is said has its turn when nothing else waits.
"""

from collections.abc import Mapping

from fedsync.gossip.limits import LOW_SHARE
from fedsync.gossip.priority import FIRST, LAST


class Rounds:
    """The turns of one link, or of one server."""

    __slots__ = ("_saved",)

    def __init__(self) -> None:
        self._saved: dict[int, int] = {}
        """Of each class that waits for its turn, the bytes that the best one was given meanwhile."""

    def pick(self, heads: Mapping[int, int]) -> int:
        """Return the class whose next frame goes; `heads` has, of each that waits, the size of its next frame."""
        best = min(heads)
        if len(heads) == 1:
            self._saved.clear()
            return best
        self._saved = {lane: saved for lane, saved in self._saved.items() if lane in heads and lane != best}
        if best == FIRST:
            return best
        ripe = (
            lane
            for lane, saved in self._saved.items()
            if lane != LAST and saved >= heads[lane] * (LOW_SHARE - 1)
        )
        return min(ripe, default=best)

    def gave(self, lane: int, heads: Mapping[int, int]) -> None:
        """Note that the next frame of this class went; `heads` as they were before."""
        if lane == min(heads):
            if lane != FIRST:
                for other in heads:
                    if other != lane:
                        self._saved[other] = self._saved.get(other, 0) + heads[lane]
        else:
            self._saved[lane] = self._saved.get(lane, 0) - heads[lane] * (LOW_SHARE - 1)
