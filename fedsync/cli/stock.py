"""`fedsync stock`: what lies where, and what happened to it."""

from typing import Any

import click

from fedsync.cli.app import App, common, group
from fedsync.cli.lending import book, bookings, keep, lend, loans, return_, things, unbook
from fedsync.cli.shortages import shortages
from fedsync.cli.stockfiles import export, import_
from fedsync.cli.stockplans import COMMANDS as PLANS
from fedsync.cli.stocktransfers import transfer
from fedsync.cli.stockunits import unit
from fedsync.cli.stockwrite import add, correct, count, lose, move, use


@group
def stock() -> None:
    """See and record what lies in the community's stores."""


for command in (add, use, count, move, lose, correct):
    stock.add_command(command)
for plan in PLANS:
    stock.add_command(plan)
stock.add_command(unit)
for each in (lend, return_, loans, things, keep, book, unbook, bookings):
    stock.add_command(each)
stock.add_command(transfer)
stock.add_command(shortages)
stock.add_command(export)
stock.add_command(import_)


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
            "local": level.local,
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
                    (f"{names[level.scope]}: {level.store}" if foreign else level.store)
                    + (" (only here)" if level.local else ""),
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
