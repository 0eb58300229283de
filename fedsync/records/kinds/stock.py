"""What the records of a store say: stores, goods, lots, movements and counts. Pure.

Each `parse_*` returns a frozen value or raises `Void`: a payload that does not match exactly makes its record void
(kept, relayed, shown with the reason), never refused. Stores, goods and lots are named by the hash of their payload, so
that two people who make "Granary" at once make one store.

What an action does is said in `actions`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from fedsync.records.codec import Value
from fedsync.records.ids import NO_LOT, PayloadId, RecordId, Scope
from fedsync.records.kinds import goods
from fedsync.records.kinds.actions import ACTIONS, IDLE, TWO_STORES
from fedsync.records.kinds.parties import Party, amount_of, check_note, reason_of
from fedsync.records.kinds.refs import FactRef, fact_ref
from fedsync.records.void import Void

STORE = "store"
SPECIFICATION = "resource_specification"
LOT = "batch_lot_record"
EVENT = "economic_event"
COUNT = "count"
KINDS = frozenset({STORE, SPECIFICATION, LOT, EVENT, COUNT})

MAX_UNIT_CHARS = 50

FACT_FIELDS = frozenset({"quantity", "resource_conforms_to", "store", "has_point_in_time"})
EVENT_FIELDS = FACT_FIELDS | {"action"}
"""What a plain event says: one store, nothing more."""

_EVENT_NEEDED = EVENT_FIELDS - {"store"}
_EVENT_ALLOWED = frozenset(
    {
        *("store", "to", "lot", "reason", "note", "corrects", "transfer", "fulfills"),
        *("provider", "receiver", "stated"),
    }
)
_COUNT_ALLOWED = frozenset({"note", "lot", "includes", "excludes", "stated"})


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
class Lot:
    """Goods that were made together. `expires` in ms; None: nothing is said of it."""

    code: str
    item: PayloadId
    expires: int | None


@dataclass(frozen=True, slots=True)
class Stated:
    """A quantity as somebody said it: the number and the unit's name as written, and the factor that was applied."""

    quantity: str
    unit: str
    factor: PayloadId | None


class Moved(NamedTuple):
    """What an event did in one store: on hand, and to what is there by right beyond that. In the item's unit."""

    store: PayloadId
    delta: int
    apart: int


@dataclass(frozen=True, slots=True)
class EconomicEvent:
    """A movement, in the item's unit; `at` is in ms. `store` is where it was, `to` where it went or came to be."""

    action: str
    quantity: int
    item: PayloadId
    at: int
    store: PayloadId | None = None
    to: PayloadId | None = None
    lot: PayloadId = NO_LOT
    reason: str | None = None
    corrects: FactRef | None = None
    transfer: RecordId | None = None
    fulfills: RecordId | None = None
    provider: Party | None = None
    receiver: Party | None = None
    stated: Stated | None = None

    @property
    def moved(self) -> tuple[Moved, ...]:
        """What it did in the stores that it names."""
        ends = ACTIONS[self.action].ends(self.quantity)
        return tuple(
            Moved(store, onhand, accounting - onhand)
            for store, (onhand, accounting) in zip((self.store, self.to), ends, strict=True)
            if store is not None
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """What somebody found in a store. What `includes` names happened before it, what `excludes` names after it."""

    quantity: int
    item: PayloadId
    store: PayloadId
    at: int
    lot: PayloadId = NO_LOT
    includes: tuple[FactRef, ...] = ()
    excludes: tuple[FactRef, ...] = ()


Said: TypeAlias = Store | Specification | Lot | EconomicEvent | Counted


def parse_store(value: Value, scope: Scope) -> Store:
    """Return the store that a record in a log of `scope` makes. Raises Void."""
    fields = goods.fields_of(value, {"name", "scope"})
    if fields["scope"] != scope:
        raise Void("scope", "the store belongs to another body than the log that it is made in")
    return Store(goods.name_of(fields["name"]))


def parse_specification(value: Value) -> Specification:
    """Return the kind of thing that a record names. Raises Void."""
    fields = goods.fields_of(value, {"name", "unit"})
    return Specification(goods.name_of(fields["name"]), goods.name_of(fields["unit"], MAX_UNIT_CHARS))


def parse_lot(value: Value) -> Lot:
    """Return the lot that a record names. Raises Void."""
    fields = goods.fields_of(value, {"code", "resource_conforms_to"}, {"expiration_date"})
    expires = goods.time_of(fields, "expiration_date") if "expiration_date" in fields else None
    return Lot(goods.name_of(fields["code"]), goods.id_of(fields["resource_conforms_to"]), expires)


def parse_event(value: Value, scope: Scope, time: int) -> EconomicEvent:
    """Return the movement that a record in a log of `scope`, claimed at `time`, tells of. Raises Void."""
    fields = goods.fields_of(value, _EVENT_NEEDED, _EVENT_ALLOWED)
    action = fields["action"]
    if not isinstance(action, str) or action not in ACTIONS:
        raise Void("action", "an action that ValueFlows does not have, or this version does not know")
    check_note(fields)
    found = EconomicEvent(
        action,
        amount_of(fields["quantity"], least=0),
        goods.id_of(fields["resource_conforms_to"]),
        goods.at_of(fields, time),
        goods.optional_id(fields, "store"),
        goods.optional_id(fields, "to"),
        goods.optional_id(fields, "lot") or NO_LOT,
        reason_of(fields["reason"]) if "reason" in fields else None,
        fact_ref(fields["corrects"], "corrects") if "corrects" in fields else None,
        goods.optional_record(fields, "transfer"),
        goods.optional_record(fields, "fulfills"),
        goods.optional_party(fields, "provider"),
        goods.optional_party(fields, "receiver"),
        _stated(fields),
    )
    _check_loss(found)
    _check_stores(found, scope)
    return found


def parse_count(value: Value, time: int) -> Counted:
    """Return the count that a record claimed at `time` tells of. Raises Void."""
    fields = goods.fields_of(value, FACT_FIELDS, _COUNT_ALLOWED)
    check_note(fields)
    includes, excludes = goods.fact_refs(fields, "includes"), goods.fact_refs(fields, "excludes")
    if set(includes) & set(excludes):
        raise Void("reference", "a count names one fact as included and as excluded")
    _stated(fields)
    return Counted(
        amount_of(fields["quantity"], least=0),
        goods.id_of(fields["resource_conforms_to"]),
        goods.id_of(fields["store"]),
        goods.at_of(fields, time),
        goods.optional_id(fields, "lot") or NO_LOT,
        includes,
        excludes,
    )


def _check_loss(event: EconomicEvent) -> None:
    if event.reason is not None and event.action != "lower":
        raise Void("reason", f"'{event.action}' has no reason: what is lost is told of as 'lower'")
    if event.action == "lower" and event.transfer is not None:
        if event.reason is None:
            raise Void("reason", "what is lost on the way has a reason")
        if event.store is not None:
            # What arrived and spoiled later is that store's loss. Counted for the way too, it would be lost twice.
            raise Void(
                "transfer",
                "what is lost on the way is in no store, and what is lost in a store is not on the way",
            )


def _check_stores(event: EconomicEvent, scope: Scope) -> None:
    if event.action not in TWO_STORES:
        if event.to is not None:
            raise Void("second_store", f"'{event.action}' is told of one store, and a second one is named")
        on_the_way = event.action == "lower" and event.transfer is not None
        if event.store is None and event.action not in IDLE and not on_the_way:
            raise Void("fields", "the field store is missing")
        return
    if event.store is not None and event.store == event.to:
        raise Void("second_store", "it goes from a store to the same store")
    # Counting half of it would lose goods; so who has the other half is named, and tells of it themselves.
    if event.to is None and (event.store is None or event.receiver in (None, scope)):
        raise Void("second_store", f"'{event.action}' names neither a second store nor another receiver")
    if event.store is None and event.provider in (None, scope):
        raise Void("second_store", f"'{event.action}' names neither a first store nor another provider")


def _stated(fields: Mapping[str, Value]) -> Stated | None:
    if "stated" not in fields:
        return None
    said = goods.fields_of(fields["stated"], {"quantity", "unit"}, {"factor"})
    return Stated(
        goods.name_of(said["quantity"], MAX_UNIT_CHARS),
        goods.name_of(said["unit"]),
        goods.optional_id(said, "factor"),
    )


PARSERS: Mapping[str, Callable[[Value, Scope, int], Said]] = MappingProxyType(
    {
        STORE: lambda value, scope, time: parse_store(value, scope),
        SPECIFICATION: lambda value, scope, time: parse_specification(value),
        LOT: lambda value, scope, time: parse_lot(value),
        EVENT: parse_event,
        COUNT: lambda value, scope, time: parse_count(value, time),
    }
)
"""For each kind, what turns its payload, in a log of a scope, claimed at a time, into what it says."""
