"""What is urgent goes before all else on every way through a session, and who lies of it gains nothing."""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile
from random import Random
from typing import Any

from fedsync.gossip.deeds import Deed
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Close,
    Closed,
    Did,
    Effect,
    Event,
    Held,
    Hurried,
    Opened,
    Peer,
    Received,
    Remember,
    Room,
    Send,
    Stored,
    Take,
    Taken,
    Tick,
)
from fedsync.gossip.limits import LOW_SHARE, ROOM_BYTES, URGENT_BYTES, URGENT_CREDIT_S, WINDOW_LOGS
from fedsync.gossip.listing import read_changed, read_wanted
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import BlockMessage, Delta, Message, Prune, Refused, Tip, Want, decode
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.priority import FIRST, LAST, WORDS, of_class
from fedsync.records.block import Block, peek
from fedsync.records.ids import Extent, LogClass, LogId
from tests.sim.world import BODY, Author

DICE = Random(1)
WALL = 1_700_000_000_000
FACTS = of_class(LogClass.FACTS)
Said = tuple[Message, int]


class Side:
    """One node; what it says to each peer waits in `out` until somebody delivers it."""

    def __init__(self, name: str) -> None:
        self.peer, self.memory = Peer(name.encode()), Memory(name.encode().ljust(8))
        self.memory.following = [(*BODY, Extent.ALL)]
        self.engine = Engine(self.memory)
        self.out: dict[Peer, deque[Send]] = {}
        self.door: deque[tuple[Peer, Take]] = deque()
        self.remembered: dict[Peer, PeerMemory] = {}
        self.closed: list[Close] = []
        self.taken: list[bytes] = []

    def tell(self, peer: Peer, event: Event, now: float = 0.0) -> None:
        self.do(self.engine.handle(peer, event, now))

    def all(self, event: Any, now: float = 0.0) -> None:
        self.do(self.engine.everyone(event, now))

    def do(self, effects: Sequence[tuple[Peer, Effect]]) -> None:
        for peer, effect in effects:
            match effect:
                case Send():
                    self.out.setdefault(peer, deque()).append(effect)
                case Take():
                    self.door.append((peer, effect))
                case Remember(memory):
                    self.remembered[peer] = memory
                case Close():
                    self.closed.append(effect)
                case _:
                    pass

    def write(self, *blocks: Block, urgent: bool = False, now: float = 0.0) -> None:
        """Keep blocks of our own and tell the sessions, as a daemon does after a commit."""
        for block in blocks:
            assert self.memory.write(block)
            if urgent:
                self.memory.hurry(block.log, block.last)
            self.all(Stored(block.log, block.raw, (block.last, block.tip), None, None), now)

    def open_door(self, now: float = 0.0, only: Callable[[bytes], bool] = lambda raw: True) -> None:
        """Take what waits at the door, and answer."""
        for _ in range(len(self.door)):
            peer, take = self.door.popleft()
            if not only(take.raw):
                self.door.append((peer, take))
                continue
            outcome, block = self.memory.take(take.raw, WALL)
            self.tell(peer, Taken(take.number, outcome), now)
            if block is not None and isinstance(outcome, Held):
                self.taken.append(block.raw)
                self.all(Stored(block.log, block.raw, (block.last, block.tip), outcome.fork, peer), now)

    def said(self, peer: Peer) -> list[Said]:
        """Return what waits for a peer, and forget it."""
        found = [(decode(each.frame), each.priority) for each in self.out.get(peer, ())]
        self.out.pop(peer, None)
        return found


def meet(one: Side, two: Side, now: float = 0.0) -> None:
    for side, other, dialler in ((one, two, True), (two, one, False)):
        memory = side.remembered.get(other.peer)
        side.tell(other.peer, Opened(dialler, side.peer[:8].ljust(8), WALL, memory), now)


def pass_on(one: Side, two: Side, now: float = 0.0, most: int = 1 << 30) -> None:
    """Deliver what waits, in order, until nothing does; what comes to a door is taken."""
    while most and (one.out.get(two.peer) or two.out.get(one.peer)):
        for side, other in ((one, two), (two, one)):
            for _ in range(min(most, len(side.out.get(other.peer, ())))):
                most -= 1
                other.tell(side.peer, Received(side.out[other.peer].popleft().frame), now)
                other.open_door(now)
            side.tell(other.peer, Room(ROOM_BYTES), now)


def noise(size: int) -> str:
    """Return a text that does not get smaller in a block."""
    return DICE.randbytes(size // 2).hex()


def level(*others: str) -> tuple[Side, list[Side]]:
    """Return a node and its peers, with sessions that stand and equal sets."""
    here, sides = Side("here"), [Side(name) for name in others]
    for side in sides:
        meet(here, side)
        pass_on(here, side)
    return here, sides


def facts(number: int, count: int = 1, size: int = 1) -> list[Block]:
    author = Author(number)
    return [block for at in range(count) for block in author.write(str(at) * size)]


def fill(side: Side, peer: Peer) -> None:
    """Take all room of the carrier to a peer."""
    side.tell(peer, Room(0))
    side.out.pop(peer, None)


RECALL = Author(7, LogClass.AUTHORITY)
BLOCKS = [block for word in ("one", "two", "recall") for block in RECALL.write(word)]


# --- Push ---------------------------------------------------------------------------------------------


def test_it_is_pushed_whole_to_who_wants_tips_only_and_while_there_is_no_room() -> None:
    here, (pruned, full) = level("pruned", "full")
    here.write(*BLOCKS[:2])
    for peer in (pruned, full):
        pass_on(here, peer)
    here.tell(pruned.peer, Received(bytes((0x91, 15))))
    fill(here, full.peer)
    here.write(*facts(1))
    assert [type(each) for each, _ in here.said(pruned.peer)] == [Tip]
    assert here.said(full.peer) == []
    here.write(BLOCKS[2], urgent=True)
    for peer in (pruned, full):
        assert here.said(peer.peer) == [(BlockMessage(True, True, BLOCKS[2].raw), FIRST)]


def test_a_fork_proof_is_pushed_as_it_is_found_and_not_told_of() -> None:
    here, (other,) = level("other")
    author = Author(1)
    here.write(*author.write("one"))
    twin = Author(1, at=author.at)
    here.write(*author.write("two"))
    pass_on(here, other)
    fill(here, other.peer)
    (proof,) = twin.write("two'")
    outcome, kept = here.memory.take(proof.raw, WALL)
    assert kept is not None
    here.all(Stored(kept.log, kept.raw, (kept.last, kept.tip), outcome.fork, None))  # type: ignore[union-attr]
    assert here.said(other.peer) == [(BlockMessage(True, True, proof.raw), FIRST)]


def test_it_is_pushed_to_who_is_far_behind_and_asked_for_at_once_when_it_does_not_fit_there() -> None:
    here, there = Side("here"), Side("there")
    here.write(*BLOCKS[:2], *(block for at in range(90) for block in facts(at + 20)))
    meet(here, there)
    pass_on(here, there, most=14)
    assert there.engine.report(here.peer).state == "catching up"  # type: ignore[union-attr]
    here.write(BLOCKS[2], urgent=True)
    pushed = [each for each, turn in here.said(there.peer) if turn == FIRST]
    assert pushed == [BlockMessage(True, True, BLOCKS[2].raw)]


def test_what_is_told_of_lazily_is_told_first_and_without_room_once_it_turns_out_to_be_urgent() -> None:
    here, (other,) = level("other")
    fill(here, other.peer)
    here.write(*facts(1), *BLOCKS[:1], *facts(2))
    assert here.said(other.peer) == []
    here.memory.hurry(RECALL.log, 0)
    here.all(Hurried(RECALL.log))
    assert [(each.log, turn) for each, turn in here.said(other.peer)] == [(RECALL.log, FIRST)]  # type: ignore[union-attr]


def test_a_peer_that_takes_nothing_costs_no_more_than_a_bound() -> None:
    here, (other,) = level("other")
    fill(here, other.peer)
    author = Author(7, LogClass.AUTHORITY)
    for _ in range(60):
        here.write(*author.write(noise(8000)), urgent=True)
    sizes = [len(block.raw) for each, _ in here.said(other.peer) if isinstance(block := each, BlockMessage)]
    assert URGENT_BYTES - 9000 < sum(sizes) < URGENT_BYTES + 9000
    here.tell(other.peer, Room(ROOM_BYTES))
    assert [type(each) for each, _ in here.said(other.peer)] == [Tip], "it asks for the rest"


def test_a_second_copy_of_it_prunes_nobody() -> None:
    here, (one, two) = level("one", "two")
    for side in (one, two):
        side.write(*BLOCKS[:1], urgent=True)
    here.memory.hurry(RECALL.log, 0)
    (fact,) = facts(1)
    for side in (one, two):
        pass_on(here, side)
        side.write(fact)
    one.out.pop(here.peer, None)
    here.memory.hurry(RECALL.log, 0)
    for copy, pruned in ((BLOCKS[0], False), (fact, True)):
        here.out.clear()
        if here.memory.log(copy.log) is None:
            here.write(copy)
            here.out.clear()
        here.memory.hurry(RECALL.log, 0)
        frame = bytes((0x93, 7, 3)) + b"\xc5" + len(copy.raw).to_bytes(2, "big") + copy.raw
        here.tell(one.peer, Received(frame))
        here.open_door()
        assert any(isinstance(each, Prune) for each, _ in here.said(one.peer)) is pruned


def test_who_pushes_what_goes_first_though_only_tips_are_wanted_is_thought_no_worse_of() -> None:
    here, (one, _) = level("one", "two")
    (fact,), (other,) = facts(1), facts(2)
    here.write(BLOCKS[0], urgent=True)
    here.write(fact, other)
    for copy, copies in ((fact, 0), (BLOCKS[0], 0), (other, 1)):  # the first prunes the link
        frame = bytes((0x93, 7, 3)) + b"\xc5" + len(copy.raw).to_bytes(2, "big") + copy.raw
        here.tell(one.peer, Received(frame))
        (_, take) = here.door.popleft()
        outcome, _ = here.memory.take(take.raw, WALL)
        effects = here.engine.handle(one.peer, Taken(take.number, outcome), 0.0)
        assert [each for _, each in effects].count(Did(Deed.COPY)) == copies


# --- Asking -------------------------------------------------------------------------------------------


def asked(side: Side, peer: Peer) -> list[bytes]:
    return [
        short
        for each, _ in side.said(peer)
        if isinstance(each, Want)
        for short, _ in read_wanted(each.listing)
    ]


def test_among_many_logs_of_one_class_the_urgent_one_is_asked_for_first() -> None:
    here, there = Side("here"), Side("there")
    for number in range(100, 300):
        here.memory.write(Author(number, LogClass.AUTHORITY).write("page")[0])
    for block in BLOCKS:
        here.memory.write(block)
    here.memory.hurry(RECALL.log, BLOCKS[2].last)
    meet(here, there)
    wants: list[bytes] = []
    for _ in range(12):
        for side, other in ((here, there), (there, here)):
            for send in side.out.pop(other.peer, ()):
                message = decode(send.frame)
                if isinstance(message, Want):
                    wants = wants or [short for short, _ in read_wanted(message.listing)]
                other.tell(side.peer, Received(send.frame))
        if wants:
            break
    assert len(wants) >= WINDOW_LOGS // 2
    session = there.engine._sessions[here.peer]
    assert wants[0] == session._exchange._salt.log(RECALL.log)


def test_it_does_not_wait_for_the_window() -> None:
    here, there = Side("here"), Side("there")
    here.write(*(block for at in range(90) for block in facts(at + 20)))
    meet(here, there)
    pass_on(here, there, most=14)
    here.out.clear()
    assert there.engine.report(here.peer).state == "catching up"  # type: ignore[union-attr]
    session = there.engine._sessions[here.peer]
    for number, urgent in ((8, -1), (7, 2)):
        log = Author(number, LogClass.AUTHORITY).log
        there.out.clear()
        tell(there, here.peer, Tip(log, 0, 2, b"abcd", urgent))
        assert asked(there, here.peer) == ([session._exchange._salt.log(log)] if urgent > 0 else [])


def tell(side: Side, peer: Peer, message: Message, now: float = 0.0) -> None:
    from fedsync.gossip.messages import encode

    side.tell(peer, Received(encode(message)), now)


def test_who_withholds_it_delays_it_by_no_more_than_two_seconds() -> None:
    here, (liar, honest) = level("liar", "honest")
    tip = Tip(RECALL.log, 0, 2, b"abcd", 2)
    tell(here, liar.peer, tip)
    assert len(asked(here, liar.peer)) == 1
    tell(here, honest.peer, tip, 0.1)
    assert asked(here, honest.peer) == []
    here.tell(honest.peer, Tick(), 0.1 + URGENT_CREDIT_S)
    assert len(asked(here, honest.peer)) == 1


def test_who_calls_all_urgent_changes_nothing_in_what_is_asked_of_others() -> None:
    orders = []
    for urgent in (-1, 10):
        here, (liar, honest) = level("liar", "honest")
        for number in range(40):
            tell(here, liar.peer, Tip(Author(number + 50).log, 0, 10, b"abcd", urgent))
        here.out.clear()
        for number in range(40):
            tell(here, honest.peer, Tip(Author(number + 500).log, 0, 10, b"abcd", -1), 1.0)
        here.tell(honest.peer, Tick(), 2.0)
        orders.append(len(asked(here, honest.peer)))
    assert orders == [40, 40]


# --- Serving ------------------------------------------------------------------------------------------


def served(here: Side, peer: Peer) -> list[tuple[LogId, int]]:
    return [(peek(each.raw).log, turn) for each, turn in here.said(peer) if isinstance(each, BlockMessage)]


def test_it_overtakes_a_running_transfer_of_facts_and_of_its_own_class_and_waits_for_no_room() -> None:
    here, there = Side("here"), Side("there")
    long, other = Author(1), Author(2, LogClass.AUTHORITY)
    for _ in range(120):
        here.memory.write(long.write(noise(4000))[0])
        here.memory.write(other.write(noise(4000))[0])
    for block in BLOCKS[:2]:
        here.memory.write(block)
    meet(here, there)
    for _ in range(20):
        if any(send.frame[1] == 7 for send in here.out.get(there.peer, ())):
            break
        for side, beyond in ((there, here), (here, there)):
            for send in side.out.pop(beyond.peer, ()):
                beyond.tell(side.peer, Received(send.frame))
    fill(here, there.peer)
    (last,) = (BLOCKS[2],)
    here.write(last, urgent=True)
    said = served(here, there.peer)
    assert said
    assert all(each == (RECALL.log, FIRST) for each in said)
    # Then the rest goes on in the order of the classes.
    here.tell(there.peer, Room(ROOM_BYTES))
    turns = [turn for _, turn in served(here, there.peer)]
    assert turns
    assert turns.count(of_class(LogClass.AUTHORITY)) >= len(turns) - 1 - len(turns) // LOW_SHARE


def test_what_stands_above_it_in_its_log_is_served_in_the_order_of_its_class() -> None:
    here, there = Side("here"), Side("there")
    author = Author(3, LogClass.AUTHORITY)
    for at in range(8):
        here.memory.write(author.write(f"{at}" * 50)[0])
    here.memory.hurry(author.log, 4)
    meet(here, there)
    turns: list[int] = []
    for _ in range(12):
        for side, other in ((here, there), (there, here)):
            for send in side.out.pop(other.peer, ()):
                if side is here and isinstance(decode(send.frame), BlockMessage):
                    turns.append(send.priority)
                other.tell(side.peer, Received(send.frame))
    # The genesis stands in a block with the first.
    assert turns == sorted(turns)
    assert turns.count(FIRST) + turns.count(of_class(LogClass.AUTHORITY)) == len(turns) == 8
    assert turns.count(FIRST) == 4


# --- After a time away ---------------------------------------------------------------------------------


def test_after_a_time_away_it_is_the_first_that_comes() -> None:
    here, (there,) = level("there")
    authors = [Author(number) for number in range(30, 60)]
    others = [Author(number, LogClass.AUTHORITY) for number in range(60, 80)]
    here.write(*(block for each in (*authors, *others) for block in each.write("before")), *BLOCKS[:1])
    pass_on(here, there)
    for side, other in ((here, there), (there, here)):
        side.tell(other.peer, Closed())
    here.write(*(block for each in (*authors, *others) for block in each.write(noise(2000))))
    here.write(*BLOCKS[1:], urgent=True)
    here.out.clear()
    there.taken.clear()
    meet(here, there)
    hellos = [here.out[there.peer].popleft(), there.out[here.peer].popleft()]
    there.tell(here.peer, Received(hellos[0].frame))
    here.tell(there.peer, Received(hellos[1].frame))
    frames = sorted(here.out.pop(there.peer), key=lambda send: send.priority)  # as the carrier does
    said = [decode(send.frame) for send in frames]
    first = next(each for each in said if isinstance(each, Delta))
    assert first.more
    changes = read_changed(first.listing)
    assert [(each.name[:8], each.urgent) for each in changes] == [(RECALL.log[:8], BLOCKS[2].last)]
    after = said[said.index(first) + 1 :]
    blocks = list(takewhile(lambda each: not isinstance(each, Delta), after))
    assert [peek(each.raw).log for each in blocks] == [RECALL.log] * len(blocks)  # type: ignore[union-attr]
    assert BLOCKS[2].raw in [each.raw for each in blocks]  # type: ignore[union-attr]
    for send in frames:
        there.tell(here.peer, Received(send.frame))
    there.open_door()
    assert there.taken[:2] == [block.raw for block in BLOCKS[1:]]


def test_signs_of_life_and_goodbyes_overtake_nothing() -> None:
    here, there = Side("here"), Side("there")
    meet(here, there)
    assert next(turn for _, turn in here.said(there.peer)) == FIRST, "nothing is heard before HELLO"
    here, (there,) = level("there")
    here.tell(there.peer, Tick(), 1000.0)
    here, (there,) = level("there")
    here.tell(there.peer, Tick(), 61.0)
    said = here.said(there.peer)
    assert {turn for _, turn in said} <= {LAST, WORDS}


def test_a_tip_never_overtakes_the_refusal_that_it_takes_back() -> None:
    here, there = Side("here"), Side("there")
    author, known = Author(5), [False]
    (block,) = author.write("fact")
    there.memory.admit = lambda genesis: "yes" if known[0] else "park"
    here.write(block)
    meet(here, there)
    said: list[Said] = []
    for _ in range(8):
        for side, other in ((here, there), (there, here)):
            for send in side.out.pop(other.peer, ()):
                if side is there:
                    said.append((decode(send.frame), send.priority))
                other.tell(side.peer, Received(send.frame))
        there.open_door()
    known[0] = True
    outcome, kept = there.memory.take(block.raw, WALL)
    assert kept is not None
    there.all(Stored(kept.log, kept.raw, (kept.last, kept.tip), None, here.peer))
    said += there.said(here.peer)
    turns = [(type(each), turn) for each, turn in said if isinstance(each, Refused | Tip)]
    assert turns == [(Refused, WORDS), (Tip, WORDS)]
    assert isinstance(outcome, Held)
