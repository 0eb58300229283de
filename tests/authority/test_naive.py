"""The naive twin gives the known answers of all worlds: so it may judge where no answer is known."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.authority import naive
from tests.authority.build import build, expected, fold, statuses

FILE = Path(__file__).parent / "worlds.jsonl"
WORLDS = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("world", WORLDS, ids=[world["id"] for world in WORLDS])
def test_the_naive_twin_gives_the_known_answers(world: dict[str, Any]) -> None:
    got, wanted = naive.fold(world["records"]).named(), expected(world)
    assert {name: got.get(name) for name in wanted} == wanted
    assert {name for name in got if name.startswith("frozen ")} <= wanted.keys()


@pytest.mark.parametrize("world", WORLDS, ids=[world["id"] for world in WORLDS])
def test_the_fold_gives_what_the_naive_twin_gives_for_every_record(world: dict[str, Any]) -> None:
    built = build(world)
    got, wanted = statuses(built, fold(built)), naive.fold(world["records"]).named()
    assert {name: each for name, each in got.items() if wanted.get(name) != each} == {}
    assert wanted.keys() <= got.keys()
