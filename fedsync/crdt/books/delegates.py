"""Whom a delegate's log speaks for, what its giver has cut of it, and what a mandate allows. Pure; reads a view.

Rules 4, 9, 10 and 14. A check answers yes, no, or not known yet: a mandate that is not certified, or a tip that is
not held, is waited for.
"""

from collections.abc import Iterator
from typing import NamedTuple

from fedsync.crdt.books.booktables import (
    BRANCHES,
    DISPLACED,
    FROZEN,
    MANDATE_CUTS,
    MANDATES,
    LogRow,
    Reader,
    RecordRow,
    known,
    log_row,
    page_row,
    record_row,
    status,
)
from fedsync.crdt.books.branches import on_chain
from fedsync.crdt.books.epoch import read_page
from fedsync.crdt.books.limits import SIGNATURE, limit
from fedsync.crdt.books.slot import Cut, Delegate, VoiceStatus
from fedsync.records.ids import LogId, PageId, RecordId, Scope
from fedsync.records.kinds.entries import Bounds, Entry, EntryId, Instruction, Leave, Mandate, Recall, Tip
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
    return Delegate(
        found.giver, None, waits, found.mandate.may, found.mandate.until, limit(found.mandate, SIGNATURE)
    )


class Given(NamedTuple):
    """A mandate, who gave it, and what has become of it."""

    id: EntryId
    scope: Scope
    giver: PageId
    number: int
    status: str
    mandate: Mandate


def given(view: Reader, scope: Scope | None = None) -> Iterator[Given]:
    """Yield the mandates on known pages, of one book or of all, in book order within each."""
    for key, cells in view.scan(MANDATES, (scope,) if scope is not None else ()):
        page, index = PageId(key[1]), int(key[2])  # type: ignore[arg-type]
        here, entry = known(view, page), entry_at(view, page, index)
        if here is not None and isinstance(entry, Mandate):
            yield Given((page, index), here.scope, here.body, int(cells[0]), str(cells[1]), entry)  # type: ignore[arg-type]


class Cuts:
    """What the giver's book says by now against the records of one delegate's log (rule 10)."""

    def __init__(self, view: Reader, log: LogId, whose: LogRow) -> None:
        assert whose.page is not None
        assert whose.entry is not None
        self._view = view
        self._all: list[Cut] = []
        self._tips: list[tuple[bool, list[Tip]]] = []
        self._held: dict[RecordId, RecordRow | None] = {}
        here = status(view, whose.scope, whose.page)
        if here is not None and here.status == FROZEN:
            self._all.append(Cut(VoiceStatus.SUSPENDED, "mandate-frozen"))
        if here is not None and here.status == DISPLACED:
            self._all.append(Cut(VoiceStatus.VOID, "mandate-displaced"))
        given = view.get(MANDATES, (whose.scope, whose.page, whose.entry))
        if given is not None and given[1] == "suspended":
            self._all.append(Cut(VoiceStatus.SUSPENDED, "recall-adopted"))
        for key, cells in view.scan(MANDATE_CUTS, (whose.page, whose.entry)):
            entry = entry_at(view, PageId(key[2]), int(key[3]))  # type: ignore[arg-type]
            assert isinstance(entry, Mandate | Recall | Leave)
            self._tips.append((bool(cells[0]), [tip for tip in entry.cuts if tip.log == log]))

    def against(self, record: RecordId, at: RecordRow | None = None) -> Cut | None:
        """Return what is said against a record of the log, None when nothing is."""
        if not self._all and not self._tips:
            return None
        if at is None:
            at = record_row(self._view, record)
            assert at is not None
        verdicts = list(self._all)
        for hard, tips in self._tips:
            kept = self._kept(at, tips)
            if kept is None:
                verdicts.append(Cut(VoiceStatus.PENDING, "tip-not-held"))
            elif not kept:
                word, code = (
                    (VoiceStatus.VOID, "recalled") if hard else (VoiceStatus.SUSPENDED, "recall-adopted")
                )
                verdicts.append(Cut(word, code))
        return min(verdicts, key=_weight, default=None)

    def _kept(self, record: RecordRow, tips: list[Tip]) -> bool | None:
        """Say whether a record is on the chain of a tip; None when a tip that may hold it has not come."""
        unknown = False
        for tip in tips:
            if record.seq > tip.seq:
                continue
            if tip.id not in self._held:
                self._held[tip.id] = record_row(self._view, tip.id)
            held = self._held[tip.id]
            if held is None:
                unknown = True
            elif held.log == record.log and held.seq == tip.seq and on_chain(self._view, record, held):
                return True
        return None if unknown else False


def kept_upto(view: Reader, log: LogId) -> int:
    """Return up to which seq all of a log is kept, whatever ends its mandate; -1 when that takes a closer look."""
    whose = log_row(view, log)
    assert whose is not None
    least: int | None = None
    if sum(1 for _ in view.scan(BRANCHES, (log,))) != 1:
        return -1
    for key, _ in view.scan(MANDATE_CUTS, (whose.page, whose.entry)):  # type: ignore[arg-type]
        entry = entry_at(view, PageId(key[2]), int(key[3]))  # type: ignore[arg-type]
        assert isinstance(entry, Mandate | Recall | Leave)
        upto = -1
        for tip in entry.cuts:
            held = record_row(view, tip.id) if tip.log == log else None
            if held is not None and held.log == log and held.seq == tip.seq:
                upto = max(upto, tip.seq)
        least = upto if least is None else min(least, upto)
    return -1 if least is None else least


def tips_of(view: Reader, log: LogId, whose: LogRow) -> set[RecordId]:
    """Return the tips of a delegate's log that its giver's book names."""
    tips: set[RecordId] = set()
    for key, _ in view.scan(MANDATE_CUTS, (whose.page, whose.entry)):  # type: ignore[arg-type]
        entry = entry_at(view, PageId(key[2]), int(key[3]))  # type: ignore[arg-type]
        assert isinstance(entry, Mandate | Recall | Leave)
        tips |= {tip.id for tip in entry.cuts if tip.log == log}
    return tips


_WEIGHT = {VoiceStatus.VOID: 0, VoiceStatus.SUSPENDED: 1, VoiceStatus.PENDING: 2}


def _weight(cut: Cut) -> tuple[int, str]:
    return _WEIGHT[cut.status], cut.code


def allows(instruction: Instruction, choice: Choice) -> bool:
    """Say whether an instruction allows a choice; of a list, each option that it names."""
    if instruction is None:
        return True
    if isinstance(instruction, Bounds):
        return type(choice) is int and instruction.least <= choice <= instruction.most
    if choice in instruction:
        return True
    return isinstance(choice, tuple) and bool(choice) and all(each in instruction for each in choice)
