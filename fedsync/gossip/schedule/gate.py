"""The gate of one link: whether it may be used now, and if not, until when and why. Pure.

It counts what goes and what comes. The last twentieth of a budget is kept for what is urgent, and the one before it for
that and for the words of a session: so a recall still goes out when texts have used up the day.

`now` is in seconds of a clock that never jumps and began at the wall clock's time; `shift` is by how much the wall clock
has jumped since. Windows go by the wall clock. What was used comes free by the steady one: a clock that is put right by
years, as on a server without a battery, gives no budget anew.
"""

from collections.abc import Iterable
from math import inf
from typing import Final

import msgpack

from fedsync.gossip.priority import FIRST, LAST, PLAIN, WORDS
from fedsync.gossip.schedule.rolling import DAY_S, HOUR_S, Rolling
from fedsync.gossip.schedule.terms import Open, Shut, Spent, State, Terms

URGENT_SHARE: Final = 20
"""One part in so many of a budget is for what is urgent alone, and one more for that and for words."""
WORTHWHILE_SHARE: Final = 4
"""A link whose budget was used up opens again when one part in so many is free: each session has its own cost."""
TRICKLE_S: Final = 20.0
"""A budget that lets the next frame go only after so long is used up: a link on which nothing moves seems dead to the peer."""
AHEAD_SHARE: Final = 50
"""One part in so many of a budget is written down as used before it is: a crash gives none of it twice."""
KEEP_S: Final = 0.05
"""Until it is asked again whether what was used has been written down."""
_FORM: Final = 1


class Gate:
    """Keeps one link to its terms."""

    def __init__(self, terms: Terms, kept: bytes = b"") -> None:
        """`kept`: what `pack` returned before; nothing, or what means nothing here, begins anew."""
        self.terms = terms
        self.shift = 0.0
        """Seconds by which the wall clock has jumped since `now` began with it."""
        self._budgets = tuple(
            Rolling(span, limit)
            for span, limit in ((HOUR_S, terms.hour_bytes), (DAY_S, terms.day_bytes))
            if limit is not None
        )
        self._lot = min((each.limit for each in self._budgets), default=0) // AHEAD_SHARE + 1
        self._allowed = 0
        """Bytes that may still be used before more is written down."""
        self._since = 0
        """Bytes used since `pack`."""
        self._held = False
        """Whether something waits for more to be written down."""
        self._spent: Rolling | None = None
        """The budget that was found used up, until enough of it is free again."""
        self._needs = 0
        """What the frame has for which it did not suffice."""
        self._opened: float | None = None
        """When the session that stands began."""
        self._rests_until = -inf
        """When the window is over in which a session has stood for as long as it may."""
        self._restore(kept)

    # --- Before something goes ------------------------------------------------------------------------

    def may_send(self, now: float, size: int, priority: int = PLAIN, before: int = 0) -> float:
        """Return how many seconds to wait until a frame may go, after so many bytes: 0, it may now. Count it with `spend`."""
        shut = self._shut(now)
        if shut is not None:
            return shut.until - now
        waits = ((each.wait(size, now, _reserve(each, priority), before), each) for each in self._budgets)
        wait, worst = max(waits, key=lambda each: each[0], default=(0.0, None))
        if wait > TRICKLE_S and self._spent is None:
            self._spent, self._needs = worst, size
        if wait <= 0 and self._budgets and self._allowed < min(size + before, self._lot):
            self._held = True
            return KEEP_S
        return wait

    def spend(self, now: float, size: int) -> None:
        """Count what went or came."""
        for each in self._budgets:
            each.spend(size, now)
        self._allowed -= size
        self._since += size

    def begin(self, now: float) -> None:
        """Note that a session stands."""
        self._opened = now

    def end(self, now: float) -> None:
        """Note that it stands no longer."""
        self._overstayed(now)
        self._opened = None

    # --- How it stands --------------------------------------------------------------------------------

    def state(self, now: float, urgent: bool = False) -> State:
        """Return how it stands. `urgent`: something urgent waits, which may use what is kept for it."""
        shut = self._shut(now)
        if shut is not None:
            return shut
        if (spent := self._used_up(now, urgent)) is not None:
            return spent
        closes = self._closes(now)
        assert closes is not None
        if self.terms.session_s is not None:
            closes = min(closes, (now if self._opened is None else self._opened) + self.terms.session_s)
        return Open(closes)

    def used(self, now: float) -> Iterable[tuple[int, int, int]]:
        """Return of each budget its span in seconds, what is used of it, and what it is."""
        return [(each.span, each.used(now), each.limit) for each in self._budgets]

    def _closes(self, now: float) -> float | None:
        closes = self.terms.windows.closes(now + self.shift)
        return None if closes is None else closes - self.shift

    def _opens(self, now: float) -> float:
        return self.terms.windows.opens(now + self.shift) - self.shift

    def _shut(self, now: float) -> Shut | None:
        if self._closes(now) is None:
            return Shut(self._opens(now))
        self._overstayed(now)
        return Shut(self._opens(self._rests_until)) if now < self._rests_until else None

    def _overstayed(self, now: float) -> None:
        length = self.terms.session_s
        if length is None or self._opened is None or now < self._opened + length:
            return
        closes = self._closes(now)
        if closes is not None and self.terms.windows:
            self._rests_until = closes

    def _used_up(self, now: float, urgent: bool) -> Spent | None:
        """Return the budget that lets no session go on. Once it is so, a good part must be free before it is not."""
        if urgent:
            waits = [(each.wait(1, now), each) for each in self._budgets]
        elif self._spent is not None:
            waits = [(self._until_worthwhile(self._spent, now), self._spent)]
        else:
            waits = [(each.wait(1, now, _reserve(each, PLAIN)), each) for each in self._budgets]
        wait, worst = max(waits, key=lambda each: each[0], default=(0.0, None))
        if worst is None or wait <= 0:
            if not urgent:
                self._spent, self._needs = None, 0
            return None
        if not urgent:
            self._spent = worst
        return Spent(now + max(wait, self._until_worthwhile(worst, now)), worst.span)

    def _until_worthwhile(self, budget: Rolling, now: float) -> float:
        enough = max(budget.limit // WORTHWHILE_SHARE, self._needs)
        return budget.wait(enough, now, _reserve(budget, PLAIN))

    # --- Keeping --------------------------------------------------------------------------------------

    @property
    def hungry(self) -> bool:
        """Whether more must be written down soon, or nothing may go any more."""
        return bool(self._budgets) and (self._held or self._allowed < self._lot // 2)

    def pack(self, now: float, last: bool = False) -> bytes:
        """Return what to keep, so that a new start does not give the budget anew. Say `durable` once it is on the disk.

        It says that some more is used than is. `last`: nothing more will be used, so it says what is.
        """
        ahead, self._since = 0 if last else self._lot, 0
        rows = [[each.span, each.kept(now, ahead, self.shift)] for each in self._budgets]
        kept: bytes = msgpack.packb([_FORM, rows])
        return kept

    def durable(self) -> None:
        """Note that what was packed last is on the disk."""
        self._allowed, self._held = self._lot - self._since, False

    def _restore(self, kept: bytes) -> None:
        try:
            form, rows = msgpack.unpackb(kept)
            found = dict(rows) if form == _FORM else {}
            for each in self._budgets:
                each.restore(found.get(each.span, ()))
        except (ValueError, TypeError, msgpack.exceptions.UnpackException):
            return


def _reserve(budget: Rolling, priority: int) -> int:
    share = budget.limit // URGENT_SHARE
    if priority == FIRST:
        return 0
    return share if priority in (WORDS, LAST) else 2 * share
