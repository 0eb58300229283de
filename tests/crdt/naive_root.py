"""The naive twin of the state root: every rooted row at once, from nothing."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgpack

from fedsync.crdt import fold
from fedsync.crdt.view import MemoryView


def rooted_rows(view: MemoryView) -> list[tuple[str, tuple[Any, ...], tuple[Any, ...]]]:
    """Return each row that the root stands over: table, key, cells."""
    rows = [(table.name, *found) for table in fold.TABLES if table.rooted for found in view.scan(table)]
    # A founding tag alone: what is kept local has more behind it.
    return [each for each in rows if len(each[1][0]) == 16]  # type: ignore[arg-type]


def state_root_of(rows: Iterable[tuple[str, tuple[Any, ...], tuple[Any, ...]]]) -> bytes:
    """Return the root over these rows."""
    bodies: dict[bytes, dict[int, dict[bytes, bytes]]] = {}
    for name, key, cells in rows:
        leaf = sha256(_pack([name, *key])).digest()
        bucket = int(leaf.hex()[:3], 16)
        numbers = [int(each) if each is True or each is False else each for each in (*key, *cells)]
        bodies.setdefault(key[0], {}).setdefault(bucket, {})[leaf] = sha256(
            b"\0" + _pack([name, *numbers])
        ).digest()
    whole = b""
    for scope, buckets in sorted(bodies.items()):
        body = b""
        for bucket, leaves in sorted(buckets.items()):
            hashes = b"".join(leaves[leaf] for leaf in sorted(leaves))
            body += bucket.to_bytes(2, "big") + sha256(b"\1" + hashes).digest()
        whole += scope + sha256(b"\2" + body).digest()
    return sha256(b"\3" + whole).digest() if whole else bytes(32)


def _pack(value: list[Any]) -> bytes:
    packed: bytes = msgpack.packb(value)
    return packed
