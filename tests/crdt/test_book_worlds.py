"""Worlds with a known answer: the naive twin gives it, and so does the fold, whatever order the records come in.

The worlds are cut from those that come with the design: the books of single communities, in which mandates,
witnesses and the like are entries that this version does not know.
"""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.crdt import naive_book as naive
from tests.crdt.books import compare, folded, rooted, shuffled, write

WORLDS = [
    json.loads(line) for line in (Path(__file__).parent / "worlds_community.jsonl").read_text().splitlines()
]


def _epoch(page: dict[str, Any], keys: dict[Any, str]) -> naive.Epoch | None:
    for entry in page["entries"]:
        if entry["kind"] == "epoch":
            for seat in [*entry["seats"], *entry.get("sealers", [])]:
                keys[seat["log"]] = seat["key"]
            seats = tuple(seat["log"] for seat in entry["seats"])
            sealers = tuple(seat["log"] for seat in entry.get("sealers", entry["seats"]))
            repair = entry.get("repair") or {"keys": (), "k": 0}
            w = entry.get("w", entry["k"])
            return naive.Epoch(seats, entry["k"], sealers, w, tuple(repair["keys"]), repair["k"])
    return None


def _read(
    world: dict[str, Any],
) -> tuple[str, list[naive.Page], list[naive.Log], list[naive.Voice], dict[Any, str], dict[Any, str]]:
    keys: dict[Any, str] = {}
    pages, logs, voices, scopes = [], [], [], {}
    records = world["records"]
    for one in records:
        if one["kind"] == "page":
            epoch = _epoch(one, keys)
            pages.append(
                naive.Page(one["id"], one["body"], one["no"], one["prev"], epoch, one.get("by") == "repair")
            )
    body = pages[0].body
    repairers = {key for page in pages if page.epoch for key in page.epoch.repair}
    for one in records:
        if one["kind"] == "log":
            seat = one.get("seat")
            logs.append(naive.Log(one["id"], one["key"], one["key"] in repairers, seat == body))
            keys.setdefault(one["id"], one["key"])
            if seat is not None:
                scopes[one["id"]] = seat
        elif one["kind"] != "page":
            said = (one.get("page"), one.get("slot"), one.get("round", 0), one.get("lock"))
            voices.append(naive.Voice(one["id"], one["log"], one["prev"], one["kind"], *said))
    held = {log.id for log in logs}
    return str(body), pages, logs, [each for each in voices if each.log in held], keys, scopes


@pytest.mark.parametrize("world", WORLDS, ids=[world["id"] for world in WORLDS])
def test_the_naive_twin_gives_each_world_its_known_answer(world: dict[str, Any]) -> None:
    _, pages, logs, voices, _, _ = _read(world)
    first = {page.body: page.id for page in pages if page.prev is None}
    outcome = naive.fold(pages, logs, voices, first)
    assert {name: outcome.status.get(name, "pending") for name in world["expect"]} == world["expect"]
    assert (outcome.head, outcome.frozen) == (world["head"], world["frozen"])


@pytest.mark.parametrize("world", WORLDS, ids=[world["id"] for world in WORLDS])
def test_the_fold_gives_each_world_its_known_answer_in_any_order(world: dict[str, Any]) -> None:
    body, pages, logs, voices, keys, scopes = _read(world)
    outcome = naive.Outcome(dict(world["expect"]), world["head"], world["frozen"])
    written = write(body, pages, logs, voices, keys, scopes)
    first = {page.body: page.id for page in pages if page.prev is None}
    outcome.certified = naive.fold(pages, logs, voices, first).certified
    roots = []
    for seed in range(3):
        random = Random(f"{world['id']} {seed}")
        view = folded(written.scope, written.page0, shuffled(written, random), random)
        assert compare(view, written, outcome, body) == {}
        roots.append(rooted(view))
    assert roots[0] == roots[1] == roots[2]
