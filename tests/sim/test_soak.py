"""`scripts/simulate-soak`: says what it did, and fails when something went wrong or what must happen never did."""

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


def play(monkeypatch: pytest.MonkeyPatch, path: Path, text: str, *words: str) -> int:
    path.write_text(text, "utf-8")
    monkeypatch.setattr(sys, "argv", ["simulate-soak", str(path), *words])
    return soak.main()


def test_a_soak_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    must = 'must = ["pushed"]\n'
    assert play(monkeypatch, tmp_path / "two.toml", must + SMALL, "--first", "5", "--seeds", "2") == 0
    told = capsys.readouterr().out
    assert told.startswith("Seeds 5 to 6.\ntwo.toml: 2 lives of 2 nodes, ")
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
    never = '[links.windows]\nevery = "1000 h"\nopen = "30 s"\n'
    assert play(monkeypatch, path, SMALL + never, "--first", "3", "--seeds", "1") == 1
    told = capsys.readouterr().out
    assert f"It happens again with: fedsync simulate {path} --seed 3" in told
    assert "1 failed" in told
