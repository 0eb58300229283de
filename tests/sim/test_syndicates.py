"""A syndicate across two regions: what its members hold by it, and that the checks find who lacks or holds what it should not."""

from collections.abc import Iterable, Mapping
from random import Random

import pytest

from fedsync.crdt.books.kin import circulation
from fedsync.crdt.view import MemoryView
from fedsync.gossip.events import Peer
from fedsync.gossip.messages import BlockMessage, encode
from fedsync.records.codec import Value
from fedsync.records.ids import Extent, Key, LogId, PageId, PayloadId, Reach, RecordId, Scope
from fedsync.sim.checks import faults
from fedsync.sim.disk import Bound, Kept
from fedsync.sim.links import End, Link
from fedsync.sim.node import Node
from fedsync.sim.people import Community
from fedsync.sim.scenario import read
from fedsync.sim.scoping import Scoping
from fedsync.sim.shelves import Reader
from fedsync.sim.world import World

TWO_REGIONS = """
name = "A syndicate in peace"
nodes = 6
storm = "30 min"
calm = "15 min"
region = 3
syndicates = 1
scopes = true
[links]
more = 2
[work]
stock = "5 min"
regions = "1 min"
"""


def _life() -> World:
    """Return a world in which all joined, and wrote of goods."""
    world = World(read(TWO_REGIONS), 0)
    world.live()
    return world


def _partners(world: World) -> tuple[Community, Community, Community]:
    """Return two partners of two regions, and who sits beside the second."""
    (syndicate,) = world.bodies.syndicates
    one, two = syndicate.members[0], syndicate.members[-1]
    beside = next(each for each in world.bodies.regions[1].members if each not in syndicate.members)
    return one, two, beside


def _goods(world: World, of: Community) -> tuple[LogId, Kept]:
    """Return a log of goods of a community, and a block of it, at the community's own node."""
    shelf = Reader().read(of.node)
    for log, genesis in sorted(shelf.logs.items()):
        for each in of.node.disk.entries:
            mine = genesis.reach is Reach.REGION and genesis.scope == of.scope
            if mine and isinstance(each, Kept) and bytes(log) in each.raw:
                return log, each
    raise AssertionError("nobody wrote of goods")


def test_partners_hold_each_others_goods_and_nothing_of_who_sits_beside_the_other() -> None:
    world = _life()
    one, two, beside = _partners(world)
    assert [each.name for each in (one, two, beside)] == ["Village 2", "Village 5", "Village 4"]
    assert faults(world) == []
    of_one, of_two, of_beside = (Reader().read(each.node) for each in (one, two, beside))
    (syndicate,) = world.bodies.syndicates
    assert _goods(world, one)[0] in of_two.logs
    assert _goods(world, two)[0] in of_one.logs
    assert _goods(world, beside)[0] in of_two.logs
    assert beside.scope not in of_one.bodies
    assert not {one.scope, syndicate.scope} & of_beside.bodies.keys()


class ByBook(Scoping):
    """Of a node that lets its partner in because a book says so, and did not invite it: else that has what is its own in any case."""

    def __init__(self, own: Scope, body: PageId, keys: Mapping[Peer, Key], partner: Peer) -> None:
        super().__init__(own, body, keys)
        self.scope, self.keys, self.partner = own, keys, partner

    def near(
        self, view: MemoryView, scopes: Iterable[Scope], peers: Iterable[Peer]
    ) -> dict[Peer, frozenset[Scope]]:
        """Return of which bodies each peer may have all."""
        who = circulation(view, scopes)
        return {peer: who.near(self.keys[peer], self.scope, invited=peer != self.partner) for peer in peers}


def _regional(node: Node, of: Community) -> set[RecordId]:
    """Return what lies at a node of what a community keeps to its region, as the bytes say."""
    shelf = Reader().read(node)
    return {
        id_
        for log, begun in shelf.logs.items()
        if begun.scope == of.scope and begun.reach is Reach.REGION
        for ids in shelf.chains[log].values()
        for id_ in ids
    }


def _later(world: World, seconds: float) -> None:
    world.heap.run(world.heap.now + seconds)


@pytest.mark.parametrize("leaver", [0, 1])
def test_who_leaves_a_syndicate_gives_and_gets_nothing_more_of_what_stays_within_a_region(
    leaver: int,
) -> None:
    world = World(read(TWO_REGIONS), 0)
    one, two, beside = _partners(world)
    for at, other in ((one, two), (two, one)):
        keys = {each.home.node.peer: each.clerk.genesis.key for each in world.bodies.delegations}
        at.node.scoping = ByBook(at.scope, at.body, keys, other.node.peer)
    world.live()
    (syndicate,) = world.bodies.syndicates
    gone, stays = (one, two) if leaver == 0 else (two, one)
    entry: dict[str, Value] = {"kind": "leave", "body": syndicate.body, "cuts": []}
    assert gone.draft([entry]) is not None
    gone.sit(Random(1))
    _later(world, 60)
    for at in (gone, stays):
        books, body = Reader().read(at.node).books, PayloadId(gone.body)
        assert bytes(syndicate.body) not in books.joined(body), (
            "it is sealed, by what lies on the disks of both"
        )
        assert books.joined(body), "it is in its region all the same"
    before = {(at.name, of.name): _regional(at.node, of) for at in (gone, stays) for of in (gone, stays)}
    assert all(before.values()), "each has some of the other's, from before"
    for each in (gone, stays):
        for _ in range(3):
            each.trade(Random(2), 0.0)
    _later(world, 3600)
    for at, of in ((gone, stays), (stays, gone)):
        assert _regional(at.node, of) == before[at.name, of.name]
        assert len(_regional(of.node, of)) > len(before[of.name, of.name])
    # In the region of each it goes round as before.
    (neighbour,) = (each for each in world.bodies.regions[1].members if each not in (one, two, beside))
    assert _regional(beside.node, two) == _regional(neighbour.node, two) == _regional(two.node, two)


def _lose(world: World) -> None:
    one, two, _ = _partners(world)
    log, _ = _goods(world, one)
    entries = two.node.disk.entries
    entries[:] = [each for each in entries if not (isinstance(each, Kept) and bytes(log) in each.raw)]


def _tell_of_a_neighbour(world: World) -> None:
    one, _, beside = _partners(world)
    one.node.disk.entries.append(_goods(world, beside)[1])


def _send(world: World) -> None:
    """Let a partner pass on what is the other's to who sits beside itself."""
    one, two, beside = _partners(world)
    link = Link(two.node, beside.node, delay=0.1, rate=1000.0)
    world.net._look(
        End(link, two.node, beside.node.peer, True),
        encode(BlockMessage(True, True, _goods(world, one)[1].raw)),
    )


def _keep_too_much(world: World) -> None:
    one, _, beside = _partners(world)
    one.node.disk.entries.append(Bound(beside.scope, beside.body, Extent.BOOK))


def test_who_lacks_or_holds_what_it_should_not_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedsync.sim.checks.MOST_TOLD", 10_000)
    world = _life()
    for plant in (_lose, _tell_of_a_neighbour, _send, _keep_too_much):
        plant(world)
    found = faults(world)
    for said in (
        "was acknowledged and is not at Village 5",
        "Village 2 holds what is none of its region's",
        "1 blocks that stay within a region were sent out of it",
        "Village 2 keeps BOOK of Village 4, of Region 1, which it has joined: it should keep nothing",
    ):
        assert any(said in each for each in found), found
