"""Sticks in the simulator: what is on them is a bundle, harm that comes to one costs what was there and nothing else."""

from random import Random

from fedsync.gossip.memory import Memory
from fedsync.records.ids import Reach
from fedsync.sim.run import simulate
from fedsync.sim.scenario import read
from fedsync.sim.sticks import fill, spoil, unload
from tests.sim.world import BODY, Author

SMALL = """
name = "A small one by stick"
nodes = 3
storm = "1 d"
calm = "2 d"
[links]
profile = "USB"
redial = "2 h"
loss = 0.3
[work]
stock = "2 h"
decisions = "6 h"
local = 0.3
"""


def test_villages_without_any_line_come_to_the_same_by_sticks_many_of_which_are_lost() -> None:
    outcome = simulate(read(SMALL), 1)
    assert not outcome.faults
    assert outcome.seen["stick-lost"]
    assert outcome.seen["stick-damaged"]


def test_of_a_damaged_stick_every_sound_block_is_there_and_nothing_else() -> None:
    holdings = Memory(b"j" * 8)
    holdings.follow(*BODY)
    raws = set()
    for number in range(1, 30):
        for block in Author(number).write("one", "two"):
            holdings.write(block)
            raws.add(block.raw)
    for block in Author(99, reach=Reach.LOCAL).write("at home"):
        holdings.write(block)
    file = fill("Mill", holdings, b"b" * 16, 0)
    assert set(unload(file).blocks) == raws
    assert not unload(file).damaged
    dice = Random(1)
    counts = set()
    for _ in range(40):
        found = unload(spoil(file, dice.random))
        assert set(found.blocks) <= raws
        counts.add(len(found.blocks))
    assert len(counts) > 5
