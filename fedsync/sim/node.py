"""One node of a simulation: the machines of gossip over `Memory`, the real folds, and a disk that outlives a crash.

What a daemon does in its one order is done here: blocks wait, are taken in batches, and only after a commit, which
takes a while, is anything of them seen or told. What a crash finds in the node's hands is lost; what is on the disk is
read again and folded again.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import ClassVar, Final, TypeAlias

from fedsync.crdt import fold, root
from fedsync.crdt.logs.seats import is_named
from fedsync.crdt.view import Draft, MemoryView
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Declined,
    Did,
    Effect,
    Entitled,
    Event,
    Follow,
    Followed,
    Granted,
    Held,
    Hurried,
    Introduced,
    Level,
    Outcome,
    Outrun,
    Peer,
    Pinned,
    Received,
    Remember,
    Stored,
    Taken,
)
from fedsync.gossip.kept import pack, unpack
from fedsync.gossip.memory import Check, Memory
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.scores import Scores
from fedsync.records.block import Block, peek
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Extent, LogId, PageId, RecordId, Scope
from fedsync.sim.calling import Steers
from fedsync.sim.disk import Bound, Disk, Kept
from fedsync.sim.door import Door, Waited, Waits, urgency
from fedsync.sim.folding import Unsaid, bears, fold_again, fold_in, in_book, pin, settle
from fedsync.sim.lies import root_of
from fedsync.sim.links import End, Link, Net
from fedsync.sim.scenario import Pace
from fedsync.sim.scoping import Scoping
from fedsync.sim.shares import Limits, Porter
from fedsync.sim.sticks import fill

NOON: Final = 1_760_000_000_000
"""What a right clock shows when the simulation begins, in ms."""
SAVE_S: Final = 30.0
"""So often it saves what it thinks of peers and whom it has links with, in seconds, as a daemon does; no record waits for that."""


Says: TypeAlias = Callable[[bytes, bytes], list[bytes]]
"""What a liar sends in place of a frame, given the root that the peer told of last."""
Watch: TypeAlias = Callable[["Node", Sequence[RecordId]], None]
"""Told of records when a node has them for certain."""


class Node:
    """One community's node. A station of the net."""

    CURIOUS: ClassVar = True
    """Whether it has a use for bodies that it does not follow so far."""

    def __init__(
        self, name: str, net: Net, check: Check, pace: Pace, offset: int, watch: Watch, lies: Says | None
    ) -> None:
        """`offset`: how wrong its clock is, in ms. `lies`: what it sends in place of a frame, if it is a liar."""
        self.name, self.net, self.offset = name, net, offset
        self._heap, self._dice, self._seen = net.heap, net.dice, net.seen
        self.peer = Peer(sha256(f"node {name}".encode()).digest())
        self.alive = True
        self.ends: dict[Peer, End] = {}
        self.lies = lies
        self.scoping: Scoping | None = None
        """Says what it keeps of others; where nothing does, it keeps whatever peers announce."""
        self._limits: tuple[Limits, Scope] | None = None
        self._porter: Porter | None = None
        self.begun: list[int] = []
        """When it began, as its clock showed: what was counted shortly before may be forgotten."""
        self.scores: Scores
        self.steering: Steers | None = None
        """Chooses its links, where the scenario does not."""
        self.came = self.new = 0
        """Bytes of blocks that came to the door, and of those that were new."""
        self._heard: dict[Peer, bytes] = {}
        """The root that each peer told of last: a liar may make use of it."""
        self.waited = Waited()
        self.settled: Callable[[], None] = lambda: None
        """Called when something was kept that bears on a book."""
        self.introduced: Callable[[Peer, Introduced], None] = lambda peer, said: None
        """Told when a peer says that there is a node."""
        self.doom: Callable[[], None] | None = None
        """What befalls it in the middle of its next commit."""
        self._check, self._pace, self._watch = check, pace, watch
        self.disk = Disk(self._dice.randbytes(8))
        self._begin()

    @property
    def life(self) -> object:
        """Another thing each time that it begins."""
        return self._life

    @property
    def links(self) -> list[Link]:
        """The links that end here."""
        return [link for link in self.net.links if self in (link.one, link.two)]

    # --- Dying and coming back --------------------------------------------------------------------------

    def _begin(self) -> None:
        self.view = MemoryView()
        self.scores = Scores.unpack(self.disk.scores)
        self._save_at = self._heap.now + SAVE_S
        self._hold(Memory(self.disk.journal, self._admit, self._check))
        self._hands: list[Waits] = []
        self._unsaid = Unsaid()
        self._follows: dict[Scope, tuple[PageId, Extent]] = {}
        self._planned = False
        self._stale = False
        self._coming, self._draft = b"", Draft(self.view)
        """What is at the door now, and what was folded of its batch."""
        self._life = object()
        self._porter = None
        # What was followed more of later is judged by that, as it was before.
        extents = {each.scope: each.extent for each in self.disk.entries if isinstance(each, Bound)}
        outside = {scope for scope, extent in extents.items() if extent < Extent.ALL}
        for entry in self.disk.entries:
            draft = Draft(self.view)
            if isinstance(entry, Bound):
                self.memory.follow(entry.scope, entry.body, entry.extent)
                if extents.pop(entry.scope, None) is not None:
                    fold.apply_bind(draft, entry.scope, entry.body, entry.scope in outside)
            else:
                self._keep(draft, entry.raw, entry.wall, entry.own)
            self._settle(draft)
        # Not before: what lies on the disk has passed the door.
        self._count()

    def limit(self, limits: Limits, own: Scope) -> None:
        """Take so much of each author and body in an hour. `own`: the community whose node this is."""
        self._limits = limits, own
        self._count()

    def _count(self) -> None:
        """Begin to count, with what was kept of that."""
        if self._limits is not None:
            self._porter = Porter(*self._limits, self.disk.spent.get)
            self.begun.append(self.wall())

    def _hold(self, memory: Memory) -> None:
        """Begin over what is held."""
        self.memory, self.engine = memory, Engine(memory, curious=self.CURIOUS)
        judge = urgency(memory, self._check)
        self._door = Door(lambda raw: judge.turn(self.view, raw), self.waited)

    def crash(self, loud: bool) -> None:
        """End at once. `loud`: the machine goes on, and hangs up for its program; else its power fails: peers find out."""
        self._save()
        self.alive = False
        if self.steering is not None:
            self.steering.stop()
        self._seen.note("crash")
        if self._hands:
            self._seen.note("crash-in-commit")
            if self._dice.random() < 0.5:
                # All of the commit had reached the disk, and nobody was told.
                self._seen.note("crash-untold")
                self._write_hands()
                self.disk.sync()
        if not loud:
            self.disk.fail()
        for end in list(self.ends.values()):
            if loud:
                self.net.hang_up(end, tell=False)
            end.up = False
        self.ends.clear()
        self._life = object()

    def backup(self) -> Disk:
        """Return a copy of its disk."""
        if self.alive:
            self._save()
        return self.disk.copied()

    def restore(self, backup: Disk, noticed: bool) -> None:
        """Put a backup in place of its disk while it is down. `noticed`: it knows, as on another machine."""
        self.disk = backup.copied()
        if noticed:
            self.disk.journal = self._dice.randbytes(8)
            self.disk.remembered.clear()

    def start(self) -> None:
        """Come back with what is on the disk."""
        self._begin()
        self.alive = True
        if self.steering is not None:
            self.steering.start(unpack(self.disk.views))
        for link in self.links:
            self.net.redial(link)

    # --- A station of the net ---------------------------------------------------------------------------

    def wall(self) -> int:
        """Return what its clock shows, in ms."""
        return NOON + self.offset + int(self._heap.now * 1000)

    def tell(self, peer: Peer, event: Event) -> None:
        """Feed an event of one peer to the machines."""
        if self.lies is not None and isinstance(event, Received) and (said := root_of(event.frame)):
            self._heard[peer] = said
        if self.alive:
            self.net.act(self, self.engine.handle(peer, event, self._heap.now))

    def says(self, peer: Peer, frame: bytes) -> list[bytes]:
        """Return what it sends to a peer in place of a frame."""
        return [frame] if self.lies is None else self.lies(frame, self._heard.get(peer, b""))

    def linked(self, peer: Peer, called: bool) -> bool:
        """Say whether a link may stand."""
        if not self.alive or self.steering is None:
            return self.alive
        self._save()
        return self.steering.linked(peer, called)

    def thinks(self, peer: Peer) -> float:
        """Return what it thinks of a peer."""
        return self.scores.of(peer, self.wall())

    def pushes(self, peer: Peer) -> bool:
        """Say whether it pushes new blocks to a peer."""
        return self.engine.eager(peer)

    def unlinked(self, peer: Peer, answered: bool) -> None:
        """Note that a link is gone, or could not be had."""
        if self.alive and self.steering is not None:
            self._save()
            self.steering.unlinked(peer, answered)

    def _save(self) -> None:
        """Save what it thinks of peers and the views of its overlay, if that was due since: asked before either changes.

        What only changes with time, as what an overlay does by itself, is saved as it is at the next change.
        """
        if self._heap.now < self._save_at:
            return
        late = (self._heap.now - self._save_at) % SAVE_S
        self._save_at = self._heap.now - late + SAVE_S
        if self.scores.changed:
            self.disk.scores, self.scores.changed = self.scores.pack(), False
        if self.steering is not None:
            self.disk.views = pack(self.steering.keep())

    def memory_of(self, peer: Peer) -> PeerMemory | None:
        """Return what it remembers of a peer."""
        return self.disk.remembered.get(peer)

    def put(self, end: End, number: int, raw: bytes) -> None:
        """Queue a block for the door."""
        self.came += len(raw)
        self._door.put(Waits(end.peer, end, number, raw), self._heap.now)
        self._plan()

    def fills(self) -> bytes:
        """Return what it puts on a stick."""
        return fill(self.name, self.memory, self._dice.randbytes(16), self.wall())

    def follows(self) -> Sequence[tuple[Scope, bytes, Extent]]:
        """Return the bodies that it follows."""
        return self.memory.bodies()

    def do(self, peer: Peer, effect: Effect) -> None:
        """Carry out what concerns the node and not its link."""
        match effect:
            # The most frequent first.
            case Level():
                pass
            case Remember(memory):
                self.disk.remember(peer, memory)
            case Follow(scope, body, extent):
                if scope not in self._follows or self._follows[scope][1] < extent:
                    self._follows[scope] = (PageId(body), extent)
                self._plan()
            case Did(deed):
                self._save()
                self.scores.note(peer, deed, self.wall())
            case Introduced():
                self.introduced(peer, effect)
            case Outrun():
                self._seen.note("outrun")
                self.disk.journal = self._dice.randbytes(8)
                self.memory.renew(self.disk.journal)
            case _:
                pass

    # --- The door ---------------------------------------------------------------------------------------

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            self._later(0.0, self._batch)

    def _later(self, delay: float, what: Callable[[], None]) -> None:
        life = self._life
        self._heap.after(delay, lambda: what() if self._life is life else None)

    def _batch(self) -> None:
        """Take into its hands what waits longest, or is urgent; commit it a while later."""
        self._hands, checking = self._door.batch(self._heap.now, self._pace.checking)
        takes = checking + self._pace.commit * (0.5 + self._dice.random())
        if self.doom is not None:
            self._later(takes * self._dice.random(), self.doom)
            self.doom = None
        self._later(takes, self._commit)

    def _commit(self) -> None:
        """Make durable what it has in its hands; only then answer and tell."""
        bound, answers, told = self._write_hands()
        if self._porter is not None:
            self.disk.spent.update(self._porter.due(self.wall()))
        self.disk.sync()
        self._planned = False
        if bound or any(in_book(block) for block, _, _ in told):
            self._entitle()
        if bound:
            self._all(Followed())
        # A log of which the first blocks were let in and the next have to wait: what waits is the last word on it.
        waits = [each for each in answers if isinstance(each[2], Declined) and each[2].until]
        self._answer([each for each in answers if each not in waits] if waits else answers)
        for block, peer, fork in told:
            self._all(Stored(block.log, block.raw, (block.last, block.tip), fork, peer))
        self._answer(waits)
        self._tell_hurried()
        if bound or any("page" in block.kinds for block, _, _ in told):
            self._all(Granted())
        if any(bears(block) for block, _, _ in told):
            self.settled()
        if self._door or self._follows:
            self._plan()

    def _answer(self, answers: Sequence[tuple[End, int, Outcome]]) -> None:
        for end, number, outcome in answers:
            if self.ends.get(end.peer) is end:
                self.tell(end.peer, Taken(number, outcome))

    def _write_hands(
        self,
    ) -> tuple[bool, list[tuple[End, int, Outcome]], list[tuple[Block, Peer, int | None]]]:
        """Write what it has in its hands. Return whether it follows a new body, the answers, and what is held now."""
        hands, self._hands = self._hands, []
        follows, self._follows = self._follows, {}
        draft, wall = Draft(self.view), self.wall()
        if self.scoping is not None:
            wanted = self.scoping.kin(self.view)
            follows = {scope: (body, wanted[body]) for scope, (body, _) in follows.items() if body in wanted}
        bound = [scope for scope, row in follows.items() if self._bind(draft, scope, *row)]
        answers: list[tuple[End, int, Outcome]] = []
        told: list[tuple[Block, Peer, int | None]] = []
        for _, end, number, raw in hands:
            outcome, block = self._keep(draft, raw, wall, own=False)
            answers.append((end, number, outcome))
            if block is not None:
                self.new += len(block.raw)
                self.disk.write(Kept(block.raw, wall, own=False))
                told.append((block, end.peer, outcome.fork if isinstance(outcome, Held) else None))
        self._settle(draft)
        more = any(in_book(block) for block, _, _ in told) and self._follow_kin()
        if self._stale:
            self._fold_again()
        for block, _, _ in told:
            self._watch(self, block.ids)
        return more or bool(bound), answers, told

    # --- What it keeps of others --------------------------------------------------------------------------

    def near_of(self, peer: Peer) -> frozenset[Scope] | None:
        """Return of which bodies a peer gets what goes only as far as their region; None: of every one."""
        if self.scoping is None:
            return None
        return self.scoping.near_of(self.view, [scope for scope, *_ in self.memory.following], peer)

    def _follow_kin(self) -> bool:
        """Follow what our own book makes kin by now; return whether that is something new."""
        if self.scoping is None:
            return False
        heard = [each for peer in self.engine.peers if (each := self.engine.following(peer)) is not None]
        draft = Draft(self.view)
        new = [
            row
            for row in list(self.scoping.lacking(self.view, self.memory.following, heard))
            if self._bind(draft, *row)
        ]
        self._settle(draft)
        if new:
            self._seen.note("kin")
        return bool(new)

    def _entitle(self) -> None:
        """Let peers have what the books say by now."""
        if self.scoping is not None:
            scopes = [scope for scope, *_ in self.memory.following]
            for peer, near in self.scoping.entitled(self.view, scopes, list(self.ends)):
                self.tell(peer, Entitled(near))

    def _settle(self, draft: Draft) -> None:
        """Write what was folded, and note what sessions have to be told of logs."""
        settle(draft, self.memory, self._unsaid)
        self.view.commit(draft.changes)

    def _tell_hurried(self) -> None:
        unsaid = self._unsaid
        if not unsaid.pinned and not unsaid.hastened:
            return
        self._unsaid = Unsaid()
        for log in unsaid.pinned:
            self._seen.note("pinned")
            self._all(Pinned(log))
        if unsaid.hastened:
            self._seen.note("urgent")
        for log in unsaid.hastened:
            self._all(Hurried(log))

    def _all(self, event: Stored | Granted | Followed | Hurried | Pinned) -> None:
        self.net.act(self, self.engine.everyone(event, self._heap.now))

    def _keep(self, draft: Draft, raw: bytes, wall: int, own: bool) -> tuple[Outcome, Block | None]:
        """Bring a block through the door into memory and state."""
        self._coming, self._draft = raw, draft
        if self._porter is not None and not own:
            wait = self._porter.wait(draft, self.memory, raw, self._admit, self._check, wall)
            if wait is not None:
                self._seen.note("over-share")
                return wait, None
        outcome, block = self._own(raw) if own else self.memory.take(raw, wall)
        if block is not None and self._porter is not None and not own:
            self._porter.count(draft, block, wall)
        if block is not None:
            fork = outcome.fork if isinstance(outcome, Held) else None
            if fork is not None:
                self._seen.note("fork-met")
            fold_in(draft, self.view, block, fork)
            if block.first == 0:
                pin(draft, self.memory, block.log, self._unsaid)
        return outcome, block

    def _own(self, raw: bytes) -> tuple[Outcome, Block | None]:
        head = peek(raw)
        base = self.memory.base(head.log, (head.first - 1, head.prev)) if head.first else None
        return self.memory.wrote(self._check(raw, base))

    def _admit(self, genesis: Genesis) -> str:
        """Say whether a log may begin here, as the node's own door does."""
        followed = self.memory.followed(genesis.scope)
        if followed is None:
            return "no"
        body, extent = followed
        if not extent.covers(genesis.reach, genesis.log_class):
            return "no"
        if is_named(self._draft, genesis.scope, genesis.key) or _carries(self._check, self._coming, body):
            return "yes"
        return "park"

    def _bind(self, draft: Draft, scope: Scope, body: PageId, extent: Extent = Extent.ALL) -> bool:
        held = self.memory.followed(scope)
        if not self.memory.follow(scope, body, extent):
            return False
        self.disk.write(Bound(scope, body, extent))
        if held is None:
            fold.apply_bind(draft, scope, body, extent < Extent.ALL)
        elif extent is Extent.ALL:
            self._stale = True
        return True

    def _fold_again(self) -> None:
        """Fold again all that is held: a body that was looked at from outside is held whole now."""
        self._stale = False
        self.view, draft = fold_again(self.memory)
        self._settle(draft)

    # --- What people write here -------------------------------------------------------------------------

    def follow(self, scope: Scope, body: PageId, extent: Extent = Extent.ALL) -> None:
        """Follow a body: one's own, before anything of it is written, or what the operator asks for."""
        draft = Draft(self.view)
        self._bind(draft, scope, body, extent)
        self._settle(draft)
        self.disk.sync()
        if self._stale:
            self._fold_again()

    def write(self, blocks: Sequence[Block]) -> bool:
        """Keep blocks of somebody here, durably; False, and nothing is kept, when the first is not taken."""
        for block in blocks:
            draft, wall = Draft(self.view), self.wall()
            outcome, kept = self._keep(draft, block.raw, wall, own=True)
            if kept is None:
                return False
            self.disk.write(Kept(kept.raw, wall, own=True))
            self._settle(draft)
            self.disk.sync()
            self._watch(self, kept.ids)
            fork = outcome.fork if isinstance(outcome, Held) else None
            self._all(Stored(kept.log, kept.raw, (kept.last, kept.tip), fork, None))
            self._tell_hurried()
            if "page" in kept.kinds:
                self._all(Granted())
            if bears(kept):
                if self._follow_kin():
                    self.disk.sync()
                    if self._stale:
                        self._fold_again()
                    self._all(Followed())
                self._entitle()
                self.settled()
        return True

    def holds(self, log: LogId, seq: int, record: RecordId) -> bool:
        """Say whether it has this record."""
        return self.memory.holds(log, (seq, record))

    def ids(self) -> list[RecordId]:
        """Return all records that it has."""
        return [
            each
            for log in self.memory.logs()
            for block, _, _ in self.memory.log(log).blocks  # type: ignore[union-attr]
            for each in block.ids
        ]

    def body_root(self, scope: Scope) -> bytes:
        """Return the root over what is known of one body."""
        draft = Draft(self.view)
        found = root.body_root(draft, scope)
        self.view.commit(draft.changes)
        return found

    def state_root(self) -> bytes:
        """Return the state root."""
        draft = Draft(self.view)
        found = root.state_root(draft)
        self.view.commit(draft.changes)
        return found


def _carries(check: Check, raw: bytes, page: bytes) -> bool:
    """Say whether the block at the door holds page 0 of the body: then its author is known by it."""
    block = check(raw, None)
    return any(
        kind == "page" and bytes(block.record(at).payload_id) == page for at, kind in enumerate(block.kinds)
    )
