"""Bugs that were planted on purpose are each found by a few lives. `scripts/planted` tells how; see `plants`."""

import pytest

from tests.sim.planted import hunt
from tests.sim.plants import PLANTS, Plant


@pytest.mark.parametrize("plant", PLANTS, ids=lambda each: each.name)
def test_a_planted_bug_is_found(plant: Plant) -> None:
    found = hunt(plant)
    assert found.said, f"only this was said: {found.others}"
