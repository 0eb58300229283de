"""`fedsync bodies epoch` and `repair`: who has a seat, what a dropped teller may do, and the sheet of paper."""

from pathlib import Path

import pytest

from tests.cli.calling import Place, found


def epoch(node: Place, *words: object, name: str = "Ann") -> str:
    """Draft a change and return its page."""
    page = node.json("bodies", "epoch", *words, "--as", name, "--no-passphrase")["page"]
    assert isinstance(page, str)
    return page


def test_a_new_teller_has_a_seat_from_the_next_page_on(node: Place) -> None:
    page = epoch(node, "--add", "Dora", "--threshold", 3)
    node.refused("book", "sign", page, "--as", "Dora", code=7)
    node.refused("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Dora", code=7)
    node.seal(page, "Ann", "Ben")
    shown = node.json("bodies", "show")
    assert (shown["tellers"], shown["threshold"]) == (["Ann", "Ben", "Cleo", "Dora"], 3)
    following = node.propose("Oats", name="Dora")
    node.seal(following, "Dora", "Ann", "Ben", "Cleo")
    node("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Dora")
    assert node.level("Oats")["on_hand"] == {"quantity": 1000, "unit": "g"}


def test_a_dropped_teller_records_no_more_and_what_was_recorded_still_counts(node: Place) -> None:
    node("stock", "add", "Oats", 5, "kg", "--store", "Granary", "--as", "Cleo")
    before = node.json("log", "-n", 1)["id"]
    page = epoch(node, "--drop", "cleo", "--add", "Dora")
    node("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Cleo")
    after = node.json("log", "-n", 1)["id"]
    assert node.level("Oats")["on_hand"]["quantity"] == 6000
    node.seal(page, "Ann", "Ben")
    assert node.json("bodies", "show")["tellers"] == ["Ann", "Ben", "Dora"]
    error = node.refused("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Cleo", code=7)
    assert error["code"] == "no_seat"
    assert node.level("Oats")["on_hand"]["quantity"] == 5000  # What came after the page was drafted is cut.
    assert node.json("show", before)["status"] == "counts"
    assert "lost the seat" in node("why", after).out
    page = node.propose("Rye")
    node.refused("book", "sign", page, "--as", "Cleo", code=7)


def test_the_threshold_alone_may_change(node: Place) -> None:
    node.seal(epoch(node, "--threshold", 3), "Ann", "Ben")
    page = node.propose("Oats")
    node("book", "sign", page, "--as", "Ann")
    node("book", "sign", page, "--as", "Ben")
    assert node.page(page)["status"] == "drafted"
    assert node.json("book", "sign", page, "--as", "Cleo")["status"] == "adopted"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("--drop", "Zed"), 6),
        (("--threshold", 1), 7),
        (("--threshold", 4), 7),
        (("--drop", "Ann", "--drop", "Ben", "--drop", "Cleo"), 7),
        (("--add", "Ann"), 2),
        (("--add", "Dora", "--threshold", 1), 7),
        (("--add", ""), 2),
        (("--add", "Dora", "--add", "Dora"), 2),
        (("--add", "Dora", "--drop", "Dora"), 2),
        (("--drop", "Ann", "--drop", "Ann"), 2),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_and_leaves_nothing(
    node: Place, words: tuple[object, ...], code: int
) -> None:
    before, keys = node.json("status"), sorted(node.path.rglob("*.pem"))
    node.refused("bodies", "epoch", *words, "--as", "Ann", "--no-passphrase", code=code)
    assert node.json("status") == before
    assert sorted(node.path.rglob("*.pem")) == keys


def test_a_body_keeps_somebody_in_a_seat(node: Place) -> None:
    drop = [word for name in ("Ann", "Ben", "Cleo") for word in ("--drop", name)]
    error = node.refused("bodies", "epoch", *drop, "--as", "Ann", "--no-passphrase", code=7)
    assert (error["code"], error["message"]) == ("no-seat-left", "Nobody would have a seat any more.")


# --- Repair -------------------------------------------------------------------------------------------


def test_the_sheet_names_new_tellers_when_all_are_lost(node: Place) -> None:
    for key in (node.path / "keys" / "people").iterdir():
        key.unlink()
    value = _repair(node, node.path / "repair-sheet.txt", "Dora", "Emil")
    assert value["status"] == "sealed"
    assert node.json("bodies", "show")["tellers"] == ["Dora", "Emil"]
    page = node.propose("Oats", name="Dora")
    node.seal(page, "Dora", "Emil")
    assert "repair" in node("why", value["page"]).out.lower()
    signed = node.page(value["page"])["signed_by"]
    assert len(signed) >= 2
    assert all(each.startswith("repair key ") for each in signed)


def test_the_tellers_who_still_have_their_keys_may_be_named_again(node: Place) -> None:
    value = _repair(node, node.path / "repair-sheet.txt", "Ann", "Dora")
    assert value["status"] == "sealed"
    node.seal(node.propose("Oats", name="Ann"), "Ann", "Dora")


def test_two_typed_keys_of_three_are_enough_and_one_is_not(node: Place, tmp_path: Path) -> None:
    lines = _typed(node)
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("\n".join(line for line in lines if line.startswith("1")))
    two.write_text("\n".join(line.lower().replace("  ", " ") for line in reversed(lines) if line[0] in "23"))
    value = _repair(node, one, "Emil", "Fay")
    assert value["status"] != "sealed"
    assert _repair(node, two, "Emil", "Fay") == {**value, "status": "sealed"}


def test_the_sheet_of_another_community_mends_nothing(node: Place, tmp_path: Path) -> None:
    other = found(tmp_path / "other")
    before = node.json("status")
    words = ("--teller", "Dora", "--threshold", 1, "--no-passphrase")
    error = node.refused("bodies", "repair", "--sheet", other.path / "repair-sheet.txt", *words, code=7)
    assert error["code"] == "no_repair_key"
    assert node.json("status") == before
    assert not list(node.path.rglob("dora*.pem"))


def test_a_mistyped_line_is_named(node: Place, tmp_path: Path) -> None:
    lines = _typed(node)
    at = next(number for number, line in enumerate(lines) if line.startswith("2c"))
    letters = list(lines[at])
    letters[5] = "A" if letters[5] != "A" else "B"
    lines[at] = "".join(letters)
    sheet = tmp_path / "typed.txt"
    sheet.write_text("\n".join(lines))
    words = ("--teller", "Dora", "--threshold", 1, "--no-passphrase")
    error = node.refused("bodies", "repair", "--sheet", sheet, *words, code=11)
    assert "2c" in error["message"]


@pytest.mark.parametrize("content", ["", "hello", "\x00" * 100])
def test_what_is_no_sheet_is_told(node: Place, tmp_path: Path, content: str) -> None:
    sheet = tmp_path / "sheet.txt"
    sheet.write_text(content)
    words = ("--teller", "Dora", "--threshold", 1, "--no-passphrase")
    node.refused("bodies", "repair", "--sheet", sheet, *words, code=11)
    node.refused("bodies", "repair", "--sheet", tmp_path / "none", *words, code=11)
    assert not list(node.path.rglob("dora*.pem"))


def _repair(node: Place, sheet: Path, *names: str) -> dict[str, str]:
    tellers = [word for name in names for word in ("--teller", name)]
    return node.json(
        "bodies", "repair", "--sheet", sheet, *tellers, "--threshold", len(names), "--no-passphrase"
    )


def _typed(node: Place) -> list[str]:
    text = (node.path / "repair-sheet.txt").read_text()
    return [line.strip() for line in text.splitlines() if "=" in line and line.strip()[:1].isdigit()]
