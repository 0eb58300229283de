"""One pool of goods in a row: for programs, and in the words of a list. Imports little: a long list must come at once."""

from collections.abc import Iterable
from typing import Any

from fedsync import units
from fedsync.cli.telling import day, rfc3339
from fedsync.crdt.goods.levels import StockLevel

DAY_MS = 86_400_000

Json = dict[str, Any]


def row(level: StockLevel, body: str) -> Json:
    """Return a pool for programs."""
    unit = level.unit
    return {
        "body": body,
        "store": level.store,
        "item": level.item,
        "lot": level.lot or None,
        "expires": rfc3339(level.expires),
        "on_hand": {"quantity": level.on_hand, "unit": unit},
        "by_right": {"quantity": level.accounting, "unit": unit},
        "unexplained": None if level.unexplained is None else {"quantity": level.unexplained, "unit": unit},
        "last_count": rfc3339(level.last_count),
        "contested": level.contested,
        "local": level.local,
        "known": level.known,
    }


def cells(level: StockLevel, body: str, lots: bool, now: int) -> list[str]:
    """Return a pool as a line of a table; with `lots` there is a column for them. `body`: whose it is, if that must be said."""
    quantity = units.show(level.on_hand, level.unit)
    return [
        (f"{body}: {level.store}" if body else level.store) + (" (only here)" if level.local else ""),
        level.item,
        *([lot_words(level, now)] if lots else []),
        quantity + (" (below zero: count it)" if level.below_zero else ""),
        "" if level.unexplained is None else units.show(level.unexplained, level.unit),
        ", ".join(_last(level)),
    ]


def heads(lots: bool) -> list[str]:
    """Return the heads of that table."""
    return ["STORE", "ITEM", *(["LOT"] if lots else []), "ON HAND", "UNEXPLAINED", "LAST COUNT"]


def lot_words(level: StockLevel, now: int) -> str:
    """Return a lot's code, and until when it is good."""
    if level.expires is None:
        return level.lot
    return f"{level.lot}, {expiry_words(level.expires, now)}"


def expiry_words(expires: int, now: int) -> str:
    """Return until when something is good, seen from now: a day in UTC, as it is kept."""
    until = (rfc3339(expires) or f"{expires} ms")[:10]
    return f"expired {until}" if expires < now else f"good until {until}"


def _last(level: StockLevel) -> Iterable[str]:
    yield "never" if level.last_count is None else day(level.last_count)
    if level.contested:
        yield "CONTESTED"
    if not level.known:
        yield "what this is called is not known here yet"


def title(level: StockLevel, body: str) -> str:
    """Return which pool it is: Oats, lot A7, in Granary (Oakfield)."""
    lot = f"{lot_of(level)}," if level.lot else ""
    mine = ", only here" if level.local else ""
    return f"{level.item}{lot} in {level.store} ({body}{mine})"


def good_until_words(expires: int | None) -> str:
    """Return until when a lot is good, to tell it from another with the same code."""
    return "no day is said" if expires is None else f"good until {day(expires)[:10]}"


def lot_of(level: StockLevel) -> str:
    """Return the lot of a pool as it follows the item, if it is one."""
    return f", lot {level.lot}" if level.lot else ""
