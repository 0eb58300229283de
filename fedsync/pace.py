"""What comes at a pace and is never refused for good: one thing of a name an hour, kept over restarts."""

from collections.abc import Callable

from fedsync.store.meta import Meta

GROWTH_MS = 3600 * 1000
"""Between two things of one name, as two further logs of one key, or two further branches of one log."""


class Pace:
    """Kept in the store, in the open batch."""

    def __init__(self, meta: Meta, now: Callable[[], int]) -> None:
        self._meta = meta
        self._now = now

    def due(self, name: str) -> int:
        """Let one thing of this name through an hour: return until when to wait, 0 to go ahead now."""
        due, now = self._meta.number(name), self._now()
        # A clock that was set back must not keep the door shut for longer than the pace.
        if now < due <= now + GROWTH_MS:
            return due
        self._meta.set(name, now + GROWTH_MS)
        return 0
