"""Movements and counts as rows of a table. Reads a ledger.

A row's first cell names the record that it shows, so that what somebody edits is told from what they left alone.
"""

from collections.abc import Callable, Iterable

from fedsync.acts.goods.cells import quantity_cells, time_cell
from fedsync.acts.goods.ledger import Entry, Ledger
from fedsync.records.ids import NO_LOT, Key, PayloadId
from fedsync.records.kinds.fields import plain
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import COUNT

HEADS = (
    *("id", "at_utc", "action", "item", "quantity", "unit", "store", "to", "lot", "reason", "note"),
    *("who", "stated"),
)
NEEDED = ("id", "action", "item", "quantity", "unit", "store")
"""Columns without which a file is not this table."""
SHOWN_ONLY = ("who", "stated")
"""Columns that are there to be read: how something was said, and by whom, cannot be edited."""
ID_DIGITS = 24
"""Hex digits of a record's id in a row, after an r: no table program takes that for a number."""

Who = Callable[[Key], str]


def rows_of(found: Ledger, who: Who, entries: Iterable[Entry]) -> list[dict[str, str]]:
    """Return the rows that show these entries."""
    return [cells_of(found, each, who) for each in entries]


def cells_of(found: Ledger, entry: Entry, who: Who) -> dict[str, str]:
    """Return the cells of the row that shows an entry, by their columns."""
    said, value = entry.said, entry.value
    item = found.items.get(said.item)
    unit = item.unit if item else ""
    amount, word = quantity_cells(said.quantity, unit) if item else (str(said.quantity), "")
    stated = value.get("stated")
    note = value.get("note", "")
    return {
        "id": row_id(entry.ref),
        "at_utc": time_cell(said.at),
        "action": COUNT if entry.is_count else str(value["action"]),
        "item": item.name if item else said.item.hex()[:8],
        "quantity": amount,
        "unit": word,
        "store": _store(found, said.store),
        "to": "" if entry.is_count else _store(found, getattr(said, "to", None)),
        "lot": _lot(found, said.lot),
        "reason": str(value.get("reason", "")),
        "note": plain(note) if isinstance(note, str | dict) and note else "",  # type: ignore[arg-type]
        "who": who(entry.author),
        "stated": " ".join(each for each in map(stated.get, ("quantity", "unit")) if isinstance(each, str))
        if isinstance(stated, dict)
        else "",
    }


def row_id(ref: FactRef) -> str:
    """Return how a row names the record that it shows."""
    return f"r{ref.id.hex()[:ID_DIGITS]}"


def _store(found: Ledger, id_: PayloadId | None) -> str:
    if id_ is None:
        return ""
    store = found.stores.get(id_)
    return store.name if store else id_.hex()[:8]


def _lot(found: Ledger, id_: PayloadId) -> str:
    if id_ == NO_LOT:
        return ""
    lot = found.lots.get(id_)
    return lot.code if lot else id_.hex()[:8]
