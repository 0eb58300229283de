"""`fedsync bodies certificate`, `check` and `audit`: a sealed page is shown to others, who can look whether it is so."""

import base64
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.calling import Place, fedsync, found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a node with two sealed pages and a drafted one."""
    place = found(tmp_path_factory.mktemp("kept") / "home")
    for title in ("Oats", "Rye"):
        place.seal(place.propose(title), "Ann", "Ben", "Cleo")
    place.propose("Flax")
    return place


def body(node: Place) -> str:
    return str(node.json("bodies", "show")["community"])


def test_a_certificate_goes_through_mail_or_in_a_file_and_is_checked_without_a_node(
    kept: Place, tmp_path: Path
) -> None:
    text = kept("bodies", "certificate", "Oakfield").out
    assert all(len(line) <= 76 for line in text.splitlines())
    (tmp_path / "mail.txt").write_text(text)
    said = kept.json("bodies", "certificate", "Oakfield", "--output", tmp_path / "page.bin")
    assert (said["number"], said["bytes"]) == (2, (tmp_path / "page.bin").stat().st_size)
    assert base64.b64decode(text) == (tmp_path / "page.bin").read_bytes()
    for file in ("mail.txt", "page.bin"):
        shown = fedsync(
            "--home", tmp_path / "nowhere", "bodies", "check", tmp_path / file, "--body", body(kept)
        )
        assert shown.code == 0, shown
        lines = shown.out.splitlines()
        assert lines[0].startswith("Page 2 (")
        assert "of Oakfield (" in lines[0]
        assert lines[0].endswith("is sealed.")
        assert lines[1:3] == ["  page 1: Oats", "  page 2: Rye"]
        assert "2 of 3 approve a page, so 1 that lies could show you another page 2" in shown.out
    assert fedsync("bodies", "check", "-", stdin=text).out.splitlines()[-1].strip() == body(kept)
    value = fedsync("bodies", "check", tmp_path / "mail.txt", "--json").json
    assert (value["number"], value["bears_lying_sealers"], value["name"]) == (2, 0, "Oakfield")


def test_a_certificate_says_of_a_decision_which_later_page_ended_it(home_dir: Path, tmp_path: Path) -> None:
    place = found(home_dir)
    oats = place.propose("Oats")
    place.seal(oats, "Ann", "Ben")
    place.seal(place.json("decisions", "repeal", oats, "--as", "Ben")["page"], "Ann", "Ben")
    place("bodies", "certificate", "Oakfield", "--output", tmp_path / "page.bin")
    shown = fedsync("bodies", "check", tmp_path / "page.bin")
    assert shown.out.splitlines()[1] == "  page 1: Oats, until page 2 ended it"
    (decision,) = fedsync("bodies", "check", tmp_path / "page.bin", "--json").json["decisions"]
    assert decision == {"number": 1, "title": "Oats", "ended_by": 2}


def test_a_certificate_that_begins_further_on_needs_the_one_before(kept: Place, tmp_path: Path) -> None:
    first, rest = tmp_path / "first", tmp_path / "rest"
    kept("bodies", "certificate", "Oakfield", "--page", 1, "--output", first)
    kept("bodies", "certificate", "Oakfield", "--from", 2, "--output", rest)
    assert rest.stat().st_size < first.stat().st_size
    alone = fedsync("bodies", "check", rest, "--json")
    assert (alone.code, alone.error["code"]) == (8, "certificate_no_beginning")
    assert fedsync("bodies", "check", rest, "--after", first).code == 0


def test_a_certificate_that_does_not_hold_is_refused_in_words(kept: Place, tmp_path: Path) -> None:
    file = tmp_path / "page.bin"
    kept("bodies", "certificate", "Oakfield", "--output", file)
    good = bytearray(file.read_bytes())
    good[-300] ^= 1
    file.write_bytes(good)
    assert kept.refused("bodies", "check", file, code=8)["code"].startswith("certificate_")
    file.write_text("Dear all, here is no certificate.")
    assert kept.refused("bodies", "check", file, code=11)["code"] == "no_certificate"
    kept("bodies", "certificate", "Oakfield", "--output", file)
    assert (
        kept.refused("bodies", "check", file, "--body", "ab" * 32, code=8)["code"]
        == "certificate_another_body"
    )
    kept.refused("bodies", "check", file, "--body", "abcd", code=2)
    kept.refused("bodies", "check", tmp_path / "none", code=2)
    assert kept.refused("bodies", "certificate", "Oakfield", "--page", 3, code=9)["code"] == "not_sealed"


def test_an_audit_works_the_book_out_again_and_finds_the_same(kept: Place, tmp_path: Path) -> None:
    file = tmp_path / "page.bin"
    kept("bodies", "certificate", "Oakfield", "--page", 1, "--output", file)
    value = kept.json("bodies", "audit", "Oakfield", "--certificate", file)
    assert (value["number"], value["missing"], value["differences"]) == (2, [], [])
    assert value["records"] == kept.json("status")["records"]
    out = kept("bodies", "audit", "Oakfield", "--certificate", file).out
    assert "Oakfield is sealed up to page 2" in out
    assert "The certificate says the same up to page 1" in out


def test_an_audit_finds_rows_that_the_records_do_not_bear_out(kept: Place, tmp_path: Path) -> None:
    copy = Place(tmp_path / "home")
    shutil.copytree(kept.path, copy.path)
    with closing(sqlite3.connect(copy.path / "store.db")) as file:
        file.execute("UPDATE state_page_status SET status = 'sealed' WHERE status = 'drafted'")
        file.commit()
    error = copy.refused("bodies", "audit", "Oakfield", code=8)
    assert error["code"] == "differs"
    assert "1 rows of page_status that are kept here are not what the records say" in error["message"]


def test_an_audit_of_what_has_not_come_says_what_is_missing(kept: Place, tmp_path: Path) -> None:
    early, file = Place(tmp_path / "home"), tmp_path / "page.bin"
    shutil.copytree(kept.path, early.path)
    page = kept.propose("Hemp", name="Ben")
    kept.seal(page, "Ann", "Ben", "Cleo")
    kept("bodies", "certificate", "Oakfield", "--output", file)
    error = early.refused("bodies", "audit", "Oakfield", "--certificate", file, code=9)
    assert "page 3 of the certificate has not come" in error["message"]
    error = early.refused("bodies", "audit", "Oakfield", "--certificate", file, "--fetch", code=5)
    assert error["code"] == "not_running"


def test_a_rival_of_a_page_that_is_sealed_here_is_a_difference(kept: Place, tmp_path: Path) -> None:
    """Two copies whose tellers lie: they seal one page here, and another in its place there."""
    file = tmp_path / "page.bin"
    copies = [Place(tmp_path / title) for title in ("Nettles", "Thistles")]
    for copy in copies:
        shutil.copytree(kept.path, copy.path)
        copy("restore", "--old-machine-is-gone")
        copy.seal(copy.propose(copy.path.name, name="Ben"), "Ann", "Ben", "Cleo")
    copies[0]("bodies", "certificate", "Oakfield", "--output", file)
    error = copies[1].refused("bodies", "audit", "Oakfield", "--certificate", file, code=8)
    assert "of the certificate is" in error["message"]
    assert "is sealed there" in error["message"]
