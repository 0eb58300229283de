"""A body whose tellers write far more than anybody takes in an hour, until it gives itself others."""

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

from fedsync.records.codec import Value

if TYPE_CHECKING:
    from fedsync.sim.heap import Heap
    from fedsync.sim.node import Node
    from fedsync.sim.people import Community, Teller
    from fedsync.sim.rare import Seen

POURED: Final = 6
"""So many times what is taken of one author in an hour is written at once, by several of them together."""
POURING: Final = 2
"""Tellers of a community who do."""
AGAIN_S: Final = 20.0
"""So soon it is looked again whether the page is sealed that takes their seats, in seconds."""


class Pouring:
    """Of one community. Its node tells everybody what there is, and lies to nobody."""

    def __init__(
        self, community: "Community", heap: "Heap", dice: Random, seen: "Seen", author: int, storm: float
    ) -> None:
        """`author`: records of one author that are taken in an hour."""
        self.community, self._heap, self._dice, self._seen = community, heap, dice, seen
        self._many = POURED * author // POURING
        self._bad = community.tellers[-POURING:]
        begins = storm * dice.uniform(0.1, 0.3)
        for teller in self._bad:
            heap.at(begins + dice.random(), partial(self._pour, teller))
        heap.at(begins + dice.uniform(60.0, 180.0), self._dismiss)

    def _pour(self, teller: "Teller") -> None:
        said: list[tuple[str, Value]] = [("note", {"text": f"number {at}"}) for at in range(self._many)]
        self.community.say(teller.facts, said)

    def has_come(self, nodes: "Sequence[Node]") -> bool:
        """Say whether these nodes believe that they hold all of it."""
        pens = [teller.facts for teller in self._bad]
        return all(
            end is None or node.holds(end.genesis.log, end.seq, end.id)
            for node in nodes
            for end in (pen.end for pen in pens)
        )

    def _dismiss(self) -> None:
        """Let the book take the seats of those who pour, as soon as no other page is open."""
        community = self.community
        if community.open_pages():
            community.sit(self._dice)
        elif community.draft([self._epoch()]) is not None:
            self._seen.note("dismissed")
            community.sit(self._dice)
            return
        self._heap.after(AGAIN_S, self._dismiss)

    def _epoch(self) -> dict[str, Value]:
        community = self.community
        stay = [each for each in community.tellers if each not in self._bad]
        return {
            "kind": "epoch",
            "name": community.name,
            "classification": "community",
            "level": 0,
            "seats": [{"genesis": each.book.genesis.payload} for each in stay],
            "k": 1,
        }
