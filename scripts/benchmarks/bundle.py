"""A bundle of stock records: how large it is, and how long it takes to make and to take in; each in a process of its own."""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.nodes import fill, introduce, make_home, opened, workplace
from fedsync import keyring
from fedsync.bundling import Request, export, take
from fedsync.home import Home
from fedsync.node import open_node
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Reach

REACH_MB, REACH_S, REACH_MEMORY_MB = 3.2, 5, 150
PIECE = 256 * 1024


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return bytes, seconds and memory, and what is to be reached."""
    with workplace() as where:
        full, here = make_home(where / "full", "Full", arguments.logs // 2), make_home(where / "here", "Here")
        introduce(here, full)
        with opened(full) as node:
            # A community has 200 tellers at most; each writes two logs.
            for reach in (Reach.REGION, Reach.WORLD):
                fill(node, full, arguments.records // 2, reach=reach)
        file = where / "bundle"
        out = _apart("out", full.path, file)
        came = _apart("in", here.path, file)
        return {
            "logs": arguments.logs,
            "mb": round(file.stat().st_size / 1e6, 3),
            "reach_mb": REACH_MB,
            "export_s": out["s"],
            "export_cpu_s": out["cpu_s"],
            "export_mb": out["mb"],
            "import_records": came["records"],
            "import_s": came["s"],
            "import_cpu_s": came["cpu_s"],
            "reach_s": REACH_S,
            "import_memory_mb": came["mb"],
            "reach_memory_mb": REACH_MEMORY_MB,
        }


def _apart(way: str, home: Path, file: Path) -> dict[str, Any]:
    """Run one half of this in a process of its own, whose memory nothing else has grown."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bundle", way, str(home), str(file)],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _half(way: str, path: Path, file: Path) -> dict[str, Any]:
    home = Home(path)
    private = keyring.load_node_key(home)
    node = open_node(home)
    begun, worked = time.perf_counter(), time.process_time()
    records = 0
    if way == "out":
        with file.open("wb") as made:
            for _, data in export(
                node.store,
                node.state,
                private,
                public_key(private),
                Request(tuple(each.key for each in node.store.peers.all())),
                node.now(),
            ):
                made.write(data)
    else:
        records = take(node, public_key(private), _pieces(file)).records
    spent, worked = time.perf_counter() - begun, time.process_time() - worked
    node.store.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"records": records, "s": round(spent, 2), "cpu_s": round(worked, 2), "mb": round(memory, 1)}


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            yield piece


if __name__ == "__main__":
    print(json.dumps(_half(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
