"""The stock half of the worked scenario: three communities, two transfers, a count and a cut between them.

What must be shown before, during and after the cut is read from `expected.json`.
"""

from random import Random

import pytest

from fedsync.records.block import Block
from tests.authority.federation import shuffled
from tests.stock.scenario import CEDAR_SIDE, EXPECTED, blocks_by_id, differs, ids_of

PEN, BLOCKS, REFS = blocks_by_id()
BOOKS = PEN.country.federation.blocks
SHUFFLES = 500
MOMENTS = {
    "north_side_before_heal": "north",
    "healed_before_new_delegate_votes": "both",
    "after_heal": "both",
}


def side(name: str) -> list[Block]:
    return [block for id_, block in BLOCKS.items() if id_ in ids_of(name)]


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_moment_comes_out_as_the_scenario_says(moment: str) -> None:
    node = PEN.country.node()
    node.take_all([*BOOKS, *side(MOMENTS[moment])])
    assert differs(node.view, REFS, EXPECTED[moment]) == []


def test_cedar_shows_what_it_can_know_while_its_link_is_cut() -> None:
    node = PEN.country.node()
    node.take_all([*BOOKS, *side("cedar")])
    assert differs(node.view, REFS, CEDAR_SIDE) == []


def test_any_order_with_any_of_it_again_gives_the_same_before_and_after_the_cut() -> None:
    random = Random(0)
    roots: dict[str, set[bytes]] = {"north": set(), "both": set()}
    for number in range(SHUFFLES):
        node = PEN.country.node()
        north = shuffled([*BOOKS, *side("north")], random, again=0.2)
        node.take_all(north, random)
        assert differs(node.view, REFS, EXPECTED["north_side_before_heal"]) == [], number
        roots["north"].add(node.root())
        node.take_all(shuffled([*north, *side("both")], random), random)
        assert differs(node.view, REFS, EXPECTED["after_heal"]) == [], number
        roots["both"].add(node.root())
    assert {name: len(found) for name, found in roots.items()} == {"north": 1, "both": 1}


def test_a_recall_voids_promises_and_no_facts() -> None:
    pen, blocks, refs = blocks_by_id()
    wanted = {name: dict(each) for name, each in EXPECTED["after_heal"].items()}
    wanted["commitments"] |= {"committed_g": 350_000, "valid": ["C1"]}
    pen.country.recall("Alder", "bridge-node")
    pen.country.recall("Alder", "carrier2", blocks["T2a"])
    random = Random(1)
    for _ in range(20):
        node = pen.country.node()
        node.take_all(shuffled([*pen.country.federation.blocks, *blocks.values()], random, again=0.2), random)
        assert differs(node.view, refs, wanted) == []
