"""The tables that the state of stores lies in, and their rows as values. Touches nothing.

Rooted are the names of stores, goods and lots, the counts, the corrections, and the balances: each follows from the set of
facts that count. How facts came in groups shows in `movement_run` alone, which only spares reading them again.
"""

from typing import NamedTuple

from fedsync.crdt.realms import Realm
from fedsync.crdt.view import Cell, Row, Table
from fedsync.records.ids import LogId, PayloadId, RecordId

STORES = Table("stock_store", ("realm", "id", "log"), ("name", "seq"), rooted=True)
"""Which logs made a store. It is there as long as one of them counts."""
ITEMS = Table("stock_item", ("realm", "id", "log"), ("name", "unit", "seq"), rooted=True)
LOTS = Table("stock_lot", ("realm", "id", "log"), ("code", "item", "expires", "seq"), rooted=True)

_POOL = ("realm", "store", "item", "lot")
"""What is counted for itself. `lot` is empty for what is of none."""

COUNTS = Table(
    "stock_count", (*_POOL, "at", "log", "seq"), ("id", "quantity", "includes", "excludes"), rooted=True
)
"""`includes` and `excludes` are packed lists of facts; None: it names none."""
BALANCES = Table(
    "stock_balance",
    _POOL,
    (
        *("on_hand", "unexplained", "counted_at", "counted", "count_id", "contested"),
        *("before_at", "before", "between", "after", "apart", "events", "told", "latest"),
    ),
    rooted=True,
)
"""What lies in a store. `before`: the count before the last; `between` and `after`: what moved around the last. `apart`: what
is there by right beyond what lies there. `events` counts movements without those that a correction replaces, `told` with them.
"""

RUNS = Table(
    "movement_run",
    (*_POOL, "span", "log", "part"),
    ("first", "last", "earliest", "latest", "sum", "apart", "events"),
)
"""Movements of one span of time in one pool by one part of a log, added up, with those that are replaced (`sums`)."""
OFF = Table("movement_off", (*_POOL, "span", "log", "seq"), ("at", "delta"))
"""Movements that do not count because a correction stands in their place."""

CORRECTIONS = Table(
    "stock_correction", ("realm", "of_log", "of_seq", "of_id", "log"), ("seq", "id"), rooted=True
)
"""Of each event that is corrected, held or not, the latest correction of each log."""
CORRECTS = Table("stock_corrects", ("realm", "log", "seq"), ("id", "of_log", "of_seq", "of_id"))
"""What each correction says that it corrects."""
STANDING = Table(
    "stock_standing",
    ("realm", "log", "seq", "id"),
    ("by_log", "by_seq", "by_id", "contested"),
    rooted=True,
)
"""What stands in the place of each event that is corrected and no correction itself. `contested`: corrections of different logs
are rivals for that."""
REPLACED = Table("stock_replaced", ("realm", "log", "seq"), ("id",), rooted=True)
"""Events that do not count because of a correction."""
NAMED = Table("stock_named", ("realm", "log", "seq", "id", "store", "item", "lot"), ("counts",))
"""Facts that counts name, by the pool that was counted, and how many counts of it name them; under no pool, how many in all.
So that who corrects a fact which thousands of counts name looks up the few pools that it moves, and not all of them."""
REFERRED = Table("stock_referred", ("realm", "log"), ("low", "high", "times"))
"""Between which seqs a log has facts that corrections or counts name, if it has any, and how often. Nearly all logs have none."""
FULFILLED = Table("stock_fulfilled", ("realm", "commitment", "log"), ("sum", "events"), rooted=True)
"""What each log handed over to keep a promise."""

STOCK_TABLES = (
    *(STORES, ITEMS, LOTS, COUNTS, BALANCES, RUNS, OFF),
    *(CORRECTIONS, CORRECTS, STANDING, REPLACED, NAMED, REFERRED, FULFILLED),
)

_INT64 = 2**63

Pool = tuple[PayloadId, PayloadId, PayloadId]
"""A store, an item and a lot, or no lot: what is counted for itself."""
PoolKey = tuple[Realm, PayloadId, PayloadId, PayloadId]
"""A realm and a pool in it."""


class Balance(NamedTuple):
    """What lies in a pool, and how one knows. Quantities are in the item's unit, times in ms."""

    on_hand: int = 0
    unexplained: int | None = None
    counted_at: int | None = None
    counted: int | None = None
    count_id: RecordId | None = None
    contested: int = 0
    before_at: int | None = None
    before: int | None = None
    between: int = 0
    after: int = 0
    apart: int = 0
    events: int = 0
    told: int = 0
    latest: int | None = None
    """When the latest movement happened that was told, replaced or not."""

    @property
    def accounting(self) -> int:
        """What is there by right. A count finds what lies there; what it misses is no longer owned either."""
        return self.on_hand + self.apart


class Run(NamedTuple):
    """Movements of one span by one part of a log, added up: from seq `first` to `last`."""

    first: int
    last: int
    earliest: int
    latest: int
    sum: int
    apart: int
    events: int


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
        small(found.apart),
        *found[11:],
    )


def balance(row: Row) -> Balance:
    """Return the balance in a row."""
    cells = list(row)
    for at in (0, 1, 8, 9, 10):
        cell = cells[at]
        if type(cell) is str:
            cells[at] = int(cell)
    return Balance(*cells)  # type: ignore[arg-type]


def run_row(found: Run) -> Row:
    """Return the cells of a run."""
    first, last, earliest, latest, total, apart, events = found
    return (first, last, earliest, latest, small(total), small(apart), events)


def run(row: Row) -> Run:
    """Return the run in a row."""
    first, last, earliest, latest, total, apart, events = row
    return Run(first, last, earliest, latest, int(total), int(apart), events)  # type: ignore[arg-type]


def log_of(key: tuple[Cell, ...], at: int) -> LogId:
    """Return the log that a key names in its column `at`."""
    log = key[at]
    assert isinstance(log, bytes)
    return LogId(log)
