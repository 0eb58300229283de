"""Two nodes in one process, their machines joined without TLS: what a session says beyond the blocks, byte by byte."""

import secrets
from dataclasses import dataclass, field

from fedsync.daemon.doorkeeper import outcome_of
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Close,
    Closed,
    Effect,
    Event,
    Follow,
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
    Wake,
)
from fedsync.gossip.framing import PREFIX_BYTES
from fedsync.gossip.limits import BUCKET_DEPTH
from fedsync.gossip.messages import BlockMessage, decode
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.trie import node_hash
from fedsync.node import Node
from fedsync.records.ids import Key, PageId
from fedsync.store.holdings import StoreHoldings


@dataclass
class Count:
    """What one side sent."""

    bytes: int = 0
    block_bytes: int = 0
    frames: int = 0


@dataclass
class Side:
    """One node and its end of the link."""

    node: Node
    peer: Peer
    engine: Engine = field(init=False)
    memory: PeerMemory | None = None
    sent: Count = field(default_factory=Count)
    inbox: list[bytes] = field(default_factory=list)
    wake: float = float("inf")
    open: bool = True
    first_block: int | None = None
    """The half round trip in which the first block came."""

    def __post_init__(self) -> None:
        self.engine = Engine(StoreHoldings(self.node.store, lambda items: node_hash(items, BUCKET_DEPTH)))


@dataclass
class Result:
    """What a session took."""

    bytes_beyond_blocks: int
    bytes_each_way: tuple[int, int]
    round_trips_to_first_block: float | None
    round_trips: float


def session(
    one: Node, other: Node, memories: tuple[PeerMemory | None, PeerMemory | None]
) -> tuple[Result, tuple[PeerMemory | None, PeerMemory | None]]:
    """Run a brief session between two nodes; `memories` are what each remembers of the other."""
    sides = (Side(one, Peer(b"B" * 32)), Side(other, Peer(b"A" * 32)))
    now, half = 0.0, 0
    for number, side in enumerate(sides):
        side.memory = memories[number]
        opened = Opened(number == 0, secrets.token_bytes(8), 0, side.memory, True)
        _do(side, sides[1 - number], opened, now, half)
    while any(side.inbox for side in sides) or any(side.open for side in sides):
        if not any(side.inbox for side in sides):
            now = min(side.wake for side in sides if side.open)
            for number, side in enumerate(sides):
                if side.open and side.wake <= now:
                    side.wake = float("inf")
                    _do(side, sides[1 - number], Tick(), now, half)
            if now > 600:
                raise SystemExit("the session did not end")
            continue
        half += 1
        arrived = [side.inbox for side in sides]
        for side in sides:
            side.inbox = []
        for number, side in enumerate(sides):
            for frame in arrived[number]:
                _do(side, sides[1 - number], Received(frame), now, half)
            _do(side, sides[1 - number], Room(1 << 20), now, half)
    beyond = sum(side.sent.bytes - side.sent.block_bytes for side in sides)
    firsts = [side.first_block for side in sides if side.first_block is not None]
    result = Result(
        beyond,
        (sides[0].sent.bytes - sides[0].sent.block_bytes, sides[1].sent.bytes - sides[1].sent.block_bytes),
        min(firsts) / 2 if firsts else None,
        half / 2,
    )
    return result, (sides[0].memory, sides[1].memory)


def _do(side: Side, other: Side, event: Event, now: float, half: int) -> None:
    if not side.open:
        return
    queue: list[Event] = [event]
    while queue:
        effects = side.engine.handle(side.peer, queue.pop(0), now)
        for _, effect in effects:
            queue += _carry_out(side, other, effect, half)


def _carry_out(side: Side, other: Side, effect: Effect, half: int) -> list[Event]:
    match effect:
        case Send(frame, _):
            side.sent.bytes += len(frame) + PREFIX_BYTES
            side.sent.frames += 1
            message = decode(frame)
            if isinstance(message, BlockMessage):
                side.sent.block_bytes += len(message.raw)
                if other.first_block is None:
                    other.first_block = half + 1
            other.inbox.append(frame)
        case Take(number, raw):
            taken = side.node.take_now([raw], Key(bytes(side.peer)))
            events: list[Event] = [Taken(number, outcome_of(taken[0]))]
            for each in taken:
                if each.block is not None:
                    tip = (each.block.last, each.block.tip)
                    events.append(Stored(each.block.log, each.block.raw, tip, each.fork_at, side.peer))
            return events
        case Follow(scope, body):
            side.node.begin()
            side.node.follow(scope, PageId(body), None, "announced")
            side.node.settle()
            side.node.commit()
        case Remember(memory):
            side.memory = memory
        case Wake(at):
            side.wake = at
        case Close():
            side.open = False
            return [Closed()]
        case _:
            pass
    return []
