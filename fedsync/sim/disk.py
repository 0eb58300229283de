"""What a simulated node has on its disk, and what of it a power failure leaves.

What is written may be lost until it is synced; what is synced stays. A node that answers before it has synced is
found out when the power fails.
"""

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from fedsync.gossip.events import Peer
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.relayquota import Pair
from fedsync.intake import Kept as Spent
from fedsync.records.ids import Extent, PageId, Scope


@dataclass(frozen=True, slots=True)
class Kept:
    """A block on the disk; `wall` is what the clock showed when it was taken, `own` whether it was written here."""

    raw: bytes
    wall: int
    own: bool


@dataclass(frozen=True, slots=True)
class Bound:
    """A body that is followed."""

    scope: Scope
    body: PageId
    extent: Extent = Extent.ALL


Entry: TypeAlias = Kept | Bound


@dataclass
class Disk:
    """What outlives a crash, in the order in which it was written."""

    journal: bytes
    entries: list[Entry] = field(default_factory=list)
    remembered: dict[Peer, PeerMemory] = field(default_factory=dict)
    scores: bytes = b""
    """What was thought of peers when that was saved last."""
    views: bytes = b""
    """What the overlay kept for the next start then."""
    spent: dict[bytes, Spent] = field(default_factory=dict)
    """What each author and body had brought in when that was kept last."""
    carried: dict[tuple[int, Pair], int] = field(default_factory=dict)
    """What this node carried between two on a day, counted ahead; safe at once, as a relay waits for that."""
    synced: int = 0
    """So many of the entries are safe."""
    _before: dict[Peer, PeerMemory | None] = field(default_factory=dict)
    """What was remembered of a peer, where that was written anew since the last sync."""

    def write(self, entry: Entry) -> None:
        """Write an entry. It is not safe yet."""
        self.entries.append(entry)

    def remember(self, peer: Peer, memory: PeerMemory) -> None:
        """Write what is remembered of a peer, in place of what was. It is not safe yet."""
        self._before.setdefault(peer, self.remembered.get(peer))
        self.remembered[peer] = memory

    def sync(self) -> None:
        """Wait until all that was written is safe."""
        self.synced = len(self.entries)
        self._before.clear()

    def fail(self) -> None:
        """Lose what is not safe, as when the power fails."""
        del self.entries[self.synced :]
        for peer, memory in self._before.items():
            if memory is None:
                del self.remembered[peer]
            else:
                self.remembered[peer] = memory
        self._before.clear()

    def copied(self) -> "Disk":
        """Return a copy: a backup, or what is made of one. All of it is safe."""
        return replace(
            self,
            entries=list(self.entries),
            remembered=dict(self.remembered),
            spent=dict(self.spent),
            carried=dict(self.carried),
            synced=len(self.entries),
            _before={},
        )
