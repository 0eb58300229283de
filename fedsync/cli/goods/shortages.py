"""`fedsync stock shortages`: what people may have to do something about."""

from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common

if TYPE_CHECKING:
    from fedsync.cli.goods.transferwords import Goods
    from fedsync.crdt.goods.shortages import Shortage
    from fedsync.reading import Reading

Json = dict[str, Any]

DAY_MS = 86_400_000


@click.command()
@click.option("--body", metavar="NAME", help="Of this body (default: ours); 'all': of everybody known here.")
@click.option(
    "--days",
    type=click.IntRange(0, 36_500),
    default=30,
    show_default=True,
    help="Lots that expire within these.",
)
@common
def shortages(app: App, body: str | None, days: int) -> None:
    """List what is short: stock below zero, needs nobody promised, promises beyond what is there, late transfers, old lots."""
    from fedsync.cli.goods.transferwords import Goods
    from fedsync.crdt.goods.shortages import shortages as found_short
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        scope = None if body == "all" else (reading.body(body) if body else reading.own()).scope
        goods = Goods(reading)
        rows = [_row(reading, goods, each) for each in found_short(reading.view, now, scope, days * DAY_MS)]
    lines: list[str] = []
    for head in dict.fromkeys(row["head"] for row in rows):
        lines.append(head)
        lines += [f"  {row['line']}" for row in rows if row["head"] == head]
    shown = [{name: cell for name, cell in row.items() if name != "head"} for row in rows]
    app.out.result({"shortages": shown}, lambda: app.out.say(*lines or ["Nothing is short."]))


def _row(reading: "Reading", goods: "Goods", found: "Shortage") -> Json:
    """Return a shortage for programs; `head` and `line` are for people."""
    from fedsync.cli.goods import transferwords
    from fedsync.cli.telling import day, rfc3339, short
    from fedsync.crdt.goods.shortages import BelowZero, Expiring, Late, Overpromised, Unmet
    from fedsync.reading import now_ms

    match found:
        case BelowZero(level):
            return {
                "kind": "below_zero",
                "head": "BELOW ZERO",
                "body": reading.name_of(level.scope),
                "store": level.store,
                "item": level.item,
                "quantity": level.on_hand,
                "unit": level.unit,
                "line": f"{_whose(reading, goods, level.scope)}{level.store}: {goods.amount(level.item_id, level.on_hand)} of "
                f"{level.item}. A movement was not recorded, or recorded twice: count it",
            }
        case Unmet():
            left = found.quantity - found.promised
            due = f" by {day(found.due)}" if found.due is not None else ""
            said = (
                f"{goods.amount(found.item, found.promised)} promised"
                if found.promised
                else "nothing promised"
            )
            who = transferwords.party(reading, found.receiver)
            return {
                "kind": "need",
                "head": "NEEDS THAT NOBODY PROMISED",
                "body": reading.name_of(found.scope),
                "need": found.need.hex(),
                "receiver": who,
                "item": goods.item(found.item),
                "quantity": left,
                "unit": goods.unit(found.item),
                "due": rfc3339(found.due),
                "line": f"{who} needs {goods.amount(found.item, found.quantity)} of {goods.item(found.item)}{due}: "
                f"{said}, {goods.amount(found.item, left)} missing ({short(found.need)})",
            }
        case Overpromised():
            return {
                "kind": "promised",
                "head": "PROMISED BEYOND WHAT IS THERE",
                "body": reading.name_of(found.scope),
                "item": goods.item(found.item),
                "promised": found.promised,
                "on_hand": found.on_hand,
                "quantity": found.promised - found.on_hand,
                "unit": goods.unit(found.item),
                "line": f"{reading.name_of(found.scope)} still has to give {goods.amount(found.item, found.promised)} of "
                f"{goods.item(found.item)}, and {goods.amount(found.item, found.on_hand)} lie in its stores",
            }
        case Expiring(level, at):
            over = "expired" if at < now_ms() else "expires"
            return {
                "kind": "expiring",
                "head": "LOTS THAT EXPIRE",
                "body": reading.name_of(level.scope),
                "store": level.store,
                "item": level.item,
                "lot": level.lot,
                "quantity": level.on_hand,
                "unit": level.unit,
                "expires": rfc3339(at),
                "line": f"{_whose(reading, goods, level.scope)}{level.store}: {goods.amount(level.item_id, level.on_hand)} of "
                f"{level.item}, lot {level.lot}, {over} {day(at)}",
            }
        case Late(way):
            row = transferwords.row(reading, goods, way, now_ms())
            return {
                "kind": "late",
                "head": "LATE",
                **row,
                "line": transferwords.head(reading, goods, way, now_ms()),
            }


def _whose(reading: "Reading", goods: "Goods", scope: bytes) -> str:
    return "" if scope == goods.own else f"{reading.name_of(scope)}: "  # type: ignore[arg-type]
