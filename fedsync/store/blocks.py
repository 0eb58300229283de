"""The blocks themselves: kept as they were received, read again through a small cache.

Touches the table `blocks` of the connection given. There is a row for each block and none for each record;
a record's place is its block's first seq and a count. What a block holds is decoded when someone asks.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from fedsync.records.block import BadBlock, Block, load
from fedsync.records.genesis import BadGenesis, Genesis
from fedsync.records.ids import LogClass, Reach, RecordId
from fedsync.records.places import MAX_RUN_RECORDS, Place
from fedsync.store.errors import StoreDamaged, guarded
from fedsync.store.model import Found

PRINT_BYTES = 3
"""So much of each id is kept beside its block: of a million records, one in sixteen looked up in vain."""

CACHED_BLOCKS = 64
"""Decoded blocks kept for reading again: some 50 KB each."""

PAGE_BLOCKS = 64
"""Blocks fetched at once by those who read through many."""

MIN_PREFIX = 4
"""Hex digits of an id that a person must give."""


class Stored(NamedTuple):
    """A block's row, without its prints. `place` is the chain's place before the block's first record."""

    no: int
    log_no: int
    first: int
    last: int
    place: Place
    prev: RecordId
    tip: RecordId
    raw: bytes


_COLUMNS = "no, log, first, last, place_count, place_size, prev, tip, raw"


class KeptAfter(NamedTuple):
    """How much of one class was kept since some moment."""

    log_class: LogClass
    urgent: bool
    records: int
    bytes: int


class Blocks:
    """The rows of blocks. Which of them belong together is the business of `Logs`."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._cache: OrderedDict[int, Block] = OrderedDict()
        self._geneses: dict[int, Genesis] = {}

    def forget(self) -> None:
        """Forget what was read: a rolled back transaction may have given its numbers to others."""
        self._cache.clear()
        self._geneses.clear()

    def insert(self, log_no: int, block: Block, counter: int, place: Place) -> int:
        """Keep a block and return its number, which is greater than that of all blocks before.

        `counter` is the journal's, `place` the chain's before the block.
        """
        prints = b"".join([each[:PRINT_BYTES] for each in block.ids])
        cursor = self._conn.execute(
            "INSERT INTO blocks (log, first, last, counter, place_count, place_size, prev, tip, prints, raw)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                log_no,
                block.first,
                block.last,
                counter,
                place.count,
                place.size,
                block.prev,
                block.ids[-1],
                prints,
                block.raw,
            ),
        )
        number = cursor.lastrowid or 0
        self._remember(number, block)
        return number

    def genesis(self, log_no: int) -> Genesis:
        """Return the genesis of a log by its number here."""
        found = self._geneses.get(log_no)
        if found is None:
            row = self._conn.execute("SELECT genesis FROM logs WHERE no = ?", (log_no,)).fetchone()
            if row is None:
                raise StoreDamaged(f"a block belongs to log number {log_no}, and there is none")
            found = self._geneses[log_no] = stored_genesis(row[0])
            if len(self._geneses) > 4096:
                del self._geneses[next(iter(self._geneses))]
        return found

    def decode(self, row: Stored) -> Block:
        """Return the block of a row. Raises StoreDamaged when its bytes are not what was stored."""
        found = self._cache.get(row.no)
        if found is not None:
            self._cache.move_to_end(row.no)
            return found
        try:
            block = load(row.raw, self.genesis(row.log_no))
        except BadBlock as error:
            raise StoreDamaged(f"block {row.no} is damaged: {error}") from error
        if (block.first, block.last) != (row.first, row.last):
            raise StoreDamaged(f"block {row.no} is not the one that was stored there")
        self._remember(row.no, block)
        return block

    def _remember(self, number: int, block: Block) -> None:
        self._cache[number] = block
        if len(self._cache) > CACHED_BLOCKS:
            self._cache.popitem(last=False)

    @guarded
    def overlapping(self, log_no: int, first: int, last: int) -> list[Stored]:
        """Return the blocks of a log that hold a seq from `first` to `last`, by first seq."""
        # A block holds 128 records at most, so the index on `first` bounds both ends.
        rows = self._conn.execute(
            f"SELECT {_COLUMNS} FROM blocks WHERE log = ? AND first BETWEEN ? AND ? AND last >= ?"
            " ORDER BY first, no",
            (log_no, first - MAX_RUN_RECORDS + 1, last, first),
        ).fetchall()
        return [_stored(row) for row in rows]

    @guarded
    def ending_at(self, log_no: int, first: int, tip: RecordId) -> bool:
        """Say whether a block from `first` to the record `tip` is held, without decoding any."""
        row = self._conn.execute(
            "SELECT 1 FROM blocks WHERE log = ? AND first = ? AND tip = ?", (log_no, first, tip)
        ).fetchone()
        return row is not None

    def of(self, log_no: int, first: int) -> Iterator[Stored]:
        """Yield the blocks of a log that reach seq `first` or beyond, by first seq; a few rows at a time."""
        low, after = max(0, first - MAX_RUN_RECORDS + 1), -1
        while True:
            rows = self._page(
                f"SELECT {_COLUMNS} FROM blocks WHERE log = ? AND (first, no) > (?, ?) AND last >= ?"
                f" ORDER BY first, no LIMIT {PAGE_BLOCKS}",
                (log_no, low if after >= 0 else low - 1, after if after >= 0 else 2**62, first),
            )
            for row in rows:
                low, after = row.first, row.no
                yield row
            if len(rows) < PAGE_BLOCKS:
                return

    def since(self, number: int) -> Iterator[Stored]:
        """Yield the blocks with numbers above `number`, in the order in which they came."""
        while True:
            rows = self._page(
                f"SELECT {_COLUMNS} FROM blocks WHERE no > ? ORDER BY no LIMIT {PAGE_BLOCKS}", (number,)
            )
            for row in rows:
                number = row.no
                yield row
            if len(rows) < PAGE_BLOCKS:
                return

    def latest(self) -> Iterator[Stored]:
        """Yield the blocks, the one that came last first."""
        number = 2**62
        while True:
            rows = self._page(
                f"SELECT {_COLUMNS} FROM blocks WHERE no < ? ORDER BY no DESC LIMIT {PAGE_BLOCKS}", (number,)
            )
            for row in rows:
                number = row.no
                yield row
            if len(rows) < PAGE_BLOCKS:
                return

    @guarded
    def fresh(self, log_no: int, since: int, limit: int, forked: bool) -> list[bytes]:
        """Return blocks kept after the journal's counter was `since`, oldest first, of at most `limit` bytes."""
        # Without branches a log grows at its end only, so what is fresh stands at the end of the index.
        numbers: list[int] = []
        rows = self._conn.execute(
            "SELECT no, counter FROM blocks WHERE log = ? ORDER BY first DESC, no DESC", (log_no,)
        )
        for number, counter in rows:
            if counter > since:
                numbers.append(number)
            elif not forked:
                break
        found: list[bytes] = []
        for number in sorted(numbers):
            raw: bytes = self._conn.execute("SELECT raw FROM blocks WHERE no = ?", (number,)).fetchone()[0]
            limit -= len(raw)
            if limit < 0:
                break
            found.append(raw)
        return found

    @guarded
    def kept_after(self, since: int) -> list[KeptAfter]:
        """Return what was kept after the journal's counter was `since`, local logs left out, by class; of each what is urgent
        for itself. Reads from the end, without the blocks themselves."""
        sums: dict[tuple[int, bool], list[int]] = {}
        rows = self._conn.execute(
            "SELECT b.counter, l.class, coalesce(l.urgent_seq, -1) >= b.first, b.last - b.first + 1, length(b.raw), l.reach"
            " FROM blocks b JOIN logs l ON l.no = b.log ORDER BY b.no DESC"
        )
        for counter, log_class, urgent, records, size, reach in rows:
            if counter <= since:
                break
            if reach != Reach.LOCAL:
                found = sums.setdefault((log_class, bool(urgent)), [0, 0])
                found[0] += records
                found[1] += size
        ordered = sorted(sums.items(), key=lambda each: (not each[0][1], each[0][0]))
        return [KeptAfter(LogClass(kind), urgent, *each) for (kind, urgent), each in ordered]

    @guarded
    def last_number(self) -> int:
        """Return the number of the block that came last, 0 when there is none."""
        found: int = self._conn.execute("SELECT coalesce(max(no), 0) FROM blocks").fetchone()[0]
        return found

    @guarded
    def find_prefix(self, prefix: str, limit: int = 16) -> list[Found]:
        """Return up to `limit` records whose id begins with these hex digits, at least 4 of them.

        Reads the prints of all blocks, some 400 bytes each: milliseconds, since people ask and not machines.
        """
        prefix = prefix.lower()
        if len(prefix) < MIN_PREFIX or set(prefix) - set("0123456789abcdef"):
            raise ValueError(f"an id's beginning has {MIN_PREFIX} hex digits or more")
        known = bytes.fromhex(prefix[: min(len(prefix) // 2, PRINT_BYTES) * 2])
        numbers = self._conn.execute(
            "SELECT no, prints FROM blocks WHERE instr(prints, ?) ORDER BY no", (known,)
        ).fetchall()
        found: list[Found] = []
        for number, prints in numbers:
            at = prints.find(known)
            places = []
            while at >= 0:
                if at % PRINT_BYTES == 0:
                    places.append(at // PRINT_BYTES)
                at = prints.find(known, at + 1)
            if not places:
                continue
            row = self._conn.execute(f"SELECT {_COLUMNS} FROM blocks WHERE no = ?", (number,)).fetchone()
            block = self.decode(_stored(row))
            for place in places:
                if block.ids[place].hex().startswith(prefix):
                    found.append(Found(block.log, block.first + place, block.ids[place]))
                    if len(found) == limit:
                        return found
        return found

    @guarded
    def _page(self, sql: str, values: tuple[int, ...]) -> list[Stored]:
        return [_stored(row) for row in self._conn.execute(sql, values).fetchall()]


def stored_genesis(payload: bytes) -> Genesis:
    """Return the genesis of a log that is held. Raises StoreDamaged."""
    try:
        return Genesis.parse(payload)
    except BadGenesis as error:
        raise StoreDamaged(f"the genesis of a log is damaged: {error}") from error


def _stored(row: tuple[int, int, int, int, int, int, RecordId, RecordId, bytes]) -> Stored:
    no, log_no, first, last, count, size, prev, tip, raw = row
    return Stored(no, log_no, first, last, Place(count, size), prev, tip, raw)
