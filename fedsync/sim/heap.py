"""Virtual time: what happens when, in an order that follows from the order in which it was planned."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

Happening: TypeAlias = Callable[[], None]


class Heap:
    """A clock that jumps from one event to the next. Seconds from 0."""

    def __init__(self) -> None:
        self.now, self.steps = 0.0, 0
        self._heap: list[tuple[float, int, Happening]] = []
        self._order = count()

    def at(self, when: float, what: Happening) -> None:
        """Plan something; what lies in the past happens next."""
        heapq.heappush(self._heap, (max(when, self.now), next(self._order), what))

    def after(self, delay: float, what: Happening) -> None:
        """Plan something for so many seconds from now."""
        self.at(self.now + delay, what)

    def run(self, end: float, until: Callable[[], bool] | None = None, every: float = 1.0) -> bool:
        """Let time pass up to `end`; return whether `until` came true. It is asked about every so many seconds."""
        ask = self.now + every
        while self._heap and self._heap[0][0] <= end:
            if until is not None and self._heap[0][0] > ask:
                self.now = ask
                ask += every
                if until():
                    return True
                continue
            self.now, _, what = heapq.heappop(self._heap)
            what()
            self.steps += 1
        self.now = end
        return until is not None and until()
