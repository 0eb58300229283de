"""The rules that a third of liars forced, one by one: each test fails without its rule."""

import pytest

from fedsync.gossip.compare import compare
from fedsync.gossip.events import Close, Effect, Granted, Held, Known, Parked, Peer, Pinned
from fedsync.gossip.holdings import FORK, PENDING, TIP
from fedsync.gossip.limits import BACK_OFF_S, BEAT_S, CREDIT_S, MAX_BRANCHES, MAX_INCARNATIONS
from fedsync.gossip.listing import Named, Salt
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import BlockMessage, Message, Range, Refused, decode, encode
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.trees import Trees
from fedsync.records.block import Block, peek
from fedsync.records.ids import Key, LogClass
from tests.records.blocks import cut
from tests.sim.world import Author, Link, Node, World, equal

HOUR_MS = 3_600_000
SALT = Salt(b"1" * 8, b"2" * 8)


def pair() -> tuple[World, Node, Node, Link]:
    world = World()
    north, south = world.node("north"), world.node("south")
    return world, north, south, world.link(north, south)


def unknown(north: Node, south: Node) -> tuple[Author, set[Key]]:
    """Return somebody who wrote at north and whom south does not know, as long as the key is among those returned."""
    stranger = Author(9)
    north.write(stranger.write("who is this?"))
    parked = {stranger.genesis.key}
    south.memory.admit = lambda genesis: "park" if genesis.key in parked else "yes"
    return stranger, parked


def meet(world: World, link: Link, seconds: float = 100) -> None:
    world.connect(link, brief=True)
    world.run(seconds)


def twin(author: Author, *words: str) -> list[Block]:
    """Return blocks in which the author writes something else after the same record."""
    other = Author(author.number, author.log_class, at=author.at)
    return other.write(*words)


def forked(log_class: LogClass = LogClass.FACTS) -> tuple[Author, list[Block], list[Block], list[Block]]:
    """Return an author, the common part, and two branches that leave it at seq 2."""
    author = Author(1, log_class)
    common = author.write("one")
    other = twin(author, "two'", "three'")
    return author, common, author.write("two"), other


def spoil_last_signature(raw: bytes) -> bytes:
    def spoil(fields: list[object]) -> None:
        signatures = fields[5]
        assert isinstance(signatures, list)
        signatures[-1][1] = bytes(64)

    return cut(raw, spoil)


# --- 1 ----------------------------------------------------------------------------------------------------


def test_1_the_longest_prefix_that_ends_in_a_good_signature_is_taken_and_served() -> None:
    world, north, south, link = pair()
    author = Author(1, LogClass.AUTHORITY)
    (block,) = author.write("one", "two", "three")
    north.write([block])

    def spoil(_: Node, __: Node, frame: bytes) -> list[bytes]:
        message = decode(frame)
        if isinstance(message, BlockMessage):
            return [encode(BlockMessage(message.last, message.pushed, spoil_last_signature(message.raw)))]
        return [frame]

    world.tamper["north"] = spoil
    meet(world, link)
    held = south.memory.log(author.log)
    assert held is not None
    assert held.heads[0][0] == block.last - 1

    third = world.node("third")
    meet(world, world.link(south, third))
    assert equal([south, third])
    del world.tamper["north"]
    meet(world, link)
    assert equal([north, south])


# --- 2 ----------------------------------------------------------------------------------------------------


def test_2_who_knows_of_a_fork_wants_nothing_but_proof_of_a_lower_one() -> None:
    author, common, left, right = forked()
    memory = Memory(b"j" * 8)
    for block in [*common, *left, *right]:
        memory.take(block.raw)
    held = memory.log(author.log)

    def wants(*theirs: Named) -> bool:
        return compare(author.log, held, theirs, SALT, memory).want

    assert held is not None
    assert held.fork == 2
    assert not wants(Named(TIP, 99, b"abcd"))
    assert not wants(Named(FORK, 2, b""))
    assert not wants(Named(FORK, 3, b""))
    assert not wants(Named(PENDING, 9, b"abcd"))
    assert wants(Named(FORK, 1, b""))
    assert memory.take(author.write("above the fork")[0].raw)[0] == Known()


def test_2_nodes_with_different_branches_agree_that_the_log_is_forked() -> None:
    world, north, south, link = pair()
    _, common, left, right = forked()
    north.write([*common, *left])
    south.write([*common, *right])
    meet(world, link)
    meet(world, link)
    assert equal([north, south])
    # And who comes later gets both branches, from either.
    third = world.node("third")
    meet(world, world.link(third, south))
    assert equal([north, third])


def test_2_a_third_branch_does_not_split_those_who_know_the_first_two() -> None:
    world = World()
    nodes = [world.node(name) for name in "abc"]
    author = Author(1)
    common = author.write("one")
    for node, word in zip(nodes, ["x", "y", "z"], strict=True):
        node.write([*common, *twin(author, word)])
    for one, two in ((0, 1), (1, 2), (2, 0), (0, 1)):
        link = world.links.get(frozenset({nodes[one].peer, nodes[two].peer})) or world.link(
            nodes[one], nodes[two]
        )
        meet(world, link)
    assert equal(nodes)


def test_2_proof_of_a_lower_fork_goes_round() -> None:
    world, north, south, link = pair()
    author = Author(1)
    first = author.write("one")
    low = twin(author, "low")
    north.write([*first, *author.write("two")])
    high = twin(author, "high")
    north.write(author.write("three"))
    north.write(high)
    south.memory = north.memory.copied(b"southern")
    south.restore(south.memory, {})
    north.write(low)
    held = north.memory.log(author.log)
    assert held is not None
    assert held.fork == 2
    meet(world, link)
    assert equal([north, south])


def test_2_all_branches_of_an_authority_log_are_kept() -> None:
    world, north, south, link = pair()
    author, common, left, right = forked(LogClass.AUTHORITY)
    north.write([*common, *left])
    south.write([*common, *right])
    meet(world, link)
    meet(world, link)
    assert equal([north, south])
    held = north.memory.log(author.log)
    assert held is not None
    assert {head[1] for head in held.heads} == {left[-1].tip, right[-1].tip}


# --- 3 ----------------------------------------------------------------------------------------------------


def test_3_a_pinned_tip_is_fetched_though_the_log_is_forked_and_only_its_chain_counts() -> None:
    world, north, south, link = pair()
    author, common, left, right = forked()
    more = author.write("beyond the pin")
    north.write([*common, *left, *more])
    south.write([*common, *right])
    pin = (left[-1].last, left[-1].tip)
    for node in (north, south):
        node.memory.pin(author.log, pin)
    assert not equal([north, south])
    assert south.memory.items((author.scope, author.reach, author.log_class), bytes(32), None) == [
        (PENDING, author.log, *pin)
    ]
    meet(world, link)
    assert equal([north, south])
    assert south.memory.holds(author.log, pin)
    # What is not its ancestor is dropped from now on.
    assert south.memory.take(more[0].raw)[0] == Known()
    assert south.memory.take(twin(author, "elsewhere")[0].raw)[1] is None


@pytest.mark.parametrize("holder_first", [True, False])
def test_3_a_pin_that_comes_while_a_session_lives_is_asked_for_at_once(holder_first: bool) -> None:
    world, north, south, link = pair()
    author, common, left, right = forked()
    more = [*author.write("three"), *author.write("four")]
    north.write([*common, *left, *more])
    south.write([*common, *right])
    world.connect(link)
    world.run(BEAT_S * 2.5)
    assert equal([north, south])
    pin = (more[-1].last, more[-1].tip)
    assert not south.memory.holds(author.log, pin)
    for node in (north, south) if holder_first else (south, north):
        node.memory.pin(author.log, pin)
        world.act(node, node.engine.everyone(Pinned(author.log), world.now))
        world.run(1.0)
    world.run(BEAT_S / 10)
    assert south.memory.holds(author.log, pin)
    assert equal([north, south])


def test_3_while_a_pin_is_missing_nothing_beyond_its_seq_is_taken() -> None:
    author, common, left, right = forked()
    memory = Memory(b"j" * 8)
    for block in [*common, *left]:
        memory.take(block.raw)
    memory.pin(author.log, (2, right[0].ids[0]))
    assert memory.take(author.write("far beyond")[0].raw)[0] == Known()
    assert isinstance(memory.take(right[0].raw)[0], Held)
    assert memory.holds(author.log, (2, right[0].ids[0]))


# --- 4 ----------------------------------------------------------------------------------------------------


def spoiled(message: Message) -> bytes:
    if isinstance(message, BlockMessage):
        raw = message.raw[:-1] + bytes([message.raw[-1] ^ 1])
        return encode(BlockMessage(message.last, message.pushed, raw))
    return encode(message)


def test_4_three_bad_blocks_end_a_session_and_it_is_not_called_again_for_a_while() -> None:
    world, north, south, link = pair()
    for number in range(8):
        north.write(Author(number).write("word"))
    world.tamper["north"] = lambda _, __, frame: [spoiled(decode(frame))]
    ends: list[tuple[str, str, float]] = []
    act = world.act

    def watch(node: Node, effects: list[tuple[Peer, Effect]]) -> None:
        ends.extend((node.name, each.code, each.back_off) for _, each in effects if isinstance(each, Close))
        act(node, effects)

    world.act = watch  # type: ignore[method-assign]
    meet(world, link)
    assert ("south", "strikes", BACK_OFF_S) in ends
    assert not list(south.memory.logs())


def test_4_what_an_honest_peer_may_do_is_no_strike() -> None:
    world, north, south, link = pair()
    author = Author(1)
    common = author.write("one")
    left, right, third = (twin(author, word) for word in ("left", "right", "a third branch"))
    south.write([*common, *left, *right])
    unknown = [Author(number) for number in range(50, 60)]
    # A third branch, unknown authors, blocks without their base, and tips that are not served.
    north.write([*common, *third])
    for each in unknown:
        north.write(each.write("who is this?"))
    south.memory.admit = lambda genesis: "park" if genesis.key != author.genesis.key else "yes"
    world.connect(link)
    world.run(50)
    for each in unknown:
        north.write(each.write("more"))
    world.tamper["north"] = lambda _, __, frame: [] if isinstance(decode(frame), BlockMessage) else [frame]
    for number in range(70, 80):
        north.write(Author(number).write("told and not served"))
    world.run(200)
    assert link.closes == []
    assert south.engine.peers


# --- 5 ----------------------------------------------------------------------------------------------------


def test_5_what_is_refused_is_remembered_and_shown_and_asked_for_again_when_authority_comes() -> None:
    world, north, south, link = pair()
    stranger = Author(9)
    for number in range(30):
        north.write(Author(100 + number).write("known"))
    north.write(stranger.write("who is this?"))
    known = {stranger.genesis.key}
    south.memory.admit = lambda genesis: "park" if genesis.key in known else "yes"
    said: list[Message] = []

    def listen(_: Node, __: Node, frame: bytes) -> list[bytes]:
        said.append(decode(frame))
        return [frame]

    world.tamper["south"] = listen
    meet(world, link)
    assert Refused(stranger.log, "unknown-author", 0) in said
    kept = PeerMemory.unpack(south.remembered[north.peer])
    assert [each.log for each in kept.refused] == [stranger.log]

    # The next session compares nothing and fetches nothing, though the sets differ.
    said.clear()
    link.block_bytes = 0
    meet(world, link)
    assert not [each for each in said if isinstance(each, Range)]
    assert link.block_bytes == 0

    # In a session that stays, a grant brings it at once.
    world.connect(link)
    world.run(5)
    known.clear()
    world.act(south, south.engine.everyone(Granted(), world.now))
    world.run(10)
    assert equal([north, south])
    report = south.engine.report(north.peer)
    assert report is not None
    assert report.state == "same"


def test_5_authority_that_came_while_a_peer_was_away_lifts_what_was_refused() -> None:
    world, north, south, link = pair()
    _, parked = unknown(north, south)
    meet(world, link)
    parked.clear()
    world.act(south, south.engine.everyone(Granted(), world.now))
    meet(world, link)
    assert equal([north, south])


def test_5_what_was_granted_and_had_not_come_when_the_link_broke_is_asked_for_over_the_next() -> None:
    world, north, south, link = pair()
    stranger, parked = unknown(north, south)
    meet(world, link)
    assert [each.log for each in PeerMemory.unpack(south.remembered[north.peer]).refused] == [stranger.log]
    world.connect(link)
    world.run(5)
    parked.clear()
    world.act(south, south.engine.everyone(Granted(), world.now))
    world.cut(link)
    assert not equal([north, south])
    world.connect(link)
    world.run(5)
    assert equal([north, south])


def test_5_within_a_session_what_was_parked_comes_when_it_is_granted() -> None:
    world, north, south, link = pair()
    _, parked = unknown(north, south)
    world.connect(link)
    world.run(5)
    assert not list(south.memory.logs())
    parked.clear()
    world.act(south, south.engine.everyone(Granted(), world.now))
    world.run(5)
    assert equal([north, south])


def test_5_what_came_in_after_it_was_parked_is_pushed_again_by_who_heard_that_it_was_refused() -> None:
    world, north, south, link = pair()
    stranger = Author(9)
    first = stranger.write("who is this?")
    north.write(first)
    known = {stranger.genesis.key}
    south.memory.admit = lambda genesis: "park" if genesis.key in known else "yes"
    world.connect(link)
    world.run(5)
    known.clear()
    north.write(stranger.write("written while south still refuses"))
    world.run(1)
    for block in first:
        # A page came, and with it the door let in what was parked: nothing is left to ask for.
        south.memory.take(block.raw)
        south.stored(block, north.peer)
    world.act(south, south.engine.everyone(Granted(), world.now))
    world.run(1)
    north.write(stranger.write("written afterwards"))
    world.run(1)
    assert equal([north, south])


# --- 6 ----------------------------------------------------------------------------------------------------


def test_6_what_carries_authority_comes_first() -> None:
    world, north, _, link = pair()
    classes = {}
    for number in range(40):
        author = Author(number, LogClass(3 - number % 4))
        classes[author.log] = author.log_class
        north.write(author.write("word"))
    arrived: list[LogClass] = []

    def listen(_: Node, __: Node, frame: bytes) -> list[bytes]:
        message = decode(frame)
        if isinstance(message, BlockMessage):
            arrived.append(classes[peek(message.raw).log])
        return [frame]

    world.tamper["north"] = listen
    meet(world, link)
    # The lowest class keeps a share of one block in sixteen.
    assert arrived[:10].count(LogClass.AUTHORITY) >= 9
    assert len(arrived) == 40


def test_6_a_tip_that_is_not_served_is_asked_of_another_peer() -> None:
    world, north, south, link = pair()
    other = world.node("other")
    second = world.link(other, south)
    author = Author(1)
    blocks = author.write("word")
    north.write(blocks)
    other.write(blocks)
    world.tamper["north"] = lambda _, __, frame: [] if isinstance(decode(frame), BlockMessage) else [frame]
    world.connect(link)
    world.run(3)
    world.connect(second)
    world.run(CREDIT_S / 2)
    assert not list(south.memory.logs())
    world.run(CREDIT_S)
    assert equal([other, south])


def test_6_two_peers_are_not_asked_for_the_same() -> None:
    world, north, south, link = pair()
    other = world.node("other")
    second = world.link(other, south)
    for number in range(100):
        blocks = Author(number).write("one", "two")
        north.write(blocks)
        other.write(blocks)
    world.connect(link)
    world.connect(second)
    world.run(30)
    assert equal([north, other, south])
    sent = link.block_bytes + second.block_bytes
    once = sum(len(raw) for log in south.memory.logs() for raw in south.memory.fresh(log, 0, 10**9))
    assert sent <= once * 1.2


# --- 7 ----------------------------------------------------------------------------------------------------


def test_7_many_lives_of_one_key_are_delayed_and_not_refused() -> None:
    memory = Memory(b"j" * 8)
    lives = [Author(1, incarnation=number).write("born again")[0] for number in range(MAX_INCARNATIONS + 3)]
    for block in lives[:MAX_INCARNATIONS]:
        assert isinstance(memory.take(block.raw, 1)[0], Held)
    one, two, three = lives[MAX_INCARNATIONS:]
    assert isinstance(memory.take(one.raw, 1)[0], Held)
    assert memory.take(two.raw, 2)[0] == Parked("incarnations", 1 + HOUR_MS)
    assert isinstance(memory.take(two.raw, 1 + HOUR_MS)[0], Held)
    assert isinstance(memory.take(three.raw, 2 + HOUR_MS)[0], Parked)
    assert isinstance(memory.take(Author(2).write("another key")[0].raw, 2)[0], Held)


def test_7_branches_beyond_eight_are_delayed_and_not_refused() -> None:
    memory = Memory(b"j" * 8)
    author = Author(1, LogClass.AUTHORITY)
    memory.take(author.write("one")[0].raw, 1)
    branches = [twin(author, str(number))[0] for number in range(MAX_BRANCHES + 2)]
    for block in branches[:MAX_BRANCHES]:
        assert isinstance(memory.take(block.raw, 1)[0], Held)
    one, two = branches[MAX_BRANCHES:]
    assert isinstance(memory.take(one.raw, 1)[0], Held)
    assert memory.take(two.raw, 2)[0] == Parked("branches", 1 + HOUR_MS)
    assert isinstance(memory.take(two.raw, 1 + HOUR_MS)[0], Held)


def test_the_root_says_nothing_of_which_branch_is_held() -> None:
    _, common, left, right = forked()
    one, two = Memory(b"1" * 8), Memory(b"2" * 8)
    for memory, order in ((one, [*common, *left, *right]), (two, [*common, *right, *left])):
        for block in order:
            memory.take(block.raw)
    assert Trees(one).roots(one.sets()) == Trees(two).roots(two.sets())
