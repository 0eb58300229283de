"""`fedsync stock move`, `lose`, `correct`, and what add, use and count take beside a quantity."""

from pathlib import Path

import pytest

from fedsync.acts.author import now_ms
from fedsync.acts.goods.recording import Line, WrongWord, check_line
from fedsync.cli.telling import rfc3339
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.goods import MAX_NAMED
from fedsync.records.kinds.parties import MAX_QUANTITY
from fedsync.records.kinds.refs import FactRef
from tests.acts.valley import Valley
from tests.cli.calling import Place
from tests.cli.test_stock import DAY, move

FACT = FactRef(LogId(bytes(32)), 1, RecordId(bytes(32)))


def on_hand(node: Place, store: str = "Granary", item: str = "Oats") -> int:
    found: int = node.level(item, store)["on_hand"]["quantity"]
    return found


def words(node: Place, *more: object) -> str:
    """Record that 12 kg of oats came in, and return the record."""
    found = node.json("stock", "add", "Oats", 12, "kg", "--store", "Granary", "--as", "Ann", *more)["id"]
    assert isinstance(found, str)
    return found


def test_what_is_moved_leaves_one_store_for_another(node: Place) -> None:
    words(node)
    value = node.json("stock", "move", "Oats", 5, "kg", "--from", "Granary", "--to", "Kitchen", "--as", "Ben")
    assert value["made"] == ["store Kitchen"]
    assert sorted(each["quantity"] for each in value["on_hand"]) == [5_000, 7_000]
    assert (on_hand(node), on_hand(node, "Kitchen")) == (7_000, 5_000)


def test_actions_of_two_stores_are_recorded_when_both_are_named(node: Place) -> None:
    words(node)
    node(
        "stock",
        "use",
        "Oats",
        1,
        "kg",
        "--store",
        "Granary",
        "--to",
        "Mill",
        "--action",
        "transfer",
        "--as",
        "Ann",
    )
    assert (on_hand(node), on_hand(node, "Mill")) == (11_000, 1_000)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("move", "Oats", 1, "kg", "--from", "Granary", "--to", "GRANARY"), "lies in Granary already"),
        (("use", "Oats", 1, "kg", "--store", "Granary", "--to", "Mill"), "told of one store"),
        (("lose", "Oats", 1, "kg", "--store", "Granary", "--reason", "eaten by a bear"), "no reason"),
        (("lose", "Oats", 1, "kg", "--store", "Granary", "--reason", " "), "not said why"),
        (("add", "Oats", 0, "kg", "--store", "Granary"), "Nothing moved"),
        (("use", "Oats", "-3", "kg", "--store", "Granary"), "less than nothing"),
        (("count", "Oats", "-3.5", "kg", "--store", "Granary"), "less than nothing"),
        (("add", "Oats", 2**53, "kg", "--store", "Granary"), "more than can be written down"),
        (("add", "Oats", 1, "kg", "--store", "Granary", "--expires", "2027-01-01"), "none is named"),
        (("add", "Oats", 1, "kg", "--store", "Granary", "--lot", " "), "lot has no name"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(node: Place, more: tuple[object, ...], said: str) -> None:
    words(node)
    error = node.refused("stock", *more, "--as", "Ann", code=2)
    assert said in error["message"]
    assert error["try"]
    assert on_hand(node) == 12_000


def test_a_count_that_says_two_things_of_one_movement_is_refused(node: Place) -> None:
    id_ = words(node)
    before = node("log").out
    error = node.refused(
        *("stock", "count", "Oats", 12, "kg", "--store", "Granary", "--as", "Ann"),
        *("--include", id_, "--exclude", id_),
        code=2,
    )
    assert id_[:8] in error["message"]
    assert node("log").out == before


def test_a_reason_is_typed_as_people_write_it(node: Place) -> None:
    id_ = words(node)
    node("stock", "lose", "Oats", 1, "kg", "--store", "Granary", "--reason", "Cold chain", "--as", "Ann")
    node("stock", "correct", id_, 13, "kg", "--as", "Ann")
    assert on_hand(node) == 12_000
    error = node.refused(
        "stock", "lose", "Oats", 1, "kg", "--store", "Granary", "--reason", "bears", "--as", "Ann", code=2
    )
    assert "cold chain" in error["try"]


def test_lots_with_one_code_and_two_days_are_told_apart(node: Place) -> None:
    lot = ("stock", "add", "Milk", 1, "L", "--store", "Cellar", "--lot", "M7", "--as", "Ann", "--expires")
    assert "Several lots" not in node(*lot, "2087-05-20").out
    said = node(*lot, "2087-05-21").out
    assert "Cellar: 1 L of Milk, lot M7, good until 2087-05-20\n" in said
    assert "Cellar: 1 L of Milk, lot M7, good until 2087-05-21\n" in said
    assert "Several lots are called M7." in said


def test_what_never_happened_is_told_in_these_words(node: Place) -> None:
    words(node)
    used = node.json("stock", "use", "Oats", 2, "kg", "--store", "Granary", "--as", "Ann")["id"]
    node("stock", "correct", used, 0, "kg", "--as", "Ann")
    assert "put right: it never happened" in node("stock", "show", "Oats").out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("stock", "list"), "Nothing is recorded yet"),
        (("stock", "list", "--expiring", 3), "Nothing of that"),
        (("stock", "unit", "list"), "No local units"),
        (("stock", "loans"), "No loans."),
        (("stock", "bookings"), "No bookings."),
        (("stock", "things"), "No things yet"),
        (("rota", "hours"), "No hours are written down"),
    ],
)
def test_an_empty_list_says_so_in_words(node: Place, command: tuple[object, ...], said: str) -> None:
    assert said in node(*command).out


def test_a_table_of_a_store_that_is_not_there_is_no_empty_table(node: Place) -> None:
    words(node)
    assert "Granary" in node.refused("stock", "export", "-", "--store", "Granry", code=6)["try"]
    assert "Oats" in node.refused("stock", "export", "-", "--item", "Oatz", code=6)["try"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("Oats", "5kg"), "apart"),
        (("Oats", "5"), "apart"),
        (("Red", "beans", "5", "kg"), "in quotes"),
    ],
)
def test_a_quantity_that_is_typed_in_another_form_is_shown_how(
    node: Place, typed: tuple[str, ...], said: str
) -> None:
    for command in ("add", "count"):
        error = node.refused("stock", command, *typed, "--store", "Granary", "--as", "Ann", code=2)
        assert said in error["try"]
    assert "--store" in node.refused("stock", "add", "Oats", 5, "kg", "--as", "Ann", code=2)["message"]


def test_what_lies_there_is_told_whatever_spaces_stand_around_the_names(node: Place) -> None:
    words(node)
    said = node("stock", "add", " oats ", 1, "kg", "--store", " granary", "--as", "Ann").out
    assert "Granary: 13 kg of Oats" in said


def test_a_unit_in_other_letters_is_no_unit_of_its_own(node: Place) -> None:
    for unit in ("Kg", "KG", "kilos", "kg"):
        node("stock", "add", "Soap", 2, unit, "--store", "Granary", "--as", "Ann")
    assert on_hand(node, item="Soap") == 8_000


def test_nothing_found_is_a_count_all_the_same(node: Place) -> None:
    words(node)
    move(node, "count", 0)
    assert node.level("Oats")["unexplained"]["quantity"] == -12_000


def test_what_is_lost_says_why(node: Place) -> None:
    words(node)
    lost = node.json(
        "stock", "lose", "Oats", 2, "kg", "--store", "Granary", "--reason", "pests", "--as", "Ann"
    )
    shown = node.json("show", lost["id"])
    assert (shown["payload"]["reason"], shown["payload"]["action"]) == ("pests", "lower")
    assert on_hand(node) == 10_000


def test_a_correction_is_a_whole_movement_that_names_the_one_it_stands_for(node: Place) -> None:
    old = words(node, "--note", "First")
    new = node.json("stock", "correct", old[:8], 21, "kg", "--as", "Ben")
    assert new["corrects"] == old
    shown = node.json("show", new["id"])["payload"]
    was = node.json("show", old)["payload"]
    assert shown.pop("corrects")[2] == old
    assert shown == {**was, "quantity": 21_000}


def test_a_correction_changes_what_it_says_alone(node: Place) -> None:
    at = rfc3339(now_ms() - 3 * DAY)
    old = words(node)
    new = node.json(
        "stock", "correct", old, "--at", at, "--store", "Barn", "--note", "Wrong day", "--as", "Ann"
    )
    shown = node.json("show", new["id"])["payload"]
    assert (shown["quantity"], shown["note"], rfc3339(shown["has_point_in_time"])) == (
        12_000,
        "Wrong day",
        at,
    )
    assert shown["store"] != node.json("show", old)["payload"]["store"]


def test_only_a_movement_of_our_own_with_something_different_is_put_right(node: Place) -> None:
    old = words(node)
    counted = node.json("stock", "count", "Oats", 9, "kg", "--store", "Granary", "--as", "Ann")["id"]
    assert "Count again" in node.refused("stock", "correct", counted, 3, "kg", "--as", "Ann", code=2)["try"]
    assert "different" in node.refused("stock", "correct", old, 12, "kg", "--as", "Ann", code=2)["message"]
    assert "different" in node.refused("stock", "correct", old, "--as", "Ann", code=2)["message"]
    assert "unit" in node.refused("stock", "correct", old, 3, "--as", "Ann", code=2)["message"]
    node.refused("stock", "correct", old, 3, "L", "--as", "Ann", code=2)
    node.refused("stock", "correct", old, "--at", "2999-01-01", "--as", "Ann", code=2)
    node.refused("stock", "correct", old, "--reason", "pests", "--as", "Ann", code=2)
    node.refused("stock", "correct", "ffffffff", 3, "kg", "--as", "Ann", code=6)


def test_what_was_put_right_before_is_put_right_from_there(node: Place) -> None:
    old = words(node)
    first = node.json("stock", "correct", old, 21, "kg", "--note", "Two sacks", "--as", "Ben")["id"]
    second = node.json("stock", "correct", old, 22, "kg", "--as", "Cleo")
    assert second["corrects"] == first
    assert node.json("show", second["id"])["payload"]["note"] == "Two sacks"
    assert on_hand(node) == 22_000
    third = node.json(
        "stock", "add", "Oats", 23, "kg", "--store", "Granary", "--correct", old, "--as", "Ann"
    )["id"]
    assert node.json("show", third)["says"].endswith(f"(in place of {second['id'][:8]})")
    assert on_hand(node) == 23_000
    assert node.json("stock", "correct", old, 0, "kg", "--as", "Ann")["corrects"] == third
    assert on_hand(node) == 0


def test_nobody_puts_right_what_another_community_recorded(tmp_path: Path) -> None:
    valley = Valley(tmp_path, "Oakfield", "Mill Lane")
    valley.meet()
    theirs = Place(valley.homes["Mill Lane"].path)
    ours = Place(valley.homes["Oakfield"].path)
    theirs_too = ("--as", "Ann", "--no-passphrase")
    id_ = theirs.json("stock", "add", "Oats", 12, "kg", "--store", "Mill", *theirs_too)["id"]
    valley.meet()
    error = ours.refused("stock", "correct", id_, 3, "kg", *theirs_too, code=7)
    assert error["code"] == "of_another_body"
    assert "Mill Lane" in error["message"]
    words_ = ("stock", "count", "Oats", 3, "kg", "--store", "Granary", "--include", id_, *theirs_too)
    assert ours.refused(*words_, code=7)["code"] == "of_another_body"


def test_a_record_is_told_with_its_lot_its_stores_and_its_reason(node: Place) -> None:
    lot = ("--lot", "M7", "--as", "Ann")
    node("stock", "add", "Milk", 20, "L", "--store", "Cellar", *lot)
    moved = node.json("stock", "move", "Milk", 5, "L", "--from", "Cellar", "--to", "Kitchen", *lot)["id"]
    lost = node.json("stock", "lose", "Milk", 1, "L", "--store", "Kitchen", "--reason", "cold_chain", *lot)[
        "id"
    ]
    assert node.json("show", moved)["says"] == "move 5 L of Milk, lot M7, from Cellar to Kitchen"
    assert node.json("show", lost)["says"] == "lower 1 L of Milk, lot M7, in Kitchen: cold chain"


def test_what_is_no_movement_is_not_put_right(node: Place) -> None:
    person = node.json("log", "-n", 1)["id"]
    error = node.refused("stock", "correct", person, 3, "kg", "--as", "Ann", code=2)
    assert error["code"] == "no_movement"
    error = node.refused(
        "stock", "count", "Oats", 3, "kg", "--store", "S", "--include", person, "--as", "Ann", code=2
    )
    assert error["code"] == "no_movement"


def test_a_count_names_movements_that_were_before_or_after_it(node: Place) -> None:
    one, other = words(node), words(node)
    counted = node.json(
        "stock",
        "count",
        "Oats",
        24,
        "kg",
        "--store",
        "Granary",
        "--include",
        one,
        "--exclude",
        other,
        "--as",
        "Ann",
    )["id"]
    shown = node.json("show", counted)["payload"]
    assert [each[2] for each in shown["includes"]] == [one]
    assert [each[2] for each in shown["excludes"]] == [other]


def test_a_local_unit_is_reckoned_and_kept_as_it_was_said(node: Place) -> None:
    node("stock", "unit", "add", "bowl", "=", "1.5", "kg", "--as", "Ann")
    words(node)
    value = node.json("stock", "add", "Oats", 2, "bowls", "--store", "Granary", "--as", "Ann")
    assert on_hand(node) == 15_000
    stated = node.json("show", value["id"])["payload"]["stated"]
    assert (stated["quantity"], stated["unit"]) == ("2", "bowls")


def test_what_others_see_names_no_record_that_stays_at_home(node: Place) -> None:
    given = node.json(
        *("stock", "use", "Oats", 1, "kg", "--store", "Granary", "--as", "Ann", "--local"),
        *("--note", "For a household"),
    )["id"]
    for side in ("--include", "--exclude"):
        count = ("stock", "count", "Oats", 5, "kg", "--store", "Granary", side, given, "--as", "Ann")
        assert "never leaves our own nodes" in node.refused(*count, code=7)["message"]
        assert node.json(*count, "--local")["id"]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (Line("raise", "Oats", MAX_QUANTITY + 1, "g", "Granary", 0), "quantity"),
        (Line("raise", "Oats", -1, "g", "Granary", 0), "quantity"),
        (Line("raise", "Oats", 1, "g", "Granary", 0, reason="lost"), "reason"),
        (Line("count", "Oats", 1, "g", "Granary", 0, includes=(FACT,) * (MAX_NAMED + 1)), "include"),
        (Line("count", "Oats", 1, "g", "Granary", 0, excludes=(FACT,) * (MAX_NAMED + 1)), "include"),
    ],
)
def test_what_would_be_void_is_told_before_it_is_written(line: Line, field: str) -> None:
    with pytest.raises(WrongWord) as wrong:
        check_line(line, now_ms())
    assert wrong.value.field == field
