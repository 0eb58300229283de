"""Links that carry no streams: packets over bad air, with a thin carrier at each end, or sticks that somebody carries.

Nobody dials. Over packets a session begins at each end when its node comes up, whether or not the other is there, and outlives it when
nothing comes through.
"""

from functools import partial
from random import Random

from fedsync.gossip.events import Follow, Opened, Room
from fedsync.gossip.nature import THIN
from fedsync.sim.air import PROFILES
from fedsync.sim.heap import Heap
from fedsync.sim.links import End, Link, Net, Station
from fedsync.sim.rare import Seen
from fedsync.sim.scenario import Links
from fedsync.sim.sticks import SPOILT, SPREAD, TWICE, spoil, unload
from fedsync.sim.thin import Above, Thin


class Roads(Net):
    """All links of one world, of a kind that has a profile."""

    def __init__(self, heap: Heap, dice: Random, seen: Seen, nature: Links) -> None:
        super().__init__(heap, dice, seen, nature)
        self.thins: dict[Link, Thin] = {}
        """What carries the frames of each link; empty where sticks are carried."""

    def lay(self, one: Station, two: Station) -> Link:
        """Lay a link: put up modems, or find somebody who walks there and somebody who walks back."""
        link = super().lay(one, two)
        if self.nature.profile in PROFILES:
            above = Above(
                partial(self._deliver, link),
                partial(self._has_room, link),
                partial(self._begin_anew, link),
                partial(self._lives, link),
                partial(self._spent, link),
            )
            self.thins[link] = Thin(self.heap, self.dice, self.nature.profile, above)
        else:
            for ways in ((one, two), (two, one)):
                self.heap.after(self._walk_after(), self._set_out, link, *ways)
        return link

    def stop(self, link: Link, why: str, loud: bool) -> None:
        """Let nothing pass. Nobody is told."""
        super().stop(link, why, loud=False)
        if link in self.thins:
            self.thins[link].air.cut = True

    def lift(self, link: Link, why: str) -> None:
        """Take away one of the reasons why nothing passes."""
        super().lift(link, why)
        if link in self.thins:
            self.thins[link].air.cut = bool(link.stops)

    # --- Packets ----------------------------------------------------------------------------------------

    def open(self, link: Link) -> None:
        """Let a session begin at each end where none stands: nobody has to answer for that."""
        if link.ends is None:
            link.ends = End(link, link.one, link.two.peer, True), End(link, link.two, link.one.peer, False)
            for end in link.ends:
                end.up = False
        for at, end in enumerate(link.ends):
            if not end.up:
                self._begin(link, at)

    def _dial(self, link: Link) -> None:
        link.planned = False
        if link not in self.thins:
            return
        if self.heap.now < link.shunned_until:
            link.planned = True
            self.heap.at(link.shunned_until, self._dial, link)
            return
        self.open(link)

    def _begin(self, link: Link, at: int) -> None:
        assert link.ends is not None
        old, other = link.ends[at], link.ends[1 - at]
        station = old.station
        if not station.alive:
            return
        end = End(link, station, old.peer, old.dialler)
        link.ends = (end, other) if at == 0 else (other, end)
        end.other, other.other = other, end
        station.ends[end.peer] = end
        self.thins[link].open(at)
        nonce, memory = self.dice.randbytes(8), station.memory_of(end.peer)
        near = station.near_of(end.peer)
        station.tell(end.peer, Opened(end.dialler, nonce, station.wall(), memory, False, near, THIN))

    def _outlives(self, link: Link) -> bool:
        return True

    def _put(self, end: End, frame: bytes, priority: int) -> None:
        if not self.thins[end.link].send(0 if end.dialler else 1, frame, priority):
            # As a daemon does with whoever asks for more than it reads.
            self.seen.note("overfull")
            self.hang_up(end)

    def _end(self, link: Link, at: int) -> End:
        assert link.ends is not None
        return link.ends[at]

    def _deliver(self, link: Link, at: int, frame: bytes) -> None:
        end = self._end(link, at)
        end.inbox.append(frame)
        self._read(end)

    def _has_room(self, link: Link, at: int, size: int) -> None:
        end = self._end(link, at)
        if end.up:
            end.station.tell(end.peer, Room(size))

    def _begin_anew(self, link: Link, at: int) -> None:
        self.seen.note("anew")
        self.hang_up(self._end(link, at))
        self._begin(link, at)

    def _lives(self, link: Link, at: int) -> bool:
        return link.ends is not None and link.ends[at].up and link.ends[at].station.alive

    def _spent(self, link: Link, at: int, size: int) -> None:
        link.sent += size
        self.sent += size
        self.said[self._end(link, at).station.peer] += size

    # --- Sticks -----------------------------------------------------------------------------------------

    def _walk_after(self) -> float:
        return self.nature.redial * (0.5 + self.dice.random())

    def _set_out(self, link: Link, one: Station, two: Station) -> None:
        """Somebody fills a stick at one node, and walks to another."""
        self.heap.after(self._walk_after(), self._set_out, link, one, two)
        if not one.alive or link.stops:
            return
        dice, file = self.dice, one.fills()
        for _ in range(1 + (dice.random() < TWICE)):
            self.seen.note("stick")
            brought = file
            if not self.calm and dice.random() < self.nature.loss:
                if dice.random() >= SPOILT:
                    self.seen.note("stick-lost")
                    continue
                self.seen.note("stick-damaged")
                brought = spoil(file, dice.random)
            self.trace.update(brought)
            self.sent += len(brought)
            walk = self.nature.redial * (0.1 + SPREAD * dice.random() * dice.random())
            self.heap.after(walk, self._arrives, link, one, two, brought)

    def _arrives(self, link: Link, one: Station, two: Station, file: bytes) -> None:
        """What is on a stick goes to the door, in the order in which it stands there."""
        if not two.alive:
            return
        for scope, body, extent in one.follows():
            two.do(one.peer, Follow(scope, body, extent))
        end = End(link, two, one.peer, False)
        for raw in unload(file).blocks:
            two.put(end, 0, raw)
