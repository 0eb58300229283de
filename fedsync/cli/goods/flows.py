"""`fedsync export stock` and `fedsync import valueflows`: goods for other programs, and from them."""

from pathlib import Path

import click

from fedsync.cli.app import App, common, signing
from fedsync.plain import is_are, many

MAX_NOTES = 40
"""Notes that are shown; JSON has all."""


@click.command("stock")
@click.option("--csv", "csv_file", metavar="FILE|-", help="Movements and counts as a table; as stock export.")
@click.option("--valueflows", metavar="FILE|-", help="Movements, counts and what lies where as JSON-LD.")
@click.option("--body", metavar="NAME", help="Whose, of --valueflows; default: our own community.")
@common
def export_stock(app: App, csv_file: str | None, valueflows: str | None, body: str | None) -> None:
    """Write movements and counts of goods: as a table, or as ValueFlows."""
    from fedsync.acts.goods.flowsout import publish
    from fedsync.cli.goods.stockfiles import write_csv
    from fedsync.cli.texts import write_file
    from fedsync.errors import usage
    from fedsync.valueflows.form import dump, to_json

    if (csv_file is None) == (valueflows is None):
        raise usage("It is written in one form.", "Type --csv FILE, or --valueflows FILE; - is the screen.")
    if csv_file is not None:
        if body is not None:
            raise usage("A table is of our own community.", "Leave out --body, or type --valueflows FILE.")
        write_csv(app, csv_file)
        return
    assert valueflows is not None
    with app.reading() as reading:
        flows, notes = publish(reading, (reading.body(body) if body else reading.own()).scope)
    counts = {
        "events": len(flows.events),
        "counts": len(flows.counts),
        "resources": len(flows.resources),
        "specifications": len(flows.specifications),
        "lots": len(flows.lots),
        "intents": len(flows.intents),
        "commitments": len(flows.commitments),
        "agreements": len(flows.agreements),
    }
    if valueflows == "-":
        text = dump(flows, ascii_only=True).rstrip("\n").split("\n")
        app.out.result(
            {"valueflows": to_json(flows), "file": None, "notes": notes, **counts}, lambda: app.out.say(*text)
        )
        return
    write_file(valueflows, dump(flows))
    app.out.result(
        {"file": valueflows, "notes": notes, **counts},
        lambda: app.out.say(
            f"{valueflows}: " + ", ".join(f"{number} {name}" for name, number in counts.items()),
            *(f"- {note}" for note in notes),
        ),
    )


@click.command("valueflows")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--store", default="", metavar="S", help="Where things are that the file says no place of.")
@click.option("--dry-run", is_flag=True, help="Only say what would be recorded.")
@click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
@common
@signing
def import_valueflows(app: App, file: Path, store: str, dry_run: bool, name: str) -> None:
    """Record the movements and counts in a file of ValueFlows: all that can be, at once, as --as says it.

    What is recorded already, to the letter, is not recorded again. What has no place here is named.
    """
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.flowsin import Taken, Taking, take_in
    from fedsync.errors import Exit, Problem, usage
    from fedsync.records.kinds.stock import COUNT, EVENT
    from fedsync.valueflows.graph import MAX_BYTES, BadValueFlows
    from fedsync.valueflows.read import read

    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise usage(f"{file} cannot be read: {error.strerror}.", "Look at its name.") from None
    try:
        loaded = read(raw)
    except BadValueFlows as error:
        raise Problem(
            "bad_valueflows",
            f"{file.name} cannot be taken in: {error}. Nothing was written.",
            "Mend the file; a form of it is shown by: fedsync export stock --valueflows -",
            Exit.FOREIGN_FILE,
        ) from None

    def lines(taken: Taken, will: str) -> list[str]:
        more = len(taken.left) - MAX_NOTES
        return [
            f"{many(taken.of(EVENT), 'movement')}, {many(taken.of(COUNT), 'count')}, {len(taken.plans.asked)} needs and "
            f"offers and {many(len(taken.plans.promised), 'promise')} {will}; {taken.there} {is_are(taken.there)} recorded already.",
            *(f"- {note}" for note in taken.left[:MAX_NOTES]),
            *([f"- and {more} more notes"] if more > 0 else []),
        ]

    def value(taken: Taken) -> dict[str, object]:
        return {
            "dry_run": dry_run,
            "movements": taken.of(EVENT),
            "counts": taken.of(COUNT),
            "intents": len(taken.plans.asked),
            "commitments": len(taken.plans.promised),
            "there": taken.there,
            "left": taken.left,
        }

    with app.reading() as reading:
        taken = Taking(reading, loaded, now_ms(), store).take()
    if dry_run:
        app.out.result(value(taken), lambda: app.out.say(*lines(taken, "would be recorded")))
        return
    if taken.drafts or taken.plans.asked or taken.plans.promised:
        app.before_signing(f"{name} signs:", *lines(taken, "are recorded"))
        author = app.author(name)
        with app.reading() as reading, app.door() as door:
            taken = take_in(author, reading, door, loaded, store)
    app.out.result(value(taken), lambda: app.out.say(*lines(taken, "are recorded")))
