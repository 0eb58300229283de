"""Mandatory places: where a log must carry a signature, as a pure function of its chain.

One signature covers a chain, so most records need none of their own. But what lies beyond the last signature
that somebody holds is unverified, so the chain bounds it: counting from the record after the last mandatory
place (the genesis counts), a place is the 128th record, or the last one with which headers and payloads still
fit in 48 KiB.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_RUN_RECORDS = 128
MAX_RUN_BYTES = 48 * 1024
"""Headers and payloads between two mandatory places. A block of them fits a frame of 64 KiB."""


@dataclass(frozen=True, slots=True)
class Place:
    """How many records, of how many bytes, stand after a chain's last mandatory place."""

    count: int = 0
    size: int = 0


START = Place()


def walk(place: Place, sizes: Sequence[int]) -> tuple[list[int], Place]:
    """Return the mandatory places among the records that follow `place`, and the place after the last.

    `sizes` are the bytes of header and payload of each record. Positions count from 0; -1 says that the
    record before the first one is a place, which only what follows it can tell.
    """
    total = sum(sizes)
    if place.count + len(sizes) < MAX_RUN_RECORDS and place.size + total <= MAX_RUN_BYTES:
        return [], Place(place.count + len(sizes), place.size + total)
    found: list[int] = []
    count, size = place.count, place.size
    for position, each in enumerate(sizes):
        if count and size + each > MAX_RUN_BYTES:
            found.append(position - 1)
            count = size = 0
        count += 1
        size += each
        if count == MAX_RUN_RECORDS:
            found.append(position)
            count = size = 0
    return found, Place(count, size)
