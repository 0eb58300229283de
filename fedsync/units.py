"""Quantities as people type them, and as records hold them: whole numbers of a base unit, by UCUM code. Pure.

Base units are grams, millilitres, pieces and minutes; whatever else is counted is a UCUM annotation such as
{dose}. There are no fractions: 2.5 kg are 2,500 g, and half a piece is refused rather than rounded. Only where no
whole number can be meant (a pound, a bowl of 1/3 kg) is there rounding: half to even, in `rounded`.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from fedsync.errors import usage

BASE: dict[str, tuple[str, int]] = {
    "g": ("g", 1),
    "kg": ("g", 1_000),
    "t": ("g", 1_000_000),
    "mL": ("mL", 1),
    "ml": ("mL", 1),
    "cL": ("mL", 10),
    "dL": ("mL", 100),
    "hL": ("mL", 100_000),
    "L": ("mL", 1_000),
    "l": ("mL", 1_000),
    "m3": ("mL", 1_000_000),
    "min": ("min", 1),
    "h": ("min", 60),
    "d": ("min", 1_440),
    "1": ("{piece}", 1),
    "piece": ("{piece}", 1),
    "pieces": ("{piece}", 1),
    "pcs": ("{piece}", 1),
    "{piece}": ("{piece}", 1),
}
"""Each unit that may be typed -> the base unit's UCUM code, and how many of it one is."""

SPELLED: dict[str, str] = {
    **{each.casefold(): each for each in BASE},
    **dict.fromkeys(("gram", "grams", "gramme", "grammes"), "g"),
    **dict.fromkeys(("kgs", "kilo", "kilos", "kilogram", "kilograms", "kilogramme", "kilogrammes"), "kg"),
    **dict.fromkeys(("millilitre", "millilitres", "milliliter", "milliliters"), "mL"),
    **dict.fromkeys(("litre", "litres", "liter", "liters"), "L"),
    **dict.fromkeys(("mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("hour", "hours", "hrs"), "h"),
}
"""How people write these units, whatever the capital letters: Kg and kilos are no units of their own."""

POUNDS: dict[str, Fraction] = {
    "lb": Fraction(45_359_237, 100_000),
    "lbs": Fraction(45_359_237, 100_000),
    "[lb_av]": Fraction(45_359_237, 100_000),
    "oz": Fraction(45_359_237, 1_600_000),
    "[oz_av]": Fraction(45_359_237, 1_600_000),
}
"""Grams of those that people type and that are no whole number of grams: the pound and ounce of trade. Pints and
gallons are not here: they are one thing in one country, and another in the next."""

SHOWN: dict[str, tuple[tuple[str, int], ...]] = {
    "g": (("kg", 1_000), ("g", 1)),
    "mL": (("L", 1_000), ("mL", 1)),
    "min": (("min", 1),),
}
"""For people: the first of these of which there is at least one."""

_WORD = re.compile(r"[^\W\d_][\w -]{0,40}")
_NUMBER = re.compile(r"[0-9]{1,30}(\.[0-9]{1,12})?")
"""No exponents and no commas: 1,500 is one and a half to some readers, and fifteen hundred to others."""
MAX_QUANTITY = 2**53


def parse_quantity(number: str, unit: str) -> tuple[int, str]:
    """Return a quantity in base units and the base unit's code. Raises a Problem (exit 2) that says what to type."""
    pounds = pounds_of(unit)
    if pounds is not None:
        return one_rounded(parse_number(number) * pounds, "g", f"{number} {unit}"), "g"
    code, factor = base_unit(unit)
    amount = parse_number(number) * factor
    if amount.denominator != 1:
        raise usage(
            f"{number} {unit} is not a whole number of {plain_unit(code)}.", "Type a quantity that is."
        )
    return one_rounded(amount, code, f"{number} {unit}"), code


def pounds_of(unit: str) -> Fraction | None:
    """Return the grams of a pound or an ounce of trade, whatever the capital letters; None for another unit."""
    return POUNDS.get(unit.strip()) or POUNDS.get(unit.strip().casefold())


def parse_number(number: str) -> Fraction:
    """Return the number that somebody typed, exactly. Raises a Problem (exit 2)."""
    typed = number.replace("_", "").replace(" ", "")
    if not _NUMBER.fullmatch(typed):
        raise usage(f"{number} is not a number.", "Type a quantity like 12 or 2.5, then a unit.")
    return Fraction(typed)


def one_rounded(amount: Fraction, unit: str, said: str) -> int:
    """Return the whole number of base units that is nearest to one amount, of two the even one.

    `said` is how it was typed. Raises a Problem (exit 2) when it is too much, or something that would become nothing.
    """
    if amount > MAX_QUANTITY:
        raise usage(
            f"{said} is more than can be written down.", f"At most {MAX_QUANTITY:,} {plain_unit(unit)}."
        )
    found = round(amount)
    if amount and not found:
        raise usage(f"{said} is less than half of one {plain_unit(unit)}.", "Type more, or nothing.")
    return found


def rounded(amounts: Iterable[Fraction]) -> list[int]:
    """Return whole numbers for a list of amounts, whose sum is the amounts' sum, rounded once (half to even).

    Each line is what the rounded total grows by, so no line is off by one or more, and no gram is lost in the sum.
    """
    total, before, found = Fraction(), 0, []
    for amount in amounts:
        total += amount
        upto = round(total)
        found.append(upto - before)
        before = upto
    return found


def base_unit(unit: str) -> tuple[str, int]:
    """Return the base unit's code for `unit`, and how many of it one is. Raises a Problem (exit 2)."""
    spelled = SPELLED.get(unit.strip().casefold())
    if spelled is not None:
        return BASE[spelled]
    word = unit.strip().removeprefix("{").removesuffix("}")
    if not _WORD.fullmatch(word):
        raise usage(
            f"{unit!r} is not a unit.", "Known are: g kg t mL L min h pieces, or a word such as doses."
        )
    # "dose" and "doses" are one unit, not two kinds of goods.
    singular = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return "{" + singular.lower() + "}", 1


def show(quantity: int, unit: str) -> str:
    """Return a quantity in words: 12.5 kg, 340 mL, 7 pieces, 3 doses."""
    for name, size in SHOWN.get(unit, ()):
        if abs(quantity) >= size or size == 1:
            return f"{_decimal(quantity, size)} {name}"
    name = plain_unit(unit)
    if unit.startswith("{") and abs(quantity) != 1 and not name.endswith("s"):
        name += "s"
    return f"{quantity:,} {name}"


def show_stated(number: str, word: str, quantity: int, unit: str) -> str:
    """Return a quantity as it was stated, and what it comes to: 3 bowls (26.25 kg)."""
    return f"{number} {word} ({show(quantity, unit)})"


def plain_unit(unit: str) -> str:
    """Return a unit's code without UCUM's braces."""
    return unit.removeprefix("{").removesuffix("}")


def _decimal(quantity: int, size: int) -> str:
    if quantity % size == 0:
        return f"{quantity // size:,}"
    return f"{Decimal(quantity) / size:,f}".rstrip("0")
