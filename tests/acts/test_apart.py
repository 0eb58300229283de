"""Whole nodes that hold different parts of a world come to the same world, live: nobody ever sent them the rest."""

import json
from pathlib import Path

import pytest

from fedsync.again import state_faults
from fedsync.crdt.books.booktables import LOGS, VOTE_VERDICTS, is_outside
from fedsync.doors import LocalDoor
from fedsync.reading import Reading
from fedsync.records.ids import Extent
from tests.acts.apart import Apart, extent_of
from tests.acts.test_world import REGIONS

NEAR, FAR = ("Oakfield", "Mill Lane"), ("Hill Farm", "Quarry")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Apart:
    made = Apart(tmp_path_factory.mktemp("apart"))
    made.found_world()
    made.carry(made.draft("Oakfield", *made.decision("World"), name="Cleo"), "Oakfield", "Hill Farm")
    return made


def test_a_node_in_one_region_comes_to_the_same_world_as_one_that_holds_everything(world: Apart) -> None:
    whole = world.rows("Harbour", "World")
    assert any(key[0] == "voice_status" for key in whole)  # type: ignore[index]
    for name in (*NEAR, *FAR):
        assert world.rows(name, "World") == whole
    for region, names in REGIONS.items():
        for name in names:
            assert world.rows(name, region) == world.rows("Harbour", region)


def test_it_holds_nothing_of_the_other_regions_communities(world: Apart) -> None:
    for at, far in (("Mill Lane", FAR), ("Quarry", NEAR)):
        with Reading.open(world.homes[at]) as reading, Reading.open(world.homes["Harbour"]) as other:
            foreign = {other.body(name).scope for name in far}
            assert not [block for _, block in reading.store.since(0) if block.genesis.scope in foreign]
            assert not foreign & {row[1] for _, row in reading.view.scan(LOGS)}
            region = next(name for name, names in REGIONS.items() if names == far)
            assert is_outside(reading.view, reading.body(region).scope)
            assert extent_of(at, region) == reading.body(region).extent


def test_a_recall_in_the_other_region_reaches_the_world_and_voids_what_its_delegate_did(world: Apart) -> None:
    motion = str(
        world.place("Oakfield").json(
            *("motions", "put", "--title", "A railway", "--text", "-", "--body", "World"),
            *("--as", "Cleo", "--no-passphrase"),
            stdin="From here to there.",
        )["id"]
    )
    world.meet()
    for name in ("Oakfield", "Hill Farm"):
        world.type(name, "votes", "cast", motion, "yes", name="Cleo")
    world.meet()
    assert {statuses(world, name, motion) for name in world.homes} == {("stands", "stands")}
    outcome = {world.place(name).json("votes", "tally", motion)["outcome"] for name in world.homes}
    assert outcome == {"yes"}

    given = world.place("Hill Farm").json("mandates", "list", "--body", "Ridge")["mandates"]
    (mandate,) = [each["id"] for each in given if each["status"] == "in_force"]
    page = world.draft(
        "Hill Farm", "mandates", "recall", mandate, "--keep-nothing", "--body", "Ridge", name="Cleo"
    )
    world.carry(page, "Hill Farm", "Quarry")
    assert {statuses(world, name, motion) for name in world.homes} == {("stands", "void")}
    for name in (*NEAR, *FAR):
        assert world.rows(name, "World") == world.rows("Harbour", "World")
        assert world.place(name).json("votes", "tally", motion)["outcome"] is None


def statuses(world: Apart, at: str, motion: str) -> tuple[object, ...]:
    """Return what became of the votes on a motion, as a node sees it: the near region's first."""
    with Reading.open(world.homes[at]) as reading:
        return tuple(
            row[2]
            for region in REGIONS
            for _, row in reading.view.scan(VOTE_VERDICTS, (reading.body(region).scope,))
            if row[0] == bytes.fromhex(motion)
        )


def test_who_comes_to_follow_all_of_a_body_judges_it_from_inside(world: Apart) -> None:
    asked = {}
    with Reading.open(world.homes["Harbour"]) as reading:
        for name in ("Ridge", *FAR):
            body = reading.body(name)
            asked[body.scope] = (body.body, name)
    before = world.rows("Mill Lane", "Ridge")
    assert before != world.rows("Harbour", "Ridge")
    home = world.homes["Mill Lane"]
    door = LocalDoor(home, home.lock())
    try:
        door.node.begin()
        for scope, (body_id, name) in asked.items():
            door.node.follow(scope, body_id, name, "asked", None, Extent.ALL)
        door.node.settle()
        door.node.commit()
    finally:
        door.close()
    world.meet()
    assert world.rows("Mill Lane", "Ridge") == world.rows("Harbour", "Ridge")
    assert world.rows("Mill Lane", "World", "Valley") == world.rows("Harbour", "World", "Valley")
    with Reading.open(home) as reading:
        assert state_faults(reading) == []


def test_nodes_with_different_extents_are_compared_body_by_body(world: Apart, tmp_path: Path) -> None:
    said = tmp_path / "status.json"
    said.write_text(json.dumps(world.place("Harbour").json("status")))
    compared = world.place("Quarry").json("verify", "--beside", said)["beside"]
    assert {each["name"]: each["how"] for each in compared} == {
        "Quarry": "same", "Hill Farm": "same", "Ridge": "same", "World": "same", "Valley": "other_extent",
    }  # fmt: skip
    lines = world.place("Quarry")("verify", "--beside", said).out.splitlines()[1:]
    assert any(line.startswith("Valley") and line.endswith("follows more of it, or less.") for line in lines)

    rows = json.loads(said.read_text())
    (ridge,) = [each for each in rows["roots"] if each["name"] == "Ridge"]
    ridge["root"] = "00" * 32
    rows["roots"] = [each for each in rows["roots"] if each["name"] != "World"]
    said.write_text(json.dumps(rows))
    compared = world.place("Quarry").json("verify", "--beside", said)["beside"]
    assert {each["name"]: each["how"] for each in compared}["Ridge"] == "differs"
    assert {each["name"]: each["how"] for each in compared}["World"] == "not_followed_there"
    for wrong in ("[]", "{}", '{"roots": [1]}', '{"roots": [{"tag": 1}]}', "roots", "[" * 99_999):
        said.write_text(wrong)
        world.place("Quarry").refused("verify", "--beside", said, code=2)
