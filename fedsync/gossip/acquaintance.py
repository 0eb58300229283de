"""What we know of a peer, and it of us: journals, counters, bodies, and so what both may hold. Pure.

`remember` is called only when all that the peer had at a counter is durable here or refused.
"""

from collections.abc import Iterable
from functools import partial

from fedsync.gossip.following import NOTHING_HEARD, Following, Row
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.messages import Bodies, Hello
from fedsync.gossip.peer_memory import PeerMemory, Refusal
from fedsync.gossip.sharing import Shared, Sharing
from fedsync.records.dictionary import usable
from fedsync.records.ids import Scope


class Acquaintance:
    """One peer. `memory` is what is kept of it; `journal`, `counter` and `root` what its HELLO said."""

    def __init__(self, sharing: Sharing, memory: PeerMemory | None, near: frozenset[Scope] | None) -> None:
        """`near`: the bodies of which the peer gets what goes only as far as their region; None: of every one."""
        self._sharing, self._holdings, self._near = sharing, sharing.trees.holdings, near
        self.memory = memory or PeerMemory()
        self.bodies = NOTHING_HEARD if self.memory.bodies is None else Following(self.memory.bodies)
        """What the peer follows."""
        self.my_journal, self.my_counter = self._holdings.journal()
        self.journal = self.root = b""
        self.counter = 0
        self.since: int | None = None
        """Up to where of ours the peer has seen us, when both remember each other; else sets are compared."""
        self.rolled_back = False
        """Whether the peer remembers more of our journal than we hold."""
        self._greeted = False
        self._telling: Following | None = None
        self._told = b""
        self._told_at = 0
        self.changed: list[Scope] = []
        """The bodies that we follow of which the last page said something else than before."""
        self._shared: tuple[Following, Following, Shared] | None = None

    def hello(self, version: int, nonce: bytes, wall_ms: int, root: bytes) -> Hello:
        """Return our HELLO. In doubt we say that we have seen nothing."""
        memory = self.memory
        journal, counter = (b"", 0) if memory.doubt else (memory.journal, memory.counter)
        return Hello(
            version,
            self.my_journal,
            self.my_counter,
            journal,
            counter,
            nonce,
            wall_ms,
            root,
            self.mine.digest,
            usable(),
        )

    def greet(self, hello: Hello) -> bool:
        """Take in the peer's HELLO; return whether it has to be told what we follow."""
        memory = self.memory
        self.journal, self.counter, self.root = hello.journal, hello.counter, hello.root
        knows_us = hello.seen_journal == self.my_journal
        self.rolled_back = knows_us and hello.seen_counter > self.my_counter
        known = memory.journal == hello.journal and memory.counter <= hello.counter and not memory.doubt
        if known and knows_us and not self.rolled_back:
            self.since = hello.seen_counter
        mine = self.mine
        self._greeted = True
        if hello.follows == mine.digest:
            # As with most of those who share a region: then nobody need say it.
            self.bodies = self._telling = mine
            self._told_at = self.my_counter
            return False
        if not knows_us or hello.seen_counter < memory.told_at or memory.told != mine.digest:
            return True
        self._telling, self._told = mine, mine.digest
        self._told_at = memory.told_at
        return False

    # --- Bodies ---------------------------------------------------------------------------------------

    @property
    def mine(self) -> Following:
        """What we follow now, as this peer is to know it."""
        return self._sharing.mine(self._near)

    @property
    def heard(self) -> bool:
        """Whether the peer has said what it follows."""
        return self.bodies is not NOTHING_HEARD

    def near(self, near: frozenset[Scope] | None) -> None:
        """Let the peer have all of these bodies, and of no others what goes only as far as a region."""
        self._near = near

    def tell(self) -> list[Bodies]:
        """Return all that we follow. It is remembered as told when roots are equal: see `agreed`."""
        self._telling = self.mine
        self._told_at = self._holdings.journal()[1]
        return self._telling.pages()

    def tell_news(self) -> list[Bodies]:
        """Return what has changed of what we follow since it was told."""
        mine, before = self.mine, self._telling
        if before is None:
            return self.tell()
        if mine is before:
            return []
        self._telling = mine
        self._told_at = self._holdings.journal()[1]
        return mine.news(before)

    def agreed(self) -> None:
        """Roots are equal, so the peer knows what we follow: that is part of them. That it handled it is not enough:
        it may forget, and remembers it when it finds the same."""
        self._told = self._telling.digest if self._telling is not None else b""

    def hear(self, page: Bodies) -> list[Row] | None:
        """Note what the peer follows; return what of it we do not follow so far, None when nothing is new of it.

        Raises BadMessage.
        """
        before, self.bodies = self.bodies, self.bodies.with_page(page)
        if self.bodies is before:
            return None
        mine = self.mine
        self.changed = self._look_again(before, page)
        rows = Following(page.data).rows
        return [row for row in rows if (held := mine.get(row.scope)) is None or held.extent < row.extent]

    def _look_again(self, before: Following, page: Bodies) -> list[Scope]:
        """Return the bodies that we follow and of which the peer says something else now. What is shared is looked at there."""
        mine, now = self.mine, self.bodies
        said = set(now.changed(before, page))
        if now.gaps != before.gaps:
            said.update(row.scope for row in mine.among(page.first, page.end))
        scopes = sorted(scope for scope in said if mine.get(scope) is not None)
        if self._shared is not None and self._shared[0] is mine and self._shared[1] is before:
            made = partial(self._shared[2].told, now, scopes)
            self._shared = mine, now, self._sharing.between(mine, now, made)
        return scopes

    @property
    def sides(self) -> tuple[object, ...]:
        """What `both` and `shared` follow from, beside what is held and followed here: while it is the same, so are they."""
        return self._near, self.bodies, self._greeted

    def both(self, dialler: bool) -> bytes:
        """Return 16 bytes on what the dialler and the listener follow, as we know it; zeros for what we do not."""
        mine, theirs = self._sides()
        return mine.digest + theirs.digest if dialler else theirs.digest + mine.digest

    def _sides(self) -> tuple[Following, Following]:
        """Return what we follow, and what the peer does. Of whom we have never heard anything we expect until its HELLO
        that it follows the same."""
        mine = self.mine
        return mine, self.bodies if self._greeted or self.heard else mine

    def may(self, key: SetKey) -> bool:
        """Say whether both may hold a set: nobody gets what they do not follow, or are not let have."""
        return key in self.shared()

    def shared(self) -> Shared:
        """Return the sets that we hold something of and the peer may hold too."""
        mine, theirs = self._sides()
        kept = self._shared
        if kept is not None and kept[0] is mine and kept[1] is theirs:
            return kept[2]
        found = self._sharing.between(mine, theirs)
        self._shared = mine, theirs, found
        return found

    # --- Memory ---------------------------------------------------------------------------------------

    def still_refused(self, wall_ms: int) -> Iterable[Refusal]:
        """Return the refusals that have not run out."""
        return [each for each in self.memory.refused if each.until == 0 or each.until > wall_ms]

    def remember(self, counter: int, refused: Iterable[Refusal], doubt: bool) -> PeerMemory | None:
        """Return what to keep, all of the peer's up to `counter` being held or refused; None: that is kept."""
        kept = self.memory
        seen = kept.counter if kept.journal == self.journal else 0
        bodies = self.bodies.data if self.bodies.whole else None
        ours = self._holdings.journal()
        fields = (
            self.journal, max(counter, seen), bodies, self._told, self._told_at, tuple(refused), doubt, *ours,
        )  # fmt: skip
        if fields == kept:
            return None  # As with nearly every sign of life.
        self.memory = PeerMemory(*fields)
        return self.memory

    def doubt(self) -> PeerMemory:
        """Return what to keep when sets differ and nobody knows why."""
        self.memory = self.memory._replace(doubt=True)
        return self.memory
