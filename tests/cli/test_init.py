"""`fedsync init`, and the passphrases of those who sign."""

import os
import pty
import re
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.calling import SECONDS, Place, command_line, environment, fedsync, found

BASE = ("init", "--community", "Oakfield", "--listen", "127.0.0.1:0", "--no-passphrase", "--yes")


def tellers(*names: str) -> list[str]:
    return [word for name in names for word in ("--teller", name)]


def test_init_says_what_it_made(home_dir: Path) -> None:
    place = Place(home_dir)
    value = place.json(*BASE, *tellers("Ann", "Ben", "Cleo"), "--threshold", 2)
    assert re.fullmatch("[0-9a-f]{64}", value["community"])
    assert re.fullmatch("[0-9a-f]{64}", value["node"])
    assert re.fullmatch(r"127\.0\.0\.1:[1-9][0-9]*", value["listen"])
    assert value["bears_lying_tellers"] == 0
    sheet = Path(value["repair_sheet"])
    assert "REPAIR SHEET of Oakfield" in sheet.read_text()
    shown = place.json("bodies", "show")
    assert (shown["community"], shown["name"], shown["threshold"]) == (value["community"], "Oakfield", 2)
    assert shown["tellers"] == ["Ann", "Ben", "Cleo"]
    assert shown["repair_keys"] == {"keys": 3, "threshold": 2}
    assert shown["founded"] is False


def test_names_may_come_from_a_keyboard_that_types_accents_apart(home_dir: Path) -> None:
    place = Place(home_dir)
    place(*BASE, "--community", "Cafe\u0301", *tellers("Rene\u0301", "Zoe\u0308"))
    shown = place.json("bodies", "show")
    assert (shown["name"], shown["tellers"]) == ("Café", ["René", "Zoë"])
    place.seal(place.propose("Cafe\u0301 noir", name="René"), "René", "Zoë")


def test_nobody_else_may_open_what_init_made(node: Place) -> None:
    for path in [node.path, *node.path.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_without_a_threshold_more_than_half_must_sign(home_dir: Path) -> None:
    place = Place(home_dir)
    place(*BASE, *tellers("A", "B", "C", "D"))
    assert place.json("bodies", "show")["threshold"] == 3


@pytest.mark.parametrize(
    "words",
    [
        (),
        (*tellers("Ann", "Ben"), "--threshold", 1),
        (*tellers("Ann", "Ben"), "--threshold", 3),
        (*tellers("Ann"), "--threshold", 0),
        (*tellers("Ann"), "--threshold", -1),
        tellers("Ann", "Ann"),
        tellers("Ann", "ANN"),
        tellers(""),
        tellers("Ann\n"),
        tellers("Ann\u202e"),
        tellers(*(f"T{number}" for number in range(201))),
        (*tellers("Ann"), "--community", ""),
        (*tellers("Ann"), "--community", "Oak\nfield"),
        (*tellers("Ann"), "--community", "x" * 300),
        (*tellers("Ann"), "--listen", "nonsense"),
        (*tellers("Ann"), "--listen", "127.0.0.1:99999"),
        (*tellers("Ann"), "--listen", "no.such.host.invalid:0"),
    ],
)
def test_what_cannot_be_a_community_is_refused_and_leaves_nothing(
    home_dir: Path, words: tuple[object, ...]
) -> None:
    Place(home_dir).refused(*BASE, *words, code=2)
    assert not list(home_dir.parent.iterdir())


def test_a_node_is_never_overwritten(node: Place) -> None:
    before = node.json("status")
    error = node.refused(*BASE, *tellers("Eve"), code=7)
    assert error["code"] == "exists"
    assert node.json("status") == before


def test_a_directory_with_something_in_it_is_left_alone(home_dir: Path) -> None:
    home_dir.mkdir()
    (home_dir / "letter.txt").write_text("Dear")
    Place(home_dir).refused(*BASE, *tellers("Ann"), code=7)
    assert [each.name for each in home_dir.parent.rglob("*")] == ["home", "letter.txt"]


def test_an_empty_directory_may_be_used(home_dir: Path) -> None:
    home_dir.mkdir()
    Place(home_dir)(*BASE, *tellers("Ann"))


def test_init_asks_unless_told_and_nobody_there_is_no_yes(home_dir: Path) -> None:
    error = Place(home_dir).refused(*BASE[:-1], *tellers("Ann"), code=2)
    assert "--yes" in error["try"]


def test_what_fails_in_the_middle_leaves_nothing(home_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fedsync.sheet.write_sheet", fall)
    error = Place(home_dir).refused(*BASE, *tellers("Ann"), code=130)
    assert error["code"] == "interrupted"
    assert not list(home_dir.parent.iterdir())


# --- Passphrases --------------------------------------------------------------------------------------


@pytest.fixture
def locked(home_dir: Path) -> Place:
    """Return a node whose people's keys open with "correct horse"."""
    secret = home_dir.parent / "secret"
    secret.write_text("correct horse\nsecond line\n")
    words = ("init", "--community", "Oakfield", "--listen", "127.0.0.1:0", "--yes", *tellers("Ann", "Ben"))
    assert fedsync("--home", home_dir, *words, "--passphrase-file", secret).code == 0
    return Place(home_dir)


PROPOSE = ("decisions", "propose", "--title", "Oats", "--text", "-", "--as", "Ann")


def test_the_passphrase_is_the_first_line_of_its_file(locked: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = locked.path.parent / "secret"
    locked(*PROPOSE, "--passphrase-file", secret, stdin="Yes.")
    secret.write_bytes(b"correct horse\r\n")
    locked(*PROPOSE, "--passphrase-file", secret, stdin="Yes, as Windows writes.")
    monkeypatch.setenv("FEDSYNC_PASSPHRASE_FILE", str(secret))
    locked(*PROPOSE, stdin="Yes, once more.")
    assert b"correct horse" not in b"".join(
        each.read_bytes() for each in locked.path.rglob("*") if each.is_file()
    )


def test_a_wrong_passphrase_is_exit_12_and_writes_nothing(locked: Place) -> None:
    wrong = locked.path.parent / "wrong"
    wrong.write_text("battery staple\n")
    before = locked.json("status")
    error = locked.refused(*PROPOSE, "--passphrase-file", wrong, stdin="Yes.", code=12)
    assert error["code"] == "wrong_passphrase"
    locked.refused(*PROPOSE, "--no-passphrase", stdin="Yes.", code=12)
    assert locked.json("status") == before


@pytest.mark.parametrize("content", [None, b"", b"\nsecret\n", b"\xff\xfe"])
def test_a_passphrase_file_that_says_nothing_is_told(locked: Place, content: bytes | None) -> None:
    file = locked.path.parent / "file"
    if content is not None:
        file.write_bytes(content)
    locked.refused(
        *PROPOSE, "--passphrase-file", file, stdin="Yes.", code=12 if content == b"\xff\xfe" else 2
    )


def test_with_nobody_there_to_ask_a_passphrase_file_is_asked_for(locked: Place) -> None:
    assert "--passphrase-file" in locked.refused(*PROPOSE, stdin="Yes.", code=2)["try"]


def test_reading_needs_no_passphrase(locked: Place) -> None:
    for words in (("status",), ("book", "list"), ("log",), ("verify", "--all"), ("why", "0000")):
        locked(*words, code=6 if words[0] == "why" else 0)


def test_a_person_at_a_terminal_sees_what_is_signed_and_is_asked(locked: Place) -> None:
    secret = locked.path.parent / "secret"
    page = locked.json(*PROPOSE, "--passphrase-file", secret, stdin="We plant oats.")["page"]
    talk, code = _typed(locked, ["y\n", "correct horse\n"], "book", "sign", page, "--as", "Ann")
    assert code == 0, talk
    assert "We plant oats." in talk
    assert "Go on?" in talk
    assert "correct horse" not in talk
    assert locked.page(page)["signed_by"] == ["Ann"]


def test_who_says_no_signs_nothing(locked: Place) -> None:
    talk, code = _typed(
        locked, ["n\n"], "stock", "add", "Oats", "1", "kg", "--store", "Granary", "--as", "Ann"
    )
    assert code == 130
    assert "Nothing was changed." in talk
    assert "Ann signs: raise 1 kg of Oats in Granary." in talk
    assert locked.json("stock", "list")["stock"] == []


def _typed(place: Place, answers: list[str], *words: object) -> tuple[str, int]:
    """Run a command at a terminal, answering each question as it comes; return what was seen, and the exit code."""
    child, terminal = pty.fork()
    if child == 0:
        line = command_line("--home", place.path, *words)
        os.execve(line[0], line, environment())
    seen, end = b"", time.monotonic() + SECONDS
    waiting = list(answers)
    try:
        while time.monotonic() < end:
            seen += os.read(terminal, 65536)
            if waiting and re.search(rb"(\[y/N\]|Passphrase of \w+): *$", seen):
                os.write(terminal, waiting.pop(0).encode())
                seen += b"\n"
    except OSError:
        pass  # So a terminal ends on Linux.
    finally:
        os.close(terminal)
    _, status = os.waitpid(child, 0)
    return seen.decode(), os.waitstatus_to_exitcode(status)


def test_an_init_that_is_killed_leaves_no_node(home_dir: Path) -> None:
    words = command_line("--home", home_dir, *BASE, *tellers(*(f"Teller {number}" for number in range(150))))
    for wait in (0.1, 0.2, 0.3):
        running = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL)
        time.sleep(wait)
        running.kill()
        running.wait()
        if home_dir.exists():
            assert Place(home_dir).json("verify", "--all")["whole"]  # It was made just before.
            return
    found(home_dir)
