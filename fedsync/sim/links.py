"""Links between stations in virtual time: delay, rate, loss, bursts, reordering, duplication, silence, windows.

A connection has two ends, and each may go without the other's knowing: what is sent into silence is gone, and a
frame that comes to an end that is no more is answered by a hang-up, as TCP does.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from random import Random
from typing import Final, Protocol

from fedsync.gossip.events import (
    Close,
    Closed,
    Effect,
    Event,
    Level,
    Opened,
    Pause,
    Peer,
    Received,
    Remember,
    Resume,
    Room,
    Send,
    Take,
    Tick,
    Wake,
)
from fedsync.gossip.lanes import FRAME_COST, Lanes
from fedsync.gossip.limits import ROOM_BYTES
from fedsync.gossip.messages import Tag
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.records.ids import Extent, Scope
from fedsync.sim.heap import Heap
from fedsync.sim.plainread import log_of_segment
from fedsync.sim.rare import Seen
from fedsync.sim.scenario import Links

QUEUE_BYTES: Final = 512 * 1024
"""What a link takes before it says that it is full, as the real one does."""
FRAME_PREFIX: Final = 2
"""Bytes before each frame on a stream."""
REORDERED: Final = 4.0
"""A frame that goes astray comes up to so many times the link's delay later."""
_BLOCK_TAGS: Final = frozenset({Tag.BLOCK, Tag.SEGMENT})
_RARE_TAGS: Final[dict[int, str]] = {
    Tag.DELTA: "delta",
    Tag.RANGE: "range",
    Tag.LOCATE: "locate",
    Tag.NOBASE: "no-base",
    Tag.REFUSED: "refused",
    Tag.PRUNE: "pruned",
}
_LOOKED_AT: Final = frozenset(bytes((tag,)) for tag in (*_BLOCK_TAGS, *_RARE_TAGS))
_TICK: Final = Tick()


class Station(Protocol):
    """What stands at an end of a link."""

    name: str
    peer: Peer
    alive: bool
    ends: "dict[Peer, End]"

    def wall(self) -> int:
        """Return what its clock shows, in ms."""
        ...

    def tell(self, peer: Peer, event: Event) -> None:
        """Feed an event of one peer to its machines."""
        ...

    def says(self, peer: Peer, frame: bytes) -> list[bytes]:
        """Return what it sends to a peer in place of this frame: the frame, if it is honest."""
        ...

    def memory_of(self, peer: Peer) -> PeerMemory | None:
        """Return what it remembers of a peer."""
        ...

    def near_of(self, peer: Peer) -> frozenset[Scope] | None:
        """Return of which bodies a peer gets what goes only as far as their region; None: of every one."""
        ...

    def put(self, end: "End", number: int, raw: bytes) -> None:
        """Queue a block that came, for its door."""
        ...

    def fills(self) -> bytes:
        """Return what it puts on a stick."""
        ...

    def follows(self) -> Sequence[tuple[Scope, bytes, Extent]]:
        """Return the bodies that it follows."""
        ...

    def do(self, peer: Peer, effect: Effect) -> None:
        """Carry out what concerns the station and not the link."""
        ...

    def linked(self, peer: Peer, called: bool) -> bool:
        """Hear that a link would stand, and say whether it may. `called`: this station dialled."""
        ...

    def thinks(self, peer: Peer) -> float:
        """Return what it thinks of a peer: a score."""
        ...

    def pushes(self, peer: Peer) -> bool:
        """Say whether it pushes new blocks to a peer."""
        ...

    def unlinked(self, peer: Peer, answered: bool) -> None:
        """Hear that a link is gone, or could not be had. `answered`: the peer lives, and has no place for it."""
        ...


@dataclass(eq=False)
class End:
    """One end of a connection: what waits to be read, and when to wake."""

    link: "Link"
    station: Station
    peer: Peer
    """Whom this end talks to."""
    dialler: bool
    inbox: deque[bytes] = field(default_factory=deque)
    paused_until: float | None = 0.0
    wake_at: float = float("inf")
    free_at: float = 0.0
    last_at: float = 0.0
    queued: int = 0
    """Bytes that wait to be sent: see `waiting`."""
    leaving: deque[tuple[float, int]] = field(default_factory=deque)
    """When each frame that waits will be gone, and its size."""
    behind: int = 0
    """Bytes in the lanes."""
    tells: int = ROOM_BYTES
    """After so much its station is told how much more the link takes: never later than a session needs to know."""
    untold: int = 0
    """What was sent, as a session counts it, since the station was told how much more the link takes."""
    asks_room: bool = False
    up: bool = True
    other: "End | None" = None
    bad_until: float = 0.0
    burst_at: float = -1.0
    left: bool = False
    """Whether its station wanted it no more."""

    @cached_property
    def lanes(self) -> Lanes:
        """What waits behind a frame that is leaving: what is urgent overtakes the rest."""
        return Lanes(1 << 62, 0)

    def waiting(self, now: float) -> int:
        """Return how many bytes wait to be sent."""
        leaving = self.leaving
        while leaving and leaving[0][0] <= now:
            self.queued -= leaving.popleft()[1]
        return self.queued + self.behind

    def half_empty(self, now: float) -> float:
        """Return when less than half of the queue will be taken."""
        left = self.waiting(now)
        for when, size in self.leaving:
            if left <= QUEUE_BYTES // 2:
                break
            now, left = when, left - size
        return now + max(0, left - QUEUE_BYTES // 2) / self.link.rate


@dataclass(eq=False)
class Link:
    """Two stations that may talk; `one` dials. `stops` says why nothing passes now."""

    one: Station
    two: Station
    delay: float
    rate: float
    stops: set[str] = field(default_factory=set)
    ends: tuple[End, End] | None = None
    shunned_until: float = 0.0
    planned: bool = False
    sent: int = 0
    """Bytes of frames so far, both ways."""
    via: Station | None = None
    """The relay that carries it, if one does, and in which life of that."""
    life: object = None
    passing: bool = False
    """Whether it stands as long as both sides want it, and is nothing afterwards."""

    def beyond(self, station: Station) -> Station:
        """Return who is at the other end."""
        return self.two if station is self.one else self.one

    @property
    def talks(self) -> bool:
        """Whether both ends stand."""
        return self.ends is not None and self.ends[0].up and self.ends[1].up


class Net:
    """All links of one world. `calm`: nothing is lost, and nothing goes astray."""

    def __init__(self, heap: Heap, dice: Random, seen: Seen, nature: Links) -> None:
        self.heap, self.dice, self.seen, self.nature = heap, dice, seen, nature
        self.links: dict[Link, None] = {}
        """In the order in which they were laid."""
        self.most_ends: dict[Station, int] = {}
        """The most links that ever stood at each station at once."""
        self.sent = 0
        """Bytes of frames so far on all links, those included that are no more."""
        self.said: defaultdict[Peer, int] = defaultdict(int)
        """Bytes of frames so far, by who sent them."""
        self.idle: Callable[[Link], None] = lambda link: None
        """Told of a passing link that does not stand any more."""
        self.carries: Callable[[Link, int], bool] = lambda link, size: True
        """Says whether the relay of a link passes on so many bytes."""
        self.calm = False
        self.lossy = nature.loss > 0 or nature.bursts is not None
        self.most_queued = 0
        """The most bytes that ever waited at one end to be sent."""
        self.private: dict[bytes, None] = {}
        """Logs of which no block may ever be on a link. A BLOCK names its log after 9 bytes, or 10 when it is long."""
        self.regional: dict[bytes, tuple[Peer, frozenset[Peer]]] = {}
        """Logs that stay within a region: whose they are, who may give them to its guests, and between which nodes they go."""
        self.lying: frozenset[Peer] = frozenset()
        """Who keeps to no rule: what such a node was given, it may give to anybody."""
        self.leaked = 0
        """Blocks of such logs that others sent elsewhere."""
        self.strayed = 0
        """Blocks of such logs that were."""
        self.trace = sha256()
        """Over every frame and when it was sent: equal when two runs are."""

    def join(self, one: Station, two: Station) -> Link:
        """Lay a link, a little faster or slower than others."""
        nature = self.nature
        link = self.lay(one, two)
        if nature.windows is not None:
            link.stops.add("window")
            self.heap.after(self.dice.random() * nature.windows.every, self._open_window, link)
        self.redial(link)
        return link

    def lay(self, one: Station, two: Station) -> Link:
        """Lay a link on which nobody calls yet."""
        nature = self.nature
        link = Link(
            one, two, nature.delay * (0.5 + self.dice.random()), nature.rate * (0.5 + self.dice.random())
        )
        self.links[link] = None
        return link

    # --- Coming and going -------------------------------------------------------------------------------

    def redial(self, link: Link) -> None:
        """Dial soon, unless that is planned already."""
        if link.passing:
            self.idle(link)
        elif not link.planned:
            link.planned = True
            self.heap.after(self.nature.redial * (0.5 + self.dice.random()), self._dial, link)

    def _dial(self, link: Link) -> None:
        link.planned = False
        if link.stops or not (link.one.alive and link.two.alive):
            return  # Whoever takes the last of these away dials again.
        if link.ends is not None and link.ends[0].up:
            return
        if self.heap.now < link.shunned_until:
            link.planned = True
            self.heap.at(link.shunned_until, self._dial, link)
            return
        self.open(link)

    def open(self, link: Link) -> None:
        """Let a link stand, whatever was left of it before."""
        for old in link.ends or ():
            # What is under way to it comes to nobody. Two that know each other would lie about until somebody looks for such.
            old.up, old.other = False, None
        one, two = link.ends = (
            End(link, link.one, link.two.peer, True),
            End(link, link.two, link.one.peer, False),
        )
        one.other, two.other = two, one
        for end in link.ends:
            end.station.ends[end.peer] = end
            most = self.most_ends.get(end.station, 0)
            self.most_ends[end.station] = max(most, len(end.station.ends))
        for end in link.ends:
            # It takes as much as a session sends before it is told more: it is told when that is used up.
            station = end.station
            nonce, memory = self.dice.randbytes(8), station.memory_of(end.peer)
            near = station.near_of(end.peer)
            opened = Opened(end.dialler, nonce, station.wall(), memory, self.nature.brief, near)
            end.tells = opened.nature.room
            station.tell(end.peer, opened)

    def hang_up(self, end: End, tell: bool = True) -> None:
        """End one end; the other hears of it when what was sent has come, if anything passes. `tell`: its own station."""
        if not end.up:
            return
        end.up = False
        end.inbox.clear()
        station, peer = end.station, end.peer
        if station.ends.get(peer) is end:
            del station.ends[peer]
        if tell:
            station.tell(peer, Closed())
        if end.link.passing and not end.left:
            answered = end.other is not None and end.other.left
            station.unlinked(peer, answered)
        if end.other is not None and end.other.up and not self._outlives(end.link):
            comes = max(end.last_at, self.heap.now + end.link.delay)
            self.heap.at(comes, self._hung_up, end.other)
        self.redial(end.link)

    def _outlives(self, link: Link) -> bool:
        """Say whether one end of a link stands though the other does not."""
        return False

    def _hung_up(self, end: End) -> None:
        if end.up and not end.link.stops and end.other is not None and not end.other.up:
            self.hang_up(end)

    def stop(self, link: Link, why: str, loud: bool) -> None:
        """Let nothing pass. `loud`: both sides are told at once; else they find out."""
        link.stops.add(why)
        if loud:
            for end in link.ends or ():
                self.hang_up(end)
        elif link.talks:
            self.seen.note("silent")

    def lift(self, link: Link, why: str) -> None:
        """Take away one of the reasons why nothing passes."""
        link.stops.discard(why)
        if not link.stops:
            self.redial(link)

    def _open_window(self, link: Link) -> None:
        windows = self.nature.windows
        assert windows is not None
        self.seen.note("window")
        self.lift(link, "window")
        self.heap.after(windows.open, self.stop, link, "window", True)
        self.heap.after(windows.every, self._open_window, link)

    # --- Effects ----------------------------------------------------------------------------------------

    def act(self, station: Station, effects: list[tuple[Peer, Effect]]) -> None:
        """Carry out what an engine asks for."""
        for peer, effect in effects:
            end = station.ends.get(peer)
            match effect:
                # The most frequent first.
                case Send() if end is not None:
                    self._send(end, effect.frame, effect.priority)
                case Wake() if end is not None:
                    end.wake_at = when = effect.at
                    self.heap.at(when, self._tick, end, when)
                case Level() | Remember():
                    station.do(peer, effect)
                case Take(number, raw) if end is not None:
                    station.put(end, number, raw)
                case Pause(until) if end is not None:
                    end.paused_until = until
                case Resume() if end is not None:
                    end.paused_until = 0.0
                    self.heap.at(self.heap.now, self._read, end)
                case Close(code, _, back_off) if end is not None:
                    self._closing(end, code, back_off)
                case Send() | Take() | Wake() | Pause() | Resume() | Close():
                    pass
                case _:
                    station.do(peer, effect)

    def _closing(self, end: End, code: str, back_off: float) -> None:
        if code in ("strikes", "garbage"):
            self.seen.note("struck")
        elif code in ("silent", "no-hello"):
            self.seen.note("noticed")
        if back_off:
            end.link.shunned_until = self.heap.now + back_off
        # The session is over already: its machine asked for this.
        self.hang_up(end, tell=False)

    def _send(self, end: End, frame: bytes, priority: int) -> None:
        for each in end.station.says(end.peer, frame):
            self.trace.update(b"%f" % self.heap.now + end.station.peer + each)
            if each[1:2] in _LOOKED_AT:
                self._look(end, each)
            self._put(end, each, priority)
            if not self.calm and self.nature.duplicate and self.dice.random() < self.nature.duplicate:
                self.seen.note("duplicated")
                self._put(end, each, priority)
        if end.untold >= end.tells:
            self._ask_room(end)

    def _look(self, end: End, frame: bytes) -> None:
        """Note what a frame is of which that is worth noting."""
        tag = frame[1]
        if tag in _BLOCK_TAGS:
            if len(frame) > 2 and frame[2] > 1:
                self.seen.note("pushed")
            logs = (
                (frame[9:41], frame[10:42])
                if tag == Tag.BLOCK
                else _whole(frame, self.private, self.regional)
            )
            if any(log in self.private for log in logs):
                self.strayed += 1
            found = next((self.regional[log] for log in logs if log in self.regional), None)
            if (
                found is not None
                and end.station.peer not in self.lying
                and end.station.peer != found[0]
                and not {end.station.peer, end.peer} <= found[1]
            ):
                self.leaked += 1
        else:
            self.seen.note(_RARE_TAGS[tag])

    def _put(self, end: End, frame: bytes, priority: int) -> None:
        """Send a frame now, or let it wait while another is leaving."""
        size = len(frame) + FRAME_PREFIX
        end.untold += size if size > FRAME_COST else FRAME_COST
        if end.free_at <= self.heap.now and not end.behind:
            # As nearly always: all before it is gone.
            end.leaving.clear()
            end.queued = 0
            if size > self.most_queued:
                self.most_queued = size
            self._carry(end, frame)
            return
        waiting = end.waiting(self.heap.now) + size
        if waiting > self.most_queued:
            self.most_queued = waiting
        if not end.behind:
            self.heap.at(end.free_at, self._next, end)
        end.lanes.put(frame, priority)
        end.behind += size

    def _next(self, end: End) -> None:
        for frame in end.lanes.take(1):
            end.behind -= len(frame) + FRAME_PREFIX
            self._carry(end, frame)
        if end.lanes:
            self.heap.at(end.free_at, self._next, end)

    def _carry(self, end: End, frame: bytes) -> None:
        link, now, size = end.link, self.heap.now, len(frame) + FRAME_PREFIX
        leaves = end.free_at = (now if now > end.free_at else end.free_at) + size / link.rate
        link.sent += size
        self.sent += size
        self.said[end.station.peer] += size
        end.queued += size
        end.leaving.append((leaves, size))
        if link.via is not None and not self.carries(link, size):
            return
        if self.lossy and not self.calm and self.dice.random() < self._loss(end, leaves):
            self.seen.note("lost")
            return
        comes = leaves + link.delay
        if not self.calm and self.nature.reorder and self.dice.random() < self.nature.reorder:
            self.seen.note("reordered")
            comes += self.dice.random() * link.delay * REORDERED
        else:
            comes = end.last_at = comes if comes > end.last_at else end.last_at
        self.heap.at(comes, self._arrive, end, frame)

    def _loss(self, end: End, when: float) -> float:
        bursts = self.nature.bursts
        if bursts is None:
            return self.nature.loss
        if end.burst_at < 0:
            end.burst_at = when + self.dice.expovariate(1 / bursts.every)
        while when >= end.burst_at:
            self.seen.note("burst")
            end.bad_until = end.burst_at + self.dice.expovariate(1 / bursts.lasts)
            end.burst_at = end.bad_until + self.dice.expovariate(1 / bursts.every)
        return bursts.loss if when < end.bad_until else self.nature.loss

    def _ask_room(self, end: End) -> None:
        if not end.asks_room:
            end.asks_room = True
            self.heap.at(end.half_empty(self.heap.now), self._room, end)

    def _room(self, end: End) -> None:
        end.asks_room = False
        waiting = end.waiting(self.heap.now)
        if waiting > QUEUE_BYTES // 2:
            self._ask_room(end)
        elif end.up:
            end.untold = 0
            end.station.tell(end.peer, Room(QUEUE_BYTES - waiting))

    def _arrive(self, sender: End, frame: bytes) -> None:
        end = sender.other
        if end is None or sender.link.stops:
            return
        if not end.up:
            if end.station.alive:
                self.heap.after(sender.link.delay, self._hung_up, sender)
            return
        if not end.inbox and end.paused_until is not None and end.paused_until <= self.heap.now:
            # As nearly always: nothing waits before it.
            end.station.tell(end.peer, Received(frame))
            return
        end.inbox.append(frame)
        self._read(end)

    def _read(self, end: End) -> None:
        while end.inbox and end.up and end.paused_until is not None:
            if end.paused_until > self.heap.now:
                self.heap.at(end.paused_until, self._read, end)
                return
            end.station.tell(end.peer, Received(end.inbox.popleft()))

    def _tick(self, end: End, when: float) -> None:
        if end.up and end.wake_at == when:
            end.wake_at = float("inf")
            end.station.tell(end.peer, _TICK)


def _whole(frame: bytes, *known: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return the logs that a segment may be of, among those that are looked for: it names its log by its first bytes."""
    short = log_of_segment(frame)
    return tuple(log for logs in known for log in logs if short and log.startswith(short))
