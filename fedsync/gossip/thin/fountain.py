"""A fountain code: any symbols, a few more than the data has, give the data back. Pure.

A random linear code over GF(2). The first symbols are the data as it is, cut into pieces; each one after them is the sum (XOR)
of some pieces, which follow from its number alone. From k + 2 symbols of k pieces the data comes back in 3 cases of 4, from
k + 10 in 999 of 1,000; while nothing is lost, k are enough. A row is one integer, its equation above its bytes, so that
one XOR does both.
"""

from hashlib import shake_128
from typing import Final

MAX_PIECES: Final = 2048
"""Pieces that data may be cut into: solving takes time that grows with their square; half a second for so many."""
MAX_NUMBER: Final = 0xFFFF
"""The last symbol's number."""
FEW_PIECES: Final = 8
"""Of so many pieces the equations are next to nothing."""
LEAST_SYMBOL: Final = 32
"""Bytes of a symbol of data of more pieces: its equation takes up to 256 bytes beside it, and those are held as well."""
STEPS_PER_S, STEPS_BURST = 1_000_000.0, 2_000_000.0
"""Of `steps`: a seventh of one core, and a third of a second at once. 3,000 symbols a second of 64 KB in frames of 200 bytes."""


class Polluted(ValueError):
    """A symbol contradicts those before it: one of them is not of this data."""


def pieces(size: int, symbol_bytes: int) -> int:
    """Return how many pieces data of this size has. Raises ValueError when it has none, or too many."""
    count = -(-size // symbol_bytes) if size > 0 < symbol_bytes else 0
    if not 1 <= count <= MAX_PIECES:
        raise ValueError("the data has no pieces, or too many")
    return count


def equation(number: int, count: int) -> int:
    """Return which of `count` pieces symbol `number` is the sum of: bit n for piece n."""
    if number < count:
        return 1 << number
    # Chosen by a hash, so that it is the same on every machine for ever. An empty sum would say nothing.
    seed = number.to_bytes(4, "big") + count.to_bytes(4, "big")
    return int.from_bytes(shake_128(seed).digest(-(-count // 8)), "big") & ((1 << count) - 1) or 1


def steps(size: int, symbol_bytes: int) -> int:
    """Return what taking one symbol costs at most, in rows that are summed up. Raises ValueError for what nobody would cut so."""
    count = pieces(size, symbol_bytes)
    if count > FEW_PIECES and symbol_bytes < LEAST_SYMBOL:
        raise ValueError("symbols that are smaller than their equations")
    return count


class Encoder:
    """Makes the symbols of some data, in any order and as many as one likes."""

    def __init__(self, data: bytes, symbol_bytes: int) -> None:
        self.count = pieces(len(data), symbol_bytes)
        self.symbol_bytes = symbol_bytes
        padded = data.ljust(self.count * symbol_bytes, b"\0")
        self._pieces = [
            int.from_bytes(padded[at : at + symbol_bytes], "big")
            for at in range(0, len(padded), symbol_bytes)
        ]

    def symbol(self, number: int) -> bytes:
        """Return a symbol: a piece of the data for the first `count` numbers, a sum of pieces for all after them."""
        if not 0 <= number <= MAX_NUMBER:
            raise ValueError("there is no such symbol")
        total, left = 0, equation(number, self.count)
        while left:
            low = left & -left
            total ^= self._pieces[low.bit_length() - 1]
            left ^= low
        return total.to_bytes(self.symbol_bytes, "big")


class Decoder:
    """Takes symbols until they give the data."""

    def __init__(self, size: int, symbol_bytes: int) -> None:
        self.size, self.symbol_bytes = size, symbol_bytes
        self.count = pieces(size, symbol_bytes)
        self.needed = self.count
        """How many symbols are missing at least: those that came and say something new are counted."""
        self._bits = symbol_bytes * 8
        self._rows: list[int] = [0] * self.count
        """By the highest piece in its equation; 0 where there is none."""

    def add(self, number: int, symbol: bytes) -> bytes | None:
        """Take a symbol; return the data as soon as there are enough. Raises Polluted; ValueError for what is no symbol."""
        if len(symbol) != self.symbol_bytes or not 0 <= number <= MAX_NUMBER:
            raise ValueError("that is no symbol of this data")
        if not self.needed:
            return self._data()
        row = equation(number, self.count) << self._bits | int.from_bytes(symbol, "big")
        while (highest := row.bit_length() - 1 - self._bits) >= 0:
            if not self._rows[highest]:
                self._rows[highest] = row
                self.needed -= 1
                return None if self.needed else self._solve()
            row ^= self._rows[highest]
        if row:
            raise Polluted("the symbols contradict each other")
        return None

    def _solve(self) -> bytes:
        """Clear each equation of all pieces but its own, from the lowest on."""
        rows, bits = self._rows, self._bits
        for at in range(1, self.count):
            row = rows[at]
            left = (row >> bits) ^ (1 << at)
            while left:
                low = left & -left
                row ^= rows[low.bit_length() - 1]
                left ^= low
            rows[at] = row
        return self._data()

    def _data(self) -> bytes:
        mask = (1 << self._bits) - 1
        return b"".join((row & mask).to_bytes(self.symbol_bytes, "big") for row in self._rows)[: self.size]
