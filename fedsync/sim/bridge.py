"""Two nodes and one bad link between them: how long what one has takes to the other, and what that costs. All follows from a seed.

The sessions, the carriers and the doors are those of a real node; nothing is folded, and signatures are as `Signing` has them.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Final

from fedsync.gossip.events import Hurried, Stored
from fedsync.gossip.trees import Trees
from fedsync.records.block import Block
from fedsync.records.ids import PageId, Scope
from fedsync.sim.heap import Heap
from fedsync.sim.large import Cheap
from fedsync.sim.links import Link, Net
from fedsync.sim.rare import Seen
from fedsync.sim.roads import Roads
from fedsync.sim.scenario import Links, Pace
from fedsync.sim.signing import Signing
from fedsync.sim.thin import Thin

SCOPE: Final = Scope(b"a valley and its")
BODY: Final = PageId(b"b" * 32)
LOOK_S: Final = 0.05
"""How often it is asked whether something has come."""


CONTACT_S: Final = 15.0
WALK_S: Final = 600.0
"""From one shore to the other."""
CONTACTS: Final = 100
"""So often somebody goes, at most."""


class Ferry:
    """`a` and `c` never meet; `b` is with each of them in turn, for fifteen seconds, over a link of 1 Mbit/s."""

    def __init__(self, signing: Signing, seed: int = 0) -> None:
        self.heap = Heap()
        self.dice = Random(f"ferry {seed}")
        nature = Links("line", 0, 0.05, 125_000, 0.0, 0.0, 0.0, 1.0, False, None, None)
        self.net = Net(self.heap, self.dice, Seen(), nature)
        self.signing = signing
        self.nodes = [self._node(name) for name in "abc"]
        self.a, self.b, self.c = self.nodes

    def _node(self, name: str) -> Cheap:
        node = Cheap(name, self.net, self.signing.check, Pace(0.03, 0.0), 0, lambda *_: None, None)
        node.memory.follow(SCOPE, BODY)
        return node

    def give(self, node: Cheap, blocks: Iterable[Block]) -> None:
        """Let a node hold blocks before anything happens."""
        for block in blocks:
            node.memory.write(block)

    @property
    def equal(self) -> bool:
        """Whether all three hold the same."""
        one, *others = (dict(Trees(each.memory).roots(each.memory.sets())) for each in self.nodes)
        return all(each == one for each in others)

    def go(self) -> int:
        """Go to and fro until all hold the same; return how many contacts that took."""
        links = [self.net.lay(self.a, self.b), self.net.lay(self.b, self.c)]
        for number in range(CONTACTS):
            if self.equal:
                return number
            link = links[number % 2]
            link.stops.clear()
            self.net.open(link)
            self.heap.run(self.heap.now + CONTACT_S)
            self.net.stop(link, "ashore", loud=True)
            self.heap.run(self.heap.now + WALK_S)
        return CONTACTS


class Bridge:
    """`one` and `two`, and the link between them, which is up at first."""

    def __init__(self, profile: str, seed: int = 0, signing: Signing | None = None) -> None:
        self.dice = Random(f"bridge {profile} {seed}")
        self.heap, self.seen = Heap(), Seen()
        self.signing = signing or Signing("stub")
        nature = Links("line", 0, 0.05, 1_000_000, 0.0, 0.0, 0.0, 1.0, False, None, None, profile)
        self.net = Roads(self.heap, self.dice, self.seen, nature)
        self.one, self.two = (self._node(name) for name in ("one", "two"))
        self.link: Link | None = None

    def _node(self, name: str) -> Cheap:
        node = Cheap(name, self.net, self.signing.check, Pace(0.03, 0.0), 0, lambda *_: None, None)
        node.memory.follow(SCOPE, BODY)
        return node

    def give(self, node: Cheap, blocks: Iterable[Block]) -> None:
        """Let a node hold blocks before anything happens."""
        for block in blocks:
            node.memory.write(block)

    def urgent(self, node: Cheap, blocks: Sequence[Block]) -> None:
        """Let somebody write at a node what goes before all else, as a recall does."""
        for block in blocks:
            node.memory.write(block)
            node.memory.hurry(block.log, block.last)
        for block in blocks:
            stored = Stored(block.log, block.raw, (block.last, block.tip))
            for event in (stored, Hurried(block.log)):
                self.net.act(node, node.engine.everyone(event, self.heap.now))

    def connect(self, phase: float | None = 0.0) -> Link:
        """Lay the link; its first window opens at `phase`, at any time when that is None."""
        link = self.link = self.net.lay(self.one, self.two)
        every = self.thin.air.profile.every
        self.thin.air.phase = self.heap.now + (self.dice.random() * every if phase is None else phase)
        self.net.open(link)
        return link

    @property
    def thin(self) -> Thin:
        """What carries the frames."""
        assert self.link is not None
        return self.net.thins[self.link]

    def part(self, seconds: float) -> None:
        """End the sessions; they begin anew after so long."""
        assert self.link is not None
        self.link.shunned_until = self.heap.now + seconds
        for end in self.link.ends or ():
            self.net.hang_up(end)

    @property
    def equal(self) -> bool:
        """Whether both hold the same."""
        one, two = (dict(Trees(each.memory).roots(each.memory.sets())) for each in (self.one, self.two))
        return one == two

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> float | None:
        """Let time pass; return after how many seconds `until` came true, None when it did not."""
        begun = self.heap.now
        return self.heap.now - begun if self.heap.run(begun + seconds, until, LOOK_S) else None
