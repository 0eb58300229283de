"""Whom nodes choose their links from where they choose them themselves, and which of them nobody can call."""

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from random import Random

from fedsync.gossip.groups import Candidate, Group
from fedsync.records.ids import Scope
from fedsync.sim.calling import OVER_RELAYS
from fedsync.sim.node import Node
from fedsync.sim.people import Community


def who_only_call(honest: Sequence[Node], share: float, dice: Random) -> list[Node]:
    """Choose the nodes that nobody can call: no two neighbours, of whom one invited the other."""
    count = round(share * len(honest))
    if not count:
        return []
    first, half = dice.randrange(len(honest)), len(honest) // 2
    apart = [honest[(first + 2 * at) % len(honest)] for at in range(half)]
    return dice.sample(apart, min(count, half))


def everybody(
    name: str, communities: Iterable[Community], callers: Collection[Node], relayed: bool, crowds: Iterable[Candidate]
) -> Group:  # fmt: skip
    """Return the one group of a world in which all are told who there is. `relayed`: callers can be had over relays."""
    unheard = (OVER_RELAYS,) if relayed else ()
    known = [
        Candidate(each.node.peer, each.scope, unheard if each.node in callers else (each.name,))
        for each in communities
    ]
    return Group(Scope(sha256(name.encode()).digest()[:16]), [*known, *crowds])


def admitted(node: Node, body: str) -> Candidate:
    """Return how one of a crowd is known: as a node that some body admitted."""
    return Candidate(node.peer, body.encode(), (node.name,))
