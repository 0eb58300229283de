"""`fedsync bundle`: two communities that never meet exchange by files."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from fedsync.doors import LocalDoor, open_door
from fedsync.home import Home
from fedsync.keyring import load_node_key
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import LogClass
from tests.cli.calling import Place, fedsync

TELLERS = ("Ann", "Ben", "Cleo")


def found(path: Path, name: str) -> Place:
    words = [word for teller in TELLERS for word in ("--teller", teller)]
    result = fedsync(
        "--home", path, "init", "--community", name, *words, "--threshold", 2, "--listen", "127.0.0.1:0",
        "--no-passphrase", "--yes",
    )  # fmt: skip
    assert result.code == 0, result
    return Place(path)


def key_of(place: Place) -> str:
    return public_key(load_node_key(Home(place.path))).hex()


def meet(one: Place, other: Place) -> None:
    """Make each a peer of the other, as an invitation does: each follows the other's body."""
    for here, there in ((one, other), (other, one)):
        (body,) = [each for each in there.json("bodies", "list")["bodies"] if each["why"] == "our own"]
        key = key_of(there)
        with open_door(Home(here.path)) as door:
            door.call(
                "add_peer", key=key, name=body["name"], addresses=[], body=body["body"], scope=body["tag"]
            )


@pytest.fixture
def oak(tmp_path: Path) -> Place:
    return found(tmp_path / "oak", "Oakfield")


@pytest.fixture
def mill(tmp_path: Path, oak: Place) -> Place:
    place = found(tmp_path / "mill", "Mill Lane")
    meet(oak, place)
    return place


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    path = tmp_path / "blue"
    path.mkdir()
    return path


def test_what_one_wrote_reaches_the_other_and_its_receipt_comes_back(
    oak: Place, mill: Place, stick: Path
) -> None:
    oak("stock", "add", "Potatoes", "12", "kg", "--store", "Granary", "--as", "Ann")
    left = oak.json("bundle", "export", stick, "--for", "Mill Lane")
    (name,) = os.listdir(stick)
    assert name.startswith("oakfield-for-mill-lane-")
    assert left["whole"] is True
    assert oak.json("bundle", "list")["left"][0]["arrived"] is None
    assert oak.json("bundle", "list")["left"][0]["stick"] == "blue"

    came = mill.json("bundle", "import", stick)
    assert came["files"][0]["from"] == "Oakfield"
    assert came["records"] > 3
    assert mill.json("bundle", "import", stick)["records"] == 0

    mill("bundle", "receipts", stick)
    oak("bundle", "import", stick)
    assert oak.json("bundle", "list")["left"][0]["arrived"] is not None
    assert oak.json("bundle", "receipts")["without_receipt"] == 0


def test_a_recall_in_the_last_file_is_taken_before_the_rest_of_the_others(
    oak: Place, mill: Place, stick: Path
) -> None:
    oak("people", "add", "Vera", "--no-passphrase", "--as", "Ann")
    given = oak.json(
        "mandates", "give", "Vera", "--task", "granary", "--may", "economic_event", "--as", "Ann"
    )
    oak.seal(given["page"], "Ann", "Ben")
    oak("bundle", "export", stick / "a.fedsync", "--for", "Mill Lane")
    mill("bundle", "import", stick)
    oak("stock", "add", "Potatoes", "12", "kg", "--store", "Granary", "--as", "Ann")
    oak("bundle", "export", stick / "a.fedsync", "--for", "Mill Lane", "--only-new")
    recall = oak.json("mandates", "recall", "Vera", "--as", "Ann")["page"]
    oak.seal(recall, "Ann", "Ben")
    oak("bundle", "export", stick / "z.fedsync", "--for", "Mill Lane", "--only-new")

    came = mill.json("bundle", "import", stick)
    assert [each["file"] for each in came["files"]] == ["a.fedsync", "z.fedsync"]
    assert all(each["records"] for each in came["files"]), "what came early is counted with its file"
    assert mill.page(recall)["status"] == "sealed"
    with Reading.open(Home(mill.path)) as reading:
        blocks = [block for _, block in reading.store.since(0)]
    pages = [{each.payload_id.hex() for each in block.records() if each.kind == "page"} for block in blocks]
    facts = [block.genesis.log_class is LogClass.FACTS for block in blocks]
    assert [recall in each for each in pages].index(True) < facts.index(True)


# --- What is said of them elsewhere ---------------------------------------------------------------------


def said(place: Place) -> str:
    """Return what status, peers and why say of the one peer: all the same."""
    (row,) = place.json("status")["peers"]
    assert place.json("peers", "list")["peers"][0]["reason"] == row["reason"]
    assert row["reason"] in place("why", row["name"]).out
    reason = row["reason"]
    assert isinstance(reason, str)
    return re.sub(r"\d+ s ago", "AGO", reason)


def test_status_peers_and_why_say_how_it_stands_with_a_stick(oak: Place, mill: Place, stick: Path) -> None:
    oak("bundle", "export", stick, "--for", "Mill Lane", "--stick", "red one")
    assert said(oak) == 'the daemon does not run here; stick "red one" left AGO, no receipt'
    (row,) = oak.json("status")["peers"]
    assert row["stick"]["left"] == "red one"
    assert row["stick"]["arrived"] is None

    mill("bundle", "import", stick)
    assert said(mill) == "the daemon does not run here; a stick of theirs came AGO"
    mill("bundle", "receipts", stick)
    oak("bundle", "import", stick)
    assert 'stick "red one" of AGO arrived' in said(oak)
    assert oak.json("peers", "list")["peers"][0]["stick"]["arrived"].endswith("Z")


def test_two_that_have_no_more_than_each_others_key_are_the_same_after_a_walk_there_and_back(
    oak: Place, tmp_path: Path
) -> None:
    mill = found(tmp_path / "mill", "Mill Lane")
    for here, there, name in ((oak, mill, "Mill Lane"), (mill, oak, "Oakfield")):
        here("peers", "add", name, key_of(there), "--yes")
        here("stock", "add", "Oats", "7", "kg", "--store", "Loft", "--as", "Ann")
    for here, there in ((oak, mill), (mill, oak)):
        here("bundle", "export", tmp_path / "letter.fedsync", "--for", key_of(there))
        assert there.json("bundle", "import", tmp_path / "letter.fedsync")["missing_logs"] == 0
    assert oak.json("status")["state_root"] == mill.json("status")["state_root"]
    assert oak.json("status")["bodies"] == 2


def test_a_bundle_that_is_lost_whole_is_named_and_a_request_for_it_can_be_made(
    oak: Place, mill: Place, stick: Path
) -> None:
    oak("bundle", "export", stick, "--for", "Mill Lane")
    mill("bundle", "import", stick)
    with open_door(Home(mill.path)) as door:
        assert isinstance(door, LocalDoor)
        with door.node.store.transaction() as store:
            (came,) = store.carried.came()
            # As from a node of so many logs that it does not tell of all of them each time.
            later = replace(
                came, bundle=bytes(16), counter=900, since=(800, 800, 800, 800), everything=False, done=False
            )
            store.carried.came_in(later)
    value = mill.json("bundle", "want")
    assert value["missing"] == []
    assert value["lost_bundles"][0]["from"] == "Oakfield"
    assert "nothing tells what was in it" in mill("bundle", "want").out
    assert "1 bundle before these has not come" in mill("bundle", "import", stick).out
    assert mill.json("bundle", "want", stick)["for"][0]["name"] == "Oakfield"
