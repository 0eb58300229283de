"""What a quantity comes to that somebody states of an item: in a unit that everybody knows, or in a local one."""

from collections.abc import Mapping
from fractions import Fraction

from fedsync.crdt.goods.factors import factors
from fedsync.crdt.goods.tables import ITEMS
from fedsync.crdt.realms import Realm, local_realm
from fedsync.errors import Exit, Problem, usage
from fedsync.localunits import (
    ADD,
    Factors,
    Measured,
    Stated,
    called,
    choose,
    most_particular,
    named_by,
    reckon,
    same_place,
)
from fedsync.reading import Reading
from fedsync.records.ids import PayloadId, Scope
from fedsync.units import (
    BASE,
    POUNDS,
    SPELLED,
    base_unit,
    parse_number,
    parse_quantity,
    plain_unit,
    pounds_of,
)

KNOWN = frozenset({*BASE, *SPELLED, *POUNDS}) - {"1", "piece", "pieces", "pcs", "{piece}"}
"""Units that are the same for everybody, so that no community can make another thing of them. A piece is not among
them: one piece of melon may well be 4 kg."""
PIECE = "{piece}"
MAX_PLACES = 8
"""Places that are named when none was said."""


class DoesNotConvert(Problem):
    """The item is counted in something else, and nothing says how much of that a unit is."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__("does_not_convert", message, hint, Exit.USAGE)


class Measures:
    """The units of a community and of its goods, read once for many quantities."""

    def __init__(self, reading: Reading, scope: Scope | None = None) -> None:
        """Read those of a body, our own if none is said."""
        scope = scope or reading.own().scope
        self.factors: Factors = factors(reading.view, Realm(scope))
        self._items: dict[str, dict[str, PayloadId]] = {}
        for realm in (Realm(scope), local_realm(scope)):
            for key, row in reading.view.scan(ITEMS, (realm,)):
                name, unit = str(row[0]), str(row[1])
                self._items.setdefault(name.casefold(), {})[unit] = PayloadId(key[1])  # type: ignore[arg-type]

    def resolve(
        self, item: str, number: str, unit: str, place: str | None = None, factor: str | None = None
    ) -> Measured:
        """Return the exact amount of a base unit that `number` `unit` of the item called `item` comes to at a place.

        `factor` begins the id of the one that is meant. Raises a Problem (exit 2 or 6) that says what to type.
        """
        known = self._items.get(item.strip().casefold(), {})
        said = f"{number} {unit.strip()}"
        if factor is not None:
            return self._fits(item, known, unit, reckon(number, unit, *named_by(self.factors, factor)), said)
        if is_known(unit):
            return self._fits(item, known, unit, _plain(number, unit))
        direct = _code(unit)
        if direct in known:
            return _plain(number, unit)
        candidates = called(self.factors, unit)
        found = most_particular(candidates, [*known.values()], place)
        if found:
            return self._fits(item, known, unit, reckon(number, unit, *choose(found, unit, item)), said)
        # Somebody's bowl is no unit of its own for what nobody has told the bowl of. A piece is a piece, if no more is known.
        if known or direct is None or (candidates and direct != PIECE):
            raise self._unknown(item, known, unit, place, candidates)
        return _plain(number, unit)

    def _fits(
        self, item: str, known: Mapping[str, PayloadId], unit: str, found: Measured, said: str = "It"
    ) -> Measured:
        """Return what was found, if the item is counted in that, or in nothing yet."""
        if known and found.unit not in known:
            counted = " and ".join(plain_unit(each) for each in sorted(known))
            raise DoesNotConvert(
                f"{item} is counted in {counted} here, and {unit.strip()} is {plain_unit(found.unit)}: the one is not the other.",
                f"Weigh or measure it in {counted}; if it is another thing, give it a name of its own.",
            )
        if found.unit.startswith("{") and found.amount.denominator != 1:
            raise usage(
                f"{said} is not a whole number of {plain_unit(found.unit)}.", "Type a quantity that is."
            )
        return found

    def _unknown(
        self,
        item: str,
        known: Mapping[str, PayloadId],
        unit: str,
        place: str | None,
        candidates: Factors,
    ) -> Problem:
        ids = set(known.values())
        places = sorted(
            {each.place for each in candidates.values() if each.place and each.item in (None, *ids)}
        )
        word = unit.strip()
        if places and not any(same_place(each, place) for each in places):
            shown = ", ".join(places[:MAX_PLACES])
            at = f"not at {place}" if place else "and no place is named"
            return DoesNotConvert(
                f"What {word} of {item} come to is known at {shown}, {at}.",
                f'Say where: --place "{places[0]}"',
            )
        base = plain_unit(min(known, default="g"))
        counted = f"{item} is counted in {base} here, and" if known else f"{item} is new here, and"
        # A store's name is tried as a place; it is one only if somebody called it so.
        is_place = any(each.place and same_place(each.place, place) for each in self.factors.values())
        where = f' --place "{place}"' if is_place else ""
        return DoesNotConvert(
            f"{counted} nothing says what {word} of it come to.",
            f'Say it once: {ADD} "{word}" = QTY {base} --item "{item}"{where} --as NAME',
        )


def resolve(
    reading: Reading,
    item: str,
    number: str,
    unit: str,
    place: str | None = None,
    factor: str | None = None,
    scope: Scope | None = None,
) -> Measured:
    """Return what one quantity comes to: see `Measures.resolve`. `scope`: in whose books, our own if that is not said."""
    return Measures(reading, scope).resolve(item, number, unit, place, factor)


def is_known(unit: str) -> bool:
    """Say whether a unit is the same for everybody, however it is written."""
    return unit.strip() in KNOWN or unit.strip().casefold() in KNOWN


def _plain(number: str, unit: str) -> Measured:
    """Return a quantity in a unit that is reckoned by itself. Half of what is not divided is refused."""
    pounds = pounds_of(unit)
    if pounds is not None:
        return Measured(parse_number(number) * pounds, "g", Stated(number.replace(" ", ""), unit.strip()))
    quantity, code = parse_quantity(number, unit)
    return Measured(Fraction(quantity), code)


def _code(unit: str) -> str | None:
    """Return the code that a unit has by itself, without a factor; None when it can have none."""
    try:
        return base_unit(unit)[0]
    except Problem:
        return None
