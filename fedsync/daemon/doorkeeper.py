"""The one task that lets blocks in: from all peers in turn, many to a commit, told to gossip after it.

Peers have a queue each and are served in turn, so a flood from one does not delay another's recall. The work of
a batch is cut into slices, so that links go on being read while hundreds of blocks are checked.
"""

import logging
from collections import deque
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import AsyncIterator, Protocol

import trio

from fedsync.gossip.events import Baseless, Declined, Held, Known, Outcome, Parked, Peer, Struck
from fedsync.node import PARK_MS, Node, Taken, Verdict
from fedsync.records.ids import Key

BATCH_BLOCKS = 256
"""Blocks of one commit, at most."""
BATCH_SECONDS = 0.25
"""A batch is committed after so long even when more is waiting."""
SLICE_SECONDS = 0.01
"""Work at a stretch before links are looked after."""

log = logging.getLogger("fedsync")


@dataclass
class Delivery:
    """What became of the blocks of a batch: told only after the commit."""

    answers: list[tuple[Peer, int, Outcome]] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)


class Hooks(Protocol):
    """Who is told what came of a batch."""

    def delivered(self, delivery: Delivery) -> None:
        """The batch is durable."""
        ...

    def unsaved(self) -> list[Callable[[], None]]:
        """Return small writes that should go into the next commit."""
        ...


class Doorkeeper:
    """Lets blocks in. Everything else that writes to the node does so within `writing`."""

    def __init__(self, node: Node, hooks: Hooks) -> None:
        self.node = node
        self._hooks = hooks
        self._queues: dict[Peer, deque[tuple[int, bytes]]] = {}
        self._work = trio.Event()
        self._lock = trio.Lock()

    def put(self, peer: Peer, number: int, raw: bytes) -> None:
        """Queue a block that a peer brought. Its session bounds how many."""
        self._queues.setdefault(peer, deque()).append((number, raw))
        self._work.set()

    def forget(self, peer: Peer) -> None:
        """Drop what waits of a peer whose session is over: it will be sent again."""
        self._queues.pop(peer, None)

    def wake(self) -> None:
        """Let small writes be committed soon."""
        self._work.set()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Node]:
        """Hold the node for writing something else than blocks."""
        async with self._lock:
            yield self.node

    async def run(self) -> None:
        """Let blocks in until cancelled. A store's error ends the daemon: nothing is passed over."""
        while True:
            await self._work.wait()
            self._work = trio.Event()
            async with self._lock:
                delivery = await self._batch()
            self._hooks.delivered(delivery)
            if any(self._queues.values()):
                self._work.set()

    async def _batch(self) -> Delivery:
        delivery = Delivery()
        node, started = self.node, trio.current_time()
        node.begin()
        try:
            slice_started = started
            while len(delivery.answers) < BATCH_BLOCKS:
                found = self._next()
                if found is None:
                    break
                peer, number, raw = found
                outcomes = node.take([(raw, Key(peer))])
                delivery.taken += outcomes
                delivery.answers.append((peer, number, outcome_of(outcomes[0], node.now())))
                now = trio.current_time()
                if now - started > BATCH_SECONDS:
                    break
                if now - slice_started > SLICE_SECONDS:
                    await trio.lowlevel.checkpoint()
                    slice_started = trio.current_time()
            for write in self._hooks.unsaved():
                write()
            node.settle()
        except BaseException:
            node.rollback()
            raise
        # The disk is waited for in a thread: links are read meanwhile. A commit that began is awaited to its end.
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(node.commit)
        return delivery

    def _next(self) -> tuple[Peer, int, bytes] | None:
        """Return the next block of the peer that was not served for longest."""
        for peer in list(self._queues):
            queue = self._queues.pop(peer)
            if queue:
                number, raw = queue.popleft()
                if queue:
                    self._queues[peer] = queue
                return peer, number, raw
        return None


def outcome_of(taken: Taken, now: int) -> Outcome:
    """Return the door's verdict in the words of gossip."""
    match taken.verdict:
        case Verdict.TAKEN:
            assert taken.block is not None
            return Held(taken.block.count, None, taken.fault)
        case Verdict.FORKED:
            return Held(taken.block.count if taken.block else 0, taken.fork_at, taken.fault)
        case Verdict.KNOWN | Verdict.BEYOND:
            return Known()
        case Verdict.PARKED:
            return Parked(taken.code, now + PARK_MS)
        case Verdict.REFUSED:
            return Declined(taken.code, taken.until)
        case Verdict.NO_BASE:
            return Baseless()
        case Verdict.BAD:
            return Struck(taken.code)
