"""Results as people read them: which vote of each seat counts and why, what is still open, whom a result binds.

Pure; reads a view. The verdicts are those of `votes`; here they get the words and the ids that make them plain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fedsync.crdt.books import methods
from fedsync.crdt.books.binds import Bond, binds
from fedsync.crdt.books.booktables import (
    ADOPTED,
    FROZEN,
    MOTIONS,
    RESULTS,
    RESULTS_ON,
    SEALED,
    VOTES_ON,
    Reader,
    known,
    log_row,
    record_row,
    status,
)
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.slot import Verdict, VoiceStatus
from fedsync.crdt.books.slotview import epoch_in_force
from fedsync.crdt.books.votes import (
    FINAL,
    PROVISIONAL,
    Cast,
    Question,
    Senders,
    Word,
    cast,
    choose,
    seat_of,
    tally,
    verdict,
    witnessed_word,
)
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope
from fedsync.records.kinds.entries import Result
from fedsync.records.kinds.motions import Choice, Rule


@dataclass(frozen=True, slots=True)
class VoteView:
    """A held vote, and what it is worth."""

    id: RecordId
    log: LogId
    seq: int
    scope: Scope
    key: Key
    question: Question
    option: Choice
    time: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class SeatView:
    """A seat and its votes on a question, the one that counts now, and what may still change that.

    `open`: a code of `reasons`; "" when nothing can change it.
    """

    seat: bytes
    body: PageId | None
    key: Key | None
    votes: tuple[VoteView, ...]
    ballot: VoteView | None
    word: Word | None
    open: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that a result names, or names twice, and that does not count. `code`: one of `reasons`."""

    vote: RecordId
    code: str


@dataclass(frozen=True, slots=True)
class ResultView:
    """A result entry as every node computes it. `waits`: codes of what makes it provisional besides its seats."""

    scope: Scope
    page: PageId
    index: int
    number: int
    page_status: str
    entry: Result
    status: str
    outcome: str | None
    seats: tuple[SeatView, ...]
    flaws: tuple[Flaw, ...]
    waits: tuple[str, ...]
    binds: tuple[Bond, ...]


@dataclass(frozen=True, slots=True)
class TallyView:
    """The votes on a question as they are now, whether or not a page names them."""

    question: Question
    rule: Rule
    n: int
    outcome: str | None
    seats: tuple[SeatView, ...]
    strangers: tuple[VoteView, ...]
    """Votes that are not for a seat of the body that is asked."""


def vote_view(view: Reader, id_: RecordId) -> VoteView | None:
    """Return a held vote. One on a motion that is not held is pending in what people read, whatever its mandate."""
    said, at = cast(view, id_), record_row(view, id_)
    return _view(view, said, at.seq) if said is not None and at is not None else None


def _view(view: Reader, said: Cast, seq: int) -> VoteView:
    worth = verdict(view, said)
    if worth.status is not VoiceStatus.VOID and view.get(MOTIONS, (said.question[0],)) is None:
        worth = Verdict(VoiceStatus.PENDING, "motion-not-held")
    return VoteView(
        said.id, said.log, seq, said.whose.scope, said.whose.key, said.question, said.option, said.time, worth
    )


def votes_on(view: Reader, question: Question, scope: Scope | None = None) -> list[VoteView]:
    """Return the votes on a question, or those of one book's people, each log's in its order."""
    found = []
    for key, cells in view.scan(VOTES_ON, question if scope is None else (*question, scope)):
        said = vote_view(view, RecordId(key[3]))  # type: ignore[arg-type]
        if said is not None:
            found.append((bytes(cells[0]), said.seq, said))  # type: ignore[arg-type]
    return [each for _, _, each in sorted(found, key=lambda each: (each[2].scope, *each[:2], each[2].id))]


def tally_now(view: Reader, scope: Scope, question: Question, rule: Rule) -> TallyView | None:
    """Return what the votes that are held amount to in a body as it is now; None when nobody can speak for it."""
    try:
        page = newest(view, scope)
    except CannotDraft:
        return None
    here = known(view, page)
    epoch = epoch_in_force(view, here) if here is not None else None
    if here is None or epoch is None:
        return None
    by_seat: dict[bytes, list[VoteView]] = {}
    strangers = []
    for each in votes_on(view, question):
        seat = _seat(view, epoch, each, here.body)
        if seat is None:
            strangers.append(each)
        else:
            by_seat.setdefault(seat, []).append(each)
    seats = tuple(
        _seat_view(view, scope, epoch, seat, by_seat.get(seat, []), newest_first=True)
        for seat in [*sorted(epoch.members), *sorted(epoch.seats)]
    )
    ballots = [each.ballot.option for each in seats if each.ballot is not None]
    outcome = methods.outcome(rule, epoch.n, ballots)
    return TallyView(question, rule, epoch.n, outcome, seats, tuple(strangers))


def named_votes(now: TallyView) -> list[RecordId]:
    """Return the votes that a result of this tally names: one of each seat that has one that counts."""
    return [each.ballot.id for each in now.seats if each.ballot is not None]


def _seat(view: Reader, epoch: Epoch, vote: VoteView, body: PageId) -> bytes | None:
    said = cast(view, vote.id)
    return seat_of(view, epoch, said, body, Senders(view)) if said is not None else None


def _seat_view(
    view: Reader, scope: Scope, epoch: Epoch, seat: bytes, votes: list[VoteView], newest_first: bool = False
) -> SeatView:
    ordered, senders = (_newest_first(votes) if newest_first else votes), Senders(view)
    key = epoch.seats[LogId(seat)].key if seat in epoch.seats else None
    body = PageId(seat) if seat in epoch.members else None
    if not ordered:
        return SeatView(seat, body, key, (), None, None, "no-vote")
    held = [one for each in ordered if (one := cast(view, each.id)) is not None]
    ballot, _ = choose(view, scope, epoch, seat, held, senders)
    counts = next((each for each in ordered if ballot is not None and each.id == ballot.id), None)
    if counts is not None and counts.verdict.code == "motion-not-held":
        counts = None if newest_first else counts
    if body is None:
        return SeatView(seat, body, key, tuple(votes), counts, None, "")
    said = senders.word(votes[0].scope, votes[0].question)
    code = ""
    if said is None:
        code = "no-word"
    elif not said.settled:
        code = "word-not-settled"
    elif witnessed_word(view, scope, body, votes[0].question, senders) is None:
        code = "word-not-witnessed"
    return SeatView(seat, body, key, tuple(votes), counts, said, code)


def _newest_first(votes: list[VoteView]) -> list[VoteView]:
    """Return a seat's votes for a page to be drafted: who voted again means the later one; of several logs the latest."""
    last = {each.log: each.time for each in votes}
    return sorted(votes, key=lambda each: (last[each.log], each.log, each.seq), reverse=True)


# --- Result entries --------------------------------------------------------------------------------------


def results_on(view: Reader, motion: RecordId, clause: str | None = None) -> list[ResultView]:
    """Return the results on a motion, of one clause or of all, in book order."""
    prefix = (motion,) if clause is None else (motion, clause)
    found = [
        result_view(view, PageId(key[3]), int(key[4]))  # type: ignore[arg-type]
        for key, _ in view.scan(RESULTS_ON, prefix)
    ]
    return sorted(
        (each for each in found if each is not None),
        key=lambda each: (each.entry.clause, each.scope, each.number, each.page, each.index),
    )


class Outcome(NamedTuple):
    """What a result has come to, in short."""

    clause: str
    page: PageId
    entry: int
    status: str
    outcome: str | None


def outcomes(view: Reader, scope: Scope, motion: RecordId) -> list[Outcome]:
    """Return what the results of a body on a motion have come to, but for those on pages that lost their place."""
    found = []
    for key, _ in view.scan(RESULTS_ON, (motion,)):
        page, index = PageId(key[3]), int(key[4])  # type: ignore[arg-type]
        at, row = status(view, scope, page), view.get(RESULTS, (scope, page, index))
        if key[2] == scope and at is not None and row is not None and at.status in (SEALED, ADOPTED, FROZEN):
            found.append(Outcome(str(key[1]), page, index, str(row[1]), row[2]))  # type: ignore[arg-type]
    return found


def result_view(view: Reader, page: PageId, index: int) -> ResultView | None:
    """Return a result entry of a known page; None when there is none at this place."""
    entry, here = entry_at(view, page, index), known(view, page)
    if not isinstance(entry, Result) or here is None or here.prev is None:
        return None
    at, now = status(view, here.scope, page), tally(view, here.scope, page, index)
    before = known(view, here.prev)
    if at is None or now is None or before is None:
        return None
    epoch = epoch_in_force(view, before)
    seats, flaws, waits = _named(view, here.scope, here.body, entry, epoch)
    if at.status != SEALED:
        waits = ("page-not-sealed", *waits)
    return ResultView(
        scope=here.scope,
        page=page,
        index=index,
        number=at.number,
        page_status=at.status,
        entry=entry,
        status=now.status,
        outcome=now.outcome,
        seats=seats,
        flaws=flaws,
        waits=() if now.status == FINAL else waits,
        binds=tuple(binds(view, here.scope, page, index)),
    )


def _named(
    view: Reader, scope: Scope, body: PageId, entry: Result, epoch: Epoch | None
) -> tuple[tuple[SeatView, ...], tuple[Flaw, ...], tuple[str, ...]]:
    """Return what a result names, seat by seat, and what of it does not count."""
    if epoch is None:
        return (), (), ("no-epoch",)
    by_seat: dict[bytes, list[VoteView]] = {}
    flaws: list[Flaw] = []
    waits: dict[str, None] = {}
    for id_ in entry.votes or ():
        said = vote_view(view, id_)
        if said is None:
            code = "vote-not-held" if record_row(view, id_) is None else "no-vote-record"
            waits |= {code: None} if code == "vote-not-held" else {}
            flaws.append(Flaw(id_, code))
        elif said.question != (entry.motion, entry.clause):
            flaws.append(Flaw(id_, "other-question"))
        elif (seat := _seat(view, epoch, said, body)) is None:
            whose = log_row(view, said.log)
            waiting = whose is not None and whose.page is not None and known(view, whose.page) is None
            waits |= {"mandate-not-held": None} if waiting else {}
            flaws.append(Flaw(id_, "mandate-not-held" if waiting else "not-of-a-seat"))
        else:
            by_seat.setdefault(seat, []).append(said)
    seats = [_seat_view(view, scope, epoch, seat, votes) for seat, votes in by_seat.items()]
    for each in seats:
        flaws += [Flaw(vote.id, "second-vote") for vote in each.votes if _is_second(each, vote)]
    rest = [
        SeatView(seat, body, key, (), None, None, "")
        for seat, body, key in (
            *((each, each, None) for each in sorted(epoch.members)),
            *((log, None, epoch.seats[log].key) for log in sorted(epoch.seats)),
        )
        if seat not in by_seat and entry.votes is not None
    ]
    return (*seats, *rest), tuple(flaws), tuple(waits)


def _is_second(seat: SeatView, vote: VoteView) -> bool:
    first = seat.ballot or seat.votes[0]
    return vote.id != first.id


def open_seats(result: ResultView) -> Iterator[SeatView]:
    """Yield the seats whose ballot may still change, when the result is not final."""
    if result.status == PROVISIONAL:
        yield from (each for each in result.seats if each.votes and each.open)
