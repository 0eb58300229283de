"""`fedsync bodies`: who this community is, who keeps its book, and how that changes."""

import click

from fedsync.cli.app import App, common, group
from fedsync.cli.books.certificates import audit, certificate, check
from fedsync.cli.books.following import follow, list_, unfollow
from fedsync.cli.books.founding import found
from fedsync.cli.books.membership import consent, epoch, join, leave
from fedsync.cli.books.mending import repair
from fedsync.cli.books.settling import settle


@group
def bodies() -> None:
    """Found bodies and show them; keep their records; join and leave them; change who sits in them; repair their books."""


for command in (
    list_,
    follow,
    unfollow,
    found,
    epoch,
    consent,
    join,
    leave,
    repair,
    settle,
    certificate,
    check,
    audit,
):
    bodies.add_command(command)


@bodies.command()
@click.argument("name", required=False)
@click.option(
    "--tree", is_flag=True, help="All bodies that are known here, each below those that it sits in."
)
@common
def show(app: App, name: str | None, tree: bool) -> None:
    """Show our own community, or the body called NAME; 'all' shows all."""
    from fedsync.cli.books import bodyview
    from fedsync.errors import usage

    if tree and name not in (None, "all"):
        raise usage("The tree shows all bodies.", "Leave out NAME, or --tree.")
    every = name == "all" or tree
    with app.reading() as reading:
        found = reading.store.followed.all() if every else [reading.body(name) if name else reading.own()]
        rows = [bodyview.row(reading, body) for body in found]
    said = bodyview.tree(rows) if tree else [line for row in rows for line in bodyview.lines(row)]
    app.out.result({**(rows[0] if not every else {}), "bodies": rows}, lambda: app.out.say(*said))
