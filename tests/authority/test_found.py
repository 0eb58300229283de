"""What random worlds found, each as the smallest world that shows it: the fold, in every order, is what the rules say."""

from random import Random
from typing import Any

from tests.authority import naive
from tests.authority.build import build, fold, statuses
from tests.authority.scribe import Scribe, Term

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


def test_a_final_result_stays_though_a_member_without_witness_splits_its_book_below_it() -> None:
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
    state = naive.fold(world.records)
    assert state.frozen == {"A": "A.1"}
    assert (state.status["R.1#1"], state.outcome["R.1#1"]) == ("final", "x")
    assert differences(world.records) == {}


def test_of_two_branches_that_a_book_witnesses_the_first_fixes_the_word() -> None:
    world = Scribe()
    world.community("A")
    world.region("R", ["A"])
    log = world.sent("A", "R")
    one, other = world.vote(log), world.vote(log, option="y")
    word = world.sealed("A", [{"kind": "confirm", "motion": "D", "vote": one}])
    seen = [{"kind": "witness", "body": "A", "page": word}]
    world.ends["La0"], first = None, world.ends["La0"]
    rival = world.sealed("A", [{"kind": "confirm", "motion": "D", "vote": other}], on="A.1")
    world.ends["La0"] = first
    seen.append({"kind": "witness", "body": "A", "page": rival})
    result = {"kind": "result", "motion": "D", "votes": [one, other], "need": 1}
    world.sealed("R", [*seen, result], by=[log])
    state = naive.fold(world.records)
    assert (state.status["R.1#2"], state.outcome["R.1#2"]) == ("final", "x")
    assert differences(world.records) == {}


def test_a_vote_outside_instructions_is_void_whatever_becomes_of_the_page_of_its_mandate() -> None:
    world = Scribe()
    world.community("A", 3, 2)
    world.region("R", ["A"])
    entry = {"kind": "mandate", "holder": "h", "seat": "R", "instructions": {"*": ["y"]}}
    page = world.page(world.books["A"], "A.0", [entry])
    vote = world.vote(world.log("M", "h", mandate=[page, 0]))
    assert naive.fold(world.records).status[vote] == "void"
    assert differences(world.records) == {}


def test_a_body_may_name_a_vote_under_a_mandate_that_is_not_sealed_and_that_stays_so() -> None:
    # Its own sealed book says so. Were it asked whether the mandate is adopted, what the word made void would come back.
    world = Scribe()
    world.community("A", 3, 2)
    world.region("R", ["A"])
    other = world.vote(world.sent("A", "R"), option="y")
    entry = {"kind": "mandate", "holder": "h", "seat": "R", "instructions": {"*": "free"}}
    draft = world.page(world.books["A"], "A.1", [entry])
    vote = world.vote(world.log("M", "h", mandate=[draft, 0]))
    assert naive.fold(world.records).status[vote] == "pending"
    world.sealed("A", [{"kind": "confirm", "motion": "D", "vote": vote}], on="A.1")
    state = naive.fold(world.records)
    assert [state.status[each] for each in (draft, vote, other)] == ["displaced", "stands", "void"]
    assert differences(world.records) == {}


def test_old_tellers_who_approve_a_rival_of_the_page_that_dropped_them_gain_nothing_without_a_fork() -> None:
    world = Scribe()
    book = world.community("A", 3, 2)
    new = [world.log(f"Ln{at}", f"n{at}", seat="A") for at in range(3)]
    term = Term(new, 2, new, 2)
    dropped = world.page(book, "A.0", [world.epoch(term, "A", None, None)], term)
    for kind in ("sign", "approve"):
        for log in ("La0", "La1"):
            world.sign(log, dropped, 0, kind)
    rival = world.page(book, "A.0", [{"kind": "decision", "text": "we stay"}])
    for round_ in (1, 2):
        for kind in ("sign", "approve"):
            for log in ("La0", "La1", "La2"):
                world.sign(
                    log, rival, round_, kind, **({"lock": 1} if round_ == 2 and kind == "sign" else {})
                )
    state = naive.fold(world.records)
    assert (state.status[dropped], state.status[rival]) == ("sealed", "displaced")
    assert state.frozen == {}
    assert differences(world.records) == {}


def test_a_locked_sealer_approves_a_rival_that_enough_have_signed_since() -> None:
    world = Scribe()
    book = world.community("A", 4, 3)
    one, other = (world.page(book, "A.0", [{"kind": "decision", "text": text}]) for text in "PQ")
    world.sign("La0", one, 0, "approve")
    for log in ("La1", "La2", "La3"):
        world.sign(log, other, 1)
    for log in ("La0", "La1", "La2"):
        world.sign(log, other, 1, "approve")
    state = naive.fold(world.records)
    assert state.status[other] == "sealed"
    assert "pending" not in state.status.values()
    short = naive.fold([each for each in world.records if each.get("log") != "La3"])
    assert {each: short.status[each] for each in ("a1", "a2", "a3", "a4")} == {
        "a1": "stands", "a2": "pending", "a3": "stands", "a4": "stands"
    }  # fmt: skip
    assert differences(world.records) == {}


def test_a_word_that_names_a_vote_of_another_body_is_passed_over_as_soon_as_that_vote_comes() -> None:
    world = Scribe()
    for name in "AB":
        world.community(name)
    world.region("R", ["A", "B"])
    own, foreign = world.vote(world.sent("A", "R")), world.vote(world.sent("B", "R"))
    world.sealed("A", [{"kind": "confirm", "motion": "D", "vote": foreign}])
    world.sealed("A", [{"kind": "confirm", "motion": "D", "vote": own}])
    world.sealed("A", [{"kind": "recall", "mandate": ["A.1", 0], "cuts": {}}])
    assert naive.fold(world.records).status[own] == "stands"
    assert differences(world.records) == {}


def test_a_body_whose_page_0_seats_a_body_that_is_not_lower_is_founded_by_no_later_epoch() -> None:
    for founder in (1, 2):
        world = Scribe()
        world.community("A")
        book = world.region("B", ["A"], level=founder)
        teller = world.log("T", "teller", seat="B")
        term = Term([teller], 1, [teller], 1)
        page = world.page(book, "B.0", [world.epoch(term, "B", None, None)], term)
        said = world.sign(teller, world.page(book, page, [{"kind": "decision", "text": "d"}]), 0)
        # A region's page 0 is sound; its second epoch governs from the page after, certified or not.
        assert naive.fold(world.records).status[said["id"]] == ("void" if founder == 1 else "stands")
        assert differences(world.records) == {}
        without = [each for each in world.records if each["id"] != "A.0"]
        assert naive.fold(without).status[said["id"]] == "pending"
        assert differences(without) == {}
