"""A full node to an empty one, over TLS on loopback, both ends real daemons with stores on disk."""

import argparse
import time
from typing import Any

from benchmarks.nodes import cpu_s, daemon, fill, introduce, make_home, opened, peak_mb, status, workplace
from fedsync.reading import Reading


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return records per second, verified, durable and folded in the same commits, bytes on the wire per record, and the receiver's memory."""
    runs = [once(arguments.records, arguments.logs) for _ in range(arguments.runs)]
    middle = sorted(runs, key=lambda run: run["folded_records_per_s"])[len(runs) // 2]
    return {**middle, "runs": [round(run["folded_records_per_s"]) for run in runs]}


def once(records: int, logs: int) -> dict[str, Any]:
    """Run it once."""
    with workplace() as where:
        full = make_home(where / "full", "Full", logs)
        empty = make_home(where / "empty", "Empty")
        with opened(full) as node:
            fill(node, full, records)
        introduce(empty, full)
        with Reading.open(full) as reading:
            wanted = reading.store.logs.count()
        with Reading.open(empty) as reading:
            had = reading.store.logs.count()
        # Both end with the records of both bodies.
        total = wanted + had
        with daemon(full) as server, Reading.open(empty) as reading, daemon(empty) as receiver:
            begun = time.perf_counter()
            while (held := reading.store.logs.count()) < total:
                if time.perf_counter() - begun > 120:
                    raise SystemExit(f"only {held} of {total} records came; see {where}")
                time.sleep(0.01)
            took = time.perf_counter() - begun
            peer: dict[str, Any] = status(empty)["peers"][0]  # type: ignore[index]
            rss, cpu = peak_mb(receiver), cpu_s(receiver)
            sender_cpu = cpu_s(server)
            with Reading.open(full) as other:
                same = reading.state_root() == other.state_root()
        return {
            "records": wanted,
            "logs": logs,
            "seconds": round(took, 3),
            "records_per_s": round(wanted / took),
            "folded_records_per_s": round(wanted / took),
            "wire_bytes_per_record": round((peer["bytes_in"] + peer["bytes_out"]) / wanted, 2),
            "receiver_rss_mb": round(rss, 1),
            "receiver_cpu_s": round(cpu, 2),
            "sender_cpu_s": round(sender_cpu, 2),
            "same_state_root": same,
        }
