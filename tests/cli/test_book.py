"""`fedsync decisions` and `fedsync book`: drafting, signing, approving, and rivals."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fedsync import keyring
from fedsync.acts.books import agenda
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.codec import Value
from tests.cli.calling import Place, found


def test_a_decision_goes_from_a_draft_into_force(node: Place) -> None:
    value = node.json(
        "decisions", "propose", "--title", "Oats", "--text", "-", "--as", "Ann", stdin="We plant oats."
    )
    page = value["page"]
    assert value["id"] == f"{page}:0"
    assert value["number"] == 1
    row = node.page(page)
    assert (row["status"], row["signed_by"], row["missing"]) == ("drafted", [], ["Ann", "Ben", "Cleo"])
    signed = node.json("book", "sign", page, "--as", "Ann")
    assert (signed["approved"], signed["signed_by"], signed["missing"]) == (False, ["Ann"], ["Ben", "Cleo"])
    signed = node.json("book", "sign", page, "--as", "Ben")
    assert (signed["approved"], signed["status"]) == (True, "adopted")
    assert _status(node, page) == "provisional"
    assert node.page(page)["missing"] == ["Ann", "Cleo"]
    approved = node.json("book", "approve", page, "--as", "Ann")
    assert (approved["status"], approved["approved_by"], approved["missing"]) == (
        "sealed",
        ["Ann", "Ben"],
        [],
    )
    assert _status(node, page) == "in_force"
    assert node.json("bodies", "show")["founded"] is True


def test_the_text_may_come_from_a_file(node: Place, tmp_path: Path) -> None:
    file = tmp_path / "text.md"
    file.write_text("First.\n\nSecond.\n", encoding="utf-8")
    page = node.json("decisions", "propose", "--title", "Käse", "--text", file, "--as", "Ann")["page"]
    assert node.json("decisions", "show", page)["text"] == "First.\n\nSecond."
    (entry,) = node.page(page)["entries"]
    assert (entry["kind"], entry["title"], entry["text"]) == ("decision", "Käse", "First.\n\nSecond.")


def test_who_drafts_the_same_twice_drafts_it_once(node: Place) -> None:
    assert node.propose("Oats") == node.propose("Oats", name="Ben")
    assert len(node.json("book", "list")["pages"]) == 2


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\r\nb\r\n", "a\nb"),
        ("\n\na\tb\n", "a    b"),
        ("", ""),
        ("a\u0301", "á"),
        ("x" * 29_000, "x" * 29_000),
        ("می‌خواهم", "می‌خواهم"),
    ],
)
def test_texts_of_all_systems_are_taken(node: Place, typed: str, kept: str) -> None:
    page = node.propose("Oats", typed)
    assert node.json("decisions", "show", page)["text"] == kept


@pytest.mark.parametrize("text", ["a\x00b", "a\x1b[31mb", "x" * 40_000, "é" * 16_000, "a\u202eb", "a\rb"])
def test_texts_that_no_page_can_hold_are_refused(node: Place, text: str) -> None:
    before = node.json("status")
    error = node.refused(
        "decisions", "propose", "--title", "Oats", "--text", "-", "--as", "Ann", stdin=text, code=2
    )
    assert error["try"]
    assert node.json("status") == before


@pytest.mark.parametrize("title", ["", "  ", "a\nb", "a\x07", "x" * 501])
def test_titles_are_one_line(node: Place, title: str) -> None:
    node.refused(
        "decisions", "propose", "--title", title, "--text", "-", "--as", "Ann", stdin="So be it.", code=2
    )


def test_a_decision_that_would_lapse_before_it_holds_is_refused(node: Place) -> None:
    words = ("decisions", "propose", "--title", "Oats", "--text", "-", "--as", "Ann", "--expires")
    node.refused(*words, "2020-01-01", code=2, stdin="Oats.")
    node(*words, "2100-01-01", stdin="Oats.")


def test_a_text_that_cannot_be_read_is_told(node: Place, tmp_path: Path) -> None:
    (tmp_path / "latin1.txt").write_bytes("Käse".encode("latin-1"))
    for file in (tmp_path / "none.txt", tmp_path, tmp_path / "latin1.txt"):
        node.refused("decisions", "propose", "--title", "Oats", "--text", file, "--as", "Ann", code=2)


def test_who_has_no_key_here_signs_nothing(node: Place) -> None:
    page = node.propose("Oats")
    error = node.refused("book", "sign", page, "--as", "Zed", code=6)
    assert "Ann, Ben, Cleo" in error["message"]


def test_to_sign_twice_is_refused(node: Place) -> None:
    page = node.propose("Oats")
    node("book", "sign", page, "--as", "Ann")
    error = node.refused("book", "sign", page, "--as", "Ann", code=7)
    assert "You have signed this page" in error["message"]


def test_to_approve_too_early_is_refused_and_why_says_who_is_missing(node: Place) -> None:
    page = node.propose("Oats")
    node("book", "sign", page, "--as", "Ann")
    error = node.refused("book", "approve", page, "--as", "Ann", code=7)
    assert error["try"].endswith(f"fedsync why {page[:8]}")
    why = node("why", page).out
    assert "signed by Ann" in why
    assert "Ben, Cleo" in why
    assert "fedsync book sign" in why


def test_nothing_is_signed_after_the_end(node: Place) -> None:
    page = node.propose("Oats")
    node.seal(page, "Ann", "Ben")
    node.refused("book", "sign", page, "--as", "Cleo", code=7)
    node.refused("book", "approve", page, "--as", "Ann", code=7)


def test_page_zero_needs_no_signature(node: Place) -> None:
    assert "where the book begins" in node.refused("book", "sign", "0", "--as", "Ann", code=7)["message"]
    assert "where the book begins" in node.refused("book", "approve", "0", "--as", "Ann", code=7)["message"]


def test_a_stranger_with_a_key_but_no_seat_signs_nothing(node: Place) -> None:
    keyring.create_person(Home(node.path), "Mallory", None)
    page = node.propose("Oats")
    assert node.refused("book", "sign", page, "--as", "Mallory", code=7)["message"]
    node.refused("book", "approve", page, "--as", "Mallory", code=7)
    node.refused(
        "decisions", "propose", "--title", "Rye", "--text", "-", "--as", "Mallory", stdin="x", code=7
    )
    node.refused("stock", "add", "Oats", "1", "kg", "--store", "S", "--as", "Mallory", code=7)
    assert node.page(page)["signed_by"] == []


def test_who_proposes_beside_an_open_page_is_told_that_only_one_can_be_sealed(node: Place) -> None:
    words = ("decisions", "propose", "--text", "-", "--as", "Ann", "--title")
    oats = node.json(*words, "Oats", stdin="We plant oats.")
    assert oats["rivals"] == []
    assert (
        f"So is {oats['page'][:8]} in the same place"
        in node(*words, "Rye", "--yes", stdin="We plant rye.").out
    )
    assert node.json(*words, "Barley", stdin="We plant barley.")["rivals"].count(oats["page"]) == 1


def test_of_two_rivals_one_is_sealed_and_why_explains_the_other(node: Place) -> None:
    oats, rye = node.propose("Oats"), node.propose("Rye", name="Ben")
    assert node.page(oats)["number"] == node.page(rye)["number"] == 1
    assert f"Rival page {rye[:12]} is drafted" in node("why", oats).out
    node.seal(rye, "Ann", "Ben", "Cleo")
    assert (_status(node, rye), _status(node, oats)) == ("in_force", "displaced")
    why = node("why", oats).out
    assert "displaced" in why
    assert rye[:8] in why
    for name in ("Ann", "Ben", "Cleo"):
        error = node.refused("book", "sign", oats, "--as", name, code=7)
        assert "rival" in error["message"]
    assert node.json("book", "show", 1)["id"] == rye, "a number means the page that was sealed"
    assert node.propose("Barley")
    assert node.json("book", "list")["pages"][-1]["number"] == 2


def test_after_a_split_vote_a_second_round_decides(home_dir: Path) -> None:
    node = found(home_dir, ("Ann", "Ben", "Cleo", "Dora"), 3)
    oats, rye = node.propose("Oats"), node.propose("Rye", name="Ben")
    for page, name in ((oats, "Ann"), (oats, "Ben"), (rye, "Cleo"), (rye, "Dora")):
        assert node.json("book", "sign", page, "--as", name)["round"] == 0
    assert node.page(oats)["status"] == node.page(rye)["status"] == "drafted"
    assert node.json("book", "sign", oats, "--as", "Cleo")["round"] == 1
    why = node("why", oats).out
    assert "Round 1" in why
    node("book", "sign", oats, "--as", "Ann")
    node("book", "sign", oats, "--as", "Ben")
    for name in ("Ann", "Cleo"):
        node("book", "approve", oats, "--as", name)
    assert (node.page(oats)["status"], node.page(rye)["status"]) == ("sealed", "displaced")


def test_a_decision_can_be_read_by_anyone_with_its_status(node: Place) -> None:
    page = node.propose("Oats", "We plant oats.")
    out = node("decisions", "list").out
    assert "Oats" in out
    assert "drafted" in out
    shown = node("decisions", "show", page).out
    assert "Oats  [drafted]" in shown
    assert "We plant oats." in shown
    assert f"({page[:8]}) waits for Ann, Ben, Cleo" in node("status").out


def test_books_and_decisions_of_all_bodies_may_be_listed(node: Place) -> None:
    node.propose("Oats")
    for words in (("book", "list"), ("decisions", "list"), ("stock", "list")):
        assert (
            node.json(*words, "--body", "all") == node.json(*words, "--body", "oakfield") == node.json(*words)
        )
        node.refused(*words, "--body", "Nowhere", code=6)


def _status(node: Place, page: str) -> str:
    (status,) = [
        each["status"] for each in node.json("decisions", "list")["decisions"] if each["page"] == page
    ]
    assert isinstance(status, str)
    return status


def test_a_meeting_is_one_page_with_all_that_was_prepared(node: Place, tmp_path: Path) -> None:
    for title in ("Oats", "Rye", "Wheat"):
        value = node.json(
            "decisions", "propose", "--title", title, "--text", "-", "--later", "--as", "Ann", stdin="So."
        )
        assert value["page"] is None
    assert value["prepared"] == 3
    assert [each["title"] for each in node.json("book", "draft", "--list")["prepared"]] == [
        "Oats",
        "Rye",
        "Wheat",
    ]
    node.json("book", "draft", "--drop", "2")
    assert len(node.json("book", "list")["pages"]) == 1
    page = node.json("book", "draft", "--as", "Ann")["page"]
    assert [each["title"] for each in node.page(page)["entries"]] == ["Oats", "Wheat"]
    assert node.json("book", "draft", "--list")["prepared"] == []
    assert node.refused("book", "draft", "--as", "Ann", code=7)["code"] == "nothing_prepared"
    assert node.refused("book", "draft", "--drop", "1", code=6)["code"] == "not_found"


def test_what_does_not_fit_on_a_meetings_page_waits_for_the_next(node: Place) -> None:
    long = "So it shall be. " * 1200
    for title in ("Oats", "Rye", "Wheat"):
        node("decisions", "propose", "--title", title, "--text", "-", "--later", "--as", "Ann", stdin=long)
    drafted = node.json("book", "draft", "--as", "Ann")
    assert [each["title"] for each in node.page(drafted["page"])["entries"]] == ["Oats"]
    assert drafted["left"] == 2
    assert [each["title"] for each in node.json("book", "draft", "--list")["prepared"]] == ["Rye", "Wheat"]
    assert "1 more did not fit" in node("book", "draft", "--as", "Ann").out


def test_what_the_book_has_said_meanwhile_is_not_drafted_again(node: Place) -> None:
    oats = node.propose("Oats")
    node.seal(oats, "Ann", "Ben")
    words = ("decisions", "repeal", oats, "--as")
    node(*words, "Ann", "--later")
    node(*words, "Cleo", "--later")
    error = node.refused("book", "draft", "--as", "Ann", code=7)
    assert error["message"].startswith("Entry 2 would have no effect: an entry before it says that already.")
    assert error["try"].endswith("fedsync book draft --drop 2")
    node("book", "draft", "--drop", "2")
    node.seal(node.json(*words, "Ben")["page"], "Ann", "Ben")
    error = node.refused("book", "draft", "--as", "Ann", code=7)
    assert "not in force any more" in error["message"]
    assert len(node.json("book", "draft", "--list")["prepared"]) == 1
    node("book", "draft", "--drop", "1")
    assert node.refused("book", "draft", "--as", "Ann", code=7)["code"] == "nothing_prepared"


def test_what_many_prepare_at_once_is_all_there(node: Place) -> None:
    home = Home(node.path)
    with Reading.open(home) as reading:
        scope = reading.own().scope
    titles = [f"Number {number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for done in [
            pool.submit(agenda.prepare, home, scope, [{"kind": "decision", "title": each, "text": ""}])
            for each in titles
        ]:
            done.result()
    assert sorted(str(each["title"]) for each in agenda.prepared(home, scope)) == sorted(titles)


def test_what_is_prepared_while_a_page_is_drafted_waits_for_the_next(node: Place) -> None:
    home = Home(node.path)
    with Reading.open(home) as reading:
        scope = reading.own().scope
    one: dict[str, Value] = {"kind": "decision", "title": "Oats", "text": "So."}
    agenda.prepare(home, scope, [one, one], later=True)
    drafted, later = agenda.prepared(home, scope), agenda.drawn_later(home, scope)
    agenda.prepare(home, scope, [{**one, "title": "Rye"}])
    agenda.prepare(home, scope, [one], later=True)
    agenda.done(home, scope, drafted, later)
    assert [each["title"] for each in agenda.prepared(home, scope)] == ["Rye", "Oats"]
