"""`fedsync decisions`: what assemblies decided, and what has become of it."""

from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.cli.books import entering
from fedsync.cli.books.entering import enter

if TYPE_CHECKING:
    from fedsync.crdt.books.decisions import DecisionView
    from fedsync.reading import Reading
    from fedsync.records.codec import Value

TITLE = click.option("--title", required=True, metavar="T")
TEXT = click.option("--text", "text_file", required=True, metavar="FILE|-", help="The decision's words.")
MOTION = click.option("--motion", metavar="M", help="The motion that it comes from.")
EXPIRES = click.option("--expires", metavar="DATE", help="When it lapses, as in 2027-05-31.")


@group
def decisions() -> None:
    """Propose decisions, replace and repeal them, and read those that were made."""


@decisions.command()
@TITLE
@TEXT
@MOTION
@EXPIRES
@click.option("--supersedes", multiple=True, metavar="ID", help="A decision that it stands in place of.")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def propose(app: App, title: str, text_file: str, motion: str | None, expires: str | None,
            supersedes: tuple[str, ...], body: str | None, later: bool, name: str) -> None:  # fmt: skip
    """Draft the next page of the book, with this decision on it."""
    _propose(app, title, text_file, motion, expires, supersedes, body, later, name)


@decisions.command("supersede")
@click.argument("id_", metavar="ID")
@TITLE
@TEXT
@MOTION
@EXPIRES
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def supersede(app: App, id_: str, title: str, text_file: str, motion: str | None, expires: str | None,
              body: str | None, later: bool, name: str) -> None:  # fmt: skip
    """Draft a decision that stands in place of another one of the same body, once its page is sealed."""
    _propose(app, title, text_file, motion, expires, (id_,), body, later, name)


@decisions.command("repeal")
@click.argument("id_", metavar="ID")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def repeal(app: App, id_: str, body: str | None, later: bool, name: str) -> None:
    """Draft a page that repeals a decision of the same body. It holds until that page is sealed."""
    from fedsync.cli.telling import text_of

    with app.reading() as reading:
        old = _own_decision(reading, id_, body)
    entry: dict[str, Value] = {"kind": "repeal", "decision": [old.page, old.index]}
    enter(app, name, body, [entry], later, [f"Repealed: {text_of(old.title)}"])


def _propose(app: App, title: str, text_file: str, motion: str | None, expires: str | None,
             supersedes: tuple[str, ...], body: str | None, later: bool, name: str) -> None:  # fmt: skip
    from fedsync.acts.books import minutes
    from fedsync.cli.telling import day, parse_time, text_of
    from fedsync.cli.texts import read_text
    from fedsync.errors import usage
    from fedsync.reading import now_ms

    text = read_text(text_file)
    entry = minutes.decision(title.strip(), text)
    said = [f"Decision: {title.strip()}", *text.split("\n")]
    if expires is not None:
        until = parse_time(expires, 0)
        if until <= now_ms():
            raise usage(f"{expires} is over: the decision would never hold.", "Give a later --expires.")
        entry["expires"] = until
        said.append(f"lapses {day(until)}")
    if motion is not None or supersedes:
        from fedsync.acts.books.motions import find_motion

        with app.reading() as reading:
            old = [_own_decision(reading, each, body) for each in supersedes]
            found = find_motion(reading, motion, entering.body_of(reading, body).body) if motion else None
        if found is not None:
            entry["motion"] = found.id
            said.append(f"from the motion {text_of(found.motion.title)} ({found.id.hex()[:8]})")
        if old:
            entry["supersedes"] = [[each.page, each.index] for each in old]
            said += [f"in place of {text_of(each.title)}" for each in old]
    enter(app, name, body, [entry], later, said)


def _own_decision(reading: "Reading", asked: str, body: str | None) -> "DecisionView":
    """Return a decision of the body on whose page something is drafted. Raises a Problem (exit 6, or 7 when it ended)."""
    from fedsync.crdt.books.decisions import decisions as every
    from fedsync.errors import refused

    scope = entering.body_of(reading, body).scope
    found = find(every(reading.view, scope), asked)
    if found.status not in ("in_force", "provisional"):
        raise refused(
            "decision-not-in-force",
            f"This decision is {found.status.replace('_', ' ')}: there is nothing to end.",
            f"See: fedsync decisions show {short_id(found)}",
        )
    return found


def find(every: "list[DecisionView]", asked: str) -> "DecisionView":
    """Return the decision whose id begins so: a page, and its place there when there are several. Raises a Problem."""
    from fedsync.picking import begins, the_one

    page, _, index = asked.partition(":")
    found = [
        each for each in every if begins(page, each.page.hex()) and (not index or str(each.index) == index)
    ]
    return the_one("decision", asked, found, short_id, "fedsync decisions list")


def short_id(of: "DecisionView") -> str:
    """Return enough of a decision's id to type."""
    return f"{of.page.hex()[:8]}:{of.index}"


# --- Reading ---------------------------------------------------------------------------------------------


@decisions.command("list")
@click.option("--body", metavar="NAME", help="That body's only; default: everybody's, ours first.")
@click.option("--in-force", is_flag=True, help="Only what is in force now.")
@common
def list_decisions(app: App, body: str | None, in_force: bool) -> None:
    """List decisions with their status."""
    with app.reading() as reading:
        rows = [each for each in rows_of(reading, body) if not in_force or each["status"] == "in_force"]
        own = reading.name_of(reading.own().scope)
    # What another body decided is never shown as if it were ours.
    several = body in (None, "all") and any(row["body"] != own for row in rows)
    app.out.result(
        {"decisions": rows},
        lambda: app.out.table(
            ["ID", "TITLE", "STATUS", "PAGE", *(["OF"] if several else [])],
            [
                [
                    _short(row["id"]),
                    row["title"],
                    state_words(row),
                    row["number"],
                    *([row["body"]] if several else []),
                ]
                for row in rows
            ],
        ),
    )


@decisions.command("show")
@click.argument("id_", metavar="ID")
@common
def show_decision(app: App, id_: str) -> None:
    """Show one decision, what has become of it, and who dissents."""
    from fedsync.cli.books.voting import dissent_lines, dissent_rows
    from fedsync.picking import begins, the_one

    page, _, index = id_.partition(":")
    with app.reading() as reading:
        found = [
            row
            for row in rows_of(reading, None)
            if begins(page, row["page"]) and (not index or row["id"].endswith(f":{index}"))
        ]
        row = the_one("decision", id_, found, lambda row: _short(row["id"]), "fedsync decisions list")
        about = [bytes.fromhex(row["page"]), *([bytes.fromhex(row["motion"])] if row["motion"] else [])]
        row["dissents"] = dissent_rows(reading, *about)
    said = dissent_lines(row["dissents"])
    app.out.result(
        row,
        lambda: app.out.say(
            f"{row['title']}  [{state_words(row)}]",
            f"{row['body']}, page {row['number']}",
            *_history(row),
            "",
            *row["text"].split("\n"),
            *([""] if said else []),
            *said,
        ),
    )


def state_words(row: dict[str, Any]) -> str:
    """Return what has become of a decision, in words."""
    said = row["status"].replace("_", " ")
    return f"{said}, to be {row['ending']['how']}" if row["ending"] else said


def _history(row: dict[str, Any]) -> list[str]:
    from fedsync.cli.telling import day, parse_time

    lines = []
    if row["motion"]:
        lines.append(
            f"from the motion {row['motion'][:8]}" + (f": {row['binds_us']}" if row["binds_us"] else "")
        )
    if row["expires"]:
        lines.append(f"lapses {day(parse_time(row['expires'], 0))}")
    lines += [f"in place of {_short(each)}" for each in row["supersedes"]]
    if row["ended_by"]:
        lines.append(f"{row['status']} by {_short(row['ended_by'])}")
    if row["ending"]:
        lines.append(
            f"to be {row['ending']['how']} by {_short(row['ending']['by'])}, when that page is sealed"
        )
    return lines


def _short(id_: str) -> str:
    page, _, index = id_.partition(":")
    return f"{page[:8]}:{index}"


def rows_of(reading: "Reading", body: str | None) -> list[dict[str, Any]]:
    """Return the decisions of a body, or of all, for programs."""
    from fedsync.cli.books.book import bodies_asked
    from fedsync.crdt.books.decisions import decisions as every
    from fedsync.reading import now_ms

    now = now_ms()
    return [
        _row(reading, one.scope, each)
        for one in bodies_asked(reading, body)
        for each in every(reading.view, one.scope, now)
    ]


def _row(reading: "Reading", scope: Any, of: "DecisionView") -> dict[str, Any]:
    from fedsync.cli.telling import rfc3339, text_of

    def named(entry: Any) -> str:
        return f"{entry[0].hex()}:{entry[1]}"

    return {
        "id": named(of.id),
        "title": text_of(of.title),
        "text": text_of(of.text),
        "status": of.status,
        "page": of.page.hex(),
        "number": of.number,
        "body": reading.name_of(scope),
        "motion": of.motion.hex() if of.motion is not None else None,
        "expires": rfc3339(of.expires),
        "supersedes": [named(each) for each in of.supersedes],
        "ended_by": named(of.ended_by) if of.ended_by is not None else None,
        "ending": {"how": of.ending[0], "by": named(of.ending[1])} if of.ending is not None else None,
        **_bond(reading, scope, of),
    }


def _bond(reading: "Reading", scope: Any, of: "DecisionView") -> dict[str, Any]:
    """Return whether a decision from a motion of a body that ours sits in binds ours, and why."""
    from fedsync.crdt.books.binds import RATIFIED, binds, is_asked
    from fedsync.crdt.books.decisions import result_at

    result, own = result_at(reading.view, scope, of), reading.own().body
    if result is None:
        return {"result": None, "binds_us": None}
    row = {"id": f"{result.page.hex()}:{result.entry}", "status": result.status, "outcome": result.outcome}
    if not is_asked(reading.view, result.page, own):
        return {"result": row, "binds_us": None}
    for each in binds(reading.view, scope, result.page, result.entry):
        if each.body == own:
            why = "our book ratified it" if each.why == RATIFIED else "our vote was for it"
            return {"result": row, "binds_us": f"binds us, {why}"}
    return {"result": row, "binds_us": "does not bind us: no vote of ours that counts is for it"}
