"""A village that writes far more than is taken of anybody: shares at the doors of simulated nodes, also where these fall over."""

import pytest

from fedsync.sim.run import simulate
from fedsync.sim.scenario import read
from tests.seeds import seeds
from tests.sim.soak import ALL

POURING = (ALL / "shares.toml").read_text("utf-8")
TROUBLE = """
[trouble]
crash_every = "3 min"
crash_lasts = "1 min"
cut_every = "5 min"
cut_lasts = "1 min"
restore_every = "15 min"
"""


@pytest.mark.parametrize("seed", seeds(4))
def test_nodes_that_fall_over_take_no_more_than_a_share_for_each_life_and_all_of_it_in_the_end(
    seed: int,
) -> None:
    found = simulate(read(POURING + TROUBLE, 5), seed)
    assert not found.faults
    assert found.seen["over-share"]
    assert found.seen["crash"]


def test_what_comes_later_than_the_hour_asks_for_is_found_to_be_missing() -> None:
    found = simulate(read(POURING.replace('calm = "8 h"', 'calm = "10 min"'), 4), 0)
    assert any("of which it took a share an hour" in each for each in found.faults)
