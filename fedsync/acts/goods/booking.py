"""Keeping the right to book a thing, booking it and releasing it, as people write it down."""

from dataclasses import dataclass

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.goodsnames import Names
from fedsync.acts.goods.rotas import checked_name, reach_of, realms
from fedsync.acts.goods.stewards import goods_log
from fedsync.acts.goods.things import PIECES, Thing, all_things, find_thing, may_be_read, party, party_name
from fedsync.crdt.work.bookings import Booked, Schedule, grants_to, schedule
from fedsync.crdt.work.schedule import BOOKED
from fedsync.doors import Door
from fedsync.errors import refused, usage
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, RecordId, Scope
from fedsync.records.kinds.plans import MAX_ACCEPTED
from fedsync.records.seal import Draft


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
    may_be_read(offered.realm, who, said.opened, f"who has booked {thing.called}")
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
        value["accepts"] = [list(each) for each in grants[-MAX_ACCEPTED:]]
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
