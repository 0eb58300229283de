"""The 54 worlds with known answers, as real records through the production fold, in any order."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.authority.build import build, failures
from tests.authority.worlds import main

FILE = Path(__file__).parent / "worlds.jsonl"
WORLDS = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("world", WORLDS, ids=[world["id"] for world in WORLDS])
def test_each_record_comes_out_as_expected_in_every_order(world: dict[str, Any]) -> None:
    assert failures(world, 3) == []


def test_a_world_is_built_of_signed_blocks_that_parse_again() -> None:
    built = build(WORLDS[0])
    assert built.blocks
    assert built.pages.keys() == {each["id"] for each in WORLDS[0]["records"] if each["kind"] == "page"}


def test_a_wrong_answer_is_found_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = json.loads(json.dumps(WORLDS[0]))
    name = next(name for name, status in world["expect"].items() if status == "sealed")
    world["expect"][name] = "drafted"
    (tmp_path / "one.jsonl").write_text(json.dumps(world) + "\n\n")
    assert main([str(tmp_path / "one.jsonl"), "--orders", "2", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "worlds": 1,
        "failed": [{"id": world["id"], "record": name, "expected": "drafted", "got": "sealed"}],
    }
    assert main([str(tmp_path / "one.jsonl"), "--orders", "1"]) == 1
    assert f"{name} is 'sealed', and 'drafted' was expected" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["{", "[]", '{"id": "x"}', '{"id": "x", "records": [{"kind": "page"}]}'])
def test_a_file_that_holds_no_worlds_is_refused_with_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "bad.jsonl").write_text(text)
    assert main([str(tmp_path / "bad.jsonl")]) == 2
    assert "line 1 is no world" in capsys.readouterr().err
    assert main([str(tmp_path / "none.jsonl")]) == 2


def test_the_script_runs_from_anywhere() -> None:
    script = Path(__file__).parents[2] / "scripts" / "worlds"
    assert sys.executable
    done = subprocess.run(
        [script, FILE, "--orders", "1", "--json"], capture_output=True, cwd="/", timeout=120, check=False
    )
    assert json.loads(done.stdout) == {"worlds": len(WORLDS), "failed": []}
    assert done.returncode == 0
