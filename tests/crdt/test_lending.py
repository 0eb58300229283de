"""Loans: who has what since when. A return may come before its loan, twice or never, and the goods are counted once."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.goods.history import Moved, history
from fedsync.crdt.goods.tables import BALANCES, balance
from fedsync.crdt.logs.seats import All, Cut
from fedsync.crdt.work.lending import MAX_CLASHES, Lent, loans
from fedsync.records.block import Block, Record
from fedsync.records.ids import NO_LOT
from tests.crdt import naive_lending as naive
from tests.crdt import naive_stock
from tests.crdt.granary import HOUR, NOON, chain, counted, genesis, interleaved, moved, regrouped, told
from tests.crdt.naive_root import rooted_rows, state_root_of
from tests.crdt.village import BLUE, CHAIR, DRILL, OURS, SHED, Village, last, lent, returned

ANN, BEN = genesis("Ann"), genesis("Ben")


def told_by(node: Village) -> list[Lent]:
    """Return the loans that a node shows."""
    return loans(node.view, OURS)


def test_a_loan_is_out_until_it_is_brought_back() -> None:
    out = chain(ANN, [lent("Dora", due=NOON + HOUR)])
    node = Village()
    node.take(*out)
    (loan,) = told_by(node)
    assert (loan.loan.to, loan.out, loan.until) == ("Dora", True, None)
    assert not loan.overdue(NOON + HOUR)
    assert loan.overdue(NOON + HOUR + 1)
    node.take(*chain(BEN, [returned(last(out), NOON + 2 * HOUR, "the cable is broken")]))
    (loan,) = told_by(node)
    assert (loan.out, loan.until, loan.overdue(NOON + 9 * HOUR)) == (False, NOON + 2 * HOUR, False)
    assert loan.back is not None
    assert loan.back.condition == "the cable is broken"


def test_a_return_that_is_known_before_its_loan_waits_for_it() -> None:
    out = chain(ANN, [lent("Dora")])
    node = Village()
    node.take(*chain(BEN, [returned(last(out))]))
    assert told_by(node) == []
    node.take(*out)
    assert [each.out for each in told_by(node)] == [False]


def test_of_two_returns_the_earlier_holds_and_the_other_is_shown() -> None:
    out = chain(ANN, [lent("Dora")])
    node = Village()
    node.take(*out, *chain(BEN, [returned(last(out), NOON + 3 * HOUR)]))
    node.take(*chain(ANN, [returned(last(out), NOON + 2 * HOUR)], out))
    (loan,) = told_by(node)
    assert loan.until == NOON + 2 * HOUR
    assert [each.at for each in loan.again] == [NOON + 3 * HOUR]


def test_a_return_from_before_its_loan_is_of_the_same_moment() -> None:
    out = chain(ANN, [lent("Dora")])
    node = Village()
    node.take(*out, *chain(BEN, [returned(last(out), NOON - HOUR)]))
    (loan,) = told_by(node)
    assert loan.until == NOON


def test_a_return_that_names_a_wrong_place_brings_nothing_back() -> None:
    out = chain(ANN, [lent("Dora"), lent("Emil")])
    wrong = returned(last(out))
    assert isinstance(wrong.value, dict)
    wrong.value["loan"] = [ANN.log, 1, out[2].tip]
    node = Village()
    node.take(*out, *chain(BEN, [wrong]))
    assert [each.out for each in told_by(node)] == [True, True]


def test_a_thing_that_is_lent_while_it_is_out_is_shown_on_both_loans() -> None:
    first, second = chain(ANN, [lent("Dora")]), chain(BEN, [lent("Emil", NOON + HOUR)])
    node = Village()
    node.take(*second, *first)
    dora, emil = told_by(node)
    assert (dora.clashes, emil.clashes) == ((emil.loan.id,), (dora.loan.id,))
    node.take(*chain(ANN, [returned(last(first), NOON + HOUR)], first))
    assert [each.clashes for each in told_by(node)] == [(), ()]


def test_of_a_thing_that_is_lent_very_often_at_once_each_loan_names_a_few_others() -> None:
    often = [lent("Dora", NOON + at) for at in range(60)]
    node = Village()
    node.take(*chain(ANN, often))
    found = told_by(node)
    assert {len(each.clashes) for each in found} == {MAX_CLASHES}
    assert all(each.loan.id not in each.clashes for each in found)
    node.take(*chain(BEN, [lent("Emil", NOON + HOUR)]))
    emil = told_by(node)[-1]
    assert (emil.loan.to, len(emil.clashes)) == ("Emil", MAX_CLASHES)


def test_things_without_a_number_may_be_with_several_people() -> None:
    node = Village()
    node.take(*chain(ANN, [lent("Dora", item=CHAIR, lot=None, quantity=5)]))
    node.take(*chain(BEN, [lent("Emil", item=CHAIR, lot=None, quantity=5)]))
    assert [each.clashes for each in told_by(node)] == [(), ()]


# --- What it does to the store ---------------------------------------------------------------------------------


def shed(node: Village, item: bytes = DRILL, lot: bytes = BLUE) -> tuple[int, int]:
    """Return what is on hand in the shed, and what is there by right."""
    row = node.view.get(BALANCES, (OURS, SHED, item, lot))
    assert row is not None
    found = balance(row)
    return found.on_hand, found.accounting


def test_what_is_lent_is_not_there_and_still_ours() -> None:
    mine = chain(ANN, [moved("raise", 1, NOON - HOUR, DRILL, SHED, lot=BLUE)])
    out = chain(ANN, [lent("Dora")], mine)
    node = Village()
    node.take(*mine)
    assert shed(node) == (1, 1)
    node.take(*out)
    assert shed(node) == (0, 1)
    node.take(*chain(BEN, [returned(last(out))]))
    assert shed(node) == (1, 1)
    node.take(*chain(genesis("Cem"), [returned(last(out), NOON + 9 * HOUR)]))
    assert shed(node) == (1, 1)


def test_a_thing_is_never_there_twice_because_its_return_says_an_earlier_time() -> None:
    mine = chain(ANN, [moved("raise", 1, NOON - 2 * HOUR, DRILL, SHED, lot=BLUE), lent("Dora")])
    counted_ = counted(1, NOON - 1, DRILL, SHED, lot=BLUE)
    node = Village()
    node.take(*mine, *chain(BEN, [returned(last(mine), NOON - HOUR), counted_]))
    # By the count one was there before it was lent; a return before the count would leave it lent for good.
    assert shed(node) == (1, 1)


def test_who_counts_while_it_is_out_finds_it_gone_and_its_return_adds_it() -> None:
    mine = chain(ANN, [moved("raise", 5, NOON - HOUR, CHAIR, SHED)])
    out = chain(ANN, [lent("Dora", item=CHAIR, lot=None, quantity=2)], mine)
    node = Village()
    node.take(*out, *chain(BEN, [counted(3, NOON + HOUR, CHAIR, SHED)]))
    assert shed(node, CHAIR, NO_LOT) == (3, 5)
    node.take(*chain(genesis("Cem"), [returned(last(out), NOON + 2 * HOUR)]))
    assert shed(node, CHAIR, NO_LOT) == (5, 5)


def test_a_loan_that_is_written_down_late_explains_a_count_and_takes_nothing_away_twice() -> None:
    node = Village()
    node.take(
        *chain(BEN, [moved("raise", 5, NOON - HOUR, CHAIR, SHED), counted(3, NOON + HOUR, CHAIR, SHED)])
    )
    node.take(*chain(ANN, [lent("Dora", item=CHAIR, lot=None, quantity=2)]))
    row = node.view.get(BALANCES, (OURS, SHED, CHAIR, NO_LOT))
    assert row is not None
    assert (balance(row).on_hand, balance(row).unexplained) == (3, 0)


def test_the_history_of_a_thing_tells_who_had_it() -> None:
    mine = chain(ANN, [moved("raise", 1, NOON - HOUR, DRILL, SHED, lot=BLUE)])
    out = chain(ANN, [lent("Dora")], mine)
    node = Village()
    node.take(*out, *chain(BEN, [returned(last(out), NOON + HOUR, "wet")]))
    found = [
        (each.event.action, each.event.receiver or each.event.provider, each.after, each.note)
        for each in history(node.view, (OURS, SHED, DRILL, BLUE)).entries
        if isinstance(each, Moved)
    ]
    assert found == [
        ("raise", None, 1, ""),
        ("transfer_custody", "Dora", 0, "lent"),
        ("transfer_custody", "Dora", 1, "brought back: wet"),
    ]


# --- The twin -----------------------------------------------------------------------------------------------


def made_up(random: Random) -> list[list[Block]]:
    """Return logs of people who lend and take back one drill and some chairs, knowing little of each other."""
    logs = [chain(genesis(name), []) for name in ("Ann", "Ben", "Cem")]
    out: list[Record] = []
    for _ in range(random.randint(2, 16)):
        at, when = random.randrange(3), NOON + random.randrange(6) * HOUR
        if out and random.random() < 0.45:
            draft = returned(random.choice(out), when)
        elif random.random() < 0.7:
            draft = lent(random.choice(["Dora", "Emil"]), when, lot=BLUE)
        else:
            draft = lent("Fay", when, item=CHAIR, lot=None, quantity=random.randint(1, 9))
        logs[at] = chain(logs[at][0].genesis, [draft], logs[at])
        if draft.kind == "loan" and "returned" not in draft.value:  # type: ignore[operator]
            out.append(last(logs[at]))
    return logs


@given(st.integers(0, 2**32))
def test_loans_are_as_their_naive_twin_says_in_any_order_and_grouping(seed: int) -> None:
    random = Random(seed)
    logs = made_up(random)
    every = [block for log in logs for block in log]
    expected = naive.loans(told(every))
    plain = naive.as_movements(told(every))
    levels = naive_stock.levels(plain, {each.log: None for each in plain})
    roots = set()
    for _ in range(2):
        node = Village()
        for block in interleaved([regrouped(log, random) for log in logs], random):
            node.take(block)
            if random.random() < 0.2:
                node.do(node.hearing(BEN.log, All() if random.random() < 0.5 else Cut(())))
        node.do(node.hearing(BEN.log, All()))
        found = {
            each.loan.id: naive.Out(
                each.loan.to,
                each.until,
                each.back.id if each.back else None,
                frozenset(each.clashes),
            )
            for each in told_by(node)
        }
        assert found == expected
        assert node.levels() == levels
        assert node.accounting() == naive_stock.accounting(plain, {each.log: None for each in plain})
        roots.add(node.root())
        assert node.root() == state_root_of(rooted_rows(node.view))
    assert len(roots) == 1
