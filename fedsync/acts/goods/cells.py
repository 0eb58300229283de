"""What stands in the cells of a table of movements: quantities, times and words, as people's table programs leave them. Pure.

Quantities are written as whole numbers, of kilograms where that is one, else of grams, so that no program of whatever
country takes a decimal point for something else. What could be read in two ways is refused.
"""

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from fedsync.acts.goods.recording import WrongWord
from fedsync.units import BASE, plain_unit

BIG = {"g": ("kg", 1_000), "mL": ("L", 1_000)}
"""Base units of which whole thousands are written in the larger unit."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPACES = str.maketrans("", "", " \u00a0\u2009\u202f_'")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}([.,][0-9]{3})+")
_NUMBER = re.compile(r"[0-9]{1,30}([.,][0-9]{1,12})?")


def quantity_cells(quantity: int, unit: str) -> tuple[str, str]:
    """Return the number and the unit in which a quantity is written: 12 kg, 12500 g, 3 dose."""
    if unit in BIG and quantity and quantity % BIG[unit][1] == 0:
        name, size = BIG[unit]
        return str(quantity // size), name
    return str(quantity), plain_unit(unit)


def size_of(word: str) -> int:
    """Return how many base units one of the unit in a cell that was written here is."""
    return BASE[word][1] if word in BASE else 1


def number(cell: str, delimiter: str) -> Fraction:
    """Return the number in a cell of a table whose cells are parted so. Raises WrongWord when it could be two.

    A comma is a decimal comma where it can be nothing else; 1,500 is refused, and so is 1.500 in a table with
    semicolons, as programs save it where a point parts thousands.
    """
    typed = cell.translate(_SPACES)
    if typed.startswith(("-", "\u2212")):
        raise WrongWord("quantity", f"{cell} is below zero", "The action says which way it went.")
    if _GROUPED.fullmatch(typed) and ("," in typed or delimiter == ";" or typed.count(".") > 1):
        plain = re.sub("[.,]", "", typed)
        raise WrongWord(
            "quantity",
            f"{cell} may be {plain}, or a number with a decimal point",
            f"Write {plain}, or a smaller unit.",
        )
    if not _NUMBER.fullmatch(typed):
        raise WrongWord("quantity", f"{cell} is not a number", "Write it in digits.")
    return Fraction(typed.replace(",", "."))


def decimal_text(amount: Fraction) -> str:
    """Return a number that has a decimal form, in it."""
    digits = 0
    while (amount * 10**digits).denominator != 1:
        digits += 1
    text = str((amount * 10**digits).numerator).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def time_cell(ms: int) -> str:
    """Return a time in ms since 1970 as a cell, in UTC; what no calendar has, as its number of ms."""
    try:
        text = (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
    except OverflowError:
        return f"{ms} ms"
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def time_of(cell: str, was: int | None = None) -> int:
    """Return the time in a cell, in ms; without an offset it is UTC. Raises WrongWord.

    `was`: what the cell said before. A program that cut off seconds or hours has not changed it.
    """
    try:
        found = datetime.fromisoformat(cell)
        moment = found.replace(tzinfo=found.tzinfo or UTC)
        ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise WrongWord(
            "at_utc", f"{cell} is not a time such as 2026-05-12 or 2026-05-12T14:30Z", "Write it so."
        ) from None
    return was if was is not None and _as_precise(was, cell) == ms else ms


def _as_precise(ms: int, cell: str) -> int:
    """Return a time cut off as far as the cell says less than it: days, minutes or seconds."""
    clock = re.sub(r"(Z|[+-][0-9]{2}:?[0-9]{2})$", "", cell[10:])
    step = (86_400_000, 60_000, 1_000)[min(clock.count(":"), 2)]
    return ms if "." in clock or "," in clock else ms - ms % step
