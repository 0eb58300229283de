"""A session of two nodes that never met, cut at every byte and begun anew: what comes twice, and what goes back."""

import argparse
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from fedsync.data import movements
from fedsync.gossip.memory import Memory
from fedsync.records.ids import LogClass, Reach, Scope
from fedsync.records.seal import Draft
from fedsync.sim.cuts import everywhere
from fedsync.sim.pens import Pen
from fedsync.sim.signing import Signing

SCOPE = Scope(b"a scope of bytes")
MOST_LOGS = 12
"""Of each side: every byte is two sessions."""


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what cutting the session everywhere has shown."""
    logs = min(arguments.logs, MOST_LOGS)
    signing = Signing("once")
    one, two = _memory(b"one", logs, signing), _memory(b"two", logs // 2, signing)
    return asdict(everywhere(one, two))


def _memory(name: bytes, logs: int, signing: Signing) -> Memory:
    found = Memory(name.ljust(8), checker=signing.check)
    found.follow(SCOPE, b"b" * 32)
    rows = [{"action": each.action, "quantity": abs(each.delta)} for each in movements()[: logs * 8]]
    for at in range(logs):
        seed = sha256(b"%s %d" % (name, at)).digest()
        pen = Pen(seed, SCOPE, LogClass.FACTS, Reach.REGION, lambda _: None, signing=signing)
        for row in range(0, 8, 4):
            drafts = [
                Draft("economic_event", dict(each), at) for each in rows[at * 8 + row : at * 8 + row + 4]
            ]
            blocks = pen.seal(pen.end, drafts, at)
            pen.wrote(blocks)
            for block in blocks:
                found.write(block)
    return found
