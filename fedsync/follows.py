"""Which bodies a node follows and how much of each: by its operator's word, by what its own book makes kin, by what peers announce."""

import logging
from collections.abc import Callable, Iterable, Iterator

from fedsync.crdt import fold
from fedsync.crdt.view import Draft
from fedsync.gossip.following import read_rows
from fedsync.gossip.limits import MAX_BODIES
from fedsync.gossip.peer_memory import bodies_name
from fedsync.kindred import Kindred
from fedsync.pace import Pace
from fedsync.records.ids import Extent, Key, PageId, Scope
from fedsync.store.holdings import FOLLOWED_AT
from fedsync.store.peers import FollowedBody, Source
from fedsync.store.store import Store

MAX_HEARD_OF = 10_000
"""Bodies that were announced and are not followed, kept in mind: a megabyte. The first that was heard of goes first."""
MAX_SOUGHT = 16
"""Bodies that were asked for and nobody was known to follow; the first gives way."""
MAX_TAGS = 16
"""Founding tags under which one body is followed while its page 0 is missing: liars may name others than its own."""
TAGS_EACH = 2
"""The same, by the word of one peer: else one liar who comes first keeps its own tag out."""
MAX_RAISED = 8
"""Times an hour that everything is folded again because a peer tells of more of a body than before."""
MAX_FOLLOWED = 1000
"""Bodies that a node follows unless its operator says otherwise: all of a large region."""

log = logging.getLogger("fedsync")


def told_of(store: Store) -> Iterator[tuple[Scope, PageId, Key]]:
    """Yield what peers follow, as they said last in a session or on a stick: the tag, the body, and who says so."""
    for peer in store.peers.all():
        for kept in (store.meta.data(bodies_name(peer.key)), store.carried.get(peer.key).follows):
            for row in read_rows(kept):
                yield row.scope, PageId(row.body), peer.key


class Follows:
    """What the store says is followed, and its changes, each in the open batch."""

    def __init__(self, store: Store, pace: Pace, now: Callable[[], int]) -> None:
        self._store = store
        self._pace = pace
        self._now = now
        self.limit = MAX_FOLLOWED
        self.kindred = Kindred(store.followed)
        self.heard_of: dict[PageId, Scope] = {}
        """Bodies that peers announced and there was no room for, by their page 0: somebody may ask for one."""
        self.sought: dict[PageId, None] = {}
        """Bodies that the operator asked for and nobody was known to follow."""
        self.stale = False
        """A body was bound anew in the open batch, so all that was folded under its tag counts for nothing."""

    def follow(
        self,
        draft: Draft,
        scope: Scope,
        body: PageId,
        name: str | None,
        source: Source,
        via: Key | None = None,
        extent: Extent = Extent.ALL,
    ) -> bool:
        """Follow a body, or more of it, in the open batch; False when nothing changes: its scope is taken, the limit
        is reached, or so much of it is followed already.

        An invitation, which one person gave to another, overrides what some peer announced: else a liar could
        bind another community's founding tag to a page 0 of his own, before the community was met.
        """
        followed = self._store.followed
        if source == "announced" and self.kindred.strict:
            wanted = self._kin_announced(draft, scope, body, via)
            if wanted is None:
                self._note_heard_of(body, scope)
                return False
            source, extent = "kin", wanted
        held = followed.get(scope)
        if held is not None and held.source == "announced" and source != "announced":
            followed.remove(scope)
            if held.body != body:
                log.warning(
                    "A body that a peer announced was another one; what is invited is followed instead."
                )
                self.stale = True
            else:
                extent = max(extent, held.extent)
                self.stale = self.stale or held.extent < extent
        elif held is not None:
            return held.body == body and self._follow_more(held, source, extent)
        if source == "announced" and followed.is_unwanted(scope):
            return False
        if followed.count() >= (self.limit if source == "announced" else MAX_BODIES):
            self._note_heard_of(body, scope)
            return False
        added = followed.add(FollowedBody(scope, body, name, source, via, self._now(), extent))
        if added:
            self._follows_changed()
            if not self.stale:
                fold.apply_bind(draft, scope, body, extent < Extent.ALL)
        return added

    def _kin_announced(self, draft: Draft, scope: Scope, body: PageId, via: Key | None) -> Extent | None:
        """Return how much to follow of a body that a peer announced, None when our book does not make it kin.

        Until its page 0 is held nobody knows its founding tag for certain: a peer must neither take another body's tag away
        by its word, nor have us follow one body under any number of tags.
        """
        wanted = self.kindred.kin.get(body)
        if wanted is None:
            return None
        tag, bound = self.kindred.tag(draft, body), self._store.followed.get(scope)
        if (tag is not None and tag != scope) or (bound is not None and bound.body != body):
            return None
        if tag == scope:
            return wanted
        others = [each for each in self._store.followed.all() if each.body == body and each.scope != scope]
        few = len(others) < MAX_TAGS and sum(each.via == via for each in others) < TAGS_EACH
        return wanted if few else None

    def follow_kin(self, draft: Draft, heard: Iterable[tuple[Scope, PageId, Key]] = ()) -> bool:
        """Look at what our book makes kin now, and follow it, in the open batch; return whether that is something new.

        `heard`: what peers announced, without which the founding tag of a body may not be known.
        """
        self.kindred.look(draft)
        changed = self._drop_mistaken(draft)
        lacking = self.kindred.lacking()
        for body, extent in sorted(lacking.items()):
            tag = self.kindred.tag(draft, body)
            if tag is not None:
                changed |= self.follow(draft, tag, body, None, "kin", None, extent)
        for scope, body, via in (*heard, *(told_of(self._store) if lacking else ())):
            if body in lacking:
                changed |= self.follow(draft, scope, body, None, "announced", via)
        for body in sorted(lacking.keys() & self.heard_of.keys()):
            changed |= self.follow(draft, self.heard_of[body], body, None, "announced")
        return changed

    def _drop_mistaken(self, draft: Draft) -> bool:
        """Follow kin no longer under tags that peers named and that are not theirs, in the open batch."""
        gone = [scope for scope in self.kindred.mistaken() if not self._store.logs.any_under(scope)]
        for scope in gone:
            self._store.followed.remove(scope)
            fold.apply_unbind(draft, scope)
        if gone:
            self._follows_changed()
        return bool(gone)

    def unfollow(self, scope: Scope) -> None:
        """Follow a body no longer, whoever announces it, in the open batch. What is held of it stays, and counts for nothing."""
        self._store.followed.unfollow(scope)
        self._follows_changed()
        self.stale = True

    def follow_less(self, scope: Scope, body: PageId, extent: Extent) -> None:
        """Follow no more than so much of a body, in the open batch. What is held of it stays, and counts no more."""
        held = self._store.followed.get(scope)
        if held is not None and held.body == body and extent < held.extent:
            self._store.followed.extend(scope, extent, held.source)
            self._follows_changed()
            self.stale = True

    def _follow_more(self, held: FollowedBody, source: Source, extent: Extent) -> bool:
        """Follow more of a body; what the operator asked for is not changed by what peers announce."""
        if extent <= held.extent or (source == "announced" and held.source != "announced"):
            return False
        if source == "announced" and not self._may_fold_again():
            return False
        self._store.followed.extend(held.scope, extent, held.source)
        self._follows_changed()
        # Who holds all of a body judges it from inside: what was judged from outside counts for nothing. And what was
        # held when more was followed once counts again.
        self.stale = True
        return True

    def _may_fold_again(self) -> bool:
        """Say whether a peer may make us fold again now: it could tell of more of one body after another, without end."""
        return self.stale or any(self._pace.due(f"extent:{slot}") == 0 for slot in range(MAX_RAISED))

    def _follows_changed(self) -> None:
        """Count it like a change of what is held: a peer that has seen less of us does not know of it."""
        self._store.meta.set(FOLLOWED_AT, self._store.journal.tick())

    def seek(self, body: PageId) -> None:
        """Take it that a body is wanted that no peer is known to follow: then peers are asked which theirs are."""
        if len(self.sought) >= MAX_SOUGHT:
            del self.sought[next(iter(self.sought))]
        self.sought[body] = None

    def _note_heard_of(self, body: PageId, scope: Scope) -> None:
        self.sought.pop(body, None)
        if body in self.heard_of:
            return
        if len(self.heard_of) >= MAX_HEARD_OF:
            del self.heard_of[next(iter(self.heard_of))]
        self.heard_of[body] = scope
