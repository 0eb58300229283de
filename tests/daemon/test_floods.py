"""Authors and bodies that bring in more than their share, at a real daemon: they wait, and nobody else does."""

import re
import secrets
import time
from collections.abc import Iterator

import pytest
import trio

from fedsync.acts.author import REACH_OF, Author
from fedsync.gossip.messages import BlockMessage
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import LogClass, LogId
from fedsync.records.seal import Draft, seal
from tests.daemon.hostile import Guest, polled
from tests.daemon.village import NOON, Node, Village, equal, until

SHARE = 5_000
"""Records of one author in an hour that the flooded node takes."""
FLOOD = 40_000
BOUND = 5.0
"""Seconds within which honest records arrive in spite of it, or no longer than the flood itself takes on a slow machine."""


@pytest.fixture
def pair(noon: None, village: Village) -> Iterator[tuple[Node, Node]]:
    """Give a node with small shares, and its honest neighbour. What is taken counts for an hour of the clock."""
    oak, mill = village.node("Oakfield", start=False), village.node("Mill Lane")
    text = oak.home.config.read_text()
    oak.home.config.write_text(
        text.replace("# author_records_per_hour = 1000000", f"author_records_per_hour = {SHARE}")
    )
    oak.start()
    village.introduce(oak, mill)
    mill.move("Ann", 1)
    equal(oak, mill)
    yield oak, mill
    assert oak.alive, oak.said()
    assert "Traceback" not in oak.said(), oak.said()


def written(node: Node, teller: str, number: int) -> list[Block]:
    """Return records that a teller of a node wrote elsewhere, in a log of its own, and that no honest node has."""
    author = Author.unlock(node.home, teller, lambda: None)
    with Reading.open(node.home) as reading:
        scope = reading.own().scope
    genesis = Genesis(
        author.key, scope, SEAT, LogClass.FACTS, REACH_OF[LogClass.FACTS], secrets.token_bytes(16)
    )
    drafts = [Draft("note", {"text": f"number {n}"}, NOON) for n in range(number)]
    return seal(author.private, genesis, None, drafts, NOON)


def held(node: Node, log: LogId) -> int:
    """Return how many records of a log a node holds."""
    with Reading.open(node.home) as reading:
        tip = reading.store.logs.tip(log)
        return tip.seq + 1 if tip is not None else 0


def pushed(blocks: list[Block]) -> list[BlockMessage]:
    return [BlockMessage(True, True, block.raw) for block in blocks]


async def test_an_author_who_floods_waits_and_honest_records_arrive_beside_and_behind_the_flood(
    pair: tuple[Node, Node],
) -> None:
    oak, mill = pair
    one = Guest(oak, "Flooder")
    flood = written(mill, "Cleo", FLOOD)
    # The same peer brings something honest too, in the middle of it and behind it.
    middle, behind = written(mill, "Ben", 3), written(mill, "Ann", 3)
    parts = [*flood[: len(flood) // 2], *middle, *flood[len(flood) // 2 :], *behind]
    async with one.talk() as talk:
        began = time.monotonic()
        for message in pushed(parts):
            talk.say(message)
            await talk.link.room()
        mill_moved = time.monotonic()
        await trio.to_thread.run_sync(lambda: mill.move("Ann", 77))
        await polled(lambda: oak_holds(oak, mill, "Ann"))
        beside = time.monotonic() - mill_moved
        await polled(lambda: held(oak, middle[0].log) == held(oak, behind[0].log) == 4)
        took = time.monotonic() - began
        assert beside < max(BOUND, mill_moved - began)
        assert took < 2 * max(BOUND, mill_moved - began)
        await polled(lambda: "author-share" in str(one.row))
        print(f"beside the flood {beside:.2f} s, all of it {took:.2f} s, {len(parts)} blocks")
    assert SHARE <= held(oak, flood[0].log) < SHARE + 128
    said = oak.run("status").stdout
    assert re.search(
        r"Cleo.* has brought in as many facts.*more waits until 20\d\d-\d\d-\d\d \d\d:00 UTC", said
    )
    assert "more waits until" in oak.run("why", "Mill Lane").stdout
    (row,) = oak.json("status")["delayed"]
    assert row["whose"] == "author"
    assert row["delayed"] > 0


def test_who_waited_is_not_let_in_by_a_crash_but_by_a_limit_that_was_raised(pair: tuple[Node, Node]) -> None:
    oak, mill = pair
    for _ in range(3):
        mill.move("Cleo", *range(1, 3000))
    until(lambda: oak.json("status")["delayed"], why=oak.said)
    before = oak.records()
    until(lambda: kept(oak))
    oak.kill()
    oak.start()
    mill.move("Ann", 5)
    until(lambda: oak_holds(oak, mill, "Ann"), why=oak.said)
    assert oak.records() - before < 300
    oak.stop()
    text = oak.home.config.read_text()
    oak.home.config.write_text(
        text.replace(f"author_records_per_hour = {SHARE}", "author_records_per_hour = 1000000")
    )
    oak.start()
    equal(oak, mill)
    until(lambda: not oak.json("status")["delayed"], why=oak.said)


def kept(node: Node) -> bool:
    """Say whether what was counted is on the disk."""
    with Reading.open(node.home) as reading:
        row = reading.store.conn.execute("SELECT max(hour_records) FROM intake").fetchone()
        return bool(row[0] and row[0] >= SHARE)


def oak_holds(oak: Node, mill: Node, teller: str) -> bool:
    """Say whether a node holds all that a teller of its neighbour has written."""
    key = Author.unlock(mill.home, teller, lambda: None).key
    with Reading.open(mill.home) as theirs, Reading.open(oak.home) as ours:
        for log in theirs.store.logs.named(theirs.own().scope, key):
            tip, mine = theirs.store.logs.tip(log), ours.store.logs.tip(log)
            if tip is not None and (mine is None or mine.seq < tip.seq):
                return False
    return True
