"""Bundles between nodes: out of one store and through the door of another."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from fedsync.bundling import Request, export, hash_of, take
from fedsync.crdt.root import state_root
from fedsync.crdt.view import Draft
from fedsync.node import Node
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Key, LogClass, Reach
from fedsync.store.holdings import StoreHoldings
from fedsync.store.peers import Peer
from tests.nodes import NOON, Scribe, follow, node

TELLERS = ("Ama", "Ben", "Cy")


class At:
    """A node, and its key."""

    def __init__(self, node: Node, name: str) -> None:
        self.node, self.private = node, private_key(sha256(name.encode()).digest())
        self.key = public_key(self.private)

    def meets(self, *others: "At") -> None:
        with self.node.store.transaction() as store:
            for other in others:
                store.peers.put(Peer(other.key, other.key.hex()[:8]))

    def files(self, *readers: Key, **fields: object) -> list[bytes]:
        request = Request(readers, **fields)  # type: ignore[arg-type]
        store = self.node.store
        found: list[bytes] = []
        for part, data in export(store, self.node.state, self.private, self.key, request, NOON):
            if part == len(found):
                found.append(b"")
            found[part] += data
        return found


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


def test_a_community_goes_in_a_file_to_another_node() -> None:
    with two() as (north, south, scribe):
        scribe.seat("Dee", *TELLERS)
        scribe.move("Ama", 5, 7)
        (file,) = north.files(south.key)
        came = take(south.node, [file])
        assert roots(north) == roots(south)
        assert root(north) == root(south)
        assert came.records == sum(block.count for block in scribe.blocks)
        assert not came.refused
        assert not came.bad


def test_the_same_file_again_brings_nothing() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        (file,) = north.files(south.key)
        take(south.node, [file])
        assert take(south.node, [file]).records == 0


def test_only_the_classes_that_were_asked_for_are_in_it() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        (file,) = north.files(south.key, classes=frozenset({LogClass.AUTHORITY}))
        take(south.node, [file])
        assert {key[2] for key in StoreHoldings(south.node.store, hash_of).sets()} == {LogClass.AUTHORITY}


def test_what_is_local_is_in_no_file() -> None:
    with two() as (north, south, scribe):
        scribe.write("Ama", LogClass.FACTS, *scribe.moves(3), reach=Reach.LOCAL)
        (file,) = north.files(south.key)
        take(south.node, [file])
        assert all(key[1] is not Reach.LOCAL for key in StoreHoldings(south.node.store, hash_of).sets())


def test_what_stays_within_a_region_is_in_no_file_for_whoever_is_of_another() -> None:
    with two() as (north, south, scribe):
        scribe.write("Ama", LogClass.FACTS, *scribe.moves(3), reach=Reach.REGION)
        stranger = Key(b"s" * 32)
        for readers in ((stranger,), (), (south.key, stranger)):
            (file,) = north.files(*readers)
            with node() as other:
                follow(other, scribe)
                take(other, [file])
                assert {key[1] for key in StoreHoldings(other.store, hash_of).sets()} == {Reach.WORLD}
        take(south.node, north.files(south.key))
        assert roots(north) == roots(south)


def test_bodies_that_are_not_followed_are_refused_and_counted() -> None:
    with two() as (north, south, scribe):
        other = Scribe(north.node, "Far Away", "Xi", "Yo")
        (file,) = north.files(south.key)
        came = take(south.node, [file])
        assert set(came.refused) == {"not-followed"}
        assert south.node.store.followed.get(other.scope) is None
        assert came.records == sum(block.count for block in scribe.blocks)
