"""`fedsync export` and `fedsync import`: what other programs read and write."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.cli.goods.flows import export_stock, import_valueflows

if TYPE_CHECKING:
    from fedsync.acts.books.adopting import Plan
    from fedsync.reading import Reading

MAX_NOTES = 40
"""Notes that are shown; JSON has all."""


@group
def export() -> None:
    """Write what is held here for other programs."""


export.add_command(export_stock)


@export.command("popolo")
@click.option(
    "--body", "bodies", multiple=True, metavar="NAME", help="Once for each; default: all that are followed."
)
@click.option("--output", metavar="FILE|-", help="Default: the screen.")
@common
def export_popolo(app: App, bodies: tuple[str, ...], output: str | None) -> None:
    """Write bodies, people, mandates, motions and votes as Popolo, the JSON of public bodies."""
    from fedsync.acts.books.publishing import publish
    from fedsync.errors import usage
    from fedsync.popolo.form import dump, to_json

    with app.reading() as reading:
        asked = [reading.body(each) for each in bodies] or reading.store.followed.all()
        found = publish(reading, asked)
    text, value = dump(found, ascii_only=output in (None, "-")), to_json(found)
    counts = {name: len(things) for name, things in value.items()}
    if output in (None, "-"):
        app.out.result(
            {"popolo": value, "file": None, **counts}, lambda: app.out.say(*text.rstrip("\n").split("\n"))
        )
        return
    assert output is not None
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise usage(f"{output} cannot be written: {error.strerror}.", "Name another file.") from None
    app.out.result(
        {"file": output, **counts},
        lambda: app.out.say(
            f"{output}: " + ", ".join(f"{number} {_words(name)}" for name, number in counts.items())
        ),
    )


@group
def import_() -> None:
    """Take in what other programs wrote."""


import_.name = "import"
import_.add_command(import_valueflows)


@import_.command("popolo")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--body", metavar="NAME", help="Which body is asked, and sends delegates; default: our own community."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--as", "name", metavar="NAME", help="Who signs the names and motions.")
@common
@signing
def import_popolo(app: App, file: Path, body: str | None, dry_run: bool, name: str | None) -> None:
    """Take in Popolo: names for keys, motions, results by counts, mandates without instructions.

    Nothing is taken for signed. Names and motions are signed by --as; results and mandates are prepared for the
    next page, which the assembly signs or not: see fedsync book draft.
    """
    from fedsync.acts.books.adopting import adopt, plan
    from fedsync.errors import Exit, Problem, usage
    from fedsync.popolo.form import MAX_BYTES, BadPopolo, load

    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise usage(f"{file} cannot be read: {error.strerror}.", "Look at its name.") from None
    try:
        loaded = load(raw)
    except BadPopolo as error:
        raise Problem(
            "bad_popolo",
            f"{file.name} cannot be taken in: {error}. Nothing was written.",
            "Mend the file; a form of it is shown by: fedsync export popolo",
            Exit.FOREIGN_FILE,
        ) from None
    with app.reading() as reading:
        made = plan(reading, loaded, reading.body(body) if body else reading.own())
        value, lines = _plan_value(made), _plan_lines(reading, made)
    if dry_run:
        app.out.result({"dry_run": True, **value}, lambda: app.out.say("This would be done:", *lines))
        return
    if name is None:
        raise usage("Somebody signs names and motions.", "Add --as NAME, or --dry-run to look first.")
    app.before_signing(f"{name} signs:", *lines)
    author = app.author(name)
    with app.door() as door:
        done = adopt(author, door, made)
    option = f' --body "{body}"' if body else ""
    app.out.result(
        {
            "dry_run": False,
            **value,
            "written": {"names": done.names, "motions": [each.hex() for each in done.motions]},
            "prepared": done.prepared,
        },
        lambda: app.out.say(
            *lines,
            *([f"Next: fedsync book draft{option} --as {author.name}"] if done.prepared else []),
        ),
    )


def _plan_value(made: "Plan") -> dict[str, Any]:
    return {
        "names": [{"key": key.hex(), "name": name} for key, name in made.names],
        "motions": [
            {
                "source": each.source.id,
                "title": each.words.title,
                "held": each.held.hex() if each.held else None,
            }
            for each in made.motions
        ],
        "results": [
            {
                "source": each.source.id,
                "motion": each.source.motion_id,
                "counts": [[str(c), n] for c, n in each.counts],
            }
            for each in made.results
        ],
        "mandates": len(made.mandates),
        "notes": made.notes,
    }


def _plan_lines(reading: "Reading", made: "Plan") -> list[str]:
    from fedsync.cli.books.entries import describe
    from fedsync.records.kinds.entryform import parse_entry

    new = [each for each in made.motions if each.held is None]
    lines = [
        f"{len(made.names)} names for keys"
        + (f": {', '.join(name for _, name in made.names[:10])}" if made.names else ""),
        f"{len(new)} motions put to {reading.name_of(made.body.scope)}, {len(made.motions) - len(new)} are here already",
        *(f"  {each.words.title}" for each in new[:10]),
        f"{len(made.results)} results by counts and {len(made.mandates)} mandates prepared for the next page",
    ]
    for entry in made.mandates[:10]:
        lines += [f"  {line}" for line in describe(reading, made.body.scope, parse_entry(entry))["lines"]]
    lines += [f"- {note}" for note in made.notes[:MAX_NOTES]]
    more = len(made.notes) - MAX_NOTES
    return [*lines, f"- and {more} more notes"] if more > 0 else lines


def _words(name: str) -> str:
    return name.replace("_", " ")
