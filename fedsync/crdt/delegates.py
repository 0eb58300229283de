"""Whom a delegate's log speaks for, what its giver has cut of it, and what a mandate allows. Pure; reads a view.

Rules 4, 9, 10 and 14. A check answers yes, no, or not known yet: a mandate that is not certified, or a tip that is
not held, is waited for.
"""

from typing import NamedTuple

from fedsync.crdt.booktables import (
    DISPLACED,
    FROZEN,
    MANDATE_CUTS,
    MANDATES,
    LogRow,
    Reader,
    RecordRow,
    known,
    page_row,
    record_row,
    status,
)
from fedsync.crdt.branches import on_chain
from fedsync.crdt.epoch import read_page
from fedsync.crdt.slot import Cut, Delegate, VoiceStatus
from fedsync.records.ids import PageId, RecordId
from fedsync.records.kinds.entries import Bounds, Entry, Instruction, Leave, Mandate, Recall, Tip
from fedsync.records.kinds.motions import Choice


class Under(NamedTuple):
    """The mandate that a log is written under; `fault` or `waits` is the code of why there is none, or not yet."""

    giver: PageId | None
    mandate: Mandate | None
    fault: str | None = None
    waits: str | None = None


def entry_at(view: Reader, page: PageId, index: int) -> Entry | None:
    """Return an entry of a held page, None when there is none."""
    held = page_row(view, page)
    if held is None:
        return None
    entries = read_page(held.payload).entries
    return entries[index] if index < len(entries) else None


def under(view: Reader, log: LogRow) -> Under:
    """Return the mandate that a delegate's log is under."""
    assert log.page is not None
    assert log.entry is not None
    here = known(view, log.page)
    if here is None:
        return Under(None, None, waits="mandate-not-held")
    entry = entry_at(view, log.page, log.entry)
    if here.scope != log.scope or not isinstance(entry, Mandate):
        return Under(here.body, None, fault="no-mandate")
    if log.key not in (entry.holder, entry.alternate) or not log.fit:
        return Under(here.body, None, fault="not-the-holder")
    return Under(here.body, entry)


def certified(view: Reader, log: LogRow) -> bool:
    """Say whether the page that gives a delegate's mandate is certified."""
    at = status(view, log.scope, log.page) if log.page is not None else None
    return at is not None and at.certified


def delegate(view: Reader, log: LogRow, body: PageId) -> Delegate:
    """Return for whom a delegate's log speaks in the book of `body`."""
    found = under(view, log)
    if found.mandate is None:
        return Delegate(found.giver, found.fault, found.waits)
    if found.mandate.seat != body:
        return Delegate(found.giver, "other-seat")
    waits = None if certified(view, log) else "mandate-not-certified"
    return Delegate(found.giver, None, waits, found.mandate.may, found.mandate.until)


def cut(view: Reader, log: LogRow, record: RecordId) -> Cut | None:
    """Return what the giver's book says against a delegate's record by now, None when it says nothing (rule 10)."""
    assert log.page is not None
    assert log.entry is not None
    at = record_row(view, record)
    assert at is not None
    here = status(view, log.scope, log.page)
    verdicts: list[Cut] = []
    if here is not None and here.status == FROZEN:
        verdicts.append(Cut(VoiceStatus.SUSPENDED, "mandate-frozen"))
    if here is not None and here.status == DISPLACED:
        verdicts.append(Cut(VoiceStatus.VOID, "mandate-displaced"))
    given = view.get(MANDATES, (log.scope, log.page, log.entry))
    if given is not None and given[1] == "suspended":
        verdicts.append(Cut(VoiceStatus.SUSPENDED, "recall-adopted"))
    for key, cells in view.scan(MANDATE_CUTS, (log.page, log.entry)):  # type: ignore[arg-type]
        entry = entry_at(view, PageId(key[2]), int(key[3]))  # type: ignore[arg-type]
        assert isinstance(entry, Mandate | Recall | Leave)
        kept = _kept(view, at, [tip for tip in entry.cuts if tip.log == at.log])
        if kept is None:
            verdicts.append(Cut(VoiceStatus.PENDING, "tip-not-held"))
        elif not kept:
            hard = bool(cells[0])
            word, code = (VoiceStatus.VOID, "recalled") if hard else (VoiceStatus.SUSPENDED, "recall-adopted")
            verdicts.append(Cut(word, code))
    return min(verdicts, key=lambda each: (_WEIGHT[each.status], each.code), default=None)


_WEIGHT = {VoiceStatus.VOID: 0, VoiceStatus.SUSPENDED: 1, VoiceStatus.PENDING: 2}


def _kept(view: Reader, record: RecordRow, tips: list[Tip]) -> bool | None:
    """Say whether a record is on the chain of a tip; None when a tip that may hold it has not come."""
    unknown = False
    for tip in tips:
        if record.seq > tip.seq:
            continue
        held = record_row(view, tip.id)
        if held is None:
            unknown = True
        elif held.log == record.log and held.seq == tip.seq and on_chain(view, record, held):
            return True
    return None if unknown else False


def allows(instruction: Instruction, choice: Choice) -> bool:
    """Say whether an instruction allows a choice; of a list, each option that it names."""
    if instruction is None:
        return True
    if isinstance(instruction, Bounds):
        return type(choice) is int and instruction.least <= choice <= instruction.most
    if choice in instruction:
        return True
    return isinstance(choice, tuple) and bool(choice) and all(each in instruction for each in choice)
