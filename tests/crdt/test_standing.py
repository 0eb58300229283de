"""Which records of stewards count: under what mandate, within which terms, and what its end keeps of them."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from fedsync.crdt.books.drafting import draft_page
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.logs.pins import pin_of
from fedsync.crdt.logs.seats import All, Cut, Pending
from fedsync.crdt.logs.standing import bound_of, under_of
from fedsync.crdt.logs.whystanding import why_standing
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import PageId, Reach
from tests.crdt.books import key, tag
from tests.crdt.community import Community, decision
from tests.crdt.granary import NOON
from tests.crdt.stewards import (
    FACTS,
    PLANS,
    Node,
    Twin,
    book_of,
    draw,
    ending,
    log_of,
    mandate,
    orders,
    page_id,
    pages,
    raised,
    said_plainly,
    settle,
    written,
)
from tests.seeds import seeds

GIVEN = mandate(alternate=key("Wim"))


def given_by(entry: dict[str, Any]) -> tuple[bytes, int]:
    """Return the mandate that stands alone on page 1."""
    return bytes(page_id(pages([entry])[1])), 0


def vera(count: int = 4, entry: dict[str, Any] = GIVEN, after: Any = (), start: int = 1) -> list[Block]:
    """Return Vera's log of facts under the mandate on page 1."""
    drafts = [raised(start + at) for at in range(count)]
    return written(log_of("Vera", given_by(entry)), "Vera", drafts, after)


def node(entries: list[list[Any]], said: list[str], *blocks: Block) -> Node:
    """Return a node that holds a book and some blocks."""
    found = Node()
    found.do("follow", *[block for log in book_of(pages(*entries), said) for block in log], *blocks)
    return found


def kept(at: Node, log: list[Block]) -> int:
    """Return how many records after the first of a log count, and see that they are the first ones."""
    counts, ids = at.counts(), [each.tip for each in log[1:]]
    number = len(counts & set(ids))
    assert set(ids[:number]) <= counts
    return number


def code(at: Node, block: Block) -> tuple[str, str]:
    verdict = why_standing(at.view, block.record(0))
    assert verdict.sentence.endswith(".")
    return verdict.status, verdict.code


# --- Whose


def test_a_stewards_records_wait_for_the_page_and_for_two_signatures_and_count_from_then_on() -> None:
    log = vera()
    at = Node()
    at.do(*log)
    assert (kept(at, log), code(at, log[1])) == (0, ("pending", "mandate-not-held"))
    at = node([[GIVEN]], ["draft"], *log)
    assert (kept(at, log), code(at, log[1])) == (0, ("pending", "mandate-not-sealed"))
    for word in ("adopted", "sealed"):
        at = node([[GIVEN]], [word], *log)
        assert (kept(at, log), code(at, log[1])) == (4, ("counts", "counts"))
        assert bound_of(at.view, log[0].genesis) == All()


def test_the_alternate_counts_and_nobody_else_does() -> None:
    wim, zoe = (written(log_of(name, given_by(GIVEN)), name, [raised(1)]) for name in ("Wim", "Zoe"))
    at = node([[GIVEN]], ["sealed"], *wim, *zoe)
    assert (kept(at, wim), kept(at, zoe)) == (1, 0)
    assert code(at, zoe[1]) == ("void", "not-the-holder")


def test_a_mandate_for_a_seat_lets_nobody_record_goods() -> None:
    seat = {name: each for name, each in GIVEN.items() if name != "task"} | {"seat": b"s" * 32}
    log = vera(entry=seat)
    at = node([[seat]], ["sealed"], *log)
    assert (kept(at, log), code(at, log[1])) == (0, ("void", "no-task"))


def test_an_entry_that_is_no_mandate_gives_nothing() -> None:
    other = {"kind": "decision", "title": "So be it", "text": "So be it."}
    log = vera(entry=other)
    at = node([[other]], ["sealed"], *log)
    assert (kept(at, log), code(at, log[1])) == (0, ("void", "no-mandate"))


def test_a_log_of_another_body_is_under_none_of_our_mandates() -> None:
    begins = replace(log_of("Vera", given_by(GIVEN)), scope=tag("Birch"))
    log = written(begins, "Vera", [raised(1)])
    at = node([[GIVEN]], ["sealed"], *log)
    assert (kept(at, log), code(at, log[1])) == (0, ("void", "no-mandate"))


# --- Terms


def terms(entry: dict[str, Any], *drafts: Any) -> list[str]:
    """Return for each record of a log what it comes to under a mandate."""
    log = written(log_of("Vera", given_by(entry)), "Vera", drafts)
    at = node([[entry]], ["sealed"], *log)
    words = [code(at, each)[1] for each in log[1:]]
    assert at.counts() == {each.tip for each, word in zip(log[1:], words, strict=True) if word == "counts"}
    return words


def test_only_the_kinds_that_the_mandate_names_count_and_names_of_things_with_them() -> None:
    drafts = [said_plainly(kind) for kind in ("store", "economic_event", "count", "loan")]
    out = "outside-kinds"
    assert terms(mandate(may=["economic_event"]), *drafts) == ["counts", "counts", out, out]
    assert terms(mandate(may=["loan"]), *drafts) == ["counts", out, out, "counts"]
    assert terms(mandate(may=["commitment"]), *drafts) == [out] * 4
    none = {name: each for name, each in mandate().items() if name != "may"}
    assert terms(none, *drafts) == [out] * 4


def test_who_may_promise_may_take_back() -> None:
    drafts = [said_plainly("commitment"), said_plainly("release")]
    assert terms(mandate(may=["commitment"]), *drafts) == ["counts", "counts"]
    assert terms(mandate(may=["loan"]), *drafts) == ["outside-kinds", "outside-kinds"]


def test_the_term_is_by_the_records_own_time() -> None:
    drafts = [raised(1, NOON + late) for late in (0, 5, 6, 1)]
    assert terms(mandate(until=NOON + 5), *drafts) == ["counts", "counts", "term-over", "counts"]


def test_the_first_so_many_of_a_kind_count_whatever_became_of_them() -> None:
    drafts = [
        said_plainly(each)
        for each in ("economic_event", "count", "economic_event", "count", "economic_event")
    ]
    assert terms(mandate(limits={"economic_event": 2, "loan": 0}), *drafts, said_plainly("loan")) == [
        "counts", "counts", "counts", "counts", "beyond-limit", "outside-kinds",
    ]  # fmt: skip
    late = [raised(1, NOON + 9), raised(2), raised(3)]
    assert terms(mandate(until=NOON, limits={"economic_event": 2}), *late) == [
        "term-over",
        "counts",
        "beyond-limit",
    ]
    assert terms(mandate(limits={"economic_event": 0}), raised(1)) == ["beyond-limit"]


def test_a_limit_is_counted_along_the_chain_that_a_settle_chose() -> None:
    entry = mandate(limits={"economic_event": 2})
    trunk = vera(1, entry)
    left = vera(3, entry, trunk, start=10)
    right = vera(3, entry, trunk, start=20)
    at = node([[entry], [settle(right[-1])]], ["sealed", "sealed"], *left, *right[2:])
    assert at.counts() == {trunk[1].tip, right[2].tip}
    assert code(at, right[3]) == ("void", "beyond-limit")


def test_a_limit_is_counted_anew_when_another_branch_is_chosen() -> None:
    entry = mandate(limits={"economic_event": 2})
    trunk = vera(1, entry)
    left = vera(1, entry, trunk, start=10)
    begins = trunk[0].genesis
    right = written(begins, "Vera", [said_plainly("count"), raised(20), raised(21)], trunk)
    at = Node()
    # What is limited was used up on the left before anybody knew of the right.
    at.do("follow", *[block for log in book_of(pages([entry]), ["sealed"]) for block in log], *left)
    assert kept(at, left) == 2
    book = book_of(pages([entry], [settle(right[-1])]), ["sealed"] * 2)
    at.do(*right[2:], *[block for log in book for block in log[1:]])
    assert at.counts() == {trunk[1].tip, right[2].tip, right[3].tip}
    assert code(at, right[4]) == ("void", "beyond-limit")


# --- Ends


@pytest.mark.parametrize("word", ["adopted", "sealed"])
@pytest.mark.parametrize("kind", ["recall", "closing"])
def test_what_the_end_keeps_counts_and_what_is_above_does_not(kind: str, word: str) -> None:
    log = vera()
    at = node([[GIVEN], [ending(kind, given_by(GIVEN), log[2])]], ["sealed", word], *log)
    assert kept(at, log) == 2
    assert code(at, log[2]) == ("counts", "counts")
    assert code(at, log[3]) == (("cut", "recalled") if word == "sealed" else ("suspended", "recall-adopted"))


@pytest.mark.parametrize(("word", "says"), [("adopted", "suspended"), ("sealed", "cut")])
def test_only_a_sealed_page_ends_a_log_for_good(word: str, says: str) -> None:
    log = vera()
    at = node([[GIVEN], [ending("recall", given_by(GIVEN), log[2])]], ["sealed", word], *log[:2])
    row = at.view.get(COUNTED_LOGS, (log[0].log,))
    assert row is not None
    assert counted_log(row).bound == says
    at.do(*log[2:])
    assert kept(at, log) == 2


def test_a_draft_of_a_recall_ends_nothing() -> None:
    log = vera()
    at = node([[GIVEN], [ending("recall", given_by(GIVEN))]], ["sealed", "draft"], *log)
    assert kept(at, log) == 4


def test_a_log_that_the_recall_does_not_name_keeps_nothing() -> None:
    log = vera()
    other = written(log_of("Vera", given_by(GIVEN), which="new phone"), "Vera", [raised(9)])
    at = node([[GIVEN], [ending("recall", given_by(GIVEN), log[-1])]], ["sealed"] * 2, *log, *other)
    assert (kept(at, log), kept(at, other)) == (4, 0)


def test_a_mandate_for_the_same_task_ends_the_earlier_one_and_one_for_another_does_not() -> None:
    log = vera()
    again = mandate("Una", cuts=[[log[2].log, log[2].last, log[2].tip]])
    assert kept(node([[GIVEN], [again]], ["sealed"] * 2, *log), log) == 2
    assert kept(node([[GIVEN], [{**again, "task": "mill"}]], ["sealed"] * 2, *log), log) == 4


def test_of_several_ends_counts_what_all_of_them_keep() -> None:
    log = vera()
    ends = [ending("recall", given_by(GIVEN), log[at]) for at in (3, 1, 2)]
    assert kept(node([[GIVEN], ends], ["sealed"] * 2, *log), log) == 1
    assert kept(node([[GIVEN], ends[:1], ends[2:]], ["sealed", "sealed", "adopted"], *log), log) == 2


@pytest.mark.parametrize("most", range(2, 8))
def test_of_a_log_of_promises_too_counts_what_all_ends_keep_of_the_branch_that_one_chose(most: int) -> None:
    # Which end is read first hangs on the ids of pages, so several worlds are tried.
    plans = written(log_of("Vera", given_by(GIVEN), PLANS), "Vera", [said_plainly("commitment")] * 8)
    ends = [ending("recall", given_by(GIVEN), plans[at]) for at in (most, 1)]
    at = node([[GIVEN], ends[:1], ends[1:]], ["sealed", "sealed", "adopted"], *plans)
    assert (pin_of(at.view, plans[0].genesis), kept(at, plans)) == ((most, plans[most].tip), 1)


def test_until_the_last_kept_record_is_held_what_is_below_waits() -> None:
    log = vera()
    at = node([[GIVEN], [ending("recall", given_by(GIVEN), log[3])]], ["sealed"] * 2, *log[:3])
    assert (kept(at, log), code(at, log[1])) == (0, ("pending", "tip_missing"))
    at.do(log[3])
    assert kept(at, log) == 3


def test_promises_above_the_cut_fall_and_why_says_so() -> None:
    plans = written(log_of("Vera", given_by(GIVEN), PLANS), "Vera", [said_plainly("commitment")] * 3)
    at = node([[GIVEN], [ending("recall", given_by(GIVEN), plans[1])]], ["sealed"] * 2, *plans)
    assert kept(at, plans) == 1
    assert "Promises fall with a recall" in why_standing(at.view, plans[2].record(0)).more[0]


def test_what_is_local_can_be_named_by_no_page_and_stays() -> None:
    log = written(log_of("Vera", given_by(GIVEN), reach=Reach.LOCAL), "Vera", [raised(1)])
    at = node([[GIVEN], [ending("recall", given_by(GIVEN))]], ["sealed"] * 2, *log)
    assert (bound_of(at.view, log[0].genesis), kept(at, log)) == (All(), 1)


# --- The book takes up what was recorded after the recall


def test_why_of_a_fact_above_the_cut_says_that_goods_may_have_moved_and_what_to_do() -> None:
    log = vera()
    at = node([[GIVEN], [ending("recall", given_by(GIVEN), log[2])]], ["sealed"] * 2, *log)
    verdict = why_standing(at.view, log[3].record(0))
    assert "recorded after what page 2" in verdict.sentence
    assert "keeps its log up to record 2" in verdict.sentence
    assert "goods may have moved all the same" in verdict.more[0]
    assert (
        verdict.next
        == f"fedsync bodies settle {log[3].log.hex()[:8]} --branch {log[3].tip.hex()[:8]} --as NAME"
    )


@pytest.mark.parametrize("order", [0, 1])
def test_a_settle_of_a_log_of_facts_comes_before_the_cut_of_a_recall(order: int) -> None:
    log = vera()
    both = [ending("recall", given_by(GIVEN), log[1]), settle(log[3])]
    at = node([[GIVEN], both[:: 1 - 2 * order]], ["sealed"] * 2, *log)
    assert kept(at, log) == 3
    assert pin_of(at.view, log[0].genesis) == (3, log[3].tip)
    assert code(at, log[4])[0] != "counts"


def test_a_settle_of_a_log_of_promises_does_not() -> None:
    plans = written(log_of("Vera", given_by(GIVEN), PLANS), "Vera", [said_plainly("commitment")] * 3)
    at = node(
        [[GIVEN], [ending("recall", given_by(GIVEN), plans[1]), settle(plans[3])]], ["sealed"] * 2, *plans
    )
    assert kept(at, plans) == 1


def test_a_recall_pins_a_log_of_promises_and_not_one_of_facts() -> None:
    log = vera()
    plans = written(log_of("Vera", given_by(GIVEN), PLANS), "Vera", [said_plainly("commitment")] * 3)
    end = ending("recall", given_by(GIVEN), log[1], plans[1])
    at = node([[GIVEN], [end]], ["sealed"] * 2, *log, *plans)
    assert pin_of(at.view, log[0].genesis) is None
    assert pin_of(at.view, plans[0].genesis) == (1, plans[1].tip)


def test_of_a_forked_log_of_facts_a_recall_chooses_no_branch_and_of_promises_it_does() -> None:
    for log_class, expected in ((FACTS, 1), (PLANS, 3)):
        begins = log_of("Vera", given_by(GIVEN), log_class)
        kind = "economic_event" if log_class is FACTS else "commitment"
        trunk = written(begins, "Vera", [said_plainly(kind)])
        left = written(begins, "Vera", [said_plainly(kind, NOON + 1)] * 2, trunk)
        right = written(begins, "Vera", [said_plainly(kind, NOON + 2)] * 3, trunk)
        end = ending("recall", given_by(GIVEN), left[-1])
        at = node([[GIVEN], [end]], ["sealed"] * 2, *left, *right[2:])
        assert (kept(at, left), kept(at, right)) == (expected, 1)
        late = node([[GIVEN], [end]], ["sealed"] * 2, *right, *left[2:])
        assert late.counts() == at.counts()


# --- Splits


def rivals() -> tuple[Community, PageId, PageId, Genesis]:
    """Return a community with two rival pages, of which one makes Vera steward, and Vera's log of facts."""
    mill = Community("Ann", "Ben", "Cem", k=2)
    given = mill.carry(draft_page(mill.view, mill.scope, [mandate()]).value)
    rival = mill.carry(draft_page(mill.view, mill.scope, [decision("roof")]).value)
    begins = Genesis(key("Vera"), mill.scope, ("mandate", given, 0), FACTS, Reach.REGION, bytes(16))
    return mill, given, rival, begins


def test_a_mandate_on_an_adopted_page_gives_nothing_once_a_rival_is_sealed() -> None:
    mill, given, rival, begins = rivals()
    assert bound_of(mill.view, begins) == Pending()
    for name in ("Ann", "Ben"):
        mill.lie(name, "signature", given)
    assert (bound_of(mill.view, begins), mill.bounds) == (All(), {(mill.scope, key("Vera"))})
    for name in ("Ben", "Cem"):
        mill.lie(name, "signature", rival, 1)
    mill.approve(rival, "Ben", "Cem")
    assert mill.status(given) == "displaced"
    assert bound_of(mill.view, begins) == Cut((), nothing=True)
    assert mill.bounds == {(mill.scope, key("Vera"))}
    assert under_of(mill.view, begins).fault == "mandate-displaced"


def test_a_mandate_gives_nothing_while_its_book_is_split_at_its_page() -> None:
    mill, given, rival, begins = rivals()
    for name in ("Ann", "Ben"):
        mill.lie(name, "signature", given)
    for name in ("Ann", "Ben"):
        mill.lie(name, "approval", given)
    assert (mill.status(given), bound_of(mill.view, begins)) == ("sealed", All())
    for name in ("Ben", "Cem"):
        mill.lie(name, "signature", rival, fork=True)
    for name in ("Ben", "Cem"):
        mill.lie(name, "approval", rival)
    assert mill.status(given) == "frozen"
    assert bound_of(mill.view, begins) == Cut((), nothing=True, open=True)
    assert mill.bounds == {(mill.scope, key("Vera"))}
    assert under_of(mill.view, begins).fault == "mandate-frozen"


# --- The twin


@pytest.mark.parametrize("seed", seeds(120))
def test_any_order_gives_what_the_naive_twin_says(seed: int) -> None:
    world = draw(Random(seed))
    ends = []
    for again in range(3):
        random = Random(seed * 10 + again)
        at = Node()
        steps = orders(world, random)
        while steps:
            size = random.randint(1, 8)
            at.do(*steps[:size])
            del steps[:size]
            if at.follows and random.random() < 0.15:
                assert at.counts() == Twin(at.held, world.pages).counts(), (seed, again)
        assert at.counts() == Twin(at.held, world.pages).counts(), (seed, again)
        ends.append((at.counts(), at.bounds()))
    assert ends[0] == ends[1] == ends[2]


def test_the_random_worlds_are_not_empty() -> None:
    worlds = [draw(Random(seed)) for seed in range(40)]
    counts = []
    for world in worlds:
        at = Node()
        at.do(*orders(world, Random(1)))
        counts.append(len(at.counts()))
    assert sum(1 for each in counts if each) > 15
    assert len(set(counts)) > 5
    assert any(world.after for world in worlds)
