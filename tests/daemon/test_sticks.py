"""Daemons that never meet: a stick goes to and fro, and nobody types a command."""

import os
import signal
from pathlib import Path

import pytest

from fedsync.doors import open_door
from fedsync.keyring import load_node_key
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key
from fedsync.store.carried import LeftBundle
from tests.daemon.village import Node, Village, equal, told, until


def acquainted(one: Node, other: Node) -> None:
    """Make two communities peers that have no way to call each other; neither daemon runs."""
    for here, there in ((one, other), (other, one)):
        with Reading.open(there.home) as reading:
            body, name = reading.own(), there.name
        with open_door(here.home) as door:
            key = public_key(load_node_key(there.home)).hex()
            door.call(
                "add_peer", key=key, name=name, addresses=[], body=body.body.hex(), scope=body.scope.hex()
            )


def watches(node: Node, place: Path, leave_for: str = "", encrypt: bool = False) -> None:
    place.mkdir(exist_ok=True)
    leave = f'leave_for = ["{leave_for}"]\n' if leave_for else ""
    with node.home.config.open("a") as file:
        file.write(f'\n[[stick]]\nwatch = "{place}"\n{leave}encrypt = {str(encrypt).lower()}\n')


def left(node: Node) -> list[LeftBundle]:
    with Reading.open(node.home) as reading:
        return reading.store.carried.left()


def stick_in(place: Path, made_for_it: bool = True) -> Path:
    stick = place / "blue"
    (stick / "fedsync" if made_for_it else stick).mkdir(parents=True)
    return stick


@pytest.mark.parametrize("encrypt", [False, True])
def test_a_stick_that_goes_to_and_fro_makes_two_the_same_and_brings_receipts(
    village: Village, tmp_path: Path, encrypt: bool
) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    acquainted(oak, mill)
    here, there = tmp_path / "here", tmp_path / "there"
    watches(oak, here, "Mill Lane", encrypt)
    watches(mill, there, "Oakfield", encrypt)
    oak.move("Ann", 5, 7)
    mill.decide("Bridge", "Ann", "Ben")
    stick = stick_in(here)
    for node in (oak, mill):
        node.start()

    until(lambda: left(oak), why=oak.said)
    assert os.listdir(stick / "fedsync") == ["oakfield-for-mill-lane.fedsync"]
    stick.rename(there / "blue")
    until(lambda: left(mill) and mill.records() > oak.records(), why=mill.said)
    (there / "blue").rename(stick)

    equal(oak, mill)
    until(lambda: left(oak)[-1].arrived, why=lambda: told(oak, mill))
    assert left(oak)[-1].where == "blue"


def test_nothing_is_left_on_a_stick_that_was_not_made_for_it_nor_through_a_link(
    village: Village, tmp_path: Path
) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    acquainted(oak, mill)
    place, home = tmp_path / "media", tmp_path / "home"
    home.mkdir()
    watches(oak, place, "Mill Lane")
    stick = stick_in(place, made_for_it=False)
    (place / "red").mkdir()
    (place / "red" / "fedsync").symlink_to(home)
    (place / "green").symlink_to(home)
    (home / "fedsync").mkdir()
    mill.run("bundle", "export", stick, "--for", "Oakfield")
    oak.start()

    # It was looked at: what lay on it came.
    until(lambda: oak.records() > 2 and "from Mill Lane" in oak.said(), why=oak.said)
    made = stick_in(place / "yellow")
    made.rename(place / "blue2")
    until(lambda: left(oak), why=oak.said)
    assert os.listdir(home) == ["fedsync"]
    assert os.listdir(home / "fedsync") == []
    assert len(os.listdir(stick)) == 1


def test_what_is_hostile_on_a_stick_does_nothing_and_the_good_file_beside_it_comes(
    village: Village, tmp_path: Path
) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    acquainted(oak, mill)
    place = tmp_path / "media"
    watches(oak, place)
    stick = stick_in(place)
    ran = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {ran}\n"
    for name in ("autorun.sh", "autorun.inf", "a.fedsync"):
        (stick / name).write_text(script)
        (stick / name).chmod(0o755)
    os.mkfifo(stick / "pipe.fedsync")
    (stick / "zero.fedsync").symlink_to("/dev/zero")
    (stick / "key.fedsync").symlink_to(oak.home.node_key)
    with (stick / "huge.fedsync").open("wb") as file:
        file.truncate(1 << 40)
    mill.run("bundle", "export", stick / "z.fedsync", "--for", "Oakfield")
    oak.start()

    until(lambda: "from Mill Lane" in oak.said(), why=oak.said)
    assert not ran.exists()
    assert oak.alive
    assert oak.stop() == 0


def test_a_daemon_that_is_killed_while_it_leaves_something_clears_it_away_and_leaves_it_again(
    village: Village, tmp_path: Path
) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    acquainted(oak, mill)
    place = tmp_path / "media"
    watches(oak, place, "Mill Lane")
    stick = stick_in(place)
    (stick / "fedsync" / f"fs-{'a' * 16}.tmp").write_bytes(b"half of a bundle")
    oak.start()

    until(lambda: left(oak), why=oak.said)
    assert os.listdir(stick / "fedsync") == ["oakfield-for-mill-lane.fedsync"]
    oak.stop(signal.SIGKILL)
    oak.start()
    until(lambda: len(left(oak)) == 2, why=oak.said)
    assert os.listdir(stick / "fedsync") == ["oakfield-for-mill-lane.fedsync"]
