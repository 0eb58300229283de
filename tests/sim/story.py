"""One seeded story: nodes, some of which lie, live through a rough time; then it is calm, and all must agree."""

from dataclasses import dataclass, field
from functools import partial

from fedsync.gossip.events import Granted, Peer
from fedsync.gossip.holdings import Head
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import Beat, BlockMessage, Bye, Hello, Rest, decode, encode
from fedsync.gossip.trees import Trees
from fedsync.gossip.trie import root_of_roots
from fedsync.records.block import Base
from fedsync.records.ids import LogClass, LogId
from tests.sim.world import Author, Filter, Link, Node, World, equal

ROUGH_S = 200.0
CALM_S = 4 * 3600.0


@dataclass
class Story:
    """Everything follows from the seed."""

    seed: int
    world: World = field(init=False)
    honest: list[Node] = field(default_factory=list)
    liars: list[Node] = field(default_factory=list)
    writers: list[tuple[Author, Node]] = field(default_factory=list)
    backups: list[tuple[Node, Memory, dict[Peer, bytes]]] = field(default_factory=list)
    pins: dict[LogId, Head] = field(default_factory=dict)
    calm: bool = False

    def __post_init__(self) -> None:
        world = self.world = World(self.seed)
        dice = self.dice = world.random
        count = dice.randint(3, 8)
        self.honest = [world.node(f"n{at}") for at in range(count)]
        for at in range(1, count):
            world.link(self.honest[at], dice.choice(self.honest[:at]), dice.choice([0.01, 0.1, 1.0]))
        for _ in range(dice.randint(0, count // 2)):
            one, two = dice.sample(self.honest, 2)
            if frozenset({one.peer, two.peer}) not in world.links:
                world.link(one, two, 0.1)
        if dice.random() < 0.4:
            liar = world.node("liar")
            self.liars.append(liar)
            world.tamper["liar"] = self.lie(dice.choice(["silent", "roots", "junk", "bytes"]))
            for node in dice.sample(self.honest, dice.randint(1, min(3, count))):
                world.link(liar, node) if dice.random() < 0.5 else world.link(node, liar)
        for number in range(dice.randint(3, 10)):
            author = Author(number + 1, dice.choice(list(LogClass)))
            self.writers.append((author, dice.choice(self.honest + self.liars)))

    # --- What goes wrong ------------------------------------------------------------------------------

    def lie(self, how: str) -> Filter:
        """Return what a liar does to each frame: serve nothing, tell wrong roots, junk, or spoil blocks."""
        dice = self.dice

        def tamper(_: Node, other: Node, frame: bytes) -> list[bytes]:
            message = decode(frame)
            if how == "silent" and isinstance(message, BlockMessage):
                return []
            if how == "roots" and isinstance(message, Hello):
                return [frame[:-16] + dice.choice([other_root(other), bytes(16)])]
            if how == "roots" and isinstance(message, Beat):
                return [encode(message._replace(root=other_root(other), counter=message.counter + 1000))]
            if how == "roots" and isinstance(message, Bye):
                return [encode(Bye(0, other_root(other), message.counter + 1000, message.handled))]
            if how == "roots" and isinstance(message, Rest):
                return [encode(Rest(dice.randbytes(16)))]
            if how == "junk" and dice.random() < 0.05:
                return [frame, dice.randbytes(dice.randint(1, 200))]
            if how == "bytes" and isinstance(message, BlockMessage) and dice.random() < 0.3:
                at = dice.randrange(len(frame) - 20, len(frame))
                return [frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]]
            return [frame]

        return tamper

    def write(self) -> None:
        author, node = self.dice.choice(self.writers)
        if author.at is not None and not node.memory.holds(author.log, (author.at.seq, author.at.id)):
            return
        words = [str(self.dice.random()) for _ in range(self.dice.choice([1, 1, 1, 3, 20]))]
        node.write(author.write(*words))

    def equivocate(self) -> None:
        """An author writes on an earlier record of the chain, and gives that to another node."""
        author, node = self.dice.choice(self.writers)
        held = node.memory.log(author.log)
        if held is None or author.at is None or self.dice.random() < 0.5:
            return
        seq = self.dice.randint(0, held.heads[0][0])
        earlier = node.memory.id_at(author.log, held.heads[0], seq)
        assert earlier is not None
        base = node.memory.base(author.log, (seq, earlier))
        if base is None or not base.signed:
            return
        twin = Author(author.number, author.log_class, at=base)
        blocks = twin.write(*[str(self.dice.random()) for _ in range(self.dice.choice([1, 2, 5]))])
        holders = [each for each in self.honest + self.liars if each.memory.holds(author.log, (seq, earlier))]
        self.dice.choice(holders).write(blocks)

    def back_up(self) -> None:
        node = self.dice.choice(self.honest)
        self.backups.append((node, node.memory.copied(), dict(node.remembered)))

    def restore(self) -> None:
        if not self.backups:
            return
        node, memory, remembered = self.dice.choice(self.backups)
        for link in self.links_of(node):
            self.world.cut(link)
        noticed = self.dice.random() < 0.5
        node.restore(memory.copied(self.dice.randbytes(8) if noticed else None), remembered)
        for author, where in self.writers:
            if where is node and not noticed:
                author.at = tip_of(node, author)

    def pin(self) -> None:
        """The body names a tip for a log that may be forked; in time every node hears of it."""
        author, node = self.dice.choice(self.writers)
        held = node.memory.log(author.log)
        if (
            held is None
            or author.log_class == LogClass.AUTHORITY
            or author.log in self.pins
            or held.fork is None
        ):
            return
        self.pins[author.log] = self.dice.choice(held.heads)
        for each in self.honest:
            self.world.at(self.world.now + self.dice.random() * 100, partial(self.hear_of_pins, each))

    def hear_of_pins(self, node: Node) -> None:
        for log, head in self.pins.items():
            held = node.memory.log(log)
            if held is not None and held.pin is None:
                node.memory.pin(log, head)
                self.world.act(node, node.engine.everyone(Granted(), self.world.now))

    def links_of(self, node: Node) -> list[Link]:
        return [link for link in self.world.links.values() if node in (link.one, link.two)]

    # --- How it goes ----------------------------------------------------------------------------------

    def tend(self) -> None:
        """Connect what is down, now and then."""
        for link in self.world.links.values():
            if not link.up and self.dice.random() < (0.9 if self.calm else 0.3):
                self.world.connect(link, self.dice.random() < 0.3)
        if self.calm:
            for node in self.honest:
                self.hear_of_pins(node)
        self.world.at(self.world.now + 5.0, self.tend)

    def trouble(self) -> None:
        if self.calm:
            return
        what = self.dice.choices(
            [self.write, self.equivocate, self.pin, self.back_up, self.restore, self.cut_one, self.weather],
            [12, 1, 0.3, 1, 1, 4, 1],
        )[0]
        what()
        self.world.at(self.world.now + self.dice.expovariate(1.0), self.trouble)

    def cut_one(self) -> None:
        self.world.cut(self.dice.choice(list(self.world.links.values())))

    def weather(self) -> None:
        dice = self.dice
        self.world.loss = dice.choice([0.0, 0.0, 0.05, 0.3])
        self.world.duplication = dice.choice([0.0, 0.0, 0.1, 0.5])
        self.world.reorder = dice.choice([0.0, 0.0, 0.1, 0.5])

    def run(self) -> bool:
        """Live through it; return whether all honest nodes hold equal sets in the end."""
        self.world.at(0.0, self.tend)
        self.world.at(0.0, self.trouble)
        self.world.run(ROUGH_S)
        self.calm = True
        self.world.loss = self.world.duplication = self.world.reorder = 0.0
        return self.world.run(CALM_S, lambda: equal(self.honest))


def other_root(node: Node) -> bytes:
    """Return the root that a node would like to hear."""
    return root_of_roots(Trees(node.memory).roots(node.memory.sets()))


def tip_of(node: Node, author: Author) -> Base | None:
    """Return where a node's copy of an author's log stands."""
    held = node.memory.log(author.log)
    return node.memory.base(author.log, held.heads[0]) if held else None
