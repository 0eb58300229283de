"""Rows in order, told in pages that are each understood alone: of the keys from `first` to below `end` these, and no others. Pure.

All is kept as it is sent, one row after the other, each beginning with its key: with thousands of rows a session reads hardly any.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import ClassVar, TypeAlias

from fedsync.gossip.limits import LISTING_BYTES

Span: TypeAlias = tuple[bytes, bytes]
"""Keys from the first to below the second; empty: from the beginning, to the end."""

EVERYTHING: Span = (b"", b"")


class Paged:
    """Rows, as far as they were heard. Never changed: whoever has the same object has the same."""

    __slots__ = ("_digest", "data", "gaps")
    KEY: ClassVar[int]
    """Bytes of a key."""
    ROW: ClassVar[int]
    """Bytes of a row, its key among them."""

    def __init__(self, data: bytes = b"", gaps: tuple[Span, ...] = ()) -> None:
        """`data`: rows in order. `gaps`: the keys of which nothing was heard, in order."""
        self.data, self.gaps = data, gaps
        self._digest: bytes | None = None

    @property
    def whole(self) -> bool:
        """Whether all of it is known."""
        return not self.gaps

    @property
    def digest(self) -> bytes:
        """8 bytes that tell it from another one; zeros while it is not known as a whole."""
        if self._digest is None:
            self._digest = sha256(self.data).digest()[:8] if self.whole else bytes(8)
        return self._digest

    def knows(self, key: bytes) -> bool:
        """Say whether it was heard if there is a row with this key or not."""
        at = bisect_right(self.gaps, key, key=lambda gap: gap[0])
        if not at:
            return True
        end = self.gaps[at - 1][1]
        return bool(end) and end <= key

    def find(self, key: bytes) -> int:
        """Return where the rows from a key on begin."""
        data, row, size = self.data, self.ROW, self.KEY
        low, high = 0, len(data) // row
        while low < high:
            middle = (low + high) // 2
            if data[middle * row : middle * row + size] < key:
                low = middle + 1
            else:
                high = middle
        return low * row

    def between(self, first: bytes, end: bytes) -> slice:
        """Return where the rows of the keys from `first` to below `end` stand."""
        return slice(self.find(first), self.find(end) if end else len(self.data))

    def replaced(self, first: bytes, end: bytes, rows: bytes) -> tuple[bytes, tuple[Span, ...]]:
        """Return data and gaps with these rows, and no others, of the keys from `first` to below `end`."""
        where = self.between(first, end)
        gaps = tuple(_without(self.gaps, (first, end)))
        return self.data[: where.start] + rows + self.data[where.stop :], gaps


def cut(data: bytes, row: int, key: int) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield all rows in as many pages as they need: from, to, and the rows between."""
    step, first = LISTING_BYTES // row * row, b""
    for at in range(0, max(1, len(data)), step):
        end = data[at + step : at + step + key]
        yield first, end, data[at : at + step]
        first = end


def _without(gaps: Iterable[Span], heard: Span) -> Iterator[Span]:
    """Yield what is left of gaps when these keys were heard."""
    first, end = heard
    for low, high in gaps:
        if low < first and (not high or first < high):
            yield low, first
        elif low < first:
            yield low, high
            continue
        if end and (not high or end < high):
            yield max(low, end), high
