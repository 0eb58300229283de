"""What each of ValueFlows' 19 actions does in the stores: what lies where afterwards, and who has it by right.

The table of the vocabulary stands in `tests/records/test_stock_kinds.py`; here records go through the fold.
"""

from typing import NamedTuple

import pytest

from fedsync.records.kinds.actions import ACTIONS, TWO_STORES, Change
from tests.crdt.granary import (
    ALDER,
    BIRCH,
    CELLAR,
    GRANARY,
    NOON,
    WHEAT,
    Node,
    chain,
    genesis,
    id_of,
    moved,
    store_value,
)


class Lies(NamedTuple):
    """What lies somewhere, and what is there by right."""

    on_hand: int
    by_right: int


NOTHING = Lies(0, 0)
AFTER = {
    "accept": (Lies(4, 9), NOTHING),
    "cite": (Lies(9, 9), NOTHING),
    "combine": (Lies(4, 9), NOTHING),
    "consume": (Lies(4, 4), NOTHING),
    "copy": (Lies(9, 9), Lies(5, 5)),
    "deliver_service": (Lies(9, 9), NOTHING),
    "dropoff": (Lies(14, 9), NOTHING),
    "lower": (Lies(4, 4), NOTHING),
    "modify": (Lies(14, 9), NOTHING),
    "move": (Lies(4, 4), Lies(5, 5)),
    "pickup": (Lies(4, 9), NOTHING),
    "produce": (Lies(14, 14), NOTHING),
    "raise": (Lies(14, 14), NOTHING),
    "separate": (Lies(14, 9), NOTHING),
    "transfer": (Lies(4, 4), Lies(5, 5)),
    "transfer_all_rights": (Lies(9, 4), Lies(0, 5)),
    "transfer_custody": (Lies(4, 9), Lies(5, 0)),
    "use": (Lies(9, 9), NOTHING),
    "work": (Lies(9, 9), NOTHING),
}
"""9 came in; then 5 of each action: in the first store, and in the second."""
MILL = id_of(store_value("Mill", BIRCH))


def lies(node: Node, scope: bytes, store: bytes) -> Lies:
    place = (scope, store, WHEAT, b"")
    on_hand = node.levels()[place].on_hand if place in node.levels() else 0
    return Lies(on_hand, node.accounting().get(place, 0))


def test_there_is_a_row_for_every_action() -> None:
    assert AFTER.keys() == ACTIONS.keys()


@pytest.mark.parametrize("action", sorted(AFTER))
def test_an_action_leaves_in_both_stores_what_its_row_says(action: str) -> None:
    node = Node()
    after = moved(action, 5, NOON + 1, to=CELLAR) if action in TWO_STORES else moved(action, 5, NOON + 1)
    node.take(*chain(genesis("Ann"), [moved("raise", 9, NOON), after]))
    assert (lies(node, ALDER, GRANARY), lies(node, ALDER, CELLAR)) == AFTER[action]


@pytest.mark.parametrize("action", sorted(TWO_STORES))
def test_between_communities_each_end_does_its_half_of_the_row(action: str) -> None:
    node = Node()
    given = moved(action, 5, NOON + 1, receiver=BIRCH)
    node.take(*chain(genesis("Ann"), [moved("raise", 9, NOON), given]))
    half = (lies(node, ALDER, GRANARY), lies(node, BIRCH, MILL))
    assert half == (AFTER[action][0], NOTHING), "what the giver records is no word on the receiver's store"
    taken = moved(action, 5, NOON + 2, store=None, to=MILL, provider=ALDER)
    node.take(*chain(genesis("Dora", BIRCH), [taken]))
    assert (lies(node, ALDER, GRANARY), lies(node, BIRCH, MILL)) == AFTER[action]


@pytest.mark.parametrize("action", sorted(AFTER))
def test_where_goods_are_and_who_answers_for_them_is_as_the_row_says(action: str) -> None:
    _, second = AFTER[action]
    # The row's column of places is about goods that lie there, that of who answers about whose they are by right.
    there = ACTIONS[action].location in (Change.UPDATE_TO, Change.NEW) and action in TWO_STORES
    assert there == (second.on_hand > 0)
    # Within one community a move changes the store and not who answers for what is in it.
    theirs = ACTIONS[action].accountable in (Change.UPDATE_TO, Change.NEW) and action in TWO_STORES
    assert theirs == (second.by_right > 0 and action != "move")
