"""How a bundle's file is cut into chunks that are each found and checked alone, however damaged the rest is. Pure.

    file  = magic 8 | chunk...
    chunk = mark 3 | kind 1 | number 3 | length 2 | check 6 | body
    check = SHA-256(kind | number | length | body)[:6]

`number` counts the chunks of a file from 0, so that whoever mends a file from others knows which one is lost. Where a
chunk is not as it should be, the next mark is looked for whose check holds. Nothing is believed of a chunk that passes:
what is in it is verified by whoever reads it, and the check is there against accidents.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

MAGIC: Final = b"\x89fdSb\r\n\x01"
"""Begins each file. A program that changes line ends, or drops the eighth bit, changes it."""
MARK: Final = b"\xb5\x0b\xdc"
"""Begins each chunk."""
_HEAD_BYTES: Final = 15
MAX_BODY: Final = 65_535
"""Bytes in a chunk, as in a frame of a session: so much is lost where a byte is damaged, and held in memory."""
MAX_CHUNKS: Final = 1 << 24
"""Chunks of one file, as many as three bytes count: a terabyte at most, and 4 GB of the smallest."""
FOREIGN_BYTES: Final = 1 << 20
"""Without magic, a file in whose first megabyte no chunk is found is another program's: its gigabytes are not searched."""
VAIN_BYTES: Final = 16 * 1024 * 1024
"""Bytes that are hashed in vain while searching at each mark; then what a chunk claims to be is skipped whole. A file that
is nothing but marks would be hashed five thousand times over."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk whose check holds."""

    kind: int
    number: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a file that are no chunk. `size` 0: the file ends in the middle of something, or nothing of it is ours."""

    at: int
    size: int
    why: str
    """foreign, damaged or cut-short."""


Piece: TypeAlias = Chunk | Damage


class _Claim(NamedTuple):
    kind: int
    number: int
    length: int


def pack(kind: int, number: int, body: bytes) -> bytes:
    """Return a chunk's bytes. Raises ValueError for a body that is empty or too long."""
    if not 1 <= len(body) <= MAX_BODY or not 0 <= number < MAX_CHUNKS:
        raise ValueError(f"no chunk has {len(body)} bytes and the number {number}")
    head = bytes((kind,)) + number.to_bytes(3, "big") + len(body).to_bytes(2, "big")
    return MARK + head + _check(head, body) + body


def check_of(chunk: Chunk) -> bytes:
    """Return the check of a chunk, by which it is known."""
    return pack(chunk.kind, chunk.number, chunk.body)[_HEAD_BYTES - 6 : _HEAD_BYTES]


def size_of(body: bytes) -> int:
    """Return how many bytes a chunk of this body has."""
    return _HEAD_BYTES + len(body)


def cut(pieces: Iterable[bytes]) -> Iterator[Piece]:
    """Yield the chunks of a file and what is damaged between them, in order, however the file is cut into pieces.

    Holds a chunk and a piece in memory, no more.
    """
    reader = Cutter()
    for piece in pieces:
        yield from reader.feed(piece)
        if reader.foreign:
            return
    yield from reader.end()


class Cutter:
    """The same for whoever has the bytes one after the other. `foreign`: nothing that comes can be a chunk."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._at = 0
        """Where in the file `_kept` begins."""
        self._lost = -1
        """Where the bytes begin that are no chunk; -1: none are."""
        self._begun = False
        self._ours = False
        self._vain = 0
        self.foreign = False

    def feed(self, piece: bytes) -> Iterator[Piece]:
        """Take in the next bytes."""
        self._kept += piece
        if not self._begun:
            if len(self._kept) < len(MAGIC):
                return
            self._begin()
        yield from self._search(False)

    def end(self) -> Iterator[Piece]:
        """Say that the file is at its end."""
        if not self._begun:
            self._begin()
        yield from self._search(True)
        if not self._ours:
            yield self._is_foreign()
            return
        if self._lost >= 0:
            yield self._damage()

    def _begin(self) -> None:
        self._begun = True
        if self._kept.startswith(MAGIC):
            self._ours = True
            self._skip(len(MAGIC))
        else:
            self._lost = 0

    def _search(self, ended: bool) -> Iterator[Piece]:
        """Yield all that can be found in what is kept. `ended`: no more will come."""
        while not self.foreign and self._kept:
            if not self._kept.startswith(MARK):
                self._to_mark(ended)
                if not self._kept.startswith(MARK):
                    if self._at > FOREIGN_BYTES and not self._ours:
                        self.foreign = True
                        yield self._is_foreign()
                    return
                continue
            claim = self._claim()
            if claim is None or len(self._kept) < _HEAD_BYTES + claim.length:
                if not ended:
                    return
                if self._ours and self._lost < 0 and not self._another_mark():
                    yield Damage(self._at, len(self._kept), "cut-short")
                    self._skip(len(self._kept))
                    return
                self._lose(1)
                continue
            if not self._good(claim):
                self._vain += claim.length
                self._lose(1 if self._vain <= VAIN_BYTES else _HEAD_BYTES + claim.length)
                continue
            if self._lost >= 0:
                yield self._damage()
            self._ours = True
            body = bytes(self._kept[_HEAD_BYTES : _HEAD_BYTES + claim.length])
            self._skip(_HEAD_BYTES + claim.length)
            yield Chunk(claim.kind, claim.number, body)

    def _claim(self) -> _Claim | None:
        """Return what the chunk at hand says it is, None when its head is not all there."""
        if len(self._kept) < _HEAD_BYTES:
            return None
        head = self._kept[len(MARK) : _HEAD_BYTES]
        return _Claim(head[0], int.from_bytes(head[1:4], "big"), int.from_bytes(head[4:6], "big"))

    def _good(self, claim: _Claim) -> bool:
        if not claim.length:
            return False
        kept = self._kept
        head = bytes(kept[len(MARK) : _HEAD_BYTES - 6])
        body = bytes(kept[_HEAD_BYTES : _HEAD_BYTES + claim.length])
        return kept[_HEAD_BYTES - 6 : _HEAD_BYTES] == _check(head, body)

    def _another_mark(self) -> bool:
        return self._kept.find(MARK, 1) >= 0

    def _to_mark(self, ended: bool) -> None:
        """Lose what stands before the next mark; its first bytes may be the last that have come."""
        found = self._kept.find(MARK)
        left = 0 if ended else len(MARK) - 1
        self._lose(found if found >= 0 else max(0, len(self._kept) - left))

    def _lose(self, count: int) -> None:
        if self._lost < 0 and count:
            self._lost = self._at
        self._skip(count)

    def _skip(self, count: int) -> None:
        del self._kept[:count]
        self._at += count

    def _damage(self) -> Damage:
        found = Damage(self._lost, self._at - self._lost, "damaged")
        self._lost = -1
        return found

    def _is_foreign(self) -> Damage:
        return Damage(0, 0, "foreign")


def _check(head: bytes, body: bytes) -> bytes:
    return sha256(head + body).digest()[:6]
