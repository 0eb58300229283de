"""Two nodes exchange what the smaller of their extents covers, and what stays within a region only with whom it is let have."""

from random import Random

import pytest

from fedsync.gossip.events import (
    Entitled,
    Event,
    Followed,
    Hurried,
    Opened,
    Peer,
    Pinned,
    Received,
    Room,
    Send,
    Stored,
)
from fedsync.gossip.following import Row, followed
from fedsync.gossip.limits import LISTED_SETS, MAX_BODIES, MAX_MESSAGE
from fedsync.gossip.listing import Salt, read_wanted
from fedsync.gossip.messages import (
    NOT_SERVED,
    BlockMessage,
    Bodies,
    Delta,
    Hello,
    Locate,
    Message,
    NoBase,
    Range,
    Sets,
    Spans,
    Tip,
    Want,
    decode,
    encode,
)
from fedsync.gossip.reconcile import Reconcile
from fedsync.gossip.sharing import Shared, Sharing
from fedsync.gossip.trees import Trees
from fedsync.records.ids import Extent, LogClass, Reach, Scope
from tests.gossip.telling import tells
from tests.gossip.test_trees import may
from tests.sim.world import BODY, Author, Node, World

ONE, TWO, THREE = ((Scope(bytes((n,)) * 16), bytes((n,)) * 32) for n in (1, 2, 3))
REACHES = (Reach.REGION, Reach.WORLD)


def authors_of(bodies: list[tuple[Scope, bytes]], first: int) -> list[Author]:
    return [
        Author(first + 100 * at + 10 * reach + log_class, log_class, reach, scope)
        for at, (scope, _) in enumerate(bodies)
        for reach in REACHES
        for log_class in LogClass
    ]


@pytest.mark.parametrize("seed", range(25))
def test_two_nodes_come_to_hold_what_both_may_and_nothing_else_of_each_other(seed: int) -> None:
    """Beside the naive twin of sharing, whatever they follow to whatever extent, and who is let have what."""
    dice = Random(seed)
    world = World(seed)
    north, south = world.node("north"), world.node("south")
    written: dict[Node, list[Author]] = {}
    for at, node in enumerate((north, south)):
        node.limit_follow = 0
        node.memory.following.clear()
        for body in (ONE, TWO, THREE):
            if dice.random() < 0.8:
                node.memory.follow(*body, dice.choice(list(Extent)))
        node.near[(south, north)[at].peer] = frozenset(s for s, _ in (ONE, TWO, THREE) if dice.random() < 0.6)
        written[node] = authors_of([ONE, TWO, THREE], 1000 * at)
        for author in written[node]:
            node.write(author.write("before"))
    world.connect(world.link(north, south))
    world.run(30)
    for node in (north, south):
        for author in written[node]:
            if dice.random() < 0.5:
                node.write(author.write("live"))
    world.run(300)
    mine = followed(north.memory.bodies(), north.near[south.peer])
    theirs = followed(south.memory.bodies(), south.near[north.peer])
    for node, other in ((north, south), (south, north)):
        for author in written[node]:
            key = (author.scope, author.reach, author.log_class)
            assert author.at is not None
            held = other.memory.holds(author.log, (author.at.seq, author.at.id))
            assert held == may(mine, theirs, key), (node.name, key)
            assert (other.memory.log(author.log) is not None) == held
    report = north.engine.report(south.peer)
    assert report is not None
    assert report.state == "same"


def test_who_is_let_have_more_gets_it_and_who_is_let_have_less_hears_no_more() -> None:
    world = World()
    north, south = world.node("north"), world.node("south")
    near = Author(1, LogClass.FACTS, Reach.REGION)
    north.write(near.write("one"))
    north.near[south.peer] = frozenset()
    world.connect(world.link(north, south))
    world.run(30)
    assert south.memory.log(near.log) is None
    north.tell(south.peer, Entitled(frozenset({BODY[0]})))
    world.run(5)
    assert south.memory.log(near.log) is not None
    north.tell(south.peer, Entitled(frozenset()))
    north.write(near.write("two"))
    world.run(200)
    held = south.memory.log(near.log)
    assert held is not None
    assert held.heads[0][0] == 1
    report = north.engine.report(south.peer)
    assert report is not None
    assert report.state == "same"


def test_a_peer_that_claims_all_gets_nothing_that_stays_within_a_region_however_it_asks() -> None:
    world = World()
    north = world.node("north")
    near = [Author(n, log_class, Reach.REGION) for n, log_class in enumerate(LogClass)]
    far = Author(9, LogClass.FACTS, Reach.WORLD)
    for author in (*near, far):
        north.write(author.write("one"))
    liar = Peer(b"liar")
    heard: list[Message] = []

    def say(*messages: Message) -> None:
        for message in messages:
            for _, effect in north.engine.handle(liar, Received(encode(message)), world.now):
                heard.extend([decode(effect.frame)] if isinstance(effect, Send) else [])

    nonce = b"1" * 8
    north.engine.handle(liar, Opened(False, b"2" * 8, 0, None, near=frozenset()), world.now)
    say(Hello(1, b"j" * 8, 5, b"", 0, nonce, 0, b"r" * 16))
    salt = Salt(nonce, b"2" * 8)
    shorts = {salt.log(author.log) for author in near}
    everything = tuple(((BODY[0], reach, log_class), bytes(8)) for reach in REACHES for log_class in LogClass)
    claims = tells(Row(*BODY, Extent.ALL, near=True))
    asks: list[Message] = [
        Sets(everything),
        Sets(()),
        Spans(((b"", bytes(8)),)),
        *(Range(key, (b"\x40",)) for key, _ in everything),
        *(Range(salt.set(key), (b"\x40",)) for key, _ in everything),
        *(Want(short + b"\1") for short in sorted(shorts)),
        *(Locate(short, b"") for short in sorted(shorts)),
        *(Tip(author.log, 0, 99, b"1234") for author in near),
        Delta(False, b"".join(b"\0" + author.log[:8] + b"\x63" + b"1234" for author in near)),
    ]
    # Before it says what it follows, and after.
    say(*asks, claims, *asks)
    for author in (*near, far):
        for block in author.write("live"):
            assert north.memory.write(block)
            stored = Stored(block.log, block.raw, (block.last, block.tip))
            for _, effect in north.engine.everyone(stored, world.now):
                heard.extend([decode(effect.frame)] if isinstance(effect, Send) else [])
    for _, effect in north.engine.handle(liar, Room(1 << 20), world.now):
        heard.extend([decode(effect.frame)] if isinstance(effect, Send) else [])
    say(*asks)
    assert any(isinstance(each, BlockMessage) for each in heard), "what goes to the world is served"
    assert NoBase(salt.log(near[0].log), NOT_SERVED) in heard
    for message in heard:
        frame = encode(message)
        if isinstance(message, Want):
            assert not read_wanted(message.listing), "what we ask for says how much of it is held"
        for author in near:
            assert bytes(author.log[:8]) not in frame
            assert salt.log(author.log) not in frame or isinstance(message, NoBase)
        if isinstance(message, Sets):
            assert all(key[1] is Reach.WORLD for key, _ in message.roots)


def test_who_is_let_have_less_is_not_told_either_of_what_it_was_to_hear() -> None:
    world = World()
    north = world.node("north")
    near = [Author(n, LogClass.FACTS, Reach.REGION) for n in range(3)]
    peer, heard = Peer(b"peer"), list[Message]()

    def tell(*events: Event) -> None:
        for event in events:
            for _, effect in north.engine.handle(peer, event, world.now):
                heard.extend([decode(effect.frame)] if isinstance(effect, Send) else [])

    tell(Opened(False, b"2" * 8, 0, None, near=frozenset({BODY[0]})))
    hello = Hello(1, b"j" * 8, 5, b"", 0, b"1" * 8, 0, b"r" * 16)
    tell(*(Received(encode(each)) for each in (hello, tells(Row(*BODY, Extent.ALL)))))
    tell(Room(0))
    for author in near:
        for block in author.write("one"):
            north.memory.write(block)
            tell(Stored(block.log, block.raw, (block.last, block.tip)))
    tell(Entitled(frozenset()), Room(1 << 16))
    assert not any(isinstance(each, BlockMessage | Tip) for each in heard)


def test_who_may_not_have_a_log_is_not_told_either_that_it_ends_elsewhere_or_goes_first() -> None:
    world = World()
    north = world.node("north")
    near, far = Author(1, LogClass.FACTS, Reach.REGION), Author(2, LogClass.FACTS, Reach.WORLD)
    for author in (near, far):
        north.write(author.write("one"))
    peer = Peer(b"peer")
    north.engine.handle(peer, Opened(False, b"2" * 8, 0, None, near=frozenset()), world.now)
    hello = Hello(1, b"j" * 8, 5, b"", 0, b"1" * 8, 0, b"r" * 16)
    for each in (hello, tells(Row(*BODY, Extent.ALL))):
        north.engine.handle(peer, Received(encode(each)), world.now)
    told = [
        message.log
        for author in (near, far)
        for event in (Hurried(author.log), Pinned(author.log))
        for _, effect in north.engine.everyone(event, world.now)
        if isinstance(effect, Send) and isinstance(message := decode(effect.frame), Tip)
    ]
    assert told == [far.log]


# --- Many sets -------------------------------------------------------------------------------------------


def crowd(world: World, count: int) -> tuple[Node, Node, list[Author]]:
    """Return two nodes that follow many bodies and hold a log of each."""
    dice = Random(3)
    north, south = world.node("north"), world.node("south")
    bodies = [(Scope(dice.randbytes(16)), bytes(32)) for _ in range(count)]
    authors = [Author(at, LogClass.FACTS, Reach.WORLD, scope) for at, (scope, _) in enumerate(bodies)]
    for node in (north, south):
        for body in bodies:
            node.memory.follow(*body)
    for author in authors:
        for block in author.write("x"):
            for node in (north, south):
                node.memory.write(block)
    return north, south, authors


@pytest.mark.parametrize("lossy", [False, True])
def test_what_differs_among_hundreds_of_sets_is_found_in_brief(lossy: bool) -> None:
    world = World(5)
    north, south, authors = crowd(world, 600)
    for author in authors[10:13]:
        north.write(author.write("news"))
    south.write(authors[500].write("news"))
    said: list[Message] = []

    def overhear(_: Node, __: Node, frame: bytes) -> list[bytes]:
        assert len(frame) <= MAX_MESSAGE
        said.append(decode(frame))
        if lossy and isinstance(said[-1], Spans | Sets | Bodies):
            return [frame] * world.random.choice([0, 0, 1, 2, 3])
        return [frame]

    world.tamper["north"] = world.tamper["south"] = overhear
    world.connect(world.link(north, south))
    assert world.run(4000 if lossy else 20, lambda: north.roots() == south.roots())
    assert any(isinstance(each, Spans) for each in said)
    if not lossy:
        listed = [len(encode(each)) for each in said if isinstance(each, Spans | Sets)]
        assert sum(listed) < 8000, "600 sets listed both ways would be 30 kB"


def test_spans_cover_all_sets_and_those_that_differ_are_answered_with_theirs() -> None:
    world = World()
    north, south, authors = crowd(world, LISTED_SETS + 100)
    for author in authors[40:42]:
        south.write(author.write("news"))
    (one, opening), (other, _) = (compared(node) for node in (north, south))
    assert isinstance(opening, Spans)
    assert one.on_spans(opening) == ([], set(north.memory.sets()))
    answers, same = other.on_spans(opening)
    named = {key for each in answers if isinstance(each, Sets) for key, _ in each.roots}
    assert named | same == set(south.memory.sets())
    assert {(each.scope, Reach.WORLD, LogClass.FACTS) for each in authors[40:42]} <= named
    assert len(named) < 150


def compared(node: Node) -> tuple[Reconcile, Message]:
    """Return a node's side of a comparison with somebody who follows the same, and what opens it."""
    sharing = Sharing(Trees(node.memory))

    def shared() -> Shared:
        return sharing.between(sharing.mine(None))

    made = Reconcile(sharing.trees, Salt(b"1" * 8, b"2" * 8), shared, {})
    return made, made.opening()


def test_thousands_of_bodies_are_told_once_and_then_what_changes_of_them() -> None:
    world, dice = World(1), Random(1)
    north, south = world.node("north"), world.node("south")
    bodies = [(Scope(dice.randbytes(16)), dice.randbytes(32)) for _ in range(MAX_BODIES - 10)]
    for node, some in ((north, bodies), (south, bodies[:9000])):
        node.limit_follow = 0
        for body in some:
            node.memory.follow(*body)
    north.write(Author(1, LogClass.FACTS, Reach.WORLD, bodies[5000][0]).write("x"))
    sizes: list[int] = []

    def overhear(_: Node, __: Node, frame: bytes) -> list[bytes]:
        assert len(frame) <= MAX_MESSAGE
        sizes.append(len(frame))
        return [frame]

    def said(seconds: float) -> int:
        """Return how many bytes are said in a while, at the end of which both agree."""
        sizes.clear()
        world.run(seconds)
        report = north.engine.report(south.peer)
        assert report is not None
        assert report.state == "same"
        return sum(sizes)

    world.tamper["north"] = world.tamper["south"] = overhear
    link = world.link(north, south)
    world.connect(link)
    assert said(60) < 1_000_000
    assert len(list(south.memory.logs())) == 1
    world.cut(link)
    world.connect(link)
    assert said(60) < 300, "each remembers what the other follows"
    south.memory.follow(Scope(b"z" * 16), b"z" * 32)
    world.act(south, south.engine.everyone(Followed(), world.now))
    assert said(60) < 300
