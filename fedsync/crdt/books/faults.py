"""What a sealed page says in vain: recalls of what is no mandate, mandates that give no voice, settling nothing. Pure.

Nothing here changes what the fold does; it says in words why an entry did nothing. All of it can be told from the book
that the entry stands in, and from that of the body that it names: a page's chain is held, so what it could speak of is.
"""

from fedsync.crdt.books.booktables import Known, Reader, known
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.slotview import epoch_or_wait
from fedsync.crdt.logs.factchain import holds
from fedsync.crdt.logs.settling import settled
from fedsync.records.ids import LogClass, PageId
from fedsync.records.kinds.entries import Mandate, Recall, Settle

NOT_HELD = ("settled-log-not-held", "branch-not-held")
"""What a settle may wait for."""


def recall_fault(view: Reader, page: PageId, recall: Recall) -> str | None:
    """Return the code of why a recall or closing on a known page ends nothing; None when it names a mandate."""
    here, named = known(view, page), recall.mandate[0]
    assert here is not None
    there = known(view, named)
    if there is not None and there.scope != here.scope:
        return "not-the-giver"
    if there is None or not isinstance(entry_at(view, *recall.mandate), Mandate):
        return "no-such-mandate"
    return None if _is_before(view, named, there, here) else "mandate-of-a-rival"


def mandate_fault(view: Reader, giver: PageId, mandate: Mandate) -> str | None:
    """Return the code of why a mandate for a seat gives no voice there as things are; None when it does."""
    if mandate.seat is None:
        return None
    if mandate.seat == giver:
        return "own-seat"
    there = known(view, mandate.seat)
    if there is None:
        return "seat-not-held"
    try:
        at = known(view, newest(view, there.scope))
    except CannotDraft:
        return None  # its book is split: who has a seat there is what has to be settled
    assert at is not None
    epoch, waits = epoch_or_wait(view, at)
    if waits is not None:
        return None
    return None if epoch is not None and giver in epoch.members else "no-seat-there"


def settle_fault(view: Reader, page: PageId, entry: Settle) -> str | None:
    """Return the code of why a settle on a known page settles nothing, or not yet; None when it does, once sealed."""
    here = known(view, page)
    assert here is not None
    begins = next(iter(view.blocks(entry.log)), None)
    if begins is None:
        return "settled-log-not-held"
    if begins.genesis.log_class is LogClass.AUTHORITY:
        return "every-branch-counts"
    if begins.genesis.scope != here.scope:
        return "not-its-log"
    said = settled(view, here.scope, entry.log)
    if said is not None and (said.page != page or (said.seq, said.id) != (entry.seq, entry.id)):
        return "settled-before"
    return None if holds(view, entry.log, entry.seq, entry.id) else "branch-not-held"


def _is_before(view: Reader, page: PageId, there: Known, later: Known) -> bool:
    at: PageId | None = later.prev
    while at is not None:
        if at == page:
            return True
        step = known(view, at)
        assert step is not None
        if step.number <= there.number:
            return False
        at = step.prev
    return False
