"""What the checks of a simulation work out by themselves of which pages are sealed, beside the fold, on random worlds."""

import subprocess
import sys
from collections.abc import Collection, Iterable
from functools import cache
from random import Random

import pytest

from fedsync.crdt.books.booktables import STATUSES
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Block
from fedsync.records.ids import LogId, PageId, PayloadId
from fedsync.sim.archive import Archive
from fedsync.sim.plainread import Beginning, Said, read
from fedsync.sim.seals import Beyond, Seals
from tests.authority.build import Built, build, fold
from tests.authority.playing import order_of, page0
from tests.authority.random_worlds import draw
from tests.authority.scribe import COMMUNITY, Scribe, Term
from tests.crdt.books import tag
from tests.seeds import seeds

SLICE = 30
DECISION = {"kind": "decision", "text": "so be it"}


def said(blocks: Iterable[Block]) -> list[Said]:
    """Return the records of blocks, as the plain reader reads them."""
    begun, found = dict[LogId, Beginning](), list[Said]()
    for block in blocks:
        run = read(block.raw, begun.get(block.log))
        begun[block.log] = run.of
        found += run.records
    return found


def judged(built: Built, outside: Collection[str] = ()) -> Seals:
    blocks = [built.blocks[each] for each in order_of(built, Random(0))]
    return Seals(Archive().hear(said(blocks)), [tag(each) for each in outside])


def shown(view: MemoryView, body: str) -> set[bytes]:
    """Return the pages that the fold takes to be sealed."""
    return {key[1] for key, row in view.scan(STATUSES, (tag(body),)) if row[1] == "sealed"}  # type: ignore[misc]


@cache
def world(seed: int) -> Built:
    return build(draw(seed))


def test_pages_are_sealed_by_the_plain_rules_where_they_are_by_the_fold_from_inside_and_from_outside() -> (
    None
):
    sealed = unknown = 0
    for seed in seeds(SLICE):
        built, random = world(seed), Random(f"seals {seed}")
        for outside in ([], [body for body in built.bodies if random.random() < 0.5]):
            seals, view = judged(built, outside), fold(built, outside=outside)
            for body in built.bodies:
                try:
                    book = [page.id for page in seals.book(PayloadId(built.pages[page0(built, body)]))]
                except Beyond:
                    unknown += 1
                    continue
                assert set(book) == shown(view, body), f"world {seed}, {body}, from outside: {outside}"
                sealed += len(book) - 1
    assert sealed > 10 * SLICE
    assert 0 < unknown < sealed / 10


def test_what_sealers_approved_and_too_few_seats_signed_is_sealed_from_outside_and_not_by_all_that_there_is() -> (
    None
):
    found = 0
    for seed in seeds(SLICE):
        built = world(seed)
        bodies = [each for each in built.bodies if each in "RS"]
        inside, outside = judged(built), judged(built, bodies)
        for body in bodies:
            try:
                pages = outside.book(PayloadId(built.pages[page0(built, body)]))
                found += sum(not inside.certified(page) for page in pages)
            except Beyond:
                continue
    assert found


def test_what_the_checks_work_out_from_bytes_stands_on_nothing_of_the_nodes_but_names() -> None:
    """`lint-imports` says so of what is written; this of what runs."""
    code = "import sys, fedsync.sim.verdicts; print(*sorted(each for each in sys.modules if each.startswith('fedsync')))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == [
        "fedsync",
        "fedsync.records",
        "fedsync.records.ids",
        "fedsync.sim",
        "fedsync.sim.archive",
        "fedsync.sim.plainread",
        "fedsync.sim.seals",
        "fedsync.sim.verdicts",
    ]


def sealed(scribe: Scribe, body: str) -> list[str]:
    """Return the sealed pages of a body but its page 0, by their names, and see that the fold says the same."""
    built = build({"id": "by hand", "records": scribe.records})
    book = [page.id for page in judged(built).book(PayloadId(built.pages[page0(built, body)]))]
    assert set(book) == shown(fold(built), body)
    names = {id_: name for name, id_ in built.pages.items()}
    return [names[PageId(each)] for each in book[1:]]


def test_a_page_takes_k_seats_and_w_approvals_of_one_round() -> None:
    scribe = Scribe()
    book = scribe.community("C", n=3, k=2)
    page = scribe.page(book, book.tip, [DECISION])
    scribe.sign("Lc0", page, 0, "approve")
    assert sealed(scribe, "C") == []
    scribe.sign("Lc1", page, 1, "approve")
    assert sealed(scribe, "C") == [], "approvals of two rounds seal nothing together"
    scribe.sign("Lc0", page, 1, "approve")
    assert sealed(scribe, "C") == [page]


def test_who_approved_a_page_seals_no_rival_but_past_a_quorum_for_it() -> None:
    scribe = Scribe()
    book = scribe.community("C", n=3, k=2)
    one, two = (scribe.page(book, book.tip, [DECISION]) for _ in range(2))
    scribe.sign("Lc0", one, 0, "approve")
    scribe.sign("Lc1", two, 1)
    scribe.sign("Lc1", two, 1, "approve")
    scribe.sign("Lc0", two, 1, "approve")
    assert sealed(scribe, "C") == [], "one of the two was bound by what it had approved"
    scribe.sign("Lc2", two, 1)
    assert sealed(scribe, "C") == [two], "now two had signed it in a round since"


def test_a_delegate_speaks_for_a_seat_once_the_page_that_sends_them_is_sealed() -> None:
    scribe = Scribe()
    for name in "AB":
        scribe.community(name)
    region = scribe.region("R", ["A", "B"])
    speakers = [scribe.sent(name, "R") for name in "AB"]
    page = scribe.page(region, region.tip, [DECISION])
    scribe.sign("Nr", page, 0)
    scribe.sign("Nr", page, 0, "approve")
    scribe.sign(speakers[0], page, 0)
    assert sealed(scribe, "R") == [], "a node speaks for no seat"
    scribe.sign(speakers[1], page, 0)
    assert sealed(scribe, "R") == [page]


def test_it_stops_at_a_repair_page_and_does_not_guess() -> None:
    scribe = Scribe()
    logs = [scribe.log(f"Lc{at}", f"c{at}", seat="C") for at in range(3)]
    book = scribe.found("C", COMMUNITY, Term(logs, 2, logs, 2, repair=["keeper"]))
    scribe.log("keeper", "keeper", seat="C")
    page = scribe.page(book, book.tip, [DECISION], by="repair")
    scribe.sign("keeper", page, 0)
    built = build({"id": "by hand", "records": scribe.records})
    with pytest.raises(Beyond, match="a repair page"):
        judged(built).book(PayloadId(built.pages[page0(built, "C")]))
