"""Frames: how a stream of bytes is cut into messages. Pure.

A frame is two bytes of length, big-endian, and then as many bytes of body: 1 to 65,535. So no peer can announce
more than MAX_BODY, a frame costs two bytes of overhead, and a block (48 KiB at most) always fits. A length of zero
is refused, since it would let a peer keep us busy with nothing.
"""

from typing import Final, Literal, TypeAlias

PREFIX_BYTES: Final = 2
MAX_BODY: Final = 65_535
"""Bytes in the body of the largest frame: all that two bytes of length can say, 64 KiB."""

Code: TypeAlias = Literal["empty", "oversized"]


class BadFrame(Exception):
    """The peer announced a length that no frame may have. Nothing after it can be read; `length` is what it said."""

    def __init__(self, code: Code, length: int) -> None:
        super().__init__(f"a frame of {length} bytes")
        self.code: Code = code
        self.length = length


class TruncatedStream(Exception):
    """The stream ended within a frame: this is no clean end. `missing` is how many bytes at least were to come."""

    def __init__(self, missing: int) -> None:
        super().__init__(f"the stream ended with {missing} bytes of a frame still to come")
        self.missing = missing


def frame(body: bytes) -> bytes:
    """Return `body` as a frame. Raises BadFrame when it is empty or larger than MAX_BODY."""
    return prefix(body) + body


def prefix(body: bytes) -> bytes:
    """Return the two bytes that go before `body`, for a writer that joins many frames at once. Raises BadFrame."""
    length = len(body)
    if length == 0:
        raise BadFrame("empty", length)
    if length > MAX_BODY:
        raise BadFrame("oversized", length)
    return length.to_bytes(PREFIX_BYTES, "big")


class FrameReader:
    """Cuts a stream into the bodies of its frames, however the stream was cut into pieces on its way."""

    __slots__ = ("_kept", "limit")

    def __init__(self, limit: int = MAX_BODY) -> None:
        """Take frames of up to `limit` bytes of body."""
        self.limit = limit
        self._kept = bytearray()

    @property
    def inside(self) -> int:
        """Bytes kept of a frame that is not complete, its prefix included; 0 between frames."""
        return len(self._kept)

    def feed(self, data: bytes | bytearray) -> list[bytes]:
        """Return the bodies that `data` completes, in order; perhaps none.

        Raises BadFrame as soon as a length is seen that is not between 1 and `limit`; the body is not waited for.
        Complete frames that came in the same piece are dropped with it: the peer breaks the rules of the stream,
        and what it had to say will be asked for again.
        """
        kept = self._kept
        kept += data
        bodies: list[bytes] = []
        at, end = 0, len(kept)
        with memoryview(kept) as view:
            while end - at >= PREFIX_BYTES:
                length = kept[at] << 8 | kept[at + 1]
                if length == 0:
                    raise BadFrame("empty", length)
                if length > self.limit:
                    raise BadFrame("oversized", length)
                start = at + PREFIX_BYTES
                if end - start < length:
                    break
                at = start + length
                bodies.append(bytes(view[start:at]))
        if at:
            del kept[:at]
        return bodies

    def end(self) -> None:
        """Say that the stream has ended. Raises TruncatedStream when that is within a frame."""
        kept = len(self._kept)
        if kept == 0:
            return
        if kept < PREFIX_BYTES:
            raise TruncatedStream(PREFIX_BYTES - kept)
        raise TruncatedStream(PREFIX_BYTES + int.from_bytes(self._kept[:PREFIX_BYTES], "big") - kept)
