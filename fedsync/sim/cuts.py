"""A session that is cut after so many bytes and begun anew: what comes twice, and whether anything goes back. Pure.

Both ways together the bytes come in one order, so that every place at which a session can be cut has a number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Close,
    Closed,
    Effect,
    Event,
    Held,
    Opened,
    Peer,
    Received,
    Remember,
    Room,
    Send,
    Stored,
    Take,
    Taken,
)
from fedsync.gossip.framing import PREFIX_BYTES
from fedsync.gossip.lanes import Lanes
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import BlockMessage, Tag, decode
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.trees import Trees
from fedsync.records.ids import RecordId

ROOM: Final = 64 * 1024
"""Bytes that the link takes at once: it is as fast as it is asked to be."""


class Stuck(Exception):
    """Both sides wait for each other: nothing is under way, and the session is not over."""


@dataclass(slots=True)
class Toll:
    """What came over the link, in all sessions."""

    bytes: int = 0
    block_bytes: int = 0
    twice: int = 0
    """Blocks that brought nothing new, and the one that was cut in its middle."""
    block_bytes_twice: int = 0
    sessions: int = 0


@dataclass(eq=False)
class Half:
    """One side: what it holds, and what it remembers of the other."""

    memory: Memory
    peer: Peer
    """Whom it talks to."""
    remembered: PeerMemory | None = None
    engine: Engine = field(init=False)
    lanes: Lanes = field(default_factory=lambda: Lanes(1 << 62, 0))
    up: bool = False

    def __post_init__(self) -> None:
        self.engine = Engine(self.memory)

    def ids(self) -> set[RecordId]:
        """Return all records that it holds."""
        held = (self.memory.log(log) for log in self.memory.logs())
        return {id_ for log in held if log is not None for id_ in log.where}


class Pair:
    """Two that meet again and again."""

    def __init__(self, one: Memory, two: Memory) -> None:
        self.halves = (Half(one, Peer(b"2" * 32)), Half(two, Peer(b"1" * 32)))
        self.toll = Toll()
        self.nonce = 0

    @property
    def equal(self) -> bool:
        """Whether both hold the same."""
        one, two = (Trees(half.memory) for half in self.halves)
        return dict(one.roots(self.halves[0].memory.sets())) == dict(two.roots(self.halves[1].memory.sets()))

    def meet(self, limit: int | None = None) -> bool:
        """Hold a session, which is cut after `limit` bytes; return whether it came to its end. Raises Stuck."""
        self.toll.sessions += 1
        for number, half in enumerate(self.halves):
            half.lanes = Lanes(1 << 62, 0)
            half.up = True
            self.nonce += 1
            opened = Opened(number == 0, self.nonce.to_bytes(8, "big"), 0, half.remembered, brief=True)
            self._tell(half, opened)
        left = limit if limit is not None else 1 << 62
        turn = 0
        while any(half.up for half in self.halves):
            turn = 1 - turn
            sender, hearer = self.halves[turn], self.halves[1 - turn]
            if not sender.lanes:
                if not hearer.lanes:
                    raise Stuck
                continue
            (frame,) = sender.lanes.take(1)
            size = len(frame) + PREFIX_BYTES
            if size > left:
                self._cut(frame, left)
                return False
            left -= size
            self._arrive(hearer, frame)
            self._tell(sender, Room(ROOM))
        return True

    def _cut(self, frame: bytes, left: int) -> None:
        """End at once on both sides, in the middle of a frame."""
        self.toll.bytes += left
        begun = left - PREFIX_BYTES
        if begun > 0 and frame[1] == Tag.BLOCK:
            self.toll.twice += 1
            self.toll.block_bytes += begun
            self.toll.block_bytes_twice += begun
        for half in self.halves:
            half.lanes.clear()
            self._tell(half, Closed())
            half.up = False

    def _arrive(self, half: Half, frame: bytes) -> None:
        self.toll.bytes += len(frame) + PREFIX_BYTES
        message = decode(frame)
        if isinstance(message, BlockMessage):
            self.toll.block_bytes += len(message.raw)
        self._tell(half, Received(frame))

    def _tell(self, half: Half, event: Event) -> None:
        queue = [event]
        while queue and half.up:
            for _, effect in half.engine.handle(half.peer, queue.pop(0), 0.0):
                queue += self._do(half, effect)

    def _do(self, half: Half, effect: Effect) -> Iterator[Event]:
        match effect:
            case Send(frame, priority):
                half.lanes.put(frame, priority)
            case Remember(memory):
                half.remembered = memory
            case Take(number, raw):
                outcome, block = half.memory.take(raw)
                if block is None:
                    self.toll.twice += 1
                    self.toll.block_bytes_twice += len(raw)
                yield Taken(number, outcome)
                if block is not None and isinstance(outcome, Held):
                    yield Stored(block.log, block.raw, (block.last, block.tip), outcome.fork, half.peer)
            case Close():
                yield Closed()
                half.up = False
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Found:
    """What cutting a session at many places has shown."""

    session_bytes: int
    """Of a session that is not cut."""
    block_bytes: int
    """Of them, blocks."""
    places: int
    most_twice: int
    """The most blocks that came twice, the one included that was cut in its middle."""
    most_bytes_twice: int
    back: int
    """How often something that was held was not held any more, or the two did not come to the same."""


def everywhere(
    one: Memory,
    two: Memory,
    remembered: tuple[PeerMemory | None, PeerMemory | None] = (None, None),
    step: int = 1,
) -> Found:
    """Cut the session of two nodes after every `step` bytes, let them meet once more, and return what that showed."""

    def pair() -> Pair:
        found = Pair(one.copied(one.journal()[0]), two.copied(two.journal()[0]))
        for half, memory in zip(found.halves, remembered, strict=True):
            half.remembered = memory
        return found

    whole = pair()
    assert whole.meet(), "a session that is not cut comes to its end"
    assert whole.equal
    most = most_bytes = back = places = 0
    for at in range(0, whole.toll.bytes, step):
        cut = pair()
        cut.meet(at)
        places += 1
        before = [half.ids() for half in cut.halves]
        ended = cut.meet()
        if (
            not ended
            or not cut.equal
            or any(not had <= half.ids() for had, half in zip(before, cut.halves, strict=True))
        ):
            back += 1
        most = max(most, cut.toll.twice)
        most_bytes = max(most_bytes, cut.toll.block_bytes_twice)
    return Found(whole.toll.bytes, whole.toll.block_bytes, places, most, most_bytes, back)
