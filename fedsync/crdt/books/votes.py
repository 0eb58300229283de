"""Votes, the word of a body on a question, and results (rules 11, 12 and 14). Touches a draft only.

The *word* of a body on a question is the first confirm or ratify on it in its sealed book that takes: from then on
one vote of its seat, or none, is what the body says, whatever becomes of the delegate.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, partial
from typing import NamedTuple

from fedsync.crdt.books import methods
from fedsync.crdt.books.booktables import (
    ADOPTED,
    DRAFTED,
    NAMED,
    SEALED,
    VOTE_VERDICTS,
    VOTES,
    VOTES_ON,
    WITNESSES,
    WORDS,
    LogRow,
    Reader,
    is_outside,
    known,
    log_row,
    record_row,
    status,
)
from fedsync.crdt.books.delegates import Cuts, Under, allows, entry_at, under
from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.limits import VOTE, limit, too_many_votes, used_up
from fedsync.crdt.books.slot import Verdict, VoiceStatus
from fedsync.crdt.books.slotview import epoch_or_wait
from fedsync.crdt.view import Draft, KeyRow, Row
from fedsync.records.codec import unpack
from fedsync.records.genesis import SEAT
from fedsync.records.ids import LogId, PageId, RecordId, Scope
from fedsync.records.kinds.entries import Result
from fedsync.records.kinds.motions import Choice, parse_choice
from fedsync.records.void import Void

PROVISIONAL, FINAL = "provisional", "final"

Question = tuple[RecordId, str]
"""A motion and a clause of it; "" for the motion as a whole."""


class Cast(NamedTuple):
    """A vote as it was cast."""

    id: RecordId
    log: LogId
    whose: LogRow
    question: Question
    option: Choice
    time: int


class Word(NamedTuple):
    """What a body says on a question: one vote, or none. `settled` is False when it depends on a vote not held yet."""

    page: PageId
    vote: RecordId | None
    settled: bool = True


def cast(view: Reader, vote: RecordId) -> Cast | None:
    """Return a held vote."""
    at = record_row(view, vote)
    row = view.get(VOTES, (at.log, at.seq, vote)) if at is not None else None
    if at is None or row is None:
        return None
    whose = log_row(view, at.log)
    assert whose is not None
    motion, clause, option, time = row
    return Cast(vote, at.log, whose, (motion, clause), _choice(option), time)  # type: ignore[arg-type]


# Nearly all votes are one of a few words.
@lru_cache(maxsize=256)
def _choice(option: bytes) -> Choice:
    return parse_choice(unpack(option))


class Senders:
    """What is known of delegates' logs and of bodies' words, read once however many votes are asked for."""

    def __init__(self, view: Reader) -> None:
        self._view = view
        self._words: dict[tuple[Scope, Question], tuple[Word | None, bool]] = {}
        self._cuts: dict[LogId, Cuts] = {}
        self._under: dict[LogId, tuple[Under, str | None]] = {}

    def word(self, scope: Scope, question: Question) -> Word | None:
        """Return a body's word on a question, None when its sealed book has none (rule 11)."""
        return self._word(scope, question)[0]

    def has_words(self, scope: Scope, question: Question) -> bool:
        """Say whether a page of the body has a word on the question, taken or not."""
        return self._word(scope, question)[1]

    def words(self, body: PageId, question: Question) -> "Words":
        """Return the confirms and ratifies of a body on a question, whatever became of their pages."""
        here = known(self._view, body)
        return list(self._view.scan(WORDS, (here.scope, *question))) if here is not None else []

    def _word(self, scope: Scope, question: Question) -> tuple[Word | None, bool]:
        place = (scope, question)
        if place not in self._words:
            entries = list(self._view.scan(WORDS, (scope, *question)))

            @cache
            def counts(page: PageId) -> bool:
                at = status(self._view, scope, page)
                return at is not None and at.status == SEALED

            self._words[place] = (_taken(self._view, entries, counts, self), bool(entries))
        return self._words[place]

    def cuts(self, vote: Cast) -> Cuts:
        """Return what is said against the vote's log."""
        if vote.log not in self._cuts:
            self._cuts[vote.log] = Cuts(self._view, vote.log, vote.whose)
        return self._cuts[vote.log]

    def under(self, vote: Cast) -> tuple[Under, str | None]:
        """Return the mandate of the vote's log, and the status of the page that gives it."""
        if vote.log not in self._under:
            assert vote.whose.page is not None
            at = status(self._view, vote.whose.scope, vote.whose.page)
            self._under[vote.log] = (under(self._view, vote.whose), at.status if at else None)
        return self._under[vote.log]


Words = Sequence[tuple[KeyRow, Row]]
"""The confirms and ratifies of a body on a question, in book order."""


def _taken(view: Reader, entries: Words, counts: Callable[[PageId], bool], senders: Senders) -> Word | None:
    """Return the first word that takes, of those on pages that count (rule 11)."""
    for key, cells in entries:
        scope, question, page = Scope(key[0]), (key[1], key[2]), PageId(key[4])  # type: ignore[arg-type]
        if not counts(page):
            continue
        if cells[0] is None:
            return Word(page, None)
        vote = RecordId(cells[0])  # type: ignore[arg-type]
        said = cast(view, vote)
        if said is None:
            if record_row(view, vote) is None:
                return Word(page, vote, settled=False)
            continue
        if said.whose.scope != scope or said.question != question:
            continue
        own = own_verdict(view, said, senders)
        if own.status is VoiceStatus.PENDING:
            return Word(page, vote, settled=False)
        if own.status is VoiceStatus.VOID and not (cells[1] and own.code in BREACHES):
            continue
        return Word(page, vote)
    return None


BREACHES = frozenset({"uninstructed", "outside-instructions", "term-over", "beyond-limit"})
"""What a delegate does wrong under a mandate, and a ratify cures."""


def own_verdict(view: Reader, vote: Cast, senders: Senders | None = None, foreseen: bool = False) -> Verdict:
    """Return what a vote is by its log and its mandate alone, before any word or recall.

    What becomes of the page that gives the mandate is not asked: a body's own book may name a vote under any of its
    mandates, and what is against the instructions is so at once.

    `foreseen`: it is not written yet, and would be the next one of its log.
    """
    whose = vote.whose
    if whose.page is None:
        # A node seals pages, and has no voice in what is decided.
        named = (
            whose.fit
            and whose.capacity == SEAT[0]
            and view.get(NAMED, (whose.scope, whose.key, vote.log)) is not None
        )
        return (
            Verdict(VoiceStatus.STANDS, "counts") if named else Verdict(VoiceStatus.PENDING, "seat-not-named")
        )
    found, _ = (senders or Senders(view)).under(vote)
    if found.fault:
        return Verdict(VoiceStatus.VOID, found.fault)
    if found.waits or found.mandate is None:
        return Verdict(VoiceStatus.PENDING, found.waits or "mandate-not-held")
    instruction = found.mandate.instructed(*vote.question)
    if isinstance(instruction, Void):
        return Verdict(VoiceStatus.VOID, "uninstructed")
    if not allows(instruction, vote.option):
        return Verdict(VoiceStatus.VOID, "outside-instructions")
    if found.mandate.until is not None and vote.time > found.mandate.until:
        return Verdict(VoiceStatus.VOID, "term-over")
    allowed = limit(found.mandate, VOTE)
    too_many = used_up(view, vote.log, allowed) if foreseen else too_many_votes(view, vote.id, allowed)
    return Verdict(VoiceStatus.VOID, "beyond-limit") if too_many else Verdict(VoiceStatus.STANDS, "counts")


def verdict(view: Reader, vote: Cast, senders: Senders | None = None) -> Verdict:
    """Return what a vote is now."""
    senders = senders or Senders(view)
    own = own_verdict(view, vote, senders)
    if own.status is VoiceStatus.PENDING or (own.status is VoiceStatus.VOID and own.code not in BREACHES):
        return own
    said = senders.word(vote.whose.scope, vote.question)
    if said is not None and said.settled:
        if said.vote == vote.id:
            return Verdict(VoiceStatus.STANDS, "the-word")
        return own if own.status is VoiceStatus.VOID else Verdict(VoiceStatus.VOID, "not-the-word")
    if own.status is VoiceStatus.VOID or vote.whose.page is None:
        return own
    given = senders.under(vote)[1]
    if given is None or given == DRAFTED:
        return Verdict(VoiceStatus.PENDING, "mandate-not-sealed")
    against = senders.cuts(vote).against(vote.id)
    if against is not None:
        return Verdict(*against)
    return Verdict(VoiceStatus.SUSPENDED, "mandate-provisional") if given == ADOPTED else own


def judge_vote(draft: Draft, vote: RecordId, senders: Senders) -> Cast | None:
    """Write a vote's status; return it when that changed."""
    said = cast(draft, vote)
    if said is None:
        return None
    now = verdict(draft, said, senders)
    row = (*said.question, now.status.value, now.code)
    if draft.get(VOTE_VERDICTS, (said.whose.scope, vote)) == row:
        return None
    draft.put(VOTE_VERDICTS, (said.whose.scope, vote), row)
    return said


# --- Results -------------------------------------------------------------------------------------------


class Tallied(NamedTuple):
    """A result as every node computes it."""

    status: str
    outcome: str | None
    ballots: dict[bytes, RecordId]
    """Seat -> the vote that counts for it."""


def tally(
    view: Reader, scope: Scope, page: PageId, index: int, senders: Senders | None = None
) -> Tallied | None:
    """Recompute the result entry of a known page from all its votes (rule 12)."""
    asked = question_of(view, scope, page, index)
    if asked is None or isinstance(asked, Tallied):
        return asked
    senders = senders or Senders(view)
    named, missing = seats_named(view, asked, senders)
    chosen = {seat: choose(view, scope, asked.epoch, seat, votes, senders) for seat, votes in named.items()}
    ballots = {seat: ballot for seat, (ballot, _) in chosen.items() if ballot is not None}
    outcome = methods.outcome(asked.entry.rule, asked.epoch.n, [vote.option for vote in ballots.values()])
    open_ = [possible for _, possible in chosen.values()]
    final = asked.sealed and not missing and methods.certain(asked.entry.rule, asked.epoch.n, open_)
    return Tallied(
        FINAL if final else PROVISIONAL, outcome, {seat: vote.id for seat, vote in ballots.items()}
    )


class Asked(NamedTuple):
    """A result that names votes, and the epoch by whose seats it is counted."""

    scope: Scope
    body: PageId
    entry: Result
    epoch: Epoch
    sealed: bool


def question_of(view: Reader, scope: Scope, page: PageId, index: int) -> Asked | Tallied | None:
    """Return what a result asks; what it comes to when that hangs on no vote; None when it is no result."""
    entry, here = entry_at(view, page, index), known(view, page)
    at = status(view, scope, page)
    if not isinstance(entry, Result) or here is None or at is None or here.prev is None:
        return None
    before = known(view, here.prev)
    assert before is not None
    epoch, _ = epoch_or_wait(view, before)
    if epoch is None or not methods.known(entry.rule):
        return Tallied(PROVISIONAL, None, {})
    sealed = at.status == SEALED
    if entry.counts is not None:
        outcome = methods.outcome_of_counts(entry.rule, epoch.n, entry.counts)
        return Tallied(FINAL if sealed else PROVISIONAL, outcome, {})
    if epoch.members and is_outside(view, scope):
        return Tallied(PROVISIONAL, None, {})  # the votes are in books that are not held
    return Asked(scope, here.body, entry, epoch, sealed)


def seats_named(view: Reader, asked: Asked, senders: Senders) -> tuple[dict[bytes, list[Cast]], bool]:
    """Return the votes that a result names, by seat, and whether one of them is not held or not known whose."""
    named: dict[bytes, list[Cast]] = {}
    missing = False
    for vote in asked.entry.votes or ():
        said = cast(view, vote)
        if said is None:
            missing = missing or record_row(view, vote) is None
            continue
        if said.question != (asked.entry.motion, asked.entry.clause):
            continue
        if cast_for(view, said) is None:
            missing = True  # whose vote it is, the page of its mandate will say
        seat = seat_of(view, asked.epoch, said, asked.body, senders)
        if seat is not None:
            named.setdefault(seat, []).append(said)
    return named, missing


def cast_for(view: Reader, vote: Cast) -> bytes | None:
    """Return for whom a vote is cast: its log, or the body that gave the mandate; None when that is not held."""
    if vote.whose.page is None:
        return vote.log
    giver = known(view, vote.whose.page)
    return giver.body if giver is not None else None


def choose(
    view: Reader, scope: Scope, epoch: Epoch, seat: bytes, votes: list[Cast], senders: Senders
) -> tuple[Cast | None, set[Choice | None]]:
    """Return the vote that counts for a seat now, and all that may come to count."""
    if seat in epoch.seats:
        return votes[0], {votes[0].option}
    question = votes[0].question
    fixed = witnessed_word(view, scope, PageId(seat), question, senders)
    said = fixed or senders.word(votes[0].whose.scope, question)
    open_: set[Choice | None] = {None, *(vote.option for vote in votes)}
    if said is None or not said.settled:
        standing = [vote for vote in votes if verdict(view, vote, senders).status is VoiceStatus.STANDS]
        return (standing[0] if standing else None), open_
    ballot = next((vote for vote in votes if vote.id == said.vote), None)
    return ballot, {ballot.option if ballot else None} if fixed else open_


def seat_of(view: Reader, epoch: Epoch, vote: Cast, body: PageId, senders: Senders) -> bytes | None:
    """Return the seat of `body` that a vote is cast for: a log, or a body by a mandate for this seat; None for none."""
    if vote.log in epoch.seats:
        return vote.log
    if vote.whose.page is None:
        return None
    found, _ = senders.under(vote)
    if found.giver not in epoch.members or found.mandate is None or found.mandate.seat != body:
        return None
    return found.giver


def witnessed_word(
    view: Reader, scope: Scope, body: PageId, question: Question, senders: Senders
) -> Word | None:
    """Return the word of `body` at or below a head that the sealed book with this tag witnesses (rule 12).

    It is read on the branch that was witnessed first, whatever became of the book since: so what is final stays, even
    if `body` splits its book afterwards. None when there is none, or none that is settled.
    """
    words = senders.words(body, question)
    first = min((int(key[3]) for key, _ in words), default=0)
    head: PageId | None = None
    for key, cells in view.scan(WITNESSES, (scope, body)) if words else ():
        at = status(view, scope, PageId(key[3]))  # type: ignore[arg-type]
        if at is None or at.status != SEALED:
            continue
        seen = PageId(cells[0])  # type: ignore[arg-type]
        here = known(view, seen)
        now = status(view, here.scope, seen) if here is not None else None
        if here is None or now is None or not now.certified:
            break  # it may come to be the first, and settle which branch counts (rule 7)
        if here.body != body or (head is not None and not _is_after(view, seen, head)):
            continue
        head = seen
        # What is the first word below a head stays so below all that build on it.
        below = cache(partial(_is_after, view, seen))
        taken = _taken(view, words, below, senders) if here.number >= first else None
        if taken is not None:
            return taken if taken.settled else None
    return None


def _is_after(view: Reader, page: PageId, other: PageId) -> bool:
    """Say whether a known page is `other`, or builds on it."""
    here, there = known(view, page), known(view, other)
    if here is None or there is None or here.scope != there.scope:
        return False
    ends = status(view, here.scope, page), status(view, there.scope, other)
    if all(end is not None and end.status == SEALED for end in ends):
        return here.number >= there.number
    at: PageId | None = page
    while at is not None and here.number > there.number:
        at = here.prev
        assert at is not None
        found = known(view, at)
        assert found is not None
        here = found
    return at == other


def judge_votes(draft: Draft, votes: Iterable[RecordId], senders: Senders) -> list[Cast]:
    """Write the status of votes; return those that changed."""
    return [said for vote in votes if (said := judge_vote(draft, vote, senders)) is not None]


def own_votes(view: Reader, scope: Scope, question: Question) -> set[RecordId]:
    """Return the votes on a question in logs that a body gave a mandate or a seat."""
    return {RecordId(key[3]) for key, _ in view.scan(VOTES_ON, (*question, scope))}  # type: ignore[arg-type]


def names(view: Reader, page: PageId, index: int, votes: set[RecordId]) -> bool:
    """Say whether a result entry names one of these votes."""
    entry = entry_at(view, page, index)
    return isinstance(entry, Result) and not votes.isdisjoint(entry.votes or ())
