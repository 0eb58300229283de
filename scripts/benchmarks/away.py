"""Long silences: a node that was away for six months, links on which nothing happens, and one that goes to and fro. In virtual time."""

import argparse
from dataclasses import dataclass
from functools import cache, partial
from random import Random
from statistics import median
from typing import Any

from benchmarks.flaky import NOON, PATIENCE_S, author, seed_of, written
from fedsync.data import Movement, movements
from fedsync.gossip.events import Peer
from fedsync.gossip.messages import BlockMessage, Segment, decode
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, Reach
from fedsync.sim.air import FLAKY, PROFILES
from fedsync.sim.bridge import SCOPE, Bridge, Ferry
from fedsync.sim.large import Cheap
from fedsync.sim.pens import Pen
from fedsync.sim.signing import Signing

KNOWN_LOGS, NEW_LOGS, NEW = 2000, 400, 50_000
SETTLE_S, IDLE_S = 6 * 3600.0, 72 * 3600.0
MONTHS_S = 26 * 7 * 86_400.0


@dataclass
class Spoken:
    """Bytes that both sides gave to their carriers."""

    blocks: int = 0
    rest: int = 0
    count: int = 0


def away(args: argparse.Namespace) -> dict[str, Any]:
    """Return when a recall is there once a node is back after six months, and what is said besides the blocks."""
    signing = Signing("stub")
    bridge = Bridge("FLAKY", 0, signing)
    pens = [_pen(signing, number) for number in range(KNOWN_LOGS)]
    each = max(1, args.records // KNOWN_LOGS)
    known = [block for number, pen in enumerate(pens) for block in _stock(pen, number, each)]
    recalls = [author(signing, number) for number in range(3)]
    known += [block for pen in recalls for block in written(pen, [{"text": "a seat"}], NOON)]
    for node in (bridge.one, bridge.two):
        bridge.give(node, known)
    bridge.connect()
    bridge.run(1200.0)
    spoken = _listen(bridge)
    # It is back in the middle of a gap.
    bridge.part(MONTHS_S + FLAKY.every / 2)
    new = [
        block
        for number in range(NEW_LOGS)
        for block in _stock(pens[number], number + KNOWN_LOGS, NEW // NEW_LOGS)
    ]
    bridge.give(bridge.one, new)
    voices = [block for pen in recalls for block in written(pen, [{"text": "x" * 120}], NOON)]
    for block in voices:
        bridge.one.memory.write(block)
        bridge.one.memory.hurry(block.log, block.last)
    bridge.run(MONTHS_S + FLAKY.every / 2)
    begins = (bridge.heap.now // FLAKY.every + 1) * FLAKY.every
    bridge.run(PATIENCE_S, partial(_all_hold, bridge.two, voices))
    recalled = bridge.heap.now - begins
    size = sum(len(block.raw) for block in (*new, *voices))
    bridge.run(PATIENCE_S, lambda: bridge.two.new >= size)
    assert bridge.equal
    return {
        "records_known": sum(block.count for block in known),
        "records_new": sum(block.count for block in new),
        "recall_seconds_after_the_window_opened": round(recalled, 2),
        "in_the_first_window": recalled <= FLAKY.open,
        "seconds_until_equal": round(bridge.heap.now - begins, 1),
        "block_bytes_stored": size,
        "block_bytes_sent": spoken.blocks,
        "bookkeeping_bytes": spoken.rest,
        "bookkeeping_reach": round(size * 0.02 + 4096),
    }


def idle(args: argparse.Namespace) -> dict[str, Any]:
    """Return bits a second, both ways and with all that is around packets, on links on which nothing happens."""
    found: dict[str, Any] = {"hours": IDLE_S / 3600, "seeds": args.seeds}
    for profile in PROFILES:
        rates = [_idle(profile, seed) for seed in range(args.seeds)]
        found[profile] = {"bits_per_s": round(median(rates), 2), "worst": round(max(rates), 2)}
    return found


def ferry(args: argparse.Namespace) -> dict[str, Any]:
    """Return what it takes until two who never meet hold the same, by a third who is with each for 15 s in turn."""
    signing = Signing("stub")
    trip = Ferry(signing)
    sides = [
        [
            block
            for number in range(10)
            for block in _stock(_pen(signing, number + 100 * side), number + 100 * side, 100)
        ]
        for side in (0, 1)
    ]
    trip.give(trip.a, sides[0])
    trip.give(trip.c, sides[1])
    contacts = trip.go()
    return {
        "records": [sum(block.count for block in side) for side in sides],
        "contacts": contacts,
        "all_hold_all": trip.equal,
        "block_bytes": sum(len(block.raw) for side in sides for block in side),
        "block_bytes_that_came_twice": sum(node.came - node.new for node in trip.nodes),
    }


def _idle(profile: str, seed: int) -> float:
    bridge = Bridge(profile, seed)
    for node, first in ((bridge.one, 0), (bridge.two, 50)):
        pens = [_pen(bridge.signing, first + number) for number in range(5)]
        bridge.give(node, [block for pen in pens for block in _stock(pen, first, 20)])
    link = bridge.connect(None)
    assert bridge.run(SETTLE_S, lambda: bridge.equal) is not None
    bridge.run(SETTLE_S)
    before = link.sent
    bridge.run(IDLE_S)
    return (link.sent - before) * 8 / IDLE_S


def _listen(bridge: Bridge) -> Spoken:
    """Count what both sides say from now on."""
    spoken = Spoken()

    def count(peer: Peer, frame: bytes) -> list[bytes]:
        match decode(frame):
            case BlockMessage(raw=data) | Segment(data=data):
                spoken.blocks += len(data)
                spoken.rest += len(frame) - len(data)
            case _:
                spoken.rest += len(frame)
        spoken.count += 1
        return [frame]

    for node in (bridge.one, bridge.two):
        node.says = count  # type: ignore[method-assign]
    return spoken


def _all_hold(node: Cheap, blocks: list[Block]) -> bool:
    return all(node.holds(each.log, each.last, each.tip) for each in blocks)


@cache
def _rows() -> list[Movement]:
    return movements()


def _pen(signing: Signing, number: int) -> Pen:
    return Pen(
        seed_of(2_000_000 + number), SCOPE, LogClass.FACTS, Reach.REGION, lambda _: None, signing=signing
    )


def _stock(pen: Pen, number: int, count: int) -> list[Block]:
    """Return so many movements like the Italian ones."""
    rows, dice = _rows(), Random(number)
    values: list[dict[str, Value]] = []
    for at in range(count - (pen.end is None)):
        row = rows[(number * 31 + at) % len(rows)]
        values.append({"action": row.action, "quantity": abs(row.delta), "lot": dice.randbytes(4).hex()})
    return written(pen, values, NOON + number * 1000)
