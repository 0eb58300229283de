"""The node without its sockets, and the one door through which every record enters, ours and theirs.

A block goes the same way wherever it comes from: verified, admitted, stored, folded, committed; and only what is
committed is told to gossip. Many blocks share a commit. The caller opens a batch with `take`, commits it (in a
thread, if it likes), and then reads what became of each block.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from fedsync.crdt import fold, root
from fedsync.crdt.view import Draft
from fedsync.entrance import MAX_BRANCHES, MAX_INCARNATIONS, Entrance
from fedsync.follows import MAX_RAISED, MAX_TAGS, TAGS_EACH, Follows
from fedsync.home import Home
from fedsync.intake import ANY, Intake
from fedsync.noticing import Notices
from fedsync.pace import GROWTH_MS, Pace
from fedsync.rebuilding import GC_THRESHOLDS, REBUILD_RECORDS, rebuild
from fedsync.records.block import BadBlock, Block, check, peek
from fedsync.records.genesis import Genesis, later_incarnation
from fedsync.records.ids import Extent, Key, LogClass, LogId, PageId, RecordId, Scope
from fedsync.store.ahead import At, Slice
from fedsync.store.errors import StoreError
from fedsync.store.model import Outcome
from fedsync.store.peers import Source
from fedsync.store.places import Place
from fedsync.store.store import Store, open_store
from fedsync.taken import UNWANTED, Taken, Verdict
from fedsync.urgency import Urgency

__all__ = [
    "GC_THRESHOLDS",
    "GROWTH_MS",
    "MAX_BRANCHES",
    "MAX_INCARNATIONS",
    "MAX_RAISED",
    "MAX_TAGS",
    "REBUILD_RECORDS",
    "TAGS_EACH",
    "Node",
    "Taken",
    "Verdict",
    "open_node",
]

log = logging.getLogger("fedsync")


class Node:
    """The store and the state, with one door. One caller at a time."""

    def __init__(self, store: Store, now: Callable[[], int] = lambda: int(time.time() * 1000)) -> None:
        self.store = store
        self.state = store.state(fold.TABLES, fold.VERSION)
        self.now = now
        self.draft = Draft(self.state)
        self.notices = Notices(store)
        self.urgency = Urgency(store.logs)
        self.intake = Intake(store.intake.get, ANY, ANY)
        """What each author and body brought in lately; who is over its share waits."""
        pace = Pace(store.meta, self._clock)
        self._entrance = Entrance(store, self.intake, pace, self._clock)
        self._follows = Follows(store, pace, self._clock)
        self.kindred = self._follows.kindred
        self.heard_of = self._follows.heard_of
        """Bodies that peers announced and there was no room for, by their page 0: somebody may ask for one."""
        self.sought = self._follows.sought
        """Bodies that somebody asked for here and no peer was known to follow, by their page 0: peers are asked which theirs are."""
        if self.state.folded_upto < store.blocks.last_number():
            self.rebuild()
        self.kindred.look(self.state)
        self._slice = Slice()
        self._early: tuple[dict[LogId, At], dict[LogId, At]] = ({}, {})
        """Of which logs something that came ahead may be let in by now, and from where on: those of authority, and others."""
        self._tried_early = LogId(bytes(32))
        # What it follows may have been held already when this program last ended.
        self._look_at_all_early()

    def _clock(self) -> int:
        return self.now()  # As it is asked: who holds a node may give it another clock.

    @property
    def follow_limit(self) -> int:
        """How many bodies are followed because peers announce them."""
        return self._follows.limit

    @follow_limit.setter
    def follow_limit(self, limit: int) -> None:
        self._follows.limit = limit

    # --- Batches ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open a batch."""
        self.store.begin()
        self.draft = Draft(self.state)
        self._slice = Slice()

    def settle(self) -> None:
        """Write what the batch folded; `commit` must follow."""
        self.notices.look(self.draft)
        root.note(self.draft)
        self.state.write(self.draft.changes)
        if rows := self.intake.due(self.now()):
            self.store.intake.put(rows)
        # 0 makes the next start fold again, should this one not come to it.
        self.state.fold_done(0 if self._follows.stale else self.store.blocks.last_number())
        self.draft = Draft(self.state)

    def commit(self) -> None:
        """Make the batch durable. When this raises, nothing of it is kept, and nothing may be told of it."""
        self.store.commit()
        if self._follows.stale:
            self.rebuild()

    def rollback(self) -> None:
        """Drop the batch."""
        self.store.rollback()
        self.draft = Draft(self.state)
        self.notices.forget()
        self.intake.forget()
        self._follows.stale = False
        self._look_at_all_early()

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
            taken = self._take(raw, origin)
            outcomes.append(taken)
            if taken.block is not None:
                outcomes += self._take_all(self._waited_for(taken.block))
        return outcomes

    def _take_all(self, waiting: list[tuple[bytes, Key | None]]) -> Iterator[Taken]:
        """Let in blocks that waited, the last first, and what waited for them, as far as that has room in this commit."""
        while waiting:
            taken = self._take(*waiting.pop())
            if taken.verdict in (Verdict.REFUSED, Verdict.PARKED):
                self.note_refusal(taken)
            yield taken
            if taken.block is not None:
                waiting += self._waited_for(taken.block)

    def _waited_for(self, block: Block) -> list[tuple[bytes, Key | None]]:
        """Let go what waited for a block that came in."""
        waiting = self._followers(block) if self.store.ahead.waits(block.log) else []
        # What comes in from outside may hold pages too, and name others who wait there.
        if "page" in block.kinds:
            waiting += self._entrance.released(self.draft, block)
        return waiting

    def note_refusal(self, taken: Taken) -> None:
        """Note why nothing more of a log was let in, so that who tells of it in files need not bring it again and again.

        What only has to wait for its turn is asked for again.
        """
        if taken.log is None or taken.until:
            return
        self.store.carried.refuse(taken.log, taken.code)
        if taken.code in UNWANTED:
            self.store.ahead.drop(taken.log)

    # --- What came ahead --------------------------------------------------------------------------------

    @property
    def more_early(self) -> bool:
        """Whether something that came ahead may have what it follows by now, and waits for the next commit."""
        return any(self._early)

    def _look_at_all_early(self) -> None:
        for log in self.store.ahead.logs():
            self._look_early(log, At(0))

    def _look_early(self, log: LogId, at: At) -> None:
        """Note that something of a log that waits from there on may be let in."""
        row = self.store.logs.row(log)
        # What is not held is looked for when it begins: a stick may hold made-up blocks of any number of logs.
        if row is not None:
            queue = self._early[row.genesis.log_class is not LogClass.AUTHORITY]
            queue[log] = min(at, queue.get(log, at))

    def _followers(self, block: Block) -> list[tuple[bytes, Key | None]]:
        """Let go what follows a block that came in, within this commit's slice."""
        first, ids = block.first, block.ids
        early, rest = self.store.ahead.release(
            block.log,
            At(first + 1),
            first + len(ids),
            lambda at, prev: ids[at - first - 1] == prev,
            self._slice,
        )
        if rest is not None:
            self._look_early(block.log, rest)
        return [(each.raw, each.origin) for each in early]

    def take_early(self) -> list[Taken]:
        """Let in, in the open batch, a slice of what came ahead and has what it follows by now. Authority first."""
        outcomes: list[Taken] = []
        while self.more_early and not self._slice.full:
            log = self._tried_early = self.next_early()
            at, tip = self._early[log not in self._early[0]].pop(log), self.store.logs.tip(log)
            self._slice.looks -= 1  # There may be many of which nothing can be let in.
            if tip is None:
                continue
            held = partial(self._is_held, log)
            early, rest = self.store.ahead.release(log, at, tip.seq + 1, held, self._slice)
            if rest is not None:
                self._look_early(log, rest)
            # Those that stand first come first: what follows them is let go by them.
            outcomes += self._take_all([(each.raw, each.origin) for each in reversed(early)])
        return outcomes

    def _is_held(self, log: LogId, first: int, prev: RecordId) -> bool:
        return self.store.logs.base(log, first, prev) is not None

    def next_early(self) -> LogId:
        """Return the log of which something is let in next."""
        return next(iter(self._early[0] or self._early[1]))

    def let_in_early(self) -> None:
        """Let in all that came ahead and has what it follows, in as many batches as it takes."""
        while self.more_early:
            self.early_now()

    def early_now(self) -> list[Taken]:
        """Let in a slice of what came ahead, in a batch of its own, durably.

        What this program cannot bear is dropped with all that waits of its log: else it would fall over it at each start.
        """
        self.begin()
        try:
            outcomes = self.take_early()
            self.settle()
        except BaseException as error:
            self.rollback()
            if isinstance(error, StoreError) or not isinstance(error, Exception):
                raise
            log.error(
                "a block that waited brings a mistake of fedsync to light; please report it: %r",
                error,
                exc_info=error,
            )
            with self.store.transaction() as store:
                store.ahead.drop(self._tried_early)
            return []
        self.commit()
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
                unwanted = self._entrance.unwanted(row.genesis, raw, origin)
                if unwanted is not None:
                    return unwanted
                waits = self._entrance.wait(self.draft, row.genesis, raw, origin, base)
                if waits is not None:
                    return waits
            block = check(raw, base)
        except BadBlock as error:
            return Taken(raw, origin, Verdict.BAD, log, code=error.code, reason=str(error), fault=True)
        if row is None:
            refusal = self._entrance.admit(self.draft, block, origin)
            if refusal is None and origin is not None:
                refusal = self._entrance.wait(self.draft, block.genesis, raw, origin, None)
            if refusal is not None:
                return refusal
        return self._keep(block, raw, origin)

    def _held_whole(self, log: LogId, last: int, raw: bytes) -> bool:
        # Only to spare work: the bytes themselves were kept, so there is nothing to verify.
        for held in self.store.logs.raw_blocks(log, 0, 0):
            return held == raw
        return False

    def _keep(self, block: Block, raw: bytes, origin: Key | None) -> Taken:
        wait = self._entrance.too_many_branches(block)
        if wait:
            reason = "its log has many branches, and further ones are taken one an hour"
            return Taken(raw, origin, Verdict.REFUSED, block.log, code="branches", reason=reason, until=wait)
        appended = self.store.logs.append(block)
        if block.first == 0:
            self.notices.pin(self.draft, block.log)
        if origin is not None and appended.kept is not None:
            self._notice_rollback(block.genesis)
            kept, own = appended.kept, self._entrance.is_own(block.genesis.scope)
            named = self._entrance.is_named(self.draft, block.genesis)
            self.intake.count(block.genesis, own, kept.count, len(kept.raw), self.now(), named)
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
        if not self._entrance.is_own(genesis.scope):
            return
        directory = self.store.directory
        if directory.place is Place.SAME and _is_ours(genesis.incarnation, directory.incarnation):
            log.warning(
                "Records of this node's own came from a peer: it was restored, or a copy of it writes."
            )
            directory.note_rollback(secrets.token_bytes(8))

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
        return self._follows.follow(self.draft, scope, body, name, source, via, extent)

    def follow_kin(self, heard: Iterable[tuple[Scope, PageId, Key]] = ()) -> bool:
        """Look at what our book makes kin now, and follow it, in the open batch; return whether that is something new.

        `heard`: what peers announced, without which the founding tag of a body may not be known.
        """
        return self._follows.follow_kin(self.draft, heard)

    def seek(self, body: PageId) -> None:
        """Take it that a body is wanted that no peer is known to follow: the daemon asks peers which theirs are."""
        self._follows.seek(body)

    def unfollow(self, scope: Scope) -> None:
        """Follow a body no longer, whoever announces it, in the open batch. What is held of it stays, and counts for nothing."""
        self._follows.unfollow(scope)

    def follow_less(self, scope: Scope, body: PageId, extent: Extent) -> None:
        """Follow no more than so much of a body, in the open batch. What is held of it stays, and counts no more."""
        self._follows.follow_less(scope, body, extent)

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
        rebuild(self.store, self.state, self.notices, progress)
        self.draft = Draft(self.state)
        self._follows.stale = False


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
