"""How records spread: many nodes of one body with overlay and gossip as they run, and nothing folded.

What is asked: how often the bytes of a block come to a node, and how long it takes until nearly all have it.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from fedsync.crdt.view import Draft as Changes
from fedsync.gossip.events import Outcome
from fedsync.gossip.groups import Candidate, Group
from fedsync.gossip.messages import Tag
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Extent, LogClass, PageId, Reach, RecordId, Scope
from fedsync.records.seal import Draft
from fedsync.sim.calling import Calls, Steering
from fedsync.sim.disk import Bound
from fedsync.sim.heap import Heap
from fedsync.sim.links import End, Net
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen
from fedsync.sim.rare import Seen
from fedsync.sim.scenario import Links, Pace
from fedsync.sim.signing import Signing

BODY = Scope(sha256(b"spreading").digest()[:16])
PAGE = PageId(sha256(b"page of spreading").digest())


class Plain(Node):
    """A node that takes all and folds nothing."""

    def _keep(self, draft: Changes, raw: bytes, wall: int, own: bool) -> tuple[Outcome, Block | None]:
        return self._own(raw) if own else self.memory.take(raw, wall)

    def _bind(self, draft: Changes, scope: Scope, body: PageId, extent: Extent = Extent.ALL) -> bool:
        self.disk.write(Bound(scope, body, extent))
        return self.memory.follow(scope, body, extent)

    def _admit(self, genesis: Genesis) -> str:
        return "yes"


@dataclass
class Spreading:
    """`writers` nodes write in turn, at random times, on average one record each `every` seconds in all."""

    nodes: int
    seed: int = 1
    writers: int = 20
    every: float = 20.0
    delay: float = 0.08
    loss: float = 0.0
    words: int = 200
    copies: float = 0.0
    took: list[float] = field(default_factory=list)
    """Of each record, the seconds until 95 % of the living nodes had it."""
    took_all: list[float] = field(default_factory=list)
    frames: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice, self.heap, self.seen = Random(self.seed), Heap(), Seen()
        nature = Links("overlay", 0, self.delay, 1_000_000, self.loss, 0, 0, 5.0, False, None, None)
        self.net = Net(self.heap, self.dice, self.seen, nature)
        self.calls = Calls(self.net)
        self.written: dict[RecordId, float] = {}
        self.holders: Counter[RecordId] = Counter()
        check = Signing("once").check
        self.all = [
            Plain(f"n{at}", self.net, check, Pace(0.03, 0.0), 0, self._watch, None)
            for at in range(self.nodes)
        ]
        self.calls.stations = {each.peer: each for each in self.all}
        self.group = Group(BODY, [Candidate(each.peer, each.peer, (each.name,)) for each in self.all])
        self.pens = [
            Pen(sha256(f"pen {at}".encode()).digest(), BODY, LogClass.FACTS, Reach.REGION, lambda ids: None)
            for at in range(min(self.writers, self.nodes))
        ]
        for node in self.all:
            node.follow(BODY, PAGE)
            node.steering = Steering(node, self.calls, self.dice, [self.group])
            self.heap.after(self.dice.random(), node.steering.start)

    def _watch(self, node: Node, ids: Sequence[RecordId]) -> None:
        for each in ids:
            self.holders[each] += 1
            living = sum(each.alive for each in self.all) if self.nodes < 50 else self.nodes
            for took, share in ((self.took, 0.95), (self.took_all, 1.0)):
                if self.holders[each] == max(2, round(living * share)):
                    took.append(self.heap.now - self.written.get(each, self.heap.now))

    def write(self) -> None:
        at = self.dice.randrange(len(self.pens))
        pen, node = self.pens[at], self.all[at]
        if not node.alive:
            return
        draft = Draft("text", {"text": self.dice.randbytes(self.words // 2).hex()}, node.wall())
        blocks = pen.seal(pen.end, [draft], node.wall())
        pen.wrote(blocks)
        for block in blocks:
            for each in block.ids:
                self.written[each] = self.heap.now
        assert node.write(blocks)

    def run(self, seconds: float, write: bool = True) -> None:
        """Let time pass, and people write."""
        end = self.heap.now + seconds
        while write:
            self.heap.run(min(end, self.heap.now + self.dice.expovariate(1 / self.every)))
            if self.heap.now >= end:
                return
            self.write()
        self.heap.run(end)

    def measure(self, seconds: float) -> None:
        """Let time pass, and count."""
        self.took.clear()
        self.took_all.clear()
        before = [(node.came, node.new) for node in self.all]
        look = self.net._look

        def counting(end: End, frame: bytes) -> None:
            name = Tag(frame[1]).name
            name += ("", " asked", " pushed", " pushed")[frame[2] if name == "BLOCK" else 0]
            self.frames[name] += 1
            look(end, frame)

        self.net._look = counting  # type: ignore[method-assign]
        self.run(seconds)
        self.net._look = look  # type: ignore[method-assign]
        came = sum(node.came - came for node, (came, _) in zip(self.all, before, strict=True))
        new = sum(node.new - new for node, (_, new) in zip(self.all, before, strict=True))
        self.copies = came / new if new else 0.0


def middle(times: list[float], share: float = 0.5) -> float:
    """Return the time below which this share of them lies."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] if times else float("nan")


def main() -> None:
    """Tell how records spread among as many nodes as are named."""
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    spreading = Spreading(nodes, every=15.0)
    spreading.run(600)
    spreading.measure(1200)
    print(
        f"{nodes} nodes: {spreading.copies:.3f} copies; 95 % after {middle(spreading.took):.2f} s in the median,"
    )
    print(
        f"{middle(spreading.took, 0.9):.2f} s for nine of ten; all after {middle(spreading.took_all):.2f} s"
    )


if __name__ == "__main__":
    main()
