"""The node without its sockets, and the one door through which every record enters, ours and theirs.

A block goes the same way wherever it comes from: verified, admitted, stored, folded, committed; and only what is
committed is told to gossip. Many blocks share a commit. The caller opens a batch with `take`, commits it (in a
thread, if it likes), and then reads what became of each block.
"""

import gc
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from fedsync.crdt import fold, root
from fedsync.crdt.books.booktables import page_row
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.urgent import looks_urgent
from fedsync.crdt.logs.seats import is_named
from fedsync.crdt.view import Draft
from fedsync.gossip.limits import MAX_BODIES
from fedsync.home import Home
from fedsync.intake import ANY, Intake, Whose
from fedsync.kindred import Kindred
from fedsync.noticing import Notices
from fedsync.records.block import BadBlock, Base, Block, check, claimed_genesis, claimed_records, peek
from fedsync.records.genesis import Capacity, Genesis, later_incarnation
from fedsync.records.ids import Extent, Key, LogClass, LogId, PageId, Reach, Scope
from fedsync.records.kinds.entries import Mandate
from fedsync.store.holdings import FOLLOWED_AT
from fedsync.store.model import Outcome
from fedsync.store.peers import FollowedBody, Source
from fedsync.store.places import Place
from fedsync.store.store import Store, open_store
from fedsync.urgency import Urgency

MAX_INCARNATIONS = 8
"""Logs of one key in one capacity, class and reach that are taken at once; more at the pace below, none never."""
MAX_BRANCHES = 8
"""Branches of an authority log that are taken at once; more at the pace below. Each is a fact, so none is refused."""
GROWTH_MS = 3600 * 1000
"""Between two further logs of one key, and two further branches of one log."""
PARK_MS = 7 * 24 * 3600 * 1000
"""How long a block of an unknown author waits for the page that names it."""
MAX_HEARD_OF = 10_000
"""Bodies that were announced and are not followed, kept in mind: a megabyte. The first that was heard of goes first."""
MAX_TAGS = 16
"""Founding tags under which one body is followed while its page 0 is missing: liars may name others than its own."""
TAGS_EACH = 2
"""The same, by the word of one peer: else one liar who comes first keeps its own tag out."""
MAX_RAISED = 8
"""Times an hour that everything is folded again because a peer tells of more of a body than before."""
MAX_FOLLOWED = 1000
"""Bodies that a node follows unless its operator says otherwise: all of a large region."""

REBUILD_RECORDS = 16384
"""Records that are folded again at a time: some forty MB. What they all ask for is read once, and written once."""
GC_THRESHOLDS = (50_000, 20, 50)
"""Objects made between two looks for garbage. A first sync or a fold of everything makes millions, none of them in
cycles; 7 % less CPU."""

log = logging.getLogger("fedsync")


class Verdict(Enum):
    """What the door says of a block."""

    TAKEN = "taken"
    KNOWN = "known"
    FORKED = "forked"
    BEYOND = "beyond"
    PARKED = "parked"
    REFUSED = "refused"
    NO_BASE = "no-base"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one block. `log` is what the bytes say when they are not verified."""

    raw: bytes
    origin: Key | None
    verdict: Verdict
    log: LogId | None = None
    block: Block | None = None
    """The part that is held now and was not before."""
    fork_at: int | None = None
    code: str = ""
    reason: str = ""
    until: int = 0
    """When it may be taken, in ms, for what waits; 0: when authority changes."""
    fault: bool = False
    """The sender is to blame: a bad hash, chain or signature, even if part of the block was good."""


class Node:
    """The store and the state, with one door. One caller at a time."""

    def __init__(self, store: Store, now: Callable[[], int] = lambda: int(time.time() * 1000)) -> None:
        self.store = store
        self.state = store.state(fold.TABLES, fold.VERSION)
        self.now = now
        self.follow_limit = MAX_FOLLOWED
        self.kindred = Kindred(store.followed)
        self.heard_of: dict[PageId, Scope] = {}
        """Bodies that peers announced and there was no room for, by their page 0: somebody may ask for one."""
        self.draft = Draft(self.state)
        self.notices = Notices(store)
        self.urgency = Urgency(store.logs)
        self.intake = Intake(store.intake.get, ANY, ANY)
        """What each author and body brought in lately; who is over its share waits."""
        self._own: Scope | None = None
        self._stale = False
        """A body was bound anew in the open batch, so all that was folded under its tag counts for nothing."""
        if self.state.folded_upto < store.blocks.last_number():
            self.rebuild()
        self.kindred.look(self.state)

    # --- Batches ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open a batch."""
        self.store.begin()
        self.draft = Draft(self.state)

    def settle(self) -> None:
        """Write what the batch folded; `commit` must follow."""
        self.notices.look(self.draft)
        root.note(self.draft)
        self.state.write(self.draft.changes)
        if rows := self.intake.due(self.now()):
            self.store.intake.put(rows)
        # 0 makes the next start fold again, should this one not come to it.
        self.state.fold_done(0 if self._stale else self.store.blocks.last_number())
        self.draft = Draft(self.state)

    def commit(self) -> None:
        """Make the batch durable. When this raises, nothing of it is kept, and nothing may be told of it."""
        self.store.commit()
        if self._stale:
            self.rebuild()

    def rollback(self) -> None:
        """Drop the batch."""
        self.store.rollback()
        self.draft = Draft(self.state)
        self.notices.forget()
        self.intake.forget()
        self._stale = False

    def take_now(self, raws: Iterable[bytes], origin: Key | None = None) -> list[Taken]:
        """Take blocks in a batch of their own, durably."""
        self.begin()
        try:
            outcomes = self.take([(raw, origin) for raw in raws])
            self.settle()
        except BaseException:
            self.rollback()
            raise
        self.commit()
        return outcomes

    # --- The door ---------------------------------------------------------------------------------------

    def turn_of(self, raw: bytes) -> int:
        """Return how urgent a block is that waits, as `gossip.priority` counts."""
        return self.urgency.turn(self.draft, raw)

    def take(self, blocks: Sequence[tuple[bytes, Key | None]]) -> list[Taken]:
        """Let blocks in, in the open batch. `origin` is the peer that brought it, None for our own."""
        outcomes: list[Taken] = []
        for raw, origin in blocks:
            fresh = [self._take(raw, origin)]
            while fresh:
                taken = fresh.pop()
                outcomes.append(taken)
                # What comes in from outside may hold pages too, and name others who wait there.
                if taken.block is not None and "page" in taken.block.kinds:
                    for scope in self._scopes_of_pages(taken.block):
                        fresh.extend(self._unpark(scope))
        return outcomes

    def _take(self, raw: bytes, origin: Key | None) -> Taken:
        log = None
        try:
            head = peek(raw)
            log = head.log
            base = None
            if head.first:
                base = self.store.logs.base(head.log, head.first, head.prev)
                if base is None:
                    return Taken(raw, origin, Verdict.NO_BASE, log)
            elif self.store.logs.fork_at(log) is None and self._held_whole(head.log, head.last, raw):
                return Taken(raw, origin, Verdict.KNOWN, log)
            row = self.store.logs.row(log)
            if origin is not None and row is not None:
                # Before anything is verified: what is not wanted, or has to wait, must cost next to nothing.
                unwanted = self._unwanted(row.genesis, raw, origin)
                if unwanted is not None:
                    return unwanted
                waits = self._wait(row.genesis, raw, origin, base)
                if waits is not None:
                    return waits
            block = check(raw, base)
        except BadBlock as error:
            return Taken(raw, origin, Verdict.BAD, log, code=error.code, reason=str(error), fault=True)
        if row is None:
            refusal = self._admit(block, origin)
            if refusal is None and origin is not None:
                refusal = self._wait(block.genesis, raw, origin, None)
            if refusal is not None:
                return refusal
        return self._keep(block, raw, origin)

    def _held_whole(self, log: LogId, last: int, raw: bytes) -> bool:
        # Only to spare work: the bytes themselves were kept, so there is nothing to verify.
        for held in self.store.logs.raw_blocks(log, 0, 0):
            return held == raw
        return False

    def _keep(self, block: Block, raw: bytes, origin: Key | None) -> Taken:
        wait = self._too_many_branches(block)
        if wait:
            reason = "its log has many branches, and further ones are taken one an hour"
            return Taken(raw, origin, Verdict.REFUSED, block.log, code="branches", reason=reason, until=wait)
        appended = self.store.logs.append(block)
        if block.first == 0:
            self.notices.pin(self.draft, block.log)
        if origin is not None and appended.kept is not None:
            self._notice_rollback(block.genesis)
            kept, own = appended.kept, self._is_own(block.genesis.scope)
            self.intake.count(block.genesis, own, kept.count, len(kept.raw), self.now())
        fault, code = block.fault is not None, block.fault or ""
        # Of what a peer brings nothing else comes so far.
        counts = origin is not None or self.store.followed.counts(block.genesis)
        match appended.outcome:
            case Outcome.NEW:
                assert appended.kept is not None
                if counts:
                    fold.apply_block(self.draft, appended.kept)
                return Taken(raw, origin, Verdict.TAKEN, block.log, appended.kept, fault=fault, code=code)
            case Outcome.BRANCH:
                if block.genesis.log_class is LogClass.AUTHORITY and appended.kept is not None:
                    fold.apply_block(self.draft, appended.kept)
                elif appended.fork_at is not None and counts:
                    fold.apply_fork(self.draft, block.log, appended.fork_at)
                return Taken(
                    raw,
                    origin,
                    Verdict.FORKED,
                    block.log,
                    appended.kept,
                    appended.fork_at,
                    fault=fault,
                    code=code,
                )
            case Outcome.KNOWN:
                return Taken(raw, origin, Verdict.KNOWN, block.log, fault=fault, code=code)
            case Outcome.BEYOND:
                return Taken(raw, origin, Verdict.BEYOND, block.log, fault=fault, code=code)

    def _notice_rollback(self, genesis: Genesis) -> None:
        """A peer brings what only this directory writes: it was set back, or another one writes to its logs too.

        A peer's memory of our journal tells it too, but only up to where we last agreed; and nothing may be written
        before the operator has said who goes on.
        """
        directory = self.store.directory
        if directory.place is not Place.SAME or not _is_ours(genesis.incarnation, directory.incarnation):
            return
        followed = self.store.followed.get(genesis.scope)
        if followed is not None and followed.source == "own":
            log.warning(
                "Records of this node's own came from a peer: it was restored, or a copy of it writes."
            )
            directory.note_rollback(secrets.token_bytes(8))

    # --- Who has to wait --------------------------------------------------------------------------------

    def _wait(self, genesis: Genesis, raw: bytes, origin: Key, base: Base | None) -> Taken | None:
        """Return the answer to a block whose author or body has brought in so much that more waits; None when it need not."""

        def urgent() -> bool:
            return self._leaves(genesis.log, base) or any(
                looks_urgent(self.draft, genesis.scope, kind, payload)
                for kind, payload in claimed_records(raw)
            )

        wait = self.intake.wait(genesis, self._is_own(genesis.scope), self.now(), urgent)
        if wait is None or self._may_prove_fork(genesis, raw, base):
            return None
        who = "its author" if wait.whose is Whose.AUTHOR else "its body"
        reason = f"{who} has brought in as much as is taken at a time"
        code = "author-share" if wait.whose is Whose.AUTHOR else "body-share"
        return Taken(raw, origin, Verdict.REFUSED, genesis.log, code=code, reason=reason, until=wait.until)

    def _is_own(self, scope: Scope) -> bool:
        if self._own is None:
            self._own = next((each.scope for each in self.store.followed.all() if each.source == "own"), None)
        return scope == self._own

    def _leaves(self, log: LogId, base: Base | None) -> bool:
        """Say whether what follows this record of a log that is held is no news of a branch, but another one."""
        heads = self.store.logs.heads(log)
        return bool(heads) and (base is None or all(head.id != base.id for head in heads))

    def _may_prove_fork(self, genesis: Genesis, raw: bytes, base: Base | None) -> bool:
        """Say whether a block of a log that may fork only once leaves what is held, so that it is proof and does not wait."""
        if genesis.log_class is LogClass.AUTHORITY:
            return False
        tip = self.store.logs.tip(genesis.log)
        if tip is None or (base is not None and base.seq >= tip.seq):
            return False
        block = check(raw, base)
        last = block.first + block.count - 1
        return last <= tip.seq or block.record(tip.seq - block.first).id != tip.id

    # --- Who may enter ----------------------------------------------------------------------------------

    def _admit(self, block: Block, origin: Key | None) -> Taken | None:
        """Return why a block that begins a log is not let in; None when it is."""
        genesis = block.genesis
        unwanted = self._unwanted(genesis, block.raw, origin)
        if unwanted is not None:
            return unwanted
        followed = self.store.followed.get(genesis.scope)
        if self._is_named(genesis) or (followed is not None and _carries(block, followed.body)):
            given = genesis.mandate
            if given is not None and page_row(self.draft, given[0]) is None and self._is_full(genesis):
                # Anybody can make up mandates; one that comes to be held lets in what is written under it.
                return self._park(
                    block, origin, "unknown-mandate", "the page that gives its mandate is not held"
                )
            wait = self._too_many_logs(genesis)
            if not wait:
                return None
            reason = "its author has many logs of this kind, and further ones are taken one an hour"
            return Taken(
                block.raw, origin, Verdict.REFUSED, block.log, code="incarnations", reason=reason, until=wait
            )
        return self._park(block, origin, "unknown-author", "no page held here names its author")

    def _unwanted(self, genesis: Genesis, raw: bytes, origin: Key | None) -> Taken | None:
        """Return why nothing of a log is taken, whether it begins here or was begun when more was followed."""

        def refused(code: str, reason: str) -> Taken:
            return Taken(raw, origin, Verdict.REFUSED, genesis.log, code=code, reason=reason)

        followed = self.store.followed.get(genesis.scope)
        if followed is None:
            return refused("not-followed", "its body is not followed here")
        if origin is not None and genesis.reach is Reach.LOCAL:
            return refused("local", "it belongs to a community's own nodes only")
        if origin is not None and not followed.extent.covers(genesis.reach, genesis.log_class):
            return refused("extent", "so much of its body is not followed here")
        return None

    def _is_named(self, genesis: Genesis) -> bool:
        return is_named(self.draft, genesis.scope, genesis.key)

    def _too_many_logs(self, genesis: Genesis) -> int:
        """Return until when one more log of this kind waits, 0 when it need not."""
        if not self._is_full(genesis):
            return 0
        return self._paced(
            f"logs:{genesis.scope.hex()}:{genesis.key.hex()}:{genesis.log_class}:{genesis.reach}"
        )

    def _is_full(self, genesis: Genesis) -> bool:
        """Say whether as many logs of this kind are held as are taken at once."""
        kind, same = self._kind(genesis), 0
        for log in self.store.logs.named(genesis.scope, genesis.key):
            row = self.store.logs.row(log)
            same += row is not None and self._kind(row.genesis) == kind
        return same >= MAX_INCARNATIONS

    def _kind(self, genesis: Genesis) -> tuple[Capacity | None, LogClass, Reach]:
        """Return what logs of one key are counted by. All under what is no mandate of theirs that is held are of one kind."""
        capacity: Capacity | None = genesis.capacity
        if genesis.mandate is not None:
            held = entry_at(self.draft, *genesis.mandate)
            if not isinstance(held, Mandate) or genesis.key not in (held.holder, held.alternate):
                capacity = None
        return capacity, genesis.log_class, genesis.reach

    def _too_many_branches(self, block: Block) -> int:
        """Return until when a block that forks an authority log once more waits, 0 when it need not."""
        if block.genesis.log_class is not LogClass.AUTHORITY:
            return 0
        heads = self.store.logs.heads(block.log)
        if len(heads) < MAX_BRANCHES or any(head.id == block.prev for head in heads):
            return 0
        if self.store.logs.holds(block.log, block.last, block.tip):
            return 0
        return self._paced(f"branches:{block.log.hex()}")

    def _paced(self, name: str) -> int:
        """Let one thing of this name through an hour: return until when to wait, 0 to go ahead now."""
        due, now = self.store.meta.number(name), self.now()
        # A clock that was set back must not keep the door shut for longer than the pace.
        if now < due <= now + GROWTH_MS:
            return due
        self.store.meta.set(name, now + GROWTH_MS)
        return 0

    def _park(self, block: Block, origin: Key | None, code: str, reason: str) -> Taken:
        kept = origin is not None and self.store.parked.park(
            origin, block.log, block.raw, self.now() + PARK_MS
        )
        verdict = Verdict.PARKED if kept else Verdict.REFUSED
        return Taken(block.raw, origin, verdict, block.log, code=code, reason=reason)

    def _scopes_of_pages(self, block: Block) -> list[Scope]:
        """Return whose pages a block brought: any admitted log may carry the page of another body."""
        bodies = {followed.body: followed.scope for followed in self.store.followed.all()}
        scopes = {block.genesis.scope}
        for at, kind in enumerate(block.kinds):
            if kind == "page":
                page = page_row(self.draft, PageId(block.record(at).payload_id))
                if page is not None and page.body in bodies:
                    scopes.add(bodies[page.body])
        return sorted(scopes)

    def _unpark(self, scope: Scope) -> list[Taken]:
        """Take what waited for a page that has come."""
        outcomes: list[Taken] = []
        for log in self.store.parked.logs():
            for waiting in self.store.parked.waiting(log):
                try:
                    genesis = claimed_genesis(waiting.raw)
                except BadBlock:
                    genesis = None
                if genesis is None or genesis.scope != scope or not self._is_named(genesis):
                    continue
                self.store.parked.release(log)
                outcomes.append(self._take(waiting.raw, waiting.peer))
        return outcomes

    # --- Bodies -----------------------------------------------------------------------------------------

    def follow(
        self,
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
        followed = self.store.followed
        if source == "announced" and self.kindred.strict:
            wanted = self._kin_announced(scope, body, via)
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
                self._stale = True
            else:
                extent = max(extent, held.extent)
                self._stale = self._stale or held.extent < extent
        elif held is not None:
            return held.body == body and self._follow_more(held, source, extent)
        if source == "announced" and followed.is_unwanted(scope):
            return False
        if followed.count() >= (self.follow_limit if source == "announced" else MAX_BODIES):
            self._note_heard_of(body, scope)
            return False
        added = followed.add(FollowedBody(scope, body, name, source, via, self.now(), extent))
        if added:
            self._follows_changed()
            if not self._stale:
                fold.apply_bind(self.draft, scope, body, extent < Extent.ALL)
        return added

    def _kin_announced(self, scope: Scope, body: PageId, via: Key | None) -> Extent | None:
        """Return how much to follow of a body that a peer announced, None when our book does not make it kin.

        Until its page 0 is held nobody knows its founding tag for certain: a peer must neither take another body's tag away
        by its word, nor have us follow one body under any number of tags.
        """
        wanted = self.kindred.kin.get(body)
        if wanted is None:
            return None
        tag, bound = self.kindred.tag(self.draft, body), self.store.followed.get(scope)
        if (tag is not None and tag != scope) or (bound is not None and bound.body != body):
            return None
        if tag == scope:
            return wanted
        others = [each for each in self.store.followed.all() if each.body == body and each.scope != scope]
        few = len(others) < MAX_TAGS and sum(each.via == via for each in others) < TAGS_EACH
        return wanted if few else None

    def follow_kin(self, heard: Iterable[tuple[Scope, PageId, Key]] = ()) -> bool:
        """Look at what our book makes kin now, and follow it, in the open batch; return whether that is something new.

        `heard`: what peers announced, without which the founding tag of a body may not be known.
        """
        self.kindred.look(self.draft)
        changed = self._drop_mistaken()
        lacking = self.kindred.lacking()
        for body, extent in sorted(lacking.items()):
            tag = self.kindred.tag(self.draft, body)
            if tag is not None:
                changed |= self.follow(tag, body, None, "kin", None, extent)
        for scope, body, via in heard:
            if body in lacking:
                changed |= self.follow(scope, body, None, "announced", via)
        for body in sorted(lacking.keys() & self.heard_of.keys()):
            changed |= self.follow(self.heard_of[body], body, None, "announced")
        return changed

    def _drop_mistaken(self) -> bool:
        """Follow kin no longer under tags that peers named and that are not theirs, in the open batch."""
        gone = [scope for scope in self.kindred.mistaken() if not self.store.logs.any_under(scope)]
        for scope in gone:
            self.store.followed.remove(scope)
            fold.apply_unbind(self.draft, scope)
        if gone:
            self._follows_changed()
        return bool(gone)

    def unfollow(self, scope: Scope) -> None:
        """Follow a body no longer, whoever announces it, in the open batch. What is held of it stays, and counts for nothing."""
        self.store.followed.unfollow(scope)
        self._follows_changed()
        self._stale = True

    def follow_less(self, scope: Scope, body: PageId, extent: Extent) -> None:
        """Follow no more than so much of a body, in the open batch. What is held of it stays, and counts no more."""
        held = self.store.followed.get(scope)
        if held is not None and held.body == body and extent < held.extent:
            self.store.followed.extend(scope, extent, held.source)
            self._follows_changed()
            self._stale = True

    def _follow_more(self, held: FollowedBody, source: Source, extent: Extent) -> bool:
        """Follow more of a body; what the operator asked for is not changed by what peers announce."""
        if extent <= held.extent or (source == "announced" and held.source != "announced"):
            return False
        if source == "announced" and not self._may_fold_again():
            return False
        self.store.followed.extend(held.scope, extent, held.source)
        self._follows_changed()
        # Who holds all of a body judges it from inside: what was judged from outside counts for nothing. And what was
        # held when more was followed once counts again.
        self._stale = True
        return True

    def _may_fold_again(self) -> bool:
        """Say whether a peer may make us fold again now: it could tell of more of one body after another, without end."""
        return self._stale or any(self._paced(f"extent:{slot}") == 0 for slot in range(MAX_RAISED))

    def _follows_changed(self) -> None:
        """Count it like a change of what is held: a peer that has seen less of us does not know of it."""
        self.store.meta.set(FOLLOWED_AT, self.store.journal.tick())

    def _note_heard_of(self, body: PageId, scope: Scope) -> None:
        if body in self.heard_of:
            return
        if len(self.heard_of) >= MAX_HEARD_OF:
            del self.heard_of[next(iter(self.heard_of))]
        self.heard_of[body] = scope

    # --- Reading ----------------------------------------------------------------------------------------

    def state_root(self) -> bytes:
        """Return the state root, in an open batch or one of its own; it writes what it had to compute."""
        alone = not self.store.in_transaction
        if alone:
            self.begin()
        draft = Draft(self.state)
        found = root.state_root(draft)
        self.state.write(draft.changes)
        if alone:
            self.commit()
        return found

    def tidy(self) -> None:
        """Work out the state root of what has changed, so that who looks need not, and keep what was counted; between batches."""
        if any(True for _ in self.state.scan(root.DIRTY)):
            self.state_root()
        if rows := self.intake.unsaved():
            with self.store.transaction() as store:
                store.intake.put(rows)

    def rebuild(self, progress: Callable[[int], None] = lambda done: None) -> None:
        """Fold every block again. The blocks stay as they are; the state must come out the same."""
        with _collecting_seldom(), self.store.transaction():
            self.state.drop_state()
            self.state.prepare(fold.VERSION)
            self.draft = Draft(self.state)
            for body in self.store.followed.all():
                fold.apply_bind(self.draft, body.scope, body.body, body.extent < Extent.ALL)
            last = records = 0
            batch: list[Block] = []
            for number, block in self.store.since(0):
                batch.append(block)
                records += block.count
                last = number
                if records >= REBUILD_RECORDS:
                    self._fold_again(batch)
                    batch.clear()
                    records = 0
                    self._write_draft()
                    progress(number)
            self._fold_again(batch)
            self._write_draft()
            self.notices.unpin_stale(self.state)
            self.state.fold_done(last)
        self._stale = False

    def _fold_again(self, found: Sequence[Block]) -> None:
        counts = {
            genesis: self.store.followed.counts(genesis) for genesis in {each.genesis for each in found}
        }
        blocks = [each for each in found if counts[each.genesis]]
        for block in blocks:
            fork = self.store.logs.fork_at(block.log)
            if fork is not None and block.genesis.log_class is not LogClass.AUTHORITY:
                fold.apply_fork(self.draft, block.log, fork)
        fold.apply_blocks(self.draft, blocks)

    def _write_draft(self) -> None:
        self.notices.look(self.draft)
        root.note(self.draft)
        self.state.write(self.draft.changes)
        self.draft = Draft(self.state)


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def open_node(home: Home) -> Node:
    """Open the node in `home` for writing; the caller holds the home's lock. Raises the store's errors."""
    store = open_store(Path(home.store), fingerprint=home.fingerprint(), fresh_journal=secrets.token_bytes(8))
    return Node(store)


def _is_ours(incarnation: bytes, ours: bytes) -> bool:
    """Say whether a log of this incarnation is one that this directory writes, or went on to after a fork."""
    for _ in range(MAX_INCARNATIONS):
        if incarnation == ours:
            return True
        ours = later_incarnation(ours)
    return False


def _carries(block: Block, page: PageId) -> bool:
    """Return whether the block holds page 0 of a body that is followed: then its author is known by it."""
    return any(
        kind == "page" and bytes(block.record(at).payload_id) == page for at, kind in enumerate(block.kinds)
    )
