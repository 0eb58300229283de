"""`fedsync stock` list, add, use, count: what lies where."""

import pytest

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.recording import Line, record_lines
from fedsync.cli.telling import rfc3339
from fedsync.doors import open_door
from fedsync.home import Home
from fedsync.reading import Reading
from tests.cli.calling import Place

DAY = 86_400_000


def move(node: Place, word: str, number: object, unit: str = "kg", *more: object, item: str = "Oats") -> None:
    """Record a movement or a count in the granary."""
    node("stock", word, item, number, unit, "--store", "Granary", "--as", "Ann", *more)


def test_what_comes_in_and_goes_out_lies_there(node: Place) -> None:
    value = node.json("stock", "add", "Oats", 12, "kg", "--store", "Granary", "--as", "Ann")
    assert value["made"] == ["store Granary", "item Oats"]
    assert value["on_hand"] == [{"quantity": 12_000, "unit": "g"}]
    value = node.json(
        "stock", "use", "Oats", 2.5, "kg", "--store", "Granary", "--as", "Ben", "--note", "Porridge"
    )
    assert value["made"] == []
    shown = node.json("show", value["id"])
    assert (shown["author"], shown["kind"], shown["status"]) == ("Ben", "economic_event", "counts")
    assert shown["says"] == "consume 2.5 kg of Oats in Granary"
    assert shown["payload"]["note"] == "Porridge"
    assert node.level("Oats") == {
        "body": "Oakfield", "store": "Granary", "item": "Oats", "on_hand": {"quantity": 9_500, "unit": "g"},
        "unexplained": None, "last_count": None, "contested": False, "lot": None, "expires": None,
        "by_right": {"quantity": 9_500, "unit": "g"}, "local": False, "known": True,
    }  # fmt: skip


def test_a_count_says_what_the_records_do_not_explain(node: Place) -> None:
    move(node, "add", 12)
    move(node, "use", 2.5)
    move(node, "count", 9)
    row = node.level("Oats")
    assert row["on_hand"] == {"quantity": 9_000, "unit": "g"}
    assert row["unexplained"] == {"quantity": -500, "unit": "g"}
    assert row["last_count"].endswith("Z")
    move(node, "use", 1)
    assert node.level("Oats")["on_hand"]["quantity"] == 8_000
    assert "500 g less than the records explain" in node("why", "Oats").out


def test_a_movement_found_late_changes_the_unexplained_difference_alone(node: Place) -> None:
    now = now_ms()
    move(node, "add", 12, "kg", "--at", rfc3339(now - 3 * DAY))
    move(node, "count", 9, "kg", "--at", rfc3339(now - DAY))
    assert node.level("Oats")["unexplained"]["quantity"] == -3_000
    move(node, "use", 2, "kg", "--at", rfc3339(now - 2 * DAY))
    row = node.level("Oats")
    assert (row["on_hand"]["quantity"], row["unexplained"]["quantity"]) == (9_000, -1_000)
    move(node, "use", 2, "kg", "--at", rfc3339(now - DAY // 2))
    row = node.level("Oats")
    assert (row["on_hand"]["quantity"], row["unexplained"]["quantity"]) == (7_000, -1_000)


def test_what_lies_below_zero_is_shown_and_explained(node: Place) -> None:
    move(node, "use", 3, "doses", item="Vaccine")
    assert node.level("Vaccine")["on_hand"] == {"quantity": -3, "unit": "{dose}"}
    assert "below zero" in node("stock", "list").out
    assert "Less than nothing" in node("why", "Vaccine").out


def test_what_is_counted_in_kg_takes_no_boxes_until_somebody_says_what_a_box_is(node: Place) -> None:
    move(node, "add", 12, "kg")
    words = ("stock", "add", "Oats", 3, "boxes", "--store", "Granary", "--as", "Ann")
    error = node.refused(*words, code=2)
    assert error["try"] == 'Say it once: fedsync stock unit add "boxes" = QTY g --item "Oats" --as NAME'
    assert "is not the other" in node.refused(*words[:4], "L", *words[5:], code=2)["message"]
    node("stock", "unit", "add", "boxes", "=", "500", "g", "--item", "Oats", "--as", "Ann")
    assert node.json(*words)["on_hand"] == [{"quantity": 13_500, "unit": "g"}]


def test_two_items_of_one_name_with_different_units_are_two(node: Place) -> None:
    move(node, "add", 12, "kg")
    home = Home(node.path)
    # As when two people name it at once, who have not heard of each other.
    with Reading.open(home) as reading, open_door(home) as door:
        boxes = Line("raise", "Oats", 3, "{boxe}", "Granary", now_ms())
        record_lines(Author.unlock(home, "Ben", lambda: None), reading, door, [boxes])
    rows = node.json("stock", "list")["stock"]
    assert [(row["item"], row["on_hand"]["unit"]) for row in rows] == [("Oats", "g"), ("Oats", "{boxe}")]
    assert node("why", "Oats").out.count("Oats in Granary") == 2


def test_names_are_one_whatever_the_letters_case_and_form(node: Place) -> None:
    move(node, "add", 1, item="Cafe\u0301")
    move(node, "add", 1, item="Café")
    node("stock", "add", " Café ", 1, "kg", "--store", "GRANARY", "--as", "Ann")
    assert node.level("Café")["on_hand"]["quantity"] == 3_000
    assert len(node.json("stock", "list", "--store", "granary")["stock"]) == 1


def test_units_of_a_kind_are_counted_together(node: Place) -> None:
    for number, unit in ((2.5, "kg"), (500, "g"), (1, "t")):
        move(node, "add", number, unit)
    assert node.level("Oats")["on_hand"] == {"quantity": 1_003_000, "unit": "g"}


@pytest.mark.parametrize(
    ("number", "unit"),
    [("0.5", "g"), ("x", "kg"), ("1e3", "kg"), ("1,5", "kg"), ("1", "42"), ("9" * 20, "kg")],
)
def test_what_is_no_quantity_is_refused(node: Place, number: str, unit: str) -> None:
    for word in ("add", "use", "count"):
        node.refused("stock", word, "Oats", number, unit, "--store", "Granary", "--as", "Ann", code=2)
    assert node.json("stock", "list")["stock"] == []


@pytest.mark.parametrize(
    "at", ["yesterday", "2026-13-01", "", "12", "0001-01-01", "2999-01-01", "2026-05-12T25:00"]
)
def test_what_is_no_time_or_not_yet_is_refused(node: Place, at: str) -> None:
    words = ("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--at", at, "--as", "Ann")
    node.refused(*words, code=2)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-05-12T14:30:00Z", "2026-05-12T14:30:00Z"),
        ("2026-05-12T14:30+02:00", "2026-05-12T12:30:00Z"),
        ("2026-05-12 14:30Z", "2026-05-12T14:30:00Z"),
        ("1951-01-01T00:00Z", "1951-01-01T00:00:00Z"),
    ],
)
def test_times_are_taken_as_people_write_them(node: Place, at: str, told: str) -> None:
    move(node, "count", 1, "kg", "--at", at)
    assert node.level("Oats")["last_count"] == told


def test_a_clock_may_differ_by_a_day_and_no_more(node: Place) -> None:
    now = now_ms()
    move(node, "add", 1, "kg", "--at", rfc3339(now + DAY // 2))
    words = (
        "stock",
        "add",
        "Oats",
        1,
        "kg",
        "--store",
        "Granary",
        "--as",
        "Ann",
        "--at",
        rfc3339(now + 2 * DAY),
    )
    node.refused(*words, code=2)
    assert node.level("Oats")["on_hand"]["quantity"] == 1_000


@pytest.mark.parametrize(
    ("word", "action", "after"),
    [
        ("add", "produce", 1_000),
        ("add", "lower", -1_000),
        ("use", "raise", 1_000),
        ("use", "pickup", -1_000),
        ("use", "use", 0),
    ],
)
def test_the_action_says_what_happens(node: Place, word: str, action: str, after: int) -> None:
    move(node, word, 1, "kg", "--action", action)
    assert node.level("Oats")["on_hand"]["quantity"] == after


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("transfer", "names one store only"),
        ("move", "names one store only"),
        ("fly", "no action fly"),
        ("count", "no movement"),
        ("", "no action"),
    ],
)
def test_actions_that_one_store_cannot_tell_are_refused_with_the_way_out(
    node: Place, action: str, said: str
) -> None:
    error = node.refused(
        "stock", "add", "Oats", 1, "kg", "--store", "S", "--as", "Ann", "--action", action, code=2
    )
    assert said in error["message"]
    assert error["try"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1bb", "a\u202eb", "x" * 201])
def test_names_that_nobody_could_read_are_refused(node: Place, name: str) -> None:
    node.refused("stock", "add", name, 1, "kg", "--store", "Granary", "--as", "Ann", code=2)
    node.refused("stock", "add", "Oats", 1, "kg", "--store", name, "--as", "Ann", code=2)
    if name.strip():
        note = name * 11
        node.refused("stock", "add", "Oats", 1, "kg", "--store", "S", "--as", "Ann", "--note", note, code=2)
    assert node.json("log", "-n", 1)["kind"] == "person"


def test_a_store_that_is_not_there_is_told_with_those_that_are(node: Place) -> None:
    move(node, "add", 1)
    assert "Granary" in node.refused("stock", "list", "--store", "Barn", code=6)["try"]


def test_stock_is_shown_to_people_in_their_units(shown: Place) -> None:
    out = shown("stock", "list").out
    assert "12 kg" in out
    assert "never" in out
