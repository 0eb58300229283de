"""A thin carrier: frames of a session over packets that may be lost, repeated or come in any order. Pure.

`send` takes frames, `poll` returns packets to be sealed and sent now, `hear` takes packets and returns the frames that are whole.
Each frame comes out once, those of one priority in their order, however long the link is down between. Who receives says what it lacks;
who sends counts what is on its way and adds what is likely to be lost. While nothing is heard only small packets go, so that a link
that comes up for seconds is found at once, and one that is down for days costs next to nothing.

When the other side began anew, `over` says so: nothing is taken any more, the session above has ended, and whoever runs this makes a
new carrier and lets it hear the same packet.
"""

from math import inf
from typing import Final

from fedsync.gossip.gate import TokenBucket
from fedsync.gossip.groups import Dice
from fedsync.gossip.priority import FIRST, LAST, PLAIN
from fedsync.gossip.thin.flight import Flight
from fedsync.gossip.thin.fountain import STEPS_BURST, STEPS_PER_S, steps
from fedsync.gossip.thin.inward import Inward, Spoilt
from fedsync.gossip.thin.outward import QUEUE_BYTES, Outward
from fedsync.gossip.thin.pace import Pace
from fedsync.gossip.thin.packets import (
    AGE_S,
    AGE_UNKNOWN,
    ENTRY_BYTES,
    LIFE_BYTES,
    OPENING_BYTES,
    PAIRED_BYTES,
    PLAIN_PIECES,
    REPORT_BYTES,
    SERIALS,
    SYMBOL_BYTES,
    BadPacket,
    Opening,
    Packet,
    Piece,
    Report,
    Symbol,
    Whole,
    read,
    write,
)
from fedsync.gossip.thin.pairing import Heard, Pairing
from fedsync.gossip.thin.profile import Profile
from fedsync.gossip.thin.silence import Silence

BURST: Final = 32
"""Packets that one `poll` returns at most."""
LEAST_ROOM: Final = 16
"""Bytes of a packet that are worth filling."""
ROOM_S: Final = 10.0
"""So many seconds of what the link takes wait here; more stays with the session, which can still think better of it."""
LEAST_QUEUE: Final = 8 * 1024
LOOK_BYTES: Final = 160
"""Of a packet that goes while nothing is heard, seal not counted: small, so that it may go often, and enough for a HELLO."""
IDLE_S: Final = 0.01
"""At least so long until the next `poll` after one that had nothing."""


class Carrier:
    """One end of a thin link, for one session."""

    def __init__(self, profile: Profile, dice: Dice, now: float) -> None:
        self.profile = profile
        self.over = ""
        """Why nothing is taken any more; empty while it is."""
        life = bytes(int(dice.random() * 256) for _ in range(LIFE_BYTES - 1)) + bytes(
            [1 + int(dice.random() * 255)]
        )
        self._pairing = Pairing(life)
        self._pace = Pace(profile, dice, now)
        self._in, self._out = Inward(), Outward(profile.rate)
        self._work = TokenBucket(STEPS_PER_S, STEPS_BURST)
        """What taking symbols may cost; one for which nothing is left is as if it were lost."""
        self._flight = Flight(profile)
        self._silence = Silence(profile, dice, now)
        # What came:
        self._heard_serial: int | None = None
        self._serial_at = now
        self._count = 0
        self._report_at = inf
        """When what came is to be told."""
        self._asked = False
        """Whether the other side wants to hear of us at once."""
        self._reported = -1
        """The serial of the latest packet whose report was taken in."""

    # --- Frames ---------------------------------------------------------------------------------------

    def send(self, body: bytes, priority: int = PLAIN) -> bool:
        """Take a frame to be sent; False, and take nothing, when too much waits already."""
        return self._out.put(body, priority)

    @property
    def queued(self) -> int:
        """Bytes that wait or are on their way; small frames count for more than they have."""
        return self._out.queued

    @property
    def room(self) -> int:
        """Bytes that may well be sent now: no more than the link takes in some seconds."""
        # A session gives somewhat more than it was told; so what it is told is far from what is refused.
        most = min(max(int(self.profile.rate * ROOM_S), LEAST_QUEUE), QUEUE_BYTES // 2)
        return max(most - self._out.queued, 0)

    def waiting(self) -> dict[int, int]:
        """Return how many bytes of each priority are not known to have come."""
        return self._out.waiting()

    @property
    def idle(self) -> bool:
        """Whether all that was sent has come, and nothing is missing of what the other side sends."""
        return not self._out.unfinished and not self._in.wanting

    @property
    def heard_at(self) -> float | None:
        """When a packet of the other side last came."""
        return self._silence.heard_at

    @property
    def loss(self) -> float:
        """The share of packets that are lost, as measured."""
        return self._flight.loss

    @property
    def round_trip(self) -> float:
        """Seconds that a round trip takes, as measured."""
        return self._flight.round_trip

    def look(self, now: float) -> None:
        """Look for the other side anew: a window has begun, or somebody knows that the link is up."""
        self._silence.look(now)

    # --- Packets that come ----------------------------------------------------------------------------

    def hear(self, data: bytes, now: float) -> list[bytes]:
        """Take a packet; return the frames that it makes whole. What is no packet, or not for us, is passed over."""
        if self.over:
            return []
        try:
            packet = read(data)
        except BadPacket:
            return []
        match self._pairing.hear(packet.who):
            case Heard.TAKE:
                return self._take(packet, now)
            case Heard.ANSWER:
                self._asked, self._report_at = True, min(self._report_at, now)
            case Heard.OVER:
                self.over = "the other side began anew"
            case Heard.DROP:
                pass
        return []

    def _take(self, packet: Packet, now: float) -> list[bytes]:
        self._pairing.taken = self._pairing.taken or bool(packet.pieces)
        self._silence.heard(now)
        self._pace.heard(now, packet.over)
        self._count += 1
        serial = self._unwrap(packet.serial)
        if self._heard_serial is None or serial > self._heard_serial:
            self._heard_serial, self._serial_at = serial, now
        frames: list[bytes] = []
        try:
            for piece in packet.pieces:
                if isinstance(piece, Report):
                    if serial > self._reported:
                        self._reported = serial
                        self._told(piece, now)
                else:
                    told = now + self._flight.report_delay
                    self._report_at = told if self.profile.half_duplex else min(self._report_at, told)
                    if isinstance(piece, Whole) or self._work.take(_cost(piece), now):
                        frames += self._in.take(piece)
        except Spoilt:
            self.over = "what the other side sends contradicts itself"
        if packet.asks:
            self._asked, self._report_at = True, now
        return frames

    def _told(self, report: Report, now: float) -> None:
        age = None if report.age == AGE_UNKNOWN else report.age * AGE_S
        if self._flight.told(report.heard, report.count, age, now):
            self._out.report(report.entries)
            self._pace.told(now, self._flight.queue, self._flight.round_trip)

    def _unwrap(self, serial: int) -> int:
        if self._heard_serial is None:
            return serial
        ahead = (serial - self._heard_serial + SERIALS // 2) % SERIALS - SERIALS // 2
        return self._heard_serial + ahead

    # --- Packets that go ------------------------------------------------------------------------------

    def poll(self, now: float) -> tuple[list[bytes], float]:
        """Return the packets that go now, in their order, and when to ask again (sooner after a `send` or `hear`)."""
        out: list[bytes] = []
        if self.over:
            return out, inf
        self._flight.expire(now)
        while len(out) < BURST and self._pace.at(now) <= now:
            packet = self._next(now)
            if packet is None:
                break
            out.append(packet)
        at = self._wake(now)
        return out, at if out else max(at, now + IDLE_S)

    def _next(self, now: float) -> bytes | None:
        """Return the next packet, if one is due."""
        if self._pairing.occupied:
            self._asked, self._report_at = False, inf
            return self._packet(self._pairing.answer(), [], now)
        quiet = self._silence.quiet(now, self._unfinished, self._flight.patience)
        if quiet:
            self._flight.pause()
            if now < self._silence.look_at(calm=self._calm):
                return None
        due = self._asked or quiet or now >= self._report_at
        who = self._pairing.head()
        room = min(self.profile.room, LOOK_BYTES) if quiet else self.profile.room
        room -= OPENING_BYTES if isinstance(who, Opening) else PAIRED_BYTES
        pieces: list[Piece] = []
        if due and self._heard_serial is not None:
            report = self._report(now, room, self._asked or quiet)
            pieces.append(report)
            room -= REPORT_BYTES + ENTRY_BYTES * len(report.entries)
        only_first = quiet or self._pace.more_at(now) > now
        carried, room = self._fill(pieces, room, now, only_first)
        if not (pieces or due):
            return None
        if carried and not due and self._report_at < inf and room >= REPORT_BYTES + LEAST_ROOM:
            pieces.insert(0, self._report(now, room, False))
        if due:
            self._asked, self._report_at = False, inf
        return self._packet(who, pieces, now, quiet)

    def _fill(self, pieces: list[Piece], room: int, now: float, only_first: bool) -> tuple[bool, int]:
        """Fill a packet with what goes next; while nothing is heard, or little may be said, with what is urgent alone."""
        fresh, carried = not pieces, False
        flight = self._flight
        # A whole parcel may go to the end of a packet without its length, so one at most of these, and last.
        while room >= LEAST_ROOM:
            most = FIRST if only_first else LAST
            found = self._out.pick(room, fresh, now, flight.loss, flight.spacing, False, most)
            if found is None and self._spare and not only_first:
                found = self._out.pick(room, fresh, now, flight.loss, flight.spacing, True, most)
            if found is None:
                break
            parcel, number = found
            piece = parcel.take(number, now)
            flight.carries(parcel, number)
            pieces.append(piece)
            room -= len(piece.data) + (SYMBOL_BYTES if isinstance(piece, Symbol) else 5)
            fresh, carried = False, True
        return carried, room

    @property
    def _spare(self) -> bool:
        """Whether a packet more costs nothing that anybody counts."""
        return self.profile.duty == 1 and not self.profile.half_duplex

    @property
    def _unfinished(self) -> tuple[bool, bool]:
        return self._out.unfinished, self._in.wanting

    @property
    def _calm(self) -> bool:
        """Whether nothing waits but signs of life."""
        return not (self._out.pressing or self._in.wanting)

    def _report(self, now: float, room: int, all_lanes: bool) -> Report:
        """Return what came so far."""
        age = min(int((now - self._serial_at) / AGE_S), AGE_UNKNOWN)
        most = max((room - REPORT_BYTES) // ENTRY_BYTES, 0)
        entries = tuple(self._in.report(most, all_lanes))
        self._report_at = inf
        return Report((self._heard_serial or 0) % SERIALS, age, self._count % SERIALS, entries)

    def _packet(self, who: Opening | bytes, pieces: list[Piece], now: float, quiet: bool = False) -> bytes:
        """Return a packet's bytes, and note that it goes."""
        carries = any(isinstance(each, Whole | Symbol) for each in pieces)
        more = self._out.more(now, self._flight.loss, False)
        asks = quiet or (carries and (not more or self._pace.turn_ends))
        over = self.profile.half_duplex and (not more or quiet or self._pace.turn_ends)
        data = write(Packet(who, self._flight.serial % SERIALS, tuple(pieces), asks, over))
        self._flight.sent(now)
        self._pace.sent(len(data), now, over=over, asks=asks)
        self._silence.sent(now, self.profile.airtime(len(data)), wants=carries or asks, probe=quiet)
        return data

    def _wake(self, now: float) -> float:
        """Return when something may be due next."""
        at = min(self._report_at, self._flight.expires)
        if self._pairing.occupied or self._asked:
            at = now
        unfinished = self._unfinished
        if any(unfinished):
            if self._silence.quiet(now, unfinished, self._flight.patience):
                at = min(at, self._silence.look_at(calm=self._calm))
            else:
                at = min(at, self._silence.quiet_at(unfinished, self._flight.patience))
                if self._out.more(now, self._flight.loss, self._spare):
                    at = min(at, self._pace.more_at(now))
        return at if at == inf else max(at, self._pace.at(now))


def _cost(symbol: Symbol) -> int:
    return 0 if symbol.size <= PLAIN_PIECES * symbol.symbol_bytes else steps(symbol.size, symbol.symbol_bytes)
