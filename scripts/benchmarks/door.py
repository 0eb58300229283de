"""What the door costs, part by part, in one process: reading and checking blocks, counting who brings in how much, storing,
folding, committing."""

import argparse
import time
from typing import Any

from benchmarks.nodes import fill, make_home, opened, workplace
from fedsync.crdt import fold, root
from fedsync.crdt.view import Draft
from fedsync.node import Node
from fedsync.records.block import Base, Block, check, peek
from fedsync.records.ids import Key

BATCH = 256


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return microseconds a record of each part, and of the whole door."""
    with workplace() as where:
        full = make_home(where / "full", "Full", arguments.logs)
        with opened(full) as node:
            fill(node, full, arguments.records)
            own = next(body for body in node.store.followed.all() if body.source == "own")
            raws = [block.raw for _, block in node.store.since(0)]
            wanted = root.state_root(Draft(node.state), [own.scope])
        parts: dict[str, float] = {"check": 0.0, "shares": 0.0, "store": 0.0, "fold": 0.0, "commit": 0.0}
        records = 0
        with opened(make_home(where / "parts", "Parts")) as node:
            node.begin()
            node.follow(own.scope, own.body, own.name, "peer")
            node.settle()
            node.commit()
            for at in range(0, len(raws), BATCH):
                records += _batch(node, raws[at : at + BATCH], parts)
        with opened(make_home(where / "whole", "Whole")) as node:
            node.begin()
            node.follow(own.scope, own.body, own.name, "peer")
            node.settle()
            node.commit()
            begun = time.perf_counter()
            for at in range(0, len(raws), BATCH):
                node.take_now(raws[at : at + BATCH], Key(bytes(32)))
            whole = time.perf_counter() - begun
            assert root.state_root(Draft(node.state), [own.scope]) == wanted
    return {
        "records": records,
        **{f"{name}_us": round(spent / records * 1e6, 2) for name, spent in parts.items()},
        "shares_ratio": round(1 + parts["shares"] / (sum(parts.values()) - parts["shares"]), 4),
        "whole_us": round(whole / records * 1e6, 2),
        "records_per_s": round(records / whole),
    }


def _batch(node: Node, raws: list[bytes], parts: dict[str, float]) -> int:
    records = 0
    draft = Draft(node.state)
    node.begin()
    for raw in raws:
        begun = time.perf_counter()
        block: Block = check(raw, _base(node, raw))
        checked = time.perf_counter()
        now = node.now()
        node.intake.wait(block.genesis, False, now, lambda: False)
        node.intake.count(block.genesis, False, block.count, len(raw), now)
        counted = time.perf_counter()
        node.store.logs.append(block)
        stored = time.perf_counter()
        fold.apply_block(draft, block)
        folded = time.perf_counter()
        parts["check"] += checked - begun
        parts["shares"] += counted - checked
        parts["store"] += stored - counted
        parts["fold"] += folded - stored
        records += block.count
    begun = time.perf_counter()
    node.store.intake.put(node.intake.due(node.now()))
    parts["shares"] += time.perf_counter() - begun
    begun = time.perf_counter()
    root.note(draft)
    node.state.write(draft.changes)
    parts["fold"] += time.perf_counter() - begun
    begun = time.perf_counter()
    node.commit()
    parts["commit"] += time.perf_counter() - begun
    return records


def _base(node: Node, raw: bytes) -> Base | None:
    head = peek(raw)
    return node.store.logs.base(head.log, head.first, head.prev) if head.first else None
