"""Who may have what of a community, and to whom it can come: worked out once more from the pages on disks and from links, for the checks.

A region is founded by its page 0, which names its members and their nodes. But a community is in it only when its own book
says so as well: until then its node keeps of its neighbours their books alone, and passes on nothing of their goods. In a
scenario whose links are fixed that may keep two apart who are both in the region: what one of them keeps to the region
then has no way to the other. Which pages are sealed `seals` says, from the bytes on the community's own disk; no node is
asked what it thinks.
"""

from collections import defaultdict
from collections.abc import Collection

from fedsync.records.ids import Extent, LogClass, LogId, Reach, Scope
from fedsync.sim.links import Station
from fedsync.sim.node import Node
from fedsync.sim.people import Community
from fedsync.sim.regions import Region
from fedsync.sim.shelves import Shelves
from fedsync.sim.world import World


class Circles:
    """Of one world, after its calm."""

    def __init__(self, world: World, shelves: Shelves) -> None:
        self._shelves, self._scoped = shelves, world.scenario.scopes
        self._homes = {each.scope: each.node for each in world.communities}
        self._own = {each.node: each.scope for each in world.communities}
        self._kinds = {
            log: (of.reach, of.log_class) for shelf in shelves.values() for log, of in shelf.logs.items()
        }
        self._beside: dict[Station, set[Node]] = defaultdict(set)
        """Who has a link with whom."""
        for link in world.net.links:
            for node in shelves:
                if node in (link.one, link.two):
                    self._beside[link.beyond(node)].add(node)
        self.joined = (
            {each.scope: self._joined(each.node, each.scope) for each in world.communities}
            if self._scoped
            else {}
        )
        """The bodies that the sealed pages of each community joined, or sent somebody to; and of each region."""
        if self._scoped:
            self.joined |= {
                each.scope: self._joined(each.members[0].node, each.scope) for each in world.bodies.regions
            }
        self._in = {node: set(self.joined.get(self._own[node], ())) for node in shelves}
        """The bodies in whose region each node is: its community joined them, or their page 0 names it as a sealer."""
        self._named: dict[Scope, set[Node]] = defaultdict(set)
        """The nodes beside each community in any body that names it: what it kept to nobody before it joined one went there."""
        for region in world.bodies.of_communities:
            for member in region.members:
                self._in.setdefault(member.node, set()).add(region.body)
                self._named[member.scope].update(each.node for each in region.members)
        self._may: dict[tuple[Scope, Reach, LogClass], set[Node]] = {}

    def kept(self, world: World, region: Region[Community], member: Community) -> dict[Scope, Extent]:
        """Return what the node of a member has to keep, and how much of it: no more and no less.

        All of its region once it has joined that, and until then books. Of the world above all, and of other regions the
        book, once the region has joined that too; who speaks for the region there asks for these from the start. Of a
        syndicate and who sits there the same as of the region and who sits there.
        """
        joined, above = region.body in self.joined[member.scope], world.bodies.above
        found: dict[Scope, Extent] = {}
        for body in world.bodies.of_communities:
            if member in body.members:
                much = Extent.ALL if body.body in self.joined[member.scope] else Extent.BOOK
                found |= {each.scope: max(much, found.get(each.scope, much)) for each in body.members}
                found[body.scope] = Extent.ALL
        found[member.scope] = Extent.ALL
        if above is not None:
            speaks = member is region.members[0]
            if speaks or (joined and above.body in self.joined[region.scope]):
                found[above.scope] = Extent.ALL
                found |= {each.scope: Extent.BOOK for each in world.bodies.regions if each is not region}
        return found

    def may(self, node: Node, scope: Scope, reach: Reach, log_class: LogClass) -> bool:
        """Say whether a node may have logs of this kind: it keeps so much of the body, and is in its region if they stay there.

        Or beside it in another body: before a community joined anything it gave to all of these, and its own it gives to any.
        """
        extent = self._shelves[node].extents.get(scope)
        if extent is None or reach is Reach.LOCAL:
            return False
        # Who keeps a book keeps what is of authority; who keeps what the world is told, that too.
        told = extent is not Extent.BOOK and reach is Reach.WORLD
        if extent is not Extent.ALL and log_class is not LogClass.AUTHORITY and not told:
            return False
        return self._goes_to(node, scope, reach) or node in self._named[scope]

    def _goes_to(self, node: Node, scope: Scope, reach: Reach) -> bool:
        """Say whether anybody who has such logs gives them to a node that keeps so much."""
        if reach is Reach.WORLD or not self._scoped:
            return True
        theirs = self.joined.get(scope, set())
        return node is self._homes.get(scope) or not theirs or not theirs.isdisjoint(self._in[node])

    def due(self, scope: Scope, log: LogId, held: Collection[Node]) -> set[Node]:
        """Return the nodes that must have what these have of a log: whoever may, and to whom it can come over such as may.

        Its home must, whoever else has it. What lies nowhere must lie with all who may have it.
        """
        kind = self._kinds.get(log)
        if kind is None:
            return {node for node, shelf in self._shelves.items() if scope in shelf.bodies}
        return self._reached(scope, *kind, held)

    def round(self, scope: Scope) -> set[Node]:
        """Return the nodes that must have what a community keeps to its region."""
        return self._reached(scope, Reach.REGION, LogClass.FACTS, ())

    def _reached(self, scope: Scope, reach: Reach, log_class: LogClass, held: Collection[Node]) -> set[Node]:
        may = self._may.get((scope, reach, log_class))
        if may is None:
            may = {
                node
                for node in self._shelves
                if self.may(node, scope, reach, log_class) and self._goes_to(node, scope, reach)
            }
            self._may[scope, reach, log_class] = may
        home = self._homes.get(scope)
        found = may & {home, *held}
        # What reaches the world has a way through a region at any time: its nodes keep each other's books from the start.
        if not self._scoped or reach is Reach.WORLD or not found:
            return may
        todo = list(found)  # grows
        for node in todo:
            new = (self._beside[node] & may) - found
            todo += new
            found |= new
        return found

    def _joined(self, node: Node, scope: Scope) -> set[bytes]:
        """Return what a community joined, by the pages that are sealed by what lies on its own node's disk."""
        shelf = self._shelves.get(node)
        return (
            shelf.books.joined(shelf.bodies[scope]) if shelf is not None and scope in shelf.bodies else set()
        )
