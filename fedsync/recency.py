"""How fresh what is held of a body is, as far as that can honestly be said: "not recalled as of 3 days ago".

Three things are told apart. *Signed*: when those who sealed the last page sealed it, by their own clocks. *Seen*: when this
node last held all that a node held which the body's own book names; that node proved its key, and could still have kept
something back. *Told*: what a peer says of such a moment; nothing but its word stands for it.

Moments are by this machine's clock. One that lies in the future was noted while the clock stood elsewhere, and says nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.books.recency import SealedAt, sealed_at
from fedsync.records.ids import Scope
from fedsync.store.freshness import Freshness, Seen, Told
from fedsync.store.peers import FollowedBody
from fedsync.store.store import Store

SLACK_MS = 5 * 60 * 1000
"""By so much a clock may be set back in everyday life without making what was noted worthless."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What can be said of a body. `seen` and `told` are left out where their moment lies in the future."""

    own: bool
    """It is our own: what is held of it is all there is, but for what its own people have elsewhere."""
    signed: SealedAt | None
    seen: Seen | None
    told: Told | None
    clock: bool
    """Something was noted at a moment that has not come yet: this machine's clock was set back."""

    @property
    def as_of(self) -> int | None:
        """The latest moment as of which no recall is known, in ms; None: nothing can be said."""
        return max((each.at for each in (self.seen, self.told) if each is not None), default=None)

    @property
    def by(self) -> str:
        """Whose word that is: "seen", "told", or "unknown"."""
        if self.seen is not None and self.seen.at == self.as_of:
            return "seen"
        return "told" if self.told is not None else "unknown"


def stated(store: Store, view: Reader, scope: Scope, now: int) -> Stated:
    """Return what can be said of a body at `now`, in ms."""
    followed = store.followed.get(scope)
    own = followed is not None and followed.source == "own"
    kept = Freshness() if own else store.freshness.get(scope)
    return _stated(own, sealed_at(view, scope), kept, now)


def all_moments(store: Store, now: int) -> Iterator[tuple[FollowedBody, Stated]]:
    """Yield the bodies that are not our own with what was seen and told of each, and nothing of what is signed.

    That takes no look at their books, of which there may be thousands.
    """
    kept = store.freshness.all()
    for body in store.followed.all():
        if body.source != "own":
            yield body, _stated(False, None, kept.get(body.scope, Freshness()), now)


def _stated(own: bool, signed: SealedAt | None, kept: Freshness, now: int) -> Stated:
    seen, told = kept.seen, kept.told
    late = now + SLACK_MS
    return Stated(
        own,
        signed,
        seen if seen is not None and seen.at <= late else None,
        told if told is not None and told.at <= late else None,
        any(each is not None and each.at > late for each in (seen, told)),
    )
