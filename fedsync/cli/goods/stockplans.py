"""`fedsync stock need`, `offer`, `promise`, `grant`, `release`, `match`, `plans`: what is asked for, given and promised."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from fedsync.cli.app import App, common, signing
from fedsync.cli.goods.quantities import Amounts

F = TypeVar("F", bound=Callable[..., Any])

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
NOTE = click.option("--note", default="", help="A word on it.")
LOCAL = click.option(
    "--local", is_flag=True, help="It never leaves our own nodes: what households need or get."
)
PLACE = click.option("--place", metavar="P", help="Whose bowls and sacks are meant.")
BODY = click.option(
    "--body", metavar="NAME", help="For this body, under a mandate of theirs; default: our own community."
)
UNTIL = click.option("--until", metavar="DAY", help="After this day it is over.")


def _amount(command: F) -> F:
    for name in ("unit", "quantity"):
        command = click.argument(name)(command)
    return command


@click.command(cls=Amounts)
@click.argument("item")
@_amount
@click.option("--for", "receiver", metavar="WHO", help="Who needs it, by name; default: our community.")
@click.option("--due", metavar="DAY", help="When it is needed.")
@UNTIL
@click.option("--use", is_flag=True, help="To use it and give it back.")
@PLACE
@NOTE
@LOCAL
@BODY
@AS
@common
@signing
def need(app: App, **said: Any) -> None:
    """Say that something is needed."""
    from fedsync.cli.goods.planning import state_said

    state_said(app, "need", **said)


@click.command(cls=Amounts)
@click.argument("item")
@_amount
@click.option("--store", metavar="S", help="Where it lies.")
@click.option("--due", metavar="DAY", help="When it can be given.")
@UNTIL
@click.option("--use", is_flag=True, help="To be used and given back.")
@PLACE
@NOTE
@LOCAL
@BODY
@AS
@common
@signing
def offer(app: App, **said: Any) -> None:
    """Offer something. Who offers it can promise all of it, or hand the right to promise some of it to others."""
    from fedsync.cli.goods.planning import state_said

    state_said(app, "offer", **said)


@click.command(cls=Amounts)
@click.argument("offer", metavar="OFFER")
@_amount
@click.option("--to", required=True, metavar="NEED|BODY", help="The need that it serves, or who gets it.")
@click.option(
    "--outside", is_flag=True, help="Who gets it keeps no records with fedsync: a household, a kitchen."
)
@click.option("--due", metavar="DAY", help="When it will be given.")
@UNTIL
@click.option("--under", metavar="AGREEMENT", help="The agreement that it belongs to.")
@PLACE
@NOTE
@click.option("--local", is_flag=True, help="To whom it is promised stays on our own nodes: a household.")
@AS
@common
@signing
def promise(app: App, **said: Any) -> None:
    """Promise something of an offer. More than who signs may promise of it is refused."""
    from fedsync.cli.goods.planning import promise_said

    promise_said(app, **said)


@click.command()
@click.argument("offer", metavar="OFFER")
@click.option("--all", "every", is_flag=True, help="Also what was promised and is over.")
@common
def rights(app: App, offer: str, every: bool) -> None:
    """Show an offer: who may still promise how much of it, and what is promised."""
    from fedsync.cli.goods.planlists import show_rights

    show_rights(app, offer, every)


@click.command(cls=Amounts)
@click.argument("offer", metavar="OFFER")
@_amount
@click.option(
    "--to", metavar="PERSON", help='A teller or steward, of another community as in "Dora@Mill Lane".'
)
@click.option("--back", is_flag=True, help="To who granted it.")
@click.option("--give-up", is_flag=True, help="To nobody: the offer shrinks.")
@click.option("--expires", metavar="DAY", help="After this day what is left may be taken back.")
@AS
@common
@signing
def grant(app: App, **said: Any) -> None:
    """Hand the right to promise some of an offer to somebody, back, or give it up."""
    from fedsync.cli.goods.planning import grant_said

    grant_said(app, **said)


@click.command("take-back", cls=Amounts)
@click.argument("granted", metavar="GRANT")
@click.argument("quantity", required=False)
@click.argument("unit", required=False)
@AS
@common
@signing
def take_back(app: App, **said: Any) -> None:
    """Take back what is left of rights that you granted, once they are over."""
    from fedsync.cli.goods.planning import take_back_said

    take_back_said(app, **said)


@click.command()
@click.argument("asked", metavar="PROMISE")
@click.option("--reason", default="", help="Why.")
@AS
@common
@signing
def release(app: App, **said: Any) -> None:
    """Take back a promise that you gave. What it promised can be promised again."""
    from fedsync.cli.goods.planning import release_said

    release_said(app, **said)


@click.command()
@BODY
@AS
@common
@signing
def hold(app: App, name: str, body: str | None) -> None:
    """Begin the log in which you promise, so that others can hand you rights."""
    from fedsync.cli.goods.planning import hold_said

    hold_said(app, name, body)


@click.command()
@click.option("--body", metavar="NAME", help="Needs of this body only; default: all that are open.")
@common
def match(app: App, body: str | None) -> None:
    """Show what could serve the needs that are open: offers and free stock. It suggests, and gives nothing to anybody."""
    from fedsync.cli.goods.planlists import show_matches

    show_matches(app, body)


@click.command()
@click.option("--needs", "sides", flag_value="need", help="Needs only.")
@click.option("--offers", "sides", flag_value="offer", help="Offers only.")
@click.option("--promises", "sides", flag_value="promise", help="Promises only.")
@click.option("--body", metavar="NAME", help="Of this body only, as giver or receiver.")
@click.option("--all", "every", is_flag=True, help="Also what is over.")
@common
def plans(app: App, sides: str | None, body: str | None, every: bool) -> None:
    """List open needs, offers and promises."""
    from fedsync.cli.goods.planlists import show_plans

    show_plans(app, sides, body, every)


COMMANDS = (need, offer, promise, rights, grant, take_back, release, hold, match, plans)
