"""Mandates on the command line of real homes: giving, showing, recalling, closing, replacing."""

from pathlib import Path

import pytest

from fedsync.acts.author import now_ms
from fedsync.acts.books import minutes
from fedsync.records.codec import Value
from fedsync.records.ids import PageId
from fedsync.words import key_text
from tests.acts.copied import copied
from tests.acts.delegations import Delegations


@pytest.fixture
def valley(tmp_path: Path) -> Delegations:
    """Return a region of three communities."""
    return copied(Delegations, tmp_path)


def test_a_mandate_is_given_on_a_page_and_shown_in_words(valley: Delegations) -> None:
    motion = valley.motion(options=["yes", "no"], clauses={"cost": "Who pays?"})
    given = valley.give(
        "Oakfield", "cleo", "--instruct", f"{motion.hex()[:8]}=yes,abstain", "--instruct", "A bridge#cost=2..5",
        "--instruct", "*=free", "--may", "decision,result", "--limit", "vote=3", "--until", "2099-12-31",
        "--alternate", "Ben",
    )  # fmt: skip
    place = valley.place("Oakfield")
    found = place.json("mandates", "show", given[0].hex()[:8])
    assert found["status"] == "in_force"
    assert (found["holder"], found["alternate"], found["seat"]) == ("Cleo", "Ben", "Valley")
    assert found["may"] == ["decision", "result", "witness"]
    assert found["limits"] == {"vote": 3}
    assert found["term_over"] is False
    said = {(each["title"], each["clause"]): each["allows"] for each in found["instructions"]}
    assert said[None, None] == "free"
    assert said['"A bridge"', None] == ["yes", "abstain"]
    assert said['"A bridge", clause cost', "cost"] == {"least": 2, "most": 5}
    words = place("mandates", "show", "Cleo").out
    assert 'on "A bridge": yes or abstain' in words
    assert "from 2 to 5" in words
    assert "Nothing was done under it." in words
    (row,) = place.json("mandates", "list", "--holder", "Cleo")["mandates"]
    assert row["id"] == f"{given[0].hex()}:0"
    assert "Cleo or Ben" in place("mandates", "list").out
    valley.meet()
    assert valley.place("Mill Lane").json("mandates", "list", "--body", "Oakfield")["mandates"] == [row]


def test_a_key_that_nobody_here_knows_may_hold_a_mandate(valley: Delegations) -> None:
    key = valley.author("Hill Farm", "Cleo").key
    for typed in (key.hex(), key_text(key)):
        given = valley.give("Oakfield", typed)
        assert valley.mandate("Oakfield", given).mandate.holder == key


@pytest.mark.parametrize(
    ("words", "exit_", "code"),
    [
        (("Zed", "--seat", "Valley"), 6, "not_found"),
        (("Cleo",), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--task", "the bread"), 2, "usage"),
        (("Cleo", "--task", " "), 2, "usage"),
        (("Cleo", "--seat", "Nowhere"), 6, "not_found"),
        (("Cleo", "--seat", "Oakfield"), 7, "own-seat"),
        (("Cleo", "--seat", "Mill Lane"), 7, "not-a-seat"),
        (("Cleo", "--seat", "Valley", "--instruct", "yes"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--instruct", "0000=yes"), 6, "not_found"),
        (("Cleo", "--seat", "Valley", "--instruct", "A bridge=maybe"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--instruct", "A ferry=maybe"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--instruct", "A bridge#paint=yes"), 6, "not_found"),
        (("Cleo", "--seat", "Valley", "--instruct", "A bridge=5..2"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--instruct", "A bridge=a..b"), 2, "usage"),
        (
            ("Cleo", "--seat", "Valley", "--instruct", "A bridge=yes", "--instruct", "A bridge=free"),
            2,
            "usage",
        ),
        (("Cleo", "--seat", "Valley", "--may", "decision,poetry"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--limit", "vote"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--limit", "bread=3"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--until", "yesterday"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--until", "2020-01-01"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--until", "9999-12-31"), 2, "usage"),
        (("Cleo", "--seat", "Valley", "--alternate", "Cleo"), 2, "usage"),
    ],
)
def test_a_mandate_that_would_give_no_voice_is_not_drafted(
    asked: Delegations, words: tuple[str, ...], exit_: int, code: str
) -> None:
    place = asked.place("Oakfield")
    before = place.json("book", "list")["pages"]
    error = place.refused("mandates", "give", *words, "--as", "Ann", "--no-passphrase", code=exit_)
    assert error["code"] == code
    assert place.json("book", "list")["pages"] == before


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Delegations:
    """Return a region of three communities, of which nothing is changed."""
    valley = copied(Delegations, tmp_path_factory.mktemp("asked"))
    valley.motion(options=["yes", "no"])
    valley.motion(title="A ferry")
    return valley


def test_a_motion_without_options_takes_yes_no_abstain_and_numbers_in_instructions(
    asked: Delegations,
) -> None:
    for said in ("yes", "no,abstain", "7", "-3,5", "2..9"):
        words = ("mandates", "give", "Cleo", "--seat", "Valley", "--instruct", f"A ferry={said}", "--later")
        asked.place("Oakfield")(*words, "--as", "Ann", "--no-passphrase")


def test_who_is_sent_without_instructions_is_told_to_vote_on_nothing(asked: Delegations) -> None:
    words = ("mandates", "give", "Cleo", "--seat", "Valley", "--later", "--as", "Ann", "--no-passphrase")
    assert "Cleo may sign pages, and vote on nothing" in asked.place("Oakfield")(*words).out
    assert "vote on nothing" not in asked.place("Oakfield")(*words, "--instruct", "*=free").out


def test_who_was_recalled_is_still_found_by_name_and_a_running_mandate_goes_before(
    valley: Delegations,
) -> None:
    first = valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    valley.end("Oakfield", "Cleo")
    place = valley.place("Oakfield")
    assert place.json("mandates", "show", "Cleo")["status"] == "recalled"
    again = place.refused("mandates", "recall", "Cleo", "--as", "Ann", "--no-passphrase", code=7)
    assert again["code"] == "over"
    second = valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    assert place.json("mandates", "show", "Cleo")["id"] == f"{second[0].hex()}:{second[1]}"
    assert second != first


def test_a_recall_keeps_what_is_here_and_nothing_that_comes_later(valley: Delegations) -> None:
    motion, given = valley.motion(), valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    early = valley.vote("Oakfield", given, motion, "yes")
    recall = valley.end("Oakfield", "Cleo", seal=False)
    late = valley.vote("Oakfield", given, motion, "no")
    assert valley.verdict("Oakfield", late)[0] == "stands"
    valley.adopt("Oakfield", recall)
    assert valley.verdict("Oakfield", early) == ("suspended", "recall-adopted")
    assert valley.verdict("Oakfield", late) == ("suspended", "recall-adopted")
    valley.seal_again("Oakfield", recall)
    assert valley.verdict("Oakfield", early)[0] == "stands"
    assert valley.verdict("Oakfield", late) == ("void", "recalled")
    found = valley.place("Oakfield").json("mandates", "show", given[0].hex()[:8])
    assert found["status"] == "recalled"
    assert [(each["status"], each["counts"]) for each in found["done"]] == [("stands", True), ("void", False)]
    assert [each["kind"] for each in found["ended_by"]] == ["recall"]
    words = valley.place("Oakfield")("mandates", "show", given[0].hex()[:8]).out
    assert "did not keep this" in words


def test_what_a_recall_says_before_it_is_signed(valley: Delegations) -> None:
    motion, given = valley.motion(), valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    valley.vote("Oakfield", given, motion, "yes")
    place = valley.place("Oakfield")
    words = place("mandates", "recall", "Cleo", "--as", "Ann", "--no-passphrase").out
    assert "With 2 signatures" in words
    error = place.refused("mandates", "recall", "Ben", "--as", "Ann", "--no-passphrase", code=6)
    assert error["code"] == "not_found"


def test_keep_nothing_and_keep_to_say_how_much_of_it_holds(valley: Delegations) -> None:
    motions = [valley.motion(title=f"Number {number}") for number in range(3)]
    given = valley.give("Oakfield", "Cleo", "--instruct", "*=free", "--alternate", "Ben")
    votes = [valley.vote("Oakfield", given, motion, "yes") for motion in motions]
    other = valley.vote("Oakfield", given, motions[0], "no", name="Ben")
    valley.end("Oakfield", "Cleo", "--keep-to", votes[1].hex())
    words = [valley.verdict("Oakfield", vote)[0] for vote in (*votes, other)]
    assert words == ["stands", "stands", "void", "stands"]
    given = valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    vote = valley.vote("Oakfield", given, motions[2], "yes")
    error = valley.place("Oakfield").refused(
        "mandates", "recall", "Cleo", "--keep-to", votes[1].hex(), "--as", "Ann", "--no-passphrase", code=7
    )
    assert error["code"] == "other-log"
    valley.end("Oakfield", "Cleo", "--keep-nothing")
    assert valley.verdict("Oakfield", vote) == ("void", "recalled")


def test_giving_again_ends_the_earlier_mandate_and_keeps_all_logs_under_it(valley: Delegations) -> None:
    motion = valley.motion()
    first = valley.give("Oakfield", "Cleo", "--instruct", "*=free", "--alternate", "Ben")
    one = valley.vote("Oakfield", first, motion, "yes")
    two = valley.vote("Oakfield", first, motion, "no", name="Ben")
    second = valley.give("Oakfield", "Ann", "--instruct", "*=free")
    assert [valley.mandate("Oakfield", each).status for each in (first, second)] == ["ended", "in force"]
    assert [valley.verdict("Oakfield", each)[0] for each in (one, two)] == ["stands", "stands"]
    late = valley.vote("Oakfield", first, motion, "no")
    assert valley.verdict("Oakfield", late) == ("void", "recalled")
    new = valley.vote("Oakfield", second, motion, "yes", name="Ann")
    assert valley.verdict("Oakfield", new) == ("stands", "counts")


def test_a_closing_is_no_recall_and_keeps_what_was_done(valley: Delegations) -> None:
    motion, given = valley.motion(), valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    vote = valley.vote("Oakfield", given, motion, "yes")
    valley.end("Oakfield", "Cleo", verb="close")
    assert valley.mandate("Oakfield", given).status == "ended"
    assert valley.verdict("Oakfield", vote)[0] == "stands"
    error = valley.place("Oakfield").refused(
        "mandates", "close", given[0].hex(), "--as", "Ann", "--no-passphrase", code=7
    )
    assert error["code"] == "over"


def test_a_task_is_a_mandate_without_a_seat(valley: Delegations) -> None:
    page = valley.place("Oakfield").json(
        "mandates", "give", "Cleo", "--task", "the bread", "--as", "Ann", "--no-passphrase"
    )["page"]  # fmt: skip
    valley.seal_by_hand("Oakfield", page)
    (row,) = valley.place("Oakfield").json("mandates", "list")["mandates"]
    assert (row["task"], row["seat"], row["status"]) == ("the bread", None, "in_force")


def test_mandates_are_prepared_for_a_meeting_with_the_rest(valley: Delegations) -> None:
    place = valley.place("Oakfield")
    place("mandates", "give", "Cleo", "--task", "the bread", "--later", "--as", "Ann", "--no-passphrase")
    place("mandates", "give", "Ben", "--task", "the wine", "--later", "--as", "Ann", "--no-passphrase")
    page = place.json("book", "draft", "--as", "Ann", "--no-passphrase")["page"]
    valley.seal_by_hand("Oakfield", page)
    assert [each["task"] for each in place.json("mandates", "list")["mandates"]] == ["the bread", "the wine"]


def test_a_delegate_whose_mandate_was_recalled_signs_nothing_more(valley: Delegations) -> None:
    for name in valley.homes:
        valley.give(name, "Cleo")
    valley.meet()
    decision: dict[str, Value] = {"kind": "decision", "title": "A bridge", "text": "We build it."}
    cleo = valley.author("Oakfield", "Cleo")
    with valley.at("Oakfield") as (reading, door):
        page, _ = minutes.enter(cleo, reading, door, valley.scope, [decision])
        minutes.sign(cleo, reading, door, page)
    valley.end("Oakfield", "Cleo", "--keep-nothing")
    (done,) = valley.place("Oakfield").json("mandates", "list", "--all")["mandates"]
    assert done["status"] == "recalled"
    place = valley.place("Oakfield")
    error = place.refused("book", "sign", page.hex(), "--as", "Cleo", "--no-passphrase", code=7)
    assert error["code"] == "no_voice"
    shown = place.json("mandates", "show", done["id"])["done"]
    assert [(each["kind"], each["status"], each["code"]) for each in shown] == [
        ("signature", "void", "recalled")
    ]


def test_what_a_prepared_recall_keeps_is_what_is_here_when_the_page_is_drafted(valley: Delegations) -> None:
    motions = [valley.motion(title=f"Number {number}") for number in range(3)]
    given = valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    place = valley.place("Oakfield")
    place("mandates", "recall", "Cleo", "--later", "--as", "Ann", "--no-passphrase")
    place("mandates", "give", "Ben", "--task", "the bread", "--later", "--as", "Ann", "--no-passphrase")
    place("mandates", "give", "Ben", "--task", "the wine", "--later", "--as", "Ann", "--no-passphrase")
    place("book", "draft", "--drop", 2)
    meanwhile = valley.vote("Oakfield", given, motions[0], "yes")
    page = place.json("book", "draft", "--as", "Ann", "--no-passphrase")["page"]
    late = valley.vote("Oakfield", given, motions[1], "yes")
    valley.seal_by_hand("Oakfield", page)
    assert [valley.verdict("Oakfield", vote)[0] for vote in (meanwhile, late)] == ["stands", "void"]
    assert [each["task"] for each in place.json("mandates", "list")["mandates"]] == ["the wine"]


def test_a_prepared_recall_that_keeps_nothing_keeps_nothing(valley: Delegations) -> None:
    motion, given = valley.motion(), valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    vote = valley.vote("Oakfield", given, motion, "yes")
    place = valley.place("Oakfield")
    place("mandates", "recall", "Cleo", "--keep-nothing", "--later", "--as", "Ann", "--no-passphrase")
    page = place.json("book", "draft", "--as", "Ann", "--no-passphrase")["page"]
    valley.seal_by_hand("Oakfield", page)
    assert valley.verdict("Oakfield", vote) == ("void", "recalled")


def test_an_emergency_recall_is_drafted_on_a_page_that_is_only_adopted_and_suspends_at_once(
    valley: Delegations,
) -> None:
    motion, given = valley.motion(), valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    vote = valley.vote("Oakfield", given, motion, "yes")
    place = valley.place("Oakfield")
    unsealed = place.propose("Oats")
    for name in ("Ann", "Ben"):
        place("book", "sign", unsealed, "--as", name)
    assert place.page(unsealed)["status"] == "adopted"
    recall = valley.end("Oakfield", "Cleo", "--keep-nothing", seal=False)
    assert place.page(recall.hex())["number"] == place.page(unsealed)["number"] + 1
    for name in ("Ann", "Ben"):
        place("book", "sign", recall.hex(), "--as", name)
    assert place.page(recall.hex())["status"] == "adopted"
    assert valley.verdict("Oakfield", vote) == ("suspended", "recall-adopted")
    assert place.json("mandates", "list")["mandates"][0]["status"] == "suspended"


def test_a_delegate_signs_no_page_that_the_mandate_does_not_cover(valley: Delegations) -> None:
    cleo = valley.author("Oakfield", "Cleo")
    for name in ("Mill Lane", "Hill Farm"):
        valley.give(name, "Cleo")
    now = now_ms()
    mandates: list[dict[str, Value]] = [
        {"may": ["result", "witness"]},
        {"until": now - 1_000},
        {"limits": {"signature": 1}},
    ]
    found: list[str] = []
    pages: list[PageId] = []
    for more in mandates:
        common: dict[str, Value] = {"kind": "mandate", "holder": cleo.key, "seat": valley.region}
        valley.enter("Oakfield", [{**common, "instructions": {}, **more}])
        valley.meet()
        with valley.at("Oakfield") as (reading, door):
            decision: dict[str, Value] = {
                "kind": "decision",
                "title": f"Try {len(pages)}",
                "text": "So be it.",
            }
            page, _ = minutes.enter(cleo, reading, door, valley.scope, [decision])
            pages.append(page)
        if "limits" in more:
            valley.place("Oakfield")("book", "sign", page.hex(), "--as", "Cleo", "--no-passphrase")
            valley.meet()
            valley.place("Mill Lane")("book", "sign", page.hex(), "--as", "Cleo", "--no-passphrase")
            valley.meet()
            assert valley.page("Oakfield", page).status == "sealed"
            with valley.at("Oakfield") as (reading, door):
                page, _ = minutes.enter(cleo, reading, door, valley.scope, [decision])
        error = valley.place("Oakfield").refused(
            "book", "sign", page.hex(), "--as", "Cleo", "--no-passphrase", code=7
        )
        found.append(error["code"])
    assert found == ["outside-may", "term-over", "beyond-limit"]
