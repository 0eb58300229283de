"""Blocks that wait at a node's door, of all peers: who is next. Pure.

Peers are served in turn, so that a flood from one does not delay another. What is urgent is taken before its peer's turn,
but on credit: each such turn is one that the peer gives up later, and nobody may owe more than a few. So whoever brings
much that looks urgent gets what he would have got without it. Among what one peer has brought its own urgent blocks
come first, then those of authority, and the rest keeps a small share.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from fedsync.gossip.events import Peer
from fedsync.gossip.limits import LOW_SHARE
from fedsync.gossip.priority import FIRST
from fedsync.records.block import BadBlock, peek
from fedsync.records.ids import LogId

MAX_OWED: Final = 32
"""Turns that a peer may have been given early: some 30 ms of others' time."""


class Brought(Protocol):
    """A block, and who brought it."""

    @property
    def peer(self) -> Peer:
        """Who brought it."""
        ...

    @property
    def raw(self) -> bytes:
        """Its bytes."""
        ...


B = TypeVar("B", bound=Brought)


class _Line(Generic[B]):
    """What one peer has brought, by how urgent it is."""

    def __init__(self) -> None:
        self.lanes: dict[int, deque[tuple[B, LogId | None]]] = {}
        self.taken = 0
        self._waits: dict[LogId | None, tuple[int, int]] = {}
        """In which turn blocks of a log wait that are not urgent, and how many."""

    def put(self, block: B, turn: int, first: bool = False) -> None:
        log = _log_of(block)
        waits, many = self._waits.get(log, (turn, 0))
        if turn < waits:
            self._lift(log, turn)
        else:
            # How a log begins may be known only since the blocks before: each needs the one before it all the same.
            turn = waits
        if turn != FIRST:
            self._waits[log] = turn, many + 1
        lane = self.lanes.setdefault(turn, deque())
        if first:
            lane.appendleft((block, log))
        else:
            lane.append((block, log))

    def _lift(self, log: LogId | None, turn: int) -> None:
        """Let what waits of a log go along with what is more urgent of it: each block needs the one before."""
        waits, many = self._waits.pop(log)
        lane = self.lanes[waits]
        self.lanes.setdefault(turn, deque()).extend(each for each in lane if each[1] == log)
        self._keep(waits, deque(each for each in lane if each[1] != log))
        if turn != FIRST:
            self._waits[log] = turn, many

    def take(self, turn: int | None = None) -> B:
        """Take the next block, or the next one of this turn."""
        if turn is None:
            self.taken += 1
            turn = max(self.lanes) if self.taken % LOW_SHARE == 0 else min(self.lanes)
        lane = self.lanes[turn]
        found, log = lane.popleft()
        self._keep(turn, lane)
        if turn != FIRST:
            _, many = self._waits.pop(log)
            if many > 1:
                self._waits[log] = turn, many - 1
        return found

    def _keep(self, turn: int, lane: deque[tuple[B, LogId | None]]) -> None:
        if lane:
            self.lanes[turn] = lane
        else:
            del self.lanes[turn]


class WaitingRoom(Generic[B]):
    """All that waits. `judge` says how urgent a block is, from what it says itself; it is asked only when it matters."""

    def __init__(self, judge: Callable[[bytes], int]) -> None:
        self._judge = judge
        self._fresh: list[B] = []
        self._lines: dict[Peer, _Line[B]] = {}
        """In the order in which they are served."""
        self._owed: dict[Peer, int] = {}

    def __bool__(self) -> bool:
        return bool(self._fresh or self._lines)

    def put(self, block: B) -> None:
        """Let a block wait."""
        self._fresh.append(block)

    def forget(self, peer: Peer) -> None:
        """Drop what a peer has brought. What it owes it still owes."""
        self._lines.pop(peer, None)
        self._fresh = [each for each in self._fresh if each.peer != peer]

    def next(self) -> tuple[B, bool] | None:
        """Return who is next, and whether that is urgent; None when nobody waits."""
        if len(self._fresh) == 1 and not self._lines:
            return self._fresh.pop(), False
        for each in self._fresh:
            self._lines.setdefault(each.peer, _Line()).put(each, self._judge(each.raw))
        self._fresh.clear()
        if not self._lines:
            return None
        early = self._early() if len(self._lines) > 1 else None
        if early is not None:
            self._owed[early] = self._owed.get(early, 0) + 1
            return self._take(early, FIRST), True
        peer = self._whose_turn()
        line = self._lines.pop(peer)
        self._lines[peer] = line  # at the end of those who are served in turn
        urgent = min(line.lanes) == FIRST
        return self._take(peer), urgent

    def back(self, block: B) -> None:
        """Let a block wait again, that was next a moment ago; it is the first of its peer's."""
        self._lines.setdefault(block.peer, _Line()).put(block, self._judge(block.raw), first=True)

    def _early(self) -> Peer | None:
        """Return who has something urgent and owes least, if that is not too much."""
        found: Peer | None = None
        for peer, line in self._lines.items():
            owed = self._owed.get(peer, 0)
            if FIRST in line.lanes and owed < MAX_OWED and (found is None or owed < self._owed.get(found, 0)):
                found = peer
        return found

    def _whose_turn(self) -> Peer:
        while True:
            peer = next(iter(self._lines))
            owed = self._owed.get(peer, 0)
            if not owed:
                return peer
            self._pay(peer, owed)
            self._lines[peer] = self._lines.pop(peer)

    def _pay(self, peer: Peer, owed: int) -> None:
        if owed > 1:
            self._owed[peer] = owed - 1
        else:
            del self._owed[peer]

    def _take(self, peer: Peer, turn: int | None = None) -> B:
        line = self._lines[peer]
        found = line.take(turn)
        if not line.lanes:
            del self._lines[peer]
        return found


def _log_of(block: Brought) -> LogId | None:
    try:
        return peek(block.raw).log
    except BadBlock:
        return None
