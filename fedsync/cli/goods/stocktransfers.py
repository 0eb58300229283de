"""`fedsync stock transfer`: goods on their way, from the pre-alert to the last gram."""

from collections.abc import Callable
from typing import Any

import click

from fedsync.cli.app import App, common, group, signing

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
NOTE = click.option("--note", default="", help="A word on it.")
BODY = click.option(
    "--body",
    metavar="NAME",
    help="Whose record it is; of another community under a mandate of theirs. Default: our own.",
)
LINE = click.option(
    "--line",
    "lines",
    multiple=True,
    metavar='"ITEM QTY UNIT [LOT]"',
    help="How much of what; several times for several things.",
)
OUR_STORE = click.option("--store", metavar="S", help="Which of our stores.")
AT = click.option("--at", metavar="TIME", help="When it happened (default: now), such as 2026-05-12T14:30.")


@group
def transfer() -> None:
    """Goods on their way: announce them; record what left, arrived, came back or was lost; settle what is missing."""


@transfer.command()
@click.option("--to", "receiver", metavar="BODY", help="Who receives it from us.")
@click.option("--from", "provider", metavar="BODY", help="Who gives it to us.")
@click.option("--outside", is_flag=True, help="BODY keeps no records with fedsync: a household, a farmer.")
@click.option(
    "--line",
    "lines",
    multiple=True,
    metavar='"ITEM QTY UNIT [LOT]"',
    help="How much of what; several times for several things. Default: what is promised.",
)
@click.option("--for", "promise", metavar="PROMISE", help="The promise that it keeps.")
@click.option(
    "--carrier",
    metavar="NAME",
    help="Who carries it; PERSON@COMMUNITY, if they record losses in their own books.",
)
@click.option("--store", metavar="S", help="The store that it leaves.")
@click.option("--to-store", metavar="S", help="The store that it goes to.")
@click.option("--due", metavar="DAY", help="When it should have arrived.")
@click.option("--local", is_flag=True, help="It never leaves our own nodes: what goes to households.")
@NOTE
@BODY
@AS
@common
@signing
def new(app: App, **said: Any) -> None:
    """Announce a transfer, before anything moves: the other side sees what will come."""
    from fedsync.cli.goods.transferring import announce_said

    announce_said(app, **said)


@transfer.command()
@click.argument("asked", metavar="TRANSFER")
@NOTE
@BODY
@AS
@common
@signing
def cancel(app: App, **said: Any) -> None:
    """Say that what we announced will not come. What has already left is recorded as what became of it."""
    from fedsync.cli.goods.transferring import cancel_said

    cancel_said(app, **said)


def _step(word: str, help_: str, *options: Callable[[Any], Any]) -> click.Command:
    """Make a command that records one step of a transfer."""

    def run(app: App, **said: Any) -> None:
        from fedsync.cli.goods.transferring import record_said

        record_said(app, word, **said)

    run.__name__, run.__doc__ = word, help_
    command: Any = common(signing(run))
    for option in (AS, BODY, NOTE, AT, *reversed(options)):
        command = option(command)
    return transfer.command(word)(click.argument("asked", metavar="TRANSFER")(command))


_step(
    "pickup",
    "Record that it left our store. Without --line: all that was announced and has not left.",
    LINE,
    OUR_STORE,
)
_step(
    "dropoff", "Record that it arrived in our store. Without --line: all that is on its way.", LINE, OUR_STORE
)
_step(
    "return",
    "Record what came back to our store; for who received it: what is sent back from there.",
    LINE,
    OUR_STORE,
)
_step(
    "lose",
    "Record what was lost on the way, and why. Say what with --line, or --all for all that is on its way.",
    LINE,
    click.option("--all", "every", is_flag=True, help="All that is on its way."),
    click.option(
        "--reason", required=True, metavar="WHY", help="damaged, spoiled, lost, stolen, cold chain ..."
    ),
)


@transfer.command()
@click.argument("asked", metavar="TRANSFER")
@LINE
@click.option(
    "--reason",
    metavar="WHY",
    help="lost, stolen, miscounted, unknown ...; default: what the other side says.",
)
@BODY
@AS
@common
@signing
def settle(app: App, **said: Any) -> None:
    """Say what is missing for good. Once the other side says the very same, it is settled.

    Without --line: what the other side says is missing, or else all that is still on its way.
    """
    from fedsync.cli.goods.transferring import settle_said

    settle_said(app, **said)


@transfer.command("list")
@click.option("--open", "open_", is_flag=True, help="Only those of which something is left to do.")
@click.option(
    "--body", metavar="NAME", help="Those that this body gives or receives; default: all that is known here."
)
@common
def list_(app: App, open_: bool, body: str | None) -> None:
    """List transfers, ours first."""
    from fedsync.cli.goods.transferwords import Goods, overdue, party, row, what
    from fedsync.cli.telling import day, short
    from fedsync.crdt.goods.transit import all_transfers
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        own = reading.own().scope
        asked = None if body is None else reading.body(body).scope
        goods = Goods(reading)
        ways = [
            way
            for way in all_transfers(reading.view)
            if not (open_ and way.stage.over)
            and (asked is None or (way.manifest is not None and asked in way.manifest.parties))
        ]
        ways.sort(key=lambda way: (way.manifest is None or own not in way.manifest.parties, way.stage.over))
        rows = [row(reading, goods, way, now) for way in ways]
        cells = [
            [
                short(way.id),
                "?" if way.manifest is None else party(reading, way.manifest.provider),
                "?" if way.manifest is None else party(reading, way.manifest.receiver),
                what(goods, way),
                ("not announced yet, " if way.manifest is None else "") + way.stage.value,
                ""
                if way.manifest is None or way.manifest.due is None
                else day(way.manifest.due) + (" OVERDUE" if overdue(way, now) else ""),
            ]
            for way in ways
        ]
    app.out.result(
        {"transfers": rows},
        lambda: (
            app.out.table(["ID", "FROM", "TO", "WHAT", "STATUS", "DUE"], cells)
            if cells
            else app.out.say("No goods are on their way.")
        ),
    )


@transfer.command()
@click.argument("asked", metavar="TRANSFER")
@common
def show(app: App, asked: str) -> None:
    """Show one transfer: of each thing, where all of it is."""
    from fedsync.cli.goods.transferring import the_transfer
    from fedsync.cli.goods.transferwords import Goods, head, next_step, row, why_lines
    from fedsync.reading import now_ms

    now = now_ms()
    with app.reading() as reading:
        way = the_transfer(reading, asked)
        goods = Goods(reading)
        value = row(reading, goods, way, now)
        step = next_step(way, reading.own().scope)
        lines = [head(reading, goods, way, now), *(f"  {each}" for each in why_lines(reading, goods, way))]
    app.out.result(
        {**value, "next": step}, lambda: app.out.say(*lines, *([f"Next: {step}"] if step is not None else []))
    )
