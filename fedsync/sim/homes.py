"""What a body of a simulation can do that has a seat in another: a community does it itself, a region by its delegates."""

from collections.abc import Sequence
from random import Random
from typing import Protocol

from fedsync.records.block import Base
from fedsync.records.codec import Value
from fedsync.records.ids import PageId, Scope
from fedsync.sim.ledger import Ledger
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen


class Home(Protocol):
    """Whence delegates are sent. Its `node` is where these write, and which seals for it in the body above."""

    name: str
    scope: Scope
    body: PageId
    pens: list[Pen]

    @property
    def node(self) -> Node:
        """The node that speaks for it in the body above."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Where it is written down what that node acknowledges."""
        ...

    def founder(self) -> bytes | None:
        """Return the seed of the key of somebody who may found a body for it; None while nobody may."""
        ...

    def busy(self) -> bool:
        """Say whether a page of its book is open that has to come to its end first."""
        ...

    def sit(self, dice: Random) -> None:
        """Let those who have a seat speak for the pages that are open."""
        ...

    def draft(self, entries: Sequence[dict[str, Value]]) -> PageId | None:
        """Write the next page of its book; return it."""
        ...

    def meet(self, dice: Random, entries: Sequence[dict[str, Value]]) -> PageId | None:
        """Draft a page, and mostly let all speak for it at once; return it."""
        ...

    def say(
        self, pen: Pen, said: Sequence[tuple[str, Value]], *, node: Node | None = None, back: int = 0
    ) -> bool:
        """Write records, at its node if no other is given; return whether that was done."""
        ...

    def fork_at(self, node: Node, pen: Pen, base: Base, said: tuple[str, Value], back: int) -> bool:
        """Write a record after an earlier one of a log of authority; return whether that was done."""
        ...
