"""README.md is true: its sessions are typed as they stand, its links lead somewhere. Starts daemons in temporary homes."""

import re
from pathlib import Path

import pytest

from tests.sessions import ROOT, shows, type_all

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_hour_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    type_all(README, tmp_path)


def test_a_wrong_answer_in_the_readme_would_be_found() -> None:
    answer = ("Barn: 105 kg of Potatoes", "last count 2026-11-24 03:35")
    assert shows(answer, "New: store\nBarn:   105 kg of Potatoes\nlast count 2031-01-02 10:00\n") == {}
    assert shows(answer, "Barn: 106 kg of Potatoes\nlast count 2031-01-02 10:00\n") is None
    assert shows(answer, "last count 2031-01-02 10:00\nBarn: 105 kg of Potatoes\n") is None


def test_every_file_that_the_readme_names_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    paths = re.findall(r"`((?:scripts|tests|docs|fedsync)/[\w/.-]+)`", README)
    assert len(links) > 5
    assert not [each for each in links + paths if not (ROOT / each).exists()]


@pytest.mark.parametrize("goal", range(1, 7))
def test_the_goals_are_ranked(goal: int) -> None:
    assert re.search(rf"^{goal}\. ", README, re.MULTILINE)
