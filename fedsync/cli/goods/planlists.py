"""What is needed, offered and promised, in lists: see `fedsync stock plans`, `rights`, `match`."""

from typing import Any

from fedsync import units
from fedsync.acts.goods.holders import Holders
from fedsync.cli.app import App
from fedsync.cli.goods.planning import the_offer
from fedsync.cli.goods.planwords import (
    intent_line,
    intent_row,
    promise_line,
    promise_row,
    rights_row,
    what,
    who,
)
from fedsync.cli.goods.transferwords import Goods
from fedsync.cli.telling import day, short
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.plans.offers import (
    PromiseView,
    RightsView,
    all_promises,
    intents,
    matches,
    met_needs,
    promises,
    rights,
    sums,
)
from fedsync.reading import now_ms
from fedsync.records.ids import PayloadId, RecordId, Scope


def show_rights(app: App, asked: str, every: bool) -> None:
    """Show who may promise how much of an offer, and what is promised."""
    now = now_ms()
    with app.reading() as reading:
        goods, found, holders = Goods(reading), the_offer(reading, asked), Holders(reading)
        unit = goods.unit(found.said.item)
        held = rights(reading.view, found.id)
        given = promises(reading.view, found.id)
        shown = [each for each in given if every or each.status != "released"]
        promised, given_up = sums(reading.view, found.id)
        value = {
            "offer": intent_row(reading, goods, found, now, {}),
            "rights": [rights_row(each, holders, unit, now) for each in held],
            "promises": [promise_row(reading, goods, each, holders) for each in given],
        }
        lines = [f"{who(reading, found)} offers {what(goods, found)} ({short(found.id)})"]
        if given_up:
            lines.append(f"  given up: {units.show(given_up, unit)}")
        lines.append(f"  promised: {units.show(promised, unit)} of {units.show(found.said.quantity, unit)}")
        for each in sorted(held, key=lambda each: (-each.free(now), each.log)):
            row = rights_row(each, holders, unit, now)
            more = f", {units.show(row['over']['quantity'], unit)} over" if row["over"]["quantity"] else ""
            more += f", until {day(_first_end(each))}" if row["expires"] else ""
            more += ", WAITS for records that have not come" if row["waits"] else ""
            lines.append(f"  {row['who']} may promise {units.show(each.free(now), unit)}{more}")
        lines += [f"  {promise_line(reading, goods, each, holders)}" for each in shown]
    app.out.result(value, lambda: app.out.say(*lines))


def _first_end(found: RightsView) -> int:
    return min(lot.expires for lot in found.account.lots if lot.left and lot.expires is not None)


def show_matches(app: App, body: str | None) -> None:
    """Show what could serve each open need."""
    now = now_ms()
    with app.reading() as reading:
        asked = None if body is None else reading.body(body).scope
        goods = Goods(reading)
        same = {item: (name.casefold(), code) for item, (name, code) in goods.items.items()}
        on_hand: dict[tuple[Scope, PayloadId], int] = {}
        for level in levels(reading.view):
            if not level.local:
                key = (level.scope, level.item_id)
                on_hand[key] = on_hand.get(key, 0) + level.on_hand
        found = [
            each
            for each in matches(reading.view, now, dict(same), on_hand)
            if asked is None or each.need.scope == asked
        ]
        rows: list[dict[str, Any]] = []
        lines: list[str] = []
        before: RecordId | None = None
        for each in found:
            unit = goods.unit(each.need.said.item)
            if each.need.id != before:
                due = f", due {day(each.need.said.due)}" if each.need.said.due is not None else ""
                lines.append(
                    f"{who(reading, each.need)} needs {what(goods, each.need)} ({short(each.need.id)}{due})"
                )
                before = each.need.id
            late = "" if each.in_time else ", but later than needed"
            giver = reading.name_of(each.scope)
            if each.offer is not None:
                lines.append(
                    f"  {giver} offers it: {units.show(each.free, unit)} free ({short(each.offer.id)}){late}"
                )
            else:
                lines.append(f"  {giver} has {units.show(each.free, unit)} in its stores, not offered")
            rows.append(
                {
                    "need": each.need.id.hex(),
                    "offer": each.offer.id.hex() if each.offer is not None else None,
                    "who": giver,
                    "free": {"quantity": each.free, "unit": unit},
                    "in_time": each.in_time,
                }
            )
        served = {each.need.id for each in found}
        met = met_needs(reading.view)
        unmet = [
            each
            for each in intents(reading.view, "need")
            if each.id not in served
            and not each.over(now)
            and met.get(each.id, 0) < each.said.quantity
            and (asked is None or each.scope == asked)
        ]
        lines += [
            f"{who(reading, each)} needs {what(goods, each)} ({short(each.id)}): nobody is known to have it"
            for each in unmet
        ]
    app.out.result(
        {"matches": rows, "unmet": [each.id.hex() for each in unmet]},
        lambda: app.out.say(*(lines or ["No need is open."])),
    )


def show_plans(app: App, side: str | None, body: str | None, every: bool) -> None:
    """List needs, offers and promises."""
    now = now_ms()
    with app.reading() as reading:
        asked = None if body is None else reading.body(body).scope
        goods, holders, met = Goods(reading), Holders(reading), met_needs(reading.view)
        sides = [each for each in ("need", "offer") if side in (None, each)]
        found = [
            each
            for wanted in sides
            for each in intents(reading.view, wanted)
            if (every or not each.over(now)) and (asked is None or each.scope == asked)
        ]
        given = [
            each
            for each in (all_promises(reading.view) if side in (None, "promise") else [])
            if (every or each.status != "released")
            and (asked is None or asked in (each.said.receiver, holders_scope(holders, each)))
        ]
        rows = [intent_row(reading, goods, each, now, met) for each in found]
        tables = [
            (
                title,
                [
                    intent_line(reading, goods, each, now, met)
                    for each in found
                    if each.said.is_offer is (title == "OFFERS")
                ],
            )
            for title in ("NEEDS", "OFFERS")
        ]
        promised = [promise_line(reading, goods, each, holders) for each in given]
        value = {
            "needs": [row for row in rows if row["side"] == "need"],
            "offers": [row for row in rows if row["side"] == "offer"],
            "promises": [promise_row(reading, goods, each, holders) for each in given],
        }

    def show() -> None:
        for title, cells in tables:
            if cells:
                app.out.table(
                    [title, "WHO", "WHAT", "LEFT" if title == "OFFERS" else "SERVED", "WHEN", "NOTE"], cells
                )
        if promised:
            app.out.say("PROMISES", *(f"  {each}" for each in promised))
        if not promised and not any(cells for _, cells in tables):
            app.out.say("Nothing is needed, offered or promised.")

    app.out.result(value, show)


def holders_scope(holders: Holders, found: PromiseView) -> Scope | None:
    """Return the body in whose log a promise stands."""
    known = holders.who(found.log)
    return known[0] if known is not None else None
