"""Things, loans and bookings for people and for programs. Touches nothing."""

from typing import Any

from fedsync.acts.goods.holders import Holders
from fedsync.acts.goods.loans import Placed
from fedsync.acts.goods.things import Called, Thing, party_name
from fedsync.cli.goods.rotaview import span
from fedsync.cli.telling import day, person, rfc3339, short
from fedsync.crdt.realms import is_local
from fedsync.crdt.work.bookings import Booked, Schedule
from fedsync.crdt.work.schedule import ASKED, BOOKED, PENDING, RELEASED, TAKEN, VOID
from fedsync.crdt.work.whylending import booking_words, loan_words
from fedsync.reading import Reading

Json = dict[str, Any]

STATES = {
    BOOKED: "booked",
    RELEASED: "released",
    TAKEN: "was booked before",
    ASKED: "asked for",
    PENDING: "waits",
    VOID: "can't be booked",
}
"""What a list says of a booking."""


def loan_json(reading: Reading, called: Called, placed: Placed, now: int) -> Json:
    """Return a loan."""
    loan, back = placed.lent.loan, placed.lent.back
    return {
        "id": loan.id.hex(),
        "thing": called.thing(loan.item, loan.lot),
        "item": called.item(loan.item),
        "lot": called.lot(loan.lot) if loan.lot else None,
        "store": called.store(loan.store),
        "to": party_name(reading, loan.to),
        "quantity": {"quantity": loan.quantity, "unit": called.unit(loan.item)},
        "since": rfc3339(loan.at),
        "due": rfc3339(loan.due),
        "returned": rfc3339(placed.lent.until),
        "condition": back.condition if back is not None and back.condition else None,
        "overdue": placed.lent.overdue(now),
        "clashes": [each.hex() for each in placed.lent.clashes],
        "local": is_local(placed.realm),
        "why": loan_words(placed.lent, day),
    }


def loan_row(reading: Reading, called: Called, placed: Placed, now: int) -> list[str]:
    """Return a loan as a line of a table."""
    loan = placed.lent.loan
    many = f"{loan.quantity} × " if loan.quantity != 1 else ""
    return [
        short(loan.id),
        f"{many}{called.thing(loan.item, loan.lot)}",
        called.store(loan.store),
        party_name(reading, loan.to),
        day(loan.at),
        "" if loan.due is None else day(loan.due),
        loan_state(placed, now),
    ]


def loan_state(placed: Placed, now: int) -> str:
    """Return how it is with a loan, in a few words."""
    lent = placed.lent
    words = []
    if lent.back is not None:
        words.append("back" + (f": {lent.back.condition}" if lent.back.condition else ""))
    elif lent.overdue(now):
        words.append("OVERDUE")
    else:
        words.append("out")
    if lent.clashes:
        words.append("LENT TWICE")
    if lent.again:
        words.append("returned twice")
    return ", ".join(words)


def booking_json(reading: Reading, thing: Thing, booked: Booked) -> Json:
    """Return a booking."""
    return {
        "id": booked.id.hex(),
        "thing": thing.called,
        "who": party_name(reading, booked.said.who),
        "from": rfc3339(booked.said.start),
        "until": rfc3339(booked.said.stop),
        "status": booked.verdict.status,
        "code": booked.verdict.code,
        "by": None if booked.verdict.by is None else booked.verdict.by.hex(),
        "why": booking_words(booked),
    }


def booking_row(reading: Reading, thing: Thing, booked: Booked) -> list[str]:
    """Return a booking as a line of a table."""
    return [
        short(booked.id),
        thing.called,
        span(booked.said.start, booked.said.stop),
        party_name(reading, booked.said.who),
        STATES[booked.verdict.status],
    ]


def keeper(reading: Reading, offered: Schedule | None) -> str:
    """Return who holds the right to book a thing, or was handed it."""
    holder = None if offered is None else offered.holder or offered.towards
    if holder is None:
        return "" if offered is None else "nobody"
    found = Holders(reading).who(holder)
    if found is None:
        return f"somebody unknown here ({short(holder)})"
    scope, _ = found
    of = "" if scope == reading.own().scope else f" of {reading.name_of(scope)}"
    return person(reading, *found) + of


def thing_json(reading: Reading, thing: Thing, out: list[Placed], now: int) -> Json:
    """Return a thing: where it is, who has it, and who may book it."""
    level = thing.level
    return {
        "thing": thing.called,
        "item": thing.name,
        "lot": thing.code or None,
        "store": thing.where or None,
        "on_hand": None if level is None else {"quantity": level.on_hand, "unit": level.unit},
        "accounting": None if level is None else {"quantity": level.accounting, "unit": level.unit},
        "lent": [
            {"to": party_name(reading, each.lent.loan.to), "id": each.lent.loan.id.hex()} for each in out
        ],
        "keeper": keeper(reading, thing.offer) or None,
        "offers": [each.intent.hex() for each in thing.offers],
        "next": None
        if (booked := next_booking(thing, now)) is None
        else booking_json(reading, thing, booked),
        "local": is_local(thing.realm),
    }


def thing_row(reading: Reading, thing: Thing, out: list[Placed], now: int) -> list[str]:
    """Return a thing as a line of a table."""
    level, booked = thing.level, next_booking(thing, now)
    who = ", ".join(party_name(reading, each.lent.loan.to) for each in out)
    there = "" if level is None else f"{level.on_hand} of {level.accounting}"
    kept = keeper(reading, thing.offer)
    return [
        thing.called,
        thing.where,
        there,
        who,
        kept + (" AND OTHERS" if len(thing.offers) > 1 else ""),
        ""
        if booked is None
        else f"{party_name(reading, booked.said.who)}, {span(booked.said.start, booked.said.stop)}",
    ]


def next_booking(thing: Thing, now: int) -> Booked | None:
    """Return the booking of a thing that is now, or comes next."""
    return next(
        (
            each
            for offer in thing.offers
            for each in offer.bookings
            if each.verdict.status == BOOKED and each.said.stop > now
        ),
        None,
    )
