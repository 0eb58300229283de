"""`scripts/soak`: says what it did, and fails when something went wrong or what must happen never did."""

import json
import sys
from pathlib import Path

import pytest

from fedsync.sim.rare import RARE
from tests.sim import soak

SMALL = """
name = "Two"
nodes = 2
storm = "2 min"
calm = "2 min"
[work]
stock = "20 s"
"""
NEVER = '[links.windows]\nevery = "1000 h"\nopen = "30 s"\n'


def play(monkeypatch: pytest.MonkeyPatch, path: Path, text: str, *words: str) -> int:
    path.write_text(text, "utf-8")
    monkeypatch.setattr(sys, "argv", ["soak", str(path), *words])
    return soak.main()


def test_a_soak_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    must = 'must = ["pushed"]\n'
    assert play(monkeypatch, tmp_path / "two.toml", must + SMALL, "--first", "5", "--seeds", "2") == 0
    told = capsys.readouterr().out
    assert told.startswith("two.toml: 2 lives of 2 nodes, ")
    assert "0 failed" in told


def test_a_soak_fails_when_what_must_happen_never_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(monkeypatch, tmp_path / "two.toml", 'must = ["crash"]\n' + SMALL, "--seeds", "1") == 1
    assert f"never seen in all of them: {RARE['crash']}" in capsys.readouterr().out


def test_a_soak_names_the_seed_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "two.toml"
    assert play(monkeypatch, path, SMALL + NEVER, "--first", "3", "--seeds", "1") == 1
    told = capsys.readouterr().out
    assert f"It happens again with: fedsync simulate {path} --seed 3" in told
    assert "1 failed" in told


def test_on_several_cores_the_same_comes_of_each_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "one.log", tmp_path / "two.log"
    for log, processes in zip(logs, ("1", "2"), strict=True):
        words = ("--seeds", "3", "--processes", processes, "--log", str(log))
        assert play(monkeypatch, tmp_path / "two.toml", SMALL, *words) == 0
    one, two = ({life.seed: life.digest for life in soak.logged(log)} for log in logs)
    assert one == two
    assert len(one) == 3


def test_a_soak_goes_on_from_its_log_and_plays_anew_what_the_scenario_no_longer_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, log = tmp_path / "two.toml", tmp_path / "log"
    assert play(monkeypatch, path, SMALL + NEVER, "--seeds", "1", "--log", str(log)) == 1
    capsys.readouterr()
    # The life that failed is counted from the log, and stays failed.
    assert play(monkeypatch, path, SMALL + NEVER, "--seeds", "2", "--log", str(log)) == 1
    assert "2 lives of 2 nodes" in capsys.readouterr().out
    assert len(log.read_text().splitlines()) == 2
    assert play(monkeypatch, path, SMALL, "--seeds", "2", "--log", str(log)) == 0
    lines = [json.loads(each) for each in log.read_text().splitlines()]
    assert [each["seed"] for each in lines] == [0, 1, 0, 1]


def test_a_line_that_a_power_failure_cut_off_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    assert play(monkeypatch, tmp_path / "two.toml", SMALL, "--seeds", "1", "--log", str(log)) == 0
    log.write_text(log.read_text() + '{"scenario": "two.to', "utf-8")
    assert len(soak.logged(log)) == 1
    assert play(monkeypatch, tmp_path / "two.toml", SMALL, "--seeds", "2", "--log", str(log)) == 0
    assert [each.seed for each in soak.logged(log)] == [0, 1]


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        (SMALL, ["none.toml"], "none.toml cannot be read: No such file or directory"),
        (SMALL + "[wrok]\n", [], "two.toml, line 8: there is no field wrok"),
        (SMALL, ["--processes", "0"], "--processes 1 or more"),
        (SMALL, ["--seeds", "-1"], "--seeds is 0 or more"),
        (SMALL, ["--log", "none/log"], "none/log cannot be written: No such file or directory"),
        (SMALL, ["two.toml"], "two of the files are called two.toml"),
    ],
    ids=["none", "bad", "processes", "seeds", "log", "twice"],
)
def test_what_cannot_be_played_is_said_before_anything_is(
    text: str, words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        play(monkeypatch, tmp_path / "two.toml", text, *words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
