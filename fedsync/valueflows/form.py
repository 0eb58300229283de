"""ValueFlows as JSON-LD, written. Pure.

One graph with the terms of ValueFlows 1.0, which other tools of JSON-LD read without asking anybody for the context.

Terms of our own, under `fedsync:`, stand for what ValueFlows has no word for: a `Count` of what lies in a store, the
`reason` of a loss, and the `stated` number and unit of an amount (3 bowls).
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from fedsync.valueflows.model import (
    Agreement,
    Commitment,
    Count,
    EconomicEvent,
    EconomicResource,
    Intent,
    Measure,
    ValueFlows,
)
from fedsync.valueflows.units import OM2, unit_of

VF = "https://w3id.org/valueflows/ont/vf#"
OWN = "urn:fedsync:terms:"
XSD = "http://www.w3.org/2001/XMLSchema#"

LINKS = (
    *(
        "action",
        "provider",
        "receiver",
        "resourceInventoriedAs",
        "toResourceInventoriedAs",
        "resourceConformsTo",
    ),
    *(
        "conformsTo",
        "currentLocation",
        "ofBatchLot",
        "hasUnit",
        "fulfills",
        "satisfies",
        "clauseOf",
        "primaryAccountable",
        "defaultUnitOfResource",
    ),
)
"""Terms whose value names another thing."""
TIMES = ("hasPointInTime", "due", "expirationDate")
CONTEXT: dict[str, Any] = {
    "vf": VF,
    "om2": OM2,
    "xsd": XSD,
    "fedsync": OWN,
    **{f"vf:{name}": {"@type": "@id"} for name in LINKS},
    **{f"vf:{name}": {"@type": "xsd:dateTimeStamp"} for name in TIMES},
    "fedsync:resource": {"@type": "@id"},
}

Json = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_json(flows: ValueFlows) -> Json:
    """Return a file as JSON values; what is not said is left out."""
    return {"@context": CONTEXT, "@graph": list(_graph(flows))}


def dump(flows: ValueFlows, ascii_only: bool = False) -> str:
    """Return the text of a file, the same for the same. `ascii_only`: for a screen, which obeys other letters."""
    return json.dumps(to_json(flows), ensure_ascii=ascii_only, indent=1) + "\n"


def camel(name: str) -> str:
    """Return a name in snake case as the vocabulary has it: transfer_custody is transferCustody."""
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)


def unit_id(code: str) -> str:
    """Return what a unit is called in a file: by OM 2, where that has it."""
    unit = unit_of(code)
    return f"om2:{unit.om2}" if unit.om2 else f"urn:fedsync:unit:{_safe(code)}"


def _graph(flows: ValueFlows) -> Iterator[Json]:
    for code in sorted(_codes(flows)):
        unit = unit_of(code)
        thing = _thing(
            unit_id(code),
            "vf:Unit",
            label=unit.label,
            symbol=unit.symbol,
            omUnitIdentifier=unit.om2 and OM2 + unit.om2,
        )
        yield thing if unit.om2 else thing | {"fedsync:code": code}
    for agent in flows.agents:
        yield _thing(agent.id, "vf:Agent", name=agent.name)
    for spec in flows.specifications:
        yield _thing(
            spec.id,
            "vf:ResourceSpecification",
            name=spec.name,
            defaultUnitOfResource=unit_id(spec.unit) if spec.unit else "",
        )
    for place in flows.places:
        yield _thing(place.id, "vf:SpatialThing", name=place.name)
    for lot in flows.lots:
        yield _thing(lot.id, "vf:BatchLotRecord", batchLotCode=lot.code, expirationDate=_time(lot.expires))
    for part in (
        flows.resources,
        flows.events,
        flows.counts,
        flows.agreements,
        flows.intents,
        flows.commitments,
    ):
        for each in part:
            yield _written(each)


def _written(
    of: EconomicResource | EconomicEvent | Count | Intent | Commitment | Agreement,
) -> Json:
    match of:
        case EconomicResource():
            return _thing(
                of.id,
                "vf:EconomicResource",
                name=of.name,
                conformsTo=of.conforms_to,
                currentLocation=of.place,
                ofBatchLot=of.lot,
                primaryAccountable=of.accountable,
                onhandQuantity=_measure(of.onhand),
                accountingQuantity=_measure(of.accounting),
            )
        case EconomicEvent():
            value = _thing(
                of.id,
                "vf:EconomicEvent",
                action=f"vf:{camel(of.action)}",
                resourceQuantity=_measure(of.quantity),
                resourceConformsTo=of.conforms_to,
                resourceInventoriedAs=of.resource,
                toResourceInventoriedAs=of.to_resource,
                provider=of.provider,
                receiver=of.receiver,
                fulfills=of.fulfills,
                hasPointInTime=_time(of.at),
                note=of.note,
            )
            if of.reason:
                value["fedsync:reason"] = of.reason
            if of.stated is not None:
                value["fedsync:stated"] = {"fedsync:number": of.stated[0], "fedsync:unit": of.stated[1]}
            return value
        case Count():
            return {
                **_thing(of.id, "fedsync:Count", hasPointInTime=_time(of.at), note=of.note),
                "fedsync:resource": of.resource,
                "vf:resourceQuantity": _measure(of.quantity),
            }
        case Intent():
            return _until(of.until) | _thing(
                of.id,
                "vf:Intent",
                action=f"vf:{camel(of.action)}",
                resourceQuantity=_measure(of.quantity),
                resourceConformsTo=of.conforms_to,
                provider=of.provider,
                receiver=of.receiver,
                due=_time(of.due),
                note=of.note,
            )
        case Commitment():
            return _until(of.until) | _thing(
                of.id,
                "vf:Commitment",
                action=f"vf:{camel(of.action)}",
                resourceQuantity=_measure(of.quantity),
                resourceConformsTo=of.conforms_to,
                provider=of.provider,
                receiver=of.receiver,
                satisfies=list(of.satisfies),
                clauseOf=of.clause_of,
                due=_time(of.due),
                finished=of.finished,
                note=of.note,
            )
        case Agreement():
            return _thing(of.id, "vf:Agreement", name=of.name, note=of.note)


def _codes(flows: ValueFlows) -> set[str]:
    measures: Iterable[Measure | None] = (
        *(each.quantity for each in flows.events),
        *(each.quantity for each in flows.counts),
        *(each.quantity for each in flows.intents),
        *(each.quantity for each in flows.commitments),
        *(each for resource in flows.resources for each in (resource.onhand, resource.accounting)),
    )
    return {each.unit for each in measures if each is not None} | {
        each.unit for each in flows.specifications if each.unit
    }


def _thing(id_: str, type_: str, **fields: Any) -> Json:
    said = {f"vf:{name}": each for name, each in fields.items() if each not in (None, "", [], False)}
    return {"@id": id_, "@type": type_, **said}


def _measure(of: Measure | None) -> Json | None:
    if of is None:
        return None
    # Whole numbers up to 2^53 are the same number to every reader of JSON.
    number = int(of.number) if of.number == of.number.to_integral_value() else str(of.number)
    return {"@type": "vf:Measure", "vf:hasNumericalValue": number, "vf:hasUnit": unit_id(of.unit)}


def _time(ms: int | None) -> str | None:
    if ms is None:
        return None
    try:
        text = (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
    except OverflowError:
        return None
    return text.replace("+00:00", "Z")


def _until(ms: int | None) -> Json:
    return {} if ms is None else {"fedsync:until": _time(ms)}


def _safe(code: str) -> str:
    return "".join(
        each if each.isascii() and each.isalnum() else f"-{ord(each):x}-" for each in code.strip("{}")
    )
