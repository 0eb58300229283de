"""`fedsync stock`: what lies where, and what happened to it."""

from pathlib import Path
from typing import Any

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.cli.stocktransfers import transfer
from fedsync.cli.stockunits import unit
from fedsync.cli.stockwrite import AS, add, correct, count, lose, move, use


@group
def stock() -> None:
    """See and record what lies in the community's stores."""


for command in (add, use, count, move, lose, correct):
    stock.add_command(command)
stock.add_command(unit)
stock.add_command(transfer)


@stock.command("list")
@click.option("--store", metavar="S", help="This store only.")
@click.option(
    "--body", metavar="NAME", help="This community's stores only; default: everybody's, ours first."
)
@common
def list_(app: App, store: str | None, body: str | None) -> None:
    """List what lies in the stores."""
    from fedsync import units
    from fedsync.cli.telling import day, rfc3339
    from fedsync.crdt.levels import TABLES, levels
    from fedsync.errors import not_found

    with app.glance(*TABLES) as look:
        own = look.own().scope
        scope = None if body is None or body == "all" else look.body(body).scope
        # Our own first; what lies elsewhere is there to be seen, too.
        found = sorted(levels(look.view, scope), key=lambda level: level.scope != own)
        names = {each: look.name_of(each) for each in {level.scope for level in found}}
    if store is not None:
        stores = {level.store for level in found}
        found = [level for level in found if level.store.casefold() == store.casefold()]
        if not found:
            raise not_found("store", store, f"Stores: {', '.join(sorted(stores)) or 'none yet'}.")
    rows: list[dict[str, Any]] = [
        {
            "body": names[level.scope],
            "store": level.store,
            "item": level.item,
            "on_hand": {"quantity": level.on_hand, "unit": level.unit},
            "unexplained": None
            if level.unexplained is None
            else {"quantity": level.unexplained, "unit": level.unit},
            "last_count": rfc3339(level.last_count),
            "contested": level.contested,
        }
        for level in found
    ]
    foreign = any(level.scope != own for level in found)
    app.out.result(
        {"stock": rows},
        lambda: app.out.table(
            ["STORE", "ITEM", "ON HAND", "UNEXPLAINED", "LAST COUNT"],
            [
                [
                    f"{names[level.scope]}: {level.store}" if foreign else level.store,
                    level.item,
                    units.show(level.on_hand, level.unit)
                    + (" (below zero: count it)" if level.on_hand < 0 else ""),
                    "" if level.unexplained is None else units.show(level.unexplained, level.unit),
                    ("never" if level.last_count is None else day(level.last_count))
                    + (" CONTESTED" if level.contested else ""),
                ]
                for level in found
            ],
            right=["ON HAND", "UNEXPLAINED"],
        ),
    )


@stock.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--columns", "map_file", required=True, type=click.Path(path_type=Path), metavar="MAP.toml")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--again", is_flag=True, help="Also when the very same movements were recorded before.")
@AS
@common
@signing
def import_(app: App, file: Path, map_file: Path, dry_run: bool, again: bool, name: str) -> None:
    """Record the movements in a CSV file: all of them, or none.

    MAP.toml says what the file's columns hold, for example:

    \b
    [columns]                # our word = the file's column
    item = "product"
    quantity = "doses"
    at = "date"
    action = "what"
    [defaults]               # where a column is missing, or a cell empty
    unit = "doses"
    store = "Fridge"
    [actions]                # the file's word = ours; two: above zero, below zero
    received = ["raise", "lower"]
    given = "consume"
    """
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods import made_names, record_lines
    from fedsync.acts.importing import MAX_SHOWN, WrongLines, as_json, digest, read_lines, read_map

    lines, wrong = read_lines(file, read_map(map_file), now_ms())
    if dry_run:
        by_action: dict[str, int] = {}
        for line in lines:
            by_action[line.action] = by_action.get(line.action, 0) + 1
        app.out.result(
            {
                "lines": len(lines),
                "actions": by_action,
                "stores": sorted({line.store for line in lines}),
                "items": sorted({line.item for line in lines}),
                "wrong": as_json(wrong),
            },
            lambda: app.out.say(
                f"{len(lines)} lines {'are right' if wrong else 'would be written'}: "
                + ", ".join(f"{number} {action}" for action, number in sorted(by_action.items())),
                *(f"  line {each.number}, {each.field}: {each.reason}" for each in wrong[:MAX_SHOWN]),
                *([f"{len(wrong)} lines are wrong, so nothing would be written."] if wrong else []),
            ),
        )
        return
    if wrong:
        raise WrongLines(file, wrong)
    app.before_signing(f"{name} signs the {len(lines):,} movements in {file}.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        once = None if again else digest(lines)
        blocks = record_lines(author, reading, door, lines, once) if lines else []
    made = made_names(blocks)
    app.out.result(
        {"imported": len(lines), "made": made, "wrong": []},
        lambda: app.out.say(*(f"New: {each}" for each in made), f"{len(lines)} movements recorded."),
    )
