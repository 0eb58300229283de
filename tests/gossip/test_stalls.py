"""What stood still once, or until a timer came by: each was found by simulating whole nodes (tests/sim/test_nodes.py)."""

import pytest

from fedsync.gossip.compare import compare
from fedsync.gossip.events import Held, Parked, Received, Taken
from fedsync.gossip.exchange import Exchange
from fedsync.gossip.following import followed
from fedsync.gossip.holdings import TIP
from fedsync.gossip.listing import Named, Salt
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import BlockMessage, Locate, Range, Refused, Sets, encode
from fedsync.gossip.outbox import Outbox
from fedsync.gossip.reconcile import Claim, Reconcile
from fedsync.gossip.sharing import Sharing
from fedsync.gossip.tree import Tree
from fedsync.gossip.trees import Trees
from fedsync.gossip.wants import Asked, Wants
from fedsync.records.block import Block
from fedsync.records.ids import LogClass, Scope
from tests.sim.world import BODY, Author, Link, Node, World, equal

SALT = Salt(b"1" * 8, b"2" * 8)
SOON_S = 5.0
"""No timer of a session is as short; a link takes 0.05 seconds."""
BOTH_WAYS = pytest.mark.parametrize("north_dials", [True, False])
CLASSES = pytest.mark.parametrize("log_class", [LogClass.AUTHORITY, LogClass.FACTS])


def pair(north_dials: bool = True) -> tuple[World, Node, Node, Link]:
    world = World()
    north, south = world.node("north"), world.node("south")
    return world, north, south, world.link(north, south) if north_dials else world.link(south, north)


@BOTH_WAYS
@CLASSES
def test_a_log_that_forks_at_its_genesis_is_found_to_be_forked(
    log_class: LogClass, north_dials: bool
) -> None:
    world, north, south, link = pair(north_dials)
    # The time of a genesis is not in the log's id, so a writer who begins twice has one log with two geneses.
    north.write(Author(1, log_class).write("one", "two", time=1_700_000_000_000))
    south.write(Author(1, log_class).write("one'", time=1_700_000_000_001))
    world.connect(link)
    assert world.run(SOON_S, lambda: equal([north, south]))
    held = north.memory.log(Author(1, log_class).log)
    assert held is not None
    assert held.fork == 0


@BOTH_WAYS
@CLASSES
@pytest.mark.parametrize("longer", [1, 3])
def test_both_ends_of_a_fork_can_ask_for_the_other_branch(
    log_class: LogClass, north_dials: bool, longer: int
) -> None:
    world, north, south, link = pair(north_dials)
    author = Author(1, log_class)
    common = author.write("one")
    twin = Author(1, log_class, at=author.at)
    north.write([*common, *author.write(*["two", "three", "four"][:longer])])
    south.write([*common, *twin.write("two'", "three'")])
    world.connect(link)
    assert world.run(SOON_S, lambda: equal([north, south]))


@BOTH_WAYS
def test_a_branch_is_told_of_though_the_peer_is_ahead_on_another(north_dials: bool) -> None:
    world, north, south, link = pair(north_dials)
    author = Author(1, LogClass.AUTHORITY)
    common = author.write("one")
    twin = Author(1, LogClass.AUTHORITY, at=author.at)
    shared, later = author.write("two", "three", "four"), author.write("five", "six")
    north.write([*common, *shared, *later])
    south.write([*common, *shared, *twin.write("two'")])
    world.connect(link)
    assert world.run(SOON_S, lambda: equal([north, south]))


def test_asking_for_a_known_log_keeps_nobody_from_asking_for_unknown_ones_of_its_set() -> None:
    author, memory, asked = Author(1), Memory(b"m" * 8), Asked()
    first, more = author.write("one"), author.write("two")
    memory.write(first[0])
    held = memory.log(author.log)
    assert held is not None
    theirs = (Named(TIP, more[0].last, SALT.record(more[0].tip)),)
    verdict = compare(author.log, held, theirs, SALT, memory)
    wants = Wants(memory, SALT, asked, Tree())
    wants.add(Claim(SALT.log(author.log), author.log, held.set, theirs, verdict), 0.0)
    assert wants.ask(0.0)
    wants.arrived(author.log, 0.0)
    assert asked.claim(held.set, "another session", 0.0)


def test_a_peer_hears_of_what_was_parked_and_let_in_before_it_was_answered() -> None:
    author, memory, out = Author(1), Memory(b"m" * 8), Outbox()
    first, more = author.write("one"), author.write("two")
    exchange = Exchange(memory, SALT, Asked(), Tree(), out, lambda _: True)
    for block in (*first, *more):
        exchange.on_block(BlockMessage(True, True, block.raw), 0.0)
        memory.write(block)
    # One batch at the door: parked, then a page that names its author, then the block that follows it.
    exchange.on_taken(Taken(1, Parked("unknown-author", 0)), 0.0, False)
    exchange.on_taken(Taken(2, Held(1)), 0.0, False)
    assert not exchange.refused
    assert exchange.push.busy


@BOTH_WAYS
def test_who_forgot_what_its_peer_follows_is_told_again(north_dials: bool) -> None:
    world, north, south, link = pair(north_dials)
    world.connect(link)
    world.run(100.0)
    world.cut(link)
    forgotten = dict(north.remembered)
    new = (Scope(b"n" * 16), b"n" * 32)
    for node in (north, south):
        node.memory.follow(*new)
    world.connect(link)
    world.run(100.0)
    world.cut(link)
    # North went back to a backup of what it remembers, and both hold something of the body that it forgot about.
    north.remembered = forgotten
    north.write(Author(1, scope=new[0]).write("one"))
    south.write(Author(2, scope=new[0]).write("one"))
    world.connect(link)
    assert world.run(200.0, lambda: equal([north, south]))


@BOTH_WAYS
def test_a_refusal_whose_end_was_lost_ends_when_the_sets_are_the_same(north_dials: bool) -> None:
    world, north, south, link = pair(north_dials)
    author = Author(1)
    north.write(author.write("one"))
    world.connect(link)
    world.run(SOON_S)
    north.tell(south.peer, Received(encode(Refused(author.log, "unknown-author", 0))))
    world.run(400.0)
    north.write(author.write("two"))
    assert world.run(SOON_S, lambda: equal([north, south]))


def test_a_set_goes_by_its_name_only_when_the_peer_used_that_name() -> None:
    author, memory = Author(1), Memory(b"m" * 8)
    (block,) = author.write("one")
    memory.write(block)
    key = (author.scope, author.reach, author.log_class)
    memory.follow(*BODY)
    trees = Trees(memory)
    shared = Sharing(trees).between(followed(memory.bodies()))
    reconcile = Reconcile(trees, SALT, lambda: shared, {})
    # Our own SETS gives it a name, and may never have come.
    sets = reconcile.opening()
    assert isinstance(sets, Sets)
    assert [each.set for each in reconcile.on_sets(Sets(())) if isinstance(each, Range)] == [key]
    differs = Sets(((key, bytes(8)),))
    assert [each.set for each in reconcile.on_sets(differs) if isinstance(each, Range)] == [SALT.set(key)]
    assert sets.roots[0][0] == key


def wanting(author: Author, memory: Memory, *tips: Block) -> tuple[Wants, Claim]:
    held = memory.log(author.log)
    assert held is not None
    theirs = tuple(Named(TIP, each.last, SALT.record(each.tip)) for each in tips)
    verdict = compare(author.log, held, theirs, SALT, memory)
    return Wants(memory, SALT, Asked(), Tree()), Claim(
        SALT.log(author.log), author.log, held.set, theirs, verdict
    )


def test_an_answer_for_a_wish_that_was_dropped_leaves_no_trace() -> None:
    author, memory = Author(1), Memory(b"m" * 8)
    first, more = author.write("one"), author.write("two")
    memory.write(first[0])
    wants, claim = wanting(author, memory, more[0])
    wants.add(claim, 0.0)
    wants.ask(0.0)
    dropped = wants.arrived(author.log, 0.0)
    assert dropped is not None
    wants.refused(dropped)
    wants.unserved_now(dropped, 0.0)
    assert wants.open == 0
    wants.add(claim, 1.0)
    wants.unserved_now(dropped, 1.0)
    wants.ended(dropped)
    assert wants.open == 1
    assert wants.ask(1.0)


def test_branches_that_are_told_of_one_by_one_are_all_wanted() -> None:
    author, memory = Author(1, LogClass.AUTHORITY), Memory(b"m" * 8)
    first = author.write("one")
    twin = Author(1, LogClass.AUTHORITY, at=author.at)
    one, other = author.write("two"), twin.write("two'")
    memory.write(first[0])
    wants, claim = wanting(author, memory, one[0])
    wants.add(claim, 0.0)
    wants.add(wanting(author, memory, other[0])[1], 0.0)
    memory.write(other[0])
    wants.noticed(author.log, 0.0)
    assert wants.open == 1
    memory.write(one[0])
    wants.noticed(author.log, 0.0)
    assert wants.open == 0


def test_a_branch_that_is_told_of_while_another_comes_is_asked_for_at_once() -> None:
    author, memory = Author(1, LogClass.AUTHORITY), Memory(b"m" * 8)
    first = author.write("one")
    twin = Author(1, LogClass.AUTHORITY, at=author.at)
    one, other = author.write("two"), twin.write("two'")
    memory.write(first[0])
    wants, claim = wanting(author, memory, one[0])
    wants.add(claim, 0.0)
    wants.ask(0.0)
    wish = wants.arrived(author.log, 0.0)
    assert wish is not None
    assert wants.locate(wish)
    wants.add(wanting(author, memory, other[0])[1], 0.0)
    memory.write(one[0])
    wants.ended(wish)
    assert [type(each) for each in wants.settle(wish, 0.0)] == [Locate]
    wants.ended(wish)
    assert wants.settle(wish, 0.0) == []
    assert wants.unserved == 1


@BOTH_WAYS
def test_who_brings_the_branch_that_forks_a_log_here_is_told_of_the_fork(north_dials: bool) -> None:
    world, north, south, link = pair(north_dials)
    author = Author(1, LogClass.FACTS)
    common = author.write("one")
    back = Author(1, LogClass.FACTS, at=author.at)
    more = author.write("two", "three")
    twin = Author(1, LogClass.FACTS, at=author.at)
    # North knows of a fork; south was set back, wrote on, and holds the proof of a lower one without knowing it.
    north.write([*common, *more, *author.write("four")])
    north.write(twin.write("four'"))
    south.write([*common, *back.write("two'")])
    world.connect(link)
    assert world.run(SOON_S, lambda: equal([north, south]))
    held = north.memory.log(author.log)
    assert held is not None
    assert held.fork == south.memory.log(author.log).fork  # type: ignore[union-attr]
