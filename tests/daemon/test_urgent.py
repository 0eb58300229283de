"""Real daemons behind a slow cable, with a megabyte of facts queued: a recall comes before it."""

import time
from collections.abc import Iterator
from random import Random

import pytest

from fedsync.acts.books import minutes
from fedsync.acts.goods.recording import Line, record_lines
from fedsync.crdt.books.booktables import SEALED, status
from fedsync.reading import Reading
from fedsync.records.ids import PageId
from tests.daemon.cables import Cables, NoCables
from tests.daemon.houses import join
from tests.daemon.village import NOON, Node, Village, equal, until

FACTS, NOTE = 9_000, 200
"""Movements, each with a note of so many bytes that get no smaller: a megabyte and more."""
SHARE = 3
"""Less than this part of the facts are there before the recall; on a machine with nothing else to do it comes after two
seconds of twenty: cable and kernel have some 100 KB on their way, and each voice is written and read."""


@pytest.fixture
def cables() -> Iterator[Cables]:
    try:
        laid = Cables(1, 1)
    except NoCables as why:
        pytest.skip(f"no network namespaces with slow cables: {why}")
    with laid:
        yield laid


def sealed_at(node: Node, page: PageId) -> bool:
    with Reading.open(node.home) as reading:
        for body in reading.store.followed.all():
            found = status(reading.view, body.scope, page)
            if found is not None:
                return found.status == SEALED
    return False


def seal(node: Node, page: PageId) -> None:
    for teller in ("Ann", "Ben"):
        with node.pen(teller) as (author, reading, door):
            minutes.sign(author, reading, door, page)
    if not sealed_at(node, page):
        with node.pen("Ann") as (author, reading, door):
            minutes.approve(author, reading, door, page)


def write_facts(node: Node, dice: Random) -> None:
    lines = [
        Line("raise", "Oats", at + 1, "g", "Granary", NOON, note=dice.randbytes(NOTE // 2).hex())
        for at in range(FACTS)
    ]
    with node.pen("Cleo") as (author, reading, door):
        record_lines(author, reading, door, lines)


@pytest.mark.parametrize("live", [True, False])
def test_a_recall_comes_before_a_megabyte_of_facts(village: Village, cables: Cables, live: bool) -> None:
    names = ("Oakfield", "Mill Lane")
    nodes = [
        Node(village.path / str(at), name, listen="0.0.0.0", inside=cables.inside(at))
        for at, name in enumerate(names)
    ]
    village.nodes += nodes
    for node in nodes:
        node.start()
    oak, mill = nodes
    places = [
        f"{cables.host(at)}:{node.ready.read_text().rpartition(':')[2]}" for at, node in enumerate(nodes)
    ]
    join(oak, places[0], mill, places[1])
    oak.run("people", "add", "Vera", "--no-passphrase", "--as", "Ann")
    given = oak.json(
        "mandates", "give", "Vera", "--task", "granary", "--may", "economic_event", "--as", "Ann"
    )
    seal(oak, PageId(bytes.fromhex(given["page"])))
    equal(oak, mill)
    if not live:
        # Mill Lane comes back after a long time away.
        mill.stop()
    page = PageId(bytes.fromhex(oak.json("mandates", "recall", "Vera", "--as", "Ann")["page"]))
    write_facts(oak, Random(1))
    seal(oak, page)
    began, before = time.monotonic(), mill.records()
    if not live:
        mill.start(wait=False)
    until(lambda: sealed_at(mill, page))
    took = time.monotonic() - began
    came = mill.records() - before
    assert oak.records() - mill.records() > FACTS // 4, "the megabyte was still on its way"
    print(f"a recall after {took:.1f} s and {came} records")
    assert came < FACTS / SHARE
    # The rest comes too, and there is nothing to be learnt from waiting for it.
    cables.widen()
    assert equal(oak, mill)
