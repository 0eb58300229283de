"""Who there is in a world: communities with their nodes, those that lie among them, and crowds."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from fedsync.records.ids import LogId, RecordId
from fedsync.sim.disk import Kept
from fedsync.sim.ledger import Ledger
from fedsync.sim.lies import WAVE_S, Liar
from fedsync.sim.links import Net
from fedsync.sim.node import Node, Says, Watch
from fedsync.sim.people import Community
from fedsync.sim.scenario import ANY, EQUIVOCATE, LIES, POUR, Crowd, Scenario
from fedsync.sim.siege import Hollow
from fedsync.sim.twofaced import TwoFaced

N = TypeVar("N", bound=Node)

WAVES: Final = 500
"""Waves of a flood in a storm, at most: a season of them shows no more than a week."""


class Population:
    """Of one world."""

    def __init__(self, scenario: Scenario, net: Net, ledger: Ledger, watch: Watch) -> None:
        """`watch`: told of what nodes have, but those of crowds."""
        self._scenario, self._net, self._ledger, self._watch = scenario, net, ledger, watch
        self._dice, self._seen = net.dice, net.seen
        self.communities: list[Community] = []
        """The honest ones first."""
        self.faces: list[Node] = []
        """The second faces of nodes that have two."""
        self.doubled: dict[LogId, None] = {}
        """Logs of which one of these has told two versions."""
        self.pouring: list[Community] = []
        """Communities that write far more than others take."""
        kinds = [
            self._dice.choice(LIES) if each.kind == ANY else each.kind
            for each in scenario.liars
            for _ in range(each.count)
        ]
        for at in range(scenario.honest):
            self._settle(f"Village {at + 1}", None)
        for at, kind in enumerate(kinds, scenario.honest):
            self._settle(f"Liars {at + 1}", kind)

    @property
    def nodes(self) -> list[Node]:
        """The nodes of the communities, in the same order."""
        return [each.node for each in self.communities]

    def crowd(self, crowd: Crowd) -> list[Node]:
        """Make a crowd: they follow what the others do, and lie."""
        first = self.communities[0]
        return [
            self._node(Hollow, f"{crowd.kind} {at + 1}", 0, _unwatched, self._lies(crowd.kind, lambda: first))
            for at in range(crowd.count)
        ]

    def _settle(self, name: str, kind: str | None) -> None:
        """Make a community and its node. `kind`: as what it lies, if it does."""
        clocks, dice, at = self._scenario.clocks, self._dice, len(self.communities)
        offset = int(dice.uniform(-clocks.off, clocks.off) * 1000) if dice.random() < clocks.share else 0
        lies = None if kind is None else self._lies(kind, lambda: self.communities[at])
        node = self._node(TwoFaced if kind == EQUIVOCATE else Node, name, offset, self._watch, lies)
        community = Community(name, node, self._ledger, kind == "weak")
        self.communities.append(community)
        if isinstance(node, TwoFaced):
            node.second = self._node(TwoFaced, name, offset, _unwatched, lies)
            node.second.pens = node.pens = community.facts
            node.doubled = self._doubled
            self.faces.append(node.second)
        if kind == POUR:
            self.pouring.append(community)

    def _node(self, made: type[N], name: str, offset: int, watch: Watch, lies: Says | None) -> N:
        return made(name, self._net, self._ledger.signing.check, self._scenario.pace, offset, watch, lies)

    def _doubled(self, log: LogId) -> None:
        self._seen.note("lied")
        self._seen.note("equivocated")
        self.doubled[log] = None

    def _lies(self, kind: str, whose: Callable[[], Community]) -> Says:
        """Return what lies in one way. `whose`: the community of which it can send blocks unasked."""

        def blocks() -> list[bytes]:
            if kind == "weak":
                self._seen.note("forged")
                return [whose().forgery()]
            entries = whose().node.disk.entries
            return [each.raw for each in entries if isinstance(each, Kept) and not each.own]

        def logs() -> list[LogId]:
            return [each.log for each in self._ledger.promised[:50]]

        wave_s = max(WAVE_S, self._scenario.storm / WAVES)
        return partial(self._says, Liar(kind, self._dice, logs, lambda: self._net.heap.now, blocks, wave_s))

    def _says(self, liar: Liar, frame: bytes, heard: bytes) -> list[bytes]:
        said = liar(frame, heard)
        if said != [frame]:
            self._seen.note("lied")
        return said


def _unwatched(node: Node, ids: Sequence[RecordId]) -> None:
    """Nobody asks what a crowd holds, or a second face."""
