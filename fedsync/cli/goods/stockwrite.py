"""`fedsync stock add`, `use`, `move`, `lose`, `count`, `correct`: what people record of their stores."""

from collections.abc import Callable
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fedsync.cli.app import App, common, signing
from fedsync.cli.goods.quantities import Quantities
from fedsync.errors import usage

if TYPE_CHECKING:
    from fedsync.acts.goods.recording import Line
    from fedsync.localunits import Measured
    from fedsync.reading import Reading

F = TypeVar("F", bound=Callable[..., Any])

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
STORE = click.option("--store", required=True, metavar="S", help="Where it lies; made at first use.")
AT = click.option("--at", metavar="TIME", help="When it happened (default: now), such as 2026-05-12T14:30.")
NOTE = click.option("--note", default="", help="A word on it.")
LOT = click.option("--lot", metavar="CODE", help="The lot, as it stands on the goods.")
EXPIRES = click.option("--expires", metavar="DATE", help="Until when the lot is good.")
PLACE = click.option(
    "--place",
    metavar="P",
    help="Whose bowls and sacks are meant (default: those of a place named like the store).",
)
FACTOR = click.option("--factor", metavar="ID", help="Which local unit is meant, where several are.")
CORRECTS = click.option(
    "--correct", "corrects", metavar="RECORD", help="It stands in place of this movement."
)

LOCAL = click.option(
    "--local",
    is_flag=True,
    help="Kept on our own nodes, never sent, and added up apart from what others see.",
)

BODY = click.option(
    "--body",
    metavar="NAME",
    help="Whose store; of another community under a mandate of theirs. Default: our own.",
)


def _goods(command: F) -> F:
    for option in (LOCAL, BODY, NOTE, EXPIRES, LOT, FACTOR, PLACE, AT):
        command = option(command)
    for name in ("unit", "quantity", "item"):
        command = click.argument(name)(command)
    return command


@click.command(cls=Quantities)
@_goods
@STORE
@click.option("--to", default="", metavar="S", help="The second store, for actions that have two.")
@click.option("--action", default="raise", show_default=True, help="The ValueFlows action.")
@CORRECTS
@AS
@common
@signing
def add(app: App, **said: Any) -> None:
    """Record that something came into a store."""
    _record(app, **said)


@click.command(cls=Quantities)
@_goods
@STORE
@click.option("--to", default="", metavar="S", help="The second store, for actions that have two.")
@click.option("--action", default="consume", show_default=True, help="The ValueFlows action.")
@CORRECTS
@AS
@common
@signing
def use(app: App, **said: Any) -> None:
    """Record that something was taken from a store."""
    _record(app, **said)


@click.command(cls=Quantities)
@_goods
@click.option("--from", "store", required=True, metavar="S", help="Where it lay.")
@click.option("--to", required=True, metavar="S", help="Where it lies now; made at first use.")
@CORRECTS
@AS
@common
@signing
def move(app: App, **said: Any) -> None:
    """Record that something was carried from one of our stores into another."""
    _record(app, action="move", **said)


@click.command(cls=Quantities)
@_goods
@STORE
@click.option("--reason", required=True, help="Why: spoiled, stolen, expired, ...")
@CORRECTS
@AS
@common
@signing
def lose(app: App, **said: Any) -> None:
    """Record that something is gone, and why."""
    if not said["reason"].strip():
        raise usage("It is not said why it is gone.", "Add --reason spoiled, stolen, lost, unknown ...")
    _record(app, action="lower", **said)


@click.command(cls=Quantities)
@_goods
@STORE
@click.option(
    "--include",
    multiple=True,
    metavar="RECORD",
    help="A movement that happened before this count, whatever its time.",
)
@click.option("--exclude", multiple=True, metavar="RECORD", help="One that happened after it.")
@AS
@common
@signing
def count(app: App, include: tuple[str, ...], exclude: tuple[str, ...], **said: Any) -> None:
    """Record what was found when somebody counted."""
    _record(app, action="count", include=include, exclude=exclude, **said)


@click.command(cls=Quantities)
@click.argument("record")
@click.argument("quantity", required=False)
@click.argument("unit", required=False)
@click.option("--at", metavar="TIME", help="When it happened.")
@click.option("--store", metavar="S", help="Where it was.")
@click.option("--to", metavar="S", help="Where it went, if it went into another store.")
@click.option("--lot", metavar="CODE", help="Of which lot it was.")
@click.option("--reason", help="Why it is gone.")
@click.option("--note", help="A word on it.")
@PLACE
@FACTOR
@AS
@common
@signing
def correct(app: App, record: str, quantity: str | None, unit: str | None, name: str, **said: Any) -> None:
    """Put a movement right: another stands in its place, with what you say here changed.

    0 of its unit says that it never happened.
    """
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.correcting import Change, check_movement, item_of, standing
    from fedsync.acts.goods.correcting import correct as write
    from fedsync.acts.goods.measuring import resolve
    from fedsync.cli.records import find, says
    from fedsync.cli.telling import parse_time

    place, factor = said.pop("place"), said.pop("factor")
    if quantity is not None and unit is None:
        raise usage("A quantity has a unit.", "Type: fedsync stock correct RECORD QTY UNIT --as NAME")
    with app.reading() as reading:
        old = standing(reading, find(reading, record))
        check_movement(reading, old)
        at = None if said["at"] is None else parse_time(said.pop("at"), now_ms())
        said.pop("at", None)
        change = Change(at=at, **said)
        if quantity is not None and unit is not None:
            item, _ = item_of(reading, old)
            found = resolve(reading, item, quantity, unit, place or said["store"], factor)
            amount = found.rounded(f"{quantity} {unit}")
            change = Change(amount, found.unit, found.stated, at=at, **said)
        app.before_signing(f"{name} puts right: {says(reading, old)}.")
        author = app.author(name)
        with app.door() as door:
            blocks = write(author, reading, door, old, change)
        new = blocks[-1].record(blocks[-1].count - 1)
        words = says(reading, new)
        was = says(reading, old)
    app.out.result(
        {"id": new.id.hex(), "corrects": old.id.hex()},
        lambda: app.out.say(f"{words}; was: {was}"),
    )


def _line(
    reading: "Reading",
    now: int,
    amount: int,
    measured: "Measured",
    action: str,
    item: str,
    store: str,
    at: str | None,
    note: str,
    lot: str | None,
    expires: str | None,
    to: str = "",
    reason: str = "",
    corrects: str | None = None,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
) -> "Line":
    from fedsync.acts.goods.correcting import check_fact, check_movement, standing
    from fedsync.acts.goods.recording import COUNT, Line, LotNamed, check_line, check_moved
    from fedsync.cli.records import find
    from fedsync.cli.telling import good_until, parse_time

    if expires is not None and lot is None:
        raise usage("A lot expires, and none is named.", "Add --lot CODE.")
    line = Line(
        action,
        item,
        amount,
        measured.unit,
        store,
        parse_time(at, now),
        note,
        measured.stated,
        to,
        None if lot is None else LotNamed(lot, None if expires is None else good_until(expires)),
        reason,
        None if corrects is None else check_movement(reading, standing(reading, find(reading, corrects))),
        tuple(check_fact(reading, find(reading, each)) for each in include),
        tuple(check_fact(reading, find(reading, each)) for each in exclude),
    )
    check_line(line, now)
    if action != COUNT:
        check_moved(line)
    return line


def _record(
    app: App,
    name: str,
    action: str,
    quantity: str,
    unit: str,
    place: str | None,
    factor: str | None,
    local: bool,
    body: str | None,
    **said: Any,
) -> None:
    from fedsync import units
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.goodsnames import normal, same
    from fedsync.acts.goods.measuring import resolve
    from fedsync.acts.goods.recording import COUNT, counted_before, made_names, record_lines
    from fedsync.cli.goods.stockrows import good_until_words, lot_of
    from fedsync.crdt.goods.levels import levels

    command = click.get_current_context().info_name
    if action == COUNT and command != COUNT:
        raise usage("A count is no movement.", "Type: fedsync stock count ITEM QTY UNIT --store S --as NAME")
    with app.reading() as reading:
        scope = (reading.body(body) if body is not None else reading.own()).scope
        measured = resolve(reading, said["item"], quantity, unit, place or said["store"], factor, scope)
        amount = measured.rounded(f"{quantity} {unit}")
        line = _line(reading, now_ms(), amount, measured, action, **said)
        words = measured.words(amount)
        to = f" to {line.to}" if line.to else ""
        here = ", for our own nodes only" if local else ""
        app.before_signing(f"{name} signs: {action} {words} of {line.item} in {line.store}{to}{here}.")
        author = app.author(name)
        with app.door() as door:
            blocks = record_lines(author, reading, door, [line], local=local, scope=scope)
        before = counted_before(reading, blocks[-1].record(blocks[-1].count - 1))
        stores = {normal(line.store).casefold(), normal(line.to).casefold()}
        pools = [
            level
            for level in levels(reading.view, scope)
            if level.local == local and same(level.item, line.item) and level.store.casefold() in stores
        ]
    lot = normal(line.lot.code).casefold() if line.lot else ""
    after = [level for level in pools if level.lot.casefold() == lot]
    # Goods that lie there in lots were hardly taken of none.
    lots = [
        f"{each.lot} ({units.show(each.on_hand, each.unit)})"
        for each in pools
        if each.lot and each.on_hand > 0
    ]
    # One code, two days: two lots that are easily taken for one.
    dated = len({(level.store, level.expires) for level in after}) > len({level.store for level in after})
    astray = bool(lots) and not lot and any(each.below_zero for each in after)
    id_ = blocks[-1].tip.hex()
    made = made_names(blocks)
    app.out.result(
        {
            "id": id_,
            "made": made,
            "counted_before": [{"quantity": each, "unit": measured.unit} for each in before],
            "quantity": {"quantity": amount, "unit": measured.unit},
            "stated": None
            if measured.stated is None
            else {
                "quantity": measured.stated.quantity,
                "unit": measured.stated.unit,
                "factor": measured.stated.factor and measured.stated.factor.hex(),
            },
            "on_hand": [{"quantity": level.on_hand, "unit": level.unit} for level in after],
            "local": local,
        },
        lambda: app.out.say(
            *(f"New: {each}" for each in made),
            *([f"{words} of {line.item}"] if measured.stated is not None else []),
            *(
                f"{name} counted {units.show(each, measured.unit)} at this very moment before; this count holds."
                for each in before
            ),
            *(
                f"{level.store}: {units.show(level.on_hand, level.unit)} of {level.item}{lot_of(level)}"
                + (f", {good_until_words(level.expires)}" if dated else "")
                + (" (only here)" if level.local else "")
                for level in after
            ),
            *(
                [f"Several lots are called {after[0].lot}. If it is one, name its day with --expires."]
                if dated
                else []
            ),
            *(
                [
                    f"In lots there lie: {', '.join(lots)}. If it was of one of these, type:",
                    f"  fedsync stock correct {id_[:8]} --lot CODE --as {quote(name)}",
                ]
                if astray
                else []
            ),
        ),
    )
