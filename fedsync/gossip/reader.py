"""How much the system should take in ahead of a reader. Pure.

Nothing overtakes what it has taken in: for a reader that was quick once it may be tens of megabytes, and a recall behind
them waits as long as it takes to read them all. So it is as much as is read in AHEAD_SECONDS. Where the line is slower than
the reader the bound is wide: a long line must be full.
"""

from dataclasses import dataclass
from typing import Final

MEASURE_SECONDS: Final = 1.0
"""Over so long it is measured how much is read."""
AHEAD_SECONDS: Final = 0.5
BUSY_SHARE: Final = 0.5
"""A reader that waited for the line for a smaller part of the time than the rest of this is the slower one."""
MOST_AHEAD_BYTES: Final = 256 * 1024
"""But never more: half a megabyte as Linux counts, some 8 Mbit/s at 300 ms."""
LEAST_CHANGE: Final = 2
"""The bound is moved when it should be so many times as large or as small."""


@dataclass(slots=True)
class Ahead:
    """Watches one reader."""

    _since: float | None = None
    _waited: float = 0.0
    _read: int = 0
    _bound: int = MOST_AHEAD_BYTES

    def read(self, size: int, waited: float, now: float) -> int | None:
        """Note that so many bytes were read after waiting for them; return a new bound on what is taken in ahead, if it moves."""
        if self._since is None:
            self._since = now - waited
        self._waited += waited
        self._read += size
        took = now - self._since
        if took < MEASURE_SECONDS:
            return None
        slow = self._waited < took * (1 - BUSY_SHARE)
        wanted = min(int(self._read / took * AHEAD_SECONDS), MOST_AHEAD_BYTES) if slow else MOST_AHEAD_BYTES
        self._since, self._waited, self._read = now, 0.0, 0
        if self._bound / LEAST_CHANGE < wanted < self._bound * LEAST_CHANGE:
            return None
        self._bound = wanted
        return wanted
