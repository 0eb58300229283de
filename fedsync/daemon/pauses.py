"""How long it is waited until what ended is begun again: longer and longer while nothing lasts. Pure."""

from dataclasses import dataclass
from typing import Final

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 300.0
"""Seconds; doubled from the one to the other."""


@dataclass(slots=True)
class Pauses:
    """The pauses of one thing that is begun again and again. `steady`: seconds that it lasts when all is well."""

    steady: float
    _next: float = FIRST_PAUSE
    _hasty: bool = False
    """It was begun again without a pause, and nothing has lasted since."""

    def after(self, lasted: float, well: bool = False) -> float:
        """Return the seconds to wait after something that has lasted so long. `well`: it ended for a good reason, so none is waited.

        But once only, until something lasts again: what ends well each second keeps us as busy as what fails.
        """
        if lasted > self.steady:
            self._next, self._hasty = FIRST_PAUSE, False
        if well and not self._hasty:
            self._hasty = True
            return 0.0
        pause = self._next
        self._next = min(2 * pause, LONGEST_PAUSE)
        return pause
