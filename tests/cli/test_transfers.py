"""`fedsync stock transfer`: two communities announce, carry, lose, send back and settle, each on its own node."""

from pathlib import Path

import pytest

from tests.cli.road import TRANSFER, Road


@pytest.fixture
def road(tmp_path: Path) -> Road:
    return Road(tmp_path)


def test_goods_go_from_one_community_to_another_and_each_writes_its_own_end(road: Road) -> None:
    id_ = road.announced("--carrier", "Karl", "--due", "2087-05-12")
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


def test_what_will_not_come_is_called_off_by_who_announced_it(road: Road) -> None:
    id_ = road.announced("--due", "2020-05-12")
    mill, oak = road.place("Mill Lane"), road.place("Oakfield")
    assert mill.json(*TRANSFER, "list", "--open")["transfers"] != []
    refused = mill.refused(*TRANSFER, "cancel", id_, "--as", "Ben", "--yes", code=7)
    assert "Oakfield announced transfer" in refused["message"]
    assert road.does("Oakfield", "cancel", id_, "--note", "No lorry")["status"] == "called off"
    road.meet()
    assert road.line("Mill Lane", id_) == {"status": "called off", "announced": 350}
    assert mill.json(*TRANSFER, "list", "--open")["transfers"] == []
    again = oak.refused(*TRANSFER, "cancel", id_, "--as", "Ben", "--yes", code=7)
    assert "nothing is left to call off: called off" in again["message"]
    # It came all the same.
    road.does("Mill Lane", "dropoff", id_, "--line", "Potatoes 350 kg")
    assert road.line("Mill Lane", id_)["status"] == "received before its pickup was recorded"


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


def test_what_comes_from_outside_may_be_new_to_everybody(road: Road) -> None:
    oakfield = road.place("Oakfield")
    new = (*TRANSFER, "new", "--from", "A farmer", "--outside", "--line", "Apples 50 kg", "--as", "Ann")
    assert oakfield(*new).out.startswith("New: item Apples\n")
    (way,) = oakfield.json(*TRANSFER, "list")["transfers"]
    road.does("Oakfield", "dropoff", way["transfer"], "--line", "Apples 49 kg", "--line", "Pears 3 kg")
    assert road.line("Oakfield", way["transfer"], "Apples")["received"] == 49
    assert road.line("Oakfield", way["transfer"], "Pears")["received"] == 3
    assert oakfield.level("Pears")["on_hand"]["quantity"] == 3_000


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


def test_what_arrives_lies_in_a_store_that_is_made_at_first_use(road: Road) -> None:
    id_ = road.announced()
    receiver = road.place("Mill Lane")
    shown = receiver(*TRANSFER, "dropoff", id_, "--store", "New loft", "--as", "Ben").out
    assert "New: store New loft" in shown
    assert receiver.level("Potatoes", "New loft")["on_hand"]["quantity"] == 350_000
    sent = road.place("Oakfield").refused(*TRANSFER, "pickup", id_, "--store", "Loft", "--as", "Ann", code=6)
    assert "Granary" in sent["try"]


def test_more_sent_back_than_arrived_is_told_and_the_sum_stays_true(road: Road) -> None:
    id_ = road.announced()
    road.does("Oakfield", "pickup", id_)
    road.meet()
    road.does("Mill Lane", "return", id_, "--line", "Potatoes 4 kg")
    shown = road.place("Mill Lane")(*TRANSFER, "show", id_).out
    assert "Potatoes: 350 kg picked up = -4 kg received + 354 kg in transit" in shown
    assert "4 kg more were sent back than are known to have arrived" in shown
    road.meet()
    road.does("Oakfield", "return", id_, "--line", "Potatoes 4 kg")
    shown = road.place("Oakfield")(*TRANSFER, "show", id_).out
    assert "Potatoes: 350 kg picked up = -4 kg received + 4 kg returned + 350 kg in transit" in shown
    sent = road.place("Mill Lane").refused(
        *TRANSFER, "return", id_, "--line", "Potatoes 1 kg", "--store", "Lft", "--as", "Ben", code=6
    )
    assert "Cellar" in sent["try"]
