"""Places in an overlay's views: who never loses one, who is called, and how many there are of all that others can make grow."""

from random import Random

import pytest

from fedsync.gossip.events import Peer
from fedsync.gossip.groups import Group
from fedsync.gossip.kept import Kept
from fedsync.gossip.overlay import (
    CALL_S,
    MOST_GROUPS,
    Call,
    Down,
    Drop,
    Event,
    Failed,
    Known,
    Overlay,
    Tick,
    Up,
)
from fedsync.gossip.view import ACTIVE, ADMIT_S, MERIT, MIXED, PASSIVE, WANTED
from tests.gossip.overlays import candidate, peer, scope

REGION = Group(scope("region"), [candidate(at) for at in range(40)])


def overlay_of(*groups: Group, pinned: frozenset[Peer] = frozenset(), dice: int = 1) -> Overlay:
    me = Overlay(peer(0), Random(dice))
    me.handle(Known(groups, pinned), 0.0)
    return me


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_no_link_of_the_operators_own_is_dropped(seed: int) -> None:
    dice = Random(seed)
    own = frozenset(map(peer, (1, 2, 3, "of no body")))
    me, now = overlay_of(REGION, pinned=own, dice=seed), 0.0
    for each in own:
        me.handle(Up(each, dice.random() < 0.5), now)
    others = [peer(at) for at in range(4, 40)]
    for _ in range(600):
        now += dice.expovariate(1 / ADMIT_S)
        who, fewer = dice.choice(others), Group(REGION.scope, dice.sample([*REGION.all()], 10))
        said: list[Event] = [Up(who, True), Up(who, False), Down(who), Failed(who), Tick()]
        said += [Known([dice.choice([REGION, fewer])], own), Known([], own)]
        for effect in me.handle(dice.choice(said), now):
            assert not (isinstance(effect, Drop) and effect.peer in own)
        assert own <= set(me.links)
        assert not any(own & view.active.keys() for view in me.views.values())


def test_whom_the_operator_chooses_while_a_link_stands_keeps_it_and_takes_no_place_any_more() -> None:
    me = overlay_of(REGION)
    me.handle(Up(peer(5), False), 0.0)
    assert peer(5) in me.views[REGION.scope].active
    effects = me.handle(Known([REGION], frozenset({peer(5)})), 1.0)
    assert not any(isinstance(each, Drop) for each in effects)
    assert peer(5) in me.links
    assert peer(5) not in me.views[REGION.scope].active


def test_beside_the_operators_own_a_node_calls_others_too_since_all_of_these_may_be_on_one_island() -> None:
    own = frozenset(map(peer, range(1, 1 + WANTED)))
    me = overlay_of(pinned=own)
    for each in own:
        me.handle(Up(each, True), 0.0)
    effects = me.handle(Known([REGION], own), 0.0)
    while calls := [each for each in effects if isinstance(each, Call)]:
        effects = [more for each in calls for more in me.handle(Up(each.peer, True), 0.0)]
    assert len(me.views[REGION.scope].active) == MIXED


def test_spares_have_a_bound_however_many_links_break_and_whatever_was_kept() -> None:
    many = Group(scope("many"), [candidate(at) for at in range(1, 200)])
    kept = {many.scope: Kept(tuple(map(peer, range(1, 100))), tuple(map(peer, range(100, 200))))}
    me = Overlay(peer(0), Random(1), kept=kept)
    me.handle(Known([many]), 0.0)
    view = me.views[many.scope]
    assert len(view.passive) == PASSIVE
    for at in range(1, 200):
        me.handle(Up(peer(at), False), at * ADMIT_S)
        me.handle(Down(peer(at)), at * ADMIT_S)
        assert len(view.passive) <= PASSIVE


def test_nobody_without_an_address_is_called_although_it_was_linked_before_the_restart() -> None:
    group = Group(scope("few"), [candidate(1, callable=False), candidate(2)])
    me = Overlay(peer(0), Random(1), kept={group.scope: Kept((peer(1), peer(2)))})
    called = [each.peer for each in me.handle(Known([group]), 0.0) if isinstance(each, Call)]
    assert called == [peer(2)]


def test_links_of_other_groups_take_no_more_places_than_a_view_has() -> None:
    north, south = (
        Group(scope(name), [candidate(at) for at in range(first, first + ACTIVE)])
        for name, first in (("north", 1), ("south", 1 + ACTIVE))
    )
    me = overlay_of(north, south)
    for at in range(1, 1 + 2 * ACTIVE):
        me.handle(Up(peer(at), False), 0.0)
    assert len(me.links) == 2 * ACTIVE
    me.handle(Known([north, south, REGION]), 1.0)
    assert len(me.views[REGION.scope].active) == ACTIVE


def test_of_many_groups_the_first_have_views() -> None:
    groups = [Group(scope(at), [candidate(at)]) for at in range(1, 3 * MOST_GROUPS)]
    me = overlay_of(*groups)
    assert list(me.views) == [each.scope for each in groups[:MOST_GROUPS]]


def test_all_that_are_fair_are_called_before_one_that_is_bad() -> None:
    fair = {peer(at) for at in range(1, 1 + WANTED)}
    group = Group(scope("mostly bad"), [candidate(at) for at in range(1, 20)])
    me = Overlay(peer(0), Random(1), score=lambda each: 0.0 if each in fair else -5.0)
    effects = me.handle(Known([group]), 0.0)
    while calls := [each for each in effects if isinstance(each, Call)]:
        effects = [more for each in calls for more in me.handle(Up(each.peer, True), 0.0)]
    assert set(me.links) == fair


def test_a_call_of_which_nothing_is_heard_gives_way_to_another() -> None:
    me = overlay_of()
    first = [each.peer for each in me.handle(Known([REGION]), 0.0) if isinstance(each, Call)]
    assert first
    assert not any(isinstance(each, Call) for each in me.handle(Tick(), CALL_S - 1))
    then = [each.peer for each in me.handle(Tick(), CALL_S) if isinstance(each, Call)]
    assert len(then) == len(first)
    assert not set(then) & set(first)


def test_who_brought_something_takes_the_place_of_one_that_did_not_and_leaves_its_neighbour_alone() -> None:
    """Both are of one body, and no body has more links than another."""
    neighbour, caller = candidate("neighbour", body="b"), candidate("caller", body="b")
    others = [candidate(at) for at in range(1, ACTIVE)]
    group, brought = Group(scope("even"), [neighbour, caller, *others]), {neighbour.peer, caller.peer}
    me = Overlay(peer(0), Random(1), score=lambda each: MERIT if each in brought else 0.0)
    me.handle(Known([group]), 0.0)
    for each in (neighbour, *others):
        me.handle(Up(each.peer, False), 0.0)
    me.handle(Up(caller.peer, False), 2 * ADMIT_S)
    assert brought <= set(me.links)
