"""`fedsync people`: who is called what, on which devices their keys lie, and what becomes of lost ones."""

from shlex import quote
from typing import Any

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.cli.books import entering

AS = click.option("--as", "by", required=True, metavar="NAME", help="Who says so.")


@group
def people() -> None:
    """Show people and their keys; add keys, put new ones in the place of old ones, take all from lost ones."""


@people.command("list")
@entering.BODY
@common
def list_people(app: App, body: str | None) -> None:
    """List the people of our community, with how many keys they have and what for."""
    from fedsync.acts.books import people as acts

    with app.reading() as reading:
        rows = _people(reading, acts.held(app.home(), reading, entering.body_of(reading, body).scope))
    app.out.result(
        {"people": rows},
        lambda: app.out.table(
            ["NAME", "SEAT", "SENT TO", "KEYS", "KEPT HERE AS"],
            [
                [
                    row["name"],
                    "yes" if row["seat"] else "",
                    ", ".join(row["mandates"]),
                    len(row["keys"]),
                    ", ".join(each["here"] for each in row["keys"] if each["here"]),
                ]
                for row in rows
            ],
            right=["KEYS"],
        ),
    )


def _people(reading: Any, held: list[Any]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in held:
        row = found.setdefault(
            each.name.casefold(), {"name": each.name, "seat": False, "mandates": [], "keys": []}
        )
        key = _key_row(reading, each)
        row["seat"] |= each.seat
        row["mandates"] = list(dict.fromkeys([*row["mandates"], *key["mandates"]]))
        row["keys"].append(key)
    return list(found.values())


def _key_row(reading: Any, held: Any) -> dict[str, Any]:
    from fedsync.cli.books.entries import naming
    from fedsync.words import key_text

    called = naming(reading)
    return {
        "name": held.name,
        "key": held.key.hex(),
        "text": key_text(held.key),
        "here": held.here,
        "seat": held.seat,
        "mandates": [
            called.body(each.mandate.seat) if each.mandate.seat is not None else each.mandate.task
            for each in held.mandates
        ],
    }


@people.command()
@click.argument("name")
@click.option("--device", metavar="WORD", help="On which device: the key is kept as NAME (WORD).")
@click.option(
    "--key", "line", metavar="LINE", help="One made elsewhere, as people keys --show says it there."
)
@AS
@common
@signing
def add(app: App, name: str, device: str | None, line: str | None, by: str) -> None:
    """Make a key for NAME here, or say that one made on another machine is theirs. It has no seat by that."""
    from fedsync.acts.books import people as acts
    from fedsync.errors import usage

    if line is not None and device is not None:
        raise usage("A key made elsewhere is not kept here.", "Leave --device out, or --key.")
    app.before_signing(f"{by} says: {'this key is of' if line else 'a new key is of'} {name}.")
    author = app.author(by)
    with app.reading() as reading, app.door() as door:
        scope = reading.own().scope
        key, kept = acts.add(
            author, reading, door, scope, name, device, line, lambda who: app.passphrase(who, confirm=True)
        )
    with app.reading() as reading:
        theirs = acts.keys_of(app.home(), reading, scope, name)
    app.out.result(
        {"name": name, "key": key.hex(), "here": kept},
        lambda: app.out.say(
            f"The key {key.hex()[:8]} is {name}'s" + (f", kept here as {kept}." if kept else "."),
            f"For a seat: {_for_a_seat(name, kept, line, any(each.seat for each in theirs))}",
            f"As a steward: fedsync mandates give {quote(name)} --task STORE --may economic_event,count --as NAME",
        ),
    )


def _for_a_seat(name: str, kept: str | None, line: str | None, seated: bool) -> str:
    """Return what to type so that a new key gets a seat: its holder's, which moves, or one of its own."""
    if seated:
        which = f"--kept {quote(kept)}" if kept else f"--key {line}"
        return f"fedsync people rotate {quote(name)} {which} --as NAME"
    return f"fedsync bodies epoch --add {quote(kept or f'{name}={line}')} --as NAME"


@people.command()
@click.argument("name")
@click.option("--body", required=True, metavar="BODY", help="The body that is to give this key a seat.")
@common
@signing
def begin(app: App, name: str, body: str) -> None:
    """Begin to write in another body's book with a key that is kept here, once a page there names it.

    The tellers there sign the page only when they see that somebody has the key.
    """
    from fedsync.acts.books import people as acts

    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        found = reading.body(body)
        called = reading.name_of(found.scope)
        new = acts.begin(author, reading, door, found.scope)
    app.out.result(
        {"name": author.name, "body": called, "new": new},
        lambda: app.out.say(
            f"{author.name} {'writes' if new else 'writes already'} in the book of {called}. When its page is sealed "
            f'sign with: fedsync book sign PAGE --as "{author.name}"'
        ),
    )


@people.command()
@click.argument("name", required=False)
@click.option("--show", is_flag=True, help="The line that another machine needs to name this key's log.")
@entering.BODY
@common
def keys(app: App, name: str | None, show: bool, body: str | None) -> None:
    """List the keys of NAME, or of all: what each is good for, and whether it is kept here."""
    from fedsync.acts.books import people as acts
    from fedsync.words import device_text

    with app.reading() as reading:
        scope = entering.body_of(reading, body).scope
        home = app.home()
        found = acts.keys_of(home, reading, scope, name) if name else acts.held(home, reading, scope)
        rows = [_key_row(reading, each) for each in found]
        incarnation = reading.store.directory.incarnation
    for row in rows:
        row["line"] = device_text(bytes.fromhex(row["key"]), incarnation) if row["here"] else None
    if show:
        lines = [line for row in rows if row["line"] for line in (f"{row['here']}:", f"  {row['line']}")]
        app.out.result({"keys": rows}, lambda: app.out.say(*(lines or ["No such key is kept here."])))
        return
    app.out.result(
        {"keys": rows},
        lambda: app.out.table(
            ["NAME", "KEY", "SEAT", "SENT TO", "KEPT HERE AS"],
            [
                [
                    row["name"],
                    row["key"][:8],
                    "yes" if row["seat"] else "",
                    ", ".join(row["mandates"]),
                    row["here"] or "",
                ]
                for row in rows
            ],
        ),
    )


@people.command()
@click.argument("name")
@click.option(
    "--device", metavar="WORD", help="The new key is kept as NAME (WORD); default: NAME 2, NAME 3 ..."
)
@click.option("--kept", metavar="NAME", help="Not a new key: the one that is kept here under this name.")
@click.option(
    "--key", "line", metavar="LINE", help="One made elsewhere, as people keys --show says it there."
)
@entering.BODY
@AS
@common
@signing
def rotate(
    app: App, name: str, device: str | None, kept: str | None, line: str | None, body: str | None, by: str
) -> None:
    """Draft a page that puts a new key in the place of NAME's: their seat, and the mandates of the body's book."""
    from fedsync.acts.books import people as acts
    from fedsync.errors import usage

    if sum(each is not None for each in (line, device, kept)) > 1:
        raise usage("One key takes the place of another.", "Give one of --key, --device and --kept.")
    app.before_signing(
        f"{by} drafts a page: a new key speaks for {name}; what the old one does from now on does not count."
    )
    author = app.author(by)
    with app.reading() as reading, app.door() as door:
        moved = acts.rotate(
            author,
            reading,
            door,
            entering.body_of(reading, body).scope,
            name,
            device,
            kept,
            line,
            lambda who: app.passphrase(who, confirm=kept is None),
        )
    assert moved.key is not None
    more = {
        "key": moved.key.hex(),
        "here": moved.kept,
        "seats": moved.seats,
        "mandates": _ids(moved.mandates),
    }
    entering.drafted(app, moved.page, moved.number, more)
    if moved.kept:
        app.out.say(f'Once it is sealed {name} signs with: --as "{moved.kept}"')


@people.command()
@click.argument("name")
@click.option(
    "--key", metavar="KEY", help="Only this key of theirs: as people keys shows it, or its beginning."
)
@click.option("--threshold", type=int, metavar="K", help="How many must sign when a seat is gone.")
@entering.BODY
@AS
@common
@signing
def revoke(app: App, name: str, key: str | None, threshold: int | None, body: str | None, by: str) -> None:
    """Draft a page that takes NAME's seat and the mandates that we gave them: for a key that is lost or stolen."""
    from fedsync.acts.books import mandates
    from fedsync.acts.books import people as acts
    from fedsync.cli.books.entries import naming

    with app.reading() as reading:
        scope = entering.body_of(reading, body).scope
        found = acts.keys_of(app.home(), reading, scope, name)
        one = _the_key(found, key) if key is not None else None
        gone = [one] if one is not None else found
        called = naming(reading)
        others = [
            f"{reading.name_of(each.scope)} gave {name} {called.mandate(each.id)}: only its own book ends that."
            for held in gone
            for each in acts.elsewhere(reading, scope, held.key)
        ]
    app.before_signing(f"{by} drafts a page that takes from {name}'s key all that we gave it.", *others)
    author = app.author(by)
    with app.reading() as reading, app.door() as door:
        moved = acts.revoke(
            author, reading, door, scope, name, one.key if one is not None else None, threshold
        )
    more = {"seats": moved.seats, "mandates": [mandates.short(each.id) for each in moved.mandates]}
    entering.drafted(app, moved.page, moved.number, {**more, "elsewhere": others})
    app.out.say(*others)


def _the_key(held: list[Any], asked: str) -> Any:
    from fedsync.picking import begins, the_one
    from fedsync.words import key_text

    found = [
        each
        for each in held
        if begins(asked, each.key.hex()) or asked.lower() in (key_text(each.key), (each.here or "").lower())
    ]
    return the_one("key", asked, found, lambda each: each.key.hex()[:12], "fedsync people keys")


def _ids(mandates: Any) -> list[str]:
    return [f"{each.id[0].hex()}:{each.id[1]}" for each in mandates]
