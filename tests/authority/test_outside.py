"""Bodies that are looked at from outside: without the books of those that have seats in them (docs/books.md).

The naive twin says the same of every record, whichever bodies are looked at from outside; what is said of such a body
rests on the records of its own logs alone; and what is built on it comes to the same as where all is held.
FEDSYNC_SEEDS=0-9999 plays more.
"""

from collections.abc import Collection
from functools import cache
from random import Random
from typing import Any

import pytest

from fedsync.crdt.books.book import bind
from fedsync.crdt.books.booktables import STATUSES, record_row
from fedsync.crdt.view import Draft, MemoryView
from tests.authority.build import Built, build, fold, statuses
from tests.authority.naive import Rules
from tests.authority.playing import begin, faults, order_of, page0, take
from tests.authority.random_worlds import draw
from tests.authority.scribe import COMMUNITY, REGION, Scribe, Term
from tests.crdt.books import rooted, tag
from tests.seeds import seeds

SLICE = 60
Rows = dict[Any, Any]


@cache
def world(seed: int) -> Built:
    """Return the world of a seed as records."""
    return build(draw(seed))


def higher(built: Built) -> list[str]:
    """Return the bodies whose seats are bodies."""
    return [body for body in built.bodies if body in "RSW"]


def state(built: Built, outside: Collection[str], only: Collection[str] | None = None) -> MemoryView:
    """Return the state of a node that looks at some bodies from outside, and holds the logs of some bodies alone."""
    view = begin(built, outside)
    tags = None if only is None else {tag(body) for body in only}
    order = order_of(built, Random(0))
    take(built, view, [each for each in order if tags is None or built.blocks[each].genesis.scope in tags])
    return view


def of(view: MemoryView, *bodies: str) -> Rows:
    """Return the rooted rows of some bodies."""
    tags = {tag(body) for body in bodies}
    return {key: row for key, row in rooted(view).items() if key[1][0] in tags}


def test_the_fold_says_what_the_twin_says_whichever_bodies_are_looked_at_from_outside_in_any_order() -> None:
    found = []
    for seed in seeds(SLICE):
        random = Random(f"outside {seed}")
        outside = [body for body in world(seed).bodies if random.random() < 0.5]
        found += [f"world {seed}, {outside}: {each}" for each in faults(draw(seed), random, outside=outside)]
    assert found == []


def test_whoever_holds_no_record_of_the_members_sees_the_same_book_as_any_other_outsider() -> None:
    sealed = 0
    for seed in seeds(SLICE):
        built = world(seed)
        seen = higher(built)
        all_, few = state(built, seen), state(built, seen, only=seen)
        assert of(all_, *seen) == of(few, *seen), seed
        sealed += sum(row[1] == "sealed" and row[0] != 0 for _, row in few.scan(STATUSES))
    assert sealed > SLICE


def test_the_world_comes_to_the_same_where_a_region_is_seen_from_outside_and_where_all_is_held() -> None:
    same = 0
    for seed in seeds(SLICE):
        built = world(seed)
        regions = [body for body in higher(built) if body != "W"]
        inside, outside = state(built, ()), state(built, regions, only=higher(built))
        if not _settled(inside, outside, regions) or not _counts_what_all_hold(built, outside):
            continue  # what is signed and not sealed is seen only inside, and so is what nodes sealed against H3 and H4
        assert of(inside, "W") == of(outside, "W"), seed
        same += 1
    assert same > SLICE / 4


def _settled(inside: MemoryView, outside: MemoryView, regions: Collection[str]) -> bool:
    """Say whether the pages of these bodies have come to the same for both."""

    def pages(view: MemoryView) -> Rows:
        return {key: row for key, row in of(view, *regions).items() if key[0] == STATUSES.name}

    return pages(inside) == pages(outside)


def _counts_what_all_hold(built: Built, outside: MemoryView) -> bool:
    """Say whether the world's results name votes of its own delegates: our nodes seal no other (H4)."""
    named = {
        vote
        for each in built.world["records"]
        if each["kind"] == "page" and each["body"] == "W"
        for entry in each["entries"]
        if entry["kind"] == "result"
        for vote in entry.get("votes", ())
    }
    return all(record_row(outside, built.records[vote]) for vote in named if vote in built.records)


def test_where_keys_have_the_seats_there_is_nothing_that_only_insiders_see() -> None:
    for seed in seeds(SLICE // 3):
        built = world(seed)
        communities = [body for body in built.bodies if body not in "RSW"]
        for body in communities:
            alone = state(built, (body,), only=(body,))
            assert of(alone, body) == of(state(built, (), only=(body,)), body), seed


def test_a_body_is_not_looked_at_from_inside_and_from_outside_at_once() -> None:
    built = world(0)
    for first, then in ((True, False), (False, True)):
        view = MemoryView()
        draft = Draft(view)
        bind(draft, tag("R"), built.pages[page0(built, "R")], first)
        with pytest.raises(ValueError, match="from elsewhere"):
            bind(draft, tag("R"), built.pages[page0(built, "R")], then)


def test_a_body_followed_at_any_time_from_outside_comes_to_the_same_rows() -> None:
    for seed in seeds(SLICE // 3):
        built = world(seed)
        assert rooted(fold(built, Random(seed), higher(built))) == rooted(state(built, higher(built)))


def guests() -> Built:
    """A region of A and B, whose page is signed by their delegates, and by one of X, which has no seat there."""
    said = Scribe()
    for name in "ABX":
        teller = said.log(f"L{name}", f"teller {name}", seat=name)
        said.found(name, COMMUNITY, Term([teller], 1, [teller], 1), None)
    nodes = [said.log(f"N{at}", f"node {at}", seat="R") for at in range(2)]
    said.found("R", REGION, Term(["A", "B"], 2, nodes, 2), None)
    for name in "ABX":
        mandate = {"kind": "mandate", "holder": f"h{name}", "seat": "R", "instructions": {"*": "free"}}
        given = said.page(said.books[name], f"{name}.0", [mandate])
        for kind in ("sign", "approve"):
            said.sign(f"L{name}", given, 0, kind)
        said.log(f"M{name}", f"h{name}", mandate=[given, 0])
    page = said.page(said.books["R"], "R.0", [{"kind": "decision", "text": "here"}])
    for name in "ABX":
        said.sign(f"M{name}", page, 0)
    for kind in ("sign", "approve"):
        for node in nodes:
            said.sign(node, page, 0, kind)
    return build({"id": "guests", "records": said.records})


def test_what_those_say_who_have_no_seat_makes_no_difference_between_who_holds_it_and_who_does_not() -> None:
    built = guests()
    every, few = state(built, ()), state(built, (), only="ABR")
    assert of(every, "R") == of(few, "R")
    (said,) = [each["id"] for each in built.world["records"] if each.get("log") == "MX"]
    for outside, word in (((), "void"), (("R",), "pending")):
        told = statuses(built, state(built, outside))
        assert told[said] == word
        assert told["R.1"] == "sealed"
        assert told == {**told, **Rules(built.world["records"], outside).state().named()}
