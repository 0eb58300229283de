"""Nodes that exchange files: what each holds, and what of it went where."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from fedsync.bundling import Came, Gap, Request, Taking, batches, chunks, export, lacking
from fedsync.bundling.seen import hash_of
from fedsync.crdt.root import state_root
from fedsync.crdt.view import Draft
from fedsync.node import Node
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Key, LogId, Reach
from fedsync.store.holdings import StoreHoldings
from fedsync.store.peers import Peer
from tests.nodes import NOON, Scribe, follow, node

TELLERS = ("Ama", "Ben", "Cy")


class At:
    """A node, and its key."""

    def __init__(self, node: Node, name: str) -> None:
        self.node, self.private = node, private_key(sha256(name.encode()).digest())
        self.key = public_key(self.private)
        self.made = 0
        """Its clock goes on by this: with each bundle that it makes, or takes in."""
        node.now = lambda: NOON + self.made

    def meets(self, *others: "At") -> None:
        with self.node.store.transaction() as store:
            for other in others:
                store.peers.put(Peer(other.key, other.key.hex()[:8]))

    def files(self, *readers: Key, **fields: object) -> list[bytes]:
        """Return the files of a bundle that was left for these."""
        self.made += 1
        request = Request(readers, **fields)  # type: ignore[arg-type]
        store = self.node.store
        found: list[bytes] = []
        out = export(store, self.node.state, self.private, self.key, request, NOON + self.made)
        for part, data in out:
            if part == len(found):
                found.append(b"")
            found[part] += data
        with store.transaction():
            for left in out.left("blue", NOON + self.made):
                store.carried.leave(left)
        return found

    def file(self, *readers: Key, **fields: object) -> bytes:
        (found,) = self.files(*readers, **fields)
        return found

    def take(self, *files: bytes) -> Came:
        self.made += 1
        taking = Taking(self.node, self.key)
        for file in files:
            taking.begin()
            for batch in batches(chunks([file])):
                taking.take(batch)
            taking.end()
        return taking.came

    def lacks(self) -> dict[LogId, tuple[tuple[int, int], ...]]:
        """Return which places of which logs are missing."""
        return {each.log: each.places for each in lacking(self.node.store)}

    def gaps(self) -> list[Gap]:
        return lacking(self.node.store)

    def ends(self) -> dict[LogId, int]:
        """Return the last place held of each log that is not local."""
        holdings = StoreHoldings(self.node.store, hash_of)
        items = [
            item
            for key in holdings.sets()
            if key[1] is not Reach.LOCAL
            for item in holdings.items(key, b"", None)
        ]
        return {log: seq for _, log, seq, _ in items}


@contextmanager
def two() -> Iterator[tuple[At, At, Scribe]]:
    """Give two nodes that know each other; at the first one a community writes, and the other follows it."""
    with node() as one, node(incarnation=b"j" * 16) as other:
        north, south = At(one, "north"), At(other, "south")
        north.meets(south)
        south.meets(north)
        scribe = Scribe(one, "Mill Lane", *TELLERS)
        follow(other, scribe)
        yield north, south, scribe


def root(at: At) -> bytes:
    return state_root(Draft(at.node.state))


def roots(at: At) -> list[tuple[object, object]]:
    holdings = StoreHoldings(at.node.store, hash_of)
    return [(key, holdings.buckets(key)) for key in holdings.sets() if key[1] is not Reach.LOCAL]
