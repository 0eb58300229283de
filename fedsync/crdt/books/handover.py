"""What a body must know of its delegates before it ends a mandate, or reads what was done under one. Pure; reads a view.

Cuts are drafted from all reachable tips: of every log under the mandate, the alternate's and those of every device
and restored backup among them, and of every branch of a log that forked.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fedsync.crdt.books.booktables import (
    BRANCHES,
    LAST_VOICE,
    MANDATE_CUTS,
    MANDATE_LOGS,
    VOICES,
    VOTE_VERDICTS,
    VOTES,
    Reader,
    known,
    record_row,
    status,
)
from fedsync.crdt.books.delegates import Given, entry_at, given
from fedsync.crdt.books.mandates import ENDED, NONE, RECALLED, VOID
from fedsync.crdt.books.slot import Verdict, VoiceStatus
from fedsync.crdt.why import verdict
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope
from fedsync.records.kinds.entries import Entry, EntryId, Tip

OVER = (NONE, VOID, ENDED, RECALLED)
"""What a mandate is under which nobody acts any more, or not yet."""


def find(view: Reader, id_: EntryId) -> Given | None:
    """Return a mandate on a known page."""
    here = known(view, id_[0])
    found = given(view, here.scope) if here is not None else ()
    return next((each for each in found if each.id == id_), None)


def logs_under(view: Reader, mandate: Given) -> list[LogId]:
    """Return the logs that speak under a mandate: its holder's and its alternate's, of any device."""
    whose = (mandate.mandate.holder, mandate.mandate.alternate)
    return [LogId(key[2]) for key, cells in view.scan(MANDATE_LOGS, mandate.id) if cells[0] in whose]  # type: ignore[arg-type]


def reachable(view: Reader, mandates: Iterable[Given]) -> tuple[Tip, ...]:
    """Return where all branches of all logs under some mandates stand here: what is kept when they end now."""
    tips = []
    for mandate in mandates:
        for log in logs_under(view, mandate):
            for _, cells in view.scan(BRANCHES, (log,)):
                tips.append(Tip(log, int(cells[3]), RecordId(cells[2])))  # type: ignore[arg-type]
    return tuple(sorted(tips, key=lambda tip: (tip.log, tip.seq, tip.id)))


class Ending(NamedTuple):
    """What ends a mandate, and the status of its page."""

    id: EntryId
    number: int
    status: str
    entry: Entry


def endings(view: Reader, mandate: Given) -> list[Ending]:
    """Return what ends a mandate, in book order."""
    found = []
    for key, _ in view.scan(MANDATE_CUTS, mandate.id):
        page, index = PageId(key[2]), int(key[3])  # type: ignore[arg-type]
        here, entry = status(view, mandate.scope, page), entry_at(view, page, index)
        if here is not None and entry is not None:
            found.append(Ending((page, index), here.number, here.status, entry))
    return sorted(found, key=lambda each: (each.number, each.id))


class Act(NamedTuple):
    """What somebody did under a mandate, and what became of it."""

    record: RecordId
    log: LogId
    seq: int
    kind: str
    about: bytes
    """The page, or the motion."""
    clause: str
    option: bytes | None
    """What a vote says, as it is written down."""
    key: Key
    verdict: Verdict


def acts_under(view: Reader, mandate: Given) -> list[Act]:
    """Return the signatures, approvals and votes under a mandate, by log and in the order of each."""
    found: list[Act] = []
    for key, cells in view.scan(MANDATE_LOGS, mandate.id):
        log, who = LogId(key[2]), Key(cells[0])  # type: ignore[arg-type]
        found += _votes(view, mandate.scope, log, who)
        for spoke, _ in view.scan(LAST_VOICE, (log,)):
            found += _voices(view, PageId(spoke[2]), log, who)  # type: ignore[arg-type]
    # A log that forked has a row for each of its branches in a slot.
    return sorted(dict.fromkeys(found), key=lambda each: (each.log, each.seq, each.record))


def _votes(view: Reader, scope: Scope, log: LogId, who: Key) -> Iterator[Act]:
    for key, cells in view.scan(VOTES, (log,)):
        record = RecordId(key[2])  # type: ignore[arg-type]
        row = view.get(VOTE_VERDICTS, (scope, record))
        what = (
            Verdict(VoiceStatus(str(row[2])), str(row[3]))
            if row is not None
            else Verdict(VoiceStatus.PENDING, "mandate-not-held")
        )
        yield Act(record, log, int(key[1]), "vote", cells[0], str(cells[1]), cells[2], who, what)  # type: ignore[arg-type]


def _voices(view: Reader, slot: PageId, log: LogId, who: Key) -> Iterator[Act]:
    for key, cells in view.scan(VOICES, (slot, log)):
        record = RecordId(key[3])  # type: ignore[arg-type]
        at = record_row(view, record)
        assert at is not None
        yield Act(record, log, at.seq, at.kind, cells[1], "", None, who, verdict(view, record))  # type: ignore[arg-type]
