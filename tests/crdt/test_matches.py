"""What is suggested for needs: the best few, however much is offered."""

from fedsync.crdt.plans.offers import MAX_MATCHES, matches
from tests.crdt.granary import ALDER, BIRCH, HOUR, NOON, WHEAT
from tests.crdt.market import Log, Market, log


def need(of: Log, **more: int) -> bytes:
    """Say that a household needs wheat."""
    return bytes(of.say("intent", resource_conforms_to=WHEAT, quantity=9, receiver="Household", **more)[2])


def test_of_many_offers_a_need_is_shown_the_best_and_those_in_time_first() -> None:
    ann, cem = log("Ann"), log("Cem", BIRCH)
    late = [cem.offer(100 + each, due=NOON + 2 * HOUR) for each in range(MAX_MATCHES + 5)]
    soon = [cem.offer(10 + each) for each in range(5)]
    wanted = need(ann, due=NOON + HOUR)
    node = Market()
    node.take(*ann.blocks, *cem.blocks)
    found = matches(node.view, NOON, {}, {(ALDER, WHEAT): 3})
    assert {each.need.id for each in found} == {wanted}
    ids = [None if each.offer is None else each.offer.id for each in found]
    # In time: offers, most first, then what lies in a store; then what is late.
    assert ids == [*reversed(soon), None, *list(reversed(late))[: MAX_MATCHES - 6]]


def test_in_a_flood_of_needs_and_offers_each_need_is_shown_a_few() -> None:
    ann, cem = log("Ann"), log("Cem", BIRCH)
    for each in range(60):
        cem.offer(1 + each)
        need(ann)
    node = Market()
    node.take(*ann.blocks, *cem.blocks)
    found = matches(node.view, NOON, {}, {})
    assert len(found) == 60 * MAX_MATCHES
    assert {each.free for each in found} == set(range(61 - MAX_MATCHES, 61))
