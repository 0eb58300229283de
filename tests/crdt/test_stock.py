"""Stores: what lies there is the last count and what moved after it, however and whenever word of it came."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.goods import facts, sums
from fedsync.crdt.goods.levels import find_items, find_store, levels
from fedsync.crdt.goods.tables import BALANCES, COUNTS, ITEMS, RUNS, STORES
from fedsync.crdt.goods.whylevels import why_stock
from fedsync.crdt.goods.whystock import why_fact
from fedsync.crdt.logs.seats import All, Bound, Cut, Pending
from fedsync.crdt.realms import is_local, local_realm
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Base, Block, merge
from fedsync.records.genesis import PERSON, Genesis
from fedsync.records.ids import NO_LOT, LogClass, LogId, Reach
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
    WHEAT,
    Node,
    chain,
    counted,
    genesis,
    id_of,
    interleaved,
    item_value,
    moved,
    opening,
    regrouped,
    store_value,
    told,
)
from tests.crdt.granary import ANN as ANN_KEY
from tests.crdt.naive_root import rooted_rows, state_root_of

ANN, BEN = genesis("Ann"), genesis("Ben")


def node_with(*drafts: Draft, of: Genesis = ANN) -> Node:
    """Return a node that has taken one log, in one block."""
    node = Node()
    node.take(merge(chain(of, drafts)))
    return node


# --- Counts and movements -------------------------------------------------------------------------------


def test_what_moved_is_added_up() -> None:
    node = node_with(moved("raise", 500, NOON), moved("consume", 120, NOON + 1), moved("use", 7, NOON + 2))
    assert node.level() == naive.Level(380)


def test_stock_below_zero_is_shown_as_it_is() -> None:
    assert node_with(moved("consume", 5, NOON)).level() == naive.Level(-5)


def test_a_count_is_where_stock_begins_anew() -> None:
    node = node_with(
        moved("raise", 500, NOON), counted(480, NOON + HOUR), moved("consume", 30, NOON + 2 * HOUR)
    )
    assert node.level() == naive.Level(450, -20, NOON + HOUR)


def test_a_late_movement_from_before_a_count_explains_it_and_takes_nothing_away_twice() -> None:
    node = node_with(moved("raise", 800, NOON), counted(510, NOON + 5 * HOUR))
    assert node.level() == naive.Level(510, -290, NOON + 5 * HOUR)
    node.take(merge(chain(BEN, [moved("consume", 290, NOON + HOUR, time=NOON + 9 * HOUR)])))
    assert node.level() == naive.Level(510, 0, NOON + 5 * HOUR)


def test_a_movement_at_the_instant_of_a_count_comes_before_it() -> None:
    node = node_with(counted(10, NOON), moved("raise", 3, NOON), moved("raise", 4, NOON + 1))
    assert node.level() == naive.Level(14, 7, NOON)


def test_of_two_counts_at_one_instant_in_one_log_the_later_holds() -> None:
    node = node_with(counted(10, NOON), counted(12, NOON))
    assert node.level() == naive.Level(12, 12, NOON)


def test_counts_of_two_logs_at_one_instant_are_contested_and_the_larger_id_holds_meanwhile() -> None:
    mine, theirs = chain(ANN, [counted(10, NOON)]), chain(BEN, [counted(12, NOON)])
    node = Node()
    node.take(*mine, *theirs)
    larger = 10 if mine[1].tip > theirs[1].tip else 12
    assert node.level() == naive.Level(larger, larger, NOON, contested=True)
    node.take(*chain(BEN, [counted(11, NOON + 1)], after=theirs))
    assert node.level() == naive.Level(11, 11 - larger, NOON + 1)


def test_a_late_count_changes_what_a_later_one_could_not_explain() -> None:
    last = counted(30, NOON + 5 * HOUR)
    node = node_with(moved("raise", 9, NOON), counted(10, NOON + HOUR), last)
    assert node.level() == naive.Level(30, 20, NOON + 5 * HOUR)
    rivals = chain(BEN, [counted(11, NOON + HOUR), counted(25, NOON + HOUR)])
    node.take(*rivals)
    (mine,) = (row[0] for key, row in node.view.scan(COUNTS) if row[1] == 10)
    larger = 10 if mine > rivals[2].tip else 25  # type: ignore[operator]
    assert node.level() == naive.Level(30, 30 - larger, NOON + 5 * HOUR)
    node.take(*chain(genesis("Cem"), [counted(28, NOON + 2 * HOUR), moved("raise", 2, NOON + 2 * HOUR)]))
    assert node.level() == naive.Level(30, 2, NOON + 5 * HOUR)


def test_a_count_says_nothing_of_other_items_and_stores() -> None:
    node = node_with(
        moved("raise", 5, NOON, OATS), moved("raise", 6, NOON, WHEAT, CELLAR), counted(1, NOON + 1)
    )
    assert node.level(item=OATS) == naive.Level(5)
    assert node.level(CELLAR) == naive.Level(6)


def test_events_of_one_body_never_touch_the_stores_of_another() -> None:
    node = node_with(moved("raise", 5, NOON))
    node.take(merge(chain(genesis("Mallory", BIRCH), [moved("lower", 5, NOON), counted(0, NOON + 1)])))
    assert node.level() == naive.Level(5)
    assert node.level(scope=BIRCH) == naive.Level(0, 5, NOON + 1)


def test_sums_beyond_64_bits_are_kept() -> None:
    enough = 1025
    node = Node()
    start = opening(ANN)
    moves = [moved("raise", 2**53, NOON + at) for at in range(enough)]
    node.take(start, *seal(ANN_KEY, ANN, Base(ANN, 0, start.tip, START), [*moves, counted(1, NOON + enough)]))
    node.take(*chain(BEN, [moved("raise", 5, NOON + enough + 1)]))
    assert node.level() == naive.Level(6, 1 - enough * 2**53, NOON + enough)
    assert all(
        not isinstance(cell, int) or abs(cell) < 2**63 for _, row in node.view.scan(BALANCES) for cell in row
    )


class Opened(MemoryView):
    """A state that notes from where its logs are read again."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[tuple[LogId, int]] = []

    def blocks(self, log: LogId, first: int = 0) -> Iterator[Block]:
        """Yield as always."""
        self.opened.append((log, first))
        return super().blocks(log, first)


def test_a_late_count_reads_again_only_the_part_of_a_log_that_it_falls_into_the_middle_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sums, "PART", 48)
    day = 24 * HOUR
    blocks = chain(ANN, [moved("raise", 1, NOON + at * HOUR) for at in range(240)])
    node = Node(view=Opened())
    node.take(blocks[0], *[merge(blocks[at : at + 48]) for at in range(1, 241, 48)])
    assert isinstance(node.view, Opened)
    node.view.opened.clear()
    mine = chain(BEN, [counted(100, NOON + 9 * day + 1), counted(50, NOON + 5 * day + 12 * HOUR)])
    node.take(*mine[:2])
    assert node.level() == naive.Level(100 + 23, 100 - 217, NOON + 9 * day + 1)
    node.take(mine[2])
    assert node.level() == naive.Level(100 + 23, 100 - (50 + 217 - 133), NOON + 9 * day + 1)
    firsts = {first for log, first in node.view.opened if log == ANN.log}
    assert firsts <= {97, 193}, firsts


# --- Whose facts count ----------------------------------------------------------------------------------


def test_facts_wait_until_a_page_gives_their_author_a_seat() -> None:
    node = Node({ANN.log: Pending()})
    node.take(*chain(ANN, [moved("raise", 5, NOON)]))
    assert node.levels() == {}
    node.do(node.hearing(ANN.log, All()))
    assert node.level() == naive.Level(5)


def test_what_is_above_a_cut_is_taken_out_and_what_is_on_the_chain_of_its_tip_stays() -> None:
    blocks = chain(ANN, [moved("raise", 5, NOON), counted(4, NOON + 1), moved("raise", 9, NOON + 2)])
    node = Node()
    node.take(*blocks)
    node.do(node.hearing(ANN.log, Cut(((1, blocks[1].tip),))))
    assert node.level() == naive.Level(5)
    node.do(node.hearing(ANN.log, Cut(())))
    assert node.levels() == {}
    assert [row for table in (BALANCES, COUNTS, RUNS) for row in node.view.scan(table)] == []


def test_a_cut_in_the_middle_of_blocks_that_overlap_takes_out_each_record_once() -> None:
    blocks = chain(ANN, [moved("raise", 2**at, NOON + at) for at in range(6)])
    node = Node()
    node.take(merge(blocks[:4]), merge(blocks[2:6]), merge(blocks[1:]))
    node.do(node.hearing(ANN.log, Cut(((5, blocks[5].tip),))))
    assert node.level() == naive.Level(31)
    node.take(*chain(BEN, [counted(7, NOON + 2)]))
    assert node.level() == naive.Level(7 + 8 + 16, 0, NOON + 2)


def test_of_a_cut_log_nothing_counts_before_the_record_that_it_is_cut_at_is_held() -> None:
    blocks = chain(ANN, [moved("raise", 5, NOON), moved("raise", 6, NOON), moved("raise", 7, NOON)])
    node = Node({ANN.log: Cut(((2, blocks[2].tip),))})
    node.take(*blocks[:2])
    assert node.levels() == {}
    node.take(*blocks[2:])
    assert node.level() == naive.Level(11)


def test_above_a_fork_nothing_counts_on_either_branch() -> None:
    trunk = chain(ANN, [moved("raise", 1, NOON), moved("raise", 2, NOON)])
    one = chain(ANN, [moved("raise", 4, NOON), counted(9, NOON + 1)], after=trunk)
    other = chain(ANN, [moved("raise", 8, NOON, OATS)], after=trunk)
    node = Node()
    node.take(*one)
    node.view.hold(other[-1])
    node.do(node.forking(ANN.log, 3))
    assert node.levels() == {(ALDER, GRANARY, WHEAT, NO_LOT): naive.Level(3)}
    node.do(node.forking(ANN.log, 2))
    assert node.level() == naive.Level(1)
    node.take(*chain(BEN, [moved("raise", 1, NOON)]), *one)
    assert node.level() == naive.Level(2)


@pytest.mark.parametrize(
    "begins",
    [
        genesis("plans", log_class=LogClass.PLANS),
        genesis("person", capacity=PERSON),
    ],
)
def test_facts_count_only_in_a_seats_log_of_facts(begins: Genesis) -> None:
    node = Node()
    node.take(*chain(begins, [moved("raise", 5, NOON)]))
    node.do(node.forking(begins.log, 1))
    assert rooted_rows(node.view) == []
    assert facts.why_inert(begins) is not None


def test_what_is_kept_local_is_added_up_by_itself_and_stands_under_no_root() -> None:
    home = genesis("home", reach=Reach.LOCAL)
    node = node_with(moved("raise", 5, NOON))
    alone, root = node.levels(), node.root()
    node.take(*chain(home, [moved("raise", 7, NOON), Draft("store", store_value("Pantry"), NOON)]))
    assert node.level(scope=local_realm(ALDER)) == naive.Level(7)
    assert {key: each for key, each in node.levels().items() if not is_local(key[0])} == alone
    assert node.root() == root
    assert [(each.local, each.on_hand, each.scope) for each in levels(node.view, ALDER)] == [
        (False, 5, ALDER),
        (True, 7, ALDER),
    ]
    node.do(node.forking(home.log, 1))
    assert node.levels() == alone


# --- Names ----------------------------------------------------------------------------------------------


def named(of: Genesis, unit: str = "g") -> list[Block]:
    """Return a log that names a store and an item, and puts something there."""
    wheat = item_value("Wheat", unit)
    return chain(
        of,
        [
            Draft("store", store_value("Granary"), NOON),
            Draft("resource_specification", wheat, NOON),
            moved("raise", 5, NOON, id_of(wheat)),
        ],
    )


def test_two_who_make_one_store_at_once_make_one_store() -> None:
    node = Node()
    node.take(*named(ANN), *named(BEN))
    (row,) = levels(node.view, ALDER)
    assert (row.store, row.item, row.unit, row.on_hand) == ("Granary", "Wheat", "g", 10)
    assert find_store(node.view, ALDER, "Granary") == GRANARY
    assert list(find_items(node.view, ALDER, "Wheat")) == [
        WHEAT,
    ]
    assert (levels(node.view, BIRCH), find_store(node.view, ALDER, "Barn")) == ([], None)


def test_items_of_one_name_in_two_units_are_shown_side_by_side() -> None:
    node = Node()
    node.take(*named(ANN), *named(BEN, "kg"))
    assert [(row.item, row.unit, row.on_hand) for row in levels(node.view)] == [
        ("Wheat", "g", 5),
        ("Wheat", "kg", 5),
    ]
    assert {each.unit for each in find_items(node.view, ALDER, "Wheat").values()} == {"g", "kg"}


def test_a_name_stays_as_long_as_one_log_that_counts_gives_it() -> None:
    node = Node()
    node.take(*named(ANN), *named(BEN))
    node.do(node.hearing(ANN.log, Cut(())))
    assert levels(node.view)[0].store == "Granary"
    node.do(node.hearing(BEN.log, Cut(())))
    assert [row for table in (STORES, ITEMS) for row in node.view.scan(table)] == []


def test_a_store_of_another_body_is_not_made_here() -> None:
    node = node_with(Draft("store", store_value("Granary", BIRCH), NOON))
    assert list(node.view.scan(STORES)) == []


def test_what_nobody_has_named_goes_by_its_short_id() -> None:
    (row,) = levels(node_with(moved("raise", 1, NOON)).view)
    assert (row.store, row.item, row.unit) == (GRANARY.hex()[:8], WHEAT.hex()[:8], "1")


# --- Why ------------------------------------------------------------------------------------------------


def test_why_a_store_holds_what_it_holds_can_be_read() -> None:
    node = Node()
    node.take(
        *named(ANN), *chain(BEN, [counted(2, NOON + 1), counted(9, NOON + 3), moved("lower", 12, NOON + 4)])
    )
    (level,) = levels(node.view)
    assert why_stock(node.view, level, day=lambda ms: f"day {ms - NOON}") == [
        "-3 g = count of day 3, 9 g, - 12 g since.",
        "The count found 7 g more than the records explain: count of day 1, 2 g, + 0 g until then.",
        "Less than nothing can't lie in a store: a movement was not recorded, or recorded twice. Count it.",
    ]


def test_why_without_a_count_and_with_a_contested_one() -> None:
    node = Node()
    node.take(*named(ANN))
    (level,) = levels(node.view)
    assert why_stock(node.view, level, day=str) == ["5 g = 1 movement; nobody has counted yet."]
    mine, theirs = chain(BEN, [counted(5, NOON + 1)]), chain(genesis("Cem"), [counted(5, NOON + 1)])
    node.take(*mine, *theirs)
    (level,) = levels(node.view)
    lines = why_stock(node.view, level, day=lambda ms: "noon")
    ids = sorted([mine[1].tip.hex()[:8], theirs[1].tip.hex()[:8]])
    assert lines[1:] == [
        "The count agrees with the records: an empty store + 5 g until then.",
        f"Contested: different people counted at that moment: 5 g (record {ids[0]}), 5 g (record {ids[1]})."
        " The last of these is used meanwhile; count again to settle it.",
    ]


def test_why_a_fact_counts_or_does_not_can_be_read() -> None:
    blocks = chain(ANN, [moved("raise", 1, NOON), moved("transfer", 1, NOON), moved("raise", 1, NOON)])
    node = Node({ANN.log: Pending()})
    node.take(*blocks)

    def code(at: int) -> tuple[str, str]:
        verdict = why_fact(node.view, blocks[at].record(0))
        return verdict.status, verdict.code

    assert code(1) == ("pending", "no_seat")
    assert code(2) == ("void", "second_store")
    node.do(node.hearing(ANN.log, All()))
    assert code(1) == ("counts", "counts")
    node.do(node.forking(ANN.log, 3))
    assert (code(1), code(3)) == (("counts", "counts"), ("disputed", "fork"))
    node.do(node.hearing(ANN.log, Cut(())))
    assert code(1) == ("cut", "dropped")
    assert code(0) == ("inert", "unknown")


# --- The laws: any order, any grouping, any repetition --------------------------------------------------

ODD: list[dict[str, Any]] = [
    {"quantity": -1},
    {"quantity": True},
    {"quantity": "5"},
    {"action": "vanish"},
    {"action": "transfer"},
    {"action": 5},
    {"store": b"short"},
    {"store": [GRANARY]},
    {"resource_conforms_to": None},
    {"has_point_in_time": NOON + 3 * 24 * HOUR},
    {"has_point_in_time": -(2**60)},
    {"has_point_in_time": None},
    {"odd": 1},
    {"note": "by cart"},
    {"note": {"de": "mit dem Karren"}},
    {"note": 5},
]


@st.composite
def said(draw: st.DrawFn) -> Draft:
    """Draw a fact: mostly sound ones, few instants so that they meet, and every kind of nonsense."""
    at = NOON + draw(st.integers(0, 6)) * HOUR
    store, item = draw(st.sampled_from([GRANARY, CELLAR])), draw(st.sampled_from([WHEAT, WHEAT, OATS]))
    quantity = draw(st.integers(0, 20))
    if draw(st.integers(0, 3)) == 0:
        made = counted(quantity, at, item, store)
    else:
        made = moved(draw(st.sampled_from(["raise", "consume", "produce", "use"])), quantity, at, item, store)
    if draw(st.integers(0, 7)) == 0:
        assert isinstance(made.value, dict)
        change = draw(st.sampled_from(ODD))
        return Draft(made.kind, {**made.value, **change}, made.time)
    if draw(st.integers(0, 11)) == 0:
        return Draft(draw(st.sampled_from(["intent", "store", "economic_event", "count"])), [1, "odd"], NOON)
    return made


LOGS = [genesis("Ann"), genesis("Ben"), genesis("Cem", BIRCH), genesis("Dia")]

world = st.tuples(*[st.lists(said(), max_size=9) for _ in LOGS])


def limit_of(bound: Bound, fork: int | None) -> int | None:
    """Return how many records of a log count, when all of it is held."""
    if isinstance(bound, Pending):
        return 0
    if isinstance(bound, Cut):
        upto = max((seq + 1 for seq, _ in bound.tips), default=0)
        return upto if fork is None else min(upto, fork)
    return fork


@given(world, st.integers(0, 2**32), st.data())
def test_any_order_grouping_and_repetition_give_the_levels_of_the_naive_twin_and_one_root(
    drafts: tuple[list[Draft], ...], seed: int, data: st.DataObject
) -> None:
    logs = [chain(begins, each) for begins, each in zip(LOGS, drafts, strict=True)]
    bounds: dict[Any, Bound] = {}
    forks: dict[Any, tuple[int, Block]] = {}
    for blocks in logs:
        log, seq = blocks[0].log, data.draw(st.integers(1, max(1, len(blocks) - 1)))
        choice = data.draw(st.sampled_from(["all", "all", "cut", "gone", "pending"]))
        at = min(seq, len(blocks) - 1)
        bounds[log] = {
            "all": All(),
            "pending": Pending(),
            "gone": Cut(()),
            "cut": Cut(((at, blocks[at].tip),)),
        }[choice]  # type: ignore[assignment]
        if len(blocks) > 1 and data.draw(st.integers(0, 3)) == 0:
            forks[log] = seq, chain(blocks[0].genesis, [moved("raise", 999, NOON)], after=blocks[:seq])[-1]
    limits = {log: limit_of(bound, forks[log][0] if log in forks else None) for log, bound in bounds.items()}
    expected = naive.levels(told(block for blocks in logs for block in blocks), limits)

    roots = set()
    for order in range(3):
        random = Random(seed + order)
        node = Node({log: random.choice([Pending(), All(), bound]) for log, bound in bounds.items()})
        queues: list[list[Any]] = [regrouped(blocks, random) for blocks in logs]
        queues.extend([("bound", log, bound)] for log, bound in bounds.items())
        queues.extend([("fork", log, *fork)] for log, fork in forks.items())
        steps = interleaved(queues, random)
        while steps:
            batch, steps = steps[: (cut := random.randint(1, 6))], steps[cut:]
            node.do(*[_step(node, each) for each in batch], ask=random.random() < 0.3)
        assert node.levels() == expected
        assert node.root() == state_root_of(rooted_rows(node.view))
        roots.add(node.root())
    assert len(roots) == 1


def _step(node: Node, step: Any) -> Any:
    if isinstance(step, Block):
        node.view.hold(step)
        return node.folding(step)
    what, log, *rest = step
    if what == "bound":
        return node.hearing(log, rest[0])
    node.view.hold(rest[1])
    return node.forking(log, rest[0])


@given(st.lists(said(), max_size=12), st.lists(said(), max_size=5))
def test_a_movement_that_happened_before_the_last_count_never_changes_what_lies_there(
    first: list[Draft], later: list[Draft]
) -> None:
    node = node_with(*first, counted(17, NOON + 6 * HOUR))
    assert node.level().on_hand == 17
    node.take(*chain(BEN, [each for each in later if each.kind == "economic_event"]))
    assert node.level().on_hand == 17


@given(st.lists(said(), min_size=1, max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_reading_by_columns_and_one_by_one_agree(drafts: list[Draft], low: int, high: int) -> None:
    blocks = chain(ANN, drafts)
    whole = facts.read(merge(blocks), low, high)
    one_by_one = facts.Facts()
    for block in blocks[low:high]:
        for columns in block.columns():
            if columns.kind in ("economic_event", "count", "store"):
                facts._one_by_one(one_by_one, block, columns)
    assert {
        pair: sorted(zip(each.times, each.deltas, strict=True)) for pair, each in whole.moves.items()
    } == {pair: sorted(zip(each.times, each.deltas, strict=True)) for pair, each in one_by_one.moves.items()}
    assert {pair: set(each) for pair, each in whole.counts.items()} == {
        pair: set(each) for pair, each in one_by_one.counts.items()
    }
