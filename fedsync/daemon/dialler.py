"""Calling the peers that this node has an address of, and calling again, later and later, while they do not answer."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

import trio

from fedsync.config import parse_address
from fedsync.daemon.links import Links
from fedsync.daemon.through import Through
from fedsync.gossip.events import Peer
from fedsync.gossip.link import LinkClosed
from fedsync.gossip.schedule.terms import Open
from fedsync.gossip.tcp import CONNECT_SECONDS, connect
from fedsync.records.ed25519 import PrivateKey
from fedsync.records.ids import Key

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 300.0
"""Seconds between calls: doubled after each failure, and back to the first once a frame has come."""
AWAY_SHARE = 16
"""But never more than one part in so many of the time for which a peer was not heard: one that comes back every minute for
some seconds is found within them."""
LATELY = 600.0
QUICK_SECONDS = 7.0
"""A peer that was heard within LATELY s is given so long to answer, and then called anew: TCP itself tries again after 1,
3 and 7 s, and then seldom."""

OVER_RELAYS = "over relays"
"""What stands for an address of a node that has none and may be reached through relays."""

log = logging.getLogger("fedsync")


@dataclass
class Calling:
    """How it goes with calling one peer."""

    addresses: tuple[str, ...]
    pause: float = FIRST_PAUSE
    tried: list[str] = field(default_factory=list)
    """Why each way came to nothing, or came to an end, in this round; what was found in the one before is kept below."""
    reason: str = ""
    next_at: float = 0.0
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    def note(self, sentence: str) -> None:
        """Note why one more way came to nothing."""
        if sentence not in self.tried:
            self.tried.append(sentence)
        self.reason = "; ".join(self.tried)


class Dialler:
    """Keeps one link to each peer that may be called."""

    def __init__(
        self, links: Links, own_key: PrivateKey, nursery: trio.Nursery, jitter: Callable[[], float]
    ) -> None:
        self._links, self._own_key, self._nursery, self._jitter = links, own_key, nursery, jitter
        self.callings: dict[Peer, Calling] = {}
        self.through: Through | None = None
        """The way over relays, when there is one."""
        self.listens = True
        """Whether others can call this node."""

    def want(self, peers: dict[Peer, tuple[str, ...]]) -> None:
        """Call exactly these from now on."""
        for peer, calling in list(self.callings.items()):
            addresses = peers.get(peer)
            if addresses is not None and self._links.settled(peer):
                # The link stands within the calling: what is learnt of other places is for the next time.
                calling.addresses = addresses
            elif calling.addresses != addresses:
                self.callings.pop(peer).scope.cancel()
        for peer, addresses in peers.items():
            if peer not in self.callings and (addresses or self._relays(peer)):
                self.callings[peer] = Calling(addresses)
                self._nursery.start_soon(self._call, peer, self.callings[peer])

    def reason(self, peer: Peer) -> str:
        """Return why there is no link to a peer, in words."""
        calling = self.callings.get(peer)
        if why := self._links.schedules.why_not_called(peer):
            return why
        shunned = round(self._links.back_off.get(peer, 0.0) - trio.current_time())
        if shunned > 0:
            return f"{self._links.parted.get(peer, 'it sent garbage')}; we talk again in {shunned} s"
        if calling is None:
            if self.through is not None and (told := self.through.told(peer)):
                return told
            if not self.listens:
                return (
                    "neither can call the other, and no relay is known to both ([relay] in config.toml): "
                    "it has no address here, and this node does not listen"
                )
            return "it has no address here; it must call us"
        wait = max(0, round(calling.next_at - trio.current_time()))
        why = calling.reason or "not called yet"
        return f"{why}; called again in {wait} s" if wait else why

    async def _call(self, peer: Peer, calling: Calling) -> None:
        with calling.scope:
            while True:
                await self._until_free(peer)
                if await self._links.schedules.until_called(peer):
                    calling.pause = FIRST_PAUSE
                calling.tried.clear()
                for address in calling.addresses:
                    await self._once(peer, calling, address)
                for relay in self._relays(peer):
                    await self._over(peer, calling, relay)
                wait = calling.pause * (0.5 + self._jitter())
                shunned = max(self._links.back_off.get(peer, 0.0), self._links.asleep.get(peer, 0.0))
                wait = max(wait, shunned - trio.current_time())
                calling.next_at = trio.current_time() + wait
                calling.pause = min(calling.pause * 2, longest_pause(self._away(peer)))
                await trio.sleep(wait)

    def _away(self, peer: Peer) -> float:
        """Return for how many seconds a peer was not heard; infinite when it never was since this node runs."""
        heard = self._links.heard_at.get(peer)
        return inf if heard is None else trio.current_time() - heard

    async def try_once(self, peer: Peer, addresses: tuple[str, ...]) -> None:
        """Call a peer at each of these addresses until it answers, and carry the link until it ends."""
        calling = Calling(addresses)
        shunned = max(self._links.back_off.get(peer, 0.0), self._links.asleep.get(peer, 0.0))
        if shunned > trio.current_time():
            return
        if not isinstance(self._links.schedules.calls(peer), Open):
            return
        for address in addresses:
            if address != OVER_RELAYS and await self._once(peer, calling, address):
                return
        for relay in self._relays(peer):
            await self._over(peer, calling, relay)
        if calling.reason:
            self._links.parted[peer] = calling.reason

    async def _until_free(self, peer: Peer) -> None:
        while self._links.settled(peer):
            await self._links.gone(peer).wait()

    def _relays(self, peer: Peer) -> list[Peer]:
        return self.through.ways(peer) if self.through is not None else []

    async def _over(self, peer: Peer, calling: Calling, relay: Peer) -> None:
        """Call a peer through a relay, after all its addresses."""
        if self._links.settled(peer) or self.through is None:
            return
        heard, why = await self.through.call(relay, peer)
        calling.note(why)
        if heard:
            calling.pause = FIRST_PAUSE

    async def _once(self, peer: Peer, calling: Calling, address: str) -> bool:
        """Call a peer at one address; return whether it said anything, or another link to it stands."""
        if self._links.settled(peer):
            return True
        try:
            where = parse_address(address)
            answered = QUICK_SECONDS if self._away(peer) < LATELY else CONNECT_SECONDS
            link = await connect(where.host, where.port, self._own_key, Key(peer), answered=answered)
        except (ValueError, OverflowError) as error:
            # A peer says its address itself. Names that cannot be looked up raise more than OSError.
            calling.note(f"its address {address!a} is none: {error}")
            return False
        except LinkClosed as why:
            calling.note(why.sentence)
            return False
        ended = await link.run(lambda link: self._links.carry(link, True))
        calling.note(ended.sentence)
        if link.heard and ended.code != "full":
            calling.pause = FIRST_PAUSE
        return link.heard


def longest_pause(away: float) -> float:
    """Return the longest pause between calls of a peer that was not heard for so many seconds."""
    return max(FIRST_PAUSE, min(LONGEST_PAUSE, away / AWAY_SHARE))


def jitter() -> float:
    """Return a number from 0 to 1, so that nodes that lost a peer at once do not call again at once."""
    return random.random()
