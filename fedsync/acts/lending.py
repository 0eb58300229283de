"""Lending, bringing back and booking things, as people write it down."""

from collections.abc import Iterable
from dataclasses import dataclass

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods import check_note, check_time
from fedsync.acts.goodsnames import Names
from fedsync.acts.rotas import checked_name, reach_of, realms
from fedsync.acts.stewards import goods_log
from fedsync.acts.things import PIECES, Called, Thing, all_things, find_thing
from fedsync.crdt.bookings import Booked, Schedule, grants_to, schedule
from fedsync.crdt.lending import Lent, loans
from fedsync.crdt.realms import Realm, is_local
from fedsync.crdt.schedule import BOOKED
from fedsync.doors import Door
from fedsync.errors import refused, usage
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, Reach, RecordId, Scope
from fedsync.records.kinds.parties import Party
from fedsync.records.seal import Draft

# --- Loans --------------------------------------------------------------------------------------------------


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


def party(reading: Reading, who: str) -> Party:
    """Return whom a person means: a body that is known here by this name, else somebody of this name."""
    for body in reading.store.followed.all():
        if reading.name_of(body.scope).casefold() == who.strip().casefold():
            return body.scope
    return checked_name(who)


def party_name(reading: Reading, who: Party) -> str:
    """Return what a party is called."""
    return who if isinstance(who, str) else reading.name_of(who)


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
    _may_be_read(thing.realm, to, said.opened, f"who has {thing.called}")
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


def _may_be_read(realm: Realm, who: Party, opened: bool, what: str) -> None:
    """Raise a Problem when a person would be named where others read it, and nobody said so."""
    if isinstance(who, str) and not is_local(realm) and not opened:
        raise refused(
            "names_stay_here",
            f"Others in the region would read {what}, and {who} is named. Nothing was written.",
            "If they may: add --open. What never leaves our own nodes is added and kept with --local.",
        )


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
        lambda each: f"{each.lent.loan.id.hex()[:12]}",
        "fedsync stock loans",
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


# --- Bookings -----------------------------------------------------------------------------------------------


def keep(
    author: Author,
    reading: Reading,
    door: Door,
    asked: str,
    lot: str | None = None,
    store: str | None = None,
    opened: bool = False,
) -> tuple[RecordId, str]:
    """Begin to keep the one right to book a thing, and return the offer and what the thing is called. Raises a Problem."""
    scope = reading.own().scope
    realm = realms(scope)[opened]
    names = Names(reading, scope, now_ms(), not opened)
    called = checked_name(asked)
    item = names.item(called, PIECES)
    lot_id = names.lot(checked_name(lot), None, item) if lot else None
    called = f"{called} {checked_name(lot)}" if lot else called
    kept = [
        each
        for each in all_things(reading, scope)
        if each.item == item and each.lot == (lot_id or b"") and each.offers
    ]
    if kept:
        raise refused(
            "kept_already",
            f"{called} can be booked already. Nothing was written: of two who both had the right, each could book it.",
            "See who holds it: fedsync stock things; who holds it can hand it on.",
        )
    value: dict[str, Value] = {
        "resource_conforms_to": item,
        "quantity": 1,
        "provider": scope,
        "action": "use",
    }
    if lot_id is not None:
        value["lot"] = lot_id
    if store:
        value["store"] = names.store(store)
    genesis = goods_log(author, reading, LogClass.PLANS, ["intent"], reach=reach_of(realm))
    if names.made:
        with author.writing():
            made = goods_log(
                author, reading, LogClass.FACTS, [each.kind for each in names.made], reach=reach_of(realm)
            )
            author.write_as(door, reading, made, names.made)
    with author.writing():
        blocks = author.write_as(door, reading, genesis, [Draft("intent", value, now_ms())])
    return blocks[-1].tip, called


@dataclass(frozen=True, slots=True)
class Wish:
    """A booking as somebody states it. Times are in ms."""

    thing: str
    who: str
    start: int
    stop: int
    ask: bool = False
    """Also without the right to book it: then it is asked for."""
    opened: bool = False
    of: Scope | None = None
    """Whose thing it is; None: our own."""


def book(author: Author, reading: Reading, door: Door, said: Wish) -> tuple[RecordId, Schedule, Thing]:
    """Book a thing for somebody, or ask for it; return the record and the offer that it is about. Raises a Problem."""
    scope = said.of or reading.own().scope
    thing, who = find_thing(reading, scope, said.thing), party(reading, said.who)
    offered = thing.offer
    if offered is None or offered.realm is None:
        raise refused(
            "not_bookable",
            f"Nobody keeps the right to book {thing.called}. Nothing was written.",
            f'Begin to: fedsync stock keep "{thing.called}" --as {author.name}',
        )
    if said.stop <= said.start:
        raise usage("It ends before it begins.", "Look at --from and --until.")
    _may_be_read(offered.realm, who, said.opened, f"who has booked {thing.called}")
    genesis = goods_log(author, reading, LogClass.PLANS, ["booking"], reach=reach_of(offered.realm))
    grants = grants_to(reading.view, offered.intent, genesis.log)
    if not said.ask:
        if offered.holder != genesis.log and not grants:
            raise refused(
                "no_right",
                f"{author.name} does not hold the right to book {thing.called}. Nothing was written.",
                "Ask whoever does (fedsync stock things), or write it down as asked for: add --ask.",
            )
        _must_be_free(reading, thing, offered, said)
    value: dict[str, Value] = {
        "intent": offered.intent,
        "who": who,
        "from": said.start,
        "until": said.stop,
    }
    if grants:
        value["accepts"] = [list(each) for each in grants]
    with author.writing():
        blocks = author.write_as(door, reading, genesis, [Draft("booking", value, now_ms())])
    return blocks[-1].tip, offered, thing


def _must_be_free(reading: Reading, thing: Thing, offered: Schedule, said: Wish) -> None:
    for each in offered.bookings:
        meets = each.said.start < said.stop and said.start < each.said.stop
        if meets and each.verdict.status == BOOKED:
            raise refused(
                "booked_already",
                f"{thing.called} is booked for {party_name(reading, each.said.who)} then ({each.id.hex()[:8]}). "
                "Nothing was written.",
                "Look for another time: fedsync stock bookings",
            )


def find_booking(reading: Reading, asked: str) -> tuple[Thing, Schedule, Booked]:
    """Return the booking whose id begins so, of a thing of any body that is known here. Raises a Problem (exit 6)."""
    found = [
        (thing, offer, each)
        for body in reading.store.followed.all()
        for thing in all_things(reading, body.scope)
        for offer in thing.offers
        for each in offer.bookings
        if begins(asked, each.id.hex())
    ]
    return the_one("booking", asked, found, lambda each: each[2].id.hex()[:12], "fedsync stock bookings")


def free(author: Author, reading: Reading, door: Door, offered: Schedule, booked: Booked) -> RecordId:
    """Release a booking, so that its time is free. Raises a Problem."""
    assert offered.realm is not None
    genesis = goods_log(author, reading, LogClass.PLANS, ["release"], reach=reach_of(offered.realm))
    if booked.verdict.status != BOOKED:
        raise refused(
            "not_booked",
            f"The booking {booked.id.hex()[:8]} does not stand, so there is nothing to release.",
            f"See: fedsync why {booked.id.hex()[:8]}",
        )
    if offered.holder != genesis.log:
        raise refused(
            "no_right",
            f"{author.name} does not hold the right to this thing now, so a release would free nothing.",
            "Who was handed it holds it from their first booking on."
            if offered.towards == genesis.log
            else "Ask whoever does: fedsync stock things",
        )
    with author.writing():
        blocks = author.write_as(
            door, reading, genesis, [Draft("release", {"commitment": booked.id}, now_ms())]
        )
    return blocks[-1].tip


def again(reading: Reading, offered: Schedule, id_: RecordId) -> Booked:
    """Return a booking as it stands now."""
    return next(each for each in schedule(reading.view, offered.intent).bookings if each.id == id_)


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
