"""Of a forked log of facts the branch counts that a sealed page of its body names, whatever came first."""

from collections.abc import Iterable, Sequence
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.books.booktables import SETTLED
from fedsync.crdt.goods.whystock import why_fact
from fedsync.records.block import Block, Record, merge
from fedsync.records.codec import pack
from fedsync.records.ids import NO_LOT, LogId, payload_id
from tests.crdt import naive_stock as naive
from tests.crdt.granary import GRANARY, HOUR, NOON, OATS, WHEAT, counted, moved, regrouped, told
from tests.crdt.naive_root import rooted_rows, state_root_of
from tests.crdt.test_fold import BODY_ID, PAGE0, SCOPE, TELLERS, Node, book, epoch, facts_of, told_by

LOG = facts_of("Cem").log
LATE = NOON + 2 * HOUR
TRUNK = told_by("Cem", [moved("raise", 1, NOON), moved("raise", 2, LATE)])
LEFT = told_by("Cem", [moved("raise", 4, NOON), moved("raise", 8, LATE), counted(9, NOON + HOUR)], TRUNK)[3:]
RIGHT = told_by(
    "Cem", [moved("raise", 16, NOON, OATS), moved("raise", 32, LATE), counted(5, NOON + HOUR)], TRUNK
)[3:]
LOW = told_by("Cem", [moved("raise", 64, NOON)], TRUNK[:2])[2:]
BRANCHES = {"left": LEFT, "right": RIGHT, "low": LOW}


def settle(block: Block, log: LogId = LOG) -> dict[str, Any]:
    """Return the entry that lets the chain of a block's last record hold."""
    return {"kind": "settle", "log": log, "seq": block.last, "id": block.tip}


def page(number: int, prev: bytes, *entries: Any) -> dict[str, Any]:
    return {"body": BODY_ID, "number": number, "prev": prev, "entries": list(entries)}


def pages(*each: Sequence[Any]) -> list[dict[str, Any]]:
    """Return page 0 and pages with these entries."""
    found = [PAGE0]
    for number, entries in enumerate(each, 1):
        found.append(page(number, payload_id(pack(found[-1])), *entries))
    return found


def sealing(*each: Sequence[Any]) -> list[list[Block]]:
    """Return the tellers' logs of a book that has these entries on its pages, all of them sealed."""
    return book(*pages(*each))


class Reader(Node):
    """A node that follows the body, takes blocks in any order that keeps chains, and notices forks as a store does."""

    def __init__(self) -> None:
        super().__init__()
        self.tips: dict[LogId, set[bytes]] = {}
        self.held: list[Block] = []
        self.take((SCOPE, BODY_ID))

    def read(self, *blocks: Block) -> None:
        for block in blocks:
            tips = self.tips.setdefault(block.log, set())
            self.held.append(block)
            if block.first and block.prev not in tips and block.log == LOG:
                self.view.hold(block)
                self.take((LOG, block.first))
            else:
                tips.discard(block.prev)
                self.take(block)
            tips.add(block.tip)


# --- The twin ---------------------------------------------------------------------------------------------


def voices(records: Iterable[Record], kind: str, page: bytes) -> set[bytes]:
    """Return the keys that said this of a page."""
    found = set()
    for record in records:
        value: Any = record.value if record.kind == kind else {}
        if value.get("page") == page:
            found.add(bytes(record.genesis.key))
    return found


def counting(held: Iterable[Block], book_of: Sequence[dict[str, Any]]) -> list[Record]:
    """Say which facts count, from the whole set of blocks, as plainly as can be."""
    records = {record.id: record for block in held for record in block.records()}
    facts = [record for record in records.values() if record.log == LOG]
    named: Any = None
    dropped: Any = None
    sealed = True
    for each in book_of[1:]:
        id_ = payload_id(pack(each))
        said = {kind: voices(records.values(), kind, id_) for kind in ("signature", "approval")}
        here = any(record.payload_id == id_ for record in records.values())
        if not here or len(said["signature"] | said["approval"]) < 2:
            break
        sealed = sealed and len(said["approval"]) == 2
        for entry in each["entries"]:
            # What an adopted page drops is suspended at once; only a sealed page settles anything.
            if entry["kind"] == "epoch" and dropped is None:
                dropped = entry["cuts"]
            elif entry["kind"] == "settle" and entry["log"] == LOG and named is None and sealed:
                named = entry
    if not any(record.payload_id == bytes(BODY_ID) for record in records.values()):
        return []
    seqs = [record.seq for record in facts]
    fork = min((seq for seq in seqs if seqs.count(seq) > 1), default=None)
    below = [record for record in facts if fork is None or record.seq < fork]
    chain: list[Record] | None = None
    if named is not None and named["id"] in records:
        chain, at = [], records.get(named["id"])
        while at is not None:
            chain.append(at)
            at = records.get(at.prev)
    count = chain
    if count is None:
        count = [each for each in below if named is None or each.seq <= named["seq"]]
    if dropped is None:
        return count
    kept: set[bytes] = set()
    for log, seq, id_ in dropped:
        if log != LOG:
            continue
        if chain is not None:
            if seq > named["seq"]:
                kept |= {each.id for each in chain}
            elif id_ in {each.id for each in chain}:
                kept |= {each.id for each in chain if each.seq <= seq}
        elif fork is not None and seq >= fork:
            kept |= {each.id for each in below}
        elif id_ in records:
            kept |= {each.id for each in below if each.seq <= seq}
    return [each for each in count if each.id in kept]


def levels(node: Reader, book_of: Sequence[dict[str, Any]]) -> dict[naive.Place, naive.Level]:
    counted_ = {record.id for record in counting(node.held, book_of)}
    return naive.levels(
        [each for each in told(node.held) if each.log == LOG and each.id in counted_], {LOG: None}
    )


CUT: list[list[Any]] = [
    [],
    [[LOG, TRUNK[1].last, TRUNK[1].tip]],
    [[LOG, LEFT[0].last, LEFT[0].tip]],
    [[LOG, LEFT[-1].last, LEFT[-1].tip], [LOG, RIGHT[-1].last, RIGHT[-1].tip]],
    [[LOG, 40, b"\7" * 32]],
]
ENTRY = st.one_of(
    st.builds(settle, st.sampled_from([*TRUNK, *LEFT, *RIGHT, *LOW])),
    st.builds(settle, st.sampled_from(LEFT), st.just(LogId(b"\1" * 32))),
    st.builds(lambda cuts: epoch(TELLERS[:2], cuts), st.sampled_from(CUT)),
)


def mixed(logs: Sequence[Sequence[Block]], branches: Sequence[str], random: Random) -> list[Block]:
    """Return all blocks in a random order that keeps chains. A log's are of any size, and may straddle its fork."""
    first, *others = branches
    start = [*TRUNK[: 2 if first == "low" else 3], *BRANCHES[first]]
    queues = [list(log) for log in logs]
    queues.append(regrouped(start, random, again=0))
    for name in others:
        # What a store keeps of a branch begins where it leaves what is held.
        rest = [
            *([TRUNK[2]] if first == "low" and name != "low" and name == others[0] else []),
            *BRANCHES[name],
        ]
        queues.append(regrouped(rest, random, again=0))
    found: list[Block] = []
    held: set[bytes] = set()
    while any(queues):
        ready = [queue for queue in queues if queue and (not queue[0].first or queue[0].prev in held)]
        block = random.choice(ready).pop(0)
        held.update(block.ids)
        found.append(block)
    return found


def at_most_one_epoch(entries: list[Any]) -> bool:
    """A second epoch entry of a page does not count."""
    return [each["kind"] for each in entries].count("epoch") < 2


@given(
    st.lists(st.lists(ENTRY, max_size=2).filter(at_most_one_epoch), max_size=3),
    st.lists(st.sampled_from(sorted(BRANCHES)), unique=True, min_size=1),
    st.randoms(use_true_random=False),
)
def test_the_fold_does_as_its_twin_after_each_block_in_any_order(
    entries: list[list[dict[str, Any]]], branches: list[str], random: Random
) -> None:
    book_of = pages(*entries)
    logs = book(*book_of)
    finals = []
    for _ in range(2):
        node = Reader()
        order = mixed(logs, branches, random)
        for at, block in enumerate(order):
            node.read(block)
            if at % 5 == 0 or at > len(order) - 4:
                assert node.levels() == levels(node, book_of)
        finals.append((rooted_rows(node.view), node.root()))
        assert state_root_of(rooted_rows(node.view)) == node.root()
    assert finals[0] == finals[1]


# --- Stories ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", ["left", "right"])
def test_a_sealed_settle_lets_the_chain_of_its_record_count_and_no_other(chosen: str) -> None:
    (branch,) = [BRANCHES[chosen]]
    parts = [*sealing([settle(branch[-1])]), TRUNK, [merge(LEFT)], [merge(RIGHT)]]
    found = set()
    for order in permutations(range(6)):
        if order.index(3) > min(order.index(4), order.index(5)):
            continue
        node = Reader()
        for at in order:
            node.read(*parts[at])
        found.add(node.root())
        now = {(place[1], place[2]): level.on_hand for place, level in node.levels().items()}
        assert now == (
            {(GRANARY, WHEAT): 19} if chosen == "left" else {(GRANARY, WHEAT): 39, (GRANARY, OATS): 16}
        )
    assert len(found) == 1


def test_until_its_page_is_sealed_a_settle_changes_nothing() -> None:
    ann, ben, cem = sealing([settle(LEFT[-1])])
    node = Reader()
    node.read(*ann, *cem, *TRUNK, *LEFT, *RIGHT)
    assert {level.on_hand for level in node.levels().values()} == {3}
    assert why_fact(node.view, RIGHT[0].record(0)).status == "disputed"
    node.read(*ben)
    assert node.levels()[SCOPE, GRANARY, WHEAT, NO_LOT].on_hand == 19
    assert why_fact(node.view, LEFT[0].record(0)).status == "counts"
    assert (why_fact(node.view, RIGHT[0].record(0)).status, why_fact(node.view, RIGHT[0].record(0)).code) == (
        "displaced",
        "settled",
    )


def test_while_the_settled_record_is_not_held_nothing_counts_above_the_fork() -> None:
    node = Reader()
    for log in sealing([settle(LEFT[-1])]):
        node.read(*log)
    node.read(*TRUNK, *RIGHT, *LOW)
    assert {level.on_hand for level in node.levels().values()} == {1}
    assert why_fact(node.view, RIGHT[0].record(0)).code == "settled_missing"
    node.read(*LEFT[:-1])
    assert {level.on_hand for level in node.levels().values()} == {1}
    node.read(LEFT[-1])
    assert {level.on_hand for level in node.levels().values()} == {19}


def test_the_first_settle_in_book_order_holds() -> None:
    node = Reader()
    for log in sealing([settle(LEFT[-1]), settle(RIGHT[-1])], [settle(LOW[-1])]):
        node.read(*log)
    (row,) = (row for _, row in node.view.scan(SETTLED))
    assert row[:2] == (LEFT[-1].last, LEFT[-1].tip)


def test_what_the_author_wrote_after_the_settled_record_counts_no_more() -> None:
    node = Reader()
    node.read(*TRUNK, *LEFT)
    for log in sealing([settle(LEFT[0])]):
        node.read(*log)
    assert node.levels()[SCOPE, GRANARY, WHEAT, NO_LOT].on_hand == 7


def test_a_settle_of_another_log_settles_nothing_of_this_one() -> None:
    node = Reader()
    node.read(*TRUNK, *LEFT, *RIGHT)
    for log in sealing([settle(LEFT[-1], LogId(b"\2" * 32))]):
        node.read(*log)
    assert {level.on_hand for level in node.levels().values()} == {3}
