"""Which branch of a split book holds (rule 7). Pure; reads a view.

Rivals are certified only beyond the bound, so this is about bodies that broke. A higher body's sealed book may have
witnessed one branch; else a single repair page decides; else the book is frozen there.
"""

from collections.abc import Collection

from fedsync.crdt.books.booktables import FOLLOWED, SEALED, WITNESSES, Known, Reader, known, status
from fedsync.crdt.books.slotview import epoch_in_force
from fedsync.records.ids import PageId

SCOPE_BYTES = 16


def onward(view: Reader, slot: PageId, certified: Collection[PageId]) -> PageId | None:
    """Return the one of a slot's several certified pages that holds, None when the book is frozen here."""
    seen = _witnessed(view, slot, set(certified))
    if seen is not None:
        return seen
    repairs = [page for page in certified if _is_repair(view, page)]
    return repairs[0] if len(repairs) == 1 else None


def witness_of(view: Reader, slot: PageId) -> bytes | None:
    """Return who witnesses the slot's book by the epoch in force: a body of a higher level, or its founding tag."""
    here = known(view, slot)
    assert here is not None
    epoch = epoch_in_force(view, here)
    if epoch is None or epoch.witness is None:
        return None
    higher = _body(view, epoch.witness)
    if higher is not None and (higher.level is None or here.level is None or higher.level <= here.level):
        return None
    return epoch.witness


def _witnessed(view: Reader, slot: PageId, certified: set[PageId]) -> PageId | None:
    here = known(view, slot)
    assert here is not None
    by = witness_of(view, slot)
    book = _body(view, by) if by is not None else None
    if book is None:
        return None
    for key, cells in view.scan(WITNESSES, (book.scope, here.body)):
        at = status(view, book.scope, PageId(key[3]))  # type: ignore[arg-type]
        if at is None or at.status != SEALED:
            continue
        head = PageId(cells[0])  # type: ignore[arg-type]
        there = known(view, head)
        found = status(view, there.scope, head) if there is not None else None
        if found is None or not found.certified:
            return None  # not known yet: it may come to be the first that decides
        branch = _branch(view, head, here.number + 1)
        if branch in certified:
            return branch
    return None


def _body(view: Reader, name: bytes) -> Known | None:
    bound = view.get(FOLLOWED, (name,)) if len(name) == SCOPE_BYTES else (name,)
    return known(view, PageId(bound[0])) if bound is not None else None  # type: ignore[arg-type]


def _branch(view: Reader, head: PageId, number: int) -> PageId | None:
    """Return the page with this number on the branch that ends with `head`."""
    at = known(view, head)
    page = head
    while at is not None and at.number > number:
        assert at.prev is not None
        page = at.prev
        at = known(view, page)
    return page if at is not None and at.number == number else None


def _is_repair(view: Reader, page: PageId) -> bool:
    found = known(view, page)
    return found is not None and found.repair
