"""What came of the books of a world that has lived, counted: pages that are final, results, votes that came to nothing."""

from fedsync.crdt.books.booktables import RESULTS, VOTE_VERDICTS
from fedsync.crdt.books.fellows import joined
from fedsync.crdt.books.minutes import pages
from fedsync.crdt.view import MemoryView
from fedsync.records.ids import Scope
from fedsync.sim.world import World


def note_sealed(world: World) -> None:
    """Count the pages after the first that are final, and what else books came to, as nodes show it."""
    counts, view = world.seen.counts, world.honest[0].view
    for community in world.communities:
        counts["sealed"] += _sealed(view, community.scope)
    for region in world.bodies.all:
        view = next((each.node.view for each in region.members if each.node not in world.lives.gone), view)
        counts[f"{region.kind}-sealed"] += _sealed(view, region.scope)
        if region in world.bodies.syndicates:
            counts["allied"] += sum(
                region.body in joined(each.node.view, each.scope) for each in region.members
            )
        counts["final"] += sum("final" in row for _, row in view.scan(RESULTS, (region.scope,)))
        for member in region.members:
            counts["void"] += sum("void" in row for _, row in view.scan(VOTE_VERDICTS, (member.scope,)))


def _sealed(view: MemoryView, scope: Scope) -> int:
    return sum(page.number > 0 and page.status == "sealed" for page in pages(view, scope))
