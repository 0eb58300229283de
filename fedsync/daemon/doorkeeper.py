"""The one task that lets blocks in: from all peers in turn, many to a commit, told to gossip after it.

Peers are served in turn, and what is urgent before its turn (`gossip.waiting`), so a flood from one does not delay
another's recall; nor does it wait for a batch of other things to be committed. The work of a batch is cut into slices, so
that links go on being read while hundreds of blocks are checked.
"""

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import trio

from fedsync.gossip.events import Baseless, Declined, Held, Known, Outcome, Parked, Peer, Struck
from fedsync.gossip.waiting import WaitingRoom
from fedsync.node import Node, Taken, Verdict
from fedsync.records.ids import Key
from fedsync.store.errors import StoreError

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

    answers: list[tuple[Peer, object, int, Outcome]] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)


class Hooks(Protocol):
    """Who is told what came of a batch."""

    def delivered(self, delivery: Delivery) -> None:
        """The batch is durable."""
        ...

    def unsaved(self) -> list[Callable[[], None]]:
        """Return small writes that should go into the next commit."""
        ...


class Waiting(NamedTuple):
    """A block that a peer brought. `number` is its session's, and means nothing over another link."""

    peer: Peer
    link: object
    number: int
    raw: bytes


class Doorkeeper:
    """Lets blocks in. Everything else that writes to the node does so within `writing`."""

    def __init__(self, node: Node, hooks: Hooks) -> None:
        self.node = node
        self._hooks = hooks
        self._room: WaitingRoom[Waiting] = WaitingRoom(node.turn_of)
        self._suspects: deque[Waiting] = deque()
        """Blocks of which one is more than this program can bear: each gets a batch of its own."""
        self._hurried = False
        """The last batch was committed early for what is urgent: then the next is not, else a flood could make all small."""
        self._pressed = 0
        """People who wait to write: a batch is committed as soon as its slice is over."""
        self._work = trio.Event()
        self._due = float("inf")
        """When small writes are committed that can wait, if nothing else is before."""
        self._idle = trio.CancelScope()
        self._lock = trio.Lock()

    def put(self, peer: Peer, link: object, number: int, raw: bytes) -> None:
        """Queue a block that a peer brought over `link`. Its session bounds how many."""
        self._room.put(Waiting(peer, link, number, raw))
        self._work.set()

    def forget(self, peer: Peer) -> None:
        """Drop what waits of a peer whose session is over: it will be sent again."""
        self._room.forget(peer)
        self._suspects = deque(each for each in self._suspects if each.peer != peer)

    @property
    def busy(self) -> bool:
        """Whether blocks of peers wait."""
        return bool(self._room or self._suspects)

    def wake(self, within: float = 0.0) -> None:
        """Let small writes be committed soon; or within so many seconds, if they can wait for the next commit."""
        if within > 0:
            self._due = self._idle.deadline = min(self._due, trio.current_time() + within)
        else:
            self._work.set()

    @asynccontextmanager
    async def writing(self, pressing: bool = False) -> AsyncIterator[Node]:
        """Hold the node for writing something else than blocks. `pressing`: somebody waits for it."""
        self._pressed += pressing
        try:
            await self._lock.acquire()
        finally:
            self._pressed -= pressing
        try:
            yield self.node
        finally:
            if self.node.more_early:
                self._work.set()
            self._lock.release()

    async def run(self) -> None:
        """Let blocks in until cancelled. A store's error ends the daemon: nothing is passed over."""
        if self.node.more_early:
            self._work.set()
        while True:
            with trio.CancelScope(deadline=self._due) as self._idle:
                await self._work.wait()
            self._work, self._due = trio.Event(), float("inf")
            async with self._lock:
                delivery = await self._batch()
            self._hooks.delivered(delivery)
            if self.node.more_early:
                # One slice between two batches: what peers bring, and people who write, never wait for a long chain.
                with trio.CancelScope(shield=True):
                    async with self._lock:
                        taken = await trio.to_thread.run_sync(self.node.early_now)
                    self._hooks.delivered(Delivery([], taken))
            if self._room or self._suspects or self.node.more_early:
                self._work.set()

    async def finish(self) -> None:
        """Keep what the machines still want kept. Of blocks that wait, what is not taken now will be sent again."""
        async with self._lock:
            await self._batch()

    async def _batch(self) -> Delivery:
        delivery = Delivery()
        node, started = self.node, trio.current_time()
        suspect = self._suspects.popleft() if self._suspects else None
        limit = BATCH_BLOCKS if suspect is None else 1
        may_hurry, self._hurried = not self._hurried, False
        tried: list[Waiting] = []
        node.begin()
        try:
            slice_started = started
            while len(tried) < limit:
                chosen = self._room.next() if suspect is None else (suspect, False)
                if chosen is None:
                    break
                found, urgent = chosen
                if self._hurried and not urgent:
                    # What is urgent has been taken: it is not kept waiting for the rest.
                    self._room.back(found)
                    break
                tried.append(found)
                try:
                    outcomes = node.take([(found.raw, Key(found.peer))])
                except StoreError:
                    raise
                except Exception as error:
                    node.rollback()
                    return self._suspect(tried, error)
                delivery.taken += outcomes
                outcome = outcome_of(outcomes[0])
                delivery.answers.append((found.peer, found.link, found.number, outcome))
                self._hurried = self._hurried or (urgent and may_hurry)
                now = trio.current_time()
                if now - started > BATCH_SECONDS:
                    break
                if now - slice_started > SLICE_SECONDS:
                    await trio.lowlevel.checkpoint()
                    slice_started = trio.current_time()
                    if self._pressed:
                        break
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

    def _suspect(self, tried: list[Waiting], error: Exception) -> Delivery:
        """Refuse a block that this program cannot bear, or, while it is not known which, try these one by one.

        A daemon that fell over it would meet it again after each start, and one author would silence a federation.
        """
        if len(tried) > 1:
            self._suspects.extend(tried)
            return Delivery()
        (found,) = tried
        log.error("a block brings a mistake of fedsync to light; please report it: %r", error, exc_info=error)
        return Delivery([(found.peer, found.link, found.number, Declined("bug", 0))])


def outcome_of(taken: Taken) -> Outcome:
    """Return the door's verdict in the words of gossip."""
    match taken.verdict:
        case Verdict.TAKEN:
            assert taken.block is not None
            return Held(taken.block.count, None, taken.fault)
        case Verdict.FORKED:
            return Held(taken.block.count if taken.block else 0, taken.fork_at, taken.fault)
        case Verdict.KNOWN | Verdict.BEYOND:
            return Held(0, None, True) if taken.fault else Known()
        case Verdict.PARKED:
            # Until authority changes, whenever that is: a time of its own for each block would be news each time.
            return Parked(taken.code, 0)
        case Verdict.REFUSED:
            return Declined(taken.code, taken.until)
        case Verdict.NO_BASE:
            return Baseless()
        case Verdict.BAD:
            return Struck(taken.code)
