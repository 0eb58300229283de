"""Which of a fact log's blocks count, in the order of its chain, also where the log has branches. Reads a view.

A log is read up to its lowest fork, below which all branches are one. Of one whose branch a book chose (`settling`, `pins`)
the chain of the record that it names is read, and blocks of other branches are passed over. In a block that is yielded
what is outside the terms of the log's mandate says nothing (`terms`).
"""

from collections.abc import Iterator

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.logs.countingtables import CountedLog
from fedsync.crdt.logs.settling import Settled
from fedsync.crdt.logs.terms import within
from fedsync.records.block import Block, Record
from fedsync.records.ids import LogId, RecordId


def along(
    view: Reader, log: LogId, counting: CountedLog, first: int | None = None
) -> Iterator[tuple[Block, int]]:
    """Yield the blocks that hold what counts from `first` on (what was not read yet), each with the seq to stop at."""
    for block, stop in stretches(view, log, counting, counting.read if first is None else first):
        yield within(view, block), stop


def stretches(view: Reader, log: LogId, counting: CountedLog, first: int) -> Iterator[tuple[Block, int]]:
    """Yield as `along`, with all that the blocks say, be it outside the terms of a mandate."""
    if counting.chain is None or counting.chain_seq is None:
        for block in view.blocks(log, first):
            yield block, block.last + 1
        return
    if counting.limit is not None and first >= counting.limit:
        return
    for block, last in reversed(list(_down(view, log, counting.chain_seq, counting.chain, first))):
        yield block, last + 1


def holds(view: Reader, log: LogId, seq: int, id_: RecordId) -> bool:
    """Say whether a record of a log is held."""
    for block in view.blocks(log, seq):
        if block.first > seq:
            return False
        if block.ids[seq - block.first] == id_:
            return True
    return False


def id_at(view: Reader, log: LogId, tip: tuple[int, RecordId], seq: int) -> RecordId:
    """Return the id of the record at `seq` on the chain of a record that is held."""
    (*_, (block, _)) = _down(view, log, *tip, seq)
    return block.ids[seq - block.first]


def on_settled_chain(view: Reader, record: Record, said: Settled) -> bool:
    """Say whether a record is on the chain of the settled record of its log, which is held."""
    return record.seq <= said.seq and id_at(view, record.log, (said.seq, said.id), record.seq) == record.id


def _down(view: Reader, log: LogId, seq: int, id_: RecordId, to: int) -> Iterator[tuple[Block, int]]:
    """Yield the blocks on the chain of a record that is held, from it down, each with the last seq that is on it."""
    while seq >= to:
        block = next(each for each in view.blocks(log, seq) if each.ids[seq - each.first] == id_)
        yield block, seq
        seq, id_ = block.first - 1, block.prev
