"""Many peers at once: what one uses or spoils is not the others' loss."""

from base64 import b85encode
from hashlib import sha256
from random import Random

import pytest

from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Close,
    Closed,
    Declined,
    Effect,
    Granted,
    Held,
    Known,
    Opened,
    Pause,
    Peer,
    Received,
    Resume,
    Room,
    Send,
    Stored,
    Take,
    Taken,
    Tick,
)
from fedsync.gossip.following import Row
from fedsync.gossip.limits import (
    BLOCKS_BURST,
    BYTES_BURST,
    INCARNATION_DELAY_S,
    MAX_BACKLOG,
    MAX_TAKES,
    MAX_TAKES_BYTES,
    RECORDS_BURST,
    RECORDS_PER_S,
    ROOM_BYTES,
    WANTS_BURST,
)
from fedsync.gossip.listing import Salt, wanted
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import (
    Beat,
    BlockMessage,
    Hello,
    Message,
    Prune,
    Range,
    Refused,
    Rest,
    Tip,
    Want,
    decode,
    encode,
)
from fedsync.records.block import peek
from fedsync.records.ids import Extent, LogClass, LogId
from tests.gossip.telling import tells
from tests.sim.world import BODY, Author, World, checked, equal

A, B, C = Peer(b"a"), Peer(b"b"), Peer(b"c")
HELLO = Hello(1, b"j" * 8, 5, b"", 0, b"2" * 8, 0, b"r" * 16)
SALT = Salt(b"1" * 8, b"2" * 8)


def engine(authors: list[Author], words: int = 1) -> tuple[Engine, Memory]:
    """Return an engine over a memory in which each author has written."""
    memory = Memory(b"northern", checker=checked)
    memory.follow(*BODY)
    for author in authors:
        for block in author.write(*[sha256(b"%d" % number).hexdigest() for number in range(words)]):
            memory.write(block)
    return Engine(memory), memory


def open_session(engine: Engine, peer: Peer, now: float = 0.0) -> None:
    engine.handle(peer, Opened(True, b"1" * 8, 0, None), now)
    engine.handle(peer, Received(encode(HELLO)), now)


def sent(effects: list[tuple[Peer, Effect]]) -> list[Message]:
    return [decode(each.frame) for _, each in effects if isinstance(each, Send)]


def want(memory: Memory, authors: list[Author]) -> Want:
    return Want(b"".join(wanted(SALT, SALT.log(author.log), None) for author in authors))


def list_all(north: Engine, memory: Memory, peer: Peer) -> None:
    """Let the engine name all its logs to the peer."""
    for key in memory.sets():
        north.handle(peer, Received(encode(Range(key, (b"\x40",)))), 0.0)


def test_no_more_is_sent_than_the_carrier_has_room_for() -> None:
    authors = [Author(number) for number in range(40)]
    north, memory = engine(authors, words=400)
    open_session(north, A)
    list_all(north, memory, A)
    blocks = sent(north.handle(A, Received(encode(want(memory, authors))), 0.0))
    size = sum(len(encode(each)) for each in blocks)
    assert size <= ROOM_BYTES + 65_535
    assert sent(north.handle(A, Tick(), 1.0)) == []
    assert sent(north.handle(A, Room(1), 1.0)) != []


def test_a_fork_proof_and_authority_overtake_facts_that_wait() -> None:
    facts = [Author(number, LogClass.FACTS) for number in range(40)]
    urgent = [Author(99, LogClass.AUTHORITY)]
    north, memory = engine(facts, words=100)
    for block in urgent[0].write("page"):
        memory.write(block)
    open_session(north, A)
    list_all(north, memory, A)
    north.handle(A, Room(1), 0.0)
    north.handle(A, Received(encode(want(memory, facts))), 0.0)
    north.handle(A, Received(encode(want(memory, urgent))), 0.0)
    (first,) = sent(north.handle(A, Room(1), 0.0))
    assert isinstance(first, BlockMessage)
    assert peek(first.raw).log == urgent[0].log


def test_facts_that_wait_are_not_starved_by_authority() -> None:
    facts = [Author(number, LogClass.FACTS) for number in range(40)]
    pages = [Author(100 + number, LogClass.AUTHORITY) for number in range(60)]
    north, memory = engine(facts + pages)
    open_session(north, A)
    list_all(north, memory, A)
    north.handle(A, Room(-1), 0.0)
    north.handle(A, Received(encode(want(memory, facts + pages))), 0.0)
    first = [each for _ in range(32) for each in sent(north.handle(A, Room(1), 0.0))]
    kinds = {author.log: author.log_class for author in facts + pages}
    classes = [kinds[peek(each.raw).log] for each in first if isinstance(each, BlockMessage)]
    assert 1 <= classes.count(LogClass.FACTS) <= 3


def test_a_peer_that_reads_slowly_is_told_of_a_log_once_however_often_it_moves() -> None:
    world = World()
    north, south = world.node("north"), world.node("south")
    link = world.link(north, south)
    author = Author(1)
    north.write(author.write("word"))
    world.connect(link)
    world.run(10)
    said: list[object] = []
    world.tamper["north"] = lambda _, __, frame: said.append(decode(frame)) or []  # type: ignore[func-returns-value]
    north.tell(south.peer, Room(0))
    for number in range(50):
        north.write(author.write(str(number)))
    assert said == []
    north.tell(south.peer, Room(10_000))
    assert [type(each) for each in said] == [Tip]


def test_a_peer_that_asks_for_listings_and_reads_none_costs_no_more_memory_than_the_limit() -> None:
    north, memory = engine([Author(number) for number in range(500)])
    open_session(north, A)
    (key,) = memory.sets()
    north.handle(A, Room(0), 0.0)
    question = Received(encode(Range(key, (b"\x40",))))
    for _ in range(2000):
        north.handle(A, question, 0.0)
    waiting = 0
    while frames := sent(north.handle(A, Room(65_536), 0.0)):
        waiting += sum(len(encode(each)) for each in frames)
    assert waiting <= MAX_BACKLOG + 65_536


def test_a_peer_whose_blocks_wait_at_the_door_is_not_read_until_they_are_judged() -> None:
    north, _ = engine([])
    open_session(north, A)
    author = Author(1)
    frames = [
        encode(BlockMessage(False, True, block.raw))
        for _ in range(MAX_TAKES + 5)
        for block in author.write("x")
    ]
    effects = [each for frame in frames for _, each in north.handle(A, Received(frame), 0.0)]
    assert effects.count(Pause(None)) == 1
    takes = [each for each in effects if isinstance(each, Take)]
    assert [each.number for each in takes] == list(range(1, len(frames) + 1))
    after = [each for take in takes for _, each in north.handle(A, Taken(take.number, Held(1)), 0.0)]
    assert after.count(Resume()) == 1


def test_a_peer_whose_large_blocks_wait_at_the_door_is_not_read_when_they_are_so_many_bytes() -> None:
    north, _ = engine([])
    open_session(north, A)
    author, dice, waiting = Author(1), Random(1), 0
    for _ in range(MAX_TAKES - 1):
        (block,) = author.write(b85encode(dice.randbytes(24_000)).decode())
        waiting += len(block.raw)
        effects = [
            each for _, each in north.handle(A, Received(encode(BlockMessage(False, True, block.raw))), 0.0)
        ]
        if Pause(None) in effects:
            break
    assert MAX_TAKES_BYTES <= waiting < MAX_TAKES_BYTES + len(block.raw)


def test_what_is_in_hand_of_a_peer_is_told_in_figures() -> None:
    north, memory = engine([Author(number) for number in range(500)])
    open_session(north, A)
    open_session(north, B)
    (key,) = memory.sets()
    raws = [Author(at).write("x")[0].raw for at in range(1000, 1003)]
    north.handle(A, Received(encode(BlockMessage(False, True, raws[0]))), 0.0)
    north.handle(A, Taken(1, Declined("refused", 0)), 0.0)
    for raw in raws[1:]:
        north.handle(A, Received(encode(BlockMessage(False, True, raw))), 0.0)
    north.handle(A, Received(encode(Refused(next(memory.logs()), "no", 0))), 0.0)
    north.handle(A, Received(encode(Tip(LogId(bytes(32)), 1, 5, b"1234"))), 0.0)
    before = north.sizes()[A]
    assert (before.refused, before.refused_there, before.taking, before.backlog) == (1, 1, 2, 0)
    assert before.taking_bytes == sum(map(len, raws[1:]))
    assert before.wanted >= 1
    north.handle(A, Room(0), 0.0)
    north.handle(A, Received(encode(Range(key, (b"\x40",)))), 0.0)
    assert north.sizes()[A].backlog > 0
    assert set(north.sizes()[B]) == {0}


def test_who_uses_more_than_its_share_is_not_read_for_a_while_and_nobody_else_waits() -> None:
    north, _ = engine([])
    open_session(north, A)
    open_session(north, B)
    flood = encode(BlockMessage(False, True, Author(1).write("x")[0].raw))
    pauses = []
    for _ in range(BLOCKS_BURST + 100):
        for peer, each in north.handle(A, Received(flood), 0.0):
            if isinstance(each, Take):
                north.handle(A, Taken(each.number, Held(1)), 0.0)
            if isinstance(each, Pause):
                pauses.append((peer, each.until))
    assert pauses
    assert all(peer == A and until is not None and until > 0 for peer, until in pauses)
    beat = Received(encode(Beat(b"r" * 16, 1, 0, 60)))
    assert not [each for _, each in north.handle(B, beat, 0.0) if isinstance(each, Pause)]
    assert BYTES_BURST > BLOCKS_BURST


def test_questions_are_charged_for_what_it_costs_to_answer_them() -> None:
    north, memory = engine([Author(number) for number in range(100)])
    open_session(north, A)
    (key,) = memory.sets()
    north.handle(A, Room(0), 0.0)
    dear = Received(encode(Range(key, (b"\x40",))))
    pauses: list[Pause] = []
    for _ in range(WANTS_BURST // 128):
        pauses += [each for _, each in north.handle(A, dear, 0.0) if isinstance(each, Pause)]
    assert pauses
    assert pauses[0].until is not None
    assert pauses[0].until > 0


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ((tells(), tells(Row(*BODY, Extent.ALL))), WANTS_BURST // 128),
        ((Beat(b"r" * 16, 1, 0, 60),), WANTS_BURST // 128),
        ((Rest(b"r" * 16),), WANTS_BURST // 128),
        ((Tip(Author(1).log, 0, 99, b"tip."),), WANTS_BURST // 3),
        ((Refused(Author(1).log, "quota", 0),), WANTS_BURST // 3),
    ],
    ids=lambda each: type(each[0]).__name__ if isinstance(each, tuple) else "",
)
def test_who_says_the_same_again_and_again_is_not_read_for_a_while(
    words: tuple[Message, ...], times: int
) -> None:
    north, _ = engine([Author(1)])
    open_session(north, A)
    north.handle(A, Room(0), 0.0)
    said = [Received(encode(each)) for each in words]
    for at in range(times):
        if any(isinstance(each, Pause) for _, each in north.handle(A, said[at % len(said)], 0.0)):
            return
    raise AssertionError("it is heard without end")


def test_records_are_charged_when_they_are_taken() -> None:
    north, _ = engine([])
    open_session(north, A)
    flood = encode(BlockMessage(False, True, Author(1).write("x")[0].raw))
    pauses: list[Pause] = []
    for _ in range(3):
        (take,) = [each for _, each in north.handle(A, Received(flood), 0.0) if isinstance(each, Take)]
        effects = north.handle(A, Taken(take.number, Held(RECORDS_BURST // 2)), 0.0)
        pauses += [each for _, each in effects if isinstance(each, Pause)]
    assert pauses == [Pause(RECORDS_BURST // 2 / RECORDS_PER_S)]


def test_who_hangs_up_and_calls_again_has_used_what_it_used_before() -> None:
    north, _ = engine([])
    flood = encode(BlockMessage(False, True, Author(1).write("x")[0].raw))
    pauses: list[Pause] = []
    for _ in range(3):
        open_session(north, A)
        (take,) = [each for _, each in north.handle(A, Received(flood), 0.0) if isinstance(each, Take)]
        effects = north.handle(A, Taken(take.number, Held(RECORDS_BURST // 2)), 0.0)
        pauses += [each for _, each in effects if isinstance(each, Pause)]
        north.handle(A, Closed(), 0.0)
    assert pauses == [Pause(RECORDS_BURST // 2 / RECORDS_PER_S)]


def test_who_sends_few_and_large_blocks_is_read_more_slowly_for_their_bytes() -> None:
    north, _ = engine([])
    open_session(north, A)
    (block,) = Author(1).write(b85encode(Random(1).randbytes(24_000)).decode())
    frame, count = encode(BlockMessage(False, True, block.raw)), 0
    while True:
        count += 1
        effects = [each for _, each in north.handle(A, Received(frame), 0.0)]
        (take,) = [each for each in effects if isinstance(each, Take)]
        if any(isinstance(each, Pause) for each in effects):
            break
        north.handle(A, Taken(take.number, Known()), 0.0)
        assert count < BLOCKS_BURST
    assert count == BYTES_BURST // len(frame) + 1


def test_a_pause_for_a_while_does_not_end_that_of_a_peer_whose_blocks_fill_the_door() -> None:
    north, _ = engine([])
    open_session(north, A)
    blocks = [Author(1).write("x")[0].raw] * MAX_TAKES
    effects = [
        each
        for raw in blocks
        for _, each in north.handle(A, Received(encode(BlockMessage(False, True, raw))), 0.0)
    ]
    assert effects.count(Pause(None)) == 1
    (first, *_) = (each for each in effects if isinstance(each, Take))
    after = [each for _, each in north.handle(A, Taken(first.number, Held(2 * RECORDS_BURST)), 0.0)]
    assert not any(isinstance(each, Pause) for each in after)


def test_a_peer_that_sends_garbage_ends_only_its_own_session() -> None:
    north, _ = engine([Author(1)])
    open_session(north, A)
    open_session(north, B)
    effects = north.handle(A, Received(b"\xc1"), 0.0)
    assert [(peer, each.code) for peer, each in effects if isinstance(each, Close)] == [(A, "garbage")]
    assert north.peers == [B]
    assert north.handle(A, Received(b"\xc1"), 0.0) == []


def test_a_second_session_of_a_peer_takes_the_place_of_the_first() -> None:
    north, _ = engine([Author(1)])
    open_session(north, A)
    open_session(north, A, 5.0)
    assert north.peers == [A]
    assert north.report(B) is None
    assert [type(each) for each in sent(north.handle(A, Received(encode(Prune())), 5.0))] == []


def test_what_is_refused_until_a_time_is_asked_for_again_then() -> None:
    world = World()
    north, south = world.node("north"), world.node("south")
    for number in range(10):
        north.write(Author(1, incarnation=number).write("born again"))
    link = world.link(north, south)
    world.connect(link)
    world.run(30)
    assert len(list(south.memory.logs())) == 9
    world.run(INCARNATION_DELAY_S + 130)
    assert equal([north, south])


def test_a_grant_with_nothing_refused_costs_nothing() -> None:
    north, _ = engine([Author(1)])
    open_session(north, A)
    north.handle(A, Received(encode(Beat(b"r" * 16, 1, 0, 60))), 0.0)
    assert sent(north.everyone(Granted(), 0.0)) == []


def level(engine: Engine, peer: Peer) -> None:
    """Open a session with one that holds the same, so that new blocks may go over it."""
    (hello,) = sent(engine.handle(peer, Opened(True, b"1" * 8, 0, None), 0.0))
    assert isinstance(hello, Hello)
    engine.handle(peer, Received(encode(HELLO._replace(root=hello.root, follows=hello.follows))), 0.0)


def test_a_node_of_which_all_peers_want_tips_only_takes_the_last_of_them_back_into_the_tree() -> None:
    north, _ = engine([])
    for peer in (A, C):
        level(north, peer)
    assert Want(b"") not in sent(north.handle(A, Received(encode(Prune())), 0.0))
    assert Want(b"") in sent(north.handle(C, Received(encode(Prune())), 0.0))
    assert (north.eager(A), north.eager(C)) == (False, True)


def test_who_brought_a_block_is_not_told_of_it_but_of_the_fork_that_it_showed() -> None:
    north, memory = engine([])
    level(north, A)
    for fork, author in ((None, Author(2)), (0, Author(3))):
        (block,) = author.write("x")
        memory.write(block)
        stored = Stored(block.log, block.raw, (block.last, block.tip), fork, A)
        told = sent(north.everyone(stored, 0.0))
        assert [(type(each), getattr(each, "log", None)) for each in told] == (
            [] if fork is None else [(Tip, block.log)]
        )


def test_another_link_is_found_for_new_blocks_while_one_is_about_to_ask_for_what_it_was_told_of() -> None:
    memory = Memory(b"northern", checker=checked)
    memory.follow(*BODY)
    north = Engine(memory)
    open_session(north, B)
    for peer in (A, C):  # and not over the first
        level(north, peer)
    north.handle(C, Received(encode(Prune())), 0.0)
    assert (north.eager(A), north.eager(B), north.eager(C)) == (True, False, False)
    for author, when in ((Author(2), 0.2), (Author(3), 0.2004)):
        north.handle(B, Received(encode(Tip(author.log, 0, 9, b"1234"))), when)
    assert any(isinstance(each, Want) for each in sent(north.handle(B, Tick(), 0.7)))
    north.handle(A, Closed(), 0.7)
    assert north.eager(C)
    assert any(isinstance(each, Want) for each in sent(north.handle(B, Tick(), 0.73)))
