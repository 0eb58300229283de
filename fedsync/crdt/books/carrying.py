"""Which pages a node has to carry in a log of their own body, so that outsiders find them. Pure; reads a view.

Any admitted log may carry a page, and a delegate drafts in a log of the body that sent them. Whoever looks at the book
from outside holds the logs of its own body and no others. So one of the nodes that sealed a page carries it. The same
goes for a page that gives a mandate under which somebody wrote, whatever becomes of it: whoever does not hold it takes
nothing of that log.
"""

from collections.abc import Callable, Collection, Iterator
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

from fedsync.crdt.books.booktables import MANDATE_LOGS, MANDATES, Reader, book, known
from fedsync.crdt.books.carriedtables import CARRIED
from fedsync.crdt.books.mandates import NONE, PROVISIONAL, VOID
from fedsync.crdt.books.slotview import epoch_in_force, judge_slot
from fedsync.records.ids import LogId, PageId, Scope

Pick: TypeAlias = Callable[[list[PageId]], list[PageId]]

MAX_CARRIED: Final = 1000
"""Pages that a node takes over in one go, from the earliest on: what is left comes with the next."""
MAX_USED: Final = 16
"""The same of those that nobody sealed: whoever may draft can make any number of them, and write under each."""


class ToCarry(NamedTuple):
    """Pages, each with those before it first."""

    sealed: list[PageId]
    used: list[PageId]
    """Nobody sealed them. Whoever carries these keeps to a pace."""

    @property
    def all(self) -> list[PageId]:
        """Both."""
        return self.sealed + self.used


NOTHING: Final = ToCarry([], [])


def to_carry(view: Reader, scope: Scope, log: LogId, pick: Pick = list) -> ToCarry:
    """Return the pages that `log`, a sealer's, has to carry: sealed ones after the last that stands where it should; and used ones.

    `pick` says in which order used ones have their turn, if there are more than are taken at once: one that somebody can
    work out beforehand would let them keep others' pages out.

    None while another of those who approved the newest page is nearer to it. If that one is lost meanwhile, whoever
    is nearest to the next page carries both.
    """
    at = book(view, scope)
    if at is None:
        return NOTHING
    used = [page for page in _used(view, scope) if not _is_carried(view, page, scope, log)]
    open_ = not _is_carried(view, at.head, scope, log)
    if not (used or open_) or _nearest(at.head, _approvers(view, at.head)) != log:
        return NOTHING
    sealed = _with_those_before(view, at.head, scope, log) if open_ else []
    others: dict[PageId, None] = {}
    for page in pick(used):
        if len(others) < MAX_USED:
            others |= dict.fromkeys(_with_those_before(view, page, scope, log))
    left = [page for page in others if page not in sealed]
    return ToCarry(sealed[:MAX_CARRIED], left[:MAX_USED])


def _with_those_before(view: Reader, last: PageId, scope: Scope, log: LogId) -> list[PageId]:
    """Return a page and those before it that nobody carries, in the order of the book."""
    found: list[PageId] = []
    page: PageId | None = last
    while page is not None and not _is_carried(view, page, scope, log):
        here = known(view, page)
        assert here is not None
        found.append(page)
        page = here.prev
    return found[::-1]


def _used(view: Reader, scope: Scope) -> Iterator[PageId]:
    """Yield the pages that nobody sealed, under a mandate of which somebody wrote."""
    for (_, page, entry), cells in view.scan(MANDATES, (scope,)):
        id_ = PageId(page)  # type: ignore[arg-type]
        if (
            cells[1] in (NONE, PROVISIONAL, VOID)
            and any(True for _ in view.scan(MANDATE_LOGS, (page, entry)))
            and known(view, id_) is not None
        ):
            yield id_


def _is_carried(view: Reader, page: PageId, scope: Scope, mine: LogId) -> bool:
    """Say whether a page stands in a log of somebody whom the epoch before it names: outsiders know and take such logs.

    Whoever else carries it may be somebody whom outsiders have never heard of, and may do so in order to keep it from them.
    `mine` carries no page twice, though who seals now may not have sealed then.
    """
    logs = [LogId(key[2]) for key, _ in view.scan(CARRIED, (page, scope))]  # type: ignore[arg-type]
    here = known(view, page)
    before = known(view, here.prev) if here is not None and here.prev is not None else None
    if not logs or before is None or mine in logs:
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
