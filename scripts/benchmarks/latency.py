"""One local record: accepted by one daemon, pushed to a connected peer, durable there."""

import argparse
import statistics
import time
from typing import Any

from benchmarks.nodes import daemon, introduce, make_home, status, workplace
from fedsync import units
from fedsync.acts.author import Author
from fedsync.acts.goods.recording import Line, record_lines
from fedsync.doors import open_door
from fedsync.home import Home
from fedsync.reading import Reading

TRIES = 200


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return milliseconds from handing the record in until it is durable at the peer."""
    with workplace() as where:
        here, there = make_home(where / "here", "Here"), make_home(where / "there", "There")
        introduce(here, there)
        with daemon(there), daemon(here):
            _until_same(here)
            author = Author.unlock(here, "teller 0", lambda: None)
            with Reading.open(here) as reading, Reading.open(there) as far, open_door(here) as door:
                took = [_one(author, reading, far, door, number) for number in range(TRIES)]
    took.sort()
    return {
        "tries": TRIES,
        "p50_ms": round(statistics.median(took) * 1000, 2),
        "p95_ms": round(took[int(TRIES * 0.95)] * 1000, 2),
        "max_ms": round(took[-1] * 1000, 2),
    }


def _until_same(home: Home) -> None:
    until = time.monotonic() + 20
    while status(home)["peers"][0]["state"] != "same":  # type: ignore[index]
        if time.monotonic() > until:
            raise SystemExit(f"the two nodes did not meet: {status(home)}")
        time.sleep(0.02)


def _one(author: Author, reading: Reading, far: Reading, door: Any, number: int) -> float:
    quantity, unit = units.parse_quantity(str(number + 1), "kg")
    line = Line("raise", "Potatoes", quantity, unit, "Granary", int(time.time() * 1000))
    begun = time.perf_counter()
    block = record_lines(author, reading, door, [line])[-1]
    while not far.store.logs.holds(block.log, block.last, block.tip):
        far.store.logs.forget()
        if time.perf_counter() - begun > 10:
            raise SystemExit("the record did not arrive")
        time.sleep(0.0003)
    return time.perf_counter() - begun
