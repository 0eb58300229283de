"""The tables that the state of stores lies in, and their rows as values. Touches nothing.

Rooted are the names of stores and goods, the counts, and the balances: each follows from the set of facts that
count. How facts came in groups shows in `movement_run` alone, which only spares reading them again.
"""

from typing import NamedTuple

from fedsync.crdt.view import Cell, Row, Table
from fedsync.records.ids import Key, LogId, PayloadId, RecordId, Scope

STORES = Table("stock_store", ("scope", "id", "log"), ("name", "seq"), rooted=True)
"""Which logs made a store. It is there as long as one of them counts."""
ITEMS = Table("stock_item", ("scope", "id", "log"), ("name", "unit", "seq"), rooted=True)
COUNTS = Table("stock_count", ("scope", "store", "item", "at", "log", "seq"), ("id", "quantity"), rooted=True)
BALANCES = Table(
    "stock_balance",
    ("scope", "store", "item"),
    (
        *("on_hand", "unexplained", "counted_at", "counted", "count_id", "contested"),
        *("before_at", "before", "between", "after", "events", "latest"),
    ),
    rooted=True,
)
"""What lies in a store. `before`: the count before the last; `between` and `after`: what moved around the last."""

FACT_LOGS = Table("fact_log", ("log",), ("scope", "key", "bound", "limit", "fork", "read", "chain"))
FACT_LOGS_OF = Table("fact_log_of", ("scope", "key", "log"), ())
RUNS = Table(
    "movement_run",
    ("scope", "store", "item", "log", "first"),
    ("last", "earliest", "latest", "sum", "events"),
)
"""Movements of one item in one store by one log from `first` to `last`, added up."""

STOCK_TABLES = (STORES, ITEMS, COUNTS, BALANCES, FACT_LOGS, FACT_LOGS_OF, RUNS)

_INT64 = 2**63


class FactLog(NamedTuple):
    """How much of a log of facts counts, and how far it was added up."""

    scope: Scope
    key: Key
    bound: str
    """"pending", "all" or "cut": what the book says of the key."""
    limit: int | None
    """How many records from the first on count; None: all."""
    fork: int | None
    read: int = 0
    chain: RecordId | None = None
    """The record whose chain alone counts, once its body settled that and the record is held."""

    @property
    def done(self) -> bool:
        """Say whether all that counts is added up, whatever else arrives."""
        return self.limit is not None and self.read >= self.limit


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


def fact_log(row: Row) -> FactLog:
    """Return the log in a row."""
    return FactLog(*row)  # type: ignore[arg-type]


def log_of(key: tuple[Cell, ...], at: int) -> LogId:
    """Return the log that a key names in its column `at`."""
    log = key[at]
    assert isinstance(log, bytes)
    return LogId(log)
