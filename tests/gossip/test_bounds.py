"""Whatever a peer says, and however long: what a session keeps of its words is bounded, and so is the work they cause."""

import gc
import sys
from collections.abc import Callable
from random import Random
from types import FunctionType, ModuleType

import pytest

from fedsync.gossip import wants
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Declined,
    Effect,
    Entitled,
    Opened,
    Pause,
    Peer,
    Received,
    Room,
    Send,
    Take,
    Taken,
)
from fedsync.gossip.following import NOTHING_HEARD, Page, Row, pack_rows
from fedsync.gossip.limits import MAX_GAPS, MAX_REFUSALS, PAGE_BYTES
from fedsync.gossip.listing import Salt, changed
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import (
    NOT_SERVED,
    Beat,
    BlockMessage,
    Bye,
    Delta,
    Hello,
    Message,
    NoBase,
    Range,
    Refused,
    Rest,
    Sets,
    Tip,
    Want,
    decode,
    encode,
)
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.records.block import peek
from fedsync.records.ids import Extent, LogClass, LogId, Reach, Scope
from tests.gossip.telling import tells
from tests.sim.world import BODY, Author, World, checked, equal

LIAR = Peer(b"liar")
NONCES = b"1" * 8, b"2" * 8
SALT = Salt(*NONCES)


class Ear:
    """A node that listens to one peer, which says what it likes."""

    def __init__(self) -> None:
        self.memory = Memory(b"j" * 8, checker=checked)
        self.memory.follow(*BODY)
        self.engine = Engine(self.memory)
        self.now = 0.0
        self.engine.handle(LIAR, Opened(False, NONCES[1], 0, None), self.now)
        self.hear(Hello(1, b"k" * 8, 5, b"", 0, NONCES[0], 0, b"r" * 16))

    def hear(self, message: Message) -> list[Effect]:
        """Hear a word, long after the one before: what a peer may say in a time is another matter."""
        self.now += 1.0
        return [each for _, each in self.engine.handle(LIAR, Received(encode(message)), self.now)]

    def held(self, author: Author) -> int:
        """Return how many records are held of a log."""
        held = self.memory.log(author.log)
        assert held is not None
        return held.heads[0][0] + 1

    def size(self) -> int:
        """Return how many bytes all take that the engine holds on to."""
        seen: set[int] = set()
        todo: list[object] = [self.engine]
        total = 0
        while todo:
            each = todo.pop()
            if id(each) in seen or isinstance(each, type | ModuleType | FunctionType):
                continue
            seen.add(id(each))
            total += sys.getsizeof(each)
            todo += gc.get_referents(each)
        return total


def refuses(dice: Random) -> Message:
    return Delta(True, b"".join(changed(SALT, LogId(dice.randbytes(32)), True, ()) for _ in range(1000)))


def names_sets(dice: Random) -> Message:
    keys = [(Scope(dice.randbytes(16)), Reach.WORLD, LogClass.FACTS) for _ in range(1000)]
    return Sets(tuple((key, bytes(8)) for key in sorted(keys)))


def refuses_one_by_one(dice: Random) -> Message:
    return Refused(LogId(dice.randbytes(32)), "no", 0)


@pytest.mark.parametrize("says", [refuses, names_sets], ids=lambda each: each.__name__)
def test_what_is_named_and_not_known_here_is_not_kept(says: Callable[[Random], Message]) -> None:
    ear, dice = Ear(), Random(1)
    for _ in range(3):
        ear.hear(says(dice))
    before = ear.size()
    for _ in range(20):
        ear.hear(says(dice))
    assert ear.size() - before < 100_000


def test_of_refusals_only_so_many_are_kept() -> None:
    ear, dice = Ear(), Random(1)
    for _ in range(MAX_REFUSALS):
        ear.hear(refuses_one_by_one(dice))
    before = ear.size()
    for _ in range(2 * MAX_REFUSALS):
        ear.hear(refuses_one_by_one(dice))
    for _ in range(3):
        ear.hear(refuses(dice))
    assert ear.size() - before < 100_000


def test_of_blocks_that_are_refused_no_more_is_kept_than_of_refusals() -> None:
    ear = Ear()
    grew: list[int] = []
    for number in range(3 * MAX_REFUSALS):
        if number % MAX_REFUSALS == 0:
            grew.append(ear.size())
        log = LogId(number.to_bytes(32, "big"))
        ear.hear(Tip(log, 0, 0, b"1234"))
        (block,) = Author(1).write("what nobody takes")
        raw = block.raw.replace(block.log, log)
        assert peek(raw).log == log
        for effect in ear.hear(BlockMessage(True, False, raw)):
            if isinstance(effect, Take):
                ear.engine.handle(LIAR, Taken(effect.number, Declined("refused", 0)), ear.now)
    assert ear.size() - grew[2] < 100_000


def test_of_what_a_peer_claims_to_hold_so_much_is_wanted_at_a_time_and_the_rest_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wants, "MAX_LISTED", 300)
    ear, dice = Ear(), Random(1)
    for _ in range(400):
        ear.hear(Tip(LogId(dice.randbytes(32)), 0, 5, b"1234"))
    before = ear.size()
    for _ in range(1000):
        ear.hear(Tip(LogId(dice.randbytes(32)), 0, 5, b"1234"))
    assert ear.size() - before < 20_000
    assert ear.engine.report(LIAR) is not None, "who holds that much is not taken to be a liar"

    world = World()
    north, south = world.node("north"), world.node("south")
    for number in range(700):
        north.write(Author(number + 1).write("one"))
    world.connect(world.link(north, south))
    world.run(600)
    assert len(list(south.memory.logs())) == 700
    assert equal([north, south])


def test_pages_of_bodies_that_leave_gaps_without_end_are_passed_over_until_they_are_told_in_fewer() -> None:
    heard = NOTHING_HEARD
    for number in range(1, 4 * MAX_GAPS, 2):
        at, end = number.to_bytes(16, "big"), (number + 1).to_bytes(16, "big")
        heard = heard.with_page(Page(at, end, pack_rows([Row(Scope(at), b"b" * 32, Extent.ALL)])))
    assert len(heard.gaps) == MAX_GAPS
    assert len(heard.rows) < MAX_GAPS
    whole = heard.with_page(Page(b"", b"", b""))
    assert whole.whole
    assert not whole.rows


SMALL: dict[str, Message] = {
    "bodies": tells(),
    "delta": Delta(True, b"\3" + b"12345678"),
    "rest": Rest(b"r" * 16),
}


@pytest.mark.parametrize("kind", SMALL)
def test_who_makes_us_look_at_all_sets_again_and_again_is_read_more_slowly(kind: str) -> None:
    ear = Ear()
    frame = encode(SMALL[kind])
    paused = 0.0
    for _ in range(2000):
        for _, effect in ear.engine.handle(LIAR, Received(frame), ear.now):
            if isinstance(effect, Pause) and effect.until is not None:
                paused = max(paused, effect.until - ear.now)
    assert paused > 10, "what costs a few bytes to say must not cost us milliseconds without end"


def test_who_may_have_a_body_no_more_gets_no_more_of_what_is_being_served() -> None:
    ear, dice = Ear(), Random(1)
    near, far = Author(1, reach=Reach.REGION), Author(2, reach=Reach.WORLD)
    for author in (near, far):
        for _ in range(40):
            for block in author.write(*(dice.randbytes(400).hex() for _ in range(16))):
                ear.memory.write(block)
    ear.engine.handle(LIAR, Opened(False, NONCES[1], 0, None, near=frozenset({BODY[0]})), ear.now)
    ear.hear(Hello(1, b"k" * 8, 5, b"", 0, NONCES[0], 0, b"r" * 16))
    ear.hear(tells(Row(*BODY, Extent.ALL)))
    ear.hear(Sets(()))
    asked = b"".join(SALT.log(author.log) + b"\1" for author in (near, far))
    heard = _blocks(ear.hear(Want(asked)))
    assert {log for log, _ in heard} == {near.log}
    assert sum(count for log, count in heard if log == near.log) < ear.held(near), (
        "not all fits what the carrier takes"
    )
    ear.engine.handle(LIAR, Entitled(frozenset()), ear.now)
    later: list[tuple[LogId, int]] = []
    for _ in range(200):
        later += _blocks([each for _, each in ear.engine.handle(LIAR, Room(PAGE_BYTES), ear.now)])
    assert {log for log, _ in later} == {far.log}
    assert sum(count for log, count in heard + later if log == far.log) == ear.held(far)


def test_who_may_have_a_body_no_more_gets_no_more_of_what_was_to_follow_a_delta() -> None:
    ear, dice = Ear(), Random(1)
    near, far = Author(1, reach=Reach.REGION), Author(2, reach=Reach.WORLD)
    for author, many in ((near, 16), (far, 4)):
        for _ in range(many):
            for block in author.write(*(dice.randbytes(400).hex() for _ in range(16))):
                ear.memory.write(block)
    memory = PeerMemory(b"k" * 8, 5, pack_rows([Row(*BODY, Extent.ALL)]))
    ear.engine.handle(LIAR, Opened(False, NONCES[1], 0, memory, near=frozenset({BODY[0]})), ear.now)
    heard = ear.hear(Hello(1, b"k" * 8, 5, b"j" * 8, 0, NONCES[0], 0, b"r" * 16))
    sent = _blocks(heard)
    ended = [each for _, each in ear.engine.handle(LIAR, Entitled(frozenset()), ear.now)]
    assert _blocks(ended) == []
    said = [decode(each.frame) for each in ended if isinstance(each, Send)]
    assert said.count(NoBase(SALT.log(near.log), NOT_SERVED)) == 1, "else it would wait for them"
    heard += ended
    for _ in range(200):
        heard += [each for _, each in ear.engine.handle(LIAR, Room(PAGE_BYTES), ear.now)]
    got = {log: sum(count for other, count in _blocks(heard) if other == log) for log in (near.log, far.log)}
    assert got[far.log] == ear.held(far)
    assert got[near.log] == sum(count for log, count in sent if log == near.log) < ear.held(near)
    # It has handled all that was sent: then nothing is taken to be on its way.
    frames = [decode(each.frame) for each in heard if isinstance(each, Send)]
    counted = sum(not isinstance(each, Beat | Bye) for each in frames)
    assert ear.engine._sessions[LIAR]._out.sent == counted + 1, "with the HELLO"


def _blocks(effects: list[Effect]) -> list[tuple[LogId, int]]:
    said = [decode(each.frame) for each in effects if isinstance(each, Send)]
    heads = [peek(each.raw) for each in said if isinstance(each, BlockMessage)]
    return [(head.log, head.count) for head in heads]


@pytest.mark.parametrize(
    "entry", [b"\0\0\0", b"\x40", b"\x02\x10\0\0", b"\x42\x10"], ids=["nodes", "items", "below", "few"]
)
def test_a_set_is_listed_once_however_often_a_message_asks_for_it(entry: bytes) -> None:
    ear = Ear()
    for number in range(40):
        ear.memory.write(Author(number, reach=Reach.WORLD).write("one")[0])
    key = (BODY[0], Reach.WORLD, LogClass.FACTS)
    ear.hear(tells(Row(*BODY, Extent.ALL)))
    once = sum(len(each.frame) for each in ear.hear(Range(key, (entry,))) if isinstance(each, Send))
    often = Range(key, (entry,) * 100 + (b"\0\0\0", b"\x40", entry) * 100)
    assert sum(len(each.frame) for each in ear.hear(often) if isinstance(each, Send)) <= once + 100


def test_who_has_long_listings_made_again_and_again_is_read_more_slowly() -> None:
    ear = Ear()
    for number in range(1000):
        ear.memory.write(Author(number, reach=Reach.WORLD).write("one")[0])
    ear.hear(tells(Row(*BODY, Extent.ALL)))
    asks = Received(encode(Range((BODY[0], Reach.WORLD, LogClass.FACTS), (b"\x40",))))
    for _ in range(400):
        for _, effect in ear.engine.handle(LIAR, asks, ear.now):
            if isinstance(effect, Pause) and effect.until is not None:
                return
        ear.engine.handle(LIAR, Room(1 << 20), ear.now)
    raise AssertionError("two thousand a second would be answered")


def test_who_asks_for_the_same_again_and_again_and_reads_nothing_takes_one_place_in_line() -> None:
    ear, author = Ear(), Author(1, reach=Reach.WORLD)
    ear.memory.write(author.write("one")[0])
    ear.hear(tells(Row(*BODY, Extent.ALL)))
    ear.hear(Range((BODY[0], Reach.WORLD, LogClass.FACTS), (b"\x40",)))
    ear.engine.handle(LIAR, Room(0), ear.now)
    before = 0
    for _ in range(40):
        ear.hear(Want((SALT.log(author.log) + b"\1") * 1000))
        ear.hear(Refused(author.log, "no", 0))
        before = before or ear.size()
    assert ear.size() - before < 20_000
