"""Random worlds through whole nodes, which come by them in different ways: all show the same, and so does a fold of everything."""

import pytest

from tests.authority.random_worlds import draw
from tests.authority.through_the_door import faults
from tests.seeds import seeds


@pytest.mark.parametrize("seed", seeds(12))
def test_nodes_that_met_a_region_in_different_ways_show_the_same(seed: int) -> None:
    assert faults(draw(seed), seed) == []
