"""Stores of many bodies, kept in their tellers' logs of facts, and nodes in memory that meet in groups.

What real movements are told with: each body has a scope, a book and tellers of its own, whose logs are real blocks;
each node folds what it holds with the production fold. Nothing is judged here: twins that share no code with the fold
say what must come out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from typing import TypeVar

from fedsync.crdt import fold, root
from fedsync.crdt.goods.levels import StockLevel, levels
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Base, Block
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import SEAT, Capacity, Genesis
from fedsync.records.ids import LogClass, LogId, PageId, PayloadId, Reach, Scope, payload_id
from fedsync.records.kinds.refs import FactRef
from fedsync.records.places import START
from fedsync.records.seal import Draft
from tests.authority.federation import Book, Federation
from tests.crdt.books import genesis, key, private
from tests.sealing import seal

T = TypeVar("T")


def id_of(value: Mapping[str, Value]) -> PayloadId:
    """Return the id that a store or an item has by its payload."""
    return payload_id(pack(dict(value)))


def moved(action: str, quantity: int, item: bytes, store: bytes, at: int, time: int, **more: Value) -> Draft:
    """Return a movement that happened at `at` and was recorded at `time`."""
    return Draft("economic_event", _fact(quantity, item, store, at) | {"action": action} | more, time)


def counted(quantity: int, item: bytes, store: bytes, at: int, time: int) -> Draft:
    """Return a count of what was found at `at`."""
    return Draft("count", _fact(quantity, item, store, at), time)


def _fact(quantity: int, item: bytes, store: bytes, at: int) -> dict[str, Value]:
    return {"quantity": quantity, "resource_conforms_to": item, "store": store, "has_point_in_time": at}


def mandate(holder: bytes, task: str, may: Sequence[str]) -> dict[str, Value]:
    """Return the entry by which a body gives somebody a task, and lets them write these kinds of records."""
    kinds: list[Value] = [*sorted(may)]
    return {
        "kind": "mandate",
        "holder": holder,
        "task": task,
        "instructions": {},
        "may": kinds,
    }


@dataclass
class Log:
    """A teller's log of facts or plans, and where it stands."""

    teller: str
    begins: Genesis
    base: Base | None = None

    def write(self, *drafts: Draft) -> list[Block]:
        """Append records; return them as blocks."""
        blocks = seal(private(self.teller), self.begins, self.base, drafts, drafts[0].time)
        for block in blocks:
            place = block.place(self.base.place if self.base else START)
            self.base = Base(self.begins, block.last, block.tip, place)
        return blocks


@dataclass
class Country:
    """Bodies and what their tellers wrote, in the order of writing."""

    federation: Federation = field(default_factory=Federation)
    books: dict[str, Book] = field(default_factory=dict)
    logs: dict[tuple[str, str], Log] = field(default_factory=dict)
    mandates: dict[str, Capacity] = field(default_factory=dict)
    """Who writes under a mandate, and which; all others have a seat."""
    goods: list[Block] = field(default_factory=list)

    def found(self, name: str, tellers: Sequence[str] = ("Ann", "Ben", "Cleo")) -> Scope:
        """Found a body with these tellers; return its founding tag."""
        people = [f"{each} of {name}" for each in tellers]
        self.books[name] = self.federation.found_with(name, people, len(people) // 2 + 1)
        return self.books[name].scope

    def appoint(self, name: str, stewards: Mapping[str, Sequence[str]]) -> None:
        """Let a body give mandates to these, who have no seat, for the kinds of records that each may write."""
        holders = {f"{each} of {name}": may for each, may in stewards.items()}
        entries = [mandate(key(of), of, may) for of, may in holders.items()]
        page = self.federation.enter(self.books[name], entries)
        self.mandates |= {of: ("mandate", page, index) for index, of in enumerate(holders)}

    def recall(self, name: str, steward: str, *kept: Block) -> None:
        """Let a body end somebody's mandate, and keep of each log what leads up to a block that is named."""
        _, page, index = self.mandates[f"{steward} of {name}"]
        cuts: list[Value] = [[block.log, block.last, block.tip] for block in kept]
        entry: dict[str, Value] = {"kind": "recall", "mandate": [page, index], "cuts": cuts}
        self.federation.enter(self.books[name], [entry])

    def log(self, name: str, teller: str = "Ann", log_class: LogClass = LogClass.FACTS) -> Log:
        """Return the log of this class of a body's teller."""
        of = f"{teller} of {name}"
        if (of, log_class.name) not in self.logs:
            made = genesis(f"{log_class.name} {of}", of, name)
            capacity = self.mandates.get(of, SEAT)
            begins = Genesis(
                key(of), self.books[name].scope, capacity, log_class, Reach.REGION, made.incarnation
            )
            self.logs[of, log_class.name] = Log(of, begins)
        return self.logs[of, log_class.name]

    def record(
        self, name: str, *drafts: Draft, teller: str = "Ann", log_class: LogClass = LogClass.FACTS
    ) -> list[Block]:
        """Let a teller of a body record facts, or plans."""
        blocks = self.log(name, teller, log_class).write(*drafts)
        self.goods += blocks
        return blocks

    @property
    def blocks(self) -> list[Block]:
        """All that was written: the books first."""
        return self.federation.blocks + self.goods

    def node(self) -> "Node":
        """Return a node that follows all bodies and holds nothing yet."""
        return Node(self.federation.bodies)


class Node:
    """What one node holds: the production fold over a state in memory."""

    def __init__(self, bodies: Iterable[tuple[Scope, PageId]]) -> None:
        self.view = MemoryView()
        self.held: dict[LogId, list[Block]] = {}
        draft = StateDraft(self.view)
        for scope, body in bodies:
            fold.apply_bind(draft, scope, body)
        self._commit(draft)

    def take(self, blocks: Sequence[Block]) -> None:
        """Fold blocks as one batch. Each log's come along its chain; what is held already may come again."""
        for block in blocks:
            mine = self.held.setdefault(block.log, [])
            if not mine or block.last > mine[-1].last:
                mine.append(block)
                self.view.hold(block)
        draft = StateDraft(self.view)
        fold.apply_blocks(draft, blocks)
        self._commit(draft)

    def take_all(self, blocks: Sequence[Block], random: Random | None = None) -> None:
        """Fold blocks in batches: large ones, or of random sizes."""
        at = 0
        while at < len(blocks):
            size = random.choice([1, 2, 7, 40, 256]) if random else 256
            self.take(blocks[at : at + size])
            at += size

    def lacks(self, log: LogId, blocks: Sequence[Block]) -> Sequence[Block]:
        """Return those of a log's blocks that this node does not hold."""
        return blocks[len(self.held.get(log, ())) :]

    def root(self) -> bytes:
        """Return the state root, the 32 bytes that nodes compare."""
        draft = StateDraft(self.view)
        found = root.state_root(draft)
        self.view.commit(draft.changes)
        return found

    def stock(self, scope: Scope | None = None) -> list[StockLevel]:
        """Return what lies where."""
        return levels(self.view, scope)

    def _commit(self, draft: StateDraft) -> None:
        root.note(draft)
        self.view.commit(draft.changes)


def meet(nodes: Sequence[Node], random: Random, again: float = 0.1) -> None:
    """Let nodes give each other what they hold, in random orders, with some of it again."""
    longest: dict[LogId, list[Block]] = {}
    for node in nodes:
        for log, blocks in node.held.items():
            if len(blocks) > len(longest.get(log, ())):
                longest[log] = blocks
    longest = {log: list(blocks) for log, blocks in longest.items()}
    for node in nodes:
        new = [node.lacks(log, longest[log]) for log in longest]
        known = [block for blocks in node.held.values() for block in blocks]
        order: list[Block] = []
        for block in interleaved(new, random):
            order.append(block)
            if random.random() < again:
                order.append(random.choice(known or order))
        node.take_all(order, random)


def interleaved(queues: Sequence[Sequence[Block]], random: Random) -> list[Block]:
    """Return all blocks in a random order that keeps each queue's own."""
    turns = [at for at, queue in enumerate(queues) for _ in queue]
    random.shuffle(turns)
    ways = [iter(queue) for queue in queues]
    return [next(ways[at]) for at in turns]


def by_log(blocks: Iterable[Block]) -> list[list[Block]]:
    """Return blocks log by log, each along its chain."""
    ordered = sorted(blocks, key=lambda block: (block.log, block.first))
    return [list(each) for _, each in groupby(ordered, key=lambda block: block.log)]


def refs_of(blocks: Iterable[Block]) -> list[FactRef]:
    """Return the records of blocks, named with their places."""
    return [FactRef(block.log, block.first + at, id_) for block in blocks for at, id_ in enumerate(block.ids)]


def parted(some: Sequence[T], random: Random, parts: int) -> list[list[T]]:
    """Return some things in so many groups at random, none of them empty."""
    order = list(some)
    random.shuffle(order)
    cuts = sorted(random.sample(range(1, len(order)), parts - 1))
    return [order[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def lived_apart(country: Country, random: Random, steps: int, number: int | None = None) -> list[Node]:
    """Return so many nodes, one for each body by default, after steps in which each wrote on and met some of the others.

    The last of a body's logs is written at its own node, the others wherever their tellers happen to be.
    """
    names = list(country.books)
    nodes = [country.node() for _ in range(number or len(names))]
    for node in nodes:
        node.take_all(country.federation.blocks)
    home = {book.scope: nodes[at % len(nodes)] for at, book in enumerate(country.books.values())}
    logs = by_log(country.goods)
    last = {log[0].genesis.scope: at for at, log in enumerate(logs)}
    where = [
        home[scope] if last[scope := log[0].genesis.scope] == at else random.choice(nodes)
        for at, log in enumerate(logs)
    ]
    for step in range(steps):
        for log, node in zip(logs, where, strict=True):
            node.take_all(log[len(log) * step // steps : len(log) * (step + 1) // steps], random)
        for group in parted(nodes, random, random.randint(2, max(2, len(nodes) // 2))):
            meet(group, random)
    return nodes
