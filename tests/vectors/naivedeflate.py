"""Deflate with a preset dictionary, after RFC 1951: one block of fixed codes, the longest repetition that is found first.

Slow, and always the same bytes, whatever zlib a machine has.
"""

WINDOW, LEAST, MOST = 32_768, 3, 258
LENGTHS = [
    *((3 + at, 0) for at in range(8)),
    *((base, extra) for extra, bases in ((1, (11, 13, 15, 17)), (2, (19, 23, 27, 31)), (3, (35, 43, 51, 59)),
      (4, (67, 83, 99, 115)), (5, (131, 163, 195, 227))) for base in bases),
    (258, 0),
]  # fmt: skip
"""(least length, extra bits) of the codes from 257 on."""
DISTANCES = [(1, 0), (2, 0), (3, 0), (4, 0)] + [
    ((2 + half) << extra, extra) for extra in range(1, 14) for half in (0, 1)
]
DISTANCES = [(base + 1 if extra else base, extra) for base, extra in DISTANCES]


class Bits:
    """Bits, packed from the lowest of each byte on."""

    def __init__(self) -> None:
        self.bits: list[int] = []

    def number(self, value: int, count: int) -> None:
        """Add a number, its lowest bit first."""
        self.bits += [value >> at & 1 for at in range(count)]

    def code(self, value: int, count: int) -> None:
        """Add a code, its highest bit first."""
        self.bits += [value >> at & 1 for at in reversed(range(count))]

    def symbol(self, symbol: int) -> None:
        """Add a literal, a length or the end by the fixed codes."""
        if symbol < 144:
            self.code(0x30 + symbol, 8)
        elif symbol < 256:
            self.code(0x190 + symbol - 144, 9)
        elif symbol < 280:
            self.code(symbol - 256, 7)
        else:
            self.code(0xC0 + symbol - 280, 8)

    def data(self) -> bytes:
        """Return the bytes."""
        padded = self.bits + [0] * (-len(self.bits) % 8)
        return bytes(
            sum(bit << at for at, bit in enumerate(padded[start : start + 8]))
            for start in range(0, len(padded), 8)
        )


def deflate(data: bytes, before: bytes) -> bytes:
    """Return raw deflated `data`, for whoever has `before` as the dictionary."""
    out = Bits()
    out.number(1, 1)
    out.number(1, 2)
    whole, at = before + data, len(before)
    while at < len(whole):
        length, distance = _longest(whole, at)
        if length < LEAST:
            out.symbol(whole[at])
            at += 1
            continue
        number = max(number for number, (base, _) in enumerate(LENGTHS) if base <= length)
        out.symbol(257 + number)
        out.number(length - LENGTHS[number][0], LENGTHS[number][1])
        number = max(number for number, (base, _) in enumerate(DISTANCES) if base <= distance)
        out.code(number, 5)
        out.number(distance - DISTANCES[number][0], DISTANCES[number][1])
        at += length
    out.symbol(256)
    return out.data()


def _longest(whole: bytes, at: int) -> tuple[int, int]:
    """Return the length and the distance of the longest repetition that begins at `at`, the nearest of them."""
    best, where = 0, 0
    for length in range(LEAST, min(MOST, len(whole) - at) + 1):
        found = whole.rfind(whole[at : at + length], max(0, at - WINDOW), at + length - 1)
        if found < 0:
            break
        best, where = length, at - found
    return best, where
