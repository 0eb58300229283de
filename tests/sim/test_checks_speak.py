"""What the checks are there for, where nothing else shows it: a world with that fault in it is found out, in words."""

from dataclasses import replace

import pytest

from fedsync.gossip.messages import BlockMessage, Segment, encode
from fedsync.records.ids import LogClass, Reach, RecordId, Scope
from fedsync.sim.checks import faults
from fedsync.sim.disk import Kept
from fedsync.sim.links import End, Link
from fedsync.sim.node import Node
from fedsync.sim.scenario import read
from fedsync.sim.shelves import Reader
from fedsync.sim.world import World
from tests.sim.slices import SLICES

SMALL = """
name = "A small one"
nodes = 5
storm = "5 min"
calm = "10 min"
copies = 50
[work]
stock = "30 s"
decisions = "1 min"
local = 0.3
"""


@pytest.fixture(autouse=True)
def _all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedsync.sim.checks.MOST_TOLD", 10_000)


def lived(name: str, seed: int = 1) -> World:
    scenario = next(each for each in SLICES if each.name == name).scenario()
    world = World(scenario, seed)
    world.live()
    return world


def said(world: World, *words: str) -> bool:
    """Say whether each of these is said of a world by somebody."""
    found = faults(world)
    return all(any(each in fault for fault in found) for each in words)


def lose(node: Node, id_: RecordId) -> None:
    """Let a node's disk forget the block that holds a record."""
    shelf = Reader().read(node)
    raw = next(each.raw for each in shelf.runs if id_ in [said.id for said in each.records])
    node.disk.entries.remove(
        next(each for each in node.disk.entries if isinstance(each, Kept) and each.raw == raw)
    )


def last_of(world: World, scope: Scope, log_class: LogClass, at: int) -> RecordId:
    """Return the last record that a node has of a body's logs of a class."""
    shelf = Reader().read(world.nodes[at])
    runs = [each for each in shelf.runs if each.of.scope == scope and each.of.log_class is log_class]
    return runs[-1].records[-1].id


def test_what_is_local_and_lost_copies_without_end_and_states_that_differ_are_found_out() -> None:
    world = World(read(SMALL), 2)
    world.live()
    local = [
        each for each in world.ledger.promised if each.local and each.scope == world.communities[1].scope
    ]
    lose(world.nodes[1], local[-1].id)
    lose(world.nodes[2], last_of(world, world.communities[2].scope, LogClass.FACTS, 2))
    world.nodes[4].state_root = lambda: bytes(32)  # type: ignore[method-assign]
    world.scenario, world.copies = replace(world.scenario, copies=1.5), 1.6
    assert said(
        world,
        f"local record {local[-1].seq} of log {local[-1].log.hex()[:8]} is not at Village 2",
        "Village 3 shows another state after it has read its disk again",
        "Village 5 and Village 1 hold the same records and show another state",
        "a block came 1.6000 times to a node on average; 1.5 times may",
    )


def test_what_is_local_is_found_on_a_link_in_whatever_form_it_travels() -> None:
    world = World(read(SMALL), 2)
    world.live()
    one, two = world.nodes[:2]
    end = End(Link(one, two, delay=0.1, rate=1000.0), one, two.peer, True)
    local = next(each for each in Reader().read(one).runs if each.of.reach is Reach.LOCAL)
    forms: list[BlockMessage | Segment] = [BlockMessage(True, True, local.raw)]
    for data in (b"\0" + local.raw, b"\1\0" + local.of.log[:3] + bytes(40)):
        forms.append(Segment(True, True, data))
    assert world.net.strayed == 0
    for at, message in enumerate(forms, 1):
        world.net._look(end, encode(message))
        assert world.net.strayed == at
    assert said(world, "3 blocks of what is local were sent over links")


def test_a_node_that_keeps_what_is_of_another_region_is_found_out() -> None:
    world = lived("scopes")
    assert faults(world) == []
    far = Reader().read(world.nodes[0])
    strange = next(
        each for each in far.runs if each.first == 0 and each.of.scope == world.communities[0].scope
    )
    world.nodes[5].disk.entries.append(Kept(strange.raw, 0, own=False))
    assert said(world, f"Village 6 holds what is none of its region's: log {strange.of.log.hex()[:8]}")


def test_regions_that_hold_another_book_of_the_world_or_judge_it_otherwise_are_found_out() -> None:
    world = lived("world")
    assert faults(world) == []
    assert world.bodies.above is not None
    lose(world.nodes[4], last_of(world, world.bodies.above.scope, LogClass.AUTHORITY, 4))
    for at, node in enumerate(world.nodes):
        node.body_root = lambda scope, at=at: bytes([at])  # type: ignore[method-assign,misc]
    assert said(world, "hold different records of World's book", "judge the world differently")


def test_links_with_whom_an_operator_removed_and_places_that_nobody_learned_are_found_out() -> None:
    world = lived("finding")
    assert faults(world) == []
    assert world.places is not None
    places, liar = world.places, world.nodes[-1]
    (node, _), since = next(iter(places.removals.items()))
    other = next(each for each in world.honest if each not in places.peers[liar])
    places.lingered.append((node, liar))
    world.calls.dialled.append((since + 1, node, liar.peer))
    world.calls.opened += [(since + 1, node, liar), (since, liar, other)]
    founded = next(each for each in world.bodies.regions if each.founded)
    moved = founded.delegations[0].home.node
    places.at[moved] = "elsewhere.example:1"
    assert said(
        world,
        f"a link of {node.name} to {liar.name} outlasted the removal of that",
        f"{node.name} called {liar.name} at {since + 1:.0f} s, which it had removed at",
        f"{node.name} had a link with {liar.name} at {since + 1:.0f} s, which it had removed at",
        f"{other.name} had a link with {liar.name}, whom no book and no operator names there",
        f"does not hold that {moved.name} answers at elsewhere.example:1",
        f"shows {moved.name} at ",
    )
