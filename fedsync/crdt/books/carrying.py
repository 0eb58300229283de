"""Which sealed pages a node has to carry in a log of their own body, so that outsiders find them. Pure; reads a view.

Any admitted log may carry a page, and a delegate drafts in a log of the body that sent them. Whoever looks at the book
from outside holds the logs of its own body and no others. So one of the nodes that sealed a page carries it.
"""

from collections.abc import Collection
from hashlib import sha256

from fedsync.crdt.books.booktables import Reader, book, known
from fedsync.crdt.books.carriedtables import CARRIED
from fedsync.crdt.books.slotview import epoch_in_force, judge_slot
from fedsync.records.ids import LogId, PageId, Scope

MAX_CARRIED = 1000
"""Pages that a node takes over in one go, from the earliest on: what is left comes with the next."""


def to_carry(view: Reader, scope: Scope, log: LogId) -> list[PageId]:
    """Return the sealed pages that `log`, a sealer's, has to carry: those after the last that stands where it should.

    None while another of those who approved the newest page is nearer to it. If that one is lost meanwhile, whoever
    is nearest to the next page carries both.
    """
    at = book(view, scope)
    if at is None or _is_carried(view, at.head, scope):
        return []
    if _nearest(at.head, _approvers(view, at.head)) != log:
        return []
    left: list[PageId] = []
    page: PageId | None = at.head
    while page is not None and not _is_carried(view, page, scope):
        left.append(page)
        here = known(view, page)
        assert here is not None
        page = here.prev
    return left[::-1][:MAX_CARRIED]


def _is_carried(view: Reader, page: PageId, scope: Scope) -> bool:
    """Say whether a page stands in a log of somebody whom the epoch before it names: outsiders know and take such logs.

    Whoever else carries it may be somebody whom outsiders have never heard of, and may do so in order to keep it from them.
    """
    logs = [LogId(key[2]) for key, _ in view.scan(CARRIED, (page, scope))]  # type: ignore[arg-type]
    here = known(view, page)
    before = known(view, here.prev) if here is not None and here.prev is not None else None
    if not logs or before is None:
        return bool(logs)
    epoch = epoch_in_force(view, before)
    return epoch is not None and any(log in epoch.sealers or log in epoch.seats for log in logs)


def _approvers(view: Reader, page: PageId) -> Collection[LogId]:
    """Return the sealers that approved a page in the round that sealed it; all of them where none had to."""
    here = known(view, page)
    if here is None or here.prev is None:
        return ()  # nobody has founded it yet
    judged = judge_slot(view, here.prev)
    if judged.epoch is None:
        return ()
    rounds = judged.seals(page)
    sealers = judged.epoch.sealers.keys()
    return judged.tallies[page].approved[rounds[0]] & sealers if rounds else sealers


def _nearest(page: PageId, logs: Collection[LogId]) -> LogId | None:
    """Return the log whose turn a page is: each in turn, and all nodes agree whose."""
    return min(logs, key=lambda log: sha256(page + log).digest(), default=None)
