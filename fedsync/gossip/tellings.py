"""What each side of a session has told the other of what it follows: `Outward` what we told, `Inward` what we heard. Pure.

Whose HELLO shows that it follows the same is told nothing, and knows all. Later news are told as if all had been told under the
first salt of the session. Who is told anew is told under another salt: see `aliases`.
"""

from collections.abc import Iterable

from fedsync.gossip.aliases import (
    Aliases,
    alias,
    asked_for,
    full_row,
    news,
    plain,
    read_answer,
    read_names,
    unpack,
)
from fedsync.gossip.costs import Costs
from fedsync.gossip.following import NOTHING_HEARD, ROW_BYTES, SCOPE_BYTES, Following
from fedsync.gossip.limits import ALIAS_BYTES, MAX_ASKED, MAX_BODIES, MAX_INQUIRIES
from fedsync.gossip.listing import Salt
from fedsync.gossip.messages import Bodies, These, Which
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.sharing import Sharing

_TRIES = 8
"""Salts that are tried until no two bodies have one alias: the second is hardly ever needed."""
_LOOKS = 4
"""Bodies that are looked at for what one log costs that is asked for."""


def _salt(salt: Salt, number: int) -> bytes:
    """Return the salt for telling all for the so-manieth time in a session; for the first, both sides have the same."""
    return salt.root(b"bodies" + bytes((number,)))


class Outward:
    """What the peer was told of what we follow."""

    def __init__(self, sharing: Sharing, salt: Salt, memory: PeerMemory, costs: Costs) -> None:
        self._sharing, self._session_salt, self._costs = sharing, salt, costs
        self.salt = memory.told_salt
        """Under which it was told; empty: the peer takes it that we follow the same as it does."""
        self._digest: tuple[bytes, bytes, bytes] = (memory.told_salt, memory.told, memory.told_as)
        """A salt, and digests of what we follow and of that as it is told under it."""
        self._telling: Following | None = None
        self._tellings = 0

    def digest(self, mine: Following) -> bytes:
        """Return 8 bytes of what we follow, as the peer should know it."""
        if not self.salt:
            return mine.digest
        if self._digest[1] != mine.digest or self._digest[0] != self.salt:
            self._digest = self.salt, mine.digest, self._sharing.naming(mine, self.salt).told.digest
        return self._digest[2]

    def same(self, mine: Following) -> None:
        """Take it that the peer knows all, since it follows the same."""
        self._telling, self.salt = mine, b""

    def known(self, mine: Following) -> None:
        """Take it that the peer remembers all."""
        self._telling = mine

    def forgotten(self) -> None:
        """Take it that the peer knows nothing."""
        self.salt = b""

    def tell(self, mine: Following) -> list[Bodies]:
        """Return all that we follow."""
        self._telling = mine
        for _ in range(_TRIES):
            self._tellings = self._tellings % 255 + 1
            self.salt = _salt(self._session_salt, self._tellings)
            naming = self._sharing.naming(mine, self.salt)
            if not naming.clash:
                break
        return naming.told.pages()

    def tell_news(self, mine: Following) -> list[Bodies]:
        """Return what has changed of what we follow since it was told."""
        before = self._telling
        if before is mine:
            return []
        salt = self.salt or _salt(self._session_salt, 0)
        pages = news(salt, before, mine) if before is not None else None
        if pages is None or self._sharing.naming(mine, salt).clash:
            return self.tell(mine)
        self._telling, self.salt = mine, salt
        return pages

    def agreed(self) -> tuple[bytes, bytes, bytes]:
        """Return what is to be remembered, now that the peer has it: digests of what we follow and of how it was told, and the salt."""
        telling = self._telling
        if telling is None:
            return b"", b"", b""
        return telling.digest, self.salt, self.digest(telling)

    def answer(self, which: Which) -> These | None:
        """Return in full what the peer asks for of what it was told; None when it was told under another salt."""
        names = read_names(which.names)
        if not self.salt or which.salt != self.salt or self._telling is None:
            return None
        self._costs.looked += len(self._telling.data) // ROW_BYTES // _LOOKS
        return These(asked_for(self._sharing.naming(self._telling, self.salt), names))


class Inward:
    """What the peer said that it follows."""

    def __init__(
        self, sharing: Sharing, salt: Salt, memory: PeerMemory, mine: Following, costs: Costs
    ) -> None:
        self._sharing, self._session_salt, self._costs = sharing, salt, costs
        self.said = unpack(memory.aliases) if memory.aliases else None
        """Its own words; None: that it follows what is in `bodies`, or nothing was heard."""
        self.bodies = NOTHING_HEARD if memory.bodies is None else Following(memory.bodies)
        """The bodies that it follows, as far as we know which these are."""
        self._assumed = self.bodies
        self._learnt: dict[bytes, bytes] = {}
        """Scope and body by alias, of bodies that are not followed here: the peer told which they are, or we followed them."""
        self._asked: dict[bytes, int] = {}
        """How often it was asked which body an alias is, until it answers."""
        self._strange: list[bytes] | None = None
        """Aliases of bodies that are not followed here; None: not looked at."""
        self._at: Following | None = mine if memory.told == mine.digest else None
        """What we followed when `bodies` was worked out."""
        if self.bodies.data == mine.data and self.heard:
            self.bodies = self._assumed = mine
        elif self.said is not None:
            here = {line[:SCOPE_BYTES] for line in mine.lines()}
            self._learn(
                (line[:SCOPE_BYTES], line[SCOPE_BYTES + 1 :])
                for line in self.bodies.lines()
                if line[:SCOPE_BYTES] not in here
            )

    @property
    def heard(self) -> bool:
        """Whether the peer has said anything."""
        return self.bodies is not NOTHING_HEARD or self.said is not None

    @property
    def whole(self) -> bool:
        """Whether the peer has said all."""
        return self.said.whole if self.said is not None else self.heard

    def same(self, mine: Following) -> None:
        """Take it that the peer follows the same as we do."""
        self.said, self.bodies, self._assumed, self._at = None, mine, mine, mine
        self._asked.clear()
        self._learnt.clear()

    def look(self, mine: Following) -> Following:
        """Return what the peer follows, as far as we know these bodies; of those of which nothing was heard, that it follows
        what we do."""
        if self.said is None:
            return mine if self.bodies is NOTHING_HEARD else self.bodies
        if self._at is not mine:
            self._resolve(mine)
        return self._assumed

    def hear(self, page: Bodies, mine: Following) -> bool:
        """Take in a page; return whether it says anything new. Raises BadMessage."""
        said = self.said
        if said is None:
            first = _salt(self._session_salt, 0)
            said = (
                self._sharing.naming(self.bodies, first).told
                if self.heard and page.salt == first
                else Aliases(b"")
            )
        now = said.with_page(page)
        if now is said:
            return False
        if now.salt != said.salt:
            self._asked.clear()
            if self._learnt:
                learnt, self.said = list(self._learnt.values()), now
                self._costs.looked += len(learnt) // _LOOKS
                self._learnt.clear()
                self._learn((each[:SCOPE_BYTES], each[SCOPE_BYTES:]) for each in learnt)
        self.said = now
        self._resolve(mine)
        return True

    def _learn(self, bodies: Iterable[tuple[bytes, bytes]]) -> None:
        assert self.said is not None
        for scope, body in bodies:
            self._learnt[alias(self.said.salt, scope, body)] = scope + body

    def _resolve(self, mine: Following) -> None:
        """Work out which bodies the peer speaks of."""
        said = self.said
        assert said is not None
        naming = self._sharing.naming(mine, said.salt)
        lines = naming.known(said)
        if len(self._learnt) > MAX_BODIES:
            # It took some of them back: else one that tells of others again and again would fill our memory.
            self._learnt = {name: self._learnt[name] for name in said.names() if name in self._learnt}
        self._costs.looked += (len(said.data) // ALIAS_BYTES + len(mine.data) // ROW_BYTES) // _LOOKS
        if self._learnt:
            # A liar may tell two bodies of one founding tag: ours counts, or the first.
            known = {line[:SCOPE_BYTES] for line in lines}
            others = {
                body[:SCOPE_BYTES]: full_row(line, body[:SCOPE_BYTES], body[SCOPE_BYTES:])
                for line in reversed(said.lines())
                if (body := self._learnt.get(plain(line))) is not None
            }
            lines += [line for scope, line in others.items() if scope not in known]
        self.bodies = self._of(sorted(lines), mine)
        self._assumed = self.bodies if said.whole else self._of(sorted([*lines, *naming.unheard(said)]), mine)
        self._strange = naming.strange(said)
        self._at = mine

    def _of(self, lines: list[bytes], mine: Following) -> Following:
        data = b"".join(lines)
        return mine if data == mine.data else Following(data)

    # --- Which bodies these are ---------------------------------------------------------------------------

    def ask(self, mine: Following) -> list[Which]:
        """Return the questions which bodies the peer speaks of, where it has not answered."""
        if self.said is None:
            return []
        if self._strange is None or self._at is not mine:
            self._resolve(mine)
        if not self._strange:
            # As after nearly every sign of life.
            self._asked.clear()
            return []
        names = [
            name
            for name in self._strange
            if name not in self._learnt and self._asked.get(name, 0) < MAX_INQUIRIES
        ]
        # Of what it took back since nothing is kept.
        self._asked = {name: self._asked[name] for name in self._strange if name in self._asked}
        for name in names:
            self._asked[name] = self._asked.get(name, 0) + 1
        return [
            Which(self.said.salt, b"".join(names[at : at + MAX_ASKED]))
            for at in range(0, len(names), MAX_ASKED)
        ]

    def answered(self, these: These, mine: Following) -> bool:
        """Take in which bodies these are; return whether any is new. Only what was asked for counts. Raises BadMessage."""
        bodies = read_answer(these.data)
        if self.said is None:
            return False
        found = {alias(self.said.salt, *each): each for each in bodies}
        new = {name: each for name, each in found.items() if name in self._asked and name not in self._learnt}
        for name, (scope, body) in new.items():
            self._learnt[name] = scope + body
        if new:
            self._resolve(mine)
        return bool(new)
