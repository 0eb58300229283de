"""A small world in virtual time: nodes with the production machines, authors who sign, links that fail.

Everything follows from the seed. A node is a `Memory` behind an `Engine`; the world carries out effects, so
what a test sees is what a daemon would do. `check` is remembered across nodes, since it is a function of bytes
and base alone and half of the time would go into verifying the same block eight times.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Close,
    Closed,
    Effect,
    Event,
    Follow,
    Followed,
    Held,
    Opened,
    Pause,
    Peer,
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
from fedsync.gossip.memory import Memory
from fedsync.gossip.nature import STREAM, Nature
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.trees import Trees
from fedsync.records.block import Base, Block
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Extent, LogClass, LogId, Reach, Scope
from fedsync.records.places import START
from fedsync.records.seal import Draft
from fedsync.sim.signing import Signing
from tests.sealing import seal

checked = Signing("once").check
"""Checks a block, once for all nodes."""

SCOPE = Scope(b"s" * 16)
BODY = (SCOPE, b"b" * 32)


@dataclass
class Author:
    """Writes one log; `at` is where its own chain stands. To equivocate, put `at` back."""

    number: int
    log_class: LogClass = LogClass.FACTS
    reach: Reach = Reach.REGION
    scope: Scope = SCOPE
    incarnation: int = 0
    at: Base | None = None
    genesis: Genesis = field(init=False)

    def __post_init__(self) -> None:
        self.private = private_key(self.number.to_bytes(32, "big"))
        incarnation = self.incarnation.to_bytes(16, "big")
        self.genesis = Genesis(
            public_key(self.private), self.scope, SEAT, self.log_class, self.reach, incarnation
        )

    @property
    def log(self) -> LogId:
        return self.genesis.log

    def write(self, *words: str, time: int = 1_700_000_000_000) -> list[Block]:
        """Return the blocks that add a record for each word."""
        drafts = [Draft("note", {"text": word}, time) for word in words]
        blocks = seal(self.private, self.genesis, self.at, drafts, time)
        for block in blocks:
            before = self.at
            self.at = Base(
                self.genesis, block.last, block.tip, block.place(before.place if before else START)
            )
        return blocks


class Node:
    """One node: what it holds, its sessions, and what it remembers of its peers."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name, self.peer = world, name, Peer(name.encode())
        self.memory = Memory(world.random.randbytes(8), checker=checked)
        self.memory.follow(*BODY)
        self.engine = Engine(self.memory)
        self.remembered: dict[Peer, bytes] = {}
        self.limit_follow = 100
        self.near: dict[Peer, frozenset[Scope]] = {}
        """The bodies of which each peer gets what goes only as far as a region; who is missing, of every one."""

    def restore(self, memory: Memory, remembered: dict[Peer, bytes]) -> None:
        """Go back to a copy: what a backup does. Its links are cut by whoever calls."""
        self.memory, self.remembered = memory, dict(remembered)
        self.engine = Engine(self.memory)

    def write(self, blocks: list[Block]) -> None:
        """Keep blocks of our own and tell the sessions."""
        for block in blocks:
            if self.memory.write(block):
                self.stored(block, None)

    def stored(self, block: Block, origin: Peer | None, fork: int | None = None) -> None:
        event = Stored(block.log, block.raw, (block.last, block.tip), fork, origin)
        self.world.act(self, self.engine.everyone(event, self.world.now))

    def roots(self) -> list[tuple[object, bytes]]:
        """Return the roots of all sets."""
        return [*Trees(self.memory).roots(self.memory.sets())]

    def tell(self, peer: Peer, event: Event) -> None:
        self.world.act(self, self.engine.handle(peer, event, self.world.now))


Filter = Callable[[Node, Node, bytes], list[bytes]]


@dataclass
class Link:
    """Frames between two nodes; each direction keeps order unless the world is rough."""

    one: Node
    two: Node
    delay: float = 0.05
    nature: Nature = STREAM
    up: bool = False
    frames: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    block_bytes: int = 0
    first_block: float | None = None
    closes: list[str] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
    generation: int = 0

    def other(self, node: Node) -> Node:
        return self.two if node is self.one else self.one


class World:
    """Nodes, links and a heap of what happens when."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.nodes: dict[str, Node] = {}
        self.links: dict[frozenset[Peer], Link] = {}
        self.loss = self.duplication = self.reorder = 0.0
        self.tamper: dict[str, Filter] = {}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self.steps = 0

    # --- Making ---------------------------------------------------------------------------------------

    def node(self, name: str) -> Node:
        self.nodes[name] = Node(self, name)
        return self.nodes[name]

    def link(self, one: Node, two: Node, delay: float = 0.05) -> Link:
        found = Link(one, two, delay)
        self.links[frozenset({one.peer, two.peer})] = found
        return found

    def connect(self, link: Link, brief: bool = False) -> None:
        """Begin a session over a link; `one` dials."""
        link.up, link.generation = True, link.generation + 1
        link.last.clear()
        for node, dialler in ((link.one, True), (link.two, False)):
            other = link.other(node)
            kept = node.remembered.get(other.peer)
            memory = PeerMemory.unpack(kept) if kept is not None else None
            wall = 1_700_000_000_000 + int(self.now * 1000)
            nonce, near = self.random.randbytes(8), node.near.get(other.peer)
            node.tell(other.peer, Opened(dialler, nonce, wall, memory, brief, near, link.nature))

    def cut(self, link: Link) -> None:
        """Cut a link: what is on its way is lost."""
        if not link.up:
            return
        link.up, link.generation = False, link.generation + 1
        link.one.tell(link.two.peer, Closed())
        link.two.tell(link.one.peer, Closed())

    # --- Time -----------------------------------------------------------------------------------------

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (max(when, self.now), next(self._order), what))

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass; return whether `until` came true."""
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            self.now, _, what = heapq.heappop(self._heap)
            what()
            self.steps += 1
            if until is not None and self.steps % 16 == 0 and until():
                return True
        self.now = end
        return until() if until is not None else True

    # --- Effects --------------------------------------------------------------------------------------

    def act(self, node: Node, effects: list[tuple[Peer, Effect]]) -> None:
        """Carry out what an engine asks for."""
        for peer, effect in effects:
            link = self.links.get(frozenset({node.peer, peer}))
            if link is None:
                continue
            match effect:
                case Send(frame, _):
                    self._send(link, node, frame)
                case Take(number, raw):
                    generation = link.generation
                    self.at(self.now, partial(self._take, node, link, number, raw, generation))
                case Follow(scope, body, extent):
                    self.at(self.now, partial(self._follow, node, scope, body, extent))
                case Remember(memory):
                    node.remembered[peer] = memory.pack()
                case Wake(when):
                    generation = link.generation
                    self.at(when, partial(self._wake, node, link, generation))
                case Close(code):
                    link.closes.append(code)
                    generation = link.generation
                    self.at(self.now + link.delay, partial(self._closed, link, generation))
                case Pause() | Resume():
                    pass
                case _:
                    pass

    def _send(self, link: Link, node: Node, frame: bytes) -> None:
        if not link.up:
            return
        other = link.other(node)
        frames = [frame]
        if node.name in self.tamper:
            frames = self.tamper[node.name](node, other, frame)
        for each in frames:
            link.frames[node.name] = link.frames.get(node.name, 0) + 1
            link.bytes[node.name] = link.bytes.get(node.name, 0) + len(each) + 2
            if each[:2] == b"\x93\x07":
                link.block_bytes += len(each) - 4 - (2 if len(each) > 260 else 1)
            for _ in range(2 if self.random.random() < self.duplication else 1):
                if self.random.random() < self.loss:
                    continue
                when = self.now + link.delay
                if self.random.random() < self.reorder:
                    when += self.random.random() * link.delay * 4
                else:
                    when = max(when, link.last.get(node.name, 0.0))
                    link.last[node.name] = when
                self.at(when, partial(self._deliver, link, node, each, link.generation))
        # The carrier always takes more: slow ones have tests of their own.
        self.at(self.now, partial(self._room, link, node, link.generation))

    def _room(self, link: Link, node: Node, generation: int) -> None:
        if link.up and link.generation == generation:
            node.tell(link.other(node).peer, Room(65536))

    def _deliver(self, link: Link, sender: Node, frame: bytes, generation: int) -> None:
        if link.up and link.generation == generation:
            if frame[:2] == b"\x93\x07" and link.first_block is None:
                link.first_block = self.now
            link.other(sender).tell(sender.peer, Received(frame))

    def _take(self, node: Node, link: Link, number: int, raw: bytes, generation: int) -> None:
        origin = link.other(node).peer
        outcome, block = node.memory.take(raw, 1_700_000_000_000 + int(self.now * 1000))
        if link.up and link.generation == generation:
            node.tell(origin, Taken(number, outcome))
        if block is not None and isinstance(outcome, Held):
            node.stored(block, origin, outcome.fork)

    def _follow(self, node: Node, scope: Scope, body: bytes, extent: Extent) -> None:
        known = any(scope == each for each, *_ in node.memory.following)
        if (known or len(node.memory.following) < node.limit_follow) and node.memory.follow(
            scope, body, extent
        ):
            self.act(node, node.engine.everyone(Followed(), self.now))

    def _wake(self, node: Node, link: Link, generation: int) -> None:
        if link.up and link.generation == generation:
            node.tell(link.other(node).peer, Tick())

    def _closed(self, link: Link, generation: int) -> None:
        if link.generation == generation:
            self.cut(link)


def equal(nodes: list[Node]) -> bool:
    """Say whether these nodes hold equal sets."""
    return all(node.roots() == nodes[0].roots() for node in nodes[1:])
