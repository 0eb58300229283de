"""`fedsync bodies settle`: which branch of a forked log holds; and how `status` and `why` tell of such logs."""

from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, signing
from fedsync.cli.books.entering import DRAFTER, LATER, enter
from fedsync.cli.telling import body_name, person, short

if TYPE_CHECKING:
    from fedsync.acts.books.settling import Forked
    from fedsync.reading import Reading


@click.command()
@click.argument("log")
@click.option("--branch", required=True, metavar="ID", help="The last record that shall count.")
@DRAFTER
@LATER
@common
@signing
def settle(app: App, log: str, branch: str, name: str, later: bool) -> None:
    """Draft a page that lets one branch of a forked log of goods or plans hold. It cannot be taken back.

    Or of a log of goods that a recall cut, one that takes up what was recorded after it: all up to that record counts then.
    LOG is the beginning of the log's id: fedsync status names it, and the branches.
    """
    from fedsync.acts.books.settling import find_forked, settle_entry

    with app.reading() as reading:
        forked = find_forked(reading, log)
        entry, after = settle_entry(reading, forked, branch)
        whose = person(reading, forked.scope, forked.key)
        body = reading.store.followed.get(forked.scope)
        own = reading.own().scope == forked.scope
    what = (
        f"which has two branches from record {forked.fork} on, the branch up to record {branch} holds"
        if forked.fork is not None
        else f"which was cut when the mandate ended, all up to record {branch} counts and nothing after it"
    )
    lines = [f"Of {whose}'s log {short(forked.log)}, {what}, for good."]
    if after:
        lines.append(f"{after} records that follow it on its branch will not count.")
    asked = None if own or body is None else body.body.hex()
    more = {"log": forked.log.hex(), "seq": entry["seq"], "record": bytes(entry["id"]).hex(), "after": after}  # type: ignore[arg-type]
    enter(app, name, asked, [entry], later, lines, more)


def forked_rows(reading: "Reading") -> list[dict[str, Any]]:
    """Return the forked logs on which our own book has not said which branch holds."""
    from fedsync.acts.books.settling import forked_logs

    own = reading.own().scope
    return [
        {
            "log": each.log.hex(),
            "author": person(reading, each.scope, each.key),
            "class": each.log_class.name.lower(),
            "fork": each.fork,
            "branches": [{"seq": branch.seq, "record": branch.id.hex()} for branch in each.branches],
            "pages": [page.hex() for page in each.pages],
            "next": _next(each),
        }
        for each in forked_logs(reading)
        if each.scope == own and each.settled is None
    ]


def _next(forked: "Forked") -> str:
    if forked.pages:
        return f"fedsync book sign {short(forked.pages[0])} --as NAME"
    return forked.command()


def forked_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Return a line for each forked log that waits for a word of the book, with what to type."""
    return [
        f"! {row['author']}'s log {row['log'][:8]} has {len(row['branches'])} branches from record {row['fork']} on, "
        f"and nothing counts there until the book says which holds. Next: {row['next']}"
        for row in rows
    ]


def why_forked(reading: "Reading", forked: "Forked") -> list[str]:
    """Return lines that say how it stands with a forked log, and what to type."""
    whose = person(reading, forked.scope, forked.key)
    lines = [
        f"{whose}'s log {short(forked.log)} is forked at record {forked.fork}: "
        "whoever holds its key signed two different records there.",
        *(f"  a branch up to record {branch.seq} ({short(branch.id)})" for branch in forked.branches),
    ]
    if forked.settled is not None:
        return [
            *lines,
            f"Page {short(forked.settled.page)} of {body_name(reading, forked.scope)} settled that the branch "
            f"up to record {forked.settled.seq} ({short(forked.settled.id)}) holds.",
        ]
    if forked.pages:
        lines.append(f"Page {short(forked.pages[0])} would settle it and is not sealed yet.")
    elif forked.scope != reading.own().scope:
        return [*lines, f"Only the book of {body_name(reading, forked.scope)} can say which branch holds."]
    return [*lines, f"Next: {_next(forked)}"]
