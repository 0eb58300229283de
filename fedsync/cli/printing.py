"""`fedsync book print`: the minute book as text, or as a page to print."""

from pathlib import Path

import click

from fedsync.cli.app import App, common


@click.command("print")
@click.option("--body", metavar="NAME", help="That body's; default: our own community's.")
@click.option(
    "--from", "first", type=click.IntRange(min=0), default=0, metavar="N", help="From this page on."
)
@click.option("--to", "last", type=click.IntRange(min=0), metavar="N", help="Up to this page.")
@click.option("--html", "target", metavar="FILE|-", help="As one page of HTML, to look at and to print.")
@common
def print_book(app: App, body: str | None, first: int, last: int | None, target: str | None) -> None:
    """Print the minute book: what was decided, when, and who signed it."""
    from fedsync.cli.books.minutebook import as_text, minute_book
    from fedsync.cli.books.minutehtml import as_html
    from fedsync.errors import usage
    from fedsync.reading import now_ms

    if last is not None and last < first:
        raise usage(f"There is no page from {first} to {last}.", "Give a --to that is not before --from.")
    with app.reading() as reading:
        one = reading.body(body) if body else reading.own()
        book = minute_book(reading, one.scope, one.body, first, last, now_ms())
    text = as_text(book) if target is None else as_html(book)
    if target is not None and target != "-":
        try:
            Path(target).write_text(text, encoding="utf-8")
        except OSError as error:
            raise usage(f"{target} cannot be written: {error.strerror}.", "Name another file.") from None
    value = {
        "name": book.name,
        "community": book.id,
        "pages": [sheet.number for sheet in book.sheets],
        "file": target if target not in (None, "-") else None,
        "text": text if target in (None, "-") else None,
    }
    app.out.result(
        value,
        lambda: (
            app.out.say(f"{len(book.sheets)} pages of {book.name} are in {target}.")
            if target not in (None, "-")
            else app.out.say(*text.rstrip("\n").split("\n"))
        ),
    )
