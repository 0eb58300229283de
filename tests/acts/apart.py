"""A world of regions whose nodes hold what theirs asks for: their own region whole, of the other its book alone.

`Harbour` holds everything: what it comes to is what the others must come to.
"""

from pathlib import Path

from fedsync.crdt.books.booktables import TABLES
from fedsync.keyring import load_node_key
from fedsync.node import Node
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Extent, Scope
from tests.acts.test_world import REGIONS, World

ASKED = {"Oakfield": ("Hill Farm",)}
"""Whoever founds the world asks for the books of the communities whose nodes shall seal for it."""


def extent_of(at: str, body: str) -> Extent | None:
    """Return how much of a body the node of a community follows."""
    if at in ("Harbour", body) or body == "World":
        return Extent.ALL
    near = next(names for names in REGIONS.values() if at in names)
    if body in near or REGIONS.get(body) == near:
        return Extent.ALL
    return Extent.BOOK if body in REGIONS or body in ASKED.get(at, ()) else None


class Apart(World):
    """Two regions of two communities each, and a world of them; no node but one holds both regions whole."""

    def __init__(self, path: Path) -> None:
        self.names: dict[Scope, str] = {}
        super().__init__(path)

    def _give(self, one: str, other: str, giver: Node, taker: Node) -> bool:
        """Let `taker` take what both follow, as gossip would."""
        origin = public_key(load_node_key(self.homes[one]))
        new = False
        for body in giver.store.followed.all():
            if body.name is not None:
                self.names[body.scope] = body.name
            extent = extent_of(other, self.names[body.scope])
            if taker.store.followed.get(body.scope) is None and extent is not None:
                taker.begin()
                new |= taker.follow(body.scope, body.body, body.name, "announced", origin, extent)
                taker.settle()
                taker.commit()
        before, followed = taker.store.logs.count(), len(taker.store.followed.all())
        upto, then = self.given.get((one, other), (0, 0))
        blocks = list(giver.store.since(upto if followed == then else 0))
        both = {
            each.scope: min(each.extent, other_.extent)
            for each in giver.store.followed.all()
            if (other_ := taker.store.followed.get(each.scope)) is not None
        }
        shared = [
            block.raw
            for _, block in blocks
            if block.genesis.scope in both
            and both[block.genesis.scope].covers(block.genesis.reach, block.genesis.log_class)
        ]
        if shared:
            taker.take_now(shared, origin)
        self.given[one, other] = (max([upto, *(number for number, _ in blocks)]), followed)
        return new or taker.store.logs.count() > before

    def rows(self, at: str, *bodies: str) -> dict[object, object]:
        """Return the rooted rows of bodies, as a node has them."""
        with Reading.open(self.homes[at]) as reading:
            scopes = [reading.body(name).scope for name in bodies]
            return {
                (table.name, key): row
                for table in TABLES
                if table.rooted
                for scope in scopes
                for key, row in reading.view.scan(table, (scope,))
            }
