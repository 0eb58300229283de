"""What the records of goods on their way say: the manifest of a transfer, and what two sides say is missing. Pure.

A manifest is a pre-alert: it says who will give what to whom, and moves nothing. Its record id is the transfer's, and
the movements name that: pickup in the giver's logs, dropoff in the receiver's, `lower` with a reason for what was lost
on the way. So each party writes its own, and a movement may be held long before the manifest that it names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fedsync.records.codec import Value
from fedsync.records.header import MAX_TIME
from fedsync.records.ids import Key, PayloadId, RecordId, Scope
from fedsync.records.kinds.fields import bytes_of, exactly, list_of, map_of, optional, whole
from fedsync.records.kinds.parties import (
    MAX_PARTY_CHARS,
    Party,
    amount_of,
    check_note,
    party_of,
    reason_of,
)
from fedsync.records.void import Void

TRANSFER = "transfer"
DISCREPANCY = "discrepancy"

MAX_LINES = 150
"""Lines of a manifest: with a lot and a promise a line takes 200 bytes, and a record has 32 KiB."""
KEY_BYTES = 32

_NEEDED = {"provider", "receiver", "lines"}
_ALLOWED = {"carrier", "store", "to", "due", "note"}


@dataclass(frozen=True, slots=True)
class Line:
    """How much of one thing will go, in its base unit; of one lot, when that is named."""

    item: PayloadId
    lot: PayloadId | None
    quantity: int
    commitment: RecordId | None = None
    """The promise that this line keeps."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Who will give what to whom. `due` is in ms; `store` and `to` are where it lies and where it shall lie."""

    provider: Party
    receiver: Party
    lines: tuple[Line, ...]
    carrier: Key | str | None = None
    store: PayloadId | None = None
    to: PayloadId | None = None
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One side's word on what is missing of a line. It settles that much once the other side says the very same."""

    transfer: RecordId
    item: PayloadId
    lot: PayloadId | None
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """The word of a body that what it announced will not come. What has moved by then is not touched by it."""

    transfer: RecordId


def parse_cancel(value: Value) -> Cancel:
    """Return which transfer a record calls off. Raises Void."""
    fields = map_of(value, "a transfer")
    exactly(fields, {"cancels"}, {"note"}, "a transfer that calls one off")
    check_note(fields)
    return Cancel(RecordId(bytes_of(fields, "cancels", 32)))


def parse_transfer(value: Value, scope: Scope) -> Transfer:
    """Return the manifest that a record in a log of `scope` gives. Raises Void."""
    fields = map_of(value, "a transfer")
    exactly(fields, _NEEDED, _ALLOWED, "a transfer")
    provider = party_of(fields["provider"], "provider")
    receiver = party_of(fields["receiver"], "receiver")
    if scope not in (provider, receiver):
        raise Void("stranger", "the body in whose log it stands neither gives nor receives")
    store, to = _id(fields, "store"), _id(fields, "to")
    if provider == receiver and (store is None or to is None or store == to):
        raise Void(
            "self", "what a body hands to itself goes from one of its stores to another, and both are named"
        )
    check_note(fields)
    return Transfer(
        provider=provider,
        receiver=receiver,
        lines=_lines(fields),
        carrier=_carrier(fields["carrier"]) if "carrier" in fields else None,
        store=store,
        to=to,
        due=whole(fields, "due", -MAX_TIME, MAX_TIME) if "due" in fields else None,
    )


def calls_off(value: Value) -> bool:
    """Say whether a record of kind `transfer` is of the form that calls one off."""
    return isinstance(value, dict) and "cancels" in value


def parse_discrepancy(value: Value) -> Discrepancy:
    """Return what a record says is missing. Raises Void."""
    fields = map_of(value, "a discrepancy")
    exactly(fields, {"transfer", "resource_conforms_to", "quantity", "reason"}, {"lot"}, "a discrepancy")
    return Discrepancy(
        RecordId(bytes_of(fields, "transfer", 32)),
        PayloadId(bytes_of(fields, "resource_conforms_to", 32)),
        _id(fields, "lot"),
        amount_of(fields["quantity"]),
        reason_of(fields["reason"]),
    )


PARSERS: Mapping[str, Callable[[Value, Scope, int], Transfer | Cancel | Discrepancy]] = MappingProxyType(
    {
        TRANSFER: lambda value, scope, time: (
            parse_cancel(value) if calls_off(value) else parse_transfer(value, scope)
        ),
        DISCREPANCY: lambda value, scope, time: parse_discrepancy(value),
    }
)
"""For each kind, what turns its payload, in a log of a scope, claimed at a time, into what it says."""


def _lines(fields: dict[str, Value]) -> tuple[Line, ...]:
    lines = tuple(_line(each) for each in list_of(fields, "lines", 1))
    if len(lines) > MAX_LINES:
        raise Void("lines", f"a transfer has {MAX_LINES} lines at most")
    if len({(line.item, line.lot) for line in lines}) < len(lines):
        # Two quantities for one thing: nobody could say which of them is on its way.
        raise Void("twice", "the transfer names the same thing, of the same lot, in two of its lines")
    return lines


def _line(value: Value) -> Line:
    fields = map_of(value, "a line")
    exactly(fields, {"resource_conforms_to", "quantity"}, {"lot", "commitment"}, "a line")
    commitment = optional(fields, "commitment", 32)
    return Line(
        PayloadId(bytes_of(fields, "resource_conforms_to", 32)),
        _id(fields, "lot"),
        amount_of(fields["quantity"]),
        None if commitment is None else RecordId(commitment),
    )


def _carrier(value: Value) -> Key | str:
    if isinstance(value, bytes):
        if len(value) != KEY_BYTES:
            raise Void("carrier", f"the key of a carrier has {KEY_BYTES} bytes")
        return Key(value)
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_PARTY_CHARS or "\n" in value:
        raise Void(
            "carrier", f"a carrier is a key, or a name in one line of at most {MAX_PARTY_CHARS} characters"
        )
    return value


def _id(fields: dict[str, Value], name: str) -> PayloadId | None:
    found = optional(fields, name, 32)
    return None if found is None else PayloadId(found)
