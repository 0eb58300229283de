"""`fedsync simulate`: words, JSON, exit codes, and a picture that any program for pictures can read."""

import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from fedsync.sim import run
from fedsync.sim.picture import svg
from fedsync.sim.rare import RARE
from fedsync.sim.scenario import read
from tests.cli.calling import ROOT, SECONDS, command_line, environment, fedsync, well_said

STORM: Final = Path(os.path.relpath(ROOT / "scenarios" / "storm.toml"))

SMALL = """
name = "Two <& a half"
nodes = 3
storm = "3 min"
calm = "5 min"
must = ["window", "pushed"]
[work]
stock = "20 s"
[[partition]]
begins = "30 s"
ends = "90 s"
"""
WINDOWS: Final = '[links.windows]\nevery = "1000 h"\nopen = "30 s"\n'
"""Links that lose everything also when it is calm: by a window that is hardly ever open."""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "two.toml"
    path.write_text(SMALL, "utf-8")
    return path


def test_a_run_is_told_in_words(scenario: Path) -> None:
    result = fedsync("simulate", str(scenario), "--seed", "4")
    assert result.code == 0
    assert result.out.startswith("Two <& a half, seed 4: all is well. All nodes were the same ")
    assert RARE["pushed"] in result.out
    assert f"Not seen with this seed: {RARE['window']}." in result.out


def test_a_run_for_programs_says_all_that_the_words_say(scenario: Path) -> None:
    value = json.loads(fedsync("simulate", str(scenario), "--json", "--nodes", "4").out)
    assert value["ok"] is True
    assert (value["nodes"], value["seed"], value["faults"], value["missed"]) == (4, 0, [], ["window"])
    assert value["seen"]["pushed"] > 0


def test_what_goes_wrong_is_told_with_what_to_type_to_see_it_again(tmp_path: Path) -> None:
    path = tmp_path / "hopeless.toml"
    path.write_text(SMALL + WINDOWS, "utf-8")
    result = fedsync("simulate", str(path), "--seed", "9", "--nodes", "2")
    assert well_said(result.err)
    assert result.code == 1
    assert "WRONG: after 300 s of calm the nodes had not come to the same." in result.out
    assert f"It happens again with: fedsync simulate {path} --seed 9 --nodes 2" in result.err
    value = json.loads(fedsync("simulate", str(path), "--json").out)
    assert value["ok"] is False
    assert value["faults"]


def test_a_file_that_is_no_scenario_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(SMALL.replace("stock", "stok"), "utf-8")
    result = fedsync("simulate", str(path))
    assert well_said(result.err)
    assert result.code == 11
    assert "line 8: there is no field stok in [work]" in result.err
    assert fedsync("simulate", str(tmp_path / "none.toml")).code == 6


def test_a_file_that_is_no_text_is_a_foreign_file_and_not_one_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(b'name = "\xff"\n')
    result = fedsync("simulate", str(path))
    assert well_said(result.err)
    assert result.code == 11
    assert "is no scenario: it is not UTF-8 text." in result.err


def test_the_picture_is_xml_with_a_line_for_each_honest_node(scenario: Path, tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    assert fedsync("simulate", str(scenario), "--svg", str(path)).code == 0
    root = ElementTree.fromstring(path.read_text("utf-8"))
    name = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{name}svg"
    lines = root.findall(f"{name}polyline")
    assert len(lines) == 3
    for line in lines:
        points = [tuple(map(float, each.split(","))) for each in line.attrib["points"].split()]
        assert points == sorted(points, key=lambda point: point[0])
        assert all(0 <= x <= 900 and 0 <= y <= 420 for x, y in points)
        # All end at the top: each has everything.
        assert points[-1][1] == min(y for _, y in points)
    assert "Two <& a half" in "".join(root.itertext())


def test_a_picture_of_a_failure_says_what_went_wrong() -> None:
    outcome = run.simulate(read(SMALL), 1)
    picture = svg(replace(outcome, faults=("Village <2> lost a record",)))
    ElementTree.fromstring(picture)
    assert "Village &lt;2&gt; lost a record" in picture


def test_a_picture_that_cannot_be_written_is_said_before_anything_is_played(
    scenario: Path, tmp_path: Path
) -> None:
    for picture, why in (
        (tmp_path / "none" / "x.svg", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (scenario / "x.svg", "Not a directory"),
    ):
        result = fedsync("simulate", scenario, "--svg", picture, "--json")
        assert result.code == 1
        assert result.error["code"] == "no_picture"
        assert result.error["message"] == f"{picture} cannot be written: {why}."
        assert well_said(result.err)
        assert not fedsync("simulate", scenario, "--svg", picture).out


def test_who_is_stopped_leaves_no_picture_and_spoils_none(scenario: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old.svg", tmp_path / "new.svg"
    old.write_text("as it was", "utf-8")

    def stopped(*_: object) -> run.Outcome:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "simulate", stopped)
        for picture in (old, new):
            assert fedsync("simulate", scenario, "--svg", picture).code == 130
    assert old.read_text("utf-8") == "as it was"
    assert not new.exists()


@pytest.mark.parametrize("hopeless", [False, True])
def test_what_came_of_a_life_is_told_though_the_picture_cannot_be_written_any_more(
    hopeless: bool, tmp_path: Path
) -> None:
    scenario, folder = tmp_path / "life.toml", tmp_path / "pictures"
    scenario.write_text(SMALL + (WINDOWS if hopeless else ""), "utf-8")

    def played(*arguments: Any) -> run.Outcome:
        folder.rmdir()
        return real(*arguments)

    real = run.simulate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "simulate", played)
        told = []
        for form in ([], ["--json"]):
            folder.mkdir()
            told.append(fedsync("simulate", scenario, "--nodes", 2, "--svg", folder / "x.svg", *form))
    words, programs = told
    assert words.code == programs.code == 1
    assert well_said(words.err)
    assert "x.svg cannot be written: No such file or directory." in words.err
    value = programs.json
    assert value["error"]["code"] == ("diverged" if hopeless else "no_picture")
    assert bool(value["faults"]) is hopeless
    assert value["picture"] is None
    assert value["digest"] in words.out
    if hopeless:
        assert "WRONG: " in words.out
        assert "It happens again with: fedsync simulate" in words.err


@pytest.mark.parametrize(
    ("told", "code", "form"),
    [(signal.SIGTERM, 143, []), (signal.SIGTERM, 143, ["--json"]), (signal.SIGINT, 130, ["--json"])],
)
def test_who_is_told_to_stop_says_so(
    told: signal.Signals, code: int, form: list[str], tmp_path: Path
) -> None:
    scenario = tmp_path / "long.toml"
    os.mkfifo(scenario)
    words = command_line("simulate", scenario, *form)
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        try:
            # It reads what it plays, so it is past its beginning; and it plays as long as may be asked for, longer than this test takes.
            scenario.write_text(SMALL.replace('"3 min"', '"50 d"'), "utf-8")
            process.send_signal(told)
            out, err = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert process.returncode == code
    assert well_said(err)
    if form:
        error = json.loads(out)["error"]
        assert (error["code"], error["exit"]) == ("interrupted", code)


def test_who_names_no_scenario_is_shown_one(tmp_path: Path) -> None:
    result = fedsync("simulate")
    assert result.code == 2
    assert well_said(result.err)
    assert "fedsync simulate needs a scenario" in result.err
    assert f"fedsync simulate {STORM}" in result.err
    for wrong, code in (
        (tmp_path, 2),
        (STORM.parent, 2),
        ("storm", 6),
        ("strom.toml", 6),
        ("nothing like it", 6),
    ):
        result = fedsync("simulate", wrong)
        assert (result.code, well_said(result.err)) == (code, True), result
        assert f"fedsync simulate {STORM}" in result.err
        assert fedsync("simulate", wrong, "--json").error["exit"] == code
    assert "is a directory" in fedsync("simulate", tmp_path).err


def test_a_scenario_without_an_end_is_refused() -> None:
    result = fedsync("simulate", "/dev/zero")
    assert result.code == 11
    assert "at most 1,000,000 characters" in result.err


def test_a_clock_too_far_off_is_refused_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "off.toml"
    path.write_text(SMALL + '[clocks]\noff = "999999999 y"\n', "utf-8")
    result = fedsync("simulate", path)
    assert result.code == 11
    assert f"{path}, line 13: off is at most 50 y" in result.err


def test_a_number_of_nodes_with_which_a_scenario_cannot_be_played_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "lied-to.toml"
    path.write_text(
        SMALL.replace("nodes = 3", "nodes = 5") + '[[liars]]\nkind = "echo"\ncount = 2\n', "utf-8"
    )
    for nodes, why in (
        (3, "at least two must not"),
        (1, "from 2 to 1000 nodes"),
        (5000, "from 2 to 1000 nodes"),
    ):
        result = fedsync("simulate", path, "--nodes", nodes)
        assert result.code == 2
        assert well_said(result.err)
        assert f"cannot be played with --nodes {nodes}: " in result.err
        assert why in result.err
        assert "The file says 5 nodes" in result.err
