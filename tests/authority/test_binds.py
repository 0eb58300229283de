"""Rule 13, whom a result binds: the fold beside a naive reading, in the known worlds and in random ones."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fedsync.crdt.books.binds import binds
from tests.authority.build import Built, build, fold
from tests.authority.naive import Rules
from tests.authority.naive_structure import YES
from tests.authority.random_worlds import draw
from tests.authority.scribe import Scribe
from tests.crdt.books import tag

Json = dict[str, Any]
Bound = set[tuple[str, str, str, bool]]
"""Body, why, vote, and whether nothing can undo it."""

WORLDS = [
    json.loads(line) for line in (Path(__file__).parent / "worlds.jsonl").read_text("utf-8").splitlines()
]
RESULTS = [
    w for w in WORLDS if any(e["kind"] == "result" for r in w["records"] for e in r.get("entries", ()))
]
SEEDS = range(40)


class Naive(Rules):
    """Rule 13 as a question to a set of records."""

    def binds(self, page: str, index: int) -> Bound:
        entry = self.entry(page, index)
        assert entry is not None
        status, outcome = self.result(page, index)
        if outcome is None or "votes" not in entry:
            return set()
        found: Bound = set()
        for body in self.epoch(self.epoch_of(page))[0]:
            if body not in self.page0:
                continue
            word = self.word(body, self.question(entry))
            named = [each for each in entry["votes"] if self._is_of(each, body, page, self.question(entry))]
            vote, why = None, "voted"
            if word is None:
                vote = next((each for each in named if self.vote_status(each) == "stands"), None)
            elif word[2] == YES and word[1] is not None:
                if self._is_ratified(word[0], word[1], self.question(entry)):
                    vote, why = word[1], "ratified"
                elif word[1] in named:
                    vote = word[1]
            if vote is not None and self.voices[vote]["option"] == outcome:
                found.add((body, why, vote, status == "final" and word is not None))
        return found

    def _is_of(self, vote: str, body: str, page: str, question: tuple[str, str]) -> bool:
        if (
            vote not in self.voices
            or not self.held_in_log(vote)
            or self.question(self.voices[vote]) != question
        ):
            return False
        mandate = self.logs[self.voices[vote]["log"]].get("mandate", ["?"])[0]
        return self.held(mandate) and self.seat_of(vote) == body and self._for_seat(vote, page)

    def _is_ratified(self, page: str, vote: str, question: tuple[str, str]) -> bool:
        return any(
            each["kind"] == "ratify" and each.get("vote") == vote and self.question(each) == question
            for each in self.pages[page]["entries"]
        )


def differences(world: Json, order: int) -> list[Any]:
    built = build(world)
    view = fold(built, Random(order))
    rules, found = Naive(world["records"]), []
    for record in world["records"]:
        for index, entry in enumerate(record.get("entries", ())):
            if entry["kind"] == "result":
                got = _bound(built, view, record, index)
                wanted = rules.binds(record["id"], index) if rules.held(record["id"]) else set()
                if got != wanted:
                    found.append((world["id"], record["id"], index, got, wanted))
    return found


def _bound(built: Built, view: Any, record: Json, index: int) -> Bound:
    page = built.pages[record["id"]]
    bodies = {built.pages[each["id"]]: each["body"] for each in built.world["records"]
              if each["kind"] == "page" and each["no"] == 0}  # fmt: skip
    return {
        (bodies[each.body], each.why, _name(built.records, each.vote), each.settled)
        for each in binds(view, tag(record["body"]), page, index)
    }


def _name(names: Any, id_: bytes) -> str:
    return str(next(name for name, each in names.items() if each == id_))


@pytest.mark.parametrize("world", RESULTS, ids=[world["id"] for world in RESULTS])
def test_in_the_known_worlds_a_result_binds_whom_the_rule_says(world: Json) -> None:
    assert differences(world, 1) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_random_world_a_result_binds_whom_the_rule_says(seed: int) -> None:
    assert differences(draw(seed), seed) == []


def test_the_random_worlds_have_bound_bodies_of_each_kind() -> None:
    found: Bound = set()
    for seed in SEEDS:
        world = draw(seed)
        rules = Naive(world["records"])
        for record in world["records"]:
            for index, entry in enumerate(record.get("entries", ())):
                if entry["kind"] == "result" and rules.held(record["id"]):
                    found |= rules.binds(record["id"], index)
    assert {(why, settled) for _, why, _, settled in found} >= {("voted", False), ("voted", True)}


def test_who_voted_against_or_not_at_all_is_not_bound_and_who_ratifies_later_is() -> None:
    world = Scribe()
    for name in "ABC":
        world.community(name)
    world.region("R", ["A", "B", "C"])
    sent = {name: world.sent(name, "R") for name in "ABC"}
    votes = {
        name: world.vote(sent[name], option=option)
        for name, option in (("A", "yes"), ("B", "yes"), ("C", "no"))
    }
    result = {"kind": "result", "motion": "D", "votes": list(votes.values()), "need": 2}
    world.sealed("R", [result], by=[sent["A"], sent["B"]])
    rules = Naive(world.records)
    assert {each[:3] for each in rules.binds("R.1", 0)} == {
        ("A", "voted", votes["A"]),
        ("B", "voted", votes["B"]),
    }
    assert differences({"id": "w", "records": world.records}, 3) == []
    late = world.vote(sent["C"], option="yes")
    world.sealed("C", [{"kind": "ratify", "motion": "D", "vote": late}])
    assert ("C", "ratified", late, False) in Naive(world.records).binds("R.1", 0)
    assert differences({"id": "w", "records": world.records}, 4) == []
