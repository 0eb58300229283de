"""What a community's own book makes kin, and who gets what stays within a region: two regions in one world, and a harbour."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from fedsync.crdt.books.kin import circulation, has_region, kin
from fedsync.keyring import load_node_key
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Extent, Key
from tests.acts.test_world import World

ALL, BOOK = Extent.ALL, Extent.BOOK
REGION = {"Valley": ("Oakfield", "Mill Lane"), "Ridge": ("Hill Farm", "Quarry")}


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
