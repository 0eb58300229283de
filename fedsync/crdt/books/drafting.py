"""Drafting a page: where it belongs in the book, and what a new epoch or a repair has to say. Pure; reads a view."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fedsync.crdt.books.booktables import (
    ADOPTED,
    FROZEN,
    SEALED,
    WITNESSES,
    Reader,
    book,
    children,
    known,
    status,
)
from fedsync.crdt.books.epoch import Epoch, judge_epoch
from fedsync.crdt.books.reform import Change, reformed, reseated
from fedsync.crdt.books.slotview import epoch_in_force
from fedsync.records.codec import MAX_RECORD_BYTES, Value, pack
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.authority import REPAIR_PAGE, parse_page
from fedsync.records.kinds.entries import WITNESS, Repair, Tip, VoidEntry
from fedsync.records.void import Void


class CannotDraft(ValueError):
    """There is nothing to draft on, or what was asked for would be void. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Drafted:
    """A page to be carried by any admitted log of pages, and what it was drafted on."""

    value: dict[str, Value]
    number: int
    on: PageId
    on_status: str
    rivals: tuple[PageId, ...]
    """Pages that already stand in this slot: only one of them can be sealed."""


def draft_page(view: Reader, scope: Scope, entries: Sequence[dict[str, Value]]) -> Drafted:
    """Return the next page of a book, on its newest proper page, sealed or not. Raises CannotDraft, or Void."""
    return _draft(view, scope, newest(view, scope), entries, repair=False)


def witnesses(view: Reader, scope: Scope, room: int = MAX_RECORD_BYTES) -> list[dict[str, Value]]:
    """Return entries that say how far the books of a body's seats have come, where that is news on its newest page.

    `room` is how many bytes they may take: in a large region not all fit, and those with the most news go first.
    """
    page = newest(view, scope)
    here = known(view, page)
    epoch = epoch_in_force(view, here) if here is not None else None
    found: list[tuple[int, PageId, PageId]] = []
    for member in sorted(epoch.members) if epoch is not None else []:
        there = known(view, member)
        at = book(view, there.scope) if there is not None else None
        if at is None or at.frozen or at.number == 0:
            continue
        seen = 0
        for key, cells in view.scan(WITNESSES, (scope, member)):
            if _is(view, scope, PageId(key[3]), SEALED, ADOPTED):  # type: ignore[arg-type]
                seen = max(seen, number_of(view, PageId(cells[0])))  # type: ignore[arg-type]
        if at.number > seen:
            found.append((seen - at.number, member, at.head))
    entries: list[dict[str, Value]] = []
    for _, member, head in sorted(found):
        entry: dict[str, Value] = {"kind": WITNESS, "body": member, "page": head}
        room -= len(pack(entry))
        if room >= 0:
            entries.append(entry)
    return entries


def number_of(view: Reader, page: PageId) -> int:
    """Return a known page's number, 0 for one that is not known."""
    here = known(view, page)
    return here.number if here is not None else 0


def newest(view: Reader, scope: Scope) -> PageId:
    """Return the newest proper page: the last sealed one, or what was adopted after it without a rival."""
    at = book(view, scope)
    if at is None:
        raise CannotDraft("not-held", "The first page of this book is not here yet.")
    if at.frozen:
        raise CannotDraft("frozen", "The book is split: only a repair page can settle it.")
    page = at.head
    while True:
        adopted = [each for each in children(view, page) if _is(view, scope, each, ADOPTED)]
        if len(adopted) != 1:
            return page
        (page,) = adopted


def draft_epoch(
    view: Reader,
    scope: Scope,
    add: Sequence[Genesis] = (),
    drop: Sequence[Key] = (),
    k: int | None = None,
    tips: Sequence[Tip] = (),
) -> Drafted:
    """Return a page with seats of people added or dropped, or another threshold. See `draft_change`."""
    return draft_change(view, scope, Change(add=add, drop=drop, k=k, cuts=tips))


def draft_change(
    view: Reader, scope: Scope, change: Change, also: Sequence[dict[str, Value]] = ()
) -> Drafted:
    """Return a page with a new epoch, and other entries after it. Raises CannotDraft, or Void.

    `change.cuts`: what is reachable of the dropped tellers' fact logs; what stands above is void from then on.
    """
    page = newest(view, scope)
    epoch = in_force(view, page)
    if set(change.drop) - epoch.keys:
        raise CannotDraft("no-seat", "A teller to be dropped has no seat.")
    if set(change.drop_bodies) - epoch.members:
        raise CannotDraft("no-seat", "A body to be dropped has no seat.")
    if not (epoch.n - len({*change.drop, *change.drop_bodies}) or change.add or change.add_bodies):
        raise CannotDraft("no-seat-left", "Nobody would have a seat any more.")
    if not set(change.drop) - {each.key for each in change.add}:
        change = replace(change, cuts=())
    return _draft(view, scope, page, [reformed(epoch, change), *also], repair=False)


def draft_repair(
    view: Reader, scope: Scope, seats: Sequence[Genesis], k: int, repair: Repair | None = None
) -> Drafted:
    """Return a repair page with new seats. Repair keys stay unless given. See `draft_mending`.

    The new seats are the sealers too: who sealed before may be what has to be repaired.
    """
    return draft_mending(view, scope, lambda epoch, _: [reseated(epoch, seats, k, repair)])


def draft_mending(
    view: Reader, scope: Scope, entries: Callable[[Epoch, PageId], Sequence[dict[str, Value]]]
) -> Drafted:
    """Return a repair page, right after the last sealed page, with what `entries` makes of the epoch in force there and that page.

    Without a new epoch the seats stay: it only settles which branch holds. Raises as `draft_page`.
    """
    at = book(view, scope)
    if at is None:
        raise CannotDraft("not-held", "The first page of this book is not here yet.")
    epoch = in_force(view, at.head)
    if not epoch.repair:
        raise CannotDraft("no-repair", "This body named no repair keys: its book can't be repaired.")
    return _draft(view, scope, at.head, entries(epoch, at.head), repair=True)


def in_force(view: Reader, page: PageId) -> Epoch:
    """Return the epoch that governs the pages after `page`. Raises CannotDraft when there is none."""
    here = known(view, page)
    epoch = epoch_in_force(view, here) if here is not None else None
    if epoch is None:
        raise CannotDraft("no-epoch", "This book has no sound epoch: nobody can speak for the body.")
    return epoch


def _draft(
    view: Reader, scope: Scope, page: PageId, entries: Sequence[dict[str, Value]], repair: bool
) -> Drafted:
    here, now = known(view, page), status(view, scope, page)
    assert here is not None
    assert now is not None
    value: dict[str, Value] = {
        "body": here.body,
        "number": here.number + 1,
        "prev": page,
        "entries": list(entries),
    }
    if repair:
        value["by"] = REPAIR_PAGE
    content = parse_page(value)
    if content.epoch is not None:
        judge_epoch(content.epoch[1], scope, here.level)
    for entry in content.entries:
        if isinstance(entry, VoidEntry):
            raise Void(entry.code, entry.sentence)
    rivals = [each for each in children(view, page) if not _is(view, scope, each, SEALED, FROZEN)]
    return Drafted(value, here.number + 1, page, now.status, tuple(rivals))


def _is(view: Reader, scope: Scope, page: PageId, *words: str) -> bool:
    found = status(view, scope, page)
    return found is not None and found.status in words
