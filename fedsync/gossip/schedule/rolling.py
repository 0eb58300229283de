"""How much was used in the last hour, or the last day, wherever that begins. Pure.

What was used counts together with what was used within the same slot, a sixtieth of the span, and comes free when the
whole slot is out of the span. So the sum over any span of that length is never above the limit, and it takes 61 numbers.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Final

HOUR_S: Final = 3600
DAY_S: Final = 86_400
SLOTS: Final = 60
"""In one span."""


@dataclass(slots=True)
class Rolling:
    """So many bytes in any stretch of `span` seconds."""

    span: int
    limit: int
    _slots: deque[list[int]] = field(default_factory=deque)
    """[number, bytes] of each in which something was used, in order."""
    _used: int = 0

    def used(self, now: float) -> int:
        """Return what counts now."""
        self._pass(now)
        return self._used

    def spend(self, size: int, now: float) -> None:
        """Count what goes, or has come, whether there is room for it or not."""
        self._pass(now)
        number = self._number(now)
        if self._slots and self._slots[-1][0] == number:
            self._slots[-1][1] += size
        else:
            self._slots.append([number, size])
        self._used += size

    def wait(self, size: int, now: float, reserve: int = 0, before: int = 0) -> float:
        """Return the seconds until a frame of `size` fits, after `before` bytes and with `reserve` kept free: 0 now.

        What is larger than half of it goes when half is free, and not only when nothing else counts: signs of life always do.
        """
        self._pass(now)
        room = max(self.limit - reserve, 0)
        size = min(size, room - room // 2) + before
        left = self._used
        if left + size <= room and (size or room):
            return 0.0
        for number, bytes_ in self._slots:
            left -= bytes_
            if left + size <= room and (size or room):
                return max(self._free_at(number) - now, 0.0)
        return inf

    def _number(self, now: float) -> int:
        return int(now * SLOTS // self.span)

    def _free_at(self, number: int) -> float:
        return (number + 1 + SLOTS) * self.span / SLOTS

    def _pass(self, now: float) -> None:
        number = self._number(now)
        while self._slots and self._slots[0][0] < number - SLOTS:
            self._used -= self._slots.popleft()[1]
        if self._slots and self._slots[-1][0] > number:
            # The clock was set back. What was used then counts from now: longer than it must, and not for years.
            ahead = sum(self._slots.pop()[1] for _ in range(len(self._slots)) if self._slots[-1][0] > number)
            if self._slots and self._slots[-1][0] == number:
                self._slots[-1][1] += ahead
            else:
                self._slots.append([number, ahead])

    # --- Keeping --------------------------------------------------------------------------------------

    def kept(self, now: float, ahead: int, shift: float) -> list[list[int]]:
        """Return what to keep of it, by a clock that is ahead by `shift`; as if `ahead` more bytes were used now."""
        self._pass(now)
        later = ceil(shift * SLOTS / self.span)
        found = [[number + later, bytes_] for number, bytes_ in self._slots]
        if ahead:
            number = self._number(now) + later
            if found and found[-1][0] == number:
                found[-1][1] += ahead
            else:
                found.append([number, ahead])
        return found

    def restore(self, kept: Iterable[object]) -> None:
        """Take back what was kept. Raises ValueError when it cannot be that."""
        found: deque[list[int]] = deque()
        for row in kept:
            if not isinstance(row, list) or len(row) != 2 or not all(type(each) is int for each in row):
                raise ValueError("no slot of a budget")
            if row[1] < 0 or (found and row[0] <= found[-1][0]) or len(found) > SLOTS + 1:
                raise ValueError("slots of a budget out of order")
            found.append(list(row))
        self._slots, self._used = found, sum(each[1] for each in found)
