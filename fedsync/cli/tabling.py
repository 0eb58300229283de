"""A table that fits its line, drawn without a library: long lists must come at once. What does not fit is folded by rich."""

import unicodedata
from collections.abc import Sequence

Cells = Sequence[Sequence[str]]

GAP = 3
"""Blanks between two columns."""


def drawn(heads: Sequence[str], rows: Cells, right: Sequence[str], wide: int, bold: bool) -> str | None:
    """Return a table under its heads, None when a line would be longer than `wide`. `right`: columns set to the right."""
    widths = [max(map(_width, column)) for column in zip(heads, *rows, strict=True)]
    whole = sum(widths) + GAP * (len(widths) - 1)
    if whole + 2 > wide:
        return None
    to_right = [head in right for head in heads]
    gap, blank = " " * GAP, " " * (whole + 2)

    def line(cells: Sequence[str]) -> str:
        padded = []
        for cell, width, end in zip(cells, widths, to_right, strict=True):
            room = " " * (width - _width(cell))
            padded.append(room + cell if end else cell + room)
        return f" {gap.join(padded)} "

    top = line(heads)
    if bold:
        top = f"\x1b[1m{top}\x1b[0m"
    return "\n".join([blank, top, f" {'─' * whole} ", *map(line, rows), blank])


def _width(text: str) -> int:
    """Return how many cells of a line a text takes: signs of East Asia take two, accents none."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(each) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(each) in "WF"
        else 1
        for each in text
    )
