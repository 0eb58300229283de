"""How simulated nodes find each other by what books and announcements say, and keep out whom their operators removed.

Nobody is told who there is. A node knows the own peers of its operator, as invitations make them. Once books name
nodes, and these have announced where they answer, an overlay chooses among them. The rule is a daemon's: who was removed
stays out, then whom a book dropped; own peers and whom books name get in, and nobody else.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from random import Random
from typing import Final

from fedsync.crdt.books.addresses import after, announced, announced_by
from fedsync.crdt.books.fellows import around
from fedsync.crdt.books.nodes import dropped
from fedsync.crdt.logs.seats import is_named
from fedsync.gossip.events import Peer
from fedsync.gossip.groups import Candidate, Group
from fedsync.gossip.kept import Kept
from fedsync.gossip.relaychoice import waits_at
from fedsync.records.ids import Key, Scope
from fedsync.records.kinds.announcing import ANNOUNCEMENT, Announcement, announcement_value
from fedsync.sim.calling import NOTHING, OVER_RELAYS, Calls, Steering
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen
from fedsync.sim.people import Community

LOOK_S: Final = 1.0
"""A node looks at what books say of nodes once in so long at most, in seconds."""


class Finding(Steering):
    """One node's. `pen`: with which it announces itself, if a region names it; `keys`: whose key is whose."""

    def __init__(
        self, home: Community, calls: Calls, dice: Random, pen: Pen | None, keys: Mapping[Key, Peer],
        peers: Collection[Peer],
    ) -> None:  # fmt: skip
        super().__init__(home.node, calls, dice, [])
        self._home, self._pen, self._keys = home, pen, keys
        self._node: Node = home.node
        self.peers = frozenset(peers)
        """The operator's own."""
        self.removed: set[Peer] = set()
        self.address = ""
        """Where it answers; empty: nowhere, it calls."""
        self.invited: Mapping[Peer, str] = {}
        """Where own peers were called when they became such; empty: nowhere, they call."""
        self._may: frozenset[Peer] = frozenset()
        self._known: dict[Peer, tuple[str, ...]] = {}
        self.relays: frozenset[Peer] = frozenset()
        """Nodes that say that they carry for others, and may be linked."""
        self.offers = False
        """Whether this one does."""
        self._planned = False
        self._told = ""
        """What it announced last since it began."""
        self.turned_away: Callable[[], None] = lambda: None
        self.linked_with: Callable[[Peer], None] = lambda peer: None
        """Told when a link may stand."""

    def start(self, kept: Mapping[Scope, Kept] = NOTHING) -> None:
        """Begin, with the links of before first, and with own peers."""
        super().start(kept)
        self._planned, self._told = False, ""
        self.look()
        self._dial(self._life)

    def linked(self, peer: Peer, called: bool) -> bool:
        """Say whether a link may stand."""
        if peer in self._may:
            self.linked_with(peer)
            return super().linked(peer, called)
        if peer in self.removed:
            self.turned_away()
        return False

    def remove(self, peer: Peer) -> None:
        """Let no link stand with a node any more, whatever names it."""
        self.removed.add(peer)
        self.peers -= {peer}
        self.look()

    def shuns(self, peer: Peer) -> bool:
        """Say whether the operator removed a node."""
        return peer in self.removed

    def befriend(self, peer: Peer, address: str) -> None:
        """Take a node in as one of the operator's own, which is called at this address. Whom they removed stays out."""
        self.peers |= {peer}
        self.invited = {**self.invited, peer: address}
        self.look()

    def places_of(self, peer: Peer) -> tuple[str, ...]:
        """Return where a node is called: where it was when it became an own peer, and where it says that it answers."""
        return tuple(filter(None, dict.fromkeys((self.invited.get(peer, ""), *self._known.get(peer, ())))))

    def lets_in(self, peer: Peer) -> bool:
        """Say whether a link with a node may stand."""
        return peer in self._may

    def _over(self, peer: Peer) -> tuple[str, ...]:
        """Return how a node is called that has no address: through the relays at which it waits, if there are any."""
        return (OVER_RELAYS,) if waits_at(peer, self.relays) else ()

    def soon(self) -> None:
        """Look before long: something came that may bear on who there is."""
        if not self._planned:
            self._planned = True
            self._calls.net.heap.after(LOOK_S, partial(self._look_later, self._life))

    def look(self) -> None:
        """Announce this node where that was not done, and choose from those who may be linked now."""
        if not self._node.alive:
            return
        self._announce()
        view = self._node.view
        me = self._pen.genesis.key if self._pen is not None else Key(bytes(32))
        there = around(view, self._home.scope, me)
        out = self.removed | {self._keys[key] for key in dropped(view) if key in self._keys}
        named = {self._keys[key] for key in there.admitted if key in self._keys}
        self._may = frozenset((self.peers | named) - out - {self._node.peer})
        said = {self._keys[key]: each for (_, key), each in announced(view).items() if key in self._keys}
        self.relays = self._may & {peer for peer, each in said.items() if each.relay and each.addresses}
        members: dict[Scope, list[Candidate]] = {}
        for fellow in there.fellows:
            peer = self._keys.get(fellow.key)
            for scope, body in fellow.groups if peer in self._may else ():
                addresses = fellow.addresses or self._over(peer)  # type: ignore[arg-type]
                members.setdefault(scope, []).append(Candidate(peer, body, addresses))  # type: ignore[arg-type]
        self._known = {peer: each.addresses for peer, each in said.items()}
        groups = [Group(scope, each) for scope, each in members.items()]
        self.know(groups, self.peers & self._may)
        for peer in [peer for peer in self._node.ends if peer not in self._may]:
            self._calls.part(self._node, peer)

    def _look_later(self, life: object) -> None:
        if self._life is life:
            self._planned = False
            self.look()

    def _announce(self) -> None:
        pen, view = self._pen, self._node.view
        if pen is None or not self.address or not is_named(view, pen.genesis.scope, pen.genesis.key):
            return
        scope, key = pen.genesis.scope, pen.genesis.key
        said = announced_by(view, scope, key)
        if self._told != self.address and (said is None or said.addresses != (self.address,)):
            wall = self._node.wall()
            value = announcement_value(Announcement((self.address,), self.offers))
            if self._home.say(pen, [(ANNOUNCEMENT, value)], back=wall - after(view, scope, key, wall)):
                self._told = self.address

    def _dial(self, life: object) -> None:
        """Call own peers that no link stands with, again and again."""
        if self._life is not life or not self._node.alive:
            return
        for peer in sorted(self.peers & self._may):
            addresses = self.places_of(peer) or self._over(peer)
            if addresses and peer not in self._node.ends:
                self._calls.call(self._node, peer, addresses)
        net = self._calls.net
        net.heap.after(net.nature.redial * (0.5 + self._dice.random()), partial(self._dial, life))
