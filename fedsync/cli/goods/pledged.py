"""What of promises, rights and agreements waits for us: for `fedsync status`."""

from collections.abc import Iterator
from typing import Any

from fedsync import keyring
from fedsync.acts.goods.holders import Holders
from fedsync.cli.goods.planwords import kept
from fedsync.cli.goods.transferwords import Goods, party
from fedsync.cli.telling import day, rfc3339, short, text_of
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.plans.agreements import agreements
from fedsync.crdt.plans.offers import (
    GrantView,
    IntentView,
    PromiseView,
    all_promises,
    grants,
    intent,
    intents,
    rights,
)
from fedsync.reading import Reading
from fedsync.records.ids import Key, LogId

Json = dict[str, Any]

SOON_MS = 7 * 86_400_000
"""What ends or is due within a week is told: time enough to carry it, or to hand it back."""


def pledged(reading: Reading, now: int) -> Iterator[Json]:
    """Yield agreements to sign, promises of ours that are due, rights of people here that end, and rights to take back."""
    yield from _agreements(reading, now)
    promises = [each for each in all_promises(reading.view) if each.status == "valid"]
    offers = intents(reading.view, "offer")
    if not promises and not offers:
        return
    goods, holders = Goods(reading), Holders(reading)
    own = reading.own().scope
    for each in promises:
        offer = intent(reading.view, each.said.intent)
        if offer is not None and offer.scope == own:
            yield from _due(reading, goods, each, offer, now)
    here = {Key(each.key) for each in keyring.people(reading.home)}
    for offer in offers:
        if not offer.over(now):
            yield from _rights(reading, goods, holders, offer, here, now)


def _over(reading: Reading, grant: GrantView, holder: LogId, now: int) -> bool:
    """Say whether rights may be taken back: their time is over, or the book ended the log of who holds them."""
    if grant.said.expires is not None and now > grant.said.expires:
        return True
    row = reading.view.get(COUNTED_LOGS, (holder,))
    found = counted_log(row) if row is not None else None
    return found is not None and (found.bound == "cut" or found.chain is not None)


def _agreements(reading: Reading, now: int) -> Iterator[Json]:
    own = reading.own().scope
    for each in agreements(reading.view):
        if own in each.missing and each.status(now) == "open":
            others = ", ".join(reading.name_of(found.scope) for found in each.signed)
            yield {
                "kind": "agreement",
                "agreement": each.id.hex(),
                "line": f"the agreement {text_of(each.said.title)} ({short(each.id)}), signed by {others}, waits for our signature",
                "next": f"fedsync stock agreements sign {short(each.id)} --as NAME",
            }


def _due(reading: Reading, goods: Goods, found: PromiseView, offer: IntentView, now: int) -> Iterator[Json]:
    due = found.said.due
    rest = found.said.quantity - kept(reading, found)
    if due is None or due > now + SOON_MS or rest <= 0:
        return
    thing = f"{goods.amount(offer.said.item, rest)} of {goods.item(offer.said.item)}"
    late = due < now
    yield {
        "kind": "promise",
        "promise": found.id.hex(),
        "due": rfc3339(due),
        "overdue": late,
        "line": f"{thing} are promised to {party(reading, found.said.receiver)} ({short(found.id)}), "
        + (f"OVERDUE since {day(due)}" if late else f"due {day(due)}"),
        "next": f"fedsync stock transfer new --for {short(found.id)} --as NAME",
    }


def _rights(
    reading: Reading, goods: Goods, holders: Holders, offer: IntentView, here: set[Key], now: int
) -> Iterator[Json]:
    for held in rights(reading.view, offer.id):
        who = holders.who(held.log)
        if who is None or who[1] not in here:
            continue
        lots = [*held.account.lots, *(each.lot for each in held.open)]
        ends = [lot.expires for lot in lots if lot.left and lot.expires is not None and lot.expires >= now]
        if ends and min(ends) <= now + SOON_MS:
            left = sum(lot.left for lot in lots if lot.expires == min(ends))
            yield {
                "kind": "rights",
                "offer": offer.id.hex(),
                "until": rfc3339(min(ends)),
                "line": f"{holders.name(held.log)} may promise {goods.amount(offer.said.item, left)} of "
                f"{goods.item(offer.said.item)} until {day(min(ends))} only ({short(offer.id)})",
                "next": f"fedsync stock promise {short(offer.id)} QTY UNIT --to NEED --as NAME",
            }
    for grant in grants(reading.view, offer.id):
        who = holders.who(grant.log)
        if grant.status != "valid" or grant.said.to is None or who is None or who[1] not in here:
            continue
        if not _over(reading, grant, grant.said.to, now):
            continue
        left = next(
            (
                lot.left
                for held in rights(reading.view, offer.id)
                if held.log == grant.said.to
                for lot in [held.account.lot(grant.id) or grant.lot]
            ),
            grant.lot.left,
        )
        if left > 0:
            yield {
                "kind": "rights_over",
                "grant": grant.id.hex(),
                "line": f"the right of {holders.name(grant.said.to)} to promise {goods.amount(offer.said.item, left)} of "
                f"{goods.item(offer.said.item)} is over ({short(grant.id)})",
                "next": f"fedsync stock take-back {short(grant.id)} --as NAME",
            }
