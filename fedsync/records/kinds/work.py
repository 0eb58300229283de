"""What the records of rotas and of work say. Pure.

Plans, shifts and sign-ups are named by their record ids: two that say the same are two. Who signs up is named, since few of
a community's members have keys: whoever has a seat or a mandate writes it down for them. Hours given and hours received are
two tallies, and nothing here ever sets one off against the other.
"""

from dataclasses import dataclass

from fedsync.records.codec import Value
from fedsync.records.ids import RecordId
from fedsync.records.kinds.fields import Text, exactly, map_of, optional, whole
from fedsync.records.kinds.goods import MAX_NAME_CHARS
from fedsync.records.kinds.moments import happened, id_of, ids, name, said, stretch
from fedsync.records.kinds.parties import amount_of
from fedsync.records.kinds.refs import FactRef, fact_ref
from fedsync.records.void import Void

PLAN = "plan"
SHIFT = "shift"
SIGNUP = "signup"
TALLY = "work_tally"

MAX_PLACES = 4096
"""Places of a shift: more people than a community has, and few enough to list."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Work that comes round: cooking, the night watch. Its shifts name it."""

    name: Text


@dataclass(frozen=True, slots=True)
class Shift:
    """A stretch of a plan, in ms, and how many people it needs."""

    plan: RecordId
    start: int
    stop: int
    places: int
    name: Text | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Shifts of a plan that do not take place after all. What was said of them stays, and comes to nothing."""

    plan: RecordId
    shifts: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True)
class Signup:
    """Somebody comes to a shift, or sign-ups that the author had seen are taken back, or both at once: a swap."""

    shift: RecordId
    who: str | None
    """Who comes; None: somebody leaves, and nobody comes."""
    drops: tuple[RecordId, ...] = ()
    replaces: str | None = None
    """In whose place `who` comes."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Time that somebody gave, or received from others, in minutes: at most one of the two is more than zero."""

    who: str
    given: int
    received: int
    at: int
    shift: RecordId | None = None
    corrects: FactRef | None = None
    """The entry in whose place this one stands. One that corrects may say that it was no time at all."""


def parse_plan(value: Value) -> Plan:
    """Return the plan that a record makes. Raises Void."""
    fields = map_of(value, "a plan")
    exactly(fields, {"name"}, {"note"}, "a plan")
    said(fields, "note")
    return Plan(_title(fields))


def parse_shift(value: Value) -> Shift | Cancelled:
    """Return the shift that a record makes, or which ones it cancels. Raises Void."""
    fields = map_of(value, "a shift")
    if "cancels" in fields:
        exactly(fields, {"plan", "cancels"}, set(), "the cancelling of a shift")
        return Cancelled(id_of(fields, "plan"), ids(fields, "cancels"))
    exactly(fields, {"plan", "from", "until", "places"}, {"name"}, "a shift")
    start, stop = stretch(fields)
    called = _title(fields) if "name" in fields else None
    return Shift(id_of(fields, "plan"), start, stop, whole(fields, "places", 1, MAX_PLACES), called)


def parse_signup(value: Value) -> Signup:
    """Return who signs up, or who no longer does. Raises Void."""
    fields = map_of(value, "a signup")
    exactly(fields, {"shift"}, {"who", "drops", "for"}, "a signup")
    who = name(fields, "who") if "who" in fields else None
    found = Signup(
        id_of(fields, "shift"),
        who,
        ids(fields, "drops"),
        name(fields, "for") if "for" in fields else None,
    )
    if found.who is None and not found.drops:
        raise Void("malformed", "a signup names who comes, or which signups it takes back")
    if found.replaces is not None and (found.who is None or not found.drops):
        raise Void("malformed", "who comes in another's place takes back the signup of that other")
    return found


def parse_tally(value: Value, time: int) -> Tally:
    """Return the minutes that a record claimed at `time` tells of. Raises Void."""
    fields = map_of(value, "a work_tally")
    exactly(
        fields,
        {"who", "has_point_in_time"},
        {"given", "received", "shift", "note", "corrects"},
        "a work_tally",
    )
    if ("given" in fields) == ("received" in fields):
        raise Void("malformed", "a work_tally says what was given or what was received, not both")
    said(fields, "note")
    shift = optional(fields, "shift", 32)
    corrects = fact_ref(fields["corrects"], "corrects") if "corrects" in fields else None
    least = 1 if corrects is None else 0
    return Tally(
        name(fields, "who"),
        amount_of(fields["given"], least) if "given" in fields else 0,
        amount_of(fields["received"], least) if "received" in fields else 0,
        happened(fields, time),
        None if shift is None else RecordId(shift),
        corrects,
    )


def _title(fields: dict[str, Value]) -> Text:
    found = said(fields, "name", MAX_NAME_CHARS)
    if not found or any(
        not text.strip() or "\n" in text for text in (found.values() if isinstance(found, dict) else [found])
    ):
        raise Void("name", f"a name is one line of 1 to {MAX_NAME_CHARS} characters")
    return found
