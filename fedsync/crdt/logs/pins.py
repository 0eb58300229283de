"""Which record ends a log of plans, facts or texts, by what books say: what a node tells gossip to fetch and to keep. Pure.

A settle of its own body's book comes first. Else the log of a delegate is ended by what sealed pages of the giver's book
keep of it: the recall, closing or replacement that keeps least. Not so a log of facts: what a steward recorded after the
recall is no longer counted, yet it is fetched and shown, since the goods may have moved; and of its branches only a settle
chooses. Authority logs have no pins: of these every branch is kept, so what a recall or confirm names there is fetched anyway.
"""

from collections.abc import Iterator
from typing import TypeAlias

from fedsync.crdt.books.booktables import MANDATE_CUTS, Reader
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.logs.settling import settled
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, LogId, PageId, RecordId
from fedsync.records.kinds.entries import EntryId, Leave, Mandate, Recall, Tip

Pin: TypeAlias = tuple[int, RecordId]
"""The seq and id of the last record."""


def pin_of(view: Reader, genesis: Genesis) -> Pin | None:
    """Return the record that ends a log, None when no book ends it."""
    if genesis.log_class is LogClass.AUTHORITY:
        return None
    said = settled(view, genesis.scope, genesis.log)
    return (said.seq, said.id) if said is not None else chosen_tip(view, genesis)


def chosen_tip(view: Reader, genesis: Genesis) -> Pin | None:
    """Return the record at which sealed pages end a delegate's log of plans or texts, whatever branches it has."""
    if genesis.mandate is None or genesis.log_class is LogClass.FACTS:
        return None
    kept: list[Pin] = []
    for key, cells in view.scan(MANDATE_CUTS, genesis.mandate):
        by = (PageId(key[2]), int(key[3]))  # type: ignore[arg-type]
        tips = [tip for tip in _cuts(view, by) if tip.log == genesis.log]
        # A cut that keeps several branches chooses none of them; one that names no tip of a log keeps nothing of it.
        if cells[0] and len(tips) == 1:
            kept.append((tips[0].seq, tips[0].id))
    return min(kept, default=None)


def logs_ended(view: Reader, by: EntryId) -> Iterator[LogId]:
    """Yield the logs of which an entry says how much is kept."""
    for tip in _cuts(view, by):
        yield tip.log


def _cuts(view: Reader, by: EntryId) -> tuple[Tip, ...]:
    entry = entry_at(view, *by)
    return entry.cuts if isinstance(entry, Recall | Mandate | Leave) else ()
