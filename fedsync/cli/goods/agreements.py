"""`fedsync stock agreements`: what bodies agree on, who has signed it, and how it ends."""

from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, group, signing

if TYPE_CHECKING:
    from fedsync.crdt.plans.agreements import Standing
    from fedsync.reading import Reading

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")


@group
def agreements() -> None:
    """Agreements between communities: propose, sign, leave."""


@agreements.command("list")
@click.option("--all", "every", is_flag=True, help="Also those that have ended.")
@common
def list_(app: App, every: bool) -> None:
    """List agreements, and who has not signed."""
    from fedsync.cli.telling import short, text_of
    from fedsync.crdt.plans.agreements import agreements as all_agreements
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        found = [each for each in all_agreements(reading.view) if every or each.status(now) != "ended"]
        rows = [_row(reading, each, now) for each in found]
        cells = [
            [
                short(each.id),
                text_of(each.said.title),
                _names(reading, each.said.parties),
                _state(reading, each, now),
            ]
            for each in found
        ]
    app.out.result(
        {"agreements": rows},
        lambda: (
            app.out.table(["ID", "TITLE", "PARTIES", "STATUS"], cells)
            if cells
            else app.out.say("There are no agreements.")
        ),
    )


@agreements.command()
@click.argument("asked", metavar="AGREEMENT")
@common
def show(app: App, asked: str) -> None:
    """Show an agreement: its clauses, who has signed, and what keeps it."""
    from fedsync.acts.goods.holders import Holders
    from fedsync.cli.goods.planwords import promise_line
    from fedsync.cli.goods.transferwords import Goods
    from fedsync.cli.telling import day, text_of
    from fedsync.crdt.plans.offers import all_promises
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        found = the_agreement(reading, asked)
        value = _row(reading, found, now)
        goods, holders = Goods(reading), Holders(reading)
        kept = [each for each in all_promises(reading.view) if each.said.agreement == found.id]
        value["promises"] = [each.id.hex() for each in kept]
        lines = [f"{text_of(found.said.title)}  [{found.status(now)}]"]
        lines += [f"  {name}: {text_of(text)}" for name, text in found.said.clauses]
        lines.append(f"  notice: {found.said.notice} days")
        if found.said.start is not None:
            lines.append(f"  from {day(found.said.start)}")
        if found.ends is not None:
            lines.append(f"  ends {day(found.ends)}")
        signed = {each.scope: each for each in found.signed}
        for party in sorted(found.said.parties, key=reading.name_of):
            word = f"signed {day(signed[party].time)}" if party in signed else "has not signed"
            lines.append(f"  {reading.name_of(party)} {word}")
        for ending, fault in found.endings:
            vain = f", in vain ({fault.replace('-', ' ')})" if fault is not None else ""
            lines.append(f"  {reading.name_of(ending.scope)} said that it ends{vain}")
        lines += [f"  promised under it: {promise_line(reading, goods, each, holders)}" for each in kept]
    app.out.result(value, lambda: app.out.say(*lines))


@agreements.command()
@click.option("--title", required=True, help="What it is called.")
@click.option(
    "--with",
    "others",
    multiple=True,
    required=True,
    metavar="BODY",
    help="Who else must sign; several times.",
)
@click.option(
    "--clause",
    "clauses",
    multiple=True,
    required=True,
    metavar="NAME=TEXT",
    help="What is agreed; several times.",
)
@click.option(
    "--notice",
    type=click.IntRange(0, 3660),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="From a party's word to the end.",
)
@click.option("--from", "start", metavar="DAY", help="From when it holds; default: once all have signed.")
@click.option("--until", metavar="DAY", help="Until when.")
@AS
@common
@signing
def propose(
    app: App,
    title: str,
    others: tuple[str, ...],
    clauses: tuple[str, ...],
    notice: int,
    start: str | None,
    until: str | None,
    name: str,
) -> None:
    """Propose an agreement, and sign it for our community."""
    from fedsync.acts.goods.agreeing import Words
    from fedsync.acts.goods.agreeing import propose as write
    from fedsync.cli.telling import end_of_day, parse_time, short
    from fedsync.errors import usage

    said: list[tuple[str, str]] = []
    for each in clauses:
        head, equals, text = each.partition("=")
        if not equals or not head.strip() or not text.strip():
            raise usage(
                f"{each} is no clause.", 'Write it like this: --clause "Seed=Alder gives a sack of seed."'
            )
        said.append((head.strip(), text.strip()))
    with app.reading() as reading:
        scopes = tuple(reading.body(each).scope for each in others)
        words = Words(
            title,
            scopes,
            tuple(said),
            notice,
            None if start is None else parse_time(start, 0),
            None if until is None else end_of_day(until),
        )
        app.before_signing(
            f"{name} signs, for {reading.name_of(reading.own().scope)}: {title}.",
            *(f"  {head}: {text}" for head, text in said),
        )
        author = app.author(name)
        with app.door() as door:
            id_ = write(author, reading, door, words)
        missing = _names(reading, [each for each in scopes if each != reading.own().scope])
    app.out.result(
        {"agreement": id_.hex()},
        lambda: app.out.say(
            f"The agreement {short(id_)} is proposed, and signed for our side.",
            f"It waits for: {missing}. There: fedsync stock agreements sign {short(id_)} --as NAME",
        ),
    )


@agreements.command()
@click.argument("asked", metavar="AGREEMENT")
@AS
@common
@signing
def sign(app: App, asked: str, name: str) -> None:
    """Sign an agreement for our community."""
    from fedsync.acts.goods.agreeing import sign as write
    from fedsync.cli.telling import text_of
    from fedsync.reading import now_ms

    with app.reading() as reading:
        found = the_agreement(reading, asked)
        app.before_signing(
            f"{name} signs, for {reading.name_of(reading.own().scope)}: {text_of(found.said.title)}.",
            *(f"  {head}: {text_of(text)}" for head, text in found.said.clauses),
        )
        author = app.author(name)
        with app.door() as door:
            write(author, reading, door, found)
        after = the_agreement(reading, found.id.hex())
        status = after.status(now_ms())
        missing = _names(reading, after.missing)
    app.out.result(
        {"agreement": found.id.hex(), "status": status},
        lambda: app.out.say(
            f"{name} signed {text_of(found.said.title)}: {status}.",
            *([f"It waits for: {missing}."] if missing else []),
        ),
    )


@agreements.command()
@click.argument("asked", metavar="AGREEMENT")
@click.option(
    "--from",
    "start",
    metavar="DAY",
    help="From when it holds no more; default: as soon as its notice allows.",
)
@AS
@common
@signing
def end(app: App, asked: str, start: str | None, name: str) -> None:
    """Leave an agreement, with the notice that it names. It ends for all."""
    from fedsync.acts.goods.agreeing import end as write
    from fedsync.cli.telling import day, parse_time, rfc3339, text_of

    with app.reading() as reading:
        found = the_agreement(reading, asked)
        app.before_signing(f"{name} ends the agreement {text_of(found.said.title)}, for all.")
        author = app.author(name)
        with app.door() as door:
            at = write(author, reading, door, found, None if start is None else parse_time(start, 0))
    app.out.result(
        {"agreement": found.id.hex(), "ends": rfc3339(at)},
        lambda: app.out.say(f"{text_of(found.said.title)} ends {day(at)}."),
    )


def the_agreement(reading: "Reading", asked: str) -> "Standing":
    """Return the agreement that is called so, or whose id begins so. Raises a Problem (exit 6)."""
    from fedsync.cli.telling import text_of
    from fedsync.crdt.plans.agreements import agreements as all_agreements
    from fedsync.picking import begins, the_one

    every = all_agreements(reading.view)
    found = [each for each in every if text_of(each.said.title).casefold() == asked.casefold()]
    found = found or [each for each in every if begins(asked, each.id.hex())]
    return the_one(
        "agreement", asked, found, lambda each: each.id.hex()[:12], "fedsync stock agreements list --all"
    )


def _names(reading: "Reading", parties: Any) -> str:
    return ", ".join(sorted(reading.name_of(party) for party in parties))


def _state(reading: "Reading", found: "Standing", now: int) -> str:
    from fedsync.cli.telling import day

    if found.missing:
        return f"{found.status(now)}: {_names(reading, found.missing)} must sign"
    if found.ends is None or found.ends <= now:
        return found.status(now)
    return f"{found.status(now)}, ends {day(found.ends)}"


def _row(reading: "Reading", found: "Standing", now: int) -> dict[str, Any]:
    from fedsync.cli.telling import rfc3339

    return {
        "agreement": found.id.hex(),
        "title": found.said.title,
        "status": found.status(now),
        "parties": [reading.name_of(party) for party in found.said.parties],
        "signed": [reading.name_of(each.scope) for each in found.signed],
        "missing": [reading.name_of(party) for party in found.missing],
        "clauses": [{"name": name, "text": text} for name, text in found.said.clauses],
        "notice": found.said.notice,
        "from": rfc3339(found.said.start),
        "ends": rfc3339(found.ends),
    }
