"""What people read of a result is what the fold made of it, and what is still open is never passed over."""

from random import Random

import pytest

from fedsync.crdt.books.confirming import awaited
from fedsync.crdt.books.results import open_seats, outcomes, result_view
from fedsync.crdt.books.votes import FINAL, tally
from tests.authority.build import build, fold
from tests.authority.random_worlds import draw
from tests.authority.test_binds import RESULTS, Json
from tests.crdt.books import tag


def check(world: Json, order: int) -> int:
    built = build(world)
    view = fold(built, Random(order))
    seen = 0
    for record in world["records"]:
        for index, entry in enumerate(record.get("entries", ())):
            if entry["kind"] != "result":
                continue
            page, scope = built.pages[record["id"]], tag(record["body"])
            found, now = result_view(view, page, index), tally(view, scope, page, index)
            assert (found is None) == (now is None)
            if found is None or now is None:
                continue
            seen += 1
            assert (found.status, found.outcome) == (now.status, now.outcome)
            ballots = {each.seat: each.ballot.id for each in found.seats if each.ballot is not None}
            assert ballots == now.ballots
            named = {vote.id for each in found.seats for vote in each.votes}
            assert named | {flaw.vote for flaw in found.flaws} == set(found.entry.votes or ())
            if found.status == FINAL:
                assert not found.waits
                assert not list(open_seats(found))
            else:
                assert found.waits or list(open_seats(found)), "provisional, and nothing is said to be open"
            short = [each for each in outcomes(view, scope, found.entry.motion) if each[1:3] == (page, index)]
            assert [(each.status, each.outcome) for each in short] in ([], [(found.status, found.outcome)])
    for body in built.bodies:
        for each in awaited(view, tag(body)):
            assert each.result.page_status == "sealed"
            assert each.vote.scope == tag(body)
    return seen


@pytest.mark.parametrize("world", RESULTS, ids=[world["id"] for world in RESULTS])
def test_in_the_known_worlds(world: Json) -> None:
    assert check(world, 2)


@pytest.mark.parametrize("seed", range(40, 80))
def test_in_a_random_world(seed: int) -> None:
    check(draw(seed), seed)


def test_random_worlds_have_results() -> None:
    assert sum(check(draw(seed), 0) for seed in range(40, 50)) > 5
