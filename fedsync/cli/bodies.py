"""`fedsync bodies`: who this community is, who keeps its book, and how that changes."""

from pathlib import Path
from typing import Any

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.cli.settling import settle


@group
def bodies() -> None:
    """Show the communities that this node follows; change our own tellers; repair our book."""


bodies.add_command(settle)


@bodies.command()
@click.argument("name", required=False)
@common
def show(app: App, name: str | None) -> None:
    """Show our own community, or the one called NAME; 'all' lists all."""
    with app.reading() as reading:
        found = (
            reading.store.followed.all() if name == "all" else [reading.body(name) if name else reading.own()]
        )
        rows = [_row(reading, body) for body in found]
    value = rows[0] if name != "all" else {}
    app.out.result(
        {**value, "bodies": rows}, lambda: app.out.say(*(line for row in rows for line in _lines(row)))
    )


def _row(reading: Any, body: Any) -> dict[str, Any]:
    from fedsync.cli.telling import person
    from fedsync.crdt.booktables import book
    from fedsync.crdt.drafting import CannotDraft, newest
    from fedsync.crdt.minutes import current_epoch

    state = book(reading.view, body.scope)
    row: dict[str, Any] = {
        "community": body.body.hex(),
        "name": reading.name_of(body.scope),
        "source": body.source,
        "founded": bool(state and state.number >= 1),
        "sealed_pages": state.number if state else None,
        "frozen": bool(state and state.frozen),
        "tellers": [],
        "threshold": None,
        "repair_keys": None,
    }
    try:
        epoch = current_epoch(reading.view, body.scope, newest(reading.view, body.scope))
    except CannotDraft:
        epoch = None
    if epoch is not None:
        row["tellers"] = sorted(person(reading, body.scope, key) for key in epoch.keys)
        row["threshold"] = epoch.k
        row["bears_lying_tellers"] = epoch.bears
        row["repair_keys"] = (
            {"keys": len(epoch.repair), "threshold": epoch.threshold} if epoch.repair else None
        )
    return row


def _lines(row: dict[str, Any]) -> list[str]:
    if row["threshold"] is None:
        return [f"{row['name']}: its book has not come yet."]
    state = "" if row["founded"] else ", being founded: its first page is not sealed yet"
    if row["frozen"]:
        state = ", FROZEN: its book is split. Mend it with: fedsync bodies repair"
    return [
        f"{row['name']} ({row['community'][:8]}){state}",
        f"  {row['threshold']} of its {len(row['tellers'])} tellers must sign: {', '.join(row['tellers'])}",
        f"  sealed up to page {row['sealed_pages']}",
    ]


@bodies.command()
@click.option("--add", multiple=True, metavar="TELLER", help="Give this person a seat.")
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
