"""The part of the push tree that one node sees: which of its links carry whole blocks. One for all sessions. Pure.

At first all links do. The first block floods, and each link over which it came a second time is cut off the tree. From then on
a new link begins outside of it, so that links may come and go without a copy being sent for it. Whoever has no
link in the tree any more grafts one at once; whoever lost one asks for the next block that it hears of at once, since
what brought it may be gone. Else a block that was told of is awaited for as long as such a wait has lately been.
"""

from typing import Protocol

from fedsync.gossip.limits import GRAFT_MAX_S, GRAFT_S
from fedsync.records.ids import LogId

_FADES = 0.98
"""Of the longest wait of late, what is left of it after each wait that was shorter."""
_ASKED = 64
"""Logs remembered that were asked for before a pushed copy came."""


class Branch(Protocol):
    """What one session says of its link."""

    eager: bool
    """Whether the peer gets whole blocks."""
    proven: bool
    """Whether a block that was new came over it unasked."""


class Tree:
    """The links of one node on which blocks are pushed, or told of."""

    def __init__(self) -> None:
        self._branches: dict[Branch, None] = {}
        self._lag = 0.0
        self._broken = False
        self._asked: dict[LogId, float] = {}

    def join(self, branch: Branch) -> bool:
        """Add a link over which new blocks may go from now on; return whether it is to stay outside of the tree."""
        settled = any(each.eager and each.proven for each in self._branches if each is not branch)
        self._branches[branch] = None
        return settled

    def leave(self, branch: Branch) -> None:
        """Take out a link that is gone."""
        if branch in self._branches:
            del self._branches[branch]
            self._broken = self._broken or (branch.eager and branch.proven)

    @property
    def bare(self) -> bool:
        """Whether there are links, and none of them is in the tree."""
        return bool(self._branches) and not any(each.eager for each in self._branches)

    def pushed(self) -> None:
        """Note that a new block came unasked: the tree holds."""
        self._broken = False

    def waited(self, seconds: float) -> None:
        """Note how long after it was told of a block came by another way."""
        self._lag = max(seconds, self._lag * _FADES)

    def asked(self, log: LogId, told: float) -> None:
        """Note that a log is asked for, of which we were told then and got nothing."""
        self._asked.pop(log, None)
        self._asked[log] = told
        if len(self._asked) > _ASKED:
            del self._asked[next(iter(self._asked))]

    def late(self, log: LogId, now: float) -> None:
        """Note that a pushed copy came though it was held: if we had asked for it, we had not waited long enough."""
        told = self._asked.pop(log, None)
        if told is not None and now - told < 2 * GRAFT_MAX_S:
            self.waited(now - told)

    @property
    def patience(self) -> float:
        """How long to wait for a block that was told of, in seconds, until it is asked for."""
        return 0.0 if self._broken else min(max(GRAFT_S, 2 * self._lag), GRAFT_MAX_S)
