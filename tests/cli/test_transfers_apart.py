"""Transfers out of the ordinary: households, third carriers, local units, lots, rights, and what cannot be."""

from pathlib import Path

import pytest

from fedsync.acts.author import now_ms
from fedsync.acts.goods.stewards import goods_log
from fedsync.crdt.goods.levels import levels as all_levels
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, PageId
from fedsync.records.seal import Draft
from tests.cli.road import TRANSFER, Road


@pytest.fixture
def road(tmp_path: Path) -> Road:
    return Road(tmp_path)


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
    lot = ("--lot", "L7", "--expires", "2087-05-12")
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


def test_who_has_a_mandate_of_the_giver_records_for_it_wherever_they_live(road: Road) -> None:
    oakfield, quarry = road.place("Oakfield"), road.place("Quarry")
    id_ = road.announced("--store", "Granary")
    pickup = (*TRANSFER, "pickup", id_, "--body", "Oakfield", "--as", "Ben")
    assert quarry.refused(*pickup, code=7)["code"] == "no_seat"
    may = ("--may", "economic_event,discrepancy")
    page = oakfield.json("mandates", "give", "Ben@Quarry", "--task", "Carting", *may, "--as", "Ann")["page"]
    road.seal("Oakfield", PageId(bytes.fromhex(page)))
    road.meet()
    quarry(*pickup)
    road.meet()
    assert road.line("Mill Lane", id_)["in_transit"] == 350
    quarry(*TRANSFER, "settle", id_, "--reason", "lost", "--body", "Oakfield", "--as", "Ben")
    road.meet()
    assert road.does("Mill Lane", "settle", id_)["status"] == "settled"
    new = (*TRANSFER, "new", "--to", "Mill Lane", "--line", "Oats 1 kg", "--body", "Oakfield", "--as", "Ben")
    assert quarry.refused(*new, code=7)["code"] == "outside_mandate"


def test_a_cart_that_is_lost_with_all_on_it_is_told_in_one_word(road: Road) -> None:
    id_ = road.announced("--line", "Oats 5 kg")
    road.does("Oakfield", "pickup", id_)
    assert (
        road.does("Oakfield", "lose", id_, "--all", "--reason", "cold chain")["status"] == "all accounted for"
    )
    assert (road.line("Oakfield", id_)["lost"], road.line("Oakfield", id_, "Oats")["lost"]) == (350, 5)
    nothing = (*TRANSFER, "lose", id_, "--all", "--reason", "stolen", "--as", "Ann")
    assert road.place("Oakfield").refused(*nothing, code=7)["code"] == "nothing_due"


def test_two_people_of_one_body_write_off_what_is_missing_between_its_stores(road: Road) -> None:
    road.place("Oakfield")("stock", "add", "Oats", 1, "kg", "--store", "Mill", "--as", "Ann")
    id_ = road.announced("--to", "Oakfield", "--store", "Granary", "--to-store", "Mill", line="Oats 5 kg")
    road.does("Oakfield", "pickup", id_)
    road.does("Oakfield", "dropoff", id_, "--line", "Oats 4 kg")
    assert (
        road.does("Oakfield", "settle", id_, "--reason", "lost", name="Ann")["status"] == "discrepancy open"
    )
    waiting = road.place("Oakfield").json("status")["waiting"]
    assert "discrepancy" in {row["kind"] for row in waiting}
    shown = road.place("Oakfield")(*TRANSFER, "show", id_).out
    assert "Oakfield says 1 kg lost, and nobody else there has said the same" in shown
    assert road.does("Oakfield", "settle", id_, name="Ann")["status"] == "discrepancy open"
    assert road.does("Oakfield", "settle", id_, name="Ben")["status"] == "settled"
