"""`fedsync export stock --valueflows` and `import valueflows`: the same goods in another community, and nothing lost silently."""

import json
from pathlib import Path
from typing import Any

import pytest

from fedsync.valueflows.form import VF
from tests.cli.calling import Place, found


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a node with movements of all sorts, counts, lots, two stores and pieces."""
    node = found(tmp_path_factory.mktemp("full") / "home")
    node("stock", "unit", "add", "bowl", "=", "8.75", "kg", "--item", "Millet", "--as", "Ann")
    for words in (
        ("add", "Oats", "12", "kg", "--store", "Barn", "--at", "2026-05-10T08:30:15Z", "--note", "=1 \"so\""),
        ("use", "Oats", "2.5", "kg", "--store", "Barn", "--at", "2026-05-11"),
        ("count", "Oats", "9", "kg", "--store", "Barn", "--at", "2026-05-12T10:00Z", "--note", "by hand"),
        ("move", "Oats", "1", "kg", "--from", "Barn", "--to", "Mill, upper", "--at", "2026-05-12T12:00Z"),
        ("add", "Milk", "3", "L", "--store", "Barn", "--lot", "L-7", "--expires", "2026-06-01", "--at", "2026-05-12T12:01Z"),
        ("lose", "Milk", "1", "L", "--store", "Barn", "--lot", "L-7", "--expires", "2026-06-01", "--reason", "spoiled", "--at", "2026-05-13"),
        ("add", "Millet", "3", "bowls", "--store", "Barn", "--at", "2026-05-13"),
        ("add", "Vaccine", "30", "doses", "--store", "Fridge", "--at", "2026-05-13"),
        ("add", "Ladder", "1", "pieces", "--store", "Shed", "--at", "2026-05-12", "--action", "dropoff"),
        ("use", "Gloves", "4", "pieces", "--store", "Shed", "--at", "2026-05-12"),
        ("add", "Ladder", "2", "pieces", "--store", "Shed", "--at", "2026-05-13", "--action", "produce"),
    ):  # fmt: skip
        node("stock", *words, "--as", "Ann")
    return node


def levels(node: Place) -> list[tuple[Any, ...]]:
    return [
        (
            row["store"],
            row["item"],
            row.get("lot"),
            row.get("accounting"),
            row["on_hand"],
            row["unexplained"],
            row["last_count"],
        )
        for row in node.json("stock", "list")["stock"]
    ]


def test_what_is_exported_and_taken_in_elsewhere_lies_there_as_it_lay(full: Place, tmp_path: Path) -> None:
    file = tmp_path / "stock.jsonld"
    value = full.json("export", "stock", "--valueflows", file)
    assert (value["events"], value["counts"], value["lots"]) == (10, 1, 1)
    assert "left out: how much a local unit is, of which movements were stated (once)" in value["notes"]
    empty = found(tmp_path / "other")
    words = ("import", "valueflows", file, "--as", "Ben")
    assert (
        "10 movements, 1 count, 0 needs and offers and 0 promises would be recorded"
        in empty(*words, "--dry-run").out
    )
    assert levels(empty) == []
    value = empty.json(*words)
    assert (value["movements"], value["counts"], value["left"]) == (10, 1, [])
    assert levels(empty) == levels(full)
    # And what comes out there is what went in, by other names of records.
    back = tmp_path / "back.jsonld"
    empty("export", "stock", "--valueflows", back)
    assert told(back) == told(file)
    assert empty.json(*words)["there"] == 11


def told(file: Path) -> list[dict[str, Any]]:
    """Return the events and counts of a file, without the names of records and bodies."""
    things = json.loads(file.read_text("utf-8"))["@graph"]
    kept = [each for each in things if each["@type"] in ("vf:EconomicEvent", "fedsync:Count")]
    names = {each["@id"]: each.get("vf:name") for each in things}
    places = {
        each["@id"]: (
            names[each["vf:currentLocation"]],
            names[each["vf:conformsTo"]],
            "vf:ofBatchLot" in each,
        )
        for each in things
        if each["@type"] == "vf:EconomicResource"
    }
    return [
        {
            key: places.get(said, said) if isinstance(said, str) else said
            for key, said in each.items()
            if key != "@id"
        }
        for each in kept
    ]


def test_a_corrected_movement_is_taken_in_as_it_stands(node: Place, tmp_path: Path) -> None:
    id_ = node.json("stock", "add", "Oats", "12", "kg", "--store", "Barn", "--as", "Ann")["id"]
    node("stock", "correct", id_, "10", "kg", "--as", "Ben")
    value = node.json("export", "stock", "--valueflows", tmp_path / "it.jsonld")
    assert value["notes"] == ["what was corrected is written in its corrected form (once)"]
    empty = found(tmp_path / "other")
    empty("import", "valueflows", tmp_path / "it.jsonld", "--as", "Ann")
    assert empty.level("Oats", "Barn")["on_hand"]["quantity"] == 10_000


def test_needs_offers_and_promises_are_taken_in_and_count_there(node: Place, tmp_path: Path) -> None:
    offer = node.json("stock", "offer", "Oats", "50", "kg", "--due", "2087-06-01", "--as", "Ann")["id"]
    node("stock", "need", "Milk", "20", "L", "--as", "Ann")
    node("stock", "need", "Hay", "2", "t", "--for", "The Smiths", "--as", "Ann")
    node("stock", "promise", offer, "30", "kg", "--to", "Zoe", "--outside", "--as", "Ann")
    file = tmp_path / "plans.jsonld"
    value = node.json("export", "stock", "--valueflows", file)
    assert (value["intents"], value["commitments"]) == (3, 1)
    empty = found(tmp_path / "other")
    words = ("import", "valueflows", file, "--as", "Ben")
    assert "3 needs and offers and 1 promise would be recorded" in empty(*words, "--dry-run").out
    value = empty.json(*words)
    assert (value["intents"], value["commitments"], value["left"]) == (3, 1, [])
    assert plans(empty) == plans(node)
    again = empty.json(*words)
    assert (again["intents"], again["commitments"], again["there"]) == (0, 0, 4)
    assert plans(empty) == plans(node)


def plans(node: Place) -> list[Any]:
    """Return the needs, offers and promises of a node without what names records and bodies."""
    things = node.json("export", "stock", "--valueflows", "-")["valueflows"]["@graph"]
    kept = [each for each in things if each["@type"] in ("vf:Intent", "vf:Commitment")]
    return sorted(
        (
            each["@type"],
            each["vf:resourceQuantity"]["vf:hasNumericalValue"],
            each.get("vf:due", ""),
            "vf:provider" in each,
            "vf:receiver" in each,
        )
        for each in kept
    )


def test_what_is_promised_beyond_an_offer_is_left_out_and_named(node: Place, tmp_path: Path) -> None:
    intent = {"@id": "o:1", "@type": "Intent", "action": "transfer", "provider": "a:1", "resourceConformsTo": "i:1",
              "resourceQuantity": {"hasUnit": "om2:kilogram", "hasNumericalValue": 10}}  # fmt: skip
    promised = {
        "@type": "Commitment",
        "action": "transfer",
        "provider": "a:1",
        "receiver": "a:2",
        "satisfies": "o:1",
        "resourceConformsTo": "i:1",
    }
    value = taken(
        node, tmp_path, intent,
        {**promised, "@id": "c:1", "resourceQuantity": {"hasUnit": "om2:kilogram", "hasNumericalValue": 8}},
        {**promised, "@id": "c:2", "resourceQuantity": {"hasUnit": "om2:kilogram", "hasNumericalValue": 8}},
        {**promised, "@id": "c:3", "satisfies": "o:9", "resourceQuantity": {"hasUnit": "one", "hasNumericalValue": 8}},
        {**promised, "@id": "c:4", "receiver": "a:1", "resourceQuantity": {"hasUnit": "om2:gram", "hasNumericalValue": 8}},
        {"@id": "g:1", "@type": "Agreement", "name": "Milk for hay"},
    )  # fmt: skip
    assert (value["intents"], value["commitments"]) == (1, 1)
    said = "\n".join(value["left"])
    for part in ("Commitment c:2: left out", "c:3: left out, what it promises from is no offer", "c:4: left out, it is a promise to ourselves", "g:1: left out, each party"):  # fmt: skip
        assert part in said


def test_the_file_is_in_the_words_of_the_vocabulary(full: Place) -> None:
    value = full.json("export", "stock", "--valueflows", "-")["valueflows"]
    assert value["@context"]["vf"] == VF
    (lost,) = [each for each in value["@graph"] if each.get("vf:action") == "vf:lower"]
    assert lost["vf:resourceQuantity"] == {
        "@type": "vf:Measure", "vf:hasNumericalValue": 1_000, "vf:hasUnit": "om2:millilitre",
    }  # fmt: skip
    assert lost["vf:hasPointInTime"].endswith("Z")
    (resource,) = [each for each in value["@graph"] if each["@id"] == lost["vf:resourceInventoriedAs"]]
    (lot,) = [each for each in value["@graph"] if each["@id"] == resource["vf:ofBatchLot"]]
    assert lot["vf:batchLotCode"] == "L-7"
    assert resource["vf:onhandQuantity"]["vf:hasNumericalValue"] == 2_000


def taken(
    node: Place, tmp_path: Path, *events: dict[str, Any], more: tuple[object, ...] = ()
) -> dict[str, Any]:
    file = tmp_path / "in.jsonld"
    graph = [
        {"@id": "i:1", "@type": "ResourceSpecification", "name": "Carrots"}, {"@id": "p:1", "@type": "SpatialThing", "name": "Cellar"},
        {"@id": "r:1", "@type": "EconomicResource", "conformsTo": "i:1", "currentLocation": "p:1", "primaryAccountable": "a:1"},
        {"@id": "r:2", "@type": "EconomicResource", "conformsTo": "i:1"}, {"@id": "a:1", "@type": "Organization", "name": "The farm"},
        {"@id": "a:2", "@type": "Person", "name": "Zoe"},
        *events,
    ]  # fmt: skip
    file.write_text(json.dumps({"@context": {"@vocab": VF}, "@graph": graph}))
    return node.json("import", "valueflows", file, "--as", "Ann", *more)


def event(**more: Any) -> dict[str, Any]:
    return {
        "@id": "e:1", "@type": "EconomicEvent", "action": "raise", "hasPointInTime": "2026-05-12", "resourceInventoriedAs": "r:1",
        "resourceQuantity": {"hasUnit": "om2:kilogram", "hasNumericalValue": 1.5}, **more,
    }  # fmt: skip


def test_what_others_record_is_taken_in_with_who_gave_it(node: Place, tmp_path: Path) -> None:
    value = taken(
        node, tmp_path, event(), event(**{"@id": "e:2"}, action="transfer", resourceQuantity={"hasUnit": "g", "hasNumericalValue": 500},
                                       provider="a:1", receiver="a:2")
    )  # fmt: skip
    assert (value["movements"], value["left"]) == (2, [])
    assert node.level("Carrots", "Cellar")["on_hand"] == {"quantity": 1_000, "unit": "g"}
    shown = node.json("stock", "export")["rows"]
    assert [row["action"] for row in shown] == ["raise", "transfer"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"action": "fly"}, "there is no action fly"), ({"resourceInventoriedAs": "r:9"}, "r:9 is not in the file"),
        ({"resourceInventoriedAs": "r:2"}, "--store NAME"), ({"resourceInventoriedAs": []}, "is not in the file"),
        ({"action": "transfer"}, "has two ends"), ({"resourceQuantity": {"hasUnit": "om2:gram", "hasNumericalValue": 0.5}}, "whole number"),
        ({"resourceQuantity": {"hasUnit": "om2:gram", "hasNumericalValue": 1e17}}, "more than can be written"), ({"hasPointInTime": "2999-01-01"}, "later than tomorrow"),
        ({"note": "a\x1bb"}, "note"), ({"action": "transfer", "toResourceInventoriedAs": "r:1"}, "same store"),
    ],
)  # fmt: skip
def test_what_cannot_be_ours_is_left_out_and_named(
    node: Place, tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    value = taken(node, tmp_path, event(**more))
    assert (value["movements"], len(value["left"])) == (0, 1)
    assert "EconomicEvent e:1: left out" in value["left"][0]
    assert said in value["left"][0]
    assert node.json("stock", "list")["stock"] == []


def test_what_is_said_to_lie_somewhere_and_never_came_there_is_named(node: Place, tmp_path: Path) -> None:
    lies = {"@id": "r:1", "onhandQuantity": {"hasUnit": "kilogram", "hasNumericalValue": 1.5}}
    assert taken(node, tmp_path, event(), lies)["left"] == []
    lies = {
        "@id": "r:2",
        "currentLocation": "p:1",
        "onhandQuantity": {"hasUnit": "kilogram", "hasNumericalValue": 650},
    }
    value = taken(node, tmp_path, event(**{"@id": "e:2"}, fulfills="c:1", hasPointInTime="2026-05-13"), lies)
    said = "\n".join(value["left"])
    assert "r:2: left out, 650 kg are said to lie there" in said
    assert "which promise a movement fulfils: left out (1 of them)" in said


def test_what_has_no_place_lies_where_one_is_named(node: Place, tmp_path: Path) -> None:
    assert (
        taken(node, tmp_path, event(resourceInventoriedAs="r:2"), more=("--store", "Loft"))["movements"] == 1
    )
    assert node.level("Carrots", "Loft")["on_hand"]["quantity"] == 1_500


def test_what_is_no_valueflows_is_refused(node: Place, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonld"
    file.write_text("{}")
    assert (
        "cannot be taken in" in node.refused("import", "valueflows", file, "--as", "Ann", code=11)["message"]
    )
    node.refused("import", "valueflows", tmp_path / "none", "--as", "Ann", code=2)
    node.refused("export", "stock", code=2)
    node.refused("export", "stock", "--csv", "-", "--valueflows", "-", code=2)
    node.refused("export", "stock", "--csv", "-", "--body", "Oakfield", code=2)
    assert node("export", "stock", "--csv", "-").out.startswith("id,at_utc,action")


def test_our_own_books_come_back_as_nothing_new_and_a_changed_line_is_told(tmp_path: Path) -> None:
    node, file = found(tmp_path / "home"), tmp_path / "stock.jsonld"
    store = ("--store", "Barn", "--as", "Ann")
    id_ = node.json("stock", "add", "Oats", 12, "kg", "--at", "2026-05-12", *store)["id"]
    # What a count says of single movements has no word in ValueFlows.
    node("stock", "count", "Oats", 9, "kg", "--at", "2026-05-12", "--exclude", id_, *store)
    used = node.json("stock", "use", "Oats", 2, "kg", *store)["id"]
    node("export", "stock", "--valueflows", file)
    words = ("import", "valueflows", file, "--as", "Ben")
    value = node.json(*words)
    assert (value["movements"], value["counts"], value["there"], value["left"]) == (0, 0, 3, [])
    # Nor is what was put right since recorded once more.
    node("stock", "correct", used, 3, "kg", "--as", "Ann")
    assert (node.json(*words)["movements"], node.level("Oats", "Barn")["on_hand"]["quantity"]) == (0, 18_000)
    node("export", "stock", "--valueflows", file)
    graph = json.loads(file.read_text("utf-8"))
    for each in graph["@graph"]:
        if each["@id"].endswith(id_):
            each["vf:resourceQuantity"]["vf:hasNumericalValue"] = 13_000
    file.write_text(json.dumps(graph), "utf-8")
    (left,) = [each for each in node.json(*words)["left"] if "EconomicEvent" in each]
    assert "put it right with fedsync stock correct" in left
