"""What every command has in common that puts something on a page: whose page, who drafts it, now or with others later."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App
from fedsync.cli.telling import body_name, short
from fedsync.records.codec import Value

if TYPE_CHECKING:
    from fedsync.reading import Reading
    from fedsync.store.peers import FollowedBody

DRAFTER = click.option("--as", "name", required=True, metavar="NAME", help="Who drafts it.")
BODY = click.option("--body", metavar="NAME", help="On whose page; default: our own community's.")
LATER = click.option(
    "--later", is_flag=True, help="Only prepare it for the next meeting's page: see fedsync book draft."
)


def body_of(reading: "Reading", asked: str | None) -> "FollowedBody":
    """Return the body that a command names, our own by default. Raises a Problem (exit 6)."""
    return reading.body(asked) if asked else reading.own()


def enter(
    app: App,
    name: str,
    body: str | None,
    entries: Sequence[dict[str, Value]],
    later: bool,
    said: Sequence[str],
    more: dict[str, Any] | None = None,
    drawn_later: bool | str = False,
) -> None:
    """Show what will be drafted, draft the page (or keep it for the meeting), and say what comes next.

    `said`: what the entries say, for people. `more` goes into the JSON.
    `drawn_later`: what a prepared entry keeps of a mandate is what is here when the page is drafted.
    """
    from fedsync.acts.books import agenda, minutes

    app.before_signing(f"{name} {'prepares' if later else 'drafts'}:", *said)
    author = app.author(name)
    if later:
        with app.reading() as reading:
            scope = body_of(reading, body).scope
            whose = body_name(reading, scope)
            of = "" if scope == reading.own().scope else f' --body "{whose}"'
            number = agenda.prepare(author.home, scope, entries, drawn_later)
        app.out.result(
            {"prepared": number, "page": None, **(more or {})},
            lambda: app.out.say(
                f"Prepared for the next page of {whose}, with {number} in all.",
                f"Next: fedsync book draft{of} --as {author.name}",
            ),
        )
        return
    with app.reading() as reading, app.door() as door:
        scope = body_of(reading, body).scope
        page, number = minutes.enter(author, reading, door, scope, entries)
    drafted(app, page, number, more)


def drafted(app: App, page: bytes, number: int, more: dict[str, Any] | None = None, also: str = "") -> None:
    """Say that a page is drafted, whether it has rivals, for whom it waits and what comes next."""
    from fedsync.cli.books.book import page_row, rivals

    with app.reading() as reading:
        row, others = page_row(reading, page), rivals(reading, page)
    app.out.result(
        {"page": page.hex(), "id": f"{page.hex()}:0", "number": number, "rivals": others, **(more or {})},
        lambda: app.out.say(
            f"Page {number} is drafted ({short(page)}).",
            *([also] if also else []),
            *(f"So is {each[:8]} in the same place: only one of them can be sealed." for each in others),
            f"It waits for the signatures of: {', '.join(row['missing'])}",
            f"Next: fedsync book sign {short(page)} --as NAME",
        ),
    )
