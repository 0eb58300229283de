"""Relaying: this node carries opaque bytes for two peers of its own that cannot meet otherwise.

Each call is a task with two connections of its own, apart from all sessions, and passes on one piece at a time: it
reads the next only when the last has been taken, so who reads slowly slows down who sends. Before each piece it lets
the node's own sessions and door go first.
"""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import trio

from fedsync.config import RelayOffer
from fedsync.daemon.links import Links
from fedsync.gossip.events import Peer
from fedsync.gossip.gate import TokenBucket
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.relayed import hear
from fedsync.gossip.relayquota import DAY_MS, Ledger, Pair, midnight, pair_of
from fedsync.gossip.relaywords import (
    TICKET_BYTES,
    Answer,
    Attend,
    Call,
    Data,
    End,
    Go,
    Here,
    Ring,
    Word,
    encode,
)
from fedsync.node import Node
from fedsync.records.ids import Key

RING_SECONDS = 15.0
"""For whoever is called to connect: a handshake over a bad line."""
MOST_WAITING = 256
"""Peers that wait here to be called."""
LEAST_BYTES = 64
"""What a piece counts for at least: a byte costs this node as much in frames and TLS."""
ATTENDS_PER_SECOND, ATTENDS_BURST = 0.1, 16.0
"""Signs of life of one who waits; a node says one in five minutes."""
COURTESY_SECONDS = 0.25
"""How long one piece waits at most while the node's own sessions are busy: so relaying slows down and never stops."""
COURTESY_STEP = 0.02
"""Between two looks whether they still are."""

log = logging.getLogger("fedsync")


@dataclass(eq=False)
class Stream:
    """One call: from ringing to its end."""

    caller: Link
    callee: Key
    answered: trio.Event = field(default_factory=trio.Event)
    answer: Link | None = None
    over: trio.Event = field(default_factory=trio.Event)
    moved: float = 0.0
    """When bytes last went on."""
    ending: End = field(default_factory=lambda: End("ended"))
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    @property
    def pair(self) -> Pair:
        """Who is connected."""
        return pair_of(self.caller.peer, self.callee)

    def stop(self, ending: End) -> None:
        """End it for this reason; the first one counts."""
        if not self.scope.cancel_called:
            self.ending = ending
            self.scope.cancel()


class Relay:
    """What this node does for others. Without an offer it says no."""

    def __init__(
        self,
        links: Links,
        offer: RelayOffer | None,
        known: Callable[[Key], bool],
        now: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self.offer, self._links, self._known, self._now = offer, links, known, now
        self.ledger = Ledger(offer.bytes_per_day, offer.pair_bytes_per_day) if offer else Ledger(0, 0)
        self._waiting: dict[Key, Link] = {}
        self._streams: dict[bytes, Stream] = {}
        day = now() // DAY_MS
        self.ledger.load(day, links.node.store.relayed.of_day(day))

    # --- Who connects -------------------------------------------------------------------------------------

    async def answer(self, link: Link) -> None:
        """Serve one connection of the relay's carrier until it ends. Raises LinkClosed."""
        if self.offer is None:
            self._say(link, End("not-offered"))
            return
        if not self._known(link.peer):
            self._say(link, End("unknown"))
            return
        first, *more = await hear(link)
        match first:
            case Attend() if not more:
                await self._attend(link)
            case Call(callee) if not more:
                await self._call(link, callee)
            case Answer(ticket) if not more:
                await self._take(link, ticket)
            case _:
                raise link.cut("misbehaved", "it said to a relay what is not to be said first")

    def refresh(self) -> None:
        """Part from whoever this node does not know any more."""
        for key, link in list(self._waiting.items()):
            if not self._known(key):
                link.cut("recalled", "this peer is not known here any more")
        for stream in self._streams.values():
            if not all(map(self._known, stream.pair)):
                stream.stop(End("unknown"))

    async def _attend(self, link: Link) -> None:
        if len(self._waiting) >= MOST_WAITING and link.peer not in self._waiting:
            self._say(link, End("busy"))
            return
        old = self._waiting.get(link.peer)
        if old is not None:
            old.cut("closed", "it waits over a newer connection")
        self._waiting[link.peer] = link
        try:
            link.send(encode(Here()))
            often = TokenBucket(ATTENDS_PER_SECOND, ATTENDS_BURST)
            while True:
                for word in await hear(link):
                    if not isinstance(word, Attend) or not often.take(1, trio.current_time()):
                        raise link.cut("misbehaved", "it said to a relay what is not to be said now")
                    self._say(link, Here())
        finally:
            if self._waiting.get(link.peer) is link:
                del self._waiting[link.peer]

    async def _call(self, link: Link, callee: Key) -> None:
        no = self._refusal(link, callee)
        if no is not None:
            self._say(link, no)
            return
        ticket = secrets.token_bytes(TICKET_BYTES)
        stream = self._streams[ticket] = Stream(link, callee, moved=trio.current_time())
        try:
            self._say(self._waiting[callee], Ring(ticket, link.peer))
            with stream.scope:
                with trio.move_on_after(RING_SECONDS):
                    await stream.answered.wait()
                if stream.answer is None:
                    stream.stop(End("absent"))
                    await trio.lowlevel.checkpoint()
                else:
                    await self._carry(stream, stream.answer)
        finally:
            del self._streams[ticket]
            for each in (link, stream.answer):
                if each is not None:
                    self._say(each, stream.ending)
            stream.over.set()

    def _refusal(self, link: Link, callee: Key) -> End | None:
        """Return why a call is not put through, None when it is."""
        assert self.offer is not None
        if not self._known(callee) or callee == link.peer:
            return End("unknown")
        if callee not in self._waiting:
            return End("absent")
        full = self.ledger.full(pair_of(link.peer, callee), self._now())
        if full is not None:
            return End(full.code, full.until)
        for stream in self._streams.values():
            if (stream.caller.peer, stream.callee) == (link.peer, callee):
                stream.stop(End("replaced"))
        # One peer may have half of what there is: else it could keep all others out.
        own = sum(stream.caller.peer == link.peer for stream in self._streams.values())
        if len(self._streams) >= self.offer.streams or own >= max(1, self.offer.streams // 2):
            return End("busy")
        return None

    async def _take(self, link: Link, ticket: bytes) -> None:
        stream = self._streams.get(ticket)
        if stream is None or stream.callee != link.peer or stream.answer is not None:
            self._say(link, End("ended"))
            return
        stream.answer = link
        stream.answered.set()
        await stream.over.wait()

    # --- Carrying -----------------------------------------------------------------------------------------

    async def _carry(self, stream: Stream, answer: Link) -> None:
        # The one who was called first, so that it listens when the caller begins.
        answer.send(encode(Go()))
        stream.caller.send(encode(Go()))
        stream.moved = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pump, stream, stream.caller, answer)
            nursery.start_soon(self._pump, stream, answer, stream.caller)
            nursery.start_soon(self._watch, stream)

    async def _pump(self, stream: Stream, source: Link, sink: Link) -> None:
        try:
            while True:
                for word in await hear(source):
                    if not isinstance(word, Data):
                        raise source.cut("misbehaved", "it said to a relay what is not to be said now")
                    await self._courtesy()
                    if not await self._pay(stream, len(word.bytes)):
                        return
                    await self._pass_on(sink, word)
                    stream.moved = trio.current_time()
        except LinkClosed:
            pass
        finally:
            # However it ends: a stream of which one direction is gone must not stand there half dead.
            stream.stop(End("ended"))

    async def _pass_on(self, sink: Link, word: Word) -> None:
        frame = encode(word)
        while not sink.send(frame):
            await sink.room()
        # Nothing more is read before the other side has taken most of it.
        await sink.room()

    async def _pay(self, stream: Stream, size: int) -> bool:
        """Count bytes before they go on, durably; end the stream and return False when its day is used up."""
        full = self.ledger.spend(stream.pair, max(size, LEAST_BYTES), self._now())
        if full is not None:
            stream.stop(End(full.code, full.until))
            return False
        if self.ledger.due(stream.pair) is not None:
            async with self._links.door.writing() as node:
                due, day = self.ledger.due(stream.pair), self.ledger.day
                if due is not None:  # else the other direction has seen to it meanwhile

                    def write() -> None:
                        with node.store.transaction() as store:
                            store.relayed.put(day, *stream.pair, due)

                    with trio.CancelScope(shield=True):
                        await trio.to_thread.run_sync(write)
                    self.ledger.kept(day, stream.pair, due)
        return True

    def settle(self, node: Node) -> None:
        """Keep what was carried, to the byte, in place of what was counted ahead: when this node stops."""
        with node.store.transaction() as store:
            for pair, used in self.ledger.settled().items():
                store.relayed.put(self.ledger.day, *pair, used)

    async def _courtesy(self) -> None:
        """Wait while the node's own sessions have work."""
        await trio.lowlevel.checkpoint()
        with trio.move_on_after(COURTESY_SECONDS):
            while self._links.busy:
                await trio.sleep(COURTESY_STEP)

    async def _watch(self, stream: Stream) -> None:
        assert self.offer is not None
        while (left := stream.moved + self.offer.idle_seconds - trio.current_time()) > 0:
            await trio.sleep(left)
        stream.stop(End("idle"))

    def _say(self, link: Link, word: Word) -> None:
        """Say a word to whoever may be gone."""
        if link.ended is None:
            link.send(encode(word))

    # --- For people ---------------------------------------------------------------------------------------

    def told(self, name_of: Callable[[Peer], str]) -> dict[str, Any] | None:
        """Return what this node carries for others, for people; None when it does not."""
        if self.offer is None:
            return None
        now = self._now()
        pairs = []
        for pair, account in sorted(self.ledger.pairs.items()):
            full = self.ledger.full(pair, now)
            pairs.append(
                {
                    "between": [name_of(Peer(key)) for key in pair],
                    "bytes": account.used,
                    "until": full.until if full else None,
                }
            )
        return {
            "bytes": self.ledger.total,
            "bytes_per_day": self.ledger.per_day,
            "pair_bytes_per_day": self.ledger.per_pair,
            "streams": sum(stream.answer is not None for stream in self._streams.values()),
            "waiting": sorted(name_of(Peer(key)) for key in self._waiting),
            "pairs": pairs,
            "full": self.ledger.total >= self.ledger.per_day,
            "until": midnight(now),
        }
