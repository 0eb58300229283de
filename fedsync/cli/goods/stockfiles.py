"""`fedsync stock export` and `import`: movements and counts as tables that people edit."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common, signing
from fedsync.plain import is_are, many

if TYPE_CHECKING:
    from fedsync.acts.goods.edits import Change, Plan
    from fedsync.reading import Reading
    from fedsync.records.ids import Key, LogId, Scope

BODY = click.option(
    "--body",
    metavar="NAME",
    help="Whose stores; of another community under a mandate of theirs. Default: our own.",
)
MAX_SHOWN = 40
"""Rows that are told one by one; JSON has all."""


@click.command("export")
@click.argument("file", metavar="FILE|-", default="-")
@click.option("--store", metavar="S", help="What happened in this store only.")
@click.option("--item", metavar="I", help="What happened to this item only.")
@BODY
@common
def export(app: App, file: str, store: str | None, item: str | None, body: str | None) -> None:
    """Write movements and counts as a CSV table: to look at, or to edit and take in again with stock import.

    Each row shows one movement or count as it stands now, what was corrected in its corrected form. Times are UTC.
    """
    write_csv(app, file, store, item, body)


def _check_known(what: str, asked: str | None, every: set[str]) -> None:
    """Raise a Problem (exit 6) when nothing that is written out is called so: an empty table would hide a slip."""
    from fedsync.errors import not_found

    names = sorted(filter(None, every))
    if asked is not None and asked.casefold() not in {each.casefold() for each in names}:
        raise not_found(what, asked, f"What is there: {', '.join(names[:12]) or 'nothing yet'}.")


def write_csv(
    app: App, file: str, store: str | None = None, item: str | None = None, body: str | None = None
) -> None:
    """Write the table to a file, or to the screen."""
    from fedsync.acts.goods.ledger import ledger
    from fedsync.acts.goods.stockrows import HEADS, rows_of
    from fedsync.cli.texts import write_file
    from fedsync.spreadsheet import write

    with app.reading() as reading:
        scope = _scope(reading, body)
        found = ledger(reading, scope)
        local = keeps_local(reading, scope)
        rows = rows_of(found, _who(reading, scope), found.standing())
    _check_known("store", store, {row[head] for row in rows for head in ("store", "to")})
    _check_known("item", item, {row["item"] for row in rows})
    rows = [
        row
        for row in rows
        if (store is None or store.casefold() in (row["store"].casefold(), row["to"].casefold()))
        and (item is None or item.casefold() == row["item"].casefold())
    ]
    text = write(HEADS, ([row[head] for head in HEADS] for row in rows))
    if file == "-":
        app.out.result(
            {"rows": rows, "file": None, "local_left_out": local},
            lambda: app.out.say(*text.rstrip("\n").split("\n")),
        )
        return
    write_file(file, text)
    app.out.result(
        {"rows": len(rows), "file": file, "local_left_out": local},
        lambda: app.out.say(f"{file}: {many(len(rows), 'row')}", *([LOCAL] if local else [])),
    )


LOCAL = "What is kept local is not in it."


def keeps_local(reading: "Reading", scope: "Scope") -> bool:
    """Say whether there are goods that are kept on a community's own nodes, and are here."""
    from fedsync.crdt.goods.levels import levels

    return any(each.local for each in levels(reading.view, scope))


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--columns", "map_file", type=click.Path(path_type=Path), metavar="MAP.toml",
              help="What the columns of a table from elsewhere hold.")  # fmt: skip
@click.option("--removed", type=click.Path(path_type=Path), metavar="ORIGINAL",
              help="The table before it was edited: rows that are gone since become zero.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--again", is_flag=True, help="Also what is recorded already, to the letter.")
@click.option(
    "--local", is_flag=True, help="With --columns: keep them on our own nodes, and never send them."
)
@BODY
@click.option("--as", "name", required=True, metavar="NAME", help="Who signs.")
@common
@signing
def import_(app: App, file: Path, map_file: Path | None, removed: Path | None, dry_run: bool, again: bool,
            local: bool, body: str | None, name: str) -> None:  # fmt: skip
    """Record what was changed in a table that stock export wrote; or, with --columns, the movements in any table.

    All of it or nothing. A changed row corrects what it shows, a row without an id is new, an untouched one is left alone.
    A row that is gone is left alone too, unless --removed says what the table was before.

    MAP.toml says what the columns of a table from elsewhere hold, for example:

    \b
    [columns]                # our word = the file's column
    item = "product"
    quantity = "doses"
    at = "date"
    action = "what"
    [defaults]               # where a column is missing, or a cell empty
    unit = "doses"
    store = "Fridge"
    [actions]                # the file's word = ours; two: above zero, below zero
    received = ["raise", "lower"]
    given = "consume"
    """
    from fedsync.errors import usage

    if map_file is None:
        if local:
            raise usage("A row that is put right stays where it was recorded.", "Leave out --local.")
        _import_edited(app, file, removed, dry_run, again, body, name)
    elif removed is not None:
        raise usage("A table from elsewhere has no original.", "Leave out --removed, or --columns.")
    else:
        _import_mapped(app, file, map_file, dry_run, again, local, body, name)


def _import_edited(
    app: App, file: Path, removed: Path | None, dry_run: bool, again: bool, body: str | None, name: str
) -> None:
    from fedsync import keyring
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.editing import Editing, write
    from fedsync.acts.goods.importing import WrongLines
    from fedsync.acts.goods.stockrows import NEEDED
    from fedsync.spreadsheet import read

    table = read(_bytes(file), file.name, NEEDED)
    original = read(_bytes(removed), removed.name, NEEDED) if removed is not None else None
    key = keyring.find_person(app.home(), name).key
    with app.reading() as reading:
        scope = _scope(reading, body)
        editing = Editing(reading, scope, lambda entry: entry.author == key, now_ms(), _who(reading, scope))
        plan = editing.plan(table, original, again)
    if dry_run:
        app.out.result(
            {"dry_run": True, **_value(plan)},
            lambda: app.out.say(*_lines(plan, "would "), *_wrong_lines(plan)),
        )
        return
    if plan.wrong:
        raise WrongLines(file, plan.wrong)
    if not plan.changes:
        app.out.result({"dry_run": False, **_value(plan)}, lambda: app.out.say(*_lines(plan, "")))
        return
    app.before_signing(f"{name} signs:", *_lines(plan, "will "))
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        who = _who(reading, scope)

        def planned(now: int, log: "LogId") -> "Plan":
            editing = Editing(reading, scope, lambda entry: entry.ref.log == log, now, who)
            return editing.plan(table, original, again)

        plan, _ = write(author, reading, door, scope, planned)
    if plan.wrong:
        raise WrongLines(file, plan.wrong)
    app.out.result({"dry_run": False, **_value(plan)}, lambda: app.out.say(*_lines(plan, "")))


def _import_mapped(
    app: App, file: Path, map_file: Path, dry_run: bool, again: bool, local: bool, body: str | None, name: str
) -> None:
    from fedsync.acts.author import now_ms
    from fedsync.acts.goods.importing import MAX_SHOWN, WrongLines, as_json, digest, read_lines, read_map
    from fedsync.acts.goods.measuring import Measures
    from fedsync.acts.goods.recording import made_names, record_lines

    with app.reading() as reading:
        scope = _scope(reading, body)
        lines, wrong = read_lines(file, read_map(map_file), now_ms(), Measures(reading, scope).resolve)
    if dry_run:
        by_action: dict[str, int] = {}
        for line in lines:
            by_action[line.action] = by_action.get(line.action, 0) + 1
        app.out.result(
            {
                "lines": len(lines),
                "actions": by_action,
                "stores": sorted({line.store for line in lines}),
                "items": sorted({line.item for line in lines}),
                "wrong": as_json(wrong),
            },
            lambda: app.out.say(
                f"{len(lines)} lines {'are right' if wrong else 'would be written'}: "
                + ", ".join(f"{number} {action}" for action, number in sorted(by_action.items())),
                *(f"  line {each.number}, {each.field}: {each.reason}" for each in wrong[:MAX_SHOWN]),
                *(
                    [f"{many(len(wrong), 'line')} {is_are(len(wrong))} wrong, so nothing would be written."]
                    if wrong
                    else []
                ),
            ),
        )
        return
    if wrong:
        raise WrongLines(file, wrong)
    app.before_signing(f"{name} signs the {len(lines):,} movements in {file}.")
    author = app.author(name)
    with app.reading() as reading, app.door() as door:
        once = None if again else digest(lines)
        blocks = record_lines(author, reading, door, lines, once, local, scope) if lines else []
    made = made_names(blocks)
    app.out.result(
        {"imported": len(lines), "made": made, "wrong": []},
        lambda: app.out.say(*(f"New: {each}" for each in made), f"{len(lines)} movements recorded."),
    )


def _bytes(file: Path) -> bytes:
    from fedsync.errors import usage
    from fedsync.spreadsheet import MAX_BYTES

    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise usage(f"{file} cannot be read: {error.strerror}.", "Look at the file's name.") from None


def _scope(reading: "Reading", body: str | None) -> "Scope":
    return (reading.body(body) if body is not None else reading.own()).scope


def _who(reading: "Reading", scope: "Scope") -> Callable[["Key"], str]:
    from fedsync.cli.telling import person

    return lambda key: person(reading, scope, key)


# --- In words ---------------------------------------------------------------------------------------------


def _lines(plan: "Plan", would: str) -> list[str]:
    """Return what a plan comes to: `would` is what stands before each verb."""
    told = [_line(each, would) for each in plan.changes]
    more = [f"and {len(told) - MAX_SHOWN} more rows"] if len(told) > MAX_SHOWN else []
    there = [
        f"line {each}: is recorded already, to the letter; --again records it once more"
        for each in plan.there
    ]
    new = sum(each.entry is None for each in plan.changes)
    return [
        *told[:MAX_SHOWN],
        *more,
        *there[:MAX_SHOWN],
        f"{new} new, {len(plan.changes) - new} corrected, {plan.same + len(plan.there)} as they were.",
    ]


def _line(change: "Change", would: str) -> str:
    cells = change.cells
    what = "count" if change.kind == "count" else "movement"
    if change.entry is None:
        to = f" to {cells['to']}" if cells.get("to") else ""
        return (
            f"line {change.line}: new: {would or 'recorded '}{'record ' if would else ''}{cells['action']} "
            f"{cells['quantity']} {cells['unit']} of {cells['item']} in {cells['store']}{to}"
        )
    told = ", ".join(
        f"{before or 'nothing'} became {after or 'nothing'}"
        if head == "quantity"
        else f"{_WORDS.get(head, head)} {before or 'nothing'} became {after or 'nothing'}"
        for head, before, after in change.changes
    )
    from fedsync.acts.goods.cells import time_cell

    verb = f"{would}correct" if would else "corrected"
    line = f"line {change.line}" + (" of the original, which is gone" if change.gone else "")
    return f"{line}: {told}: {verb} the {what} of {time_cell(change.entry.said.at)[:10]}, {cells['item']} in {cells['store']}"


_WORDS = {"at_utc": "time"}


def _wrong_lines(plan: "Plan") -> list[str]:
    if not plan.wrong:
        return []
    told = [f"line {each.number}, {each.field}: {each.reason}" for each in plan.wrong[:MAX_SHOWN]]
    return [
        *told,
        f"{many(len(plan.wrong), 'line')} {is_are(len(plan.wrong))} wrong, so nothing would be written.",
    ]


def _value(plan: "Plan") -> dict[str, Any]:
    from fedsync.acts.goods.importing import as_json

    return {
        "rows": [
            {
                "line": each.line,
                "gone": each.gone,
                "kind": each.kind,
                "corrects": each.entry.ref.id.hex() if each.entry is not None else None,
                "changes": [
                    {"field": head, "before": before, "after": after} for head, before, after in each.changes
                ],
            }
            for each in plan.changes
        ],
        "new": sum(each.entry is None for each in plan.changes),
        "corrected": sum(each.entry is not None for each in plan.changes),
        "same": plan.same,
        "there": plan.there,
        "wrong": as_json(plan.wrong),
    }
