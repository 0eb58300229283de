"""The whole fold, books and stores together: whose facts count follows from the book, whatever came first."""

import csv
import gzip
from collections.abc import Sequence
from importlib.resources import files
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.crdt import fold, root
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.goods.tables import BALANCES, balance
from fedsync.crdt.goods.whystock import why_fact
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Base, Block, merge
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import Genesis
from fedsync.records.ids import NO_LOT, LogClass, PageId, Reach, Scope, payload_id
from fedsync.records.places import START
from fedsync.records.seal import Draft, seal
from tests.crdt import naive_stock as naive
from tests.crdt.books import append, genesis, opening, private, tag, tip
from tests.crdt.granary import (
    GRANARY,
    HOUR,
    NOON,
    OATS,
    WHEAT,
    counted,
    id_of,
    interleaved,
    item_value,
    moved,
    regrouped,
    store_value,
    told,
)
from tests.crdt.naive_root import rooted_rows, state_root_of

BODY = "Alder"
SCOPE = tag(BODY)
TELLERS = ("Ann", "Ben", "Cem")


def facts_of(name: str) -> Genesis:
    """Return the beginning of a teller's log of facts."""
    return genesis(f"facts of {name}", name, BODY, reach=Reach.REGION, log_class=LogClass.FACTS)


def told_by(name: str, drafts: Sequence[Draft], after: Sequence[Block] = ()) -> list[Block]:
    """Return a teller's log of facts, a block for each record."""
    found = list(after) or [opening(name, facts_of(name))]
    for draft in drafts:
        found.append(append(name, tip(found[-1]), draft))
    return found


def epoch(names: Sequence[str], cuts: Sequence[Value] = ()) -> Value:
    """Return an epoch entry with these tellers, two of whom decide."""
    seats: list[Value] = [{"genesis": genesis(each, each, BODY).payload} for each in names]
    return {
        "kind": "epoch",
        "name": BODY,
        "classification": "community",
        "level": 0,
        "seats": seats,
        "k": 2,
        "cuts": list(cuts),
    }


PAGE0: dict[str, Value] = {
    "body": None,
    "number": 0,
    "prev": None,
    "entries": [epoch(TELLERS)],
    "scope": SCOPE,
}
BODY_ID = PageId(payload_id(pack(PAGE0)))


def page1(cuts: Sequence[Value]) -> dict[str, Value]:
    """Return the page on which Cem loses the seat."""
    entries: list[Value] = [epoch(TELLERS[:2], cuts)]
    return {"body": BODY_ID, "number": 1, "prev": BODY_ID, "entries": entries}


def book(*pages: dict[str, Value]) -> list[list[Block]]:
    """Return the tellers' logs: Ann drafts the pages, and Ann and Ben sign and approve each but page 0."""
    logs: list[list[Block]] = []
    for name in TELLERS:
        blocks = [opening(name, genesis(name, name, BODY))]
        drafts = [Draft("page", page, NOON) for page in pages] if name == "Ann" else []
        for page in pages[1:] if name != "Cem" else ():
            id_ = payload_id(pack(page))
            voice: dict[str, Value] = {"page": id_, "slot": page["prev"], "round": 1}
            drafts += [Draft("signature", voice, NOON), Draft("approval", voice, NOON)]
        for draft in drafts:
            blocks.append(append(name, tip(blocks[-1]), draft))
        logs.append(blocks)
    return logs


class Node:
    """A node that follows one body or none yet."""

    def __init__(self) -> None:
        self.view = MemoryView()

    def take(self, *steps: Any) -> None:
        """Take blocks, forks (log, seq) and bodies (scope, page 0), in one batch."""
        draft = StateDraft(self.view)
        for step in steps:
            match step:
                case Block():
                    self.view.hold(step)
                    fold.apply_block(draft, step)
                case (log, int(seq)):
                    fold.apply_fork(draft, log, seq)
                case (scope, bytes(body)):
                    fold.apply_bind(draft, Scope(scope), PageId(body))
        root.note(draft)
        self.view.commit(draft.changes)

    def levels(self) -> dict[naive.Place, naive.Level]:
        """Return what lies where."""
        found: dict[naive.Place, naive.Level] = {}
        for key, row in self.view.scan(BALANCES):
            now = balance(row)
            found[key] = naive.Level(now.on_hand, now.unexplained, now.counted_at, bool(now.contested))  # type: ignore[index]
        return found

    def root(self) -> bytes:
        """Return the state root."""
        return root.state_root(StateDraft(self.view))


FOLLOW = (SCOPE, BODY_ID)


def test_facts_count_when_the_book_gives_their_author_a_seat() -> None:
    facts = told_by("Ann", [moved("raise", 5, NOON)])
    node = Node()
    node.take(*facts)
    assert node.levels() == {}
    assert why_fact(node.view, facts[1].record(0)).status == "pending"
    node.take(FOLLOW, *[block for log in book(PAGE0) for block in log])
    assert node.levels() == {(SCOPE, GRANARY, WHEAT, NO_LOT): naive.Level(5)}
    assert why_fact(node.view, facts[1].record(0)).status == "counts"


def test_a_strangers_facts_never_count() -> None:
    node = Node()
    node.take(FOLLOW, *[block for log in book(PAGE0) for block in log])
    node.take(*told_by("Mallory", [moved("raise", 5, NOON)]))
    assert node.levels() == {}


def test_who_loses_the_seat_keeps_what_the_page_names_and_no_more() -> None:
    cem = told_by("Cem", [moved("raise", 5, NOON), moved("raise", 6, NOON), moved("raise", 7, NOON)])
    logs = book(PAGE0, page1([[cem[2].log, 2, cem[2].tip]]))
    node = Node()
    node.take(FOLLOW, *cem, *[block for log in logs for block in log])
    assert node.levels() == {(SCOPE, GRANARY, WHEAT, NO_LOT): naive.Level(11)}
    late = Node()
    late.take(FOLLOW, *[block for log in logs for block in log], *cem[:2])
    assert late.levels() == {}
    assert why_fact(late.view, cem[1].record(0)).code == "tip_missing"
    late.take(*cem[2:])
    assert late.root() == node.root()


sayings = st.lists(
    st.builds(
        lambda action, quantity, hour, item: (
            counted(quantity, NOON + hour * HOUR, item)
            if action == "count"
            else moved(action, quantity, NOON + hour * HOUR, item)
        ),
        st.sampled_from(["raise", "consume", "count"]),
        st.integers(0, 9),
        st.integers(0, 5),
        st.sampled_from([WHEAT, OATS]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=30)
@given(st.tuples(sayings, sayings, sayings), st.integers(0, 2**32), st.integers(0, 6), st.booleans())
def test_any_order_of_books_facts_forks_and_following_gives_one_state(
    drafts: tuple[list[Draft], ...], seed: int, kept: int, forks: bool
) -> None:
    named = [
        Draft("store", store_value("Granary", SCOPE), NOON),
        Draft("resource_specification", item_value("Wheat"), NOON),
    ]
    facts = [told_by(name, [*named, *each]) for name, each in zip(TELLERS, drafts, strict=True)]
    kept = min(kept, len(facts[2]) - 1)
    cut = facts[2][kept]
    logs = [*book(PAGE0, page1([[cut.log, kept, cut.tip]])), *facts]
    limits: dict[bytes, int | None] = {facts[0][0].log: None, facts[1][0].log: None, cut.log: kept + 1}
    waiting: list[list[Any]] = [[FOLLOW]]
    if forks:
        branch = told_by("Ben", [moved("raise", 99, NOON)], after=facts[1][:2])[-1]
        limits[branch.log] = 2
        waiting.append([branch, (branch.log, 2)])
    expected = naive.levels(told(block for log in facts for block in log), limits)
    roots = set()
    for order in range(3):
        random = Random(seed + order)
        queues = [
            regrouped(log, random) if log[0].genesis.log_class is LogClass.FACTS else log for log in logs
        ]
        node = Node()
        steps = interleaved([*queues, *waiting], random)
        if forks:
            # A store learns of a fork from the two branches, so the word of it comes after both.
            steps.remove((branch.log, 2))
            steps.append((branch.log, 2))
        while steps:
            size = random.randint(1, 8)
            node.take(*steps[:size])
            steps = steps[size:]
        assert node.levels() == expected
        assert node.root() == state_root_of(rooted_rows(node.view))
        roots.add(node.root())
    assert len(roots) == 1


def test_all_at_once_or_one_by_one_is_the_same() -> None:
    blocks = [block for log in book(PAGE0) for block in log] + told_by("Ann", [moved("raise", 5, NOON)])
    view, other = MemoryView(), MemoryView()
    for each in (view, other):
        draft = StateDraft(each)
        fold.apply_bind(draft, SCOPE, BODY_ID)
        each.commit(draft.changes)
    for block in blocks:
        view.hold(block)
        other.hold(block)
        other.commit(fold.apply(other, block))
    view.commit(fold.apply(view, *blocks))
    assert rooted_rows(view) == rooted_rows(other)
    assert fold.apply(view, *blocks) == {}


def test_logs_of_a_class_that_is_not_read_yet_change_nothing() -> None:
    begins = genesis("later", "Ann", BODY, log_class=LogClass.TEXTS)
    assert fold.apply(MemoryView(), opening("Ann", begins)) == {}


def test_every_table_has_a_name_of_its_own_and_rooted_ones_say_first_whose_they_are() -> None:
    assert len({table.name for table in fold.TABLES}) == len(fold.TABLES)
    assert all(table.key[0] in ("scope", "realm") for table in fold.TABLES if table.rooted)


# --- Real data ------------------------------------------------------------------------------------------


def movements() -> dict[str, list[tuple[int, int]]]:
    """Return when each of the Italian regions took in or gave out how many doses."""
    found: dict[str, list[tuple[int, int]]] = {}
    packed = (files("fedsync") / "data" / "it_vaccine_movements.csv.gz").read_bytes()
    for row in csv.DictReader(gzip.decompress(packed).decode().splitlines()):
        year, month, day = map(int, row["date"].split("-"))
        at = ((year * 12 + month) * 31 + day) * 24 * HOUR
        found.setdefault(row["region"], []).append((at, int(row["delta_doses"])))
    return found


def test_the_stores_of_the_italian_regions_add_up_to_the_dose() -> None:
    regions, doses = movements(), id_of(item_value("Vaccine", "{dose}"))
    node = Node()
    node.take(FOLLOW, *[block for log in book(PAGE0) for block in log])
    begins = facts_of("Ann")
    drafts: list[Draft] = [Draft("resource_specification", item_value("Vaccine", "{dose}"), 0)]
    for region in regions:
        drafts.append(Draft("store", store_value(region, SCOPE), 0))
    for region, moves in regions.items():
        store = id_of(store_value(region, SCOPE))
        for at, delta in moves:
            drafts.append(moved("raise" if delta > 0 else "consume", abs(delta), at, doses, store))
    first = opening("Ann", begins)
    node.take(first, *seal(private("Ann"), begins, Base(begins, 0, first.tip, START), drafts))
    found = {row.store: row.on_hand for row in levels(node.view, SCOPE)}
    assert found == {region: sum(delta for _, delta in moves) for region, moves in regions.items()}
    assert (len(found), sum(len(moves) for moves in regions.values())) == (21, 13_809)
    # A count in the middle of them, told late, parts what came before it from what came after.
    region, moves = next(iter(regions.items()))
    middle = sorted(at for at, _ in moves)[len(moves) // 2]
    count = counted(1_000, middle, doses, id_of(store_value(region, SCOPE)))
    node.take(merge(told_by("Ben", [count])))
    now = next(row for row in levels(node.view, SCOPE) if row.store == region)
    assert now.on_hand == 1_000 + sum(delta for at, delta in moves if at > middle)
    assert now.unexplained == 1_000 - sum(delta for at, delta in moves if at <= middle)
    assert node.root() == state_root_of(rooted_rows(node.view))
