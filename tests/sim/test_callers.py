"""Nodes that nobody can call: all come to the same all the same, and the checks find a link that somebody else opened to one."""

import pytest

from fedsync.sim.checks import faults
from fedsync.sim.scenario import read
from fedsync.sim.shunned import uncalled
from fedsync.sim.world import World
from tests.sim.slices import SLICES

HALF = """
name = "Half of them only call"
nodes = 8
storm = "20 min"
calm = "15 min"
[links]
shape = "overlay"
callers = 0.5
[work]
stock = "1 min"
[trouble]
cut_every = "2 min"
cut_lasts = "30 s"
crash_every = "4 min"
crash_lasts = "30 s"
"""


RELAYS = """
[relays]
count = 2
bytes_per_day = 200_000
pair_bytes_per_day = 10_000
"""


@pytest.mark.parametrize("seed", range(2))
def test_nodes_that_nobody_can_call_meet_through_others_and_hold_the_same(seed: int) -> None:
    world = World(read(HALF), seed)
    world.live()
    assert len(world.callers) == 4
    assert faults(world) == []
    assert {one for _, one, _ in world.calls.opened} > {*world.callers}, "each has called somebody"
    assert not {two for _, _, two in world.calls.opened} & {*world.callers}


def test_who_reaches_for_one_of_them_all_the_same_is_found() -> None:
    world = World(read(HALF), 0)
    world.heap.run(60.0)
    silent, other = world.callers[0], next(each for each in world.nodes if each not in world.callers)
    assert not [*uncalled(world)]
    while silent.peer in other.ends:
        world.calls.part(other, silent.peer)
    world.calls.call(other, silent.peer, (silent.name,))
    world.heap.run(world.heap.now + 0.01)
    assert silent.peer not in other.ends
    world.calls.opened.append((61.0, other, silent))
    assert [*uncalled(world)] == [
        f"{other.name} called {silent.name} at 60 s, whom nobody can call",
        f"{other.name} opened a link to {silent.name} at 61 s, whom nobody can call",
    ]


def test_a_relay_connects_two_that_nobody_can_call_and_carries_no_more_in_a_day_than_it_offers() -> None:
    world = World(read(HALF + RELAYS), 0)
    world.live()
    assert faults(world) == []
    relays = world.relays
    assert relays is not None
    assert any({one, two} <= {*world.callers} for _, one, two in relays.opened)
    assert {*relays.opened.values()} <= {*relays.offering.values()}
    assert world.seen.counts["relay-full"]
    assert [*relays.faults()] == []
    (relay, day, pair), _ = next(iter(relays.went.items()))
    relays.went[relay, day, pair] += 300_000
    said = [*relays.faults()]
    assert any(f"{relay.name} carried" in each and "bytes between" in each for each in said)
    assert any(f"{relay.name} carried" in each and "bytes in a day" in each for each in said)


def test_one_that_is_told_to_answer_somewhere_is_found() -> None:
    world = World(next(each for each in SLICES if each.name == "callers").scenario(), 1)
    world.live()
    assert faults(world) == []
    assert world.places is not None
    callable_ = next(node for node in world.honest if node not in world.callers)
    world.places.at[callable_] = ""
    assert any(f"holds that {callable_.name} answers somewhere" in each for each in faults(world))


def test_without_the_word_everybody_can_be_called() -> None:
    assert not World(read(HALF.replace("callers = 0.5\n", "")), 0).callers
