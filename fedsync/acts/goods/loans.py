"""Lending things and bringing them back, as people write it down."""

from collections.abc import Iterable
from dataclasses import dataclass

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.recording import check_note, check_time
from fedsync.acts.goods.rotas import reach_of, realms
from fedsync.acts.goods.stewards import goods_log
from fedsync.acts.goods.things import Called, Thing, find_thing, may_be_read, party, party_name
from fedsync.crdt.realms import Realm
from fedsync.crdt.work.bookings import Booked
from fedsync.crdt.work.lending import Lent, loans
from fedsync.crdt.work.schedule import BOOKED
from fedsync.doors import Door
from fedsync.errors import refused, usage
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, Reach, RecordId, Scope
from fedsync.records.kinds.parties import Party
from fedsync.records.seal import Draft


@dataclass(frozen=True, slots=True)
class Handing:
    """A loan as somebody states it. Times are in ms."""

    thing: str
    to: str
    at: int
    due: int | None = None
    quantity: int = 1
    store: str | None = None
    opened: bool = False
    """Others may read who has it, also when that is a person."""
    anyway: bool = False
    """Also when by the records it is not there."""


def lend(author: Author, reading: Reading, door: Door, said: Handing) -> tuple[RecordId, Thing, Party]:
    """Record that a thing was handed over, to be brought back. Raises a Problem."""
    scope = reading.own().scope
    thing, to = find_thing(reading, scope, said.thing, said.store), party(reading, said.to)
    check_time(said.at, now_ms())
    if thing.store is None:
        raise refused(
            "no_store",
            f"No store is known that {thing.called} is taken from. Nothing was written.",
            f'What is only booked: fedsync stock book "{thing.called}" --help',
        )
    if to == scope:
        raise usage(
            "Nobody lends to themselves.",
            "Between two stores of our own: fedsync stock move, with --from and --to.",
        )
    if said.quantity < 1:
        raise usage("A loan is of one thing at least.", "Look at --quantity.")
    if said.due is not None and said.due < said.at:
        raise usage("It is due back before it was handed over.", "Look at --due.")
    may_be_read(thing.realm, to, said.opened, f"who has {thing.called}")
    if not said.anyway:
        _must_be_there(reading, thing, said.quantity, author.name)
    value: dict[str, Value] = {
        "resource_conforms_to": thing.item,
        "store": thing.store,
        "to": to,
        "quantity": said.quantity,
        "has_point_in_time": said.at,
    }
    if thing.lot:
        value["lot"] = thing.lot
    if said.due is not None:
        value["due"] = said.due
    booking = _booked_for(thing, to, said.at)
    if booking is not None:
        value["booking"] = booking.id
    return _write(author, reading, door, LogClass.FACTS, thing.realm, [("loan", value)]), thing, to


def _must_be_there(reading: Reading, thing: Thing, quantity: int, name: str) -> None:
    out = [each for each in loans_of(reading, thing) if each.out]
    if thing.lot and out:
        one = out[-1]
        raise refused(
            "lent_already",
            f"By the records {party_name(reading, one.loan.to)} has {thing.called}. Nothing was written.",
            f'If it came back: fedsync stock return "{thing.called}" --as {name}. If not: add --anyway.',
        )
    if thing.level is not None and thing.level.on_hand < quantity:
        raise refused(
            "not_there",
            f"By the records {max(thing.level.on_hand, 0)} of {thing.called} are in {thing.where}. Nothing was written.",
            "Count it (fedsync stock count), or add --anyway.",
        )


def _booked_for(thing: Thing, to: Party, at: int) -> Booked | None:
    """Return the booking that a loan follows from: by the same party, for now."""
    return next(
        (
            each
            for offer in thing.offers
            for each in offer.bookings
            if each.verdict.status == BOOKED
            and each.said.who == to
            and each.said.start <= at < each.said.stop
        ),
        None,
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """A loan and the realm that it is written in."""

    realm: Realm
    lent: Lent


def all_loans(reading: Reading, scope: Scope) -> list[Placed]:
    """Return the loans of a body, in the order in which things were handed over."""
    found = [Placed(realm, each) for realm in realms(scope) for each in loans(reading.view, realm)]
    return sorted(found, key=lambda each: (each.lent.loan.at, each.lent.loan.id))


def loans_of(reading: Reading, thing: Thing) -> list[Lent]:
    """Return the loans of a thing."""
    key = (thing.store, thing.item, thing.lot)
    return [
        each
        for each in loans(reading.view, thing.realm)
        if (each.loan.store, each.loan.item, each.loan.lot) == key
    ]


def find_loan(reading: Reading, scope: Scope, asked: str, who: str | None) -> Placed:
    """Return the loan that is out of a thing that is called so, or whose id begins so. Raises a Problem (exit 6, 7)."""
    called, word = Called(reading, scope), asked.strip().casefold()
    every = all_loans(reading, scope)
    found = [each for each in every if begins(asked, each.lent.loan.id.hex())]
    found = found or [
        each
        for each in every
        if word
        in (
            called.item(each.lent.loan.item).casefold(),
            called.lot(each.lent.loan.lot).casefold(),
            called.thing(each.lent.loan.item, each.lent.loan.lot).casefold(),
        )
    ]
    if who is not None:
        wanted = who.strip().casefold()
        found = [each for each in found if party_name(reading, each.lent.loan.to).casefold() == wanted]
    out = [each for each in found if each.lent.out]
    if found and not out:
        last = found[-1].lent
        raise refused(
            "returned_already",
            f"{called.thing(last.loan.item, last.loan.lot)} is back: {party_name(reading, last.loan.to)} brought it. "
            "Nothing was written.",
            "See: fedsync stock loans --all",
        )
    return the_one(
        "loan of",
        asked,
        out,
        lambda each: f"{each.lent.loan.id.hex()[:8]} ({party_name(reading, each.lent.loan.to)})",
        "fedsync stock loans",
        "Type one of these ids, or say who had it: --from WHO.",
    )


def bring_back(
    author: Author, reading: Reading, door: Door, placed: Placed, at: int, condition: str = ""
) -> RecordId:
    """Record that a loan is back. Raises a Problem."""
    check_time(at, now_ms())
    check_note(condition)
    loan = placed.lent.loan
    if at < loan.at:
        raise usage("It came back before it was handed over.", "Look at --at.")
    value: dict[str, Value] = {
        "loan": [loan.log, loan.seq, loan.id],
        "returned": True,
        "has_point_in_time": at,
    }
    if condition:
        value["condition"] = condition
    return _write(author, reading, door, LogClass.FACTS, placed.realm, [("loan", value)])


def _write(
    author: Author,
    reading: Reading,
    door: Door,
    log_class: LogClass,
    realm: Realm,
    values: Iterable[tuple[str, dict[str, Value]]],
) -> RecordId:
    """Write records that belong in a realm; return the id of the last."""
    with author.writing():
        drafts = [Draft(kind, value, now_ms()) for kind, value in values]
        reach: Reach = reach_of(realm)
        genesis = goods_log(author, reading, log_class, [each.kind for each in drafts], reach=reach)
        return author.write_as(door, reading, genesis, drafts)[-1].tip
