"""ValueFlows as JSON-LD, read. Pure.

What is written here is read as it was. What others write is read as far as it is known here: in the terms of ValueFlows 1.0,
with or without prefixes, with the quantities of OM 2. Whatever is not taken is named in the notes.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from fedsync.valueflows.form import camel
from fedsync.valueflows.graph import BadValueFlows, Graph, Thing, load
from fedsync.valueflows.model import (
    Agent,
    Agreement,
    BatchLotRecord,
    Commitment,
    Count,
    EconomicEvent,
    EconomicResource,
    Intent,
    Loaded,
    Measure,
    Place,
    ResourceSpecification,
    ValueFlows,
)
from fedsync.valueflows.units import word_of

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AGENTS = ("vf:Agent", "vf:Organization", "vf:Person", "vf:EcologicalAgent")
_READ = {
    "vf:ResourceSpecification": {"vf:name", "vf:defaultUnitOfResource"},
    "vf:SpatialThing": {"vf:name"},
    "vf:BatchLotRecord": {"vf:batchLotCode", "vf:expirationDate"},
    "vf:EconomicResource": {
        *("vf:name", "vf:conformsTo", "vf:resourceConformsTo", "vf:currentLocation", "vf:ofBatchLot"),
        *("vf:onhandQuantity", "vf:accountingQuantity", "vf:primaryAccountable"),
    },
    "vf:EconomicEvent": {
        *("vf:action", "vf:resourceQuantity", "vf:resourceConformsTo", "vf:resourceInventoriedAs", "vf:note"),
        *("vf:toResourceInventoriedAs", "vf:provider", "vf:receiver", "vf:hasPointInTime", "vf:fulfills"),
        *("fedsync:reason", "fedsync:stated"),
    },
    "fedsync:Count": {"fedsync:resource", "vf:resourceQuantity", "vf:hasPointInTime", "vf:note"},
    "vf:Intent": {
        *("vf:action", "vf:resourceQuantity", "vf:resourceConformsTo", "vf:provider", "vf:receiver"),
        *("vf:due", "vf:note", "fedsync:until"),
    },
    "vf:Commitment": {
        *("vf:action", "vf:resourceQuantity", "vf:resourceConformsTo", "vf:provider", "vf:receiver"),
        *("vf:satisfies", "vf:clauseOf", "vf:due", "vf:finished", "vf:note", "fedsync:until"),
    },
    "vf:Agreement": {"vf:name", "vf:note"},
    **{each: {"vf:name"} for each in _AGENTS},
}
"""The types that are read, and the fields of each."""
_PARTS = {"vf:Unit", "vf:Measure", "om2:Measure", "om2:Unit"}
"""Types that are read as parts of others."""


class _Unreadable(ValueError):
    """A thing cannot be taken, and why."""


def read(raw: bytes) -> Loaded:
    """Return what a file says. Raises BadValueFlows."""
    graph = load(raw)
    reader = _Things(graph)
    if not any(each.types & _READ.keys() for each in graph.things.values()):
        raise BadValueFlows("it has no events, resources or other things of ValueFlows in it")
    flows = ValueFlows(
        agents=tuple(Agent(each.id, reader.text(each, "vf:name") or each.id) for each in reader.of(*_AGENTS)),
        specifications=reader.many("vf:ResourceSpecification", reader.specification),
        places=reader.many(
            "vf:SpatialThing", lambda each: Place(each.id, reader.text(each, "vf:name") or each.id)
        ),
        lots=reader.many("vf:BatchLotRecord", reader.lot),
        resources=reader.many("vf:EconomicResource", reader.resource),
        events=reader.many("vf:EconomicEvent", reader.event),
        counts=reader.many("fedsync:Count", reader.count),
        intents=reader.many("vf:Intent", reader.intent),
        commitments=reader.many("vf:Commitment", reader.commitment),
        agreements=reader.many(
            "vf:Agreement",
            lambda each: Agreement(each.id, reader.text(each, "vf:name"), reader.text(each, "vf:note")),
        ),
    )
    return Loaded(flows, tuple(reader.notes()))


class _Things:
    """The things of a file, and what of them was not taken."""

    def __init__(self, graph: Graph) -> None:
        self._things, self._whole = graph.things, graph.whole
        self._foreign: Counter[str] = Counter()
        self._left: list[str] = []
        for thing in graph.things.values():
            known = thing.types & _READ.keys()
            if not known and thing.types and not thing.types & _PARTS:
                self._foreign[f"things of type {_short(min(thing.types))}"] += 1
            for type_ in known:
                for name in thing.fields.keys() - _READ[type_]:
                    self._foreign[f"the field {_short(name)} of {_short(type_)}"] += 1

    def notes(self) -> Iterable[str]:
        """Return what was not taken, in words."""
        yield from self._left
        for what, number in sorted(self._foreign.items()):
            yield f"{what}: left out ({'once' if number == 1 else f'{number} times'})"

    def of(self, *types: str) -> list[Thing]:
        """Return the things of these types, in the order of the file."""
        return [each for each in self._things.values() if each.types & set(types)]

    def many(self, type_: str, reader: Callable[[Thing], T]) -> tuple[T, ...]:
        """Return the things of a type that can be read; note the others."""
        found: list[T] = []
        for each in self.of(type_):
            try:
                found.append(reader(each))
            except _Unreadable as error:
                self._left.append(f"{_short(type_)} {each.id}: left out, {error}")
        return tuple(found)

    def text(self, thing: Thing, name: str) -> str:
        """Return a text; "" for none."""
        for said in thing.fields.get(name, []):
            if isinstance(said, str):
                return said
        return ""

    def link(self, thing: Thing, name: str) -> str:
        """Return the id of the one thing that a field names; "" for none."""
        found = [self._whole(each) for each in thing.fields.get(name, []) if isinstance(each, str)]
        if len(found) > 1:
            raise _Unreadable(f"its {_short(name)} names {len(found)} things")
        return found[0] if found else ""

    def time(self, thing: Thing, name: str) -> int | None:
        """Return a time in ms; None for none. One without an offset is UTC."""
        said = self.text(thing, name)
        if not said:
            return None
        try:
            moment = datetime.fromisoformat(said)
            return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // timedelta(milliseconds=1)
        except (ValueError, OverflowError):
            raise _Unreadable(f"its {_short(name)}, {said}, is no time") from None

    def measure(self, thing: Thing, name: str) -> Measure | None:
        """Return a quantity; None for none."""
        id_ = self.link(thing, name)
        if not id_:
            return None
        of = self._things.get(id_)
        if of is None:
            raise _Unreadable(f"its {_short(name)} is not in the file")
        numbers = [*of.fields.get("vf:hasNumericalValue", []), *of.fields.get("om2:hasNumericalValue", [])]
        if len(numbers) != 1 or isinstance(numbers[0], bool):
            raise _Unreadable(f"its {_short(name)} has no number")
        try:
            number = Decimal(numbers[0])
        except ArithmeticError:
            raise _Unreadable(f"its {_short(name)}, {numbers[0]}, is no number") from None
        if not number.is_finite() or number < 0:
            raise _Unreadable(f"its {_short(name)}, {number}, is not zero or more")
        unit = self.link(of, "vf:hasUnit") or self.link(of, "om2:hasUnit")
        if not unit:
            raise _Unreadable(f"its {_short(name)} has no unit")
        return Measure(number, self.unit(unit))

    def unit(self, id_: str) -> str:
        """Return what a unit is called here, as far as that is known; else by its name in the file."""
        known = word_of(id_)
        if known is not None:
            return known
        of = self._things.get(id_)
        if of is None:
            return id_
        om2 = word_of(self._whole(self.text(of, "vf:omUnitIdentifier")))
        return (
            om2
            or self.text(of, "fedsync:code")
            or self.text(of, "vf:label")
            or self.text(of, "vf:symbol")
            or id_
        )

    def specification(self, thing: Thing) -> ResourceSpecification:
        """Return a kind of thing. Raises _Unreadable."""
        name = self.text(thing, "vf:name")
        if not name:
            raise _Unreadable("it has no name")
        unit = self.link(thing, "vf:defaultUnitOfResource")
        return ResourceSpecification(thing.id, name, self.unit(unit) if unit else "")

    def lot(self, thing: Thing) -> BatchLotRecord:
        """Return a lot. Raises _Unreadable."""
        code = self.text(thing, "vf:batchLotCode")
        if not code:
            raise _Unreadable("it has no batchLotCode")
        return BatchLotRecord(thing.id, code, self.time(thing, "vf:expirationDate"))

    def resource(self, thing: Thing) -> EconomicResource:
        """Return what lies somewhere. Raises _Unreadable."""
        return EconomicResource(
            thing.id,
            self.link(thing, "vf:conformsTo") or self.link(thing, "vf:resourceConformsTo"),
            self.link(thing, "vf:currentLocation"),
            self.text(thing, "vf:name"),
            self.link(thing, "vf:ofBatchLot"),
            self.link(thing, "vf:primaryAccountable"),
            self.measure(thing, "vf:onhandQuantity"),
            self.measure(thing, "vf:accountingQuantity"),
        )

    def event(self, thing: Thing) -> EconomicEvent:
        """Return a movement. Raises _Unreadable."""
        return EconomicEvent(
            thing.id,
            self.action(thing),
            self._needed(thing, "vf:resourceQuantity"),
            self._moment(thing),
            self.link(thing, "vf:resourceConformsTo"),
            self.link(thing, "vf:resourceInventoriedAs"),
            self.link(thing, "vf:toResourceInventoriedAs"),
            self.link(thing, "vf:provider"),
            self.link(thing, "vf:receiver"),
            self.link(thing, "vf:fulfills"),
            self.text(thing, "vf:note"),
            self.text(thing, "fedsync:reason"),
            self._stated(thing),
        )

    def count(self, thing: Thing) -> Count:
        """Return a count. Raises _Unreadable."""
        return Count(
            thing.id,
            self._needed(thing, "vf:resourceQuantity"),
            self.link(thing, "fedsync:resource"),
            self._moment(thing),
            self.text(thing, "vf:note"),
        )

    def intent(self, thing: Thing) -> Intent:
        """Return a need or an offer. Raises _Unreadable."""
        return Intent(
            thing.id,
            self.action(thing),
            self._needed(thing, "vf:resourceQuantity"),
            self.link(thing, "vf:resourceConformsTo"),
            self.link(thing, "vf:provider"),
            self.link(thing, "vf:receiver"),
            self.time(thing, "vf:due"),
            self.time(thing, "fedsync:until"),
            self.text(thing, "vf:note"),
        )

    def commitment(self, thing: Thing) -> Commitment:
        """Return a promise. Raises _Unreadable."""
        return Commitment(
            thing.id,
            self.action(thing),
            self._needed(thing, "vf:resourceQuantity"),
            self.link(thing, "vf:resourceConformsTo"),
            self.link(thing, "vf:provider"),
            self.link(thing, "vf:receiver"),
            tuple(
                self._whole(each) for each in thing.fields.get("vf:satisfies", []) if isinstance(each, str)
            ),
            self.link(thing, "vf:clauseOf"),
            self.time(thing, "vf:due"),
            self.time(thing, "fedsync:until"),
            thing.fields.get("vf:finished", [False])[0] is True,
            self.text(thing, "vf:note"),
        )

    def action(self, thing: Thing) -> str:
        """Return an action in snake case, whatever it is."""
        said = self.link(thing, "vf:action")
        if not said:
            raise _Unreadable("it has no action")
        name = said.rsplit("#", 1)[-1].removeprefix("vf:")
        return _SNAKE.get(name, "".join(f"_{each.lower()}" if each.isupper() else each for each in name))

    def _needed(self, thing: Thing, name: str) -> Measure:
        found = self.measure(thing, name)
        if found is None:
            raise _Unreadable(f"it has no {_short(name)}")
        return found

    def _moment(self, thing: Thing) -> int:
        found = self.time(thing, "vf:hasPointInTime")
        if found is None:
            raise _Unreadable("it has no hasPointInTime")
        return found

    def _stated(self, thing: Thing) -> tuple[str, str] | None:
        of = self._things.get(self.link(thing, "fedsync:stated"))
        if of is None:
            return None
        number, unit = self.text(of, "fedsync:number"), self.text(of, "fedsync:unit")
        return (number, unit) if number and unit else None


_SNAKE = {camel(name): name for name in ("deliver_service", "transfer_custody", "transfer_all_rights")}


def _short(name: str) -> str:
    return name.removeprefix("vf:")
