"""The data that ships: whole, typed, attributed."""

from collections import Counter
from importlib.resources import files

from fedsync import data
from fedsync.data import members, movements, regions, resolutions, roll_calls


def test_all_movements_are_there_and_their_signs_say_what_was_done() -> None:
    found = movements()
    assert len(found) == 13_809
    assert Counter(each.action for each in found) == {"consume": 7_684, "receive": 6_078, "return": 47}
    assert all((each.delta < 0) == (each.action != "receive") for each in found)
    assert sum(each.delta == 0 for each in found) == 21
    assert all(bool(each.product) == (each.action != "consume") for each in found)
    assert [each.day for each in found] == sorted(each.day for each in found)


def test_every_movement_is_of_a_region_with_a_name() -> None:
    assert {each.region for each in movements()} == set(regions())
    assert regions()["VDA"] == "Valle d'Aosta / Vallée d'Aoste"


def test_resolutions_have_a_number_and_a_title_that_a_page_can_carry() -> None:
    found = resolutions()
    assert (
        len(found) == len({each.roll_call for each in found}) == len({each.number for each in found}) == 276
    )
    assert all(each.number.startswith("A/RES/") for each in found)
    assert all(0 < len(each.title) <= 303 and each.title.isprintable() for each in found)


def test_all_votes_of_all_roll_calls_are_there() -> None:
    found = roll_calls()
    assert len(found) == len({each.roll_call for each in found}) == 310
    assert len(members()) == 193
    assert Counter(ballot for each in found for ballot in each.votes.values()) == {
        "yes": 44_495,
        "abstain": 6_389,
        "no": 4_133,
    }
    assert Counter(each.session for each in found) == {72: 124, 73: 95, 74: 91}
    assert [each.day for each in found] == sorted(each.day for each in found)
    assert {each.roll_call for each in resolutions()} < {each.roll_call for each in found}


def test_more_said_yes_than_no_to_every_resolution_and_fewer_to_every_amendment() -> None:
    for each in roll_calls():
        said = Counter(each.votes.values())
        assert (said["yes"] > said["no"]) is not each.amendment, each


def test_each_file_of_data_is_named_with_its_source() -> None:
    data = files("fedsync.data")
    sources = data.joinpath("SOURCES.md").read_text(encoding="utf-8")
    shipped = {entry.name for entry in data.iterdir() if ".csv" in entry.name}
    assert shipped
    assert all(name in sources for name in shipped)
    assert "CC BY 4.0" in sources


def test_local_units_are_those_of_four_towns_and_differ_between_them() -> None:
    units = data.west_african_units()
    assert len(units) == 295
    assert {each.place for each in units} == {"Bamako", "Bamenda", "Ouagadougou", "Tamale"}
    assert len({each.item for each in units}) == 26
    assert len({(each.place, each.item, each.name) for each in units}) == 295
    melons = {
        each.place: each.quantity for each in units if (each.item, each.name) == ("Watermelon", "Piece")
    }
    assert (melons["Bamako"], melons["Tamale"]) == ("8.75", "4.314")
    assert {each.unit for each in units} == {"kg", "animals"}
