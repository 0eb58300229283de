"""What authority costs: a region of 200 communities folds 100,000 acts, then one act more of each kind, then recalls.

CPU time of the fold alone, twice: on a state in memory, and on the tables of a node's store, where what is written
belongs to the fold and the commit does not. Signatures are made beforehand and stand in no figure.
"""

import argparse
import gc
import statistics
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Protocol

from benchmarks.nodes import make_home, opened, workplace
from benchmarks.region import Region
from fedsync.crdt import fold, root
from fedsync.crdt.books.booktables import VOTE_VERDICTS, book
from fedsync.crdt.view import Draft, MemoryView, View
from fedsync.node import GC_THRESHOLDS, REBUILD_RECORDS, Node
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import PageId, Scope
from fedsync.store.peers import FollowedBody

RECALLED = 1000
"""Acts that one recall voids."""

Steps = list[tuple[str, list[Block]]]
"""What is folded at once, under the name of the figure that it counts for."""


class State(Protocol):
    """Where a fold is measured."""

    view: View

    def load(self, bodies: Sequence[tuple[Scope, PageId]], blocks: Sequence[Block]) -> float:
        """Fold all of it from scratch; return the CPU seconds."""
        ...

    def add(self, blocks: Sequence[Block]) -> float:
        """Fold a few blocks more; return the CPU seconds."""
        ...


class InMemory:
    """The fold on a state in memory."""

    def __init__(self) -> None:
        self.view = MemoryView()

    def load(self, bodies: Sequence[tuple[Scope, PageId]], blocks: Sequence[Block]) -> float:
        """Fold all of it, as much at a time as when a store is folded again."""
        draft = Draft(self.view)
        for scope, body in bodies:
            fold.apply_bind(draft, scope, body)
        self.view.commit(draft.changes)
        starts = range(0, len(blocks), REBUILD_RECORDS)
        return sum(self.add(blocks[at : at + REBUILD_RECORDS]) for at in starts)

    def add(self, blocks: Sequence[Block]) -> float:
        """Fold blocks as one batch."""
        begun = time.process_time()
        draft = Draft(self.view)
        fold.apply_blocks(draft, blocks)
        self.view.commit(draft.changes)
        return time.process_time() - begun


class InStore:
    """The fold of a node on the tables of its store; the blocks are stored beforehand."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.view: View = node.state

    def load(self, bodies: Sequence[tuple[Scope, PageId]], blocks: Sequence[Block]) -> float:
        """Fold all blocks again, as `fedsync rebuild` does: they are read from the store, and this counts too."""
        with self.node.store.transaction():
            for scope, body in bodies:
                self.node.store.followed.add(FollowedBody(scope, body, None, "invited", None, 0))
            for block in blocks:
                self.node.store.logs.append(block)
        begun = time.process_time()
        self.node.rebuild()
        return time.process_time() - begun

    def add(self, blocks: Sequence[Block]) -> float:
        """Fold what one commit carries, with the marks for the state root, and write it."""
        self.node.begin()
        for block in blocks:
            self.node.store.logs.append(block)
        begun = time.process_time()
        fold.apply_blocks(self.node.draft, blocks)
        root.note(self.node.draft)
        self.node.state.write(self.node.draft.changes)
        spent = time.process_time() - begun
        self.node.settle()
        self.node.commit()
        return spent


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return milliseconds of each act, and the seconds of all from scratch."""
    gc.set_threshold(*GC_THRESHOLDS)  # as in a running node
    region = Region(arguments.communities)
    while region.acts < arguments.acts:
        region.seal()
        for _ in range(3):
            region.vote(sha256(f"motion {region.acts}".encode()).digest())
    acts, history, sealed = region.acts, list(region.blocks), region.number
    steps = list(_steps(region, arguments.singles))
    figures: dict[str, Any] = {"acts": acts, "communities": arguments.communities}
    figures["memory"] = _measure(InMemory(), region, history, sealed, steps)
    with workplace() as where, opened(make_home(where / "home", "Here")) as node:
        figures["store"] = _measure(InStore(node), region, history, sealed, steps)
    return figures


def _measure(
    state: State, region: Region, history: Sequence[Block], sealed: int, steps: Steps
) -> dict[str, float]:
    found = {"from_scratch_s": round(state.load(region.bodies, history), 2)}
    held = book(state.view, region.scope)
    assert held is not None
    assert held.number == sealed, held
    spent: dict[str, list[float]] = {}
    for name, blocks in steps:
        spent.setdefault(name, []).append(1e3 * state.add(blocks))
    for name, each in spent.items():
        if not name.startswith("_"):
            found[f"{name}_ms"] = round(statistics.median(each), 3)
            if len(each) > 1:
                found[f"{name}_most_ms"] = round(max(each), 3)
    void = sum(row[2] == "void" for _, row in state.view.scan(VOTE_VERDICTS, (region.members[-1][0],)))
    assert void == RECALLED, void
    return found


def _steps(region: Region, singles: int) -> Iterator[tuple[str, list[Block]]]:
    """Yield one act more of each kind, in a slot that fills up; steps that are not measured begin with "_"."""
    region.blocks.clear()
    voice, delegates, nodes = region.meet()
    yield "_page", list(region.blocks)
    for each in delegates[:singles]:
        yield "vote", [each.write(("vote", {"motion": bytes(32), "option": "yes"}))]
    for each in delegates:
        yield "signature", [each.write(("signature", voice))]
    for each in nodes:
        yield "sealers_signature", [each.write(("signature", voice))]
    for each in nodes:
        yield "approval", [each.write(("approval", voice))]
    # A recall by one page, two signatures and two approvals, of a delegate with some hundred acts, which it keeps.
    for number in range(singles // 4):
        yield "recall", _recall(region, number, back=0)
    last = len(region.delegates) - 1
    motions = [sha256(f"recalled {each}".encode()).digest() for each in range(RECALLED)]
    votes: list[tuple[str, Value]] = [("vote", {"motion": each, "option": "no"}) for each in motions]
    yield "_votes", [region.delegates[last].write(*votes[at : at + 100]) for at in range(0, RECALLED, 100)]
    yield f"recall_voids_{RECALLED}", _recall(region, last, back=RECALLED // 100)


def _recall(region: Region, number: int, back: int) -> list[Block]:
    """Recall a delegate and keep all but its last `back` blocks."""
    region.blocks.clear()
    log = region.delegates[number]
    kept = log.blocks[-1 - back]
    cut: Value = [log.genesis.log, kept.last, kept.tip]
    given: Value = [log.genesis.capacity[1], log.genesis.capacity[2]]  # type: ignore[misc]
    region.enter(number, [{"kind": "recall", "mandate": given, "cuts": [cut]}])
    return list(region.blocks)
