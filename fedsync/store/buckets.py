"""Sets and their 4,096 bucket hashes, so that a session over 100,000 logs starts in milliseconds.

Touches `sets` and `buckets`, and reads `logs` and `heads`. A bucket is the logs of a set whose ids share their
first 12 bits. Its hash goes stale when a tip in it changes, and is computed again when someone asks; how items
are hashed is given by who asks, since that is the protocol's business. What lies below a bucket is never kept.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from fedsync.records.ids import ZERO_ID, LogClass, LogId, Reach, Scope
from fedsync.store.errors import guarded
from fedsync.store.model import Item, ItemKind, SetId

BUCKETS = 4096
BUCKET_BITS = 12

SCAN_FROM = 256
"""So many stale buckets are read in one pass over the set, fewer one by one."""

_RANGE = "+l.set_no = ? AND l.id >= ? AND l.id < ?"
# The plus keeps SQLite from reading a whole set by its own index where a range of ids is asked for.

HashOf = Callable[[list[Item]], bytes]


class Bucket(NamedTuple):
    """A bucket that is not empty."""

    hash: bytes
    items: int


class Buckets:
    """The sets of this store and what is in them."""

    def __init__(self, conn: sqlite3.Connection, saving: bool = True) -> None:
        """`saving`: this connection is the one that writes, and so hears of every change."""
        self._conn, self._saving = conn, saving
        self._seen: dict[int, int] = {}
        self._numbers: dict[SetId, int] = {}
        self._known: dict[int, dict[int, Bucket | None]] = {}
        self._marked: set[tuple[int, int]] = set()
        self._unsaved: set[tuple[int, int]] = set()
        self._moved: dict[int, None] = {}

    # --- Within a transaction -------------------------------------------------------------------------

    def number(self, set_id: SetId) -> int:
        """Return the number of a set here, giving it one if it is new."""
        found = self._find(set_id)
        if found is None:
            cursor = self._conn.execute("INSERT INTO sets (scope, reach, class) VALUES (?, ?, ?)", set_id)
            found = self._numbers[set_id] = cursor.lastrowid or 0
        return found

    def touch(self, set_no: int, log: LogId) -> None:
        """Mark the bucket of `log` as stale."""
        self._moved[set_no] = None
        mark = (set_no, bucket_of(log))
        known = self._known.get(set_no)
        if known is not None:
            known[mark[1]] = None
        self._unsaved.discard(mark)
        if mark not in self._marked:
            self._marked.add(mark)
            self._conn.execute(
                "INSERT INTO buckets (set_no, bucket) VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET hash = NULL, items = NULL",
                mark,
            )

    def flush(self, counter: int) -> None:
        """Write the hashes that were computed since, at the end of a transaction, and what moved up to the counter."""
        moved = [(counter, set_no) for set_no in self._moved]
        self._conn.executemany("UPDATE sets SET moved = ? WHERE no = ?", moved)
        self._moved.clear()
        rows = []
        for set_no, bucket in self._unsaved:
            found = self._known[set_no].get(bucket)
            if found is not None:
                rows.append((found.hash, found.items, set_no, bucket))
        self._conn.executemany("UPDATE buckets SET hash = ?, items = ? WHERE set_no = ? AND bucket = ?", rows)
        self._marked -= self._unsaved
        self._unsaved.clear()

    def forget(self) -> None:
        """Forget all but the file: a transaction was rolled back."""
        for each in (self._numbers, self._known, self._marked, self._unsaved, self._moved):
            each.clear()

    # --- Asking ---------------------------------------------------------------------------------------

    @property
    def unsaved(self) -> bool:
        """Whether hashes were computed that the file does not have yet."""
        return bool(self._unsaved)

    @guarded
    def sets(self) -> list[SetId]:
        """Return the sets of which some log is held, in order."""
        rows = self._conn.execute("SELECT scope, reach, class FROM sets ORDER BY 1, 2, 3").fetchall()
        return [SetId(Scope(scope), Reach(reach), LogClass(class_)) for scope, reach, class_ in rows]

    @guarded
    def moved(self, since: int) -> list[SetId]:
        """Return the sets of which a tip changed after the journal's counter was `since`."""
        rows = self._conn.execute("SELECT scope, reach, class FROM sets WHERE moved > ?", (since,)).fetchall()
        return [SetId(Scope(scope), Reach(reach), LogClass(class_)) for scope, reach, class_ in rows]

    @guarded
    def buckets(self, set_id: SetId, hash_of: HashOf) -> dict[int, Bucket]:
        """Return the buckets of a set that are not empty, by number, each with its hash and count of items.

        `hash_of` is given a bucket's items, sorted, and is the same at every call.
        """
        set_no = self._find(set_id)
        if set_no is None:
            return {}
        if not self._saving:
            self._catch_up(set_no)
        known = self._known.get(set_no)
        if known is None:
            known = self._known[set_no] = self._load(set_no)
        stale = [bucket for bucket, found in known.items() if found is None]
        for bucket, items in self._items_of(set_no, stale):
            known[bucket] = Bucket(hash_of(items), len(items))
            if self._saving:
                self._unsaved.add((set_no, bucket))
        return {bucket: found for bucket, found in known.items() if found is not None}

    def items(self, set_id: SetId, low: bytes = b"", high: bytes | None = None) -> list[Item]:
        """Return the items of a set whose log is from `low` to below `high` (None: to the end), sorted."""
        set_no = self._find(set_id)
        if set_no is None:
            return []
        return self._select(_RANGE, (set_no, low, high or b"\xff" * 33))

    @guarded
    def items_of(self, log: LogId) -> list[Item]:
        """Return the items of one log."""
        return self._select("l.id = ?", (log,))

    def changed(self, set_id: SetId, since: int) -> list[Item]:
        """Return the items of the logs whose tips changed after the journal's counter was `since`."""
        set_no = self._find(set_id)
        return [] if set_no is None else self._select("l.set_no = ? AND l.changed > ?", (set_no, since))

    @guarded
    def count(self, set_id: SetId) -> int:
        """Return how many logs of a set are held."""
        found: int = self._conn.execute(
            "SELECT count(*) FROM logs WHERE set_no = ?", (self._find(set_id),)
        ).fetchone()[0]
        return found

    def refresh(self, hash_of: HashOf) -> None:
        """Compute what is stale in all sets, so that the next commit, or `close`, saves it for the next start."""
        for set_id in self.sets():
            self.buckets(set_id, hash_of)

    # --- Within ---------------------------------------------------------------------------------------

    def _catch_up(self, set_no: int) -> None:
        """Take as stale what another connection changed since this one last looked."""
        # The counter first: what is committed in between is then seen twice and not missed.
        row = self._conn.execute("SELECT value FROM meta WHERE key = 'counter'").fetchone()
        known, since = self._known.get(set_no), self._seen.get(set_no, 0)
        if known is not None and row[0] != since:
            changed = self._conn.execute(
                "SELECT id FROM logs WHERE set_no = ? AND changed > ?", (set_no, since)
            ).fetchall()
            for (log,) in changed:
                known[bucket_of(log)] = None
        self._seen[set_no] = row[0]

    def _find(self, set_id: SetId) -> int | None:
        found = self._numbers.get(set_id)
        if found is None:
            row = self._conn.execute(
                "SELECT no FROM sets WHERE scope = ? AND reach = ? AND class = ?", set_id
            ).fetchone()
            if row is None:
                return None
            found = self._numbers[set_id] = row[0]
        return found

    def _load(self, set_no: int) -> dict[int, Bucket | None]:
        rows = self._conn.execute(
            "SELECT bucket, hash, items FROM buckets WHERE set_no = ? ORDER BY bucket", (set_no,)
        ).fetchall()
        known: dict[int, Bucket | None] = {}
        for bucket, hash_, items in rows:
            known[bucket] = None if hash_ is None else Bucket(hash_, items)
            if hash_ is None and self._saving:
                self._marked.add((set_no, bucket))
        return known

    def _items_of(self, set_no: int, stale: Sequence[int]) -> Iterator[tuple[int, list[Item]]]:
        if len(stale) < SCAN_FROM:
            for bucket in stale:
                low, high = bucket << 4, bucket + 1 << 4
                ends = high.to_bytes(2, "big") if bucket + 1 < BUCKETS else b"\xff" * 33
                yield bucket, self._select(_RANGE, (set_no, low.to_bytes(2, "big"), ends))
            return
        wanted = set(stale)
        for bucket, items in groupby(
            self._select("l.set_no = ?", (set_no,)), key=lambda item: bucket_of(item.log)
        ):
            if bucket in wanted:
                yield bucket, list(items)

    @guarded
    def _select(self, where: str, values: tuple[bytes | int, ...]) -> list[Item]:
        rows = self._conn.execute(
            "SELECT l.id, CASE WHEN l.class = 0 THEN NULL ELSE l.fork_seq END, h.seq, h.id,"
            " CASE WHEN l.class = 0 THEN NULL ELSE p.held END, p.seq, p.id"
            " FROM logs l JOIN heads h ON h.log = l.no LEFT JOIN pins p ON p.log = l.no"
            f" WHERE {where} ORDER BY l.id, h.seq, h.id",
            values,
        ).fetchall()
        found: list[Item] = []
        for log, fork, seq, id_, held, pin_seq, pin_id in rows:
            if fork is None and held is None:
                found.append(Item(ItemKind.TIP, log, seq, id_))
            elif found and found[-1].log == log:
                continue
            elif held is not None:
                found.append(Item(ItemKind.TIP if held else ItemKind.PENDING, log, pin_seq, pin_id))
            else:
                # Nodes that hold different branches of a forked log hold the same item.
                found.append(Item(ItemKind.FORK, log, fork, ZERO_ID))
        return found


def bucket_of(log: LogId) -> int:
    """Return a log id's first 12 bits."""
    return log[0] << 4 | log[1] >> 4
