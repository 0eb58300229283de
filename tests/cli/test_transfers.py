"""`fedsync stock transfer`: two communities announce, carry, lose, send back and settle, each on its own node."""

from pathlib import Path
from typing import Any

import pytest

from fedsync.acts.author import now_ms
from fedsync.acts.stewards import goods_log
from fedsync.crdt.levels import levels as all_levels
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass
from fedsync.records.seal import Draft
from tests.acts.valley import Valley
from tests.cli.calling import Place

TRANSFER = ("stock", "transfer")


class Road(Valley):
    """Oakfield has a tonne of potatoes and 20 kg of oats in its Granary; Mill Lane has a Cellar."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "Oakfield", "Mill Lane", "Quarry")
        oakfield, mill = self.place("Oakfield"), self.place("Mill Lane")
        oakfield("stock", "add", "Potatoes", 1000, "kg", "--store", "Granary", "--as", "Ann")
        oakfield("stock", "add", "Oats", 20, "kg", "--store", "Granary", "--as", "Ann")
        mill("stock", "add", "Salt", 1, "kg", "--store", "Cellar", "--as", "Ben")
        self.meet()

    def place(self, name: str) -> Place:
        return Place(self.homes[name].path)

    def announced(self, *more: object, at: str = "Oakfield", line: str = "Potatoes 350 kg") -> str:
        """Announce a transfer from Oakfield to Mill Lane, unless `more` says it otherwise, and let all hear of it."""
        whom = () if "--to" in more or "--from" in more else ("--to", "Mill Lane")
        lines = ("--line", line) if line else ()
        id_ = self.place(at).json(*TRANSFER, "new", *whom, *lines, *more, "--as", "Ann")["transfer"]
        self.meet()
        assert isinstance(id_, str)
        return id_

    def does(self, at: str, word: str, id_: str, *more: object, name: str = "Ben") -> dict[str, Any]:
        """Record a step, and return what is said of it."""
        return self.place(at).json(*TRANSFER, word, id_, *more, "--as", name)

    def line(self, at: str, id_: str, item: str = "Potatoes") -> dict[str, Any]:
        """Return one line of a transfer as a node sees it, in kg."""
        (line,) = [
            each for each in self.place(at).json(*TRANSFER, "show", id_)["lines"] if each["item"] == item
        ]
        whole = ("announced", "picked_up", "received", "returned", "lost", "settled", "in_transit")
        return {"status": line["status"], **{word: line[word] / 1000 for word in whole if line[word]}}


@pytest.fixture
def road(tmp_path: Path) -> Road:
    return Road(tmp_path)


def test_goods_go_from_one_community_to_another_and_each_writes_its_own_end(road: Road) -> None:
    id_ = road.announced("--carrier", "Karl", "--due", "2031-05-12")
    assert road.line("Mill Lane", id_) == {"status": "open", "announced": 350}
    assert road.does("Oakfield", "pickup", id_[:8])["status"] == "in transit"
    road.meet()
    assert road.line("Mill Lane", id_) == {
        "status": "in transit",
        "announced": 350,
        "picked_up": 350,
        "in_transit": 350,
    }
    road.does("Mill Lane", "lose", id_, "--line", "Potatoes 12 kg", "--reason", "spoiled")
    assert road.does("Mill Lane", "dropoff", id_)["status"] == "all accounted for"
    road.meet()
    for at in ("Oakfield", "Mill Lane"):
        assert road.line(at, id_) == {
            "status": "all accounted for",
            "announced": 350,
            "picked_up": 350,
            "received": 338,
            "lost": 12,
        }
        assert road.place(at).level("Potatoes", "Granary")["on_hand"]["quantity"] == 650_000
        assert road.place(at).level("Potatoes", "Cellar")["on_hand"]["quantity"] == 338_000
    shown = road.place("Oakfield")(*TRANSFER, "show", id_).out
    assert "Oakfield gives Mill Lane, carried by Karl, due" in shown
    assert "Potatoes: 350 kg picked up = 338 kg received + 12 kg lost on the way" in shown


def test_what_arrives_before_its_pickup_is_recorded_is_taken_and_shown(road: Road) -> None:
    id_ = road.announced()
    road.does("Mill Lane", "dropoff", id_, "--line", "Potatoes 338 kg")
    early = "received before its pickup was recorded"
    assert road.line("Mill Lane", id_)["status"] == early
    assert "338 kg more than is known to have left" in road.place("Mill Lane")(*TRANSFER, "show", id_).out
    road.does("Oakfield", "pickup", id_)
    road.meet()
    assert road.line("Oakfield", id_)["in_transit"] == 12


def test_what_is_missing_is_settled_once_both_sides_say_the_same(road: Road) -> None:
    id_ = road.announced(line="Potatoes 300 kg")
    road.does("Oakfield", "pickup", id_)
    road.meet()
    road.does("Mill Lane", "dropoff", id_, "--line", "Potatoes 291 kg")
    assert road.does("Mill Lane", "settle", id_, "--reason", "lost")["status"] == "discrepancy open"
    road.meet()
    shown = road.place("Oakfield")(*TRANSFER, "show", id_).out
    assert "Mill Lane says 9 kg lost, and the other side has not said the same" in shown
    assert f"fedsync stock transfer settle {id_[:8]}" in shown
    assert road.does("Oakfield", "settle", id_)["status"] == "settled"
    road.meet()
    settled = {"status": "settled", "announced": 300, "picked_up": 300, "received": 291, "settled": 9}
    assert road.line("Mill Lane", id_) == settled


def test_what_comes_back_is_returned(road: Road) -> None:
    id_ = road.announced()
    road.does("Oakfield", "pickup", id_)
    road.meet()
    road.does("Mill Lane", "dropoff", id_, "--line", "Potatoes 350 kg")
    road.does("Mill Lane", "return", id_, "--line", "Potatoes 100 kg")
    road.meet()
    assert road.line("Oakfield", id_)["in_transit"] == 100
    road.does("Oakfield", "return", id_)
    assert road.line("Oakfield", id_) == {
        "status": "all accounted for",
        "announced": 350,
        "picked_up": 350,
        "received": 250,
        "returned": 100,
    }
    assert road.place("Oakfield").level("Potatoes")["on_hand"]["quantity"] == 750_000


def test_who_receives_can_announce_it_too(road: Road) -> None:
    id_ = road.announced("--from", "Oakfield", "--to-store", "Cellar", at="Mill Lane")
    road.does("Oakfield", "pickup", id_)
    road.meet()
    assert road.line("Mill Lane", id_)["in_transit"] == 350


def test_what_goes_to_who_keeps_no_records_is_taken_to_have_arrived(road: Road) -> None:
    id_ = road.announced("--to", "The Millers", "--outside", line="Oats 5 kg")
    road.does("Oakfield", "pickup", id_)
    assert road.line("Oakfield", id_, "Oats")["received"] == 5


def test_between_our_own_stores_both_are_named(road: Road) -> None:
    road.place("Oakfield")("stock", "add", "Oats", 1, "kg", "--store", "Mill", "--as", "Ann")
    to_us = ("--to", "Oakfield", "--store", "Granary")
    error = road.place("Oakfield").refused(
        *TRANSFER, "new", *to_us, "--line", "Oats 5 kg", "--as", "Ann", code=2
    )
    assert "both are named" in error["message"]
    id_ = road.announced(*to_us, "--to-store", "Mill", line="Oats 5 kg")
    road.does("Oakfield", "pickup", id_)
    assert road.place("Oakfield").level("Oats")["on_hand"]["quantity"] == 15_000
    road.does("Oakfield", "dropoff", id_)
    assert road.place("Oakfield").level("Oats", "Mill")["on_hand"]["quantity"] == 6_000
    assert road.line("Oakfield", id_, "Oats")["status"] == "all accounted for"


def test_each_party_records_its_own_end_and_no_other(road: Road) -> None:
    id_ = road.announced()
    assert (
        road.place("Mill Lane").refused(*TRANSFER, "pickup", id_, "--as", "Ben", code=7)["code"]
        == "not_giver"
    )
    assert (
        road.place("Oakfield").refused(*TRANSFER, "dropoff", id_, "--as", "Ben", code=7)["code"]
        == "not_receiver"
    )
    error = road.place("Oakfield").refused(*TRANSFER, "settle", id_, "--as", "Ben", code=7)
    assert error["code"] == "nothing_missing"
    road.does("Oakfield", "pickup", id_)
    error = road.place("Oakfield").refused(*TRANSFER, "pickup", id_, "--as", "Ben", code=7)
    assert error["code"] == "nothing_due"


def test_words_that_say_nothing_are_told_what_to_type(road: Road) -> None:
    oakfield = road.place("Oakfield")
    new = (*TRANSFER, "new", "--to", "Mill Lane", "--as", "Ann")
    for line in ("Potatoes", "350 kg", "Potatoes 350", "Potatoes many kg"):
        assert "like this" in oakfield.refused(*new, "--line", line, code=2)["try"]
    assert "nothing" in oakfield.refused(*new, "--line", "Potatoes 0 kg", code=2)["message"]
    twice = ("--line", "Potatoes 1 kg", "--line", "Potatoes 2 kg")
    assert "two of its lines" in oakfield.refused(*new, *twice, code=2)["message"]
    oakfield.refused(*new, "--line", "Gold 1 kg", code=6)
    oakfield.refused(*TRANSFER, "new", "--to", "Nowhere", "--line", "Oats 1 kg", "--as", "Ann", code=6)
    oakfield.refused(*TRANSFER, "new", "--line", "Oats 1 kg", "--as", "Ann", code=2)
    oakfield.refused(*TRANSFER, "show", "abcd1234", code=6)
    id_ = road.announced()
    oakfield.refused(*TRANSFER, "pickup", id_, "--store", "Nowhere", "--as", "Ann", code=6)
    lose = (*TRANSFER, "lose", id_, "--as", "Ann")
    assert "damaged" in oakfield.refused(*lose, "--reason", "because", "--all", code=2)["try"]
    assert "--all" in oakfield.refused(*lose, "--reason", "stolen", code=2)["try"]
    assert (
        "tomorrow"
        in oakfield.refused(*TRANSFER, "pickup", id_, "--at", "2099-01-01", "--as", "Ann", code=2)["message"]
    )


def test_a_list_shows_ours_first_and_what_is_overdue(road: Road) -> None:
    late = road.announced("--due", "2020-01-01")
    done = road.announced(line="Oats 5 kg")
    road.does("Oakfield", "pickup", done)
    road.meet()
    road.does("Mill Lane", "dropoff", done)
    road.meet()
    rows = road.place("Oakfield").json(*TRANSFER, "list")["transfers"]
    assert [(row["transfer"], row["overdue"]) for row in rows] == [(late, True), (done, False)]
    assert [
        row["transfer"] for row in road.place("Oakfield").json(*TRANSFER, "list", "--open")["transfers"]
    ] == [late]
    assert "OVERDUE" in road.place("Mill Lane")(*TRANSFER, "list").out


def test_what_comes_to_us_and_what_waits_for_our_word_stands_in_the_status(road: Road) -> None:
    id_ = road.announced("--due", "2020-01-01")

    def waits(at: str) -> list[tuple[str, str]]:
        rows = road.place(at).json("status")["waiting"]
        return [(row["kind"], row["line"]) for row in rows if row["kind"] in ("transfers", "discrepancy")]

    assert waits("Oakfield") == []
    ((kind, line),) = waits("Mill Lane")
    assert kind == "transfers"
    assert line.startswith("350 kg of Potatoes from Oakfield announced to us")
    assert line.endswith("overdue)")
    road.announced(line="Oats 5 kg")
    assert waits("Mill Lane") == [("transfers", "2 transfers are on their way to us, 1 of them overdue")]
    road.does("Oakfield", "pickup", id_)
    road.does("Oakfield", "settle", id_, "--line", "Potatoes 9 kg", "--reason", "stolen")
    road.meet()
    assert waits("Oakfield") == []
    discrepancy = (
        "discrepancy",
        f"of transfer {id_[:8]}, says Oakfield, is missing: 9 kg of Potatoes stolen",
    )
    assert discrepancy in waits("Mill Lane")


def test_why_says_of_each_thing_where_it_is(road: Road) -> None:
    id_ = road.announced()
    road.does("Oakfield", "pickup", id_, "--line", "Potatoes 340 kg")
    road.meet()
    why = road.place("Mill Lane").json("why", id_[:8])
    assert (why["kind"], why["status"]) == ("transfer", "in transit")
    assert why["lines"] == [
        f"Transfer {id_[:8]}: Oakfield gives Mill Lane: in transit",
        "  Potatoes: 340 kg picked up = 340 kg in transit",
        "    that is 10 kg less than announced (350 kg)",
        f"Next: fedsync stock transfer dropoff {id_[:8]} --as NAME",
    ]
    log = road.place("Mill Lane").json("show", id_)
    assert log["says"] == "announces that Oakfield gives Mill Lane 350 kg of Potatoes"


def test_what_goes_to_a_household_stays_on_our_own_nodes(road: Road) -> None:
    oakfield = road.place("Oakfield")
    home = ("--to", "Household 7", "--outside", "--local")
    id_ = road.announced(*home, line="Oats 2 kg")
    road.does("Oakfield", "pickup", id_, "--store", "Granary")
    road.meet()
    assert road.line("Oakfield", id_, "Oats")["received"] == 2
    mill = road.place("Mill Lane")
    assert mill.json(*TRANSFER, "list")["transfers"] == []
    assert "Household" not in mill("log").out
    oakfield.refused(*TRANSFER, "pickup", id_, "--store", "Granary", "--as", "Ann", code=7)


def test_a_carrier_of_a_third_community_records_what_was_lost_and_nothing_else(road: Road) -> None:
    id_ = road.announced("--carrier", "Ben@Quarry")
    road.does("Oakfield", "pickup", id_)
    road.meet()
    error = road.place("Quarry").refused(*TRANSFER, "dropoff", id_, "--as", "Ben", code=7)
    assert error["code"] == "no_party"
    lose = (*TRANSFER, "lose", id_, "--line", "Potatoes 12 kg", "--reason", "stolen")
    assert road.place("Quarry").refused(*lose, "--as", "Ann", code=7)["code"] == "no_party"
    road.place("Quarry")(*lose, "--as", "Ben")
    road.meet()
    assert road.line("Mill Lane", id_)["lost"] == 12
    assert "carried by Ben of Quarry" in road.place("Oakfield")(*TRANSFER, "show", id_).out


def test_what_is_said_in_a_local_unit_is_recorded_as_both(road: Road) -> None:
    road.place("Oakfield")("stock", "unit", "add", "sack", "=", 50, "kg", "--as", "Ann")
    id_ = road.announced(line="Potatoes 3 sacks")
    (event,) = road.does("Oakfield", "pickup", id_, "--line", "Potatoes 2 sacks")["records"]
    assert road.line("Oakfield", id_)["in_transit"] == 100
    payload = road.place("Oakfield").json("show", event)["payload"]
    assert (payload["quantity"], payload["action"]) == (100_000, "pickup")
    assert (payload["stated"]["quantity"], payload["stated"]["unit"]) == ("2", "sacks")


def test_a_manifest_that_cannot_be_is_kept_and_why_says_what_is_wrong(road: Road) -> None:
    with road.at("Oakfield") as (reading, _):
        own = reading.own().scope
    line: dict[str, Value] = {"resource_conforms_to": b"i" * 32, "quantity": 5}
    sound: dict[str, Value] = {"provider": own, "receiver": "Household 7", "lines": [line]}
    broken: list[tuple[str, dict[str, Value]]] = [
        ("two of its lines", {**sound, "lines": [line, line]}),
        ("more than nothing", {**sound, "lines": [{**line, "quantity": 0}]}),
        ("goes from one of its stores to another", {**sound, "receiver": own}),
        ("neither gives nor receives", {**sound, "provider": "A farmer"}),
    ]
    author = road.author("Oakfield")
    for reason, value in broken:
        with road.at("Oakfield") as (reading, door), author.writing():
            genesis = goods_log(author, reading, LogClass.PLANS, ["transfer"])
            blocks = author.write_as(door, reading, genesis, [Draft("transfer", value, now_ms())])
        why = road.place("Oakfield").json("why", blocks[-1].tip.hex())
        assert why["status"] == "void"
        assert reason in why["reason"]
    assert road.place("Oakfield").json(*TRANSFER, "list")["transfers"] == []


def test_what_happened_in_a_store_or_to_a_thing_without_a_name_yet_is_shown_by_its_id(road: Road) -> None:
    with road.at("Oakfield") as (reading, _):
        own = reading.own().scope
    thing: dict[str, Value] = {"resource_conforms_to": b"i" * 32, "quantity": 5}
    value: dict[str, Value] = {
        "provider": own,
        "receiver": "Household 7",
        "lines": [thing],
        "store": b"s" * 32,
    }
    author = road.author("Oakfield")
    with road.at("Oakfield") as (reading, door), author.writing():
        genesis = goods_log(author, reading, LogClass.PLANS, ["transfer"])
        load = author.write_as(door, reading, genesis, [Draft("transfer", value, now_ms())])[-1].tip
    moved: dict[str, Value] = {
        **thing,
        "action": "pickup",
        "store": b"s" * 32,
        "has_point_in_time": now_ms(),
        "transfer": load,
    }
    with road.at("Oakfield") as (reading, door), author.writing():
        genesis = goods_log(author, reading, LogClass.FACTS, ["economic_event"])
        author.write_as(door, reading, genesis, [Draft("economic_event", moved, now_ms())])
    shown = road.place("Oakfield").json(*TRANSFER, "show", load.hex())
    assert (shown["status"], shown["from_store"]) == ("all accounted for", (b"s" * 4).hex())
    assert [(row["item"], row["received"]) for row in shown["lines"]] == [((b"i" * 4).hex(), 5)]


def test_a_lot_stays_itself_on_the_way_and_what_is_there_by_right_goes_with_the_goods(road: Road) -> None:
    oakfield, mill = road.place("Oakfield"), road.place("Mill Lane")
    lot = ("--lot", "L7", "--expires", "2031-05-12")
    oakfield(
        "stock",
        "add",
        "Vaccine",
        100,
        "doses",
        *lot,
        "--action",
        "produce",
        "--store",
        "Fridge",
        "--as",
        "Ann",
    )
    id_ = road.announced("--store", "Fridge", line="Vaccine 60 doses L7")
    road.does("Oakfield", "pickup", id_)

    def levels(at: str, whose: str) -> dict[str, tuple[int, int]]:
        with road.at(at) as (reading, _):
            scope = reading.body(whose).scope
            return {
                f"{each.item} {each.lot}": (each.on_hand, each.accounting)
                for each in all_levels(reading.view, scope)
            }

    assert levels("Oakfield", "Oakfield")["Vaccine L7"] == (40, 40)
    road.meet()
    road.does("Mill Lane", "dropoff", id_, "--line", "Vaccine 58 doses L7")
    assert levels("Mill Lane", "Mill Lane")["Vaccine L7"] == (58, 58)
    road.does("Mill Lane", "return", id_, "--line", "Vaccine 8 doses L7")
    assert levels("Mill Lane", "Mill Lane")["Vaccine L7"] == (50, 50)
    road.meet()
    road.does("Oakfield", "return", id_, "--line", "Vaccine 8 doses L7")
    assert levels("Oakfield", "Oakfield")["Vaccine L7"] == (48, 48)
    assert "Vaccine, lot L7: 60 doses picked up" in mill(*TRANSFER, "show", id_).out
    new = (*TRANSFER, "new", "--to", "Mill Lane", "--line", "Vaccine 1 dose L9", "--as", "Ann")
    assert "L9" in oakfield.refused(*new, code=6)["message"]


def test_between_our_own_stores_the_rights_follow_once_the_goods_arrive(road: Road) -> None:
    road.place("Oakfield")("stock", "add", "Oats", 1, "kg", "--store", "Mill", "--as", "Ann")
    id_ = road.announced("--to", "Oakfield", "--store", "Granary", "--to-store", "Mill", line="Oats 5 kg")
    road.does("Oakfield", "pickup", id_)

    def owned() -> dict[str, tuple[int, int]]:
        with road.at("Oakfield") as (reading, _):
            found = all_levels(reading.view, reading.own().scope)
        return {each.store: (each.on_hand, each.accounting) for each in found if each.item == "Oats"}

    assert owned() == {"Granary": (15_000, 20_000), "Mill": (1_000, 1_000)}
    road.does("Oakfield", "dropoff", id_)
    assert owned() == {"Granary": (15_000, 15_000), "Mill": (6_000, 6_000)}


def test_a_pickup_put_right_takes_the_rights_along_once_and_again(road: Road) -> None:
    id_ = road.announced()
    (wrong,) = road.does("Oakfield", "pickup", id_, "--line", "Potatoes 530 kg")["records"]

    def there() -> tuple[int, int]:
        with road.at("Oakfield") as (reading, _):
            found = all_levels(reading.view, reading.own().scope)
        return next((each.on_hand, each.accounting) for each in found if each.item == "Potatoes")

    assert there() == (470_000, 470_000)
    oakfield = road.place("Oakfield")
    second = oakfield.json("stock", "correct", wrong, 350, "kg", "--as", "Ann")["id"]
    assert there() == (650_000, 650_000)
    assert road.line("Oakfield", id_)["picked_up"] == 350
    oakfield("stock", "correct", second, 340, "kg", "--as", "Ann")
    assert there() == (660_000, 660_000)
    assert road.line("Oakfield", id_)["picked_up"] == 340
