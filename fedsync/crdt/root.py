"""The state root: 32 bytes that two nodes compare to know that they show the same state. Touches a draft only.

It stands over every row of the rooted tables, body by body: what is not local and not disputed. A fold never
computes it. `note` marks what a batch changed, and whoever asks pays for what was marked since the last asking: a
row's hash stands in one of 4,096 buckets of its body, so a change rehashes a bucket, not the state.
"""

from collections.abc import Collection, Iterator
from hashlib import sha256

from fedsync.crdt.realms import is_local
from fedsync.crdt.statetables import STATE_TABLES
from fedsync.crdt.view import Draft, KeyRow, Row, Table
from fedsync.records.codec import Value, pack, unpack
from fedsync.records.ids import Scope

DIRTY = Table("root_dirty", ("scope", "table", "key"), ())
LEAVES = Table("root_leaf", ("scope", "bucket", "leaf"), ("hash",))
BUCKETS = Table("root_bucket", ("scope", "bucket"), ("hash",))
BODIES = Table("root_body", ("scope",), ("hash",))
ROOT_TABLES = (DIRTY, LEAVES, BUCKETS, BODIES)

EMPTY = bytes(32)
"""The root of a node that knows nothing."""

_LEAF, _BUCKET, _BODY, _STATE = b"\0", b"\1", b"\2", b"\3"

_ROOTED = {each.name: each for each in STATE_TABLES if each.rooted}
"""Each has the founding tag of its body, or a realm of it, first in its key."""


def note(draft: Draft) -> None:
    """Mark what a batch changed and the root stands over. Call it once, when the batch is folded."""
    for table, key in list(draft.changes):
        if table.rooted and not is_local(key[0]):  # type: ignore[arg-type]
            draft.put(DIRTY, (key[0], table.name, pack(list(key))), ())


def state_root(draft: Draft, scopes: Collection[Scope] | None = None) -> bytes:
    """Return the root over the bodies with these founding tags, all that there are when None.

    It counts what `note` has marked, and leaves in the draft what it had to compute.
    """
    _update(draft)
    parts = b"".join(
        key[0] + row[0]  # type: ignore[operator, misc]
        for key, row in draft.scan(BODIES)
        if scopes is None or key[0] in scopes
    )
    return sha256(_STATE + parts).digest() if parts else EMPTY


def body_root(draft: Draft, scope: Scope) -> bytes:
    """Return the root over what is known of one body."""
    _update(draft)
    row = draft.get(BODIES, (scope,))
    return row[0] if row else EMPTY  # type: ignore[return-value]


def leaf_of(table: Table, key: KeyRow) -> bytes:
    """Return the name under which a row stands in the tree; its first 12 bits are its bucket."""
    return sha256(pack([table.name, *key])).digest()


def hash_of(table: Table, key: KeyRow, row: Row) -> bytes:
    """Return the hash of a row."""
    # A file gives back 1 for True, so both hash as the number.
    cells: list[Value] = [int(each) if isinstance(each, bool) else each for each in (*key, *row)]
    return sha256(_LEAF + pack([table.name, *cells])).digest()


def bucket_hash(leaves: Iterator[bytes]) -> bytes:
    """Return the hash of a bucket, from the hashes of its rows in the order of their names."""
    return sha256(_BUCKET + b"".join(leaves)).digest()


def body_hash(buckets: Iterator[tuple[int, bytes]]) -> bytes:
    """Return the hash of a body, from its buckets that hold something, in order."""
    return sha256(_BODY + b"".join(number.to_bytes(2, "big") + each for number, each in buckets)).digest()


def _update(draft: Draft) -> None:
    touched: dict[Scope, set[int]] = {}
    for dirty, _ in list(draft.scan(DIRTY)):
        scope, name, packed = dirty
        table, key = _ROOTED[name], tuple(unpack(packed))  # type: ignore[index, arg-type]
        leaf, row = leaf_of(table, key), draft.get(table, key)  # type: ignore[arg-type]
        bucket = int.from_bytes(leaf[:2], "big") >> 4
        if row is None:
            draft.drop(LEAVES, (scope, bucket, leaf))
        else:
            draft.put(LEAVES, (scope, bucket, leaf), (hash_of(table, key, row),))  # type: ignore[arg-type]
        draft.drop(DIRTY, dirty)
        touched.setdefault(scope, set()).add(bucket)  # type: ignore[arg-type]
    for scope, buckets in touched.items():
        for bucket in buckets:
            _hash_bucket(draft, scope, bucket)
        _hash_body(draft, scope)


def _hash_bucket(draft: Draft, scope: Scope, bucket: int) -> None:
    leaves: list[bytes] = [row[0] for _, row in draft.scan(LEAVES, (scope, bucket))]  # type: ignore[misc]
    if leaves:
        draft.put(BUCKETS, (scope, bucket), (bucket_hash(iter(leaves)),))
    else:
        draft.drop(BUCKETS, (scope, bucket))


def _hash_body(draft: Draft, scope: Scope) -> None:
    buckets: list[tuple[int, bytes]] = [(key[1], row[0]) for key, row in draft.scan(BUCKETS, (scope,))]  # type: ignore[misc]
    if buckets:
        draft.put(BODIES, (scope,), (body_hash(iter(buckets)),))
    else:
        draft.drop(BODIES, (scope,))
