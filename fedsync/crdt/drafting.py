"""Drafting a page: where it belongs in the book, and what a new epoch or a repair has to say. Pure; reads a view."""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsync.crdt.booktables import ADOPTED, FROZEN, SEALED, WITNESSES, Reader, book, children, known, status
from fedsync.crdt.epoch import Epoch, judge_epoch
from fedsync.crdt.slotview import epoch_in_force
from fedsync.records.codec import Value
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.authority import REPAIR_PAGE, parse_page
from fedsync.records.kinds.entries import EPOCH, WITNESS, Repair, Tip, VoidEntry
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


def witnesses(view: Reader, scope: Scope) -> list[dict[str, Value]]:
    """Return entries that say how far the books of a body's seats have come, where that is news on its newest page."""
    page = newest(view, scope)
    here = known(view, page)
    epoch = epoch_in_force(view, here) if here is not None else None
    found: list[dict[str, Value]] = []
    for member in sorted(epoch.members) if epoch is not None else []:
        there = known(view, member)
        at = book(view, there.scope) if there is not None else None
        if at is None or at.frozen or at.number == 0:
            continue
        seen = [number_of(view, PageId(cells[0])) for _, cells in view.scan(WITNESSES, (scope, member))]  # type: ignore[arg-type]
        if at.number > max(seen, default=0):
            found.append({"kind": WITNESS, "body": member, "page": at.head})
    return found


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
    """Return a page with a new epoch: seats added or dropped, another threshold.

    Adding a log of a key that has a seat replaces that seat's log (a new phone). `tips`: what is reachable of the
    dropped tellers' fact logs; what stands above is void from then on. Raises CannotDraft, or Void.
    """
    page = newest(view, scope)
    epoch = _in_force(view, page)
    missing = set(drop) - epoch.keys
    if missing:
        raise CannotDraft("no-seat", "A teller to be dropped has no seat.")
    gone = {*drop, *(each.key for each in add)}
    seats = [seat.genesis for seat in epoch.seats.values() if seat.key not in gone] + list(add)
    kept = {each.key for each in seats}
    entry = _entry(epoch, seats, epoch.k if k is None else k, tips if set(drop) - kept else ())
    if epoch.own_sealers:
        entry["sealers"] = [{"genesis": sealer.genesis.payload} for sealer in epoch.sealers.values()]
        entry["w"] = epoch.w
    return _draft(view, scope, page, [entry], repair=False)


def draft_repair(
    view: Reader, scope: Scope, seats: Sequence[Genesis], k: int, repair: Repair | None = None
) -> Drafted:
    """Return a repair page with new seats, right after the last sealed page. Repair keys stay unless given.

    The new seats are the sealers too: who sealed before may be what has to be repaired. Raises as `draft_page`.
    """
    at = book(view, scope)
    if at is None:
        raise CannotDraft("not-held", "The first page of this book is not here yet.")
    epoch = _in_force(view, at.head)
    if not epoch.repair:
        raise CannotDraft("no-repair", "This body named no repair keys: its book can't be repaired.")
    return _draft(view, scope, at.head, [_entry(epoch, seats, k, (), repair)], repair=True)


def _in_force(view: Reader, page: PageId) -> Epoch:
    here = known(view, page)
    epoch = epoch_in_force(view, here) if here is not None else None
    if epoch is None:
        raise CannotDraft("no-epoch", "This book has no sound epoch: nobody can speak for the body.")
    return epoch


def _entry(
    epoch: Epoch, seats: Sequence[Genesis], k: int, cuts: Sequence[Tip], repair: Repair | None = None
) -> dict[str, Value]:
    entry: dict[str, Value] = {
        "kind": EPOCH,
        "name": epoch.name,  # type: ignore[dict-item]
        "classification": epoch.classification,
        "level": epoch.level,
        "seats": [{"genesis": seat.payload} for seat in seats],
        "k": k,
    }
    if repair is None and epoch.repair:
        repair = Repair(tuple(sorted(epoch.repair)), epoch.threshold)
    if repair is not None:
        entry["repair"] = {"keys": list(repair.keys), "threshold": repair.threshold}
    if cuts:
        entry["cuts"] = [[tip.log, tip.seq, tip.id] for tip in cuts]
    return entry


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
