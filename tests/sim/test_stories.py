"""Seeded stories: loss, cuts, forks, restores and lies, then calm; all honest nodes must hold equal sets.

FEDSYNC_SEEDS says which seeds: a count, or FIRST-LAST. 100 in CI; a failure replays from its seed alone.
"""

import pytest

from tests.seeds import seeds
from tests.sim.story import Story


@pytest.mark.parametrize("seed", seeds(100))
def test_after_a_rough_time_all_honest_nodes_hold_the_same(seed: int) -> None:
    assert Story(seed).run()


def test_a_story_follows_from_its_seed_alone() -> None:
    one, two = Story(11), Story(11)
    assert one.run() == two.run()
    assert (one.world.now, one.world.steps) == (two.world.now, two.world.steps)
