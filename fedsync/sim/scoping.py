"""What a simulated node keeps of others where a scenario says `scopes`, and who gets what stays within a region.

Its operator asks for the books that it takes to found a region; the rest follows from them, as in a daemon. What peers
announce beside that is left alone.
"""

from collections.abc import Iterable, Iterator, Mapping

from fedsync.crdt.books.booktables import page_row
from fedsync.crdt.books.kin import Circles, circulation, has_region, kin
from fedsync.crdt.view import MemoryView
from fedsync.gossip.events import Peer
from fedsync.gossip.following import Following
from fedsync.records.ids import Extent, Key, PageId, Scope


class Scoping:
    """One node's. `keys`: the key of each peer, as books name it."""

    def __init__(self, own: Scope, body: PageId, keys: Mapping[Peer, Key]) -> None:
        self._own, self._body, self._keys = own, body, keys
        self._circles = Circles()
        self._near: dict[Peer, frozenset[Scope]] = {}
        """Of which bodies each peer was last let have all."""

    def kin(self, view: MemoryView) -> dict[PageId, Extent]:
        """Return what our own book makes kin; before it has joined anything, our own body alone."""
        if not has_region(view, self._body, self._circles):
            return {self._body: Extent.ALL}
        return kin(view, self._body, self._circles)

    def lacking(
        self, view: MemoryView, bodies: Iterable[tuple[Scope, bytes, Extent]], heard: Iterable[Following]
    ) -> Iterator[tuple[Scope, PageId, Extent]]:
        """Yield the kin of which so much is not followed, where its founding tag is known."""
        held = {body: extent for _, body, extent in bodies}
        wanted = {body: extent for body, extent in self.kin(view).items() if held.get(body, 0) < extent}
        if not wanted:
            return
        tags = {body: page.scope for body in wanted if (page := page_row(view, body)) is not None}
        for following in heard:
            for row in following.rows:
                if row.body in wanted:
                    tags.setdefault(PageId(row.body), row.scope)
        for body, extent in sorted(wanted.items()):
            tag = tags.get(body)
            if tag is not None:
                yield tag, body, extent

    def near_of(self, view: MemoryView, scopes: Iterable[Scope], peer: Peer) -> frozenset[Scope]:
        """Return of which bodies a peer may have all, for a session that begins."""
        self._near[peer] = self.near(view, scopes, [peer])[peer]
        return self._near[peer]

    def entitled(
        self, view: MemoryView, scopes: Iterable[Scope], peers: Iterable[Peer]
    ) -> Iterator[tuple[Peer, frozenset[Scope]]]:
        """Yield the peers that may have all of other bodies now than before, and of which."""
        for peer, near in self.near(view, scopes, peers).items():
            if self._near.get(peer) != near:
                self._near[peer] = near
                yield peer, near

    def near(
        self, view: MemoryView, scopes: Iterable[Scope], peers: Iterable[Peer]
    ) -> dict[Peer, frozenset[Scope]]:
        """Return of which bodies each peer may have all. Whoever has a link here was invited by hand."""
        who = circulation(view, scopes, self._circles)
        return {peer: who.near(self._keys.get(peer, Key(peer)), self._own, True) for peer in peers}
