"""Where nodes answer in a world in which they have to learn that: who moves, and whom operators remove. Written down for the checks."""

from functools import partial
from typing import TYPE_CHECKING, Final

from fedsync.records.genesis import NODE
from fedsync.records.ids import LogClass, Reach
from fedsync.sim.finding import Finding
from fedsync.sim.introducing import Introducing
from fedsync.sim.links import Station
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen
from fedsync.sim.twofaced import TwoFaced

if TYPE_CHECKING:
    from fedsync.sim.world import World

PARTED_S: Final = 1.0
"""So long after a node was removed no link to it may stand, in seconds."""
OWN_PEERS_OF_A_LIAR: Final = 2
TELEPHONE_S: Final = 300.0
"""An operator whose node is alone looks so often, in seconds, and asks own peers by telephone where they answer now."""


class Places:
    """Of one world. Each operator knows two others by invitation, so that all hang together before there is any book."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._moves = 0
        self.at: dict[Node, str] = {}
        """Where each node answers now; empty: nowhere, it calls."""
        self.removals: dict[tuple[Node, Node], float] = {}
        """Who removed whom, and when."""
        self.lingered: list[tuple[Node, Node]] = []
        """Links that stood for too long after that."""
        self.peers: dict[Node, list[Node]] = {node: [] for node in world.nodes}
        """The own peers of each operator."""
        honest = world.honest
        for at, node in enumerate(honest):
            self._befriend(node, honest[at - 1])
        for liar in world.nodes[len(honest) :]:
            for node in world.dice.sample(honest, min(len(honest), OWN_PEERS_OF_A_LIAR)):
                self._befriend(liar, node)
        self._settle()
        self.introducing = Introducing(world, self)

    def _befriend(self, one: Node, two: Node) -> None:
        if one is not two and two not in self.peers[one]:
            self.peers[one].append(two)
            self.peers[two].append(one)

    def _settle(self) -> None:
        world = self._world
        world.calls.places = {}
        clerks = {
            each.home.node: each.clerk for region in world.bodies.regions for each in region.delegations
        }
        keys = {clerk.genesis.key: node.peer for node, clerk in clerks.items()}
        for node in world.nodes:
            self._place(node)
        for community in world.communities:
            node, pen = community.node, None
            if node in clerks:
                clerk, ledger = clerks[node], community.ledger
                pen = Pen(
                    clerk.seed, clerk.genesis.scope, LogClass.AUTHORITY, Reach.REGION, ledger.signed.update,
                    capacity=NODE, signing=ledger.signing,
                )  # fmt: skip
                community.pens.append(pen)
            peers = self.peers[node]
            finding = Finding(community, world.calls, world.dice, pen, keys, [each.peer for each in peers])
            finding.invited = {each.peer: self.at[each] for each in peers}
            finding.address = self.at[node]
            finding.offers = world.relays is not None and node.peer in world.relays.offering
            finding.turned_away = partial(world.seen.note, "turned-away")
            node.steering = finding
            if isinstance(node, TwoFaced) and node.second is not None:
                node.second.steering = finding
            world.heap.after(world.dice.random(), partial(_begin, node, finding))
        if world.relays is not None:
            world.relays.knows = lambda station: _finding(station).relays
            world.relays.admits = lambda relay, peer: _finding(relay).lets_in(peer)
        world.heap.after(TELEPHONE_S, self._telephone)

    def _telephone(self) -> None:
        """Let operators whose nodes are alone ask: when two move at once, neither can find the other by any record."""
        for node in self._world.honest:
            finding = node.steering
            assert isinstance(finding, Finding)
            if not node.ends:
                finding.invited = {
                    each.peer: self.at[each] for each in self.peers[node] if each.peer not in finding.removed
                }
                for each in self.peers[node]:
                    if each in self._world.callers:
                        # It cannot be called, so its operator is told where to call.
                        assert isinstance(each.steering, Finding)
                        each.steering.invited = {**each.steering.invited, node.peer: self.at[node]}
        self._world.heap.after(TELEPHONE_S, self._telephone)

    def _place(self, node: Node) -> None:
        places = self._world.calls.places
        assert places is not None
        if node in self._world.callers:
            self.at[node] = ""
            return
        if node in self.at:
            del places[self.at[node]]
        self._moves += 1
        self.at[node] = f"{node.name.lower().replace(' ', '-')}.example:{self._moves}"
        places[self.at[node]] = node

    def move(self) -> None:
        """Let an honest node move: its links break, and from then on it answers elsewhere."""
        world = self._world
        node = world.dice.choice(world.honest)
        finding = node.steering
        assert isinstance(finding, Finding)
        world.seen.note("moved")
        self._place(node)
        finding.address = self.at[node]
        for end in list(node.ends.values()):
            world.net.hang_up(end)
        if world.relays is not None:
            world.relays.fell(node)
        finding.look()

    def plan_removals(self) -> None:
        """Let the operators who know a liar find out about it, each at a time of their own."""
        world = self._world
        for liar in world.nodes[world.scenario.honest :]:
            for node in self.peers[liar]:
                when = world.scenario.storm * world.dice.uniform(0.3, 0.8)
                world.heap.at(when, partial(self.remove, node, liar))

    def remove(self, node: Node, liar: Node) -> None:
        """Let the operator of a node remove another, unless that was done."""
        finding = node.steering
        assert isinstance(finding, Finding)
        if finding.shuns(liar.peer):
            return
        self._world.seen.note("removed")
        self.removals[node, liar] = self._world.heap.now
        finding.remove(liar.peer)
        self._world.heap.after(PARTED_S, partial(self._look, node, liar))

    def _look(self, node: Node, liar: Node) -> None:
        if liar.peer in node.ends:
            self.lingered.append((node, liar))


def _finding(station: Station) -> Finding:
    assert isinstance(station, Node)
    assert isinstance(station.steering, Finding)
    return station.steering


def _begin(node: Node, finding: Finding) -> None:
    if node.alive:
        finding.start()
