"""Frames on the stdin and stdout of a program, as radio modems know them: KISS. Pure.

    frame = C0 | 00 | bytes, in which C0 is written DB DC and DB is written DB DD | C0

The second byte is port and command; only data of port 0 is meant for us. Whatever stands between two C0 that is none of
that is passed over, and the next frame is found: a modem that says something else now and then does no harm.
"""

from typing import Final

END, ESCAPE, END_WRITTEN, ESCAPE_WRITTEN = b"\xc0", b"\xdb", b"\xdb\xdc", b"\xdb\xdd"
DATA: Final = b"\x00"


def kiss(body: bytes) -> bytes:
    """Return `body` as a frame. Both ends are marked, so that noise before it is no part of it."""
    return END + (DATA + body).replace(ESCAPE, ESCAPE_WRITTEN).replace(END, END_WRITTEN) + END


class KissReader:
    """Finds frames in what comes, however it is cut into pieces."""

    __slots__ = ("_kept", "_limit", "_lost", "passed_over")

    def __init__(self, limit: int) -> None:
        """Take frames of up to `limit` bytes."""
        self._limit = limit
        self._kept = bytearray()
        self._lost = False
        """Whether what comes is part of something too long."""
        self.passed_over = 0
        """How many pieces were no frames for us."""

    def feed(self, data: bytes | bytearray) -> list[bytes]:
        """Return the bodies that `data` completes, in order. Never keeps more than twice the limit."""
        bodies: list[bytes] = []
        *whole, rest = bytes(data).split(END)
        for piece in whole:
            self._keep(piece)
            body = self._body()
            if body is not None:
                bodies.append(body)
            self._kept.clear()
            self._lost = False
        self._keep(rest)
        return bodies

    def _keep(self, piece: bytes) -> None:
        # Each byte may take two, and one says what it is.
        if len(self._kept) + len(piece) > 2 * (self._limit + 1):
            self._kept.clear()
            self._lost = True
        if not self._lost:
            self._kept += piece

    def _body(self) -> bytes | None:
        """Return the body of what stands between two ends; None when that is no frame for us."""
        if not self._kept and not self._lost:
            return None  # Two ends side by side are one.
        pieces = bytes(self._kept).split(ESCAPE)
        if not self._lost and all(each[:1] in (b"\xdc", b"\xdd") for each in pieces[1:]):
            rest = [(END if each[:1] == b"\xdc" else ESCAPE) + each[1:] for each in pieces[1:]]
            plain = b"".join([pieces[0], *rest])
            if plain[:1] == DATA and 1 < len(plain) <= self._limit + 1:
                return plain[1:]
        self.passed_over += 1
        return None
