"""Nodes that only call: they never listen, say so, and still exchange with whoever they can reach."""

import os
import re
from pathlib import Path

from fedsync import keyring
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key
from tests.daemon.village import Node, Village, equal, until


def listening(node: Node) -> list[str]:
    """Return the ports at which a daemon's process listens."""
    assert node.process is not None
    place = Path(f"/proc/{node.process.pid}")
    links = [os.readlink(each) for each in (place / "fd").iterdir()]
    own = {match[1] for each in links if (match := re.fullmatch(r"socket:\[([0-9]+)\]", each))}
    rows = [
        line.split() for name in ("tcp", "tcp6") for line in (place / "net" / name).read_text().splitlines()
    ]
    return [row[1] for row in rows if row[3] == "0A" and row[9] in own]


def make_known(node: Node, other: Node, *addresses: str, body_of: Node | None = None) -> None:
    """Make a node a peer at another, as its operator would who was told its key; with the body of `other`, or of whom."""
    with Reading.open((body_of or other).home) as reading:
        own = reading.own()
    node.call(
        "add_peer", key=public_key(keyring.load_node_key(other.home)).hex(), name=other.name,
        addresses=list(addresses), scope=own.scope.hex(), body=own.body.hex(),
    )  # fmt: skip


def test_a_node_that_only_calls_opens_no_port_and_exchanges_with_whom_it_calls(village: Village) -> None:
    oak, mill = village.node("Oakfield"), village.node("Mill Lane", listen="none")
    village.introduce(oak, mill)
    oak.move("Ann", 100)
    mill.move("Ben", 30)
    equal(oak, mill)
    assert listening(oak)
    assert listening(mill) == []


def test_a_node_that_only_calls_says_so_in_status_and_doctor_and_cannot_invite(village: Village) -> None:
    mill = village.node("Mill Lane", listen="none")
    assert mill.json("status")["listen"] == "none"
    assert "Nobody can call this node" in mill.run("status").stdout
    assert "listens nowhere" in mill.run("doctor").stdout
    assert "nobody could reach it" in mill.json("invite", "Oakfield", code=2)["error"]["message"]


def test_two_that_only_call_are_told_that_they_cannot_meet(village: Village) -> None:
    mill, hill = (village.node(name, listen="none") for name in ("Mill Lane", "Hill Farm"))
    make_known(mill, hill)
    make_known(hill, mill)
    for one, other in ((mill, "Hill Farm"), (hill, "Mill Lane")):
        assert "neither can call the other" in one.peer(other)["reason"]
        assert "neither can call the other" in one.run("peers", "list").stdout
        assert "neither can call the other" in one.run("why", other).stdout


def test_a_name_in_the_file_that_no_peer_has_is_told(village: Village) -> None:
    mill = village.node("Mill Lane", start=False, listen="none")
    with mill.home.config.open("a") as file:
        file.write('[relay]\nthrough = ["Oakfeld"]\n[introductions]\nfrom = ["Quarry", "Hill Farm"]\n')
    hill = public_key(keyring.load_node_key(village.node("Hill Farm", start=False).home)).hex()
    mill.run("peers", "add", "Hill Farm", hill, "--yes")
    mill.start()
    until(lambda: "config.toml: no peer is called Oakfeld (through)" in mill.said(), why=mill.said)
    assert "no peer is called Quarry (from)" in mill.said()
    assert "Hill Farm (from)" not in mill.said()
    assert "config.toml names Oakfeld as a relay" in mill.run("status").stdout
