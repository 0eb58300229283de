"""Reading a book: its pages with who signed and who is missing. Pure; reads a view."""

from collections.abc import Iterator
from dataclasses import dataclass

from fedsync.crdt.books.booktables import (
    ADOPTED,
    DISPLACED,
    DRAFTED,
    FROZEN,
    SEALED,
    STATUSES,
    Reader,
    Status,
    known,
    page_row,
    status,
)
from fedsync.crdt.books.consents import fault
from fedsync.crdt.books.epoch import Epoch, read_page
from fedsync.crdt.books.faults import recall_fault
from fedsync.crdt.books.slot import Judged
from fedsync.crdt.books.slotview import epoch_in_force, judge_slot
from fedsync.crdt.reasons import reason
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope
from fedsync.records.kinds.entries import Entry, EpochEntry, Recall, VoidEntry

DECISION_WORDS = {
    DRAFTED: "drafted",
    ADOPTED: "provisional",
    SEALED: "in_force",
    DISPLACED: "displaced",
    FROZEN: "frozen",
}
"""What a decision is called that stands on a page of this status."""


@dataclass(frozen=True, slots=True)
class Round:
    """Who signed and approved a page in one round, sorted."""

    number: int
    signed: tuple[Key, ...]
    approved: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class PageView:
    """A page of a book as people read it."""

    id: PageId
    scope: Scope
    number: int
    prev: PageId | None
    status: str
    reason: str
    """A code of `reasons`."""
    repair: bool
    carrier: RecordId
    """A record that brought the page; others may have brought it too."""
    entries: tuple[Entry, ...]
    signed_by: tuple[Key, ...]
    """Who stands by it, having signed or approved it."""
    moved_by: tuple[Key, ...]
    """Who signed it, and later a rival."""
    approved_by: tuple[Key, ...]
    """Who approved it in the round that is furthest."""
    to_sign: tuple[Key, ...]
    """Who could still sign it; `signatures` more are needed."""
    bodies_to_sign: tuple[PageId, ...]
    """Bodies with a seat whose delegates could still sign it; they count among the `signatures` that are needed."""
    to_approve: tuple[Key, ...]
    """Who could still approve it; `approvals` more are needed."""
    signatures: int
    approvals: int
    rounds: tuple[Round, ...]

    @property
    def missing(self) -> tuple[Key, ...]:
        """Who is missing: those who could sign while signatures lack, and after that those who could approve."""
        return self.to_sign if self.signatures else self.to_approve if self.approvals else ()


def pages(view: Reader, scope: Scope) -> list[PageView]:
    """Return the pages of a book whose chain is held, by number; rivals by id."""
    judged: dict[PageId, Judged] = {}
    found = [_page_view(view, scope, page, row, judged) for page, row in _statuses(view, scope)]
    return sorted(found, key=lambda each: (each.number, each.id))


def page_ids(view: Reader, scope: Scope) -> list[tuple[PageId, int]]:
    """Return the id and number of each page of a book whose chain is held, without reading what they say."""
    return [(page, row.number) for page, row in _statuses(view, scope)]


def page_view(view: Reader, page: PageId) -> PageView | None:
    """Return one page, None when its chain is not held."""
    here = known(view, page)
    if here is None:
        return None
    row = status(view, here.scope, page)
    assert row is not None
    return _page_view(view, here.scope, page, row, {})


def current_epoch(view: Reader, scope: Scope, page: PageId) -> Epoch | None:
    """Return the epoch that governs the pages after `page`."""
    here = known(view, page)
    return epoch_in_force(view, here) if here is not None and here.scope == scope else None


def entry_fault(view: Reader, page: PageId, entry: Entry) -> tuple[str, str] | None:
    """Return the code and sentence of why an entry of a known page has no effect, None when it has."""
    here = known(view, page)
    if isinstance(entry, VoidEntry):
        return entry.code, entry.sentence
    if isinstance(entry, Recall) and here is not None:
        code = recall_fault(view, page, entry)
        return (code, reason(code).sentence) if code is not None else None
    if not isinstance(entry, EpochEntry) or here is None:
        return None
    held = page_row(view, page)
    assert held is not None
    first = read_page(held.payload).epoch
    if first is None or first[1] is not entry:
        return "second-epoch", "a page changes the epoch once: the first entry holds"
    found = fault(view, page)
    # What waits may still come to hold.
    return found if found is not None and found[0] != "epoch-not-settled" else None


def _statuses(view: Reader, scope: Scope) -> Iterator[tuple[PageId, Status]]:
    for key, row in view.scan(STATUSES, (scope,)):
        yield PageId(key[1]), Status(row[0], row[1], bool(row[2]))  # type: ignore[arg-type]


def _page_view(
    view: Reader, scope: Scope, page: PageId, row: Status, cache: dict[PageId, Judged]
) -> PageView:
    held = page_row(view, page)
    assert held is not None
    content = read_page(held.payload)
    judged = None
    if held.prev is not None:
        if held.prev not in cache:
            cache[held.prev] = judge_slot(view, held.prev)
        judged = cache[held.prev]
    who = _Who(judged, page, open_=row.status in (DRAFTED, ADOPTED) or (row.status == FROZEN and held.repair))
    return PageView(
        id=page,
        scope=scope,
        number=row.number,
        prev=held.prev,
        status=row.status,
        reason=_reason(view, scope, row, held.prev, bool(held.repair)),
        repair=bool(held.repair),
        carrier=held.carrier,
        entries=content.entries,
        signed_by=who.standing,
        moved_by=who.moved,
        approved_by=who.approved,
        to_sign=who.to_sign,
        bodies_to_sign=who.bodies_to_sign,
        to_approve=who.to_approve,
        signatures=who.signatures,
        approvals=who.approvals,
        rounds=who.rounds,
    )


def _reason(view: Reader, scope: Scope, row: Status, prev: PageId | None, repair: bool) -> str:
    if prev is None:
        return "founded"
    if row.status == SEALED:
        return "repaired" if repair else "sealed"
    if row.status != DRAFTED:
        return row.status
    before = status(view, scope, prev)
    return "on-a-draft" if before is not None and before.status == DRAFTED else "short"


class _Who:
    """Who spoke for a page, and who is missing, as keys."""

    def __init__(self, judged: Judged | None, page: PageId, open_: bool) -> None:
        self.standing: tuple[Key, ...] = ()
        self.moved: tuple[Key, ...] = ()
        self.approved: tuple[Key, ...] = ()
        self.to_sign: tuple[Key, ...] = ()
        self.to_approve: tuple[Key, ...] = ()
        self.bodies_to_sign: tuple[PageId, ...] = ()
        self.signatures = self.approvals = 0
        self.rounds: tuple[Round, ...] = ()
        if judged is None or judged.epoch is None:
            return
        epoch, tally = judged.epoch, judged.tallies[page]
        if tally.repair:
            self.standing = tuple(sorted(tally.keys))
            if open_:
                self.to_sign = tuple(sorted(epoch.repair - tally.keys))
                self.signatures = max(0, epoch.threshold - len(tally.keys))
            return
        self._keys = {log: seat.key for log, seat in [*epoch.sealers.items(), *epoch.seats.items()]}
        self._keys |= judged.keys
        self.standing = self._sorted(tally.standing)
        self.moved = self._sorted(tally.voices - tally.standing)
        self.rounds = tuple(
            Round(each, self._sorted(signed), self._sorted(tally.approved.get(each, set())))
            for each, signed in sorted(tally.signed.items())
        )
        best = max(tally.approved, key=lambda each: (len(tally.approved[each]), each), default=None)
        approved = tally.approved[best] if best is not None else set()
        self.approved = self._sorted(approved)
        if not open_:
            return
        quorums = judged.quorums(page)
        top = max(tally.signed, default=None)
        signed_top = tally.signed[top] if top is not None else set()
        lacking = epoch.seats.keys() - tally.standing
        standing = judged.seats(tally.standing)
        self.signatures = max(0, epoch.k - len(standing))
        if self.signatures:
            self.bodies_to_sign = tuple(sorted(epoch.members - standing))
        # Who seals without a seat waits until enough seats have signed (H3).
        if not quorums and not (epoch.own_sealers and self.signatures):
            # Before anybody can approve, w sealers sign in one round.
            self.signatures = max(self.signatures, epoch.w - len(signed_top & epoch.sealers.keys()))
            lacking = lacking | (epoch.sealers.keys() - signed_top)
        self.to_sign = self._sorted(lacking)
        self.approvals = max(0, epoch.w - len(approved & epoch.sealers.keys()))
        self.to_approve = self._sorted(epoch.sealers.keys() - approved)

    def _sorted(self, logs: set[LogId]) -> tuple[Key, ...]:
        return tuple(sorted({self._keys[log] for log in logs}))
