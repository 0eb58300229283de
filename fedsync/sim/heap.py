"""Virtual time: what happens when, in an order that follows from the order in which it was planned."""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import TypeVarTuple, Unpack

Args = TypeVarTuple("Args")


class Heap:
    """A clock that jumps from one event to the next. Seconds from 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._planned = 0

    @property
    def steps(self) -> int:
        """How many things have happened: all that were planned, but those that are still to come."""
        return self._planned - len(self._heap)

    def at(self, when: float, what: Callable[[Unpack[Args]], None], *args: *Args) -> None:
        """Plan something; what lies in the past happens next."""
        self._planned = order = self._planned + 1
        heappush(self._heap, (when if when > self.now else self.now, order, what, args))

    def after(self, delay: float, what: Callable[[Unpack[Args]], None], *args: *Args) -> None:
        """Plan something for so many seconds from now."""
        self.at(self.now + delay, what, *args)

    def run(self, end: float, until: Callable[[], bool] | None = None, every: float = 1.0) -> bool:
        """Let time pass up to `end`; return whether `until` came true. It is asked about every so many seconds."""
        heap, ask = self._heap, inf if until is None else self.now + every
        while heap and (when := heap[0][0]) <= end:
            if until is not None and when > ask:
                self.now = ask
                ask += every
                if until():
                    return True
                continue
            self.now, _, what, args = heappop(heap)
            what(*args)
        self.now = end
        return until is not None and until()
