"""What comes in over a thin carrier: parcels put together, each delivered once, those of one lane in their order. Pure."""

from dataclasses import dataclass, field
from typing import Final

from fedsync.gossip.priority import FIRST
from fedsync.gossip.thin.fountain import Decoder, Polluted, pieces
from fedsync.gossip.thin.packets import (
    FLOOR,
    MAX_ENTRIES,
    PLAIN_PIECES,
    SEQS,
    BadPacket,
    Entry,
    Symbol,
    Whole,
    part,
)

WINDOW: Final = 64
"""Parcels of a lane that may be on their way at once."""
MAX_HELD: Final = 1 << 20
"""Bytes of parcels that are not complete, or wait for others; twice what a sender of ours has on its way."""
MAX_SPOILT: Final = 3
"""Parcels that contradict themselves until the other side is not listened to any more."""


class Spoilt(Exception):
    """The other side has sent too much that contradicts itself."""


class _Plain:
    """Pieces of a parcel that is not coded."""

    def __init__(self, size: int, symbol_bytes: int) -> None:
        self.size, self.symbol_bytes = size, symbol_bytes
        self._pieces: list[bytes | None] = [None] * pieces(size, symbol_bytes)

    def add(self, number: int, data: bytes) -> bytes | None:
        self._pieces[number] = data
        found = [each for each in self._pieces if each is not None]
        return b"".join(found) if len(found) == len(self._pieces) else None

    @property
    def needs(self) -> int:
        return sum(1 << at for at, each in enumerate(self._pieces) if each is None)


class _Coded(Decoder):
    @property
    def needs(self) -> int:
        return self.needed


@dataclass(slots=True)
class _Lane:
    floor: int = 0
    """All parcels before this one have been delivered."""
    open: dict[int, _Plain | _Coded] = field(default_factory=dict)
    ready: dict[int, list[bytes]] = field(default_factory=dict)
    """Complete, and waiting for those before."""
    news: bool = False
    """Whether anything of it came since the last report."""


class Inward:
    """What one side gets from the other."""

    def __init__(self) -> None:
        self._lanes: dict[int, _Lane] = {}
        self.held = 0
        """Bytes of what is not complete, or waits for others."""
        self._spoilt = 0

    @property
    def wanting(self) -> bool:
        """Whether something is missing of what has begun to come."""
        return any(lane.open or lane.ready for lane in self._lanes.values())

    def take(self, piece: Whole | Symbol) -> list[bytes]:
        """Take a piece; return the frames that can be delivered now. Raises Spoilt."""
        lane = self._lanes.get(piece.lane)
        ahead = (piece.seq - (lane.floor if lane else 0)) % SEQS
        if lane is None:
            if ahead >= WINDOW:
                return []
            lane = self._lanes[piece.lane] = _Lane()
        lane.news = True
        seq = lane.floor + ahead
        if ahead >= WINDOW or seq in lane.ready:
            return []
        try:
            frames = (
                self._whole(lane, seq, piece) if isinstance(piece, Whole) else self._symbol(lane, seq, piece)
            )
        except (Polluted, BadPacket) as error:
            self._drop(lane, seq)
            self._spoilt += 1
            if self._spoilt >= MAX_SPOILT:
                raise Spoilt(str(error)) from error
            return []
        if frames is None:
            return []
        self._drop(lane, seq)
        lane.ready[seq] = frames
        self.held += sum(len(each) for each in frames)
        return self._deliver()

    def _whole(self, lane: _Lane, seq: int, piece: Whole) -> list[bytes] | None:
        if self.held + len(piece.data) > MAX_HELD and seq != lane.floor:
            return None
        return part(piece.data) if piece.several else [piece.data]

    def _symbol(self, lane: _Lane, seq: int, piece: Symbol) -> list[bytes] | None:
        found = lane.open.get(seq)
        if found is None:
            if self.held + piece.size > MAX_HELD and seq != lane.floor:
                return None
            plain = pieces(piece.size, piece.symbol_bytes) <= PLAIN_PIECES
            found = (_Plain if plain else _Coded)(piece.size, piece.symbol_bytes)
            lane.open[seq] = found
            self.held += piece.size
        elif (found.size, found.symbol_bytes) != (piece.size, piece.symbol_bytes):
            raise BadPacket("a parcel that changes its size")
        data = found.add(piece.number, piece.data)
        return None if data is None else part(data)

    def _drop(self, lane: _Lane, seq: int) -> None:
        found = lane.open.pop(seq, None)
        if found is not None:
            self.held -= found.size

    def _deliver(self) -> list[bytes]:
        """Return what is complete and in its turn. The first frame of all comes first: a session begins with it."""
        out: list[bytes] = []
        for number in sorted(self._lanes):
            lane = self._lanes[number]
            if number != FIRST and (FIRST not in self._lanes or not self._lanes[FIRST].floor):
                break
            while (frames := lane.ready.pop(lane.floor, None)) is not None:
                self.held -= sum(len(each) for each in frames)
                lane.floor += 1
                out += frames
        return out

    def report(self, room: int, all_lanes: bool) -> list[Entry]:
        """Return what to say of the parcels: of lanes of which something came or is missing, or of all; `room` entries at most."""
        floors: list[Entry] = []
        parcels: list[Entry] = []
        for number in sorted(self._lanes):
            lane = self._lanes[number]
            if all_lanes or lane.news or lane.open or lane.ready:
                floors.append(Entry(number, lane.floor % SEQS, FLOOR))
                lane.news = False
            for seq in sorted(lane.open | lane.ready):
                needs = lane.open[seq].needs if seq in lane.open else 0
                parcels.append(Entry(number, seq % SEQS, needs))
        return (floors + parcels)[: min(room, MAX_ENTRIES)]
