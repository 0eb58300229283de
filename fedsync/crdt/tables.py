"""The tables that the state of stores lies in, and their rows as values. Touches nothing.

Rooted are the names of stores and goods, the counts, and the balances: each follows from the set of facts that
count. How facts came in groups shows in `movement_run` alone, which only spares reading them again.
"""

from typing import NamedTuple

from fedsync.crdt.view import Cell, Row, Table
from fedsync.records.ids import LogId, PayloadId, RecordId

STORES = Table("stock_store", ("realm", "id", "log"), ("name", "seq"), rooted=True)
"""Which logs made a store. It is there as long as one of them counts."""
ITEMS = Table("stock_item", ("realm", "id", "log"), ("name", "unit", "seq"), rooted=True)
COUNTS = Table("stock_count", ("realm", "store", "item", "at", "log", "seq"), ("id", "quantity"), rooted=True)
BALANCES = Table(
    "stock_balance",
    ("realm", "store", "item"),
    (
        *("on_hand", "unexplained", "counted_at", "counted", "count_id", "contested"),
        *("before_at", "before", "between", "after", "events", "latest"),
    ),
    rooted=True,
)
"""What lies in a store. `before`: the count before the last; `between` and `after`: what moved around the last."""

RUNS = Table(
    "movement_run",
    ("realm", "store", "item", "log", "first"),
    ("last", "earliest", "latest", "sum", "events"),
)
"""Movements of one item in one store by one log from `first` to `last`, added up."""

STOCK_TABLES = (STORES, ITEMS, COUNTS, BALANCES, RUNS)

_INT64 = 2**63


class Balance(NamedTuple):
    """What lies in a store of one item, and how one knows. Quantities are in the item's unit, times in ms."""

    on_hand: int
    unexplained: int | None
    counted_at: int | None
    counted: int | None
    count_id: RecordId | None
    contested: int
    before_at: int | None
    before: int | None
    between: int
    after: int
    events: int
    latest: int | None
    """When the latest movement happened."""


class Run(NamedTuple):
    """Movements of one log, added up."""

    last: int
    earliest: int
    latest: int
    sum: int
    events: int


Pair = tuple[PayloadId, PayloadId]
"""A store and an item in it."""


def small(number: int) -> int | str:
    """Return a cell for `number`. Sums can outgrow the 64 bits of an integer cell; then they are written out."""
    return number if -_INT64 <= number < _INT64 else str(number)


def balance_row(found: Balance) -> Row:
    """Return the cells of a balance."""
    return (
        small(found.on_hand),
        None if found.unexplained is None else small(found.unexplained),
        *found[2:8],
        small(found.between),
        small(found.after),
        *found[10:],
    )


def balance(row: Row) -> Balance:
    """Return the balance in a row."""
    cells = list(row)
    for at in (0, 1, 8, 9):
        cell = cells[at]
        cells[at] = None if cell is None else int(cell)
    return Balance(*cells)  # type: ignore[arg-type]


def run_row(found: Run) -> Row:
    """Return the cells of a run."""
    return (found.last, found.earliest, found.latest, small(found.sum), found.events)


def run(row: Row) -> Run:
    """Return the run in a row."""
    last, earliest, latest, total, events = row
    return Run(last, earliest, latest, int(total), events)  # type: ignore[arg-type]


def log_of(key: tuple[Cell, ...], at: int) -> LogId:
    """Return the log that a key names in its column `at`."""
    log = key[at]
    assert isinstance(log, bytes)
    return LogId(log)
