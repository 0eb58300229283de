"""What a packet of a thin carrier says, as bytes, there and back. Pure.

A packet is understood alone. It says who speaks with whom (their lives: 4 random bytes each, new whenever a carrier is made; two
bytes of both once both know them), counts itself, and goes on with pieces: whole frames, symbols of parcels, and a report of what came.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from fedsync.gossip.thin.fountain import pieces as count_pieces
from fedsync.gossip.thin.fountain import steps

LIFE_BYTES: Final = 4
TAG_BYTES: Final = 2
SERIALS: Final = 1 << 16
"""Serials and counts go round after so many: far more packets than are ever on their way."""
SEQS: Final = 1 << 13
"""Numbers of parcels in a lane go round after so many."""
LANES: Final = 8
MAX_PARCEL: Final = 1 << 17
"""Bytes of a parcel: a frame of 64 KiB and what waits beside it."""
PLAIN_PIECES: Final = 8
"""A parcel of so many pieces or fewer is sent as it is, and what is missing of it asked for by number. Above it is coded."""
AGE_S: Final = 0.01
"""The unit in which a report says how long ago the last packet came."""
AGE_UNKNOWN: Final = 255
FLOOR: Final = 0xFFFF
"""In place of what a parcel needs: all before it has come."""
MAX_ENTRIES: Final = 64
"""Parcels that a report speaks of."""

_OPENING, _ASKS, _OVER, _BUSY = 1, 2, 4, 8
_TO_END = 0x80
_ONE, _SEVERAL, _SYMBOL, _REPORT = 0, 1, 2, 3


class BadPacket(ValueError):
    """These bytes are no packet."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A parcel in one piece: one frame, or several with their lengths before them."""

    lane: int
    seq: int
    several: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Symbol:
    """A piece of a parcel of `size` bytes, which is cut into pieces of `symbol_bytes`."""

    lane: int
    seq: int
    size: int
    symbol_bytes: int
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """What is missing of a parcel: how many symbols, or which, bit by bit, when it has few pieces; 0: nothing."""

    lane: int
    seq: int
    needs: int


@dataclass(frozen=True, slots=True)
class Report:
    """What came: the latest packet's serial, how long ago that was, how many packets in all, and of which parcels something is missing."""

    heard: int
    age: int
    count: int
    entries: tuple[Entry, ...]


Piece: TypeAlias = Whole | Symbol | Report


@dataclass(frozen=True, slots=True)
class Opening:
    """Who speaks, and whom it takes the other to be; zeros when it does not know yet."""

    life: bytes
    echo: bytes
    busy: bool = False
    """Whether it is with another life of the other, and asks for proof that this one is new."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet."""

    who: Opening | bytes
    """An opening, or the two bytes that stand for both lives."""
    serial: int
    pieces: tuple[Piece, ...]
    asks: bool = False
    """Whether an answer is wanted at once."""
    over: bool = False
    """Whether the sender now listens: of note where only one can speak."""


# --- Sizes --------------------------------------------------------------------------------------------

OPENING_BYTES: Final = 1 + 2 * LIFE_BYTES + 2
PAIRED_BYTES: Final = 1 + TAG_BYTES + 2
WHOLE_BYTES: Final = 3
"""Before the bytes of a whole parcel that goes to the end of the packet; one or two more when something follows."""
SYMBOL_BYTES: Final = 12
"""Before the bytes of a symbol, at most."""
REPORT_BYTES: Final = 7
ENTRY_BYTES: Final = 4


def symbol_length(size: int, symbol_bytes: int, number: int) -> int:
    """Return how many bytes of a symbol are sent: the last piece of what is not coded is not filled up."""
    count = count_pieces(size, symbol_bytes)
    return size - number * symbol_bytes if count <= PLAIN_PIECES and number == count - 1 else symbol_bytes


# --- Writing ------------------------------------------------------------------------------------------


def write(packet: Packet) -> bytes:
    """Return a packet's bytes. What may go to its end without its length comes last."""
    flags = _ASKS * packet.asks | _OVER * packet.over
    if isinstance(packet.who, Opening):
        flags |= _OPENING | _BUSY * packet.who.busy
        head = packet.who.life + packet.who.echo
    else:
        head = packet.who
    parts = [bytes([flags]), head, (packet.serial % SERIALS).to_bytes(2, "big")]
    parts += [_piece(each, at == len(packet.pieces) - 1) for at, each in enumerate(packet.pieces)]
    return b"".join(parts)


def _piece(piece: Piece, last: bool) -> bytes:
    match piece:
        case Whole(lane, seq, several, data):
            kind = _SEVERAL if several else _ONE
            if last:
                return bytes([kind | _TO_END]) + _name(lane, seq) + data
            return bytes([kind]) + _name(lane, seq) + varint(len(data)) + data
        case Symbol(lane, seq, size, symbol_bytes, number, data):
            head = varint(size) + varint(symbol_bytes) + varint(number)
            return bytes([_SYMBOL]) + _name(lane, seq) + head + data
        case Report(heard, age, count, entries):
            head = (heard % SERIALS).to_bytes(2, "big") + bytes([age]) + (count % SERIALS).to_bytes(2, "big")
            rows = [_name(each.lane, each.seq) + each.needs.to_bytes(2, "big") for each in entries]
            return bytes([_REPORT]) + head + bytes([len(entries)]) + b"".join(rows)


def _name(lane: int, seq: int) -> bytes:
    return (lane * SEQS + seq % SEQS).to_bytes(2, "big")


def varint(number: int) -> bytes:
    """Return a number in as few bytes as it needs, 7 bits in each, the lowest first."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


# --- Reading ------------------------------------------------------------------------------------------


class Reader:
    """Takes fields from the beginning of some bytes. Raises BadPacket when there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        found = self._data[self._at : self._at + size]
        if len(found) < size:
            raise BadPacket("cut short")
        self._at += size
        return found

    def number(self, size: int) -> int:
        """Return the next number of so many bytes."""
        return int.from_bytes(self.take(size), "big")

    def varint(self) -> int:
        """Return the next number of as many bytes as it needs, three at most."""
        total = 0
        for at in range(3):
            byte = self.number(1)
            total |= (byte & 0x7F) << 7 * at
            if byte < 0x80:
                return total
        raise BadPacket("a number too large")

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data) - self._at)


def read(data: bytes) -> Packet:
    """Return the packet that these bytes are. Raises BadPacket."""
    reader = Reader(data)
    flags = reader.number(1)
    if flags > _OPENING | _ASKS | _OVER | _BUSY:
        raise BadPacket("unknown flags")
    who: Opening | bytes
    if flags & _OPENING:
        who = Opening(reader.take(LIFE_BYTES), reader.take(LIFE_BYTES), bool(flags & _BUSY))
    else:
        who = reader.take(TAG_BYTES)
    serial = reader.number(2)
    pieces: list[Piece] = []
    while reader:
        pieces.append(_read_piece(reader))
    return Packet(who, serial, tuple(pieces), bool(flags & _ASKS), bool(flags & _OVER))


def _read_piece(reader: Reader) -> Piece:
    kind = reader.number(1)
    if kind & ~_TO_END in (_ONE, _SEVERAL):
        lane, seq = _read_name(reader)
        data = reader.rest() if kind & _TO_END else reader.take(reader.varint())
        if not data:
            raise BadPacket("an empty parcel")
        return Whole(lane, seq, bool(kind & _SEVERAL), data)
    if kind == _SYMBOL:
        lane, seq = _read_name(reader)
        size, symbol_bytes, number = reader.varint(), reader.varint(), reader.varint()
        try:
            count = steps(size, symbol_bytes)
        except ValueError as error:
            raise BadPacket(str(error)) from error
        if size > MAX_PARCEL or number > 0xFFFF or (number >= count and count <= PLAIN_PIECES):
            raise BadPacket("no such symbol")
        return Symbol(
            lane, seq, size, symbol_bytes, number, reader.take(symbol_length(size, symbol_bytes, number))
        )
    if kind == _REPORT:
        heard, age, count = reader.number(2), reader.number(1), reader.number(2)
        many = reader.number(1)
        if many > MAX_ENTRIES:
            raise BadPacket("too many entries")
        return Report(heard, age, count, tuple(_read_entry(reader) for _ in range(many)))
    raise BadPacket("an unknown piece")


def _read_entry(reader: Reader) -> Entry:
    return Entry(*_read_name(reader), reader.number(2))


def _read_name(reader: Reader) -> tuple[int, int]:
    lane, seq = divmod(reader.number(2), SEQS)
    return lane, seq


def join(frames: list[bytes]) -> bytes:
    """Return several frames as one parcel, each with its length before it."""
    return b"".join(varint(len(each)) + each for each in frames)


def part(data: bytes) -> list[bytes]:
    """Return the frames of a parcel that `join` made. Raises BadPacket."""
    reader, frames = Reader(data), []
    while reader:
        frames.append(reader.take(reader.varint()))
    if not all(frames):
        raise BadPacket("an empty frame")
    return frames
