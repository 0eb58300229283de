"""What goes out over a thin carrier: frames wait in lanes, go as parcels, and are kept until the other side has them. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Final

from fedsync.gossip.lanes import cost
from fedsync.gossip.limits import LOW_SHARE
from fedsync.gossip.priority import FIRST, LAST, WORDS
from fedsync.gossip.thin.inward import WINDOW
from fedsync.gossip.thin.packets import (
    FLOOR,
    LANES,
    MAX_PARCEL,
    PLAIN_PIECES,
    SEQS,
    SYMBOL_BYTES,
    WHOLE_BYTES,
    Entry,
    join,
    varint,
)
from fedsync.gossip.thin.parcel import Parcel, cut

QUEUE_BYTES: Final = 512 * 1024
"""Bytes that wait or are on their way, as `lanes.cost` counts."""
RESERVE_BYTES: Final = 256 * 1024
"""The same beyond it for what is urgent, and for words."""
AIR_BYTES: Final = 384 * 1024
"""Bytes of parcels on their way: the other side keeps a megabyte of what is not complete."""
GATHERED: Final = 32
"""Symbols to which a parcel of frames that wait anyway is filled up: so the last one's emptiness is no matter."""
GATHER_S: Final = 10.0
"""But no more than goes in so many seconds: nothing of a parcel comes out before all of it."""
FULL: Final = 7 / 8
"""A packet of whole frames that is filled so far is well filled."""


@dataclass(slots=True)
class _Lane:
    queue: deque[bytes] = field(default_factory=deque)
    parcels: dict[int, Parcel] = field(default_factory=dict)
    """Those that have not come yet, or wait there for others, in their order."""
    floor: int = 0
    next: int = 0


class Outward:
    """What one side has to send."""

    def __init__(self, rate: float = inf) -> None:
        """`rate`: bytes a second that go."""
        self._together = int(min(rate * GATHER_S, MAX_PARCEL // 2))
        self._lanes = [_Lane() for _ in range(LANES)]
        self.queued = 0
        """What all that waits or is on its way counts for."""
        self._air = 0
        self._taken = 0
        self._met = False

    # --- In -------------------------------------------------------------------------------------------

    def put(self, body: bytes, priority: int) -> bool:
        """Let a frame wait; False when there is no room. The first of all goes first."""
        lane = min(priority, LAST) if self._met else FIRST
        if self.queued >= QUEUE_BYTES + (RESERVE_BYTES if lane <= WORDS else 0):
            return False
        self._met = True
        self._lanes[lane].queue.append(body)
        self.queued += cost(body)
        return True

    @property
    def unfinished(self) -> bool:
        """Whether anything waits, or is not known to have come."""
        return any(lane.queue or lane.parcels for lane in self._lanes)

    @property
    def pressing(self) -> bool:
        """The same of all but signs of life."""
        return any(lane.queue or lane.parcels for lane in self._lanes[:LAST])

    def waiting(self) -> dict[int, int]:
        """Return how many bytes of each lane are not known to have come."""
        found: dict[int, int] = {}
        for number, lane in enumerate(self._lanes):
            size = sum(map(len, lane.queue)) + sum(
                each.size for each in lane.parcels.values() if not each.done
            )
            if size:
                found[number] = size
        return found

    def report(self, entries: Iterable[Entry]) -> None:
        """Take in what the other side says of parcels. What it says of those that were never sent is passed over."""
        for entry in entries:
            lane = self._lanes[entry.lane]
            ahead = (entry.seq - lane.floor) % SEQS
            seq = lane.floor + ahead
            if entry.needs == FLOOR:
                if seq <= lane.next:
                    for old in range(lane.floor, seq):
                        self._forget(lane, old)
                    lane.floor = seq
            elif (parcel := lane.parcels.get(seq)) is not None and parcel.begun:
                parcel.report(entry.needs)

    def _forget(self, lane: _Lane, seq: int) -> None:
        parcel = lane.parcels.pop(seq, None)
        if parcel is not None:
            parcel.report(0)
            self._air -= parcel.size
            self.queued -= parcel.cost

    # --- Out ------------------------------------------------------------------------------------------

    def pick(
        self, room: int, fresh: bool, now: float, loss: float, spacing: float, spare: bool, most: int = LAST
    ) -> tuple[Parcel, int] | None:
        """Return what goes next into `room` bytes. `fresh`: the packet is empty yet. `most`: the last lane that may."""
        order: Iterable[int] = range(min(most, LAST) + 1)
        if fresh:
            self._taken += 1
            if self._taken % LOW_SHARE == 0 and most >= LAST:
                # One in so many is of the least urgent class, so that it never starves.
                order = [*range(LAST - 1, -1, -1), LAST]
        for number in order:
            lane = self._lanes[number]
            for parcel in lane.parcels.values():
                symbol = parcel.want(now, loss, spacing, spare)
                if symbol is not None and self._fits(parcel, symbol, room):
                    return parcel, symbol
            if number == LAST and any(each.queue for each in self._lanes[:LAST]):
                continue
            if lane.queue and (new := self._open(number, lane, room, fresh)) is not None:
                return new, 0
        return None

    def _fits(self, parcel: Parcel, symbol: int, room: int) -> bool:
        head = WHOLE_BYTES + 2 if parcel.count == 1 else SYMBOL_BYTES
        return parcel.length(symbol) + head <= room or (
            parcel.count == 1 and parcel.size + WHOLE_BYTES <= room
        )

    def _open(self, number: int, lane: _Lane, room: int, fresh: bool) -> Parcel | None:
        """Make the next parcel of a lane: what fits one packet as it is, or a large one of what cannot be sent whole."""
        if lane.next - lane.floor >= WINDOW or (self._air >= AIR_BYTES and number > WORDS):
            return None
        whole, most = room - WHOLE_BYTES, room - SYMBOL_BYTES
        limit = min(self._together, most * GATHERED) if number > WORDS else 0
        many, size = _beside(lane.queue, whole)
        if many and not (fresh and limit > most and many < len(lane.queue) and size < whole * FULL):
            frames = [lane.queue.popleft() for _ in range(many)]
            several = many > 1
            data, symbol_bytes = join(frames) if several else frames[0], whole
        elif fresh:
            many, size = _beside(lane.queue, limit)
            frames = [lane.queue.popleft() for _ in range(max(many, 1))]
            several, data = True, join(frames)
            symbol_bytes = most if -(-len(data) // most) <= PLAIN_PIECES else cut(len(data), most)
        else:
            return None
        parcel = Parcel(number, lane.next, data, symbol_bytes, several=several, urgent=number == FIRST)
        parcel.cost = sum(cost(each) for each in frames)
        lane.parcels[lane.next] = parcel
        lane.next += 1
        self._air += parcel.size
        return parcel

    def more(self, now: float, loss: float, spare: bool) -> bool:
        """Say whether there is something that may be sent now, as far as the other side's answers go."""
        for lane in self._lanes:
            if lane.queue and lane.next - lane.floor < WINDOW and self._air < AIR_BYTES:
                return True
            if any(each.want(now, loss, 0.0, spare) is not None for each in lane.parcels.values()):
                return True
        return False


def _beside(queue: deque[bytes], limit: int) -> tuple[int, int]:
    """Return how many of the first frames fit into a parcel of so many bytes, and how many bytes they take there."""
    if not queue or len(queue[0]) > limit:
        return 0, 0
    many, size = 0, 0
    for each in queue:
        more = size + len(each) + len(varint(len(each)))
        if many and more > limit:
            break
        many, size = many + 1, more
    return many, size
