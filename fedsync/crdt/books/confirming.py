"""Automatic confirmation: which results are ripe for a community's word when nobody has objected. Pure; reads a view.

A region's results are final only when each member has had its word. A community may let its node draft the page that
confirms what its delegate voted, once its time to object is over. The node decides nothing: people sign the page, and
whatever anybody of the community said on the question (a word on a page of their own, however far that has come, or a
dissent) stops it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fedsync.crdt.books.booktables import (
    DISPLACED,
    MANDATE_LOGS,
    RESULTS_ON,
    SEALED,
    VOTES,
    WORDS,
    Reader,
    book,
    known,
    status,
)
from fedsync.crdt.books.delegates import given
from fedsync.crdt.books.motions import dissents
from fedsync.crdt.books.results import ResultView, VoteView, result_view
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.books.votes import Senders
from fedsync.records.codec import Value
from fedsync.records.ids import PageId, RecordId, Scope
from fedsync.records.kinds.entries import CONFIRM
from fedsync.records.kinds.motions import WHOLE


class Awaited(NamedTuple):
    """A result on a sealed page of a body that ours sits in, and the vote of our seat that counts in it."""

    page: PageId
    result: ResultView
    vote: VoteView


def awaited(view: Reader, own: Scope) -> list[Awaited]:
    """Return the results that wait for the word of the body with this founding tag, and that nobody there speaks against."""
    at = book(view, own)
    found = [each for each in _awaited(view, own, at.body) if not _objections(view, own, each)] if at else []
    return sorted(
        found, key=lambda each: (each.result.scope, each.result.number, each.page, each.result.index)
    )


def ripe(
    view: Reader, own: Scope, seen: Mapping[PageId, int], now: int, after: int
) -> list[dict[str, Value]]:
    """Return the entries of a page that confirms what is due: awaited results on pages seen sealed `after` ms ago.

    `seen`: when this node first saw a page sealed. What it has not noted yet is not due.
    """
    entries: list[dict[str, Value]] = []
    asked = set()
    for each in awaited(view, own):
        question = each.vote.question
        # A clock that was set back makes people wait longer, never shorter.
        if each.page not in seen or now - seen[each.page] < after or question in asked:
            continue
        asked.add(question)
        entry: dict[str, Value] = {"kind": CONFIRM, "motion": question[0], "vote": each.vote.id}
        entries.append(entry if question[1] == WHOLE else {**entry, "clause": question[1]})
    return entries


def unsaid(view: Reader, own: Scope) -> list[tuple[Scope, PageId, int]]:
    """Return the results on questions that a delegate of ours voted on and that our sealed book has no word on yet."""
    found: set[tuple[Scope, PageId, int]] = set()
    senders = Senders(view)
    for mandate in given(view, own):
        for logs, _ in view.scan(MANDATE_LOGS, mandate.id):
            for _, cells in view.scan(VOTES, (logs[2],)):
                question = (RecordId(cells[0]), str(cells[1]))  # type: ignore[arg-type]
                if senders.word(own, question) is None:
                    for key, _ in view.scan(RESULTS_ON, question):
                        found.add((Scope(key[2]), PageId(key[3]), int(key[4])))  # type: ignore[arg-type]
    return sorted(found)


def _awaited(view: Reader, own: Scope, body: PageId) -> Iterator[Awaited]:
    for scope, page, index in unsaid(view, own):
        at, here = status(view, scope, page), known(view, page)
        if at is None or at.status != SEALED or here is None or here.body == body:
            continue
        result = result_view(view, page, index)
        if result is None:
            continue
        for seat in result.seats:
            vote = seat.ballot if seat.body == body and seat.word is None else None
            if vote is not None and vote.verdict.status is VoiceStatus.STANDS:
                yield Awaited(page, result, vote)


def _objections(view: Reader, own: Scope, of: Awaited) -> bool:
    """Say whether somebody of our own body has said anything on the question themselves."""
    for key, _ in view.scan(WORDS, (own, *of.vote.question)):
        at = status(view, own, PageId(key[4]))  # type: ignore[arg-type]
        if at is not None and at.status != DISPLACED:
            return True
    about = (of.vote.question[0], of.page, of.vote.id)
    return any(each.scope == own for one in about for each in dissents(view, one))
