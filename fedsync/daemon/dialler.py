"""Calling the peers that this node has an address of, and calling again, later and later, while they do not answer."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from fedsync.config import parse_address
from fedsync.daemon.links import Links
from fedsync.gossip.events import Peer
from fedsync.gossip.link import LinkClosed
from fedsync.gossip.tcp import connect
from fedsync.records.ed25519 import PrivateKey
from fedsync.records.ids import Key

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 300.0
"""Seconds between calls: doubled after each failure, and back to the first once a frame has come."""

log = logging.getLogger("fedsync")


@dataclass
class Calling:
    """How it goes with calling one peer."""

    addresses: tuple[str, ...]
    pause: float = FIRST_PAUSE
    reason: str = ""
    next_at: float = 0.0
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)


class Dialler:
    """Keeps one link to each peer that may be called."""

    def __init__(
        self, links: Links, own_key: PrivateKey, nursery: trio.Nursery, jitter: Callable[[], float]
    ) -> None:
        self._links, self._own_key, self._nursery, self._jitter = links, own_key, nursery, jitter
        self.callings: dict[Peer, Calling] = {}
        self.listens = True
        """Whether others can call this node."""

    def want(self, peers: dict[Peer, tuple[str, ...]]) -> None:
        """Call exactly these from now on."""
        for peer in list(self.callings):
            if self.callings[peer].addresses != peers.get(peer):
                self.callings.pop(peer).scope.cancel()
        for peer, addresses in peers.items():
            if peer not in self.callings and addresses:
                self.callings[peer] = Calling(addresses)
                self._nursery.start_soon(self._call, peer, self.callings[peer])

    def reason(self, peer: Peer) -> str:
        """Return why there is no link to a peer, in words."""
        calling = self.callings.get(peer)
        shunned = round(self._links.back_off.get(peer, 0.0) - trio.current_time())
        if shunned > 0:
            return f"{self._links.parted.get(peer, 'it sent garbage')}; we talk again in {shunned} s"
        if calling is None:
            if not self.listens:
                return "neither can call the other: it has no address here, and this node does not listen"
            return "it has no address here; it must call us"
        wait = max(0, round(calling.next_at - trio.current_time()))
        why = calling.reason or "not called yet"
        return f"{why}; called again in {wait} s" if wait else why

    async def _call(self, peer: Peer, calling: Calling) -> None:
        with calling.scope:
            while True:
                await self._until_free(peer)
                for address in calling.addresses:
                    await self._once(peer, calling, address)
                wait = calling.pause * (0.5 + self._jitter())
                wait = max(wait, self._links.back_off.get(peer, 0.0) - trio.current_time())
                calling.next_at = trio.current_time() + wait
                calling.pause = min(calling.pause * 2, LONGEST_PAUSE)
                await trio.sleep(wait)

    async def _until_free(self, peer: Peer) -> None:
        while peer in self._links.connections:
            await self._links.gone(peer).wait()

    async def _once(self, peer: Peer, calling: Calling, address: str) -> None:
        if peer in self._links.connections:
            return
        try:
            where = parse_address(address)
            link = await connect(where.host, where.port, self._own_key, Key(peer))
        except (ValueError, OverflowError) as error:
            # A peer says its address itself. Names that cannot be looked up raise more than OSError.
            calling.reason = f"its address {address!a} is none: {error}"
            return
        except LinkClosed as why:
            calling.reason = why.sentence
            return
        ended = await link.run(lambda link: self._links.carry(link, True))
        calling.reason = ended.sentence
        if link.heard:
            calling.pause = FIRST_PAUSE


def jitter() -> float:
    """Return a number from 0 to 1, so that nodes that lost a peer at once do not call again at once."""
    return random.random()
