"""Units as ValueFlows writes them: by the identifiers of OM 2, the Ontology of Units of Measure. Pure."""

from typing import NamedTuple

OM2 = "http://www.ontology-of-units-of-measure.org/resource/om-2/"


class Unit(NamedTuple):
    """A unit: its UCUM code here, the identifier in OM 2 ("": it has none), its name, its symbol."""

    code: str
    om2: str
    label: str
    symbol: str


WRITTEN = {
    "g": Unit("g", "gram", "gram", "g"),
    "mL": Unit("mL", "millilitre", "millilitre", "mL"),
    "min": Unit("min", "minute-Time", "minute", "min"),
    "{piece}": Unit("{piece}", "one", "one", "1"),
}
"""Base units that OM 2 has. Others are written with their name alone."""

READ: dict[str, str] = {
    "gram": "g",
    "kilogram": "kg",
    "tonne": "t",
    "millilitre": "mL",
    "centilitre": "cL",
    "decilitre": "dL",
    "hectolitre": "hL",
    "litre": "L",
    "cubicMetre": "m3",
    "minute-Time": "min",
    "hour": "h",
    "day": "d",
    "one": "{piece}",
    "pound-Avoirdupois": "lb",
    "ounce-Avoirdupois": "oz",
}
"""What a unit of OM 2 is called here, where somebody types it."""


def unit_of(code: str) -> Unit:
    """Return how a base unit is written."""
    name = code.removeprefix("{").removesuffix("}")
    return WRITTEN.get(code) or Unit(code, "", name, name)


def word_of(om2: str) -> str | None:
    """Return the word that an OM 2 identifier, whole or short, is typed as here; None when it is not known."""
    return READ.get(om2.removeprefix(OM2).removeprefix("om2:").removeprefix("om:"))
