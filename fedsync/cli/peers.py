"""`invite`, `join`, `peers`: whom this node exchanges with."""

import sys
import time
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, group

if TYPE_CHECKING:
    from fedsync.config import Address

INVITATION_DAYS = 7


@click.command()
@click.argument("name")
@click.option(
    "--address", "addresses", multiple=True, metavar="HOST:PORT", help="Where they reach this node."
)
@click.option("--days", default=INVITATION_DAYS, show_default=True, help="How long it is open.")
@common
def invite(app: App, name: str, addresses: tuple[str, ...], days: int) -> None:
    """Invite another community's node, once. NAME is what you will call it."""
    from fedsync import config, keyring
    from fedsync.acts import inviting
    from fedsync.errors import usage
    from fedsync.gossip.invite import Address
    from fedsync.words import six_words

    if days < 1:
        raise usage("An invitation is open for a day at least.", "Type --days 1 or more.")
    name = keyring.check_name(name)
    home = app.home()
    listen = config.load(home.config).listen
    if listen is None:
        raise usage(
            "This node listens nowhere, so nobody could reach it with an invitation.",
            "Let the other community invite you, and type here: fedsync join CODE",
        )
    said = tuple(_address(each) for each in (addresses or (str(listen),)))
    if not addresses and listen.host in ("0.0.0.0", "::", ""):
        raise usage(
            f"This node listens at {listen}, which says nothing of where others reach it.",
            "Add --address HOST:PORT with the name or number that they can dial.",
        )
    with app.reading() as reading, app.door() as door:
        reachable = [Address(each.host, each.port) for each in said]
        invitation = inviting.invite(home, reading, door, name, reachable, days)
    words = six_words(invitation.secret_of_words())
    app.out.result(
        {"code": invitation.code(), "words": words, "name": name},
        lambda: app.out.say(
            invitation.code(),
            "",
            f"Give this to {name}, and to nobody else; whoever uses it first is taken for them.",
            f"Both screens will show: {' '.join(words)}",
            f"It is open for {days} day{'s' if days > 1 else ''} while this node runs.",
        ),
    )


def _address(text: str) -> "Address":
    from fedsync.config import parse_address
    from fedsync.errors import usage

    try:
        return parse_address(text)
    except ValueError as error:
        raise usage(f"--address {text}: {error}.", "Type one like --address node.example.org:7443.") from None


@click.command()
@click.argument("code")
@click.option(
    "--address", "addresses", multiple=True, metavar="HOST:PORT", help="Where they reach this node."
)
@click.option("--yes", is_flag=True, help="Do not ask whether the six words agree.")
@common
def join(app: App, code: str, addresses: tuple[str, ...], yes: bool) -> None:
    """Use an invitation. CODE is its text, or - to read it from standard input."""
    from fedsync import config
    from fedsync.daemon.joining import join_at_rest, parse
    from fedsync.doors import LocalDoor
    from fedsync.words import six_words

    text = sys.stdin.read() if code == "-" else code
    home = app.home()
    words = six_words(parse(text).secret_of_words())
    app.confirm(yes, f"The other screen should show: {' '.join(words)}")
    settings = config.load(home.config)
    said = [str(_address(each)) for each in addresses]
    if not said and settings.listen is not None and settings.listen.host not in ("0.0.0.0", "::", ""):
        said = [str(settings.listen)]
    with app.door() as door:
        if isinstance(door, LocalDoor):
            import trio

            from fedsync.keyring import load_node_key

            answer = trio.run(join_at_rest, door.node, load_node_key(home), settings.name, text, tuple(said))
        else:
            answer = door.call("join", code=text, addresses=said)
    app.out.result(
        {"words": words, "name": answer["name"], "node": answer["key"]},
        lambda: app.out.say(f"Joined {answer['name']}. Both screens show: {' '.join(words)}"),
    )


@group
def peers() -> None:
    """List and show peers; add, pause or remove them; introduce one to another."""


def _reason(row: dict[str, Any]) -> str:
    """Return why it stands so with a peer, and what it did to be thought ill of."""
    from fedsync.gossip.scores import BAD_WORDS

    ill = f"; it {row['standing']}" if row["score"] <= BAD_WORDS else ""
    return f"{row['reason']}{ill}"


@peers.command("list")
@common
def list_(app: App) -> None:
    """List the peers and how it stands with each."""
    from fedsync.cli.introduced import waiting_introductions
    from fedsync.cli.telling import ago, peer_value, rfc3339
    from fedsync.reading import peers_shown

    home = app.home()
    with app.reading() as reading:
        rows, _ = peers_shown(reading, home)
        waiting = waiting_introductions(reading)
        removed = reading.store.removed.all()
    now = int(time.time() * 1000)

    def show() -> None:
        app.out.table(
            ["PEER", "STATE", "LAST CONTACT", "REASON"],
            [[row["name"], row["state"], ago(row["last_contact"], now), _reason(row)] for row in rows],
        )
        app.out.say(*(f"{each['line']}; {each['next']}" for each in waiting))
        if removed:
            app.out.say(f"Kept out: {', '.join(each.name for each in removed)}; fedsync peers show NAME")

    app.out.result(
        {
            "peers": [peer_value(row) for row in rows],
            "introduced": waiting,
            "removed": [
                {"name": each.name, "key": each.key.hex(), "at": rfc3339(each.at)} for each in removed
            ],
        },
        show,
    )


@peers.command()
@click.argument("name", required=False)
@common
def show(app: App, name: str | None) -> None:
    """Show who let a node in or keeps it out, where it answers and who introduced it. Without NAME: what to tell others of ours."""
    from fedsync.cli import peering

    home = app.home()
    if name is None:
        _show_own(app)
        return
    with app.reading() as reading:
        value = peering.shown(reading, home, name)
    app.out.result(value, lambda: app.out.say(*peering.lines(value)))


def _show_own(app: App) -> None:
    from fedsync.cli import peering

    with app.reading() as reading:
        value = peering.own_shown(reading, app.home())
    app.out.result(value, lambda: app.out.say(*peering.own_lines(value)))


@peers.command()
@click.argument("name")
@click.argument("key", required=False)
@click.option("--address", "addresses", multiple=True, metavar="HOST:PORT", help="Where it answers.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def add(app: App, name: str, key: str | None, addresses: tuple[str, ...], yes: bool) -> None:
    """Exchange with a node whose key you have from its people, or, without KEY, with one that a peer introduced.

    It must add ours too; an invitation does both at once.
    """
    from fedsync import keyring
    from fedsync.cli.peering import own_key
    from fedsync.errors import usage
    from fedsync.staticpeers import KEY_HINT, parse_key

    if key is None:
        _take_in(app, name, addresses, yes)
        return
    name = keyring.check_name(name)
    try:
        found = parse_key(key)
    except ValueError as error:
        raise usage(f"{key}: {error}.", f"{KEY_HINT}.") from None
    if found == own_key(app.home()):
        raise usage("This is the key of this very node.", "Type that of the other one.")
    said = [str(_address(each)) for each in addresses]
    app.confirm(yes, f"This node will exchange with whoever has the key {found.hex()}.")
    with app.door() as door:
        answer = door.call("add_peer", key=found.hex(), name=name, addresses=said)
    app.out.result(
        {"name": answer["name"], "key": found.hex(), "addresses": said},
        lambda: app.out.say(*_other_name(name, answer), _may_connect(answer), *_takes_back(answer)),
    )


def _takes_back(answer: dict[str, Any]) -> list[str]:
    """Return how to undo it: that a key is a wrong one shows only when nobody connects. Not of one that was a peer before."""
    return (
        [] if answer["known"] else [f"Was the key a wrong one? fedsync peers remove {quote(answer['name'])}"]
    )


def _may_connect(answer: dict[str, Any]) -> str:
    return f"{answer['name']} may connect, once it has added this node too."


def _other_name(asked: str, answer: dict[str, Any]) -> list[str]:
    """Return what to say when a node is not called here what the operator called it: the wrong key may have been typed."""
    name = answer["name"]
    if name == asked:
        return []
    if answer["known"]:
        return [f"This is the key of {name}, a peer already; it keeps that name."]
    return [f"{asked} is the name of another node here, so this one is called {name}."]


def _take_in(app: App, name: str, addresses: tuple[str, ...], yes: bool) -> None:
    from fedsync.errors import usage

    if addresses:
        raise usage("An address goes with a key.", "Type: fedsync peers add NAME KEY --address HOST:PORT")
    app.confirm(
        yes, f"This node will exchange with {name}, whom a peer introduced: fedsync peers show {quote(name)}"
    )
    with app.door() as door:
        answer = door.call("take_in", name=name)
    app.out.result(
        {"name": answer["name"], "key": answer["key"], "addresses": answer["addresses"]},
        lambda: app.out.say(_may_connect(answer)),
    )


@peers.command()
@click.argument("one")
@click.argument("other")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def introduce(app: App, one: str, other: str, yes: bool) -> None:
    """Tell two peers of each other: their keys, what we call them and where they answer. Their operators decide."""
    app.confirm(yes, f"{one} and {other} will hear of each other from this node.")
    with app.door() as door:
        answer = door.call("introduce", one=one, other=other)
    app.out.result(
        {"one": answer["one"], "other": answer["other"]},
        lambda: app.out.say(
            f"{answer['one']} and {answer['other']} hear of each other when a link to each stands."
        ),
    )


@peers.command()
@click.argument("name")
@common
def pause(app: App, name: str) -> None:
    """Stop exchanging with a peer until told otherwise."""
    _call(app, "pause_peer", name, paused=True)


@peers.command()
@click.argument("name")
@common
def resume(app: App, name: str) -> None:
    """Exchange with a paused peer again."""
    _call(app, "pause_peer", name, paused=False)


@peers.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def remove(app: App, name: str, yes: bool) -> None:
    """Keep a node out, whoever names or introduces it later, until you add it again. What came from it stays."""
    app.confirm(yes, f"This node will exchange with {name} no more.")
    _call(app, "remove_peer", name)


def _call(app: App, op: str, name: str, **more: object) -> None:
    with app.door() as door:
        answer = door.call(op, name=name, **more)
    app.out.result(
        {"name": answer["name"], "key": answer["key"]}, lambda: app.out.say(f"{answer['name']}: done.")
    )
