"""The set of tips as a canonical hash trie: two nodes with equal sets have equal roots, whatever came when. Pure.

The key of an item is its log's id, 64 nibbles; a prefix is written as that many hex digits.

    item  = kind 1 | log 32 | seq 8 big-endian | id 32
    leaf  = SHA-256(0x00 | items sorted)     where a prefix holds 4 items or fewer, or only one log
    inner = SHA-256(0x01 | 16 child hashes)
    empty = 32 zero bytes

Why not a sum of hashes: an author who owns 1,024 logs forges a sum mod 2^256 in 2^33 steps, and can hide
another's recall. The hashes at depth 3 come from the store; what lies below is rebuilt when asked for, since
what is cached there goes stale.
"""

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256

from fedsync.gossip.holdings import Bucket, Holdings, Item, SetKey
from fedsync.gossip.limits import BUCKET_DEPTH, LEAF_ITEMS
from fedsync.records.ids import LogId

EMPTY = bytes(32)
HEX = "0123456789abcdef"


def item_bytes(item: Item) -> bytes:
    """Return the 73 bytes of an item."""
    kind, log, seq, id_ = item
    return bytes((kind,)) + log + seq.to_bytes(8, "big") + id_


def is_leaf(items: Sequence[Item]) -> bool:
    """Say whether these items of a prefix are hashed as one."""
    return len(items) <= LEAF_ITEMS or all(each[1] == items[0][1] for each in items)


def node_hash(items: Sequence[Item], depth: int) -> bytes:
    """Return the hash of the node at `depth` nibbles that holds exactly these items."""
    if not items:
        return EMPTY
    if len(items) == 1:
        return sha256(b"\0" + item_bytes(items[0])).digest()
    if is_leaf(items):
        return sha256(b"\0" + b"".join(sorted(map(item_bytes, items)))).digest()
    return sha256(b"\1" + b"".join([node_hash(part, depth + 1) for part in split(items, depth)])).digest()


def split(items: Iterable[Item], depth: int) -> list[list[Item]]:
    """Return the items of each of the 16 children of the node at `depth`."""
    parts: list[list[Item]] = [[] for _ in range(16)]
    at, low = divmod(depth, 2)
    for item in items:
        byte = item[1][at]
        parts[byte & 15 if low else byte >> 4].append(item)
    return parts


def bounds(prefix: str) -> tuple[bytes, bytes | None]:
    """Return the lowest log id under a prefix, and the lowest above it, None when there is none."""
    low = bytes.fromhex(prefix.ljust(64, "0"))
    beyond = int(prefix, 16) + 1 if prefix else 1
    if beyond == 16 ** len(prefix):
        return low, None
    return low, bytes.fromhex(f"{beyond:0{len(prefix)}x}".ljust(64, "0"))


class Tree:
    """One set at one moment. `without` leaves out the items of some logs, as if they were not held."""

    def __init__(self, holdings: Holdings, key: SetKey, without: Collection[LogId] = ()) -> None:
        self._holdings, self._key, self._without = holdings, key, frozenset(without)
        self._items: dict[str, list[Item]] = {}
        self._hashes: dict[str, bytes] = {}
        self._buckets: dict[int, Bucket] = dict(holdings.buckets(key))
        for index in {int.from_bytes(log[:2], "big") >> 4 for log in self._without} & self._buckets.keys():
            left = self.items(f"{index:03x}")
            del self._buckets[index]
            if left:
                self._buckets[index] = (node_hash(left, BUCKET_DEPTH), len(left))
        self._counts = [{f"{index:03x}": count for index, (_, count) in self._buckets.items()}]
        for _ in range(BUCKET_DEPTH):
            above: dict[str, int] = {}
            for prefix, count in self._counts[0].items():
                above[prefix[:-1]] = above.get(prefix[:-1], 0) + count
            self._counts.insert(0, above)

    def items(self, prefix: str) -> list[Item]:
        """Return the items under a prefix."""
        found = self._items.get(prefix)
        if found is None:
            parent = self._items.get(prefix[:-1]) if prefix else None
            if parent is not None:
                found = [item for item in parent if item[1].hex().startswith(prefix)]
            else:
                without = self._without
                items = self._holdings.items(self._key, *bounds(prefix))
                found = [item for item in items if item[1] not in without] if without else list(items)
            self._items[prefix] = found
        return found

    def count(self, prefix: str) -> int:
        """Return how many items lie under a prefix."""
        if len(prefix) <= BUCKET_DEPTH:
            return self._counts[len(prefix)].get(prefix, 0)
        return len(self.items(prefix))

    def leaf(self, prefix: str) -> bool:
        """Say whether the node at a prefix is a leaf (an empty one is)."""
        if self.count(prefix) <= LEAF_ITEMS:
            return True
        if len(prefix) < BUCKET_DEPTH:
            # One log lies in one bucket: with two of them there are two logs.
            below = [prefix + digit for digit in HEX if prefix + digit in self._counts[len(prefix) + 1]]
            return len(below) == 1 and self.leaf(below[0])
        return is_leaf(self.items(prefix))

    def hash(self, prefix: str = "") -> bytes:
        """Return the hash of the node at a prefix; that of the empty prefix is the set's root."""
        found = self._hashes.get(prefix)
        if found is None:
            found = self._hashes[prefix] = self._hash(prefix)
        return found

    def children(self, prefix: str) -> list[bytes]:
        """Return the hashes of the 16 nodes below a prefix, also where the node itself is a leaf."""
        return [self.hash(prefix + digit) for digit in HEX]

    def _hash(self, prefix: str) -> bytes:
        depth = len(prefix)
        if not self.count(prefix):
            return EMPTY
        if depth == BUCKET_DEPTH:
            return self._buckets[int(prefix, 16)][0]
        if depth > BUCKET_DEPTH or self.leaf(prefix):
            return node_hash(self.items(prefix), depth)
        return sha256(b"\1" + b"".join(self.children(prefix))).digest()


def part(key: SetKey, root: bytes) -> bytes:
    """Return what a set that is not empty adds to the root of roots."""
    return key[0] + bytes((key[1], key[2])) + root


def root_of_roots(roots: Iterable[tuple[SetKey, bytes]], follows: bytes = b"") -> bytes:
    """Return 16 bytes that are equal when the sets are. `roots` ordered, empty sets left out.

    `follows` says what both sides follow: who is mistaken there would leave out a set, and find all else equal. Sets
    are hashed by the first byte of their scope, so that a change among a thousand bodies costs a 256th of them.
    """
    groups: dict[int, list[bytes]] = {}
    for key, root in roots:
        groups.setdefault(key[0][0], []).append(part(key, root))
    return top([group_hash(each) for each in groups.values()], follows)


def group_hash(parts: Iterable[bytes]) -> bytes:
    """Return the hash over the sets whose scopes begin with the same byte. Ordered, empty ones left out."""
    return sha256(b"".join(parts)).digest()


def top(groups: Iterable[bytes], follows: bytes) -> bytes:
    """Return the 16 bytes over the hashes of all groups that are not empty, ordered by their byte."""
    return sha256(b"fedsync/1/sets\0" + follows + sha256(b"".join(groups)).digest()).digest()[:16]
