"""`fedsync stock unit`: local units are said once, listed, and taken in from tables."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from fedsync import data
from fedsync.acts.goods.measuring import Measures
from fedsync.errors import Problem
from fedsync.home import Home
from fedsync.localunits import Measured
from fedsync.reading import Reading
from fedsync.units import BASE
from tests.cli.calling import Place, found


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a node that took in the table that comes along."""
    place = found(tmp_path_factory.mktemp("town") / "home")
    assert "295 local units recorded" in place("stock", "unit", "import", "west-africa", "--as", "Ann").out
    return place


def measured(
    node: Place, item: str, number: str, unit: str, place: str | None = None, factor: str | None = None
) -> Measured:
    with Reading.open(Home(node.path)) as reading:
        return Measures(reading).resolve(item, number, unit, place, factor)


def refused(node: Place, item: str, number: str, unit: str, place: str | None = None) -> Problem:
    with pytest.raises(Problem) as problem:
        measured(node, item, number, unit, place)
    assert problem.value.hint
    return problem.value


def test_all_295_units_of_west_africa_come_to_exactly_what_the_table_says(town: Place) -> None:
    rows = data.west_african_units()
    assert len(rows) == 295
    with Reading.open(Home(town.path)) as reading:
        measures = Measures(reading)
        for row in rows:
            one = measures.resolve(row.item, "1", row.name, row.place)
            size = {"kg": 1_000, "animals": 1}[row.unit]
            assert one.amount == Fraction(row.quantity) * size
            assert one.amount.denominator == 1
            assert one.unit == {"kg": "g", "animals": "{animal}"}[row.unit]
            assert (one.stated is None) == (row.name == "Animal")
            assert one.stated is None or one.stated.factor in measures.factors
            many = measures.resolve(row.item, "4", row.name.upper(), row.place.lower())
            assert many.amount == one.amount * 4


def test_one_name_is_another_amount_in_the_next_town(town: Place) -> None:
    here = measured(town, "Watermelon", "3", "pieces", "Tamale")
    there = measured(town, "Watermelon", "3", "pieces", "Bamako")
    assert [here.amount, there.amount] == [Fraction(12_942), Fraction(26_250)]
    error = refused(town, "Watermelon", "3", "pieces")
    assert "Bamako" in error.message
    assert "--place" in error.hint
    assert "not at Kumasi" in refused(town, "Watermelon", "3", "pieces", "Kumasi").message


def test_what_does_not_convert_is_refused_with_what_to_type(town: Place) -> None:
    assert "counted in g here" in refused(town, "Watermelon", "3", "L").message
    error = refused(town, "Watermelon", "3", "buckets", "Tamale")
    assert error.code == "does_not_convert"
    assert 'stock unit add "buckets" = QTY g --item "Watermelon" --place "Tamale"' in error.hint
    assert (
        "Laptops is new here, and nothing says what bunches of it come to"
        in refused(town, "Laptops", "3", "bunches").message
    )
    assert measured(town, "Laptops", "3", "pieces").amount == 3
    assert measured(town, "Laptops", "3", "cartons").unit == "{carton}"
    assert measured(town, "Laptops", "1", "lb").amount == Fraction("453.59237")
    assert measured(town, "Cattle", "3", "animals", "Tamale") == Measured(Fraction(3), "{animal}")


def test_half_of_what_is_not_divided_is_refused(town: Place) -> None:
    assert measured(town, "Cattle", "2.5", "trucks", "Tamale").amount == 50
    assert "not a whole number of animal" in refused(town, "Pig", "0.5", "animals", "Tamale").message
    assert "not a whole number of animal" in refused(town, "Sheep", "2.5", "25 kg sack", "Tamale").message


def test_the_table_is_taken_in_once(town: Place) -> None:
    value = town.json("stock", "unit", "import", "west-africa", "--as", "Ben")
    assert (value["written"], value["held"], value["made"]) == ([], 295, [])
    assert len(town.json("stock", "unit", "list")["units"]) == 295
    assert len(town.json("stock", "unit", "list", "--item", "watermelon", "--place", "bamako")["units"]) == 1


def test_one_town_of_a_table_can_be_taken_in(node: Place) -> None:
    value = node.json("stock", "unit", "import", "west-africa", "--place", "bamako", "--as", "Ann")
    assert {each["place"] for each in value["written"]} == {"Bamako"}
    error = node.refused("stock", "unit", "import", "west-africa", "--place", "Rome", "--as", "Ann", code=6)
    assert "Tamale" in error["try"]


def bowl_record(node: Place) -> str:
    rows = [json.loads(line) for line in node("log", "-n", "50", "--json").out.splitlines()]
    (id_,) = [row["id"] for row in rows if row["kind"] == "unit_factor" and "bowl" in row["says"]]
    assert isinstance(id_, str)
    return id_


def test_a_unit_is_said_listed_and_shown_as_a_record(node: Place) -> None:
    out = node(
        "stock",
        "unit",
        "add",
        "bowl",
        "=",
        "8.75",
        "kg",
        "--item",
        "Millet",
        "--place",
        "Kumasi",
        "--as",
        "Ann",
    ).out
    assert "New: item Millet" in out
    assert "One bowl of Millet at Kumasi is 8.75 kg" in out
    node("stock", "unit", "add", "cup", "=", "10/3", "dL", "--as", "Ben")
    (bowl, cup) = node.json("stock", "unit", "list")["units"]
    assert (bowl["words"], bowl["item"], bowl["place"]) == ("8.75 kg", "Millet", "Kumasi")
    assert (cup["words"], cup["item"], cup["numerator"], cup["denominator"]) == ("1,000/3 mL", None, 1_000, 3)
    assert "anything" in node("stock", "unit", "list").out
    shown = node.json("show", bowl_record(node))
    assert shown["says"] == "says that one bowl of Millet at Kumasi is 8.75 kg"
    assert (shown["status"], shown["kind"]) == ("counts", "unit_factor")
    assert "said already" in node("stock", "unit", "add", "cup", "=", "10/3", "dL", "--as", "Ann").out


def test_two_who_say_different_things_are_asked_about(node: Place) -> None:
    for number, name in (("8.75", "Ann"), ("4.3", "Ben")):
        node("stock", "unit", "add", "bowl", "=", number, "kg", "--item", "Millet", "--as", name)
    problem = refused(node, "Millet", "3", "bowls")
    assert problem.code == "contested_unit"
    (id_,) = [each["id"] for each in node.json("stock", "unit", "list")["units"] if each["words"] == "4.3 kg"]
    assert measured(node, "Millet", "3", "bowls", factor=id_[:8]).amount == 12_900


@pytest.mark.parametrize(
    "words",
    [
        ("kg", "=", "3", "L"), ("", "=", "3", "kg"), ("bowl", "=", "0", "kg"), ("bowl", "=", "3/0", "kg"), ("bowl", "=", "x", "kg"),
        ("bowl", "=", "3", "42"), ("bowl", "is", "3", "kg"), ("bowl", "=", "1e3", "kg"), ("bowl", "=", "9" * 20, "kg"),
        ("bowl", "=", "1/9999999999999999", "kg"), ("b\x1bowl", "=", "3", "kg"), ("x" * 201, "=", "3", "kg"),
    ],
)  # fmt: skip
def test_what_can_be_no_unit_is_refused(node: Place, words: tuple[str, ...]) -> None:
    node.refused("stock", "unit", "add", *words, "--as", "Ann", code=2)
    assert node.json("stock", "unit", "list")["units"] == []


def test_a_unit_in_another_measure_than_the_item_has_is_refused(node: Place) -> None:
    node("stock", "add", "Milk", "3", "L", "--store", "S", "--as", "Ann")
    error = node.refused(
        "stock", "unit", "add", "can", "=", "3", "kg", "--item", "Milk", "--as", "Ann", code=2
    )
    assert "counted in mL" in error["message"]


def test_wrong_lines_of_a_table_are_named_and_nothing_is_written(node: Place, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text("unit;quantity;name;item;place\nkg;8.75;bowl;Millet;\nkg;x;sack;;\nkg;3;;;\n")
    words = ("stock", "unit", "import", file, "--as", "Ann")
    error = node.refused(*words, code=11)
    assert "line 3, quantity" in error["message"]
    assert node.json(*words, "--dry-run")["units"] == 1
    assert "One bowl of Millet is 8.75 kg" in node(*words, "--dry-run").out
    assert node.json("stock", "unit", "list")["units"] == []
    node.refused("stock", "unit", "import", tmp_path / "none.csv", "--as", "Ann", code=2)


def test_no_unit_that_everybody_knows_can_be_made_anew(node: Place) -> None:
    for known in BASE.keys() - {"1", "piece", "pieces", "pcs", "{piece}"}:
        node.refused("stock", "unit", "add", known, "=", "3", "doses", "--as", "Ann", code=2)


def test_bowls_are_recorded_as_they_were_stated_and_counted_as_what_they_come_to(node: Place) -> None:
    node(
        "stock",
        "unit",
        "add",
        "bowl",
        "=",
        "8.75",
        "kg",
        "--item",
        "Millet",
        "--place",
        "Kumasi",
        "--as",
        "Ann",
    )
    words = ("stock", "add", "Millet", "3", "bowls", "--store", "Market")
    error = node.refused(*words, "--as", "Ann", code=2)
    assert 'Say where: --place "Kumasi"' in error["try"]
    out = node(*words, "--place", "Kumasi", "--as", "Ann").out
    assert "3 bowls (26.25 kg) of Millet" in out
    value = node.json("stock", "add", "millet", "1", "bowl", "--store", "kumasi", "--as", "Ann")
    assert value["quantity"] == {"quantity": 8_750, "unit": "g"}
    payload = node.json("show", value["id"])["payload"]
    assert payload["quantity"] == 8_750
    assert payload["stated"] == {"quantity": "1", "unit": "bowl", "factor": value["stated"]["factor"]}
    assert node.json("show", value["id"])["status"] == "counts"
    assert node.json("show", value["id"])["says"] == "raise 1 bowl (8.75 kg) of Millet in kumasi"
    (id_,) = [each["id"] for each in node.json("stock", "unit", "list")["units"]]
    assert value["stated"]["factor"] == id_
    assert node("stock", "use", "Millet", "2", "lb", "--store", "Market", "--as", "Ann").out.startswith(
        "2 lb (907 g)"
    )


def test_what_is_less_than_anything_is_not_recorded(node: Place) -> None:
    node("stock", "unit", "add", "grain", "=", "1/100", "g", "--as", "Ann")
    node.refused("stock", "add", "Salt", "3", "grains", "--store", "S", "--as", "Ann", code=2)
    node.refused("stock", "add", "Salt", "0.1", "g", "--store", "S", "--as", "Ann", code=2)
    assert node.json("stock", "list")["stock"] == []
