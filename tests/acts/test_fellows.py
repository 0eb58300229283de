"""Whom a node may let in and call: two regions of two communities each in one world, beside somebody who is in none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.announcing import announce
from fedsync.config import Announce
from fedsync.crdt.books.booktables import NODES
from fedsync.crdt.books.fellows import MAX_ADMITTED, _admitted, _Group, _nodes_of, around
from fedsync.crdt.view import Draft
from fedsync.doors import LocalDoor
from fedsync.keyring import load_node_key
from fedsync.kindred import Kindred
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key, PageId, Reach, Scope
from tests.acts.test_world import World

MEMBERS = ("Oakfield", "Mill Lane", "Hill Farm", "Quarry")


class Found(World):
    def key(self, name: str) -> Key:
        return public_key(load_node_key(self.homes[name]))

    def name(self, key: Key) -> str:
        return next(name for name in self.homes if self.key(name) == key)

    def say(self, name: str, bridge: bool = False) -> None:
        home = self.homes[name]
        door = LocalDoor(home, home.lock())
        try:
            announce(door.node, load_node_key(home), Announce((f"{name.replace(' ', '-')}:7443",), bridge))
        finally:
            door.close()

    def fellows(self, at: str) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        with Reading.open(self.homes[at]) as reading:
            found = around(reading.view, reading.own().scope, self.key(at)).fellows
            return {
                self.name(each.key): (
                    tuple(reading.name_of(scope) for scope, _ in each.groups),
                    each.addresses,
                )
                for each in found
            }

    def admitted(self, at: str) -> set[str]:
        with Reading.open(self.homes[at]) as reading:
            return {
                self.name(key) for key in around(reading.view, reading.own().scope, self.key(at)).admitted
            }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Found:
    made = Found(Path(tmp_path_factory.mktemp("fellows")))
    made.found_world()
    return made


def test_nodes_of_the_bodies_around_ours_are_let_in_and_nobody_else(world: Found) -> None:
    for name in MEMBERS:
        assert world.admitted(name) == set(MEMBERS)
    assert world.admitted("Harbour") == set()
    assert world.fellows("Harbour") == {}


def test_a_region_finds_its_own_and_bridges_alone_find_other_regions(world: Found) -> None:
    # Before anybody announces anything they are fellows all the same, and only call.
    assert world.fellows("Oakfield") == {"Mill Lane": (("Valley",), ())}
    for name in MEMBERS:
        world.say(name)
    world.meet()
    assert world.fellows("Oakfield") == {"Mill Lane": (("Valley",), ("Mill-Lane:7443",))}
    # One of the other region wants to be found from afar; nobody of ours is a bridge, so all may call it.
    world.say("Hill Farm", bridge=True)
    world.meet()
    far = (("World",), ("Hill-Farm:7443",))
    near = (("Valley",), ("Mill-Lane:7443",))
    assert world.fellows("Oakfield") == {"Mill Lane": near, "Hill Farm": far}
    # Then one of ours is, and keeps the links to the others for all of us.
    world.say("Mill Lane", bridge=True)
    world.meet()
    assert world.fellows("Oakfield") == {"Mill Lane": near}
    assert world.fellows("Mill Lane") == {
        "Oakfield": (("Valley",), ("Oakfield:7443",)),
        "Hill Farm": far,
    }
    assert world.fellows("Quarry") == {"Hill Farm": (("Ridge",), ("Hill-Farm:7443",))}
    world.say("Mill Lane")
    world.meet()
    assert world.fellows("Oakfield") == {"Mill Lane": near, "Hill Farm": far}


def test_what_is_announced_to_a_region_goes_to_its_nodes_and_what_a_bridge_says_goes_on(world: Found) -> None:
    world.say("Mill Lane")
    with Reading.open(world.homes["Oakfield"]) as reading:
        valley = reading.body("Valley").scope
        sets = {
            world.name(block.genesis.key): block.genesis.reach
            for _, block in reading.store.since(0)
            if "announcement" in block.kinds and block.genesis.scope == valley
        }
        assert sets["Oakfield"] is Reach.REGION
        may = Kindred(reading.store.followed)
        may.look(reading.view)
        within = may.circulation(reading.view)
        own = reading.own().scope
        near = {name: valley in within.near(world.key(name), own, False) for name in MEMBERS}
        assert near == {name: own in within.near(world.key(name), own, False) for name in MEMBERS}
    assert near == {"Oakfield": True, "Mill Lane": True, "Hill Farm": False, "Quarry": False}
    with Reading.open(world.homes["Hill Farm"]) as reading:
        ridge = reading.body("Ridge").scope
        reaches = {
            block.genesis.reach
            for _, block in reading.store.since(0)
            if "announcement" in block.kinds
            and block.genesis.scope == ridge
            and block.genesis.key == world.key("Hill Farm")
        }
    assert Reach.WORLD in reaches, "Hill Farm became a bridge"


def test_a_body_that_our_people_founded_makes_fellows_though_our_book_says_nothing_of_it(
    world: Found,
) -> None:
    with Reading.open(world.homes["Oakfield"]) as reading:
        ridge = reading.body("Ridge").scope
        found = around(reading.view, reading.own().scope, world.key("Oakfield"), [ridge]).fellows
        groups = {world.name(each.key): [scope for scope, _ in each.groups] for each in found}
    assert ridge in groups["Quarry"]
    assert ridge in groups["Hill Farm"]
    assert ridge not in groups["Mill Lane"]


def test_a_thousand_nodes_of_one_community_weigh_as_much_as_one_and_it_cannot_take_others_for_its_own(
    world: Found,
) -> None:
    with Reading.open(world.homes["Oakfield"]) as reading:
        mill, own = reading.body("Mill Lane"), reading.own().scope
        draft = Draft(reading.view)
        many = [Key(number.to_bytes(32)) for number in range(1, 1001)]
        for key in [*many, world.key("Mill Lane"), world.key("Hill Farm")]:
            draft.put(NODES, (mill.scope, key), ("named", 1, bytes(32)))
        found = {each.key: dict(each.groups) for each in around(draft, own, world.key("Oakfield")).fellows}
        region = reading.body("Valley").scope
    assert {found[key][region] for key in many} == {bytes(mill.body)}
    # Named by the region itself, and it has not said in the community's book that it belongs there.
    assert found[world.key("Mill Lane")][region] == world.key("Mill Lane")
    # Of another region, and named by nobody else here: it falls under who let it in.
    assert found[world.key("Hill Farm")][region] == bytes(mill.body)


def test_no_more_nodes_are_let_in_than_keys_can_be_prepared_for(world: Found) -> None:
    with Reading.open(world.homes["Oakfield"]) as reading:
        draft = Draft(reading.view)
        for number in range(1, MAX_ADMITTED + 10):
            draft.put(NODES, (reading.body("Mill Lane").scope, number.to_bytes(32)), ("named", 1, bytes(32)))
        others = [Key(bytes([200, number]) * 16) for number in range(5)]
        for key in others:
            draft.put(NODES, (reading.own().scope, key), ("named", 1, bytes(32)))
            draft.put(NODES, (reading.body("Ridge").scope, key[::-1]), ("named", 1, bytes(32)))
        found, near = around(draft, reading.own().scope, world.key("Oakfield"))
    assert len(found) == MAX_ADMITTED
    assert len(near) <= MAX_ADMITTED
    assert found.keys() >= {*others, *(key[::-1] for key in others)}, "nobody takes the room of others"
    assert world.key("Mill Lane") in found


SCOPES = [Scope(bytes([number]) * 16) for number in range(5)]
SOME = [Key(bytes([number]) * 32) for number in range(8)]


@given(
    st.dictionaries(st.sampled_from(SCOPES), st.lists(st.sampled_from(SOME), unique=True)),
    st.sets(st.tuples(st.sampled_from(SOME), st.sampled_from(SCOPES))),
)
def test_what_a_node_falls_under_is_as_the_twin_says(
    named: dict[Scope, list[Key]], said: set[tuple[Key, Scope]]
) -> None:
    members = tuple((scope, PageId(bytes([scope[0]]) * 32)) for scope in SCOPES[1:])
    found = _nodes_of(
        named, _Group(SCOPES[0], PageId(bytes(32)), members, True),
        {key: {scope: None for whose, scope in said if whose == key} for key in SOME},  # type: ignore[misc]
    )  # fmt: skip
    assert found.keys() == {key for keys in named.values() for key in keys}
    for key, under in found.items():
        naming = [scope for scope in SCOPES[1:] if key in named.get(scope, ())]
        its_own = [scope for scope in naming if (key, scope) in said]
        if its_own:
            expected = bytes([its_own[0][0]]) * 32
        elif key in named.get(SCOPES[0], ()):
            expected = bytes(key)
        else:
            expected = bytes([naming[0][0]]) * 32
        assert under == expected


@given(st.lists(st.integers(0, 3000), min_size=2, max_size=5))
def test_no_body_takes_the_room_of_another_however_many_nodes_it_names(counts: list[int]) -> None:
    named = {
        scope: [Key(bytes([at]) * 28 + number.to_bytes(4)) for number in range(count)]
        for at, (scope, count) in enumerate(zip(SCOPES, counts, strict=False))
    }
    members = tuple((scope, PageId(bytes(32))) for scope in SCOPES[1:])
    group = _Group(Scope(b"r" * 16), PageId(bytes(32)), members, True)
    found = _admitted(named, SCOPES[0], [group])
    assert len(found) == min(MAX_ADMITTED, sum(counts))
    room = MAX_ADMITTED - counts[0]
    for scope, count in zip(SCOPES[1:], counts[1:], strict=False):
        let_in = sum(whose == scope for whose in found.values())
        assert let_in >= min(count, room // (len(counts) - 1))
