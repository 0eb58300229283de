"""Needs, offers, promises and rights in words for people and as rows for programs."""

from typing import Any

from fedsync import units
from fedsync.acts.goods.holders import Holders
from fedsync.cli.goods.transferwords import Goods, party
from fedsync.cli.telling import day, rfc3339, short, text_of
from fedsync.crdt.goods.tables import FULFILLED
from fedsync.crdt.plans.offers import IntentView, PromiseView, RightsView, intent, sums
from fedsync.reading import Reading
from fedsync.records.block import Record
from fedsync.records.ids import RecordId
from fedsync.records.kinds.plans import (
    PARSERS,
    Agreement,
    Commitment,
    Ending,
    Grant,
    Intent,
    Release,
    TakeBack,
)

Json = dict[str, Any]

WORTH = {
    "valid": "stands",
    "pending": "waits",
    "beyond": "BEYOND ITS RIGHTS: not valid",
    "void": "void",
    "released": "taken back",
}
"""What a promise is worth, as people say it."""


def what(goods: Goods, found: IntentView) -> str:
    """Return how much of what a need or an offer is about."""
    lot = found.said.lot
    thing = goods.thing(found.said.item, lot) if lot else goods.item(found.said.item)
    used = " to use" if found.said.action == "use" else ""
    return f"{goods.amount(found.said.item, found.said.quantity)} of {thing}{used}"


def who(reading: Reading, found: IntentView) -> str:
    """Return who needs or offers."""
    return party(reading, found.said.receiver if found.said.receiver is not None else found.scope)


def intent_row(reading: Reading, goods: Goods, found: IntentView, now: int, met: dict[RecordId, int]) -> Json:
    """Return a need or an offer for programs."""
    said, unit = found.said, goods.unit(found.said.item)
    value: Json = {
        "id": found.id.hex(),
        "side": "offer" if said.is_offer else "need",
        "who": who(reading, found),
        "body": reading.name_of(found.scope),
        "item": goods.item(said.item),
        "item_id": said.item.hex(),
        "lot": said.lot.hex() if said.lot is not None else None,
        "store": goods.store(said.store) if said.store is not None else None,
        "action": said.action,
        "quantity": {"quantity": said.quantity, "unit": unit},
        "due": rfc3339(said.due),
        "until": rfc3339(said.until),
        "over": found.over(now),
        "local": found.local,
        "note": found.note,
    }
    if said.is_offer:
        promised, given_up = sums(reading.view, found.id)
        value["promised"] = {"quantity": promised, "unit": unit}
        value["given_up"] = {"quantity": given_up, "unit": unit}
        value["free"] = {"quantity": said.quantity - promised - given_up, "unit": unit}
    else:
        value["promised"] = {"quantity": met.get(found.id, 0), "unit": unit}
    return value


def promise_row(reading: Reading, goods: Goods, found: PromiseView, holders: Holders) -> Json:
    """Return a promise for programs."""
    offer = intent(reading.view, found.said.intent)
    unit = goods.unit(offer.said.item) if offer is not None else None
    return {
        "id": found.id.hex(),
        "offer": found.said.intent.hex(),
        "provider": None if offer is None else reading.name_of(offer.scope),
        "receiver": party(reading, found.said.receiver),
        "by": holders.name(found.log),
        "item": None if offer is None else goods.item(offer.said.item),
        "quantity": {"quantity": found.said.quantity, "unit": unit},
        "need": found.said.satisfies.hex() if found.said.satisfies is not None else None,
        "agreement": found.said.agreement.hex() if found.said.agreement is not None else None,
        "due": rfc3339(found.said.due),
        "until": rfc3339(found.said.until),
        "status": found.status,
        "reason": found.code,
        "left_the_store": {"quantity": kept(reading, found), "unit": unit},
    }


def kept(reading: Reading, found: PromiseView) -> int:
    """Return how much left the stores to keep a promise, by the books of who gives."""
    rows = reading.view.scan(FULFILLED, (found.realm, found.id))
    return sum(int(row[0]) for _, row in rows if row[0] is not None)


def promise_line(reading: Reading, goods: Goods, found: PromiseView, holders: Holders) -> str:
    """Return a promise in a line."""
    offer = intent(reading.view, found.said.intent)
    amount = (
        units.show(found.said.quantity, "1")
        if offer is None
        else f"{goods.amount(offer.said.item, found.said.quantity)} of {goods.item(offer.said.item)}"
    )
    due = f", due {day(found.said.due)}" if found.said.due is not None else ""
    status = WORTH[found.status]
    if found.status == "released":
        status = "over and taken back" if found.code == "expired" else "taken back"
    return f"{amount} for {party(reading, found.said.receiver)}, by {holders.name(found.log)}{due} ({short(found.id)}): {status}"


def intent_line(
    reading: Reading, goods: Goods, found: IntentView, now: int, met: dict[RecordId, int]
) -> list[str]:
    """Return a need or an offer in cells."""
    said = found.said
    if said.is_offer:
        promised, given_up = sums(reading.view, found.id)
        rest = f"{goods.amount(said.item, said.quantity - promised - given_up)} free"
    else:
        rest = f"{goods.amount(said.item, met.get(found.id, 0))} promised"
    when = said.due if said.due is not None else said.until
    return [
        short(found.id),
        who(reading, found),
        what(goods, found),
        "OVER" if found.over(now) else rest,
        "" if when is None else day(when),
        text_of(found.note) if found.note else "",
    ]


def says(reading: Reading, record: Record) -> str:
    """Return the words of a record of this family. Raises Void when it is not as it should be."""
    goods = Goods(reading)
    said = PARSERS[record.kind](record.value, record.genesis.scope, record.log)
    match said:
        case Intent():
            verb = "offers" if said.is_offer else "needs"
            subject = said.receiver if said.receiver is not None else record.genesis.scope
            return f"{party(reading, subject)} {verb} {goods.amount(said.item, said.quantity)} of {goods.item(said.item)}"
        case Commitment():
            amount = _amount_of(reading, goods, said.intent, said.quantity)
            return f"promises {party(reading, said.receiver)} {amount} (offer {short(said.intent)})"
        case Grant():
            amount = _amount_of(reading, goods, said.intent, said.quantity)
            if said.to is None:
                return f"gives up {amount} of the offer {short(said.intent)}"
            return f"lets {Holders(reading).name(said.to)} promise {amount} (offer {short(said.intent)})"
        case TakeBack():
            amount = _amount_of(reading, goods, said.intent, said.quantity)
            return f"takes back the right to promise {amount} (offer {short(said.intent)})"
        case Release():
            because = f": {text_of(said.reason)}" if said.reason else ""
            return f"takes back the promise {short(said.commitment)}{because}"
        case Agreement():
            return f"signs the agreement {text_of(said.title)} ({short(record.payload_id)})"
        case Ending():
            return f"ends the agreement {short(said.agreement)} from {day(said.at)}"


def _amount_of(reading: Reading, goods: Goods, offer: RecordId, quantity: int) -> str:
    found = intent(reading.view, offer)
    if found is None:
        return f"{quantity} of an offer that is not held here"
    return f"{goods.amount(found.said.item, quantity)} of {goods.item(found.said.item)}"


def rights_row(found: RightsView, holders: Holders, unit: str, now: int) -> Json:
    """Return the rights of a log for programs."""
    ends = [lot.expires for lot in found.account.lots if lot.left and lot.expires is not None]
    return {
        "log": found.log.hex(),
        "who": holders.name(found.log),
        "free": {"quantity": found.free(now), "unit": unit},
        "promised": {"quantity": found.account.promised, "unit": unit},
        "not_accepted": {"quantity": sum(each.said.quantity for each in found.open), "unit": unit},
        "over": {
            "quantity": sum(lot.left for lot in found.account.lots if not lot.usable(now)),
            "unit": unit,
        },
        "expires": rfc3339(min(ends, default=None)),
        "waits": found.account.stuck is not None,
    }
