"""A node knows what goes first: it keeps it, knows it after a restart, and judges what waits at its door by itself."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
import trio

from fedsync import urgency
from fedsync.daemon.doorkeeper import Doorkeeper
from fedsync.gossip.events import Peer
from fedsync.gossip.priority import FIRST, of_class
from fedsync.node import Node, Verdict
from fedsync.records.block import Block
from fedsync.records.ids import LogClass
from fedsync.store.holdings import StoreHoldings
from fedsync.urgency import READ_RECORDS, Urgency
from tests.daemon.test_door import Told
from tests.nodes import Scribe, bring, bring_all, follow, node

MILL, HILL, OWN = Peer(b"\1" * 32), Peer(b"\2" * 32), Peer(b"\3" * 32)
AUTHORITY, FACTS = of_class(LogClass.AUTHORITY), of_class(LogClass.FACTS)


@pytest.fixture
def source() -> Iterator[Node]:
    with node() as made:
        yield made


def recalled(source: Node) -> tuple[Scribe, list[Block]]:
    """Write a book in which a mandate is recalled; return the blocks of the recall, its signatures and approvals."""
    scribe = Scribe(source, "Oakfield", "Ann", "Ben", "Cem")
    given = scribe.give("Vera", "Ann", "Ben")
    before = len(scribe.blocks)
    scribe.recall(given, "Ben", "Cem")
    return scribe, scribe.blocks[before:]


def test_what_a_recall_needs_is_marked_with_it_and_known_after_a_restart(source: Node) -> None:
    scribe, recall = recalled(source)
    ends = {block.log: block.last for block in scribe.blocks}
    later = scribe.decide("Oats", "Ann", "Ben")
    again = Node(source.store)
    for at in (source, again):
        holdings = StoreHoldings(at.store, lambda items: b"")
        for log, last in ends.items():
            held = holdings.log(log)
            assert held is not None
            assert held.urgent == last
    assert {block.log for block in recall} < set(ends)
    assert later


def test_others_take_it_to_be_urgent_whatever_came_first(source: Node) -> None:
    scribe, _ = recalled(source)
    with node() as at:
        follow(at, scribe)
        bring_all(at, scribe.blocks[::-1])
        for log in {block.log for block in scribe.blocks}:
            assert at.store.logs.marks(log)[1] == source.store.logs.marks(log)[1] is not None
        assert set(at.notices.hurried()) == {block.log for block in scribe.blocks}


def test_what_was_rolled_back_hurries_nobody(source: Node) -> None:
    scribe, _ = recalled(source)
    with node() as at:
        follow(at, scribe)
        at.begin()
        at.take([(block.raw, None) for block in scribe.blocks])
        at.rollback()
        assert at.notices.hurried() == []


def test_blocks_at_the_door_are_judged_by_what_they_say(source: Node) -> None:
    scribe, recall = recalled(source)
    facts = scribe.move("Ann", 1, 2, 3)
    decision = scribe.decide("Oats", "Ann", "Ben")
    plain = [block for block in scribe.blocks[-6:] if "page" in block.kinds]
    with node() as at:
        follow(at, scribe)
        # Nothing is held yet but what the log's own first block says of itself.
        first = {block.log: block for block in reversed(scribe.blocks)}
        bring_all(at, [*first.values()])
        assert at.turn_of(recall[0].raw) == FIRST
        assert all(at.turn_of(block.raw) == FIRST for block in recall[1:]), (
            "voices of a page seen at the door"
        )
        assert [at.turn_of(block.raw) for block in plain] == [AUTHORITY]
        assert [at.turn_of(block.raw) for block in facts] == [FACTS] * len(facts)
        assert at.turn_of(b"no block") > FACTS
        assert at.turn_of(recall[0].raw[:-3] + b"xyz") in (FIRST, of_class(LogClass.TEXTS)), (
            "or it is no block"
        )
    assert decision


def test_a_block_that_shows_a_fork_is_judged_urgent_and_its_like_is_not(source: Node) -> None:
    scribe = Scribe(source, "Oakfield", "Ann", "Ben")
    (first,) = scribe.move("Ann", 1)
    scribe.write("Ann", LogClass.FACTS, *scribe.moves(2))
    (fork,) = scribe.fork("Ann", LogClass.FACTS, first.last, *scribe.moves(3))
    assert source.turn_of(first.raw) == FACTS
    assert source.turn_of(fork.raw) == FIRST
    assert bring(source, [fork])[0].verdict is Verdict.FORKED
    assert source.turn_of(fork.raw) == FACTS, "it is known by now"


def test_how_a_log_begins_is_read_of_small_blocks_alone_and_kept_in_mind_of_so_many(
    source: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urgency, "BEGUN", 3)
    scribe = Scribe(source, "Oakfield", "Ann", "Ben")
    begun = [
        scribe.sealed(
            "Ann", scribe.genesis("Ann", LogClass.FACTS, incarnation=bytes([at] * 16)), *scribe.moves(1)
        )[0]
        for at in range(1, 6)
    ]
    large = scribe.sealed(
        "Ben", scribe.genesis("Ben", LogClass.FACTS), *scribe.moves(*range(1, READ_RECORDS + 1))
    )[0]
    looks = Urgency(source.store.logs)
    assert {looks.turn(source.state, each.raw) for each in begun} == {FACTS}
    assert looks.turn(source.state, large.raw) == of_class(LogClass.TEXTS)
    assert list(looks._begun) == [each.log for each in begun[-3:]]


async def test_a_recall_at_the_door_is_committed_before_all_that_waited_there(source: Node) -> None:
    scribe, recall = recalled(source)
    books = [block for block in scribe.blocks if block not in recall]
    many = [block for at in range(150) for block in scribe.move("Ann", at + 1)]
    with node() as at:
        follow(at, scribe)
        bring_all(at, books)
        told = Told()
        door = Doorkeeper(at, told)  # type: ignore[arg-type]
        for number, block in enumerate(many):
            door.put(HILL if number % 2 else MILL, object(), number, block.raw)
        for block in recall:
            door.put(OWN, object(), 1000, block.raw)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.run)
            while not told.deliveries:
                await told.answered.wait()
            nursery.cancel_scope.cancel()
        answered = [peer for peer, _, _, _ in told.deliveries[0].answers]
        assert answered == [OWN] * len(recall), "and nothing else was waited for"


async def test_what_looks_urgent_makes_no_two_small_commits_in_a_row(source: Node) -> None:
    scribe, recall = recalled(source)
    many = [block for at in range(60) for block in scribe.move("Ann", at + 1)]
    with node() as at:
        follow(at, scribe)
        bring_all(at, scribe.blocks)
        told = Told()
        door = Doorkeeper(at, told)  # type: ignore[arg-type]
        for number, block in enumerate(many):
            door.put(HILL, object(), number, block.raw)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.run)
            for _ in range(3):
                # A liar sends what is urgent and known, again and again.
                door.put(MILL, object(), 0, recall[0].raw)
                door.put(MILL, object(), 1, recall[1].raw)
                await told.answered.wait()
            nursery.cancel_scope.cancel()
        # One in which nobody had anything left is no commit that a liar made small.
        sizes = [count for each in told.deliveries if (count := len(each.answers))]
        assert all(one + other > 30 for one, other in pairwise(sizes)), sizes


async def test_who_waits_to_write_waits_for_a_slice_and_not_for_a_batch(source: Node) -> None:
    scribe = Scribe(source, "Oakfield", "Ann", "Ben")
    many = [block for at in range(200) for block in scribe.move("Ann", *range(1, 30))]
    with node() as at:
        follow(at, scribe)
        bring_all(at, scribe.blocks[:3])
        told = Told()
        door = Doorkeeper(at, told)  # type: ignore[arg-type]
        for number, block in enumerate(many):
            door.put(MILL, object(), number, block.raw)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.run)
            while not at.store.in_transaction:
                await trio.sleep(0)
            async with door.writing(pressing=True):
                held = at.store.logs.count()
            nursery.cancel_scope.cancel()
        assert 0 < held < sum(block.count for block in many) // 2


async def test_who_may_wait_to_write_waits_for_the_batch(source: Node) -> None:
    scribe = Scribe(source, "Oakfield", "Ann", "Ben")
    many = [block for at in range(20) for block in scribe.move("Ann", *range(1, 30))]
    with node() as at:
        follow(at, scribe)
        bring_all(at, scribe.blocks[:3])
        door = Doorkeeper(at, Told())  # type: ignore[arg-type]
        for number, block in enumerate(many):
            door.put(MILL, object(), number, block.raw)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.run)
            while not at.store.in_transaction:
                await trio.sleep(0)
            async with door.writing():
                assert at.store.logs.count() >= sum(block.count for block in many)
            nursery.cancel_scope.cancel()
