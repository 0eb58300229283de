"""Production nodes in virtual time: real stores on disk, the real door, the real folds, the real machines of gossip.

A house is what a daemon is without its sockets: a `Node` over its file, an `Engine` over a reader of that file, and
between them the order of things that `fedsync.daemon` keeps: blocks are taken in batches, a commit takes a while in
which frames go on being read, and only after it is anything told. Everything follows from the seed. The one thing
that is left out is the disk's own patience: here a program dies and not the machine, so nothing waits for fsync.
"""

import heapq
import random
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TypeAlias

from fedsync.daemon.doorkeeper import outcome_of
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Close,
    Closed,
    Effect,
    Event,
    Follow,
    Followed,
    Granted,
    Opened,
    Outcome,
    Outrun,
    Pause,
    Peer,
    Pinned,
    Received,
    Remember,
    Resume,
    Room,
    Send,
    Stored,
    Take,
    Taken,
    Tick,
    Wake,
)
from fedsync.gossip.limits import BUCKET_DEPTH
from fedsync.gossip.link import QUEUE_BYTES
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.trees import Trees
from fedsync.gossip.trie import node_hash
from fedsync.node import Node
from fedsync.node import Taken as Admitted
from fedsync.records.ids import Key, PageId, Reach, Scope
from fedsync.store.holdings import StoreHoldings
from fedsync.store.places import Place
from fedsync.store.reading import open_reader
from fedsync.store.store import create_store, open_store

NOON = 1_760_000_000_000
HERE, ELSEWHERE = b"this machine", b"another machine"
Tamper: TypeAlias = Callable[["House", bytes], list[bytes]]


@dataclass(eq=False)
class End:
    """One end of a link that stands: what waits to be read, and when to wake."""

    link: "Link"
    house: "House"
    dialler: bool
    inbox: deque[bytes] = field(default_factory=deque)
    paused_until: float | None = 0.0
    wake_at: float = float("inf")
    free_at: float = 0.0
    last_at: float = 0.0
    queued: int = 0
    asks_room: bool = False
    up: bool = True

    @property
    def peer(self) -> Peer:
        """Whom this end talks to."""
        return self.link.other(self.house).peer


@dataclass(eq=False)
class Link:
    """Two houses that may talk. `delay` in seconds, `rate` in bytes a second."""

    one: "House"
    two: "House"
    delay: float
    rate: float
    ends: tuple[End, End] | None = None
    shunned_until: float = 0.0
    closes: list[str] = field(default_factory=list)

    def other(self, house: "House") -> "House":
        return self.two if house is self.one else self.one


class House:
    """One community's node. Whatever its methods do is durable, or lost when it falls over."""

    def __init__(self, world: "World", name: str, path: Path) -> None:
        self.world, self.name, self.path = world, name, path
        self.key = Key(sha256(f"house {name}".encode()).digest())
        self.peer = Peer(self.key)
        self.place = HERE
        self.ends: dict[Peer, End] = {}
        self.follow_limit = 100
        self.tamper: Tamper | None = None
        create_store(
            path, fingerprint=HERE, journal=world.dice.randbytes(8), incarnation=world.dice.randbytes(16)
        ).close()
        self._open()

    def _open(self) -> None:
        self.store = open_store(self.path, fingerprint=self.place, fresh_journal=self.world.dice.randbytes(8))
        self.store.conn.execute("PRAGMA synchronous = OFF")
        self.node = Node(self.store, self.world.wall)
        self.node.follow_limit = self.follow_limit
        self.reader = open_reader(self.path)
        self.holdings = StoreHoldings(self.reader, lambda items: node_hash(items, BUCKET_DEPTH))
        self.engine = Engine(self.holdings)
        self.queues: dict[Peer, deque[tuple[End, int, bytes]]] = {}
        self.busy = self._woken = False
        self.life = object()
        """Another one after each start: what was planned in an earlier life does not happen."""
        self._memories: dict[Peer, PeerMemory] = {}
        self._unsaved: set[Peer] = set()
        self._follows: dict[Scope, tuple[Peer, Follow]] = {}
        self._outrun = self._bodies_changed = False

    # --- Dying and coming back --------------------------------------------------------------------------

    def fall(self) -> None:
        """End at once: what is not committed is lost, and nobody is told anything."""
        for end in list(self.ends.values()):
            self.world.cut(end.link)
        if self.store.in_transaction:
            self.node.rollback()
        self.reader.close()
        self.store.close()

    def restart(self) -> None:
        """Fall over and start again from the file."""
        self.fall()
        self._open()

    def backup(self, path: Path) -> None:
        """Copy what is committed."""
        # Through the reader: the writer may be in the middle of a batch, which is no part of a backup.
        with closing(sqlite3.connect(path)) as copy:
            self.reader.conn.backup(copy)

    def restore(self, path: Path, noticed: bool) -> None:
        """Go back to a copy; `noticed` on another machine, else where it was, as a host rolls a machine back."""
        self.fall()
        for each in (self.path, Path(f"{self.path}-wal"), Path(f"{self.path}-shm")):
            each.unlink(missing_ok=True)
        shutil.copyfile(path, self.path)
        if noticed:
            self.place = ELSEWHERE if self.place == HERE else HERE
        self._open()

    # --- The machines -----------------------------------------------------------------------------------

    def tell(self, peer: Peer, event: Event) -> None:
        """Feed an event of one peer to the machines."""
        self.world.act(self, self.engine.handle(peer, event, self.world.now))

    def tell_all(self, event: Stored | Granted | Pinned | Followed) -> None:
        """Feed an event that concerns all peers."""
        self.world.act(self, self.engine.everyone(event, self.world.now))

    def memory(self, peer: Peer) -> PeerMemory | None:
        """Return what is remembered of a peer."""
        if self.store.directory.place is not Place.SAME:
            return None
        if peer not in self._memories:
            kept = self.store.meta.data(f"memory:{peer.hex()}")
            if not kept:
                return None
            self._memories[peer] = PeerMemory.unpack(kept)
        return self._memories[peer]

    def do(self, peer: Peer, effect: Effect) -> None:
        """Carry out what concerns the house and not its link."""
        match effect:
            case Follow(scope=scope):
                self._follows.setdefault(scope, (peer, effect))
            case Remember(memory):
                self._memories[peer] = memory
                self._unsaved.add(peer)
            case Outrun():
                self._outrun = True
            case _:
                return
        self._wake()

    # --- The door ---------------------------------------------------------------------------------------

    def put(self, end: End, number: int, raw: bytes) -> None:
        """Queue a block that came over a link."""
        self.queues.setdefault(end.peer, deque()).append((end, number, raw))
        self._wake()

    def forget(self, peer: Peer) -> None:
        """Drop what waits of a peer whose session is over."""
        self.queues.pop(peer, None)

    def own(self, raws: Sequence[bytes]) -> list[Admitted]:
        """Take what somebody wrote here. Not while a batch is open: see `busy`."""
        assert not self.busy
        taken = self.node.take_now(raws)
        self._announce(taken)
        return taken

    def follow(self, scope: Scope, body: PageId) -> None:
        """Follow our own body."""
        self.node.begin()
        self.node.follow(scope, body, None, "own")
        self.node.settle()
        self.node.commit()

    def _wake(self) -> None:
        if not self.busy and not self._woken:
            self._woken = True
            self._later(self.world.dice.choice([0.0, 0.0, 0.01]), self._batch)

    def _later(self, delay: float, what: Callable[[], None]) -> None:
        life = self.life
        self.world.at(self.world.now + delay, lambda: what() if self.life is life else None)

    def _batch(self) -> None:
        dice = self.world.dice
        self.busy, self._woken = True, False
        answers: list[tuple[End, int, Outcome]] = []
        taken: list[Admitted] = []
        self.node.begin()
        for _ in range(dice.choice([1, 2, 5, 30, 256])):
            found = self._next()
            if found is None:
                break
            end, number, raw = found
            outcomes = self.node.take([(raw, Key(end.peer))])
            taken += outcomes
            answers.append((end, number, outcome_of(outcomes[0])))
        self._write_unsaved()
        self.node.settle()
        self._later(self.world.commit_s * dice.random(), partial(self._commit, answers, taken))

    def _commit(self, answers: list[tuple[End, int, Outcome]], taken: list[Admitted]) -> None:
        self.node.commit()
        delay = self.world.commit_s * self.world.dice.choice([0.0, 0.0, 0.5])
        self._later(delay, partial(self._deliver, answers, taken))

    def _deliver(self, answers: list[tuple[End, int, Outcome]], taken: list[Admitted]) -> None:
        if self._bodies_changed:
            self._bodies_changed = False
            self.tell_all(Followed())
            self.tell_all(Granted())
        for end, number, outcome in answers:
            if self.ends.get(end.peer) is end:
                self.tell(end.peer, Taken(number, outcome))
        self._announce(taken)
        self.busy = False
        if any(self.queues.values()) or self._unsaved or self._follows or self._outrun:
            self._wake()

    def _announce(self, taken: Sequence[Admitted]) -> None:
        granted = False
        for each in taken:
            block = each.block
            if block is None:
                continue
            granted = granted or "page" in block.kinds
            origin = Peer(each.origin) if each.origin else None
            self.tell_all(Stored(block.log, block.raw, (block.last, block.tip), each.fork_at, origin))
        for log in self.node.notices.repinned():
            self.tell_all(Pinned(log))
        if granted:
            self.tell_all(Granted())

    def _next(self) -> tuple[End, int, bytes] | None:
        for peer in list(self.queues):
            queue = self.queues.pop(peer)
            if queue:
                found = queue.popleft()
                if queue:
                    self.queues[peer] = queue
                return found
        return None

    def _write_unsaved(self) -> None:
        directory = self.store.directory
        if self._outrun:
            self._outrun = False
            directory.note_rollback(self.world.dice.randbytes(8))
        for peer in sorted(self._unsaved):
            memory = self._memories[peer]
            self.store.meta.set(f"memory:{peer.hex()}", memory.pack())
            if not memory.doubt:
                directory.note_synced()
        self._unsaved.clear()
        for peer, each in self._follows.values():
            if self.node.follow(each.scope, PageId(each.body), None, "announced", Key(peer), each.extent):
                self._bodies_changed = True
        self._follows.clear()

    # --- Looking ----------------------------------------------------------------------------------------

    def bodies(self) -> frozenset[tuple[Scope, bytes]]:
        """Return what it follows."""
        return frozenset((scope, body) for scope, body, _ in self.holdings.bodies())

    def set_roots(self) -> list[tuple[object, bytes]]:
        """Return the roots of all sets of what it follows, but of what never leaves a house."""
        followed = {scope for scope, *_ in self.holdings.bodies()}
        trees, sets = Trees(self.holdings), self.holdings.sets()
        return [*trees.roots(key for key in sets if key[0] in followed and key[1] is not Reach.LOCAL)]


class World:
    """Houses, links between them, and a heap of what happens when."""

    def __init__(self, seed: int, path: Path) -> None:
        self.dice, self.path = random.Random(seed), path
        self.now, self.steps = 0.0, 0
        self.loss = self.duplication = self.reorder = 0.0
        self.commit_s = 0.03
        self.houses: list[House] = []
        self.links: list[Link] = []
        self.trace = sha256()
        """Over every frame and when it was sent: equal when two runs are."""
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def wall(self) -> int:
        """Return the wall clock in ms."""
        return NOON + int(self.now * 1000)

    def house(self, name: str) -> House:
        self.houses.append(House(self, name, self.path / f"{name}.db"))
        return self.houses[-1]

    def link(self, one: House, two: House, delay: float = 0.05, rate: float = 1e6) -> Link:
        self.links.append(Link(one, two, delay, rate))
        return self.links[-1]

    def close(self) -> None:
        for house in self.houses:
            house.fall()

    # --- Links ------------------------------------------------------------------------------------------

    def connect(self, link: Link, brief: bool = False) -> None:
        """Begin a session; `one` dials."""
        assert link.ends is None
        link.ends = (End(link, link.one, True), End(link, link.two, False))
        for end in link.ends:
            end.house.ends[end.peer] = end
        for end in link.ends:
            memory = end.house.memory(end.peer)
            end.house.tell(end.peer, Opened(end.dialler, self.dice.randbytes(8), self.wall(), memory, brief))
            self._ask_room(end)

    def cut(self, link: Link) -> None:
        """Cut a link: what is on its way is lost."""
        if link.ends is None:
            return
        ends, link.ends = link.ends, None
        for end in ends:
            end.up = False
            end.house.tell(end.peer, Closed())
            del end.house.ends[end.peer]
            end.house.forget(end.peer)

    # --- Time -------------------------------------------------------------------------------------------

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (max(when, self.now), next(self._order), what))

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass; return whether `until` came true. It is asked whenever nothing happens for a moment."""
        end = self.now + seconds
        asked = -1
        while self._heap and self._heap[0][0] <= end:
            if until is not None and self._heap[0][0] > self.now + 0.05 and self.steps != asked:
                asked = self.steps
                if until():
                    return True
            self.now, _, what = heapq.heappop(self._heap)
            what()
            self.steps += 1
        self.now = end
        return until() if until is not None else True

    # --- Effects ----------------------------------------------------------------------------------------

    def act(self, house: House, effects: list[tuple[Peer, Effect]]) -> None:
        """Carry out what an engine asks for."""
        for peer, effect in effects:
            end = house.ends.get(peer)
            if end is None:
                if isinstance(effect, Remember):
                    house.do(peer, effect)
                continue
            match effect:
                case Send(frame, _):
                    self._send(end, frame)
                case Take(number, raw):
                    house.put(end, number, raw)
                case Wake(when):
                    end.wake_at = when
                    self.at(when, partial(self._tick, end, when))
                case Pause(until):
                    end.paused_until = until
                case Resume():
                    end.paused_until = 0.0
                    self.at(self.now, partial(self._read, end))
                case Close(code, _, back_off):
                    end.link.closes.append(f"{house.name}: {code}")
                    end.link.shunned_until = self.now + back_off
                    self.at(self.now + end.link.delay, partial(self._closed, end))
                case _:
                    house.do(peer, effect)

    def _send(self, end: End, frame: bytes) -> None:
        tamper = end.house.tamper
        for each in [frame] if tamper is None else tamper(end.house, frame):
            self.trace.update(b"%f" % self.now + each)
            for _ in range(2 if self.dice.random() < self.duplication else 1):
                self._carry(end, each)
        end.asks_room = True
        self._ask_room(end)

    def _carry(self, end: End, frame: bytes) -> None:
        link = end.link
        leaves = end.free_at = max(self.now, end.free_at) + len(frame) / link.rate
        end.queued += len(frame)
        self.at(leaves, partial(self._left, end, len(frame)))
        if self.dice.random() < self.loss:
            return
        comes = leaves + link.delay
        if self.dice.random() < self.reorder:
            comes += self.dice.random() * link.delay * 4
        else:
            comes = end.last_at = max(comes, end.last_at)
        self.at(comes, partial(self._arrive, end, frame))

    def _left(self, end: End, size: int) -> None:
        end.queued -= size
        if end.asks_room:
            self._ask_room(end)

    def _ask_room(self, end: End) -> None:
        if end.queued <= QUEUE_BYTES // 2:
            end.asks_room = False
            self.at(self.now, partial(self._room, end))

    def _room(self, end: End) -> None:
        if end.up:
            end.house.tell(end.peer, Room(QUEUE_BYTES - end.queued))

    def _arrive(self, sender: End, frame: bytes) -> None:
        if sender.up and sender.link.ends is not None:
            one, two = sender.link.ends
            end = two if sender is one else one
            end.inbox.append(frame)
            self._read(end)

    def _read(self, end: End) -> None:
        while end.inbox and end.up and end.paused_until is not None:
            if end.paused_until > self.now:
                self.at(end.paused_until, partial(self._read, end))
                return
            end.house.tell(end.peer, Received(end.inbox.popleft()))

    def _tick(self, end: End, when: float) -> None:
        if end.up and end.wake_at == when:
            end.wake_at = float("inf")
            end.house.tell(end.peer, Tick())

    def _closed(self, end: End) -> None:
        if end.up:
            self.cut(end.link)
