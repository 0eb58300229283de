"""Crowds: hundreds of nodes that few bodies admit, and that want to be all that one honest node hears of.

They hold what comes and fold nothing, so there may be many. Each calls those that are besieged again and again, takes
every call, and lies in its way once it is linked.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fedsync.crdt.view import Draft
from fedsync.gossip.events import Outcome, Peer
from fedsync.gossip.kept import Kept
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Extent, PageId, Scope
from fedsync.sim.calling import NOTHING, Calls
from fedsync.sim.disk import Bound
from fedsync.sim.links import Station
from fedsync.sim.node import Node

CALL_S: Final = 20.0
"""About so often each of a crowd calls each besieged node that it is not linked with, in seconds."""
LOOK_S: Final = 5.0
"""So often it is looked whether a besieged node has an honest link, in seconds."""
SETTLED_S: Final = 120.0
"""From then on, in seconds, it should."""


class Hollow(Node):
    """A node that takes all that comes and folds nothing."""

    def _keep(self, draft: Draft, raw: bytes, wall: int, own: bool) -> tuple[Outcome, Block | None]:
        return self._own(raw) if own else self.memory.take(raw, wall)

    def _bind(self, draft: Draft, scope: Scope, body: PageId, extent: Extent = Extent.ALL) -> bool:
        self.disk.write(Bound(scope, body, extent))
        return self.memory.follow(scope, body, extent)

    def _admit(self, genesis: Genesis) -> str:
        return "yes"


class Besieging:
    """In the place of an overlay: takes every link, and calls who is besieged."""

    def __init__(self, station: Station, calls: Calls, besieged: Sequence[Station]) -> None:
        self._station, self._calls, self._besieged = station, calls, besieged

    def start(self, kept: Mapping[Scope, Kept] = NOTHING) -> None:
        """Begin to call."""
        for each in self._besieged:
            if each.peer not in self._station.ends:
                self._calls.call(self._station, each.peer)
        net = self._calls.net
        net.heap.after(CALL_S * (0.5 + net.dice.random()), self.start)

    def keep(self) -> Mapping[Scope, Kept]:
        """Nothing: it has no views."""
        return NOTHING

    def stop(self) -> None:
        """Nothing: who besieges does not crash."""

    def linked(self, peer: Peer, called: bool) -> bool:
        """Take every link."""
        return True

    def unlinked(self, peer: Peer, answered: bool) -> None:
        """Call again when it is time."""


class Watch:
    """How long a besieged node was without an honest link while it lived and nothing parted it from the others."""

    def __init__(self, besieged: Sequence[Node], honest: Sequence[Node], calls: Calls) -> None:
        self._besieged, self._calls = besieged, calls
        self._honest = {each.peer for each in honest}
        self._since: dict[Node, float] = {}
        self.longest = 0.0
        """In seconds."""
        calls.net.heap.after(SETTLED_S, self._look)

    def _look(self) -> None:
        heap = self._calls.net.heap
        for node in self._besieged:
            if not node.alive or self._calls.sides or self._honest.intersection(node.ends):
                self._since.pop(node, None)
            else:
                since = self._since.setdefault(node, heap.now)
                self.longest = max(self.longest, heap.now - since)
        heap.after(LOOK_S, self._look)


def besiege(
    crowd: Sequence[Node],
    calls: Calls,
    besieged: Sequence[Node],
    honest: Sequence[Node],
    begin: Callable[[], float],
) -> Watch:
    """Let a crowd begin; return what watches those whom it besieges. `begin`: when each of them does, in seconds."""
    for node in crowd:
        siege = node.steering = Besieging(node, calls, besieged)
        calls.net.heap.after(begin(), siege.start)
    return Watch(besieged, honest, calls)


def on_islands(nodes: Sequence[Node]) -> int:
    """Return how many of these are joined by no links, among these, with the first."""
    met = [nodes[0]]
    for node in met:
        beyond = [end.link.beyond(node) for end in node.ends.values() if end.link.talks]
        met += [each for each in nodes if each in beyond and each not in met]
    return len(nodes) - len(met)
