"""`fedsync decisions` and `fedsync book`: what the assembly decided, and who has signed it."""

import sys
from pathlib import Path
from typing import Any

import click

from fedsync.cli import entering
from fedsync.cli.app import App, common, group, signing
from fedsync.cli.entering import enter
from fedsync.cli.telling import text_of

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
BODY = click.option("--body", metavar="NAME", help="That community's only; default: everybody's, ours first.")
BOOK = click.option("--body", metavar="NAME", help="That community's; default: our own. 'all': everybody's.")


@group
def decisions() -> None:
    """Propose decisions and read those that were made."""


@decisions.command()
@click.option("--title", required=True, metavar="T")
@click.option("--text", "text_file", required=True, metavar="FILE|-", help="The decision's words.")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def propose(app: App, title: str, text_file: str, body: str | None, later: bool, name: str) -> None:
    """Draft the next page of the book, with this decision on it."""
    from fedsync.acts import minutes
    from fedsync.errors import usage

    try:
        text = sys.stdin.read() if text_file == "-" else Path(text_file).read_text(encoding="utf-8")
    except OSError as error:
        raise usage(
            f"{text_file} cannot be read: {error.strerror}.", "Name a text file, or - to type it."
        ) from None
    except UnicodeDecodeError:
        raise usage(f"{text_file} is not UTF-8 text.", "Save it as plain text, UTF-8.") from None
    # Other systems end lines with a carriage return, which no record may hold.
    text = text.replace("\r\n", "\n").replace("\t", "    ").strip("\n")
    entry = minutes.decision(title.strip(), text)
    enter(app, name, body, [entry], later, [f"Decision: {title.strip()}", *text.split("\n")])


def rivals(reading: Any, page: bytes) -> list[str]:
    """Return the other pages that may still be sealed in the place of `page`."""
    from fedsync.crdt.minutes import page_view, pages
    from fedsync.records.ids import PageId

    here = page_view(reading.view, PageId(page))
    assert here is not None
    return [
        each.id.hex()
        for each in pages(reading.view, here.scope)
        if each.prev == here.prev and each.id != page and each.status in ("drafted", "adopted")
    ]


@decisions.command("list")
@BODY
@common
def list_decisions(app: App, body: str | None) -> None:
    """List decisions with their status."""
    with app.reading() as reading:
        rows = _decision_rows(reading, body)
    app.out.result(
        {"decisions": rows},
        lambda: app.out.table(
            ["ID", "TITLE", "STATUS", "PAGE", *_of(rows)],
            [
                [
                    _short(row["id"]),
                    row["title"],
                    row["status"].replace("_", " "),
                    row["number"],
                    *([row["body"]] if _of(rows) else []),
                ]
                for row in rows
            ],
        ),
    )


@decisions.command("show")
@click.argument("id_", metavar="ID")
@common
def show_decision(app: App, id_: str) -> None:
    """Show one decision."""
    from fedsync.picking import begins, the_one

    page, _, index = id_.partition(":")
    with app.reading() as reading:
        rows = [
            row
            for row in _decision_rows(reading, "all")
            if begins(page, row["page"]) and (not index or row["id"].endswith(f":{index}"))
        ]
    row = the_one("decision", id_, rows, lambda row: _short(row["id"]), "fedsync decisions list")
    app.out.result(
        row,
        lambda: app.out.say(
            f"{row['title']}  [{row['status'].replace('_', ' ')}]",
            f"{row['body']}, page {row['number']}",
            "",
            *row["text"].split("\n"),
        ),
    )


def _of(rows: list[dict[str, Any]]) -> list[str]:
    """Return the head of a column that says whose each row is, where that is not plain."""
    return ["OF"] if len({row["body"] for row in rows}) > 1 else []


def _short(id_: str) -> str:
    page, _, index = id_.partition(":")
    return f"{page[:8]}:{index}"


def _bodies(reading: Any, asked: str | None) -> list[Any]:
    if asked is None or asked == "all":
        return list(reading.store.followed.all())
    return [reading.body(asked)]


def _decision_rows(reading: Any, body: str | None) -> list[dict[str, Any]]:
    from fedsync.crdt.minutes import decisions as decisions_of

    return [
        {
            "id": f"{each.page.hex()}:{each.index}",
            "title": text_of(each.title),
            "text": text_of(each.text),
            "status": each.status,
            "page": each.page.hex(),
            "number": each.number,
            "body": reading.name_of(one.scope),
        }
        for one in _bodies(reading, body)
        for each in decisions_of(reading.view, one.scope)
    ]


@group
def book() -> None:
    """Read the minute book, sign and approve its pages."""


@book.command("list")
@BOOK
@common
def list_pages(app: App, body: str | None) -> None:
    """List the pages with who signed, who approved, and who is missing."""
    from fedsync.crdt.minutes import pages

    with app.reading() as reading:
        own = reading.own().body.hex()
        rows = [
            _row(reading, page)
            for one in _bodies(reading, body or own)
            for page in pages(reading.view, one.scope)
        ]
    app.out.result(
        {"pages": rows},
        lambda: app.out.table(
            ["PAGE", "ID", "STATUS", "SIGNED", "APPROVED", "MISSING"],
            [
                [
                    row["number"],
                    row["id"][:8],
                    row["status"],
                    ", ".join(row["signed_by"]),
                    ", ".join(row["approved_by"]),
                    ", ".join(row["missing"]),
                ]
                for row in rows
            ],
            right=["PAGE"],
        ),
    )


@book.command("draft")
@entering.BODY
@click.option("--list", "only_list", is_flag=True, help="Only show what is prepared.")
@click.option("--drop", type=int, metavar="N", help="Take the N-th off the list, and draft nothing.")
@click.option("--as", "name", metavar="NAME", help="Who drafts it.")
@common
@signing
def draft_page(app: App, body: str | None, only_list: bool, drop: int | None, name: str | None) -> None:
    """Draft one page with all that was prepared with --later: a meeting is one page."""
    from fedsync.acts import agenda, minutes
    from fedsync.cli.entries import describe
    from fedsync.errors import not_found, refused, usage
    from fedsync.records.kinds.entries import parse_entry

    with app.reading() as reading:
        scope = entering.body_of(reading, body).scope
        entries = agenda.prepared(app.home(), scope)
        rows = [describe(reading, scope, parse_entry(each)) for each in entries]
    if drop is not None:
        if not 1 <= drop <= len(entries):
            raise not_found("prepared entry", str(drop), "See: fedsync book draft --list")
        agenda.replace(app.home(), scope, entries[: drop - 1] + entries[drop:])
        rows.pop(drop - 1)
    if drop is not None or only_list:
        lines = [f"{number}. {row['lines'][0]}" for number, row in enumerate(rows, 1)]
        app.out.result({"prepared": rows}, lambda: app.out.say(*(lines or ["Nothing is prepared."])))
        return
    if not entries:
        raise refused(
            "nothing_prepared",
            "Nothing is prepared for the next page.",
            "Add --later to decisions propose, mandates give and the like.",
        )
    if name is None:
        raise usage("Somebody drafts a page.", "Add --as NAME.")
    app.before_signing(f"{name} drafts:", *(line for row in rows for line in row["lines"]))
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        page, number = minutes.enter(author, reading, door, scope, entries)
    agenda.replace(app.home(), scope, [])
    entering.drafted(app, page, number)


@book.command("show")
@click.argument("page")
@common
def show_page(app: App, page: str) -> None:
    """Show one page: PAGE is the beginning of its id, or its number in our own book."""
    from fedsync.acts.minutes import find_page

    with app.reading() as reading:
        row = page_row(reading, find_page(reading, page))
    app.out.result({**row, "pages": [row]}, lambda: app.out.say(*_page_lines(row)))


def _page_lines(row: dict[str, Any]) -> list[str]:
    lines = [f"Page {row['number']} of {row['body']} ({row['id'][:8]}): {row['status']}"]
    for entry in row["entries"]:
        lines += ["", *entry["lines"]]
    lines.append("")
    lines.append(f"signed by {', '.join(row['signed_by']) or 'nobody yet'}")
    lines.append(f"approved by {', '.join(row['approved_by']) or 'nobody yet'}")
    if row["missing"]:
        lines.append(f"missing: {', '.join(row['missing'])}")
    return lines


@book.command("sign")
@click.argument("page")
@AS
@common
@signing
def sign_page(app: App, page: str, name: str) -> None:
    """Sign a page, and approve it in the same act where enough tellers have signed."""
    from fedsync.acts import minutes

    found = _ask(app, page, name)
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        said = minutes.sign(author, reading, door, found)
        row = page_row(reading, found)
    words = "signed and approved" if said.approved else "signed"
    app.out.result(
        {**row, "round": said.round, "approved": said.approved},
        lambda: app.out.say(
            f"{author.name} {words} page {row['number']}: {row['status']}.", *_missing(row, said.reason)
        ),
    )


def _ask(app: App, asked: str, name: str) -> Any:
    """Return the page that is meant, once whoever signs has seen it."""
    from fedsync.acts.minutes import find_page

    with app.reading() as reading:
        page = find_page(reading, asked)
        lines = _page_lines(page_row(reading, page))
    app.before_signing(*lines, f"{name} signs this page.")
    return page


def _missing(row: dict[str, Any], reason: str) -> list[str]:
    if row["status"] == "sealed":
        return []
    lines = [f"Missing: {', '.join(row['missing'])}"] if row["missing"] else []
    return [*lines, *([reason] if reason and not lines else [])]


@book.command("approve")
@click.argument("page")
@AS
@common
@signing
def approve_page(app: App, page: str, name: str) -> None:
    """Approve a page that enough tellers have signed."""
    from fedsync.acts import minutes

    found = _ask(app, page, name)
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        said = minutes.approve(author, reading, door, found)
        row = page_row(reading, found)
    app.out.result(
        {**row, "round": said.round, "approved": True},
        lambda: app.out.say(
            f"{author.name} approved page {row['number']}: {row['status']}.", *_missing(row, "")
        ),
    )


def page_row(reading: Any, page: bytes) -> dict[str, Any]:
    """Return a page that is held, for programs, with what people read of it."""
    from fedsync.crdt.minutes import page_view
    from fedsync.records.ids import PageId

    view = page_view(reading.view, PageId(page))
    assert view is not None
    return _row(reading, view)


def _row(reading: Any, page: Any) -> dict[str, Any]:
    from fedsync.cli.entries import describe
    from fedsync.cli.telling import person

    def people(keys: Any) -> list[str]:
        return sorted(person(reading, page.scope, key) for key in keys)

    bodies = {each.body: each.scope for each in reading.store.followed.all()}

    def called(body: bytes) -> str:
        return reading.name_of(bodies[body]) if body in bodies else body.hex()[:8]

    return {
        "id": page.id.hex(),
        "number": page.number,
        "status": page.status,
        "reason": page.reason,
        "signed_by": people(page.signed_by),
        "approved_by": people(page.approved_by),
        "missing": sorted([*map(called, page.bodies_to_sign), *people(page.missing)]),
        "body": reading.name_of(page.scope),
        "entries": [describe(reading, page.scope, entry) for entry in page.entries],
    }
