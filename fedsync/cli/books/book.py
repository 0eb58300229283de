"""`fedsync book`: the minute book, and who has signed its pages."""

from typing import Any

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.cli.books import entering
from fedsync.cli.books.witnessing import witness
from fedsync.cli.printing import print_book

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
BODY = click.option("--body", metavar="NAME", help="That community's only; default: everybody's, ours first.")
BOOK = click.option("--body", metavar="NAME", help="That community's; default: our own. 'all': everybody's.")


def rivals(reading: Any, page: bytes) -> list[str]:
    """Return the other pages that may still be sealed in the place of `page`."""
    from fedsync.crdt.books.minutes import page_view, pages
    from fedsync.records.ids import PageId

    here = page_view(reading.view, PageId(page))
    assert here is not None
    return [
        each.id.hex()
        for each in pages(reading.view, here.scope)
        if each.prev == here.prev and each.id != page and each.status in ("drafted", "adopted")
    ]


def bodies_asked(reading: Any, asked: str | None) -> list[Any]:
    """Return the bodies whose pages are asked for; all for None or "all"."""
    if asked is None or asked == "all":
        return list(reading.store.followed.all())
    return [reading.body(asked)]


@group
def book() -> None:
    """Read the minute book, sign and approve its pages."""


book.add_command(print_book)
book.add_command(witness)


@book.command("list")
@BOOK
@common
def list_pages(app: App, body: str | None) -> None:
    """List the pages with who signed, who approved, and who is missing."""
    from fedsync.crdt.books.minutes import pages

    with app.reading() as reading:
        own = reading.own().body.hex()
        rows = [
            _row(reading, page)
            for one in bodies_asked(reading, body or own)
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
    from fedsync.acts.books import agenda, minutes, stale
    from fedsync.acts.books.mandates import redrawn
    from fedsync.cli.books.entries import describe
    from fedsync.errors import not_found, refused, usage
    from fedsync.records.kinds.entryform import parse_entry

    with app.reading() as reading:
        scope = entering.body_of(reading, body).scope
        entries, later = agenda.prepared(app.home(), scope), agenda.drawn_later(app.home(), scope)
        rows = [describe(reading, scope, parse_entry(each)) for each in entries]
        if drop is None and not only_list:
            stale.check(reading, scope, entries)
            fit = minutes.fitting(redrawn(reading, scope, entries, later))
    if drop is not None:
        if not 1 <= drop <= len(entries):
            raise not_found("prepared entry", str(drop), "See: fedsync book draft --list")
        agenda.drop(app.home(), scope, drop - 1)
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
    left, entries, later = len(entries) - fit, entries[:fit], later[:fit]
    app.before_signing(f"{name} drafts:", *(line for row in rows[:fit] for line in row["lines"]))
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        drawn = redrawn(reading, scope, entries, later)
        page, number = minutes.enter(author, reading, door, scope, drawn)
    # Somebody may have prepared more while this one read and typed a passphrase.
    agenda.done(app.home(), scope, entries, later)
    more = f"{left} more did not fit, and wait for the page after it: fedsync book draft" if left else ""
    entering.drafted(app, page, number, {"left": left}, more)


@book.command("show")
@click.argument("page")
@common
def show_page(app: App, page: str) -> None:
    """Show one page: PAGE is the beginning of its id, or its number in our own book."""
    from fedsync.acts.books.minutes import find_page

    with app.reading() as reading:
        row = page_row(reading, find_page(reading, page))
    app.out.result({**row, "pages": [row]}, lambda: app.out.say(*_page_lines(row)))


def _page_lines(row: dict[str, Any]) -> list[str]:
    from fedsync.cli.books.voting import dissent_lines

    lines = [f"Page {row['number']} of {row['body']} ({row['id'][:8]}): {row['status']}"]
    for entry in row["entries"]:
        lines += ["", *entry["lines"]]
    lines.append("")
    lines.append(f"signed by {', '.join(row['signed_by']) or 'nobody yet'}")
    lines.append(f"approved by {', '.join(row['approved_by']) or 'nobody yet'}")
    if row["missing"]:
        lines.append(f"missing: {', '.join(row['missing'])}")
    lines += [f"Against our own rule of rotation: {each}" for each in row.get("against_rotation", ())]
    return [*lines, *dissent_lines(row["dissents"])]


@book.command("sign")
@click.argument("page")
@AS
@common
@signing
def sign_page(app: App, page: str, name: str) -> None:
    """Sign a page, and approve it in the same act where enough tellers have signed."""
    from fedsync.acts.books import minutes

    found = _ask(app, page, name, "signs")
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


def _ask(app: App, asked: str, name: str, verb: str) -> Any:
    """Return the page that is meant, once whoever signs has seen it."""
    from fedsync.acts.books.minutes import find_page

    with app.reading() as reading:
        page = find_page(reading, asked)
        lines = _page_lines(page_row(reading, page))
    app.before_signing(*lines, f"{name} {verb} this page.")
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
    from fedsync.acts.books import minutes

    found = _ask(app, page, name, "approves")
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
    from fedsync.acts.books.rotation import broken_on
    from fedsync.crdt.books.minutes import page_view
    from fedsync.reading import now_ms
    from fedsync.records.ids import PageId

    view = page_view(reading.view, PageId(page))
    assert view is not None
    return {**_row(reading, view), "against_rotation": broken_on(reading, view, now_ms())}


def _row(reading: Any, page: Any) -> dict[str, Any]:
    from fedsync.cli.books.entries import describe
    from fedsync.cli.books.voting import dissent_rows
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
        "signed_by": [f"repair key {key.hex()[:8]}" for key in sorted(page.signed_by)]
        if page.repair
        else people(page.signed_by),
        "approved_by": people(page.approved_by),
        "missing": sorted([*map(called, page.bodies_to_sign), *people(page.missing)]),
        "body": reading.name_of(page.scope),
        "dissents": dissent_rows(reading, page.id),
        "entries": [
            describe(reading, page.scope, entry, (page.id, index)) for index, entry in enumerate(page.entries)
        ],
    }
