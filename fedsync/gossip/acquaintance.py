"""What we know of a peer, and it of us: journals, counters, bodies, and so what both may hold. Pure.

`remember` is called only when all that the peer had at a counter is durable here or refused.
"""

from collections.abc import Iterable
from dataclasses import replace

from fedsync.gossip.holdings import SetKey
from fedsync.gossip.messages import Bodies, Hello
from fedsync.gossip.peer_memory import PeerMemory, Refusal, digest
from fedsync.gossip.trees import Follows, Trees
from fedsync.records.ids import Reach, Scope


class Acquaintance:
    """One peer. `memory` is what is kept of it; `journal`, `counter` and `root` what its HELLO said."""

    def __init__(self, trees: Trees, memory: PeerMemory | None) -> None:
        self._trees = trees
        self.memory = memory or PeerMemory()
        self.bodies = self.memory.bodies
        """What the peer follows; None while it has not said."""
        self.my_journal, self.my_counter = trees.renew()
        self.journal = self.root = b""
        self.counter = 0
        self.since: int | None = None
        """Up to where of ours the peer has seen us, when both remember each other; else sets are compared."""
        self.rolled_back = False
        """Whether the peer remembers more of our journal than we hold."""
        self._told = self._telling = b""
        self._told_at = 0
        # What follows from what both follow is worked out when that changes; most questions come when it has not.
        self._shared: list[SetKey] = []
        self._chosen: tuple[int, Follows | None] = (-1, None)
        self._heard: Follows | None = None
        self._scopes: frozenset[Scope] = frozenset()
        self._digest = b""

    def hello(self, version: int, nonce: bytes, wall_ms: int, root: bytes) -> Hello:
        """Return our HELLO. In doubt we say that we have seen nothing."""
        memory = self.memory
        journal, counter = (b"", 0) if memory.doubt else (memory.journal, memory.counter)
        return Hello(version, self.my_journal, self.my_counter, journal, counter, nonce, wall_ms, root)

    def greet(self, hello: Hello) -> bool:
        """Take in the peer's HELLO; return whether it has to be told what we follow."""
        memory = self.memory
        self.journal, self.counter, self.root = hello.journal, hello.counter, hello.root
        knows_us = hello.seen_journal == self.my_journal
        self.rolled_back = knows_us and hello.seen_counter > self.my_counter
        known = memory.journal == hello.journal and memory.counter <= hello.counter and not memory.doubt
        if known and knows_us and not self.rolled_back:
            self.since = hello.seen_counter
        bodies = self._trees.follows
        if not knows_us or hello.seen_counter < memory.told_at or memory.told != bodies:
            return True
        self._told = self._telling = bodies
        self._told_at = memory.told_at
        return False

    # --- Bodies ---------------------------------------------------------------------------------------

    def tell(self) -> Bodies:
        """Return what we follow. It is remembered as told when roots are equal: see `agreed`."""
        self._telling = self._trees.follows
        self._told_at = self._trees.renew()[1]
        return Bodies(tuple(self._trees.bodies))

    @property
    def up_to_date(self) -> bool:
        """Whether the peer was told what we follow now."""
        return self._telling == self._trees.follows

    def agreed(self) -> None:
        """Roots are equal, so the peer knows what we follow: that is part of them. That it handled it is not enough:
        it may forget, and remembers it when it finds the same."""
        self._told = self._telling

    def hear(self, bodies: tuple[tuple[Scope, bytes], ...]) -> list[tuple[Scope, bytes]]:
        """Note what the peer follows; return what of it we do not."""
        self.bodies = bodies
        return [each for each in bodies if each[0] not in self._trees.scopes]

    def both(self, dialler: bool) -> bytes:
        """Return 16 bytes on what the dialler and the listener follow, as we know it; zeros for what we do not."""
        mine, theirs = self._trees.follows, bytes(8)
        if self.bodies is not None:
            self._hear()
            theirs = self._digest
        return mine + theirs if dialler else theirs + mine

    def may(self, key: SetKey) -> bool:
        """Say whether both may hold a set: what is local never leaves, and nobody gets what they do not follow."""
        scope, reach, _ = key
        if reach == Reach.LOCAL or scope not in self._trees.scopes:
            return False
        if self.bodies is None:
            return True
        self._hear()
        return scope in self._scopes

    def shared(self) -> list[SetKey]:
        """Return the sets that we hold something of and the peer may hold too, ordered; the same list while they are."""
        choice = self._trees.choice
        if self._chosen[0] != choice or self._chosen[1] is not self.bodies:
            self._chosen = choice, self.bodies
            self._shared = sorted(key for key in self._trees.sets if self.may(key))
        return self._shared

    def _hear(self) -> None:
        """Work out what follows from what the peer follows, if it said something else."""
        if self.bodies is not None and self.bodies is not self._heard:
            self._heard, self._digest = self.bodies, digest(self.bodies)
            self._scopes = frozenset([scope for scope, _ in self.bodies])

    # --- Memory ---------------------------------------------------------------------------------------

    def still_refused(self, wall_ms: int) -> Iterable[Refusal]:
        """Return the refusals that have not run out."""
        return [each for each in self.memory.refused if each.until == 0 or each.until > wall_ms]

    def remember(self, counter: int, refused: Iterable[Refusal], doubt: bool) -> PeerMemory | None:
        """Return what to keep, all of the peer's up to `counter` being held or refused; None: that is kept."""
        seen = self.memory.counter if self.memory.journal == self.journal else 0
        memory = PeerMemory(
            self.journal, max(counter, seen), self.bodies, self._told, self._told_at, tuple(refused), doubt
        )
        if memory == self.memory:
            return None
        self.memory = memory
        return memory

    def doubt(self) -> PeerMemory:
        """Return what to keep when sets differ and nobody knows why."""
        self.memory = replace(self.memory, doubt=True)
        return self.memory
