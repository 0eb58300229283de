"""How what a simulated node holds comes to its state: block by block, or all of it again. The folds are a real node's.

So is what is told to memory afterwards, as a node's own door does: at which record a forked log ends, and what is urgent.
"""

from dataclasses import dataclass, field
from typing import Final

from fedsync.crdt import fold, root
from fedsync.crdt.books.booktables import SETTLED
from fedsync.crdt.books.urgent import urgent_records
from fedsync.crdt.logs.pins import pin_of
from fedsync.crdt.view import Draft, MemoryView
from fedsync.gossip.memory import Memory
from fedsync.records.block import Block
from fedsync.records.ids import Extent, LogClass, LogId, PageId

_BEARING: Final = frozenset({"page", "signature", "approval", "announcement"})


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What has changed of logs, and sessions were not told yet: in that order."""

    pinned: dict[LogId, None] = field(default_factory=dict)
    """A book ends these at another record than they know."""
    hastened: dict[LogId, None] = field(default_factory=dict)
    """More of these goes before all else than they know."""


def in_book(block: Block) -> bool:
    """Say whether a block holds what may make a page due to be sealed, or says who there is."""
    return not _BEARING.isdisjoint(block.kinds)


def bears(block: Block) -> bool:
    """Say whether a node may have something to seal now, or to carry: such a block, or the first word of a delegate."""
    return in_book(block) or (block.first == 0 and block.genesis.mandate is not None)


def fold_in(draft: Draft, view: MemoryView, block: Block, fork: int | None) -> None:
    """Fold a block that is held by now. `fork`: where its log has two records since this one came."""
    view.hold(block)
    if fork is not None and block.genesis.log_class is not LogClass.AUTHORITY:
        fold.apply_fork(draft, block.log, fork)
    else:
        fold.apply_block(draft, block)


def fold_again(memory: Memory) -> tuple[MemoryView, Draft]:
    """Fold all that is held; return the new view, and what has to be settled and committed there."""
    view = MemoryView()
    draft = Draft(view)
    for scope, body, extent in memory.following:
        fold.apply_bind(draft, scope, PageId(body), extent < Extent.ALL)
    held: list[tuple[int, Block]] = []
    forks: list[tuple[LogId, int]] = []
    for log in memory.logs():
        found = memory.log(log)
        assert found is not None
        held += [(counter, block) for block, _, counter in found.blocks]
        if found.fork is not None and found.genesis.log_class is not LogClass.AUTHORITY:
            forks.append((log, found.fork))
    blocks = [block for _, block in sorted(held, key=lambda each: each[0])]
    for block in blocks:
        view.hold(block)
    # Not before: of a log of which nothing is held yet no fork is noted.
    for fork in forks:
        fold.apply_fork(draft, *fork)
    fold.apply_blocks(draft, blocks)
    return view, draft


def settle(draft: Draft, memory: Memory, unsaid: Unsaid) -> None:
    """Finish a batch that was folded: mark what the root stands over, pin what books end, note what is urgent."""
    root.note(draft)
    for table, key in list(draft.changes):
        if table is SETTLED:
            pin(draft, memory, LogId(key[1]), unsaid)  # type: ignore[arg-type]
    for log, seq in urgent_records(draft):
        if memory.hurry(log, seq):
            unsaid.hastened[log] = None


def pin(draft: Draft, memory: Memory, log: LogId, unsaid: Unsaid) -> None:
    """Pin a log that is held at the record that a book ends it at: only its chain is judged then."""
    held = memory.log(log)
    end = pin_of(draft, held.genesis) if held is not None else None
    if held is not None and end is not None and held.pin != end:
        memory.pin(log, end)
        unsaid.pinned[log] = None
