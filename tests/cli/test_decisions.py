"""`fedsync decisions`: what stands in place of an earlier one, what is repealed, what lapses, and what is in force now."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acts.valley import Valley
from tests.cli.calling import Place

AS_ANN = ("--text", "-", "--as", "Ann")


def sealed(node: Place, *words: str, text: str = "So be it.") -> str:
    """Draft a page with `fedsync decisions ...` and bring it to its seal; return its id."""
    page = str(node.json("decisions", *words, stdin=text)["page"])
    node.seal(page, "Ann", "Ben")
    return page


def in_force(node: Place) -> list[str]:
    return [row["title"] for row in node.json("decisions", "list", "--in-force")["decisions"]]


def test_a_decision_stands_in_place_of_another_once_its_page_is_sealed(node: Place) -> None:
    oats = sealed(node, "propose", "--title", "Oats", *AS_ANN)
    page = node.json("decisions", "supersede", oats[:8], "--title", "Wheat", *AS_ANN, stdin="Wheat.")["page"]
    assert in_force(node) == ["Oats"]
    node.seal(page, "Ann", "Ben")
    assert in_force(node) == ["Wheat"]
    old, new = node.json("decisions", "show", oats), node.json("decisions", "show", page)
    assert (old["status"], old["ended_by"]) == ("superseded", f"{page}:0")
    assert (new["status"], new["supersedes"]) == ("in_force", [f"{oats}:0"])
    assert f"superseded by {page[:8]}:0" in node("decisions", "show", oats).out
    assert f"in place of {oats[:8]}:0" in node("decisions", "show", page).out
    why = node("why", f"{page}:0").out
    assert "It stands in place of" in why
    assert "does not end" not in why
    # What is over cannot be ended again.
    error = node.refused("decisions", "supersede", oats[:8], "--title", "Rye", *AS_ANN, code=7)
    assert error["code"] == "decision-not-in-force"


def test_one_decision_may_stand_in_place_of_several(node: Place) -> None:
    oats, rye = (sealed(node, "propose", "--title", each, *AS_ANN, text=each) for each in ("Oats", "Rye"))
    both = ("--supersedes", oats[:8], "--supersedes", rye[:8])
    sealed(node, "propose", "--title", "Wheat", *both, *AS_ANN, text="Wheat alone.")
    assert in_force(node) == ["Wheat"]


def test_a_repealed_decision_is_over_and_nothing_takes_its_place(node: Place) -> None:
    oats = sealed(node, "propose", "--title", "Oats", *AS_ANN)
    page = str(node.json("decisions", "repeal", oats[:8], "--as", "Ann")["page"])
    assert in_force(node) == ["Oats"]
    assert "to be repealed" not in node("decisions", "list").out  # a draft binds nobody
    node("book", "sign", page, "--as", "Ann", "--yes")
    node("book", "sign", page, "--as", "Ben", "--yes")
    assert "in force, to be repealed" in node("decisions", "list").out
    assert "does not end" not in node("why", f"{page}:0").out
    node("book", "approve", page, "--as", "Ann", "--yes")
    assert in_force(node) == []
    assert node.json("decisions", "show", oats)["status"] == "repealed"


def test_a_decision_says_when_it_lapses_and_none_is_drafted_that_would_never_hold(node: Place) -> None:
    rye = sealed(node, "propose", "--title", "Rye", "--expires", "2999-05-31", *AS_ANN)
    assert in_force(node) == ["Rye"]
    assert node.json("decisions", "show", rye)["expires"].startswith("2999-05-3")
    assert "lapses 2999-05-31" in node("decisions", "show", rye).out
    words = ("propose", "--title", "Oats", "--expires", "2020-05-31", *AS_ANN)
    assert "is over" in node.refused("decisions", *words, code=2)["message"]


@pytest.fixture(params=["Pacific/Auckland", "Europe/Berlin", "America/Lima"])
def abroad(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let it be the local time of somewhere else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def test_a_decision_lapses_on_the_day_that_was_typed_wherever_that_was(abroad: None, node: Place) -> None:
    rye = sealed(node, "propose", "--title", "Rye", "--expires", "2999-05-31", *AS_ANN)
    assert "\nlapses 2999-05-31 00:00\n" in node("decisions", "show", rye).out


def test_only_what_is_there_and_ours_can_be_ended(node: Place) -> None:
    node.refused("decisions", "supersede", "abcd1234", "--title", "x", *AS_ANN, code=6)
    page = node.json("decisions", "propose", "--title", "Oats", *AS_ANN, stdin="Oats.")["page"]
    error = node.refused("decisions", "repeal", page[:8], "--as", "Ann", code=7)
    assert error["code"] == "decision-not-in-force"
    assert "This decision is drafted" in error["message"]


def test_what_another_body_decided_is_told_with_its_name_though_we_decided_nothing(tmp_path: Path) -> None:
    valley = Valley(tmp_path, "Oakfield", "Mill Lane")
    Place(valley.homes["Oakfield"].path).propose("Oats")
    valley.meet()
    there = Place(valley.homes["Mill Lane"].path)
    assert "Oakfield" in there("decisions", "list").out
    assert "Oakfield" not in there("decisions", "list", "--body", "Oakfield").out
