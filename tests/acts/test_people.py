"""People and their keys: several devices, keys made elsewhere, a new phone, a lost one."""

from pathlib import Path
from typing import Any

import pytest

from fedsync.records.ids import PageId
from tests.acts.copied import copied
from tests.acts.delegations import Delegations
from tests.acts.valley import Valley
from tests.cli.calling import Place

FREE = ("--as", "Ann", "--no-passphrase")


@pytest.fixture
def oak(tmp_path: Path) -> Valley:
    """Return one community."""
    return Valley(tmp_path, "Oakfield")


def place(valley: Valley, at: str = "Oakfield") -> Place:
    return Place(valley.homes[at].path)


def row(valley: Valley, name: str, at: str = "Oakfield") -> dict[str, Any]:
    (found,) = [each for each in place(valley, at).json("people", "list")["people"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


def tellers(valley: Valley) -> list[str]:
    found = place(valley).json("bodies", "show")["tellers"]
    assert isinstance(found, list)
    return found


def test_a_key_is_made_here_for_somebody_new_and_has_no_seat_by_that(oak: Valley) -> None:
    made = place(oak).json("people", "add", "Dora", *FREE)
    assert made["here"] == "Dora"
    found = row(oak, "Dora")
    assert (found["seat"], [each["key"] for each in found["keys"]]) == (False, [made["key"]])
    assert tellers(oak) == ["Ann", "Ben", "Cleo"]
    error = place(oak).refused("people", "add", "dora", *FREE, code=7)
    assert error["code"] == "person_exists"
    page = place(oak).json("bodies", "epoch", "--add", "Dora", *FREE)["page"]
    place(oak).seal(page, "Ann", "Ben")
    assert row(oak, "Dora")["seat"] is True


def test_a_person_with_keys_on_several_devices_is_one_person_with_one_seat(oak: Valley) -> None:
    place(oak)("people", "add", "Ann", "--device", "phone", *FREE)
    found = row(oak, "Ann")
    assert [(each["here"], each["seat"]) for each in found["keys"]] == [("Ann", True), ("Ann (phone)", False)]
    line = next(each["line"] for each in place(oak).json("people", "keys", "Ann (phone)")["keys"])
    error = place(oak).refused("bodies", "epoch", "--add", f"Ann={line}", *FREE, code=2)
    assert "one voice" in error["message"]
    assert "Ann (phone):" in place(oak)("people", "keys", "--show").out


def test_a_key_that_was_made_on_another_machine_gets_a_seat_and_signs_from_there(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    place(valley, "Mill Lane")("people", "add", "Dora", *FREE)
    (shown,) = place(valley, "Mill Lane").json("people", "keys", "Dora", "--show")["keys"]
    begin = ("people", "begin", "Dora", "--body", "Oakfield", "--no-passphrase")
    assert place(valley, "Mill Lane").refused(*begin, code=7)["code"] == "not_named"
    page = place(valley).json("bodies", "epoch", "--add", f"Dora={shown['line']}", *FREE)["page"]
    error = place(valley).refused("book", "sign", page, *FREE, code=7)
    assert error["code"] == "new-log-not-held"
    assert "fedsync people begin" in error["try"]
    valley.meet()
    assert place(valley, "Mill Lane").json(*begin)["new"] is True
    assert place(valley, "Mill Lane").json(*begin)["new"] is False
    valley.meet()
    place(valley).seal(page, "Ann", "Ben")
    assert tellers(valley) == ["Ann", "Ben", "Cleo", "Dora"]
    assert not list(valley.homes["Oakfield"].path.rglob("dora*.pem")), "the key stays where it was made"
    decided = place(valley).propose("Oats")
    valley.meet()
    place(valley, "Mill Lane")("book", "sign", decided, "--as", "Dora", "--no-passphrase")
    valley.meet()
    assert "Dora" in place(valley).page(decided)["signed_by"]


def test_a_letter_read_wrongly_is_found_before_anything_is_drafted(oak: Valley) -> None:
    (shown,) = place(oak).json("people", "keys", "Cleo", "--show")["keys"]
    line = str(shown["line"])
    wrong = line[:-1] + ("a" if line[-1] != "a" else "b")
    before = place(oak).json("book", "list")["pages"]
    for words in (("bodies", "epoch", "--add", f"Dora={wrong}"), ("people", "add", "Dora", "--key", wrong)):
        error = place(oak).refused(*words, *FREE, code=2)
        assert error["code"] == "not_a_key", error
    assert place(oak).refused("people", "rotate", "Cleo", "--key", line, *FREE, code=2)["code"] == "usage"
    assert place(oak).json("book", "list")["pages"] == before


def test_a_new_key_takes_the_seat_and_the_mandates_in_one_page(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    motion = valley.motion()
    given = valley.give("Oakfield", "Cleo", "--instruct", "*=free", "--limit", "vote=5")
    early = valley.vote("Oakfield", given, motion, "yes")
    moved = place(valley).json("people", "rotate", "Cleo", *FREE)
    assert (moved["here"], moved["seats"], len(moved["mandates"])) == ("Cleo 2", 1, 1)
    assert len(place(valley).page(moved["page"])["entries"]) == 2
    late = valley.vote("Oakfield", given, motion, "no")
    place(valley).seal(moved["page"], "Ann", "Ben")
    assert (valley.verdict("Oakfield", early)[0], valley.verdict("Oakfield", late)[0]) == ("stands", "void")
    new = (PageId(bytes.fromhex(moved["page"])), 1)
    again = valley.mandate("Oakfield", new)
    assert (again.status, again.mandate.limits) == ("in force", (("vote", 5),))
    vote = valley.vote("Oakfield", new, motion, "yes", name="Cleo 2")
    assert valley.verdict("Oakfield", vote) == ("stands", "counts")
    assert row(valley, "Cleo")["seat"] is True
    assert {each["here"]: each["seat"] for each in row(valley, "Cleo")["keys"]} == {
        "Cleo": False,
        "Cleo 2": True,
    }
    decided = place(valley).propose("Oats")
    error = place(valley).refused("book", "sign", decided, "--as", "Cleo", "--no-passphrase", code=7)
    assert error["code"] == "no_voice"
    place(valley).seal(decided, "Cleo 2", "Ben")


def test_a_seat_moves_to_a_key_on_another_machine(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    place(valley, "Mill Lane")("people", "add", "Cleo of Oakfield", *FREE)
    (shown,) = place(valley, "Mill Lane").json("people", "keys", "Cleo of Oakfield", "--show")["keys"]
    moved = place(valley).json("people", "rotate", "Cleo", "--key", shown["line"], *FREE)
    assert moved["here"] is None
    valley.meet()
    place(valley, "Mill Lane")("people", "begin", "Cleo of Oakfield", "--body", "Oakfield", "--no-passphrase")
    valley.meet()
    place(valley).seal(moved["page"], "Ann", "Ben")
    assert tellers(valley) == ["Ann", "Ben", "Cleo"]
    decided = place(valley).propose("Oats")
    valley.meet()
    place(valley, "Mill Lane")("book", "sign", decided, "--as", "Cleo of Oakfield", "--no-passphrase")
    assert "Cleo" in place(valley, "Mill Lane").page(decided)["signed_by"]


def test_a_lost_phone_is_replaced_by_the_others_and_what_it_had_recorded_counts(oak: Valley) -> None:
    place(oak)("stock", "add", "Oats", 5, "kg", "--store", "Granary", "--as", "Cleo", "--no-passphrase")
    (lost,) = (each["key"] for each in row(oak, "Cleo")["keys"])
    (file,) = oak.homes["Oakfield"].people.glob("cleo*.pem")
    found = file.read_bytes()
    file.unlink()
    moved = place(oak).json("people", "rotate", "Cleo", *FREE)
    assert moved["here"] == "Cleo", "no key of this name is here any more"
    place(oak).seal(moved["page"], "Ann", "Ben")
    assert place(oak).level("Oats")["on_hand"]["quantity"] == 5000
    place(oak)("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Cleo", "--no-passphrase")
    assert place(oak).level("Oats")["on_hand"]["quantity"] == 6000
    place(oak).seal(place(oak).propose("Rye"), "Cleo", "Ben")
    # Whoever finds the phone signs nothing, and records nothing that counts.
    file.rename(file.with_name("kept-aside"))
    file.write_bytes(found)
    file.chmod(0o600)
    decided = place(oak).propose("Barley")
    error = place(oak).refused("book", "sign", decided, "--as", "Cleo", "--no-passphrase", code=7)
    assert error["code"] == "no_voice"
    assert lost not in {each["key"] for each in row(oak, "Cleo")["keys"] if each["seat"]}


def test_all_is_taken_from_a_stolen_key_in_one_page(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    motion = valley.motion()
    given = valley.give("Oakfield", "Cleo", "--instruct", "*=free", "--alternate", "Ben")
    early = valley.vote("Oakfield", given, motion, "yes")
    taken = place(valley).json("people", "revoke", "Cleo", *FREE)
    assert (taken["seats"], taken["mandates"]) == (1, [f"{given[0].hex()[:8]}:0"])
    late = valley.vote("Oakfield", given, motion, "no")
    place(valley).seal(taken["page"], "Ann", "Ben")
    assert tellers(valley) == ["Ann", "Ben"]
    assert valley.mandate("Oakfield", given).status == "recalled"
    assert (valley.verdict("Oakfield", early)[0], valley.verdict("Oakfield", late)[0]) == ("stands", "void")
    error = place(valley).refused("people", "revoke", "Cleo", *FREE, code=7)
    assert error["code"] == "nothing_held"


def test_the_alternate_alone_is_taken_out_of_a_mandate(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    valley.give("Oakfield", "Cleo", "--instruct", "*=free", "--alternate", "Ben")
    taken = place(valley).json("people", "revoke", "Ben", "--threshold", 2, *FREE)
    place(valley).seal(taken["page"], "Ann", "Cleo")
    (found,) = place(valley).json("mandates", "list")["mandates"]
    assert (found["holder"], found["alternate"], found["status"]) == ("Cleo", None, "in_force")


def test_what_others_gave_to_a_stolen_key_is_told_for_only_they_can_end_it(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    key = valley.author("Oakfield", "Cleo").key
    given = valley.give("Mill Lane", key.hex())
    valley.meet()
    taken = place(valley).json("people", "revoke", "Cleo", *FREE)
    assert len(taken["elsewhere"]) == 1
    assert taken["elsewhere"][0].startswith("Mill Lane gave Cleo")
    place(valley).seal(taken["page"], "Ann", "Ben")
    assert valley.mandate("Oakfield", given).status == "in force"


def test_one_key_of_several_is_taken(oak: Valley) -> None:
    made = place(oak).json("people", "add", "Cleo", "--device", "phone", *FREE)
    error = place(oak).refused("people", "revoke", "Cleo", "--key", made["key"][:8], *FREE, code=7)
    assert error["code"] == "nothing_held", "it was good for nothing"
    error = place(oak).refused("people", "revoke", "Cleo", "--key", "0000", *FREE, code=6)
    assert error["code"] == "not_found"
    taken = place(oak).json("people", "revoke", "Cleo", *FREE)
    assert taken["seats"] == 1


def test_of_several_keys_one_is_named_by_what_the_answer_shows(oak: Valley) -> None:
    place(oak)("people", "add", "Dora", *FREE)
    said = place(oak)("people", "add", "Dora", "--device", "phone", *FREE).out
    assert "fedsync bodies epoch --add 'Dora (phone)' --as NAME" in said
    error = place(oak).refused("people", "rotate", "Dora", *FREE, code=6)
    assert "(Dora (phone))" in error["message"]
    shown = error["message"].partition("these: ")[2].split()[0]
    assert len(place(oak).json("people", "keys", shown)["keys"]) == 1
    given = place(oak).refused("mandates", "give", "Dora", "--task", "bread", *FREE, code=6)
    shown = given["message"].partition("these: ")[2].split(",")[0]
    place(oak)("mandates", "give", shown, "--task", "bread", *FREE)


def test_a_second_key_of_a_teller_is_told_how_the_seat_goes_over_to_it(oak: Valley) -> None:
    said = place(oak)("people", "add", "Cleo", "--device", "phone", *FREE).out
    assert "fedsync people rotate Cleo --kept 'Cleo (phone)' --as NAME" in said
    page = place(oak).json("people", "rotate", "Cleo", "--kept", "Cleo (phone)", *FREE)["page"]
    place(oak).seal(page, "Ann", "Ben")
    assert [each["seat"] for each in row(oak, "Cleo")["keys"] if each["here"] == "Cleo (phone)"] == [True]


@pytest.mark.parametrize("verb", ["rotate", "revoke", "keys"])
def test_nobody_is_nobody(oak: Valley, verb: str) -> None:
    words = () if verb == "keys" else FREE
    assert place(oak).refused("people", verb, "Zed", *words, code=6)["code"] == "not_found"


def test_a_revoked_seat_leaves_no_threshold_that_nobody_can_reach(oak: Valley) -> None:
    place(oak).seal(place(oak).json("people", "revoke", "Cleo", *FREE)["page"], "Ann", "Ben")
    shown = place(oak).json("bodies", "show")
    assert (shown["tellers"], shown["threshold"]) == (["Ann", "Ben"], 2)
    taken = place(oak).json("people", "revoke", "Ben", *FREE)
    place(oak).seal(taken["page"], "Ann", "Ben")
    assert place(oak).json("bodies", "show")["threshold"] == 1


def test_a_seat_in_a_guild_goes_over_to_the_key_that_its_holder_has_now(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    founded = (
        "bodies",
        "found",
        "Smiths",
        "--kind",
        "guild",
        "--seat",
        "Ann@Oakfield",
        "--seat",
        "Cleo@Oakfield",
    )
    place(valley).json(*founded, "--seat", "Ben@Mill Lane", "--seals", 2, *FREE)
    words = ("decisions", "propose", "--title", "Iron", "--text", "-", "--body", "Smiths")
    first = place(valley).json(*words, *FREE, stdin="We buy iron together.")["page"]
    _seal_by_two(valley, first)
    moved = place(valley).json("people", "rotate", "Cleo", *FREE)
    place(valley).seal(moved["page"], "Ann", "Ben")
    assert _seat_of(valley, "Smiths", "Cleo")["here"] == "Cleo"
    again = place(valley).json("people", "rotate", "Cleo", "--kept", "Cleo 2", "--body", "Smiths", *FREE)
    assert again["here"] == "Cleo 2"
    _seal_by_two(valley, again["page"])
    assert _seat_of(valley, "Smiths", "Cleo")["here"] == "Cleo 2"
    both = ("--kept", "Cleo 2", "--device", "phone")
    assert place(valley).refused("people", "rotate", "Cleo", *both, *FREE, code=2)["code"] == "usage"


def _seal_by_two(valley: Valley, page: str) -> None:
    """Let Ann and Cleo of Oakfield seal a page of the guild."""
    for name in ("Ann", "Cleo"):
        place(valley)("book", "sign", page, "--as", name, "--no-passphrase")
    place(valley)("book", "approve", page, *FREE)
    assert place(valley).page(page)["status"] == "sealed"


def _seat_of(valley: Valley, body: str, name: str) -> dict[str, Any]:
    """Return the key of somebody's that has a seat in a body."""
    keys = place(valley).json("people", "keys", "--body", body)["keys"]
    (one,) = [each for each in keys if each["name"].startswith(name) and each["seat"]]
    assert isinstance(one, dict)
    return one
