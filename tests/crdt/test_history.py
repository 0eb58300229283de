"""What happened in a pool, read back from the blocks, leads to what lies there."""

import pytest

from fedsync.crdt.goods.history import Entry, Found, History, Moved, history
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.goods.tables import BALANCES, balance
from fedsync.crdt.goods.whylevels import why_stock
from fedsync.records.ed25519 import private_key
from fedsync.records.ids import NO_LOT
from fedsync.records.kinds.refs import FactRef
from fedsync.records.seal import seal
from tests.crdt import naive_stock as naive
from tests.crdt.granary import (
    ALDER,
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
    moved,
)
from tests.crdt.stockworlds import deliver, world

ANN, BEN = genesis("Ann"), genesis("Ben")
DAY = 24 * HOUR
KEY = (ALDER, GRANARY, WHEAT, NO_LOT)


def past(
    node: Node, key: object = KEY, limit: int = 10_000, since: int | None = None, most: int = 10_000
) -> History:
    return history(node.view, key, limit, since, most)  # type: ignore[arg-type]


def short(entry: Entry) -> tuple[object, ...]:
    """Return an entry as: what happened, and what lay there then."""
    if isinstance(entry, Found):
        return "counted", entry.quantity, entry.unexplained
    return entry.event.action, entry.delta, entry.after


def test_movements_and_counts_stand_in_the_order_in_which_they_happened() -> None:
    node = Node()
    node.take(*chain(ANN, [moved("raise", 500, NOON), counted(200, NOON + 2 * DAY)]))
    node.take(
        *chain(
            BEN, [moved("consume", 290, NOON + DAY, time=NOON + 9 * DAY), moved("raise", 5, NOON + 3 * DAY)]
        )
    )
    assert [short(each) for each in past(node).entries] == [
        ("raise", 500, 500),
        ("consume", -290, 210),
        ("counted", 200, -10),
        ("raise", 5, 205),
    ]


def test_what_is_put_right_stays_in_its_place_and_changes_nothing() -> None:
    log = chain(ANN, [moved("raise", 500, NOON)])
    first = log[-1]
    ref = FactRef(ANN.log, first.last, first.tip)
    log = chain(ANN, [moved("raise", 50, NOON, time=NOON + DAY, corrects=ref.value)], log)
    node = Node()
    node.take(*log)
    old, new = past(node).entries
    assert isinstance(old, Moved)
    assert isinstance(new, Moved)
    assert (old.by, old.after) == (new.id, None)
    assert (new.by, new.after, new.event.corrects) == (None, 50, ref)


def test_a_movement_into_a_second_store_is_in_the_history_of_both() -> None:
    node = Node()
    node.take(*chain(ANN, [moved("raise", 9, NOON), moved("move", 4, NOON + 1, to=CELLAR)]))
    assert short(past(node).entries[-1]) == ("move", -4, 5)
    assert short(past(node, (ALDER, CELLAR, WHEAT, NO_LOT)).entries[-1]) == ("move", 4, 4)


def test_what_a_count_names_stands_on_the_side_that_it_says() -> None:
    log = chain(ANN, [moved("raise", 100, NOON), moved("consume", 30, NOON + 5)])
    early, late = (FactRef(ANN.log, each.last, each.tip) for each in log[1:])
    says = counted(70, NOON + 3, time=NOON + 9, includes=[late.value])
    node = Node()
    node.take(*chain(ANN, [says], log))
    assert [short(each) for each in past(node).entries] == [
        ("raise", 100, 100),
        ("consume", -30, 70),
        ("counted", 70, 0),
    ]
    says = counted(0, NOON + 3, time=NOON + 9, excludes=[early.value])
    other = Node()
    other.take(*chain(ANN, [says], log))
    assert [short(each) for each in past(other).entries] == [
        ("counted", 0, 0),
        ("raise", 100, 100),
        ("consume", -30, 70),
    ]


def test_of_a_long_history_the_newest_days_are_read_and_the_rest_is_counted() -> None:
    days = 60
    told = [moved("raise", 1 + at, NOON + at * DAY) for at in range(days)]
    node = Node()
    node.take(*chain(ANN, told))
    whole, part = past(node), past(node, limit=5)
    assert (whole.left_out, len(part.entries), part.left_out) == (0, 5, days - 5)
    assert part.entries == whole.entries[-5:]
    assert past(node, since=NOON + 50 * DAY).entries[-9:] == whole.entries[-9:]
    node.take(*chain(BEN, [counted(7, NOON + (days - 3) * DAY + 1, time=NOON + days * DAY)]))
    part = past(node, limit=5)
    # What lay there before the count that was read is not known without the rest.
    assert [short(each)[2] for each in part.entries] == [None] * 3 + [7 - 58 * 59 // 2, 7 + 59, 7 + 59 + 60]
    assert [short(each) for each in part.entries[-3:]] == [short(each) for each in past(node).entries[-3:]]


def test_of_a_day_with_too_much_the_latest_is_read_and_nothing_between_is_missing() -> None:
    node = Node()
    for shift in range(12):
        told = [moved("raise", 1 + at, NOON + 100 * at + 7 * shift) for at in range(10)]
        node.take(*chain(genesis(f"log {shift}"), told))
    whole = past(node)
    assert len(whole.entries) == 120
    for most in (1, 7, 50, 109):
        part = past(node, most=most)
        assert 0 < len(part.entries) < 120
        assert part.left_out == 120 - len(part.entries)
        assert part.entries == whole.entries[-len(part.entries) :]


def test_what_lies_far_apart_in_a_long_log_is_found() -> None:
    told = [moved("raise", 1, NOON + at, WHEAT if at % 700 == 0 else OATS) for at in range(2_200)]
    node = Node()
    node.take(*seal(private_key(b"a" * 32), ANN, None, told, time=0))
    assert [short(each) for each in past(node).entries] == [("raise", 1, at) for at in (1, 2, 3, 4)]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happened_leads_to_what_lies_there(seed: int) -> None:
    node, places = _delivered(seed)
    for cells, row in node.view.scan(BALANCES):
        key: naive.Place = cells  # type: ignore[assignment]
        now = balance(row)
        found = past(node, key)
        moves = [each for each in found.entries if isinstance(each, Moved)]
        assert found.left_out == 0
        part = past(node, key, limit=3)
        assert len(part.entries) + part.left_out == len(found.entries)
        for seen, entry in zip(part.entries[::-1], found.entries[::-1], strict=False):
            assert seen.id == entry.id
            assert short(seen) == short(entry) or short(seen)[2] is None
        assert len(moves) == now.told
        assert sum(each.by is None for each in moves) == now.events
        if key not in places:
            continue
        last = [each for each in found.entries if isinstance(each, Found) and each.holds][-1:]
        assert [each.unexplained for each in last] == ([] if now.counted_at is None else [now.unexplained])
        stands = [
            each
            for each in found.entries
            if (isinstance(each, Found) and each.holds) or (isinstance(each, Moved) and each.by is None)
        ]
        if stands:
            end = stands[-1]
            assert (end.quantity if isinstance(end, Found) else end.after) == places[key].on_hand


def _delivered(seed: int) -> tuple[Node, dict[naive.Place, naive.Level]]:
    """Return a node that holds a random world, and what lies where by the naive twin."""
    found = world(seed)
    (*_, node) = deliver(found, seed)
    return node, dict(naive.levels(found.counting(), dict.fromkeys(found.logs)))


def test_why_tells_what_was_recorded_late_and_what_it_explains() -> None:
    node = Node()
    node.take(*chain(ANN, [moved("raise", 810, NOON), counted(510, NOON + 6 * DAY)]))
    node.take(*chain(BEN, [moved("consume", 300, NOON + DAY, time=NOON + 9 * DAY)]))
    (level,) = levels(node.view)
    lines = why_stock(node.view, level, day=lambda ms: f"day {(ms - NOON) // DAY}")
    assert lines == [
        "510 1 = count of day 6, 510 1, + 0 1 since.",
        "The count agrees with the records: an empty store + 510 1 until then.",
        "300 1 that left on day 1 were recorded on day 9, after that count.",
        "When it was counted, 300 1 less was there than was recorded; what was recorded since leaves nothing to explain."
        " What lies there now is as counted.",
    ]
