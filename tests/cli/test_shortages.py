"""`fedsync stock shortages`: what people may have to do something about."""

from pathlib import Path

import pytest

from fedsync.acts.author import now_ms
from fedsync.acts.goods.stewards import goods_log
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, RecordId
from fedsync.records.seal import Draft
from tests.cli.road import TRANSFER, Road


@pytest.fixture
def road(tmp_path: Path) -> Road:
    return Road(tmp_path)


def says(road: Road, at: str, kind: str, value: dict[str, Value]) -> RecordId:
    """Write a record of plans of a community, and return its id."""
    author = road.author(at)
    with road.at(at) as (reading, door), author.writing():
        genesis = goods_log(author, reading, LogClass.PLANS, [kind])
        blocks = author.write_as(door, reading, genesis, [Draft(kind, value, now_ms())])
    road.meet()
    return blocks[-1].tip


def item(road: Road, name: str) -> bytes:
    shown = road.place("Oakfield").json(*TRANSFER, "show", road.announced(line=f"{name} 1 kg"))
    (row,) = shown["lines"]
    return bytes.fromhex(row["item_id"])


def short(road: Road, at: str, *more: object) -> list[dict[str, object]]:
    rows = road.place(at).json("stock", "shortages", *more)["shortages"]
    assert isinstance(rows, list)
    return rows


def test_nothing_is_short_where_all_is_well(road: Road) -> None:
    assert short(road, "Oakfield") == []
    assert "Nothing is short." in road.place("Oakfield")("stock", "shortages").out


def test_what_lies_below_zero_is_short(road: Road) -> None:
    road.place("Oakfield")("stock", "use", "Oats", 23, "kg", "--store", "Granary", "--as", "Ann")
    (row,) = short(road, "Oakfield")
    assert (row["kind"], row["store"], row["quantity"], row["unit"]) == ("below_zero", "Granary", -3_000, "g")
    road.meet()
    assert short(road, "Mill Lane") == []
    assert len(short(road, "Mill Lane", "--body", "all")) == 1
    assert len(short(road, "Mill Lane", "--body", "Oakfield")) == 1
    shown = road.place("Mill Lane")("stock", "shortages", "--body", "all").out
    assert "Oakfield: Granary: -3 kg of Oats" in shown


def test_a_transfer_that_should_have_arrived_is_short_on_both_sides_until_it_has(road: Road) -> None:
    id_ = road.announced("--due", "2020-01-01")
    assert [(row["kind"], row["transfer"]) for row in short(road, "Oakfield")] == [("late", id_)]
    assert "LATE" in road.place("Mill Lane")("stock", "shortages").out
    road.does("Oakfield", "pickup", id_)
    road.meet()
    road.does("Mill Lane", "dropoff", id_)
    road.meet()
    assert short(road, "Oakfield") == short(road, "Mill Lane") == []


def test_a_need_is_short_of_what_nobody_promised_and_a_promise_of_what_is_not_there(road: Road) -> None:
    potatoes = item(road, "Potatoes")
    with road.at("Oakfield") as (reading, _):
        oakfield = reading.own().scope
    with road.at("Mill Lane") as (reading, _):
        mill = reading.own().scope
    wanted: dict[str, Value] = {"resource_conforms_to": potatoes, "quantity": 2_000_000, "receiver": mill}
    need = says(road, "Mill Lane", "intent", wanted)
    (row,) = short(road, "Mill Lane")
    assert (row["kind"], row["need"], row["quantity"]) == ("need", need.hex(), 2_000_000)
    offered: dict[str, Value] = {
        "resource_conforms_to": potatoes,
        "quantity": 1_500_000,
        "provider": oakfield,
    }
    offer = says(road, "Oakfield", "intent", offered)
    promise = says(
        road,
        "Oakfield",
        "commitment",
        {"intent": offer, "receiver": mill, "quantity": 1_200_000, "satisfies": need},
    )
    (row,) = short(road, "Mill Lane")
    assert (row["kind"], row["quantity"]) == ("need", 800_000)
    (row,) = short(road, "Oakfield")
    # A tonne lies there; of what was promised nothing has left.
    assert (row["kind"], row["promised"], row["on_hand"]) == ("promised", 1_200_000, 1_000_000)
    load = road.announced("--for", promise.hex(), line="Potatoes 300 kg")
    road.does("Oakfield", "pickup", load)
    (row,) = short(road, "Oakfield")
    assert (row["promised"], row["on_hand"]) == (900_000, 700_000)
    shown = road.place("Oakfield")("stock", "shortages").out
    assert "Oakfield still has to give 900 kg of Potatoes, and 700 kg lie in its stores" in shown


def test_a_transfer_for_a_promise_is_about_what_was_promised(road: Road) -> None:
    potatoes = item(road, "Potatoes")
    with road.at("Oakfield") as (reading, _):
        oakfield = reading.own().scope
    offered: dict[str, Value] = {"resource_conforms_to": potatoes, "quantity": 50_000, "provider": oakfield}
    offer = says(road, "Oakfield", "intent", offered)
    promise = says(
        road, "Oakfield", "commitment", {"intent": offer, "receiver": "Household 7", "quantity": 7_000}
    )
    new = (*TRANSFER, "new", "--for", promise.hex()[:10], "--as", "Ann")
    shown = road.place("Oakfield").json(*TRANSFER, "show", road.place("Oakfield").json(*new)["transfer"])
    assert shown["receiver"] == "Household 7"
    assert [(line["announced"], line["promise"]) for line in shown["lines"]] == [(7_000, promise.hex())]
    error = road.place("Oakfield").refused(*new, "--line", "Oats 1 kg", code=2)
    assert "none of that goes" in error["message"]


def test_lots_that_expire_soon_are_short_while_something_of_them_is_there(road: Road) -> None:
    oakfield = road.place("Oakfield")
    for code, day in (("L1", "2020-01-01"), ("L2", "2099-01-01")):
        lot = ("--lot", code, "--expires", day)
        oakfield("stock", "add", "Vaccine", 5, "doses", *lot, "--store", "Granary", "--as", "Ann")
    assert [(row["kind"], row["lot"], row["quantity"]) for row in short(road, "Oakfield")] == [
        ("expiring", "L1", 5)
    ]
    assert len(short(road, "Oakfield", "--days", 36_500)) == 2
    shown = oakfield("stock", "shortages").out
    assert "Granary: 5 doses of Vaccine, lot L1, expired 2020-01-0" in shown
    taken = ("--lot", "L1", "--expires", "2020-01-01")
    oakfield("stock", "use", "Vaccine", 5, "doses", *taken, "--store", "Granary", "--as", "Ann")
    assert short(road, "Oakfield") == []
