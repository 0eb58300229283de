"""`log`, `show`, `why`, `verify`, `rebuild`, `doctor`: what is held, and whether it is whole."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from fedsync.records import dictionary
from tests.cli.calling import Place, command_line, environment
from tests.clocks import DAY_S, ahead_by


def lines(node: Place, *words: object) -> list[dict[str, object]]:
    return [json.loads(line) for line in node("log", "--json", *words).out.splitlines()]


def test_the_log_shows_the_latest_records_as_they_came(shown: Place) -> None:
    rows = lines(shown)
    assert all(row["fedsync"] == 1 and row["ok"] is True for row in rows)
    assert [row["kind"] for row in rows[-4:]] == [
        "genesis",
        "store",
        "resource_specification",
        "economic_event",
    ]
    assert rows[-1]["says"] == "raise 12 kg of Potatoes in Granary"
    assert (rows[-1]["author"], rows[-1]["body"]) == ("Ann", "Oakfield")
    assert lines(shown, "-n", 3) == rows[-3:]
    assert lines(shown, "-n", 0) == []
    assert len(lines(shown, "-n", 9999)) == shown.json("status")["records"]
    assert "Ann: raise 12 kg of Potatoes in Granary" in shown("log").out


def test_the_log_may_be_followed_and_stopped_at_any_time(node: Place) -> None:
    words = command_line("--home", node.path, "log", "--follow", "--json", "-n", 1)
    following = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        # A shell has what it runs behind `&` ignore SIGINT, and whoever runs these tests so hands that on to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["kind"] == "person"
        node("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Ann")
        kinds = [json.loads(following.stdout.readline())["kind"] for _ in range(4)]
        assert kinds == ["genesis", "store", "resource_specification", "economic_event"]
        following.send_signal(signal.SIGINT)
        _, talk = following.communicate(timeout=120)
        assert following.returncode == 130
        assert "Traceback" not in talk
    finally:
        following.kill()
        following.communicate()


def test_show_tells_all_that_a_record_says(shown: Place) -> None:
    row = lines(shown, "-n", 1)[0]
    full = shown.json("show", row["id"])
    assert full["payload"]["quantity"] == 12_000
    assert full["seq"] == 3
    assert (full["status"], full["kind"]) == ("counts", "economic_event")
    assert full["log"] != full["previous"]
    assert "12 kg of Potatoes" in shown("show", row["id"]).out


def test_why_answers_for_every_record(shown: Place) -> None:
    for row in lines(shown, "-n", 9999):
        value = shown.json("why", row["id"])
        assert value["about"] == row["id"]
        assert len(value["lines"]) >= 2, row
        shown("show", row["id"])


def test_why_answers_for_pages_decisions_and_goods(shown: Place) -> None:
    sealed, drafted = shown.json("decisions", "list")["decisions"]
    assert "sealed" in shown("why", sealed["id"]).out
    assert "sealed" in shown("why", sealed["page"][:6]).out
    assert "not enough" in shown("why", drafted["id"][:8]).out
    assert "Potatoes in Granary (Oakfield)" in shown("why", "potatoes").out
    assert shown("why", "Potatoes", "--store", "granary").out == shown("why", "Potatoes").out
    shown.refused("why", "Potatoes", "--store", "Barn", code=6)


def test_what_is_whole_is_said_to_be(shown: Place) -> None:
    for words in (("verify",), ("verify", "--all")):
        value = shown.json(*words)
        assert (value["whole"], value["faults"]) == (True, [])
        assert value["records"] == shown.json("status")["records"]
        assert "all is whole" in shown(*words).out


def test_a_rebuild_comes_to_the_same_state(node: Place) -> None:
    node.seal(node.propose("Oats"), "Ann", "Ben")
    node("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Ann")
    before = node.json("status"), node.json("stock", "list"), node.json("book", "list")
    value = node.json("rebuild")
    assert (value["same"], value["state_root"]) == (True, before[0]["state_root"])
    assert (node.json("status"), node.json("stock", "list"), node.json("book", "list")) == before


def test_a_healthy_node_is_well(node: Place) -> None:
    checks = {each["name"]: each for each in node.json("doctor")["checks"]}
    assert all(each["good"] for each in checks.values())
    assert {
        "program",
        "clock",
        "tls",
        "disk",
        "node",
        "settings",
        "node key",
        "people",
        "store",
        "own logs",
        "daemon",
    } - {"node"} == set(checks)


def test_the_doctor_says_that_the_clock_was_set_back(shown: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for days, bad in ((1, 0), (0, 0), (-400, 1)):
        monkeypatch.setattr(time, "time", ahead_by(days * DAY_S))
        checks = shown("doctor", "--json", code=bad).json["checks"]
        assert [each["good"] for each in checks if each["name"] == "clock"] == [not bad]
        assert all(each["good"] for each in checks if each["name"] != "clock")
    assert "but the latest that was recorded here is dated 20" in shown("doctor", code=1).err


def test_what_others_recorded_is_no_witness_of_the_clock(
    node: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", ahead_by(-400 * DAY_S))
    node("doctor", code=1)
    for key in (node.path / "keys").glob("**/*.pem"):
        if key.name != "node.pem":
            key.unlink()
    checks = {each["name"]: each for each in node.json("doctor")["checks"]}
    assert checks["people"]["says"] == "nobody has a key here"
    assert checks["clock"]["good"]


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        (lambda path: (path / "config.toml").write_text("listen = 3"), "settings"),
        (lambda path: (path / "keys" / "node.pem").unlink(), "node key"),
        (lambda path: os.chmod(path / "keys" / "node.pem", 0o644), "node key"),
        (lambda path: (path / "store.db").write_bytes(b"x" * 9000), "store"),
    ],
)
def test_the_doctor_names_the_root_cause(node: Place, harm: object, name: str) -> None:
    assert callable(harm)
    harm(node.path)
    result = node("doctor", "--json", code=1).json
    assert result["error"]["message"].startswith(name)
    assert [each["name"] for each in result["checks"] if not each["good"]] == [name]
    assert f"BAD {name}" in node("doctor", code=1).out


def test_the_doctor_names_what_is_wrong_with_a_way_to_a_peer(node: Place, tmp_path: Path) -> None:
    settings = (node.path / "config.toml").read_text()
    (tmp_path / "port").mkdir()
    for text, told in [
        ('[[stick]]\nwatch = "{}/prot"\n', "there is no directory {}/prot (watch)"),
        ('[[stick]]\nwatch = "{}/port"\nleave_for = ["Mil"]\n', "no peer is called Mil (leave_for)"),
        ('[[link]]\npeer = "Hil"\nkind = "udp"\n', "no peer is called Hil (link)"),
        ('[lan]\ninterfaces = ["wlan9"]\n', "this machine is on no network called wlan9 (interfaces)"),
        (
            '[[broadcast]]\nkind = "exec"\ncommand = ["{}/modem"]\nframe = 200\nbits = 5000\n',
            "there is no program {}/modem that may be run (command)",
        ),
    ]:
        (node.path / "config.toml").write_text(f"{settings}\n{text.format(tmp_path)}")
        checks = node("doctor", "--json", code=1).json["checks"]
        (bad,) = [each for each in checks if not each["good"]]
        assert bad["name"] == "ways"
        assert told.format(tmp_path) in bad["says"]
    (node.path / "config.toml").write_text(f'{settings}\n[[stick]]\nwatch = "{tmp_path}/port"\n')
    node("doctor")


def test_the_doctor_names_a_damaged_file_of_the_installation(
    node: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dictionary.DIGESTS, 1, "0" * 64)
    dictionary.dictionary.cache_clear()
    result = node("doctor", "--json", code=1).json
    monkeypatch.undo()
    (bad,) = [each for each in result["checks"] if not each["good"]]
    assert bad["name"] == "program"
    assert "dictionaries/1.bin is damaged" in bad["says"]


def test_the_doctor_looks_at_the_machine_where_there_is_no_node(home_dir: object) -> None:
    result = Place(home_dir)("doctor", "--json", code=1).json  # type: ignore[arg-type]
    assert {each["name"]: each["good"] for each in result["checks"]}["tls"] is True
    assert "fedsync init" in result["error"]["message"]


def test_a_state_of_another_version_is_said_to_be_behind_and_is_worked_out_by_rebuild(node: Place) -> None:
    root = node.json("status")["state_root"]
    with closing(sqlite3.connect(node.path / "store.db", isolation_level=None)) as file:
        file.execute("UPDATE meta SET value = 'of an older version' WHERE key = 'state_digest'")
    for word in ("status", "log"):
        error = node.refused(word, code=9)
        assert (error["code"], "fedsync rebuild" in error["try"]) == ("not_worked_out", True)
        assert "stop it and start it again" in error["try"], (
            "an older daemon that still runs would do it its own way"
        )
    node("rebuild")
    assert node.json("status")["state_root"] == root
