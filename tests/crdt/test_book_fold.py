"""The fold of books against its naive twin, over random books in random orders."""

from random import Random
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from fedsync.crdt.books.booktables import CUTS, KNOWN, NAMED, SEATS
from tests.crdt import naive_book as naive
from tests.crdt.book_strategies import BODY, Book, busy_books, wild_books
from tests.crdt.books import compare, folded, rooted, shuffled, write

SEEDS = st.integers(0, 2**32)


def _same(book: Book, seed: int) -> naive.Outcome:
    random = Random(seed)
    outcome = book.outcome()
    written = write(BODY, book.pages, list(book.logs.values()), book.voices, book.keys)
    views = [folded(written.scope, written.page0, shuffled(written, random), random) for _ in range(2)]
    assert compare(views[0], written, outcome, BODY) == {}
    assert rooted(views[0]) == rooted(views[1])
    for table in (SEATS, CUTS, NAMED, KNOWN):
        assert list(views[0].scan(table)) == list(views[1].scan(table))
    return outcome


@given(book=wild_books(), seed=SEEDS)
def test_the_fold_says_what_the_naive_twin_says_of_wild_books_in_any_order(book: Book, seed: int) -> None:
    outcome = _same(book, seed)
    event(f"sealed {len(outcome.certified)}")


@given(book=busy_books(), seed=SEEDS)
def test_the_fold_says_what_the_naive_twin_says_of_busy_slots_in_any_order(book: Book, seed: int) -> None:
    outcome = _same(book, seed)
    for word in {"moved", "frozen", "displaced", "adopted"} & set(outcome.status.values()):
        event(word)


@settings(max_examples=30)
@given(book=busy_books() | wild_books(), data=st.data())
def test_what_is_certified_stays_certified_whatever_comes(book: Book, data: Any) -> None:
    some: set[Any] = set()
    for count in sorted(data.draw(st.lists(st.integers(0, len(book.voices)), max_size=4))):
        part = naive.fold(book.pages, book.logs.values(), book.voices[:count], {BODY: "p0"})
        assert some <= part.certified
        some = part.certified
    assert some <= book.outcome().certified
