"""Bugs to plant on purpose: a simulator that does not find them would not find others.

Each takes something away that a rule of the protocol, of the disk or of the folds rests on, in the machines
themselves, and names the scenario, and what a checker must say about it. `planted.py` plays them, and a test some.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import TypeAlias

import pytest

from fedsync import intake
from fedsync.crdt import fold
from fedsync.crdt.books import carrying
from fedsync.crdt.books.addresses import note_announcement
from fedsync.crdt.books.addresstables import ANNOUNCEMENTS
from fedsync.crdt.books.booktables import RecordRow
from fedsync.crdt.books.delegates import Cuts
from fedsync.crdt.books.kin import Circles
from fedsync.crdt.books.slot import Cut, Judged
from fedsync.crdt.books.votes import cast
from fedsync.crdt.view import Draft
from fedsync.gossip import compare, listing, reconcile, trie
from fedsync.gossip.comparison import Comparison
from fedsync.gossip.events import Known, Outcome, Peer
from fedsync.gossip.exchange import Exchange
from fedsync.gossip.following import Following
from fedsync.gossip.groups import Group
from fedsync.gossip.holdings import Item, SetKey
from fedsync.gossip.introductions import Introductions
from fedsync.gossip.memory import Memory, MemoryLog
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.relayquota import Ledger
from fedsync.gossip.session import Session
from fedsync.gossip.view import View
from fedsync.gossip.waiting import Brought, WaitingRoom
from fedsync.records import ed25519
from fedsync.records.block import Block, Record
from fedsync.records.ids import ZERO_ID, LogClass, PageId, Reach, RecordId
from fedsync.records.places import Place
from fedsync.sim.disk import Disk
from fedsync.sim.finding import Finding

Patch: TypeAlias = pytest.MonkeyPatch


@dataclass(frozen=True)
class Plant:
    """A bug, where it is looked for, and a part of what must be said of it. `seeds`: so many must be enough.

    Of the storm this `share` is played, in which people write and things go wrong so many times as often (`faster`).
    """

    name: str
    what: str
    plant: Callable[[Patch], None]
    said: tuple[str, ...]
    scenario: str = "storm"
    nodes: int | None = 5
    seeds: int = 12
    share: float = 1.0
    faster: float = 1.0


def _nothing(*_: object, **__: object) -> None:
    """Stand in for what a planted bug leaves out."""


# --- How sets are compared --------------------------------------------------------------------------------


def _push_only(patch: Patch) -> None:
    patch.setattr(Comparison, "open", _nothing)


def _version_vector(patch: Patch) -> None:
    """A log is what its greatest seq says: no id is hashed, and none is compared."""

    def item_bytes(item: Item) -> bytes:
        return whole((*item[:3], ZERO_ID))

    whole = trie.item_bytes
    patch.setattr(trie, "item_bytes", item_bytes)
    patch.setattr(compare, "_is", lambda id_, tip, salt: id_ is not None)
    match = reconcile.Reconcile._said
    patch.setattr(reconcile.Reconcile, "_said", lambda self, item: match(self, item)._replace(record=_NO_ID))
    named = listing.read_entry

    def read_entry(data: bytes) -> listing.Entry:
        entry = named(data)
        items = [(short, said._replace(record=_NO_ID)) for short, said in entry.items]
        return listing.Entry(entry.form, entry.prefix, entry.nodes, tuple(items), entry.urgent)

    patch.setattr(reconcile, "read_entry", read_entry)
    # Nor is there a memory of what was sent: vectors are all that is exchanged.
    patch.setattr(reconcile.Reconcile, "delta", _nothing)


_NO_ID = b""


def _unsorted(patch: Patch) -> None:
    def node_hash(items: list[Item], depth: int) -> bytes:
        if items and trie.is_leaf(items):
            return sha256(b"\0" + b"".join(map(trie.item_bytes, items))).digest()
        return whole(items, depth)

    whole = trie.node_hash
    for module in ("trie", "trees", "memory"):
        patch.setattr(f"fedsync.gossip.{module}.node_hash", node_hash)


def _never_again(patch: Patch) -> None:
    patch.setattr(Exchange, "lift", _nothing)
    patch.setattr(Session, "_beat", _nothing)


# --- What is kept, and who gets it ------------------------------------------------------------------------


def _normal_sync(patch: Patch) -> None:
    """As SQLite does with synchronous = NORMAL: what is written is synced now and then, and not before it is told."""
    sync, told = Disk.sync, count(1)
    patch.setattr(Disk, "sync", lambda self: None if next(told) % 50 else sync(self))


def _forks_unseen(patch: Patch) -> None:
    append = Memory._append

    def one_branch(
        self: Memory, held: MemoryLog, block: Block, place: Place, wall: int
    ) -> tuple[Outcome, Block | None]:
        # The node at which the second branch is written has both; no other takes it.
        if wall and (block.first - 1, block.prev) not in held.heads:
            return Known(), None
        return append(self, held, block, place, wall)

    patch.setattr(Memory, "_append", one_branch)


def _local_leaves(patch: Patch) -> None:
    def shared(mine: Following, theirs: Following, key: SetKey) -> bool:
        return mine.get(key[0]) is not None and (theirs.get(key[0]) is not None or not theirs.knows(key[0]))

    patch.setattr("fedsync.gossip.sharing.shared", shared)


def _region_leaves(patch: Patch) -> None:
    """Whoever claims to follow a body gets all of it."""

    def shared(mine: Following, theirs: Following, key: SetKey) -> bool:
        here, there = mine.get(key[0]), theirs.get(key[0])
        return here is not None and key[1] != Reach.LOCAL and (there is not None or not theirs.knows(key[0]))

    patch.setattr("fedsync.gossip.sharing.shared", shared)


# --- The door ---------------------------------------------------------------------------------------------


def _shared_queue(patch: Patch) -> None:
    """First come, first served: whoever sends most is served most."""
    rooms: dict[int, deque[Brought]] = {}

    def room(self: WaitingRoom[Brought]) -> deque[Brought]:
        return rooms.setdefault(id(self), deque())

    patch.setattr(WaitingRoom, "__init__", lambda self, judge: room(self).clear())
    patch.setattr(WaitingRoom, "__bool__", lambda self: bool(room(self)))
    patch.setattr(WaitingRoom, "put", lambda self, block: room(self).append(block))
    patch.setattr(WaitingRoom, "back", lambda self, block: room(self).appendleft(block))
    patch.setattr(WaitingRoom, "next", lambda self: (room(self).popleft(), False) if room(self) else None)


def _small_order(patch: Patch) -> None:
    patch.setattr(ed25519, "SMALL_ORDER", frozenset())


# --- The folds --------------------------------------------------------------------------------------------


def _passed_over(patch: Patch) -> None:
    apply, blocks = fold.apply_block, count()

    def mostly(draft: Draft, block: Block) -> None:
        if next(blocks) % 50 or block.genesis.log_class is LogClass.AUTHORITY:
            apply(draft, block)

    patch.setattr(fold, "apply_block", mostly)


def _recall_by_clock(patch: Patch) -> None:
    """A vote is kept when it claims to be no later than the last one that its community's recall names."""
    against = Cuts.against

    def by_clock(self: Cuts, record: RecordId, at: RecordRow | None = None) -> Cut | None:
        vote = cast(self._view, record)
        if vote is None:
            return against(self, record, at)
        for _, tips in self._tips:
            named = [found.time for tip in tips if (found := cast(self._view, tip.id)) is not None]
            if vote.time > max(named, default=-1):
                return against(self, record, at)
        return None

    patch.setattr(Cuts, "against", by_clock)


def _nothing_carried(patch: Patch) -> None:
    patch.setattr("fedsync.sim.regions.to_carry", lambda *_: carrying.NOTHING)


def _used_forgotten(patch: Patch) -> None:
    """Only what was sealed is carried, and not under which page somebody wrote who was never sent in the end."""
    patch.setattr(carrying, "_used", lambda *_: ())


def _one_too_few(patch: Patch) -> None:
    """A page is taken to be sealed when one less than it takes has approved it."""

    def seals(self: Judged, page: PageId) -> list[int]:
        if self.epoch is None or page not in self.tallies:
            return []
        sealers, few = self.epoch.sealers.keys(), self.epoch.w - 1
        return [each for each, logs in self.tallies[page].approved.items() if len(logs & sealers) >= few]

    patch.setattr(Judged, "seals", seals)


def _memories_pile_up(patch: Patch) -> None:
    """What is remembered of a peer is put beside what was, and not in its place."""
    remember, kept = Disk.remember, count()

    def beside(self: Disk, peer: Peer, memory: PeerMemory) -> None:
        remember(self, peer, memory)
        remember(self, Peer(sha256(peer + bytes(next(kept) % 64)).digest()), memory)

    patch.setattr(Disk, "remember", beside)


def _no_pause(patch: Patch) -> None:
    """Who brings more than the door can look at is read all the same."""
    patch.setattr("fedsync.gossip.exchange.MAX_TAKES", 1 << 40)
    patch.setattr("fedsync.gossip.exchange.MAX_TAKES_BYTES", 1 << 40)


def _removed_returns(patch: Patch) -> None:
    """A removal ends the link, and whoever is an own peer is let in all the same."""
    patch.setattr(Finding, "remove", lambda self, peer: self._calls.part(self._node, peer))


def _first_word_holds(patch: Patch) -> None:
    """Where a node said first that it answers, it is called for ever."""

    def first(draft: Draft, record: Record) -> None:
        genesis = record.genesis
        if draft.get(ANNOUNCEMENTS, (genesis.scope, genesis.key, record.log)) is None:
            note_announcement(draft, record)

    patch.setattr("fedsync.crdt.books.book.note_announcement", first)


def _all_taken(patch: Patch) -> None:
    """Whoever is admitted brings in as much as they like."""
    patch.setattr(intake.Intake, "wait", _nothing)


def _one_room(patch: Patch) -> None:
    """Facts and authority are counted together."""
    patch.setattr(intake, "_room", lambda genesis, named: intake.Room.FACTS)


def _called_anyway(patch: Patch) -> None:
    """A node without an address is a node like another: it is called wherever that leads."""
    patch.setattr(View, "_callable", lambda self, peer: peer in self.group and peer != self.me)
    patch.setattr(Group, "all", lambda self: self._known.values())
    patch.setattr(Finding, "_over", lambda self, peer: ())


def _carried_forgotten(patch: Patch) -> None:
    """A relay that begins anew counts anew."""
    load = Ledger.load
    patch.setattr(Ledger, "load", lambda self, day, rows: load(self, day, {}))


def _introduced_back(patch: Patch) -> None:
    """Whoever is introduced is a node of which the operator never heard."""
    befriend = Finding.befriend

    def forget(self: Finding, peer: Peer, address: str) -> None:
        self.removed.discard(peer)
        befriend(self, peer, address)

    patch.setattr(Finding, "shuns", lambda self, peer: False)
    patch.setattr(Finding, "befriend", forget)


def _introductions_lost(patch: Patch) -> None:
    """What was to be told before the peer's first word came is told nobody."""
    patch.setattr(Introductions, "meet", lambda self: setattr(self, "_met", True))


def _one_circle(patch: Patch) -> None:
    """A community sits in one body, whatever its book says."""
    above = Circles.above
    patch.setattr(Circles, "above", lambda self, view, place: above(self, view, place)[:1])


APART = ("had not come to the same", "differ in", "cannot prove it", "was acknowledged and is not at")
PLANTS = (
    Plant("push-only", "new records are pushed, and sets are never compared", _push_only, APART),
    Plant("version-vector", "sets are compared by the greatest seq of each log, without ids", _version_vector, APART, seeds=6),
    Plant("dropped-sort", "the items of a leaf are hashed in the order in which they came", _unsorted, APART),
    Plant("never-again", "a log that was refused once is never asked for again", _never_again, APART, nodes=7),
    Plant("normal-sync", "a node answers before what was written is safe", _normal_sync, ("acknowledged", "broke")),
    Plant("forks-unseen", "who holds one branch of a log takes no other", _forks_unseen, ("cannot prove it",)),
    Plant("local-leaves", "what is local is told to peers like everything else", _local_leaves, ("local",)),
    Plant("region-leaves", "who claims to follow a body gets all of it", _region_leaves, ("sent out of it",), "scopes", None, 2),
    Plant("shared-queue", "one queue at the door for all peers", _shared_queue, ("none of theirs was before it",), "door", None, 4),
    Plant("small-order", "keys and signatures of small order pass", _small_order, ("nobody has signed",), "door", None, 4),
    Plant("recall-by-clock", "what a recall cuts off is told by the time that it claims", _recall_by_clock, ("it must be void",), "regions", 6, 12, 0.25, 4.0),
    Plant("one-too-few", "one approval less than it takes seals a page", _one_too_few, ("as sealed, and too few spoke for it",), "storm", 4),
    Plant("no-pause", "who brings more than the door can look at is read all the same", _no_pause, ("wait at the door; 257",), "door", None, 4),
    Plant("memories-pile-up", "what is remembered of a peer is put beside what was", _memories_pile_up, ("peers remembered",), "storm", 4),
    Plant("nothing-carried", "no node carries sealed pages for those who look from outside", _nothing_carried, APART, "world", 6, 1),
    Plant("used-forgotten", "a page under which somebody wrote is not carried unless it was sealed", _used_forgotten, APART, "world", 6, 6),
    Plant("removed-returns", "whoever is an own peer gets in, though the operator removed it", _removed_returns, ("which it had removed",), "finding", 5, 2),
    Plant("first-word-holds", "where a node announced first that it answers holds, whatever it says later", _first_word_holds, ("and it answers at",), "finding", 5, 2),
    Plant("called-anyway", "who has no address is called like all others", _called_anyway, ("whom nobody can call",), "callers", 7, 2),
    Plant("carried-forgotten", "a relay does not keep what it has carried today", _carried_forgotten, ("in a day",), "callers", 7, 6),
    Plant("introduced-back", "whom the operator removed is let in when somebody introduces it again", _introduced_back, ("which it had removed",), "introduced", 5, 8),
    Plant("introductions-lost", "what is told of others before the peer has spoken gets lost", _introductions_lost, ("never heard of it",), "introduced", 5, 2),
    Plant("one-circle", "a community that joined two bodies is taken to sit in one of them", _one_circle, ("it should keep", "may not have", *APART), "syndicate", None, 1),
    Plant("all-taken", "an author brings in as much as it likes", _all_taken, ("within an hour",), "shares", 4, 2),
    Plant("one-room", "facts and authority have one share between them", _one_room, ("nobody's flood",), "shares", 4, 4),
    Plant("passed-over", "one block of fifty is not folded, whichever it is", _passed_over, ("shows", "show")),
)  # fmt: skip
"""All of them: `scripts/planted` shows that each is found."""
