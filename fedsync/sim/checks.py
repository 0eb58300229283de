"""What must be true when the storm is over, checked from the ledger and the bytes on each disk.

What is true comes from there alone: bytes are read by a reader of the checks' own, ids are worked out again, stocks are added
up with plain sums, pages and votes are judged anew, and sets are compared as Python's sets. What nodes show (`shown`, state
roots) is compared with it, and decides nothing. Each fault is a sentence.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from fedsync.records.ids import Extent, LogClass, LogId, PayloadId, Reach, RecordId, Scope
from fedsync.sim import shown
from fedsync.sim.circles import Circles
from fedsync.sim.door import BATCH_S
from fedsync.sim.growth import BACKLOG, FRAME, LINKS, TAKES_BYTES
from fedsync.sim.homes import Home
from fedsync.sim.ledger import Promised
from fedsync.sim.links import QUEUE_BYTES
from fedsync.sim.node import Node
from fedsync.sim.paced import paced
from fedsync.sim.regions import Region
from fedsync.sim.shelves import Chain, Reader, Rulings, Shelves
from fedsync.sim.shunned import announced, introduced, shunned, uncalled
from fedsync.sim.siege import on_islands
from fedsync.sim.verdicts import Court
from fedsync.sim.world import World

MOST_AT_THE_DOOR: Final = TAKES_BYTES + FRAME
"""Bytes of one peer that wait to be checked: what is read before the pause is felt is one frame more."""
MOST_ON_A_LINK: Final = QUEUE_BYTES + BACKLOG + FRAME
"""Bytes that wait at one end: a full link, and the answers that a session may heap up."""
REREAD: Final = 3
"""Nodes whose disk is read again from the start, to see that the same state comes of it."""
LONELY_S: Final = 60.0
"""For so long a besieged node may be without an honest link, in seconds: its own may have crashed, all at once."""
MOST_LINKS: Final = LINKS + 1
"""Links of a node at once where it chooses them: one is given up only when the one in its place stands."""
MOST_TOLD: Final = 12
"""Faults that are told one by one."""


def faults(world: World) -> list[str]:
    """Return what is not as it must be."""
    reader = Reader()
    shelves = {node: reader.read(node) for node in world.honest}
    world.rulings = _rulings(world, shelves)
    circles = Circles(world, shelves)
    within = (_kept, _scopes, _same, _forks, _sums)
    parts = (_time, _forged, _home, _judged, _bounds, _overlay, _turns)
    found = [each for part in within for each in part(world, shelves, circles)]
    found += [each for part in parts for each in part(world, shelves)]
    found += [*shunned(world), *uncalled(world), *introduced(world)]
    found += [*announced(world, shelves), *paced(world, reader, shelves)]
    found += _sealed(world, shelves, reader)
    found += _again(world)
    if len(found) > MOST_TOLD:
        found = [*found[:MOST_TOLD], f"and {len(found) - MOST_TOLD} more"]
    return found


def _rulings(world: World, shelves: Shelves) -> Rulings:
    """Return what holds of the logs that sealed pages settle: the first page of the log's own book that names one counts."""
    found: Rulings = {}
    before = {
        each.id: each.before
        for run in {id(each): each for shelf in shelves.values() for each in shelf.runs}.values()
        for each in run.records
    }
    for log, at in _settles(world, shelves):
        if log in found or at not in before:
            continue
        chain = found[log] = set()
        while at in before:
            chain.add(at)
            at = before[at]
    return found


def _settles(world: World, shelves: Shelves) -> Iterator[tuple[LogId, RecordId]]:
    """Yield what the sealed pages of each community's book name, in book order, as one of those that follow it holds it."""
    left = {each.scope for each in world.communities}
    for shelf in shelves.values():
        scopes = left & shelf.bodies.keys()
        left -= scopes
        for scope in sorted(scopes):
            for page in shelf.books.book(shelf.bodies[scope]):
                for entry in page.entries:
                    log, at = entry.get("log"), entry.get("id")
                    if entry.get("kind") == "settle" and isinstance(log, bytes) and isinstance(at, bytes):
                        yield LogId(log), RecordId(at)


def _counts(world: World, record: Promised) -> bool:
    """Say whether a record must be kept, and be counted."""
    if record.log in world.rulings:
        return record.id in world.rulings[record.log]
    return world.ledger.counts(record)


def _time(world: World, _: Shelves) -> Iterator[str]:
    if world.took is None:
        yield f"after {world.scenario.calm:.0f} s of calm the nodes had not come to the same"


def _kept(world: World, shelves: Shelves, circles: Circles) -> Iterator[str]:
    """Every record that was acknowledged lies everywhere that it should."""
    for record in world.ledger.promised:
        if record.local or not _counts(world, record):
            continue
        held = {node for node, shelf in shelves.items() if shelf.holds(record.log, record.seq, record.id)}
        due = circles.due(record.scope, record.log, held)
        lacks = [node.name for node in shelves if node in due - held]
        if lacks:
            yield f"record {record.seq} of log {record.log.hex()[:8]} was acknowledged and is not at {_some(lacks)}"


def _forged(world: World, shelves: Shelves) -> Iterator[str]:
    """Nothing lies anywhere that nobody has signed."""
    for node, shelf in shelves.items():
        for log, chain in shelf.chains.items():
            strange = [seq for seq, ids in chain.items() if not ids <= world.ledger.signed]
            if strange:
                yield f"{node.name} holds what nobody has signed: record {min(strange)} of log {log.hex()[:8]}"


def _home(world: World, shelves: Shelves) -> Iterator[str]:
    """What is local lies at home, and nowhere else; no block of it was ever on a link."""
    homes = {each.scope: each.node for each in world.communities}
    for record in world.ledger.promised:
        if record.local:
            home = homes[record.scope]
            if home in shelves and not shelves[home].holds(record.log, record.seq, record.id):
                yield f"local record {record.seq} of log {record.log.hex()[:8]} is not at {home.name}"
    for node, shelf in shelves.items():
        strayed = [
            log for log, of in shelf.logs.items() if of.reach is Reach.LOCAL and homes[of.scope] is not node
        ]
        if strayed:
            yield f"{node.name} holds what is local to others: log {strayed[0].hex()[:8]}"
    if world.net.strayed:
        yield f"{world.net.strayed} blocks of what is local were sent over links"


def _scopes(world: World, shelves: Shelves, circles: Circles) -> Iterator[str]:
    """A node keeps its own region and nothing of another; what stays within a region was on no link out of it.

    It keeps all of its region from when its community's book joined that, and until then of others no more than books.
    """
    for region in world.bodies.regions if world.scenario.scopes else ():
        for member in region.members:
            node, shelf = member.node, shelves[member.node]
            wanted = circles.kept(world, region, member)
            strange = [log for log, of in shelf.logs.items() if of.scope not in wanted]
            if strange:
                yield f"{node.name} holds what is none of its region's: log {strange[0].hex()[:8]}"
            joined = "" if region.body in circles.joined[member.scope] else "not "
            for scope in sorted(wanted.keys() | shelf.extents.keys()):
                kept, due = shelf.extents.get(scope), wanted.get(scope)
                if kept is not due:
                    of = f"{world.bodies.title(scope)}, of {region.name}, which it has {joined}joined"
                    yield f"{node.name} keeps {_much(kept)} of {of}: it should keep {_much(due)}"
            more = [
                log
                for log, of in shelf.logs.items()
                if of.reach is not Reach.LOCAL and not circles.may(node, of.scope, of.reach, of.log_class)
            ]
            if more:
                yield f"{node.name} holds what it may not have: log {more[0].hex()[:8]}"
    if world.net.leaked:
        yield f"{world.net.leaked} blocks that stay within a region were sent out of it"


def _same(world: World, shelves: Shelves, circles: Circles) -> Iterator[str]:
    """All hold the same, follow the same, and show the same state. With scopes: all of a region, of what each may have."""
    if not world.scenario.scopes:
        yield from _alike(world, world.honest, shelves)
    for region in world.bodies.regions if world.scenario.scopes else ():
        nodes = [each.node for each in region.members if each.node in shelves]
        # Nodes to which the same is due, and which look at it alike: all of them, when all have joined.
        alike: dict[object, list[Node]] = defaultdict(list)
        for node in nodes:
            shelf = shelves[node]
            beside = [each.scope for each in world.communities if node not in circles.round(each.scope)]
            # A liar may have brought it some of what no honest node could.
            strays = frozenset(
                (log, each)
                for log, each in shelf.shared(world.rulings).items()
                if shelf.logs[log].scope in beside and shelf.logs[log].log_class is not LogClass.AUTHORITY
            )
            alike[tuple(beside), strays, tuple(sorted(shelf.extents.items()))].append(node)
        for each in alike.values():
            yield from _alike(world, each, shelves)
        if not world.bodies.syndicates:  # else each keeps what its own needs
            yield from _alike(world, nodes, shelves, books=True)
    if (world.bodies.above is not None and world.scenario.scopes) or world.bodies.syndicates:
        yield from _beyond(world, shelves)


def _beyond(world: World, shelves: Shelves) -> Iterator[str]:
    """Nodes of different regions hold the same of each book that they keep, and judge the world and syndicates alike."""
    bodies: list[Home | Region[Home]] = [*world.bodies.all]
    for body in bodies + (world.communities if world.bodies.syndicates else []):
        first: tuple[Node, object] | None = None
        for node, shelf in shelves.items():
            if body.scope not in shelf.bodies:
                continue
            held = {
                log: of
                for log, of in shelf.shared(world.rulings, True).items()
                if shelf.logs[log].scope == body.scope
            }
            if first is None:
                first = node, held
            elif first[1] != held:
                yield f"{node.name} and {first[0].name} hold different records of {body.name}'s book"
    for judged in (world.bodies.above, *world.bodies.syndicates):
        if judged is not None:
            yield from _judge_alike(world, shelves, judged)


def _judge_alike(world: World, shelves: Shelves, body: Region[Home]) -> Iterator[str]:
    roots: dict[bytes, Node] = {}
    keeps = {body.scope, *(each.scope for each in body.members if body is not world.bodies.above)}
    for node, shelf in shelves.items():
        # What is signed in a region and not sealed only that region sees.
        books = shelf.books
        sees = (
            books.seconded(page)
            for each in world.bodies.regions
            if each.scope in shelf.bodies
            for page in books.open(shelf.bodies[each.scope])
        )
        if all(shelf.extents.get(each) is Extent.ALL for each in keeps) and not any(sees):
            roots.setdefault(node.body_root(body.scope), node)
    if len(roots) > 1:
        one, two, *_ = roots.values()
        called = "the world" if body is world.bodies.above else body.name
        yield f"{one.name} and {two.name} judge {called} differently"


def _alike(world: World, nodes: Sequence[Node], shelves: Shelves, books: bool = False) -> Iterator[str]:
    """`books`: compare what carries authority alone."""
    if not nodes:
        return
    first, *others = nodes
    held, root = shelves[first].shared(world.rulings, books), first.state_root()
    for node in others:
        mine = shelves[node].shared(world.rulings, books)
        unlike = [log for log in held.keys() | mine.keys() if held.get(log) != mine.get(log)]
        if unlike:
            yield f"{node.name} and {first.name} differ in {len(unlike)} logs, such as {min(unlike).hex()[:8]}"
        elif shelves[node].bodies != shelves[first].bodies or (
            not books and shelves[node].extents != shelves[first].extents
        ):
            yield f"{node.name} and {first.name} follow other bodies"
        elif not books and node.state_root() != root:
            yield f"{node.name} and {first.name} hold the same records and show another state"


def _forks(world: World, shelves: Shelves, circles: Circles) -> Iterator[str]:
    """Who wrote two records at one place is known everywhere that the log should be."""
    forks = {log: seq for log, (_, seq) in world.ledger.forks.items()}
    for log in world.population.doubled:
        both: Chain = defaultdict(set)
        for shelf in shelves.values():
            for seq, ids in shelf.chains.get(log, {}).items():
                both[seq] |= ids
        # Where both versions came to somebody who is honest, all have to learn of it.
        if twice := [seq for seq, ids in both.items() if len(ids) > 1]:
            forks[log] = min(twice)
    for log, seq in forks.items():
        if log in world.rulings:
            continue  # who heard of that first need not have seen that there are two branches
        of = next((shelf.logs[log].scope for shelf in shelves.values() if log in shelf.logs), None)
        if of is None:
            continue
        due = circles.due(of, log, {node for node, shelf in shelves.items() if log in shelf.logs})
        unaware = [node.name for node, shelf in shelves.items() if node in due and shelf.fork(log) != seq]
        if unaware:
            yield f"log {log.hex()[:8]} has two records at {seq}, and {_some(unaware)} cannot prove it"


def _sums(world: World, shelves: Shelves, circles: Circles) -> Iterator[str]:
    """What lies in each store is what was acknowledged, added up."""
    sums: dict[tuple[Scope, bool, PayloadId], int] = defaultdict(int)
    for record in world.ledger.promised:
        if record.item is not None and _counts(world, record):
            sums[record.scope, record.local, record.item] += record.change
    for community in world.communities[: world.scenario.honest]:
        for node in shelves:
            if community.scope not in shelves[node].bodies:
                continue
            due = node in circles.round(community.scope)
            if not due and shelves[node].extents[community.scope] is Extent.ALL:
                continue  # What has no way to it, it need not show.
            wanted = {
                (local, item): change
                for (scope, local, item), change in sums.items()
                if due and scope == community.scope and (not local or node is community.node)
            }
            shows = shown.stock(node, community.scope, community.store_id)
            for key in sorted(wanted.keys() | shows.keys()):
                if wanted.get(key, 0) != shows.get(key, 0):
                    yield (
                        f"{node.name} shows {shows.get(key, 0)} g in the store of {community.name}, "
                        f"and {wanted.get(key, 0)} g were recorded"
                    )
                    break


def _sealed(world: World, shelves: Shelves, reader: Reader) -> Iterator[str]:
    """What a node shows as sealed is just what enough have spoken for, by the bytes on its disk."""
    partly = any(extent is not Extent.ALL for shelf in shelves.values() for extent in shelf.extents.values())
    # Of another region no node holds who sent its delegates: that these spoke is asked of all disks together.
    together = reader.all_books(shelves.values()) if partly else None
    for node, shelf in shelves.items():
        for scope, body in shelf.bodies.items():
            book, shows = {page.id: page for page in shelf.books.book(body)}, shown.sealed(node, scope)
            for id_ in sorted(shows):
                if id_ not in book or (
                    together is not None and not together.certified(together.archive.pages[id_])
                ):
                    yield f"{node.name} shows page {id_.hex()[:8]} as sealed, and too few spoke for it"
            for id_ in sorted(book.keys() - shows):
                yield f"{node.name} does not show page {id_.hex()[:8]} as sealed, and enough spoke for it"


def _judged(world: World, shelves: Shelves) -> Iterator[str]:
    """No vote counts that its community cut off, however it is dated, nor one against instructions; and the others do."""
    for region in world.bodies.of_communities:
        node = next((each.node for each in region.members[::-1] if each.node in shelves), None)
        if node is None:
            continue
        court = Court(shelves[node].books, shelves[node].bodies.values())
        for vote in court.votes():
            wanted, shows = court.verdict(vote), shown.vote(node, vote.of.scope, vote.id)
            if wanted not in (None, shows):
                yield f"{node.name} shows vote {vote.id.hex()[:8]} as {shows}; it must be {wanted}"


def _bounds(world: World, _: Shelves) -> Iterator[str]:
    """Nothing grows without end, and silence is cheap."""
    for node in world.honest:
        most = max(node.waited.most.values(), default=0)
        if most > MOST_AT_THE_DOOR:
            yield f"{most} bytes of one peer waited at the door of {node.name}; {MOST_AT_THE_DOOR} may"
    yield from world.growth.faults()
    if world.net.most_queued > MOST_ON_A_LINK:
        yield f"{world.net.most_queued} bytes waited to be sent on one link; {MOST_ON_A_LINK} may"
    asked = world.scenario.copies
    if asked and world.copies > asked:
        yield f"a block came {world.copies:.4f} times to a node on average; {asked:g} times may"
    lied_to = world.scenario.liars or world.scenario.crowds
    seconds, sent = world.quiet
    an_hour = sent * 3600 / seconds if seconds else 0
    if world.took is not None and not lied_to and an_hour > world.scenario.quiet_bytes:
        yield f"a link on which nothing happens takes {an_hour:.0f} bytes an hour; {world.scenario.quiet_bytes} may"


def _overlay(world: World, _: Shelves) -> Iterator[str]:
    """Where nodes choose their links themselves, these are few, and nobody is left on an island."""
    if world.scenario.links.shape != "overlay":
        return
    for node in world.honest:
        # Links of own peers take no place.
        most = MOST_LINKS + (len(world.places.peers[node]) if world.places is not None else 0)
        if world.net.most_ends.get(node, 0) > most:
            yield f"{node.name} had {world.net.most_ends[node]} links at once; {most} may be"
    if world.siege is not None and world.siege.longest > LONELY_S:
        yield f"a besieged node had no honest link for {world.siege.longest:.0f} s; {LONELY_S:.0f} s may pass"
    if apart := on_islands(world.honest):
        yield f"{apart} nodes are on an island"


def _turns(world: World, _: Shelves) -> Iterator[str]:
    """Nobody's flood keeps others waiting at the door: a peer's first block waits for the batch before it, and its own."""
    most = 4 * (BATCH_S + 1.5 * world.scenario.pace.commit + world.scenario.pace.checking)
    names = {node.peer: node.name for node in world.honest}
    for node in world.honest:
        for peer, waited in node.waited.longest.items():
            if peer in names and waited > most:
                yield (
                    f"a block of {names[peer]} waited {waited:.1f} s at the door of {node.name}, "
                    f"though none of theirs was before it; {most:.1f} s may pass"
                )


def _again(world: World) -> Iterator[str]:
    """What is on the disk gives the same state when it is read from the start."""
    for node in world.honest[:REREAD]:
        before = node.state_root()
        node.crash(loud=True)
        node.start()
        if node.state_root() != before:
            yield f"{node.name} shows another state after it has read its disk again"


def _much(extent: Extent | None) -> str:
    return extent.name if extent is not None else "nothing"


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
