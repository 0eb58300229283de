"""`fedsync stock` lend, return, loans, keep, book, unbook, bookings, things: what comes back, and who has it when."""

import click

from fedsync.cli.app import App, common, signing

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
STORE = click.option("--store", metavar="S", help="The one that lies in this store.")
AT = click.option("--at", metavar="TIME", help="When it happened (default: now), such as 2026-05-12T14:30.")
OPEN = click.option("--open", "opened", is_flag=True, help="Others in the region may read the person's name.")


@click.command()
@click.argument("thing")
@click.option("--to", "who", required=True, metavar="WHO", help="Who has it now.")
@click.option("--due", metavar="TIME", help="When it shall be back, such as 2026-05-20.")
@click.option("--quantity", type=int, default=1, show_default=True, metavar="N", help="How many of it.")
@STORE
@AT
@OPEN
@click.option("--anyway", is_flag=True, help="Also when by the records it is not there.")
@AS
@common
@signing
def lend(
    app: App,
    thing: str,
    who: str,
    due: str | None,
    quantity: int,
    store: str | None,
    at: str | None,
    opened: bool,
    anyway: bool,
    name: str,
) -> None:
    """Record that somebody took THING and will bring it back.

    THING is what it is called, such as Drill, or what stands on it: its number, its lot.
    """
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.loans import Handing
    from fedsync.acts.goods.loans import lend as hand_over
    from fedsync.acts.goods.things import party_name
    from fedsync.cli.telling import day, end_of_day, parse_time

    now = now_ms()
    until = None if due is None else end_of_day(due)
    said = Handing(thing, who, parse_time(at, now), until, quantity, store, opened, anyway)
    app.before_signing(f"{name} signs: {who} has {thing}" + (f", due {due}." if due else "."))
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        id_, found, to = hand_over(author, reading, door, said)
        called = party_name(reading, to)
    many = "" if quantity == 1 else f"{quantity} × "
    back = "" if until is None else f", and brings it back by {day(until)}"
    app.out.result(
        {"id": id_.hex(), "thing": found.called, "to": called},
        lambda: app.out.say(f"{called} has {many}{found.called}{back} ({id_.hex()[:8]})."),
    )


NO_THINGS = (
    "No things yet. What is lent lies in a store: fedsync stock add; a room is kept: fedsync stock keep."
)


@click.command("return")
@click.argument("thing", metavar="THING|LOAN")
@click.option("--from", "who", metavar="WHO", help="Who had it, when several have such things.")
@click.option("--condition", default="", metavar="WORDS", help="How it came back.")
@AT
@AS
@common
@signing
def return_(app: App, thing: str, who: str | None, condition: str, at: str | None, name: str) -> None:
    """Record that a thing is back in its store, all that the loan took.

    What broke or was lost meanwhile is taken off the stock by itself: fedsync stock lose.
    """
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.loans import bring_back, find_loan
    from fedsync.acts.goods.things import Called, party_name
    from fedsync.cli.telling import parse_time

    when = parse_time(at, now_ms())
    app.before_signing(f"{name} signs: {thing} is back.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        placed = find_loan(reading, reading.own().scope, thing, who)
        id_ = bring_back(author, reading, door, placed, when, condition)
        loan = placed.lent.loan
        called = Called(reading, reading.own().scope)
        words = f"{party_name(reading, loan.to)} brought {called.thing(loan.item, loan.lot)} back to {called.store(loan.store)}."
    app.out.result({"id": id_.hex(), "loan": loan.id.hex()}, lambda: app.out.say(words))


@click.command()
@click.option("--all", "every", is_flag=True, help="Those that are back, too.")
@click.option("--overdue", is_flag=True, help="Only what should be back by now.")
@click.option("--who", metavar="WHO", help="Only what this person or community has.")
@common
def loans(app: App, every: bool, overdue: bool, who: str | None) -> None:
    """List who has what since when, and when it is due."""
    from fedsync.acts.goods.loans import all_loans
    from fedsync.acts.goods.things import Called, party_name
    from fedsync.cli.goods.lendingview import loan_json, loan_row
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        scope = reading.own().scope
        called = Called(reading, scope)
        found = [
            each
            for each in all_loans(reading, scope)
            if (every or each.lent.out)
            and (not overdue or each.lent.overdue(now))
            and (who is None or party_name(reading, each.lent.loan.to).casefold() == who.strip().casefold())
        ]
        value = [loan_json(reading, called, each, now) for each in found]
        rows = [loan_row(reading, called, each, now) for each in found]
    app.out.result(
        {"loans": value},
        lambda: app.out.table(
            ["LOAN", "THING", "FROM", "WHO HAS IT", "SINCE", "DUE", "STATE"], rows, none="No loans."
        ),
    )


@click.command()
@click.argument("thing")
@click.option("--lot", metavar="CODE", help="What stands on it, when there are several.")
@click.option("--store", metavar="S", help="Where it lies.")
@click.option("--open", "opened", is_flag=True, help="Others in the region may see it and its bookings.")
@AS
@common
@signing
def keep(app: App, thing: str, lot: str | None, store: str | None, opened: bool, name: str) -> None:
    """Begin to keep the one right to book THING: a room, a tool.

    From then on whoever signs here books it, and nobody else, so that on two sides of a cut it is never given to two.
    """
    from fedsync.acts.goods.booking import keep as keep_thing
    from fedsync.cli.telling import short

    app.before_signing(f"{name} signs: {name} keeps the right to book {thing}.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        id_, called = keep_thing(author, reading, door, thing, lot, store, opened)
    app.out.result(
        {"id": id_.hex(), "thing": called},
        lambda: app.out.say(f"{name} keeps the right to book {called} ({short(id_)})."),
    )


@click.command()
@click.argument("thing")
@click.option("--from", "start", required=True, metavar="TIME", help="Such as 2026-05-12T10:00.")
@click.option("--until", "stop", required=True, metavar="TIME")
@click.option("--for", "who", required=True, metavar="WHO", help="Who is to have it.")
@click.option("--of", "--body", "body", metavar="BODY", help="Whose thing it is; default: our own.")
@click.option(
    "--ask", is_flag=True, help="Without the right to book it: whoever has it sees what is asked for."
)
@OPEN
@AS
@common
@signing
def book(
    app: App,
    thing: str,
    start: str,
    stop: str,
    who: str,
    body: str | None,
    ask: bool,
    opened: bool,
    name: str,
) -> None:
    """Book THING for somebody."""
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.booking import Wish, again
    from fedsync.acts.goods.booking import book as book_thing
    from fedsync.cli.goods.lendingview import booking_json
    from fedsync.cli.goods.rotaview import span
    from fedsync.cli.telling import parse_time, short
    from fedsync.crdt.work.schedule import BOOKED

    now = now_ms()
    with app.reading() as reading:
        of = None if body is None else reading.body(body).scope
    said = Wish(thing, who, parse_time(start, now), parse_time(stop, now), ask, opened, of)
    app.before_signing(f"{name} signs: {thing} is booked for {who}, {span(said.start, said.stop)}.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        id_, offered, found = book_thing(author, reading, door, said)
    with app.reading() as reading:
        booked = again(reading, offered, id_)
        value = booking_json(reading, found, booked)
    when = span(said.start, said.stop)
    words = f"{found.called} is booked for {value['who']}: {when} ({short(id_)})."
    if booked.verdict.status != BOOKED:
        words = f"{found.called} is asked for, for {value['who']}: {when} ({short(id_)}). {value['why']}"
    app.out.result(value, lambda: app.out.say(words))


@click.command()
@click.argument("booking", metavar="BOOKING")
@AS
@common
@signing
def unbook(app: App, booking: str, name: str) -> None:
    """Release a booking, so that its time is free again."""
    from fedsync.acts.goods.booking import find_booking, free
    from fedsync.acts.goods.things import party_name
    from fedsync.cli.goods.rotaview import span

    app.before_signing(f"{name} signs: the booking {booking} is released.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        thing, offered, booked = find_booking(reading, booking)
        id_ = free(author, reading, door, offered, booked)
        who = party_name(reading, booked.said.who)
    words = (
        f"{thing.called} is free again: {span(booked.said.start, booked.said.stop)}. It was booked for {who}."
    )
    app.out.result({"id": id_.hex(), "booking": booked.id.hex()}, lambda: app.out.say(words))


@click.command()
@click.argument("thing", required=False)
@click.option("--all", "every", is_flag=True, help="Those that are over or released, too.")
@click.option("--body", metavar="NAME", help="Of this community's things; default: ours.")
@common
def bookings(app: App, thing: str | None, every: bool, body: str | None) -> None:
    """List what is booked, and what is asked for."""
    from fedsync.acts.goods.things import all_things, find_thing
    from fedsync.cli.goods.lendingview import booking_json, booking_row
    from fedsync.crdt.work.schedule import RELEASED
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        scope = (reading.own() if body is None else reading.body(body)).scope
        things = all_things(reading, scope) if thing is None else [find_thing(reading, scope, thing)]
        found = [
            (each, booked)
            for each in things
            for offer in each.offers
            for booked in offer.bookings
            if every or (booked.said.stop > now and booked.verdict.status != RELEASED)
        ]
        found.sort(key=lambda pair: (pair[1].said.start, pair[1].id))
        value = [booking_json(reading, *each) for each in found]
        rows = [booking_row(reading, *each) for each in found]
    app.out.result(
        {"bookings": value},
        lambda: app.out.table(["BOOKING", "THING", "WHEN", "FOR", "STATE"], rows, none="No bookings."),
    )


@click.command()
@click.option("--body", metavar="NAME", help="Of this community; default: ours.")
@common
def things(app: App, body: str | None) -> None:
    """List the things that come back: where they are, who has them, who may book them."""
    from fedsync.acts.goods.loans import all_loans
    from fedsync.acts.goods.things import all_things
    from fedsync.cli.goods.lendingview import thing_json, thing_row
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        scope = (reading.own() if body is None else reading.body(body)).scope
        out = [each for each in all_loans(reading, scope) if each.lent.out]
        found = [
            (
                thing,
                [
                    each
                    for each in out
                    if each.realm == thing.realm
                    and (each.lent.loan.store, each.lent.loan.item, each.lent.loan.lot)
                    == (thing.store, thing.item, thing.lot)
                ],
            )
            for thing in all_things(reading, scope)
        ]
        value = [thing_json(reading, *each, now) for each in found]
        rows = [thing_row(reading, *each, now) for each in found]
    app.out.result(
        {"things": value},
        lambda: app.out.table(
            ["THING", "WHERE", "THERE", "WHO HAS IT", "WHO BOOKS IT", "BOOKED"], rows, none=NO_THINGS
        ),
    )
