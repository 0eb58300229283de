"""Tables as CSV, there and back through whatever people's table programs make of them. Pure.

Programs save with commas, semicolons or tabs, with or without a mark at the beginning, in UTF-8 or UTF-16, with other
line ends and quotes, columns moved. All of that reads as the same table. A cell that begins as a formula does is
written with an apostrophe before it, so that no program obeys it, and is read back without.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fedsync.errors import Exit, Problem

MAX_ROWS = 200_000
"""Of one file: a small machine must be able to hold it."""
MAX_BYTES = 128 * 1024 * 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CHANGED = re.compile(
    # Leading zeros, more digits than fit, points and exponents; dates, times, fractions; months; yes and no.
    r"0[0-9]+|[0-9]{12,}|[0-9]+[.,][0-9]+|[0-9.]+e[+-]?[0-9]+|[0-9]{1,4}([-/.][0-9]{1,4}){1,2}|[0-9]{1,3}(:[0-9]{2}){1,2}"
    r"|[0-9.,]+ *%|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ ./-]*[0-9]{1,4}|true|false",
    re.IGNORECASE | re.ASCII,
)
"""What table programs take for something else than the letters that stand there, in one country or another."""
_DELIMITERS = (",", ";", "\t")
SAVE = "Save it as CSV, UTF-8."


class NotATable(Problem):
    """The file cannot be read as a table."""

    def __init__(self, message: str, hint: str = SAVE) -> None:
        super().__init__("not_csv", message, hint, Exit.FOREIGN_FILE)


@dataclass(frozen=True, slots=True)
class Line:
    """A row. `number` counts from 1 with the head line, as a table program shows it. Cells without spaces around."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds: rows that are not empty, by the names of their columns."""

    heads: tuple[str, ...]
    lines: tuple[Line, ...]
    delimiter: str


def write(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as the text of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return text.getvalue()


def read(raw: bytes, name: str, needed: Iterable[str]) -> Table:
    """Return the table in a file called `name` that must have these columns. Raises NotATable (exit 11)."""
    if len(raw) > MAX_BYTES:
        raise NotATable(f"{name} has more than {MAX_BYTES:,} bytes.", "Cut it into several.")
    text = _decode(raw, name)
    needed = list(needed)
    delimiter = _delimiter(text, needed)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    heads: list[str] | None = None
    lines: list[Line] = []
    number = 0
    try:
        for number, row in enumerate(rows, 1):
            cells = [plain(cell) for cell in row]
            if not any(cells):
                continue
            if heads is None:
                heads = _heads(cells, name, needed)
                continue
            if any(cells[len(heads) :]):
                raise NotATable(
                    f"{name}, line {number}: it has more cells than the first line has.",
                    "A text with a comma in it stands in quotes.",
                )
            if len(lines) == MAX_ROWS:
                raise NotATable(f"{name} has more than {MAX_ROWS:,} lines.", "Cut it into several.")
            cells += [""] * (len(heads) - len(cells))
            lines.append(Line(number, dict(zip(heads, cells, strict=False))))
    except csv.Error as error:
        raise NotATable(f"{name}, line {number + 1}: {error}.") from None
    return Table(tuple(heads or _heads([], name, needed)), tuple(lines), delimiter)


def safe(text: str) -> str:
    """Return a cell that no program takes for a formula, a number or a date that it is not."""
    return f"'{text}" if _is_guarded(text) else text


def plain(cell: str) -> str:
    """Return what a cell says, without spaces around it and without the apostrophe that made it safe."""
    cell = cell.strip(" \u00a0\t\r\n")
    return cell[1:] if cell.startswith("'") and _is_guarded(cell[1:]) else cell


def _is_guarded(text: str) -> bool:
    return text.startswith((*_FORMULA, "'")) or _CHANGED.fullmatch(text) is not None


def _decode(raw: bytes, name: str) -> str:
    try:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return raw.decode("utf-16")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem("not_text", f"{name} is not UTF-8 text.", SAVE, Exit.FOREIGN_FILE) from None


def _delimiter(text: str, needed: Sequence[str]) -> str:
    """Return what stands between the cells: that of which the first line has most of the columns wanted, then most."""
    first = next((line for line in text.splitlines() if line.strip(" ,;\t")), "")

    def found(delimiter: str) -> tuple[int, int]:
        heads = next(csv.reader([first], delimiter=delimiter), [])
        return len({plain(head) for head in heads} & set(needed)), len(heads)

    try:
        return max(_DELIMITERS, key=found)
    except csv.Error:
        return ","


def _heads(cells: list[str], name: str, needed: Sequence[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    for head in needed:
        if head not in cells:
            has = ", ".join(cells[:20]) or "none"
            raise NotATable(
                f"{name} has no column {head}; it has: {has}.", "Name the columns in its first line."
            )
    named = [cell for cell in cells if cell]
    twice = next((cell for cell in named if named.count(cell) > 1), None)
    if twice is not None:
        raise NotATable(f"{name} has more than one column {twice}.", "Give them names of their own.")
    return cells
