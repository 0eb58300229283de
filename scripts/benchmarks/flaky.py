"""What FLAKY carries: 1.5 MB of stock records, and a recall that is made behind 10 MB of others. In virtual time; all follows from seeds."""

import argparse
from collections.abc import Iterator
from hashlib import sha256
from random import Random
from statistics import median
from typing import Any

from fedsync.data import movements
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, Reach
from fedsync.records.seal import Draft
from fedsync.sim.air import FLAKY
from fedsync.sim.bridge import SCOPE, Bridge
from fedsync.sim.pens import Pen
from fedsync.sim.signing import Signing

BYTES = 1_500_000
BACKLOG = 10_000_000
REACH_S = 245.0
SOON_S = 1.5
"""After the next window has opened, a recall is to be at the peer."""
NOON = 1_700_000_000_000
LOG_BLOCKS = 4
BLOCK_RECORDS = 64
PATIENCE_S = 1200.0


def bulk(args: argparse.Namespace) -> dict[str, Any]:
    """Return how many seconds 1.5 MB of stock records take."""
    signing = Signing("stub")
    blocks = list(stock(signing, BYTES))
    runs = [_carry(seed, signing, blocks) for seed in range(args.seeds)]
    took, sent = [each for each, _ in runs], [each for _, each in runs]
    return {
        "bytes": sum(len(block.raw) for block in blocks),
        "records": sum(block.count for block in blocks),
        "seconds": round(median(took), 1),
        "seconds_worst": round(max(took), 1),
        "seeds": args.seeds,
        "within_reach": sum(each <= REACH_S for each in took),
        "sent_bytes_both_ways": round(median(sent)),
    }


def recall(args: argparse.Namespace) -> dict[str, Any]:
    """Return how long after the next window's start a recall is at the peer."""
    signing = Signing("stub")
    backlog = list(texts(signing, BACKLOG))
    later = [_hasten(seed, signing, backlog) for seed in range(args.seeds)]
    later.sort()
    return {
        "backlog_bytes": sum(len(block.raw) for block in backlog),
        "seeds": args.seeds,
        "in_time": sum(each <= SOON_S for each in later),
        "seconds_after_the_window_opened": round(median(later), 2),
        "of_95_in_100": round(later[max(0, -(-95 * len(later) // 100) - 1)], 2),
        "worst": round(later[-1], 2),
    }


def _carry(seed: int, signing: Signing, blocks: list[Block]) -> tuple[float, int]:
    """Return how many seconds it takes until the other side has all, and the bytes that both sides sent."""
    bridge = Bridge("FLAKY", seed, signing)
    bridge.give(bridge.one, blocks)
    size = sum(len(block.raw) for block in blocks)
    link = bridge.connect()
    took = bridge.run(PATIENCE_S, lambda: bridge.two.new >= size)
    assert took is None or bridge.equal
    return took or PATIENCE_S, link.sent


def _hasten(seed: int, signing: Signing, backlog: list[Block]) -> float:
    """Return how long after the next window's start a recall is at the peer."""
    bridge, dice = Bridge("FLAKY", seed, signing), Random(seed)
    bridge.give(bridge.one, backlog)
    pens = [author(signing, number) for number in range(3)]
    bridge.connect()
    bridge.run(120.0 + dice.random() * FLAKY.every)
    made = bridge.heap.now
    blocks = [block for pen in pens for block in written(pen, [{"text": "x" * 120}], NOON)]
    bridge.urgent(bridge.one, blocks)
    bridge.run(PATIENCE_S, lambda: all(bridge.two.holds(each.log, each.last, each.tip) for each in blocks))
    return bridge.heap.now - (made // FLAKY.every + 1) * FLAKY.every


def stock(signing: Signing, size: int) -> Iterator[Block]:
    """Yield blocks of so many bytes in all: movements like the Italian ones, each with a number of its own."""
    rows = movements()
    number = made = 0
    while made < size:
        pen = Pen(seed_of(number), SCOPE, LogClass.FACTS, Reach.REGION, lambda _: None, signing=signing)
        for at in range(LOG_BLOCKS):
            first = (number * LOG_BLOCKS + at) * BLOCK_RECORDS
            values: list[dict[str, Value]] = []
            for each in range(first, first + BLOCK_RECORDS):
                row = rows[each % len(rows)]
                lot = seed_of(each).hex()[:16]
                values.append({"action": row.action, "quantity": abs(row.delta), "lot": lot})
            for block in written(pen, values, NOON + first * 60_000):
                made += len(block.raw)
                yield block
        number += 1


def texts(signing: Signing, size: int) -> Iterator[Block]:
    """Yield blocks of so many bytes in all: texts that cannot be made smaller."""
    number = made = 0
    while made < size:
        pen = Pen(seed_of(number), SCOPE, LogClass.FACTS, Reach.REGION, lambda _: None, signing=signing)
        number += 1
        for at in range(LOG_BLOCKS):
            values: list[dict[str, Value]] = [
                {"note": Random(number * 1000 + at * 100 + each).randbytes(600)} for each in range(32)
            ]
            for block in written(pen, values, NOON):
                made += len(block.raw)
                yield block


def author(signing: Signing, number: int) -> Pen:
    """Return the pen of somebody who writes in a book."""
    return Pen(
        seed_of(1_000_000 + number), SCOPE, LogClass.AUTHORITY, Reach.WORLD, lambda _: None, signing=signing
    )


def written(pen: Pen, values: list[dict[str, Value]], wall: int) -> list[Block]:
    """Write records, and return their blocks."""
    drafts = [Draft("note", value, wall + at * 1000) for at, value in enumerate(values)]
    blocks = pen.seal(pen.end, drafts, wall)
    pen.wrote(blocks)
    return blocks


def seed_of(number: int) -> bytes:
    """Return a seed for a key."""
    return sha256(number.to_bytes(8, "big")).digest()
