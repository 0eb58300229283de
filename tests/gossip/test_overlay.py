"""The overlay alone: views stay small, the operator's peers stay, and whoever can be reached is reached."""

from collections.abc import Sequence
from functools import partial
from random import Random

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.gossip.events import Peer
from fedsync.gossip.groups import Group
from fedsync.gossip.kept import Kept, pack, unpack
from fedsync.gossip.overlay import Call, Down, Drop, Effect, Failed, Known, Overlay, Tick, Up, Wake, Why
from fedsync.gossip.view import (
    ACTIVE,
    ADMIT_S,
    BAD,
    EXCHANGE_S,
    FIRST_S,
    FORGOTTEN,
    FRESH_S,
    LONGEST_S,
    MERIT,
    PASSIVE,
    TURN_S,
    WANTED,
    View,
)
from tests.gossip.overlays import Town, Views, candidate, peer, scope

SOON = 2 * LONGEST_S
"""Within so many seconds of the end of all trouble every group hangs together."""
ISLANDS = 2 * EXCHANGE_S
"""The same where two islands have forgotten each other."""


def group_of(size: int, name: str = "region", bodies: int | None = None) -> Group:
    return Group(
        scope(name), [candidate(at, body=None if bodies is None else at % bodies) for at in range(size)]
    )


def town_of(size: int, seed: int, bodies: int | None = None) -> tuple[Town, list[Peer]]:
    town, group = Town(seed), group_of(size, bodies=bodies)
    members = [peer(at) for at in range(size)]
    for each in members:
        town.add(each, group)
    return town, members


def answered(me: Overlay, effects: Sequence[Effect], now: float = 1.0) -> list[Peer]:
    """Let all calls succeed, and those that follow; return who was called."""
    called: list[Peer] = []
    while calls := [each for each in effects if isinstance(each, Call)]:
        called += [each.peer for each in calls]
        effects = [more for each in calls for more in me.handle(Up(each.peer, True), now)]
    return called


def bounded(town: Town) -> None:
    for overlay in town.nodes.values():
        for view in overlay.views.values():
            assert len(view.active) <= ACTIVE
            assert len(view.passive) <= PASSIVE
            assert set(view.active) <= set(overlay.links)
            assert not view.active.keys() & view.passive.keys()


@pytest.mark.parametrize("size", [2, 3, 7, 20, 60, 200])
def test_nodes_that_know_of_each_other_come_together(size: int) -> None:
    town, members = town_of(size, seed=size)
    assert town.run(60.0, lambda: town.together(members)) is not None
    bounded(town)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_happens_views_are_bounded_and_all_come_together_again(data: st.DataObject) -> None:
    size = data.draw(st.integers(3, 40), "nodes")
    bodies = data.draw(st.one_of(st.none(), st.integers(1, 8)), "bodies")
    town, members = town_of(size, data.draw(st.integers(0, 999), "seed"), bodies)
    town.after_each = bounded
    kept: dict[Peer, Views] = {}
    for _ in range(data.draw(st.integers(1, 6), "troubles")):
        town.run(data.draw(st.sampled_from([1.0, 30.0, 400.0]), "pause"))
        match data.draw(st.sampled_from(["part", "heal", "kill", "start", "cut"]), "trouble"):
            case "part":
                town.heal()
                town.part(town.dice.sample(members, size // 2))
            case "heal":
                town.heal()
            case "kill":
                for each in town.dice.sample(members, size // 3):
                    if each not in town.dead:
                        kept[each] = town.kill(each)
            case "start":
                for each in sorted(town.dead):
                    town.start(each, kept[each])
            case "cut":
                for pair in town.dice.sample(list(town.links), len(town.links) // 2):
                    if pair in town.links:
                        town.cut(pair)
    town.heal()
    assert town.run(SOON, lambda: town.together(members)) is not None, "somebody was left behind"


def test_two_islands_that_have_forgotten_each_other_meet() -> None:
    town, members = town_of(80, seed=4)
    town.run(60.0)
    town.part(members[40:])
    town.run(100_000.0)  # Longer than a broken link is remembered.
    town.heal()
    assert not town.together(members)
    assert town.run(ISLANDS, lambda: town.together(members)) is not None


def test_a_killed_third_is_replaced_and_comes_back() -> None:
    town, members = town_of(90, seed=5)
    town.run(60.0)
    kept = {each: town.kill(each) for each in members[:30]}
    assert town.run(SOON, lambda: town.together(members)) is not None
    for each, views in kept.items():
        town.start(each, views)
    assert town.run(SOON, lambda: town.together(members)) is not None


def test_a_quiet_overlay_changes_a_link_now_and_then_and_nothing_else() -> None:
    """No livelock: however full all are, evictions are as rare as exchanges."""
    town, members = town_of(50, seed=6)
    town.run(3600.0)
    calls, drops = town.calls, town.drops
    hours = 10
    town.run(hours * 3600.0)
    each_hour = (town.calls - calls) / len(members) / hours
    # An exchange costs its victim a link, which that one replaces.
    assert each_hour < 3 * 3600 / EXCHANGE_S
    assert (town.drops - drops) / len(members) / hours < 3 * 3600 / EXCHANGE_S
    assert town.together(members)


def test_full_nodes_do_not_evict_each_other_for_ever() -> None:
    """Each of these is called by all others at once, again and again, as nothing real would do."""
    town, members = town_of(20, seed=7)
    town.run(600.0)
    before = town.drops
    for _ in range(60):
        one, two = town.dice.sample(members, 2)
        town._call(one, two)
        town.run(1.0)
    evictions = town.drops - before
    assert evictions <= 60
    assert town.run(SOON, lambda: town.together(members)) is not None


def test_the_operators_peers_take_no_place_and_are_never_dropped() -> None:
    town, group = Town(8), group_of(60)
    members = [peer(at) for at in range(60)]
    own = frozenset(members[1:21])
    for each in members:
        town.add(each, group, pinned=own if each == members[0] else frozenset())
    hub = town.nodes[members[0]]
    for each in own:
        town._call(members[0], each)
    for _ in range(50):
        for each in members[1:]:
            if frozenset((members[0], each)) not in town.links:
                town._call(each, members[0])
        town.run(120.0)
        for effect in hub.handle(Tick(), town.now):
            assert not (isinstance(effect, Drop) and effect.peer in own)
        assert not own & hub.views[group.scope].active.keys()
        assert len(set(hub.links) - own) <= ACTIVE


def test_a_body_with_hundreds_of_nodes_has_one_place_once_others_ask() -> None:
    honest = [candidate(at) for at in range(10)]
    liars = [candidate(f"liar {at}", body="liars") for at in range(500)]
    group = Group(scope("region"), [*honest, *liars])
    victim = Overlay(honest[0].peer, Random(1))
    victim.handle(Known([group]), 0.0)
    now = 0.0
    for each in liars:
        now += 1.0
        victim.handle(Up(each.peer, False), now)
    assert len(victim.views[group.scope].active) == ACTIVE
    for each in honest[1:]:
        now += ADMIT_S * 2
        victim.handle(Up(each.peer, False), now)
    linked = victim.views[group.scope].active
    assert sum(each.body == b"liars" for each in linked.values()) <= 1


def test_a_body_with_several_links_gives_one_up_at_once_for_one_that_has_none() -> None:
    liars = [candidate(f"liar {at}", body="liars") for at in range(ACTIVE)]
    honest = [candidate(at) for at in range(1, ACTIVE)]
    group = Group(scope("region"), [*honest, *liars])
    me = Overlay(peer(0), Random(1))
    me.handle(Known([group]), 0.0)
    for each in liars:
        me.handle(Up(each.peer, False), 0.0)
    for each in honest:
        me.handle(Up(each.peer, False), 1.0)
    assert {each.peer for each in honest} <= set(me.links)


def test_a_full_view_lets_a_caller_in_at_most_once_a_minute() -> None:
    me = Overlay(peer(0), Random(1))
    me.handle(Known([group_of(40)]), 0.0)
    for at in range(1, 1 + ACTIVE):
        me.handle(Up(peer(at), False), 0.0)
    let_in, begun = 0, 2 * ADMIT_S
    for second in range(20):
        me.handle(Up(peer(10 + second), False), begun + second)
        let_in += peer(10 + second) in me.links
    assert let_in == 1
    me.handle(Up(peer(39), False), begun + ADMIT_S)
    assert peer(39) in me.links


def test_a_body_that_calls_without_end_has_one_turn_an_hour_and_others_find_the_door_free() -> None:
    me = Overlay(peer(0), Random(1))
    me.handle(Known([group_of(40)]), 0.0)
    for at in range(1, 1 + ACTIVE):
        me.handle(Up(peer(at), False), 0.0)
    now, pests = 0.0, [peer(at) for at in range(10, 10 + ACTIVE + 2)]
    for second in range(0, 1800, 5):
        now = 2 * ADMIT_S + second
        for pest in pests:
            if pest not in me.links:
                me.handle(Up(pest, False), now)
    me.handle(Up(peer(30), False), now)
    assert peer(30) in me.links


def test_who_had_a_turn_is_remembered_for_an_hour_and_no_longer() -> None:
    me = Overlay(peer(0), Random(1))
    me.handle(Known([group_of(400)]), 0.0)
    for at in range(1, 400):
        me.handle(Up(peer(at), False), at * ADMIT_S)
    (view,) = me.views.values()
    assert 50 < len(view.turns) <= TURN_S / ADMIT_S


def test_links_that_are_exchanged_leave_the_places_of_callers_alone() -> None:
    me = Overlay(peer(0), Random(1))
    answered(me, me.handle(Known([group_of(40)]), 0.0))
    callers = [each for each in map(peer, range(1, 40)) if each not in me.links][: ACTIVE - WANTED]
    for each in callers:
        me.handle(Up(each, False), 2.0)
    for turn in range(1, 60):
        answered(me, me.handle(Tick(), turn * EXCHANGE_S * 2), turn * EXCHANGE_S * 2)
    assert set(callers) <= set(me.links)


@pytest.mark.parametrize("merit", [0.0, MERIT])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_node_of_several_groups_exchanges_as_many_links_as_a_node_of_one(groups: int, merit: float) -> None:
    me, now, hours = Overlay(peer("me"), Random(1), score=lambda each: merit), 0.0, 60
    named = [Group(scope(name), [candidate(f"{at} of {name}") for at in range(40)]) for name in range(groups)]
    alone = Group(scope("our own"), [candidate("me")])
    effects, called, before = me.handle(Known([*named, alone]), now), 0, 0
    while True:
        calls = len(answered(me, effects, now))
        # Where nobody brings anything it takes hours until they are as rare.
        called += calls if now > 10 * 3600 else 0
        before += calls if 0 < now <= 10 * 3600 else 0
        now = min(view.wake_at(now, (), (), 0) for view in me.views.values())
        if now > (10 + hours) * 3600:
            break
        effects = me.handle(Tick(), now)
    assert 0.8 * hours <= called <= 1.25 * hours
    assert before <= 40
    assert all(len(view.active) == WANTED for view in me.views.values() if view.group is not alone)


def test_a_link_that_carries_blocks_is_kept_before_one_that_does_not() -> None:
    idle = peer(3)
    me = Overlay(peer(0), Random(1), carries=lambda each: each != idle)
    me.handle(Known([group_of(40)]), 0.0)
    for at in range(1, 1 + ACTIVE):
        me.handle(Up(peer(at), False), 0.0)
    assert Drop(idle, Why.EXCHANGED) in me.handle(Up(peer(20), False), 2 * ADMIT_S)


def test_whom_we_called_is_not_evicted_by_who_calls() -> None:
    group = group_of(200)
    me = Overlay(peer(0), Random(2))
    called = answered(me, me.handle(Known([group]), 0.0))
    assert len(called) == WANTED
    now = 2.0
    for at in range(1, 200):
        now += 5.0  # Well before the next exchange, all in all.
        if now > EXCHANGE_S / 3:
            break
        if peer(at) not in me.links:
            me.handle(Up(peer(at), False), now)
    assert set(called) <= me.views[group.scope].active.keys()


def test_candidates_are_drawn_by_body_first() -> None:
    group = Group(
        scope("region"), [candidate(0), *(candidate(f"many {at}", body="many") for at in range(999))]
    )
    dice = Random(3)
    drawn = [group.draw(dice) == candidate(0) for _ in range(400)]
    assert 150 < sum(drawn) < 250


def test_a_restart_calls_the_links_of_before_first() -> None:
    group = group_of(300)
    good = [peer(at) for at in (250, 251, 252, 253)]
    others = [peer(at) for at in range(100, 120)]
    me = Overlay(peer(0), Random(4), kept={group.scope: Kept(tuple(good), tuple(others))})
    called = answered(me, me.handle(Known([group]), 0.0))
    assert set(called) == set(good)
    assert set(me.keep()[group.scope].good) == set(good)


def test_what_was_kept_of_a_group_outlives_a_start_in_which_nobody_named_it() -> None:
    kept = {scope("region"): Kept((peer(1),), (peer(2),))}
    me = Overlay(peer(0), Random(5), kept=kept)
    me.handle(Known([]), 0.0)
    assert me.keep() == kept


def linked_with(me: Overlay, group: Group) -> list[Peer]:
    """Let an overlay have the links that it wants; return with whom."""
    called = answered(me, me.handle(Known([group]), 0.0), 0.0)
    assert len(called) == WANTED
    return called


def calls_of(effects: Sequence[Effect]) -> list[Peer]:
    return [each.peer for each in effects if isinstance(each, Call)]


@pytest.mark.parametrize("full", [False, True])
def test_a_link_that_broke_is_called_again_although_there_are_enough_until_it_says_that_it_is_well(
    full: bool,
) -> None:
    me = Overlay(peer(0), Random(11), score=lambda each: MERIT)
    broken = linked_with(me, group_of(200))[0]
    for other in [peer(at) for at in range(1, 10) if peer(at) not in me.links][:2]:
        me.handle(Up(other, False), 0.0)
    me.handle(Down(broken), 1.0)
    now = 1.0 + 2 * FIRST_S
    assert calls_of(me.handle(Tick(), now)) == [broken]
    me.handle(Failed(broken, full), now)
    assert (broken in calls_of(me.handle(Tick(), now + 2 * ADMIT_S))) is not full


def test_who_has_links_with_one_body_only_calls_another_although_there_are_enough() -> None:
    many = [candidate(f"many {at}", body="many") for at in range(WANTED)]
    me = Overlay(peer(0), Random(12))
    me.handle(Known([Group(scope("region"), many)]), 0.0)
    for each in many:
        me.handle(Up(each.peer, False), 0.0)
    other = candidate("other")
    assert calls_of(me.handle(Known([Group(scope("region"), [*many, other])]), 1.0)) == [other.peer]


def test_a_link_with_a_bad_peer_is_changed_for_another_at_once() -> None:
    thought: dict[Peer, float] = {}
    me = Overlay(peer(0), Random(13), score=lambda each: thought.get(each, 0.0))
    worse = linked_with(me, group_of(40))[0]
    assert calls_of(me.handle(Tick(), 1.0)) == []
    thought[worse] = 2 * BAD
    assert answered(me, me.handle(Tick(), 1.0))
    assert worse not in me.links


@pytest.mark.parametrize(("merit", "least", "most"), [(0.0, 5, 20), (MERIT, 0, 1)])
def test_links_are_changed_often_while_no_peer_has_brought_anything(
    merit: float, least: int, most: int
) -> None:
    me = Overlay(peer(0), Random(14), score=lambda each: merit)
    linked_with(me, group_of(40))
    changed = sum(len(answered(me, me.handle(Tick(), float(now)), float(now))) for now in range(900))
    assert least <= changed <= most


def test_a_spare_that_fails_again_and_again_gives_its_place_up_where_there_are_more_nodes_than_places() -> (
    None
):
    for size, stays in ((2 * PASSIVE, False), (PASSIVE, True)):
        view = View(peer(0), group_of(size), Random(15), lambda each: 0.0, lambda each: False, 0.0)
        view.fill()
        dead = next(iter(view.passive))
        for _ in range(FORGOTTEN):
            assert dead in view.passive
            view.failed(dead, 1.0, False)
        assert (dead in view.passive) is stays


def test_who_is_named_by_no_body_any_more_is_dropped() -> None:
    group = group_of(5)
    me = Overlay(peer(0), Random(6))
    me.handle(Known([group]), 0.0)
    me.handle(Up(peer(1), False), 0.0)
    less = Group(group.scope, [each for each in group.all() if each.peer != peer(1)])
    assert Drop(peer(1), Why.STRANGER) in me.handle(Known([less]), 1.0)
    assert me.handle(Up(peer(99), False), 2.0)[0] == Drop(peer(99), Why.STRANGER)


def test_a_bad_peer_is_called_last_and_given_up_first() -> None:
    group = group_of(12)
    bad = {peer(1), peer(2), peer(3)}
    thought: dict[Peer, float] = dict.fromkeys(bad, -5.0)
    me = Overlay(peer(0), Random(7), score=lambda each: thought.get(each, 0.0))
    assert len(answered(me, me.handle(Known([group]), 0.0))) == WANTED
    assert not bad & set(me.links)
    worse = me.links[0]
    thought[worse] = -5.0
    called = answered(me, me.handle(Tick(), 100.0), 100.0)
    assert called
    assert not bad & set(called)
    assert worse not in me.links


def test_a_peer_in_two_groups_takes_one_link() -> None:
    own, region = group_of(3, "own"), group_of(9, "region")
    me = Overlay(peer(0), Random(8))
    called = answered(me, me.handle(Known([own, region]), 0.0))
    assert len(called) == len(set(called)) <= 2 + WANTED
    assert {peer(1), peer(2)} <= me.views[own.scope].active.keys()


def test_whoever_answers_nothing_is_called_later_and_later() -> None:
    group = group_of(2)
    me = Overlay(peer(0), Random(9))
    effects, now, times = me.handle(Known([group]), 0.0), 0.0, []
    while now < 3600.0:
        if any(isinstance(each, Call) for each in effects):
            times.append(now)
            effects = me.handle(Failed(peer(1)), now)
        else:
            now += 1.0
            effects = me.handle(Tick(), now)
    assert len(times) < 3600 / 5
    # Who has no link at all goes on trying, however often that failed.
    assert len(times) > 3600 / (2 * FRESH_S)
    assert times[-1] > 3600 - 2 * LONGEST_S


@pytest.mark.parametrize("size", [7, 60])
@pytest.mark.parametrize("answer_s", [0.1, 20.0])
@pytest.mark.parametrize("spoilt", [False, True])
def test_who_lacks_links_and_finds_all_dead_wakes_only_to_call(
    size: int, answer_s: float, spoilt: bool
) -> None:
    linked = range(1, 1 + (WANTED if spoilt else 1))
    me = Overlay(peer(0), Random(9), score=lambda each: -5.0 if spoilt else 0.0)
    now, wake, idle, ticks = 0.0, float("inf"), 0, 0
    failing: list[tuple[float, Peer]] = []
    effects = me.handle(Known([group_of(size)]), now)
    for at in linked:
        effects += me.handle(Up(peer(at), False), now)
    while now < 3600.0:
        for each in effects:
            match each:
                case Call(called):
                    failing.append((now + answer_s, called))
                case Wake(when):
                    wake = when
        if failing and failing[0][0] <= wake:
            now, called = failing.pop(0)
            effects = me.handle(Failed(called), now)
        else:
            now, wake = wake, float("inf")
            effects = me.handle(Tick(), now)
            ticks += 1
            idle += not any(isinstance(each, Call) for each in effects)
    assert idle <= 20 + ticks / 50


def test_whoever_answers_nothing_for_weeks_is_called_for_as_long() -> None:
    group = group_of(2)
    me = Overlay(peer(0), Random(9))
    effects, now, calls = me.handle(Known([group]), 0.0), 0.0, 0
    while now < 14 * 24 * 3600.0:
        if any(isinstance(each, Call) for each in effects):
            calls += 1
            effects = me.handle(Failed(peer(1)), now)
        else:
            now += LONGEST_S
            effects = me.handle(Tick(), now)
    assert calls > 14 * 24 * 3600.0 / LONGEST_S / 3


def test_a_link_that_was_given_up_is_not_called_back_at_once() -> None:
    group = group_of(2)
    me = Overlay(peer(0), Random(10))
    me.handle(Known([group]), 0.0)
    me.handle(Up(peer(1), True), 0.0)
    effects = me.handle(Down(peer(1), left=True), 1.0)
    assert not any(isinstance(each, Call) for each in effects)


VIEWS = {scope("a"): Kept((peer(1), peer(2)), ()), scope("b"): Kept((), (peer(3),))}


def test_what_is_kept_comes_back() -> None:
    assert unpack(pack(VIEWS)) == VIEWS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x01",
        pack(VIEWS)[:-1],
        msgpack.packb([2, [[scope("a"), [], []]]]),
        msgpack.packb([1, [[b"short", [], []]]]),
    ],
)
def test_what_is_no_view_is_forgotten(data: bytes) -> None:
    assert unpack(data) == {}


@given(st.binary(max_size=200))
def test_no_bytes_break_a_start(data: bytes) -> None:
    unpack(data)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.integers(2, 4), st.integers(8, 30))
def test_regions_and_the_world_that_bridges_join_each_hang_together_after_trouble(
    seed: int, regions: int, size: int
) -> None:
    """A bridge is in two groups; one link may serve both, and each group is whole by itself."""
    town = Town(seed)
    town.after_each = bounded
    names = [[f"{region} {at}" for at in range(size)] for region in range(regions)]
    groups = [Group(scope(at), [candidate(name) for name in each]) for at, each in enumerate(names)]
    bridges = [candidate(name, body=at) for at, each in enumerate(names) for name in each[:3]]
    world = Group(scope("world"), bridges)
    members = [[peer(name) for name in each] for each in names]
    for group, of in zip(groups, members, strict=True):
        for at, each in enumerate(of):
            town.add(each, group, *([world] if at < 3 else []))
    town.run(60.0)
    everybody = [each for of in members for each in of]
    town.part(town.dice.sample(everybody, len(everybody) // 2))
    town.run(1000.0)
    kept = {each: town.kill(each) for each in town.dice.sample(everybody, len(everybody) // 3)}
    town.run(100.0)
    town.heal()
    for each, views in kept.items():
        town.start(each, views)
    for of in (*members, [each.peer for each in bridges]):
        assert town.run(SOON, partial(town.together, of)) is not None
    for overlay in town.nodes.values():
        assert len(overlay.links) <= ACTIVE * len(overlay.views)
