"""Which bodies the communities of a world found together: regions, syndicates, and a world above them.

And what nodes keep of these where a scenario says `scopes`, and on which links what stays within a region may be.
"""

from collections.abc import Iterator, Sequence

from fedsync.records.ids import Extent, PayloadId, Scope
from fedsync.sim.councils import Council
from fedsync.sim.homes import Home
from fedsync.sim.links import Net
from fedsync.sim.people import Community
from fedsync.sim.rare import Seen
from fedsync.sim.regions import Region
from fedsync.sim.scenario import Scenario
from fedsync.sim.scoping import Scoping
from fedsync.sim.shelves import Reader


class Bodies:
    """Of one world. Their members found them while it lives."""

    def __init__(self, scenario: Scenario, communities: Sequence[Community], seen: Seen) -> None:
        """`communities`: all, the honest ones first, who found them."""
        self._communities = communities
        self._founding = communities[: scenario.honest]
        self.regions = [
            Region(f"Region {at + 1}", part, seen)
            for at, part in enumerate(_parts(self._founding, scenario.region))
        ]
        self.syndicates = [
            Region(f"Syndicate {at + 1}", _every_second(self.regions, at), seen, kind="syndicate")
            for at in range(scenario.syndicates)
        ]
        """Bodies of communities of several regions."""
        councils = [Council(each) for each in self.regions]
        self.above = Region("World", councils, seen, 2, "world") if scenario.world else None
        """The world above the regions."""
        self.of_communities: list[Region[Community]] = [*self.regions, *self.syndicates]
        """The regions and the syndicates."""
        self.all: list[Region[Home]] = [*self.of_communities]
        if self.above is not None:
            self.all.append(self.above)
        self.delegations = [each for body in self.all for each in body.delegations]

    def near(self) -> Iterator[list[Community | Council]]:
        """Yield those who have links with each other wherever links are laid.

        Who speaks for a region has them with those who speak for others. Who sits in a syndicate has them with its
        others: nobody in between keeps what is theirs.
        """
        for body in (self.above, *self.syndicates):
            if body is not None:
                yield [*body.members]

    def scope(self) -> None:
        """Let nodes keep what their community's book makes kin. To found a region their operators ask for its books."""
        keys = {each.home.node.peer: each.clerk.genesis.key for each in self.delegations}
        for community in self._founding:
            community.node.scoping = Scoping(community.scope, community.body, keys)
        for region in self.of_communities:
            for member in region.members:
                member.node.follow(region.scope, region.body)
                for other in region.members:
                    member.node.follow(other.scope, other.body, Extent.BOOK)
        for council in self.above.members if self.above is not None else ():
            assert self.above is not None
            council.node.follow(self.above.scope, self.above.body)
            for region in self.regions:
                council.node.follow(region.scope, region.body, Extent.BOOK)

    def fence(self, net: Net) -> None:
        """From now on what stays within a region may be on no link out of it, of whom all around hold by now that they joined.

        Who has not heard of it yet takes it that they have joined nothing, and gives what is theirs to anybody.
        """
        reader = Reader()
        nodes = {each.node: None for body in self.of_communities for each in body.members}
        books = {node: reader.read(node).books for node in nodes}
        for region in self.regions:
            for member in region.members:
                # Partners in a syndicate have it too; they pass it on to nobody beside them.
                around = [each.members for each in self.of_communities if member in each.members]
                inside = frozenset(each.node.peer for members in around for each in members)
                beside = {each.node: None for members in around for each in members}
                if all(region.body in books[node].joined(PayloadId(member.body)) for node in beside):
                    logs = [pen.log for teller in member.tellers for pen in (teller.facts, teller.plans)]
                    net.regional |= dict.fromkeys(map(bytes, logs), (member.node.peer, inside))

    def title(self, scope: Scope) -> str:
        """Return what a body is called, in words."""
        called = {each.scope: each.name for each in self._communities}
        called |= {each.scope: each.name for each in self.all}
        return called.get(scope, "a body that nobody founded")


def _parts(communities: Sequence[Community], size: int) -> list[Sequence[Community]]:
    """Return who found a region together; who is left over joins the last."""
    if not size:
        return []
    firsts = range(0, max(1, len(communities) // size) * size, size)
    return [communities[at : at + size] if at != firsts[-1] else communities[at:] for at in firsts]


def _every_second(regions: Sequence[Region[Community]], at: int) -> list[Community]:
    """Return every second community of each region, at first those of whom none speaks for it."""
    return [each for region in regions for each in region.members[1 - at % 2 :: 2]]
