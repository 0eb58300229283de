"""What gossip reads of this store: sets, tips, and the blocks of a chain.

Touches nothing itself. Has the methods that the machines of gossip ask for, without knowing that room. What it
shows must be committed: a byte must not leave before what it says is durable, so over the store that writes it
refuses to be asked while a transaction is open. Over a reader of the same file it may be asked at any time, also
while another thread commits.
"""

from collections.abc import Sequence
from typing import NamedTuple

from fedsync.records.ids import Extent, LogClass, LogId, Reach, RecordId, Scope
from fedsync.store import chains
from fedsync.store.buckets import Bucket, HashOf
from fedsync.store.model import Item, SetId
from fedsync.store.store import Store

Tip = tuple[int, RecordId]
SetKey = tuple[Scope, Reach, LogClass]

FOLLOWED_AT = "followed_at"
"""In `meta`: the journal's counter when the bodies that are followed changed last."""


class HeldLog(NamedTuple):
    """What is held of one log."""

    set: SetKey
    heads: Sequence[Tip]
    """The last signed record of each branch, the longest first."""
    fork: int | None
    pin: Tip | None
    urgent: int | None
    """Up to this seq it goes before all else."""
    created: int


class StoreHoldings:
    """A store, as gossip sees it. `hash_of` gives the canonical hash of a bucket's items."""

    def __init__(self, store: Store, hash_of: HashOf) -> None:
        self._store, self._hash_of = store, hash_of

    def journal(self) -> tuple[bytes, int]:
        """Return the journal's id and its counter."""
        journal = self._shown().journal
        return journal.id, journal.counter

    def bodies(self) -> Sequence[tuple[Scope, bytes, Extent]]:
        """Return the (scope, body id, extent) of each body that is followed, by scope."""
        return self._shown().followed.extents()

    def followed_at(self) -> int:
        """Return the journal's counter when `bodies` changed last."""
        return self._shown().meta.number(FOLLOWED_AT)

    def sets(self) -> Sequence[SetKey]:
        """Return the sets of which some log is held."""
        return self._shown().buckets.sets()

    def buckets(self, key: SetKey) -> dict[int, Bucket]:
        """Return the buckets of a set that are not empty, by number: hash and count of items."""
        return self._shown().buckets.buckets(SetId(*key), self._hash_of)

    def count(self, key: SetKey) -> int:
        """Return how many items a set has."""
        return sum(count for _, count in self.buckets(key).values())

    def items(self, key: SetKey, low: bytes, high: bytes | None) -> Sequence[Item]:
        """Return the items of a set whose log is from `low` to below `high` (None: to the end), sorted."""
        return self._shown().buckets.items(SetId(*key), low, high)

    def log(self, log: LogId) -> HeldLog | None:
        """Return what is held of a log, None when nothing is."""
        logs = self._shown().logs
        row = logs.row(log)
        if row is None:
            return None
        heads = [(each.seq, each.id) for each in logs.heads(log)]
        genesis = row.genesis
        key = (genesis.scope, genesis.reach, genesis.log_class)
        fork, urgent, created = logs.marks(log)
        return HeldLog(key, heads, fork, logs.pinned(log), urgent, created)

    def urgent(self, log: LogId) -> int | None:
        """Return the seq up to which a log goes before all else."""
        logs = self._shown().logs
        row = logs.row(log)
        # Only of books anything is urgent, and this is asked of each log that is listed.
        return None if row is None or row.genesis.log_class is not LogClass.AUTHORITY else logs.marks(log)[1]

    def named(self, prefix: bytes) -> LogId | None:
        """Return the one log whose id begins with these bytes; None when there is none, or more than one."""
        found = self._shown().logs.starting(prefix)
        return found[0] if len(found) == 1 else None

    def changed(self, key: SetKey, since: int) -> Sequence[LogId]:
        """Return the logs of a set whose items changed after the journal's counter was `since`."""
        items = self._shown().buckets.changed(SetId(*key), since)
        return list(dict.fromkeys(item.log for item in items))

    def moved(self, since: int) -> Sequence[SetKey]:
        """Return the sets of which an item changed after the journal's counter was `since`."""
        return self._shown().buckets.moved(since)

    def fresh(self, log: LogId, since: int, limit: int) -> Sequence[bytes]:
        """Return blocks of a log stored after the counter was `since`, oldest first, of at most `limit` bytes."""
        store = self._shown()
        row = store.logs.row(log)
        forked = store.logs.fork_at(log) is not None
        return [] if row is None else store.blocks.fresh(row.no, since, limit, forked)

    def id_at(self, log: LogId, head: Tip, seq: int) -> RecordId | None:
        """Return the id of the record at `seq` on the chain that ends in `head`, None when it has none."""
        store = self._shown()
        row = store.logs.row(log)
        if row is None:
            return None
        return chains.id_at(store.blocks, row.no, head, seq, store.logs.fork_at(log))

    def blocks(
        self, log: LogId, base: Tip | None, head: Tip, limit: int
    ) -> Sequence[tuple[bytes, Tip]] | None:
        """Return the next blocks on the chain that ends in `head`, each with its last record.

        `base` is the last record that the asker holds, None for nothing: the first block follows exactly it
        (a stored block that straddles it is cut). At least one block, then up to `limit` bytes; [] when `base`
        is `head`; None when `base` is not on that chain.
        """
        store = self._shown()
        row = store.logs.row(log)
        if row is None:
            return None
        fork = store.logs.fork_at(log)
        if chains.containing(store.blocks, row.no, head) is None:
            return None
        if base is not None and chains.id_at(store.blocks, row.no, head, base[0], fork) != base[1]:
            return None
        found: list[tuple[bytes, Tip]] = []
        start = 0 if base is None else base[0] + 1
        # What carries authority is served as it was signed, record by record: each stands for itself.
        join = row.genesis.log_class is not LogClass.AUTHORITY
        for raw, last in chains.parts(store.blocks, row.no, start, head, fork, join):
            limit -= len(raw)
            if found and limit < 0:
                break
            found.append((raw, last))
        return found

    def _shown(self) -> Store:
        if self._store.writable and self._store.in_transaction:
            raise RuntimeError("gossip may only see what is committed")
        return self._store
