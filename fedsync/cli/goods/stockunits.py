"""`fedsync stock unit`: bowls, bunches and sacks, and how much one is here."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.plain import is_are, many

if TYPE_CHECKING:
    from fedsync.acts.goods.localunits import Made, NewUnit

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
BODY = click.option(
    "--body",
    metavar="NAME",
    help="Of whose goods; of another community under a mandate of theirs. Default: our own.",
)
WEST_AFRICA = "west-africa"
"""The table that comes along."""
MAX_SHOWN = 20


@group
def unit() -> None:
    """Say how much one bowl, bunch or sack is, of what and where; list what was said."""


@unit.command("list")
@click.option("--item", metavar="I", help="What holds for this item.")
@click.option("--place", metavar="P", help="What holds at this place.")
@BODY
@common
def list_(app: App, item: str | None, place: str | None, body: str | None) -> None:
    """List the local units of this community."""
    from fedsync.crdt.goods.factors import factors
    from fedsync.crdt.goods.tables import ITEMS
    from fedsync.crdt.realms import Realm
    from fedsync.localunits import amount_words, same_place

    with app.reading() as reading:
        realm = Realm((reading.body(body) if body is not None else reading.own()).scope)
        names = {key[1]: str(row[0]) for key, row in reading.view.scan(ITEMS, (realm,))}
        found = factors(reading.view, realm)
    rows: list[dict[str, Any]] = [
        {
            "id": id_.hex(),
            "name": each.name,
            "item": None if each.item is None else names.get(each.item, each.item.hex()[:8]),
            "place": each.place,
            "numerator": each.numerator,
            "denominator": each.denominator,
            "unit": each.unit,
            "words": amount_words(each),
        }
        for id_, each in found.items()
        if place is None or each.place is None or same_place(each.place, place)
    ]
    rows = [
        row
        for row in rows
        if item is None or row["item"] is None or row["item"].casefold() == item.casefold()
    ]
    rows.sort(key=lambda row: (row["name"].casefold(), row["item"] or "", row["place"] or "", row["id"]))
    app.out.result(
        {"units": rows},
        lambda: app.out.table(
            ["UNIT", "OF", "AT", "IS", "ID"],
            [
                [
                    row["name"],
                    row["item"] or "anything",
                    row["place"] or "any place",
                    row["words"],
                    row["id"][:8],
                ]
                for row in rows
            ],
            none='No local units: fedsync stock unit add bowl = QTY UNIT --item "ITEM" --as NAME',
        ),
    )


@unit.command()
@click.argument("name_", metavar="NAME")
@click.argument("equals", metavar="=", type=click.Choice(["="]))
@click.argument("quantity", metavar="QTY")
@click.argument("unit_", metavar="UNIT")
@click.option("--item", metavar="I", help="Of this item only; default: of anything.")
@click.option("--place", metavar="P", help="At this place only; default: anywhere.")
@BODY
@AS
@common
@signing
def add(
    app: App,
    name_: str,
    equals: str,
    quantity: str,
    unit_: str,
    item: str | None,
    place: str | None,
    body: str | None,
    name: str,
) -> None:
    """Say how much one NAME is: bowl = 8.75 kg. What was said is never changed; what is reckoned with it says so."""
    from fedsync.acts.goods.localunits import make_units, new_unit

    new = new_unit(name_, quantity, unit_, item, place)
    app.before_signing(f"{name} signs: {_words(new)}.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        scope = (reading.body(body) if body is not None else reading.own()).scope
        made = make_units(author, reading, door, [new], scope)
    app.out.result(
        _value(made),
        lambda: app.out.say(
            *(f"New: item {each}" for each in made.items),
            f"{_words(new)} ({next(iter(made.written)).hex()[:8]})"
            if made.written
            else "It was said already.",
        ),
    )


@unit.command("import")
@click.argument("file", metavar=f"FILE|{WEST_AFRICA}")
@click.option("--place", metavar="P", help="Only what the table says of this place.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@BODY
@AS
@common
@signing
def import_(app: App, file: str, place: str | None, dry_run: bool, body: str | None, name: str) -> None:
    """Take in a table of local units: all of its lines, or none.

    FILE is CSV with the columns place, item, name, quantity, unit; place and item may be empty. west-africa is a table
    that comes along: 295 units of the markets of Bamako, Bamenda, Ouagadougou and Tamale.
    """
    from fedsync import data, spreadsheet
    from fedsync.acts.goods.importing import WrongLines, as_json
    from fedsync.acts.goods.localunits import COLUMNS, make_units, units_of
    from fedsync.errors import not_found, usage

    if file == WEST_AFRICA:
        rows = [
            (each.place, each.item, each.name, each.quantity, each.unit) for each in data.west_african_units()
        ]
        raw = spreadsheet.write(COLUMNS, rows).encode()
    else:
        try:
            raw = Path(file).read_bytes()
        except OSError as error:
            raise usage(f"{file} cannot be read: {error.strerror}.", "Look at the file's name.") from None
    table = spreadsheet.read(raw, Path(file).name, COLUMNS)
    new, wrong = units_of(table, place)
    if not new and not wrong and place is not None:
        there = ", ".join(sorted({line.cells["place"] for line in table.lines} - {""}))
        raise not_found("place", place, f"The table has: {there or 'none'}.")
    if dry_run:
        app.out.result(
            {"dry_run": True, "units": len(new), "wrong": as_json(wrong)},
            lambda: app.out.say(
                f"{len(new)} local units {'are right' if wrong else 'would be written, if they are not there already'}:",
                *(f"  {_words(each)}" for each in new[:MAX_SHOWN]),
                *([f"  and {len(new) - MAX_SHOWN} more"] if len(new) > MAX_SHOWN else []),
                *(f"  line {each.number}, {each.field}: {each.reason}" for each in wrong[:MAX_SHOWN]),
                *(
                    [f"{many(len(wrong), 'line')} {is_are(len(wrong))} wrong, so nothing would be written."]
                    if wrong
                    else []
                ),
            ),
        )
        return
    if wrong:
        raise WrongLines(Path(file), wrong)
    app.before_signing(f"{name} signs {len(new)} local units in {file}.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        scope = (reading.body(body) if body is not None else reading.own()).scope
        made = make_units(author, reading, door, new, scope)
    app.out.result(
        _value(made),
        lambda: app.out.say(
            f"{len(made.written)} local units recorded, {made.held} were there already; {len(made.items)} new items."
        ),
    )


def _value(made: "Made") -> dict[str, Any]:
    return {
        "dry_run": False,
        "written": [
            {
                "id": id_.hex(),
                "name": each.name,
                "item": each.item,
                "place": each.place,
                "numerator": each.amount.numerator,
                "denominator": each.amount.denominator,
                "unit": each.unit,
            }
            for id_, each in made.written.items()
        ],
        "held": made.held,
        "made": [f"item {each}" for each in made.items],
    }


def _words(new: "NewUnit") -> str:
    from fedsync.localunits import amount_words
    from fedsync.records.kinds.units import UnitFactor

    amount = amount_words(UnitFactor(new.name, new.amount.numerator, new.amount.denominator, new.unit))
    of = f" of {new.item}" if new.item else ""
    at = f" at {new.place}" if new.place else ""
    return f"One {new.name}{of}{at} is {amount}"
