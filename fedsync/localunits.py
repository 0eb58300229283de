"""Which local unit is meant by a bowl: looked up by name, item and place, and asked where it cannot be known. Pure.

The most particular factor holds: one for this item at this place, else one for this item, else one for this place,
else one for all. Two that say different amounts and are equally particular are contested, and nobody guesses.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from fedsync.errors import Exit, Problem
from fedsync.picking import begins, the_one
from fedsync.records.codec import Value
from fedsync.records.ids import PayloadId
from fedsync.records.kinds.units import UnitFactor
from fedsync.units import one_rounded, parse_number, show, show_stated

Factors = Mapping[PayloadId, UnitFactor]

ADD = "fedsync stock unit add"


@dataclass(frozen=True, slots=True)
class Stated:
    """A quantity as somebody said it, and the factor that it was reckoned with, if it was a body's own."""

    quantity: str
    unit: str
    factor: PayloadId | None = None

    @property
    def value(self) -> dict[str, Value]:
        """What stands in a payload for it."""
        value: dict[str, Value] = {"quantity": self.quantity, "unit": self.unit}
        return value if self.factor is None else value | {"factor": self.factor}


@dataclass(frozen=True, slots=True)
class Measured:
    """An exact amount of a base unit, not rounded yet. `stated`: how it was said, where that is not the unit itself."""

    amount: Fraction
    unit: str
    stated: Stated | None = None

    def rounded(self, said: str) -> int:
        """Return it as a whole number, by itself: half to even. Raises a Problem (exit 2) when it is too much or nothing."""
        return one_rounded(self.amount, self.unit, said)

    def words(self, quantity: int) -> str:
        """Return the whole quantity that it became, with how it was said: 3 bowls (26.25 kg)."""
        if self.stated is None:
            return show(quantity, self.unit)
        return show_stated(self.stated.quantity, self.stated.unit, quantity, self.unit)


def forms(name: str) -> frozenset[str]:
    """Return the ways in which a unit may be typed: capital letters and spaces do not matter, nor does a plural's s."""
    plain = " ".join(name.casefold().split())
    found = {plain}
    if len(plain) > 3 and plain.endswith("s") and not plain.endswith("ss"):
        found.add(plain[:-1])
        if plain.endswith("es"):
            found.add(plain[:-2])
    return frozenset(found)


def called(factors: Factors, name: str) -> dict[PayloadId, UnitFactor]:
    """Return the factors of this name: those that are called exactly so, else those that differ by a plural's s."""
    exact = " ".join(name.casefold().split())
    same = {id_: each for id_, each in factors.items() if " ".join(each.name.casefold().split()) == exact}
    typed = forms(name)
    return same or {id_: each for id_, each in factors.items() if forms(each.name) & typed}


def most_particular(
    factors: Factors, items: Collection[PayloadId], place: str | None
) -> dict[PayloadId, UnitFactor]:
    """Return those of these factors that hold for the item (by its ids, one for each unit) and place; several are rivals."""
    ranked: dict[tuple[bool, bool], dict[PayloadId, UnitFactor]] = {}
    for id_, factor in factors.items():
        if factor.item is not None and factor.item not in items:
            continue
        if factor.place is not None and not same_place(factor.place, place):
            continue
        ranked.setdefault((factor.item is not None, factor.place is not None), {})[id_] = factor
    return ranked[max(ranked)] if ranked else {}


def same_place(one: str, other: str | None) -> bool:
    """Say whether two names of a place are one, whatever their capital letters."""
    return other is not None and " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def choose(found: Factors, name: str, item: str) -> tuple[PayloadId, UnitFactor]:
    """Return the one factor that is meant. Raises a Problem (exit 6) that lists rivals."""
    amounts = {(each.ratio, each.unit) for each in found.values()}
    if len(amounts) == 1:
        # Said twice in different words, it is one amount.
        return min(found.items())
    shown = ", ".join(f"{amount_words(each)} ({id_.hex()[:8]})" for id_, each in sorted(found.items()))
    raise Problem(
        "contested_unit",
        f"One {name} of {item} is said to be different things: {shown}.",
        f"Say which: --factor {min(found).hex()[:8]}",
        Exit.NOT_FOUND,
    )


def named_by(factors: Factors, asked: str) -> tuple[PayloadId, UnitFactor]:
    """Return the factor whose id begins so. Raises a Problem (exit 6)."""
    found = [each for each in factors.items() if begins(asked, each[0].hex())]
    return the_one("unit", asked, found, lambda each: each[0].hex()[:12], "fedsync stock unit list")


def reckon(number: str, word: str, id_: PayloadId, factor: UnitFactor) -> Measured:
    """Return what a number of local units comes to. Raises a Problem (exit 2) when it is no number."""
    return Measured(
        parse_number(number) * factor.ratio, factor.unit, Stated(number.replace(" ", ""), word.strip(), id_)
    )


def amount_words(factor: UnitFactor) -> str:
    """Return how much one is, exactly: 8.75 kg, or 1000/3 g."""
    if factor.ratio.denominator == 1:
        return show(factor.numerator // factor.denominator, factor.unit)
    whole = factor.ratio
    return f"{whole.numerator:,}/{whole.denominator:,} {show(1, factor.unit).removeprefix('1 ')}"
