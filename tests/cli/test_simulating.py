"""`fedsync simulate`: words, JSON, exit codes, and a picture that any program for pictures can read."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fedsync.sim import run
from fedsync.sim.picture import svg
from fedsync.sim.rare import RARE
from fedsync.sim.scenario import read
from tests.cli.calling import fedsync, well_said

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
    # Links that lose everything also when it is calm: by a window that is hardly ever open.
    windows = '[links.windows]\nevery = "1000 h"\nopen = "30 s"\n'
    path.write_text(SMALL + windows, "utf-8")
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
