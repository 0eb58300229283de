"""Keeping up how fresh what is held of each body is: from whom we are level with, and from what peers tell.

Moments are kept by this machine's clock, in ms, and written to the store now and then: what a crash loses is only that
something looks staler than it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from fedsync.crdt.books.recency import is_of
from fedsync.gossip.events import Peer
from fedsync.gossip.following import Following
from fedsync.gossip.hearsay import Hint
from fedsync.node import Node
from fedsync.records.ids import Key, Scope
from fedsync.store.freshness import Freshness, Seen, Told

MINUTE_MS: Final = 60_000


class Met(NamedTuple):
    """A peer that we were level with, and what it followed then."""

    at: int
    following: Following


News: TypeAlias = tuple[Mapping[Peer, Met], Mapping[Scope, Told]]


class Freshening:
    """What the links saw and heard since it was last kept, and what is known of each body."""

    def __init__(self, known: Mapping[Scope, Freshness], own: Scope | None, now: Callable[[], int]) -> None:
        self.known = dict(known)
        self._own, self._now = own, now
        self._met: dict[Peer, Met] = {}
        self._told: dict[Scope, Told] = {}

    # --- From links -------------------------------------------------------------------------------------

    def level(self, peer: Peer, following: Following | None, told: Sequence[Hint]) -> None:
        """Note that all that a peer holds of what both may hold is held here, and what it tells."""
        now = self._now()
        if following is not None:
            self._met[peer] = Met(now, following)
        for hint in told:
            at = now - hint.minutes * MINUTE_MS
            before = self._told.get(hint.scope) or self.known.get(hint.scope, Freshness()).told
            # What was noted while the clock stood ahead gives way.
            if (
                at > 0
                and hint.scope != self._own
                and (before is None or not at - MINUTE_MS < before.at <= now)
            ):
                self._told[hint.scope] = Told(at, Key(peer), hint.hops + 1)

    def hints(self) -> list[Hint]:
        """Return what we can tell peers: of each body the latest moment that we know, and how we know it."""
        now, found = self._now(), []
        for scope, each in self.known.items():
            moments = [(each.seen.at, 0)] if each.seen is not None else []
            moments += [(each.told.at, each.told.hops)] if each.told is not None else []
            past = [moment for moment in moments if moment[0] <= now]
            if past:
                at, hops = max(past)
                found.append(Hint(scope, -((at - now) // MINUTE_MS), hops))
        return found

    # --- Into the store ---------------------------------------------------------------------------------

    def take(self) -> News:
        """Return what came since this was last asked."""
        news = self._met, self._told
        self._met, self._told = {}, {}
        return news

    def keep(self, node: Node, news: News) -> None:
        """Keep what came, in the open transaction: whose node we were level with, the books say."""
        met, told = news
        changed: dict[Scope, Freshness] = {}
        for scope, heard in told.items():
            changed[scope] = replace(self.known.get(scope, Freshness()), told=heard)
        bodies = node.store.followed.all() if met else ()
        for peer, (at, following) in met.items():
            for body in bodies:
                row = following.get(body.scope)
                if row is None or row.body != body.body or body.source == "own":
                    continue
                if is_of(node.state, body.scope, Key(peer)):
                    before = changed.get(body.scope) or self.known.get(body.scope, Freshness())
                    changed[body.scope] = replace(before, seen=Seen(at, Key(peer)))
        for scope, each in changed.items():
            node.store.freshness.put(scope, each)
        # As a whole: the links may be asking at this moment.
        self.known = {**self.known, **changed}
