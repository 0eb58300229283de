"""The tables of needs, offers, promises and agreements, and their rows as values. Touches nothing.

Rooted are what was stated and what each record is worth, and the rights of each log. All of it stands in the realm of
the log that says it, whoever's offer it is about.
"""

from typing import NamedTuple

from fedsync.crdt.view import Row, Table
from fedsync.records.ids import LogId, PayloadId, RecordId

INTENTS = Table(
    "plan_intent", ("realm", "id"), ("log", "seq", "time", "side", "item", "quantity", "payload"), rooted=True
)
"""Needs and offers; `side` is "need" or "offer"."""
STEPS = Table(
    "plan_step",
    ("realm", "intent", "log", "seq"),
    ("kind", "id", "quantity", "time", "status", "code", "payload"),
    rooted=True,
)
"""What a log says about an offer (promises, rights, releases), and what each of it is worth. A release has no quantity."""
RIGHTS = Table("plan_rights", ("realm", "intent", "log"), ("left", "promised", "granted"), rooted=True)
"""What a log may still promise from an offer, what of its promises is valid, and what it granted or gave up."""
AGREEMENTS = Table(
    "plan_agreement", ("realm", "agreement", "log", "seq"), ("id", "time", "payload"), rooted=True
)
"""Which logs carry an agreement, or the word that ends it."""

PLACES = Table("plan_place", ("id",), ("realm", "intent", "log", "seq", "kind"))
"""Where a record of this family stands. The intent of a record of an agreement is the agreement."""
LOG_STEPS = Table("plan_log_step", ("log", "seq"), ("id",))
INTENT_LOGS = Table("plan_intent_log", ("intent", "log"), ("realm",))
"""Which logs say anything about an intent."""
ACCOUNTS = Table("plan_account", ("intent", "log"), ("state",))
"""The lots of rights that a log holds: what a record at its end is judged by."""
DRAWS = Table("plan_draw", ("intent", "log", "seq"), ("drawn",))
"""From which lots a promise was taken, so that its release gives them back."""
WAITS = Table("plan_wait", ("log", "span", "seq", "intent"), ())
"""Which offers have to be judged anew when a log gets a record, or the book says something else of the log. By spans of the
log, so that who waits for its far end, be they thousands, costs it nothing until it comes there.
"""
WAIT_SPAN = 128
"""Records in a span: as many as a block has at most."""
WAITS_OF = Table("plan_wait_of", ("intent", "log", "seq"), ())
TAKEN_BACK = Table("plan_taken_back", ("intent",), ())
"""Offers of which somebody took rights back."""
DIRTY = Table("plan_dirty", ("intent",), ())
"""Offers that are judged anew before the batch ends. Empty between batches."""
AGREED = Table("plan_agreed", ("agreement", "realm", "log", "seq"), ())
"""The way from an agreement to those who carry it."""

PLAN_TABLES = (
    *(INTENTS, STEPS, RIGHTS, AGREEMENTS),
    *(PLACES, LOG_STEPS, INTENT_LOGS, ACCOUNTS, DRAWS, WAITS, WAITS_OF, TAKEN_BACK, DIRTY, AGREED),
)


class IntentRow(NamedTuple):
    """A need or an offer as it was stated."""

    log: LogId
    seq: int
    time: int
    side: str
    item: PayloadId
    quantity: int
    payload: bytes


class StepRow(NamedTuple):
    """A promise, grant or release, and what it is worth."""

    kind: str
    id: RecordId
    quantity: int
    time: int
    status: str
    code: str
    payload: bytes


class RightsRow(NamedTuple):
    """The rights of a log to promise from an offer, in the item's unit."""

    left: int
    promised: int
    granted: int


class Place(NamedTuple):
    """Where a record stands."""

    realm: bytes
    intent: bytes
    log: LogId
    seq: int
    kind: str


def intent_row(row: Row) -> IntentRow:
    """Return the intent in a row."""
    return IntentRow(*row)  # type: ignore[arg-type]


def step_row(row: Row) -> StepRow:
    """Return the promise, grant or release in a row."""
    return StepRow(*row)  # type: ignore[arg-type]


def rights_row(row: Row) -> RightsRow:
    """Return the rights in a row."""
    return RightsRow(*row)  # type: ignore[arg-type]


def place(row: Row) -> Place:
    """Return the place in a row."""
    return Place(*row)  # type: ignore[arg-type]
