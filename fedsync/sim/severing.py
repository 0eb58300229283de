"""Links on which nothing passes for a while: single ones that are cut, and partitions that part some nodes from all others."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial

from fedsync.records.ids import Scope
from fedsync.sim.ledger import Ledger
from fedsync.sim.links import Link, Net, Station
from fedsync.sim.node import Node
from fedsync.sim.people import Community
from fedsync.sim.scenario import Partition


class Severing:
    """Of the links of one world."""

    def __init__(
        self, net: Net, sides: list[Collection[Station]], communities: Sequence[Community], ledger: Ledger, cut_lasts: float
    ) -> None:  # fmt: skip
        """`sides`: where it is told who is on one side of a partition. `cut_lasts`: how long a cut is on average, in seconds."""
        self._net, self._heap, self._dice, self._seen = net, net.heap, net.dice, net.seen
        self._sides, self._communities, self._ledger, self._cut_lasts = sides, communities, ledger, cut_lasts
        self.side: Collection[Node] = ()
        """The nodes on one side of a partition, while there is one."""
        self.apart: list[tuple[float, float]] = []
        """From when to when nodes were parted."""

    def cut(self) -> None:
        """Cut a link for a while."""
        if not self._net.links:
            return
        link, dice = self._dice.choice([*self._net.links]), self._dice
        if "cut" not in link.stops:
            self._seen.note("cut")
            self._net.stop(link, "cut", loud=dice.random() < 0.5)
            self._heap.after(dice.expovariate(1 / self._cut_lasts), partial(self._net.lift, link, "cut"))

    def part(self, partition: Partition) -> None:
        """Let a partition begin."""
        nodes = [each.node for each in self._communities]
        side = self._dice.sample(nodes, max(1, round(len(nodes) * partition.share)))
        self.side = side
        self._sides.append(side)
        across = [link for link in self._net.links if (link.one in side) != (link.two in side)]
        for link in across:
            self._net.stop(link, "partition", loud=self._dice.random() < 0.5)
        self.apart.append((partition.begins, partition.ends))
        before = len(self._ledger.promised)
        self._heap.at(partition.ends, partial(self._heal, across, side, before))

    def _heal(self, across: Iterable[Link], side: Collection[Node], before: int) -> None:
        """End it. `before`: so much had been promised when it began."""
        if self._wrote_on_both(side, before):
            self._seen.note("partition")
        self.side = ()
        self._sides.remove(side)
        for link in across:
            self._net.lift(link, "partition")

    def _wrote_on_both(self, side: Collection[Node], before: int) -> bool:
        inside: set[Scope] = {each.scope for each in self._communities if each.node in side}
        return len({each.scope in inside for each in self._ledger.promised[before:] if not each.local}) == 2

    def mend(self) -> None:
        """Let all pass again, on links that stand for a while only as long as they stand."""
        for link in [*self._net.links]:
            for why in sorted(link.stops - {"window"}):
                self._net.lift(link, why)
