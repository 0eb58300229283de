"""A syndicate of communities of two regions: what each of their nodes keeps by it, whom it lets have what, and what ends when one leaves."""

from pathlib import Path
from shutil import copytree
from typing import NamedTuple

import pytest

from fedsync.crdt.books.booktables import ACTS, NODES, POSTS
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.kin import circulation, kin
from fedsync.crdt.books.nodes import DROPPED, NAMED, named
from fedsync.crdt.view import Draft
from fedsync.home import Home
from fedsync.keyring import load_node_key
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Extent, Key, PageId, Reach
from fedsync.records.kinds.authority import NODE_ROLE
from fedsync.records.kinds.entries import Leave
from tests.acts.test_world import World
from tests.daemon.hostile import Guest
from tests.daemon.test_scopes import claims_all, logs_by_body
from tests.daemon.village import Village

PARTNERS = ("Oakfield", "Hill Farm")
"""Of Valley, where Mill Lane sits too, and of Ridge, where Quarry does."""


class Seen(NamedTuple):
    """What books say at one moment: what each community's make kin, and whom each node lets have what of which bodies."""

    kept: dict[str, dict[str, Extent]]
    near: dict[tuple[str, str], set[str]]


class Story(NamedTuple):
    """A syndicate, before a community leaves it and after. `homes`: as they were before."""

    homes: Path
    before: Seen
    after: Seen
    world: World
    """As it is after."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Two regions, and a syndicate of one community of each; every community keeps goods to its region."""
    world = World(tmp_path_factory.mktemp("syndicate"))
    for name in world.homes:
        world.type(name, "stock", "add", "Oats", 3, "kg", "--store", "Granary")
    members = [word for name in PARTNERS for word in ("--member", name)]
    world.ask("Oakfield", "Hill Farm", of="Hill Farm")
    world.type("Oakfield", "bodies", "found", "Bakers", "--kind", "syndicate", *members)
    for taker in ("Hill Farm", "Mill Lane", "Quarry"):
        world.ask(taker, "Bakers", of="Oakfield")
    for name in PARTNERS:
        world.seal(name, world.draft(name, "bodies", "join", "Bakers"))
    world.meet()
    homes = tmp_path_factory.mktemp("before")
    copytree(world.homes["Oakfield"].path.parent, homes, dirs_exist_ok=True, symlinks=True)
    before = seen(world)
    world.seal("Oakfield", world.draft("Oakfield", "bodies", "leave", "Bakers"))
    world.meet()
    return Story(homes, before, seen(world), world)


def seen(world: World) -> Seen:
    """Look into each community's books."""
    names = ("Oakfield", "Mill Lane", "Hill Farm", "Quarry")
    near = {(at, peer): let_have(world, at, peer) for at in names for peer in names if at != peer}
    return Seen({name: kept(world, name) for name in names}, near)


def kept(world: World, name: str) -> dict[str, Extent]:
    """Return what a community's book makes kin."""
    with Reading.open(world.homes[name]) as reading:
        called = {bytes(each.body): reading.name_of(each.scope) for each in reading.bodies.all()}
        return {
            called[bytes(body)]: extent
            for body, extent in kin(reading.view, reading.own().body).items()
        }  # fmt: skip


def let_have(world: World, at: str, peer: str) -> set[str]:
    """Return the bodies of which a community's node lets that of another have what stays within a region."""
    key = Key(public_key(load_node_key(world.homes[peer])))
    with Reading.open(world.homes[at]) as reading:
        scopes = [each.scope for each in reading.bodies.all()]
        found = circulation(reading.view, scopes).near(key, reading.own().scope, invited=False)
        return {reading.name_of(scope) for scope in found}


def whole(*names: str) -> dict[str, Extent]:
    return dict.fromkeys(names, Extent.ALL)


def test_who_sits_in_a_syndicate_keeps_it_and_who_sits_there_and_nothing_else_of_their_region(
    story: Story,
) -> None:
    kept = story.before.kept
    assert kept["Oakfield"] == whole("Oakfield", "Mill Lane", "Valley", "Bakers", "Hill Farm")
    assert kept["Hill Farm"] == whole("Hill Farm", "Quarry", "Ridge", "Bakers", "Oakfield")
    # Who sits beside them in their regions has nothing to do with it.
    assert kept["Mill Lane"] == whole("Oakfield", "Mill Lane", "Valley")
    assert kept["Quarry"] == whole("Hill Farm", "Quarry", "Ridge")


def test_what_stays_within_a_region_goes_to_partners_and_no_further(story: Story) -> None:
    near = story.before.near
    assert near["Oakfield", "Hill Farm"] == {"Oakfield", "Hill Farm", "Bakers"}
    assert near["Oakfield", "Mill Lane"] == {"Oakfield", "Mill Lane", "Valley"}
    assert near["Hill Farm", "Quarry"] == {"Hill Farm", "Quarry", "Ridge"}
    # Of Oakfield's own region it may have all, from whomever; nothing of who sits beside Hill Farm.
    assert near["Hill Farm", "Oakfield"] == {"Oakfield", "Mill Lane", "Valley", "Hill Farm", "Bakers"}


async def test_a_partner_that_asks_for_everything_gets_ours_and_nothing_of_who_sits_beside_us(
    story: Story, village: Village
) -> None:
    copytree(story.homes, village.path, dirs_exist_ok=True, symlinks=True)
    oak = village.node("Oakfield")
    near = logs_by_body(oak, Reach.REGION)
    assert {"Oakfield", "Mill Lane", "Hill Farm"} <= near.keys(), "else it is no test"
    for peer, gets, never in (
        ("Hill Farm", "Oakfield", "Mill Lane"),
        ("Mill Lane", "Mill Lane", "Hill Farm"),
    ):
        key = load_node_key(Home(story.homes / peer.lower().replace(" ", "-")))
        came, _, _ = await claims_all(oak, Guest(oak, peer, key))
        assert near["Oakfield"] | near[gets] <= came
        assert not near[never] & came


def test_who_leaves_a_syndicate_keeps_gives_and_gets_what_its_region_does_alone(story: Story) -> None:
    kept, near = story.after
    assert kept["Oakfield"] == whole("Oakfield", "Mill Lane", "Valley")
    assert near["Oakfield", "Hill Farm"].isdisjoint({"Oakfield", "Mill Lane", "Valley"})
    # Its node still seals for the syndicate, until a page of that book says otherwise; but it gets nothing more.
    assert near["Hill Farm", "Oakfield"] == {"Oakfield", "Mill Lane", "Valley"}
    assert near["Oakfield", "Mill Lane"] == story.before.near["Oakfield", "Mill Lane"]


def test_who_leaves_a_syndicate_gets_nothing_more_of_it_by_taking_its_node_out_of_its_own_book(
    story: Story,
) -> None:
    key = Key(public_key(load_node_key(story.world.homes["Oakfield"])))
    with Reading.open(story.world.homes["Hill Farm"]) as reading:
        scopes = [each.scope for each in reading.bodies.all()]
        oak, hill, bakers = (reading.body(name).scope for name in ("Oakfield", "Hill Farm", "Bakers"))
        assert (bakers, key) in set(named(reading.view)), "its node still seals, else it is no test"
        for back in (False, True):
            draft = Draft(reading.view)
            _, number, page = draft.get(NODES, (oak, key)) or ()
            draft.put(NODES, (oak, key), (DROPPED, number, page))
            for row, (incarnation, _, time) in list(draft.scan(POSTS, (oak, NODE_ROLE, key))):
                # Whoever said that it is theirs has no seat there any more.
                draft.put(POSTS, row, (incarnation, bytes(32), time))
            if back:
                for row, _ in list(draft.scan(ACTS, (oak,))):
                    if (entry := entry_at(draft, PageId(row[2]), int(row[3]))) and isinstance(entry, Leave):  # type: ignore[arg-type]
                        draft.drop(ACTS, row)
            got = circulation(draft, scopes).near(key, None, invited=False)
            assert got & {bakers, hill} == ({bakers, hill} if back else set())


def test_a_node_that_another_member_of_the_syndicate_names_too_stays_in_it(story: Story) -> None:
    key = Key(public_key(load_node_key(story.world.homes["Oakfield"])))
    with Reading.open(story.world.homes["Hill Farm"]) as reading:
        own, scopes = reading.own(), [each.scope for each in reading.bodies.all()]
        draft = Draft(reading.view)
        assert own.scope not in circulation(draft, scopes).near(key, None, invited=False)
        draft.put(NODES, (own.scope, key), (NAMED, 1, own.body))
        partners = {own.scope, reading.body("Bakers").scope, reading.body("Quarry").scope}
        assert partners <= circulation(draft, scopes).near(key, None, invited=False)


def test_who_leaves_a_syndicate_shuts_nobody_else_out_by_naming_a_node(story: Story) -> None:
    key = Key(public_key(load_node_key(story.world.homes["Hill Farm"])))
    with Reading.open(story.world.homes["Mill Lane"]) as reading:
        scopes = [each.scope for each in reading.bodies.all()]
        left, member, bakers = (reading.body(name).scope for name in ("Oakfield", "Hill Farm", "Bakers"))
        draft = Draft(reading.view)
        draft.put(NODES, (left, key), (NAMED, 1, reading.body("Oakfield").body))
        assert bakers in circulation(draft, scopes).near(key, None, invited=False)
        for row, _ in list(draft.scan(ACTS, (member,))):
            draft.drop(ACTS, row)  # That it joined has not been heard yet.
        assert bakers in circulation(draft, scopes).near(key, None, invited=False)
