"""What a node keeps of its peers, counted again and again while a storm lasts: none of it may grow with what they do."""

from collections.abc import Iterable, Iterator
from typing import Final

from fedsync.gossip.limits import MAX_LATE, MAX_REFUSALS
from fedsync.gossip.scores import MOST_PEERS
from fedsync.gossip.view import ACTIVE, PASSIVE
from fedsync.sim.node import Node

MOST: Final = {
    "peers of whom something is thought": MOST_PEERS,
    "nodes in the views of a group": ACTIVE + 1 + PASSIVE,
    "refusals remembered of a peer": MAX_REFUSALS,
    "logs refused in a session": MAX_REFUSALS,
    "segments of a session that wait for others": MAX_LATE,
}
"""What is counted, and how much of it there may be. A link is given up only when the one in its place stands: so one more."""


class Growth:
    """The most that there ever was of each, and where."""

    def __init__(self) -> None:
        self.most: dict[str, tuple[int, str]] = {}

    def look(self, nodes: Iterable[Node]) -> None:
        """Count what these keep now."""
        for node in nodes:
            for what, size in _sizes(node):
                if size > self.most.get(what, (0, ""))[0]:
                    self.most[what] = size, node.name

    def faults(self) -> Iterator[str]:
        """Yield what was more than it may be."""
        for what, (size, name) in self.most.items():
            if size > MOST[what]:
                yield f"{name} kept {size} {what}; {MOST[what]} may be"


def _sizes(node: Node) -> Iterator[tuple[str, int]]:
    scored, views, refusals, refused, late = MOST
    yield scored, len(node.scores)
    if node.alive and node.steering is not None:
        for kept in node.steering.keep().values():
            yield views, len(kept.good) + len(kept.others)
    for memory in node.disk.remembered.values():
        yield refusals, len(memory.refused)
    # Sessions show nobody what they have in hand: it is looked at from within.
    for session in node.engine._sessions.values():
        yield refused, len(session._exchange.refused)
        yield late, len(session._segments._late)
