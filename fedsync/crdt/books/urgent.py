"""What of books travels first: what ends something, and all that it needs to be understood. Pure; touches a draft.

Urgent is a page that recalls, closes or replaces a mandate, takes its body out of another, or changes who speaks for the
body; each signature and approval of it; and whatever stands before it in its book, since nobody can take in a page
whose chain is not held. Nothing that holds depends on it: a liar who calls much urgent moves himself to the front of what
his own book brings, and no more.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fedsync.crdt.books.booktables import (
    RECORDS,
    VOICES,
    Known,
    Reader,
    known,
    page_row,
    record_row,
)
from fedsync.crdt.books.epoch import read_page
from fedsync.crdt.books.mandates import about
from fedsync.crdt.books.urgenttables import URGENT_BOOKS, URGENT_GIVEN, URGENT_PAGES
from fedsync.crdt.view import Draft
from fedsync.records.codec import NotCanonical, unpack
from fedsync.records.ids import LogId, PageId, RecordId, Scope
from fedsync.records.kinds import authority
from fedsync.records.kinds.authority import Page, parse_approval, parse_signature
from fedsync.records.kinds.entries import EpochEntry, Leave, Mandate, Recall
from fedsync.records.void import Void


class Urgent(NamedTuple):
    """A record that goes before all else, with all that stands before it in its log."""

    log: LogId
    seq: int


def note_urgent(draft: Draft, scope: Scope, id_: PageId, page: Page) -> None:
    """Note a page that has come to be known, if it ends something."""
    urgent = ends_something(draft, scope, page)
    for entry in page.entries:
        if isinstance(entry, Mandate):
            draft.put(URGENT_GIVEN, (scope, about(entry), page.number, id_), ())
    if not urgent:
        return
    before = _last(draft, scope)
    draft.put(URGENT_PAGES, (scope, id_), (before,))
    if page.number > before:
        draft.put(URGENT_BOOKS, (scope,), (page.number,))


def ends_something(view: Reader, scope: Scope, page: Page) -> bool:
    """Say whether a page of this book recalls, closes, replaces, leaves, or changes who speaks for the body."""
    for entry in page.entries:
        match entry:
            case Recall() | Leave():
                return True
            case EpochEntry():
                if page.number > 0:
                    return True
            case Mandate():
                if entry.cuts or _replaces(view, scope, page.number, entry):
                    return True
            case _:
                pass
    return False


def _replaces(view: Reader, scope: Scope, number: int, entry: Mandate) -> bool:
    """Say whether an earlier page gives a mandate for the same seat or task."""
    for key, _ in view.scan(URGENT_GIVEN, (scope, about(entry))):
        return int(key[2]) < number
    return False


def urgent_records(draft: Draft) -> Iterator[Urgent]:
    """Yield what a batch made urgent: what came with it, and what was held and is needed now."""
    done: set[PageId] = set()
    for key in draft.changed(URGENT_PAGES):
        row = draft.get(URGENT_PAGES, key)
        if row is not None:
            yield from _with_its_chain(draft, PageId(key[1]), int(row[0]), done)  # type: ignore[arg-type]
    for key in draft.changed(VOICES):
        voice = draft.get(VOICES, key)
        if voice is not None and is_needed(draft, PageId(voice[1])):  # type: ignore[arg-type]
            yield Urgent(LogId(key[1]), int(key[2]))  # type: ignore[arg-type]
    for key in draft.changed(RECORDS):
        record = record_row(draft, RecordId(key[0]))  # type: ignore[arg-type]
        if record is None or record.page is None or record.kind != authority.PAGE:
            continue
        if is_needed(draft, record.page):
            yield Urgent(record.log, record.seq)


def is_needed(view: Reader, page: PageId) -> bool:
    """Say whether a page that is held ends something, or stands in its book before one that does."""
    here = known(view, page)
    return here is not None and here.number <= _last(view, here.scope)


def looks_urgent(
    view: Reader, scope: Scope, kind: str, payload: bytes, coming: Iterable[PageId] = ()
) -> bool:
    """Say whether a record that nobody has verified is urgent if it is what it says: a page, or a voice on one.

    `coming`: pages that are on their way, and end something.
    """
    try:
        match kind:
            case authority.PAGE:
                page = read_page(payload)
                before = known(view, page.prev) if page.prev is not None else None
                return ends_something(view, before.scope if before else scope, page)
            case authority.SIGNATURE:
                said = parse_signature(unpack(payload)).page
            case authority.APPROVAL:
                said = parse_approval(unpack(payload)).page
            case _:
                return False
    except (Void, NotCanonical):
        return False
    return said in coming or is_needed(view, said)


def _last(view: Reader, scope: Scope) -> int:
    row = view.get(URGENT_BOOKS, (scope,))
    return int(row[0]) if row else -1  # type: ignore[arg-type]


def _with_its_chain(draft: Draft, page: PageId, before: int, done: set[PageId]) -> Iterator[Urgent]:
    """Yield the carriers and voices of a page, and of those before it as far as nothing made them urgent earlier."""
    at: PageId | None = page
    while at is not None and at not in done:
        done.add(at)
        here = known(draft, at)
        if here is None or (here.number <= before and at != page):
            return
        yield from _said_of(draft, at, here)
        at = here.prev


def _said_of(draft: Draft, page: PageId, here: Known) -> Iterator[Urgent]:
    held = page_row(draft, page)
    carrier = record_row(draft, held.carrier) if held is not None else None
    if carrier is not None:
        yield Urgent(carrier.log, carrier.seq)
    for key, row in draft.scan(VOICES, (here.prev,)) if here.prev is not None else ():
        if row[1] == page:
            yield Urgent(LogId(key[1]), int(key[2]))  # type: ignore[arg-type]
