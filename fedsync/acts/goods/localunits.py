"""Making local units: one by one, or all of a table."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.importing import WrongLine
from fedsync.acts.goods.measuring import is_known
from fedsync.acts.goods.recording import WrongWord
from fedsync.acts.goods.stewards import goods_log, write_goods
from fedsync.crdt.goods.factors import factors
from fedsync.crdt.goods.levels import items_called
from fedsync.crdt.realms import Realm
from fedsync.doors import Door
from fedsync.errors import Problem
from fedsync.plain import is_plain
from fedsync.reading import Reading
from fedsync.records.codec import Value, pack
from fedsync.records.ids import LogClass, PayloadId, Scope, payload_id
from fedsync.records.kinds.units import FACTOR, MAX_FACTOR_NAME_CHARS, MAX_RATIO, UnitFactor, factor_value
from fedsync.records.seal import Draft
from fedsync.spreadsheet import Table
from fedsync.units import base_unit, parse_number, plain_unit, pounds_of

COLUMNS = ("place", "item", "name", "quantity", "unit")
"""Of a table of local units. Place and item may be empty."""


@dataclass(frozen=True, slots=True)
class NewUnit:
    """A local unit as somebody says it: one `name` of an item at a place is `amount` of the base unit `unit`."""

    name: str
    amount: Fraction
    unit: str
    item: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: the factors by id, how many were there already, and the items that are new."""

    written: dict[PayloadId, NewUnit]
    held: int
    items: tuple[str, ...]


def new_unit(
    name: str, quantity: str, unit: str, item: str | None = None, place: str | None = None
) -> NewUnit:
    """Return a local unit as somebody typed it; `quantity` may be a fraction such as 10/3. Raises WrongWord (exit 2)."""
    named = _line("name", name, "unit")
    if is_known(named):
        raise WrongWord("name", f"{named} is the same for everybody.", "Give the local unit another name.")
    try:
        above, slash, below = quantity.partition("/")
        amount = parse_number(above)
        if slash:
            under = parse_number(below)
            amount = amount / under if under else Fraction()
    except Problem as problem:
        raise WrongWord("quantity", problem.message, "Type how much one is, like 8.75 or 10/3.") from None
    if not amount:
        raise WrongWord("quantity", f"One {named} cannot be nothing.", "Type how much one is, like 8.75.")
    pounds = pounds_of(unit)
    try:
        code, size = ("g", pounds) if pounds is not None else base_unit(unit)
    except Problem as problem:
        raise WrongWord("unit", problem.message, problem.hint) from None
    amount *= size
    if max(amount.numerator, amount.denominator) > MAX_RATIO:
        raise WrongWord(
            "quantity", f"{quantity} {unit} cannot be written down exactly.", "Type fewer digits."
        )
    return NewUnit(
        named,
        amount,
        code,
        _line("item", item, "item") if item else None,
        _line("place", place, "place") if place else None,
    )


def units_of(table: Table, place: str | None = None) -> tuple[list[NewUnit], list[WrongLine]]:
    """Return the local units in a table, of one place if that is said, and the lines that are wrong."""
    found: list[NewUnit] = []
    wrong: list[WrongLine] = []
    for line in table.lines:
        cells = line.cells
        if place is not None and cells["place"].casefold() != place.casefold():
            continue
        try:
            found.append(
                new_unit(cells["name"], cells["quantity"], cells["unit"], cells["item"], cells["place"])
            )
        except WrongWord as each:
            wrong.append(WrongLine(line.number, each.field, each.message.rstrip(".")))
    return found, wrong


def make_units(
    author: Author, reading: Reading, door: Door, units: Sequence[NewUnit], scope: Scope | None = None
) -> Made:
    """Write local units to the author's log of facts, all or none; what is held already is not written again.

    `scope`: for whose goods, our own by default; of another community under a mandate of theirs.
    """
    scope = scope or reading.own().scope
    goods_log(author, reading, LogClass.FACTS, [FACTOR], scope)
    with author.writing():
        now = now_ms()
        items: dict[tuple[str, str], PayloadId] = {}
        drafts: list[Draft] = []
        new_items: list[str] = []
        for name, code in dict.fromkeys((each.item, each.unit) for each in units if each.item):
            assert name is not None
            found = items_called(reading.view, scope, name)
            same = [id_ for id_, each in found.items() if each.unit == code]
            if found and not same:
                counted = " and ".join(sorted(plain_unit(each.unit) for each in found.values()))
                raise WrongWord(
                    "unit",
                    f"{name} is counted in {counted} here, not in {plain_unit(code)}.",
                    f"Say how much one is in {counted}.",
                )
            value: dict[str, Value] = {"name": name, "unit": code}
            if not same:
                drafts.append(Draft("resource_specification", value, now))
                new_items.append(name)
            items[name, code] = same[0] if same else payload_id(pack(value))
        held = factors(reading.view, Realm(scope)).keys()
        written: dict[PayloadId, NewUnit] = {}
        known = 0
        for unit in units:
            value = factor_value(_factor(unit, items))
            id_ = payload_id(pack(value))
            if id_ in held or id_ in written:
                known += 1
                continue
            written[id_] = unit
            drafts.append(Draft(FACTOR, value, now))
        if written:
            write_goods(author, reading, door, LogClass.FACTS, drafts, scope=scope)
    return Made(written, known, tuple(new_items) if written else ())


def _factor(unit: NewUnit, items: dict[tuple[str, str], PayloadId]) -> UnitFactor:
    return UnitFactor(
        unit.name,
        unit.amount.numerator,
        unit.amount.denominator,
        unit.unit,
        items[unit.item, unit.unit] if unit.item else None,
        unit.place,
    )


def _line(field: str, text: str, what: str) -> str:
    found = unicodedata.normalize("NFC", " ".join(text.split()))
    if not found:
        raise WrongWord(field, f"The {what} has no name.", f"Type what the {what} is called.")
    if len(found) > MAX_FACTOR_NAME_CHARS:
        raise WrongWord(
            field, f"The name of the {what} is longer than {MAX_FACTOR_NAME_CHARS} letters.", "Shorten it."
        )
    if not is_plain(found):
        raise WrongWord(
            field, f"The name of the {what} holds what is no letter or sign.", "Type one line of plain text."
        )
    return found
