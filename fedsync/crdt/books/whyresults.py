"""Why a result is what it is: its rule, every seat with its vote, and until or since when it is so. Pure."""

from collections import Counter
from collections.abc import Iterator

from fedsync.crdt.answer import Answer, some
from fedsync.crdt.books import methods
from fedsync.crdt.books.binds import RATIFIED
from fedsync.crdt.books.booktables import SEALED, Reader, known, status
from fedsync.crdt.books.drafting import number_of
from fedsync.crdt.books.naming import Naming, choice_words, rule_words, short
from fedsync.crdt.books.results import ResultView, SeatView, VoteView, open_seats, result_view
from fedsync.crdt.books.slotview import epoch_or_wait
from fedsync.crdt.books.votes import FINAL
from fedsync.crdt.books.whypages import PEERS, about_page, heads_seen, short12
from fedsync.crdt.reasons import reason
from fedsync.records.ids import PageId, Scope
from fedsync.records.kinds.entries import EntryId, Result
from fedsync.records.kinds.motions import Choice, Of


def about_result(view: Reader, id_: EntryId, entry: Result, called: Naming) -> Answer:
    """Return why a result stands as it does, and every number in it."""
    page, index = id_
    what = f"The result {short12(page)}:{index} on {called.motion(entry.motion, entry.clause)}"
    found, n = result_view(view, page, index), _seats(view, page)
    if found is None or n is None:
        return Answer(
            f"{page.hex()}:{index}", "result", what, "pending", "result-pending",
            (f"It is decided by {rule_words(entry.rule)}.",), after=about_page(view, page, called),
        )  # fmt: skip
    sealed, final = found.page_status == SEALED, found.status == FINAL
    missing = [] if final else list(_waits(view, found, called))
    if entry.counts is not None:
        code = "result-counts" if sealed else "result-unsealed"
    else:
        code = "result-final" if final else "result-open" if sealed else "result-unsealed"
    return Answer(
        f"{page.hex()}:{index}", "result", what, found.status, code,
        (*_evidence(found, n, called), *(_since(view, found, called) if final else ())),
        tuple(missing), next=None if final else PEERS if sealed else f"fedsync why {short12(page)}",
    )  # fmt: skip


def _seats(view: Reader, page: PageId) -> int | None:
    """Return how many seats the epoch has that counts a page's results."""
    here = known(view, page)
    before = known(view, here.prev) if here is not None and here.prev is not None else None
    epoch = epoch_or_wait(view, before)[0] if before is not None else None
    return epoch.n if epoch is not None else None


def _evidence(found: ResultView, n: int, called: Naming) -> Iterator[str]:
    entry = found.entry
    yield f"Decided: {found.outcome}." if found.outcome is not None else "Outcome: nothing is decided."
    yield f"The rule is {rule_words(entry.rule)}."
    if entry.counts is not None:
        yield from _counted(entry, entry.counts, n)
        return
    ballots = [(each.ballot.option, 1) for each in found.seats if each.ballot is not None]
    yield from _counted(entry, ballots, n)
    lines = sorted((name(each, called), seat_words(each, called)) for each in found.seats)
    yield from some([f"{who}: {said}." for who, said in lines], "seats")
    for flaw in found.flaws:
        yield f"The vote {short(flaw.vote)} does not count: {reason(flaw.code).sentence} ({flaw.code})."
    if found.binds:
        bound = [
            f"{called.body(each.body)}{' (ratified)' if each.why == RATIFIED else ''}" for each in found.binds
        ]
        yield f"It binds {', '.join(sorted(bound))} (rule {reason('binds').rule})."


def _since(view: Reader, found: ResultView, called: Naming) -> Iterator[str]:
    """Yield since which page of its book a result is final, as far as one page made it so."""
    open_ = [name(each, called) for each in found.seats if each.votes and each.open]
    last = found.page
    for seat in found.seats:
        if seat.body is None or seat.word is None or seat.open:
            continue
        by = _witnessing(view, found.scope, seat.body, seat.word.page)
        if by is not None and number_of(view, by) > number_of(view, last):
            last = by
    if open_:
        yield f"Whatever the books of {', '.join(sorted(open_))} still say, the outcome is the same."
    else:
        yield f"It is final since {called.page(last)} was sealed."


def _witnessing(view: Reader, scope: Scope, body: PageId, page: PageId) -> PageId | None:
    """Return the first sealed page of a book that witnesses a head of `body` at or above a page of its."""
    least = number_of(view, page)
    for head, by in heads_seen(view, scope, body):
        at = status(view, scope, by)
        if at is not None and at.status == SEALED and number_of(view, head) >= least:
            return by
    return None


def _counted(
    entry: Result, counts: "list[tuple[Choice, int]] | tuple[tuple[Choice, int], ...]", n: int
) -> Iterator[str]:
    tally: Counter[Choice] = Counter()
    for choice, number in counts:
        tally[choice] += number
    present = tally.total()
    ordered = sorted(tally.items(), key=lambda each: (-each[1], choice_words(each[0])))
    said = ", ".join(f"{choice_words(choice)} {number}" for choice, number in ordered) or "no vote"
    if entry.counts is not None:
        yield f"Counted in the room: {said}; {present} in all, {n} seats."
    else:
        yield f"Counted: {said}; {present} of {n} seats."
    if entry.rule.of is Of.VOTING:
        yield f"Voting, without those who abstained: {present - tally.get(methods.ABSTAIN, 0)}."
    if entry.rule.quorum:
        word = "reached" if present >= entry.rule.quorum else "not reached"
        yield f"The quorum of {entry.rule.quorum} is {word}."


def name(seat: SeatView, called: Naming) -> str:
    """Return what a seat is called."""
    if seat.body is not None:
        return called.body(seat.body)
    return called.person(seat.key) if seat.key is not None else short(seat.seat)


def seat_words(seat: SeatView, called: Naming) -> str:
    """Return what a seat says, why it counts or does not, and what may still change that."""
    if not seat.votes:
        return "no vote of its is named"
    if seat.ballot is None:
        return "; ".join(
            f"{_cast(each, called)}, which does not count: {_why(seat, each)}" for each in seat.votes
        )
    if seat.body is None:
        return f"{_cast(seat.ballot, called)}, which counts: its own seat, for good"
    if seat.word is not None and seat.word.settled:
        said = f"its body's word on {called.page(seat.word.page)}"
    elif seat.ballot.verdict.code == "motion-not-held":
        said = "it stands, though the motion itself has not come yet"
    else:
        said = reason(seat.ballot.verdict.code).sentence
    return f"{_cast(seat.ballot, called)}, which counts: {said}"


def _cast(vote: VoteView, called: Naming) -> str:
    return f"{choice_words(vote.option)} by {called.person(vote.key, vote.scope)} ({short(vote.id)})"


def _why(seat: SeatView, vote: VoteView) -> str:
    if seat.word is not None and seat.word.settled and seat.word.vote is None:
        return "its body's word is that none of its votes counts"
    return reason(vote.verdict.code).sentence


def _waits(view: Reader, found: ResultView, called: Naming) -> Iterator[str]:
    """Yield what has to come until the result is final."""
    for code in found.waits:
        match code:
            case "page-not-sealed":
                yield f"the seal of {called.page(found.page)}"
            case "vote-not-held":
                yield from (f"the vote {short(each.vote)}" for each in found.flaws if each.code == code)
            case _:
                yield reason(code).sentence
    for seat in open_seats(found):
        who = name(seat, called)
        match seat.open:
            case "no-word":
                yield f"the word of {who}"
            case "word-not-witnessed" if seat.word is not None:
                yield f"a page of this book that witnesses {called.page(seat.word.page)}"
            case _:
                yield f"{who}: {reason(seat.open).sentence}"
