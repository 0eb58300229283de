"""What random worlds found, each as the smallest world that shows it: the fold, in every order, is what the rules say."""

from random import Random
from typing import Any

from tests.authority import naive
from tests.authority.build import build, fold, statuses
from tests.authority.scribe import Scribe

Json = dict[str, Any]
ORDERS = 25


def differences(records: list[Json], orders: int = ORDERS) -> dict[str, Any]:
    """Return where the production fold, in shuffled orders, and the naive twin differ."""
    built, wanted = build({"id": "found", "records": records}), naive.fold(records).named()
    found: dict[str, Any] = {}
    for order in range(orders):
        got = statuses(built, fold(built, Random(order)))
        found |= {name: (got.get(name), each) for name, each in wanted.items() if got.get(name) != each}
    return found


def test_a_tellers_vote_counts_though_it_came_before_the_page_that_seats_them() -> None:
    world = Scribe()
    world.community("A")
    vote = world.vote("La0")
    assert naive.fold(world.records).status[vote] == "stands"
    assert differences(world.records) == {}


def test_of_rival_mandates_on_a_split_book_neither_ends_the_other() -> None:
    world = Scribe()
    world.community("A")
    for holder in ("one", "two", "three"):
        world.ends["La0"] = None
        entry = {"kind": "mandate", "holder": holder, "seat": "R", "instructions": {"*": "free"}}
        world.sealed("A", [entry], on="A.0")
    state = naive.fold(world.records)
    assert {each for name, each in state.status.items() if "#" in name} == {"frozen"}
    assert differences(world.records) == {}


def test_a_vote_under_a_mandate_for_another_seat_counts_for_none_here() -> None:
    world = Scribe()
    for name in "AB":
        world.community(name)
    for name in "RS":
        world.region(name, ["A", "B"])
    here, there, other = world.sent("A", "R"), world.sent("A", "S"), world.sent("B", "R")
    votes = [world.vote(there), world.vote(other)]
    result = {"kind": "result", "motion": "D", "votes": votes, "need": 2}
    world.sealed("R", [result], by=[here, other])
    state = naive.fold(world.records)
    assert state.outcome["R.1#0"] == "none"
    assert state.status[votes[0]] == "stands"
    assert differences(world.records) == {}


def test_a_result_is_computed_again_when_the_epoch_that_it_waited_for_is_settled() -> None:
    world = Scribe()
    world.community("A")
    world.region("R", ["A"])
    counts = {"kind": "result", "motion": "D", "counts": [["x", 2], ["y", 1]], "need": 2}
    world.page(world.books["R"], "R.0", [counts])
    assert naive.fold(world.records).outcome["R.1#0"] == "x"
    assert differences(world.records) == {}


def split_after(world: Scribe, body: str, page: str, by: list[str]) -> None:
    """Let all of a body lie: seal a rival of a sealed page, from logs that fork."""
    ends, tip = dict(world.ends), world.books[body].tip
    for log in [*by, *world.books[body].terms[f"{body}.0"].sealers]:
        world.ends[log] = None
    world.sealed(body, [{"kind": "decision", "text": "instead"}], by=by, on=world.books[body].prevs[page])
    world.ends, world.books[body].tip = ends, tip


def test_a_result_is_not_final_on_a_page_that_a_split_has_frozen_whatever_came_first() -> None:
    world = Scribe()
    world.community("A")
    world.region("R", ["A"])
    log = world.sent("A", "R")
    world.sealed("R", [{"kind": "result", "motion": "D", "counts": [["x", 1]], "need": 1}], by=[log])
    assert naive.fold(world.records).status["R.1#0"] == "final"
    split_after(world, "R", "R.1", [log])
    assert naive.fold(world.records).status["R.1#0"] == "provisional"
    assert differences(world.records) == {}


def test_a_result_that_rests_on_a_book_without_witness_is_not_final_once_that_splits_whatever_came_first() -> (
    None
):
    world = Scribe()
    world.community("A")
    world.region("R", ["A"])
    log = world.sent("A", "R")
    vote = world.vote(log)
    word = world.sealed("A", [{"kind": "confirm", "motion": "D", "vote": vote}])
    result = {"kind": "result", "motion": "D", "votes": [vote], "need": 1}
    world.sealed("R", [{"kind": "witness", "body": "A", "page": word}, result], by=[log])
    assert naive.fold(world.records).status["R.1#1"] == "final"
    split_after(world, "A", word, [])
    assert naive.fold(world.records).status["R.1#1"] == "provisional"
    assert differences(world.records) == {}
