"""What the makers of bundles say: what they hold, what they lack, what has arrived. It is noted here, and believed of peers only.

A peer's word makes nothing true. What it says that it holds is named as missing here until it is held; what it asks for it gets
if it may have it; what it confirms is not carried to it again.
"""

from dataclasses import replace
from functools import cached_property
from typing import Final, TypeAlias

from fedsync.bundling.seen import (
    add_stretch,
    advanced,
    begun,
    hash_of,
    in_journal,
    is_later_than_others,
    is_met,
    is_newest,
)
from fedsync.crdt.books.kin import circulation
from fedsync.gossip.bundles.form import (
    NONE,
    End,
    Follows,
    Receipts,
    Said,
    Tip,
    Tips,
    Title,
    Wants,
    wanted_bytes,
)
from fedsync.gossip.following import NOTHING_HEARD, Following
from fedsync.gossip.holdings import TIP
from fedsync.node import Node
from fedsync.records.ids import Key, PageId
from fedsync.store.carried import MAX_CLAIMS, ZERO, CameBundle, Claim, Counters, LeftBundle
from fedsync.store.holdings import StoreHoldings

COMING_CLAIMS: Final = 10 * MAX_CLAIMS
"""Tips that are noted while a file is read, before it shows how many of them it brings."""
_LOG_BYTES: Final = 32

Words: TypeAlias = Tips | Wants | Receipts | Follows


class Hearing:
    """Notes what makers say. `own`: the key of this node."""

    def __init__(self, node: Node, own: Key) -> None:
        self._node, self._own = node, own
        self._heard: tuple[Said, Following] | None = None
        """What the maker of this bundle follows, as far as it was read."""
        self.follows_more = False
        """A body is followed now, or more of it, because a maker announced it."""

    def knows(self, key: Key) -> bool:
        """Say whether a node is a peer, or a book that is held here names it, and the operator did not remove it.

        Nobody else's word is kept.
        """
        store = self._node.store
        if key == self._own or store.removed.get(key) is not None:
            return False
        return store.peers.get(key) is not None or key in self._named

    @cached_property
    def _named(self) -> frozenset[Key]:
        bodies = [each.scope for each in self._node.store.followed.all()]
        return frozenset(circulation(self._node.state, bodies).naming)

    # --- While a file is read -----------------------------------------------------------------------------

    def note(self, title: Title, words: list[Words]) -> None:
        """Note what the maker says, in the open batch, if somebody here knows it."""
        if not self.knows(title.said.maker):
            return
        bundle, current = self._of(title), self._is_of_now(title)
        came = self._node.store.carried.came(title.said.maker)
        # An old stick may be the first that comes of a journal that was lost since: what it had then, it may have no more.
        holds = current and is_later_than_others(came, title)
        for each in words:
            if each.said != title.said:
                continue
            match each:
                case Tips():
                    bundle = self._tips(each, title, bundle, current, holds)
                case Wants():
                    self._wants(each, title)
                case Receipts():
                    if holds:
                        self._receipts(each)
                case Follows():
                    self._follows(each)
        self._node.store.carried.came_in(bundle)

    def _of(self, title: Title) -> CameBundle:
        found = self._node.store.carried.came_as(title.said.bundle, title.said.maker)
        return found or begun(title, self._node.now())

    def _is_of_now(self, title: Title) -> bool:
        """Say whether a bundle is of the maker's present journal; when that is new, begin anew with the maker."""
        tables, maker = self._node.store.carried, title.said.maker
        known = tables.get(maker)
        now = in_journal(known, tables.came(maker), title)
        if now.seen_journal != known.seen_journal:
            # It was restored or copied: what it confirmed and said that it holds it may have lost.
            tables.forget_theirs(maker)
            tables.put(maker, replace(now, acked_journal=b"", acked=ZERO, asked_at=0, asked_counter=0))
        return now.seen_journal == title.journal

    def _tips(self, tips: Tips, title: Title, bundle: CameBundle, current: bool, holds: bool) -> CameBundle:
        tables, maker = self._node.store.carried, title.said.maker
        if holds:
            held = [(each.log, each.seq, each.name) for each in tips.rows if each.kind == TIP]
            tables.hold(maker, title.counter, held)
        if tables.count_claims(maker) + len(tips.rows) > COMING_CLAIMS:
            return bundle
        # What an older journal told of holds up all that comes after, until it is held.
        counter = title.counter if current else 0
        tables.claim(
            Claim(maker, each.set[2], each.kind, each.log, each.seq, each.name, counter, "")
            for each in tips.rows
            if self._is_followed(each)
        )
        return replace(bundle, told=add_stretch(bundle.told, tips.first, len(tips.rows)))

    def _is_followed(self, tip: Tip) -> bool:
        """Say whether what a tip tells of is followed here. A peer tells of what it thinks that both follow."""
        scope, reach, log_class = tip.set
        followed = self._node.store.followed.get(scope)
        return followed is not None and followed.extent.covers(reach, log_class)

    def _wants(self, wants: Wants, title: Title) -> None:
        tables, peer = self._node.store.carried, wants.said.maker
        known = tables.get(peer)
        asked, now = (known.asked_at, known.asked_counter), (title.made, title.counter)
        if now != asked:
            if now[0] <= asked[0] and now[1] <= asked[1]:
                return  # an old file, or one that is played back: what it asked for was asked before
            tables.ask_anew(peer)
            tables.put(peer, replace(known, asked_at=title.made, asked_counter=title.counter))
        rows = [(each.log, wanted_bytes(each)[_LOG_BYTES:]) for each in wants.rows]
        tables.ask(peer, rows, self._node.now())

    def _follows(self, follows: Follows) -> None:
        """Note what the maker follows, and follow it too if that is wanted here, as if it had said so in a session."""
        said, node = follows.said, self._node
        before = self._heard[1] if self._heard is not None and self._heard[0] == said else NOTHING_HEARD
        self._heard = said, before.with_page(follows.page)
        for row in Following(follows.page.data).rows:
            held = node.store.followed.get(row.scope)
            if held is None or held.extent < row.extent:
                body = PageId(row.body)
                if node.follow(row.scope, body, None, "announced", said.maker, row.extent):
                    self.follows_more = True

    def _receipts(self, receipts: Receipts) -> None:
        node, peer = self._node, receipts.said.maker
        for each in receipts.rows:
            if each.maker != self._own or each.journal != node.store.journal.id:
                continue
            tables = node.store.carried
            known = tables.get(peer)
            before = known.acked if known.acked_journal == each.journal else ZERO
            one, two, three, four = (
                min(max(old, new), node.store.journal.counter)
                for old, new in zip(before, each.counters, strict=True)
            )
            acked = (one, two, three, four)
            sets = _spoken_of(acked, known.acked_sets, tables.left(peer), each.journal)
            tables.put(peer, replace(known, acked_journal=each.journal, acked=acked, acked_sets=sets))
            tables.arrived(peer, each.bundles, node.now())

    # --- When it is read ----------------------------------------------------------------------------------

    def settle(self, title: Title, ending: End | None, sound: bool) -> None:
        """See what of all that the maker told of is held now, and how far that is, durably.

        `ending`: how the file ended, if it did; `sound`: nothing in it was damaged.
        """
        maker, store = title.said.maker, self._node.store
        if not self.knows(maker):
            return
        holdings, claims = StoreHoldings(store, hash_of), store.carried.claims(maker)
        met = {each for each in claims if is_met(holdings, each)}
        left = sorted(set(claims) - met, key=lambda each: (each.log_class, each.log))
        with store.transaction():
            tables = store.carried
            tables.met(met)
            bundle = _ended(self._of(title), ending, sound)
            if len(left) > MAX_CLAIMS:
                tables.met(left[MAX_CLAIMS:])
                bundle = replace(bundle, told=())
            tables.came_in(bundle)
            if bundle.everything and bundle.told == ((0, bundle.tips),) and self._is_of_now(title):
                # It holds them no more, or the body is not followed here any more.
                classes = [each for each, since in enumerate(bundle.since) if since != NONE]
                tables.unsaid(maker, bundle.counter, classes)
                kept = set(tables.claims(maker))
                left = [each for each in left if each in kept]
            came = tables.came(maker)
            known, done = advanced(tables.get(maker), came, left)
            heard = self._heard is not None and self._heard[0] == title.said and self._heard[1].whole
            if heard and self._is_of_now(title) and is_newest(came, title):
                assert self._heard is not None
                known = replace(known, follows=self._heard[1].data)
            tables.put(maker, known)
            for each in done:
                tables.came_in(each)
            store.ahead.expire(self._node.now())
            store.parked.expire(self._node.now())


def _ended(bundle: CameBundle, ending: End | None, sound: bool) -> CameBundle:
    if ending is None:
        return bundle
    files = bundle.files | {ending.title.part} if sound else bundle.files
    last = ending.title.part if ending.last else bundle.last
    return replace(bundle, files=files, last=last, whole=bundle.whole or (ending.whole and ending.last))


def _spoken_of(
    acked: Counters, before: tuple[bytes, ...], left: list[LeftBundle], journal: bytes
) -> tuple[bytes, ...]:
    """Return of each class which sets a confirmation speaks of: those of the last bundle that was left up to there."""
    found = list(before)
    for log_class, counter in enumerate(acked):
        of_class = [
            each
            for each in left
            if each.journal == journal and each.since[log_class] != NONE and each.counter <= counter
        ]
        if of_class:
            found[log_class] = max(of_class, key=lambda each: each.counter).sets
    return tuple(found)
