"""Links that stand as long as both sides want them: who calls whom is decided by overlays, and not by the scenario."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from fedsync.gossip.events import Peer
from fedsync.gossip.groups import Group
from fedsync.gossip.kept import Kept
from fedsync.gossip.overlay import Call, Down, Drop, Event, Failed, Known, Overlay, Tick, Up, Wake
from fedsync.records.ids import Scope
from fedsync.sim.links import Link, Net, Station

if TYPE_CHECKING:
    from fedsync.sim.node import Node
    from fedsync.sim.relaying import Relays

OVER_RELAYS: Final = "over relays"
"""What stands for an address of a node that has none and may be reached through relays, as in a daemon."""
HANDSHAKE: Final = 5
"""A handshake and a peer's first word take so many times the delay of the link."""

NOTHING: Final[Mapping[Scope, Kept]] = MappingProxyType({})
"""What is kept of a life that there was not."""


class Calls:
    """Calls among the stations of a net. `sides`: of each partition that goes on, those on one side of it."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.sides: list[Collection[Station]] = []
        self.stations: dict[Peer, Station] = {}
        self.towards: Callable[[Station, Peer], Station] = lambda station, _: station
        """The face that a station shows to a peer, where it has several."""
        self.places: dict[str, Station] | None = None
        """Which station answers at an address; None: whoever calls finds any."""
        self.dialled: list[tuple[float, Station, Peer]] = []
        """When who called whom, where addresses are to be learned."""
        self.opened: list[tuple[float, Station, Station]] = []
        """When a link began between which two, and who called, there and where there are some whom nobody can call."""
        self.deaf: Collection[Station] = ()
        """Whom nobody can call, whatever address is tried: they call others."""
        self.knocked: list[tuple[float, Station, Station]] = []
        """When who called one of these all the same."""
        self.relays: Relays | None = None
        """The ways to those whom nobody can call, if there are any."""
        self._links: dict[frozenset[Peer], Link] = {}
        net.idle = self._idle

    def call(self, one: Station, peer: Peer, addresses: tuple[str, ...] = ()) -> None:
        """Dial; the station hears what comes of it."""
        if self.places is not None:
            self.dialled.append((self.net.heap.now, one, peer))
        if self.stations[peer] in self.deaf:
            if self.relays is not None and OVER_RELAYS in addresses:
                # Two handshakes: with the relay, and through it.
                wait = 2 * self.net.nature.delay * HANDSHAKE
                self.net.heap.after(wait, partial(self._over, self.relays, self.towards(one, peer), peer))
                return
            self.knocked.append((self.net.heap.now, one, self.stations[peer]))
            self.net.heap.after(self.net.nature.delay * HANDSHAKE, partial(_missed, one, peer))
            return
        if self.places is not None and not any(
            self.places.get(each) is self.stations[peer] for each in addresses
        ):
            # Nobody answers there, or somebody else, whose key is another.
            self.net.heap.after(self.net.nature.delay * HANDSHAKE, partial(_missed, one, peer))
            return
        one, two = self.towards(one, peer), self.towards(self.stations[peer], one.peer)
        pair = frozenset((one.peer, peer))
        link = self._links.get(pair)
        if link is None:
            link = self._links[pair] = self.net.lay(one, two)
            link.passing = True
        self.net.heap.after(link.delay * HANDSHAKE, partial(self._answer, link, one, two))

    def _over(self, relays: "Relays", one: Station, peer: Peer) -> None:
        """Call a peer through the first relay that connects the two."""
        two, pair = self.stations[peer], frozenset((one.peer, peer))
        relay = next((each for each in relays.ways(one, peer) if relays.puts_through(each, one, two)), None)
        if relay is None:
            _missed(one, peer)
            return
        link = self._links.get(pair)
        if link is None:
            link = self._links[pair] = self.net.lay(one, two)
            link.passing, link.delay = True, 2 * link.delay
        self._answer(link, one, two, relay)

    def _answer(self, link: Link, one: Station, two: Station, relay: "Node | None" = None) -> None:
        if not one.alive:
            self._idle(link)
        elif link.talks:
            one.linked(two.peer, called=True)
        elif not self._reaches(link, one, two, relay):
            self._idle(link)
            one.unlinked(two.peer, answered=False)
        elif not two.linked(one.peer, called=False):
            self._idle(link)
            one.unlinked(two.peer, answered=True)
        else:
            pair = frozenset((one.peer, two.peer))
            if pair not in self._links:
                # It was let go of while this call was under way.
                self._links[pair] = link
                self.net.links[link] = None
            link = self._links[pair]
            link.one, link.two = one, two
            if self.places is not None or self.deaf:
                self.opened.append((self.net.heap.now, one, two))
            link.via, link.life = relay, relay.life if relay is not None else None
            if relay is not None and self.relays is not None:
                self.relays.opened[self.net.heap.now, one, two] = relay
                self.net.seen.note("relayed")
            if one in self.deaf:
                self.net.seen.note("outbound")
            self.net.open(link)
            if not one.linked(two.peer, called=True):
                self.part(one, two.peer)

    def apart(self, one: Station, two: Station) -> bool:
        """Say whether a partition is between two."""
        return any((one in side) != (two in side) for side in self.sides)

    def _reaches(self, link: Link, one: Station, two: Station, relay: "Node | None") -> bool:
        # Whom a relay reaches it knows itself.
        apart = relay is None and self.apart(one, two)
        return two.alive and not link.stops and not apart and self.net.heap.now >= link.shunned_until

    def part(self, station: Station, peer: Peer) -> None:
        """End a link that one side wants no more; the other hears that it was not broken."""
        end = self.towards(station, peer).ends.get(peer)
        if end is not None:
            end.left = True
            self.net.hang_up(end)

    def _idle(self, link: Link) -> None:
        """Let go of a link that does not stand, once nothing more is to be known of it."""
        stands = link.ends is not None and (link.ends[0].up or link.ends[1].up)
        if stands or link.stops or self.net.heap.now < link.shunned_until:
            return
        pair = frozenset((link.one.peer, link.two.peer))
        if self._links.get(pair) is link:
            del self._links[pair]
            del self.net.links[link]


def _missed(one: Station, peer: Peer) -> None:
    if one.alive:
        one.unlinked(peer, answered=False)


class Steers(Protocol):
    """What decides on the links of a station."""

    def start(self, kept: Mapping[Scope, Kept] = NOTHING) -> None:
        """Begin, with what was saved of an earlier life."""
        ...

    def keep(self) -> Mapping[Scope, Kept]:
        """Return what to save for the next start."""
        ...

    def stop(self) -> None:
        """End at once."""
        ...

    def linked(self, peer: Peer, called: bool) -> bool:
        """Say whether a link may stand."""
        ...

    def unlinked(self, peer: Peer, answered: bool) -> None:
        """Note that a link is gone, or could not be had."""
        ...


class Steering:
    """The overlay of one station: feeds it, and carries out what it says. What is saved of it lies on the station's disk."""

    def __init__(self, station: Station, calls: Calls, dice: Random, groups: list[Group]) -> None:
        self._station, self._calls, self._dice, self._groups = station, calls, dice, groups
        self._pinned: frozenset[Peer] = frozenset()
        self.overlay = Overlay(station.peer, dice)
        self._life = object()
        self._wake_at = 0.0

    @property
    def _now(self) -> float:
        return self._calls.net.heap.now

    def start(self, kept: Mapping[Scope, Kept] = NOTHING) -> None:
        """Begin, with the links of before first."""
        self._life = object()
        station = self._station
        self.overlay = Overlay(station.peer, self._dice, station.thinks, station.pushes, kept)
        self._tell(Known(self._groups, self._pinned))

    def know(self, groups: list[Group], pinned: frozenset[Peer]) -> None:
        """Choose from these from now on; `pinned`: own peers, whose links take no place."""
        self._groups, self._pinned = groups, pinned
        self._tell(Known(groups, pinned))

    def keep(self) -> Mapping[Scope, Kept]:
        """Return what to save for the next start."""
        return self.overlay.keep()

    def stop(self) -> None:
        """End at once."""
        self._life = object()
        self._wake_at = 0.0

    def linked(self, peer: Peer, called: bool) -> bool:
        """Say whether a link may stand."""
        return not self._tell(Up(peer, called))

    def unlinked(self, peer: Peer, answered: bool) -> None:
        """Note that a link is gone, or could not be had."""
        if peer in self.overlay.links:
            self._tell(Down(peer, answered))
        else:
            self._tell(Failed(peer, answered))

    def _tell(self, event: Event) -> bool:
        """Feed an event; return whether the link that it is about is dropped."""
        dropped = False
        for effect in self.overlay.handle(event, self._now):
            match effect:
                case Call(peer, addresses):
                    self._calls.call(self._station, peer, addresses)
                case Drop(peer):
                    if isinstance(event, Up) and event.peer == peer:
                        dropped = True
                    else:
                        self._calls.part(self._station, peer)
                case Wake(at):
                    self._wake_at = at
                    self._calls.net.heap.at(at, partial(self._tick, at, self._life))
        return dropped

    def _tick(self, at: float, life: object) -> None:
        if self._life is life and self._wake_at == at:
            self._tell(Tick())
