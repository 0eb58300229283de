"""`fedsync stock need`, `offer`, `promise`, `grant` and their like: what is asked for, given and promised."""

from pathlib import Path
from typing import Any

import pytest

from fedsync.acts.author import now_ms
from fedsync.cli.telling import rfc3339
from tests.acts.copied import copied
from tests.cli.calling import Place
from tests.cli.federation import Federation

SIGN = ("--no-passphrase",)


def offered(node: Place, quantity: object = 100, *more: object) -> str:
    """Let Ann offer oats, and return the offer's id."""
    value = node.json("stock", "offer", "Oats", quantity, "kg", "--as", "Ann", *more)
    assert isinstance(value["id"], str)
    return value["id"]


def promised(node: Place, offer: str, quantity: object, name: str = "Ann", *more: object) -> str:
    """Let somebody promise oats, and return the promise's id."""
    value = node.json(
        "stock", "promise", offer, quantity, "kg", "--to", "Free kitchen", "--outside", "--as", name, *more
    )
    assert isinstance(value["id"], str)
    return value["id"]


def rights(node: Place, offer: str) -> dict[str, int]:
    """Return how much each may promise of an offer, in grams."""
    rows = node.json("stock", "rights", offer)["rights"]
    return {row["who"]: row["free"]["quantity"] for row in rows}


def test_who_offers_promises_from_it_and_no_more_than_it_is(node: Place) -> None:
    offer = offered(node)
    id_ = promised(node, offer, 60)
    value = node.json("stock", "rights", offer)
    assert value["offer"]["free"] == {"quantity": 40_000, "unit": "g"}
    (row,) = value["promises"]
    assert (row["id"], row["status"], row["receiver"], row["by"]) == (id_, "valid", "Free kitchen", "Ann")
    error = node.refused(
        "stock", "promise", offer, 50, "kg", "--to", "Free kitchen", "--outside", "--as", "Ann", code=7
    )
    assert error["code"] == "beyond_rights"
    assert "Ann may promise 40 kg of this offer" in error["message"]
    assert len(node.json("stock", "plans", "--promises")["promises"]) == 1


def test_who_has_no_rights_is_told_who_has_and_gets_some(node: Place) -> None:
    offer = offered(node)
    error = node.refused(
        "stock", "promise", offer, 30, "kg", "--to", "Free kitchen", "--outside", "--as", "Ben", code=7
    )
    assert "Ann 100 kg" in error["try"]
    assert f'fedsync stock grant {offer[:8]} 30 kg --to "Ben"' in error["try"]
    node("stock", "grant", offer, 30, "kg", "--to", "Ben", "--as", "Ann")
    assert rights(node, offer) == {"Ann": 70_000, "Ben": 30_000}
    promised(node, offer, 20, "Ben")
    assert rights(node, offer) == {"Ann": 70_000, "Ben": 10_000}
    words = node("stock", "rights", offer).out
    assert "promised: 20 kg of 100 kg" in words
    assert "Ben may promise 10 kg" in words
    node("stock", "grant", offer, 10, "kg", "--back", "--as", "Ben")
    promised(node, offer, 80, "Ann")
    assert rights(node, offer) == {"Ann": 0, "Ben": 0}


def test_what_is_given_up_is_nobodys(node: Place) -> None:
    offer = offered(node)
    out = node("stock", "grant", offer, 90, "kg", "--give-up", "--as", "Ann").out
    assert "given up: nobody can promise them any more" in out
    assert node.json("stock", "rights", offer)["offer"]["given_up"]["quantity"] == 90_000
    node.refused(
        "stock", "promise", offer, 11, "kg", "--to", "Free kitchen", "--outside", "--as", "Ann", code=7
    )
    node.refused("stock", "grant", offer, 1, "kg", "--give-up", "--back", "--as", "Ann", code=2)
    node.refused("stock", "grant", offer, 1, "kg", "--to", "Ann", "--as", "Ann", code=2)


def test_a_promise_that_is_taken_back_can_be_promised_again(node: Place) -> None:
    offer = offered(node)
    id_ = promised(node, offer, 100)
    node.refused("stock", "release", id_, "--as", "Ben", code=7)
    node("stock", "release", id_, "--reason", "Mice", "--as", "Ann")
    assert node.json("stock", "plans", "--promises")["promises"] == []
    node.refused("stock", "release", id_, "--as", "Ann", code=7)
    promised(node, offer, 100)
    assert "taken back" in node("stock", "rights", offer, "--all").out


def test_rights_that_are_over_are_taken_back_and_not_before(node: Place) -> None:
    offer = offered(node)
    late = node.json(
        "stock", "grant", offer, 30, "kg", "--to", "Ben", "--expires", "2099-01-01", "--as", "Ann"
    )
    assert node.refused("stock", "take-back", late["id"], "--as", "Ann", code=7)["code"] == "not_over"
    over = node.json(
        "stock", "grant", offer, 30, "kg", "--to", "Ben", "--expires", "2020-01-01", "--as", "Ann"
    )
    assert rights(node, offer)["Ann"] == 40_000
    node("stock", "take-back", over["id"], "--as", "Ann")
    assert rights(node, offer) == {"Ann": 70_000, "Ben": 30_000}
    assert node.refused("stock", "take-back", over["id"], "--as", "Ann", code=7)["code"] == "already_spent"


def test_why_and_show_say_of_each_record_what_it_is_worth(node: Place) -> None:
    offer = offered(node)
    need = node.json("stock", "need", "Oats", 5, "kg", "--for", "Free kitchen", "--as", "Ann")["id"]
    granted = node.json("stock", "grant", offer, 30, "kg", "--to", "Ben", "--as", "Ann")["id"]
    kept = promised(node, offer, 20, "Ben")
    gone = promised(node, offer, 10, "Ann")
    released = node.json("stock", "release", gone, "--reason", "Mice", "--as", "Ann")["id"]
    says = {
        offer: ("Oakfield offers 100 kg of Oats", "counts", "holds the right to promise all of it"),
        need: ("Free kitchen needs 5 kg of Oats", "counts", "until it is served"),
        granted: ("lets Ben promise 30 kg of Oats", "counts", "went from its log to another one"),
        kept: ("promises Free kitchen 20 kg of Oats", "counts", "held the rights to promise so much"),
        gone: ("promises Free kitchen 10 kg of Oats", "released", "was taken back"),
        released: ("takes back the promise", "counts", "the promise that it names is over"),
    }
    for id_, (words, status, sentence) in says.items():
        assert words in node.json("show", id_)["says"]
        value = node.json("why", id_)
        assert value["status"] == status
        assert sentence in value["reason"]
    assert f"It rests on the grant {granted[:8]} of Ann, which stands." in node("why", kept).out


def test_what_cannot_be_promised_is_refused_in_words(node: Place) -> None:
    offer = offered(node)
    assert node.refused("stock", "promise", offer, 1, "kg", "--to", "Oakfield", "--as", "Ann", code=7)[
        "code"
    ] == ("promise_to_oneself")
    node.refused("stock", "promise", offer, 0, "kg", "--to", "X", "--outside", "--as", "Ann", code=2)
    node.refused("stock", "promise", offer, 1, "litre", "--to", "X", "--outside", "--as", "Ann", code=2)
    node.refused("stock", "promise", "abcd1234", 1, "kg", "--to", "X", "--outside", "--as", "Ann", code=6)
    node.refused("stock", "promise", offer, 1, "kg", "--to", "Nowhere", "--as", "Ann", code=6)
    node.refused("stock", "need", "Oats", 0, "kg", "--as", "Ann", code=2)
    for words in (("need", "Oats"), ("offer", "Oats"), ("promise", offer, "--to", "X"), ("grant", offer)):
        error = node.refused("stock", *words, -1, "kg", "--as", "Ann", code=2)
        assert "less than nothing" in error["message"]
    assert "a unit apart" in node.refused("stock", "offer", "Oats", "5kg", "--as", "Ann", code=2)["try"]
    over = offered(node, 10, "--until", "2020-01-01")
    error = node.refused("stock", "promise", over, 1, "kg", "--to", "X", "--outside", "--as", "Ann", code=7)
    assert error["code"] == "offer_over"


def test_needs_are_listed_matched_and_served(node: Place) -> None:
    offer = offered(node, 100, "--due", "2099-05-01", "--note", "Dry")
    need = node.json(
        "stock", "need", "Oats", 80, "kg", "--for", "Free kitchen", "--due", "2099-06-01", "--as", "Ben"
    )
    found = node.json("stock", "match")
    (row,) = found["matches"]
    assert (row["need"], row["offer"], row["free"]["quantity"]) == (need["id"], offer, 100_000)
    assert "Free kitchen needs 80 kg of Oats" in node("stock", "match").out
    value = node.json("stock", "promise", offer, 80, "kg", "--to", need["id"][:8], "--as", "Ann")
    assert value["need"] == need["id"]
    assert node.json("stock", "match")["matches"] == []
    plans = node.json("stock", "plans")
    assert plans["needs"][0]["promised"]["quantity"] == 80_000
    assert (plans["offers"][0]["free"]["quantity"], plans["offers"][0]["note"]) == (20_000, "Dry")
    out = node("stock", "plans").out
    assert "20 kg free" in out
    assert "80 kg promised" in out
    beans = node.json("stock", "need", "Beans", 5, "kg", "--as", "Ann")
    assert node.json("stock", "match")["unmet"] == [beans["id"]]
    node.refused("stock", "promise", offer, 1, "kg", "--to", beans["id"], "--as", "Ann", code=2)


def test_free_stock_that_nobody_offered_is_suggested_too(node: Place) -> None:
    node("stock", "add", "Oats", 50, "kg", "--store", "Granary", "--as", "Ann")
    offered(node, 20)
    node("stock", "need", "Oats", 30, "kg", "--for", "Free kitchen", "--as", "Ann")
    rows = node.json("stock", "match")["matches"]
    assert [(row["offer"] is None, row["free"]["quantity"]) for row in rows] == [
        (False, 20_000),
        (True, 30_000),
    ]


def waits(node: Place) -> list[tuple[str, str]]:
    """Return what of promises waits for people here: kind and line."""
    rows = node.json("status")["waiting"]
    return [
        (row["kind"], row["line"])
        for row in rows
        if row["kind"] in ("promise", "rights", "rights_over", "agreement")
    ]


def test_status_says_which_promises_are_due_and_which_rights_end(node: Place) -> None:
    offer = offered(node)
    promised(node, offer, 5, "Ann", "--due", "2099-01-01")
    assert waits(node) == []
    promised(node, offer, 5, "Ann", "--due", "2020-01-01")
    ((kind, line),) = waits(node)
    assert kind == "promise"
    assert "5 kg of Oats are promised to Free kitchen" in line
    assert "OVERDUE since 2020-01-01" in line
    soon = rfc3339(now_ms() + 3_600_000)
    assert soon is not None
    node("stock", "grant", offer, 7, "kg", "--to", "Ben", "--expires", soon, "--as", "Ann")
    over = node.json(
        "stock", "grant", offer, 8, "kg", "--to", "Cleo", "--expires", "2020-01-01", "--as", "Ann"
    )["id"]
    lines = dict(waits(node))
    assert "Ben may promise 7 kg of Oats until" in lines["rights"]
    assert f"the right of Cleo to promise 8 kg of Oats is over ({over[:8]})" in lines["rights_over"]
    node("stock", "take-back", over, "--as", "Ann")
    assert "rights_over" not in dict(waits(node))


def test_what_is_local_stays_apart(node: Place) -> None:
    offer = offered(node, 10, "--local")
    promised(node, offer, 4)
    assert node.json("stock", "rights", offer)["offer"]["free"]["quantity"] == 6_000
    assert node.json("stock", "plans")["offers"][0]["local"] is True


def test_rights_go_to_people_of_other_communities_who_promise_in_their_own_log(tmp_path: Any) -> None:
    valley = copied(Federation, tmp_path)
    oak, mill = valley.place(), valley.place("Mill Lane")
    offer = oak.json("stock", "offer", "Oats", 100, "kg", "--as", "Ann", *SIGN)["id"]
    oak("stock", "grant", offer, 40, "kg", "--to", "Ann@Mill Lane", "--as", "Ann", *SIGN)
    valley.meet()
    words = mill("stock", "rights", offer).out
    assert "Ann may promise 40 kg" in words
    mill("stock", "promise", offer, 30, "kg", "--to", "Hill Farm", "--as", "Ann", *SIGN)
    error = mill.refused(
        "stock", "promise", offer, 30, "kg", "--to", "Hill Farm", "--as", "Ann", *SIGN, code=7
    )
    assert "Ann of Oakfield 60 kg" in error["try"]
    oak("stock", "promise", offer, 60, "kg", "--to", "Mill Lane", "--as", "Ann", *SIGN)
    valley.meet()
    for place in (oak, mill, valley.place("Hill Farm")):
        assert place.json("rebuild")["same"] is True
        value = place.json("stock", "rights", offer)
        assert value["offer"]["promised"]["quantity"] == 90_000
        assert {row["status"] for row in value["promises"]} == {"valid"}
    error = oak.refused(
        "stock", "grant", offer, 1, "kg", "--to", "Nobody@Mill Lane", "--as", "Ann", *SIGN, code=6
    )
    assert "Nobody" in error["message"]


@pytest.mark.parametrize(
    "word", ["need", "offer", "promise", "rights", "grant", "take-back", "release", "hold", "match", "plans"]
)
def test_every_word_has_its_help(node: Place, word: str) -> None:
    assert "Usage: fedsync stock" in node("stock", word, "--help").out


def test_a_steward_promises_under_a_mandate_and_rights_reach_them_where_they_sign(tmp_path: Any) -> None:
    valley = copied(Federation, tmp_path)
    oak, mill = valley.place(), valley.place("Mill Lane")
    mill("people", "add", "Wim", "--as", "Ann", *SIGN)
    key = mill("people", "keys", "Wim", "--show").out.splitlines()[-1]
    oak("people", "add", "Wim", "--key", key, "--as", "Ann", *SIGN)
    task = ("--task", "seed", "--may", "commitment,rights_grant,release,intent")
    valley.decided("Oakfield", "mandates", "give", "Wim", *task)
    offer = oak.json("stock", "offer", "Oats", 100, "kg", "--as", "Ann", *SIGN)["id"]
    error = oak.refused("stock", "grant", offer, 40, "kg", "--to", "Wim", "--as", "Ann", *SIGN, code=7)
    assert (error["code"], "fedsync stock hold" in error["try"]) == ("no_log", True)
    valley.meet()
    mill("stock", "hold", "--body", "Oakfield", "--as", "Wim", *SIGN)
    valley.meet()
    oak("stock", "grant", offer, 40, "kg", "--to", "Wim", "--as", "Ann", *SIGN)
    valley.meet()
    kept = mill.json("stock", "promise", offer, 30, "kg", "--to", "Mill Lane", "--as", "Wim", *SIGN)["id"]
    valley.meet()
    (row,) = oak.json("stock", "rights", offer)["promises"]
    assert (row["id"], row["status"], row["by"]) == (kept, "valid", "Wim")
    mill("stock", "release", kept, "--as", "Wim", *SIGN)
    own = mill.json("stock", "offer", "Oats", 5, "kg", "--body", "Oakfield", "--as", "Wim", *SIGN)["id"]
    valley.meet()
    assert oak.json("stock", "rights", own)["offer"]["who"] == "Oakfield"


def test_to_whom_something_is_promised_at_home_is_told_to_nobody_else(tmp_path: Any) -> None:
    valley = copied(Federation, tmp_path)
    oak, mill = valley.place(), valley.place("Mill Lane")
    offer = oak.json("stock", "offer", "Oats", 100, "kg", "--as", "Ann", *SIGN)["id"]
    need = oak.json(
        "stock", "need", "Oats", 30, "kg", "--for", "The Millers", "--local", "--as", "Ann", *SIGN
    )["id"]
    value = oak.json("stock", "promise", offer, 30, "kg", "--to", need, "--as", "Ann", *SIGN)
    assert value["local"] is True
    oak(
        "stock",
        "promise",
        offer,
        20,
        "kg",
        "--to",
        "The Weavers",
        "--outside",
        "--local",
        "--as",
        "Ann",
        *SIGN,
    )
    assert rights(oak, offer) == {"Ann": 50_000, "Ann, at home": 0}
    assert oak.json("stock", "rights", offer)["offer"]["free"]["quantity"] == 50_000
    oak.refused(
        "stock",
        "promise",
        offer,
        60,
        "kg",
        "--to",
        "The Weavers",
        "--outside",
        "--local",
        "--as",
        "Ann",
        *SIGN,
        code=7,
    )
    valley.meet()
    shown = mill.json("stock", "rights", offer)
    assert shown["promises"] == []
    assert {row["who"]: row["free"]["quantity"] for row in shown["rights"]} == {
        "Ann of Oakfield": 50_000,
        "Ann of Oakfield, at home": 50_000,
    }
    assert "The Millers" not in mill("stock", "plans").out + mill("log").out
    out = oak(
        "stock", "promise", offer, 1, "kg", "--to", "The Weavers", "--outside", "--as", "Ann", *SIGN
    ).out
    assert "The whole region can read that it is The Weavers." in out


def test_a_recall_makes_promises_fall_and_what_is_left_of_the_rights_can_be_taken_back(tmp_path: Any) -> None:
    valley = copied(Federation, tmp_path)
    oak, mill = valley.place(), valley.place("Mill Lane")
    mill("people", "add", "Wim", "--as", "Ann", *SIGN)
    key = mill("people", "keys", "Wim", "--show").out.splitlines()[-1]
    oak("people", "add", "Wim", "--key", key, "--as", "Ann", *SIGN)
    may = ("--task", "seed", "--may", "commitment,rights_grant")
    page = valley.decided("Oakfield", "mandates", "give", "Wim", *may)
    offer = oak.json("stock", "offer", "Oats", 100, "kg", "--as", "Ann", *SIGN)["id"]
    valley.meet()
    mill("stock", "hold", "--body", "Oakfield", "--as", "Wim", *SIGN)
    valley.meet()
    grant = oak.json("stock", "grant", offer, 40, "kg", "--to", "Wim", "--as", "Ann", *SIGN)["id"]
    valley.meet()
    kept = promised(mill, offer, 10, "Wim", *SIGN)
    valley.meet()
    late = promised(mill, offer, 20, "Wim", *SIGN)
    # Oakfield has not heard of the second promise when it ends the mandate.
    valley.decided("Oakfield", "mandates", "recall", f"{page[:8]}:0")
    valley.meet()
    worth = {row["id"]: row["status"] for row in oak.json("stock", "rights", offer)["promises"]}
    assert worth == {kept: "valid"}
    assert "fall with a recall" in mill("why", late).out
    lines = [row["line"] for row in oak.json("status")["waiting"] if row["kind"] == "rights_over"]
    assert len(lines) == 1
    oak("stock", "take-back", grant, "--as", "Ann", *SIGN)
    assert rights(oak, offer)["Ann"] == 90_000
    valley.meet()
    assert rights(mill, offer)["Ann of Oakfield"] == 90_000


def test_a_last_day_that_is_over_or_before_the_day_it_is_due_is_told(node: Place) -> None:
    offer = offered(node)
    promise = ("stock", "promise", offer, 1, "kg", "--to", "Free kitchen", "--outside")
    for command in (("stock", "need", "Oats", 1, "kg"), ("stock", "offer", "Oats", 1, "kg"), promise):
        said = node(*command, "--until", "2020-01-01", "--as", "Ann")
        assert "2020-01-01 is over already." in said.out
        error = node.refused(*command, "--due", "2031-02-01", "--until", "2031-01-01", "--as", "Ann", code=2)
        assert error["message"] == "It would be over before it is due."
    grant = ("stock", "grant", offer, 5, "kg", "--to", "Ben", "--as", "Ann", "--expires")
    assert "2020-01-01 is over already." in node(*grant, "2020-01-01").out
    assert "over already" not in node(*grant, "2099-01-01").out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "has no name"),
        ("x" * 201, "longer than 200 letters"),
        ("Free\x1b[31m kitchen", "no letter or sign"),
        ("two\nlines", "no letter or sign"),
        ("oakfield", "Oakfield keeps records with fedsync"),
    ],
)
def test_who_keeps_no_records_has_a_name_that_is_nobody_elses(node: Place, name: str, said: str) -> None:
    offer = offered(node)
    for command in (
        ("stock", "promise", offer, 1, "kg", "--to", name, "--outside"),
        ("stock", "need", "Oats", 1, "kg", "--for", name),
    ):
        assert said in node.refused(*command, "--as", "Ann", code=2)["message"]


def test_who_has_all_rights_that_are_left_is_told_that_nobody_else_has_any(node: Place) -> None:
    offer = offered(node)
    error = node.refused(
        *("stock", "promise", offer, 500, "kg", "--to", "Free kitchen", "--outside", "--as", "Ann"), code=7
    )
    assert "Nobody else has rights" in error["try"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("", 5, "kg"), "The item has no name."),
        (("x" * 201, 5, "kg"), "The name of the item is longer than 200 letters."),
        (("Oats\x1b[31m", 5, "kg"), "The name of the item holds what is no letter or sign."),
        (("Oats", 5, "kg", "--store", " "), "The store has no name."),
        (("Oats", -5, "kg"), "-5 is less than nothing, and that is no quantity."),
        (("Oats", "5kg"), "How much of what is not said in full."),
    ],
)
def test_what_is_offered_or_needed_has_a_name_and_a_quantity(
    node: Place, typed: tuple[object, ...], said: str
) -> None:
    before = node("log").out
    for side in ("offer", "need"):
        if side == "offer" or "--store" not in typed:
            assert node.refused("stock", side, *typed, "--as", "Ann", code=2)["message"] == said
    assert node("log").out == before


def test_who_keeps_at_home_what_another_community_gets_is_told_that_they_do_not_see_it(
    tmp_path: Path,
) -> None:
    valley = copied(Federation, tmp_path)
    oak = valley.place("Oakfield")
    offer = offered(oak, 10, "--local")
    said = "Mill Lane does not see it"
    assert said in oak("stock", "promise", offer, 1, "kg", "--to", "Mill Lane", "--as", "Ann").out
    oak("stock", "add", "Oats", 10, "kg", "--store", "Barn", "--as", "Ann")
    new = ("stock", "transfer", "new", "--to", "Mill Lane", "--line", "Oats 1 kg", "--as", "Ann")
    assert said in oak(*new, "--local").out
    assert said not in oak(*new).out
    assert "keeps records with fedsync" in oak.refused(*new, "--outside", code=2)["message"]
