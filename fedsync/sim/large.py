"""Large federations: regions of communities that choose their links, to measure what size costs. All follows from a seed.

What each node follows is what its kin would have it follow: its own region with all its communities in full, and the books of
the other regions. Who founded what lies everywhere from the start, so that a run tells of nothing but what it is asked.
Nodes are **cheap**: gossip, overlay, holdings and the door as they run, and nothing folded.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from cProfile import Profile
from dataclasses import asdict, dataclass
from gc import collect, freeze, unfreeze
from hashlib import sha256
from random import Random
from typing import Final

from fedsync.crdt.view import Draft as Changes
from fedsync.gossip.events import Effect, Follow, Outcome, Peer
from fedsync.gossip.groups import Candidate, Group
from fedsync.gossip.memory import Memory
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Extent, LogClass, PageId, Reach, RecordId, Scope
from fedsync.records.seal import Draft
from fedsync.sim.calling import Calls, Steering
from fedsync.sim.heap import Heap
from fedsync.sim.links import Net
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen
from fedsync.sim.rare import Seen
from fedsync.sim.scenario import Links, Pace
from fedsync.sim.signing import Signing

BRIDGES: Final = 3
"""Nodes of each region that keep links with other regions."""
DELAY_S: Final = 0.05
"""From one node to another, on average: a round trip is twice that."""
HOUR: Final = 3600.0
MANY: Final = 1000
"""Nodes above which a part of an hour shows what each of them does."""
SPREAD_S: Final = 600.0
"""A decision that has not come to all after so long is late."""


class Cheap(Node):
    """A node that folds nothing, and follows what it should from the beginning."""

    CURIOUS = False

    def _keep(self, draft: Changes, raw: bytes, wall: int, own: bool) -> tuple[Outcome, Block | None]:
        return self._own(raw) if own else self.memory.take(raw, wall)

    def _bind(self, draft: Changes, scope: Scope, body: PageId, extent: Extent = Extent.ALL) -> bool:
        return self.memory.follow(scope, body, extent)

    def begin_with(self, memory: Memory) -> None:
        """Hold what a neighbour holds, as after having met it."""
        mine = memory.copied(self.disk.journal)
        mine.admit = self._admit
        self._hold(mine)

    def do(self, peer: Peer, effect: Effect) -> None:
        """Carry out what concerns the node; what it follows is settled from the beginning."""
        if not isinstance(effect, Follow):
            super().do(peer, effect)

    def _admit(self, genesis: Genesis) -> str:
        return "yes"


@dataclass
class Place:
    """A body, what was written for it at the beginning, and the pen of its book."""

    scope: Scope
    body: PageId
    book: list[bytes]
    rest: list[bytes]
    pens: list[Pen]


@dataclass(frozen=True)
class Idle:
    """What was measured while nobody wrote, of a node and hour."""

    communities: int
    worlds: int
    """Federations that lay side by side in one process and knew nothing of each other."""
    regions: int
    """In each of them."""
    idle_bytes: float
    idle_bytes_most: float
    """On the busiest node."""
    idle_cpu_ms: float
    idle_calls: float
    """Calls of Python functions: work, as it is without the caches of a machine on which thousands of nodes run."""
    links: float


@dataclass(frozen=True)
class Figures(Idle):
    """The same, and how decisions came to all."""

    near95: float
    """Round trips until 95 % of those who follow the region in full have its decision."""
    near_all: float
    all95: float
    """The same of all nodes that follow its book."""
    all_all: float
    late: int
    copies: float
    """Bytes of blocks that came to a node, for each byte that was new to it."""
    bodies: int
    logs: float
    stored_bytes: float
    node_hours_a_minute: float


class Large:
    """`regions` of `size` communities each, with a node for each community."""

    def __init__(self, regions: int, size: int, seed: int = 0, heap: Heap | None = None) -> None:
        """`heap`: of worlds that lie side by side, so that their nodes take turns."""
        self.dice = Random(f"large {regions} {size} {seed}")
        self.heap = heap or Heap()
        nature = Links("overlay", 0, DELAY_S, 125_000, 0.0, 0.0, 0.0, 5.0, False, None, None)
        self.net = Net(self.heap, self.dice, Seen(), nature)
        self.calls = Calls(self.net)
        self.signing = Signing("stub")
        self.regions = [self._place(f"region {at}", [f"clerk {at}"], ()) for at in range(regions)]
        self.world = self._place("world", ["clerk of the world"], ())
        self.nodes: list[list[Node]] = []
        self.homes: list[list[Place]] = []
        for at in range(regions):
            names = [f"{at} {each}" for each in range(size)]
            self.homes.append(
                [self._place(f"community {name}", [f"teller {name}"], [name]) for name in names]
            )
            self.nodes.append([self._node(name) for name in names])
        self.all = [node for part in self.nodes for node in part]
        self.heard: dict[RecordId, list[tuple[float, Node]]] = {}
        """When each new decision came to whom."""
        for at in range(regions):
            self._found(at)
        self._steer()

    # --- Making -----------------------------------------------------------------------------------------

    def _node(self, name: str) -> Node:
        node = Cheap(f"node {name}", self.net, self.signing.check, Pace(0.03, 0.0), 0, self._watch, None)
        self.calls.stations[node.peer] = node
        return node

    def _place(self, name: str, writers: Sequence[str], facts: Sequence[str]) -> Place:
        scope, body = (sha256(f"{what} of {name}".encode()).digest() for what in ("scope", "page"))
        place = Place(Scope(scope[:16]), PageId(body), [], [], [])
        for writer in writers:
            pen = self._pen(writer, place.scope, LogClass.AUTHORITY, Reach.WORLD)
            place.book += self._write(pen, f"{name} is founded, says {writer}")
            place.pens.append(pen)
        for writer in facts:
            place.rest += self._write(
                self._pen(writer, place.scope, LogClass.FACTS, Reach.REGION),
                f"what lies in the barn of {name}",
            )
        return place

    def _pen(self, name: str, scope: Scope, log_class: LogClass, reach: Reach) -> Pen:
        return Pen(
            sha256(name.encode()).digest(), scope, log_class, reach, lambda ids: None, signing=self.signing
        )

    def _write(self, pen: Pen, words: str) -> list[bytes]:
        wall = int(self.heap.now * 1000)
        blocks = pen.seal(pen.end, [Draft("note", {"text": words}, wall)], wall)
        pen.wrote(blocks)
        return [each.raw for each in blocks]

    def _found(self, at: int) -> None:
        """Let the nodes of a region follow what they should, and hold all that was founded."""
        near = [self.world, self.regions[at], *self.homes[at]]
        far = [each for each in self.regions if each is not self.regions[at]]
        first, *others = self.nodes[at]
        for place in near:
            first.memory.follow(place.scope, place.body, Extent.ALL)
        for place in far:
            first.memory.follow(place.scope, place.body, Extent.BOOK)
        for raw in [raw for place in near for raw in (*place.book, *place.rest)]:
            first.memory.take(raw)
        for raw in [raw for place in far for raw in place.book]:
            first.memory.take(raw)
        # Thousands of nodes, each with hundreds of logs: they share what none of them has changed.
        for node in others:
            assert isinstance(node, Cheap)
            node.begin_with(first.memory)

    def _steer(self) -> None:
        """Let the nodes of a region choose links among themselves, and its clerks' among those of all regions."""
        bridges: list[Candidate] = []
        for region, nodes in zip(self.regions, self.nodes, strict=True):
            bridges += [Candidate(node.peer, region.scope, (node.name,)) for node in nodes[:BRIDGES]]
        world = Group(self.world.scope, bridges)
        for region, homes, nodes in zip(self.regions, self.homes, self.nodes, strict=True):
            group = Group(
                region.scope,
                [
                    Candidate(node.peer, home.scope, (node.name,))
                    for home, node in zip(homes, nodes, strict=True)
                ],
            )
            for rank, node in enumerate(nodes):
                groups = [group, world] if rank < BRIDGES and len(self.regions) > 1 else [group]
                node.steering = Steering(node, self.calls, self.dice, groups)
                self.heap.after(self.dice.random() * 60, node.steering.start)

    def _watch(self, node: Node, ids: Sequence[RecordId]) -> None:
        for each in ids:
            if each in self.heard:
                self.heard[each].append((self.heap.now, node))

    # --- Measuring --------------------------------------------------------------------------------------

    def measure(
        self, settle: float, hours: float, warm: int, decisions: int, clock: Callable[[], float]
    ) -> Figures:
        """Let links settle for so many hours; then measure so many idle ones, and the spreading of decisions.

        `warm`: decisions before any is measured, until trees have grown: who gets a block twice says so.
        `clock` tells how many seconds of CPU were used.
        """
        begun = clock()
        idle = rest([self], settle, hours, clock)
        near: list[list[float]] = []
        far: list[list[float]] = []
        for _ in range(warm):
            self._decide()
        came, new = sum(each.came for each in self.all), sum(each.new for each in self.all)
        for _ in range(decisions):
            part = self._decide()
            near.append(part[0])
            far.append(part[1])
        came, new = sum(each.came for each in self.all) - came, sum(each.new for each in self.all) - new
        trip = 2 * DELAY_S
        count, shares = len(self.all), len(self.nodes[0])
        return Figures(
            **asdict(idle),
            near95=_share(near, 0.95, shares) / trip,
            near_all=_share(near, 1.0, shares) / trip,
            all95=_share(far, 0.95, count) / trip,
            all_all=_share(far, 1.0, count) / trip,
            late=sum(len(each) < count for each in far),
            copies=came / new if new else 0.0,
            bodies=len(self.all[0].memory.following),
            logs=sum(len(list(each.memory.logs())) for each in self.all) / count,
            stored_bytes=sum(_stored(each) for each in self.all) / count,
            node_hours_a_minute=self.heap.now / HOUR * count / ((clock() - begun) / 60),
        )

    def _decide(self) -> tuple[list[float], list[float]]:
        """Let a clerk write a decision of a region; return after how long it was at each node, near and at all."""
        at = self.dice.randrange(len(self.regions))
        pen, node = self.regions[at].pens[0], self.nodes[at][0]
        wall, begun = node.wall(), self.heap.now
        words = f"decided {self.dice.random()}: " + "so be it. " * 30
        blocks = pen.seal(pen.end, [Draft("note", {"text": words}, wall)], wall)
        pen.wrote(blocks)
        self.heard = {blocks[-1].tip: []}
        assert node.write(blocks)
        (heard,) = self.heard.values()
        self.heap.run(begun + SPREAD_S, lambda: len(heard) == len(self.all))
        inside = set(self.nodes[at])
        times = [when - begun for when, _ in heard]
        return [when - begun for when, who in heard if who in inside], times


def side_by_side(worlds: int, regions: int, size: int, seed: int = 0) -> list[Large]:
    """Make worlds that know nothing of each other and whose nodes take turns, as those of one large world do.

    So many nodes in one process, and none in a larger federation than these: what a node costs here more than in one such world alone
    is the machine, and not the federation.
    """
    heap = Heap()
    return [Large(regions, size, seed * worlds + at, heap) for at in range(worlds)]


def rest(worlds: Sequence[Large], settle: float, hours: float, clock: Callable[[], float]) -> Idle:
    """Let links settle for so many hours; then measure so many idle ones. `worlds` share their heap.

    `clock` tells how many seconds of CPU were used.
    """
    heap, nodes = worlds[0].heap, [node for each in worlds for node in each.all]
    # Python's collector would look at the objects of all nodes now and then, as it does in no process of one node: it is to look
    # only at what is new.
    freeze()
    heap.run(heap.now + settle * HOUR)
    collect()
    before = _sent(worlds)
    freeze()
    cpu = clock()
    heap.run(heap.now + hours * HOUR)
    cpu = clock() - cpu
    unfreeze()
    said = _sent(worlds)
    said.subtract(before)
    # Where there are many, part of the time is as good: ten nodes may say hardly anything in a quarter of an hour.
    counted = hours if len(nodes) <= MANY else hours / 4
    calls = _calls(heap, counted)
    return Idle(
        communities=len(nodes),
        worlds=len(worlds),
        regions=len(worlds[0].regions),
        idle_bytes=sum(said.values()) / len(nodes) / hours,
        idle_bytes_most=max(said.values()) / hours,
        idle_cpu_ms=cpu * 1000 / len(nodes) / hours,
        idle_calls=calls / len(nodes) / counted,
        links=sum(len(each.ends) for each in nodes) / len(nodes),
    )


def _calls(heap: Heap, hours: float) -> int:
    """Return how many functions are called in so many idle hours."""
    profile = Profile()
    profile.enable()
    heap.run(heap.now + hours * HOUR)
    profile.disable()
    return sum(each.callcount for each in profile.getstats())


def _sent(worlds: Sequence[Large]) -> Counter[tuple[int, bytes]]:
    """Return how many bytes each node of each world has said. The nodes of all worlds have the same names."""
    return Counter(
        {(at, peer): sent for at, each in enumerate(worlds) for peer, sent in each.net.said.items()}
    )


def _share(all_times: list[list[float]], share: float, count: int) -> float:
    """Return until when this share had it, on average over the decisions; those that did not come count as late."""
    found = []
    for times in all_times:
        ordered = sorted(times) + [SPREAD_S] * (count - len(times))
        found.append(ordered[max(0, round(count * share) - 1)])
    return sum(found) / len(found) if found else 0.0


def _stored(node: Node) -> int:
    return sum(
        len(block.raw)
        for log in node.memory.logs()
        if (held := node.memory.log(log)) is not None
        for block, _, _ in held.blocks
    )
