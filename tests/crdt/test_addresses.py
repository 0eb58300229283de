"""Where a node answers follows from the newest record of its own logs, in whatever order these came."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.books.addresses import after, announced, newest
from fedsync.crdt.books.booktables import record_row
from fedsync.crdt.why import why_record
from fedsync.records.block import Block
from fedsync.records.genesis import NODE, SEAT, Capacity, Genesis
from fedsync.records.ids import Key, LogClass, Reach
from fedsync.records.seal import Draft
from tests.crdt.books import append, genesis, key, opening, tip
from tests.crdt.granary import NOON, interleaved
from tests.crdt.naive_root import rooted_rows
from tests.crdt.test_fold import BODY, BODY_ID, SCOPE, Node

NODES = ("Mill", "Hill")
PLACES = ("mill.example.org:7447", "[2001:db8::7]:7447", "192.0.2.7:1")


def log_of(name: str, number: int = 0, capacity: Capacity = NODE, reach: Reach = Reach.WORLD) -> Genesis:
    return genesis(f"{name} {number}", name, BODY, capacity, reach)


def said(*places: str, time: int = NOON, relay: bool = False) -> Draft:
    value: dict[str, Any] = {"addresses": list(places)}
    return Draft("announcement", value | {"relay": True} if relay else value, time)


def written(name: str, log: Genesis, drafts: Sequence[Draft], on: Sequence[Block] = ()) -> list[Block]:
    blocks = list(on) or [opening(name, log)]
    for draft in drafts:
        blocks.append(append(name, tip(blocks[-1]), draft))
    return blocks


def shown(node: Node) -> dict[bytes, tuple[tuple[str, ...], bool]]:
    return {who: (each.addresses, each.relay) for (_, who), each in announced(node.view).items()}


SAYING = st.builds(
    lambda places, time, relay: said(*places, time=NOON + time, relay=relay),
    st.lists(st.sampled_from(PLACES), unique=True, max_size=2),
    st.integers(-5, 5),
    st.booleans(),
)
ODD = st.builds(
    lambda value: Draft("announcement", value, NOON + 9),
    st.sampled_from([{"addresses": ["nowhere"]}, {"addresses": []} | {"more": 1}, 7, {"addresses": 3}]),
)


def naive(logs: list[tuple[str, list[list[Block]]]]) -> dict[bytes, tuple[tuple[str, ...], bool]]:
    """Return what each node said last, as plainly as can be: of each log its highest record, of these the latest."""
    found: dict[bytes, tuple[Any, tuple[str, ...], bool]] = {}
    for name, branches in logs:
        best: Any = None
        for branch in branches:
            for block in branch:
                for record in block.records():
                    value = record.value
                    if record.kind != "announcement" or not isinstance(value, dict) or "more" in value:
                        continue
                    places = value["addresses"]
                    if not isinstance(places, list) or "nowhere" in places:
                        continue
                    here = (record.seq, record.id, record.time, tuple(places), "relay" in value)
                    if best is None or here[:2] > best[:2]:
                        best = here
        if best is not None:
            rank = (best[2], best[1])
            if key(name) not in found or rank > found[key(name)][0]:
                found[key(name)] = (rank, best[3], best[4])
    return {who: (places, relay) for who, (_, places, relay) in found.items()}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(NODES),
            st.integers(0, 1),
            st.lists(SAYING | ODD, max_size=4),
            st.integers(0, 3),
            st.lists(SAYING | ODD, max_size=3),
        ),
        max_size=4,
        unique_by=lambda each: each[:2],
    ),
    st.randoms(use_true_random=False),
)
def test_what_nodes_announce_is_as_the_twin_says_in_any_order(
    written_by: list[tuple[str, int, list[Draft], int, list[Draft]]], random: Random
) -> None:
    logs, parts = [], []
    for name, number, drafts, fork, others in written_by:
        trunk = written(name, log_of(name, number), drafts)
        fork = min(fork, len(trunk) - 1)
        branch = written(name, log_of(name, number), others, trunk[: fork + 1])
        logs.append((name, [trunk, branch]))
        parts += [trunk, branch]
    finals = []
    for _ in range(2):
        node = Node()
        node.take((SCOPE, BODY_ID))
        for block in interleaved(parts, random):
            node.take(block)
        assert shown(node) == naive(logs)
        finals.append(rooted_rows(node.view))
    assert finals[0] == finals[1]


def test_what_was_announced_is_taken_back_by_announcing_nothing() -> None:
    node = Node()
    node.take(*written("Mill", log_of("Mill"), [said(PLACES[0]), said()]))
    assert shown(node) == {key("Mill"): ((), False)}


def test_a_node_that_was_set_up_anew_with_a_clock_that_fell_back_still_has_the_last_word() -> None:
    node = Node()
    node.take(*written("Mill", log_of("Mill"), [said(PLACES[0], time=NOON)]))
    time = after(node.view, SCOPE, key("Mill"), NOON - 10**9)
    node.take(*written("Mill", log_of("Mill", 1), [said(PLACES[1], time=time)]))
    assert shown(node) == {key("Mill"): ((PLACES[1],), False)}
    last = newest(node.view, key("Mill"))
    assert last is not None
    assert last.addresses == (PLACES[1],)
    assert newest(node.view, Key(bytes(32))) is None


@pytest.mark.parametrize(
    "log",
    [
        log_of("Mill", capacity=SEAT),
        log_of("Mill", reach=Reach.LOCAL),
        genesis("Mill", "Mill", BODY, NODE, Reach.WORLD, LogClass.FACTS),
    ],
)
def test_only_a_node_announces_and_where_others_see_it(log: Genesis) -> None:
    node = Node()
    blocks = written("Mill", log, [said(PLACES[0])])
    node.take(*blocks)
    assert shown(node) == {}
    held = record_row(node.view, blocks[-1].tip)
    assert held is None or held.fault is not None


def test_why_says_where_a_node_answers_and_that_it_has_said_something_else_since() -> None:
    node = Node()
    blocks = written("Mill", log_of("Mill"), [said(PLACES[0]), said(PLACES[1])])
    node.take(*blocks)
    assert any("announced something else since" in each for each in why_record(node.view, blocks[1].tip))
    assert any(PLACES[1] in each for each in why_record(node.view, blocks[2].tip))
