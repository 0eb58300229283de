"""Large federations at work: each node folds what it follows, and tellers record what comes and goes. For how fast a simulation is.

Each node follows the communities of its region in full, as its kin would have it.
"""

from collections.abc import Callable, Sequence
from functools import partial

from fedsync.crdt.view import Draft
from fedsync.gossip.events import Effect, Follow, Peer
from fedsync.records.ids import PageId, Scope
from fedsync.sim.disk import Kept
from fedsync.sim.large import HOUR, Large
from fedsync.sim.ledger import Ledger
from fedsync.sim.node import Node
from fedsync.sim.people import Community
from fedsync.sim.scenario import Pace


class Settled(Node):
    """A node that folds what it follows; what that is is settled from the beginning."""

    def do(self, peer: Peer, effect: Effect) -> None:
        """Carry out what concerns the node, but follow nothing more."""
        if not isinstance(effect, Follow):
            super().do(peer, effect)

    def give(self, bodies: Sequence[tuple[Scope, PageId]], blocks: Sequence[bytes]) -> None:
        """Let it follow bodies, and hold what was founded."""
        draft, wall = Draft(self.view), self.wall()
        for scope, body in bodies:
            self._bind(draft, scope, body)
        for raw in blocks:
            _, block = self._keep(draft, raw, wall, own=False)
            assert block is not None, "what was founded is taken"
            self.disk.write(Kept(block.raw, wall, own=False))
        self._settle(draft)
        self.disk.sync()


class Lively(Large):
    """`regions` of `size` communities each, at work."""

    def __init__(self, regions: int, size: int, seed: int = 0) -> None:
        self.ledger = Ledger()
        self.people: list[list[Community]] = []
        super().__init__(regions, size, seed)

    def _node(self, name: str) -> Node:
        node = Settled(f"node {name}", self.net, self.signing.check, Pace(0.03, 0.0), 0, self._watch, None)
        self.calls.stations[node.peer] = node
        return node

    def _found(self, at: int) -> None:
        self.ledger.signing = self.signing
        people = [
            Community(f"Village {at} {rank}", node, self.ledger) for rank, node in enumerate(self.nodes[at])
        ]
        for each in people:
            each.found()
        founded = {
            each.scope: [one.raw for one in each.node.disk.entries if isinstance(one, Kept)]
            for each in people
        }
        for each in people:
            others = [one for one in people if one is not each]
            assert isinstance(each.node, Settled)
            each.node.give(
                [(one.scope, one.body) for one in others],
                [raw for one in others for raw in founded[one.scope]],
            )
        self.people.append(people)

    def work(self, hours: float, every: float, clock: Callable[[], float]) -> float:
        """Let each community move goods about once in `every` hours; return node-hours in a minute of CPU."""
        for part in self.people:
            for each in part:
                self._again(each, every, act=False)
        begun, since = clock(), self.heap.now
        self.heap.run(since + hours * HOUR)
        return hours * len(self.all) * 60 / (clock() - begun)

    def _again(self, community: Community, every: float, act: bool = True) -> None:
        if act:
            community.trade(self.dice, local=0.1)
        wait = self.dice.expovariate(1 / (every * HOUR))
        self.heap.after(wait, partial(self._again, community, every))

    def apart(self) -> int:
        """Return in how many regions not all nodes show the same state, apart from what is local."""
        return sum(len({node.state_root() for node in part}) > 1 for part in self.nodes)
