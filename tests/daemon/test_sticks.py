"""Daemons that never meet: a stick goes to and fro, and nobody types a command."""

import os
import signal
from pathlib import Path

import pytest

from fedsync.daemon.sticks import MOST_HANDED
from fedsync.doors import open_door
from fedsync.errors import Problem
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


def test_what_a_command_hands_over_to_a_running_node_goes_on_over_its_links_at_once(
    village: Village, tmp_path: Path
) -> None:
    oak = village.node("Oakfield", start=False, listen="none")
    mill, hill = village.line("Mill Lane", "Hill")
    mill.stop()
    acquainted(oak, mill)
    mill.start()
    oak.move("Ann", *range(1, 400))
    oak.run("bundle", "export", tmp_path / "x.fedsync", "--for", "Mill Lane")

    came = mill.json("bundle", "import", tmp_path / "x.fedsync")
    assert came["records"] >= 399
    assert mill.json("bundle", "import", tmp_path / "x.fedsync")["records"] == 0
    until(lambda: hill.records() == mill.records(), why=lambda: told(mill, hill))
    equal(mill, hill)


def test_what_is_handed_over_in_a_wrong_way_is_told_and_harms_nothing(village: Village) -> None:
    oak = village.node("Oakfield", listen="none")
    number = oak.call("bundle_begin")["number"]
    for chunks in (
        3,
        [[1, 2]],
        [["x"]],
        [[2, 0, "zz"]],
        [[2, 0, "00" * 70_000]],
        [[2, 0, ""]] * 33,
        {"a": 1},
        [3],
    ):
        with pytest.raises(Problem) as caught:
            oak.call("bundle_more", number=number, chunks=chunks)
        assert caught.value.code == "bad_request"
    oak.call("bundle_more", number=number, chunks=[[2, 0, "00"], ["damaged", 5, 9], [77, 0, "00"]])
    came = oak.call("bundle_end", number=number)
    assert (came["records"], came["damaged"], came["maker"]) == (0, 1, None)
    for op in ("bundle_more", "bundle_end"):
        with pytest.raises(Problem) as caught:
            oak.call(op, number=number, chunks=[])
        assert caught.value.code == "no_such_file"
    for _ in range(MOST_HANDED):
        oak.call("bundle_begin")
    with pytest.raises(Problem) as caught:
        oak.call("bundle_begin")
    assert caught.value.code == "too_many_files"
    assert oak.call("ping")["ok"] is True


def test_a_file_that_is_still_being_copied_is_read_again_when_it_is_whole(
    village: Village, tmp_path: Path
) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    acquainted(oak, mill)
    place = tmp_path / "media"
    watches(oak, place)
    mill.move("Ann", *range(1, 300))
    mill.run("bundle", "export", tmp_path / "x.fedsync", "--for", "Oakfield")
    data = (tmp_path / "x.fedsync").read_bytes()
    (place / "copy").write_bytes(data[: len(data) // 2])
    oak.start()

    until(lambda: "its end is missing" in oak.said(), why=oak.said)
    (place / "copy").write_bytes(data)
    until(lambda: oak.records() > 300, why=oak.said)


def test_files_that_are_more_than_needed_mend_a_damaged_one_on_a_stick(
    village: Village, tmp_path: Path
) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    acquainted(oak, mill)
    place = tmp_path / "media"
    watches(oak, place)
    mill.move("Ann", *range(1, 2000))
    stick = stick_in(place)
    mill.run("bundle", "export", stick, "--for", "Oakfield", "--max-size", "100k", "--parity", "1")
    (file,) = [each for each in stick.glob("*.fedsync") if "plus" not in each.name]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    oak.start()

    until(lambda: "mended: " in oak.said(), why=oak.said)
    until(lambda: oak.records() > 2000, why=oak.said)
    with Reading.open(oak.home) as reading:
        assert [each.done for each in reading.store.carried.came()] == [True]


def test_a_wrong_or_damaged_file_stays_told_though_something_was_left_after_it(
    village: Village, tmp_path: Path
) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    acquainted(oak, mill)
    place = tmp_path / "media"
    watches(oak, place, "Mill Lane", encrypt=True)
    stick = stick_in(place)
    (stick / "notes.fedsync").write_text("milk, eggs, flour\n")
    oak.start()

    def says() -> str:
        told: str = oak.call("status")["sticks"][0]["says"]
        return told

    until(lambda: left(oak), why=oak.said)
    until(lambda: says().startswith("left for Mill Lane on blue"), why=oak.said)
    assert "before that: blue/notes.fedsync: no bundle of fedsync" in says()
    mill.run("bundle", "export", tmp_path / "x.fedsync", "--for", "Oakfield")
    (tmp_path / "x.fedsync").rename(stick / "x.fedsync")
    until(lambda: "from Mill Lane" in oak.said(), why=oak.said)
    until(lambda: "before that" not in says(), why=says)
    mill.run("bundle", "export", tmp_path / "y.fedsync", "--for", "Oakfield", "--encrypt")
    oak.stop()
    place.joinpath("blue").rename(tmp_path / "blue")
    watches(mill, place)
    mill.start()
    (tmp_path / "y.fedsync").rename(place / "y.fedsync")
    until(lambda: "y.fedsync: encrypted for others" in mill.said(), why=mill.said)
    assert "encrypted for others" not in oak.said()
