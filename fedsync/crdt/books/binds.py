"""Whom a result binds (rule 13): computed by every node, never written. Pure; reads a view.

A result binds each body with a seat whose vote for the outcome counts: one that its delegate cast within the
instructions, or one that its own book ratifies, whether the result names that vote or not. So nobody is bound by a
majority that they were not part of, and a body that was absent can join it later by its own page.
"""

from typing import NamedTuple

from fedsync.crdt.books.booktables import Reader, known, page_row
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.epoch import read_page
from fedsync.crdt.books.slotview import epoch_in_force
from fedsync.crdt.books.votes import FINAL, Senders, cast, tally
from fedsync.records.ids import PageId, RecordId, Scope
from fedsync.records.kinds.entries import Confirm, Result
from fedsync.records.kinds.motions import Choice

VOTED, RATIFIED = "voted", "ratified"


class Bond(NamedTuple):
    """A body that a result binds, and by which vote. `settled`: nothing can undo it."""

    body: PageId
    why: str
    vote: RecordId
    settled: bool


def binds(view: Reader, scope: Scope, page: PageId, index: int) -> list[Bond]:
    """Return the bodies that a result of a known page binds, as far as is known now."""
    entry, here = entry_at(view, page, index), known(view, page)
    senders = Senders(view)
    now = tally(view, scope, page, index, senders)
    if not isinstance(entry, Result) or here is None or here.prev is None or now is None:
        return []
    before = known(view, here.prev)
    epoch = epoch_in_force(view, before) if before is not None else None
    if epoch is None or now.outcome is None or entry.votes is None:
        return []
    question = (entry.motion, entry.clause)
    found = []
    for body in sorted(epoch.members):
        there = known(view, body)
        said = senders.word(there.scope, question) if there is not None else None
        named = now.ballots.get(body)
        if said is not None:
            vote = said.vote if said.settled else None
            ratified = vote is not None and _ratifies(view, said.page, question, vote)
            if not ratified and vote != named:
                continue  # a vote that the result does not name counts only when the body's book takes it on
        else:
            vote, ratified = named, False
        ballot = cast(view, vote) if vote is not None else None
        if ballot is not None and vote is not None and is_for(ballot.option, now.outcome):
            settled = now.status == FINAL and said is not None
            found.append(Bond(body, RATIFIED if ratified else VOTED, vote, settled))
    return found


def is_asked(view: Reader, page: PageId, body: PageId) -> bool:
    """Say whether a body has a seat among those that speak on a known page."""
    here = known(view, page)
    before = known(view, here.prev) if here is not None and here.prev is not None else None
    epoch = epoch_in_force(view, before) if before is not None else None
    return epoch is not None and body in epoch.members


def is_for(option: Choice, outcome: str) -> bool:
    """Say whether a ballot is for an outcome: names it, or ranks it at all."""
    return outcome in option if isinstance(option, tuple) else str(option) == outcome


def _ratifies(view: Reader, page: PageId, question: tuple[RecordId, str], vote: RecordId) -> bool:
    """Say whether a page of a body's book ratifies this vote."""
    held = page_row(view, page)
    said = Confirm(question[0], vote, question[1], ratify=True)
    return held is not None and said in read_page(held.payload).entries
