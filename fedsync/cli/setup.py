"""`fedsync init`: make this community's node."""

import click

from fedsync.cli.app import App, common, signing


@click.command()
@click.option("--community", required=True, metavar="NAME", help="What the community is called.")
@click.option("--teller", "tellers", multiple=True, metavar="NAME", help="Who keeps its book; once for each.")
@click.option(
    "--threshold", type=int, metavar="K", help="How many tellers must sign (default: more than half)."
)
@click.option(
    "--listen",
    default="0.0.0.0:7443",
    metavar="HOST:PORT|none",
    help="Where peers connect; port 0: any; none: this node only calls.",
)
@common
@signing
def init(app: App, community: str, tellers: tuple[str, ...], threshold: int | None, listen: str) -> None:
    """Make this community's node: its keys, its book, and the sheet with the repair keys."""
    from fedsync.acts.books.founding import check_numbers, found
    from fedsync.config import NOWHERE, listen_words, parse_address
    from fedsync.errors import usage

    k = threshold if threshold is not None else len(tellers) // 2 + 1
    check_numbers(tellers, k)
    try:
        address = None if listen == NOWHERE else parse_address(listen)
    except ValueError as error:
        raise usage(
            f"--listen {listen}: {error}.", "Type one like --listen 0.0.0.0:7443, port 0 for any free one."
        ) from None
    where = app.path()
    bears = 2 * k - len(tellers) - 1
    app.confirm(
        app.yes,
        f"This makes the node of {community} in {where}.",
        f"{k} of its tellers ({', '.join(tellers)}) must sign what it decides.",
        _bearing(bears),
    )
    made = found(where, community, tellers, k, address, lambda name: app.passphrase(name, confirm=True))
    app.out.result(
        {
            "community": made.community.hex(),
            "node": made.node.hex(),
            "listen": listen_words(made.listen),
            "repair_sheet": str(made.repair_sheet),
            "bears_lying_tellers": bears,
        },
        lambda: app.out.say(
            f"{community} has a node in {where}.",
            f"Print {made.repair_sheet}, keep it away from this machine, and delete the file:",
            "with it the community can mend its book when tellers or their keys are lost.",
            _bearing(bears),
            "Next: fedsync run",
        ),
    )


def _bearing(bears: int) -> str:
    if bears <= 0:
        return "This bears no lying teller: one who signs two rival pages can split the book."
    who = "one lying teller" if bears == 1 else f"{bears} lying tellers"
    return f"This bears {who}: they cannot split the book."
