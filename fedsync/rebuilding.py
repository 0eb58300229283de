"""Folding every block of a store again. The blocks stay as they are; the state must come out the same."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from fedsync.crdt import fold, root
from fedsync.crdt.view import Draft
from fedsync.noticing import Notices
from fedsync.records.block import Block
from fedsync.records.ids import Extent, LogClass
from fedsync.store.state import StateTables
from fedsync.store.store import Store

REBUILD_RECORDS = 16384
"""Records that are folded again at a time: some forty MB. What they all ask for is read once, and written once."""
GC_THRESHOLDS = (50_000, 20, 50)
"""Objects made between two looks for garbage. A first sync or a fold of everything makes millions, none of them in
cycles; 7 % less CPU."""


def rebuild(store: Store, state: StateTables, notices: Notices, progress: Callable[[int], None]) -> None:
    """Fold every block again, in one transaction."""

    def write(draft: Draft) -> Draft:
        notices.look(draft)
        root.note(draft)
        state.write(draft.changes)
        return Draft(state)

    with _collecting_seldom(), store.transaction():
        state.drop_state()
        state.prepare(fold.VERSION)
        draft = Draft(state)
        for body in store.followed.all():
            fold.apply_bind(draft, body.scope, body.body, body.extent < Extent.ALL)
        last = records = 0
        batch: list[Block] = []
        for number, block in store.since(0):
            batch.append(block)
            records += block.count
            last = number
            if records >= REBUILD_RECORDS:
                _fold_again(store, draft, batch)
                batch.clear()
                records = 0
                draft = write(draft)
                progress(number)
        _fold_again(store, draft, batch)
        write(draft)
        notices.unpin_stale(state)
        state.fold_done(last)


def _fold_again(store: Store, draft: Draft, found: Sequence[Block]) -> None:
    counts = {genesis: store.followed.counts(genesis) for genesis in {each.genesis for each in found}}
    blocks = [each for each in found if counts[each.genesis]]
    for block in blocks:
        fork = store.logs.fork_at(block.log)
        if fork is not None and block.genesis.log_class is not LogClass.AUTHORITY:
            fold.apply_fork(draft, block.log, fork)
    fold.apply_blocks(draft, blocks)


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
