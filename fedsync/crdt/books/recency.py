"""What a book itself says of how new it is, and whose word on it counts as its own. Pure; reads a view."""

from typing import NamedTuple

from fedsync.crdt.books.booktables import NODES, POSTS, VOICES, Reader, book, known
from fedsync.crdt.books.nodes import NAMED
from fedsync.crdt.books.slotview import judge_slot
from fedsync.records.ids import Key, LogId, PageId, Scope
from fedsync.records.kinds.authority import NODE_ROLE


class SealedAt(NamedTuple):
    """The last sealed page of a book, and the earliest time that those who sealed it claim, in ms since 1970.

    Each of them signed that no other page was known then. Honest clocks stand near it; a liar's can only make it earlier.
    """

    number: int
    page: PageId
    time: int | None
    """None: nobody had to seal it."""


def sealed_at(view: Reader, scope: Scope) -> SealedAt | None:
    """Return when the last sealed page of a book was sealed, by the clocks of its sealers; None without a book."""
    at = book(view, scope)
    here = known(view, at.head) if at is not None else None
    if at is None or here is None:
        return None
    if here.prev is None:
        return SealedAt(0, at.head, None)
    judged = judge_slot(view, here.prev)
    rounds = judged.seals(at.head)
    if judged.epoch is None or not rounds:
        return SealedAt(at.number, at.head, None)
    sealers = judged.tallies[at.head].approved[rounds[0]] & judged.epoch.sealers.keys()
    times = sorted(_approved_at(view, here.prev, at.head, log, rounds[0]) for log in sealers)
    return SealedAt(at.number, at.head, times[-judged.epoch.w])


def _approved_at(view: Reader, slot: PageId, page: PageId, log: LogId, round_: int) -> int:
    times = [
        int(cells[6])  # type: ignore[arg-type]
        for _, cells in view.scan(VOICES, (slot, log))
        if cells[0] and cells[1] == page and cells[2] == round_
    ]
    return min(times)


def is_of(view: Reader, scope: Scope, node: Key) -> bool:
    """Say whether a node is one of a body's own: its book names it, or its people say that it serves them."""
    cells = view.get(NODES, (scope, node))
    if cells is not None:
        return cells[0] == NAMED
    return any(True for _ in view.scan(POSTS, (scope, NODE_ROLE, node)))
