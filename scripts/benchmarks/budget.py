"""A link with a budget under all kinds of load for some weeks: how far over it any hour and any day ever is, in frames."""

import argparse
from collections import deque
from collections.abc import Iterable
from functools import partial
from random import Random
from typing import Any

from fedsync.gossip.framing import PREFIX_BYTES
from fedsync.gossip.lanes import Lanes
from fedsync.gossip.priority import FIRST, LAST
from fedsync.gossip.schedule.gate import Gate
from fedsync.gossip.schedule.rolling import DAY_S, HOUR_S
from fedsync.gossip.schedule.terms import Terms
from fedsync.gossip.schedule.windows import parse

START = 1_760_000_000.0
WEEKS, SEEDS = 2, 20
LINE_BYTES_S = 20_000
"""What the line takes."""
LARGEST = 48 * 1024
CRASH_SHARE, RESTART_S = 0.001, 5.0
"""How often power fails, at any write, and how long nothing runs then."""


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the worst over all seeds."""
    worst: dict[str, float] = {"hour": 0.0, "day": 0.0}
    sent, outside = 0, 0
    for seed in range(SEEDS):
        die = Random(seed)
        hour, day = die.randrange(5, 500) * 1000, die.randrange(50, 3000) * 1000
        windows = parse(die.choice([[], ["22:00-23:30"], ["every 60 s for 5 s"], ["Mon-Fri 06:00-20:00"]]))
        terms = Terms(windows=windows, hour_bytes=hour, day_bytes=day)
        gone = _play(terms, die)
        sent += sum(size for _, size in gone)
        outside += sum(windows.closes(at) is None for at, _ in gone)
        for name, span, limit in (("hour", HOUR_S, hour), ("day", DAY_S, day)):
            worst[name] = max(worst[name], _over(gone, span, limit))
    return {
        "seeds": SEEDS,
        "weeks": WEEKS,
        "megabytes": round(sent / 1e6, 1),
        "frames_over_in_the_worst_hour": round(worst["hour"], 3),
        "frames_over_in_the_worst_day": round(worst["day"], 3),
        "frames_outside_of_windows": outside,
    }


def _play(terms: Terms, die: Random) -> list[tuple[float, int]]:
    """Send all that the gate lets through of more than there is room for; return when each frame went, and its size."""
    now, end, gone = START, START + WEEKS * 7 * DAY_S, list[tuple[float, int]]()
    gate, kept, lanes = Gate(terms), b"", Lanes(1 << 62, 0)
    while now < end:
        while len(lanes.waiting()) < 3:
            largest = die.choice([60, 600, 6_000, LARGEST])
            lanes.put(bytes(die.randrange(1, largest)), die.randrange(FIRST, LAST + 1))
        frames = lanes.take(64 * 1024, partial(_may, gate, now))
        for frame in frames:
            gone.append((now, len(frame) + PREFIX_BYTES))
            gate.spend(now, len(frame) + PREFIX_BYTES)
        if die.random() < CRASH_SHARE:
            gate, now = Gate(terms, kept), now + RESTART_S
        if gate.hungry:
            kept = gate.pack(now)
            gate.durable()
        elif not frames:
            now += max(min(gate.may_send(now, *reversed(lanes.next())), HOUR_S / 4), 0.5)
        now += sum(map(len, frames)) / LINE_BYTES_S + 0.01
    return gone


def _may(gate: Gate, now: float, priority: int, size: int, before: int) -> bool:
    return gate.may_send(now, size, priority, before) <= 0


def _over(gone: Iterable[tuple[float, int]], span: int, limit: int) -> float:
    """Return by how many of its largest frames the fullest stretch of `span` is over the limit: the plain sum of each."""
    inside, total, worst = deque[tuple[float, int]](), 0, 0.0
    for at, size in gone:
        inside.append((at, size))
        total += size
        while inside[0][0] <= at - span:
            total -= inside.popleft()[1]
        if total > limit:
            worst = max(worst, (total - limit) / max(each for _, each in inside))
    return worst
