"""Logs and their heads: where a block attaches, what it adds, and what a fork leaves.

Touches `logs`, `heads`, `sets` and, through `Blocks`, the blocks. The rules are those of the set: in the
authority class all branches are kept and each tip counts; in other classes a fork at s (the lowest seq with two
ids, both covered by signatures) ends the log: enough is kept to show both branches to anyone, a proof of a lower
s lowers it, and above s nothing more is taken. Keeping the first two branches instead would split honest nodes
for ever; keeping the smallest ids would let an author evict an act that others rely on.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from fedsync.records.block import Base, Block
from fedsync.records.codec import pack
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, LogClass, LogId, RecordId, Scope
from fedsync.records.places import START, Place, walk
from fedsync.store.blocks import Blocks, stored_genesis
from fedsync.store.buckets import Buckets
from fedsync.store.errors import StoreDamaged, guarded
from fedsync.store.journal import Journal
from fedsync.store.model import Appended, Head, Outcome, SetId

CACHED_LOGS = 4096


class NoBase(ValueError):
    """What the block follows is not held: the caller should have asked `base` first."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """What never changes of a log that is held."""

    no: int
    set_no: int
    genesis: Genesis


class Logs:
    """All logs that are held."""

    def __init__(self, conn: sqlite3.Connection, blocks: Blocks, buckets: Buckets, journal: Journal) -> None:
        self._conn, self._blocks, self._buckets, self._journal = conn, blocks, buckets, journal
        self._rows: dict[LogId, LogRow] = {}

    def forget(self) -> None:
        """Forget what was read within a transaction that was rolled back."""
        self._rows.clear()

    # --- Asking ---------------------------------------------------------------------------------------

    def genesis(self, log: LogId) -> Genesis | None:
        """Return the genesis of a log, None when nothing of it is held."""
        row = self._row(log)
        return row.genesis if row else None

    @guarded
    def heads(self, log: LogId) -> list[Head]:
        """Return the log's heads, the longest branch first."""
        rows = self._conn.execute(
            "SELECT h.seq, h.id, h.place_count, h.place_size FROM heads h JOIN logs l ON l.no = h.log"
            " WHERE l.id = ? ORDER BY h.seq DESC, h.id",
            (log,),
        ).fetchall()
        return [Head(seq, id_, Place(count, size)) for seq, id_, count, size in rows]

    @guarded
    def fork_at(self, log: LogId) -> int | None:
        """Return the lowest seq with two ids, None when the log is not forked."""
        row = self._conn.execute("SELECT fork_seq FROM logs WHERE id = ?", (log,)).fetchone()
        return row[0] if row else None

    @guarded
    def forked(self) -> list[LogId]:
        """Return the forked logs of other classes than authority, the oldest here first."""
        rows = self._conn.execute("SELECT id FROM logs WHERE fork_seq IS NOT NULL AND class != 0 ORDER BY no")
        return [id_ for (id_,) in rows]

    @guarded
    def pinned(self, log: LogId) -> tuple[int, RecordId] | None:
        """Return the seq and id of the tip that the log's body named, None when it named none."""
        found: tuple[int, RecordId] | None = self._conn.execute(
            "SELECT p.seq, p.id FROM pins p JOIN logs l ON l.no = p.log WHERE l.id = ?", (log,)
        ).fetchone()
        return found

    @guarded
    def created(self, log: LogId) -> int:
        """Return the journal's counter when the log was first held."""
        return self.marks(log)[2]

    @guarded
    def marks(self, log: LogId) -> tuple[int | None, int | None, int]:
        """Return where a log is forked, up to where it is urgent, and the journal's counter when it was first held."""
        row: tuple[int | None, int | None, int] | None = self._conn.execute(
            "SELECT fork_seq, urgent_seq, created FROM logs WHERE id = ?", (log,)
        ).fetchone()
        return row or (None, None, 0)

    @guarded
    def hurry(self, log: LogId, seq: int) -> bool:
        """Note that a log goes before all else up to `seq`; False when it is not held, or does so already.

        No change of an item: peers are not told of it as of one.
        """
        done = self._conn.execute(
            "UPDATE logs SET urgent_seq = ?1 WHERE id = ?2 AND coalesce(urgent_seq, -1) < ?1", (seq, log)
        )
        return done.rowcount > 0

    @guarded
    def starting(self, prefix: bytes) -> list[LogId]:
        """Return the first two logs whose ids begin with these bytes."""
        rows = self._conn.execute(
            "SELECT id FROM logs WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 2",
            (prefix, prefix + b"\xff" * 32),
        ).fetchall()
        return [id_ for (id_,) in rows]

    def row(self, log: LogId) -> LogRow | None:
        """Return the log's number here, its set's, and its genesis."""
        return self._row(log)

    def tip(self, log: LogId) -> Base | None:
        """Return where the longest branch stands, for its writer to go on; None when nothing is held."""
        row, heads = self._row(log), self.heads(log)
        return Base(row.genesis, heads[0].seq, heads[0].id, heads[0].place) if row and heads else None

    @guarded
    def base(self, log: LogId, first: int, prev: RecordId) -> Base | None:
        """Return where a block from `first` after `prev` attaches; None when that is not held, or first is 0."""
        row = self._row(log)
        if row is None or first <= 0:
            return None
        head = self._conn.execute(
            "SELECT place_count, place_size FROM heads WHERE log = ? AND id = ? AND seq = ?",
            (row.no, prev, first - 1),
        ).fetchone()
        if head:
            return Base(row.genesis, first - 1, prev, Place(*head))
        return self._middle(row, first - 1, prev)

    def holds(self, log: LogId, seq: int, record: RecordId) -> bool:
        """Say whether this record is held."""
        return self.base(log, seq + 1, record) is not None

    def blocks(self, log: LogId, first: int = 0) -> Iterator[Block]:
        """Yield the held blocks of `log`, all branches, that reach seq `first` or beyond, by first seq."""
        row = self._row(log)
        if row:
            for stored in self._blocks.of(row.no, first):
                yield self._blocks.decode(stored)

    def raw_blocks(self, log: LogId, first: int = 0, last: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of blocks that hold a seq from `first` to `last`, as received, by first seq."""
        row = self._row(log)
        if row:
            for stored in self._blocks.of(row.no, first):
                if last is not None and stored.first > last:
                    return
                yield stored.raw

    def fork_proof(self, log: LogId) -> tuple[Block, Block] | None:
        """Return two blocks, each to a signed head, with different ids at the fork; None: not forked."""
        row, at = self._row(log), self.fork_at(log)
        if row is None or at is None:
            return None
        sides: dict[RecordId, Block] = {}
        for stored in self._blocks.overlapping(row.no, at, at):
            block = self._blocks.decode(stored)
            sides.setdefault(block.ids[at - block.first], block)
        if len(sides) < 2:
            raise StoreDamaged(f"log {log.hex()[:8]} is marked as forked at {at}, and the proof is gone")
        one, other = list(sides.values())[:2]
        return one, other

    @guarded
    def named(self, scope: Scope, key: Key) -> list[LogId]:
        """Return the logs that this key writes under this scope."""
        rows = self._conn.execute(
            "SELECT id FROM logs WHERE scope = ? AND key = ? ORDER BY no", (scope, key)
        ).fetchall()
        return [id_ for (id_,) in rows]

    @guarded
    def any_under(self, scope: Scope) -> bool:
        """Say whether any log is held that is written under this scope."""
        row = self._conn.execute("SELECT 1 FROM logs WHERE scope = ? LIMIT 1", (scope,)).fetchone()
        return row is not None

    @guarded
    def count(self) -> int:
        """Return how many records are held."""
        found: int = self._conn.execute("SELECT coalesce(sum(records), 0) FROM logs").fetchone()[0]
        return found

    # --- Appending ------------------------------------------------------------------------------------

    @guarded
    def append(self, block: Block) -> Appended:
        """Keep what is new of a verified block, in the open transaction, and say what became of it.

        Raises NoBase when what it follows is not held.
        """
        row = self._row(block.log)
        if row is None:
            if block.first:
                raise NoBase(f"nothing is held of log {block.log.hex()[:8]}")
            return self._begin(block)
        fork, pin_seq, pin_held, head_seq, count, size = self._conn.execute(
            "SELECT l.fork_seq, p.seq, p.held, h.seq, h.place_count, h.place_size FROM logs l"
            " LEFT JOIN pins p ON p.log = l.no LEFT JOIN heads h ON h.log = l.no AND h.id = ? WHERE l.no = ?",
            (block.prev, row.no),
        ).fetchone()
        cap = None if row.genesis.log_class is LogClass.AUTHORITY else fork
        if cap is not None or pin_seq is not None:
            cap = _cap(row, block, fork, pin_seq, pin_held)
        if cap is None and block.first and head_seq == block.first - 1:
            return self._extend(row, block, Place(count, size))
        return self._overlap(row, block, cap)

    @guarded
    def pin(self, log: LogId, seq: int, record: RecordId) -> bool:
        """Note the tip that the log's body named: only its chain is judged from now on.

        False: the log is not held, or this was noted before.
        """
        row = self._row(log)
        if row is None or self.pinned(log) == (seq, record):
            return False
        held = self.holds(log, seq, record)
        self._conn.execute(
            "INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?)", (row.no, seq, record, int(held))
        )
        self._conn.execute("UPDATE logs SET changed = ? WHERE no = ?", (self._journal.tick(), row.no))
        self._buckets.touch(row.set_no, log)
        return True

    @guarded
    def unpin(self, log: LogId) -> bool:
        """Forget the tip that was named for a log: every chain of it is judged again. False: there was none."""
        row = self._row(log)
        if row is None or self.pinned(log) is None:
            return False
        self._conn.execute("DELETE FROM pins WHERE log = ?", (row.no,))
        self._conn.execute("UPDATE logs SET changed = ? WHERE no = ?", (self._journal.tick(), row.no))
        self._buckets.touch(row.set_no, log)
        return True

    @guarded
    def all_pinned(self) -> list[LogId]:
        """Return the logs of which a body named a tip."""
        return [id_ for (id_,) in self._conn.execute("SELECT l.id FROM pins p JOIN logs l ON l.no = p.log")]

    def _begin(self, block: Block) -> Appended:
        genesis = block.genesis
        set_no = self._buckets.number(SetId(genesis.scope, genesis.reach, genesis.log_class))
        counter = self._journal.tick()
        cursor = self._conn.execute(
            "INSERT INTO logs (id, set_no, genesis, key, scope, capacity, class, reach, incarnation,"
            " created, changed, records) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                block.log,
                set_no,
                genesis.payload,
                genesis.key,
                genesis.scope,
                pack(list(genesis.capacity)),
                int(genesis.log_class),
                int(genesis.reach),
                genesis.incarnation,
                counter,
                counter,
                block.count,
            ),
        )
        row = LogRow(cursor.lastrowid or 0, set_no, genesis)
        self._rows[block.log] = row
        place = block.place(START)
        self._conn.execute(
            "INSERT INTO heads (log, id, seq, place_count, place_size) VALUES (?, ?, ?, ?, ?)",
            (row.no, block.tip, block.last, place.count, place.size),
        )
        self._buckets.touch(set_no, block.log)
        return Appended(Outcome.NEW, block, self._blocks.insert(row.no, block, counter, START))

    def _extend(self, row: LogRow, block: Block, before: Place) -> Appended:
        """Keep a block that follows a head."""
        after = block.place(before)
        self._conn.execute(
            "UPDATE heads SET id = ?, seq = ?, place_count = ?, place_size = ? WHERE log = ? AND id = ?",
            (block.ids[-1], block.last, after.count, after.size, row.no, block.prev),
        )
        return Appended(Outcome.NEW, block, self._keep(row, block, before))

    def _overlap(self, row: LogRow, block: Block, cap: int | None) -> Appended:
        """Keep what is new of a block that does not simply follow a head; from seq `cap` on nothing."""
        if cap is not None and block.first > cap:
            return Appended(Outcome.BEYOND)
        if self._blocks.ending_at(row.no, block.first, block.tip):
            return Appended(Outcome.KNOWN)
        shared = self._shared(row, block)
        if shared == block.last:
            return Appended(Outcome.KNOWN)
        if cap is not None and shared + 1 >= cap:
            return Appended(Outcome.BEYOND)
        rest = block.after(shared) if shared >= block.first else block
        before = self._place(rest)
        head = self._conn.execute(
            "SELECT 1 FROM heads WHERE log = ? AND id = ?", (row.no, rest.prev)
        ).fetchone()
        if head:
            return self._extend(row, rest, before)
        return self._branch(row, rest, before)

    def _branch(self, row: LogRow, rest: Block, before: Place) -> Appended:
        after = rest.place(before)
        self._conn.execute(
            "INSERT INTO heads (log, id, seq, place_count, place_size) VALUES (?, ?, ?, ?, ?)",
            (row.no, rest.tip, rest.last, after.count, after.size),
        )
        self._conn.execute(
            "UPDATE logs SET fork_seq = min(coalesce(fork_seq, ?1), ?1) WHERE no = ?2", (rest.first, row.no)
        )
        return Appended(Outcome.BRANCH, rest, self._keep(row, rest, before), rest.first)

    def _keep(self, row: LogRow, block: Block, before: Place) -> int:
        counter = self._journal.tick()
        self._conn.execute(
            "UPDATE logs SET changed = ?, records = records + ? WHERE no = ?", (counter, block.count, row.no)
        )
        self._buckets.touch(row.set_no, block.log)
        pin = self._conn.execute("SELECT seq, id FROM pins WHERE log = ? AND NOT held", (row.no,)).fetchone()
        if pin and block.first <= pin[0] <= block.last and block.ids[pin[0] - block.first] == pin[1]:
            self._conn.execute("UPDATE pins SET held = 1 WHERE log = ?", (row.no,))
        return self._blocks.insert(row.no, block, counter, before)

    def _shared(self, row: LogRow, block: Block) -> int:
        """Return the last seq up to which the block's records are held; the one before it when none is."""
        held: set[RecordId] = set()
        for stored in self._blocks.overlapping(row.no, block.first, block.last):
            held.update(self._blocks.decode(stored).ids)
        # Ids are chained: who holds one holds all before it, and after the first that differs none is shared.
        shared = block.first - 1
        for id_ in block.ids:
            if id_ not in held:
                break
            shared += 1
        return shared

    def _place(self, rest: Block) -> Place:
        if rest.first == 0:
            return START
        base = self.base(rest.log, rest.first, rest.prev)
        if base is None:
            raise NoBase(f"what the block from {rest.first} of log {rest.log.hex()[:8]} follows is not held")
        return base.place

    def _middle(self, row: LogRow, seq: int, record: RecordId) -> Base | None:
        """Return the base at a record that is not a head."""
        for stored in self._blocks.overlapping(row.no, seq, seq):
            if stored.last == seq and stored.tip != record:
                continue
            block = self._blocks.decode(stored)
            at = seq - stored.first
            if block.ids[at] == record:
                place = walk(stored.place, block.sizes[: at + 1])[1]
                signed = any(position == at for position, _ in block.signatures)
                return Base(row.genesis, seq, record, place, signed)
        return None

    @guarded
    def _row(self, log: LogId) -> LogRow | None:
        found = self._rows.get(log)
        if found is None:
            row = self._conn.execute("SELECT no, set_no, genesis FROM logs WHERE id = ?", (log,)).fetchone()
            if row is None:
                return None
            found = self._rows[log] = LogRow(row[0], row[1], stored_genesis(row[2]))
            if len(self._rows) > CACHED_LOGS:
                del self._rows[next(iter(self._rows))]
        return found


def _cap(
    row: LogRow, block: Block, fork: int | None, pin_seq: int | None, pin_held: int | None
) -> int | None:
    """Return the seq from which nothing of the block is taken; None: all that attaches is.

    Once a pinned record is held, nothing but its chain matters, and that is held. While it is missing, blocks
    that may lead to it are taken in spite of a fork.
    """
    if row.genesis.log_class is LogClass.AUTHORITY:
        return None
    if pin_held:
        return 0
    if pin_seq is not None and block.first <= pin_seq:
        return None
    return fork


def set_of(genesis: Genesis) -> SetId:
    """Return the set that a log with this genesis is in."""
    return SetId(genesis.scope, genesis.reach, genesis.log_class)
