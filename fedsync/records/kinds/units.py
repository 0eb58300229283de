"""What a local unit says: how much one bowl, bunch or sack of something is in some town. Pure.

A factor is never changed: it is named by the hash of its payload, so that two people who say the same make one, and
an event that was stated in bowls names the very factor that it was reckoned with.
"""

from dataclasses import dataclass
from fractions import Fraction

from fedsync.records.codec import Value
from fedsync.records.ids import PayloadId
from fedsync.records.kinds.fields import exactly, map_of, optional, text_of, whole
from fedsync.records.void import Void

FACTOR = "unit_factor"

MAX_FACTOR_NAME_CHARS = 200
"""Of a unit's name and of a place, in code points: as long as any other name."""
MAX_CODE_CHARS = 50
"""Of a base unit's code, in code points: as in a resource specification."""
MAX_RATIO = 2**53
"""The greatest numerator and denominator: what every other program can hold exactly."""


@dataclass(frozen=True, slots=True)
class UnitFactor:
    """One `name` of an item at a place is `numerator` / `denominator` of the base unit `unit`.

    Without `item` it holds for whatever is counted in `unit`, without `place` everywhere.
    """

    name: str
    numerator: int
    denominator: int
    unit: str
    item: PayloadId | None = None
    place: str | None = None

    @property
    def ratio(self) -> Fraction:
        """How much one is, exactly."""
        return Fraction(self.numerator, self.denominator)


def parse_factor(value: Value) -> UnitFactor:
    """Return the local unit that a record makes. Raises Void."""
    fields = map_of(value, "a unit factor")
    exactly(
        fields,
        {"name", "numerator", "denominator", "unit"},
        {"resource_conforms_to", "place"},
        "a unit factor",
    )
    item = optional(fields, "resource_conforms_to", 32)
    return UnitFactor(
        name=_line(fields, "name", MAX_FACTOR_NAME_CHARS),
        numerator=whole(fields, "numerator", 1, MAX_RATIO),
        denominator=whole(fields, "denominator", 1, MAX_RATIO),
        unit=_line(fields, "unit", MAX_CODE_CHARS),
        item=None if item is None else PayloadId(item),
        place=_line(fields, "place", MAX_FACTOR_NAME_CHARS) if "place" in fields else None,
    )


def factor_value(factor: UnitFactor) -> dict[str, Value]:
    """Return the payload that makes a factor."""
    value: dict[str, Value] = {
        "name": factor.name,
        "numerator": factor.numerator,
        "denominator": factor.denominator,
        "unit": factor.unit,
    }
    if factor.item is not None:
        value["resource_conforms_to"] = factor.item
    if factor.place is not None:
        value["place"] = factor.place
    return value


def _line(fields: dict[str, Value], name: str, longest: int) -> str:
    text = text_of(fields, name)
    if len(text) > longest or "\n" in text:
        raise Void("malformed", f"{name} is one line of 1 to {longest} characters")
    return text
