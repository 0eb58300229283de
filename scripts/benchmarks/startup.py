"""From starting the daemon's process until peers can connect, over a store of a million records."""

import argparse
import time
from typing import Any

from benchmarks.nodes import daemon, fill, make_home, opened, peak_mb, say, workplace

STARTS = 3


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the seconds of each start, and the memory just after it."""
    records = max(arguments.records, 1_000_000)
    with workplace() as where:
        home = make_home(where / "home", "Here", arguments.logs)
        with opened(home) as node:
            say({"filling": records})
            fill(node, home, records)
        took = []
        for _ in range(STARTS):
            begun = time.perf_counter()
            with daemon(home) as process:
                took.append(time.perf_counter() - begun)
                memory = peak_mb(process)
        size = home.store.stat().st_size
    return {
        "records": records,
        "seconds": [round(each, 2) for each in took],
        "memory_mb": round(memory, 1),
        "store_bytes_per_record": round(size / records, 1),
    }
