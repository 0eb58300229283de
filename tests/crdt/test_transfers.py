"""Goods on their way: of each line what left is received, returned, lost, settled or in transit, in whatever order it comes."""

from collections import defaultdict
from random import Random

import pytest

from fedsync.crdt.goods.transfertables import MOVES
from fedsync.crdt.goods.transit import all_transfers
from fedsync.crdt.logs.seats import All, Cut
from fedsync.records.block import Block, merge
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Reach
from tests.crdt.carts import (
    BEN,
    CEDAR,
    LOT,
    Cart,
    cancelled,
    carried,
    facts,
    lost,
    manifest,
    missing,
    plans,
    random_logs,
)
from tests.crdt.granary import (
    ALDER,
    ANN,
    BIRCH,
    CELLAR,
    GRANARY,
    OATS,
    WHEAT,
    interleaved,
    ref_of,
    regrouped,
    told,
)
from tests.crdt.hauling import haul
from tests.crdt.naive_stock import counting, lines
from tests.crdt.naive_transfers import Line, ways
from tests.crdt.stockworlds import deliver, world


def node(*logs: list[Block]) -> Cart:
    cart = Cart()
    for log in logs:
        cart.take(*log)
    return cart


SENT = plans("Ann's plans", ALDER, manifest(350))
LOAD = SENT[-1].tip


def test_what_is_announced_is_open_until_something_moves() -> None:
    assert node(SENT).line(LOAD) == Line(350, 0, 0, 0, 0, 0, 0, "open")


def test_who_announced_it_calls_off_what_has_not_moved_and_nobody_else_does() -> None:
    off = plans("Ann's second thoughts", ALDER, cancelled(LOAD))
    theirs = plans("Birch's thoughts", BIRCH, cancelled(LOAD))
    assert node(SENT, theirs).line(LOAD).stage == "open"
    assert node(off, SENT).line(LOAD) == Line(350, 0, 0, 0, 0, 0, 0, "called off")
    moved = facts("Ann's facts", ALDER, carried("pickup", 300, LOAD))
    assert node(SENT, off, moved).line(LOAD).stage == "in transit"
    # What is called off before it was announced here is neither shown nor forgotten.
    assert list(all_transfers(node(off).view)) == []
    cart = node(SENT, off)
    cart.do(cart.hearing(off[0].log, Cut(((0, off[0].tip),))))
    assert cart.line(LOAD).stage == "open"


def test_what_was_picked_up_is_in_transit_until_it_is_accounted_for() -> None:
    giver = facts("giver", ALDER, carried("pickup", 350, LOAD))
    assert node(SENT, giver).line(LOAD) == Line(350, 350, 0, 0, 0, 0, 350, "in transit")
    receiver = facts("receiver", BIRCH, carried("dropoff", 338, LOAD), lost(12, LOAD))
    assert node(SENT, giver, receiver).line(LOAD) == Line(350, 350, 338, 0, 12, 0, 0, "all accounted for")


def test_what_spoils_in_a_store_is_not_lost_on_the_way_it_came() -> None:
    receiver = facts(
        "receiver", BIRCH, carried("dropoff", 338, LOAD), carried("lower", 8, LOAD, reason="spoiled")
    )
    giver = facts("giver", ALDER, carried("pickup", 350, LOAD))
    assert node(SENT, giver, receiver).line(LOAD) == Line(350, 350, 338, 0, 0, 0, 12, "in transit")


def test_received_before_its_pickup_was_recorded_is_shown_and_no_error() -> None:
    receiver = facts("receiver", BIRCH, carried("dropoff", 338, LOAD))
    early = Line(350, 0, 338, 0, 0, 0, -338, "received before its pickup was recorded")
    assert node(SENT, receiver).line(LOAD) == early


def test_what_comes_back_to_the_giver_is_returned_and_what_is_sent_back_on_is_in_transit_again() -> None:
    giver = facts("giver", ALDER, carried("pickup", 350, LOAD), carried("dropoff", 50, LOAD))
    receiver = facts("receiver", BIRCH, carried("dropoff", 300, LOAD))
    assert node(SENT, giver, receiver).line(LOAD) == Line(350, 350, 300, 50, 0, 0, 0, "all accounted for")
    sent_back = facts("sends back", BIRCH, carried("pickup", 100, LOAD))
    assert node(SENT, giver, receiver, sent_back).line(LOAD) == Line(
        350, 350, 200, 50, 0, 0, 100, "in transit"
    )


def test_what_is_missing_is_settled_when_both_sides_say_the_very_same() -> None:
    giver = facts("giver", ALDER, carried("pickup", 300, LOAD))
    receiver = facts("receiver", BIRCH, carried("dropoff", 291, LOAD), missing(9, LOAD))
    one = node(SENT, giver, receiver)
    assert one.line(LOAD).stage == "discrepancy open"
    other_words = facts("other words", ALDER, missing(9, LOAD, "stolen"), missing(8, LOAD))
    assert node(SENT, giver, receiver, other_words).line(LOAD).stage == "discrepancy open"
    same_side = facts("same side", BIRCH, missing(9, LOAD))
    assert node(SENT, giver, receiver, same_side).line(LOAD).stage == "discrepancy open"
    other_side = facts("other side", ALDER, missing(9, LOAD))
    both = node(SENT, giver, receiver, other_side, same_side)
    assert both.line(LOAD) == Line(350, 300, 291, 0, 0, 9, 0, "settled")


def test_what_turns_up_after_it_was_settled_shows() -> None:
    giver = facts("giver", ALDER, carried("pickup", 300, LOAD), missing(9, LOAD))
    receiver = facts(
        "receiver", BIRCH, carried("dropoff", 291, LOAD), missing(9, LOAD), carried("dropoff", 4, LOAD)
    )
    assert node(SENT, giver, receiver).line(LOAD).in_transit == -4


def test_things_that_the_manifest_does_not_name_are_shown() -> None:
    giver = facts(
        "giver",
        ALDER,
        carried("pickup", 5, LOAD, resource_conforms_to=OATS),
        carried("pickup", 7, LOAD, lot=LOT),
    )
    cart = node(SENT, giver)
    assert cart.line(LOAD, OATS) == Line(0, 5, 0, 0, 0, 0, 5, "in transit")
    assert cart.line(LOAD, WHEAT, LOT) == Line(0, 7, 0, 0, 0, 0, 7, "in transit")
    assert cart.line(LOAD).stage == "open"


def test_what_names_no_manifest_yet_is_pending_and_counts_once_it_comes() -> None:
    giver = facts("giver", ALDER, carried("pickup", 350, LOAD))
    receiver = facts("receiver", BIRCH, carried("dropoff", 338, LOAD))
    cart = node(giver, receiver)
    (pending,) = all_transfers(cart.view)
    assert pending.manifest is None
    assert cart.line(LOAD) == Line(0, 350, 338, 0, 0, 0, 12, "in transit")
    cart.take(*SENT)
    assert cart.line(LOAD) == Line(350, 350, 338, 0, 0, 0, 12, "in transit")


def test_who_is_no_party_counts_for_nothing_and_is_named() -> None:
    stranger = facts("stranger", CEDAR, carried("dropoff", 300, LOAD), missing(50, LOAD))
    giver = facts("giver", ALDER, carried("pickup", 350, LOAD), missing(50, LOAD))
    cart = node(SENT, stranger, giver)
    assert cart.line(LOAD) == Line(350, 350, 0, 0, 0, 0, 350, "discrepancy open")
    (seen,) = all_transfers(cart.view)
    assert seen.strangers == {CEDAR}


def test_a_carrier_of_a_third_body_tells_of_losses_and_of_nothing_else() -> None:
    carried_by = plans("Ann's plans", ALDER, manifest(350, carrier=public_key(ANN)))
    load = carried_by[-1].tip
    giver = facts("giver", ALDER, carried("pickup", 350, load))
    carrier = facts("carrier", CEDAR, lost(12, load), carried("dropoff", 9, load), missing(7, load))
    assert node(carried_by, giver, carrier).line(load) == Line(350, 350, 0, 0, 12, 0, 338, "in transit")
    other = plans("Ben's plans", ALDER, manifest(350, carrier=b"k" * 32))
    giver = facts("giver", ALDER, carried("pickup", 350, other[-1].tip))
    carrier = facts("carrier", CEDAR, lost(12, other[-1].tip))
    assert node(other, giver, carrier).line(other[-1].tip).lost == 0


def test_between_stores_of_one_body_the_store_tells_the_ends_apart() -> None:
    moving = plans("Ann's plans", ALDER, manifest(40, ALDER, ALDER, store=GRANARY, to=CELLAR))
    load = moving[-1].tip
    ann = facts("ann", ALDER, carried("pickup", 40, load, GRANARY), carried("dropoff", 5, load, GRANARY))
    ben = facts("ben", ALDER, carried("dropoff", 32, load, CELLAR), missing(3, load))
    assert node(moving, ann, ben).line(load) == Line(40, 40, 32, 5, 0, 0, 3, "discrepancy open")
    same_person = facts("ann again", ALDER, missing(3, load))
    assert node(moving, ann, ben, same_person).line(load).stage == "discrepancy open"
    again = facts("ben himself", ALDER, missing(3, load), who=BEN)
    assert node(moving, ann, ben, again).line(load).stage == "settled"


def test_who_keeps_no_records_is_taken_to_have_received_and_to_have_given() -> None:
    kitchen = plans("Ann's plans", ALDER, manifest(40, ALDER, "Free kitchen"))
    out = facts("out", ALDER, carried("pickup", 40, kitchen[-1].tip), lost(2, kitchen[-1].tip))
    assert node(kitchen, out).line(kitchen[-1].tip) == Line(40, 40, 38, 0, 2, 0, 0, "all accounted for")
    gift = plans("Ben's plans", ALDER, manifest(40, "A farmer", ALDER))
    come = facts("come", ALDER, carried("dropoff", 40, gift[-1].tip))
    assert node(gift, come).line(gift[-1].tip) == Line(40, 40, 40, 0, 0, 0, 0, "all accounted for")
    back = facts("back", ALDER, carried("pickup", 10, gift[-1].tip))
    assert node(gift, come, back).line(gift[-1].tip) == Line(40, 40, 30, 10, 0, 0, 0, "all accounted for")


def test_what_a_body_keeps_to_itself_is_joined_only_with_what_it_announced_to_itself() -> None:
    home = plans("Ann's own plans", ALDER, manifest(5, ALDER, "Household 7"), reach=Reach.LOCAL)
    load = home[-1].tip
    own = facts("own", ALDER, carried("pickup", 5, load), carried("pickup", 9, LOAD), reach=Reach.LOCAL)
    cart = node(SENT, home, own)
    assert cart.line(load) == Line(5, 5, 5, 0, 0, 0, 0, "all accounted for")
    assert cart.line(LOAD).stage == "open"


def test_a_log_that_counts_no_more_is_taken_out_and_comes_back() -> None:
    giver = facts(
        "giver", ALDER, carried("pickup", 350, LOAD), carried("dropoff", 350, LOAD), missing(3, LOAD)
    )
    cart = node(SENT, giver)
    cut = giver[1]
    cart.do(cart.hearing(giver[0].log, Cut(((cut.last, cut.tip),))))
    assert cart.line(LOAD) == Line(350, 350, 0, 0, 0, 0, 350, "in transit")
    cart.do(cart.hearing(SENT[0].log, Cut(())))
    assert cart.line(LOAD).announced == 0
    assert [each.manifest for each in all_transfers(cart.view)] == [None]


@pytest.mark.parametrize("seed", range(60))
def test_any_order_and_grouping_gives_what_the_naive_twin_says(seed: int) -> None:
    random = Random(seed)
    logs = random_logs(random, random.randint(4, 60))
    expected = ways(
        told(block for log in logs for block in log), {log[0].log: log[0].genesis.key for log in logs}
    )
    nodes = []
    for _ in range(2):
        cart = Cart()
        for block in interleaved([regrouped(log, random) for log in logs], random):
            cart.take(block)
        assert cart.ways() == expected
        nodes.append(cart)
    assert nodes[0].root() == nodes[1].root()


def test_a_movement_that_was_corrected_is_on_its_way_as_the_correction_says() -> None:
    wrong = facts("giver", ALDER, carried("pickup", 530, LOAD))
    right = facts("giver's colleague", ALDER, carried("pickup", 350, LOAD, corrects=ref_of(wrong[-1])))
    for logs in ((wrong, right), (right, wrong)):
        cart = node(SENT, *logs)
        assert cart.line(LOAD).picked == 350
        cart.do(cart.hearing(right[0].log, Cut(())))
        assert cart.line(LOAD).picked == 530
        cart.do(cart.hearing(right[0].log, All()))
        cart.do(cart.hearing(wrong[0].log, Cut(())))
        assert cart.line(LOAD).picked == 350
        cart.do(cart.hearing(wrong[0].log, All()))
        assert cart.line(LOAD).picked == 350


def test_a_correction_that_came_first_takes_away_no_other_movement_of_the_block_that_it_corrects() -> None:
    giver = facts("giver", ALDER, carried("pickup", 3, LOAD), carried("pickup", 140, LOAD))
    right = facts("colleague", ALDER, carried("pickup", 14, LOAD, corrects=ref_of(giver[-1])))
    cart = node(SENT, right)
    cart.take(merge(giver))
    assert cart.line(LOAD).picked == 17


@pytest.mark.parametrize("seed", range(150))
def test_corrections_forks_and_cuts_leave_of_each_transfer_what_holds(seed: int) -> None:
    found = world(seed, 60)
    (*_, cart) = deliver(found, seed + 1, Cart)
    expected: dict[tuple[bytes | str, ...], tuple[int, int]] = {}
    for line in lines(counting(found.counting(), defaultdict(lambda: None))):
        event = line.event
        value = event.value
        what = {"pickup": "picked", "dropoff": "dropped", "lower": "lost"}.get(value["action"])
        if "transfer" not in value or what is None:
            continue
        place = (value["resource_conforms_to"], value.get("lot", b""), event.log, value.get("store", b""))
        key = (event.scope, value["transfer"], *place, what)
        total, events = expected.get(key, (0, 0))
        expected[key] = (total + value["quantity"], events + 1)
    assert dict(cart.view.scan(MOVES)) == expected


@pytest.mark.parametrize("seed", range(4))
def test_not_a_gram_is_lost_between_stores_communities_and_nodes(seed: int) -> None:
    assert haul(seed, 3000, per_round=150) == []


@pytest.mark.parametrize("seed", range(20))
def test_every_part_of_the_records_keeps_each_line_whole(seed: int) -> None:
    random = Random(seed)
    cart = Cart()
    for block in interleaved(random_logs(random, 60), random):
        cart.take(block)
        for way in all_transfers(cart.view):
            for line in way.lines:
                accounted = line.received + line.returned + line.lost + line.settled
                assert line.picked == accounted + line.in_transit
