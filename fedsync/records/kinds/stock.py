"""What the records of a store say: stores, goods, movements and counts. Pure.

Each `parse_*` returns a frozen value or raises `Void`: a payload that does not match exactly makes its record void
(kept, relayed, shown with the reason), never refused. Stores and goods are named by the hash of their payload, so
that two people who make "Granary" at once make one store.

The actions and their effects are those of ValueFlows 1.0 (https://valueflo.ws/concepts/actions/), in snake case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from fedsync.records.codec import Value
from fedsync.records.header import MAX_TIME
from fedsync.records.ids import PayloadId, Scope
from fedsync.records.void import Void

STORE = "store"
SPECIFICATION = "resource_specification"
EVENT = "economic_event"
COUNT = "count"
KINDS = frozenset({STORE, SPECIFICATION, EVENT, COUNT})

MAX_NAME_CHARS = 200
MAX_UNIT_CHARS = 50
MAX_NOTE_CHARS = 2000
MAX_AHEAD_MS = 24 * 3600 * 1000
"""How long after its record's claimed time a fact may say it happened: clocks and time zones differ, a day at most."""

FACT_FIELDS = frozenset({"quantity", "resource_conforms_to", "store", "has_point_in_time"})
EVENT_FIELDS = FACT_FIELDS | {"action"}


class Effect(Enum):
    """What an action does to a quantity of the resource that its event names."""

    NONE = "none"
    INCREMENT = "increment"
    DECREMENT = "decrement"
    DECREMENT_INCREMENT = "decrement_increment"
    """Less here, more at a second resource."""
    INCREMENT_TO = "increment_to"
    """More at a second resource; nothing here."""


@dataclass(frozen=True, slots=True)
class Action:
    """What an action does to what one has by right (accounting), and to what lies in the store (on hand)."""

    accounting: Effect
    onhand: Effect


_NONE, _MORE, _LESS = Effect.NONE, Effect.INCREMENT, Effect.DECREMENT
_HANDED, _COPIED = Effect.DECREMENT_INCREMENT, Effect.INCREMENT_TO

ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "accept": Action(_NONE, _LESS),
        "cite": Action(_NONE, _NONE),
        "combine": Action(_NONE, _LESS),
        "consume": Action(_LESS, _LESS),
        "copy": Action(_COPIED, _COPIED),
        "deliver_service": Action(_NONE, _NONE),
        "dropoff": Action(_NONE, _MORE),
        "lower": Action(_LESS, _LESS),
        "modify": Action(_NONE, _MORE),
        "move": Action(_HANDED, _HANDED),
        "pickup": Action(_NONE, _LESS),
        "produce": Action(_MORE, _MORE),
        "raise": Action(_MORE, _MORE),
        "separate": Action(_NONE, _MORE),
        "transfer": Action(_HANDED, _HANDED),
        "transfer_all_rights": Action(_HANDED, _NONE),
        "transfer_custody": Action(_NONE, _HANDED),
        "use": Action(_NONE, _NONE),
        "work": Action(_NONE, _NONE),
    }
)
"""The 19 actions."""

_SIGN = {Effect.NONE: 0, Effect.INCREMENT: 1, Effect.DECREMENT: -1}
SIGNS: Mapping[str, int] = MappingProxyType(
    {name: _SIGN[action.onhand] for name, action in ACTIONS.items() if action.onhand in _SIGN}
)
"""+1, -1 or 0 for each action that an event which names one store can say. An action that takes from one store and
adds to another is void in such an event: counting half of it would lose goods."""


@dataclass(frozen=True, slots=True)
class Store:
    """A place where a community keeps things."""

    name: str


@dataclass(frozen=True, slots=True)
class Specification:
    """A kind of thing, and the UCUM code of the unit that its quantities count."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class EconomicEvent:
    """A movement: what it did to the quantity in a store. `delta` is signed, in the item's unit; `at` is in ms."""

    action: str
    delta: int
    item: PayloadId
    store: PayloadId
    at: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What somebody found in a store."""

    quantity: int
    item: PayloadId
    store: PayloadId
    at: int


def parse_store(value: Value, scope: Scope) -> Store:
    """Return the store that a record in a log of `scope` makes. Raises Void."""
    fields = _fields(value, {"name", "scope"})
    if fields["scope"] != scope:
        raise Void("scope", "the store belongs to another body than the log that it is made in")
    return Store(_name(fields["name"], MAX_NAME_CHARS))


def parse_specification(value: Value) -> Specification:
    """Return the kind of thing that a record names. Raises Void."""
    fields = _fields(value, {"name", "unit"})
    return Specification(_name(fields["name"], MAX_NAME_CHARS), _name(fields["unit"], MAX_UNIT_CHARS))


def parse_event(value: Value, time: int) -> EconomicEvent:
    """Return the movement that a record claimed at `time` tells of. Raises Void."""
    fields = _fields(value, EVENT_FIELDS, {"note"})
    action = fields["action"]
    if not isinstance(action, str) or action not in ACTIONS:
        raise Void("action", "an action that ValueFlows does not have, or this version does not know")
    if action not in SIGNS:
        raise Void("second_store", f"'{action}' takes from one store for another, and only one is named")
    quantity, item, store, at = _fact(fields, time)
    return EconomicEvent(action, SIGNS[action] * quantity, item, store, at)


def parse_count(value: Value, time: int) -> Counted:
    """Return the count that a record claimed at `time` tells of. Raises Void."""
    return Counted(*_fact(_fields(value, FACT_FIELDS, {"note"}), time))


PARSERS: Mapping[str, Callable[[Value, Scope, int], Store | Specification | EconomicEvent | Counted]] = (
    MappingProxyType(
        {
            STORE: lambda value, scope, time: parse_store(value, scope),
            SPECIFICATION: lambda value, scope, time: parse_specification(value),
            EVENT: lambda value, scope, time: parse_event(value, time),
            COUNT: lambda value, scope, time: parse_count(value, time),
        }
    )
)
"""For each kind, what turns its payload, in a log of a scope, claimed at a time, into what it says."""


def _fields(
    value: Value, needed: set[str] | frozenset[str], allowed: set[str] | frozenset[str] = frozenset()
) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise Void("fields", "the payload is not a map of fields")
    missing, unknown = needed - value.keys(), value.keys() - needed - allowed
    if missing:
        raise Void("fields", f"the field {min(missing)} is missing")
    if unknown:
        # An older node must not count what it only half understands: the field may say "not".
        raise Void("fields", f"the field {min(unknown)!r} is not known")
    return value


def _fact(fields: dict[str, Value], time: int) -> tuple[int, PayloadId, PayloadId, int]:
    quantity, at = fields["quantity"], fields["has_point_in_time"]
    if type(quantity) is not int or quantity < 0:
        raise Void("quantity", "a quantity is a whole number of its unit, zero or more")
    if type(at) is not int or at < -MAX_TIME:
        raise Void("time", "has_point_in_time is a number of milliseconds since 1970")
    if at > time + MAX_AHEAD_MS:
        raise Void("ahead", "it is said to have happened more than a day after it was recorded")
    _check_note(fields.get("note", ""))
    return quantity, _id(fields["resource_conforms_to"]), _id(fields["store"]), at


def _check_note(value: Value) -> None:
    # One text, or the same in several languages.
    texts = list(value.values()) if isinstance(value, dict) else [value]
    for text in texts:
        if not isinstance(text, str) or len(text) > MAX_NOTE_CHARS:
            raise Void("note", f"a note is a text of {MAX_NOTE_CHARS} characters at most")


def _id(value: Value) -> PayloadId:
    if not isinstance(value, bytes) or len(value) != 32:
        raise Void("id", "a store and an item are named by 32 bytes")
    return PayloadId(value)


def _name(value: Value, longest: int) -> str:
    # Lengths in code points and the line feed alone: no verdict may rest on tables of Unicode, which change.
    if not isinstance(value, str) or not value or len(value) > longest or "\n" in value:
        raise Void("name", f"a name is one line of 1 to {longest} characters")
    return value
