"""`fedsync mandates`: whom an assembly sent, with which instructions, what they did, and the end of it."""

from dataclasses import replace

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.cli.books import entering
from fedsync.cli.books.entering import enter

ALL = click.option("--all", "all_", is_flag=True, help="Those that are over, too.")


@group
def mandates() -> None:
    """Send delegates with instructions, recall them, and see what they did."""


@mandates.command()
@click.argument("person")
@click.option("--seat", metavar="BODY", help="They speak for us in this body.")
@click.option("--task", metavar="TEXT", help="They see to this.")
@click.option(
    "--instruct",
    "instruct",
    multiple=True,
    metavar="MOTION[#CLAUSE]=OPTION,...",
    help="What they may vote: options, LOW..HIGH, or free; '*=free' for all that has no instruction of its own.",
)
@click.option(
    "--may",
    metavar="KIND,...",
    help="Pages with entries of these kinds alone may be signed. With --task: what they may record, such as "
    "economic_event,count.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="KIND=N",
    help="vote=N or signature=N at most; with --task the first N records of a kind.",
)
@click.option("--until", metavar="DATE", help="What they do later is void.")
@click.option("--alternate", metavar="PERSON", help="Who may act as well as they.")
@click.option(
    "--against-the-rule", "against", is_flag=True, help="Although our own rule of rotation says otherwise."
)
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def give(
    app: App,
    person: str,
    seat: str | None,
    task: str | None,
    instruct: tuple[str, ...],
    may: str | None,
    limits: tuple[str, ...],
    until: str | None,
    alternate: str | None,
    against: bool,
    body: str | None,
    later: bool,
    name: str,
) -> None:
    """Draft a page that gives PERSON a mandate. An earlier one for the same seat ends with it.

    PERSON is a name of the body, PERSON@COMMUNITY, or a key.
    """
    from fedsync.acts.books import mandates as acts
    from fedsync.acts.books import rotation
    from fedsync.cli.books.entries import describe
    from fedsync.cli.telling import end_of_day
    from fedsync.errors import usage
    from fedsync.reading import now_ms
    from fedsync.records.kinds.entryform import parse_entry

    end = end_of_day(until) if until is not None else None
    if end is not None and end < now_ms():
        raise usage(
            f"{until} is over: all that is done under the mandate would be void.", "Give a later --until."
        )
    with app.reading() as reading:
        scope = entering.body_of(reading, body).scope
        home = app.home()
        giving = acts.Giving(
            holder=acts.person_key(home, reading, scope, person),
            seat=reading.body(seat).body if seat is not None else None,
            task=task,
            instructions=acts.instructions_of(reading, instruct),
            may=acts.kinds_of(may, task is not None),
            limits=acts.limits_of(limits, task is not None),
            until=end,
            alternate=acts.person_key(home, reading, scope, alternate) if alternate is not None else None,
        )
        what = (giving.seat, giving.task)
        end, broken = rotation.check(reading, scope, giving.holder, what, giving.until, now_ms())
        if broken is not None and not against:
            raise broken
        entry = acts.give(reading, scope, replace(giving, until=end))
        ended = acts.earlier(reading, scope, giving.seat, giving.task)
        said = describe(reading, scope, parse_entry(entry))["lines"]
        said += [f"It ends the mandate {acts.short(each.id)}: what is here of it is kept." for each in ended]
        said += [f"Against our own rule: {broken.message}"] if broken is not None else []
    more = {"ends": [acts.short(each.id) for each in ended], "against_the_rule": broken and broken.code}
    enter(app, name, body, [entry], later, said, more, drawn_later=True)
    if giving.task is not None and not set(giving.may or ()) & set(acts.RECORDS):
        app.out.say(f"{person} may record nothing of goods under it. To allow it: --may economic_event,count")
    if giving.seat is not None and not giving.instructions:
        app.out.say(
            f"It has no instructions: {person} may sign pages, and vote on nothing. To leave all votes free: "
            "--instruct '*=free'"
        )


@mandates.command("list")
@click.option(
    "--body", metavar="NAME", help="What that body gave; default: our own community. 'all': everybody."
)
@click.option("--holder", metavar="PERSON", help="Only this person's.")
@ALL
@common
def list_mandates(app: App, body: str | None, holder: str | None, all_: bool) -> None:
    """List mandates: who speaks for whom, since when and until when."""
    from fedsync.acts.books import mandates as acts
    from fedsync.cli.books.mandated import row
    from fedsync.cli.telling import day
    from fedsync.crdt.books.delegates import given
    from fedsync.crdt.books.handover import OVER

    with app.reading() as reading:
        rows = []
        for one in reading.store.followed.all() if body == "all" else [entering.body_of(reading, body)]:
            key = acts.person_key(app.home(), reading, one.scope, holder) if holder is not None else None
            for each in given(reading.view, one.scope):
                if (all_ or each.status not in OVER) and key in (
                    None,
                    each.mandate.holder,
                    each.mandate.alternate,
                ):
                    rows.append(row(reading, each))
    several = body == "all"
    app.out.result(
        {"mandates": rows},
        lambda: app.out.table(
            ["ID", *(["BY"] if several else []), "HOLDER", "FOR", "STATUS", "PAGE", "UNTIL"],
            [
                [
                    f"{each['id'][:8]}:{each['id'].rpartition(':')[2]}",
                    *([each["giver"]] if several else []),
                    each["holder"] + (f" or {each['alternate']}" if each["alternate"] else ""),
                    each["seat"] or each["task"],
                    each["status"].replace("_", " ") + (", term over" if each["term_over"] else ""),
                    each["number"],
                    day(each["until_ms"]) if each["until_ms"] is not None else "",
                ]
                for each in rows
            ],
            right=["PAGE"],
        ),
    )


@mandates.command("show")
@click.argument("id_", metavar="ID|PERSON")
@common
def show_mandate(app: App, id_: str) -> None:
    """Show a mandate: its instructions, what was done under it, and what of that counts."""
    from fedsync.acts.books import mandates as acts
    from fedsync.cli.books.mandated import full, lines
    from fedsync.crdt.books.delegates import given

    with app.reading() as reading:
        found = full(reading, acts.find(reading, id_, given(reading.view)))
    app.out.result(found, lambda: app.out.say(*lines(found)))


@mandates.command()
@click.argument("id_", metavar="ID|PERSON")
@click.option(
    "--keep-nothing",
    is_flag=True,
    help="What was done under it does not count, unless it is sealed. What was recorded of goods stands all the same.",
)
@click.option("--keep-to", metavar="RECORD", help="Of the log of this record, keep all up to it.")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def recall(
    app: App, id_: str, keep_nothing: bool, keep_to: str | None, body: str | None, later: bool, name: str
) -> None:
    """Draft a page that recalls a delegate: with enough signatures it holds them up at once, wherever it arrives."""
    _end(app, id_, keep_nothing, keep_to, body, later, name, closing=False)


@mandates.command()
@click.argument("id_", metavar="ID|PERSON")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def close(app: App, id_: str, body: str | None, later: bool, name: str) -> None:
    """Draft a page that ends a mandate whose term is over. What was done under it is kept."""
    _end(app, id_, False, None, body, later, name, closing=True)


@mandates.command()
@click.option("--body", metavar="NAME", help="That body's; default: our own community's.")
@common
def report(app: App, body: str | None) -> None:
    """Say who has served how long, and whether that keeps to the body's own rule of rotation."""
    from fedsync.acts.books import rotation
    from fedsync.cli.books.mandated import service_row
    from fedsync.cli.telling import day
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        scope = entering.body_of(reading, body).scope
        rule = rotation.rule_of(reading, scope)
        rows = [service_row(reading, each, rule, now) for each in rotation.services(reading, scope, now)]
        name = reading.name_of(scope)
    said = (
        f"{name}: at most {rule.longest} days, and again after {rule.cooling}."
        if rule is not None
        else f"{name} has no rule of rotation: see fedsync bodies epoch --help"
    )
    value = {"longest": rule.longest, "cooling": rule.cooling} if rule is not None else None

    def show() -> None:
        app.out.say(said)
        app.out.table(
            ["WHO", "FOR", "SINCE", "PAGE", "UNTIL", "DAYS", ""],
            [
                [
                    each["who"],
                    each["seat"] or each["task"],
                    day(each["since_ms"]),
                    each["page"],
                    "serves" if each["serves"] else day(each["until_ms"]),
                    each["days"],
                    "over the longest term"
                    if each["over_longest"]
                    else f"cools off until {day(each['cooling_until_ms'])}"
                    if each["cooling_until_ms"]
                    else "",
                ]
                for each in rows
            ],
            right=["PAGE", "DAYS"],
        )

    app.out.result({"body": name, "rule": value, "services": rows}, show)


def _end(
    app: App,
    id_: str,
    keep_nothing: bool,
    keep_to: str | None,
    body: str | None,
    later: bool,
    name: str,
    closing: bool,
) -> None:
    from fedsync.acts.books import agenda
    from fedsync.acts.books import mandates as acts
    from fedsync.cli.books.mandated import ending_lines, goods_kept, row
    from fedsync.cli.records import find
    from fedsync.crdt.books.drafting import newest
    from fedsync.crdt.books.minutes import current_epoch
    from fedsync.errors import usage
    from fedsync.records.kinds.entries import Tip

    if keep_nothing and keep_to is not None:
        raise usage("Keep nothing, or all up to a record.", "Give --keep-nothing or --keep-to, not both.")
    with app.reading() as reading:
        scope = entering.body_of(reading, body).scope
        found = acts.find_own(reading, id_, scope)
        record = find(reading, keep_to) if keep_to is not None else None
        tip = Tip(record.log, record.seq, record.id) if record is not None else None
        entry = acts.end(reading, found, closing, tip, keep_nothing)
        shown = row(reading, found)
        said, goods = ending_lines(reading, found, entry), goods_kept(reading, found, entry)
        epoch = current_epoch(reading.view, scope, newest(reading.view, scope))
    drawn = agenda.FACTS_ALONE if keep_nothing else keep_to is None
    enter(app, name, body, [entry], later, said, {"mandate": shown["id"], "goods": goods}, drawn_later=drawn)
    if not later:
        app.out.say(*goods)
    if epoch is not None and not later:
        app.out.say(
            f"With {epoch.k} signatures what {shown['holder']} does under it no longer counts, wherever the page "
            "arrives; with the seal for good."
        )
