"""`fedsync bodies epoch`, `consent`, `join`, `leave`: who sits in a body, and by which rules it decides."""

from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, signing
from fedsync.cli.books import entering
from fedsync.cli.books.founding import COOLING, LONGEST, RULE, WITNESS

if TYPE_CHECKING:
    from fedsync.reading import Reading
    from fedsync.records.ids import PageId
    from fedsync.store.peers import FollowedBody


@click.command()
@click.option("--body", metavar="NAME", help="Whose seats; default: our own community's.")
@click.option(
    "--add",
    multiple=True,
    metavar="TELLER",
    help="Give this person a seat; NAME=LINE for a key made elsewhere: see fedsync people keys --show.",
)
@click.option("--drop", multiple=True, metavar="TELLER", help="Take this person's seat.")
@click.option("--add-body", "add_bodies", multiple=True, metavar="BODY", help="Give this body a seat.")
@click.option("--drop-body", "drop_bodies", multiple=True, metavar="BODY", help="Take this body's seat.")
@click.option(
    "--node", "lent", multiple=True, metavar="MEMBER=COMMUNITY", help="Whose node seals for a new member."
)
@click.option(
    "--add-node", "add_nodes", multiple=True, metavar="COMMUNITY", help="Let its node, as it is now, seal."
)
@click.option(
    "--drop-node", "drop_nodes", multiple=True, metavar="COMMUNITY", help="Its node seals no longer."
)
@click.option("--threshold", type=int, metavar="K", help="How many must sign from then on.")
@click.option("--seals", type=int, metavar="W", help="How many must seal from then on.")
@WITNESS
@RULE
@LONGEST
@COOLING
@click.option("--from", "proposal", metavar="PAGE", help="Draft a proposal again, with the consents to it.")
@click.option("--as", "name", required=True, metavar="NAME", help="Who drafts it.")
@common
@signing
def epoch(app: App, body: str | None, proposal: str | None, name: str, **asked: Any) -> None:
    """Draft a page that changes who has a seat. It takes effect when the present seats have signed it.

    A body of bodies needs the consent of its new seats: what is drafted is a proposal, and each of them says in its
    own book that it consents; then the page is drafted with --from.
    """
    from fedsync.acts.books import membership
    from fedsync.acts.books.minutes import find_page
    from fedsync.errors import usage

    changes = [f"--{word.replace('_', '-')}" for word, value in asked.items() if value]
    if proposal is not None:
        if changes:
            raise usage("A proposal is drafted again as it is.", f"Leave out {', '.join(changes)}.")
        app.before_signing(f"{name} drafts the page that makes the proposal {proposal} good.")
        author = app.author(name)
        with app.reading() as reading, app.door() as door:
            page, number = membership.final_change(author, reading, door, find_page(reading, proposal))
        entering.drafted(app, page, number)
        return
    if not changes and asked["threshold"] is None and asked["seals"] is None:
        raise usage(
            "Say what should change.", "Add --add TELLER, --add-body BODY, --threshold K: see --help."
        )
    app.before_signing(f"{name} drafts a page that says: {'; '.join(_said(asked))}.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        whose = entering.body_of(reading, body)
        page, number = _change(app, author, reading, door, whose, asked)
    _tell_change(app, page, number)


def _change(
    app: App, author: Any, reading: "Reading", door: Any, body: "FollowedBody", asked: dict[str, Any]
) -> "tuple[PageId, int]":
    from dataclasses import replace

    from fedsync.acts.books import membership, seats
    from fedsync.cli.books.founding import rotation_of, rule_of, witness_of
    from fedsync.crdt.books.booktables import known
    from fedsync.crdt.books.reform import Change

    here = known(reading.view, body.body)
    more = Change(
        w=asked["seals"],
        witness=witness_of(reading, asked["witness"], here.level if here is not None else None),
        voting=rule_of(asked["rule"]),
        rotation=rotation_of(asked["longest"], asked["cooling"]),
    )
    if body.source == "own":
        from fedsync.errors import usage

        if asked["add_bodies"] or asked["drop_bodies"] or asked["lent"]:
            raise usage("A community's seats are people.", "Name the body that it is about: --body NAME.")
        wish = membership.Wish(add_nodes=asked["add_nodes"], drop_nodes=asked["drop_nodes"])
        if asked["add_nodes"] or asked["drop_nodes"]:
            nodes, _ = membership.change_of(reading, body, wish)
            more = replace(more, add_nodes=nodes.add_nodes, drop_nodes=nodes.drop_nodes)
        return seats.change_epoch(
            author, reading, door, asked["add"], asked["drop"], asked["threshold"],
            lambda who: app.passphrase(who, confirm=True), more,
        )  # fmt: skip
    wish = membership.Wish(
        add=asked["add"],
        drop=asked["drop"],
        add_bodies=asked["add_bodies"],
        drop_bodies=asked["drop_bodies"],
        add_nodes=asked["add_nodes"],
        drop_nodes=asked["drop_nodes"],
        lent=_lent(asked["lent"]),
        change=replace(more, k=asked["threshold"]),
    )
    return membership.propose_change(author, reading, door, body, wish)


def _lent(words: tuple[str, ...]) -> dict[str, str]:
    from fedsync.errors import usage

    found = {}
    for each in words:
        member, equals, community = each.partition("=")
        if not equals:
            raise usage(f"{each} does not say whose node seals for whom.", "Write --node MEMBER=COMMUNITY.")
        found[member.strip()] = community.strip()
    return found


def _said(asked: dict[str, Any]) -> list[str]:
    said = [f"a seat for {each}" for each in (*asked["add"], *asked["add_bodies"])]
    said += [f"no seat for {each} any more" for each in (*asked["drop"], *asked["drop_bodies"])]
    said += [f"the node of {each} seals" for each in asked["add_nodes"]]
    said += [f"the node of {each} seals no longer" for each in asked["drop_nodes"]]
    said += [f"{asked['threshold']} must sign"] if asked["threshold"] is not None else []
    said += [f"{asked['seals']} must seal"] if asked["seals"] is not None else []
    said += [f"{asked['witness']} witnesses"] if asked["witness"] else []
    said += [f"votes by {asked['rule']}"] if asked["rule"] else []
    said += [f"terms of {asked['longest']} days at most"] if asked["longest"] else []
    return said


def _tell_change(app: App, page: "PageId", number: int) -> None:
    """Say what was drafted: a page to sign, or a proposal to consent to; and what the new numbers bear."""
    from fedsync.cli.telling import short
    from fedsync.crdt.books.bearing import sentences
    from fedsync.crdt.books.booktables import known, page_row
    from fedsync.crdt.books.consents import why_consents
    from fedsync.crdt.books.epoch import epoch_on
    from fedsync.crdt.books.naming import Naming

    with app.reading() as reading:
        consents = why_consents(reading.view, page, Naming(reading.view, book=reading.name_of).body)
        held, here = page_row(reading.view, page), known(reading.view, page)
        assert held is not None
        assert here is not None
        new = epoch_on(held.payload, here.scope, here.level)
    assert new is not None
    numbers = new.numbers
    value = {
        "page": page.hex(),
        "id": page.hex(),
        "number": number,
        "threshold": numbers.k,
        "seats": numbers.n,
        "seals": numbers.w,
        "sealers": numbers.m,
        "proposal": consents is not None,
        "missing": list(consents.missing) if consents is not None else [],
    }
    if consents is None:
        lines = [
            f"Page {number} is drafted ({short(page)}); it takes effect when the tellers have signed it.",
            *sentences(numbers)[:1],
            f"Next: fedsync book sign {short(page)} --as NAME",
        ]
    else:
        lines = [
            f"Proposed ({short(page)}): {new.k} of its {numbers.n} bodies must consent, each by its own book.",
            *sentences(numbers)[:1],
            f"Next, in each of {', '.join(consents.missing)}: fedsync bodies consent {short(page)} --as NAME",
        ]
    app.out.result(value, lambda: app.out.say(*lines))


@click.command()
@click.argument("page")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def consent(app: App, page: str, body: str | None, later: bool, name: str) -> None:
    """Draft a page that says that we consent to the change proposed on PAGE of a body that we sit in."""
    from fedsync.acts.books import membership
    from fedsync.acts.books.minutes import find_page
    from fedsync.cli.books.entries import describe
    from fedsync.crdt.books.booktables import known, page_row
    from fedsync.crdt.books.epoch import read_page

    with app.reading() as reading:
        found = find_page(reading, page)
        entry = membership.consent(reading, entering.body_of(reading, body), found)
        held, here = page_row(reading.view, found), known(reading.view, found)
        assert held is not None
        assert here is not None
        new = read_page(held.payload).epoch
        assert new is not None
        said = [
            f"We consent to the rules of {reading.name_of(here.scope)} proposed on page {found.hex()[:8]}:",
            *describe(reading, here.scope, new[1])["lines"],
        ]
    entering.enter(app, name, body, [entry], later, said, {"proposal": found.hex()})


@click.command()
@click.argument("into", metavar="BODY")
@click.option("--node", metavar="COMMUNITY", help="Whose node seals for us there; default: our own.")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def join(app: App, into: str, node: str | None, body: str | None, later: bool, name: str) -> None:
    """Draft a page of our own book that says that we sit in BODY. Its book says so too: see bodies epoch."""
    from fedsync.acts.books import membership

    with app.reading() as reading, app.door() as door:
        whose, there = entering.body_of(reading, body), reading.body(into)
        entry = membership.join(reading, whose, there, reading.body(node) if node else None)
        title = reading.name_of(there.scope)
        # What our own people joined goes before what a peer announced.
        door.call("follow", scope=there.scope.hex(), body=there.body.hex(), name=there.name or title)
    said = [f"{title} ({there.body.hex()[:8]}): we sit in it, and a node seals for us there."]
    entering.enter(app, name, body, [entry], later, said)


@click.command()
@click.argument("from_", metavar="BODY")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def leave(app: App, from_: str, body: str | None, later: bool, name: str) -> None:
    """Draft a page of our own book that says that we leave BODY. Our book alone is enough: our delegates there are out.

    Our seat stays empty until a page of that body's book takes it away.
    """
    from fedsync.acts.books import membership

    with app.reading() as reading:
        whose, there = entering.body_of(reading, body), reading.body(from_)
        entry = membership.leave(reading, whose, there)
        said = [f"We leave {reading.name_of(there.scope)}; nobody speaks for us there any more."]
    entering.enter(app, name, body, [entry], later, said)
