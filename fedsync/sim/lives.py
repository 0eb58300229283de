"""When each node lives: founded late, crashed and back again, set back to a backup, gone for good; and what is lost by that."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from fedsync.records.ids import RecordId
from fedsync.sim.disk import Disk
from fedsync.sim.ledger import Ledger
from fedsync.sim.links import Net
from fedsync.sim.node import Node
from fedsync.sim.people import Community
from fedsync.sim.progress import Progress

RESTORE_S: Final = 300.0
"""A node that is set back to a backup is down for so long, in seconds: until then all that it sent has come or is lost."""
IN_COMMIT: Final = 0.3
"""This share of the crashes waits for the moment when a node has records in its hands."""


class Lives:
    """Of the nodes of one world."""

    def __init__(
        self, net: Net, communities: Sequence[Community], honest: int, faces: Sequence[Node], ledger: Ledger,
        progress: Progress, crash_lasts: float,
    ) -> None:  # fmt: skip
        """`honest`: so many of the communities do what they should, the first ones. `faces`: the others of nodes with two.

        `crash_lasts`: for how long a node is down on average, in seconds.
        """
        self._net, self._heap, self._dice, self._seen = net, net.heap, net.dice, net.seen
        self._communities, self._ledger, self._progress = communities, ledger, progress
        nodes = [each.node for each in communities]
        self._sound, self._liars = nodes[:honest], [*nodes[honest:], *faces]
        self._crash_lasts = crash_lasts
        self._calm = False
        self.gone: set[Node] = set()
        """Nodes that left for good."""
        self._unborn: set[Node] = set()
        self._restoring: set[Node] = set()
        self._backups: dict[Node, tuple[Disk, list[RecordId]]] = {}
        """The last backup of each node, and which records are in it."""
        self.fell: Callable[[Node], None] = lambda node: None
        """Told when the program of a node ended and its machine went on: whom it carried for notices."""

    @property
    def honest(self) -> list[Node]:
        """The nodes that do what they should, and are still there."""
        return [each for each in self._sound if each not in self.gone]

    def end_trouble(self) -> None:
        """From now on nothing befalls a node any more: whoever is down comes back as it is."""
        self._calm = True
        for community in self._communities:
            # Nobody comes to set it back any more: it begins again as it was.
            self._restoring.discard(community.node)
            self._come_back(community.node)

    # --- Births and crashes -----------------------------------------------------------------------------

    def found_later(self, community: Community, when: float) -> None:
        """Let a community be founded at some time, and its node join."""
        self._unborn.add(community.node)
        community.node.alive = False
        self._heap.at(when, partial(self._be_born, community))

    def _be_born(self, community: Community) -> None:
        self._unborn.discard(community.node)
        self._seen.note("joined")
        community.node.start()
        community.found()

    def crash(self) -> None:
        """Let an honest node crash, now or in the middle of its next commit."""
        node = self._dice.choice(self.honest)
        if self._dice.random() < IN_COMMIT:
            node.doom = partial(self._fall, node)
        else:
            self._fall(node)

    def _fall(self, node: Node) -> None:
        if node.alive and not self._calm:
            loud = self._dice.random() < 0.5
            node.crash(loud)
            if loud:
                self.fell(node)
            self._heap.after(self._dice.expovariate(1 / self._crash_lasts), partial(self._come_back, node))

    def _come_back(self, node: Node) -> None:
        if not node.alive and node not in self._restoring | self.gone | self._unborn:
            node.start()

    # --- Backups ----------------------------------------------------------------------------------------

    def back_up(self) -> None:
        """Make a backup of an honest node."""
        node = self._dice.choice(self.honest)
        if node not in self._unborn:
            self._backups[node] = node.backup(), node.ids()

    def restore(self) -> None:
        """Take a node down; a while later, when nothing of it is under way any more, it begins again from its backup."""
        node, dice = self._dice.choice(self.honest), self._dice
        if node in self._backups and node.alive and node not in self._restoring:
            self._restoring.add(node)
            node.crash(loud=dice.random() < 0.5)
            self._heap.after(RESTORE_S, partial(self._begin_again, node, dice.random() < 0.5))

    def _begin_again(self, node: Node, noticed: bool) -> None:
        if node not in self._restoring:
            return
        self._restoring.discard(node)
        self._seen.note("restore")
        before = node.ids()
        node.restore(self._backups[node][0], noticed)
        node.start()
        self._lose(before)

    # --- Leaving ----------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Let a node leave for good that the others can do without; what only it had is lost."""
        node = self._dice.choice(self.honest)
        if len(self.honest) < 3 or node in self._unborn | self._restoring or self._cuts_off(node):
            return
        self._seen.note("left")
        before = node.ids()
        if node.alive:
            node.crash(loud=self._dice.random() < 0.5)
        self.gone.add(node)
        self._backups.pop(node, None)
        self._lose(before)

    def _cuts_off(self, gone: Node) -> bool:
        """Say whether some of the honest could not reach the others without this node."""
        left = [each for each in self.honest if each is not gone]
        reached, todo = {left[0]}, [left[0]]
        while todo:
            at = todo.pop()
            for link in self._net.links:
                for one, two in ((link.one, link.two), (link.two, link.one)):
                    beyond = next((each for each in left if each is two), None)
                    if one is at and beyond is not None and beyond not in reached:
                        reached.add(beyond)
                        todo.append(beyond)
        return len(reached) < len(left)

    def _lose(self, before: list[RecordId]) -> None:
        """Take out of the ledger what only one node held `before`, and from the pens what no backup holds either."""
        honest = {id_ for node in self.honest for id_ in node.ids()}
        # What only a liar has may never be served, or may turn up again.
        everywhere = honest | {id_ for node in self._liars for id_ in node.ids()}
        if self._ledger.survey(before, honest):
            self._seen.note("lost-for-good")
        kept = {id_ for _, ids in self._backups.values() for id_ in ids}
        for community in self._communities:
            community.lose(everywhere | kept)
        self._progress.count_again()
