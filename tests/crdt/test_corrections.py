"""Corrections and counts that name facts: what holds is the same however and whenever word of it came."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.goods.corrections import FEW, MAX_LINE
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.goods.tables import BALANCES, OFF, REPLACED, RUNS, STANDING, STOCK_TABLES
from fedsync.crdt.goods.whystock import why_fact
from fedsync.crdt.logs.seats import All, Cut
from fedsync.records.block import Base, Block, merge
from fedsync.records.codec import Value
from fedsync.records.ids import Reach
from fedsync.records.places import START
from fedsync.records.seal import Draft, seal
from tests.crdt import naive_stock as naive
from tests.crdt.granary import (
    ALDER,
    BIRCH,
    CELLAR,
    GRANARY,
    HOUR,
    NOON,
    OATS,
    SPRING,
    SPRING_LOT,
    WHEAT,
    Node,
    chain,
    counted,
    genesis,
    item_value,
    moved,
    opening,
    ref_of,
    store_value,
)
from tests.crdt.granary import ANN as ANN_KEY
from tests.crdt.naive_root import rooted_rows, state_root_of
from tests.crdt.stockworlds import LOGS, World, deliver, world

ANN, BEN, CEM = genesis("Ann"), genesis("Ben"), genesis("Cem")


def correcting(target: Block, action: str, quantity: int, at: int = NOON, store: bytes = GRANARY) -> Draft:
    """Return an event that stands in the place of the last record of a block."""
    return moved(action, quantity, at, store=store, corrects=ref_of(target))


# --- Corrections ----------------------------------------------------------------------------------------------


def test_a_correction_stands_in_the_place_of_what_it_corrects_in_whatever_order_they_come() -> None:
    wrong = chain(ANN, [moved("raise", 500, NOON)])
    right = chain(BEN, [correcting(wrong[-1], "raise", 50, NOON + HOUR)])
    for first, second in ((wrong, right), (right, wrong)):
        node = Node()
        node.take(*first)
        assert node.level() == naive.Level(500 if first is wrong else 50)
        node.take(*second)
        assert node.level() == naive.Level(50)
        assert why_fact(node.view, wrong[1].record(0)).status == "replaced"
        assert why_fact(node.view, right[1].record(0)).status == "counts"


def test_a_correction_may_say_another_store_item_or_time() -> None:
    wrong = chain(ANN, [moved("raise", 5, NOON), counted(0, NOON + HOUR)])
    right = chain(BEN, [moved("raise", 5, NOON + 2 * HOUR, OATS, CELLAR, corrects=ref_of(wrong[1]))])
    node = Node()
    node.take(*wrong, *right)
    assert node.levels() == {
        (ALDER, GRANARY, WHEAT, b""): naive.Level(0, 0, NOON + HOUR),
        (ALDER, CELLAR, OATS, b""): naive.Level(5),
    }


def test_a_pool_from_which_all_was_corrected_away_is_not_shown() -> None:
    wrong = chain(ANN, [moved("raise", 5, NOON)])
    node = Node()
    node.take(*wrong, *chain(BEN, [correcting(wrong[-1], "raise", 5, store=CELLAR)]))
    assert [(each.store_id, each.on_hand) for each in levels(node.view)] == [(CELLAR, 5)]


def test_a_correction_of_a_correction_goes_on_from_it() -> None:
    one = chain(ANN, [moved("raise", 1, NOON)])
    two = chain(ANN, [correcting(one[-1], "raise", 2)], after=one)
    three = chain(BEN, [correcting(two[-1], "raise", 4)])
    node = Node()
    node.take(*three)
    assert node.level() == naive.Level(4)
    node.take(*one)
    # What links them is not here yet: both count by themselves meanwhile.
    assert node.level() == naive.Level(5)
    node.take(two[-1])
    assert node.level() == naive.Level(4)


def test_of_rival_corrections_the_later_of_one_log_holds_and_of_two_logs_the_larger_id() -> None:
    wrong = chain(ANN, [moved("raise", 1, NOON)])
    mine = chain(BEN, [correcting(wrong[-1], "raise", 2), correcting(wrong[-1], "raise", 4)])
    theirs = chain(CEM, [correcting(wrong[-1], "raise", 8)])
    node = Node()
    node.take(*wrong, *mine)
    assert node.level() == naive.Level(4)
    assert [row[3] for _, row in node.view.scan(STANDING)] == [0]
    node.take(*theirs)
    assert node.level() == naive.Level(4 if mine[-1].tip > theirs[-1].tip else 8)
    assert [row[3] for _, row in node.view.scan(STANDING)] == [1]


def test_what_goes_on_from_rival_corrections_is_contested_as_they_are() -> None:
    wrong = chain(ANN, [moved("raise", 1, NOON)])
    mine, theirs = (
        chain(BEN, [correcting(wrong[-1], "raise", 2)]),
        chain(CEM, [correcting(wrong[-1], "raise", 8)]),
    )
    holds = max(mine[-1], theirs[-1], key=lambda block: block.tip)
    node = Node()
    node.take(*chain(ANN, [correcting(holds, "raise", 5)], wrong), *mine, *theirs)
    assert node.level() == naive.Level(5)
    assert [row[3] for _, row in node.view.scan(STANDING)] == [1]


def test_a_line_of_corrections_ends_somewhere_and_what_goes_on_counts_for_nothing() -> None:
    log = chain(ANN, [moved("raise", 1, NOON)])
    for many in range(2, MAX_LINE + 4):
        log = chain(ANN, [correcting(log[-1], "raise", many)], after=log)
    first, middle, rest = merge(log[:9]), merge(log[9:12]), merge(log[12:])
    node = Node()
    node.take(first, middle)
    assert node.level() == naive.Level(11)
    node.take(rest)
    assert node.level() == naive.Level(MAX_LINE + 1)
    assert why_fact(node.view, log[-1].record(0)).code == "line_too_long"
    # The first can always be corrected again.
    node.take(*chain(ANN, [correcting(log[1], "raise", 100)], after=log))
    assert node.level() == naive.Level(100)


def test_of_two_corrections_in_one_block_the_later_holds_whatever_else_they_say() -> None:
    wrong = chain(ANN, [moved("raise", 1, NOON), moved("raise", 10, NOON)])
    noted = moved("raise", 2, NOON, corrects=ref_of(wrong[1]), note="by cart")
    plain = correcting(wrong[1], "raise", 4)
    node = Node()
    node.take(*wrong, merge(chain(BEN, [correcting(wrong[2], "raise", 20), noted, plain])))
    assert node.level() == naive.Level(24)


def test_of_corrections_of_what_is_not_held_one_holds() -> None:
    wrong = chain(ANN, [moved("raise", 1, NOON)])
    node = Node()
    node.take(*chain(BEN, [correcting(wrong[-1], "raise", 2), correcting(wrong[-1], "raise", 4)]))
    assert node.level() == naive.Level(4)


@pytest.mark.parametrize("first", ["corrections", "events"])
def test_many_corrections_may_come_before_what_they_correct(first: str) -> None:
    many = 2 * FEW
    start = opening(ANN)
    events = seal(
        ANN_KEY, ANN, Base(ANN, 0, start.tip, START), [moved("raise", 7, NOON + at) for at in range(many)]
    )
    refs: list[Value] = [ref_of(block, seq) for block in events for seq in range(block.first, block.last + 1)]
    begin = opening(BEN)
    right = [moved("raise", 2, NOON, corrects=ref) for ref in refs]
    corrections = [begin, *seal(ANN_KEY, BEN, Base(BEN, 0, begin.tip, START), right)]
    count = chain(CEM, [counted(0, NOON - 1, excludes=refs[:3], includes=refs[3:5])])
    node = Node()
    node.take(*count)
    for block in [*corrections, start, *events] if first == "corrections" else [start, *events, *corrections]:
        node.take(block)
    assert node.level() == naive.Level(2 * (many - 2), -4, NOON - 1)


def test_a_correction_reaches_no_other_body_and_nothing_that_is_kept_local() -> None:
    wrong = chain(ANN, [moved("raise", 1, NOON)])
    node = Node()
    node.take(*wrong)
    for other in (genesis("Mallory", BIRCH), genesis("Home", reach=Reach.LOCAL)):
        node.take(*chain(other, [correcting(wrong[-1], "raise", 4)]))
    assert sorted(level.on_hand for level in node.levels().values()) == [1, 4, 4]


def test_what_names_no_event_corrects_nothing() -> None:
    log = chain(ANN, [counted(7, NOON), moved("raise", 1, NOON + 1), Draft("economic_event", "odd", NOON)])
    refs: list[list[Value]] = [
        ref_of(log[1]),
        ref_of(log[3]),
        [log[2].log, 1, log[2].tip],
        [log[2].log, 2, b"x" * 32],
    ]
    node = Node()
    node.take(*log, *chain(BEN, [moved("raise", 2, NOON + 2, corrects=ref) for ref in refs]))
    assert node.level().on_hand == 7 + 1 + 8


def test_when_a_correction_counts_no_more_what_it_corrected_counts_again() -> None:
    wrong = chain(ANN, [moved("raise", 1, NOON)])
    right = chain(BEN, [correcting(wrong[-1], "raise", 2)])
    further = chain(CEM, [correcting(right[-1], "raise", 4)])
    node = Node()
    node.take(*wrong, *right, *further)
    assert node.level() == naive.Level(4)
    node.do(node.hearing(BEN.log, Cut(())))
    assert node.level() == naive.Level(5)
    node.do(node.hearing(BEN.log, All()))
    assert node.level() == naive.Level(4)
    for log in (ANN, CEM, BEN):
        node.do(node.hearing(log.log, Cut(())))
    assert [row for table in (BALANCES, RUNS, OFF, REPLACED) for row in node.view.scan(table)] == []


def test_a_correction_takes_along_what_keeps_a_promise_and_what_is_on_its_way() -> None:
    promise, transfer = b"p" * 32, b"t" * 32
    wrong = chain(ANN, [moved("pickup", 9, NOON, fulfills=promise, transfer=transfer)])
    right = moved("pickup", 5, NOON, fulfills=promise, transfer=transfer, corrects=ref_of(wrong[-1]))
    node = Node()
    node.take(*wrong, *chain(BEN, [right, moved("dropoff", 5, NOON, store=CELLAR, fulfills=promise)]))
    assert node.fulfilled() == {(ALDER, promise): 5}


# --- Counts that name facts -----------------------------------------------------------------------------------


def test_a_count_says_of_what_it_names_whether_it_saw_it() -> None:
    log = chain(ANN, [moved("raise", 1, NOON), moved("raise", 2, NOON), moved("raise", 4, NOON + 2)])
    seen = counted(9, NOON + 1, includes=[ref_of(log[3])], excludes=[ref_of(log[2])])
    for order in (0, 1):
        node = Node()
        logs = [log, chain(BEN, [seen])]
        for each in reversed(logs) if order else logs:
            node.take(*each)
        assert node.level() == naive.Level(9 + 2, 9 - 1 - 4, NOON + 1)


def test_a_count_outdone_by_another_of_its_instant_takes_along_what_it_named() -> None:
    log = chain(ANN, [moved("raise", 5, NOON), moved("raise", 3, NOON + 5)])
    counts = chain(BEN, [counted(10, NOON + 1, excludes=[ref_of(log[1])])])
    node = Node()
    node.take(*log, *counts)
    assert node.level() == naive.Level(10 + 5 + 3, 10, NOON + 1)
    node.take(*chain(BEN, [counted(11, NOON + 1)], after=counts))
    assert node.level() == naive.Level(11 + 3, 11 - 5, NOON + 1)


def test_what_a_count_says_of_an_event_holds_for_what_stands_in_its_place() -> None:
    wrong = chain(ANN, [moved("raise", 100, NOON)])
    count = chain(BEN, [counted(50, NOON + 1, excludes=[ref_of(wrong[-1])])])
    right = chain(CEM, [correcting(wrong[-1], "raise", 10)])
    node = Node()
    node.take(*count, *right, *wrong)
    assert node.level() == naive.Level(60, 50, NOON + 1)
    # Of the one that holds it says something else, and that goes first.
    node.take(*chain(BEN, [counted(50, NOON + 1, includes=[ref_of(right[-1])])], after=count))
    assert node.level() == naive.Level(50, 40, NOON + 1)


@pytest.mark.parametrize("store", [GRANARY, CELLAR])
def test_what_a_count_says_of_a_correction_goes_down_its_line_and_ends_where_that_is_cut(
    store: bytes,
) -> None:
    first = chain(ANN, [moved("raise", 1, NOON, store=store)])
    second = chain(BEN, [correcting(first[-1], "raise", 2, store=store)])
    third = chain(BEN, [correcting(second[-1], "raise", 4, store=store)], after=second)
    last = chain(CEM, [correcting(third[-1], "raise", 8)])
    count = chain(genesis("Dia"), [counted(100, NOON + 1, excludes=[ref_of(second[-1])])])
    node = Node()
    for blocks, here in ((first, 1), (second, 2), (count, 102), ([third[-1]], 104), (last, 108)):
        node.take(*blocks)
        if store == GRANARY or blocks in (count, last):
            assert node.level().on_hand == (100 if blocks is count and store == CELLAR else here)
    # What the count named is gone, and with it what led from there to the last.
    node.do(node.hearing(BEN.log, Cut(())))
    told = 8 + (1 if store == GRANARY else 0)
    assert node.level() == naive.Level(100, 100 - told, NOON + 1)


def test_a_later_count_makes_a_new_beginning_of_what_an_earlier_one_excluded() -> None:
    log = chain(ANN, [moved("raise", 2, NOON)])
    node = Node()
    node.take(*log, *chain(BEN, [counted(9, NOON + 1, excludes=[ref_of(log[1])]), counted(10, NOON + 5)]))
    assert node.level() == naive.Level(10, -1, NOON + 5)


# --- Lots, two stores, what one has by right -------------------------------------------------------------------


def test_each_lot_is_counted_for_itself_and_goes_by_its_code() -> None:
    node = Node()
    names = [
        Draft("store", store_value("Granary"), NOON),
        Draft("resource_specification", item_value("Wheat"), NOON),
        Draft("batch_lot_record", SPRING, NOON),
    ]
    moves = [moved("raise", 5, NOON), moved("raise", 7, NOON, lot=SPRING_LOT), counted(3, NOON + 1)]
    node.take(*chain(ANN, [*names, *moves]))
    assert [(each.lot, each.expires, each.on_hand) for each in levels(node.view)] == [
        ("", None, 3),
        ("spring", NOON + 1, 7),
    ]


def test_what_goes_from_one_store_to_another_is_in_one_of_them() -> None:
    node = Node()
    node.take(*chain(ANN, [moved("raise", 9, NOON), moved("move", 4, NOON + 1, to=CELLAR)]))
    assert (node.level().on_hand, node.level(CELLAR).on_hand) == (5, 4)


def test_what_was_picked_up_is_still_theirs_by_right_and_a_count_takes_what_is_missing_from_both() -> None:
    node = Node()
    place = (ALDER, GRANARY, WHEAT, b"")
    node.take(*chain(ANN, [moved("raise", 9, NOON), moved("pickup", 4, NOON + 1)]))
    assert (node.level().on_hand, node.accounting()[place]) == (5, 9)
    node.take(*chain(BEN, [counted(3, NOON + 2)]))
    assert (node.level().on_hand, node.accounting()[place]) == (3, 7)
    node.take(*chain(CEM, [moved("transfer_all_rights", 4, NOON + 3, receiver="Mill")]))
    assert (node.level().on_hand, node.accounting()[place]) == (3, 3)


def every(found: World) -> dict[bytes, int | None]:
    """Return that of each log of a world all that is told counts."""
    return dict.fromkeys(found.logs)


# --- The laws --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(8))
def test_any_order_grouping_and_repetition_of_any_world_give_the_rows_of_the_naive_twin(part: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(part * 12, part * 12 + 12):
        found = world(seed, 80, long=True) if seed % 4 == 0 else world(seed)
        counting, all_of = found.counting(), every(found)
        roots = set()
        for order in range(3):
            (*_, node) = deliver(found, seed * 7 + order)
            assert node.levels() == naive.levels(counting, all_of), (seed, order)
            assert node.accounting() == naive.accounting(counting, all_of), (seed, order)
            assert node.fulfilled() == naive.fulfilled(counting, all_of), (seed, order)
            assert node.root() == state_root_of(rooted_rows(node.view))
            roots.add(node.root())
        assert len(roots) == 1, seed
        for table in STOCK_TABLES:
            seen[table.name] += any(True for _ in node.view.scan(table))
    assert (
        min(seen[name] for name in ("stock_replaced", "movement_off", "stock_named", "stock_fulfilled")) > 1
    )


@given(st.integers(0, 2**32))
def test_when_every_log_is_cut_to_nothing_nothing_is_left(seed: int) -> None:
    found = world(seed)
    (*_, node) = deliver(found, seed)
    logs = list(LOGS)
    for begins in sorted(logs, key=lambda each: hash((seed, each.log))):
        node.do(node.hearing(begins.log, Cut(())))
    left = [table.name for table in STOCK_TABLES for _ in node.view.scan(table)]
    # Only where facts were named is remembered, as a bound that may be too wide.
    assert set(left) <= {"stock_referred"}


@given(st.integers(0, 2**32))
def test_over_all_stores_each_resource_adds_up_to_the_gram(seed: int) -> None:
    found = world(seed, counts=False)
    (*_, node) = deliver(found, seed)
    outside = Counter[tuple[bytes, bytes]]()
    for line in naive.lines(naive.counting(found.counting(), every(found))):
        value, action = line.event.value, line.event.value["action"]
        hands = action in naive.HANDS - {"transfer_all_rights", "copy"}
        came = (action in naive.ADDS and "store" in value) or (hands and "store" not in value)
        gone = (action in naive.TAKES and "store" in value) or (hands and "to" not in value)
        came = came or (action == "copy" and "to" in value)
        outside[line.event.scope, value["resource_conforms_to"]] += value["quantity"] * (came - gone)
    lying = Counter[tuple[bytes, bytes]]()
    for (realm, _, item, _), now in node.levels().items():
        lying[realm, item] += now.on_hand
    assert +lying == +outside
    assert -lying == -outside


@given(st.integers(0, 2**32))
def test_what_comes_late_changes_nothing_of_what_lies_there_after_a_later_count(seed: int) -> None:
    found = world(seed, counts=False)
    (*_, node) = deliver(found, seed)
    pools = [place for place in node.levels() if place[0] == ALDER]
    keeper = genesis("Keeper")
    counts = []
    for _, store, item, lot in pools:
        of_lot: dict[str, Any] = {"lot": lot} if lot else {}
        counts.append(counted(7, NOON + 1000 * HOUR, item, store, **of_lot))
    node.take(*chain(keeper, counts))
    late = world(seed + 1, counts=False)
    # Other people, and nothing that corrects what the first ones said.
    others = dict.fromkeys([LOGS[0].log, LOGS[1].log, LOGS[2].log])
    for number, log in enumerate(others):
        drafts = [
            Draft(record.kind, record.value, record.time)
            for block in late.logs[log][1:]
            for record in block.records()
        ]
        node.take(*chain(genesis(f"Late {number}"), drafts))
    after = node.levels()
    assert all(after[place].on_hand == 7 for place in pools)


def test_what_was_told_of_a_store_before_it_was_made_is_there_when_it_is() -> None:
    node = Node()
    node.take(*chain(ANN, [moved("raise", 5, NOON)]))
    assert [each.store for each in levels(node.view)] == [GRANARY.hex()[:8]]
    node.take(*chain(BEN, [Draft("store", store_value("Granary"), NOON)]))
    assert [(each.store, each.on_hand) for each in levels(node.view)] == [("Granary", 5)]
