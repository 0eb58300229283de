"""What a community's own book makes kin, and who gets what stays within a region: two regions in one world, and a harbour."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fedsync.again import state_faults
from fedsync.crdt.books.booktables import FOLLOWED, POSTS
from fedsync.crdt.books.kin import circulation, has_region, kin
from fedsync.crdt.fold import apply_bind
from fedsync.crdt.view import Draft
from fedsync.doors import LocalDoor
from fedsync.keyring import load_node_key
from fedsync.node import MAX_TAGS, TAGS_EACH
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Extent, Key, PageId, RecordId, Scope
from fedsync.records.kinds.authority import NODE_ROLE
from tests.acts.test_world import World

ALL, BOOK = Extent.ALL, Extent.BOOK


class Kin(World):
    def kin(self, at: str) -> Mapping[str, Extent]:
        with Reading.open(self.homes[at]) as reading:
            found = kin(reading.view, reading.own().body)
            names = {each.body: reading.name_of(each.scope) for each in reading.bodies.all()}
            return {names[body]: extent for body, extent in found.items()}

    def near(self, at: str, key: Key, invited: bool) -> set[str]:
        with Reading.open(self.homes[at]) as reading:
            scopes = [each.scope for each in reading.bodies.all()]
            found = circulation(reading.view, scopes).near(key, reading.own().scope, invited)
            return {reading.name_of(scope) for scope in found}

    def key(self, name: str) -> Key:
        return public_key(load_node_key(self.homes[name]))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Kin:
    made = Kin(Path(tmp_path_factory.mktemp("kin")))
    made.found_world()
    return made


def test_kin_is_what_sits_beside_us_and_what_we_sit_in_and_of_other_regions_the_book(world: Kin) -> None:
    assert world.kin("Oakfield") == {
        "Oakfield": ALL, "Mill Lane": ALL, "Valley": ALL, "World": ALL, "Ridge": BOOK,
    }  # fmt: skip
    assert world.kin("Quarry") == {
        "Quarry": ALL, "Hill Farm": ALL, "Ridge": ALL, "World": ALL, "Valley": BOOK,
    }  # fmt: skip


def test_who_is_in_no_region_has_no_kin(world: Kin) -> None:
    assert world.kin("Harbour") == {"Harbour": ALL}
    with Reading.open(world.homes["Harbour"]) as reading:
        assert not has_region(reading.view, reading.own().body)
    with Reading.open(world.homes["Oakfield"]) as reading:
        assert has_region(reading.view, reading.own().body)


def test_what_stays_within_a_region_goes_to_the_nodes_of_its_members(world: Kin) -> None:
    for at in ("Oakfield", "Harbour"):
        assert world.near(at, world.key("Mill Lane"), invited=False) >= {"Oakfield", "Mill Lane", "Valley"}
        assert world.near(at, world.key("Quarry"), invited=False) >= {"Hill Farm", "Quarry", "Ridge"}


def test_a_node_of_another_region_gets_nothing_that_stays_within_ours(world: Kin) -> None:
    for foreign in ("Hill Farm", "Quarry"):
        assert world.near("Oakfield", world.key(foreign), invited=False).isdisjoint(
            {"Oakfield", "Mill Lane", "Valley"}
        )
        # Who was invited by hand gets our own, and what is in no region, and no more.
        invited = world.near("Oakfield", world.key(foreign), invited=True)
        assert invited & {"Oakfield", "Mill Lane", "Valley", "Harbour"} == {"Oakfield", "Harbour"}


def test_a_stranger_gets_nothing_and_who_is_invited_what_is_in_no_region(world: Kin) -> None:
    stranger = Key(bytes(range(32)))
    assert world.near("Oakfield", stranger, invited=False) == set()
    assert world.near("Oakfield", stranger, invited=True) == {"Oakfield", "Harbour"}
    assert world.near("Harbour", stranger, invited=True) == {"Harbour"}


# --- What the operator says ------------------------------------------------------------------------------


def kept(world: Kin, at: str) -> dict[str, tuple[str, str]]:
    return {
        each["name"]: (each["extent"], each["source"])
        for each in world.place(at).json("bodies", "list")["bodies"]
    }


def faults(world: Kin, at: str) -> list[str]:
    with Reading.open(world.homes[at]) as reading:
        return state_faults(reading)


def test_it_is_listed_how_much_is_kept_of_each_body_and_why(world: Kin) -> None:
    found = kept(world, "Oakfield")
    assert found["Oakfield"] == ("all", "own")
    assert found["World"][0] == found["Mill Lane"][0] == "all"
    assert found["Ridge"] == ("book", "asked")
    assert kept(world, "Mill Lane")["Ridge"] == ("book", "kin")
    words = world.place("Mill Lane")("bodies", "list").out
    assert "our own book makes it kin" in words
    shown = world.place("Mill Lane").json("status")
    assert shown["extents"]["book"] == 1
    assert "in part)" in world.place("Mill Lane")("status").out
    assert "keeps the book only" in world.place("Mill Lane")("bodies", "show", "Ridge").out


def test_more_of_a_body_is_kept_when_it_is_asked_for_and_less_again(world: Kin) -> None:
    mill = world.place("Mill Lane")
    assert kept(world, "Mill Lane")["Ridge"] == ("book", "kin")
    mill("bodies", "follow", "Ridge")
    assert kept(world, "Mill Lane")["Ridge"][0] == "all"
    assert faults(world, "Mill Lane") == []
    # All of it is judged from inside; of less, from outside: that is folded again, both ways.
    told = mill.json("bodies", "follow", "Ridge", "--extent", "book")
    assert (told["before"], told["extent"]) == ("all", "book")
    assert faults(world, "Mill Lane") == []


def test_what_our_own_book_makes_kin_is_kept_whatever_the_operator_says(world: Kin) -> None:
    oak = world.place("Oakfield")
    for name in ("Oakfield", "Mill Lane", "Valley", "World", "Ridge"):
        refused = oak("bodies", "unfollow", name, "--json", code=7).error
        assert refused["code"] == "needed"
        assert name == "Oakfield" or f"Our own book makes {name} kin" in refused["message"]
    assert oak("bodies", "follow", "Valley", "--extent", "world", "--json", code=7).error["code"] == "needed"


def test_what_is_dropped_stays_away_whoever_announces_it_until_it_is_asked_for(world: Kin) -> None:
    harbour = world.place("Harbour")
    whole = kept(world, "Harbour")["Quarry"]
    told = next(each for each in harbour.json("bodies", "list")["bodies"] if each["name"] == "Quarry")
    said = harbour("bodies", "unfollow", "Quarry").out
    assert "fedsync bodies follow Quarry" in said
    [gone] = harbour.json("bodies", "list")["let_go"]
    assert gone == {"name": "Quarry", "body": told["body"], "tag": told["tag"]}
    assert "Let go: Quarry" in harbour("bodies", "list").out
    world.meet()
    assert "Quarry" not in kept(world, "Harbour")
    assert faults(world, "Harbour") == []
    # Whoever let go of it can no longer look its id up: its name is enough.
    harbour("bodies", "follow", "Quarry")
    assert harbour.json("bodies", "list")["let_go"] == []
    world.meet()
    assert kept(world, "Harbour")["Quarry"] == (whole[0], "asked")
    assert faults(world, "Harbour") == []


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("follow", "f" * 64), 9, "nobody_follows"),
        (("follow", "f" * 64, "--tag", "none"), 2, "usage"),
        (("follow", "Nowhere"), 6, "not_found"),
        (("unfollow", "Nowhere"), 6, "not_found"),
    ],
)
def test_what_cannot_be_asked_for_is_said(world: Kin, words: tuple[str, ...], code: int, error: str) -> None:
    said = world.place("Harbour")("bodies", *words, "--json", code=code).error
    assert said["code"] == error


def test_peers_have_nothing_followed_that_is_no_kin_nor_under_another_tag(world: Kin) -> None:
    home = world.homes["Oakfield"]
    door = LocalDoor(home, home.lock())
    try:
        node, by = door.node, Key(bytes(range(32)))
        mill = next(each for each in node.store.followed.all() if each.body in node.kindred.kin)
        node.begin()
        assert not node.follow(Scope(b"x" * 16), PageId(b"y" * 32), None, "announced", by)
        assert not node.follow(Scope(b"x" * 16), mill.body, None, "announced", by), (
            "its page 0 says another tag"
        )
        # Of kin whose page 0 is not here, a few tags are tried: one peer may be mistaken, or lie.
        node.kindred.kin[PageId(b"k" * 32)] = ALL
        tags = iter(Scope(bytes([n]) * 16) for n in range(MAX_TAGS + 9))
        found = [node.follow(next(tags), PageId(b"k" * 32), None, "announced", by) for _ in range(5)]
        assert found == [True] * TAGS_EACH + [False] * (5 - TAGS_EACH)
        others = [Key(bytes([n]) * 32) for n in range(MAX_TAGS + 2 - TAGS_EACH)]
        found = [node.follow(next(tags), PageId(b"k" * 32), None, "announced", each) for each in others]
        assert found == [True] * (MAX_TAGS - TAGS_EACH) + [False] * 2
        assert not node.follow(mill.scope, PageId(b"k" * 32), None, "announced", by), (
            "nor is a tag taken from another"
        )
        node.rollback()
    finally:
        door.close()


def test_kin_under_a_tag_that_a_liar_named_is_followed_under_its_own_once_page_0_is_here(world: Kin) -> None:
    home = world.homes["Oakfield"]
    door = LocalDoor(home, home.lock())
    try:
        node, by = door.node, Key(bytes(range(32)))
        kin = node.kindred.kin
        mill = next(each for each in node.store.followed.all() if each.source != "own" and each.body in kin)
        node.begin()
        # As it was before anything of that body had come, when the liar came first.
        false = Scope(b"f" * 16)
        node.store.followed.remove(mill.scope)
        node.store.followed.add(replace(mill, scope=false, source="kin", via=by))
        apply_bind(node.draft, false, mill.body, mill.extent < ALL)
        node.kindred.look(node.draft)
        assert mill.body in node.kindred.lacking()
        assert node.follow_kin()
        followed = {each.scope for each in node.store.followed.all() if each.body == mill.body}
        assert followed == {mill.scope}
        assert node.draft.get(FOLLOWED, (false,)) is None
        node.rollback()
    finally:
        door.close()


# --- What a body says alone ------------------------------------------------------------------------------


def test_who_says_alone_that_it_joined_a_region_gets_nothing_that_stays_within_it(tmp_path: Path) -> None:
    made = Kin(tmp_path)
    with Reading.open(made.homes["Harbour"]) as reading:
        valley = reading.body("Valley").body
    node: list[Value] = [made.key("Harbour"), bytes(16)]
    entry: dict[str, Value] = {"kind": "join", "body": valley, "node": node}
    page = made.enter("Harbour", [entry])
    made.meet()
    assert made.page("Oakfield", page).status == "sealed"
    for at in ("Oakfield", "Harbour"):
        found = made.near(at, made.key("Harbour"), invited=False)
        assert "Harbour" in found, "its own book names it"
        assert found.isdisjoint({"Oakfield", "Mill Lane", "Valley"})


def test_a_node_serves_a_body_by_the_word_of_who_has_a_seat_there_and_of_nobody_else(world: Kin) -> None:
    with Reading.open(world.homes["Oakfield"]) as reading:
        mill, own = reading.body("Mill Lane").scope, reading.own().scope
        scopes, node = [each.scope for each in reading.bodies.all()], Key(bytes(range(32)))
        for who, near in ((world.author("Mill Lane").key, True), (world.author("Harbour").key, False)):
            draft = Draft(reading.view)
            draft.put(POSTS, (mill, NODE_ROLE, node, RecordId(bytes(32))), (bytes(8), who, 0))
            assert (mill in circulation(draft, scopes).near(node, own, invited=False)) is near
