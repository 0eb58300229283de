"""What records of loans, bookings, rotas and hours say, in words for lists of records."""

from collections.abc import Iterator
from typing import Any

from fedsync.acts.goods.loans import loans_of
from fedsync.acts.goods.things import Called, Thing, party_name
from fedsync.cli.goods.lendingview import keeper
from fedsync.cli.goods.rotaview import span, time_words
from fedsync.cli.telling import day, short, text_of
from fedsync.crdt.plans.plantables import INTENTS, PLACES, intent_row, place
from fedsync.crdt.work.schedule import BOOKED
from fedsync.reading import Reading
from fedsync.records.block import Record
from fedsync.records.codec import unpack
from fedsync.records.ids import Scope
from fedsync.records.kinds.plans import parse_intent

MAX_BOOKED = 10
"""Bookings that are told of a thing, the next ones."""


def says(reading: Reading, record: Record, value: dict[str, Any]) -> str:
    """Return a record's words. Raises KeyError, TypeError or Void when it is not as it should be."""
    match record.kind:
        case "loan" if "returned" in value:
            condition = f": {text_of(value['condition'])}" if "condition" in value else ""
            return f"brings back the loan {short(value['loan'][2])}{condition}"
        case "loan":
            called = Called(reading, record.genesis.scope)
            many = f"{value['quantity']} × " if value["quantity"] != 1 else ""
            thing = called.thing(value["resource_conforms_to"], value.get("lot", b""))
            due = f", due {day(value['due'])}" if "due" in value else ""
            return f"lends {many}{thing} from {called.store(value['store'])} to {party_name(reading, value['to'])}{due}"
        case "booking":
            thing = _offered(reading, value["intent"])
            return f"books {thing} for {party_name(reading, value['who'])}, {span(value['from'], value['until'])}"
        case "plan":
            return f"makes the plan {text_of(value['name'])}"
        case "shift" if "cancels" in value:
            return f"cancels the shift {', '.join(map(short, value['cancels']))}"
        case "shift":
            what = f" {text_of(value['name'])}" if "name" in value else ""
            places = f"{value['places']} place{'' if value['places'] == 1 else 's'}"
            return f"adds a shift{what} with {places}, {span(value['from'], value['until'])}"
        case "signup":
            return _signup(value)
        case _:
            word = "given" if "given" in value else "received"
            return f"{time_words(value[word])} {word} by {value['who']}"


def _signup(value: dict[str, Any]) -> str:
    shift = f"the shift {short(value['shift'])}"
    if "who" not in value:
        taken = ", ".join(map(short, value["drops"]))
        return f"takes back for {shift}: {taken}"
    instead = f" for {value['for']}" if "for" in value else ""
    return f"puts {value['who']}{instead} down for {shift}"


def _offered(reading: Reading, intent: bytes) -> str:
    """Return what the thing of an offer is called; the offer's short id while it is not held."""
    row = reading.view.get(PLACES, (intent,))
    found = None if row is None else reading.view.get(INTENTS, (place(row).realm, intent))
    if row is None or found is None:
        return short(intent)
    scope = Scope(place(row).realm[:16])
    said = parse_intent(unpack(intent_row(found).payload), scope)
    return Called(reading, scope).thing(said.item, said.lot or b"")


def thing_lines(reading: Reading, thing: Thing, now: int) -> Iterator[str]:
    """Yield lines on who has a thing, and who may book it."""
    for each in loans_of(reading, thing):
        loan = each.loan
        if each.out:
            many = "it" if thing.lot else f"{loan.quantity} of it"
            due = "" if loan.due is None else f", due {day(loan.due)}"
            late = ", OVERDUE" if each.overdue(now) else ""
            yield f"{party_name(reading, loan.to)} has {many} since {day(loan.at)}{due}{late} (loan {short(loan.id)})."
    for offer in thing.offers:
        who = keeper(reading, offer)
        held = f"{who} holds the right to book it" if who != "nobody" else "Nobody can book it now"
        yield f"{held} (offer {short(offer.intent)})."
        stand = [each for each in offer.bookings if each.verdict.status == BOOKED and each.said.stop > now]
        for booked in stand[:MAX_BOOKED]:
            said = booked.said
            yield f"It is booked for {party_name(reading, said.who)}: {span(said.start, said.stop)} ({short(booked.id)})."
        if len(stand) > MAX_BOOKED:
            yield f"And {len(stand) - MAX_BOOKED} more bookings: fedsync stock bookings"
    if len(thing.offers) > 1:
        yield "Several people keep a right to it, each by themselves, so it may be booked twice. One of them should give theirs up: fedsync stock grant --give-up"
