"""What all commands share: options, exit codes, errors, ids, and what reaches a terminal."""

import json
import os
import pty
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from fedsync.acts.author import Author, now_ms
from fedsync.cli.main import _COMMANDS
from fedsync.crdt.books.drafting import draft_page
from fedsync.doors import open_door
from fedsync.home import Home
from fedsync.plain import is_plain, plain
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass
from fedsync.records.seal import Draft
from tests.cli.calling import SECONDS, Place, command_line, environment, fedsync, process, well_said

COMMANDS = [
    "init", "run", "status", "demo", "doctor", "restore", "invite", "join", "peers list", "peers pause",
    "peers resume", "peers remove", "bodies show", "bodies found", "bodies epoch",
    "bodies consent", "bodies join", "bodies leave", "bodies repair", "book witness", "book list", "book show",
    "book sign", "book approve", "decisions propose", "decisions list", "decisions show", "stock list",
    "stock lend", "stock return", "stock loans", "stock keep", "stock book", "stock unbook", "stock bookings", "stock things",
    "rota plan", "rota shift", "rota signup", "rota leave", "rota cancel", "rota swap", "rota show", "rota hours",
    "simulate", "stock add", "stock use", "stock count", "stock move", "stock lose", "stock correct", "stock show", "stock history", "stock import", "export popolo", "import popolo", "book print", "log", "show", "verify", "rebuild", "why",
    "mandates give", "mandates list", "mandates show", "mandates recall", "mandates close",
    "people list", "people add", "people keys", "people rotate", "people revoke", "people begin",
    "mandates report", "bundle export", "bundle import", "bundle list", "bundle want", "bundle receipts",
    "decisions supersede", "decisions repeal", "motions put", "motions amend", "motions list", "motions show",
    "motions dissent", "votes open", "votes cast", "votes tally", "votes count", "votes confirm",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_takes_and_takes_json_and_home(command: str) -> None:
    result = fedsync(*command.split(), "--help")
    assert result.code == 0
    assert "--json" in result.out
    assert not fedsync(*command.split(), "--home", "/nowhere", "--json", "--help").err


def test_every_word_of_the_way_in_leads_to_a_command() -> None:
    assert {command.split()[0] for command in COMMANDS} == set(_COMMANDS)
    listed = fedsync("--help").out
    assert all(word in listed for word in _COMMANDS)


@pytest.mark.parametrize(
    "words", [(), ("stock",), ("bodies",), ("peers",), ("bundle",), ("book",), ("people",)]
)
def test_no_sentence_in_a_list_of_commands_is_cut(shown: Place, words: tuple[str, ...]) -> None:
    said = shown(*words, "--help").out
    assert "Commands:" in said
    commands = said.partition("Commands:")[2]
    assert "..." not in commands
    assert "…" not in commands


def test_help_may_be_asked_for_by_its_word() -> None:
    assert fedsync("help").out == fedsync("--help").out
    assert fedsync("help", "book", "sign").out == fedsync("book", "sign", "--help").out


def test_fedsync_alone_is_status(shown: Place) -> None:
    assert shown().out == shown("status").out
    assert shown("--json").json == shown("status", "--json").json


def test_options_that_all_take_stand_anywhere(shown: Place) -> None:
    expected = shown("stock", "list", "--json").json
    for words in (
        ("--json", "stock", "list", "--home", shown.path),
        ("stock", "--home", shown.path, "list", "--json"),
        ("stock", "--json", "--home", shown.path, "list"),
        ("--home", "/nowhere", "stock", "list", "--json", "--home", shown.path),
    ):
        assert fedsync(*words).json == expected


def test_the_home_may_be_named_by_the_environment(shown: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDSYNC_HOME", str(shown.path))
    assert fedsync("status", "--json").json["name"] == "Oakfield"


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("stock",),
        ("stock", "nonsense"),
        ("stock", "add"),
        ("stock", "add", "A", "1", "kg"),
        ("stock", "add", "A", "1", "kg", "--store", "S", "--as", "Ann", "--nonsense"),
        ("bodies", "epoch", "--as", "Ann", "--threshold", "many"),
        ("log", "-n", "some"),
    ],
)
def test_wrong_usage_is_exit_2_with_what_to_type(shown: Place, words: tuple[str, ...]) -> None:
    error = shown.refused(*words, code=2)
    assert error["code"] == "usage"
    assert error["try"]


@pytest.mark.parametrize(
    "command", ["status", "stock list", "log", "verify", "book list", "why abcd", "invite X", "run"]
)
def test_a_home_without_a_node_is_exit_3(tmp_path: Path, command: str) -> None:
    error = Place(tmp_path).refused(*command.split(), code=3)
    assert "fedsync init" in error["try"]
    assert not list(tmp_path.iterdir())


def test_an_error_has_five_lines_at_most_and_a_traceback_only_when_asked(shown: Place) -> None:
    told = shown("show", "ffff", code=6)
    assert well_said(told.err)
    assert "Traceback" in shown("show", "ffff", "--verbose", code=6).err


def test_the_state_root_and_the_records_are_told(shown: Place) -> None:
    value = shown.json("status")
    assert re.fullmatch("[0-9a-f]{64}", value["state_root"])
    assert value["records"] > 10
    assert value["peers"] == []
    (waiting,) = value["waiting"]
    assert waiting["page"] == shown.json("book", "list")["pages"][-1]["id"]
    assert (waiting["number"], waiting["missing"]) == (2, ["Ann", "Ben", "Cleo"])


# --- Ids ----------------------------------------------------------------------------------------------


def test_ids_are_told_whole_and_taken_by_their_beginning(shown: Place) -> None:
    page = shown.json("book", "list")["pages"][1]["id"]
    assert len(page) == 64
    for asked in (page, page[:4], page[:9].upper()):
        assert shown.page(asked)["id"] == page
    record = shown.json("log", "-n", "1")["id"]
    assert shown.json("show", record[:8])["id"] == record
    (decision,) = [each for each in shown.json("decisions", "list")["decisions"] if each["title"] == "Oats"]
    assert decision["id"].startswith(decision["page"])
    for asked in (decision["id"], decision["id"][:6], decision["page"][:4] + ":0"):
        assert shown.json("decisions", "show", asked)["text"] == "We plant oats."


@pytest.mark.parametrize("command", ["show", "book show", "decisions show", "why", "book sign"])
@pytest.mark.parametrize("id_", ["ffffffffff", "zzzz", "", "ab", ":", "é", "1" * 99])
def test_what_is_not_there_is_exit_6(shown: Place, command: str, id_: str) -> None:
    more = ("--as", "Ann") if command == "book sign" else ()
    error = shown.refused(*command.split(), id_, *more, code=6)
    assert error["code"] == "not_found"


def test_a_page_may_be_called_by_its_number(shown: Place) -> None:
    assert shown.page("1")["number"] == 1
    shown.refused("book", "show", "77", code=6)


def test_an_ambiguous_id_lists_the_candidates(node: Place) -> None:
    # Two rivals have one number; that two ids begin alike takes too long to find.
    ids = [node.propose("Oats"), node.propose("Rye", name="Ben")]
    error = node.refused("book", "show", "1", code=6)
    assert error["code"] == "ambiguous"
    assert all(page[:12] in error["message"] for page in ids)


def test_ids_that_begin_alike_are_told_apart_by_more(node: Place) -> None:
    # Of a thousand ids several pairs share four digits: the birthday rule.
    file, columns = node.path / "many.csv", node.path / "many.toml"
    file.write_text("day,n\n" + "".join(f"2026-01-01,{number}\n" for number in range(1000)))
    columns.write_text(
        '[columns]\nat = "day"\nquantity = "n"\n'
        '[defaults]\nitem = "Oats"\nunit = "g"\nstore = "Granary"\naction = "raise"\n'
    )
    node("stock", "import", file, "--columns", columns, "--as", "Ann")
    ids = sorted(json.loads(line)["id"] for line in node("log", "-n", "9999", "--json").out.splitlines())
    twin = next(one[:4] for one, other in pairwise(ids) if one[:4] == other[:4])
    error = node.refused("show", twin, code=6)
    assert error["code"] == "ambiguous"
    for each in ids:
        if each.startswith(twin):
            assert each[:12] in error["message"]
            assert node.json("show", each[:12])["id"] == each


# --- What reaches a terminal --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "a\rb", "a\nb", "\x9b5m", "abc\u202edcba", "\u2066x", "\u200f", "\x7f", "\ud800"]
)
def test_what_a_terminal_would_obey_is_written_out(text: str) -> None:
    assert not is_plain(text)
    assert is_plain(plain(text))


@pytest.mark.parametrize("text", ["", "Käse", "می‌خواهم", "12 000", "東京　駅", "👩‍🌾", "a — b"])
def test_letters_of_every_script_are_shown_as_they_are(text: str) -> None:
    assert is_plain(text)
    assert plain(text) == text


def test_text_of_others_is_escaped_before_it_reaches_a_terminal(node: Place) -> None:
    _by_another_program(node, "Oats \u202eevil", "Yes.\nsealed\u2066 by all")
    (page,) = [each for each in node.json("book", "list")["pages"] if each["number"] == 1]
    for words in (
        ("decisions", "list"),
        ("decisions", "show", page["id"]),
        ("book", "show", page["id"]),
        ("log",),
    ):
        out = node(*words).out
        assert "\u202e" not in out
        assert "\u2066" not in out
    assert "\\u202eevil" in node("decisions", "list").out
    assert node.json("decisions", "list")["decisions"][0]["title"] == "Oats \u202eevil"


def test_without_a_terminal_there_are_no_colours_and_nothing_is_cut_short(shown: Place) -> None:
    clean = {name: value for name, value in environment().items() if name not in ("NO_COLOR", "COLUMNS")}
    done = subprocess.run(
        command_line("--home", shown.path, "stock", "list"),
        capture_output=True,
        env=clean,
        timeout=SECONDS,
        check=True,
    )
    assert b"\x1b" not in done.stdout
    assert "Potatoes" in done.stdout.decode()


def test_no_color_is_respected_on_a_terminal(shown: Place) -> None:
    env = {**environment(), "NO_COLOR": "1", "TERM": "xterm-256color"}
    out = _on_a_terminal(env, "--home", shown.path, "stock", "list")
    assert "Potatoes" in out
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", out)


def test_who_stops_reading_early_sees_no_error(shown: Place) -> None:
    words = " ".join(command_line("--home", shown.path, "log", "-n", "100", "--json"))
    done = subprocess.run(
        ["sh", "-c", f"{words} | true"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=SECONDS,
        check=True,
    )
    assert done.stderr == ""


def test_as_a_process_of_its_own_it_says_the_same(shown: Place) -> None:
    here, there = shown("book", "list", "--json"), process("--home", shown.path, "book", "list", "--json")
    assert (there.code, there.json) == (0, here.json)
    missing = process("--home", "/nowhere", "status", "--json")
    assert (missing.code, missing.error["code"]) == (3, "no_node")
    assert process("--version").out.startswith("fedsync ")


def _by_another_program(node: Place, title: str, text: str) -> None:
    """Draft a page as a program would that does not look at what it writes."""
    home = Home(node.path)
    author = Author.unlock(home, "Ann", lambda: None)
    entry: dict[str, Value] = {"kind": "decision", "title": title, "text": text}
    with Reading.open(home) as reading, open_door(home) as door, author.writing():
        drafted = draft_page(reading.view, reading.own().scope, [entry])
        author.write(door, reading, LogClass.AUTHORITY, [Draft("page", dict(drafted.value), now_ms())])


def _on_a_terminal(env: dict[str, str], *words: object) -> str:
    """Return what a command prints when its stdout is a terminal."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        command_line(*words), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env
    )
    os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 65536):
            parts.append(part)
    except OSError:
        pass  # So a terminal ends on Linux.
    finally:
        os.close(ours)
        running.wait(60)
    return b"".join(parts).decode()
