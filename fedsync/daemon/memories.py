"""What sessions leave behind of each peer: read from the store when one begins again, written with the next commit."""

from collections.abc import Callable, Iterator
from functools import partial

import trio

from fedsync.gossip.events import Peer
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.store.places import Place
from fedsync.store.store import Store

REMEMBER_S = 5.0
"""Between two commits for what is remembered of one peer alone: losing so much of it costs some bytes when it comes again."""


class Memories:
    """Of all peers. `wake`: have a commit made within so many seconds."""

    def __init__(self, store: Store, wake: Callable[[float], None]) -> None:
        self._store, self._wake = store, wake
        self._memories: dict[Peer, PeerMemory] = {}
        self._saved: dict[str, bytes] = {}
        """What is kept of peers, by name."""
        self._unsaved: set[Peer] = set()
        self._saved_at: dict[Peer, float] = {}

    def get(self, peer: Peer) -> PeerMemory | None:
        """Return what is remembered of a peer; None when there is nothing that counts here."""
        if self._store.directory.place is not Place.SAME:
            # What a copied or restored directory remembers was another life's. And only what is learnt anew
            # shows that it has pulled what peers hold of its own logs.
            return None
        if peer not in self._memories:
            kept = PeerMemory.kept(self._store.meta.data, peer)
            if kept is None:
                return None
            self._memories[peer] = kept
            self._saved |= kept.rows(peer)
        return self._memories[peer]

    def remember(self, peer: Peer, memory: PeerMemory) -> None:
        """Keep this of a peer before long."""
        self._memories[peer] = memory
        self._unsaved.add(peer)
        # A peer may say with each BEAT that it has moved: that must not cost a commit each time.
        self._wake(self._saved_at.get(peer, float("-inf")) + REMEMBER_S - trio.current_time())

    def unsaved(self) -> Iterator[Callable[[], None]]:
        """Yield what is to be written with the next commit."""
        for peer in self._unsaved:
            memory = self._memories[peer]
            self._saved_at[peer] = trio.current_time()
            for name, data in memory.rows(peer).items():
                # Thousands of bodies hardly ever change, and what is seen of a peer all the time.
                if self._saved.get(name) != data:
                    self._saved[name] = data
                    yield partial(self._store.meta.set, name, data)
            if not memory.doubt:
                yield self._store.directory.note_synced
        self._unsaved.clear()
