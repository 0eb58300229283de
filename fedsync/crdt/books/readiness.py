"""Whether a page is ready to be signed (H4): what it says holds, and what it names is there. Pure; reads a view.

Others may sign what is not ready: the fold then finds its entries void, or waits. Our own tools do not, because a
page whose epoch is void closes a book, and a recall of nothing deceives those who signed it.
"""

from typing import NamedTuple, assert_never

from fedsync.crdt.books.booktables import (
    FOLLOWED,
    LOGS,
    MOTIONS,
    POSTS,
    VOTES,
    WITNESSES,
    Known,
    Reader,
    known,
    log_row,
    page_row,
    record_row,
    status,
)
from fedsync.crdt.books.consents import fault
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.faults import NOT_HELD, recall_fault, settle_fault
from fedsync.crdt.reasons import reason
from fedsync.records.genesis import NODE, Genesis
from fedsync.records.ids import PageId, RecordId, Scope
from fedsync.records.kinds.authority import NODE_ROLE, Page
from fedsync.records.kinds.entries import (
    Confirm,
    Consent,
    Create,
    Decision,
    EntryId,
    EpochEntry,
    Join,
    KeySeat,
    Leave,
    Mandate,
    NodeSealer,
    Recall,
    Repeal,
    Result,
    Settle,
    UnknownEntry,
    VoidEntry,
    Witness,
    kind_of,
)


class Unready(NamedTuple):
    """Why a page should not be signed, or not yet. `page` is the one to look at, if there is one."""

    code: str
    sentence: str
    page: PageId | None = None


def unready(view: Reader, page: PageId, here: Known, content: Page, in_force: Epoch) -> Unready | None:
    """Return why a known page is not ready to be signed; None when it is."""
    for entry in content.entries:
        found = None
        match entry:
            case VoidEntry():
                found = Unready("entry-void", f"The page has an entry without effect: {entry.sentence}.")
            case EpochEntry():
                found = _epoch(view, page, entry, in_force)
            case Witness():
                found = _witness(view, here, entry)
            case Recall():
                code = recall_fault(view, page, entry)
                if code is not None:
                    found = Unready(code, f"Its {kind_of(entry)} ends nothing: {reason(code).sentence}.")
            case Confirm():
                found = _word(view, here, entry)
            case Result():
                found = _result(view, entry)
            case Repeal():
                found = _earlier(view, here, entry.decision)
            case Decision():
                for each in entry.supersedes:
                    found = found or _earlier(view, here, each)
            case Settle():
                code = settle_fault(view, page, entry)
                # What is not held is fetched once the page is sealed, and not before: to wait for it would be for ever.
                if code not in (None, *NOT_HELD):
                    found = Unready(code, f"Its settle chooses no branch: {reason(code).sentence}.")
            case Mandate() | Consent() | Join() | Leave() | Create() | UnknownEntry():
                pass
            case _:
                assert_never(entry)
        if found is not None:
            return found
    return None


def _epoch(view: Reader, page: PageId, entry: EpochEntry, in_force: Epoch) -> Unready | None:
    found = fault(view, page)
    if found is not None:
        code, sentence = found
        if code == "epoch-not-settled":
            return Unready(code, f"Its epoch is not settled yet: {sentence}.")
        if code in ("consents-missing", "not-lower", "no-body"):
            return Unready(code, f"Its epoch would be void: {sentence}.")
        return Unready("epoch-void", f"Its epoch would be void: {sentence}.")
    there = known(view, page)
    assert there is not None
    for seat in (*entry.seats, *(entry.sealers or ())):
        if isinstance(seat, NodeSealer):
            seat = seat.seat(there.scope)
        if isinstance(seat, KeySeat) and not _is_there(view, seat.genesis, in_force):
            who = "node" if seat.genesis.capacity == NODE else "teller"
            return Unready(
                "new-log-not-held",
                f"It names a {who} ({seat.key.hex()[:8]}) of whom nothing is here yet; a log that nobody can write "
                "must not get a seat.",
            )
    return None


def _is_there(view: Reader, genesis: Genesis, in_force: Epoch) -> bool:
    """Say whether somebody writes the log, or one from the same place for another body; a node need only be named."""
    if genesis.log in in_force.seats or genesis.log in in_force.sealers or view.get(LOGS, (genesis.log,)):
        return True
    for key, _ in view.scan(FOLLOWED):
        scope = Scope(key[0])  # type: ignore[arg-type]
        if genesis.capacity == NODE:
            named = view.scan(POSTS, (scope, NODE_ROLE, genesis.key))
            if any(cells[0] == genesis.incarnation for _, cells in named):
                return True
        elsewhere = Genesis(
            genesis.key, scope, genesis.capacity, genesis.log_class, genesis.reach, genesis.incarnation
        )
        if view.get(LOGS, (elsewhere.log,)) is not None:
            return True
    return False


def _witness(view: Reader, here: Known, entry: Witness) -> Unready | None:
    there = known(view, entry.page)
    if there is None:
        return Unready(
            "witness-not-held", "It says how far another book has come, and that page is not here yet."
        )
    if there.body != entry.body:
        return Unready(
            "witness-of-another", "The page that it witnesses belongs to another body.", entry.page
        )
    at = status(view, there.scope, entry.page)
    if at is None or not at.certified:
        return Unready(
            "witness-not-certified", "The page that it witnesses is not certified yet.", entry.page
        )
    # The last that was witnessed on this branch is enough: it followed those before it, or was not signed by us.
    for key, cells in reversed(list(view.scan(WITNESSES, (here.scope, entry.body)))):
        if not _is_before(view, here, PageId(key[3])):  # type: ignore[arg-type]
            continue
        earlier = PageId(cells[0])  # type: ignore[arg-type]
        before = known(view, earlier)
        seen = status(view, before.scope, earlier) if before is not None else None
        # What was never certified was no word on a branch, and binds nobody.
        if before is None or seen is None or not seen.certified:
            continue
        if not _follows(view, entry.page, earlier):
            return Unready(
                "witness-turns",
                "An earlier page of this book witnessed a page that the one it witnesses does not follow.",
                earlier,
            )
        break
    return None


def _is_before(view: Reader, here: Known, page: PageId) -> bool:
    """Say whether a page of the same book is before the page that is to be signed."""
    there = known(view, page)
    return (
        there is not None
        and there.scope == here.scope
        and there.number < here.number
        and here.prev is not None
        and _follows(view, here.prev, page)
    )


def _follows(view: Reader, page: PageId, earlier: PageId) -> bool:
    """Say whether `page` is `earlier` or comes after it on its branch."""
    base, at = known(view, earlier), known(view, page)
    while base is not None and at is not None and at.number > base.number and at.prev is not None:
        page = at.prev
        at = known(view, page)
    return page == earlier


def _word(view: Reader, here: Known, entry: Confirm) -> Unready | None:
    if entry.vote is None:
        return None
    held = record_row(view, entry.vote)
    whose = log_row(view, held.log) if held is not None else None
    if held is None or whose is None:
        return Unready("vote-not-held", "The vote that it names is not here yet.")
    if whose.scope != here.scope or not _is_on(view, entry.vote, entry.motion, entry.clause):
        return Unready(
            "vote-of-another", "The vote that it names is on another question, or no vote of this body."
        )
    return None


def _result(view: Reader, entry: Result) -> Unready | None:
    for vote in entry.votes or ():
        if record_row(view, vote) is None:
            return Unready("vote-not-held", "A vote that its result counts is not here yet.")
        if not _is_on(view, vote, entry.motion, entry.clause):
            return Unready("vote-of-another", "Its result counts a record that is no vote on this question.")
    if not entry.votes and view.get(MOTIONS, (entry.motion,)) is None:
        return Unready("motion-not-held", "The motion of its result is not here yet.")
    return None


def _is_on(view: Reader, vote: RecordId, motion: RecordId, clause: str) -> bool:
    held = record_row(view, vote)
    cells = view.get(VOTES, (held.log, held.seq, vote)) if held is not None else None
    return cells is not None and (cells[0], cells[1]) == (motion, clause)


def _earlier(view: Reader, here: Known, decision: EntryId) -> Unready | None:
    there = known(view, decision[0])
    if there is None or page_row(view, decision[0]) is None:
        return Unready("decision-not-held", "The page of the decision that it ends is not here yet.")
    if there.scope != here.scope or not isinstance(entry_at(view, *decision), Decision | Create):
        return Unready("repeal-of-nothing", "It ends a decision that this body never made.")
    return None
