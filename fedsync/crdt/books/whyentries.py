"""Why an entry of a page has the effect that it has: mandates, words, results, joins and all others. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from fedsync.crdt.answer import Answer
from fedsync.crdt.books import votes
from fedsync.crdt.books.booktables import (
    SEALED,
    STATUSES,
    WORDS,
    Known,
    Reader,
    known,
    page_row,
    record_row,
    status,
)
from fedsync.crdt.books.decisions import decisions, ended, result_of
from fedsync.crdt.books.epoch import read_page
from fedsync.crdt.books.faults import NOT_HELD, settle_fault
from fedsync.crdt.books.minutes import DECISION_WORDS, entry_fault
from fedsync.crdt.books.naming import Naming, motion_at, short
from fedsync.crdt.books.soundness import Sound, sound
from fedsync.crdt.books.whypages import PEERS, about_page, epoch_waits, short12
from fedsync.crdt.books.whyresults import about_result
from fedsync.crdt.books.whyvoices import about_mandate, mandate_status
from fedsync.crdt.logs.settling import settled
from fedsync.crdt.reasons import ENTRY_REASONS, reason
from fedsync.records.ids import PageId, Scope
from fedsync.records.kinds.entries import (
    Confirm,
    Consent,
    Create,
    Decision,
    Entry,
    EntryId,
    EpochEntry,
    Join,
    Leave,
    Mandate,
    Recall,
    Repeal,
    Result,
    Settle,
    UnknownEntry,
    VoidEntry,
    Witness,
    consent_digest,
    kind_of,
)
from fedsync.records.kinds.fields import plain


def about_entry(view: Reader, page: PageId, index: int, called: Naming) -> Answer:
    """Return why an entry is what it is. KeyError when the page is not held or has no such entry."""
    held = page_row(view, page)
    if held is None:
        raise KeyError(page)
    entries = read_page(held.payload).entries
    if not 0 <= index < len(entries):
        raise KeyError(index)
    entry = entries[index]
    here = known(view, page)
    fault = entry_fault(view, page, entry)
    if fault is not None:
        what = _what(page, index, kind_of(entry))
        return Answer(_id(page, index), kind_of(entry), what, "void", fault[0], said=fault[1])
    if isinstance(entry, Mandate):
        return about_mandate(view, (page, index), entry, called)
    if isinstance(entry, Result):
        return about_result(view, (page, index), entry, called)
    if here is None:
        return _by_page(view, page, index, kind_of(entry), (), called)
    if isinstance(entry, Confirm):
        return _word(view, here, (page, index), entry, called)
    if isinstance(entry, Decision):
        return _decision(view, here, (page, index), entry, called)
    if isinstance(entry, EpochEntry):
        return _epoch(view, page, index, entry, called)
    evidence = tuple(_evidence(view, (page, index), here, entry, called))
    return _by_page(view, page, index, kind_of(entry), evidence, called)


def _id(page: PageId, index: int) -> str:
    return f"{page.hex()}:{index}"


def _what(page: PageId, index: int, kind: str) -> str:
    return f"The {kind} {short12(page)}:{index}"


def _by_page(
    view: Reader, page: PageId, index: int, kind: str, evidence: tuple[str, ...], called: Naming
) -> Answer:
    """Return the answer for an entry that is worth what its page is."""
    here = known(view, page)
    at = status(view, here.scope, page) if here is not None else None
    word = DECISION_WORDS[at.status] if at is not None else "pending"
    sealed = at is not None and at.status == SEALED
    return Answer(
        _id(page, index), kind, _what(page, index, kind), word, ENTRY_REASONS[word], evidence,
        verb=f"is {word.replace('_', ' ')}", after=None if sealed else about_page(view, page, called),
    )  # fmt: skip


def _evidence(view: Reader, id_: EntryId, here: Known, entry: Entry, called: Naming) -> Iterator[str]:
    """Yield what else bears on an entry, or on what it changes."""
    page = id_[0]
    match entry:
        case Repeal(decision):
            yield f"It repeals {called.decision(decision)}."
            yield from _ends(view, here.scope, id_, called)
        case Recall(mandate):
            yield f"It ends {called.mandate(mandate)}, which is {mandate_status(view, mandate)} now."
            if not _is_own(view, here.scope, mandate):
                yield "It has no effect: only the giver's own book recalls a mandate."
        case Witness(body, head):
            there = known(view, head)
            at = status(view, there.scope, head) if there is not None else None
            yield f"It says that the book of {called.body(body)} had come to {called.page(head)}."
            yield f"That page is {at.status if at else 'not held yet'} now."
        case Consent(body, to):
            yield from _consent(view, body, to, called)
        case Join(body):
            yield from _other_book(view, here.body, body, Join, "joins", called)
        case Leave(body):
            yield f"One book is enough: from here on {called.body(body)} and {called.body(here.body)} are apart."
            yield from _other_book(view, here.body, body, Leave, "leaves", called)
        case Create(body):
            yield f"It founds {called.body(body)}, which answers to {called.body(here.body)}."
        case Settle():
            yield from _settle(view, here, page, entry)
        case UnknownEntry(kind):
            yield f"This version of fedsync does not know what {kind} is: it has no effect here."
        case VoidEntry():
            yield entry.sentence


def _settle(view: Reader, here: Known, page: PageId, entry: Settle) -> Iterator[str]:
    yield f"It chooses the branch of record {short(entry.id)}, number {entry.seq} of the log {short(entry.log)}."
    code = settle_fault(view, page, entry)
    said = settled(view, here.scope, entry.log)
    if code == "settled-before" and said is not None:
        yield f"It changes nothing: page {short12(said.page)} chose record {short(said.id)} before it."
    elif code in NOT_HELD:
        yield f"It waits: {reason(code).sentence}; until then nothing of that log counts above its fork."
    elif code is not None:
        yield f"It has no effect: {reason(code).sentence}."
    elif said is not None:
        yield "That branch alone counts now, wherever it is held."


def _is_own(view: Reader, scope: Scope, mandate: EntryId) -> bool:
    there = known(view, mandate[0])
    return there is not None and there.scope == scope


# --- Decisions


def _decision(view: Reader, here: Known, id_: EntryId, entry: Decision, called: Naming) -> Answer:
    """Return what a decision is, what it ended, and what ended it."""
    page, index = id_
    every = called.once(
        ("decisions", here.scope), lambda: {each.id: each for each in decisions(view, here.scope, called.now)}
    )
    found = every.get(id_)
    plainly = _by_page(view, page, index, "decision", (), called)
    evidence = []
    if entry.motion is not None:
        held = "" if motion_at(view, entry.motion) is not None else ", which has not come yet"
        evidence.append(f"It comes from the motion {called.motion(entry.motion)}{held}.")
        result = result_of(view, here.scope, found) if found is not None else None
        if result is not None:
            outcome = result.outcome or "nothing decided"
            evidence.append(f"Its result on {called.page(result.page)}: {outcome}, {result.status}.")
    evidence += [f"It stands in place of {called.decision(each)}." for each in entry.supersedes]
    evidence += _ends(view, here.scope, id_, called)
    if found is None:
        return replace(plainly, evidence=tuple(evidence))
    if found.ended_by is not None:
        evidence.append(f"It was {found.status} on {called.page(found.ended_by[0])}.")
    if found.ending is not None:
        word, by = found.ending
        evidence.append(f"It will be {word} once {called.page(by[0])} is sealed.")
    code = ENTRY_REASONS[found.status]
    verb = f"is {found.status.replace('_', ' ')}"
    return replace(plainly, status=found.status, code=code, evidence=tuple(evidence), verb=verb)


def _ends(view: Reader, scope: Scope, id_: EntryId, called: Naming) -> Iterator[str]:
    """Yield why an entry does not end a decision that it names."""
    for target, code in ended(view, scope, id_):
        if code is not None:
            yield f"It does not end {called.decision(target)}: {reason(code).sentence} ({code})."


# --- Words


def _word(view: Reader, here: Known, id_: EntryId, entry: Confirm, called: Naming) -> Answer:
    """Return whether a confirm or ratify is the body's word (rule 11)."""
    page, index = id_
    kind = kind_of(entry)
    question = (entry.motion, entry.clause)
    names = f"the vote {short(entry.vote)}" if entry.vote is not None else "no vote"
    evidence = [f"On {called.motion(*question)} it names {names}."]
    at = status(view, here.scope, page)
    what = _what(page, index, kind)
    if at is None or at.status != SEALED:
        word = at.status if at is not None else "pending"
        return Answer(
            _id(page, index), kind, what, word, "word-not-sealed", tuple(evidence),
            after=about_page(view, page, called),
        )  # fmt: skip
    said = votes.Senders(view).word(here.scope, question)
    if said is not None and said.page == page and _is_first(view, here, id_, entry):
        if not said.settled:
            return Answer(
                _id(page, index), kind, what, "pending", "word-waits", tuple(evidence),
                (f"the vote {short(entry.vote)}" if entry.vote else "its vote",), next=PEERS,
            )  # fmt: skip
        return Answer(
            _id(page, index), kind, what, "in_force", "word-holds", tuple(evidence), verb="is in force"
        )
    vote = votes.cast(view, entry.vote) if entry.vote is not None else None
    if vote is not None:
        own = votes.own_verdict(view, vote)
        if vote.whose.scope != here.scope:
            evidence.append("That vote is not in a log of this body's seat.")
        elif vote.question != question:
            evidence.append(f"That vote is on {called.motion(*vote.question)}.")
        elif own.code != "counts":
            evidence.append(f"That vote is {own.status} by itself ({own.code}).")
    elif entry.vote is not None:
        evidence.append(
            "That record is no vote." if record_row(view, entry.vote) else "That vote has not come."
        )
    if said is not None and said.page != page:
        evidence.append(f"The body's word is on {called.page(said.page)}.")
    return Answer(_id(page, index), kind, what, "void", "word-skipped", tuple(evidence))


def _is_first(view: Reader, here: Known, id_: EntryId, entry: Confirm) -> bool:
    """Say whether of several words on one page this is the one that `votes.word` found."""
    said = votes.Senders(view).word(here.scope, (entry.motion, entry.clause))
    if said is None:
        return False
    for key, cells in view.scan(WORDS, (here.scope, entry.motion, entry.clause)):
        if key[4] == id_[0] and cells[0] == said.vote:
            return key[5] == id_[1]
    return False


# --- Epochs, consents, joins


def _epoch(view: Reader, page: PageId, index: int, entry: EpochEntry, called: Naming) -> Answer:
    answer, _ = sound(view, page)
    n = len(entry.seats)
    evidence = [f"{plain(entry.name)}: {entry.k} of {n} seats sign; it governs from the next page on."]
    if answer is Sound.YES:
        return _by_page(view, page, index, "epoch", tuple(evidence), called)
    if answer is Sound.PENDING:
        waits = epoch_waits(view, page, called)
        return Answer(
            _id(page, index), "epoch", _what(page, index, "epoch"), "pending", "epoch-not-settled",
            tuple(evidence + waits), next=PEERS,
        )  # fmt: skip
    return Answer(
        _id(page, index), "epoch", _what(page, index, "epoch"), "void", "epoch-unsound",
        (*evidence, f"{len(entry.consents)} consents are listed; {entry.k} are needed."),
    )  # fmt: skip


def _consent(view: Reader, body: PageId, to: bytes, called: Naming) -> Iterator[str]:
    there = known(view, body)
    for page, each in _entries_of(view, there.scope) if there is not None else ():
        if isinstance(each, EpochEntry) and consent_digest(body, each) == to:
            yield f"It agrees to the epoch on {called.page(page)}."
            return
    yield f"The epoch of {called.body(body)} that it agrees to is not held yet."


def _other_book(
    view: Reader, own: PageId, body: PageId, kind: type[Join | Leave], word: str, called: Naming
) -> Iterator[str]:
    there = known(view, body)
    if there is None:
        yield f"The book of {called.body(body)} is not held."
        return
    for page, each in _entries_of(view, there.scope):
        if isinstance(each, kind) and each.body == own:
            at = status(view, there.scope, page)
            yield f"The other book says so on {called.page(page)}, which is {at.status if at else 'pending'}."
            return
    yield f"The book of {called.body(body)} does not say so yet."


def _entries_of(view: Reader, scope: Scope) -> Iterator[tuple[PageId, Entry]]:
    for key, _ in view.scan(STATUSES, (scope,)):
        page = PageId(key[1])  # type: ignore[arg-type]
        held = page_row(view, page)
        assert held is not None
        for entry in read_page(held.payload).entries:
            yield page, entry
