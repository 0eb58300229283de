"""A region as somebody who has a seat in the world: its delegates draft and sign what it has to say there, each at home.

None of them sees what another did before that has come over links. So a page by which a region sends somebody, or says
which vote was its word, takes as long as any other page of its.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from fedsync.crdt.books.drafting import CannotDraft, draft_page, witnesses
from fedsync.crdt.books.minutes import PageView, pages
from fedsync.records.block import Base
from fedsync.records.codec import Value, pack
from fedsync.records.ids import PageId, payload_id
from fedsync.records.seal import normal
from fedsync.sim.ledger import Ledger
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen
from fedsync.sim.people import AT_ONCE, Community
from fedsync.sim.regions import Region

ROOM: Final = 20_000
"""Bytes of a page that may say how far its members' books have come."""


class Council:
    """The delegates of a region. The node of its first member speaks for it."""

    def __init__(self, region: Region[Community]) -> None:
        self.region = region
        self.name, self.scope, self.body = region.name, region.scope, region.body
        self._host = region.members[0]
        self.pens = self._host.pens
        self._drafted: set[PageId] = set()
        """Its pages about what is above it."""

    @property
    def node(self) -> Node:
        """The node of its first member."""
        return self._host.node

    @property
    def ledger(self) -> Ledger:
        """That of all."""
        return self._host.ledger

    def founder(self) -> bytes | None:
        """Return the seed of the key of the delegate whom its first member sent."""
        sent = self.region.delegations[0].current()
        return sent.pen.seed if sent is not None else None

    def _open(self) -> list[PageView]:
        shown = pages(self.node.view, self.scope)
        return [each for each in shown if each.id in self._drafted and each.status in ("drafted", "adopted")]

    def busy(self) -> bool:
        """Say whether a page about what is above it is open."""
        return bool(self._open())

    def sit(self, dice: Random) -> None:
        """Let each delegate whom such a page has reached speak for it."""
        about = [each.id for each in self._open()]
        for delegation in self.region.delegations:
            if about and delegation.home.node.alive:
                delegation.sign(dice.choice(about))

    def draft(self, entries: Sequence[dict[str, Value]]) -> PageId | None:
        """Let the first delegate who is there write the region's next page; return it."""
        sender = self.region.delegations[0]
        sent = sender.current()
        if sent is None:
            return None
        view = self.node.view
        try:
            drafted = draft_page(view, self.scope, [*entries, *witnesses(view, self.scope, ROOM)])
        except CannotDraft:
            return None
        page = normal(dict(drafted.value))
        if not self.say(sent.pen, [("page", page)]):
            return None
        id_ = PageId(payload_id(pack(page)))
        self._drafted.add(id_)
        return id_

    def meet(self, dice: Random, entries: Sequence[dict[str, Value]]) -> PageId | None:
        """Draft a page, and mostly let whom it has reached speak for it at once; return it."""
        page = self.draft(entries)
        if page is not None and dice.random() < AT_ONCE:
            self.sit(dice)
        return page

    def say(
        self, pen: Pen, said: Sequence[tuple[str, Value]], *, node: Node | None = None, back: int = 0
    ) -> bool:
        """Write records, at its node if no other is given; return whether that was done."""
        return self._host.say(pen, said, node=node, back=back)

    def fork_at(self, node: Node, pen: Pen, base: Base, said: tuple[str, Value], back: int) -> bool:
        """Write a record after an earlier one of a log of authority; return whether that was done."""
        return self._host.fork_at(node, pen, base, said, back)
