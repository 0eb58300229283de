"""Whether honest nodes believe that they hold the same, as their machines tell. `checks` does not believe it."""

from collections.abc import Collection, Iterable, Sequence

from fedsync.gossip.holdings import SetKey
from fedsync.gossip.trees import Trees
from fedsync.records.ids import Scope
from fedsync.sim.node import Node
from fedsync.sim.people import Community
from fedsync.sim.regions import Region


def agree(nodes: Iterable[Node], founded: Collection[Scope]) -> bool:
    """Say whether all follow what was founded, and hold the same of all that they follow but what is local."""
    first: object = None
    for node in nodes:
        followed = _follows(node)
        if not followed >= {*founded}:
            return False
        sets = [key for key in node.memory.sets() if key[1] != 0]
        roots = (followed, sorted(Trees(node.memory).roots(sets)))
        if first is not None and roots != first:
            return False
        first = roots
    return True


def agree_on_bodies(nodes: Iterable[Node], regions: Sequence[Region[Community]]) -> bool:
    """Say the same where nodes keep different bodies: who keeps one holds the same of it, and keeps its region whole."""
    for region in regions:
        bodies = {region.scope, *(each.scope for each in region.members)}
        if not all(bodies <= _follows(member.node) for member in region.members):
            return False
    roots: dict[SetKey, bytes] = {}
    for node in nodes:
        kept = _follows(node)
        shared = (key for key in node.memory.sets() if key[0] in kept and key[1] != 0)
        for key, root in Trees(node.memory).roots(shared):
            if roots.setdefault(key, root) != root:
                return False
    return True


def _follows(node: Node) -> set[Scope]:
    return {scope for scope, *_ in node.memory.following}
