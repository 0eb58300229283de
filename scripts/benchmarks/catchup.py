"""What a session says beyond the blocks: nothing new, and some of many logs changed, peer remembered or not."""

import argparse
from typing import Any

from benchmarks.nodes import fill, make_home, opened, workplace
from benchmarks.pair import Result, session
from fedsync.gossip.peer_memory import PeerMemory

Memories = tuple[PeerMemory | None, PeerMemory | None]


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return bytes beyond the blocks, both ways and without TLS, and round trips."""
    records = min(arguments.records, 20_000)
    with workplace() as where:
        full = make_home(where / "full", "Full", arguments.logs)
        empty = make_home(where / "empty", "Empty")
        with opened(full) as one, opened(empty) as other:
            for node, source in ((one, other), (other, one)):
                own = next(body for body in source.store.followed.all() if body.source == "own")
                node.begin()
                node.follow(own.scope, own.body, own.name, "peer")
                node.settle()
                node.commit()
            fill(one, full, records)
            first, memories = session(other, one, (None, None))
            assert one.state_root() == other.state_root()
            cold = session(other, one, (None, None))[0]
            warm, memories = session(other, one, memories)
            found: dict[str, Any] = {
                "logs": arguments.logs,
                "changed": arguments.changed,
                "first": _row(first),
                "nothing_new": _row(warm),
                "nothing_new_not_remembered": _row(cold),
            }
            fill(one, full, arguments.changed * 5, 500, arguments.changed)
            found["changed_remembered"] = _row(session(other, one, memories)[0])
            assert one.state_root() == other.state_root()
            fill(one, full, arguments.changed * 5, 900, arguments.changed)
            found["changed_not_remembered"] = _row(session(other, one, (None, None))[0])
            assert one.state_root() == other.state_root()
            return found


def _row(result: Result) -> dict[str, Any]:
    return {
        "bytes_beyond_blocks": result.bytes_beyond_blocks,
        "bytes_each_way": list(result.bytes_each_way),
        "round_trips_to_first_block": result.round_trips_to_first_block,
        "round_trips": result.round_trips,
    }
