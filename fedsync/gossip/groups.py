"""Which nodes share a body, and through whose page each came in: what an overlay chooses from. Pure.

A candidate is drawn by body first and by node then, so that a thousand nodes of one body weigh as much as one.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from fedsync.gossip.events import Peer
from fedsync.records.ids import Scope


class Dice(Protocol):
    """Where chance comes from: `random.Random` is one."""

    def random(self) -> float:
        """Return a number from 0 to 1, 1 excluded."""
        ...


class Candidate(NamedTuple):
    """A node that belongs to a group. Without an address it calls others, and nobody can call it."""

    peer: Peer
    body: bytes
    """Whose book admits it."""
    addresses: tuple[str, ...] = ()


class Group:
    """The nodes of one group, this one's own among them or not. Never changes, so many views may share it."""

    __slots__ = ("_bodies", "_known", "scope")

    def __init__(self, scope: Scope, candidates: Iterable[Candidate]) -> None:
        self.scope = scope
        self._known = {each.peer: each for each in candidates}
        callable_: dict[bytes, list[Candidate]] = {}
        for each in self._known.values():
            if each.addresses:
                callable_.setdefault(each.body, []).append(each)
        self._bodies = tuple(tuple(each) for each in callable_.values())

    def __contains__(self, peer: Peer) -> bool:
        return peer in self._known

    def __len__(self) -> int:
        return len(self._known)

    @property
    def bodies(self) -> int:
        """How many bodies have nodes here that can be called."""
        return len(self._bodies)

    def get(self, peer: Peer) -> Candidate | None:
        """Return what is known of a node here."""
        return self._known.get(peer)

    def draw(self, dice: Dice) -> Candidate | None:
        """Return a node that can be called: a body by chance, and then one of its nodes."""
        if not self._bodies:
            return None
        nodes = self._bodies[int(dice.random() * len(self._bodies))]
        return nodes[int(dice.random() * len(nodes))]

    def all(self) -> Iterable[Candidate]:
        """Return all nodes that can be called."""
        return (each for nodes in self._bodies for each in nodes)
