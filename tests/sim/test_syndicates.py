"""A syndicate across two regions: what its members hold by it, and that the checks find who lacks or holds what it should not."""

import pytest

from fedsync.gossip.messages import BlockMessage, encode
from fedsync.records.ids import Extent, LogId, Reach
from fedsync.sim.checks import faults
from fedsync.sim.disk import Bound, Kept
from fedsync.sim.links import End, Link
from fedsync.sim.people import Community
from fedsync.sim.scenario import read
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
