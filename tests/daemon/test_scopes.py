"""Whole nodes in a region: what stays within it goes to nodes that its books name, and to nobody who merely claims to follow it."""

from pathlib import Path
from shutil import copytree

import pytest

from fedsync.gossip.following import Row
from fedsync.gossip.listing import wanted
from fedsync.gossip.messages import NOT_SERVED, BlockMessage, Locate, NoBase, Sets, Want, decode
from fedsync.home import Home
from fedsync.keyring import load_node_key
from fedsync.node import open_node
from fedsync.reading import Reading
from fedsync.records.block import peek
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.ids import Extent, LogClass, LogId, Reach
from tests.acts.test_world import World
from tests.daemon.hostile import Guest, Talk
from tests.daemon.test_reach import hear
from tests.daemon.village import Node, Village, until
from tests.gossip.telling import tells


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two regions in one world, at rest; each community holds goods that stay within its region."""
    path = tmp_path_factory.mktemp("homes")
    world = World(path)
    for name in world.homes:
        world.type(name, "stock", "add", "Oats", 3, "kg", "--store", "Granary")
    world.meet()
    world.found_world()
    return path


@pytest.fixture
def oak(homes: Path, village: Village) -> Node:
    """Oakfield, of the Valley, running."""
    copytree(homes, village.path, dirs_exist_ok=True, symlinks=True)
    return village.node("Oakfield")


def logs_by_body(node: Node, reach: Reach) -> dict[str, set[LogId]]:
    """Return the logs of this reach that a node holds, by what their body is called."""
    found: dict[str, set[LogId]] = {}
    with Reading.open(node.home) as reading:
        for _, block in reading.store.since(0):
            if block.genesis.reach is reach:
                found.setdefault(reading.name_of(block.genesis.scope), set()).add(block.log)
    return found


async def claims_all(node: Node, guest: Guest) -> tuple[set[LogId], set[bytes], Talk]:
    """Let a peer claim that it follows all there is, whole, and ask for every log by name.

    Return the logs of which a block came, and the names of those that were not served.
    """
    with Reading.open(node.home) as reading:
        rows = [Row(each.scope, each.body, Extent.ALL) for each in reading.bodies.all()]
        every = {block.log for _, block in reading.store.since(0)}
    async with guest.talk() as talk:
        sets = sorted(
            (row.scope, reach, log_class) for row in rows for reach in Reach for log_class in LogClass
        )
        talk.say(
            tells(*rows),
            Sets(tuple((key, bytes(8)) for key in sets)),
            *(Want(wanted(talk.salt, talk.salt.log(log), None)) for log in sorted(every)),
            *(Locate(talk.salt.log(log), b"") for log in sorted(every)),
            Want(wanted(talk.salt, b"nobody", None)),
        )
        frames = await hear(
            talk,
            lambda heard: any(isinstance(m := decode(f), NoBase) and m.short == b"nobody" for f in heard),
        )
        said = [decode(frame) for frame in frames]
        came = {peek(each.raw).log for each in said if isinstance(each, BlockMessage)}
        refused = {each.short for each in said if isinstance(each, NoBase) and each.why == NOT_SERVED}
        for log in every - came:
            assert not any(bytes(log) in frame for frame in frames)
        return came, refused, talk


async def test_who_claims_to_follow_everything_gets_nothing_that_stays_within_the_region(oak: Node) -> None:
    near, far = logs_by_body(oak, Reach.REGION), logs_by_body(oak, Reach.WORLD)
    assert {"Oakfield", "Mill Lane", "Hill Farm"} <= near.keys(), "else it is no test"
    came, refused, talk = await claims_all(oak, Guest(oak, "Stranger"))
    assert {log for logs in far.values() for log in logs} & came
    # It was invited by hand: our own it gets, and what is in no region. Nothing of those beside us, or of another region.
    assert near["Oakfield"] <= came
    for name in ("Mill Lane", "Hill Farm", "Quarry", "Valley", "Ridge"):
        assert not near.get(name, set()) & came, name
        assert {talk.salt.log(log) for log in near.get(name, ())} <= refused


async def test_a_node_of_the_region_gets_what_stays_within_it(oak: Node, homes: Path) -> None:
    near = logs_by_body(oak, Reach.REGION)
    came, _, _ = await claims_all(oak, _named(oak, "Mill Lane", homes / "mill-lane"))
    assert near["Mill Lane"] | near["Oakfield"] <= came
    assert not near["Hill Farm"] & came


async def test_a_node_of_another_region_gets_its_own_and_not_ours(oak: Node, homes: Path) -> None:
    near = logs_by_body(oak, Reach.REGION)
    came, _, _ = await claims_all(oak, _named(oak, "Quarry", homes / "quarry"))
    # It is a peer by hand here, as of old.
    assert near["Oakfield"] | near["Hill Farm"] <= came
    assert not near["Mill Lane"] & came


def test_a_node_follows_by_itself_what_its_book_makes_kin(homes: Path, village: Village) -> None:
    copytree(homes, village.path, dirs_exist_ok=True, symlinks=True)
    oak = village.node("Oakfield", start=False)
    with oak.home.lock():
        node = open_node(oak.home)
        mill = next(each for each in node.store.followed.all() if each.name == "Mill Lane")
        with node.store.transaction():
            node.store.followed.remove(mill.scope)
        node.rebuild()
        node.store.close()
    oak.start()

    def kept() -> dict[str, tuple[str, str]]:
        bodies = oak.json("bodies", "list")["bodies"]
        return {each["name"]: (each["extent"], each["source"]) for each in bodies}

    until(lambda: kept().get("Mill Lane") == ("all", "kin"), why=lambda: f"{kept()}{oak.said()}")


def test_a_body_that_a_peer_told_by_a_short_name_only_can_be_asked_for_by_its_id(
    oak: Node, village: Village
) -> None:
    """Who sits in a region asks no peer which the bodies are that it does not know, until somebody here has a use for one."""
    fen = village.node("Fen")
    village.introduce(oak, fen)
    words = ("bodies", "found", "Coast", "--kind", "region", "--member", "Fen")
    fen.run(*words, "--as", "Ann", "--no-passphrase")
    (coast,) = [each for each in fen.json("bodies", "list")["bodies"] if each["name"] == "Coast"]
    until(lambda: oak.peer("Fen").get("state") == "same", why=oak.said)

    def ask() -> int:
        return oak.run("bodies", "follow", coast["body"], code=None).returncode

    def kept() -> dict[str, str]:
        return {each["name"]: each["extent"] for each in oak.json("bodies", "list")["bodies"]}

    assert "Coast" not in kept()
    assert ask() == 9, "nobody here knows which body that is"
    until(lambda: ask() == 0, why=oak.said)
    until(lambda: kept().get("Coast") == "all", why=oak.said)


def _named(oak: Node, name: str, home: Path) -> Guest:
    """Return a peer that has the key of a community's node."""
    private: PrivateKey = load_node_key(Home(home))
    guest = Guest(oak, name, private)
    assert public_key(private) == public_key(guest.private)
    return guest
