"""What one more act makes a node read: as many rows in a long book as in a short one. Counts rows, not time."""

from collections.abc import Iterator

import pytest

from fedsync.crdt.books.book import apply_blocks
from fedsync.crdt.books.votes import tally
from fedsync.crdt.view import Draft, KeyRow, MemoryView, Row, Table
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.entries import Result
from fedsync.records.kinds.entryform import result_value
from fedsync.records.kinds.motions import Method, Rule
from tests.authority.build import build, fold
from tests.authority.federation import Federation, Node
from tests.authority.saying import Saying, confirm, decision, mandate, recall


class Counting:
    """A view that counts the rows that are asked for."""

    def __init__(self, view: MemoryView) -> None:
        self.view = view
        self.rows = 0

    def get(self, table: Table, key: KeyRow) -> Row | None:
        self.rows += 1
        return self.view.get(table, key)

    def scan(self, table: Table, prefix: KeyRow = ()) -> Iterator[tuple[KeyRow, Row]]:
        self.rows += 1
        for row in self.view.scan(table, prefix):
            self.rows += 1
            yield row

    def blocks(self, log: LogId, first: int = 0) -> Iterator[Block]:
        return self.view.blocks(log, first)


def book(pages: int) -> tuple[Saying, str]:
    """Return a book whose every page gives a mandate and says a word, and its last page."""
    told = Saying()
    told.community("A", "a1", "a2", "a3")
    last = "A.0"
    for number in range(pages):
        last = told.page(f"p{number}", last, mandate(f"h{number}", f"S{number}"), confirm(f"m{number}", None))
        told.seal(last, "La1", "La2")
    told.delegate("D", "h0", "p0")
    told.vote("D", "m", "yes")
    return told, last


def rows_read(told: Saying, upto: int) -> int:
    """Return how many rows are read for what was said after the first `upto` records, each folded by itself."""
    before = build({"id": "told", "records": told.records[:upto]})
    whole = build({"id": "told", "records": told.records})
    view = fold(before)
    counting = Counting(view)
    for name, block in whole.blocks.items():
        if name not in before.blocks:
            draft = Draft(counting)
            apply_blocks(draft, [block])
            view.commit(draft.changes)
    return counting.rows


@pytest.mark.parametrize(
    "entries",
    [
        [decision("d")],
        [mandate("h", "S")],
        [recall("p0", D=None)],
        [confirm("m", None)],
    ],
    ids=["decision", "mandate", "recall", "word"],
)
def test_a_page_more_costs_as_much_in_a_long_book_as_in_a_short_one(entries: list[dict[str, object]]) -> None:
    costs = []
    for pages in (3, 30):
        told, last = book(pages)
        if entries[0]["kind"] == "recall":
            entries = [recall("p0", D=told.tip("D"))]
        upto = len(told.records)
        told.seal(told.page("new", last, *entries), "La1", "La2")
        costs.append(rows_read(told, upto))
    assert costs[0] == costs[1] > 20


def test_a_mandate_more_costs_as_much_beside_thirty_that_are_only_drafted_as_beside_three() -> None:
    """Anybody whom a page names may draft, so what drafts say must not be read with every page that is sealed."""
    costs = []
    for drafts in (3, 30):
        told, last = book(3)
        for number in range(drafts):
            told.page(f"d{number}", "A.0", mandate(f"x{number}", "S0"), recall("p0", D=None))
        upto = len(told.records)
        told.seal(told.page("new", last, mandate("h", "S0")), "La1", "La2")
        costs.append(rows_read(told, upto))
    assert costs[0] == costs[1] > 20


def test_a_signature_more_costs_as_much_after_thirty_others_as_after_three() -> None:
    costs = []
    for signed in (3, 30):
        told = Saying()
        tellers = [f"a{each}" for each in range(60)]
        told.community("A", *tellers, k=40)
        told.sign(told.page("p", "A.0", decision("d")), *(f"L{each}" for each in tellers[:signed]))
        upto = len(told.records)
        told.sign("p", "La50")
        costs.append(rows_read(told, upto))
    assert costs[0] == costs[1] > 5


@pytest.mark.parametrize("what", ["word", "recall"])
def test_a_seat_more_or_less_in_a_result_costs_as_much_among_thirty_as_among_four(what: str) -> None:
    costs = []
    for seats in (4, 30):
        told = Federation()
        members = [told.found(f"C{each}") for each in range(seats)]
        valley = told.unite("Valley", members, 3)
        sent = [told.give(each, valley, f"delegate of {each.name}", {"*": "free"}) for each in members]
        motion = told.move(valley, "A mill")
        votes = [RecordId(told.vote(each.writer, (motion, "yes", ""))[0][2]) for each in sent]  # type: ignore[arg-type]
        valley.seats = [each.writer for each in sent]
        page = told.enter(valley, [result_value(Result(motion, Rule(Method.MAJORITY), tuple(votes), None))])
        node, upto = Node(told.bodies), len(told.blocks)
        node.take(told.blocks)
        said: dict[str, Value] = {"kind": "confirm", "motion": motion, "vote": None}
        told.enter(members[0], [said if what == "word" else told.recall(sent[0])])
        counting = Counting(node.view)
        for block in told.blocks[upto:]:
            draft = Draft(counting)
            apply_blocks(draft, [block])
            node.view.commit(draft.changes)
        now = tally(node.view, valley.scope, page, 0)
        assert now is not None
        assert len(now.ballots) == seats - 1
        costs.append(counting.rows)
    assert costs[0] == costs[1] > 20
