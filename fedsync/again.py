"""Working the state out again beside the one that is kept, to see whether they agree. Reads a store, changes nothing."""

from collections.abc import Iterator

from fedsync.crdt import fold, root
from fedsync.crdt.view import Cell, Draft, MemoryView, View
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.ids import Extent, LogClass, LogId

BATCH_BLOCKS = 64


class Beside(MemoryView):
    """A state in memory over the blocks of a store."""

    def __init__(self, store: View) -> None:
        super().__init__()
        self._store = store

    def blocks(self, log: LogId, first: int = 0) -> Iterator[Block]:
        """Yield the held blocks of `log` that reach `first` or beyond."""
        return self._store.blocks(log, first)


def state_faults(reading: Reading) -> list[str]:
    """Return in which tables the kept state is not what the records say. Takes as long as a rebuild."""
    # One state of the file: a daemon may write meanwhile, and must not be taken for damage.
    with reading.store.snapshot():
        return _faults(reading)


def _faults(reading: Reading) -> list[str]:
    view = _folded(reading)
    faults = []
    for table in fold.TABLES:
        if not table.rooted:
            continue  # How records came may show there.
        kept = {key: numbers(row) for key, row in reading.view.scan(table)}
        said = {key: numbers(row) for key, row in view.scan(table)}
        wrong = sum(kept.get(key) != said.get(key) for key in kept.keys() | said.keys())
        if wrong:
            faults.append(f"{wrong} rows of {table.name} are not what the records say: fedsync rebuild")
    if not faults and reading.state_root() != root.state_root(Draft(view)):
        faults.append("the state root is not that of the state: fedsync rebuild")
    return faults


def _folded(reading: Reading) -> MemoryView:
    view = Beside(reading.view)
    draft = Draft(view)
    for body in reading.store.followed.all():
        fold.apply_bind(draft, body.scope, body.body, body.extent < Extent.ALL)
    for number, block in reading.store.since(0):
        if not reading.store.followed.counts(block.genesis):
            continue
        fork = reading.store.logs.fork_at(block.log)
        if fork is not None and block.genesis.log_class is not LogClass.AUTHORITY:
            fold.apply_fork(draft, block.log, fork)
        fold.apply_block(draft, block)
        if number % BATCH_BLOCKS == 0:
            draft = _commit(view, draft)
    _commit(view, draft)
    return view


def _commit(view: MemoryView, draft: Draft) -> Draft:
    root.note(draft)
    view.commit(draft.changes)
    return Draft(view)


def numbers(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Return a row with truths as numbers, so that rows of a file and of memory can be compared."""
    # A file gives back 1 for True.
    return tuple(int(each) if isinstance(each, bool) else each for each in row)
