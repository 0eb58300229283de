"""How far each node of a world is: how many of the records that all should come to hold it has, over time."""

from collections.abc import Iterable, Sequence

from fedsync.records.ids import RecordId
from fedsync.sim.ledger import Ledger
from fedsync.sim.node import Node


class Progress:
    """Of one world."""

    def __init__(self, ledger: Ledger, honest: int) -> None:
        """`honest`: so many of the nodes, the first ones, are in the pictures."""
        self._ledger, self._honest = ledger, honest
        self._held: dict[Node, int] = {}
        self.pictures: list[tuple[float, int, list[int]]] = []
        """(second, records to hold, how many of them each honest node has)."""

    def begin(self, nodes: Iterable[Node]) -> None:
        """Count for these nodes: they have nothing yet."""
        self._held = dict.fromkeys(nodes, 0)

    def watch(self, node: Node, ids: Sequence[RecordId]) -> None:
        """Count what a node has from now on."""
        self._held[node] += sum(map(self._ledger.public.__contains__, ids))

    def count_again(self) -> None:
        """Count all anew: what all should hold has changed, or what a node has was taken from it."""
        public = self._ledger.public
        for node in self._held:
            self._held[node] = sum(each in public for each in node.ids())

    def picture(self, now: float) -> None:
        """Note how far all are, unless that was done at this moment."""
        if not self.pictures or self.pictures[-1][0] < now:
            self.pictures.append(
                (now, len(self._ledger.public), list(self._held.values())[: self._honest]),
            )
