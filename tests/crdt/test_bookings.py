"""Bookings as records: they stand by the right to the thing, whatever else of the logs is held, and in any order."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.logs.seats import All, Cut
from fedsync.crdt.work.bookings import Booked, schedule
from fedsync.crdt.work.schedule import ASKED, BOOKED, PENDING, RELEASED, TAKEN, VOID
from fedsync.records.block import Block, Record
from fedsync.records.ids import Reach, RecordId
from fedsync.records.seal import Draft
from tests.crdt.granary import HOUR, NOON, chain, interleaved, regrouped
from tests.crdt.naive_root import rooted_rows, state_root_of
from tests.crdt.village import Village, booked, freed, granted, ids, last, offered, planner, taken_back

ANN, BEN, CEM = planner("Ann"), planner("Ben"), planner("Cem")


def shown(node: Village, of: RecordId) -> list[tuple[str, str]]:
    """Return who booked and what it is worth, in the order in which it begins."""
    return [(str(each.said.who), each.verdict.status) for each in schedule(node.view, of).bookings]


def test_who_offers_the_thing_books_it_and_others_ask() -> None:
    mine = chain(ANN, [offered()])
    room = ids(mine)[0]
    mine = chain(ANN, [booked(room, 1), booked(room, 1, who="Emil"), booked(room, 2, who="Fay")], mine)
    node = Village()
    node.take(*chain(BEN, [booked(room, 8, who="Gus")]), *mine)
    assert sorted(shown(node, room)) == sorted(
        [("Dora", BOOKED), ("Emil", TAKEN), ("Fay", BOOKED), ("Gus", ASKED)]
    )
    assert schedule(node.view, room).holder == ANN.log


def test_a_released_booking_is_free_for_the_next() -> None:
    mine = chain(ANN, [offered()])
    room = ids(mine)[0]
    mine = chain(ANN, [booked(room, 1)], mine)
    mine = chain(ANN, [freed(ids(mine)[-1]), booked(room, 1, who="Emil")], mine)
    node = Village()
    node.take(*mine)
    assert sorted(shown(node, room)) == [("Dora", RELEASED), ("Emil", BOOKED)]


def test_who_was_handed_the_right_keeps_to_what_was_booked_before() -> None:
    mine = chain(ANN, [offered()])
    room = ids(mine)[0]
    mine = chain(ANN, [booked(room, 1), granted(room, BEN.log)], mine)
    grant = last(mine)
    mine = chain(ANN, [booked(room, 5, who="late")], mine)
    theirs = chain(BEN, [booked(room, 1, who="Emil", accepts=[grant]), booked(room, 5, who="Fay")])
    node = Village()
    node.take(*theirs)
    assert {status for _, status in shown(node, room)} == {PENDING}
    node.take(*mine)
    assert sorted(shown(node, room)) == [("Dora", BOOKED), ("Emil", TAKEN), ("Fay", BOOKED), ("late", ASKED)]
    assert schedule(node.view, room).holder == BEN.log
    back = chain(BEN, [granted(room, ANN.log, [grant])], theirs)
    node.take(*back, *chain(ANN, [booked(room, 7, who="again", accepts=[last(back)])], mine))
    assert ("again", BOOKED) in shown(node, room)


def test_a_booking_after_the_offer_is_over_is_none() -> None:
    offer = offered()
    assert isinstance(offer.value, dict)
    mine = chain(ANN, [Draft("intent", {**offer.value, "until": NOON}, NOON)])
    room = ids(mine)[0]
    mine = chain(ANN, [booked(room, 1), booked(room, 3, who="Emil", time=NOON + 1)], mine)
    node = Village()
    node.take(*mine)
    assert shown(node, room) == [("Dora", BOOKED), ("Emil", VOID)]


def test_who_takes_up_a_right_from_a_log_that_stays_at_home_waits_wherever_that_is_held() -> None:
    mine = chain(ANN, [offered()])
    room = ids(mine)[0]
    home = planner("Dia", Reach.LOCAL)
    mine = chain(ANN, [granted(room, home.log)], mine)
    inside = chain(home, [granted(room, BEN.log, [last(mine)])])
    out = chain(BEN, [booked(room, 1, accepts=[last(inside)])])
    for logs in ([mine, inside, out], [mine, out]):
        node = Village()
        for log in logs:
            node.take(*log)
        assert shown(node, room) == [("Dora", PENDING)]


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        (offered(action="transfer"), "not-for-use"),
        (offered(quantity=2), "not-single"),
    ],
)
def test_only_one_thing_that_is_offered_for_use_can_be_booked(offer: Draft, code: str) -> None:
    mine = chain(ANN, [offer])
    node = Village()
    node.take(*chain(ANN, [booked(ids(mine)[0], 1)], mine))
    (one,) = schedule(node.view, ids(mine)[0]).bookings
    assert (one.verdict.status, one.verdict.code) == (VOID, code)


def test_above_a_fork_nothing_is_booked() -> None:
    mine = chain(ANN, [offered()])
    room = ids(mine)[0]
    mine = chain(ANN, [booked(room, 1), booked(room, 3, who="Emil")], mine)
    node = Village()
    node.take(*mine)
    node.do(node.forking(ANN.log, 3))
    assert shown(node, room) == [("Dora", BOOKED)]


def test_what_is_cut_off_is_not_booked_and_its_time_is_free() -> None:
    mine = chain(ANN, [offered()])
    room = ids(mine)[0]
    mine = chain(ANN, [granted(room, BEN.log)], mine)
    theirs = chain(BEN, [booked(room, 1, accepts=[last(mine)]), booked(room, 3, who="Emil")])
    node = Village()
    node.take(*mine, *theirs)
    node.do(node.hearing(BEN.log, Cut(((1, theirs[1].tip),))))
    assert shown(node, room) == [("Dora", BOOKED)]


def test_who_takes_the_right_back_books_around_what_they_had_seen() -> None:
    mine = chain(ANN, [offered()])
    room = ids(mine)[0]
    mine = chain(ANN, [granted(room, BEN.log, expires=NOON)], mine)
    grant = last(mine)
    theirs = chain(BEN, [booked(room, 1, accepts=[grant])])
    seen = last(theirs)
    theirs = chain(BEN, [booked(room, 3, who="Emil")], theirs)
    mine = chain(ANN, [taken_back(grant, seen, NOON + 1)], mine)
    mine = chain(ANN, [booked(room, 1, who="Fay"), booked(room, 3, who="Gus")], mine)
    node = Village()
    node.take(*theirs, *mine)
    assert sorted(shown(node, room)) == [("Dora", BOOKED), ("Emil", ASKED), ("Fay", TAKEN), ("Gus", BOOKED)]
    assert schedule(node.view, room).holder == ANN.log


def test_a_thing_that_is_kept_local_is_no_offer_for_those_who_cannot_hold_it() -> None:
    here = planner("Ann", Reach.LOCAL)
    mine = chain(here, [offered()])
    room = ids(mine)[0]
    node = Village()
    node.take(*chain(here, [booked(room, 1)], mine), *chain(BEN, [booked(room, 3, who="Emil")]))
    assert shown(node, room) == [("Dora", BOOKED), ("Emil", PENDING)]
    assert node.root() != Village().root()


# --- In any order -------------------------------------------------------------------------------------------


def made_up(random: Random) -> tuple[RecordId, list[list[Block]]]:
    """Return logs of people who book, hand on, take back and release one thing, whether or not they may."""
    logs = [chain(ANN, [offered()]), chain(BEN, []), chain(CEM, [])]
    room = ids(logs[0])[0]
    holder = 0
    grants: list[Record] = []
    bookings: list[RecordId] = []
    for step in range(random.randint(2, 18)):
        at = holder if random.random() < 0.75 else random.randrange(3)
        now = NOON + step * HOUR
        to_me = [
            each for each in grants if isinstance(each.value, dict) and each.value["to"] == logs[at][0].log
        ]
        by_me = [each for each in grants if each.log == logs[at][0].log]
        named = to_me[-1:] if random.random() < 0.6 else []
        if random.random() < 0.2:
            to = random.choice([each for each in range(3) if each != at])
            expires = now + random.randint(-1, 3) * HOUR if random.random() < 0.6 else None
            draft = granted(room, logs[to][0].log, to_me[-1:], expires, now)
            holder = to
        elif by_me and random.random() < 0.3:
            old = random.choice(by_me)
            (theirs,) = [log for log in logs if log[0].log == old.value["to"]]  # type: ignore[call-overload, index]
            seen = random.choice([None, *[record for block in theirs for record in block.records()]])
            draft = taken_back(old, seen, now)
            holder = at
        elif bookings and random.random() < 0.25:
            draft = freed(random.choice(bookings), now)
        else:
            draft = booked(room, random.randrange(8), random.randint(1, 3), accepts=named, time=now)
        logs[at] = chain(logs[at][0].genesis, [draft], logs[at])
        if draft.kind == "booking":
            bookings.append(last(logs[at]).id)
        elif draft.kind == "rights_grant" and "takes_back" not in draft.value:  # type: ignore[operator]
            grants.append(last(logs[at]))
    return room, logs


@given(st.integers(0, 2**32))
def test_bookings_are_worth_the_same_in_any_order_and_grouping(seed: int) -> None:
    random = Random(seed)
    room, logs = made_up(random)
    found: list[tuple[Booked, ...]] = []
    roots = set()
    for _ in range(3):
        node = Village()
        for block in interleaved([regrouped(log, random) for log in logs], random):
            node.take(block)
            if random.random() < 0.2:
                node.do(node.hearing(BEN.log, All() if random.random() < 0.5 else Cut(())))
        node.do(node.hearing(BEN.log, All()))
        found.append(schedule(node.view, room).bookings)
        roots.add(node.root())
        assert node.root() == state_root_of(rooted_rows(node.view))
    assert found[0] == found[1] == found[2]
    assert len(roots) == 1
    stand = [each.said for each in found[0] if each.verdict.status == BOOKED]
    assert not any(one.overlaps(other) for one in stand for other in stand if one is not other)
