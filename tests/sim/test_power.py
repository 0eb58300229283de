"""What a simulated node still knows after its power failed: what was saved last, at the rhythm of a daemon."""

import pytest

from fedsync.daemon import run
from fedsync.gossip.deeds import Deed
from fedsync.gossip.events import Did, Peer
from fedsync.gossip.kept import unpack
from fedsync.sim.node import SAVE_S, Node
from fedsync.sim.scenario import read
from fedsync.sim.world import World

QUIET = """
name = "Nothing happens"
nodes = 5
storm = "5 min"
calm = "1 min"
[links]
shape = "overlay"
"""
STRANGER = Peer(b"\7" * 32)


@pytest.fixture
def world() -> World:
    return World(read(QUIET), 1)


def fall(node: Node) -> None:
    node.crash(loud=False)
    node.start()


def test_a_simulated_node_saves_as_often_as_a_daemon() -> None:
    assert SAVE_S == run.SAVE_SECONDS


def test_what_was_thought_of_peers_since_the_last_save_is_lost_and_what_before_it_is_kept(
    world: World,
) -> None:
    node, heap = world.nodes[0], world.heap
    heap.run(40.0)
    node.do(STRANGER, Did(Deed.STRIKE))
    heap.run(50.0)
    fall(node)
    assert node.thinks(STRANGER) == 0.0
    heap.run(70.0)
    node.do(STRANGER, Did(Deed.STRIKE))
    heap.run(90.0)
    once = node.thinks(STRANGER)
    node.do(STRANGER, Did(Deed.STRIKE))
    fall(node)
    # It began at 50 s, so it saved at 80 s.
    assert node.thinks(STRANGER) == once < 0.0


def test_links_that_were_had_for_less_than_that_are_not_called_first_after_it(world: World) -> None:
    node, heap = world.nodes[0], world.heap
    heap.run(20.0)
    assert node.ends
    fall(node)
    assert not any(each.good for each in unpack(node.disk.views).values())
    heap.run(60.0)
    linked = {*node.ends}
    fall(node)
    kept = {peer for each in unpack(node.disk.views).values() for peer in each.good}
    assert linked
    assert linked <= kept


def test_a_backup_brings_back_what_was_thought_then(world: World) -> None:
    node, heap = world.nodes[0], world.heap
    node.do(STRANGER, Did(Deed.STRIKE))
    heap.run(40.0)
    backup = node.backup()
    for _ in range(4):
        node.do(STRANGER, Did(Deed.STRIKE))
    heap.run(90.0)
    worst = node.thinks(STRANGER)
    node.crash(loud=True)
    node.restore(backup, noticed=True)
    node.start()
    assert worst < node.thinks(STRANGER) < 0.0
