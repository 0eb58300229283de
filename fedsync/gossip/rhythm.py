"""When a session speaks unasked, compares again, and gives up waiting. Pure; times in seconds."""

from fedsync.gossip.limits import (
    BEAT_S,
    BRIEF_SILENCE_S,
    COMPARE_MAX_S,
    COMPARE_S,
    GREETING_S,
    SILENCE_S,
    WAKE_S,
)


class Rhythm:
    """The times of one session. What happens is noted by setting them; `wake` says when to look again."""

    def __init__(self, now: float) -> None:
        self.started = now
        self.heard = now
        """When any frame came."""
        self.progress = now
        """When something came or was taken that is more than a sign of life."""
        self.beat_at = now + BEAT_S
        self._compare_at = now + COMPARE_S
        self._patience = COMPARE_S
        self._wake: float | None = None

    def greeted_too_late(self, now: float) -> bool:
        """Say whether the peer's HELLO is overdue."""
        return now >= self.started + GREETING_S

    def silent_for(self, now: float, brief: bool) -> float | None:
        """Return how long nothing came, when that is too long."""
        last, limit = (self.progress, BRIEF_SILENCE_S) if brief else (self.heard, SILENCE_S)
        return limit if now >= last + limit else None

    def stuck(self, now: float) -> bool:
        """Say whether a comparison has stood still for so long that a message of it was lost."""
        return now - self.progress > COMPARE_S * 3

    # --- Comparing again ------------------------------------------------------------------------------

    def may_compare(self, now: float, quiet: bool) -> bool:
        """Say whether it is time to compare sets again. `quiet`: nothing is on its way."""
        return now >= self._compare_at and (quiet or now - self.progress > BEAT_S)

    def compared(self, now: float) -> None:
        """Note that sets are being compared."""
        self._compare_at = now + self._patience

    def in_vain(self) -> None:
        """Wait twice as long next time."""
        self._patience = min(self._patience * 2, COMPARE_MAX_S)

    def news(self) -> None:
        """Begin anew with short waits."""
        self._patience = COMPARE_S

    # --- Waking ---------------------------------------------------------------------------------------

    def woke(self, now: float) -> None:
        """Note that the time asked for may have come."""
        if self._wake is not None and now >= self._wake:
            self._wake = None

    def wake(self, now: float, greeting: bool, brief: bool, wanted: float | None) -> float | None:
        """Return when to be woken, if that is earlier than was asked for already."""
        if greeting:
            at = self.started + GREETING_S
        elif brief:
            at = self.progress + BRIEF_SILENCE_S
        else:
            at = min(self.beat_at, self.heard + SILENCE_S)
        if wanted is not None:
            at = min(at, wanted)
        if self._wake is not None and at >= self._wake:
            return None
        # Never at once again: whatever could not be done now would keep us busy with nothing.
        self._wake = max(at, now + WAKE_S)
        return self._wake
