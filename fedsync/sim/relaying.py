"""Relays of a simulation: nodes that carry for two others, of whom at least one cannot be called. Written down for the checks.

What a relay carries in a day, and at which relays a node waits, is decided by a daemon's own machines. Not played is what its shell
does: ringing, and the handshake of the two through it. A link over a relay breaks when that relay falls or is out of reach of either.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator

from fedsync.gossip.events import Peer
from fedsync.gossip.relaychoice import waits_at
from fedsync.gossip.relayquota import DAY_MS, Full, Ledger, Pair, pair_of
from fedsync.records.ids import Key
from fedsync.sim.links import Link, Net, Station
from fedsync.sim.node import Node
from fedsync.sim.scenario import Carrying


class Relays:
    """Of one world. `apart`: whether nothing passes between two now."""

    def __init__(
        self, offering: Collection[Node], offer: Carrying, net: Net, apart: Callable[[Station, Station], bool]
    ) -> None:
        self.offering = {node.peer: node for node in offering}
        self._offer, self._net, self._apart = offer, net, apart
        self._ledgers: dict[Node, tuple[object, Ledger]] = {}
        """The account of each relay in its present life."""
        self._until: dict[tuple[Peer, Peer, Peer], int] = {}
        """Until when a relay carries no more to whom for whom, as the clock of that one shows, in ms."""
        self.knows: Callable[[Station], Collection[Peer]] = lambda station: self.offering
        """Which relays a node knows, and may exchange with."""
        self.admits: Callable[[Node, Peer], bool] = lambda relay, peer: True
        """Whether a relay exchanges with a node itself: only then it carries for it."""
        self.went: defaultdict[tuple[Node, int, Pair], int] = defaultdict(int)
        """Bytes that each relay passed on, in each day of its clock, for each two."""
        self.largest = 0
        """Bytes of the largest piece."""
        self.opened: dict[tuple[float, Station, Station], Node] = {}
        """Which links went over which relay."""

    def ways(self, one: Station, two: Peer) -> Iterator[Node]:
        """Yield the relays through which a node may call another, as far as it can know."""
        for relay in waits_at(two, sorted(self.knows(one))):
            if relay != one.peer and one.wall() >= self._until.get((relay, one.peer, two), 0):
                yield self.offering[relay]

    def puts_through(self, relay: Node, one: Station, two: Station) -> bool:
        """Say whether a relay connects two now: it lives, both reach it, the other waits there, and it carries more today."""
        if not relay.alive or self._apart(one, relay) or self._apart(relay, two):
            return False
        if not (self.admits(relay, one.peer) and self.admits(relay, two.peer)):
            return False
        waits = relay.peer in waits_at(two.peer, sorted(self.knows(two)))
        return waits and self._no_more(
            relay, one, two, self._ledger(relay).full(_pair(one, two), relay.wall())
        )

    def carries(self, link: Link, size: int) -> bool:
        """Pass a frame on over a link's relay, unless it fell or has carried enough today: then the link ends."""
        relay, one, two = link.via, link.one, link.two
        assert isinstance(relay, Node)
        if (
            not relay.alive
            or relay.life is not link.life
            or self._apart(one, relay)
            or self._apart(relay, two)
        ):
            return False  # Whoever sends into that hears nothing, and finds out.
        ledger, pair, now = self._ledger(relay), _pair(one, two), relay.wall()
        if not self._no_more(relay, one, two, ledger.spend(pair, size, now)):
            self._net.heap.after(0.0, self._break, link, link.ends)
            return False
        due = ledger.due(pair)
        if due is not None:
            relay.disk.carried[ledger.day, pair] = due
            ledger.kept(ledger.day, pair, due)
        self.went[relay, now // DAY_MS, pair] += size
        self.largest = max(self.largest, size)
        return True

    def fell(self, relay: Node) -> None:
        """Break what a relay carried: its machine hung up, or it moved."""
        for link in [link for link in self._net.links if link.via is relay]:
            self._break(link, link.ends)

    def _no_more(self, relay: Node, one: Station, two: Station, full: Full | None) -> bool:
        """Note until when a relay carries no more for two, if it says so; return whether it carries."""
        if full is not None:
            self._net.seen.note("relay-full")
            for here, there in ((one, two), (two, one)):
                # A relay that names a time far off would keep them away for ever.
                until = min(full.until, here.wall() + DAY_MS)
                self._until[relay.peer, here.peer, there.peer] = until
        return full is None

    def _break(self, link: Link, ends: object) -> None:
        if link.ends is ends:
            for end in link.ends or ():
                self._net.hang_up(end)

    def _ledger(self, relay: Node) -> Ledger:
        life, ledger = self._ledgers.get(relay, (None, None))
        if ledger is None or life is not relay.life:
            ledger = Ledger(self._offer.bytes_per_day, self._offer.pair_bytes_per_day)
            day = relay.wall() // DAY_MS
            ledger.load(day, {pair: used for (at, pair), used in relay.disk.carried.items() if at == day})
            self._ledgers[relay] = relay.life, ledger
        return ledger

    def faults(self) -> Iterator[str]:
        """Yield what a relay carried beyond what it offers: what a day allows may be passed by one piece."""
        most = self._offer.pair_bytes_per_day + self.largest
        for (relay, _, pair), size in self.went.items():
            if size > most:
                names = " and ".join(each.hex()[:8] for each in pair)
                yield f"{relay.name} carried {size} bytes between {names} in a day; {most} may be"
        days: defaultdict[tuple[Node, int], int] = defaultdict(int)
        for (relay, day, _), size in self.went.items():
            days[relay, day] += size
        for (relay, _), size in days.items():
            if size > self._offer.bytes_per_day + self.largest:
                yield f"{relay.name} carried {size} bytes in a day; {self._offer.bytes_per_day} may be"


def _pair(one: Station, two: Station) -> Pair:
    return pair_of(Key(one.peer), Key(two.peer))
