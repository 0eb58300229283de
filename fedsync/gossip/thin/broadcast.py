"""One way: whoever listens, from whenever on, gets what is sent round and round. Pure; times in seconds.

    packet = 16 | piece...        piece = id 6 | size | symbol bytes | number | symbol        id = SHA-256(data)[:6]

Frames are put together to objects, an object of more than one piece is coded as by `fountain`, and each time round sends symbols that
were not sent before: so any few more than the object has pieces give it, whichever were missed. Each class has its turns, what is
urgent most of them. Nobody answers, nothing is sealed: what is carried proves itself, as blocks do, and an object that is not
what its name says is thrown away.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil, inf
from typing import Final

from fedsync.gossip.groups import Dice
from fedsync.gossip.priority import FIRST
from fedsync.gossip.thin.fountain import MAX_NUMBER, Decoder, Encoder, Polluted, steps
from fedsync.gossip.thin.inward import MAX_HELD
from fedsync.gossip.thin.pace import Pace
from fedsync.gossip.thin.packets import MAX_PARCEL, BadPacket, Reader, join, part, varint
from fedsync.gossip.thin.parcel import cut
from fedsync.gossip.thin.profile import Profile

FORM: Final = 16
"""The first byte of a packet; no packet of a carrier begins with it."""
ID_BYTES: Final = 6
HEAD_BYTES: Final = ID_BYTES + 9
"""Before a symbol, at most."""
GATHERED: Final = 16
"""Pieces to which small frames are put together; more would come at once or not at all."""
MAX_SHOWN: Final = 1 << 20
"""Bytes that go round: at 5 kbit/s and a tenth of the time five hours. What is least urgent and oldest makes room."""
MAX_CATCHING: Final = 256
"""Objects of which pieces are kept, the latest that something came of."""
MAX_CAUGHT: Final = 4096
"""Objects that are known to have come, and not put together again."""
SHARES: Final = (8, 4, 4, 2, 1, 1, 1)
"""How many turns each priority has beside the others."""
SPACING: Final = 8
"""Packets after which an object may go again, while there are others: a single urgent one must not take most of the time."""


@dataclass(slots=True)
class _Shown:
    id: bytes
    size: int
    encoder: Encoder
    next: int = 0
    rests: int = 0
    """Until this packet others go."""


@dataclass(slots=True)
class _Ring:
    objects: deque[_Shown] = field(default_factory=deque)
    left: int = 0
    """Symbols of the first that go until the next has its turn."""
    turn: float = 0.0


class Carousel:
    """What goes round."""

    def __init__(self, profile: Profile, dice: Dice, now: float) -> None:
        self._profile, self._pace = profile, Pace(profile, dice, now)
        self._rings = [_Ring() for _ in SHARES]
        self._packets = 0
        self.shown = 0
        """Bytes that go round."""

    def show(self, frames: Sequence[bytes], priority: int) -> list[bytes]:
        """Let frames go round, from now on and before others of their priority; return the names of their objects.

        Frames that depend on each other are given in their order. What was shown longest makes room for them.
        """
        ring = self._rings[min(priority, len(self._rings) - 1)]
        room = self._profile.room - 1 - HEAD_BYTES
        new: list[_Shown] = []
        for data in _gather(frames, room):
            id_ = sha256(data).digest()[:ID_BYTES]
            if not any(each.id == id_ for each in (*ring.objects, *new)):
                new.append(_Shown(id_, len(data), Encoder(data, cut(len(data), room))))
                self.shown += len(data)
        ring.objects.extendleft(reversed(new))
        ring.left = 0
        self._make_room()
        return [each.id for each in new]

    def withdraw(self, ids: Sequence[bytes]) -> None:
        """Let objects go round no more."""
        gone = set(ids)
        for ring in self._rings:
            self.shown -= sum(each.size for each in ring.objects if each.id in gone)
            ring.objects = deque(each for each in ring.objects if each.id not in gone)
            ring.left = 0

    def _make_room(self) -> None:
        for ring in reversed(self._rings):
            while self.shown > MAX_SHOWN and len(ring.objects) > (ring is self._rings[FIRST]):
                self.shown -= ring.objects.pop().size

    @property
    def round_s(self) -> float:
        """Seconds within which all that goes round is likely to have come to someone who begins to listen."""
        spoken = sum(self._helping(each) for ring in self._rings for each in ring.objects)
        return 2 * spoken * self._profile.airtime(self._profile.room) / self._profile.duty

    def poll(self, now: float) -> tuple[list[bytes], float]:
        """Return the packets that go now, and when to ask again."""
        out: list[bytes] = []
        if not any(ring.objects for ring in self._rings):
            return out, inf
        while (at := self._pace.more_at(now)) <= now and len(out) < 8:
            packet = self._packet()
            self._pace.sent(len(packet), now, over=False, asks=False)
            out.append(packet)
        return out, at

    def _packet(self) -> bytes:
        """Return the next packet: a symbol of whose turn it is, and of those after it as many as fit, of each object one."""
        packet = bytes([FORM])
        self._packets += 1
        inside: set[bytes] = set()
        while True:
            ring = self._whose_turn()
            head = ring.objects[0]
            piece = head.id + varint(head.size) + varint(head.encoder.symbol_bytes) + varint(head.next)
            piece += head.encoder.symbol(head.next)
            if head.id in inside or len(packet) + len(piece) > self._profile.room:
                return packet
            if not inside:
                # What is left of the packet beside it would be of use to few.
                ring.turn += self._profile.room / SHARES[self._rings.index(ring)]
            inside.add(head.id)
            packet += piece
            head.next = head.next + 1 if head.next < MAX_NUMBER else head.encoder.count
            ring.left = (ring.left or self._helping(head)) - 1
            if not ring.left:
                head.rests = self._packets + SPACING
                ring.objects.rotate(-1)

    def _whose_turn(self) -> _Ring:
        rings = [each for each in self._rings if each.objects]
        ready = [each for each in rings if each.left or each.objects[0].rests <= self._packets]
        ring = min(ready or rings, key=lambda each: each.turn)
        for each in self._rings:
            # Who has had nothing to send does not make up for that later.
            if not each.objects:
                each.turn = ring.turn
        return ring

    def _helping(self, shown: _Shown) -> int:
        """Return how many symbols of an object go at a time: so many that one round is likely to be enough."""
        count = shown.encoder.count
        return ceil(count / (1 - self._profile.loss)) + (2 if count > 1 else 0)


def _gather(frames: Sequence[bytes], room: int) -> list[bytes]:
    """Put frames together to objects: small ones to what fits a packet, or some; each as `join` writes it."""
    found: list[bytes] = []
    some: list[bytes] = []
    size = 0
    for each in frames:
        own = len(each) + len(varint(len(each)))
        limit = room if size + own <= room else GATHERED * room
        if some and (size + own > limit or (size <= room < size + own)):
            found.append(join(some))
            some, size = [], 0
        some.append(each)
        size += own
    return [*found, join(some)] if some else found


@dataclass(frozen=True, slots=True)
class Caught:
    """An object that has come whole, and is what its name says."""

    id: bytes
    frames: list[bytes]


class Catcher:
    """Puts together what is heard of a carousel, or of several on one channel."""

    def __init__(self, may: Callable[[int], bool] = lambda cost: True) -> None:
        """`may`: whether so many steps of `fountain.steps` may be done now; what is not is as if it had been missed."""
        self._may = may
        self._open: OrderedDict[tuple[bytes, int, int], Decoder] = OrderedDict()
        self._caught: OrderedDict[bytes, None] = OrderedDict()
        self.held = 0
        """Bytes of objects of which pieces are kept."""
        self.spoilt = 0
        """Objects that were thrown away, since pieces of them were not theirs."""

    def hear(self, packet: bytes) -> list[Caught]:
        """Take a packet; return what it completes. What is no such packet is passed over."""
        found: list[Caught] = []
        if packet[:1] != bytes([FORM]):
            return found
        reader = Reader(packet[1:])
        while reader:
            try:
                caught = self._piece(reader)
            except BadPacket:
                break
            if caught is not None:
                found.append(caught)
        return found

    def listen_again(self, id_: bytes) -> None:
        """Take an object anew when it comes round: what it needs was missing."""
        self._caught.pop(id_, None)

    def _piece(self, reader: Reader) -> Caught | None:
        id_ = reader.take(ID_BYTES)
        size, symbol_bytes, number = reader.varint(), reader.varint(), reader.varint()
        symbol = reader.take(symbol_bytes)
        if id_ in self._caught or size > MAX_PARCEL or number > MAX_NUMBER:
            return None
        try:
            cost = steps(size, symbol_bytes)
        except ValueError as error:
            raise BadPacket(str(error)) from error
        if not self._may(cost):
            return None
        key = (id_, size, symbol_bytes)
        decoder = self._open.get(key)
        if decoder is None:
            decoder = self._open[key] = Decoder(size, symbol_bytes)
            self.held += size
            while len(self._open) > MAX_CATCHING or (self.held > MAX_HELD and len(self._open) > 1):
                self._drop(next(iter(self._open)))
        self._open.move_to_end(key)
        try:
            data = decoder.add(number, symbol)
            if data is None:
                return None
            self._drop(key)
            if sha256(data).digest()[:ID_BYTES] != id_:
                raise Polluted("an object is not what its name says")
            frames = part(data)
        except (Polluted, BadPacket):
            self._drop(key)
            self.spoilt += 1
            return None
        self._caught[id_] = None
        if len(self._caught) > MAX_CAUGHT:
            self._caught.popitem(last=False)
        return Caught(id_, frames)

    def _drop(self, key: tuple[bytes, int, int]) -> None:
        if self._open.pop(key, None) is not None:
            self.held -= key[1]
