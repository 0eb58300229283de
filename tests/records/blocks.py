"""What the tests of records share: an author, logs of drafts, and a knife for the bytes of blocks."""

import zlib
from collections.abc import Callable
from typing import Any

import msgpack

from fedsync.records.block import BadBlock, Base, Block, check
from fedsync.records.codec import Value
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import LogClass, Reach, Scope
from fedsync.records.places import START
from fedsync.records.seal import Draft

ALICE = private_key(bytes(range(32)))
MALLORY = private_key(b"m" * 32)
FACTS = Genesis(public_key(ALICE), Scope(b"s" * 16), SEAT, LogClass.FACTS, Reach.REGION, b"i" * 16)
PAGES = Genesis(public_key(ALICE), Scope(b"s" * 16), SEAT, LogClass.AUTHORITY, Reach.REGION, b"i" * 16)


def event(quantity: int, store: bytes = b"g" * 32) -> Draft:
    """Return a stock movement of so many grams."""
    value: dict[str, Value] = {
        "action": "raise",
        "quantity": quantity,
        "store": store,
        "has_point_in_time": 1_700_000_000_000,
    }
    return Draft("economic_event", value, 1_700_000_000_000 + quantity % 1000)


def tip(block: Block, base: Base | None = None) -> Base:
    """Return where the chain stands after `block`."""
    return Base(block.genesis, block.last, block.tip, block.place(base.place if base else START))


def follow(blocks: list[bytes], base: Base | None = None) -> list[Block]:
    """Return a log's blocks as someone checks them who got these bytes, one after the other."""
    checked = []
    for raw in blocks:
        block = check(raw, base)
        base = tip(block, base)
        checked.append(block)
    return checked


def outer(raw: bytes) -> list[Any]:
    """Return the eight fields of a block."""
    fields: list[Any] = msgpack.unpackb(raw, raw=False)
    return fields


def inner(raw: bytes) -> list[Any]:
    """Return the six columns of a block's body."""
    columns: list[Any] = msgpack.unpackb(zlib.decompress(outer(raw)[7]), raw=False, strict_map_key=False)
    return columns


def cut(raw: bytes, change: Callable[[list[Any]], None]) -> bytes:
    """Return the block with its outer fields changed."""
    fields = outer(raw)
    change(fields)
    return bytes(msgpack.packb(fields))


def carve(raw: bytes, change: Callable[[list[Any]], None]) -> bytes:
    """Return the block with its columns changed, well formed otherwise."""
    columns = inner(raw)
    change(columns)
    body = msgpack.packb(columns)

    def put(fields: list[Any]) -> None:
        fields[6], fields[7] = len(body), zlib.compress(body)

    return cut(raw, put)


def refusal(raw: bytes, base: Base | None = None) -> str | None:
    """Return the code with which the bytes are refused, or None."""
    try:
        check(raw, base)
    except BadBlock as error:
        return error.code
    return None
