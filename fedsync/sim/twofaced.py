"""A node with two faces under one key: each half of its peers gets another version of what its tellers record.

Both faces are whole nodes that run the real machines, so no peer can tell from its own session that anything is wrong.
Only when honest nodes of both halves meet is there a proof.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from fedsync.crdt.view import Draft as Change
from fedsync.gossip.events import Known, Outcome, Peer
from fedsync.records.block import Base, Block, peek
from fedsync.records.ids import Extent, LogId, PageId, Scope
from fedsync.records.seal import Draft
from fedsync.sim.links import Station
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen

Pens: TypeAlias = Callable[[], dict[LogId, Pen]]
"""The logs of which there are two versions, and who writes them."""
Doubled: TypeAlias = Callable[[LogId], None]
"""Told when something was said twice in a log."""
LATER_MS: Final = 1
"""By so much what the second face says is dated later: a record of the same things, and another one."""


class TwoFaced(Node):
    """One face. What its tellers write comes to both; of logs that have two versions each keeps its own, and hears of no other."""

    second: "TwoFaced | None" = None
    """The other face, at the first one."""
    pens: Pens = staticmethod(dict)
    doubled: Doubled = staticmethod(lambda log: None)

    def towards(self, peer: Peer) -> "TwoFaced":
        """Return the face that a peer is shown: always the same."""
        return self.second if self.second is not None and peer[-1] % 2 else self

    def follow(self, scope: Scope, body: PageId, extent: Extent = Extent.ALL) -> None:
        """Follow a body with both faces."""
        super().follow(scope, body, extent)
        if self.second is not None:
            self.second.follow(scope, body, extent)

    def write(self, blocks: Sequence[Block]) -> bool:
        """Keep what a teller says, and at the other face something else in its place."""
        if not super().write(blocks):
            return False
        if self.second is not None:
            for block in blocks:
                self.second.say_otherwise(block, self.pens().get(block.log), self.doubled)
        return True

    def say_otherwise(self, block: Block, pen: Pen | None, doubled: Doubled) -> None:
        """Write here what takes the place of a block; how a log begins is told to all alike, and what bears on a book."""
        if pen is None:
            self.write([block])
            return
        said = [
            Draft(block.kinds[at], block.value(at), time + LATER_MS, tuple(block.record(at).refs))
            for at, time in enumerate(block.times)
        ]
        begins = block.first == 0
        base = None if begins else self._ends(block.log)
        self.write(pen.seal(base, said[begins:], block.times[0]))
        doubled(block.log)

    def _ends(self, log: LogId) -> Base:
        """Return where its own version of a log ends: it has no other."""
        held = self.memory.log(log)
        assert held is not None
        last, before, _ = held.blocks[-1]
        return Base(held.genesis, last.last, last.tip, last.place(before))

    def _keep(self, draft: Change, raw: bytes, wall: int, own: bool) -> tuple[Outcome, Block | None]:
        if not own and peek(raw).log in self.pens():
            return Known(), None
        return super()._keep(draft, raw, wall, own)


def towards(station: Station, peer: Peer) -> Station:
    """Return the face that a station shows to a peer."""
    return station.towards(peer) if isinstance(station, TwoFaced) else station
