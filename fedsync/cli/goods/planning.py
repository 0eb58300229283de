"""What people type about needs, offers and promises, turned into records and lists: see `fedsync stock offer`."""

from fedsync import units
from fedsync.acts.author import now_ms
from fedsync.acts.goods import handing
from fedsync.acts.goods import promising as acts
from fedsync.acts.goods.holders import Holders, plan_log
from fedsync.acts.goods.measuring import resolve
from fedsync.acts.goods.promising import Asked, Promising
from fedsync.acts.goods.recording import check_name, check_note
from fedsync.cli.app import App
from fedsync.cli.goods.agreements import the_agreement
from fedsync.cli.goods.outsiders import outsider, unseen_by
from fedsync.cli.goods.planwords import (
    kept,
    promise_line,
)
from fedsync.cli.goods.transferwords import Goods, party
from fedsync.cli.telling import end_of_day, short
from fedsync.crdt.plans.offers import (
    GrantView,
    IntentView,
    PromiseView,
    all_promises,
    grants,
    intents,
    sums,
)
from fedsync.errors import not_found, refused, usage
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.kinds.parties import Party


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
    body: str | None,
    name: str,
    receiver: str | None = None,
    store: str | None = None,
) -> None:
    """Write a need or an offer, and say what comes next."""
    check_note(note)
    check_name("item", item)
    if store is not None:
        check_name("store", store)
    with app.reading() as reading:
        own = (reading.own() if body is None else reading.body(body)).scope
        measured = resolve(reading, item, quantity, unit, place or store)
        amount = measured.rounded(f"{quantity} {unit}")
        if not amount:
            raise usage("Nothing is no need and no offer.", "Type more than zero.")
        whose: Party | None = None
        if side == "need":
            whose = own if receiver is None else outsider(reading, receiver, "Who needs it")
        words = f"{measured.words(amount)} of {item}"
        says = "needs" if side == "need" else "offers"
        subject = party(reading, whose if whose is not None else own)
        by, over = _days(due, until)
        said = " ".join([f"{name} signs: {subject} {says} {words}.", *_over(until, over)])
        app.before_signing(said)
        asked = Asked(item.strip(), amount, measured.unit, whose, by, over, store, use, note)
        author = app.author(name)
        with app.door() as door:
            id_ = acts.state(author, reading, door, asked, local, own)
    then = (
        "What could serve it: fedsync stock match"
        if side == "need"
        else f"Promise of it: fedsync stock promise {short(id_)} QTY UNIT --to NEED|BODY --as NAME"
    )
    app.out.result(
        {"id": id_.hex(), "quantity": {"quantity": amount, "unit": measured.unit}, "local": local},
        lambda: app.out.say(
            f"{subject} {says} {words} ({short(id_)}).",
            *_over(until, over),
            then,
            *([] if whose is None else _seen_by_all(whose, local)),
        ),
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
    local: bool,
    name: str,
) -> None:
    """Write a promise, and say what is left of the offer."""
    check_note(note)
    with app.reading() as reading:
        goods, found = Goods(reading), the_offer(reading, offer)
        amount = _of(reading, goods, found, quantity, unit, place)
        receiver, need = _receiver(reading, to, outside, found)
        by, over = _days(due, until)
        agreed = None if under is None else the_agreement(reading, under).id
        # Whose need stays at home is not told to the region by a promise either.
        local = local or (need is not None and need.local)
        words = f"{goods.amount(found.said.item, amount)} of {goods.item(found.said.item)}"
        signs = f"{name} signs: {reading.name_of(found.scope)} promises {party(reading, receiver)} {words}."
        app.before_signing(" ".join([signs, *_over(until, over)]))
        said = Promising(
            found,
            amount,
            receiver,
            None if need is None else need.id,
            by,
            over,
            agreed,
            note,
            local,
        )
        author = app.author(name)
        with app.door() as door:
            id_ = acts.promise(author, reading, door, said, goods.unit(found.said.item))
        promised, given_up = sums(reading.view, found.id)
        left = goods.amount(found.said.item, found.said.quantity - promised - given_up)
        app.out.result(
            {
                "id": id_.hex(),
                "offer": found.id.hex(),
                "need": need.id.hex() if need else None,
                "local": local or found.local,
            },
            lambda: app.out.say(
                f"{name} promised {words} to {party(reading, receiver)} ({short(id_)}).",
                f"Of the offer {left} are not promised to anybody.",
                *_over(until, over),
                *(_seen_by_all(receiver, local or found.local)),
                *unseen_by(reading, receiver, local or found.local),
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
    last = _day(expires)
    with app.reading() as reading:
        goods, found = Goods(reading), the_offer(reading, offer)
        amount = _of(reading, goods, found, quantity, unit, None)
        words = f"{goods.amount(found.said.item, amount)} of {goods.item(found.said.item)}"
        author = app.author(name)
        if give_up:
            log, whom = None, "nobody"
        elif back:
            log = handing.granter_of(author, reading, found)
            whom = Holders(reading).name(log)
        else:
            assert to is not None
            whom, log = plan_log(reading, to, found.local)
        signs = f"{name} signs: the right to promise {words} goes to {whom}."
        app.before_signing(" ".join([signs, *_over(expires, last)]))
        with app.door() as door:
            id_ = acts.grant(author, reading, door, found, amount, log, last, goods.unit(found.said.item))
    app.out.result(
        {"id": id_.hex(), "offer": found.id.hex(), "log": log.hex() if log is not None else None},
        lambda: app.out.say(
            f"{words} are given up: nobody can promise them any more ({short(id_)})."
            if give_up
            else " ".join([f"{whom} may promise {words} ({short(id_)}).", *_over(expires, last)])
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
        left = handing.left_to_take(reading, found)
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
            id_ = handing.take_back(author, reading, door, found, amount)
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
        moved = kept(reading, found)
        if moved:
            raise refused(
                "kept",
                "Some of it left the store to keep this promise, so it is not free to be promised again.",
                f"See: fedsync why {short(found.id)}",
            )
        app.before_signing(f"{name} takes back: {line}.")
        author = app.author(name)
        with app.door() as door:
            id_ = handing.release(author, reading, door, found, reason)
    app.out.result(
        {"id": id_.hex(), "promise": found.id.hex()},
        lambda: app.out.say(f"The promise {short(found.id)} is taken back."),
    )


def hold_said(app: App, name: str, body: str | None) -> None:
    """Begin a log of promises."""
    with app.reading() as reading:
        author = app.author(name)
        with app.door() as door:
            log = handing.begin(
                author, reading, door, (reading.own() if body is None else reading.body(body)).scope
            )
    app.out.result(
        {"log": log.hex()},
        lambda: app.out.say(
            f'Rights can be handed to {name} now: fedsync stock grant OFFER QTY UNIT --to "{name}"'
        ),
    )


# --- Words ------------------------------------------------------------------------------------------------


def _days(due: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Return when something is due and when it is over. Raises a Problem (exit 2) when that is no sense."""
    by, over = _day(due), _day(until)
    if by is not None and over is not None and over < by:
        raise usage("It would be over before it is due.", "Look at --due and --until.")
    return by, over


def _day(text: str | None) -> int | None:
    return None if text is None else end_of_day(text)


def _over(text: str | None, end: int | None) -> list[str]:
    """Return a word to who named a last day that is over: what ends then has no effect from the start."""
    return [f"{text} is over already."] if end is not None and end < now_ms() else []


def _seen_by_all(who: Party, local: bool) -> list[str]:
    """Return a word to who named somebody that everybody can read now."""
    if local or not isinstance(who, str):
        return []
    return [f"The whole region can read that it is {who}. What households need and get: add --local."]


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
        return outsider(reading, to, "Who gets it"), None
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
