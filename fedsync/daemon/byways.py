"""Links over other things than TCP: the sections [[link]] of config.toml, each kept going for ever. Trio.

A link by TCP is better whenever there is one: while it stands nothing goes this way, and when it comes this way gives in.
"""

import logging
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from random import Random
from typing import Any

import trio

from fedsync.config import Address, parse_address
from fedsync.daemon.links import Links
from fedsync.daemon.pauses import Pauses
from fedsync.daemon.programs import Program
from fedsync.daemon.thin import ThinLink
from fedsync.daemon.udp import Datagrams, Place, find
from fedsync.gossip.events import Peer
from fedsync.gossip.gate import TokenBucket
from fedsync.gossip.limits import THIN_BEAT_MAX_S
from fedsync.gossip.schedule.gate import Gate
from fedsync.gossip.thin.profile import Profile
from fedsync.gossip.thin.sealed import RANDOM_BYTES, Anew, Kept, Refused, Seal, Text, agree
from fedsync.linking import MOST_FRAME, Framing, OtherLink
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.ids import Key

STEADY_SECONDS = 60.0
"""A session that lasted so long was a good one: the next one is not waited for."""
LEAST_SECONDS = 1.0
"""From one session's beginning to the next one's: a peer that begins anew again and again must not keep us busy."""
SAVE_SECONDS = 5.0
"""Within which it is kept which sessions there were."""
FIND_SECONDS = 60.0
"""A name is looked up again when nothing was heard from where it last was for so long."""
FOUND_SECONDS = 10.0
"""For looking it up."""
STRANGERS_PER_SECOND, STRANGERS_BURST = 50.0, 100.0
"""Packets of sessions that are not known are tried so often: each costs a key for each link, some 30 microseconds."""
REPLIES_PER_SECOND, REPLIES_BURST = 0.2, 2.0
"""Answers to who says something that may be a repetition of old."""
UDP_EXTRA, KISS_EXTRA, LENGTH_EXTRA = 28, 4, 2
"""Bytes that come to each packet on its way: headers of IP and UDP, marks at both ends, a length."""
OWING_AWAY_SECONDS = 300.0
"""A peer that owes an answer for so long seems to be away. On a slow radio each has its turn within half a minute."""
IDLE_AWAY_SECONDS = 2 * THIN_BEAT_MAX_S
"""The same of one that owes none, and says now and then that it is there."""
ANEW = "the peer began anew"
ANEW_AGAIN = "the peer begins anew again and again: is a copy of its directory in use on another machine?"
OTHERWISE = {
    "readable": "what it sends can be read by all, and this side's cannot: clear in [[link]] must be the same on both sides",
    "unreadable": "what it sends cannot be read by all, and this side's can: clear in [[link]] must be the same on both sides",
}

log = logging.getLogger("fedsync")


@dataclass(eq=False)
class Way:
    """One section [[link]], and how it goes with it."""

    said: OtherLink
    peer: Peer
    seal: Seal
    program: Program | None
    gate: Gate | None = None
    """When something may go over it, and how much; None: the operator did not say."""
    place: Place | None = None
    """Where the peer's datagrams come from, or where it is called."""
    link: ThinLink | None = None
    words: str = "not tried yet"
    """Why nothing goes this way, while there is no session, or what is wrong although there is one."""
    kept: Kept = field(default_factory=Kept)
    """What is, or soon will be, in the store of the seal's."""
    wrong: str = ""
    """What is wrong with what the peer sends."""
    heard_at: float = -inf
    replies: TokenBucket = field(default_factory=lambda: TokenBucket(REPLIES_PER_SECOND, REPLIES_BURST))
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    @property
    def profile(self) -> Profile:
        """What the carrier has to know of it."""
        said = self.said
        extra = UDP_EXTRA if self.program is None else KISS_EXTRA if said.framing == "kiss" else LENGTH_EXTRA
        return Profile(said.frame, said.bits, said.round_trip, said.duplex == "half", said.duty, extra=extra)

    @property
    def name(self) -> str:
        """What goes this way, in a word for people."""
        return "datagrams" if self.program is None else "a program"


class Byways:
    """The links of one node that are no TCP connections."""

    def __init__(
        self,
        links: Links,
        own_key: PrivateKey,
        nursery: trio.Nursery,
    ) -> None:
        self._links, self._own_key, self._nursery = links, own_key, nursery
        self._own = public_key(own_key)
        self.ways: dict[Peer, Way] = {}
        self._programs: dict[tuple[str, ...], tuple[Program, trio.CancelScope]] = {}
        self._others: dict[tuple[str, ...], list[Callable[[bytes], None]]] = {}
        self._datagrams = Datagrams(self._hear_datagram)
        self._strangers = TokenBucket(STRANGERS_PER_SECOND, STRANGERS_BURST)
        self._unsaved: set[Peer] = set()
        self._dice = Random(secrets.randbits(64))
        links.also_unsaved = self.unsaved

    async def open(self, listening: list[trio.SocketListener]) -> None:
        """Open sockets for datagrams, at the addresses at which the node listens for TCP. Raises OSError."""
        at: list[tuple[int, Address]] = []
        for each in listening:
            host, port = each.socket.getsockname()[:2]
            family = each.socket.family
            if family in (socket.AF_INET, socket.AF_INET6):
                at.append((family, Address(host, port)))
        await self._datagrams.open(at)

    async def run(self) -> None:
        """Hear datagrams, until cancelled."""
        await self._datagrams.run()

    def want(self, said: Mapping[OtherLink, Peer]) -> None:
        """Keep exactly these links from now on."""
        wanted = {peer: link for link, peer in said.items()}
        for peer, way in list(self.ways.items()):
            if wanted.get(peer) != way.said:
                way.scope.cancel()
                if way.gate is not None:
                    self._links.schedules.close(way.gate)
                del self.ways[peer]
        for peer, link in wanted.items():
            if peer not in self.ways:
                self._begin(peer, link)
        used = {way.said.command for way in self.ways.values()} | set(self._others)
        for command in [command for command in self._programs if command not in used]:
            self._programs.pop(command)[1].cancel()

    def _begin(self, peer: Peer, said: OtherLink) -> None:
        program = self._program(said.command, said.framing) if said.kind == "exec" else None
        kept = Kept.unpack(self._links.node.store.meta.data(_kept_as(peer)))
        seal = Seal(
            agree(self._own_key, Key(peer)),
            self._own,
            Key(peer),
            clear=said.clear,
            brief=program is not None,
            kept=kept,
        )
        schedules = self._links.schedules
        gate = schedules.open(f"schedule-link:{peer.hex()}", said.terms) if said.terms else None
        # Whoever has no address written down is called where it was heard last: it may wait for us to say something.
        place = _read_place(self._links.node.store.meta.text(_place_as(peer))) if program is None else None
        way = self.ways[peer] = Way(said, peer, seal, program, gate, place)
        self._nursery.start_soon(self._keep, way)

    def listen(self, command: tuple[str, ...], framing: Framing, hears: Callable[[bytes], None]) -> Program:
        """Return the program of this command, and have it told what comes from it that is from none of the peers."""
        self._others.setdefault(command, []).append(hears)
        return self._program(command, framing)

    def _program(self, command: tuple[str, ...], framing: Framing) -> Program:
        if command not in self._programs:
            program, scope = Program(command, framing, MOST_FRAME), trio.CancelScope()
            self._programs[command] = program, scope
            program.hears = lambda packet: self._hear_frame(program, packet)
            program.up = lambda: self._poke(program)
            self._nursery.start_soon(_within, scope, program.run)
        return self._programs[command][0]

    # --- One link ---------------------------------------------------------------------------------------

    async def _keep(self, way: Way) -> None:
        """Carry one session after the other to a peer, until cancelled."""
        pauses = Pauses(STEADY_SECONDS)
        with way.scope:
            while True:
                await self._until_free(way)
                way.seal.begin(int(time.time()), secrets.token_bytes(RANDOM_BYTES))
                self._note(way)
                link = way.link = ThinLink(
                    Key(way.peer), way.profile, way.seal, lambda packet: self._send(way, packet), lambda: self._wait(way), self._dice
                )  # fmt: skip
                if way.gate is not None:
                    link.toll = self._links.schedules.keeper(way.gate)
                begun, way.words = trio.current_time(), ""
                try:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._find, way)
                        ended = await link.run(lambda link: self._links.carry(link, self._own < link.peer))
                        nursery.cancel_scope.cancel()
                finally:
                    way.link = None
                way.words = ended.sentence
                lasted = trio.current_time() - begun
                # A copy of a peer's directory on a second machine begins anew whenever the first one does, and the first one again.
                wait = pauses.after(
                    lasted if link.carrier.heard_at is not None else 0.0, ended.code == "ended"
                )
                if wait and ended.sentence == ANEW:
                    way.words = ANEW_AGAIN
                wait = max(wait * (0.5 + self._dice.random()), LEAST_SECONDS - lasted)
                wait = max(wait, self._links.back_off.get(way.peer, 0.0) - trio.current_time())
                await trio.sleep(wait)

    async def _until_free(self, way: Way) -> None:
        while way.peer in self._links.connections:
            way.words = "another link to it stands"
            await self._links.gone(way.peer).wait()

    async def _find(self, way: Way) -> None:
        """Look up where a peer is called, again and again while it is not heard from there."""
        while way.said.address:
            if trio.current_time() - way.heard_at > FIND_SECONDS:
                await self._find_once(way)
            await trio.sleep(FIND_SECONDS)

    async def _find_once(self, way: Way) -> None:
        place = None
        try:
            with trio.move_on_after(FOUND_SECONDS):
                place = await find(parse_address(way.said.address))
        except (OSError, ValueError) as error:
            # Names that cannot be looked up raise more than OSError.
            way.words = f"{way.said.address} is not found: {getattr(error, 'strerror', None) or error}"
        if place is not None and place != way.place:
            way.place = place
            if way.link is not None:
                way.link.look()

    def _wait(self, way: Way) -> float:
        """Return the seconds until something may be sent this way."""
        if way.program is not None:
            return inf if way.program.state else 0.0
        return inf if way.place is None else 0.0

    async def _send(self, way: Way, packet: bytes, to: Place | None = None) -> None:
        to = to or way.place
        if way.program is not None:
            await way.program.send(packet)
        elif to is not None:
            way.words = await self._datagrams.send(packet, to)

    # --- What comes -------------------------------------------------------------------------------------

    def _hear_frame(self, program: Program, packet: bytes) -> None:
        for way in self.ways.values():
            if way.program is program and self._hear(way, packet):
                return
        for hears in self._others.get(program.command, ()):
            hears(packet)

    def _hear_datagram(self, packet: bytes, source: Place) -> None:
        ways = [way for way in self.ways.values() if way.program is None]
        known = [way for way in ways if way.seal.knows(packet)]
        if not known and not self._strangers.take(1, trio.current_time()):
            return
        for way in known or ways:
            if self._hear(way, packet, source):
                return

    def _hear(self, way: Way, packet: bytes, source: Place | None = None) -> bool:
        """Open a packet; return whether it is from this peer."""
        link = way.link
        if link is None or link.ended is not None:
            return False
        match told := way.seal.open(packet):
            case Text(text):
                way.heard_at, way.wrong = trio.current_time(), ""
                self._learn(way, source)
                self._note(way)
                link.hear(text, len(packet))
            case Anew():
                way.heard_at = trio.current_time()
                self._learn(way, source)
                self._note(way)
                link.cut("ended", ANEW)
            case Refused("outdated"):
                # After a restart, where it came from may be all that is known of where the peer is.
                to = way.place or source
                back = to is not None
                if way.replies.take(1, trio.current_time()) and (sign := link.sign(back=back)) is not None:
                    self._nursery.start_soon(self._send, way, sign, to)
            case Refused("readable" | "unreadable" as code):
                way.wrong = OTHERWISE[code]
            case Refused():
                return told.code != "foreign"
        return True

    def _learn(self, way: Way, source: Place | None) -> None:
        """Answer a peer where it was heard last: it may have another address now, or a router between."""
        if source is not None:
            way.words = ""
            if way.place != source:
                way.place = source
                self._unsaved.add(way.peer)
                self._links.door.wake(SAVE_SECONDS)
                if way.link is not None:
                    way.link.poke()

    def _poke(self, program: Program) -> None:
        for way in self.ways.values():
            if way.program is program and way.link is not None:
                way.link.poke()

    # --- What is kept, and told -------------------------------------------------------------------------

    def _note(self, way: Way) -> None:
        if way.seal.kept != way.kept:
            way.kept = way.seal.kept
            self._unsaved.add(way.peer)
            self._links.door.wake(SAVE_SECONDS)

    def unsaved(self) -> list[Callable[[], None]]:
        """Return what is to be kept with the next commit."""
        writes: list[Callable[[], None]] = []
        for peer in self._unsaved & set(self.ways):
            meta, way = self._links.node.store.meta, self.ways[peer]
            writes.append(partial(meta.set, _kept_as(peer), way.kept.pack()))
            if way.place is not None:
                writes.append(partial(meta.set, _place_as(peer), f"{way.place[0]} {way.place[1]}"))
        self._unsaved.clear()
        return writes

    def reason(self, peer: Peer) -> str:
        """Return how it stands with the way to a peer, in words; "" when there is none."""
        way = self.ways.get(peer)
        if way is None:
            return ""
        if way.program is not None and way.program.state:
            return f"over a program: {way.program.state}"
        if way.program is None and way.place is None:
            return f"over datagrams: {way.words or 'it has no address here; it must call us'}"
        heard = (
            ""
            if way.link is None or way.link.carrier.heard_at is None
            else ago(trio.current_time() - way.link.carrier.heard_at)
        )
        said = f"heard {heard}" if heard else "no answer so far"
        if heard and self.owed(peer):
            said += ", what was sent waits for its answer"
        terms = self._links.schedules.reason_of(way.gate) if way.gate is not None else ""
        return f"over {way.name}: " + "; ".join(each for each in (said, terms, way.wrong, way.words) if each)

    def owed(self, peer: Peer) -> bool:
        """Say whether the session with a peer goes this way, and what was sent has no answer though some seconds have passed.

        The session believes in what it has given away: nobody shall read "same" and walk off.
        """
        link = self.ways[peer].link if self.carries(peer) else None
        return link is not None and bool(link.queued) and not link.present

    def quiet(self, peer: Peer) -> float | None:
        """Return for how many seconds nothing was heard from a peer this way, None when nothing ever was."""
        heard = self.ways[peer].heard_at
        return None if heard == -inf else trio.current_time() - heard

    def schedule(self, peer: Peer) -> dict[str, Any] | None:
        """Return how it stands with the windows and budget of the session's way, for programs; None when there are none."""
        gate = self.ways[peer].gate if self.carries(peer) else None
        schedules = self._links.schedules
        return schedules.told_of(gate, gate.state(schedules.clock.now())) if gate is not None else None

    def carries(self, peer: Peer) -> bool:
        """Say whether the session with a peer goes this way."""
        way, connection = self.ways.get(peer), self._links.connections.get(peer)
        return way is not None and connection is not None and connection.link is way.link

    def silent(self, peer: Peer) -> bool:
        """Say whether the session with a peer goes this way, and it was not heard for so long that it seems to be away."""
        link = self.ways[peer].link if self.carries(peer) else None
        if link is None:
            return False
        heard = link.carrier.heard_at
        return seems_away(None if heard is None else trio.current_time() - heard, link.carrier.idle)


async def _within(scope: trio.CancelScope, run: Callable[[], Awaitable[None]]) -> None:
    with scope:
        await run()


def seems_away(heard: float | None, idle: bool) -> bool:
    """Say whether a peer is out of reach that was heard so many seconds ago. `idle`: it owes no answer."""
    return heard is None or heard > (IDLE_AWAY_SECONDS if idle else OWING_AWAY_SECONDS)


def ago(seconds: float) -> str:
    """Return how long ago something was, as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s ago"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} h ago"
    return f"{seconds / 86_400:.0f} days ago"


def _kept_as(peer: Peer) -> str:
    return f"sealed:{peer.hex()}"


def _place_as(peer: Peer) -> str:
    return f"place:{peer.hex()}"


def _read_place(kept: str) -> Place | None:
    host, _, port = kept.partition(" ")
    return (host, int(port)) if host and port.isdecimal() else None
