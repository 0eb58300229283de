"""Motions as people read them: who put them and whether they may, their versions, and who dissents. Pure; reads a view.

A motion is worth what its author is: a seat of the body that it asks, or a delegate to it under a mandate. Nothing
rooted hangs on it: votes name a motion by its id, and pages say what they certify. Versions are motions that amend an
older one; rivals stay beside each other until a vote chooses.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fedsync.crdt.books.booktables import (
    ADOPTED,
    DISSENTS,
    DRAFTED,
    MOTIONS,
    NAMED,
    SEATS,
    LogRow,
    Reader,
    RecordRow,
    known,
    log_row,
    record_row,
    status,
)
from fedsync.crdt.books.delegates import Cuts, under
from fedsync.crdt.books.slot import Verdict, VoiceStatus
from fedsync.records.codec import unpack
from fedsync.records.genesis import SEAT
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope
from fedsync.records.kinds.fields import Text
from fedsync.records.kinds.motions import Motion, parse_dissent, parse_motion


@dataclass(frozen=True, slots=True)
class MotionView:
    """A held motion, who put it, and what that is worth."""

    id: RecordId
    motion: Motion
    scope: Scope | None
    """The founding tag of the body that is asked; None when that body is not known here."""
    key: Key
    giver: PageId | None
    """The body that sent its author; None when they have a seat of their own."""
    time: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class DissentView:
    """A statement against something, and whose it is."""

    id: RecordId
    about: bytes
    text: Text
    scope: Scope
    """The founding tag of the body in whose name its author has a log."""
    key: Key
    time: int
    verdict: Verdict


def motion(view: Reader, id_: RecordId) -> MotionView | None:
    """Return a motion, None when it is not held, or is none."""
    row = view.get(MOTIONS, (id_,))
    at = record_row(view, id_)
    if row is None or at is None:
        return None
    said = parse_motion(unpack(row[3]))  # type: ignore[arg-type]
    whose, asked = log_row(view, at.log), known(view, said.body)
    assert whose is not None
    giver = known(view, whose.page) if whose.page is not None else None
    return MotionView(
        id=id_,
        motion=said,
        scope=asked.scope if asked is not None else None,
        key=whose.key,
        giver=giver.body if giver is not None else None,
        time=int(row[1]),  # type: ignore[arg-type]
        verdict=_verdict(view, id_, said, at, whose, int(row[1])),  # type: ignore[arg-type]
    )


def motions(view: Reader, body: PageId | None = None) -> list[MotionView]:
    """Return all motions, or those put to one body, by their claimed time."""
    found = [
        each
        for key, cells in view.scan(MOTIONS)
        if body is None or cells[0] == body
        if (each := motion(view, RecordId(key[0]))) is not None  # type: ignore[arg-type]
    ]
    return sorted(found, key=lambda each: (each.time, each.id))


def versions(view: Reader, id_: RecordId) -> list[MotionView]:
    """Return the versions of a motion that are held, each after the one that it amends; rivals by time."""
    root = motion(view, id_)
    while root is not None and root.motion.amends is not None:
        before = motion(view, root.motion.amends)
        if before is None:
            break
        root = before
    if root is None:
        return []
    every = motions(view, root.motion.body)
    found, todo = [], [root]
    while todo:
        at = todo.pop(0)
        found.append(at)
        todo += [each for each in every if each.motion.amends == at.id]
    return found


def dissents(view: Reader, about: bytes) -> list[DissentView]:
    """Return the statements against a motion, page or vote, by their claimed time. Nothing takes one off this list."""
    return sorted(_dissents(view, about), key=lambda each: (each.time, each.id))


def speaks(view: Reader, log: LogId, whose: LogRow, body: PageId | None, time: int) -> Verdict:
    """Return whether a log's author may put something to `body`, or speak at all for None, at a claimed time."""
    if whose.page is None:
        asked = known(view, body) if body is not None else None
        if asked is not None and asked.scope != whose.scope:
            return Verdict(VoiceStatus.VOID, "seat-elsewhere")
        if whose.capacity != SEAT[0] or not whose.fit:
            return Verdict(VoiceStatus.VOID, "no-seat")
        if view.get(NAMED, (whose.scope, whose.key, log)) is None:
            return Verdict(VoiceStatus.PENDING, "seat-not-named")
        # A draft names whomever its drafter likes. Who had a seat once goes on having put what they put.
        if view.get(SEATS, (whose.scope, whose.key)) is None:
            return Verdict(VoiceStatus.PENDING, "seat-not-given")
        return Verdict(VoiceStatus.STANDS, "counts")
    found = under(view, whose)
    if found.fault:
        return Verdict(VoiceStatus.VOID, found.fault)
    if found.waits or found.mandate is None:
        return Verdict(VoiceStatus.PENDING, found.waits or "mandate-not-held")
    if body is not None and found.mandate.seat != body:
        return Verdict(VoiceStatus.VOID, "other-seat")
    if found.mandate.until is not None and time > found.mandate.until:
        return Verdict(VoiceStatus.VOID, "term-over")
    page = status(view, whose.scope, whose.page)
    if page is None or page.status == DRAFTED:
        return Verdict(VoiceStatus.PENDING, "mandate-not-sealed")
    if page.status == ADOPTED:
        return Verdict(VoiceStatus.SUSPENDED, "mandate-provisional")
    return Verdict(VoiceStatus.STANDS, "counts")


def _verdict(view: Reader, id_: RecordId, said: Motion, at: RecordRow, whose: LogRow, time: int) -> Verdict:
    if known(view, said.body) is None:
        return Verdict(VoiceStatus.PENDING, "body-not-known")
    if said.amends is not None:
        before = view.get(MOTIONS, (said.amends,))
        if before is None:
            held = record_row(view, said.amends)
            if held is None:
                return Verdict(VoiceStatus.PENDING, "amended-not-held")
            return Verdict(VoiceStatus.VOID, "amends-no-motion")
        if before[0] != said.body:
            return Verdict(VoiceStatus.VOID, "amends-another-body")
    own = speaks(view, at.log, whose, said.body, time)
    if own.status in (VoiceStatus.VOID, VoiceStatus.PENDING) or whose.page is None:
        return own
    against = Cuts(view, at.log, whose).against(id_, at)
    return Verdict(*against) if against is not None else own


def _dissents(view: Reader, about: bytes) -> Iterator[DissentView]:
    for key, cells in view.scan(DISSENTS, (about,)):
        id_, at = RecordId(key[1]), record_row(view, RecordId(key[1]))  # type: ignore[arg-type]
        assert at is not None
        whose = log_row(view, at.log)
        assert whose is not None
        said = parse_dissent(unpack(cells[1]))  # type: ignore[arg-type]
        time = int(cells[0])  # type: ignore[arg-type]
        own = speaks(view, at.log, whose, None, time)
        yield DissentView(id_, about, said.text, whose.scope, whose.key, time, own)
