"""Look at everything that is held as if strangers had just brought it.

Reads a store, touches nothing. Opening a store trusts what it wrote; disks, memory and people are not always
worth that trust, so this checks the file's structure, and each block's shape, chain and signatures once more.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fedsync.records.block import BadBlock, Base, check
from fedsync.store.blocks import PRINT_BYTES, Stored
from fedsync.store.errors import StoreError, guarded
from fedsync.store.store import Store


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in a sentence; `block` is the number of the block that it is about, if it is one."""

    sentence: str
    block: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """So many records of one block are as they should be."""

    block: int
    records: int


def verify(store: Store) -> Iterator[Fault | Verified]:
    """Yield what was found for each block, after the file's own faults. Minutes for millions of records."""
    for sentence in structure(store):
        yield Fault(sentence)
    tips: set[tuple[int, bytes]] = set()
    for row in store.blocks.since(0):
        fault = _fault(store, row)
        yield Fault(fault, row.no) if fault else Verified(row.no, row.last - row.first + 1)
        tips.add((row.log_no, row.tip))
    for log_no, seq, id_ in store.conn.execute("SELECT log, seq, id FROM heads").fetchall():
        if (log_no, id_) not in tips:
            yield Fault(f"the tip at {seq} of log number {log_no} is in none of its blocks")


def _fault(store: Store, row: Stored) -> str | None:
    try:
        genesis = store.blocks.genesis(row.log_no)
        base: Base | None = None
        if row.first:
            base = store.logs.base(genesis.log, row.first, row.prev)
            if base is None:
                return "what it follows is not held"
            if base.place != row.place:
                return "the place kept with it is not that of the chain"
        block = check(row.raw, base)
    except (BadBlock, StoreError) as error:
        return str(error)
    if block.genesis != genesis or (block.first, block.last, block.tip) != (row.first, row.last, row.tip):
        return "it is not the block that was stored there"
    prints = store.conn.execute("SELECT prints FROM blocks WHERE no = ?", (row.no,)).fetchone()[0]
    if prints != b"".join([id_[:PRINT_BYTES] for id_ in block.ids]):
        return "its records would not be found by their ids"
    return None


@guarded
def structure(store: Store) -> list[str]:
    """Return what is wrong with the file itself, whatever the records in it say."""
    rows = store.conn.execute("PRAGMA quick_check(20)").fetchall()
    return [] if rows == [("ok",)] else [f"the file: {said}" for (said,) in rows]
