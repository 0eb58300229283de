"""How much of a log of facts or plans counts in its body: by a seat, or by a mandate that its book gives. Pure; reads a view.

A steward or carrier holds a mandate for a task. Their logs count while it is in force, or provisionally while its page is
adopted; of what ends it each entry keeps the chains of the tips that it names, and what all of them keep counts on (rule
10). Whatever cuts a log on a page that is only adopted suspends, on a sealed one it voids: both do not count.

Two things differ from what a delegate says in books. What is kept counts on while a recall is only adopted: goods that
moved do not come back for an afternoon. And a `settle` of a log of facts comes before whatever ends its mandate: recall
voids promises, not facts, so a body can take up what its steward recorded after the recall had been drafted.
"""

from collections.abc import Iterator
from typing import NamedTuple

from fedsync.crdt.books.booktables import DISPLACED, FROZEN, MANDATE_CUTS, MANDATES, Reader, known, status
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.mandates import NONE
from fedsync.crdt.logs.pins import chosen_tip
from fedsync.crdt.logs.seats import All, Bound, Cut, Pending, fact_bound
from fedsync.crdt.logs.settling import settled
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, PageId, Reach, RecordId
from fedsync.records.kinds.entries import EntryId, Leave, Mandate, Recall

Tips = tuple[tuple[int, RecordId], ...]


class Ending(NamedTuple):
    """What ends a mandate, and what it keeps of one log."""

    by: EntryId
    hard: bool
    """Its page is sealed; otherwise it is adopted or frozen, and suspends."""
    tips: Tips


class Under(NamedTuple):
    """The mandate that a log is written under. `fault` or `waits` is the code of why nothing of it counts, or not yet."""

    mandate: Mandate | None
    fault: str | None = None
    waits: str | None = None


def bound_of(view: Reader, genesis: Genesis) -> Bound:
    """Return how much of the log of facts or plans that begins so counts in its body."""
    bound = fact_bound(view, genesis) if genesis.mandate is None else _under_mandate(view, genesis)
    if genesis.reach is Reach.LOCAL and isinstance(bound, Cut) and not bound.nothing:
        # No page names a record that never leaves the community's own nodes, so none can keep it either.
        return All()
    return bound


def _under_mandate(view: Reader, genesis: Genesis) -> Bound:
    under = under_of(view, genesis)
    if under.waits is not None:
        return Pending()
    if under.fault is not None:
        return Cut((), nothing=True, open=under.fault == "mandate-frozen")
    ends = list(endings_of(view, genesis))
    if not ends:
        return All()
    if genesis.log_class is LogClass.FACTS and settled(view, genesis.scope, genesis.log) is not None:
        return All()
    first, *others = (each.tips for each in ends)
    suspended = not any(each.hard for each in ends)
    return Cut(first, tuple(others), chosen_tip(view, genesis), open=suspended)


def under_of(view: Reader, genesis: Genesis) -> Under:
    """Return the mandate that a log of facts or plans is under, whatever has ended it since."""
    assert genesis.mandate is not None
    page, index = genesis.mandate
    here = known(view, page)
    if here is None:
        return Under(None, waits="mandate-not-held")
    entry = entry_at(view, page, index)
    if here.scope != genesis.scope or not isinstance(entry, Mandate):
        return Under(None, fault="no-mandate")
    if entry.task is None:
        return Under(entry, fault="no-task")
    if genesis.key not in (entry.holder, entry.alternate):
        return Under(entry, fault="not-the-holder")
    at, given = status(view, here.scope, page), view.get(MANDATES, (here.scope, page, index))
    if at is not None and at.status == FROZEN:
        return Under(entry, fault="mandate-frozen")
    if at is not None and at.status == DISPLACED:
        return Under(entry, fault="mandate-displaced")
    if given is None or given[1] == NONE:
        return Under(entry, waits="mandate-not-sealed")
    return Under(entry)


def endings_of(view: Reader, genesis: Genesis) -> Iterator[Ending]:
    """Yield what ends the mandate that a log is under, by the page that says so."""
    assert genesis.mandate is not None
    for key, cells in view.scan(MANDATE_CUTS, genesis.mandate):
        by: EntryId = (PageId(key[2]), int(key[3]))  # type: ignore[arg-type]
        entry = entry_at(view, *by)
        assert isinstance(entry, Mandate | Recall | Leave)
        tips = tuple((tip.seq, tip.id) for tip in entry.cuts if tip.log == genesis.log)
        yield Ending(by, bool(cells[0]), tips)
