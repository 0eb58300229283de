"""Movements from a CSV file. What each column holds is said in a small TOML file, so that any table can be read.

[columns]                  # our word = the file's column
item = "product"
quantity = "doses"
at = "date"
action = "what"

[defaults]                 # where a column is missing, or a cell empty
unit = "doses"
store = "Fridge"

[actions]                  # the file's word = ValueFlows' action; two: for numbers above and below zero
receive = ["raise", "lower"]
consume = "consume"
"""

import csv
import io
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

from fedsync.acts.goods.recording import (
    COUNT,
    Line,
    LotNamed,
    WrongWord,
    check_action,
    check_line,
    reason_word,
)
from fedsync.errors import Exit, Problem, usage
from fedsync.localunits import Measured
from fedsync.plain import is_are, many
from fedsync.records.codec import Value, pack
from fedsync.units import base_unit, parse_quantity

WORDS = ("item", "quantity", "unit", "store", "at", "action", "note", "to", "lot", "reason", "place")
NEEDED = ("item", "quantity", "unit", "store", "at", "action")
IMPORT_TAG = b"fedsync/1/import\0"
EXAMPLE = "See an example: fedsync stock import --help"
MAX_LINES = 200_000
"""Of one file: it is signed and written in one piece, which a small machine must be able to hold."""
MAX_SHOWN = 20
"""Wrong lines that are named; a file that is wrong throughout is wrong in its map."""


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line that cannot be taken. `number` counts from 1 with the head line, as a table program shows it."""

    number: int
    field: str
    reason: str


def as_json(wrong: Sequence[WrongLine]) -> list[dict[str, object]]:
    """Return wrong lines for programs."""
    return [{"number": each.number, "field": each.field, "reason": each.reason} for each in wrong]


class WrongLines(Problem):
    """Some lines are wrong; nothing was written."""

    def __init__(self, path: Path, wrong: Sequence[WrongLine]) -> None:
        shown = "; ".join(f"line {each.number}, {each.field}: {each.reason}" for each in wrong[:3])
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        super().__init__(
            "wrong_lines",
            f"{many(len(wrong), 'line')} of {path.name} {is_are(len(wrong))} wrong, so none was written. {shown}{more}",
            "Mend them, or the map of columns. To see all: --dry-run",
            Exit.FOREIGN_FILE,
            {"wrong": as_json(wrong)},
        )


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What a TOML map says."""

    columns: Mapping[str, str]
    defaults: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The file's word -> the action for numbers above zero, and the one for numbers below."""


def read_map(path: Path) -> ColumnMap:
    """Return the map in a TOML file. Raises a Problem (exit 2) that names the setting."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}.", EXAMPLE) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise usage(f"{path} is not TOML: {error}.", EXAMPLE) from None
    strange = set(said) - {"columns", "defaults", "actions"}
    if strange:
        raise usage(
            f"{path}: there is no section [{min(strange)}]; known: columns, defaults, actions.", EXAMPLE
        )
    columns, defaults = _words(path, said, "columns"), _words(path, said, "defaults")
    for word in NEEDED:
        if word not in columns and word not in defaults:
            raise usage(
                f"{path}: neither a column nor a default says the {word}.",
                f'Add {word} = "..." to [columns].',
            )
    if "unit" in defaults:
        base_unit(defaults["unit"])
    actions = {word: _action(path, word, value) for word, value in _section(path, said, "actions").items()}
    return ColumnMap(columns, defaults, actions)


def _section(path: Path, said: dict[str, Any], section: str) -> dict[str, Any]:
    found = said.get(section, {})
    if not isinstance(found, dict):
        raise usage(f"{path}: {section} must be a section, [{section}].", EXAMPLE)
    return found


def _words(path: Path, said: dict[str, Any], section: str) -> dict[str, str]:
    found = _section(path, said, section)
    for word, value in found.items():
        if word not in WORDS:
            raise usage(f"{path}: [{section}] has no setting {word}; known: {', '.join(WORDS)}.", EXAMPLE)
        if not isinstance(value, str):
            raise usage(f"{path}: [{section}] {word} must be a text in quotes.", EXAMPLE)
    return found


def _action(path: Path, word: str, value: object) -> tuple[str, str]:
    match value:
        case str():
            found = value, value
        case [str() as above, str() as below]:
            found = above, below
        case _:
            raise usage(
                f'{path}: [actions] {word} must be "ACTION", or two: ["ABOVE ZERO", "BELOW ZERO"].', EXAMPLE
            )
    for action in found:
        if action != COUNT:
            check_action(action)
    return found


Measure = Callable[[str, str, str, str], Measured]
"""What a number of a unit of an item at a place comes to. Raises a Problem."""


def plainly(item: str, number: str, unit: str, place: str) -> Measured:
    """Return what a quantity comes to where there are no local units."""
    quantity, code = parse_quantity(number, unit)
    return Measured(Fraction(quantity), code)


def read_lines(
    path: Path, columns: ColumnMap, now: int, measure: Measure = plainly
) -> tuple[list[Line], list[WrongLine]]:
    """Return the movements in a CSV file, and the lines that are wrong. Raises a Problem when it is no CSV.

    What lines come to is rounded together, item by item and action by action, so that no gram is lost in their sum.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}.", "Look at the file's name.") from None
    except UnicodeDecodeError:
        raise Problem(
            "not_text", f"{path} is not UTF-8 text.", "Save it as CSV, UTF-8.", Exit.FOREIGN_FILE
        ) from None
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    lines: list[Line] = []
    sums: dict[tuple[str, str, str], Fraction] = {}
    wrong: list[WrongLine] = []
    try:
        _check_heads(path, rows.fieldnames or [], columns)
        for row in rows:
            if len(lines) + len(wrong) == MAX_LINES:
                raise Problem(
                    "too_long",
                    f"{path} has more than {MAX_LINES:,} lines.",
                    "Cut it into several.",
                    Exit.FOREIGN_FILE,
                )
            found = _line(row, columns, now, measure)
            if isinstance(found, WrongLine):
                wrong.append(replace(found, number=rows.line_num))
                continue
            line, measured = found
            key = line.action, line.item, line.unit
            before = sums.get(key, Fraction())
            sums[key] = before + measured.amount
            lines.append(replace(line, quantity=round(sums[key]) - round(before)))
    except csv.Error as error:
        raise Problem(
            "not_csv", f"{path}, line {rows.line_num}: {error}.", "Save it as CSV, UTF-8.", Exit.FOREIGN_FILE
        ) from None
    return lines, wrong


def digest(lines: Sequence[Line]) -> bytes:
    """Return what names these movements, however the file that says them is written, to tell an import done twice."""
    said: list[Value] = [
        [
            *(each.action, each.item, each.quantity, each.unit, each.store, each.at, each.note),
            *(
                (each.to, each.lot.code if each.lot else "", each.reason)
                if each.to or each.lot or each.reason
                else ()
            ),
        ]
        for each in lines
    ]
    found = sha256(IMPORT_TAG)
    for each in said:
        found.update(pack(each))
    return found.digest()


def _check_heads(path: Path, heads: Sequence[str], columns: ColumnMap) -> None:
    for column in columns.columns.values():
        if column not in heads:
            has = ", ".join(heads[:MAX_SHOWN]) or "none"
            raise usage(
                f"{path} has no column {column}; it has: {has}.", "Name one of these in the map's [columns]."
            )
        if heads.count(column) > 1:
            raise usage(
                f"{path} has more than one column {column}.", "Give them names of their own in the file."
            )


def _line(
    row: Mapping[str, Any], columns: ColumnMap, now: int, measure: Measure
) -> tuple[Line, Measured] | WrongLine:
    """Return the movement on a line and its exact amount, or what is wrong with it, on line 0."""
    if None in row:
        return WrongLine(0, "line", "it has more cells than the first line has")
    cells = {word: _cell(row, columns, word) for word in WORDS}
    for word in NEEDED:
        if not cells[word]:
            return WrongLine(0, word, "it is empty")
    at = "quantity"
    try:
        number = cells["quantity"].replace(" ", "")
        below = number.startswith("-")
        at = "unit"
        place = cells["place"] or cells["store"]
        measured = measure(cells["item"], "1", cells["unit"], place)
        at = "quantity"
        measured = measure(cells["item"], number.removeprefix("-"), cells["unit"], place)
        at = "action"
        action = _which(cells["action"], below, columns)
        at = "at"
        when = _when(cells["at"])
        line = Line(
            action,
            cells["item"],
            round(measured.amount),
            measured.unit,
            cells["store"],
            when,
            cells["note"],
            to=cells["to"],
            lot=LotNamed(cells["lot"]) if cells["lot"] else None,
            reason=reason_word(cells["reason"]),
            stated=measured.stated,
        )
        check_line(line, now)
    except WrongWord as wrong:
        return WrongLine(0, wrong.field, wrong.message.rstrip("."))
    except Problem as problem:
        return WrongLine(0, at, problem.message.rstrip("."))
    return line, measured


def _cell(row: Mapping[str, Any], columns: ColumnMap, word: str) -> str:
    column = columns.columns.get(word)
    said = (row.get(column) or "").strip() if column else ""
    return said or columns.defaults.get(word, "")


def _which(word: str, below: bool, columns: ColumnMap) -> str:
    if word in columns.actions:
        return columns.actions[word][1 if below else 0]
    if below and word != COUNT:
        raise usage(f"the number is below zero, and nothing says what {word} means then")
    return word


def _when(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise usage(f"{text} is not a time such as 2026-05-12 or 2026-05-12T14:30Z") from None
