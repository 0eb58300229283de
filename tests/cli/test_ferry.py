"""A and C never meet; B walks between them with a stick."""

import time
from pathlib import Path
from typing import Any

from fedsync.doors import open_door
from fedsync.reading import Reading
from tests.cli.calling import Place
from tests.cli.test_bundles import key_of, meet
from tests.daemon.village import Node

CONTACT_SECONDS = 15.0
"""Of a core: what else the machine does meanwhile is not this test's matter."""
RECORDS = 1_000


def follows(here: Node, there: Node) -> None:
    with Reading.open(there.home) as reading:
        body = reading.own()
    with open_door(here.home) as door:
        door.call("ask_for", body=body.body.hex(), scope=body.scope.hex())


def carry(here: Place, there: Place, stick: Path) -> tuple[dict[str, Any], int]:
    """Leave a bundle and take it in; return what came of it and how large it was. It takes no longer than a contact."""
    stick.mkdir()
    begun = time.process_time()
    here("bundle", "export", stick, "--for", key_of(there))
    (file,) = stick.iterdir()
    came = there.json("bundle", "import", stick)["files"][0]
    assert time.process_time() - begun < CONTACT_SECONDS
    assert not came["damaged"]
    return came, file.stat().st_size


def test_all_comes_both_ways_and_nothing_is_carried_twice(tmp_path: Path) -> None:
    a, b, c = nodes = [Node(tmp_path / name, name) for name in ("A", "B", "C")]
    north, ferry, south = places = [Place(node.home.path) for node in nodes]
    meet(north, ferry)
    meet(ferry, south)
    follows(a, c)
    follows(c, a)
    for node in (a, c):
        node.move("Ann", *range(1, RECORDS + 1))
    before = {node: node.records() for node in nodes}

    walks = [(north, ferry), (ferry, south), (south, ferry), (ferry, north)]
    came = [carry(here, there, tmp_path / f"walk{at}") for at, (here, there) in enumerate(walks)]

    assert before[a] + before[b] + before[c] == a.records() == b.records() == c.records()
    assert a.records() > 2 * RECORDS
    assert len({place.json("status")["state_root"] for place in places}) == 1
    assert sum(each["records"] for each, _ in came) == 2 * (before[a] + before[c]) + 2 * before[b]
    assert all(each["blocks"].get("known", 0) == 0 for each, _ in came), [each["blocks"] for each, _ in came]

    again = [carry(here, there, tmp_path / f"again{at}") for at, (here, there) in enumerate(walks)]
    assert all(not each["blocks"] for each, _ in again), [each["blocks"] for each, _ in again]
    assert all(size < 4_000 for _, size in again), [size for _, size in again]
