"""When a session speaks unasked, compares again, and gives up waiting. Pure; times in seconds.

Whoever has nothing to say is heard at longer and longer intervals, and says beforehand how long. A word that is more
than a sign of life brings both back to the shortest. Whoever is not heard when it said it would be, or after something
was written to it, is asked for a sign of life, and given up when none comes.
"""

from math import inf

from fedsync.gossip.limits import (
    ASK_S,
    BEAT_GROWTH,
    BEAT_MAX_S,
    BEAT_S,
    COMPARE_MAX_S,
    COMPARE_S,
    SILENCE_S,
    THIN_BYTES_S,
    WAKE_S,
)
from fedsync.gossip.nature import STREAM, Nature


class Rhythm:
    """The times of one session. What happens is noted by setting them; `wake` says when to look again."""

    def __init__(self, now: float, nature: Nature = STREAM) -> None:
        self._nature = nature
        self.started = now
        self.progress = now
        """When something came or was taken that is more than a sign of life."""
        self.beat_at = now + nature.beat
        self._every = nature.beat
        self._heard = now
        self._within = BEAT_S
        """How long after it was last heard the peer says something again."""
        self._wrote: float | None = None
        """When something was first written since the peer was heard."""
        self._written = self._confirmed = 0
        """Bytes that were written, and those of them that the peer is known to have handled."""
        self._asked = 0
        """How often the peer was asked for a sign of life since it was heard."""
        self._compare_at = now + COMPARE_S
        self._patience = COMPARE_S
        self._wake: float | None = None

    def greeted_too_late(self, now: float) -> bool:
        """Say whether the peer's HELLO is overdue."""
        return now >= self.started + self._nature.greeting

    def stuck(self, now: float) -> bool:
        """Say whether a comparison has stood still for so long that a message of it was lost."""
        return now - self.progress > self._nature.stuck

    # --- Signs of life --------------------------------------------------------------------------------

    def hear(self, now: float) -> None:
        """Note that a frame came."""
        self._heard, self._within = now, BEAT_S
        self._wrote, self._asked = None, 0

    def promised(self, within: float) -> None:
        """Note that the peer, just heard, may be silent for so long. It cannot have us wait for ever."""
        within = within if within > BEAT_S else BEAT_S
        self._within = within if within < BEAT_MAX_S else BEAT_MAX_S

    def stir(self, now: float) -> None:
        """Note that something was heard that is more than a sign of life."""
        self._every = self._nature.beat
        if now + self._every < self.beat_at:
            self.beat_at = now + self._every

    def confirmed(self) -> None:
        """Note that the peer has handled all that was written."""
        self._confirmed = self._written

    def wrote(self, now: float, written: int) -> None:
        """Note that something was written that is more than a sign of life; `written` bytes so far."""
        self.stir(now)
        self._written = written
        if self._wrote is None:
            self._wrote = now

    def beat(self, now: float, calm: bool) -> int:
        """Return within how many seconds we speak again, and wait for that. `calm`: longer than last time."""
        if calm:
            self._every = min(self._every * BEAT_GROWTH, self._nature.beat_max)
        self.beat_at = now + self._every
        return int(self._every)

    def ask(self, now: float) -> bool:
        """Say whether to ask the peer now for a sign of life, and note that this is done."""
        if not self._nature.lasting and self._asked < len(ASK_S) and now >= self._missed + ASK_S[self._asked]:
            self._asked += 1
            return True
        return False

    @property
    def _missed(self) -> float:
        """Since when we would have heard the peer if it spoke every BEAT_S, as far as it said that it does."""
        due = self._heard + self._within - BEAT_S
        if self._wrote is None:
            return due
        # What is on its way may take long, and until it has come the peer does not know that we wait.
        late = self._wrote + (self._written - self._confirmed) / THIN_BYTES_S
        return late if late <= due else due

    def silent_for(self, now: float, brief: bool) -> float | None:
        """Return how long nothing came, when that is too long."""
        if brief:
            return now - self.progress if now >= self.progress + self._nature.brief_silence else None
        if self._nature.lasting:
            return None
        return now - self._heard if now >= self._missed + SILENCE_S else None

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
        """Return when to be woken, if that is earlier than was asked for already, or so much later that it is worth it."""
        if greeting:
            at = self.started + self._nature.greeting
        elif brief:
            at = self.progress + self._nature.brief_silence
        elif self._nature.lasting:
            at = self.beat_at
        else:
            wait = ASK_S[self._asked] if self._asked < len(ASK_S) else SILENCE_S
            beat, asks = self.beat_at, self._missed + wait
            at = beat if beat <= asks else asks
        if wanted is not None and wanted < at:
            at = wanted
        if at == inf or (self._wake is not None and self._wake <= at <= self._wake + BEAT_S):
            return None
        # Never at once again: whatever could not be done now would keep us busy with nothing.
        soon = now + WAKE_S
        self._wake = at = at if at >= soon else soon
        return at
