"""How records spread where nodes choose their links: hardly a block comes twice, and nothing waits at each hop."""

from functools import partial

import pytest

from tests.sim.spreading import Spreading, middle

MOST_COPIES = 1.15
HOP_S = 0.08 * 1.5 + 0.03 * 1.5
"""The slowest link and the slowest commit."""


@pytest.mark.parametrize("nodes", [20, 60])
def test_in_the_steady_state_a_block_comes_hardly_more_than_once(nodes: int) -> None:
    spreading = Spreading(nodes)
    spreading.run(600)
    spreading.measure(1200)
    assert spreading.copies <= MOST_COPIES
    assert len(spreading.took_all) >= len(spreading.took) - 2 > 30
    # A tree of so many nodes is not deeper than this, from one end to the other.
    assert middle(spreading.took, 0.9) < 14 * HOP_S


def test_when_the_tree_breaks_it_is_mended_at_once_and_once() -> None:
    spreading = Spreading(40)
    spreading.run(600)
    spreading.measure(600)
    calm = middle(spreading.took, 0.9)
    for node in spreading.all[25:]:
        spreading.heap.after(spreading.dice.random() * 600, partial(node.crash, loud=True))
        spreading.heap.after(600, node.start)
    spreading.measure(600)
    assert middle(spreading.took, 0.9) < calm + 1.0
    spreading.run(60, write=False)
    assert all(spreading.holders[each] >= 40 for each in spreading.written)
