"""`fedsync stock list` over 1,000 items, as a whole process, in a node with many records: its CPU, not its waiting."""

import argparse
import os
import resource
import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.nodes import make_home, opened, say, workplace
from fedsync import keyring
from fedsync.acts.author import REACH_OF
from fedsync.home import Home
from fedsync.node import Node
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import LogClass, PayloadId, payload_id
from fedsync.records.seal import Draft, seal

ITEMS = 1_000
STORES = 10
"""Each item lies in one of them."""
RUNS = 15
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""As on any machine, modules are compiled at their first use and not at each."""
HOUR = 3_600_000
BEGINS = 1_767_225_600_000
"""The first movement: 1 January 2026, in ms."""


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the CPU seconds of the command, for people and for programs, and of Python doing nothing."""
    with workplace() as where:
        home = make_home(where / "home", "Here", 3)
        with opened(home) as node:
            say({"filling": arguments.records})
            _fill(node, home, arguments.records)
        command = [sys.executable, "-m", "fedsync.cli.main", "--home", str(home.path), "stock", "list"]
        words, programs = _cpu(command), _cpu([*command, "--json"])
        nothing = _cpu([sys.executable, "-c", "pass"])
    return {
        "records": arguments.records,
        "items": ITEMS,
        "cpu_seconds": round(median(words), 3),
        "cpu_seconds_worst": round(max(words), 3),
        "cpu_seconds_json": round(median(programs), 3),
        "cpu_seconds_python_alone": round(median(nothing), 3),
        "runs": RUNS,
    }


def _cpu(command: list[str]) -> list[float]:
    """Return the user and system seconds of each run. The first, which reads from the disk, is not counted."""
    found = []
    for _ in range(RUNS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=COMPILED)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return found[1:]


def _fill(node: Node, home: Home, records: int) -> None:
    """Make the items, and record movements in turn and a count of each now and then, all in one teller's log."""
    own = next(body for body in node.store.followed.all() if body.source == "own")
    private = keyring.load_person(home, keyring.people(home)[0].name, None)
    incarnation = node.store.directory.incarnation
    genesis = Genesis(
        public_key(private), own.scope, SEAT, LogClass.FACTS, REACH_OF[LogClass.FACTS], incarnation
    )
    drafts: list[Draft] = []

    def made(kind: str, value: dict[str, Value]) -> PayloadId:
        drafts.append(Draft(kind, value, BEGINS))
        return payload_id(pack(value))

    stores = [made("store", {"name": f"Store {at}", "scope": own.scope}) for at in range(STORES)]
    items = [made("resource_specification", {"name": f"Item {at:04}", "unit": "g"}) for at in range(ITEMS)]
    for at in range(records - len(drafts)):
        which, turn = at % ITEMS, at // ITEMS
        value: dict[str, Value] = {
            "quantity": 1_000 + at % 7_919,
            "resource_conforms_to": items[which],
            "store": stores[which % STORES],
            "has_point_in_time": BEGINS + at * HOUR // ITEMS,
        }
        if turn % 20 == 19:
            drafts.append(Draft("count", value, BEGINS + at * HOUR // ITEMS))
        else:
            value["action"] = "consume" if turn % 3 else "produce"
            drafts.append(Draft("economic_event", value, BEGINS + at * HOUR // ITEMS))
    for begin in range(0, len(drafts), 10_000):
        base = node.store.logs.tip(genesis.log)
        part = drafts[begin : begin + 10_000]
        node.take_now([block.raw for block in seal(private, genesis, base, part, part[0].time)])
