"""`fedsync book witness`: a page that says how far another body's book has come. Of a split book it decides what holds."""

import click

from fedsync.cli.app import App, common, signing
from fedsync.cli.books import entering


@click.command()
@click.argument("whose", metavar="BODY")
@click.option("--page", "asked", metavar="PAGE", help="Up to which page; default: the last sealed one.")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def witness(app: App, whose: str, asked: str | None, body: str | None, later: bool, name: str) -> None:
    """Draft a page that says how far the book of BODY has come.

    Pages of a body of bodies say so of its members by themselves. By hand it is needed when a book is split: the first
    page that is witnessed on one of the branches, by the body that the split one named, decides (rule 7).
    """
    from fedsync.acts.books.witnessing import witness as entry_of

    with app.reading() as reading:
        there = reading.body(whose)
        entry, title = entry_of(reading, entering.body_of(reading, body), there, asked)
    entering.enter(app, name, body, [entry], later, [title])
