"""Settling slots: from the rows of one slot and its page's status to the statuses of the pages in it. Touches a draft.

Rule 7, the canonical branch, and rule 8, statuses. Work goes down the book only where something changed: one record
changes less than one earlier status on average.
"""

import heapq
from collections.abc import Iterable

from fedsync.crdt.booktables import (
    ADOPTED,
    BOOKS,
    DISPLACED,
    DRAFTED,
    FROZEN,
    SEALED,
    STATUSES,
    VERDICTS,
    VOICES,
    Book,
    Reader,
    Status,
    book,
    children,
    known,
    log_row,
    row,
    status,
)
from fedsync.crdt.slot import Judged
from fedsync.crdt.slotview import judge_slot
from fedsync.crdt.view import Draft
from fedsync.records.ids import PageId, Scope


def settle(draft: Draft, slots: Iterable[PageId]) -> dict[PageId, Scope]:
    """Settle the slots after these pages, and those below that change; return the pages whose status changed."""
    queue: list[tuple[int, PageId]] = []
    queued: set[PageId] = set()

    def ask(page: PageId) -> None:
        here = known(draft, page)
        if here is not None and page not in queued:
            queued.add(page)
            heapq.heappush(queue, (here.number, page))

    for page in slots:
        ask(page)
    changed: dict[PageId, Scope] = {}
    while queue:
        # Upper pages first: a slot is settled once, after all that it depends on.
        _, page = heapq.heappop(queue)
        queued.discard(page)
        here = known(draft, page)
        assert here is not None
        for child in _settle_slot(draft, here.scope, page, here.number + 1):
            changed[child] = here.scope
            ask(child)
    for scope in set(changed.values()):
        move_head(draft, scope)
    return changed


def _settle_slot(draft: Draft, scope: Scope, slot: PageId, number: int) -> list[PageId]:
    """Settle one slot; return the pages in it whose status changed."""
    above = status(draft, scope, slot)
    if above is None:
        return []  # the page is new: the slot that it stands in is settled too, and leads back to this one
    judged = judge_slot(draft, slot)
    _write_verdicts(draft, scope, slot, judged)
    certified = {page for page in judged.tallies if above.certified and judged.enough(page)}
    changed = []
    for page, word in _statuses(above.status, judged, certified).items():
        now = Status(number, word, page in certified)
        if status(draft, scope, page) != now:
            draft.put(STATUSES, (scope, page), row(now))
            changed.append(page)
    return changed


def _statuses(above: str, judged: Judged, certified: set[PageId]) -> dict[PageId, str]:
    """Return the status of each page in a slot whose own page has the status `above`."""
    if above in (DISPLACED, FROZEN):
        return dict.fromkeys(judged.tallies, above)
    if above == SEALED and certified:
        repairs = [page for page in certified if judged.tallies[page].repair]
        if len(certified) > 1 and len(repairs) != 1:
            return dict.fromkeys(judged.tallies, FROZEN)
        (onward,) = certified if len(certified) == 1 else repairs
        return {page: SEALED if page == onward else DISPLACED for page in judged.tallies}
    if above in (SEALED, ADOPTED):
        return {page: ADOPTED if judged.stands(page) else DRAFTED for page in judged.tallies}
    return dict.fromkeys(judged.tallies, DRAFTED)


def _write_verdicts(draft: Draft, scope: Scope, slot: PageId, judged: Judged) -> None:
    for key, cells in draft.scan(VOICES, (slot,)):
        whose = log_row(draft, key[1])  # type: ignore[arg-type]
        # What a log of another body says here is void, and not every node that follows this body holds it.
        if cells[1] not in judged.tallies or whose is None or whose.scope != scope:
            continue
        verdict = judged.verdicts[key[3]]  # type: ignore[index]
        now = (cells[1], verdict.status.value, verdict.code)
        if draft.get(VERDICTS, (scope, key[3])) != now:
            draft.put(VERDICTS, (scope, key[3]), now)


def move_head(draft: Draft, scope: Scope) -> None:
    """Walk from the last head back to what is still sealed, and on along what is sealed now."""
    at = book(draft, scope)
    assert at is not None
    head = at.head
    while not _is(draft, scope, head, SEALED):
        here = known(draft, head)
        assert here is not None
        assert here.prev is not None
        head = here.prev
    while True:
        after = children(draft, head)
        onward = [page for page in after if _is(draft, scope, page, SEALED)]
        if not onward:
            break
        (head,) = onward
    here = known(draft, head)
    assert here is not None
    frozen = any(_is(draft, scope, page, FROZEN) for page in after)
    draft.put(BOOKS, (scope,), row(Book(at.body, head, here.number, frozen)))


def _is(view: Reader, scope: Scope, page: PageId, word: str) -> bool:
    found = status(view, scope, page)
    return found is not None and found.status == word
