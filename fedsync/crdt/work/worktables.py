"""The tables of rotas and of hours, and their rows as values. Touches nothing.

They hold what the records say, by realm. Who holds a place in a shift is worked out from them when somebody asks
(`rota.rota`): it hangs on the whole plan, and a late sign-up may change many shifts at once.
"""

from typing import NamedTuple

from fedsync.crdt.view import KeyRow, Row, Table
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.refs import FactRef

PLANS = Table("work_plan", ("realm", "id"), ("name", "log", "seq"), rooted=True)
SHIFTS = Table(
    "work_shift",
    ("realm", "plan", "id"),
    ("start", "stop", "places", "name", "log", "seq"),
    rooted=True,
)
"""By plan, held or not. `name` is "" when the shift has none."""
CANCELLED = Table("work_cancelled", ("realm", "plan", "shift", "by"), ("log", "seq"), rooted=True)
"""Shifts that do not take place after all, held or not, and which record says so."""
SIGNUPS = Table("work_signup", ("realm", "shift", "id"), ("who", "replaces", "log", "seq"), rooted=True)
"""By shift, held or not: who was put down for it, whether or not that was taken back."""
DROPS = Table("work_drop", ("realm", "shift", "dropped", "by"), ("log", "seq"), rooted=True)
"""Which sign-ups were taken back, held or not, and by which record."""
TALLIES = Table(
    "work_tally",
    ("realm", "who", "at", "log", "seq"),
    ("id", "given", "received", "shift", "of_log", "of_seq", "of_id"),
    rooted=True,
)
"""Each entry of hours, in minutes, also those that others stand in place of. `shift` is b"" when it names none; `of_`: which
entry it corrects, nil when it corrects none."""

WORK_TABLES = (PLANS, SHIFTS, CANCELLED, SIGNUPS, DROPS, TALLIES)


class PlanRow(NamedTuple):
    """A plan, and where it was made."""

    id: RecordId
    name: str
    log: LogId
    seq: int


class ShiftRow(NamedTuple):
    """A shift of a plan. Times are in ms."""

    plan: RecordId
    id: RecordId
    start: int
    stop: int
    places: int
    name: str
    log: LogId
    seq: int


class SignupRow(NamedTuple):
    """Somebody put down for a shift."""

    id: RecordId
    who: str
    replaces: str
    """In whose place; "" when in nobody's."""
    log: LogId
    seq: int


class TallyRow(NamedTuple):
    """Minutes that somebody gave or received."""

    who: str
    at: int
    log: LogId
    seq: int
    id: RecordId
    given: int
    received: int
    shift: RecordId | None
    corrects: FactRef | None

    @property
    def ref(self) -> FactRef:
        """Where it stands, and what it is."""
        return FactRef(self.log, self.seq, self.id)


def plan_row(key: KeyRow, row: Row) -> PlanRow:
    """Return the plan in a row."""
    return PlanRow(key[1], *row)  # type: ignore[arg-type]


def shift_row(key: KeyRow, row: Row) -> ShiftRow:
    """Return the shift in a row."""
    return ShiftRow(key[1], key[2], *row)  # type: ignore[arg-type]


def signup_row(key: KeyRow, row: Row) -> SignupRow:
    """Return the sign-up in a row."""
    return SignupRow(key[2], *row)  # type: ignore[arg-type]


def tally_row(key: KeyRow, row: Row) -> TallyRow:
    """Return the entry in a row."""
    id_, given, received, shift, *of = row
    _, who, at, log, seq = key
    corrects = None if of[0] is None else FactRef(*of)  # type: ignore[arg-type]
    return TallyRow(who, at, log, seq, id_, given, received, shift or None, corrects)  # type: ignore[arg-type]
