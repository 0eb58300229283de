"""A node that says one thing to some of its peers and another to the rest: honest nodes find it out, and prove it."""

import pytest

from fedsync.records.ids import LogId
from fedsync.sim.checks import faults
from fedsync.sim.disk import Kept
from fedsync.sim.node import Node
from fedsync.sim.scenario import read
from fedsync.sim.shelves import Reader
from fedsync.sim.twofaced import TwoFaced
from fedsync.sim.world import World
from tests.seeds import seeds

LIFE = """
name = "Two faces"
nodes = 5
storm = "5 min"
calm = "10 min"
[links]
loss = 0.05
[work]
stock = "20 s"
decisions = "1 min"
local = 0.2
[[liars]]
kind = "equivocate"
"""


def lived(seed: int, text: str = LIFE) -> World:
    world = World(read(text), seed)
    world.live()
    return world


def forks(node: Node) -> dict[LogId, int]:
    shelf = Reader().read(node)
    return {log: seq for log in shelf.chains if (seq := shelf.fork(log)) is not None}


@pytest.mark.parametrize("seed", seeds(3))
def test_honest_nodes_prove_the_fork_of_a_node_that_shows_each_of_them_one_branch(seed: int) -> None:
    world = lived(seed)
    assert not faults(world)
    assert world.seen.counts["equivocated"]
    first, *others = [forks(node) for node in world.honest]
    assert first.keys() == world.population.doubled.keys()
    assert all(first == each for each in others)


@pytest.mark.parametrize("seed", seeds(3))
def test_neither_face_ever_holds_what_the_other_says(seed: int) -> None:
    world = lived(seed)
    liar = world.nodes[-1]
    assert isinstance(liar, TwoFaced)
    assert liar.second is not None
    assert liar.peer == liar.second.peer
    assert {*liar.ends, *liar.second.ends} <= {each.peer for each in world.honest}
    assert not {*liar.ends} & {*liar.second.ends}
    assert forks(liar) == forks(liar.second) == {}
    for log in world.population.doubled:
        assert not liar.second.holds(log, *liar.memory.log(log).heads[0])  # type: ignore[union-attr]


def test_whoever_chooses_its_links_is_shown_one_face_too() -> None:
    world = lived(1, LIFE.replace("loss = 0.05", 'shape = "overlay"'))
    assert not faults(world)
    liar = world.nodes[-1]
    assert isinstance(liar, TwoFaced)
    assert liar.second is not None
    assert world.population.doubled.keys() == forks(world.honest[0]).keys() != set()
    assert not {*liar.ends} & {*liar.second.ends}


def test_a_node_that_never_hears_of_the_other_version_is_found_out() -> None:
    world = lived(1)
    log, node = next(iter(world.population.doubled)), world.honest[0]
    held = node.memory.log(log)
    assert held is not None
    assert held.fork is not None
    lost = {block.raw for block, _, _ in held.blocks if block.last >= held.fork}
    node.disk.entries = [
        each for each in node.disk.entries if not isinstance(each, Kept) or each.raw not in lost
    ]
    assert any("cannot prove it" in each and log.hex()[:8] in each for each in faults(world))
