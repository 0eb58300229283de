"""Sessions between nodes: stories, in virtual time, over links that keep their promises."""

from collections import defaultdict

import pytest

from fedsync.gossip.events import Close, Followed, Leaving, Opened, Outrun, Peer, Received, Room, Send, Tick
from fedsync.gossip.following import Row, pack_rows
from fedsync.gossip.limits import LEAVE_MAX_S
from fedsync.gossip.listing import Salt
from fedsync.gossip.messages import (
    ASLEEP,
    EXCHANGED,
    FULL,
    NOT_SERVED,
    STRANGER,
    BlockMessage,
    Hello,
    Leave,
    Locate,
    Message,
    NoBase,
    Prune,
    Range,
    Sets,
    Tip,
    Want,
    decode,
    encode,
)
from fedsync.gossip.peer_memory import PeerMemory, Refusal, aliases_name, memory_name
from fedsync.records.ids import Extent, LogClass, LogId, Reach, Scope
from tests.sim.world import BODY, Author, Link, Node, World, equal


def pair(world: World) -> tuple[Node, Node, Link]:
    north, south = world.node("north"), world.node("south")
    return north, south, world.link(north, south)


def overheard(world: World, *nodes: Node) -> list[tuple[str, Message]]:
    """Return the list into which everything goes that these nodes say."""
    said: list[tuple[str, Message]] = []

    def listen(node: Node, _: Node, frame: bytes) -> list[bytes]:
        said.append((node.name, decode(frame)))
        return [frame]

    for node in nodes:
        world.tamper[node.name] = listen
    return said


def fill(node: Node, logs: int = 12, start: int = 0) -> list[Author]:
    authors = [Author(number, LogClass(number % 4)) for number in range(start, start + logs)]
    for author in authors:
        node.write(author.write("one", "two"))
        node.write(author.write("three"))
    return authors


def test_an_empty_node_gets_all_that_its_peer_holds() -> None:
    world = World()
    north, south, link = pair(world)
    fill(north)
    world.connect(link, brief=True)
    world.run(60)
    assert equal([north, south])
    assert link.closes == ["done", "done"]


def test_both_sides_get_what_they_lack_in_one_session() -> None:
    world = World()
    north, south, link = pair(world)
    fill(north, 10)
    fill(south, 10, start=100)
    world.connect(link, brief=True)
    world.run(60)
    assert equal([north, south])
    assert len(list(north.memory.logs())) == 20


def test_a_thousand_logs_arrive_though_the_window_is_64() -> None:
    world = World()
    north, south, link = pair(world)
    for number in range(1000):
        north.write(Author(number).write("word"))
    world.connect(link, brief=True)
    world.run(100)
    assert equal([north, south])


def test_with_nothing_new_both_say_hello_and_bye_and_no_more() -> None:
    world = World()
    north, south, link = pair(world)
    fill(north)
    world.connect(link, brief=True)
    world.run(60)
    said = overheard(world, north, south)
    world.connect(link, brief=True)
    world.run(60)
    assert [type(each).__name__ for _, each in said] == ["Hello", "Hello", "Bye", "Bye"]


def test_what_was_remembered_saves_comparing_sets() -> None:
    world = World()
    north, south, link = pair(world)
    authors = fill(north)
    world.connect(link, brief=True)
    world.run(60)
    north.write(authors[0].write("new"))
    said = overheard(world, north, south)
    world.connect(link, brief=True)
    world.run(60)
    assert equal([north, south])
    assert not [each for _, each in said if isinstance(each, Sets | Range)]


def test_a_restored_node_that_did_not_notice_is_made_whole_by_the_guard() -> None:
    world = World()
    north, south, link = pair(world)
    authors = fill(north)
    world.connect(link, brief=True)
    world.run(60)
    old, remembered = south.memory.copied(), dict(south.remembered)
    north.write(authors[0].write("lost on the way"))
    world.connect(link, brief=True)
    world.run(60)
    south.restore(old, remembered)
    for number in range(50):  # it writes on, so that its counter is past what the peer remembers
        south.write(Author(500 + number).write("new"))
    world.connect(link, brief=True)
    world.run(60)
    if not equal([north, south]):  # the next session is in doubt, and compares by ranges
        world.connect(link, brief=True)
        world.run(60)
    assert equal([north, south])


def test_a_peer_that_remembers_more_than_we_hold_tells_us_that_we_were_rolled_back() -> None:
    world = World()
    north, _, _ = pair(world)
    journal, counter = north.memory.journal()
    peer = Peer(b"south")
    north.engine.handle(peer, Opened(True, b"1" * 8, 0, None), 0.0)
    hello = Hello(1, b"j" * 8, 5, journal, counter + 3, b"2" * 8, 0, b"r" * 16)
    effects = north.engine.handle(peer, Received(encode(hello)), 0.0)
    assert Outrun(counter + 3) in [each for _, each in effects]


def test_a_new_record_is_pushed_at_once_to_a_peer_that_stays() -> None:
    world = World()
    north, south, link = pair(world)
    authors = fill(north)
    world.connect(link)
    world.run(10)
    assert equal([north, south])
    said = overheard(world, north, south)
    north.write(authors[1].write("hot"))
    world.run(1)
    assert equal([north, south])
    assert [type(each) for _, each in said] == [BlockMessage]


def test_three_in_a_line_pass_on_what_was_stored() -> None:
    world = World()
    north, south = world.node("north"), world.node("south")
    middle = world.node("middle")
    one, two = world.link(north, middle), world.link(middle, south)
    authors = fill(north)
    world.connect(one)
    world.connect(two)
    world.run(20)
    assert equal([north, middle, south])
    north.write(authors[2].write("hot"))
    world.run(1)
    assert equal([north, middle, south])


def test_a_ring_prunes_itself_to_a_tree_and_tips_repair_it() -> None:
    world = World()
    nodes = [world.node(name) for name in "abc"]
    links = [world.link(nodes[0], nodes[1]), world.link(nodes[1], nodes[2]), world.link(nodes[2], nodes[0])]
    authors = fill(nodes[0])
    for link in links:
        world.connect(link)
    world.run(20)
    said = overheard(world, *nodes)
    assert equal(nodes)
    nodes[0].write(authors[2].write("one more"))
    world.run(0.4)
    assert sum(isinstance(each, BlockMessage) for _, each in said) == 2
    assert any(isinstance(each, Tip) for _, each in said)
    # The tree's edge is cut: a tip over the other edge brings the block, and with it the edge.
    pruned = {node for node, each in said if isinstance(each, Tip)}
    assert pruned
    world.cut(links[0])
    world.cut(links[2])
    world.connect(links[2])
    world.run(5)
    nodes[0].write(authors[2].write("after the cut"))
    world.run(10)
    assert equal(nodes)


def test_what_push_missed_is_found_by_comparing_roots() -> None:
    world = World()
    north, south, link = pair(world)
    authors = fill(north)
    world.connect(link)
    world.run(20)
    world.tamper["north"] = lambda _, __, frame: (
        [] if isinstance(decode(frame), BlockMessage | Tip) else [frame]
    )
    north.write(authors[0].write("swallowed"))
    world.run(5)
    assert not equal([north, south])
    del world.tamper["north"]
    world.run(200)
    assert equal([north, south])


def test_a_session_that_was_cut_goes_on_where_it_was() -> None:
    world = World()
    north, south, link = pair(world)
    fill(north, 40)
    for _ in range(30):
        world.connect(link, brief=True)
        world.run(0.33)
        world.cut(link)
    world.connect(link, brief=True)
    world.run(60)
    assert equal([north, south])


def test_local_logs_never_appear_on_a_link_whatever_is_asked() -> None:
    world = World()
    north, south, link = pair(world)
    fill(north)
    secret = Author(77, LogClass.FACTS, Reach.LOCAL)
    north.write(secret.write("who took what"))
    said = overheard(world, north, south)
    world.connect(link)
    world.run(20)
    north.write(secret.write("and again"))
    world.run(70)
    assert south.memory.log(secret.log) is None
    # Not even when the peer asks by name: by set, and by the log's short, which it can compute.
    key = (secret.scope, Reach.LOCAL, LogClass.FACTS)
    nonces = [each.nonce for _, each in said if isinstance(each, Hello)]
    short = Salt(*nonces).log(secret.log)
    for question in (
        Range(key, (b"\x40",)),
        Sets(((key, b"r" * 8),)),
        Want(short + b"\1"),
        Locate(short, b""),
    ):
        north.tell(south.peer, Received(encode(question)))
        world.run(5)
    assert said[-1] == ("north", NoBase(short, NOT_SERVED))
    for _, message in said:
        frame = encode(message)
        assert short not in frame or isinstance(message, NoBase)
        assert bytes(secret.log[:8]) not in frame


def test_a_log_is_not_served_to_who_does_not_follow_its_body() -> None:
    world = World()
    north, south, link = pair(world)
    fill(north)
    other = Scope(b"o" * 16)
    north.memory.follow(other, b"x" * 32)
    south.limit_follow = 1
    elsewhere = Author(5, scope=other)
    north.write(elsewhere.write("not for south"))
    world.connect(link)
    world.run(20)
    north.write(elsewhere.write("nor this"))
    world.run(100)
    assert south.memory.log(elsewhere.log) is None
    assert {log for log in north.memory.logs() if log != elsewhere.log} == set(south.memory.logs())
    report = north.engine.report(south.peer)
    assert report is not None
    assert report.state == "same"


def test_two_that_follow_the_same_need_not_say_it() -> None:
    world = World()
    north, south, link = pair(world)
    author = Author(1)
    for node in (north, south):
        for block in author.write("held by both") if node is north else []:
            north.memory.write(block)
            south.memory.take(block.raw)
    said = overheard(world, north, south)
    world.connect(link)
    world.run(30)
    assert {type(each) for _, each in said} == {Hello}
    reports = [north.engine.report(south.peer), south.engine.report(north.peer)]
    assert all(each is not None and each.state == "same" for each in reports)
    other = Scope(b"o" * 16)
    north.memory.follow(other, b"x" * 32)
    world.act(north, north.engine.everyone(Followed(), world.now))
    world.run(30)
    assert (other, b"x" * 32) in [each[:2] for each in south.memory.following]


def test_three_in_a_line_follow_what_their_peers_announce() -> None:
    world = World()
    nodes = [world.node(name) for name in "abc"]
    bodies = [(Scope(name.encode() * 16), name.encode() * 32) for name in "abc"]
    for number, (node, body) in enumerate(zip(nodes, bodies, strict=True)):
        node.memory.following.clear()
        node.memory.follow(*body)
        node.write(Author(number, scope=body[0]).write("ours"))
    one, two = world.link(nodes[0], nodes[1]), world.link(nodes[1], nodes[2])
    world.connect(one)
    world.connect(two)
    world.run(30)
    assert all({each[:2] for each in node.memory.following} == set(bodies) for node in nodes)
    assert equal(nodes)


def test_what_a_cut_kept_from_a_peer_is_told_again() -> None:
    world = World()
    north, south, link = pair(world)
    body = (Scope(b"n" * 16), b"n" * 32)
    north.memory.follow(*body)
    world.connect(link)
    world.run(0.06)  # both have said HELLO, and north's BODIES are on their way
    world.cut(link)
    assert (*body, Extent.ALL) not in south.memory.following
    world.connect(link)
    world.run(5)
    assert (*body, Extent.ALL) in south.memory.following


def test_what_a_crash_kept_a_node_from_following_is_followed_over_the_next_link_though_nothing_is_told_again() -> (
    None
):
    world = World()
    north, south, link = pair(world)
    body = (Scope(b"n" * 16), b"n" * 32)
    north.memory.follow(*body)
    south.limit_follow = 1  # What it is asked to follow never lies on its disk.
    world.connect(link)
    world.run(5)
    assert (*body, Extent.ALL) not in south.memory.following
    world.cut(link)
    south.limit_follow = 100
    world.connect(link)
    world.run(5)
    assert (*body, Extent.ALL) in south.memory.following


def test_a_node_that_has_a_use_for_others_bodies_only_later_asks_for_them_over_the_next_link() -> None:
    world = World()
    north, south, link = pair(world)
    body = (Scope(b"n" * 16), b"n" * 32)
    north.memory.follow(*body)
    south.engine.wonder(False, world.now)
    world.connect(link)
    world.run(5)
    world.cut(link)
    assert (*body, Extent.ALL) not in south.memory.following
    south.engine.wonder(True, world.now)
    world.connect(link)
    world.run(5)
    assert (*body, Extent.ALL) in south.memory.following


def test_a_peer_without_a_hello_is_let_go() -> None:
    world = World()
    north, _, link = pair(world)
    link.up = True
    north.tell(Peer(b"south"), Opened(True, b"1" * 8, 0, None))
    world.run(15)
    assert link.closes == ["no-hello"]


def test_a_silent_peer_is_let_go() -> None:
    world = World()
    _, south, link = pair(world)
    world.connect(link)
    world.run(5)
    world.tamper["south"] = lambda *_: []
    world.run(400)
    assert "silent" in link.closes
    assert south.engine.peers == []


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"\xc1", "garbage"),
        (b"\x91" * 1000, "garbage"),
        (encode(Hello(2, b"j" * 8, 0, b"", 0, b"n" * 8, 0, b"r" * 16)), "version"),
        (encode(Hello(1, b"j" * 8, 0, b"", 0, b"1" * 8, 0, b"r" * 16)), "echo"),
    ],
    ids=["garbage", "bomb", "another version", "our own words"],
)
def test_what_is_no_first_word_ends_a_session_with_a_reason(frame: bytes, why: str) -> None:
    world = World()
    north, _, link = pair(world)
    link.up = True
    north.tell(Peer(b"south"), Opened(True, b"1" * 8, 0, None))
    north.tell(Peer(b"south"), Received(frame))
    assert link.closes == [why]
    assert north.engine.peers == []


def test_what_comes_before_the_first_word_or_after_the_last_is_dropped() -> None:
    world = World()
    north, _, link = pair(world)
    link.up = True
    peer = Peer(b"south")
    north.tell(peer, Opened(True, b"1" * 8, 0, None))
    north.tell(peer, Received(encode(Prune())))
    assert north.engine.peers == [peer]
    north.tell(peer, Received(b"\xc1"))
    north.tell(peer, Received(b"\xc1"))
    north.tell(peer, Room(1))
    north.tell(peer, Tick())
    assert link.closes == ["garbage"]


def test_what_is_remembered_of_a_peer_survives_the_disk() -> None:
    memory = PeerMemory(
        b"j" * 8,
        7,
        pack_rows([Row(*BODY, Extent.ALL)]),
        b"d" * 8,
        3,
        (Refusal(LogId(b"l" * 32), "why", 9),),
        True,
    )
    assert PeerMemory.unpack(memory.pack()) == memory
    assert PeerMemory.unpack(PeerMemory().pack()) == PeerMemory()


def test_bodies_that_are_kept_apart_are_remembered_with_the_rest_or_not_at_all() -> None:
    memory = PeerMemory(b"j" * 8, 7, pack_rows([Row(*BODY, Extent.ALL)]))
    small = memory.pack(whole=False)
    assert memory.bodies is not None
    assert memory.bodies not in small
    assert PeerMemory.unpack(small, memory.bodies) == memory
    assert PeerMemory.unpack(small).bodies is None
    assert PeerMemory.unpack(small, b"of another time").bodies is None


def test_how_a_peer_told_its_bodies_is_kept_beside_the_rest_of_a_memory() -> None:
    for aliases in (b"s" * 8, b"s" * 8 + bytes(6 * 10_000)):
        memory = PeerMemory(b"j" * 8, 7, pack_rows([Row(*BODY, Extent.ALL)]), aliases=aliases)
        rows: defaultdict[str, bytes] = defaultdict(bytes, memory.rows(b"p" * 32))
        assert len(rows[memory_name(b"p" * 32)]) < 120
        assert PeerMemory.kept(rows.__getitem__, b"p" * 32) == memory
        del rows[aliases_name(b"p" * 32)]
        lost = PeerMemory.kept(rows.__getitem__, b"p" * 32)
        # That it follows the same as we do it never said.
        assert lost == memory._replace(bodies=None, aliases=b"")
    assert PeerMemory.kept(lambda _: b"", b"p" * 32) is None


def test_people_can_see_how_a_session_stands() -> None:
    world = World()
    north, south, link = pair(world)
    fill(north, 40)
    states: list[str] = []
    world.connect(link)
    for _ in range(200):
        world.run(0.02)
        report = south.engine.report(north.peer)
        assert report is not None
        if not states or states[-1] != report.state:
            states.append(report.state)
    assert states == ["connecting", "comparing", "catching up", "same"]
    report = south.engine.report(north.peer)
    assert report is not None
    assert report.we_lack == 0


def test_what_is_stored_between_the_two_first_words_is_told_though_these_were_equal() -> None:
    world = World()
    north, south, link = pair(world)
    [author] = fill(north, 1)
    world.connect(link, brief=True)
    world.run(60)
    assert equal([north, south])
    world.connect(link)
    north.write(author.write("meanwhile"))
    north.write(Author(77).write("meanwhile too"))
    assert world.run(5, lambda: equal([north, south]))


def test_nothing_is_told_of_a_body_before_the_peer_has_said_that_it_follows_it() -> None:
    world = World()
    north, south, link = pair(world)
    other = (Scope(b"o" * 16), b"c" * 32)
    north.memory.follow(*other)
    south.limit_follow = 1
    said = overheard(world, north)
    world.connect(link)
    world.run(0.07)  # both have heard HELLO, and not yet what the other follows
    north.write(Author(1, scope=other[0]).write("of a body that south does not follow"))
    north.write(Author(2).write("of one that both follow"))
    world.run(2)
    assert not [message for _, message in said if isinstance(message, NoBase)]
    assert Author(2).log in south.memory.logs()

    south.memory.follow(*other)
    world.act(south, south.engine.everyone(Followed(), world.now))
    world.run(2)
    assert equal([north, south])


def test_who_gives_a_link_up_says_why_and_both_end() -> None:
    world = World()
    north, south = world.node("north"), world.node("south")
    link = world.link(north, south)
    world.connect(link)
    world.run(5)
    effects = north.engine.handle(south.peer, Leaving(EXCHANGED), world.now)
    assert [each.code for _, each in effects if isinstance(each, Close)] == ["gave-up"]
    (frame,) = [each.frame for _, each in effects if isinstance(each, Send)]
    heard = south.engine.handle(north.peer, Received(frame), world.now)
    (close,) = [each for _, each in heard if isinstance(each, Close)]
    assert (close.code, close.back_off) == ("left", 0.0)
    assert "another took the place" in close.reason


@pytest.mark.parametrize(("asked", "waits"), [(0, 0.0), (600, 600.0), (10**9, LEAVE_MAX_S)])
def test_who_asks_not_to_be_called_for_years_is_called_again_after_a_day(asked: int, waits: float) -> None:
    world = World()
    north, south = world.node("north"), world.node("south")
    world.connect(world.link(north, south))
    world.run(5)
    heard = south.engine.handle(north.peer, Received(encode(Leave(ASLEEP, asked))), world.now)
    (close,) = [each for _, each in heard if isinstance(each, Close)]
    assert (close.code, close.again) == ("left", waits)


@pytest.mark.parametrize("why", [FULL, STRANGER, 99])
def test_a_link_may_be_refused_before_the_first_word(why: int) -> None:
    world = World()
    north, south = world.node("north"), world.node("south")
    north.engine.handle(south.peer, Opened(True, b"n" * 8, 0, None), 0.0)
    effects = north.engine.handle(south.peer, Received(encode(Leave(why))), 0.0)
    assert [each.code for _, each in effects if isinstance(each, Close)] == ["left"]
    assert north.engine.peers == []


def test_where_our_journal_stood_when_both_held_the_same_is_remembered() -> None:
    world = World()
    north, south, link = pair(world)
    fill(north)
    world.connect(link, brief=True)
    world.run(60)
    assert equal([north, south])
    for one, other in ((north, south), (south, north)):
        memory = PeerMemory.unpack(one.remembered[other.peer])
        assert (memory.our_journal, memory.our_counter) == one.memory.journal()
        assert (memory.journal, memory.counter) == other.memory.journal()


def test_where_both_journals_stand_is_remembered_though_what_moved_is_not_shared() -> None:
    world = World()
    north, south, link = pair(world)
    other = (Scope(b"o" * 16), b"c" * 32)
    south.memory.follow(*other)
    north.limit_follow = 1
    fill(north)
    world.connect(link)
    assert world.run(60, lambda: equal([north, south]))
    for number in range(2):
        world.run(7200)
        south.write(Author(100 + number, scope=other[0]).write("of a body that north does not follow"))
        world.run(7200)
        theirs, ours = (
            PeerMemory.unpack(node.remembered[peer.peer]) for node, peer in ((north, south), (south, north))
        )
        assert theirs.counter == ours.our_counter == south.memory.journal()[1]


def test_what_a_peer_told_of_and_did_not_serve_is_forgotten_once_both_are_found_to_hold_the_same() -> None:
    world = World()
    north, south, link = pair(world)
    fill(north)
    world.connect(link)
    assert world.run(60, lambda: equal([north, south]))
    world.run(7200)
    tip = Tip(Author(99).log, 0, 3, b"1234")
    world.act(north, north.engine.handle(south.peer, Received(encode(tip)), world.now))
    assert north.engine.sizes()[south.peer].wanted == 1
    world.run(7200)
    assert north.engine.sizes()[south.peer].wanted == 0
