"""Ways by which nodes come to the same without a connection: a stick in somebody's pocket, and a radio. No daemon runs.

Both use what a node has on its disk, one meeting at a time, so that people can write through the store between meetings.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from fedsync import keyring
from fedsync.bundling import Request, chunks, export
from fedsync.bundling.seen import hash_of
from fedsync.daemon.doorkeeper import outcome_of
from fedsync.doors import follow_kin, open_door, take_file
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Effect,
    Event,
    Follow,
    Followed,
    Granted,
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
from fedsync.gossip.nature import THIN
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.home import Home
from fedsync.node import Node, open_node
from fedsync.node import Taken as Took
from fedsync.operations import add_peer
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.ids import Key, PageId
from fedsync.sealing import seal_pages
from fedsync.sim.heap import Heap
from fedsync.sim.thin import Above, Thin
from fedsync.store.holdings import StoreHoldings

NOON = 1_760_000_000_000
EVENING_S = 36 * 3600.0
"""By radio two meet for a day and a half at most."""


@contextmanager
def opened(*homes: Home) -> Iterator[list[Node]]:
    """Open nodes at rest."""
    nodes: list[Node] = []
    try:
        for home in homes:
            nodes.append(open_node(home))
        yield nodes
    finally:
        for node in nodes:
            node.store.close()


def key_of(home: Home) -> Key:
    return public_key(keyring.load_node_key(home))


def acquaint(*homes: Home) -> None:
    """Let all know each other, and keep what the others write."""
    with opened(*homes) as nodes:
        for node in nodes:
            for other, home in zip(nodes, homes, strict=True):
                own = next(body for body in other.store.followed.all() if body.source == "own")
                if other is not node:
                    add_peer(node, key_of(home), own.name or "", (), own.scope, own.body)


def carry(one: Home, *others: Home, upto: int | None = None, copies: list[bytes] | None = None) -> int:
    """Let somebody take a stick from one node to others; return how many bytes were on it.

    `upto`: so many bytes of it can be read, and the rest is broken. `copies`: where somebody keeps a copy of it.
    """
    readers = tuple(key_of(each) for each in others)
    with opened(one) as (node,):
        private = keyring.load_node_key(one)
        out = export(node.store, node.state, private, key_of(one), Request(readers), node.now())
        file = b"".join(data for _, data in out)
        with node.store.transaction() as store:
            for left in out.left("blue", node.now()):
                store.carried.leave(left)
    for home in others:
        read(home, file[:upto])
    if copies is not None:
        copies.append(file)
    return len(file)


def read(home: Home, file: bytes) -> None:
    """Let a node take in a file, as the command line does."""
    with open_door(home) as door:
        take_file(door, chunks([file]))


def stored(taken: Sequence[Took], origin: Peer | None) -> list[Event]:
    """Return what a session is told of blocks that are durable now."""
    blocks = [(each.block, each.fork_at) for each in taken if each.block is not None]
    return [Stored(each.log, each.raw, (each.last, each.tip), fork, origin) for each, fork in blocks]


@dataclass(eq=False)
class Station:
    """One end: a node as it lies on its disk, and its sessions."""

    node: Node
    private: PrivateKey
    peer: Peer
    """Whom it talks to."""
    memory: PeerMemory | None = None
    wake_at: float = float("inf")
    queue: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = Engine(StoreHoldings(self.node.store, hash_of))


class Radio:
    """Two nodes with radio modems. What each remembers of the other lasts from one meeting to the next."""

    def __init__(self, one: Home, other: Home, profile: str = "RADIO", seed: int = 0) -> None:
        self.homes, self.profile, self.dice = (one, other), profile, Random(seed)
        self.memories: list[PeerMemory | None] = [None, None]
        self.bytes = 0
        self.seconds = 0.0

    def meet(self, enough: Callable[[], bool] | None = None) -> None:
        """Let both come to the same; or until it is `enough`, when the link goes down again."""
        with opened(*self.homes) as nodes:
            heap = Heap()
            keys = [Peer(bytes(key_of(home))) for home in self.homes]
            ends = [
                Station(node, keyring.load_node_key(home), keys[1 - at], self.memories[at])
                for at, (node, home) in enumerate(zip(nodes, self.homes, strict=True))
            ]

            def tell(at: int, event: Event) -> None:
                end = ends[at]
                waits = [event]
                while waits:
                    for _, effect in end.engine.handle(end.peer, waits.pop(0), heap.now):
                        waits += do(at, effect)

            def do(at: int, effect: Effect) -> list[Event]:
                end = ends[at]
                match effect:
                    case Send(frame, priority):
                        assert thin.send(at, frame, priority)
                    case Take(number, raw):
                        taken = end.node.take_now([raw], Key(bytes(end.peer)))
                        answer: list[Event] = [Taken(number, outcome_of(taken[0]))]
                        answer += stored(taken, end.peer)
                        more = follow_kin(end.node)
                        answer += stored(seal_pages(end.node, end.private), None)
                        answer += [Followed()] if more else []
                        return [*answer, Granted()] if len(answer) > 1 else answer
                    case Follow(scope, body):
                        end.node.begin()
                        end.node.follow(scope, PageId(body), None, "announced")
                        end.node.settle()
                        end.node.commit()
                        return [Followed()]
                    case Remember(memory):
                        self.memories[at] = end.memory = memory
                    case Wake(when):
                        end.wake_at = when
                        heap.at(when, tick, at, when)
                    case _:
                        pass
                return []

            def tick(at: int, when: float) -> None:
                if ends[at].wake_at == when:
                    tell(at, Tick())

            def spent(_: int, size: int) -> None:
                self.bytes += size

            above = Above(
                lambda at, frame: tell(at, Received(frame)),
                lambda at, size: tell(at, Room(size)),
                lambda at: None,
                lambda at: True,
                spent,
            )
            thin = Thin(heap, self.dice, self.profile, above)
            for at, end in enumerate(ends):
                thin.open(at)
                tell(at, Opened(at == 0, self.dice.randbytes(8), NOON, end.memory, nature=THIN))

            def equal() -> bool:
                return nodes[0].state_root() == nodes[1].state_root()

            assert heap.run(EVENING_S, enough or equal, 30.0 if enough is None else 1.0), (
                "it did not come to that"
            )
            if enough is None:
                # And until each knows that of the other.
                heap.run(heap.now + 1800.0)
            self.seconds += heap.now
