"""The tables of loans and bookings, and their rows as values. Touches nothing."""

from typing import NamedTuple

from fedsync.crdt.view import KeyRow, Row, Table
from fedsync.records.ids import LogId, PayloadId, RecordId
from fedsync.records.kinds.parties import Party

LOANS = Table(
    "stock_loan",
    ("realm", "log", "seq", "id"),
    ("store", "item", "lot", "to", "quantity", "at", "due", "booking"),
    rooted=True,
)
"""What was handed over to be brought back. `lot` and `booking` are b"" and `due` is nil when nothing is said of them."""
RETURNS = Table(
    "stock_return",
    ("realm", "log", "seq", "loan", "at", "id"),
    ("by", "place", "condition"),
    rooted=True,
)
"""What was brought back, under the loan that it names, held or not: the first of them holds. `by` and `place` are the log
and seq of the return itself."""

BOOKINGS = Table(
    "stock_booking",
    ("realm", "intent", "log", "seq"),
    ("id", "time", "who", "start", "stop", "accepts"),
    rooted=True,
)
"""What was booked or asked for of an offer, held or not. `accepts`: a packed list of the grants that it takes up."""
FREED = Table("stock_freed", ("realm", "booking", "log", "seq"), ("id",), rooted=True)
"""What was released: of bookings, and of promises, which are nothing to us; which of the two it is may be known later."""
BOOKED_IN = Table("stock_booked_in", ("intent", "log"), ("realm",))
"""Which logs book anything of an offer."""

LENDING_TABLES = (LOANS, RETURNS, BOOKINGS, FREED, BOOKED_IN)


class LoanRow(NamedTuple):
    """A loan. Times are in ms."""

    log: LogId
    seq: int
    id: RecordId
    store: PayloadId
    item: PayloadId
    lot: PayloadId
    """b"" when it is of none."""
    to: Party
    quantity: int
    at: int
    due: int | None
    booking: RecordId
    """b"" when it follows from none."""


class ReturnRow(NamedTuple):
    """A return, whether or not it is the one that holds. `at` is in ms."""

    at: int
    id: RecordId
    log: LogId
    seq: int
    condition: str


def loan_row(key: KeyRow, row: Row) -> LoanRow:
    """Return the loan in a row."""
    _, log, seq, id_ = key
    return LoanRow(log, seq, id_, *row)  # type: ignore[arg-type]


def return_row(key: KeyRow, row: Row) -> ReturnRow:
    """Return the return in a row."""
    return ReturnRow(key[4], key[5], *row)  # type: ignore[arg-type]
