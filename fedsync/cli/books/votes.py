"""`fedsync votes`: what can be voted on, voting, counting, and the assembly's word on what its delegate voted."""

from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, group, signing
from fedsync.cli.books import entering
from fedsync.cli.telling import text_of

if TYPE_CHECKING:
    from fedsync.crdt.books.motions import MotionView
    from fedsync.reading import Reading
    from fedsync.records.kinds.motions import Rule

AS = click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
CLAUSE = click.option("--clause", metavar="C", help="A clause of the motion; default: the motion as a whole.")


@group
def votes() -> None:
    """Vote, count votes, and say which vote is the assembly's word."""


# --- What can be voted on --------------------------------------------------------------------------------


@votes.command("open")
@click.argument("motion", required=False)
@common
def open_votes(app: App, motion: str | None) -> None:
    """Show what can be voted on now, what our people may vote there, and who has not voted."""
    from fedsync.acts.books.motions import find_motion
    from fedsync.cli.books.motions import stage
    from fedsync.crdt.books.motions import motions as every

    with app.reading() as reading:
        if motion is not None:
            found = [find_motion(reading, motion)]
        else:
            found = [each for each in every(reading.view) if stage(reading, each).startswith("open")]
        rows = [_open_row(reading, each) for each in found]
    app.out.result(
        {"open": rows},
        lambda: app.out.say(*([line for row in rows for line in _open_lines(row)] or ["Nothing is open."])),
    )


def _open_row(reading: "Reading", of: "MotionView") -> dict[str, Any]:
    from fedsync.acts.books.motions import rule_of
    from fedsync.acts.books.votes import options_of
    from fedsync.cli.books import voting
    from fedsync.crdt.books.results import tally_now
    from fedsync.records.kinds.motions import WHOLE

    rule = rule_of(reading, of)
    row = voting.motion_row(reading, of, rule)
    row["can_be_voted_on"] = row["status"] == "stands"
    row["options"] = list(options_of(of))
    row["questions"] = []
    for clause in (WHOLE, *(name for name, _ in of.motion.clauses)):
        now = tally_now(reading.view, of.scope, (of.id, clause), rule) if of.scope is not None else None
        if now is None:
            continue
        seats = voting.tally_row(reading, now)["seats"]
        row["questions"].append(
            {
                "clause": clause,
                "outcome": now.outcome,
                "voted": [each["seat"] for each in seats if each["vote"] is not None],
                "not_voted": [each["seat"] for each in seats if each["vote"] is None],
                "ours": _ours(reading, of, clause),
            }
        )
    return row


def _ours(reading: "Reading", of: "MotionView", clause: str) -> list[dict[str, Any]]:
    """Return who of our people may vote on a question, and what each mandate allows."""
    from fedsync.cli.telling import person
    from fedsync.crdt.books.delegates import given
    from fedsync.crdt.books.drafting import CannotDraft, newest
    from fedsync.crdt.books.minutes import current_epoch

    own = reading.own()
    found: list[dict[str, Any]] = []
    for each in given(reading.view, own.scope):
        if each.mandate.seat == of.motion.body and each.status in ("in force", "provisional"):
            for key in (each.mandate.holder, each.mandate.alternate):
                if key is not None:
                    said = _allowed(each.mandate.instructed(of.id, clause))
                    found.append({"name": person(reading, own.scope, key), "may": said})
    if of.motion.body == own.body:
        try:
            epoch = current_epoch(reading.view, own.scope, newest(reading.view, own.scope))
        except CannotDraft:
            epoch = None
        for key in sorted(epoch.keys) if epoch is not None else []:
            found.append({"name": person(reading, own.scope, key), "may": "free"})
    return sorted(found, key=lambda each: str(each["name"]))


def _allowed(instruction: Any) -> Any:
    from fedsync.crdt.books.naming import choice_words
    from fedsync.records.kinds.entries import Bounds
    from fedsync.records.void import Void

    if isinstance(instruction, Void):
        return []
    if isinstance(instruction, Bounds):
        return {"least": instruction.least, "most": instruction.most}
    return "free" if instruction is None else [choice_words(each) for each in instruction]


def _open_lines(row: dict[str, Any]) -> list[str]:
    state = "" if row["can_be_voted_on"] else f"  [{row['status']}: {row['why']}]"
    lines = [f"{row['title']} ({row['id'][:8]}), put to {row['asks']}{state}"]
    lines.append(f"  options: {', '.join(row['options'])}, abstain; decided by {row['rule']}")
    for each in row["questions"]:
        voted, lacks = each["voted"], each["not_voted"]
        what = f"on clause {each['clause']}" if each["clause"] else "on the whole"
        lines.append(
            f"  {what}: voted: {', '.join(voted) or 'nobody yet'}; not yet: {', '.join(lacks) or 'nobody'}"
        )
        lines += [f"    {one['name']} may vote {_may(one['may'])}" for one in each["ours"]]
    return lines


def _may(said: Any) -> str:
    if isinstance(said, dict):
        return f"from {said['least']} to {said['most']}"
    if said == "free":
        return "freely"
    return " or ".join(said) if said else "on this not at all: there is no instruction"


# --- Voting ----------------------------------------------------------------------------------------------


@votes.command()
@click.argument("motion")
@click.argument("option")
@CLAUSE
@click.option("--anyway", is_flag=True, help="Write it although it will be void.")
@click.option(
    "--body", "body", metavar="NAME", help="The body that is asked, if the motion's id is not enough."
)
@AS
@common
@signing
def cast(
    app: App, motion: str, option: str, clause: str | None, anyway: bool, body: str | None, name: str
) -> None:
    """Vote OPTION on MOTION; several with commas, in order, where the rule ranks or approves."""
    from fedsync.acts.books import votes as acts
    from fedsync.acts.books.motions import find_clause
    from fedsync.cli.books import voting

    with app.reading() as reading:
        of = _motion(reading, motion, body)
        which, choice = find_clause(of, clause), acts.parse_option(of, option)
    on = f"{text_of(of.motion.title)}" + (f", clause {which}" if which else "")
    app.before_signing(f"{name} votes {option} on {on} ({of.id.hex()[:8]}).")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        vote, worth = acts.cast_vote(author, reading, door, of, which, choice, anyway)
    said = voting.worth(worth)
    state = "" if said["status"] == "stands" else f" It is {said['status']}: {said['why']}."
    app.out.result(
        {"id": vote.hex(), "motion": of.id.hex(), "clause": which, **said},
        lambda: app.out.say(f"{author.name} voted {option} on {on} ({vote.hex()[:8]}).{state}"),
    )


def _motion(reading: "Reading", asked: str, body: str | None) -> "MotionView":
    from fedsync.acts.books.motions import find_motion

    return find_motion(reading, asked, reading.body(body).body if body else None)


# --- Counting --------------------------------------------------------------------------------------------


RULE = click.option("--rule", metavar="RULE", help="Default: the motion's, else the body's own.")
OF = click.option(
    "--of", type=click.Choice(["seats", "present", "votes"]), help="What a share is counted of."
)
QUORUM = click.option(
    "--quorum", type=click.IntRange(1), metavar="N", help="How many must have voted at all."
)


def _rule(
    reading: "Reading", of: "MotionView", rule: str | None, counted_of: str | None, quorum: int | None
) -> "Rule":
    from fedsync.acts.books.motions import parse_rule_words, rule_of
    from fedsync.errors import usage

    if rule is None:
        if counted_of is not None or quorum is not None:
            raise usage("--of and --quorum belong to a rule.", "Add --rule RULE.")
        return rule_of(reading, of)
    return parse_rule_words(rule, "voting" if counted_of == "votes" else counted_of, quorum)


@votes.command()
@click.argument("motion")
@CLAUSE
@RULE
@OF
@QUORUM
@entering.LATER
@click.option("--as", "name", metavar="NAME", help="Who drafts the page with the result.")
@common
@signing
def tally(app: App, motion: str, clause: str | None, rule: str | None, of: str | None, quorum: int | None,
          later: bool, name: str | None) -> None:  # fmt: skip
    """Show what the votes amount to now; with --as, draft the page of the body that certifies it."""
    from fedsync.acts.books.motions import asked_body, find_clause, find_motion
    from fedsync.acts.books.votes import result_of_votes
    from fedsync.cli.books import voting
    from fedsync.crdt.books.results import tally_now
    from fedsync.errors import refused, usage

    with app.reading() as reading:
        found = find_motion(reading, motion)
        which, body = find_clause(found, clause), asked_body(reading, found)
        now = tally_now(reading.view, body.scope, (found.id, which), _rule(reading, found, rule, of, quorum))
        if now is None:
            raise refused(
                "no-epoch",
                "The book of the body that is asked has no sound rules here.",
                "See: fedsync bodies show",
            )
        row = voting.tally_row(reading, now)
        title = text_of(found.motion.title)
        asked = body.body.hex()
    if name is None:
        if later:
            raise usage("Somebody prepares an entry.", "Add --as NAME.")
        app.out.result(row, lambda: app.out.say(title, *voting.tally_lines(row)))
        return
    entry = result_of_votes(now, which)
    entering.enter(app, name, asked, [entry], later, [title, *voting.tally_lines(row)], {"tally": row})


@votes.command("count")
@click.argument("motion")
@CLAUSE
@click.option("--counts", required=True, metavar="yes=12,no=3", help="Of ranked or several options: a>b=4.")
@RULE
@OF
@QUORUM
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def count_room(app: App, motion: str, clause: str | None, counts: str, rule: str | None, of: str | None,
               quorum: int | None, body: str | None, later: bool, name: str) -> None:  # fmt: skip
    """Draft a page with the counts of a vote in the room. Who voted what never leaves it."""
    from fedsync.acts.books.motions import find_clause, find_motion
    from fedsync.acts.books.votes import parse_counts, result_of_counts
    from fedsync.crdt.books.naming import choice_words, rule_words

    with app.reading() as reading:
        found = find_motion(reading, motion)
        which = find_clause(found, clause)
        said, by = parse_counts(found, counts), _rule(reading, found, rule, of, quorum)
        asked = body or (found.motion.body.hex() if found.scope is not None else None)
    words = ", ".join(f"{choice_words(choice)} {number}" for choice, number in said)
    lines = [f"{text_of(found.motion.title)}: {words}; by {rule_words(by)}"]
    entering.enter(app, name, asked, [result_of_counts(found, which, by, said)], later, lines)


@votes.command()
@click.argument("motion")
@CLAUSE
@click.option("--vote", metavar="ID|none", help="Default: the vote of our seat that stands.")
@click.option("--ratify", is_flag=True, help="Take on a vote that broke the mandate.")
@entering.BODY
@entering.LATER
@entering.DRAFTER
@common
@signing
def confirm(app: App, motion: str, clause: str | None, vote: str | None, ratify: bool, body: str | None,
            later: bool, name: str) -> None:  # fmt: skip
    """Draft the page by which our assembly says which vote is its word, once and for good."""
    from fedsync.acts.books import votes as acts
    from fedsync.acts.books.motions import find_clause, find_motion
    from fedsync.cli.books import voting
    from fedsync.errors import refused

    with app.reading() as reading:
        found, scope = find_motion(reading, motion), entering.body_of(reading, body).scope
        question = (found.id, find_clause(found, clause))
        if vote is not None and vote.casefold() == "none":
            chosen = None
        elif vote is not None:
            chosen = acts.find_vote(reading, question, scope, vote)
        else:
            chosen = acts.own_vote(reading, question, scope, ratify)
            if chosen is None:
                raise refused(
                    "no_vote_of_ours",
                    f"No vote of {reading.name_of(scope)}'s seat on this stands.",
                    "To say that it has none: --vote none",
                )
        entry = acts.word_entry(reading, question, scope, chosen, ratify)
        said = voting.vote_row(voting.naming(reading), chosen) if chosen is not None else None
        title = text_of(found.motion.title)
    what = f"{voting.option_words(said)} ({said['id'][:8]} by {said['by']})" if said else "no vote of ours"
    lines = [f"{'Ratified' if ratify else 'Confirmed'} on {title}: {what}"]
    entering.enter(app, name, body, [entry], later, lines, {"vote": said})
