"""`fedsync bodies epoch`, `consent`, `join` and `leave`, for bodies whose seats are bodies."""

from pathlib import Path

import pytest

from fedsync.acts.author import now_ms
from fedsync.acts.books import minutes
from fedsync.acts.books.founding import post
from fedsync.crdt.books.booktables import page_row
from fedsync.crdt.books.epoch import epoch_on
from fedsync.keyring import load_node_key
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import LogClass, PageId
from fedsync.records.seal import Draft
from tests.acts.copied import copied
from tests.cli.federation import Federation, propose


@pytest.fixture
def valley(tmp_path: Path) -> Federation:
    return copied(Federation, tmp_path)


def test_a_fourth_community_joins_with_the_consent_of_its_new_seats(valley: Federation) -> None:
    assert valley.decided("Quarry", "bodies", "join", "Valley")
    valley.meet()
    proposal = propose(valley, "--add-body", "Quarry")
    place = valley.place("Mill Lane")
    error = place.refused("book", "sign", proposal, "--as", "Cleo", "--no-passphrase", code=7)
    assert error["code"] == "consents-missing"
    why = place("why", proposal).out
    assert "Consents: 3 are needed; nobody consented." in why
    assert "the consent of Hill Farm, Mill Lane, Oakfield, Quarry" in why
    assert f"Next: fedsync bodies consent {proposal[:8]} --as NAME" in why
    assert {"consent"} == valley.waits("Quarry") & {"consent", "consented", "delegate"}
    for name in ("Mill Lane", "Hill Farm"):
        valley.decided(name, "bodies", "consent", proposal)
    valley.meet()
    assert "consent" not in valley.waits("Hill Farm")
    error = valley.place().refused(
        "bodies", "epoch", "--body", "Valley", "--from", proposal, "--as", "Cleo", "--no-passphrase", code=7
    )
    assert error["code"] == "consents-missing"
    assert "Hill Farm (page " in valley.place()("why", proposal).out
    valley.decided("Quarry", "bodies", "consent", proposal)
    valley.meet()
    assert f"--from {proposal[:8]}" in valley.place()("why", proposal).out
    assert "consented" in valley.waits("Oakfield")
    final = valley.page_of("Oakfield", "bodies", "epoch", "--body", "Valley", "--from", proposal, name="Cleo")
    assert valley.carry(final, "Oakfield", "Hill Farm") == "sealed"
    shown = valley.shown("Quarry")
    assert (shown["threshold"], len(shown["seats"]), shown["seals"], len(shown["sealers"])) == (3, 4, 3, 4)
    assert valley.seat("Quarry", "Mill Lane")["says"] == "joined"
    assert shown["source"] == "joined"
    # From the next page on the fourth has a voice, and its node seals.
    valley.send("Quarry")
    page = valley.page_of(
        "Oakfield",
        "decisions",
        "propose",
        "--title",
        "A ferry",
        "--text",
        "-",
        "--body",
        "Valley",
        name="Cleo",
    )
    assert valley.carry(page, "Oakfield", "Hill Farm", "Quarry") == "sealed"


def test_who_has_left_and_sends_somebody_again_is_not_told_as_gone(valley: Federation) -> None:
    valley.decided("Hill Farm", "bodies", "leave", "Valley")
    valley.meet()
    assert "left" in valley.waits("Oakfield")
    valley.send("Hill Farm")
    valley.meet()
    assert "left" not in valley.waits("Oakfield")
    shown = valley.place()("bodies", "show", "Valley").out
    assert (
        "Hill Farm: has left, by its own book, and sent somebody again; Cleo (in force) speaks for it"
        in shown
    )
    assert "--drop-body" not in shown


def test_a_mandate_that_another_body_gave_is_not_ours_to_end(valley: Federation) -> None:
    theirs = valley.place("Mill Lane").json("mandates", "list")["mandates"][0]["id"]
    for verb in ("recall", "close"):
        error = valley.place().refused("mandates", verb, theirs[:8], "--as", "Ann", "--no-passphrase", code=7)
        assert error["message"] == "Mill Lane gave this mandate, and only its own book can end it."
    valley.place().refused("mandates", "recall", "ffff", "--as", "Ann", "--no-passphrase", code=6)


def test_one_book_is_enough_to_leave_and_the_seat_stays_empty_until_the_region_takes_it(
    valley: Federation,
) -> None:
    page = valley.page_of(
        "Oakfield",
        "decisions",
        "propose",
        "--title",
        "A ferry",
        "--text",
        "-",
        "--body",
        "Valley",
        name="Cleo",
    )
    valley.meet()
    with valley.at("Hill Farm") as (reading, door):
        minutes.sign(valley.author("Hill Farm", "Cleo"), reading, door, PageId(bytes.fromhex(page)))
    valley.decided("Hill Farm", "bodies", "leave", "Valley")
    valley.meet()
    # What was signed before it left was reachable, and is kept.
    assert valley.carry(page, "Oakfield") == "sealed"
    left = valley.seat("Hill Farm")
    assert (left["says"], left["delegates"]) == ("left", [])
    assert (
        'Next: fedsync bodies epoch --body "Valley" --drop-body "Hill Farm"'
        in valley.place()("bodies", "show", "Valley").out
    )
    after = valley.page_of(
        "Oakfield",
        "decisions",
        "propose",
        "--title",
        "A bridge",
        "--text",
        "-",
        "--body",
        "Valley",
        name="Cleo",
    )
    valley.meet()
    error = valley.place("Hill Farm").refused(
        "book", "sign", after, "--as", "Cleo", "--no-passphrase", code=7
    )
    assert error["code"] == "no_voice"
    proposal = propose(valley, "--drop-body", "Hill Farm")
    for name in ("Oakfield", "Mill Lane"):
        valley.decided(name, "bodies", "consent", proposal)
    valley.meet()
    final = valley.page_of(
        "Mill Lane", "bodies", "epoch", "--body", "Valley", "--from", proposal, name="Cleo"
    )
    assert valley.carry(final, "Oakfield", "Mill Lane") == "sealed"
    shown = valley.shown()
    assert (shown["threshold"], len(shown["seats"]), shown["seals"], len(shown["sealers"])) == (2, 2, 2, 2)


def test_what_is_not_asked_stays_as_it_was_through_every_change(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.txt"
    valley = Federation(
        tmp_path / "homes", "--rule", "consensus", "--longest", 30, "--cooling", 60, "--repair-sheet", sheet,
        "--answers-to", "Oakfield", "--witness", "00" * 16,
    )  # fmt: skip
    before = valley.shown()
    proposal = propose(valley, "--add-body", "Quarry", "--seals", 4)
    for name in ("Oakfield", "Mill Lane", "Quarry"):
        valley.decided(name, "bodies", "consent", proposal)
    valley.meet()
    final = valley.page_of("Oakfield", "bodies", "epoch", "--body", "Valley", "--from", proposal, name="Cleo")
    assert valley.carry(final, "Oakfield", "Hill Farm") == "sealed"
    after = valley.shown()
    for field in ("kind", "level", "rule", "rotation", "repair_keys", "witness", "answers_to"):
        assert after[field] == before[field] is not None, field
    assert after["seals"] == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("--add-body", "Oakfield"), 2),
        (("--add-body", "Valley"), 2),
        (("--add-body", "Nowhere"), 6),
        (("--drop-body", "Quarry"), 7),
        (("--add", "Ann@Quarry"), 2),
        (("--drop", "Ann"), 6),
        (("--threshold", 1), 7),
        (("--seals", 9), 7),
        (("--add-node", "Oakfield"), 2),
        (("--drop-node", "Quarry"), 6),
        (("--add-body", "Quarry", "--node", "Quarry"), 2),
        (("--cooling", 3), 2),
        (("--from", "ffffffff", "--threshold", 2), 2),
        (("--from", "ffffffff"), 6),
    ],
)
def test_a_change_of_a_region_that_makes_no_sense_is_refused(
    shared: Federation, words: tuple[object, ...], code: int
) -> None:
    before = shared.place().json("status")
    shared.place().refused(
        "bodies", "epoch", "--body", "Valley", *words, "--as", "Cleo", "--no-passphrase", code=code
    )
    assert shared.place().json("status") == before


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    """A region that tests leave as they found it."""
    return copied(Federation, tmp_path_factory.mktemp("shared"))


def test_consents_are_asked_of_seats_alone_and_for_proposals_alone(shared: Federation) -> None:
    page = shared.page_of(
        "Oakfield",
        "decisions",
        "propose",
        "--title",
        "A ferry",
        "--text",
        "-",
        "--body",
        "Valley",
        name="Cleo",
    )
    words = ("--as", "Ann", "--no-passphrase")
    assert shared.place().refused("bodies", "consent", page, *words, code=7)["code"] == "no_consents"
    proposal = propose(shared, "--drop-body", "Hill Farm")
    assert shared.place("Quarry").refused("bodies", "consent", proposal, *words, code=7)["code"] == "no_seat"


def test_a_body_never_sits_in_one_that_sits_in_it(shared: Federation) -> None:
    shared.place()(
        "bodies", "found", "World", "--kind", "world", "--member", "Valley", "--node", "Valley=Oakfield", "--as",
        "Ann", "--no-passphrase",
    )  # fmt: skip
    shared.meet()
    proposal = propose(shared, "--add-body", "World", "--node", "World=Quarry")
    error = shared.place().refused("book", "sign", proposal, "--as", "Cleo", "--no-passphrase", code=7)
    assert error["code"] == "not-lower"
    assert "bodies never sit in each other" in shared.place()("why", proposal).out


def test_the_node_that_seals_for_a_member_now_takes_the_place_of_the_one_before(valley: Federation) -> None:
    words = (
        "bodies",
        "epoch",
        "--body",
        "Valley",
        "--add-node",
        "Mill Lane",
        "--as",
        "Cleo",
        "--no-passphrase",
    )
    valley.place().refused(*words, code=2)
    ann, new = valley.author("Mill Lane"), valley.author("Quarry").key
    with valley.at("Mill Lane") as (reading, door), ann.writing():
        ann.write(door, reading, LogClass.AUTHORITY, [Draft("post", post(new, bytes(16)), now_ms() + 1)])
    valley.meet()
    proposal = propose(valley, "--add-node", "Mill Lane")
    with valley.at("Oakfield") as (reading, _):
        held = page_row(reading.view, PageId(bytes.fromhex(proposal)))
        assert held is not None
        epoch = epoch_on(held.payload, reading.body("Valley").scope, 1)
        assert epoch is not None
        keys = {each.key for each in epoch.sealers.values()}
    others = {public_key(load_node_key(valley.homes[name])) for name in ("Oakfield", "Hill Farm")}
    assert keys == {new, *others}
