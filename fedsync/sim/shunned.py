"""Whether nodes found each other by what was announced, and called whom they may alone: from what was called, and from the disks."""

from collections.abc import Iterator
from typing import Final

from fedsync.records.ids import Key, Reach
from fedsync.sim import shown
from fedsync.sim.calling import HANDSHAKE
from fedsync.sim.shelves import Shelf, Shelves
from fedsync.sim.world import World

SLOWEST: Final = 1.5
"""A link is so many times as slow as the scenario says, at most."""
MOST_SAID: Final = 16
"""Nodes of which one peer is heard to tell in a session: what is more need not be heard."""


def shunned(world: World) -> Iterator[str]:
    """Whom an operator removed that node calls no more, nor lets in; and nobody links with whom neither operator nor book names."""
    places = world.places
    if places is None:
        return
    nodes = {node.peer: node for node in world.nodes}
    for node, liar in places.lingered:
        yield f"a link of {node.name} to {liar.name} outlasted the removal of that"
    for when, one, peer in world.calls.dialled:
        since = places.removals.get((nodes[one.peer], nodes[peer]))
        if since is not None and when > since:
            yield f"{one.name} called {nodes[peer].name} at {when:.0f} s, which it had removed at {since:.0f} s"
    honest = world.nodes[: world.scenario.honest]
    under_way = HANDSHAKE * SLOWEST * world.scenario.links.delay
    for when, caller, called in world.calls.opened:
        first, two = nodes[caller.peer], nodes[called.peer]
        for node, other in ((first, two), (two, first)):
            since = places.removals.get((node, other))
            # A call that was under way is answered, and parted from at once.
            if since is not None and when > since + under_way:
                yield f"{node.name} had a link with {other.name} at {when:.0f} s, which it had removed at {since:.0f} s"
            if node in honest and other not in honest and other not in places.peers[node]:
                yield f"{node.name} had a link with {other.name}, whom no book and no operator names there"


def uncalled(world: World) -> Iterator[str]:
    """Whom nobody can call nobody tries to call, and each of their links is one that they called for, or over a relay."""
    over = world.relays.opened if world.relays is not None else {}
    if world.relays is not None:
        yield from world.relays.faults()
    for when, one, two in world.calls.knocked:
        yield f"{one.name} called {two.name} at {when:.0f} s, whom nobody can call"
    for when, one, two in world.calls.opened:
        if two in world.callers and (when, one, two) not in over:
            yield f"{one.name} opened a link to {two.name} at {when:.0f} s, whom nobody can call"


def introduced(world: World) -> Iterator[str]:
    """Who has a friend in an operator heard of all whom that one introduced, and by whom: it is said again with each link."""
    # A frame that a bad link loses is not said again while the link stands; on real streams none is lost.
    if world.places is None or world.net.lossy:
        return
    introducing = world.places.introducing
    for (by, to), abouts in introducing.said.items():
        if by not in world.honest or to not in world.honest or by not in introducing.friends[to]:
            continue
        heard = introducing.heard.get((by, to), {})
        missing = [about.name for about in abouts if about not in heard]
        if missing and len(abouts) <= MOST_SAID:
            yield f"{by.name} introduced {missing[0]} to {to.name}, which never heard of it"


def announced(world: World, shelves: Shelves) -> Iterator[str]:
    """Every node of a region that is founded has said where it answers now, and all of the region have that."""
    for region in world.bodies.regions if world.places is not None else ():
        for delegation in region.delegations:
            node, key = delegation.home.node, delegation.clerk.genesis.key
            place = world.places.at[node]  # type: ignore[union-attr]
            for member in region.members:
                shelf = shelves.get(member.node)
                if shelf is None or not region.founded:
                    continue
                if not place:
                    if _said(shelf, key) is not None:
                        yield f"{member.node.name} holds that {node.name} answers somewhere, and nobody can call it"
                elif _said(shelf, key) != [place]:
                    yield f"{member.node.name} does not hold that {node.name} answers at {place}"
                shows = shown.addresses(member.node, region.scope, key)
                if place and shows is not None and shows != (place,):
                    yield f"{member.node.name} shows {node.name} at {', '.join(shows) or 'no place'}, and it answers at {place}"


def _said(shelf: Shelf, key: Key) -> object:
    """Return what a node announced last within its region, as the bytes on a disk say."""
    last: tuple[int, object] = (-1, None)
    for run in shelf.runs:
        if run.of.key == key and run.of.capacity == ("node",) and run.of.reach is Reach.REGION:
            for each in run.records:
                if each.kind == "announcement" and isinstance(each.value, dict):
                    last = max(last, (each.seq, each.value["addresses"]), key=lambda each: each[0])
    return last[1]
