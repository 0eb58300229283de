"""Arithmetic on bytes for codes that mend: GF(256), on strings of bytes at once. Pure.

Each byte is an element of the field with 256 elements, by the polynomial x^8 + x^4 + x^3 + x^2 + 1. Adding is XOR; to multiply a
string by one element is a look into a table for each byte, which `bytes.translate` does at once.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

POLYNOMIAL: Final = 0x11D


def _powers() -> tuple[list[int], list[int]]:
    exponents, logarithms, value = [0] * 510, [0] * 256, 1
    for power in range(255):
        exponents[power] = exponents[power + 255] = value
        logarithms[value] = power
        value <<= 1
        if value & 0x100:
            value ^= POLYNOMIAL
    return exponents, logarithms


_EXPONENTS, _LOGARITHMS = _powers()


def times(one: int, other: int) -> int:
    """Return the product of two elements."""
    return _EXPONENTS[_LOGARITHMS[one] + _LOGARITHMS[other]] if one and other else 0


def inverse(one: int) -> int:
    """Return what an element is multiplied with to give 1. Raises ZeroDivisionError for 0."""
    if not one:
        raise ZeroDivisionError("0 has no inverse")
    return _EXPONENTS[255 - _LOGARITHMS[one]]


@lru_cache(maxsize=256)
def _table(factor: int) -> bytes:
    return bytes(times(factor, each) for each in range(256))


def scaled(factor: int, data: bytes) -> bytes:
    """Return each byte of a string multiplied by an element."""
    return data if factor == 1 else data.translate(_table(factor))


def combined(factors: Sequence[int], strings: Sequence[bytes], length: int) -> bytes:
    """Return the sum of strings, each multiplied by its element; shorter ones are filled up with zeros."""
    total = 0
    for factor, data in zip(factors, strings, strict=True):
        if factor and data:
            total ^= int.from_bytes(scaled(factor, data), "little")
    return total.to_bytes(length, "little")


def solved(matrix: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the inverse of a square matrix. Raises ZeroDivisionError when it has none."""
    size = len(matrix)
    rows = [[*row, *(int(at == column) for column in range(size))] for at, row in enumerate(matrix)]
    for column in range(size):
        pivot = next((at for at in range(column, size) if rows[at][column]), column)
        rows[column], rows[pivot] = rows[pivot], rows[column]
        factor = inverse(rows[column][column])
        rows[column] = [times(factor, each) for each in rows[column]]
        for at in range(size):
            if at != column and rows[at][column]:
                factor = rows[at][column]
                rows[at] = [
                    each ^ times(factor, other) for each, other in zip(rows[at], rows[column], strict=True)
                ]
    return [row[size:] for row in rows]
