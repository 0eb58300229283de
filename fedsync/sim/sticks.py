"""Sticks that people carry from node to node: lost, damaged, brought twice, overtaken by later ones.

What is on one is a bundle as it is made and read by a real node, with all that its maker holds and the bearer's home may have. That
receipts spare what has come is not played here; whoever takes a stick in follows the bodies of whoever filled it, as operators do
who know each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from fedsync.gossip.bundles.form import Block
from fedsync.gossip.bundles.making import Maker, Wish, make
from fedsync.gossip.bundles.reading import Bad, read
from fedsync.gossip.holdings import Holdings
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Reach

SPREAD: Final = 3.0
"""Some walks take up to so many times as long as others are apart: then a later stick comes first."""
TWICE: Final = 0.2
"""The share of sticks that are brought twice."""
SPOILT: Final = 0.5
"""Of the sticks that come to harm so many are damaged; the others are lost."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What came off a stick."""

    blocks: tuple[bytes, ...]
    damaged: int
    """Parts of it that give nothing."""


def fill(name: str, holdings: Holdings, bundle: bytes, now: int) -> bytes:
    """Return the file that a node puts on a stick."""
    private = private_key(sha256(b"stick of " + name.encode()).digest())
    wish = Wish(may=lambda key: key[1] is not Reach.LOCAL)
    maker = Maker(public_key(private), private.sign, bundle, now)
    return b"".join(part.data for part in make(holdings, wish, maker))


def unload(file: bytes) -> Filled:
    """Return what is on a stick."""
    found = list(read([file]))
    blocks = tuple(each.raw for each in found if isinstance(each, Block))
    return Filled(blocks, sum(isinstance(each, Bad) for each in found))


def spoil(file: bytes, random: Callable[[], float]) -> bytes:
    """Return a file as it comes off a stick that was pulled out, or has grown old: cut short, or with wrong bytes."""
    if random() < 0.5:
        return file[: int(len(file) * random())]
    changed = bytearray(file)
    for _ in range(1 + int(random() * 4)):
        if changed:
            changed[int(random() * len(changed))] ^= 1 + int(random() * 255)
    return bytes(changed)
