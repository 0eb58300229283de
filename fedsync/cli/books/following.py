"""`fedsync bodies follow`, `unfollow`, `list`: how much of each body this node keeps."""

from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common

if TYPE_CHECKING:
    from fedsync.records.ids import Extent, PageId
    from fedsync.store.peers import FollowedBody, LetGo

WORDS = {"book": 1, "world": 2, "all": 3}
"""What people call each extent."""

WHY = {
    "own": "our own",
    "joined": "our people founded or joined it",
    "peer": "a peer was invited as its node",
    "asked": "asked for",
    "kin": "our own book makes it kin",
    "announced": "a peer announced it",
}
"""Why a body is followed."""


def word(extent: "Extent") -> str:
    """Return what people call an extent."""
    return next(name for name, number in WORDS.items() if number == extent)


@click.command("list")
@common
def list_(app: App) -> None:
    """List the bodies whose records this node keeps, how much of each, and why."""
    from fedsync.cli import telling
    from fedsync.crdt.books.kin import has_region, kin

    with app.reading() as reading:
        own = reading.own().body
        related = kin(reading.view, own) if has_region(reading.view, own) else {}
        rows: list[dict[str, Any]] = [
            {
                "name": reading.name_of(each.scope),
                "body": each.body.hex(),
                "tag": each.scope.hex(),
                "extent": word(each.extent),
                "source": each.source,
                # What peers told of first our own book may have made kin since; that holds longer.
                "why": WHY["kin" if each.source == "announced" and each.body in related else each.source],
                "since": telling.rfc3339(each.since),
            }
            for each in reading.bodies.all()
        ]
        gone = [
            {"name": _called(each), "body": each.body.hex(), "tag": each.scope.hex()}
            for each in reading.bodies.let_go()
        ]

    def show() -> None:
        app.out.table(
            ["BODY", "ID", "KEPT", "WHY"],
            [[each["name"], each["body"][:8], each["extent"], each["why"]] for each in rows],
        )
        app.out.say(
            *(f"Let go: {each['name']}; fedsync bodies follow {quote(each['name'])}" for each in gone)
        )

    app.out.result({"bodies": rows, "let_go": gone}, show)


@click.command()
@click.argument("body", metavar="BODY")
@click.option(
    "--extent",
    type=click.Choice(list(WORDS)),
    default="all",
    show_default=True,
    help="book: what carries authority. world: that, and all that it publishes to the world. all: all that it lets us have.",
)
@click.option("--tag", metavar="HEX", help="Its founding tag, if no peer is known to follow it.")
@common
def follow(app: App, body: str, extent: str, tag: str | None) -> None:
    """Keep the records of BODY: the name of one that is kept already, or the whole id of another.

    Once our community sits in a region, its node takes by itself what the region needs, and nothing else that peers
    announce. Whoever wants to look at another body, or to found something with it, asks for it here.
    """
    from fedsync.errors import Exit, Problem
    from fedsync.store.peers import FollowedBody

    held, id_ = _meant(app, body)
    scope = held.scope.hex() if held is not None else _tag(tag)
    before = word(held.extent) if isinstance(held, FollowedBody) else None
    with app.door() as door:
        done = door.call("ask_for", body=id_.hex(), scope=scope, extent=WORDS[extent])
    if not done["followed"]:
        raise Problem(
            "nobody_follows",
            f"No peer of this node is known to follow the body {id_.hex()[:8]}.",
            "Peers that are connected (fedsync peers list) are asked now: type this again in a minute, or add --tag, its founding tag.",
            Exit.NOT_YET,
        )
    value = {"body": id_.hex(), "extent": extent, "before": before}
    app.out.result(value, lambda: app.out.say(f"Kept of {body} from now on: {_in_words(extent)}."))


@click.command()
@click.argument("body", metavar="BODY")
@common
def unfollow(app: App, body: str) -> None:
    """Keep no more records of BODY, whoever announces it. What is here stays on the disk, and counts for nothing."""
    with app.reading() as reading:
        held, name = reading.body(body), reading.name_of(reading.body(body).scope)
    with app.door() as door:
        door.call("unfollow", scope=held.scope.hex())
    app.out.result(
        {"body": held.body.hex()},
        lambda: app.out.say(
            f"Nothing of {name} is kept from now on. To take it back: fedsync bodies follow {quote(name)}"
        ),
    )


def _in_words(extent: str) -> str:
    return {
        "book": "its book, with all that it takes to check it",
        "world": "its book, and all that it publishes to the world",
        "all": "all that it lets us have",
    }[extent]


def _called(gone: "LetGo") -> str:
    return gone.name or gone.body.hex()[:8]


def _meant(app: App, asked: str) -> "tuple[FollowedBody | LetGo | None, PageId]":
    """Return the body that is meant: one that is followed or was let go, or any by its whole id. Raises a Problem (exit 6)."""
    from fedsync.errors import Exit, Problem
    from fedsync.picking import begins, the_one
    from fedsync.records.ids import PageId

    with app.reading() as reading:
        try:
            held = reading.body(asked)
            return held, held.body
        except Problem as problem:
            let_go = reading.bodies.let_go()
            found = [each for each in let_go if _called(each).casefold() == asked.casefold()]
            found = found or [each for each in let_go if begins(asked, each.body.hex())]
            if found:
                gone = the_one("body", asked, found, lambda each: f"{_called(each)} ({each.body.hex()[:8]})")
                return gone, gone.body
            try:
                whole = bytes.fromhex(asked)
            except ValueError:
                whole = b""
            if len(whole) == 32:
                return None, PageId(whole)
            if problem.code != "not_found":
                raise
            raise Problem(
                problem.code,
                f"No body called {asked} is kept here.",
                "Of one that is not kept yet, type the whole id; its own people read it with: fedsync bodies list --json",
                Exit.NOT_FOUND,
            ) from None


def _tag(tag: str | None) -> str | None:
    from fedsync.errors import usage

    if tag is None:
        return None
    try:
        if len(bytes.fromhex(tag)) == 16:
            return tag
    except ValueError:
        pass
    raise usage(
        f"{tag} is no founding tag.",
        "It has 32 digits from 0 to f: fedsync bodies list --json, where it is kept.",
    )
