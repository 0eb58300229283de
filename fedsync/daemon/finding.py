"""How a running node finds others and is found: what it announces, whom it hears on its network, who is introduced to whom."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from fedsync.announcing import announce, unsaid
from fedsync.daemon.lan import Neighbours
from fedsync.gossip.events import Introduced, Peer
from fedsync.introducing import hear, to_say
from fedsync.records.ids import Key

if TYPE_CHECKING:
    from fedsync.daemon.run import Daemon

MOST_INTRODUCTIONS = 64
"""Introductions that wait to be kept, of all peers; what comes on top is said again when a link begins."""
REST = 10.0
"""How many times as long as it took it is not looked again whether a book names this node."""

log = logging.getLogger("fedsync")


class Finding:
    """Beside the daemon; whom to let in and call is decided there."""

    def __init__(self, daemon: "Daemon", jitter: Callable[[], float]) -> None:
        self._daemon = daemon
        self.named = trio.Event()
        """Set when pages came: one may name this node, and then it may announce itself."""
        self._introduced, self._introductions = trio.open_memory_channel[tuple[Peer, Introduced]](
            MOST_INTRODUCTIONS
        )
        daemon.links.opened = self.introduce
        daemon.links.introduced = self._note_introduction
        self._neighbours = Neighbours(daemon.key, daemon.settings.lan, self._looked_for, daemon.call, jitter)

    # --- What is announced --------------------------------------------------------------------------------

    async def announce(self) -> None:
        """Say where this node answers, or no longer, wherever a book names it, until cancelled."""
        daemon, told = self._daemon, False
        wish = daemon.settings.announce
        while True:
            begun = trio.current_time()
            async with daemon.links.door.writing() as node:
                taken = await trio.to_thread.run_sync(announce, node, daemon.private, wish)
                waits = unsaid(node, daemon.key, wish)
            daemon.links.announce(taken)
            if waits and not told:
                log.warning(
                    "Where this node answers is announced once a page of our book names it: that of a region does if this node "
                    "seals for it, and our own once we sit in one (fedsync bodies join REGION)."
                )
            told = told or waits
            # Nobody waits for it, and who first syncs a large federation is told of pages all the time.
            await trio.sleep(REST * (trio.current_time() - begun))
            await self.named.wait()
            self.named = trio.Event()

    # --- The local network --------------------------------------------------------------------------------

    async def meet_neighbours(self) -> None:
        """Say on the local network that this node is here, and hear who else is, until cancelled."""
        listening = self._daemon.listening
        port = listening[0].socket.getsockname()[1] if listening else 0
        await self._neighbours.run(self._daemon.settings.listen, port)

    def places(self, key: Key) -> tuple[str, ...]:
        """Return where a node was heard on the local network of late."""
        return self._neighbours.places(key)

    def _looked_for(self) -> list[Key]:
        """Return the nodes that may be called and that no link stands with."""
        whom, linked = self._daemon.whom, self._daemon.links.connections
        may = (key for key in (*whom.peers, *whom.named) if whom.lets_in(key))
        return [key for key in may if Peer(key) not in linked]

    # --- Introductions ------------------------------------------------------------------------------------

    def introduce(self, to: Peer) -> None:
        """Tell a peer of those whom this node is to introduce to it."""
        for each in to_say(self._daemon.reader, Key(to)):
            self._daemon.links.tell(to, each)

    def _note_introduction(self, by: Peer, said: Introduced) -> None:
        with suppress(trio.WouldBlock):  # A peer says it again when a link begins anew.
            self._introduced.send_nowait((by, said))

    async def hear_introductions(self) -> None:
        """Keep what peers say of other nodes, and let in whom the operator said to, until cancelled."""
        daemon = self._daemon
        async for by, said in self._introductions:
            async with daemon.links.door.writing() as node:
                heard = await trio.to_thread.run_sync(
                    hear, node, daemon.key, Key(by), said, daemon.settings.introducers
                )
            log.info("%s: %s", daemon.name_of(by), heard.words)
            if heard.let_in:
                await daemon.refresh()
                daemon.links.followed()
