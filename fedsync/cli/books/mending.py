"""`fedsync bodies repair`: a book that lost its tellers, or split, and the keys on the repair sheet."""

from pathlib import Path

import click

from fedsync.cli.app import App, common, signing


@click.command()
@click.option(
    "--sheet", required=True, type=click.Path(path_type=Path), metavar="PATH", help="The repair sheet."
)
@click.option("--body", metavar="NAME", help="Whose book; default: our own community's.")
@click.option(
    "--teller", "tellers", multiple=True, metavar="NAME", help="Of our own community, once for each."
)
@click.option(
    "--seat", "people", multiple=True, metavar="PERSON@COMMUNITY", help="Of another body of people."
)
@click.option("--threshold", type=int, metavar="K")
@click.option("--from", "proposal", metavar="PAGE", help="A change that enough of its bodies consented to.")
@common
@signing
def repair(
    app: App,
    sheet: Path,
    body: str | None,
    tellers: tuple[str, ...],
    people: tuple[str, ...],
    threshold: int | None,
    proposal: str | None,
) -> None:
    """Mend a book that lost its tellers, or split, with the keys on the repair sheet.

    The seats of a body of bodies stay as they are, unless they consented to a change; of others they stay when none
    is named.
    """
    from fedsync.acts.books import seats
    from fedsync.acts.books.minutes import find_page
    from fedsync.acts.books.whose import person_at
    from fedsync.cli.books.entering import body_of

    home = app.home()
    who = ", ".join((*tellers, *people))
    stays = f"The change proposed on {proposal} is made." if proposal else "The seats stay as they are."
    app.before_signing(
        f"From now on {threshold or 'more than half'} of these must sign: {who}." if who else stays,
        "All pages after the last sealed one are set aside.",
    )
    with app.reading() as reading, app.door() as door:
        mending = seats.Mending(
            body_of(reading, body),
            tellers,
            [person_at(reading, each) for each in people],
            threshold,
            find_page(reading, proposal) if proposal is not None else None,
        )
        page, status = seats.repair(
            home, reading, door, sheet, mending, lambda who: app.passphrase(who, confirm=True)
        )
    more = (
        []
        if status == "sealed"
        else ["It needs more of the repair keys: type the same with the other sheets."]
    )
    app.out.result(
        {"page": page.hex(), "status": status},
        lambda: app.out.say(f"The repair page ({page.hex()[:8]}) is {status}.", *more),
    )
