"""`fedsync bodies found`: a region, a guild, a syndicate; and what its numbers bear, before anything is written."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, signing

if TYPE_CHECKING:
    from fedsync.acts.books.bodies import Founding
    from fedsync.reading import Reading
    from fedsync.records.ids import PageId, Scope

KINDS = ("region", "world", "syndicate", "guild", "union", "working_group", "community")
RULES = ("majority", "present", "voting", "two_thirds", "consensus", "condorcet", "approval")

RULE = click.option("--rule", type=click.Choice(RULES), help="How it votes unless a motion says otherwise.")
LONGEST = click.option(
    "--longest", type=click.IntRange(1), metavar="DAYS", help="The longest term of a delegate."
)
COOLING = click.option(
    "--cooling",
    type=click.IntRange(0),
    metavar="DAYS",
    help="How long before the same person may serve again.",
)
WITNESS = click.option(
    "--witness", metavar="BODY", help="A body of a higher level: which branch holds, should the book split."
)


@click.command()
@click.argument("name", required=False)
@click.option("--kind", type=click.Choice(KINDS), help="What it is called; the rules are the same for all.")
@click.option("--level", type=click.IntRange(0), metavar="N", help="Default: one above its highest member.")
@click.option("--member", "members", multiple=True, metavar="BODY", help="A body with a seat, once for each.")
@click.option("--seat", "people", multiple=True, metavar="PERSON@COMMUNITY", help="A person with a seat.")
@click.option(
    "--threshold", "k", type=int, metavar="K", help="How many seats must sign; default: more than half."
)
@click.option(
    "--seal-with", type=click.Choice(["nodes", "seats"]), help="Default: nodes for bodies, else seats."
)
@click.option(
    "--node", "lent", multiple=True, metavar="MEMBER=COMMUNITY", help="Whose node seals for a member."
)
@click.option(
    "--seals", "w", type=int, metavar="W", help="How many must seal; default: more than two thirds."
)
@click.option("--answers-to", metavar="BODY", help="The body that creates it.")
@WITNESS
@click.option(
    "--repair-sheet", type=click.Path(path_type=Path), metavar="PATH", help="Write repair keys here."
)
@RULE
@LONGEST
@COOLING
@click.option("--explain", is_flag=True, help="Only say what these numbers bear; nothing is written.")
@click.option("--seats", type=click.IntRange(1), metavar="N", help="To explain: how many seats.")
@click.option("--sealers", type=click.IntRange(1), metavar="M", help="To explain: how many sealers.")
@click.option("--as", "founder", metavar="NAME", help="Who founds it.")
@common
@signing
def found(app: App, name: str | None, **said: Any) -> None:
    """Found a body whose seats are bodies, or people of several communities.

    Without a NAME it only explains numbers: fedsync bodies found --seats 5 --threshold 3 --sealers 4 --seals 3
    """
    from fedsync.errors import usage

    if name is None:
        if said["seats"] is None:
            raise usage(
                "Say what it is called, or how many seats to explain.", "See: fedsync bodies found --help"
            )
        _explain_numbers(app, said)
        return
    if said["seats"] is not None or said["sealers"] is not None:
        raise usage("The seats are counted as they are named.", "Leave out --seats and --sealers.")
    if said["kind"] is None:
        raise usage("Say what kind of body it is.", f"Add --kind {'|'.join(KINDS)}.")
    with app.reading() as reading:
        founding = _founding(reading, name, said)
        who = _who(reading, founding)
    _check(founding.numbers)
    lines = [*who, *_bears(founding.numbers)]
    if said["explain"]:
        app.out.result({**_row(founding.numbers), "explained": lines}, lambda: app.out.say(*lines))
        return
    if said["founder"] is None:
        raise usage("Say who founds it.", "Add --as NAME.")
    _found(app, said["founder"], founding, lines)


def _found(app: App, founder: str, founding: "Founding", lines: list[str]) -> None:
    from fedsync.acts.books.bodies import found_body
    from fedsync.acts.books.minutes import enter
    from fedsync.cli.telling import short

    app.before_signing(f"{founder} founds {founding.name}:", *lines)
    author = app.author(founder)
    with app.reading() as reading, app.door() as door:
        body, scope = found_body(author, reading, door, founding)
        created = None
        if founding.answers_to is not None:
            above = next(each for each in reading.store.followed.all() if each.body == founding.answers_to)
            created, _ = enter(author, reading, door, above.scope, [{"kind": "create", "body": body}])
            whose = reading.name_of(above.scope)
    value = {
        "body": body.hex(),
        "tag": scope.hex(),
        "page": created.hex() if created else None,
        **_row(founding.numbers),
        "explained": lines,
    }
    then = (
        f'fedsync bodies join "{founding.name}" --as NAME, in each member community'
        if founding.members
        else f'fedsync decisions propose --body "{founding.name}" ...'
    )
    app.out.result(
        value,
        lambda: app.out.say(
            f"{founding.name} is being founded ({short(body)}); it is founded when its first page is sealed.",
            *lines,
            *(
                [f"{whose} says on page {short(created)} that it creates it: that waits for signatures."]
                if created
                else []
            ),
            *(
                [f"Print {founding.repair_sheet}, keep it away from this machine, and delete the file."]
                if founding.repair_sheet
                else []
            ),
            f"Next: {then}",
        ),
    )


def _explain_numbers(app: App, said: dict[str, Any]) -> None:
    from fedsync.acts.books.founding import REPAIR_KEYS, REPAIR_THRESHOLD
    from fedsync.crdt.books.bearing import Numbers, usual_k, usual_w

    n = said["seats"]
    m = said["sealers"] or n
    numbers = Numbers(
        n,
        usual_k(n) if said["k"] is None else said["k"],
        m,
        usual_w(m) if said["w"] is None else said["w"],
        *((REPAIR_KEYS, REPAIR_THRESHOLD) if said["repair_sheet"] else (0, 0)),
    )
    _check(numbers)
    lines = _bears(numbers)
    app.out.result({**_row(numbers), "explained": lines}, lambda: app.out.say(*lines))


def _check(numbers: Any) -> None:
    from fedsync.crdt.books.bearing import check
    from fedsync.errors import usage
    from fedsync.records.void import Void

    try:
        check(numbers)
    except Void as void:
        raise usage(
            f"Such a body cannot be: {void.sentence}.",
            "More than half must sign, and more than half must seal.",
        ) from None


def _bears(numbers: Any) -> list[str]:
    from fedsync.crdt.books.bearing import sentences

    return sentences(numbers)


def _row(numbers: Any) -> dict[str, Any]:
    """Return numbers, and what they bear, for programs."""
    return {
        "seats": numbers.n,
        "threshold": numbers.k,
        "sealers": numbers.m,
        "seals": numbers.w,
        "bears": {
            "lying_seats": numbers.lying_seats,
            "lost_seats": numbers.lost_seats,
            "lying_sealers": numbers.lying_sealers,
            "lost_sealers": numbers.lost_sealers,
        },
        "repair_keys": {"keys": numbers.r, "threshold": numbers.t} if numbers.r else None,
    }


def _founding(reading: "Reading", name: str, said: dict[str, Any]) -> "Founding":
    from dataclasses import replace

    from fedsync.acts.books.bodies import founding_of
    from fedsync.acts.books.founding import check_body_name
    from fedsync.acts.books.whose import person_at
    from fedsync.errors import usage

    if any(
        reading.name_of(each.scope).casefold() == name.casefold() for each in reading.store.followed.all()
    ):
        raise usage(f"There is a body called {name} already.", "Give it a name of its own.")
    lent = {}
    for each in said["lent"]:
        member, equals, community = each.partition("=")
        if not equals:
            raise usage(f"{each} does not say whose node seals for whom.", "Write --node MEMBER=COMMUNITY.")
        lent[reading.body(member.strip()).body] = reading.body(community.strip())
    founding = founding_of(
        reading,
        check_body_name(name),
        said["kind"],
        [reading.body(each) for each in said["members"]],
        said["level"],
        said["k"],
        said["w"],
        [person_at(reading, each) for each in said["people"]],
        None if said["seal_with"] is None else said["seal_with"] == "nodes",
        lent,
    )
    return replace(
        founding,
        repair_sheet=said["repair_sheet"],
        witness=witness_of(reading, said["witness"], founding.level),
        answers_to=reading.body(said["answers_to"]).body if said["answers_to"] else None,
        voting=rule_of(said["rule"]),
        rotation=rotation_of(said["longest"], said["cooling"]),
    )


def _who(reading: "Reading", founding: "Founding") -> list[str]:
    names = [reading.name_of(each.scope) for each in founding.members]
    names += [f"{each.name} of {reading.name_of(each.home.scope)}" for each in founding.people]
    sealers = "the nodes of the members" if founding.members else "the nodes of their communities"
    return [
        f"Seats: {', '.join(names)}.",
        f"Sealers: {sealers if founding.nodes else 'the seats themselves'}.",
    ]


def witness_of(reading: "Reading", asked: str | None, level: int | None) -> "PageId | Scope | None":
    """Return the body that is to witness, or the founding tag of one that is yet to be founded. Raises a Problem.

    `level` is that of the body which it is to witness.
    """
    from fedsync.crdt.books.booktables import known
    from fedsync.errors import usage
    from fedsync.records.ids import Scope

    if asked is None:
        return None
    if len(asked) == 32 and all(letter in "0123456789abcdef" for letter in asked.lower()):
        return Scope(bytes.fromhex(asked))
    body = reading.body(asked)
    here = known(reading.view, body.body)
    if here is not None and here.level is not None and level is not None and here.level <= level:
        raise usage(
            f"{asked} is of level {here.level}, and cannot witness a body of level {level}: only a higher one can.",
            "See: fedsync bodies show --tree",
        )
    return body.body


def rule_of(word: str | None) -> Any:
    """Return the rule of voting of this name."""
    from fedsync.records.kinds.motions import Method, Of, Rule

    if word is None:
        return None
    if word in ("present", "voting"):
        return Rule(Method.MAJORITY, Of(word))
    return Rule(Method(word))


def rotation_of(longest: int | None, cooling: int | None) -> Any:
    """Return the rule of rotation. Raises a Problem (exit 2) when half of it is said."""
    from fedsync.errors import usage
    from fedsync.records.kinds.entries import Rotation

    if longest is None and cooling is None:
        return None
    if longest is None:
        raise usage("A time to cool off needs a longest term.", "Add --longest DAYS.")
    return Rotation(longest, cooling or 0)
