"""What people type about needs, offers and promises, turned into records and lists: see `fedsync stock offer`."""

from typing import Any

from fedsync import units
from fedsync.acts import promising as acts
from fedsync.acts.goods import check_note
from fedsync.acts.holders import Holders, plan_log
from fedsync.acts.measuring import resolve
from fedsync.acts.promising import Asked, Promising
from fedsync.cli.app import App
from fedsync.cli.planwords import (
    intent_line,
    intent_row,
    promise_line,
    promise_row,
    rights_row,
    what,
    who,
)
from fedsync.cli.telling import day, end_of_day, short
from fedsync.cli.transferwords import Goods, party
from fedsync.crdt.agreements import agreements
from fedsync.crdt.levels import levels
from fedsync.crdt.offers import (
    GrantView,
    IntentView,
    PromiseView,
    RightsView,
    all_promises,
    grants,
    intents,
    matches,
    met_needs,
    promises,
    rights,
    sums,
)
from fedsync.errors import not_found, refused, usage
from fedsync.picking import begins, the_one
from fedsync.reading import Reading, now_ms
from fedsync.records.ids import PayloadId, RecordId, Scope
from fedsync.records.kinds.parties import MAX_PARTY_CHARS, Party


def the_offer(reading: Reading, asked: str) -> IntentView:
    """Return the offer whose id begins with `asked`. Raises a Problem (exit 6)."""
    return _the(reading, asked, "offer")


def _the(reading: Reading, asked: str, side: str) -> IntentView:
    found = [each for each in intents(reading.view, side) if begins(asked, each.id.hex())]
    return the_one(side, asked, found, lambda each: each.id.hex()[:12], f"fedsync stock plans --{side}s")


def the_promise(reading: Reading, asked: str) -> PromiseView:
    """Return the promise whose id begins with `asked`. Raises a Problem (exit 6)."""
    found = [each for each in all_promises(reading.view) if begins(asked, each.id.hex())]
    return the_one("promise", asked, found, lambda each: each.id.hex()[:12], "fedsync stock plans --promises")


def state_said(
    app: App,
    side: str,
    item: str,
    quantity: str,
    unit: str,
    due: str | None,
    until: str | None,
    use: bool,
    place: str | None,
    note: str,
    local: bool,
    name: str,
    receiver: str | None = None,
    store: str | None = None,
) -> None:
    """Write a need or an offer, and say what comes next."""
    check_note(note)
    with app.reading() as reading:
        own = reading.own().scope
        measured = resolve(reading, item, quantity, unit, place or store)
        amount = measured.rounded(f"{quantity} {unit}")
        if not amount:
            raise usage("Nothing is no need and no offer.", "Type more than zero.")
        whose: Party | None = None
        if side == "need":
            whose = own if receiver is None else _name(receiver)
        words = f"{measured.words(amount)} of {item}"
        says = "needs" if side == "need" else "offers"
        subject = party(reading, whose if whose is not None else own)
        app.before_signing(f"{name} signs: {subject} {says} {words}.")
        asked = Asked(item.strip(), amount, measured.unit, whose, _day(due), _day(until), store, use, note)
        author = app.author(name)
        with app.door() as door:
            id_ = acts.state(author, reading, door, asked, local)
    then = (
        "What could serve it: fedsync stock match"
        if side == "need"
        else f"Promise of it: fedsync stock promise {short(id_)} QTY UNIT --to NEED|BODY --as NAME"
    )
    app.out.result(
        {"id": id_.hex(), "quantity": {"quantity": amount, "unit": measured.unit}, "local": local},
        lambda: app.out.say(f"{subject} {says} {words} ({short(id_)}).", then),
    )


def promise_said(
    app: App,
    offer: str,
    quantity: str,
    unit: str,
    to: str,
    outside: bool,
    due: str | None,
    until: str | None,
    under: str | None,
    place: str | None,
    note: str,
    name: str,
) -> None:
    """Write a promise, and say what is left of the offer."""
    check_note(note)
    with app.reading() as reading:
        goods, found = Goods(reading), the_offer(reading, offer)
        amount = _of(reading, goods, found, quantity, unit, place)
        receiver, need = _receiver(reading, to, outside, found)
        agreed = None if under is None else _agreement(reading, under)
        words = f"{goods.amount(found.said.item, amount)} of {goods.item(found.said.item)}"
        app.before_signing(
            f"{name} signs: {reading.name_of(found.scope)} promises {party(reading, receiver)} {words}."
        )
        said = Promising(
            found, amount, receiver, None if need is None else need.id, _day(due), _day(until), agreed, note
        )
        author = app.author(name)
        with app.door() as door:
            id_ = acts.promise(author, reading, door, said, goods.unit(found.said.item))
        promised, given_up = sums(reading.view, found.id)
        left = goods.amount(found.said.item, found.said.quantity - promised - given_up)
        app.out.result(
            {"id": id_.hex(), "offer": found.id.hex(), "need": need.id.hex() if need else None},
            lambda: app.out.say(
                f"{name} promised {words} to {party(reading, receiver)} ({short(id_)}).",
                f"Of the offer {left} are not promised to anybody.",
            ),
        )


def grant_said(
    app: App,
    offer: str,
    quantity: str,
    unit: str,
    to: str | None,
    back: bool,
    give_up: bool,
    expires: str | None,
    name: str,
) -> None:
    """Hand rights on, back or to nobody."""
    if [to is not None, back, give_up].count(True) != 1:
        raise usage("To whom?", "Say one of: --to PERSON, --back, --give-up.")
    if expires is not None and give_up:
        raise usage("What is given up is given up for good.", "Leave out --expires.")
    with app.reading() as reading:
        goods, found = Goods(reading), the_offer(reading, offer)
        amount = _of(reading, goods, found, quantity, unit, None)
        words = f"{goods.amount(found.said.item, amount)} of {goods.item(found.said.item)}"
        author = app.author(name)
        if give_up:
            log, whom = None, "nobody"
        elif back:
            log = acts.granter_of(author, reading, found)
            whom = Holders(reading).name(log)
        else:
            assert to is not None
            whom, log = plan_log(reading, to)
        app.before_signing(f"{name} signs: the right to promise {words} goes to {whom}.")
        with app.door() as door:
            id_ = acts.grant(
                author, reading, door, found, amount, log, _day(expires), goods.unit(found.said.item)
            )
    app.out.result(
        {"id": id_.hex(), "offer": found.id.hex(), "log": log.hex() if log is not None else None},
        lambda: app.out.say(
            f"{words} are given up: nobody can promise them any more ({short(id_)})."
            if give_up
            else f"{whom} may promise {words} ({short(id_)})."
        ),
    )


def take_back_said(app: App, granted: str, quantity: str | None, unit: str | None, name: str) -> None:
    """Take rights back that are over."""
    with app.reading() as reading:
        goods = Goods(reading)
        every = [
            each
            for offer in intents(reading.view, "offer")
            for each in grants(reading.view, offer.id)
            if each.said.to is not None and begins(granted, each.id.hex())
        ]
        found: GrantView = the_one("grant", granted, every, lambda each: each.id.hex()[:12])
        offer = the_offer(reading, found.said.intent.hex())
        left = acts.left_to_take(reading, found)
        amount = left
        if quantity is not None:
            if unit is None:
                raise usage("A quantity has a unit.", "Type: fedsync stock take-back GRANT QTY UNIT")
            amount = _of(reading, goods, offer, quantity, unit, None)
        if amount > left or not left:
            raise refused(
                "already_spent",
                f"{goods.amount(offer.said.item, left)} are left of it. Nothing was written.",
                f"See: fedsync stock rights {short(offer.id)}",
            )
        words = f"{goods.amount(offer.said.item, amount)} of {goods.item(offer.said.item)}"
        app.before_signing(f"{name} signs: the right to promise {words} comes back.")
        author = app.author(name)
        with app.door() as door:
            id_ = acts.take_back(author, reading, door, found, amount)
    app.out.result(
        {"id": id_.hex(), "offer": offer.id.hex()},
        lambda: app.out.say(f"{name} may promise {words} again ({short(id_)})."),
    )


def release_said(app: App, asked: str, reason: str, name: str) -> None:
    """Take a promise back."""
    check_note(reason)
    with app.reading() as reading:
        goods, found, holders = Goods(reading), the_promise(reading, asked), Holders(reading)
        line = promise_line(reading, goods, found, holders)
        app.before_signing(f"{name} takes back: {line}.")
        author = app.author(name)
        with app.door() as door:
            id_ = acts.release(author, reading, door, found, reason)
    app.out.result(
        {"id": id_.hex(), "promise": found.id.hex()},
        lambda: app.out.say(f"The promise {short(found.id)} is taken back."),
    )


def hold_said(app: App, name: str) -> None:
    """Begin a log of promises."""
    with app.reading() as reading:
        author = app.author(name)
        with app.door() as door:
            log = acts.begin(author, reading, door)
    app.out.result(
        {"log": log.hex()},
        lambda: app.out.say(
            f'Rights can be handed to {name} now: fedsync stock grant OFFER QTY UNIT --to "{name}"'
        ),
    )


# --- Lists ------------------------------------------------------------------------------------------------


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
                    intent_line(reading, goods, each, now)
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


# --- Words ------------------------------------------------------------------------------------------------


def _day(text: str | None) -> int | None:
    return None if text is None else end_of_day(text)


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > MAX_PARTY_CHARS or "\n" in name:
        raise usage("Who needs it has no name.", "Type what they are called.")
    return name


def _of(
    reading: Reading, goods: Goods, offer: IntentView, quantity: str, unit: str, place: str | None
) -> int:
    """Return how much of an offer somebody means, in its base unit. Raises a Problem (exit 2)."""
    measured = resolve(reading, goods.item(offer.said.item), quantity, unit, place)
    if measured.unit != goods.unit(offer.said.item):
        raise usage(
            f"The offer counts {goods.item(offer.said.item)} in {units.show(1, goods.unit(offer.said.item))[2:]}.",
            "Type the quantity in a unit that converts.",
        )
    amount = measured.rounded(f"{quantity} {unit}")
    if not amount:
        raise usage("Nothing is no promise.", "Type more than zero.")
    return amount


def _receiver(reading: Reading, to: str, outside: bool, offer: IntentView) -> tuple[Party, IntentView | None]:
    """Return who gets it, and the need that it serves if one was named."""
    if outside:
        return _name(to), None
    names = [
        body.scope
        for body in reading.store.followed.all()
        if reading.name_of(body.scope).casefold() == to.casefold()
    ]
    if len(names) == 1:
        return names[0], None
    needs = [each for each in intents(reading.view, "need") if len(to) >= 4 and begins(to, each.id.hex())]
    if not needs:
        raise not_found(
            "need or body", to, "Needs: fedsync stock plans --needs. Who keeps no records: --outside"
        )
    need = the_one("need", to, needs, lambda each: each.id.hex()[:12], "fedsync stock plans --needs")
    goods = Goods(reading)
    wanted, given = need.said.item, offer.said.item
    if wanted != given and goods.item(wanted).casefold() != goods.item(given).casefold():
        raise usage(
            f"That need is about {goods.item(wanted)}, and the offer about {goods.item(given)}.",
            "See what fits: fedsync stock match",
        )
    assert need.said.receiver is not None
    return need.said.receiver, need


def _agreement(reading: Reading, asked: str) -> PayloadId:
    found = [each for each in agreements(reading.view) if begins(asked, each.id.hex())]
    one = the_one("agreement", asked, found, lambda each: each.id.hex()[:12], "fedsync stock agreements list")
    return one.id
