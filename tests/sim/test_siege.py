"""Crowds that besiege a node: eclipse, Sybils, withholding and floods, where nodes choose their links themselves."""

import pytest

from fedsync.gossip.view import View
from fedsync.sim.checks import LONELY_S, faults
from fedsync.sim.run import simulate
from fedsync.sim.scenario import read
from fedsync.sim.world import World
from tests.seeds import seeds

SIEGE = """
name = "A small siege"
nodes = 8
storm = "8 min"
calm = "10 min"
[links]
shape = "overlay"
[work]
stock = "2 min"
[[crowd]]
kind = "withhold"
count = 60
"""


@pytest.mark.parametrize("kind", ["withhold", "echo", "claims", "junk", "spoil"])
def test_a_crowd_of_one_body_takes_no_besieged_nodes_links_and_keeps_nothing_from_it(kind: str) -> None:
    world = World(read(SIEGE.replace("withhold", kind)), 1)
    world.live()
    crowd, besieged = {each.peer for each in world.crowd}, world.honest[0]
    assert sum(peer in crowd for peer in besieged.ends) < len(besieged.ends)
    assert world.siege is not None
    assert world.siege.longest == 0.0
    assert not faults(world)


def test_a_crowd_that_floods_keeps_nothing_from_those_whom_it_besieges() -> None:
    flood = SIEGE.replace('"withhold"', '"flood"').replace("60", "25").replace('"8 min"', '"4 min"')
    assert simulate(read(flood), 1).good


@pytest.mark.parametrize("seed", seeds(2))
def test_as_many_bad_bodies_as_good_ones_keep_nothing_from_those_whom_they_besiege(seed: int) -> None:
    assert simulate(read(f"{SIEGE}bodies = 8"), seed).good


def test_a_besieged_node_without_an_honest_link_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An overlay that never calls and lets every caller in, in place of whatever link."""
    monkeypatch.setattr(View, "_yields", lambda self, caller, now: next(iter(self.active)))
    monkeypatch.setattr(View, "plan", lambda self, *_: iter(()))
    world = World(read(SIEGE), 1)
    world.live()
    assert world.siege is not None
    assert world.siege.longest > LONELY_S
    monkeypatch.setattr("fedsync.sim.checks.MOST_TOLD", 10_000)
    assert any("had no honest link" in each for each in faults(world))
