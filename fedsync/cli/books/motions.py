"""`fedsync motions`: put what an assembly is to decide, amend it, read it with its votes, stand in dissent."""

from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, group, signing

if TYPE_CHECKING:
    from fedsync.acts.books.motions import Words
    from fedsync.crdt.books.motions import MotionView
    from fedsync.reading import Reading

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")


@group
def motions() -> None:
    """Put motions to an assembly, amend and read them, and state a dissent."""


def _words(command: Any) -> Any:
    for option in (
        click.option("--quorum", type=click.IntRange(1), metavar="N", help="How many seats must have voted at all."),
        click.option(
            "--of", type=click.Choice(["seats", "present", "votes"]), help="What a share is counted of."
        ),
        click.option(
            "--rule", metavar="RULE",
            help="majority, two_thirds, consensus:LESS, condorcet, approval, threshold:N. Default: the body's own.",
        ),
        click.option("--clause", "clauses", multiple=True, metavar="NAME=TEXT", help="Voted on for itself."),
        click.option("--option", "options", multiple=True, metavar="X", help="Instead of yes and no."),
        click.option("--text", "text_file", required=True, metavar="FILE|-", help="The motion's words."),
    ):  # fmt: skip
        command = option(command)
    return command


def _read(title: str, text_file: str, options: tuple[str, ...], clauses: tuple[str, ...], rule: str | None,
          of: str | None, quorum: int | None) -> "Words":  # fmt: skip
    from fedsync.acts.books.motions import Words, parse_rule_words
    from fedsync.cli.texts import read_text
    from fedsync.errors import usage

    named = []
    for each in clauses:
        name, equals, text = each.partition("=")
        if not equals:
            raise usage(f"{each} is no clause.", "Write it as --clause NAME=TEXT.")
        named.append((name.strip(), text.strip()))
    if rule is None and (of is not None or quorum is not None):
        raise usage("--of and --quorum belong to a rule.", "Add --rule RULE.")
    counted_of = "voting" if of == "votes" else of
    said = parse_rule_words(rule, counted_of, quorum) if rule is not None else None
    return Words(title.strip(), read_text(text_file), options, tuple(named), said)


@motions.command()
@click.option("--title", required=True, metavar="T")
@_words
@click.option("--body", metavar="NAME", help="Whom it asks; default: our own community.")
@AS
@common
@signing
def put(app: App, title: str, text_file: str, options: tuple[str, ...], clauses: tuple[str, ...],
        rule: str | None, of: str | None, quorum: int | None, body: str | None, name: str) -> None:  # fmt: skip
    """Put a motion to an assembly in which you have a seat, or to which you were sent."""
    from fedsync.acts.books import motions as acts

    words = _read(title, text_file, options, clauses, rule, of, quorum)
    app.before_signing(f"{name} puts a motion: {words.title}", *words.text.split("\n"))
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        asked = reading.body(body) if body else reading.own()
        id_ = acts.put(author, reading, door, asked, words)
    _say(app, id_, "is put")


@motions.command()
@click.argument("motion")
@click.option("--title", metavar="T", help="Default: the title of what is amended.")
@_words
@AS
@common
@signing
def amend(app: App, motion: str, title: str | None, text_file: str, options: tuple[str, ...],
          clauses: tuple[str, ...], rule: str | None, of: str | None, quorum: int | None, name: str) -> None:  # fmt: skip
    """Put another version of a motion beside it. What was voted on the older one is for the older one alone."""
    from fedsync.acts.books import motions as acts
    from fedsync.cli.telling import text_of

    with app.reading() as reading:
        before = acts.find_motion(reading, motion)
    words = _read(title or text_of(before.motion.title), text_file, options, clauses, rule, of, quorum)
    app.before_signing(f"{name} amends {before.id.hex()[:8]}: {words.title}", *words.text.split("\n"))
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        id_ = acts.amend(author, reading, door, before, words)
    _say(app, id_, f"stands beside {before.id.hex()[:8]}")


def _say(app: App, id_: bytes, what: str) -> None:
    app.out.result(
        {"id": id_.hex()},
        lambda: app.out.say(
            f"The motion {id_.hex()[:8]} {what}.",
            f"Next: fedsync votes cast {id_.hex()[:8]} OPTION --as NAME",
        ),
    )


@motions.command("list")
@click.option("--body", metavar="NAME", help="Put to that body only; default: to any.")
@common
def list_motions(app: App, body: str | None) -> None:
    """List the motions, with how far each has come."""
    from fedsync.acts.books.motions import rule_of
    from fedsync.cli.books.voting import motion_row
    from fedsync.crdt.books.motions import motions as every

    with app.reading() as reading:
        asked = reading.body(body).body if body else None
        rows = [
            {**motion_row(reading, each, rule_of(reading, each)), "stage": stage(reading, each)}
            for each in every(reading.view, asked)
        ]
    app.out.result(
        {"motions": rows},
        lambda: app.out.table(
            ["ID", "TITLE", "PUT TO", "BY", "STAGE"],
            [[row["id"][:8], row["title"], row["asks"], row["by"], row["stage"]] for row in rows],
        ),
    )


def stage(reading: "Reading", of: "MotionView") -> str:
    """Return how far a motion has come, in a word: void, pending, open, provisional, final; and the outcome."""
    from fedsync.crdt.books.results import outcomes
    from fedsync.records.kinds.motions import WHOLE

    if of.verdict.status != "stands" or of.scope is None:
        return str(of.verdict.status)
    found = outcomes(reading.view, of.scope, of.id)
    clauses = {name for name, _ in of.motion.clauses}
    whole = [each for each in found if each.clause == WHOLE]
    counted = {each.clause for each in found if each.clause in clauses}
    if not whole and counted != clauses:
        return f"open, {len(counted)} of {len(clauses)} clauses counted" if counted else "open"
    if not whole and not counted:
        return "open"
    told = whole or [each for each in found if each.clause in counted]
    best = "final" if all(each.status == "final" for each in told) else "provisional"
    said = {f"{each.clause} {each.outcome or 'nothing'}".strip() for each in told}
    # Two results on one question that differ: neither is told as the outcome.
    return f"{best}: {', '.join(sorted(said))}" if len(said) == len({each.clause for each in told}) else best


@motions.command("show")
@click.argument("motion")
@common
def show_motion(app: App, motion: str) -> None:
    """Show a motion with its versions, its votes, each body's word, the results, and who dissents."""
    from fedsync.acts.books.motions import find_motion, rule_of
    from fedsync.cli.books import voting
    from fedsync.crdt.books.motions import versions
    from fedsync.crdt.books.results import results_on, tally_now, votes_on
    from fedsync.records.kinds.motions import WHOLE

    with app.reading() as reading:
        of = find_motion(reading, motion)
        rule = rule_of(reading, of)
        row = {**voting.motion_row(reading, of, rule), "stage": stage(reading, of)}
        row["versions"] = [
            {**voting.motion_row(reading, each, rule_of(reading, each)), "stage": stage(reading, each)}
            for each in versions(reading.view, of.id)
        ]
        clauses = [WHOLE, *(name for name, _ in of.motion.clauses)]
        asked = [name for name in clauses if name == WHOLE or votes_on(reading.view, (of.id, name))]
        tallies = (
            [tally_now(reading.view, of.scope, (of.id, name), rule) for name in asked] if of.scope else []
        )
        row["tallies"] = [voting.tally_row(reading, each) for each in tallies if each is not None]
        row["results"] = [voting.result_row(reading, each) for each in results_on(reading.view, of.id)]
        about = [of.id, *(bytes.fromhex(each["page"]) for each in row["results"])]
        row["dissents"] = voting.dissent_rows(reading, *dict.fromkeys(about))
    app.out.result(row, lambda: app.out.say(*_lines(row)))


def _lines(row: dict[str, Any]) -> list[str]:
    from fedsync.cli.books import voting

    lines = voting.motion_lines(row)
    if len(row["versions"]) > 1:
        lines += ["", "Versions:"]
        for each in row["versions"]:
            here = "  <- this one" if each["id"] == row["id"] else ""
            after = f", amends {each['amends'][:8]}" if each["amends"] else ""
            lines.append(f"  {each['id'][:8]} {each['title']}, by {each['by']}{after}: {each['stage']}{here}")
    for each in row["tallies"]:
        lines += ["", f"Votes on clause {each['clause']}:" if each["clause"] else "Votes:"]
        lines += [f"  {line}" for line in voting.tally_lines(each)]
    for each in row["results"]:
        lines += ["", *voting.result_lines(each)]
    said = voting.dissent_lines(row["dissents"])
    return [*lines, *([""] if said else []), *said]


@motions.command("dissent")
@click.argument("about")
@click.option("--text", required=True, metavar="TEXT", help="Why you dissent.")
@AS
@common
@signing
def dissent_from(app: App, about: str, text: str, name: str) -> None:
    """State a dissent from a motion, a page or a vote. It stands beside it for good: nobody can take it away."""
    from fedsync.acts.books import motions as acts

    with app.reading() as reading:
        what, id_ = _find(reading, about)
    app.before_signing(f"{name} dissents from {what}:", *text.split("\n"))
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        said = acts.dissent(author, reading, door, id_, text)
    app.out.result(
        {"id": said.hex(), "about": id_.hex()},
        lambda: app.out.say(f"{author.name}'s dissent stands beside {what}, wherever that is shown."),
    )


def _find(reading: "Reading", asked: str) -> tuple[str, bytes]:
    """Return what is meant, in words, and its id: a motion, a page (or a decision on it), else any record."""
    from fedsync.acts.books.minutes import find_page
    from fedsync.acts.books.motions import find_motion
    from fedsync.cli.records import find
    from fedsync.errors import Problem

    asked = asked.partition(":")[0]
    try:
        motion = find_motion(reading, asked)
        return f"the motion {motion.id.hex()[:8]}", motion.id
    except Problem as problem:
        if problem.code != "not_found":
            raise
    try:
        page = find_page(reading, asked)
        return f"the page {page.hex()[:8]}", page
    except Problem as problem:
        if problem.code != "not_found":
            raise
    record = find(reading, asked)
    return f"the {record.kind} {record.id.hex()[:8]}", record.id
