"""Homes filled with stock records like the Italian ones, and daemons over them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedsync import config, control, keyring
from fedsync.acts.author import REACH_OF
from fedsync.acts.books.founding import found
from fedsync.data import movements
from fedsync.home import Home
from fedsync.node import Node, open_node
from fedsync.operations import add_peer
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import LogClass, Reach, payload_id
from fedsync.records.seal import Draft, seal

TOOK = 3_600_000
"""ms between a movement and its recording."""


@contextmanager
def workplace() -> Iterator[Path]:
    """Give a directory on the disk, removed afterwards. BENCH_DIR says on which disk."""
    where = Path(tempfile.mkdtemp(prefix="fedsync-bench-", dir=os.environ.get("BENCH_DIR")))
    try:
        yield where
    finally:
        shutil.rmtree(where)


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_home(path: Path, name: str, tellers: int = 3) -> Home:
    """Found a community with so many tellers, whose keys have no passphrase."""
    names = [f"teller {number}" for number in range(tellers)]
    listen = config.Address("127.0.0.1", free_port())
    found(path, name, names, tellers // 2 + 1, listen, lambda _: None)
    return Home(path)


def fill(
    node: Node,
    home: Home,
    records: int,
    per_log_first: int = 0,
    only: int | None = None,
    reach: Reach = REACH_OF[LogClass.FACTS],
) -> None:
    """Record so many movements, evenly over the fact logs of the home's tellers, as Italian regions would."""
    own = next(body for body in node.store.followed.all() if body.source == "own")
    people = keyring.people(home)[:only]
    regions: dict[str, list[tuple[int, str, str, int]]] = {}
    for each in movements():
        at = int(time.mktime(each.day.timetuple())) * 1000
        action = "consume" if each.action == "consume" else "raise" if each.delta >= 0 else "lower"
        item = each.product or "doses"
        regions.setdefault(each.region, []).append((at, action, item, abs(each.delta)))
    names = sorted(regions)
    for number, person in enumerate(people):
        count = records // len(people) + (number < records % len(people))
        private = keyring.load_person(home, person.name, None)
        genesis = Genesis(
            public_key(private),
            own.scope,
            SEAT,
            LogClass.FACTS,
            reach,
            node.store.directory.incarnation,
        )
        region = names[number % len(names)]
        rows = regions[region]
        store: dict[str, Value] = {"name": f"{region} {number // len(names)}", "scope": own.scope}
        drafts: list[Draft] = []
        base = node.store.logs.tip(genesis.log)
        if base is None:
            drafts.append(Draft("store", store, rows[0][0]))
        made: set[str] = set()
        for at in range(count - len(drafts) - (base is None)):
            when, action, item, quantity = rows[(per_log_first + at) % len(rows)]
            spec: dict[str, Value] = {"name": item, "unit": "{dose}"}
            if base is None and item not in made and len(drafts) < count - 1:
                made.add(item)
                drafts.append(Draft("resource_specification", spec, when))
            value: dict[str, Value] = {
                "action": action,
                "quantity": quantity,
                "resource_conforms_to": payload_id(pack(spec)),
                "store": payload_id(pack(store)),
                "has_point_in_time": when,
            }
            drafts.append(Draft("economic_event", value, when + TOOK))
        wanted = count - (base is None)
        blocks = seal(private, genesis, base, drafts[:wanted], drafts[0].time)
        node.take_now([block.raw for block in blocks])


@contextmanager
def opened(home: Home) -> Iterator[Node]:
    """Open a node at rest."""
    with home.lock():
        node = open_node(home)
        try:
            yield node
        finally:
            node.store.close()


def introduce(one: Home, other: Home, dials: bool = True) -> None:
    """Make two nodes peers of each other; `one` dials."""
    facts = []
    for home in (one, other):
        with opened(home) as node:
            own = next(body for body in node.store.followed.all() if body.source == "own")
        settings = config.load(home.config)
        key = public_key(keyring.load_node_key(home))
        facts.append((key, settings.name, config.listen_words(settings.listen), own.scope, own.body))
    for home, (key, name, listen, scope, body), dialled in (
        (one, facts[1], dials),
        (other, facts[0], False),
    ):
        with opened(home) as node:
            add_peer(node, key, name, (listen,) if dialled else (), scope, body)


@contextmanager
def daemon(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """Run a daemon as a process and wait until it is ready."""
    ready = home.path / "ready"
    log = open(home.path / "log.txt", "ab")  # noqa: SIM115 - closed below, after the process
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "fedsync.cli.main",
            "--home",
            str(home.path),
            "run",
            "--ready-file",
            str(ready),
        ],
        stdout=log,
        stderr=log,
    )
    try:
        while not ready.exists():
            if process.poll() is not None:
                raise SystemExit(f"the daemon did not start:\n{(home.path / 'log.txt').read_text()}")
            time.sleep(0.005)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()


def status(home: Home) -> dict[str, object]:
    """Ask a running daemon how it stands."""
    return control.call(home.connect_control, "status")


def peak_mb(process: subprocess.Popen[bytes]) -> float:
    """Return the most memory that a process has used, in MB of 10^6 bytes."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(value: object) -> None:
    """Print a line of JSON on stderr, for who watches."""
    print(json.dumps(value), file=sys.stderr)
