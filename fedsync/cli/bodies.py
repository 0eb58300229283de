"""`fedsync bodies`: who this community is, who keeps its book, and how that changes."""

from pathlib import Path

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.cli.certificates import audit, certificate, check
from fedsync.cli.founding import found
from fedsync.cli.settling import settle


@group
def bodies() -> None:
    """Found bodies and show them; join and leave them; change who sits in them; repair their books."""


bodies.add_command(found)
for command in (settle, certificate, check, audit):
    bodies.add_command(command)


@bodies.command()
@click.argument("name", required=False)
@click.option(
    "--tree", is_flag=True, help="All bodies that are known here, each below those that it sits in."
)
@common
def show(app: App, name: str | None, tree: bool) -> None:
    """Show our own community, or the body called NAME; 'all' shows all."""
    from fedsync.cli import bodyview

    every = name == "all" or tree
    with app.reading() as reading:
        found = reading.store.followed.all() if every else [reading.body(name) if name else reading.own()]
        rows = [bodyview.row(reading, body) for body in found]
    said = bodyview.tree(rows) if tree else [line for row in rows for line in bodyview.lines(row)]
    app.out.result({**(rows[0] if not every else {}), "bodies": rows}, lambda: app.out.say(*said))


@bodies.command()
@click.option(
    "--add",
    multiple=True,
    metavar="TELLER",
    help="Give this person a seat; NAME=LINE for a key made elsewhere: see fedsync people keys --show.",
)
@click.option("--drop", multiple=True, metavar="TELLER", help="Take this person's seat.")
@click.option("--threshold", type=int, metavar="K", help="How many must sign from then on.")
@click.option("--as", "name", required=True, metavar="NAME", help="Who drafts it.")
@common
@signing
def epoch(app: App, add: tuple[str, ...], drop: tuple[str, ...], threshold: int | None, name: str) -> None:
    """Draft a page that changes who has a seat. It takes effect when the present tellers have signed it."""
    from fedsync.acts import seats
    from fedsync.errors import usage

    if not add and not drop and threshold is None:
        raise usage("Say what should change.", "Add --add TELLER, --drop TELLER or --threshold K.")
    said = [f"a seat for {each}" for each in add] + [f"no seat for {each} any more" for each in drop]
    said += [f"{threshold} must sign"] if threshold is not None else []
    app.before_signing(f"{name} drafts a page that says: {', '.join(said)}.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        page, number = seats.change_epoch(
            author, reading, door, add, drop, threshold, lambda who: app.passphrase(who, confirm=True)
        )
    app.out.result(
        {"page": page.hex(), "id": page.hex(), "number": number},
        lambda: app.out.say(
            f"Page {number} is drafted ({page.hex()[:8]}); it takes effect when the tellers have signed it.",
            f"Next: fedsync book sign {page.hex()[:8]} --as NAME",
        ),
    )


@bodies.command()
@click.option(
    "--sheet", required=True, type=click.Path(path_type=Path), metavar="PATH", help="The repair sheet."
)
@click.option("--teller", "tellers", multiple=True, required=True, metavar="NAME", help="Once for each.")
@click.option("--threshold", type=int, required=True, metavar="K")
@common
@signing
def repair(app: App, sheet: Path, tellers: tuple[str, ...], threshold: int) -> None:
    """Mend a book that lost its tellers, or split, with the keys on the repair sheet."""
    from fedsync.acts import seats

    home = app.home()
    app.before_signing(
        f"From now on {threshold} of these must sign: {', '.join(tellers)}.",
        "All pages that the tellers had not sealed are set aside.",
    )
    with app.reading() as reading, app.door() as door:
        page, status = seats.repair(
            home, reading, door, sheet, tellers, threshold, lambda who: app.passphrase(who, confirm=True)
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
