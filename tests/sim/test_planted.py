"""Bugs that were planted on purpose: a simulator that does not find them would not find others.

Each takes something away that a rule of the protocol rests on, in the machines themselves, and plays a few lives.
"""

from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from fedsync.crdt import fold
from fedsync.crdt.view import Draft
from fedsync.gossip import trie
from fedsync.gossip.events import Known, Outcome
from fedsync.gossip.exchange import Exchange
from fedsync.gossip.holdings import Item
from fedsync.gossip.memory import Memory, MemoryLog
from fedsync.gossip.session import Session
from fedsync.records.block import Block
from fedsync.records.ids import LogClass
from fedsync.records.places import Place
from fedsync.sim.node import Kept, Node
from fedsync.sim.run import simulate
from fedsync.sim.scenario import read

LIVES = 4
"""So many seeds must be enough."""
STORM = (Path(__file__).resolve().parents[2] / "scenarios" / "storm.toml").read_text("utf-8")


def _nothing(*_: object) -> None:
    """Stand in for what a planted bug leaves out."""


def _push_only(patch: pytest.MonkeyPatch) -> None:
    """New records are pushed, and sets are never compared again when a session has begun."""
    patch.setattr(Session, "_compare", _nothing)


def _unsorted(patch: pytest.MonkeyPatch) -> None:
    """The items of a leaf are hashed in the order in which they came."""

    def node_hash(items: list[Item], depth: int) -> bytes:
        if items and trie.is_leaf(items):
            return sha256(b"\0" + b"".join(map(trie.item_bytes, items))).digest()
        return whole(items, depth)

    whole = trie.node_hash
    for module in ("trie", "memory"):
        patch.setattr(f"fedsync.gossip.{module}.node_hash", node_hash)


def _not_synced(patch: pytest.MonkeyPatch) -> None:
    """What was acknowledged in the last ten seconds before a crash was never on the disk."""
    crash = Node.crash

    def forget(self: Node, loud: bool) -> None:
        crash(self, loud)
        late = self.wall() - 10_000
        self.disk.entries[:] = [
            each for each in self.disk.entries if not isinstance(each, Kept) or each.wall <= late
        ]

    patch.setattr(Node, "crash", forget)


def _forks_unseen(patch: pytest.MonkeyPatch) -> None:
    """Who holds one branch of a log takes no other."""
    append = Memory._append

    def one_branch(
        self: Memory, held: MemoryLog, block: Block, place: Place, wall: int
    ) -> tuple[Outcome, Block | None]:
        # The node at which the second branch is written has both; no other takes it.
        if wall and (block.first - 1, block.prev) not in held.heads:
            return Known(), None
        return append(self, held, block, place, wall)

    patch.setattr(Memory, "_append", one_branch)


def _local_leaves(patch: pytest.MonkeyPatch) -> None:
    """What is local is told to peers like everything else."""
    nowhere = type("Reach", (), {"LOCAL": -1})
    for module in ("acquaintance", "reconcile", "memory"):
        patch.setattr(f"fedsync.gossip.{module}.Reach", nowhere)


def _passed_over(patch: pytest.MonkeyPatch) -> None:
    """One block of fifty is not folded, whichever it is."""
    apply, blocks = fold.apply_block, count()

    def mostly(draft: Draft, block: Block) -> None:
        if next(blocks) % 50 or block.genesis.log_class is LogClass.AUTHORITY:
            apply(draft, block)

    patch.setattr(fold, "apply_block", mostly)


def _never_again(patch: pytest.MonkeyPatch) -> None:
    """A log that was refused once is never asked for again."""
    patch.setattr(Exchange, "lift", _nothing)
    patch.setattr(Session, "_beat", _nothing)


@pytest.mark.parametrize(
    ("plant", "nodes", "said"),
    [
        (_push_only, 5, "had not come to the same"),
        (_unsorted, 5, "had not come to the same"),
        (_not_synced, 5, ""),
        (_forks_unseen, 5, "cannot prove it"),
        (_local_leaves, 5, "local"),
        (_passed_over, 5, "shows"),
        (_never_again, 7, "had not come to the same"),
    ],
)
def test_a_planted_bug_is_caught(
    plant: Callable[[pytest.MonkeyPatch], None], nodes: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    found: list[str] = []
    for seed in range(LIVES):
        found += simulate(read(STORM, nodes), seed).faults
        if any(said in each for each in found):
            return
    raise AssertionError(f"it was not caught; only this was: {found}")
