"""Rotas and hours: the same records give the same rota in any order, and no word that was heard late throws anybody out."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.logs.seats import All, Cut
from fedsync.crdt.realms import local_realm
from fedsync.crdt.work import hours
from fedsync.crdt.work.rota import rota, standing
from fedsync.records.block import Block, Record, merge
from fedsync.records.ids import Reach, RecordId
from tests.crdt import naive_rota as naive
from tests.crdt.granary import ALDER, NOON, chain, genesis, interleaved, regrouped, told
from tests.crdt.naive_root import rooted_rows, state_root_of
from tests.crdt.village import DAY, OURS, Village, cancelled, ids, last, plan, planner, shift, signup, tallied

ANN, BEN = planner("Ann"), planner("Ben")


def shown(node: Village, of: RecordId, realm: bytes = OURS) -> list[tuple[list[str], list[str]]]:
    """Return who holds places and who waits, shift by shift."""
    return [
        ([each.who for each in manned.held], [each.who for each in manned.waiting])
        for manned in rota(node.view, realm, of)  # type: ignore[arg-type]
    ]


def test_who_signs_up_comes() -> None:
    blocks = chain(ANN, [plan()])
    (cooking,) = ids(blocks)
    blocks = chain(ANN, [shift(cooking, places=2)], blocks)
    blocks = chain(ANN, [signup(ids(blocks)[-1], "Dora")], blocks)
    node = Village()
    node.take(*blocks)
    (manned,) = rota(node.view, OURS, cooking)
    assert [each.who for each in manned.held] == ["Dora"]
    assert manned.open == 1


def test_who_signs_up_while_somebody_else_strikes_the_list_stays_signed_up() -> None:
    mine = chain(ANN, [plan()])
    mine = chain(ANN, [shift(ids(mine)[0])], mine)
    cooking, lunch = ids(mine)
    mine = chain(ANN, [signup(lunch, "Dora")], mine)
    old = ids(mine)[-1]
    theirs = chain(BEN, [signup(lunch, "Dora")])
    mine = chain(ANN, [signup(lunch, None, [old])], mine)
    node = Village()
    node.take(*theirs, *mine)
    assert shown(node, cooking) == [(["Dora"], [])]
    assert [each.id for each in standing(node.view, OURS, lunch)["Dora"]] == ids(theirs)


def test_somebody_has_one_place_however_often_they_are_signed_up() -> None:
    mine = chain(ANN, [plan()])
    mine = chain(ANN, [shift(ids(mine)[0], places=2)], mine)
    cooking, lunch = ids(mine)
    node = Village()
    node.take(*chain(ANN, [signup(lunch, "Dora"), signup(lunch, "Dora")], mine))
    node.take(*chain(BEN, [signup(lunch, "Dora")]))
    assert shown(node, cooking) == [(["Dora"], [])]


def test_who_had_fewer_turns_holds_the_place_and_the_other_waits() -> None:
    mine = chain(ANN, [plan()])
    cooking = ids(mine)[0]
    mine = chain(ANN, [shift(cooking, NOON + DAY * at) for at in range(3)], mine)
    first, second, third = ids(mine)[1:]
    names = ["Dora", "Emil"]
    mine = chain(ANN, [signup(of, who) for of in (first, second, third) for who in names], mine)
    node = Village()
    node.take(*mine)
    (held, waiting), then, last = shown(node, cooking)
    assert then == (waiting, held)
    assert sorted(held + waiting) == names
    # Each has had one: the smaller id decides again.
    assert last[0][0] in names
    manned = rota(node.view, OURS, cooking)
    assert [comer.turns for comer in (*manned[1].held, *manned[1].waiting)] == [0, 1]
    assert [comer.turns for comer in (*manned[2].held, *manned[2].waiting)] == [1, 1]


def test_a_shift_that_is_cancelled_is_nobodys_turn() -> None:
    mine = chain(ANN, [plan()])
    cooking = ids(mine)[0]
    mine = chain(ANN, [shift(cooking), shift(cooking, NOON + DAY)], mine)
    lunch, supper = ids(mine)[1:]
    mine = chain(ANN, [signup(lunch, "Dora"), signup(supper, "Dora")], mine)
    node = Village()
    node.take(*chain(BEN, [cancelled(cooking, lunch)]), *mine)
    assert shown(node, cooking) == [(["Dora"], [])]
    assert [comer.turns for comer in rota(node.view, OURS, cooking)[0].held] == [0]


def test_a_swap_takes_one_back_and_puts_another_down_at_once() -> None:
    mine = chain(ANN, [plan()])
    mine = chain(ANN, [shift(ids(mine)[0])], mine)
    cooking, lunch = ids(mine)
    mine = chain(ANN, [signup(lunch, "Dora")], mine)
    swap = chain(BEN, [signup(lunch, "Emil", [ids(mine)[-1]], "Dora")])
    node = Village()
    node.take(*swap)
    node.take(*mine)
    assert shown(node, cooking) == [(["Emil"], [])]
    assert standing(node.view, OURS, lunch)["Emil"][0].replaces == "Dora"


def test_a_signup_of_another_shift_is_not_taken_back() -> None:
    mine = chain(ANN, [plan()])
    cooking = ids(mine)[0]
    mine = chain(ANN, [shift(cooking), shift(cooking, NOON + DAY)], mine)
    lunch, supper = ids(mine)[1:]
    mine = chain(ANN, [signup(lunch, "Dora")], mine)
    mine = chain(ANN, [signup(supper, None, [ids(mine)[-1]])], mine)
    node = Village()
    node.take(*mine)
    assert shown(node, cooking) == [(["Dora"], []), ([], [])]


def test_a_shift_of_a_plan_that_has_not_come_waits_for_it_and_is_not_lost() -> None:
    first = chain(ANN, [plan()])
    cooking = ids(first)[0]
    theirs = chain(BEN, [shift(cooking)])
    node = Village()
    node.take(*chain(BEN, [signup(ids(theirs)[-1], "Dora")], theirs))
    assert shown(node, cooking) == [(["Dora"], [])]


def test_what_is_local_is_a_rota_of_its_own_and_no_part_of_the_root() -> None:
    here = planner("Ann", Reach.LOCAL)
    blocks = chain(here, [plan()])
    cooking = ids(blocks)[0]
    blocks = chain(here, [shift(cooking)], blocks)
    node = Village()
    node.take(*chain(here, [signup(ids(blocks)[-1], "Dora")], blocks))
    assert shown(node, cooking, local_realm(ALDER)) == [(["Dora"], [])]
    assert shown(node, cooking) == []
    assert node.root() == Village().root()
    node.take(*chain(planner("Ann"), [plan()]))
    assert node.root() != Village().root()


def test_hours_given_and_hours_received_are_two_tallies() -> None:
    node = Village()
    node.take(*chain(genesis("Ann"), [tallied("Dora", given=90), tallied("Dora", received=30)]))
    node.take(*chain(genesis("Ben"), [tallied("Dora", NOON + 1, given=10), tallied("Emil", received=60)]))
    every = hours.entries(node.view, OURS)
    assert hours.tally(every) == [("Dora", 100, 30, 3), ("Emil", 0, 60, 1)]
    assert hours.tally(hours.entries(node.view, OURS, "Dora", since=NOON + 1)) == [("Dora", 10, 0, 1)]
    assert hours.tally(hours.entries(node.view, OURS, "Dora", until=NOON + 1)) == [("Dora", 90, 30, 2)]


def test_an_entry_that_corrects_another_stands_in_its_place_in_whatever_order_they_come() -> None:
    mine = chain(genesis("Ann"), [tallied("Dora", given=5400)])
    theirs = chain(genesis("Ben"), [tallied("Emil", NOON, last(mine), given=90)])
    node = Village()
    node.take(*theirs)
    assert hours.tally(hours.entries(node.view, OURS)) == [("Emil", 90, 0, 1)]
    node.take(*mine)
    assert hours.tally(hours.entries(node.view, OURS)) == [("Emil", 90, 0, 1)]
    node.take(*chain(genesis("Ben"), [tallied("Emil", NOON, last(theirs), given=0)], theirs))
    assert hours.entries(node.view, OURS) == []
    assert {each.given for each in hours.holding(node.view, OURS).values()} == {0}


def test_what_is_cut_comes_to_no_shift() -> None:
    mine = chain(ANN, [plan()])
    mine = chain(ANN, [shift(ids(mine)[0], places=3)], mine)
    cooking, lunch = ids(mine)
    theirs = chain(BEN, [signup(lunch, "Dora"), signup(lunch, "Emil")])
    node = Village()
    node.take(*mine, *theirs)
    node.do(node.hearing(BEN.log, Cut(((1, theirs[1].tip),))))
    assert shown(node, cooking) == [(["Dora"], [])]
    node.do(node.hearing(BEN.log, All()))
    assert sorted(shown(node, cooking)[0][0]) == ["Dora", "Emil"]
    node.do(node.forking(BEN.log, 1))
    assert shown(node, cooking) == [([], [])]


# --- The twin -----------------------------------------------------------------------------------------------

NAMES = ["Ann", "Ben", "Cem", "Dora", "Emil"]


def made_up(random: Random) -> list[list[Block]]:
    """Return logs of people who plan without having seen all of each other's records."""
    logs = [chain(ANN, [plan()]), chain(BEN, []), chain(planner("Cem"), [])]
    cooking = ids(logs[0])[0]
    known: list[RecordId] = []
    signed: list[tuple[RecordId, RecordId]] = []
    for _ in range(random.randint(3, 22)):
        at = random.randrange(len(logs))
        seen = random.sample(signed, random.randint(0, min(3, len(signed))))
        if known and random.random() < 0.1:
            drafts = [cancelled(cooking, *random.sample(known, 1))]
        elif not known or random.random() < 0.25:
            drafts = [shift(cooking, NOON + DAY * random.randrange(4), random.randint(1, 3))]
        elif random.random() < 0.6:
            drafts = [signup(random.choice(known), random.choice(NAMES))]
        elif seen:
            of = seen[0][0] if random.random() < 0.9 else random.choice(known)
            swap = random.random() < 0.5
            who = random.choice(NAMES) if swap else None
            drafts = [signup(of, who, [id_ for _, id_ in seen], random.choice(NAMES) if swap else None)]
        else:
            continue
        logs[at] = chain(logs[at][0].genesis, drafts, logs[at])
        new = ids(logs[at])[-1]
        if "cancels" in drafts[0].value:  # type: ignore[operator]
            continue
        if drafts[0].kind == "shift":
            known.append(new)
        else:
            signed.append((drafts[0].value["shift"], new))  # type: ignore[index, call-overload, arg-type]
    entries = [chain(genesis(name), []) for name in ("Ann", "Ben")]
    told_of: list[Record] = []
    for minutes in range(1, random.randint(2, 9)):
        at = random.randrange(2)
        old = random.choice(told_of) if told_of and random.random() < 0.5 else None
        word = random.choice(["given", "received"])
        amount = 0 if old is not None and random.random() < 0.3 else minutes
        draft = tallied(random.choice(NAMES), NOON + random.randrange(3), old, **{word: amount})
        entries[at] = chain(entries[at][0].genesis, [draft], entries[at])
        told_of.append(last(entries[at]))
    return [*logs, *entries]


@given(st.integers(0, 2**32))
def test_the_rota_is_as_its_naive_twin_says_in_any_order_and_grouping(seed: int) -> None:
    random = Random(seed)
    logs = made_up(random)
    every = [block for log in logs for block in log]
    cooking = ids(logs[0])[0]
    expected = naive.rota(told(every), cooking)
    roots = set()
    for _ in range(2):
        node = Village()
        # A log that the book cuts and hears of again in between must leave no trace.
        for block in interleaved([regrouped(log, random) for log in logs], random):
            node.take(block)
            if random.random() < 0.2:
                node.do(node.hearing(BEN.log, All() if random.random() < 0.5 else Cut(())))
        node.do(node.hearing(BEN.log, All()))
        found = {
            manned.shift.id: ([each.who for each in manned.held], [each.who for each in manned.waiting])
            for manned in rota(node.view, OURS, cooking)
        }
        assert found == expected
        given_received = {
            each.who: (each.given, each.received) for each in hours.tally(hours.entries(node.view, OURS))
        }
        assert given_received == naive.hours(told(every))
        roots.add(node.root())
        assert node.root() == state_root_of(rooted_rows(node.view))
    assert len(roots) == 1


def test_a_log_that_is_merged_in_one_block_says_the_same() -> None:
    logs = made_up(Random(7))
    one, many = Village(), Village()
    one.take(*[merge(log) for log in logs])
    many.take(*[block for log in logs for block in log])
    assert one.root() == many.root()
