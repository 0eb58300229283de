"""Which life of a carrier talks with which: so that nothing from before a restart is taken for something new. Pure.

A carrier has a life: 4 random bytes. Its packets say it, and that of the other side as far as it is known, until the other is sure of
both; after that two bytes stand for both. Who is with one life and hears of another takes nothing from that until it has
proved that it is there now, by repeating our life; then this carrier is over, and whoever runs it makes a new one.
"""

from collections import deque
from enum import Enum
from hashlib import sha256
from typing import Final

from fedsync.gossip.thin.packets import LIFE_BYTES, TAG_BYTES, Opening

NOBODY: Final = bytes(LIFE_BYTES)
MOST_PAST: Final = 8
"""Lives that are remembered not to be any more."""


class Heard(Enum):
    """What to do with a packet, by who it says it is from."""

    TAKE = "take"
    ANSWER = "answer"
    """Nothing of it counts, but the other side should hear who we are."""
    DROP = "drop"
    OVER = "over"
    """The other side has begun anew."""


class Pairing:
    """Who we are, and whom we talk with."""

    def __init__(self, life: bytes) -> None:
        self.life = life
        self.other = NOBODY
        self.sure = False
        """Whether the other side has shown that it knows us."""
        self.taken = False
        """Whether anything that the other side said was taken in. While not, one life of it is as good as another: two that
        each begin anew because the other did would else do so for ever."""
        self._past: deque[bytes] = deque(maxlen=MOST_PAST)
        """Lives of the other side that came before the one that it has: packets of theirs may still be about."""
        self._doubts = False
        """Whether there are packets of other lives about. Then nothing counts until the other side has repeated ours."""
        self._spells = True
        """Whether our packets say both lives: the other side may not know ours, or no more."""
        self._asked = NOBODY
        """Another life of the other side, that has to prove itself; or one that asks us to."""

    def hear(self, who: Opening | bytes) -> Heard:
        """Judge a packet by its head."""
        if not isinstance(who, Opening):
            if self.other != NOBODY and who == self._tag():
                self.sure, self._spells = True, False
                return Heard.TAKE
            return self._doubt(self.other)
        if who.life in (self.life, NOBODY):
            return Heard.DROP
        if who.busy:
            if who.echo != self.life or (self.sure and who.life != self.other):
                return Heard.DROP
            return self._doubt(who.life)
        if who.echo == self.life:
            return self._proved(who.life)
        if who.echo == NOBODY and self.other in (NOBODY, who.life):
            self.other, self._spells = who.life, True
            return Heard.TAKE if self.sure or not self._doubts else Heard.ANSWER
        return self._doubt(who.life)

    def _proved(self, life: bytes) -> Heard:
        """Take it that this life of the other side is there, or was after ours began."""
        if self.other not in (NOBODY, life):
            if self.taken:
                return Heard.OVER
            self._past.append(self.other)
        if life in self._past:
            return Heard.DROP
        self.other, self.sure, self._spells, self._asked = life, True, False, NOBODY
        return Heard.TAKE

    def _doubt(self, life: bytes) -> Heard:
        """Note that one of us does not know which life of the other is there; say which ours is."""
        self._doubts = True
        if life == self.other:
            self._spells = True
        else:
            self._asked = life
        return Heard.ANSWER

    @property
    def occupied(self) -> bool:
        """Whether another life has to hear that we are with one already; such a packet says nothing else."""
        return self._asked != NOBODY

    def answer(self) -> Opening:
        """Return the head of a packet for that other life."""
        asked, self._asked = self._asked, NOBODY
        return Opening(self.life, asked, busy=self.sure)

    def head(self) -> Opening | bytes:
        """Return the head of a packet."""
        return Opening(self.life, self.other) if self._spells else self._tag()

    def _tag(self) -> bytes:
        return sha256(b"".join(sorted((self.life, self.other)))).digest()[:TAG_BYTES]
