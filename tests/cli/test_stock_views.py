"""`fedsync stock list`, `show`, `history`, and why: lots, lateness, corrections, what waits for people."""

import json
import time
from typing import Any

import pytest

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.recording import Line, record_lines
from fedsync.cli.telling import rfc3339
from fedsync.doors import open_door
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass
from fedsync.records.seal import Draft
from tests.cli.calling import Place
from tests.cli.test_stock import DAY


def at(days: float) -> str:
    """Return the time so many days ago."""
    found = rfc3339(now_ms() - int(days * DAY))
    assert found is not None
    return found


def record(node: Place, word: str, number: object, days: float = 0, *more: object, item: str = "Oats") -> str:
    """Record something so many days ago, in the granary, and return the record."""
    value = node.json(
        "stock", word, item, number, "kg", "--store", "Granary", "--as", "Ann", "--at", at(days), *more
    )
    id_ = value["id"]
    assert isinstance(id_, str)
    return id_


def entries(node: Place, *asked: object) -> list[dict[str, Any]]:
    """Return the history as programs read it."""
    out = node("stock", "history", *asked, "--json").out
    return [json.loads(line) for line in out.splitlines()]


def lots(node: Place) -> None:
    """Let milk of two lots lie in the cellar."""
    for number, code, days in ((20, "M7", -3), (5, "M9", -40)):
        node(
            "stock", "add", "Milk", number, "L", "--store", "Cellar", "--lot", code, "--expires", at(days), "--as", "Ann"
        )  # fmt: skip


def test_each_lot_is_a_row_with_the_day_until_which_it_is_good(node: Place) -> None:
    record(node, "add", 3)
    lots(node)
    rows = node.json("stock", "list")["stock"]
    assert [(row["item"], row["lot"], row["on_hand"]["quantity"]) for row in rows] == [
        ("Milk", "M7", 20_000),
        ("Milk", "M9", 5_000),
        ("Oats", None, 3_000),
    ]
    out = node("stock", "list").out
    assert "LOT" in out
    assert "M7, good until" in out


def test_a_column_for_lots_is_there_when_there_are_any(node: Place) -> None:
    record(node, "add", 3)
    assert "LOT" not in node("stock", "list").out


def test_what_expires_soon_is_listed_and_told(node: Place) -> None:
    lots(node)
    rows = node.json("stock", "list", "--expiring", 7)["stock"]
    assert [row["lot"] for row in rows] == ["M7"]
    (told,) = [each for each in node.json("status")["waiting"] if each["kind"] == "expiring"]
    assert (told["pools"], told["next"]) == (1, "fedsync stock list --expiring 7")
    node("stock", "use", "Milk", 20, "L", "--store", "Cellar", "--lot", "m7", "--as", "Ann")
    assert node.json("stock", "list", "--expiring", 7)["stock"] == []
    assert [each["kind"] for each in node.json("status")["waiting"]] == []


def test_a_lot_is_known_by_its_code_and_asked_for_when_it_is_not(node: Place) -> None:
    lots(node)
    error = node.refused(
        "stock", "use", "Milk", 1, "L", "--store", "Cellar", "--lot", "X1", "--as", "Ann", code=6
    )
    assert "M7 (good until" in error["try"]
    node("stock", "add", "Milk", 1, "L", "--store", "Cellar", "--lot", "M7", "--as", "Ben")
    node(
        "stock", "add", "Milk", 1, "L", "--store", "Cellar", "--lot", "M7", "--expires", at(-9), "--as", "Ben"
    )
    error = node.refused(
        "stock", "use", "Milk", 1, "L", "--store", "Cellar", "--lot", "M7", "--as", "Ann", code=6
    )
    assert error["code"] == "ambiguous"
    assert len(node.json("stock", "list")["stock"]) == 3


def test_a_day_until_which_a_lot_is_good_makes_one_lot_wherever_it_is_typed(
    node: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for zone in ("Pacific/Auckland", "America/Lima"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        words = ("--store", "Cellar", "--lot", "M7", "--expires", "2099-01-31", "--as", "Ann")
        node("stock", "add", "Milk", 1, "L", *words)
        assert "M7, good until 2099-01-31" in node("stock", "list").out
    monkeypatch.undo()
    time.tzset()
    (row,) = node.json("stock", "list")["stock"]
    assert (row["on_hand"]["quantity"], row["expires"]) == (2_000, "2099-01-31T23:59:59.999Z")


def test_who_takes_of_no_lot_what_lies_there_in_lots_is_told(node: Place) -> None:
    lots(node)
    out = node("stock", "use", "Milk", 2, "L", "--store", "Cellar", "--as", "Ann").out
    assert "In lots there lie: M7 (20 L), M9 (5 L)." in out
    taken = out.split("stock correct ")[1].split()[0]
    node("stock", "correct", taken, "--lot", "m7", "--as", "Ann")
    rows = node.json("stock", "list")["stock"]
    assert [(row["lot"], row["on_hand"]["quantity"]) for row in rows] == [("M7", 18_000), ("M9", 5_000)]
    node.refused("stock", "correct", taken, "--lot", "X1", "--as", "Ann", code=6)
    assert "In lots" not in node("stock", "add", "Milk", 2, "L", "--store", "Cellar", "--as", "Ann").out


def test_what_is_below_zero_is_listed_and_told(node: Place) -> None:
    record(node, "add", 3)
    record(node, "use", 3, item="Rye")
    assert [row["item"] for row in node.json("stock", "list", "--below-zero")["stock"]] == ["Rye"]
    (told,) = node.json("status")["waiting"]
    assert (told["kind"], told["line"]) == ("below_zero", "less than nothing is recorded of Rye in Granary")
    assert "fedsync stock list --below-zero" in node("status").out


def test_what_households_took_is_told_here_alone_and_is_no_alarm(node: Place) -> None:
    record(node, "add", 500)
    taken = record(node, "use", 20, 0, "--local", "--note", "Household Meier")
    rows = node.json("stock", "list")["stock"]
    assert [(row["local"], row["on_hand"]["quantity"]) for row in rows] == [(False, 500_000), (True, -20_000)]
    assert "below zero" not in node("stock", "list").out
    assert node.json("stock", "list", "--below-zero")["stock"] == []
    assert node.json("status")["waiting"] == []
    out = node("stock", "show", "Oats").out
    assert "It is kept on our own nodes and added up by itself" in out
    assert "In all" not in out
    assert "never leaves the community's own nodes" in node("why", taken).out
    record(node, "count", 5, 0, "--local")
    record(node, "use", 6, 0, "--local")
    assert [row["local"] for row in node.json("stock", "list", "--below-zero")["stock"]] == [True]


def test_the_history_tells_what_happened_and_what_lay_there_then(node: Place) -> None:
    record(node, "add", 500, 9)
    record(node, "count", 180, 3, "--note", "With Ben")
    record(node, "use", 300, 6, "--note", "To the mill")
    found = entries(node, "Oats")
    assert [(each["kind"], each["on_hand"]["quantity"], each["note"]) for each in found] == [
        ("movement", 500_000, None),
        ("movement", 200_000, "To the mill"),
        ("count", 180_000, "With Ben"),
    ]
    assert found[2]["unexplained"] == {"quantity": -20_000, "unit": "g"}
    assert [each["author"] for each in found] == ["Ann"] * 3
    out = node("stock", "history", "Oats@Granary").out
    assert "unexplained - 20 kg" in out
    assert "To the mill; recorded" in out


def test_the_history_of_a_while_is_cut_out_of_all(node: Place) -> None:
    for days in (9, 7, 5, 3):
        record(node, "add", 1, days)
    assert [
        each["on_hand"]["quantity"] for each in entries(node, "Oats", "--since", at(8), "--until", at(4))
    ] == [
        2_000,
        3_000,
    ]
    assert [each["on_hand"]["quantity"] for each in entries(node, "Oats", "--limit", 1)] == [4_000]
    assert "3 older ones are not shown" in node("stock", "history", "Oats", "--limit", 1).out
    node.refused("stock", "history", "Rye", code=6)


def test_a_correction_is_shown_with_what_it_stands_for(node: Place) -> None:
    old = record(node, "add", 12, 3)
    new = node.json("stock", "correct", old, 21, "kg", "--as", "Ben")["id"]
    first, second = entries(node, "Oats")
    assert (first["id"], first["counts"], first["replaced_by"], first["on_hand"]) == (old, False, new, None)
    assert (second["counts"], second["corrects"], second["on_hand"]["quantity"]) == (True, old, 21_000)
    assert "was + 12 kg" in node("stock", "history", "Oats").out
    assert node.level("Oats")["on_hand"]["quantity"] == 21_000
    assert "put right to 21 kg" in node("why", "Oats").out
    assert node.json("why", old)["status"] == "replaced"
    assert f"It stands in place of record {old[:8]}" in node("why", new).out


def test_why_says_what_was_recorded_late(node: Place) -> None:
    record(node, "add", 810, 9)
    record(node, "count", 510, 3)
    late = record(node, "use", 300, 6)
    out = node("why", "Oats@Granary").out
    assert "300 kg that left on" in out
    assert "after that count" in out
    assert "When it was counted, 300 kg less was there than was recorded" in out
    assert "explains a part" in node("why", late).out
    since = record(node, "use", 10)
    assert "changes what lies there now" in node("why", since).out


def test_why_says_what_a_count_names(node: Place) -> None:
    early = record(node, "add", 100, 9)
    late = record(node, "use", 30, 1)
    record(node, "count", 70, 5, "--include", late)
    assert [each.get("named") for each in entries(node, "Oats")] == [None, "included", None]
    assert "is before the count, as who counted says" in node("why", "Oats").out
    assert "as who counted says: what lies there now was found then" in node("why", late).out
    assert node.level("Oats")["on_hand"]["quantity"] == 70_000
    record(node, "count", 0, 4, "--exclude", early)
    assert entries(node, "Oats")[-1]["on_hand"]["quantity"] == node.level("Oats")["on_hand"]["quantity"]


def test_why_says_of_a_count_whether_it_still_holds(node: Place) -> None:
    when = at(2)
    first = node.json("stock", "count", "Oats", 5, "kg", "--store", "S", "--at", when, "--as", "Ann")["id"]
    assert "It is the last count in S" in node("why", first).out
    value = node.json("stock", "count", "Oats", 6, "kg", "--store", "S", "--at", when, "--as", "Ann")
    assert value["counted_before"] == [{"quantity": 5_000, "unit": "g"}]
    assert f"record {value['id'][:8]} holds" in node("why", first).out
    other = node.json("stock", "count", "Oats", 9, "kg", "--store", "S", "--at", when, "--as", "Ben")
    assert other["counted_before"] == []
    assert "Contested" in node("why", other["id"]).out
    assert "contested_count" in [each["kind"] for each in node.json("status")["waiting"]]
    last = node.json("stock", "count", "Oats", 7, "kg", "--store", "S", "--as", "Ben")["id"]
    assert "A later count in S" in node("why", first).out
    assert "It is the last count" in node("why", last).out


def test_what_is_elsewhere_is_still_theirs_by_right(node: Place) -> None:
    record(node, "add", 1_200)
    record(node, "use", 350, 0, "--action", "pickup")
    (row,) = node.json("stock", "show", "Oats")["stock"]
    assert (row["on_hand"]["quantity"], row["by_right"]["quantity"]) == (850_000, 1_200_000)
    assert (
        "By right 1,200 kg are the community's, of which 350 kg are elsewhere."
        in node("stock", "show", "oats").out
    )


def test_what_a_store_is_called_may_come_later_than_what_lies_there(node: Place) -> None:
    home = Home(node.path)
    author = Author.unlock(home, "Ann", lambda: None)
    value: dict[str, Value] = {
        "action": "raise", "quantity": 5, "resource_conforms_to": b"i" * 32, "store": b"s" * 32,
        "has_point_in_time": 0,
    }  # fmt: skip
    with Reading.open(home) as reading, open_door(home) as door, author.writing():
        (block,) = author.write(door, reading, LogClass.FACTS, [Draft("economic_event", value, now_ms())])
    (row,) = node.json("stock", "list")["stock"]
    assert (row["known"], row["store"], row["on_hand"]["quantity"]) == (False, "73737373", 5)
    assert "not known here yet" in node("stock", "list").out
    assert "it waits for its name, and is not lost" in node("why", block.tip.hex()).out


def test_a_correction_of_what_is_not_here_counts_by_itself_meanwhile(node: Place) -> None:
    home = Home(node.path)
    author = Author.unlock(home, "Ann", lambda: None)
    from fedsync.records.kinds.refs import FactRef

    missing = FactRef(b"l" * 32, 7, b"r" * 32)  # type: ignore[arg-type]
    with Reading.open(home) as reading, open_door(home) as door:
        line = Line("raise", "Oats", 5_000, "g", "Granary", 0, corrects=missing)
        blocks = record_lines(author, reading, door, [line])
    assert node.level("Oats")["on_hand"]["quantity"] == 5_000
    assert "meanwhile it counts by itself" in node("why", blocks[-1].tip.hex()).out


@pytest.mark.parametrize("word", ["show", "history"])
def test_an_item_that_is_not_there_is_told_with_those_that_are(node: Place, word: str) -> None:
    record(node, "add", 1)
    assert "Oats" in node.refused("stock", word, "Rye", code=6)["try"]
    node.refused("stock", word, "Oats@Barn", code=6)


def test_who_asks_for_an_item_in_a_store_where_it_never_lay_is_told_where_it_lies(node: Place) -> None:
    node("stock", "add", "Oats", 12, "kg", "--store", "Granary", "--as", "Ann")
    for asked in (("Oats@Cellar",), ("Oats", "--store", "Cellar")):
        for command in ("show", "history"):
            error = node.refused("stock", command, *asked, code=6)
            assert error["message"] == "There is no store Cellar with Oats."
            assert error["try"] == "Oats is recorded in: Granary."
