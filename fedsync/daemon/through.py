"""Reaching others through relays: waiting there to be called, and calling who waits there.

A relay is a peer like any other. What is said to it here is said over connections of their own; the link that comes
of a call is one like every other, with TLS between its two ends.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import trio

from fedsync.config import parse_address
from fedsync.daemon.links import Links
from fedsync.gossip.events import Peer
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.relaychoice import waits_at
from fedsync.gossip.relayed import Relayed, hear
from fedsync.gossip.relayquota import DAY_MS
from fedsync.gossip.relaywords import Answer, Attend, Call, End, Go, Here, Ring, Word, encode, sentence
from fedsync.gossip.secure import dial_over
from fedsync.gossip.tcp import connect
from fedsync.gossip.tls import dial_context
from fedsync.records.ed25519 import PrivateKey
from fedsync.records.ids import Key

ATTEND_SECONDS = 300.0
"""Between two signs of life at a relay: a router that forgot the connection, or a relay that hangs, is noticed."""
HERE_SECONDS = 30.0
"""For the relay to answer one."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 300.0
"""Seconds before a relay is called again, doubled while it does not answer."""
MOST_ANSWERS = 8
"""Calls answered at once: a relay that rings without end costs no more."""

log = logging.getLogger("fedsync")


@dataclass(eq=False)
class Waiting:
    """How it goes with waiting at one relay."""

    addresses: tuple[str, ...]
    words: str = "not called yet"
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)


@dataclass
class Outcome:
    """What came of a call through a relay."""

    heard: bool = False
    why: str = ""
    end: End | None = None


class Through:
    """The ways over relays."""

    def __init__(
        self,
        links: Links,
        own_key: PrivateKey,
        nursery: trio.Nursery,
        jitter: Callable[[], float],
        answer: Callable[[Link], Awaitable[None]],
        secure: Callable[[Relayed], Awaitable[Link]],
        name_of: Callable[[Peer], str],
    ) -> None:
        self._links, self._own_key, self._nursery, self._jitter = links, own_key, nursery, jitter
        self._answer, self._secure, self._name_of = answer, secure, name_of
        self.relays: dict[Peer, tuple[str, ...]] = {}
        self.waiting: dict[Peer, Waiting] = {}
        self._full: dict[tuple[Peer, Peer], tuple[int, str]] = {}
        """Until when a relay carries no more to a peer, in ms, and the sentence for it."""
        self._ends: dict[tuple[Peer, Peer], int] = {}
        """How often a link to a peer through a relay came to an end, or to nothing."""
        self._answering = 0

    def want(self, relays: dict[Peer, tuple[str, ...]], own: Peer | None) -> None:
        """Use these relays from now on, and wait there to be called as `own`; None: this node need not."""
        self.relays = relays
        there = self.relays_for(own) if own is not None else []
        for relay in list(self.waiting):
            if relay not in there or self.waiting[relay].addresses != relays[relay]:
                self.waiting.pop(relay).scope.cancel()
        for relay in there:
            if relay not in self.waiting:
                self.waiting[relay] = Waiting(relays[relay])
                self._nursery.start_soon(self._wait, relay, self.waiting[relay])
        for pair in list(self._full):
            if pair[0] not in relays:
                del self._full[pair]
        for pair in list(self._ends):
            if pair[0] not in relays:
                del self._ends[pair]

    def relays_for(self, peer: Peer) -> list[Peer]:
        """Return the relays at which a node waits: whoever knows the same relays finds the same ones, spread over all."""
        return waits_at(peer, self.relays)

    def ways(self, peer: Peer) -> list[Peer]:
        """Return the relays through which to call a peer, first those with which fewer links have ended.

        One that breaks every link after a while would else be taken each time.
        """
        return sorted(self.relays_for(peer), key=lambda relay: self._ends.get((relay, peer), 0))

    def _note_end(self, relay: Peer, peer: Peer) -> None:
        self._ends[relay, peer] = self._ends.get((relay, peer), 0) + 1

    # --- Calling ------------------------------------------------------------------------------------------

    async def call(self, relay: Peer, peer: Peer) -> tuple[bool, str]:
        """Carry a session with a peer through a relay, until it ends; return whether the peer was heard, and why it ended."""
        name = self._name_of(relay)
        until, words = self._full.get((relay, peer), (0, ""))
        if _now() < until:
            return False, words
        outcome = Outcome(why="it could not be called")
        for address in self.relays.get(relay, ()):
            link = await self._connect(relay, address, outcome)
            if link is not None:
                await link.run(partial(self._called, peer, outcome))
                break
        self._note_end(relay, peer)
        said = f"through {name}: {self._ended(outcome.end) or outcome.why}"
        if outcome.heard:
            log.info("%s: %s", self._name_of(peer), said)
        if outcome.end is not None and outcome.end.until:
            # A relay that names a time far off would keep us away for ever.
            self._full[relay, peer] = min(outcome.end.until, _now() + DAY_MS), said
        return outcome.heard, said

    def _ended(self, end: End | None) -> str:
        if end is None or end.code == "ended":
            return ""
        if not end.until:
            return sentence(end)
        return f"{sentence(end)}; it goes on at {_clock(end.until)}"

    async def _connect(self, relay: Peer, address: str, outcome: Outcome) -> Link | None:
        try:
            where = parse_address(address)
            return await connect(where.host, where.port, self._own_key, Key(relay), relay=True)
        except (ValueError, OverflowError) as error:
            outcome.why = f"its address {address!a} is none: {error}"
        except LinkClosed as why:
            outcome.why = why.sentence
        return None

    async def _called(self, peer: Peer, outcome: Outcome, outer: Link) -> None:
        outer.send(encode(Call(Key(peer))))
        stream = await self._go(outer, outcome)
        if stream is None:
            return
        try:
            inner = await dial_over(stream, dial_context(self._own_key, Key(peer)), Key(peer))
        except LinkClosed as why:
            outcome.why, outcome.end = why.sentence, stream.end
            return
        inner.via = outer.peer
        ended = await inner.run(lambda link: self._links.carry(link, True))
        outcome.heard, outcome.why, outcome.end = inner.heard, ended.sentence, stream.end

    async def _go(self, outer: Link, outcome: Outcome) -> Relayed | None:
        """Wait until the other side is there; return the stream to it, None when nothing comes of it."""
        try:
            first, *more = await hear(outer)
        except LinkClosed as why:
            outcome.why = why.sentence
            return None
        match first:
            case Go():
                return Relayed(outer, more)
            case End():
                outcome.end, outcome.why = first, sentence(first)
            case _:
                outcome.why = "it says what it may not say now"
        return None

    # --- Being called -------------------------------------------------------------------------------------

    async def _wait(self, relay: Peer, waiting: Waiting) -> None:
        pause = FIRST_PAUSE
        with waiting.scope:
            while True:
                for address in waiting.addresses:
                    outcome = Outcome()
                    link = await self._connect(relay, address, outcome)
                    if link is not None:
                        ended = await link.run(partial(self._attend, relay, waiting, outcome))
                        outcome.why = outcome.why or ended.sentence
                        if outcome.heard:
                            pause = FIRST_PAUSE
                    if outcome.why != waiting.words:
                        log.info("%s as a relay: %s", self._name_of(relay), outcome.why)
                    waiting.words = outcome.why
                await trio.sleep(pause * (0.5 + self._jitter()))
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _attend(self, relay: Peer, waiting: Waiting, outcome: Outcome, link: Link) -> None:
        link.send(encode(Attend()))
        asked = True
        while True:
            words: list[Word] = []
            with trio.move_on_after(HERE_SECONDS if asked else ATTEND_SECONDS):
                words = await hear(link)
            if not words:
                if asked:
                    raise link.cut("no-answer", f"it said nothing for {HERE_SECONDS:.0f} seconds")
                link.send(encode(Attend()))
                asked = True
            for word in words:
                match word:
                    case Here():
                        asked, outcome.heard, waiting.words = False, True, ""
                    case Ring(ticket, _) if self._answering < MOST_ANSWERS:
                        self._nursery.start_soon(self._take, relay, waiting, ticket)
                    case Ring():
                        pass
                    case End():
                        outcome.why = sentence(word)
                        return
                    case _:
                        raise link.cut("misbehaved", "the relay says what it may not say now")

    async def _take(self, relay: Peer, waiting: Waiting, ticket: bytes) -> None:
        """Take a call that rang."""
        self._answering += 1
        try:
            outcome = Outcome()
            for address in waiting.addresses:
                link = await self._connect(relay, address, outcome)
                if link is not None:
                    await link.run(partial(self._taken, relay, ticket, outcome))
                    return
        finally:
            self._answering -= 1

    async def _taken(self, relay: Peer, ticket: bytes, outcome: Outcome, outer: Link) -> None:
        outer.send(encode(Answer(ticket)))
        stream = await self._go(outer, outcome)
        if stream is None:
            return
        try:
            inner = await self._secure(stream)
        except LinkClosed as why:
            log.info("called through %s: %s", self._name_of(relay), why.sentence)
            return
        inner.via = outer.peer
        peer = Peer(inner.peer)
        await inner.run(self._answer)
        self._note_end(relay, peer)
        said = self._ended(stream.end)
        if said:
            log.info("%s: through %s: %s", self._name_of(peer), self._name_of(relay), said)
        if said and peer not in self._links.connections:
            said = f"through {self._name_of(relay)}: {said}"
            self._links.parted[peer] = said
            assert stream.end is not None
            if stream.end.until:
                self._full[relay, peer] = min(stream.end.until, _now() + DAY_MS), said

    def waits_at(self) -> dict[str, str]:
        """Return the relays at which this node waits to be called, by name, with what is wrong with each, or ""."""
        return {self._name_of(relay): waiting.words for relay, waiting in self.waiting.items()}

    def told(self, peer: Peer) -> str:
        """Return until when relays carry no more to a peer, in words; "" when none says so."""
        now = _now()
        return "; ".join(
            words for (_, whose), (until, words) in self._full.items() if whose == peer and now < until
        )


def _now() -> int:
    return int(time.time() * 1000)


def _clock(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at / 1000))
