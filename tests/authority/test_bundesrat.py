"""Delegates bound by instructions on each clause: what they do outside them is void, until their body ratifies it."""

import json
from pathlib import Path
from random import Random

import pytest

from tests.authority.bundesrat import Council, check, differences, main, read
from tests.authority.federation import Node

FILE = Path(__file__).parent / "laender.csv"
ROWS = read(FILE.read_text("utf-8").splitlines())


@pytest.mark.parametrize("seed", range(4))
def test_votes_outside_instructions_are_void_everywhere_and_a_ratify_by_name_cures_them(seed: int) -> None:
    done = check(ROWS, 3, seed)
    assert done["failed"] == []
    assert done["rows"] == len(ROWS) == done["instructed"] + done["not_published"]
    assert min(done["void_outside_instructions"], done["void_uninstructed"], done["cured_by_ratify"]) > 0
    assert done["votes"] == sum(
        done[each] for each in ("stand", "void_outside_instructions", "void_uninstructed", "cured_by_ratify")
    )


def test_some_breaches_are_only_confirmed_and_some_mended_and_some_items_are_decided() -> None:
    all_done = [check(ROWS, 1, seed) for seed in range(4)]
    for what in ("confirmed_and_void", "mended_by_a_second_vote", "decided"):
        assert sum(done[what] for done in all_done) > 0


def test_a_count_that_is_not_the_expected_one_is_found() -> None:
    council = Council(ROWS, Random(0))
    node = Node(council.federation.bodies)
    node.take(council.federation.blocks)
    assert differences(council, node) == []
    land, block = next(iter(council.items[0].blocks.items()))
    block.handled = "left" if block.handled == "ratified" else "ratified"
    assert any(
        each.startswith(f"{land} on {council.items[0].clause}:") for each in differences(council, node)
    )


def test_a_file_is_checked_and_the_counts_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(FILE), "--orders", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["failed"] == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "columns"),
        ("session,agenda_item,land,vote_norm\n", "columns"),
        ("session,agenda_item,land,vote_norm\n1,1,A,yes\n1,1,A,no\n", "two positions"),
        ("session,agenda_item,land,vote_norm\n1,1,A,yes\n2,1,B,no\n2,1,C,no\n", "too few"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    (tmp_path / "bad.csv").write_text(text)
    assert main([str(tmp_path / "bad.csv")]) == 2
    assert why in capsys.readouterr().err
    assert main([str(tmp_path / "none.csv")]) == 2
