"""Which nodes this one keeps links with, beside the operator's own peers: the overlay, fed and carried out."""

from collections.abc import Awaitable, Callable, Iterable
from random import Random, getrandbits

import trio

from fedsync.crdt.books.fellows import Fellow
from fedsync.daemon.links import Links
from fedsync.gossip.events import Peer
from fedsync.gossip.groups import Candidate, Group
from fedsync.gossip.kept import pack, unpack
from fedsync.gossip.overlay import Call, Down, Drop, Event, Failed, Known, Overlay, Tick, Up, Wake
from fedsync.gossip.view import Score
from fedsync.records.ids import Key, Scope

VIEWS = "overlay"
"""Under this name the views are kept in the store."""

Try = Callable[[Peer, tuple[str, ...]], Awaitable[None]]
"""Calls a peer once, and carries the link until it ends."""


class Steering:
    """Feeds the overlay of one daemon. `kept`: what an earlier one said that it keeps."""

    def __init__(
        self, me: Peer, links: Links, try_once: Try, nursery: trio.Nursery, kept: bytes, score: Score
    ) -> None:
        self._links, self._try_once, self._nursery = links, try_once, nursery
        self.overlay = Overlay(me, Random(getrandbits(64)), score, links.engine.eager, unpack(kept))
        self._wake_at = float("inf")
        self._rewake = trio.Event()
        links.welcome, links.met, links.lost = self._welcome, self._met, self._lost

    def know(self, fellows: Iterable[Fellow], own: Iterable[Key]) -> None:
        """Choose from these nodes from now on; `own`: the operator's peers."""
        members: dict[Scope, list[Candidate]] = {}
        height: dict[Scope, int] = {}
        for fellow in fellows:
            for at, (scope, body) in enumerate(fellow.groups):
                candidate = Candidate(Peer(fellow.key), body, fellow.addresses)
                members.setdefault(scope, []).append(candidate)
                height[scope] = max(at, height.get(scope, 0))
        # What is nearest to us comes first, where there are more groups than the overlay takes.
        nearest = sorted(members, key=lambda scope: height[scope])
        groups = [Group(scope, members[scope]) for scope in nearest]
        self._tell(Known(groups, frozenset(map(Peer, own))))

    def kept(self) -> bytes:
        """Return what to keep of the views for the next start."""
        return pack(self.overlay.keep())

    async def run(self) -> None:
        """Wake the overlay when it wants that, until cancelled."""
        while True:
            with trio.move_on_at(self._wake_at):
                await self._rewake.wait()
                self._rewake = trio.Event()
                continue
            if trio.current_time() >= self._wake_at:
                self._wake_at = float("inf")
                self._tell(Tick())

    # --- What links tell --------------------------------------------------------------------------------

    def _welcome(self, peer: Peer) -> int | None:
        return self._tell(Up(peer, called=False))

    def _met(self, peer: Peer) -> None:
        why = self._tell(Up(peer, called=True))
        if why is not None:
            self._links.give_up(peer, why)

    def _lost(self, peer: Peer, left: bool) -> None:
        self._tell(Down(peer, left) if peer in self.overlay.links else Failed(peer, left))

    # --- What the overlay wants -------------------------------------------------------------------------

    def _tell(self, event: Event) -> int | None:
        """Feed an event; return why the link that it is about is not to be, None when it may."""
        why: int | None = None
        for effect in self.overlay.handle(event, trio.current_time()):
            match effect:
                case Call(peer, addresses):
                    self._nursery.start_soon(self._call, peer, addresses)
                case Drop(peer, because):
                    if isinstance(event, Up) and event.peer == peer:
                        why = because
                    else:
                        self._links.give_up(peer, because)
                case Wake(at):
                    self._wake_at = at
                    self._rewake.set()
        return why

    async def _call(self, peer: Peer, addresses: tuple[str, ...]) -> None:
        await self._try_once(peer, addresses)
        # Nothing, when a link stood meanwhile.
        self._tell(Failed(peer))
