"""`fedsync stock`: what lies where, and what happened to it."""

import click

from fedsync.cli.app import App, common, group
from fedsync.cli.goods.agreements import agreements
from fedsync.cli.goods.lending import book, bookings, keep, lend, loans, return_, things, unbook
from fedsync.cli.goods.shortages import shortages
from fedsync.cli.goods.stockfiles import export, import_
from fedsync.cli.goods.stocklook import history, show
from fedsync.cli.goods.stockplans import COMMANDS as PLANS
from fedsync.cli.goods.stocktransfers import transfer
from fedsync.cli.goods.stockunits import unit
from fedsync.cli.goods.stockwrite import add, correct, count, lose, move, use


@group
def stock() -> None:
    """See and record what lies in the community's stores."""


for command in (show, history, add, use, count, move, lose, correct):
    stock.add_command(command)
for plan in PLANS:
    stock.add_command(plan)
stock.add_command(agreements)
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
@click.option("--below-zero", is_flag=True, help="Only what cannot be: less than nothing.")
@click.option(
    "--expiring", type=click.IntRange(0), metavar="DAYS", help="Only lots that are good for no longer."
)
@common
def list_(app: App, store: str | None, body: str | None, below_zero: bool, expiring: int | None) -> None:
    """List what lies in the stores."""
    import time

    from fedsync.cli.goods.stockrows import DAY_MS, cells, heads, row
    from fedsync.crdt.goods.levels import TABLES, levels
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
    now = int(time.time() * 1000)
    if below_zero:
        found = [level for level in found if level.below_zero]
    if expiring is not None:
        until = now + expiring * DAY_MS
        found = [
            each for each in found if each.expires is not None and each.expires <= until and each.on_hand
        ]
        found.sort(key=lambda level: level.expires or 0)
    foreign = any(level.scope != own for level in found)
    lots = any(level.lot for level in found)
    app.out.result(
        {"stock": [row(level, names[level.scope]) for level in found]},
        lambda: app.out.table(
            heads(lots),
            [cells(level, names[level.scope] if foreign else "", lots, now) for level in found],
            right=["ON HAND", "UNEXPLAINED"],
            none="Nothing of that lies anywhere."
            if below_zero or expiring is not None
            else "Nothing is recorded yet: fedsync stock add ITEM QTY UNIT --store S --as NAME",
        ),
    )
