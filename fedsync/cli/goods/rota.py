"""`fedsync rota`: who comes to which shift, and the hours that were given and received."""

import re
from typing import TYPE_CHECKING

import click

from fedsync.cli.app import App, common, group, signing

if TYPE_CHECKING:
    from fedsync.acts.author import Author
    from fedsync.acts.goods.rotas import Shifted
    from fedsync.crdt.work.rota import Manned

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
OPEN = click.option(
    "--open", "opened", is_flag=True, help="Others in the region may see it; default: it stays here."
)


@group
def rota() -> None:
    """Plan shifts, and see who comes; write down hours given and received."""


@rota.command()
@click.argument("title", metavar="NAME")
@OPEN
@AS
@common
@signing
def plan(app: App, title: str, opened: bool, name: str) -> None:
    """Make a plan, such as Cooking: shifts are added to it.

    It stays on this community's own nodes, and so does who signs up, unless it is made with --open.
    """
    from fedsync.acts.goods.rotas import make_plan
    from fedsync.cli.telling import short

    app.before_signing(f"{name} signs: the plan {title}, {'open to the region' if opened else 'kept here'}.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        id_ = make_plan(author, reading, door, title, opened)
    app.out.result({"id": id_.hex()}, lambda: app.out.say(f"The plan {title} is made ({short(id_)})."))


@rota.command()
@click.argument("plan_", metavar="PLAN")
@click.option("--from", "start", required=True, metavar="TIME", help="Such as 2026-05-12T10:00.")
@click.option("--until", "stop", required=True, metavar="TIME")
@click.option("--places", type=int, required=True, metavar="N", help="How many people it needs.")
@click.option("--name", "title", default="", metavar="WORDS", help="What it is called, such as Lunch.")
@click.option(
    "--weeks", type=int, default=1, metavar="N", help="The same again each week, N in all; default: once."
)
@AS
@common
@signing
def shift(
    app: App, plan_: str, start: str, stop: str, places: int, title: str, weeks: int, name: str
) -> None:
    """Add a shift to a plan."""
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.rotas import find_plan, make_shifts
    from fedsync.cli.goods.rotaview import span
    from fedsync.cli.telling import parse_time, short

    now = now_ms()
    times = parse_time(start, now), parse_time(stop, now)
    app.before_signing(
        f"{name} signs: a shift of {plan_} with {places} places, {span(*times)}"
        + (f", and each week after it, {weeks} in all." if weeks > 1 else ".")
    )
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        found = find_plan(reading, reading.own().scope, plan_)
        made = make_shifts(author, reading, door, found, times, places, title, weeks)
    app.out.result(
        {"ids": [each.hex() for each in made]},
        lambda: app.out.say(*(f"A shift of {found.plan.name} is added ({short(each)})." for each in made)),
    )


@rota.command()
@click.argument("shift_", metavar="SHIFT")
@click.argument("who", metavar="WHO")
@AS
@common
@signing
def signup(app: App, shift_: str, who: str, name: str) -> None:
    """Put somebody down for a shift.

    When more sign up than there are places, those who had the fewest turns in this plan hold them; the others wait.
    """
    from fedsync.acts.goods.rotas import find_shift, known_name, manned, sign_up

    author = _ask(app, name, f"{who} comes to the shift {shift_}")
    with app.reading() as reading, app.door() as door:
        shifted = find_shift(reading, reading.own().scope, shift_)
        before = manned(reading, shifted)
        called = known_name(reading, shifted.realm, who)
        id_ = sign_up(author, reading, door, shifted, who)
    _say_standing(app, shifted, id_, called, before)


@rota.command()
@click.argument("shift_", metavar="SHIFT")
@click.argument("who", metavar="WHO")
@AS
@common
@signing
def leave(app: App, shift_: str, who: str, name: str) -> None:
    """Take somebody off a shift; who waits longest by turns moves up."""
    from fedsync.acts.goods.rotas import find_shift, manned, signups_of
    from fedsync.acts.goods.rotas import leave as leave_shift

    author = _ask(app, name, f"{who} no longer comes to the shift {shift_}")
    with app.reading() as reading, app.door() as door:
        shifted = find_shift(reading, reading.own().scope, shift_)
        before = manned(reading, shifted)
        called = signups_of(reading, shifted, who)[0].who
        id_ = leave_shift(author, reading, door, shifted, who)
    _say_standing(app, shifted, id_, called, before)


@rota.command()
@click.argument("shift_", metavar="SHIFT")
@click.argument("leaves", metavar="LEAVES")
@click.argument("comes", metavar="COMES")
@AS
@common
@signing
def swap(app: App, shift_: str, leaves: str, comes: str, name: str) -> None:
    """Put COMES down for a shift in the place of LEAVES, in one record: in between the place is nobody's to lose."""
    from fedsync.acts.goods.rotas import find_shift, known_name, manned
    from fedsync.acts.goods.rotas import swap as swap_shift

    author = _ask(app, name, f"{comes} comes to the shift {shift_} in the place of {leaves}")
    with app.reading() as reading, app.door() as door:
        shifted = find_shift(reading, reading.own().scope, shift_)
        before = manned(reading, shifted)
        called = known_name(reading, shifted.realm, comes)
        id_ = swap_shift(author, reading, door, shifted, leaves, comes)
    _say_standing(app, shifted, id_, called, before)


@rota.command()
@click.argument("shift_", metavar="SHIFT")
@AS
@common
@signing
def cancel(app: App, shift_: str, name: str) -> None:
    """Say that a shift does not take place after all; nobody has had a turn by it."""
    from fedsync.acts.goods.rotas import cancel as cancel_shift
    from fedsync.acts.goods.rotas import find_shift
    from fedsync.cli.goods.rotaview import of_shift

    author = _ask(app, name, f"the shift {shift_} does not take place")
    with app.reading() as reading, app.door() as door:
        shifted = find_shift(reading, reading.own().scope, shift_)
        id_ = cancel_shift(author, reading, door, shifted)
    app.out.result(
        {"id": id_.hex(), "shift": shifted.shift.id.hex()},
        lambda: app.out.say(f"It does not take place: {of_shift(shifted)}."),
    )


@rota.command()
@click.argument("plan_", metavar="[PLAN]", required=False)
@click.option("--all", "every", is_flag=True, help="Shifts that are over, too.")
@click.option("--body", metavar="NAME", help="What this community shows of its rotas; default: ours.")
@common
def show(app: App, plan_: str | None, every: bool, body: str | None) -> None:
    """Show who comes to which shift, of all plans or of one."""
    from fedsync.acts.goods.rotas import all_plans, find_plan
    from fedsync.cli.goods.rotaview import plan_json, show_plan
    from fedsync.crdt.work.rota import rota as rota_of
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        scope = reading.own().scope if body is None else reading.body(body).scope
        called = reading.name_of(scope)
        found = all_plans(reading, scope) if plan_ is None else [find_plan(reading, scope, plan_)]
        shown = [
            (
                each,
                [
                    manned
                    for manned in rota_of(reading.view, each.realm, each.plan.id)
                    if every or manned.shift.stop > now
                ],
            )
            for each in found
        ]

    def say() -> None:
        for planned, shifts in shown:
            show_plan(app.out, planned, called if body else None, shifts)
        if not shown:
            app.out.say("No plans yet.")

    app.out.result({"plans": [plan_json(each, called, shifts) for each, shifts in shown]}, say)


@rota.command()
@click.argument("who", metavar="[WHO]", required=False)
@click.option("--given", metavar="TIME", help="They gave this much, such as 90min or 1.5h.")
@click.option("--received", metavar="TIME", help="They received this much.")
@click.option("--at", metavar="TIME", help="When it was (default: now).")
@click.option("--shift", "shift_", metavar="SHIFT", help="In which shift it was.")
@click.option("--note", default="", help="A word on it.")
@click.option(
    "--correct",
    "--corrects",
    "corrects",
    metavar="ENTRY",
    help="It stands in place of this one; 0min: that was nothing.",
)
@click.option("--entries", is_flag=True, help="Show each entry, not sums.")
@click.option("--since", metavar="DAY", help="Show from this day on.")
@click.option("--until", metavar="DAY", help="Show up to the end of this day.")
@OPEN
@click.option("--as", "name", metavar="NAME", help="Who signs; needed to write something down.")
@common
@signing
def hours(
    app: App,
    who: str | None,
    given: str | None,
    received: str | None,
    at: str | None,
    shift_: str | None,
    note: str,
    corrects: str | None,
    entries: bool,
    since: str | None,
    until: str | None,
    opened: bool,
    name: str | None,
) -> None:
    """Show the hours that people gave and received, or with --given or --received write some down.

    They are two tallies. Nothing here sets one off against the other, and nobody owes anybody hours.
    """
    from fedsync.errors import usage

    if given is None and received is None:
        if name or at or shift_ or note or corrects:
            raise usage("Nothing is said of how long it was.", "Add --given 90min, or --received 90min.")
        (_show_entries if entries else _show_hours)(app, who, since, until)
        return
    if given is not None and received is not None:
        raise usage("Hours given and hours received are two entries.", "Type the command once for each.")
    if who is None or name is None:
        raise usage("Whose hours, and who signs?", "Type: fedsync rota hours WHO --given 90min --as NAME")
    _record_hours(app, who, given, received, at, shift_, note, corrects, opened, name)


def _record_hours(
    app: App,
    who: str,
    given: str | None,
    received: str | None,
    at: str | None,
    shift_: str | None,
    note: str,
    corrects: str | None,
    opened: bool,
    name: str,
) -> None:
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.rotas import Minutes, find_entry, find_shift, record_hours
    from fedsync.cli.goods.rotaview import time_words
    from fedsync.cli.telling import parse_time

    when = parse_time(at, now_ms())
    long = minutes_of(given or received or "", least=1 if corrects is None else 0)
    word = "given" if given is not None else "received"
    author = _ask(app, name, f"{time_words(long)} {word} by {who}")
    with app.reading() as reading, app.door() as door:
        shifted = None if shift_ is None else find_shift(reading, reading.own().scope, shift_)
        old = None if corrects is None else find_entry(reading, reading.own().scope, corrects)
        if old is not None and at is None:
            when = old.entry.at
        said = Minutes(who, long if given else 0, long if received else 0, when, shifted, note, old)
        id_, called = record_hours(author, reading, door, said, opened)
    app.out.result(
        {"id": id_.hex(), "who": called, word: {"quantity": long, "unit": "min"}},
        lambda: app.out.say(f"{time_words(long)} {word} by {called}: written down."),
    )


def _show_entries(app: App, who: str | None, since: str | None, until: str | None) -> None:
    from fedsync.acts.goods.rotas import all_hours
    from fedsync.cli.goods.rotaview import entry_json, entry_row
    from fedsync.cli.telling import end_of_day, parse_time

    first = None if since is None else parse_time(since, 0)
    last = None if until is None else end_of_day(until) + 1
    with app.reading() as reading:
        found = [
            each.entry
            for each in all_hours(reading, reading.own().scope, first, last)
            if who is None or each.entry.who.casefold() == who.strip().casefold()
        ]
    app.out.result(
        {"entries": [entry_json(each) for each in found]},
        lambda: app.out.table(
            ["ENTRY", "WHEN", "WHO", "GAVE", "RECEIVED"],
            [entry_row(each) for each in found],
            right=["GAVE", "RECEIVED"],
        ),
    )


def _show_hours(app: App, who: str | None, since: str | None, until: str | None) -> None:
    from fedsync.acts.goods.rotas import all_hours
    from fedsync.cli.goods.rotaview import tallied_json, time_words
    from fedsync.cli.telling import end_of_day, parse_time
    from fedsync.crdt.work.hours import tally
    from fedsync.errors import not_found

    first = None if since is None else parse_time(since, 0)
    last = None if until is None else end_of_day(until) + 1
    with app.reading() as reading:
        every = [each.entry for each in all_hours(reading, reading.own().scope, first, last)]
    rows = tally(every)
    if who is not None:
        rows = [each for each in rows if each.who.casefold() == who.strip().casefold()]
        if not rows:
            raise not_found("entry of", who, "See: fedsync rota hours")
    app.out.result(
        {"hours": [tallied_json(each) for each in rows]},
        lambda: app.out.table(
            ["WHO", "GAVE", "RECEIVED", "ENTRIES"],
            [[each.who, time_words(each.given), time_words(each.received), each.entries] for each in rows],
            right=["GAVE", "RECEIVED", "ENTRIES"],
            none="No hours are written down: fedsync rota hours WHO --given 90min --as NAME",
        ),
    )


_TIME = re.compile(r"\s*([0-9.]+)\s*(h|min|hours?|minutes?)\s*")


def minutes_of(text: str, least: int = 1) -> int:
    """Return the minutes that a person typed: 90min, 1.5h, "2 hours". Raises a Problem (exit 2)."""
    from fedsync import units
    from fedsync.errors import usage

    found = _TIME.fullmatch(text)
    if found is None:
        raise usage(f"{text} is not a length of time.", "Type one like 90min or 1.5h.")
    amount, _ = units.parse_quantity(found[1], "h" if found[2].startswith("h") else "min")
    if amount < least:
        raise usage("No time at all is nothing to write down.", "Type one like 90min or 1.5h.")
    return amount


def _ask(app: App, name: str, what: str) -> "Author":
    """Show what will be signed, ask, and return who signs."""
    app.before_signing(f"{name} signs: {what}.")
    return app.author(name)


def _say_standing(app: App, shifted: "Shifted", id_: bytes, who: str, before: "Manned") -> None:
    """Say how it is with somebody in a shift, now that the record is taken, and for whom else that changed something."""
    from fedsync.acts.goods.rotas import manned
    from fedsync.cli.goods.rotaview import manned_json, moved_words, standing_words

    with app.reading() as reading:
        now = manned(reading, shifted)
    app.out.result(
        {"id": id_.hex(), "who": who, "shift": manned_json(now)},
        lambda: app.out.say(standing_words(now, who), *moved_words(before, now, who)),
    )
