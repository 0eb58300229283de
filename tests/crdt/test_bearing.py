"""What numbers bear, against all that liars and losses can do in small bodies, judged by the fold's own slot."""

from itertools import combinations, product

import pytest

from fedsync.crdt.books.bearing import Numbers, check, sentences, usual_k, usual_w, within
from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.slot import Judged, Voice, judge
from fedsync.records.ids import LogId, PageId, RecordId
from fedsync.records.kinds.entries import KeySeat
from fedsync.records.void import Void
from tests.crdt.books import genesis, key

SMALL = [(n, k) for n in range(1, 6) for k in range(n // 2 + 1, n + 1)]
PAGES = [PageId(bytes([number]) * 32) for number in (1, 2)]


def body(n: int, k: int, m: int, w: int) -> tuple[Epoch, list[LogId], list[LogId]]:
    """Return an epoch of n seats and m other sealers, with their logs."""
    seats = [KeySeat(genesis(f"seat {at}", f"seat {at}", "A")) for at in range(n)]
    sealers = [KeySeat(genesis(f"sealer {at}", f"sealer {at}", "A")) for at in range(m)]
    by_log = [{each.log: each for each in some} for some in (seats, sealers)]
    epoch = Epoch(
        "A", "community", 0, by_log[0], frozenset(), k, by_log[1], w, frozenset(), 0, (), own_sealers=True
    )
    return epoch, list(by_log[0]), list(by_log[1])


def said(log: LogId, *pages: PageId, approves: bool = True) -> list[Voice]:
    """Return what a log says: for several pages on branches of its own, so that each counts."""
    return [
        Voice(RecordId(log[:16] + page[:16]), log, 1, None, approves, page, 0, None, key("x"), True, False)
        for page in pages
    ]


def judged(epoch: Epoch, voices: list[Voice]) -> Judged:
    """Return what voices amount to in a slot of two rival pages."""
    return judge(epoch, dict.fromkeys(PAGES, False), voices)


@pytest.mark.parametrize(("m", "w"), SMALL)
def test_that_many_lying_sealers_never_split_the_book_and_one_more_can(m: int, w: int) -> None:
    epoch, seats, sealers = body(1, 1, m, w)
    for liars in range(m + 1):
        # Liars approve both; of the honest each approves one, in every way that there is.
        splits = any(
            all(
                judged(
                    epoch,
                    said(seats[0], *PAGES)
                    + [each for log in sealers[:liars] for each in said(log, *PAGES)]
                    + [
                        each
                        for log, page in zip(sealers[liars:], choice, strict=True)
                        for each in said(log, page)
                    ],
                ).enough(page)
                for page in PAGES
            )
            for choice in product(PAGES, repeat=m - liars)
        )
        assert splits == (liars > Numbers(1, 1, m, w).lying_sealers), liars


@pytest.mark.parametrize(("n", "k"), SMALL)
def test_what_lost_and_lying_seats_and_sealers_can_do(n: int, k: int) -> None:
    numbers = Numbers(n, k, n, k)
    epoch, seats, sealers = body(n, k, n, k)
    for some in (each for size in range(n + 1) for each in combinations(range(n), size)):
        lost = len(some)
        left = [log for at, log in enumerate(seats) if at not in some]
        alone = [voice for at in some for voice in said(seats[at], PAGES[0], approves=False)]
        rest = [voice for log in left for voice in said(log, PAGES[0], approves=False)]
        assert judged(epoch, rest).stands(PAGES[0]) == (lost <= numbers.lost_seats)
        assert judged(epoch, alone).stands(PAGES[0]) == (lost > numbers.lying_seats)
        seal = [voice for at, log in enumerate(sealers) if at not in some for voice in said(log, PAGES[0])]
        assert bool(judged(epoch, seal).seals(PAGES[0])) == (lost <= numbers.lost_sealers)


def test_the_usual_numbers_are_allowed_and_bear_a_third_of_lying_sealers() -> None:
    for size in range(1, 300):
        numbers = Numbers(size, usual_k(size), size, usual_w(size), 3, 2)
        check(numbers)
        assert 3 * numbers.w > 2 * size
        assert (numbers.lying_sealers >= 1) == (size > 1)
        assert 3 * numbers.lying_sealers >= size - 3


@pytest.mark.parametrize(("number", "of", "near"), [(1, 4, 3), (3, 4, 3), (9, 4, 4), (2, 3, 2), (1, 1, 1)])
def test_a_number_that_no_longer_fits_moves_as_little_as_it_can(number: int, of: int, near: int) -> None:
    assert within(number, of) == near


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        (Numbers(4, 2, 3, 2), "k-no-majority"),
        (Numbers(4, 5, 3, 2), "k-out-of-reach"),
        (Numbers(3, 2, 4, 2), "w-no-majority"),
        (Numbers(3, 2, 4, 5), "w-out-of-reach"),
        (Numbers(3, 2, 3, 2, 4, 2), "threshold-no-majority"),
        (Numbers(0, 0, 3, 2), "k-no-majority"),
    ],
)
def test_numbers_that_no_body_may_have_are_told_apart(numbers: Numbers, code: str) -> None:
    with pytest.raises(Void) as void:
        check(numbers)
    assert void.value.code == code


def test_the_words_say_the_numbers() -> None:
    words = "\n".join(sentences(Numbers(5, 3, 4, 3)))
    assert "3 of 5 seats must sign, and 3 of 4 sealers must seal." in words
    assert "Seats that are lost: 2 may be." in words
    assert "Sealers that lie: 1 cannot split the book. 2 could" in words
    assert "nothing can be repaired" in words
    assert "none may" in "\n".join(sentences(Numbers(3, 2, 3, 2)))
    assert "2 of 3 repair keys mend the book: 1 may be lost, 1 stolen." in sentences(
        Numbers(3, 2, 3, 2, 3, 2)
    )
