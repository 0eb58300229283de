"""What a node keeps of its peers, counted again and again while a storm lasts: none of it may grow with what they do.

The bounds stand here once more, as docs/protocol.md and docs/overlay.md have them: who raises one in a machine has to raise
it here too, and is asked why.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from fedsync.sim.node import Node

FRAME: Final = 65_535
"""Bytes of a frame: what comes, or is said, until it is felt that there is too much."""
TAKES_BYTES: Final = 4 * 1024 * 1024
BACKLOG: Final = 2 * 1024 * 1024
LINKS: Final = 6
"""Links that a node keeps for a group; one more while one takes the place of another."""
BODIES: Final = 10_000
"""Bodies that a peer may announce, of 49 bytes each, and 4 as it says them itself."""
REMEMBERED, SCORED = "peers remembered", "peers of whom something is thought"
VIEWED, REFUSALS = "nodes in the views of a group", "refusals remembered of a peer"
MEMORY = "bytes remembered of what a peer follows"
MOST: Final = {
    SCORED: 1024,
    VIEWED: LINKS + 1 + 30,
    REFUSALS: 1024,
    MEMORY: BODIES * (49 + 4) + 8,
    "logs wanted of a peer": 200_000,
    "logs refused in a session": 1024,
    "logs that a peer refuses in a session": 1024,
    "blocks of a session that wait at the door": 256 + 1,
    "bytes of a session that wait at the door": TAKES_BYTES + FRAME,
    "segments of a session that wait for others": 1024,
    "bytes of segments of a session that wait for others": 512 * 1024,
    "bytes of answers that a peer does not read": BACKLOG + 2 * FRAME,
}
"""What is counted, and how much of it there may be. How many peers are remembered has no number: there are not more of them."""
OF_SESSIONS: Final = tuple(MOST)[4:]
"""What a session tells of itself, in the order of `Sizes`."""


class Growth:
    """The most that there ever was of each, and where. `others`: how many peers a node can have."""

    def __init__(self, others: int) -> None:
        self.most: dict[str, tuple[int, str]] = {}
        self._bounds = MOST | {REMEMBERED: others}

    def look(self, nodes: Iterable[Node]) -> None:
        """Count what these keep now."""
        for node in nodes:
            for what, size in _sizes(node):
                if size > self.most.get(what, (0, ""))[0]:
                    self.most[what] = size, node.name

    def faults(self) -> Iterator[str]:
        """Yield what was more than it may be."""
        for what, (size, name) in self.most.items():
            if size > self._bounds[what]:
                yield f"{name} kept {size} {what}; {self._bounds[what]} may be"


def _sizes(node: Node) -> Iterator[tuple[str, int]]:
    yield SCORED, len(node.scores)
    if node.alive and node.steering is not None:
        for kept in node.steering.keep().values():
            yield VIEWED, len(kept.good) + len(kept.others)
    yield REMEMBERED, len(node.disk.remembered)
    for memory in node.disk.remembered.values():
        yield REFUSALS, len(memory.refused)
        yield MEMORY, len(memory.bodies or b"") + len(memory.aliases)
    for sizes in node.engine.sizes().values():
        yield from zip(OF_SESSIONS, sizes, strict=True)
