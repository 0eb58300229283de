"""`log`, `show`, `verify`, `rebuild`, `why`: what is held, whether it is whole, and why it counts or does not."""

import time
from typing import Any

import click

from fedsync.cli.app import App, common

LOOK_SECONDS = 0.3
"""Between two looks of `log --follow`; a look that finds nothing costs one small query."""


@click.command()
@click.option("--follow", is_flag=True, help="Go on, and show what comes.")
@click.option("-n", "number", default=20, show_default=True, help="How many of the latest records.")
@common
def log(app: App, follow: bool, number: int) -> None:
    """Show the latest records as they came."""
    from fedsync.cli.records import line, row

    with app.reading() as reading:
        last = reading.store.blocks.last_number()
        found: list[Any] = []
        for _, block in reading.store.latest():
            found[:0] = list(block.records())
            if len(found) >= number:
                break
        for record in found[-number:] if number > 0 else []:
            app.out.line(row(reading, record), line(reading, record))
        while follow:
            for at, block in reading.store.since(last):
                last = at
                for record in block.records():
                    app.out.line(row(reading, record), line(reading, record))
            time.sleep(LOOK_SECONDS)


@click.command()
@click.argument("id_", metavar="ID")
@common
def show(app: App, id_: str) -> None:
    """Show one record in full. ID is the beginning of its id."""
    from fedsync.cli.records import find, full

    with app.reading() as reading:
        value = full(reading, find(reading, id_))
    app.out.result(value, lambda: app.out.say(*(f"{name:14} {_plain(each)}" for name, each in value.items())))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain(each)}" for name, each in value.items())
    return str(value)


@click.command()
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every signature, hash and chain, and the state; not the file alone.",
)
@click.option(
    "--beside",
    metavar="FILE",
    help="What `fedsync status --json` said at another node; - to type it. Body by body, have both come to the same?",
)
@common
def verify(app: App, everything: bool, beside: str | None) -> None:
    """Look for damage: the file, and with --all every record and what follows from them."""
    from fedsync.again import state_faults
    from fedsync.cli.besides import beside_file, beside_lines
    from fedsync.errors import Exit, Problem
    from fedsync.store.verify import Verified, structure
    from fedsync.store.verify import verify as look

    records, faults = 0, []
    with app.reading() as reading:
        if everything:
            for found in look(reading.store):
                if isinstance(found, Verified):
                    records += found.records
                else:
                    faults.append(found.sentence)
            # A state worked out from damaged records says nothing.
            faults = faults or state_faults(reading)
        else:
            faults = structure(reading.store)
        records = records or reading.store.logs.count()
        compared = beside_file(reading, beside) if beside is not None else []
    value: dict[str, Any] = {"records": records, "faults": faults, "whole": not faults}
    if beside is not None:
        value["beside"] = [each._asdict() for each in compared]
    looked = f"{records:,} records {'looked at' if everything else 'held'}"
    if faults:
        app.out.say(*(f"DAMAGE {each}" for each in faults), f"{looked} are whole.")
        raise Problem(
            "damage",
            f"Damage was found: {faults[0]}.",
            "Restore a backup of this node's directory, or fill a new node from its peers.",
            Exit.DAMAGE,
            value,
        )
    app.out.result(value, lambda: app.out.say(f"{looked}: all is whole.", *beside_lines(compared)))


@click.command()
@common
def rebuild(app: App) -> None:
    """Work out the state again from the records; it must come out the same."""
    from fedsync.errors import Exit, Problem

    with app.door() as door:
        answer = door.call("rebuild")
    value = {
        "state_root": answer["after"],
        "records": answer["records"],
        "same": answer["before"] == answer["after"],
    }
    if not value["same"]:
        raise Problem(
            "rebuilt_otherwise",
            "The state was not what the records say: it was damaged. Now it is; the records were not changed.",
            "Look for more damage: fedsync verify --all. If there was none, please report it.",
            Exit.DAMAGE,
            value,
        )
    app.out.result(
        value, lambda: app.out.say(f"Worked out again from {value['records']:,} records: the same as before.")
    )


@click.command()
@click.argument("id_", metavar="ID|PAGE:ENTRY|BODY|PEER|ITEM")
@click.option("--store", metavar="S", help="With an item: in this store.")
@common
def why(app: App, id_: str, store: str | None) -> None:
    """Say why: a record, page or entry counts or not, a peer is behind, so much of an item is there, somebody's hours."""
    from fedsync.cli.reasons import explain

    with app.reading() as reading:
        value = explain(reading, app.home(), id_, store)
    app.out.result({"about": id_, **value}, lambda: app.out.say(*value["lines"]))
