"""What we know of a peer, and it of us: journals, counters, bodies, and so what both may hold. Pure.

`remember` is called only when all that the peer had at a counter is durable here or refused.
"""

from collections.abc import Iterable
from functools import partial

from fedsync.gossip.costs import Costs
from fedsync.gossip.following import NOTHING_HEARD, SCOPE_BYTES, Following, Row
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.listing import Salt
from fedsync.gossip.messages import Bodies, Hello, These, Which
from fedsync.gossip.peer_memory import PeerMemory, Refusal
from fedsync.gossip.sharing import Shared, Sharing
from fedsync.gossip.tellings import Inward, Outward
from fedsync.records.dictionary import usable
from fedsync.records.ids import Scope


class Acquaintance:
    """One peer. `memory` is what is kept of it; `journal`, `counter` and `root` what its HELLO said."""

    def __init__(
        self,
        sharing: Sharing,
        memory: PeerMemory | None,
        near: frozenset[Scope] | None,
        salt: Salt | None = None,
        costs: Costs | None = None,
    ) -> None:
        """`near`: the bodies of which the peer gets what goes only as far as their region; None: of every one. `salt`: the
        session's, once both have said HELLO. `costs`: where it is added what it costs to look up what the peer said and asked."""
        self._sharing, self._holdings, self._near = sharing, sharing.trees.holdings, near
        self._mine, self._mine_at = NOTHING_HEARD, -1
        """What we follow, and the counter when that was looked at: it is asked for again and again, and seldom changes."""
        self.memory = memory or PeerMemory()
        salt = salt or Salt(b"", b"")
        self.costs = costs or Costs()
        self._outward = Outward(sharing, salt, self.memory, self.costs)
        self._inward = Inward(sharing, salt, self.memory, self.mine, self.costs)
        self.my_journal, self.my_counter = self._holdings.journal()
        self.journal = self.root = b""
        self.counter = 0
        self.since: int | None = None
        """Up to where of ours the peer has seen us, when both remember each other; else sets are compared."""
        self.rolled_back = False
        """Whether the peer remembers more of our journal than we hold."""
        self._guesses = not self._inward.heard
        """Whether we take it, until its HELLO, that the peer follows what we do: nothing was ever heard of that."""
        self._told = b"", b"", b""
        self._told_at = 0
        self.changed: list[Scope] = []
        """The bodies that we follow of which the last page said something else than before."""
        self._shared: tuple[Following, Following, Following, Shared] | None = None
        """What we follow and what the peer does, what both do, and what is shared by that."""

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
        self._guesses = False
        if hello.follows == mine.digest:
            # As with most of those who share a region: then nobody need say it.
            self._inward.same(mine)
            self._outward.same(mine)
            self._told_at = self.my_counter
            return False
        if not knows_us or hello.seen_counter < memory.told_at or memory.told != mine.digest:
            self._outward.forgotten()
            return True
        self._outward.known(mine)
        self._told = memory.told, memory.told_salt, memory.told_as
        self._told_at = memory.told_at
        return False

    # --- Bodies ---------------------------------------------------------------------------------------

    @property
    def mine(self) -> Following:
        """What we follow now, as this peer is to know it."""
        at = self._holdings.followed_at()
        if at != self._mine_at:
            self._mine_at, self._mine = at, self._sharing.mine(self._near)
        return self._mine

    @property
    def heard(self) -> bool:
        """Whether the peer has said what it follows."""
        return self._inward.heard

    @property
    def whole(self) -> bool:
        """Whether the peer has said all of it."""
        return self._inward.whole

    @property
    def awaited(self) -> bool:
        """Whether the peer is sure to tell what it follows: our HELLO said that we know nothing of it."""
        return not self.heard and (self.memory.doubt or not self.memory.journal)

    @property
    def bodies(self) -> Following:
        """What the peer follows, as far as we know these bodies."""
        self._inward.look(self.mine)
        return self._inward.bodies

    def near(self, near: frozenset[Scope] | None) -> None:
        """Let the peer have all of these bodies, and of no others what goes only as far as a region."""
        self._near = near
        self._mine_at = -1

    def tell(self) -> list[Bodies]:
        """Return all that we follow. It is remembered as told when roots are equal: see `agreed`."""
        self._told_at = self._holdings.journal()[1]
        return self._outward.tell(self.mine)

    def tell_news(self) -> list[Bodies]:
        """Return what has changed of what we follow since it was told."""
        news = self._outward.tell_news(self.mine)
        if news:
            self._told_at = self._holdings.journal()[1]
        return news

    def agreed(self) -> None:
        """Roots are equal, so the peer knows what we follow: that is part of them. That it handled it is not enough:
        it may forget, and remembers it when it finds the same."""
        self._told = self._outward.agreed()

    def hear(self, page: Bodies) -> list[Row] | None:
        """Note what the peer follows; return what of it we do not follow so far, None when nothing is new of it.

        Raises BadMessage.
        """
        mine = self.mine
        return self._lacking() if self._inward.hear(page, mine) else None

    @property
    def curious(self) -> bool:
        """Whether the node may have a use for bodies that it does not follow."""
        return self._sharing.curious

    def ask(self) -> list[Which]:
        """Return the questions which bodies the peer speaks of, where the node may have a use for them."""
        return self._inward.ask(self.mine) if self._sharing.curious and self._inward.said is not None else []

    def answer(self, which: Which) -> These | None:
        """Return the bodies that the peer asks for, in full. Raises BadMessage."""
        return self._outward.answer(which)

    def learn(self, these: These) -> list[Row]:
        """Note which bodies the peer speaks of; return what we do not follow so far. Raises BadMessage."""
        return self._lacking() if self._inward.answered(these, self.mine) else []

    def lacking(self) -> list[Row]:
        """Return the bodies of which the peer follows more than we do, as far as we know these."""
        mine = self.mine
        return [] if self._inward.look(mine) is mine else self._lacking()

    def _lacking(self) -> list[Row]:
        """Look again at what is shared; return the bodies of which the peer follows more than we do."""
        mine, before = self.mine, self._shared
        theirs = self._inward.look(mine)
        if before is not None and before[0] is mine and before[1] is not theirs:
            self._look_again(before, theirs)
        elif before is not None and before[1] is theirs:
            self.changed = []
        ours = set(mine.lines())
        rows = Following(b"".join([each for each in self._inward.bodies.lines() if each not in ours])).rows
        return [row for row in rows if (held := mine.get(row.scope)) is None or held.extent < row.extent]

    def _look_again(self, before: tuple[Following, Following, Following, Shared], theirs: Following) -> None:
        """Note the bodies that we follow and of which the peer says something else now. What is shared is looked at there."""
        mine, _, old, kept = before
        both = self._sharing.common(mine, theirs)
        scopes = {line[:SCOPE_BYTES] for line in set(old.lines()) ^ set(both.lines())}
        self.changed = sorted(map(Scope, scopes))
        found = self._sharing.between(both, partial(kept.told, both, self.changed))
        self._shared = mine, theirs, both, found

    @property
    def sides(self) -> tuple[object, ...]:
        """What `both` and `shared` follow from, beside what is held and followed here: while it is the same, so are they."""
        inward = self._inward
        return self._near, inward.said, inward.bodies, self._outward.salt, self._guesses

    def both(self, dialler: bool) -> bytes:
        """Return 16 bytes on what the dialler and the listener follow, as we know it; zeros for what we do not.

        Of whom we have never heard anything we expect until its HELLO that it follows the same.
        """
        mine = self.mine
        ours = self._outward.digest(mine) if self._outward.salt else mine.digest
        inward = self._inward
        if inward.said is not None:
            theirs = inward.said.digest
        else:
            theirs = (mine if self._guesses else inward.bodies).digest
        return ours + theirs if dialler else theirs + ours

    def may(self, key: SetKey) -> bool:
        """Say whether both may hold a set: nobody gets what they do not follow, or are not let have."""
        return key in self.shared()

    def shared(self) -> Shared:
        """Return the sets that we hold something of and the peer may hold too."""
        mine = self.mine
        theirs = self._inward.look(mine)
        kept = self._shared
        if kept is not None and kept[0] is mine and kept[1] is theirs:
            return kept[3]
        both = self._sharing.common(mine, theirs)
        found = self._sharing.between(both)
        self._shared = mine, theirs, both, found
        return found

    # --- Memory ---------------------------------------------------------------------------------------

    def still_refused(self, wall_ms: int) -> Iterable[Refusal]:
        """Return the refusals that have not run out."""
        refused = self.memory.refused
        return [each for each in refused if each.until == 0 or each.until > wall_ms] if refused else ()

    def remember(self, counter: int, refused: Iterable[Refusal], doubt: bool) -> PeerMemory | None:
        """Return what to keep, all of the peer's up to `counter` being held or refused; None: that is kept."""
        kept = self.memory
        seen = kept.counter if kept.journal == self.journal else 0
        bodies, said = self.bodies.data if self.whole else None, self._inward.said
        told, salt, told_as = self._told
        aliases = said.pack() if said is not None and said.whole else b""
        ours = self._holdings.journal()
        fields = (
            self.journal, max(counter, seen), bodies, told, self._told_at, tuple(refused), doubt, *ours,
            aliases, salt, told_as,
        )  # fmt: skip
        if fields == kept:
            return None  # As with nearly every sign of life.
        self.memory = PeerMemory(*fields)
        return self.memory

    def doubt(self) -> PeerMemory:
        """Return what to keep when sets differ and nobody knows why."""
        self.memory = self.memory._replace(doubt=True)
        return self.memory
