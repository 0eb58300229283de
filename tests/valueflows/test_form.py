"""ValueFlows: what is written is read as it was, what others write as far as it is known; nothing is dropped silently."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.records.kinds.actions import ACTIONS
from fedsync.valueflows.form import VF, camel, dump, to_json
from fedsync.valueflows.graph import MAX_DEPTH, BadValueFlows
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
from fedsync.valueflows.read import read

NOON = 1_778_594_400_123
KILO = Measure(Decimal(12_000), "g")

FULL = ValueFlows(
    agents=(Agent("urn:fedsync:body:1", "Oakfield"), Agent("urn:fedsync:party:1", "The Smiths")),
    specifications=(ResourceSpecification("urn:fedsync:item:1", "Oats", "g"), ResourceSpecification("urn:fedsync:item:2", "Vaccine", "{dose}")),
    places=(Place("urn:fedsync:store:1", "Barn"),),
    lots=(BatchLotRecord("urn:fedsync:lot:1", "L-7", NOON), BatchLotRecord("urn:fedsync:lot:2", "L-8")),
    resources=(EconomicResource("urn:fedsync:resource:1", "urn:fedsync:item:1", "urn:fedsync:store:1", "Oats", "urn:fedsync:lot:1", "urn:fedsync:body:1", KILO, KILO),),
    events=(
        EconomicEvent("urn:fedsync:record:1", "transfer_custody", KILO, NOON, "urn:fedsync:item:1", "urn:fedsync:resource:1", provider="urn:fedsync:body:1", receiver="urn:fedsync:party:1", fulfills="urn:fedsync:record:5", note="=x"),
        EconomicEvent("urn:fedsync:record:2", "lower", Measure(Decimal("0"), "{piece}"), -NOON, "urn:fedsync:item:1", reason="spoiled", stated=("3", "bowls")),
    ),
    counts=(Count("urn:fedsync:record:3", Measure(Decimal(2**53), "mL"), "urn:fedsync:resource:1", NOON, "By hand"),),
    intents=(Intent("urn:fedsync:record:4", "transfer", KILO, "urn:fedsync:item:1", provider="urn:fedsync:body:1", due=NOON, until=NOON + 1, note="n"),),
    commitments=(Commitment("urn:fedsync:record:5", "transfer", KILO, "urn:fedsync:item:1", "urn:fedsync:body:1", "urn:fedsync:party:1", ("urn:fedsync:record:4",), "urn:fedsync:agreement:1", NOON, NOON, True),),
    agreements=(Agreement("urn:fedsync:agreement:1", "Milk for hay", "Each week."),),
)  # fmt: skip


def loaded(value: Any) -> Loaded:
    return read(json.dumps(value).encode())


def test_what_is_written_is_read_as_it_was() -> None:
    assert read(dump(FULL).encode()) == Loaded(FULL)
    assert read(dump(FULL, ascii_only=True).encode("utf-8-sig")) == Loaded(FULL)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
measures = st.builds(
    Measure,
    st.integers(0, 2**53).map(Decimal),
    st.sampled_from(["g", "mL", "min", "{piece}", "{dose}", "{kisten äpfel}"]),
)
events = st.builds(
    EconomicEvent,
    id=st.integers(0, 10**9).map(lambda number: f"urn:fedsync:record:{number}"),
    action=st.sampled_from(sorted(ACTIONS)),
    quantity=measures,
    at=st.integers(-62_135_596_800_000, 253_402_300_799_999),
    note=names | st.just(""),
)


@given(st.lists(events, min_size=1, max_size=5, unique_by=lambda each: each.id))
def test_any_movements_are_read_as_they_were(some: list[EconomicEvent]) -> None:
    assert read(dump(ValueFlows(events=tuple(some))).encode()) == Loaded(ValueFlows(events=tuple(some)))


def test_every_action_has_the_vocabularys_name() -> None:
    assert {camel(each) for each in ACTIONS} == {
        *("accept", "cite", "combine", "consume", "copy", "deliverService", "dropoff", "lower", "modify", "move", "pickup"),
        *("produce", "raise", "separate", "transfer", "transferAllRights", "transferCustody", "use", "work"),
    }  # fmt: skip


def test_a_reader_of_json_ld_needs_nothing_but_the_file() -> None:
    value = to_json(FULL)
    assert value["@context"]["vf"] == VF
    used = {
        name.partition(":")[0]
        for thing in value["@graph"]
        for name in [*thing, thing["@type"], thing["@id"]]
        if not name.startswith("@")
    }
    assert used <= value["@context"].keys() | {"urn"}


def test_what_others_write_is_read_without_prefixes_and_within_each_other() -> None:
    found = loaded(
        {
            "@context": [{"@vocab": "http://w3id.org/valueflows/ont/vf#"}, {"farm": "https://farm.example/"}],
            "@graph": [
                {
                    "@id": "farm:1", "@type": "Process", "name": "Harvest",
                    "hasOutput": [
                        {
                            "@type": "EconomicEvent", "@id": "farm:2", "action": "produce", "provider": "https://farm.example/",
                            "resourceConformsTo": {"@id": "farm:3", "@type": "ResourceSpecification", "name": "Carrots", "defaultUnitOfResource": "kilogram"},
                            "resourceQuantity": {"hasUnit": "kilogram", "hasNumericalValue": 650.25},
                            "hasPointInTime": "2026-05-12T10:00:00+02:00", "state": "fresh",
                        }
                    ],
                },
                {"@id": "https://farm.example/", "@type": ["Organization"], "name": "The farm"},
                {"@id": "farm:4", "@type": "EconomicEvent", "action": "work", "effortQuantity": {"hasUnit": "hour", "hasNumericalValue": 7}},
            ],
        }
    )  # fmt: skip
    (event,) = found.flows.events
    assert event.quantity == Measure(Decimal("650.25"), "kg")
    assert (event.action, event.at, event.provider) == ("produce", 1_778_572_800_000, "https://farm.example/")
    assert event.conforms_to == "https://farm.example/3"
    assert found.flows.specifications == (ResourceSpecification("https://farm.example/3", "Carrots", "kg"),)
    assert found.flows.agents == (Agent("https://farm.example/", "The farm"),)
    said = "\n".join(found.notes)
    assert "things of type Process" in said
    assert "the field state of EconomicEvent" in said
    assert "EconomicEvent https://farm.example/4: left out, it has no resourceQuantity" in said


@pytest.mark.parametrize(
    ("unit", "word"),
    [
        ("om2:kilogram", "kg"), ("http://www.ontology-of-units-of-measure.org/resource/om-2/litre", "L"), ("one", "{piece}"), ("om2:hour", "h"),
        ({"@id": "u:1", "@type": "vf:Unit", "vf:omUnitIdentifier": "om2:tonne"}, "t"), ({"@id": "u:1", "@type": "vf:Unit", "vf:label": "bushel"}, "bushel"),
        ("https://unknown.example/unit", "https://unknown.example/unit"),
    ],
)  # fmt: skip
def test_units_are_those_of_om2_or_what_the_file_calls_them(unit: Any, word: str) -> None:
    found = loaded(
        {
            "@context": {"vf": VF},
            "@id": "e:1", "@type": "vf:EconomicEvent", "vf:action": {"@id": "vf:raise"}, "vf:hasPointInTime": "2026-05-12",
            "vf:resourceQuantity": {"om2:hasUnit": unit, "om2:hasNumericalValue": {"@value": "3"}},
        }
    )  # fmt: skip
    assert found.flows.events[0].quantity == Measure(Decimal(3), word)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"vf:resourceQuantity": {"vf:hasNumericalValue": -3, "vf:hasUnit": "one"}}, "zero or more"), ({"vf:resourceQuantity": "3 kg"}, "not in the file"),
        ({"vf:resourceQuantity": {"vf:hasUnit": "one"}}, "no number"), ({"vf:resourceQuantity": {"vf:hasNumericalValue": 3}}, "no unit"),
        ({"vf:resourceQuantity": {"vf:hasNumericalValue": "three", "vf:hasUnit": "one"}}, "is no number"),
        ({"vf:resourceQuantity": {"vf:hasNumericalValue": "NaN", "vf:hasUnit": "one"}}, "zero or more"),
        ({"vf:hasPointInTime": "2019-04-18T8:30:08-5:00"}, "is no time"), ({"vf:hasPointInTime": []}, "no hasPointInTime"), ({"vf:action": []}, "no action"),
        ({"vf:resourceInventoriedAs": ["r:1", "r:2"]}, "names 2 things"),
    ],
)  # fmt: skip
def test_an_event_that_would_have_to_be_guessed_is_left_out_and_named(
    more: dict[str, Any], said: str
) -> None:
    event = {
        "@id": "e:1", "@type": "vf:EconomicEvent", "vf:action": "vf:raise", "vf:hasPointInTime": "2026-05-12",
        "vf:resourceQuantity": {"vf:hasNumericalValue": 3, "vf:hasUnit": "one"},
    }  # fmt: skip
    assert loaded({"@context": {"vf": VF}, "@graph": [event]}).flows.events
    found = loaded({"@context": {"vf": VF}, "@graph": [event | more]})
    assert found.flows.events == ()
    assert said in found.notes[0]


def deep() -> Any:
    value: Any = {"@type": "vf:EconomicEvent"}
    for _ in range(MAX_DEPTH + 2):
        value = {"vf:hasInput": value}
    return value


@pytest.mark.parametrize(
    "value", [[], {}, 3, "x", None, {"@graph": 3}, {"@graph": [{"@type": "Person"}]}, deep()]
)
def test_what_is_no_valueflows_is_refused(value: Any) -> None:
    with pytest.raises(BadValueFlows):
        loaded(value)


@pytest.mark.parametrize("raw", [b"", b"\xff", b"{", b"[" * 100_000, b'{"a": NaN}'])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(BadValueFlows):
        read(raw)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "@id",
                    "@type",
                    "@graph",
                    "@context",
                    "@value",
                    "@list",
                    "vf:action",
                    "vf:resourceQuantity",
                    "vf:hasUnit",
                    "vf:name",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        assert loaded(value).flows is not None
    except BadValueFlows as error:
        refused = str(error)
        if not refused:
            raise
