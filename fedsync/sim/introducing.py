"""Operators of a simulation who introduce peers of theirs to each other, and what comes of that. Written down for the checks.

The rule is a daemon's: only an operator's own peers introduce others, nothing comes of an introduction until the operator takes
the node in, and whom the operator removed stays out, whoever introduces it. What is said goes over the real sessions.
"""

from functools import partial
from typing import TYPE_CHECKING, Final

from fedsync.gossip.events import Introduced, Peer
from fedsync.gossip.events import Introducing as Saying
from fedsync.records.ids import Key
from fedsync.sim.finding import Finding
from fedsync.sim.node import Node
from fedsync.sim.twofaced import TwoFaced

if TYPE_CHECKING:
    from fedsync.sim.places import Places
    from fedsync.sim.world import World

DECIDES_S: Final = 120.0
"""An operator decides on a node that was introduced after so long on average, in seconds."""
TRUSTED: Final = 0.5
"""So often they trust whoever introduces it, and take it in at once."""
LEARNS_S: Final = 600.0
"""Who took in a liar finds out after so long on average, in seconds."""


class Introducing:
    """Of one world. Each introduction is said when a link begins, and at once where one stands."""

    def __init__(self, world: "World", places: "Places") -> None:
        self._world, self._places = world, places
        self._nodes = {node.peer: node for node in world.nodes}
        self.said: dict[tuple[Node, Node], dict[Node, None]] = {}
        """Of whom each operator told which own peer."""
        self.heard: dict[tuple[Node, Node], dict[Node, None]] = {}
        """Of whom each node heard by which own peer: who introduced whom."""
        self.friends = {node: tuple(peers) for node, peers in places.peers.items()}
        """The own peers of each from the start: these take each other's introductions."""
        for node in world.nodes:
            finding = self._finding(node)
            finding.linked_with = partial(self._tell_soon, node)
            node.introduced = partial(self._hear, node)
            if isinstance(node, TwoFaced) and node.second is not None:
                node.second.introduced = node.introduced

    @staticmethod
    def _finding(node: Node) -> Finding:
        assert isinstance(node.steering, Finding)
        return node.steering

    def introduce(self) -> None:
        """Let an honest operator introduce two own peers to each other."""
        world = self._world
        by = world.dice.choice(world.honest)
        known = [each for each in self._places.peers[by] if not self._finding(by).shuns(each.peer)]
        if len(known) < 2:
            return
        one, two = world.dice.sample(known, 2)
        for to, about in ((one, two), (two, one)):
            self.said.setdefault((by, to), {})[about] = None
            self._tell(by, to.peer, [about])

    def _tell_soon(self, by: Node, to: Peer) -> None:
        """Tell a peer all, once the link to it stands."""
        about = self.said.get((by, self._nodes[to]))
        if about:
            self._world.heap.after(0.0, partial(self._tell, by, to, list(about)))

    def _tell(self, by: Node, to: Peer, abouts: list[Node]) -> None:
        if to not in by.ends:
            return
        for about in abouts:
            told = self._finding(by).places_of(about.peer)
            by.tell(to, Saying(Key(about.peer), about.name.encode(), " ".join(told).encode()))

    def _hear(self, to: Node, by: Peer, said: Introduced) -> None:
        finding = self._finding(to)
        about = self._nodes.get(Peer(said.node))
        if about is None or about is to or by not in finding.peers or finding.shuns(by):
            return
        self.heard.setdefault((self._nodes[by], to), {})[about] = None
        if finding.shuns(about.peer):
            self._world.seen.note("introduced-again")
        elif about.peer not in finding.peers:
            at = (said.addresses.decode().split() or [""])[0]
            trusted = self._world.dice.random() < TRUSTED
            wait = 0.0 if trusted else self._world.dice.expovariate(1 / DECIDES_S)
            self._world.heap.after(wait, partial(self._take_in, to, about, at))

    def _take_in(self, node: Node, about: Node, at: str) -> None:
        """Let an operator make a node that was introduced an own peer."""
        world, finding = self._world, self._finding(node)
        if about.peer in finding.peers or finding.shuns(about.peer):
            return
        world.seen.note("introduced")
        self._places.peers[node].append(about)
        finding.befriend(about.peer, at)
        if node in world.honest and about in world.nodes[world.scenario.honest :]:
            wait = world.dice.expovariate(1 / LEARNS_S)
            world.heap.after(wait, partial(self._places.remove, node, about))
