"""What the records of loans and bookings say. Pure.

A thing is an item, often with a lot that is its name or number, or a room. Whoever holds the one right to it (an offer of
one, to be used) can book it for others: a plan. Handing it over and bringing it back are facts, and change who has it in
custody, never whose it is.
"""

from dataclasses import dataclass

from fedsync.records.codec import Value
from fedsync.records.ids import LogId, PayloadId, RecordId, Scope
from fedsync.records.kinds.fields import Text, exactly, map_of, optional
from fedsync.records.kinds.moments import happened, id_of, moment, said, stretch
from fedsync.records.kinds.parties import Party, amount_of, party_of
from fedsync.records.kinds.plans import accepted
from fedsync.records.kinds.refs import FactRef, fact_ref
from fedsync.records.void import Void

BOOKING = "booking"
LOAN = "loan"


@dataclass(frozen=True, slots=True)
class Booking:
    """Somebody is to have the thing of an offer from `start` until, not including, `stop`, in ms."""

    intent: RecordId
    who: Party
    start: int
    stop: int
    accepts: tuple[FactRef, ...] = ()
    """Grants of the right to the thing that this log takes up with it."""

    def overlaps(self, other: "Booking") -> bool:
        """Say whether both would have it at once. One may begin when the other ends."""
        return self.start < other.stop and other.start < self.stop


@dataclass(frozen=True, slots=True)
class Loan:
    """Somebody took things out of a store and will bring them back, by `due` if that is said. Times are in ms."""

    item: PayloadId
    lot: PayloadId | None
    store: PayloadId
    to: Party
    quantity: int
    at: int
    due: int | None = None
    booking: RecordId | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """All that a loan took out is back in its store. What broke meanwhile is lowered as any other stock."""

    loan: FactRef
    at: int
    condition: Text | None = None


def parse_booking(value: Value, log: LogId) -> Booking:
    """Return what a record in `log` books. Raises Void."""
    fields = map_of(value, "a booking")
    exactly(fields, {"intent", "who", "from", "until"}, {"accepts"}, "a booking")
    start, stop = stretch(fields)
    return Booking(
        id_of(fields, "intent"), party_of(fields["who"], "who"), start, stop, accepted(fields, log)
    )


def parse_loan(value: Value, scope: Scope, time: int) -> Loan | Returned:
    """Return the loan, or the return of one, that a record in a log of `scope`, claimed at `time`, tells of. Raises Void."""
    fields = map_of(value, "a loan")
    if "returned" in fields:
        return _parse_return(fields, time)
    exactly(
        fields,
        {"resource_conforms_to", "store", "to", "quantity", "has_point_in_time"},
        {"lot", "due", "booking"},
        "a loan",
    )
    at = happened(fields, time)
    due = moment(fields, "due") if "due" in fields else None
    if due is not None and due < at:
        raise Void("time", "it is due back before it was handed over")
    to = party_of(fields["to"], "to")
    if to == scope:
        raise Void("self", "nobody lends to themselves: between two stores of its own a body moves things")
    lot, booking = optional(fields, "lot", 32), optional(fields, "booking", 32)
    return Loan(
        PayloadId(id_of(fields, "resource_conforms_to")),
        None if lot is None else PayloadId(lot),
        PayloadId(id_of(fields, "store")),
        to,
        amount_of(fields["quantity"]),
        at,
        due,
        None if booking is None else RecordId(booking),
    )


def _parse_return(fields: dict[str, Value], time: int) -> Returned:
    exactly(fields, {"loan", "returned", "has_point_in_time"}, {"condition"}, "the return of a loan")
    if fields["returned"] is not True:
        raise Void("malformed", "returned is true: a loan that is not returned needs no record of that")
    return Returned(fact_ref(fields["loan"], "loan"), happened(fields, time), said(fields, "condition"))
