"""Promises never exceed what is offered, whatever part of the records a node holds and however they came."""

from functools import partial
from random import Random
from typing import Any

import pytest

from fedsync.crdt.books.booktables import SETTLED
from fedsync.crdt.logs.seats import All, Bound, Cut, Pending
from fedsync.crdt.plans.account import Account, Lot
from fedsync.crdt.plans.plantables import (
    DIRTY,
    DRAWS,
    INTENTS,
    RIGHTS,
    STEPS,
    WAITS,
    WAITS_OF,
    rights_row,
    step_row,
)
from fedsync.crdt.view import Draft as StateDraft
from fedsync.records.block import Block, merge
from fedsync.records.ids import PageId, Reach, RecordId
from tests.crdt.granary import ALDER, BIRCH, HOUR, NOON, WHEAT, genesis, interleaved, regrouped
from tests.crdt.market import Log, Market, RandomMarket, log, twin
from tests.crdt.naive_root import rooted_rows, state_root_of
from tests.seeds import seeds


def node_with(*logs: Log) -> Market:
    node = Market()
    for each in logs:
        node.take(*each.blocks)
    return node


# --- Rights -----------------------------------------------------------------------------------------------


def test_who_offers_promises_from_it_until_nothing_is_left() -> None:
    ann = log("Ann")
    offer = ann.offer(100)
    first, second, third = ann.promise(offer, 60), ann.promise(offer, 50), ann.promise(offer, 40)
    node = node_with(ann)
    assert node.worth() == {first: "valid", second: "beyond", third: "valid"}
    assert node.left() == {(offer, ann.id): 0}


def test_rights_that_were_granted_count_once_they_are_accepted() -> None:
    ann, ben = log("Ann"), log("Ben", BIRCH)
    offer = ann.offer(100)
    granted = ann.grant(offer, 30, ben)
    early = ben.promise(offer, 10)
    kept = ben.promise(offer, 10, accepts=[granted])
    more = ben.promise(offer, 21)
    node = node_with(ben, ann)
    assert [node.worth()[each] for each in (early, kept, more)] == ["beyond", "valid", "beyond"]
    assert node.left() == {(offer, ann.id): 70, (offer, ben.id): 20}


def test_a_grant_that_is_accepted_twice_counts_once() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(100)
    granted = ann.grant(offer, 30, ben)
    ben.promise(offer, 30, accepts=[granted])
    again = ben.promise(offer, 30, accepts=[granted])
    assert node_with(ann, ben).code(again) == ("beyond", "beyond-rights")


@pytest.mark.parametrize("wrong", ["another's", "another offer's", "no grant", "no such record"])
def test_what_accepts_what_is_no_grant_to_it_is_void(wrong: str) -> None:
    ann, ben, cem = log("Ann"), log("Ben"), log("Cem")
    offer, other = ann.offer(100), ann.offer(100)
    refs = {
        "another's": ann.grant(offer, 5, cem),
        "another offer's": ann.grant(other, 5, ben),
        "no grant": ann.ref(1),
        "no such record": [ann.id, 3, bytes(32)],
    }
    promise = ben.promise(offer, 1, accepts=[refs[wrong]])
    assert node_with(ann, ben).code(promise) == ("void", "no-grant")


def test_rights_to_an_unknown_log_are_gone_from_here_and_lie_there() -> None:
    ann = log("Ann")
    offer = ann.offer(100)
    grant = ann.grant(offer, 60, log("nobody"))
    beyond = ann.promise(offer, 50)
    node = node_with(ann)
    assert (node.worth()[grant[2]], node.worth()[beyond]) == ("valid", "beyond")
    assert node.left() == {(offer, ann.id): 40}


def test_what_is_given_up_is_promised_by_nobody() -> None:
    ann = log("Ann")
    offer = ann.offer(10)
    gone = ann.grant(offer, 4, None)
    beyond = ann.promise(offer, 7)
    node = node_with(ann)
    assert (node.code(gone[2]), node.worth()[beyond]) == (("valid", "given-up"), "beyond")


def test_rights_go_on_from_hand_to_hand_and_back() -> None:
    ann, ben, cem = log("Ann"), log("Ben"), log("Cem", BIRCH)
    offer = ann.offer(10)
    one = ann.grant(offer, 10, ben)
    two = ben.grant(offer, 7, cem, accepts=[one])
    kept = cem.promise(offer, 3, accepts=[two])
    handed_back = cem.grant(offer, 4, ann)
    last = ann.promise(offer, 4, accepts=[handed_back])
    node = node_with(cem, ben, ann)
    assert {node.worth()[each] for each in (kept, last)} == {"valid"}
    assert node.left() == {(offer, ann.id): 0, (offer, ben.id): 3, (offer, cem.id): 0}


def test_a_promise_waits_for_the_grant_it_names_and_all_after_it_wait_too() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(100)
    granted = ann.grant(offer, 30, ben)
    kept, more = ben.promise(offer, 30, accepts=[granted]), ben.promise(offer, 1)
    node = node_with(ben)
    assert node.code(kept) == ("pending", "offer-not-held")
    node.take(*ann.blocks[:2])
    assert (node.code(kept), node.code(more)) == (("pending", "grant-not-held"), ("pending", "rights-wait"))
    node.take(*ann.blocks[2:])
    assert (node.worth()[kept], node.worth()[more]) == ("valid", "beyond")
    assert [row for table in (WAITS, WAITS_OF) for row in node.view.scan(table)] == []


# --- Bad input --------------------------------------------------------------------------------------------


def test_a_promise_to_oneself_is_void() -> None:
    ann = log("Ann")
    offer = ann.offer(10)
    assert node_with(ann).worth() == {}
    promise = ann.promise(offer, 1, ALDER)
    assert node_with(ann).code(promise) == ("void", "promise-to-oneself")


def test_a_promise_from_a_need_is_void_and_one_from_nothing_that_is_held_waits() -> None:
    ann = log("Ann")
    need = ann.say("intent", resource_conforms_to=WHEAT, quantity=5, receiver=ALDER)[2]
    one, two = ann.promise(need, 1), ann.promise(bytes(32), 1)
    node = node_with(ann)
    assert node.code(one) == ("void", "not-an-offer")
    assert node.code(two) == ("pending", "offer-not-held")
    assert [row[3] for _, row in node.view.scan(INTENTS)] == ["need"]


def test_nothing_is_promised_after_an_offer_is_over() -> None:
    ann = log("Ann")
    offer = ann.offer(10, until=NOON + HOUR)
    ann.promise(offer, 1, time=NOON + HOUR)
    late = ann.promise(offer, 1, time=NOON + HOUR + 1)
    assert node_with(ann).code(late) == ("void", "offer-over")


# --- Release and expiry -----------------------------------------------------------------------------------


def test_a_promise_that_is_released_gives_its_rights_back_once() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(10)
    early = ann.promise(offer, 10, until=NOON + HOUR)
    free, twice = ann.release(early, NOON), ann.release(early)
    late = ann.promise(offer, 10, until=NOON + HOUR)
    ann.release(late, NOON + 2 * HOUR)
    again = ann.promise(offer, 10)
    foreign = ben.release(again)
    node = node_with(ann, ben)
    assert node.code(early) == ("released", "withdrawn")
    assert node.code(late) == ("released", "expired")
    assert (node.code(free), node.code(twice)) == (("valid", "released"), ("void", "released-before"))
    assert node.worth()[again] == "valid"
    assert foreign not in node.worth()


def test_a_promise_is_not_taken_from_rights_that_were_over_by_its_own_time() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(10)
    grant = ann.grant(offer, 5, ben, expires=NOON + HOUR)
    kept = ben.promise(offer, 2, time=NOON + HOUR, accepts=[grant])
    late = ben.promise(offer, 2, time=NOON + HOUR + 1)
    node = node_with(ann, ben)
    assert (node.worth()[kept], node.code(late)) == ("valid", ("beyond", "beyond-rights"))


def test_the_granter_takes_back_what_was_left_and_later_promises_that_no_longer_fit_are_void() -> None:
    ann, ben, cem = log("Ann"), log("Ben"), log("Cem")
    offer = ann.offer(10)
    grant = ann.grant(offer, 10, ben, expires=NOON + HOUR)
    kept = ben.promise(offer, 4, accepts=[grant])
    seen = ben.tip()
    # While nobody hears of the other: Ben goes on, with a time that is still allowed, and hands rights on.
    unheard, handed = ben.promise(offer, 3), ben.grant(offer, 3, cem)
    third = cem.promise(offer, 3, accepts=[handed])
    alone = node_with(ann, ben, cem)
    assert {alone.worth()[each] for each in (unheard, handed[2], third)} == {"valid"}
    too_early = ann.back(offer, 6, grant, NOON, at=seen)
    too_much = ann.back(offer, 7, grant, NOON + 2 * HOUR, at=seen)
    back = ann.back(offer, 6, grant, NOON + 2 * HOUR, at=seen)
    again = ann.promise(offer, 6, time=NOON + 2 * HOUR)
    node = node_with(ann)
    assert node.code(too_early[2]) == ("pending", "at-not-held")
    assert node.code(back[2]) == ("pending", "rights-wait")
    node.take(*ben.blocks, *cem.blocks)
    assert node.code(too_early[2]) == ("void", "not-over")
    assert node.code(too_much[2]) == ("void", "already-spent")
    assert [node.worth()[each] for each in (kept, back[2], again)] == ["valid", "valid", "valid"]
    assert [node.worth()[each] for each in (unheard, handed[2], third)] == ["beyond"] * 3
    assert node.promised(offer) == 10
    assert sorted(node.left().values()) == [0, 0, 0]


def test_rights_come_back_from_a_log_that_the_book_ended_once_its_last_record_is_named() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(10)
    grant = ann.grant(offer, 10, ben)
    ben.promise(offer, 4, accepts=[grant])
    early = ann.back(offer, 6, grant, at=ben.tip())
    tip = ben.tip()
    back = ann.back(offer, 6, grant, at=tip)
    node = node_with(ann, ben)
    assert (node.code(early[2]), node.code(back[2])) == (("void", "not-over"), ("void", "not-over"))
    node.do(node.hearing(ben.id, Cut(((tip[1], tip[2]),))))
    assert node.code(early[2]) == ("valid", "taken-back")
    assert node.code(back[2]) == ("void", "already-spent")
    assert node.left() == {(offer, ann.id): 6, (offer, ben.id): 0}


def test_of_rights_that_were_taken_back_before_they_were_accepted_the_rest_is_left() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(10)
    grant = ann.grant(offer, 10, ben, expires=NOON)
    ann.back(offer, 6, grant, NOON + 1)
    ann.promise(offer, 6)
    beyond = ben.promise(offer, 5, accepts=[grant])
    kept = ben.promise(offer, 4)
    node = Market()
    node.take(*ann.blocks)
    node.take(*ben.blocks)
    assert (node.worth()[beyond], node.worth()[kept]) == ("beyond", "valid")
    assert node.promised(offer) == 10


def test_rights_come_back_as_of_no_record_only_when_none_of_their_holder_counts() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(10)
    grant = ann.grant(offer, 10, ben)
    back = ann.back(offer, 10, grant)
    ben.offer(3)
    nothing = Market({ben.id: Cut(())})
    nothing.take(*ann.blocks, *ben.blocks)
    assert nothing.code(back[2]) == ("valid", "taken-back")
    # All of Ben's log comes at once, and the book said before where it ends.
    some = Market({ben.id: Cut(((1, ben.blocks[1].tip),))})
    some.take(*ann.blocks)
    some.take(merge(ben.blocks))
    assert some.code(back[2]) == ("void", "not-over")


def test_who_takes_back_names_a_record_of_the_holder_that_is_there() -> None:
    ann, ben, cem = log("Ann"), log("Ben"), log("Cem")
    offer = ann.offer(10)
    grant = ann.grant(offer, 10, ben, expires=NOON)
    ben.promise(offer, 4, accepts=[grant])
    other = cem.promise(offer, 1)
    made_up = ann.back(offer, 6, grant, NOON + 1, at=[ben.id, 1, bytes(32)])
    elsewhere = ann.back(offer, 6, grant, NOON + 1, at=[cem.id, 1, other])
    node = node_with(ann, ben, cem)
    assert node.code(made_up[2]) == ("void", "at-not-counted")
    assert node.code(elsewhere[2]) == ("void", "at-elsewhere")
    assert node.left() == {(offer, ann.id): 0, (offer, ben.id): 6}


def test_what_comes_back_is_granted_no_more() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(10)
    grant = ann.grant(offer, 10, ben, expires=NOON)
    ann.back(offer, 6, grant, NOON + 1)
    node = node_with(ann, ben)
    rows = {key[2]: rights_row(row) for key, row in node.view.scan(RIGHTS)}
    assert rows[ann.id] == (6, 0, 4)


@pytest.mark.parametrize("book", ["all", "cut"])
@pytest.mark.parametrize("late", [False, True])
def test_no_log_of_another_class_holds_rights_or_grants_them_whichever_comes_first(
    late: bool, book: str
) -> None:
    # Nothing is judged anew when a log of goods grows, so a verdict that looked at one would hang on the order.
    ann, ben, goods = log("Ann"), log("Ben"), Log(genesis("goods of Cem"))
    goods.say("economic_event", resource_conforms_to=WHEAT)
    offer = ann.offer(10)
    granted = ann.grant(offer, 4, goods, expires=NOON)
    accepts = ben.promise(offer, 1, accepts=[goods.tip()])
    back = ann.back(offer, 4, granted, NOON + 1, at=goods.tip())
    node = Market({goods.id: Cut(()) if book == "cut" else All()})
    for each in [ann, ben, goods] if late else [goods, ann, ben]:
        node.take(*each.blocks)
    assert node.code(accepts) == ("pending", "grant-not-held")
    assert node.code(back[2]) == ("pending", "at-not-held")
    assert node.left() == {(offer, ann.id): 6}


@pytest.mark.parametrize("late", [False, True])
def test_a_grant_is_accepted_by_its_own_place_and_no_other(late: bool) -> None:
    ann, ben, cem = log("Ann"), log("Ben"), log("Cem")
    offer = ann.offer(10)
    grant = ann.grant(offer, 5, ben)
    there = ben.promise(offer, 1, accepts=[[ann.id, 1, grant[2]]])
    elsewhere = ben.promise(offer, 1, accepts=[[cem.id, 0, grant[2]]])
    node = Market()
    for each in [ben, cem, ann] if late else [ann, cem, ben]:
        node.take(*each.blocks)
    assert node.code(there) == ("void", "no-grant")
    assert node.code(elsewhere) == ("void", "no-grant")


def test_a_record_names_a_grant_once_wherever_it_says_that_it_stands() -> None:
    # Under the same id it would hold the grant and nothing, of which the granter could take back nothing.
    ann, ben, cem = log("Ann"), log("Ben"), log("Cem")
    offer = ann.offer(10)
    grant = ann.grant(offer, 5, ben)
    ben.promise(offer, 1, accepts=[[cem.id, 9, grant[2]], grant])
    node = Market({cem.id: Cut(())})
    for each in (ann, cem, ben):
        node.take(*each.blocks)
    assert node.left() == {(offer, ann.id): 5}


def test_rights_come_back_from_a_log_whose_branch_the_book_settled() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(10)
    grant = ann.grant(offer, 10, ben)
    trunk = list(ben.blocks)
    one, other = Log(ben.begins, list(trunk)), Log(ben.begins, list(trunk))
    one.promise(offer, 4, accepts=[grant])
    other.promise(offer, 9, accepts=[grant])
    back = ann.back(offer, 6, grant, at=one.tip())
    node = node_with(ann, one)
    assert node.code(back[2]) == ("void", "not-over")
    node.view.hold(other.blocks[-1])
    node.do(node.forking(ben.id, 1))
    node.do(settling(node, one))
    assert node.code(back[2]) == ("valid", "taken-back")
    assert node.left() == {(offer, ann.id): 6, (offer, ben.id): 0}


# --- What falls -------------------------------------------------------------------------------------------


def test_when_a_granter_is_cut_below_its_grant_the_promises_that_rested_on_it_fall() -> None:
    ann, ben, cem = log("Ann"), log("Ben"), log("Cem")
    offer = ann.offer(10)
    ann_kept = ann.promise(offer, 1)
    one = ann.grant(offer, 5, ben)
    two = ben.grant(offer, 3, cem, accepts=[one])
    fallen = cem.promise(offer, 3, accepts=[two])
    node = node_with(ann, ben, cem)
    assert node.worth()[fallen] == "valid"
    node.do(node.hearing(ann.id, Cut(((2, ann.blocks[2].tip),))))
    assert (node.worth()[ann_kept], node.worth()[two[2]], node.worth()[fallen]) == (
        "valid",
        "beyond",
        "beyond",
    )
    # The same where what was cut off never comes at all.
    other = Market({ann.id: Cut(((2, ann.blocks[2].tip),))})
    other.take(*cem.blocks, *ben.blocks, *ann.blocks[:3])
    assert (other.root(), rooted_rows(other.view)) == (node.root(), rooted_rows(node.view))
    node.do(node.hearing(ann.id, All()))
    assert node.worth()[fallen] == "valid"


def test_when_the_author_of_an_offer_is_cut_below_it_its_promises_wait_for_it() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(10)
    promise = ben.promise(offer, 1, accepts=[ann.grant(offer, 5, ben)])
    node = node_with(ann, ben)
    node.do(node.hearing(ann.id, Cut(())))
    assert node.code(promise) == ("pending", "offer-not-held")
    assert node.left() == {}


def test_above_a_fork_rights_are_frozen_until_the_book_settles_which_branch_holds() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(10)
    trunk = list(ann.blocks)
    one = Log(ann.begins, list(trunk))
    other = Log(ann.begins, list(trunk))
    granted = one.grant(offer, 6, ben)
    other.promise(offer, 10, "The Millers")
    promise = ben.promise(offer, 6, accepts=[granted])
    node = node_with(one, ben)
    assert node.worth()[promise] == "valid"
    node.view.hold(other.blocks[-1])
    node.do(node.forking(ann.id, 2))
    assert node.code(promise) == ("pending", "grant-not-held")
    node.do(settling(node, one))
    assert node.worth()[promise] == "valid"
    node.do(settling(node, other))
    assert node.code(promise) == ("void", "no-grant")
    assert node.promised(offer) == 10


def settling(node: Market, branch: Log) -> Any:
    """Return the step in which the book says which branch of a log holds."""

    def step(draft: StateDraft) -> None:
        log_id, seq, id_ = branch.tip()
        draft.put(SETTLED, (branch.begins.scope, log_id), (seq, id_, PageId(bytes(32)), 0))
        node.counting.refold(draft, log_id)

    return step


# --- What stays in a community ----------------------------------------------------------------------------


def test_what_others_see_never_hangs_on_what_stays_in_a_community() -> None:
    ann, eva = log("Ann"), log("Eva", reach=Reach.LOCAL)
    offer, home = ann.offer(10), eva.offer(10)
    out = ann.promise(home, 1)
    granted = ann.grant(offer, 4, eva, expires=NOON)
    inside = eva.promise(offer, 3, "The Millers", accepts=[granted])
    back = ann.back(offer, 4, granted, NOON + 1, at=eva.tip())
    from_eva = eva.grant(offer, 1, ann)
    waits = ann.promise(offer, 7, accepts=[from_eva])
    node, outside = node_with(eva, ann), node_with(ann)
    assert node.worth()[inside] == "valid"
    for each in (node, outside):
        assert each.code(out) == ("pending", "offer-not-held")
        assert each.code(back[2]) == ("pending", "at-not-held")
        assert each.code(waits) == ("pending", "rights-wait")
    assert node.root() == outside.root()


# --- The laws ---------------------------------------------------------------------------------------------


def spendings(node: Market) -> set[Any]:
    """Return the places of promises and grants that stand."""
    rows = ((key, step_row(row)) for key, row in node.view.scan(STEPS))
    codes = {"promise-stands", "rights-granted", "given-up"}
    return {key[1:] for key, row in rows if row.code in codes}


def hear(node: Market, log_id: Any, bound: Bound) -> None:
    """Let the book of a node say this of a log."""
    node.do(node.hearing(log_id, bound))


def counting_of(blocks: list[Block], bound: Bound, fork: int | None) -> list[Block]:
    """Return what counts of a log."""
    stop = len(blocks) if fork is None else fork
    match bound:
        case Pending():
            return []
        case Cut(tips):
            stop = min(stop, max((seq + 1 for seq, _ in tips), default=0))
    return blocks[:stop]


@pytest.mark.parametrize("seed", seeds(60))
def test_any_order_grouping_and_repetition_give_the_verdicts_of_the_naive_twin_and_one_root(
    seed: int,
) -> None:
    random = Random(seed)
    market = RandomMarket(random)
    market.grow(random.randint(5, 60))
    bounds: dict[Any, Bound] = {}
    forks: dict[Any, int] = {}
    for each in market.logs:
        tips = tuple(
            (seq, each.blocks[seq].tip)
            for seq in [random.randrange(len(each.blocks))]
            if random.random() < 0.9
        )
        said: list[Bound] = [All(), Cut(tips), Pending()]
        bounds[each.id] = random.choices(said, [8, 2, 1])[0]
        if random.random() < 0.15 and len(each.blocks) > 2:
            forks[each.id] = random.randrange(1, len(each.blocks))
    counting = {
        each.begins: counting_of(each.blocks, bounds[each.id], forks.get(each.id))
        for each in market.logs
        if not isinstance(bounds[each.id], Pending)
    }
    expected = twin(counting, [name for name, bound in bounds.items() if isinstance(bound, Cut)])
    nodes: list[Market] = []
    for _ in range(3):
        node = Market({name: random.choice([All(), bound, Pending()]) for name, bound in bounds.items()})
        queues: list[Any] = [
            [partial(node.take, block) for block in regrouped(each.blocks, random)] for each in market.logs
        ]
        queues += [[partial(hear, node, name, bound)] for name, bound in bounds.items()]
        for act in interleaved(queues, random):
            act()
        for name, bound in bounds.items():
            hear(node, name, bound)
        for name, seq in forks.items():
            node.do(node.forking(name, seq))
        nodes.append(node)
        assert list(node.view.scan(DIRTY)) == []
        assert {key for key, _ in node.view.scan(DRAWS)} == spendings(node)
        assert node.worth() == expected.worth()
        for (intent, name), left in node.left().items():
            assert left == expected.left(intent, name) >= 0
        for offer in market.intents:
            row = next((row for key, row in node.view.scan(INTENTS) if key[1] == offer), None)
            assert node.promised(offer) <= (row[5] if row else 0)  # type: ignore[operator]
    assert (
        len({node.root() for node in nodes} | {state_root_of(rooted_rows(node.view)) for node in nodes}) == 1
    )


def test_lots_that_expire_first_are_spent_first() -> None:
    account = Account(
        [
            Lot(RecordId(b"a"), 5),
            Lot(RecordId(b"b"), 5, NOON + 2),
            Lot(RecordId(b"c"), 5, NOON + 1),
            Lot(RecordId(b"d"), 5, NOON - 1),
        ]
    )
    assert account.draw(12, NOON) == [(b"c", 5), (b"b", 5), (b"a", 2)]
    assert account.draw(4, NOON) is None
    assert account.left == 8


@pytest.mark.parametrize("seed", seeds(40))
def test_lots_are_drawn_and_given_back_as_who_looks_at_all_of_them_each_time_would(seed: int) -> None:
    random = Random(seed)
    account, plain, drawn = Account(), Account(), []
    for number in range(60):
        match random.choice(("lot", "draw", "draw", "back", "less")):
            case "lot":
                expires = random.choice([None, *range(5)])
                for each in (account, plain):
                    each.lots.append(Lot(RecordId(bytes([number])), 4, expires))
            case "draw":
                quantity, time = random.randint(1, 9), random.randrange(6)
                found = account.draw(quantity, time)
                assert found == _plain_draw(plain, quantity, time)
                drawn += [found] if found else []
            case "back" if drawn:
                back = drawn.pop(random.randrange(len(drawn)))
                account.give_back(back)
                for source, part in back:
                    next(lot for lot in plain.lots if lot.source == source).left += part
            case "less" if account.lots:
                # What the granter takes back goes past the account.
                at = random.randrange(len(account.lots))
                for each in (account, plain):
                    each.lots[at].left = max(0, each.lots[at].left - 1)
        assert account.lots == plain.lots


def _plain_draw(account: Account, quantity: int, time: int) -> list[tuple[RecordId, int]] | None:
    usable = [lot for lot in account.lots if lot.usable(time)]
    usable.sort(key=lambda lot: 99 if lot.expires is None else lot.expires)
    if sum(lot.left for lot in usable) < quantity:
        return None
    found = []
    for lot in usable:
        part = min(lot.left, quantity)
        if part:
            found.append((lot.source, part))
        lot.left, quantity = lot.left - part, quantity - part
    return found
