"""What waits at the door of a simulated node: whose turn it is, what goes first, and how much of each peer's waited, how long."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fedsync.gossip.events import Peer
from fedsync.gossip.memory import Check, Memory
from fedsync.gossip.waiting import WaitingRoom
from fedsync.records import ed25519
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogId, RecordId
from fedsync.sim.links import End
from fedsync.sim.signing import Checker
from fedsync.urgency import Urgency

BATCH_BLOCKS: Final = 256
"""Blocks that share a commit at most."""
BATCH_S: Final = 0.25
"""A batch is committed after so many seconds of checking even when more is waiting, as a daemon's is."""


class Waits(NamedTuple):
    """A block that waits. `number` is its session's."""

    peer: Peer
    end: End
    number: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Waited:
    """What ever waited at the door of one node, whatever crash came between. For the checks."""

    most: dict[Peer, int] = field(default_factory=dict)
    """The most bytes of one peer at once."""
    longest: dict[Peer, float] = field(default_factory=dict)
    """The longest that a block of a peer waited, in seconds, when nothing of that peer was before it."""


class Door:
    """The blocks that wait in one life of a node. `judge` says how urgent one is."""

    def __init__(self, judge: Callable[[bytes], int], waited: Waited) -> None:
        self._room: WaitingRoom[Waits] = WaitingRoom(judge)
        self._waited = waited
        self._hurried = False
        """The last batch was committed early for what is urgent: then the next is not."""
        self._blocks: dict[Peer, int] = {}
        """Blocks of each peer that wait."""
        self._bytes: dict[Peer, int] = {}
        self._first_at: dict[Peer, float] = {}
        """Since when the first block of each peer waits."""

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._blocks)

    def put(self, block: Waits, now: float) -> None:
        """Let a block wait."""
        peer, most = block.peer, self._waited.most
        self._room.put(block)
        self._blocks[peer] = self._blocks.get(peer, 0) + 1
        self._bytes[peer] = waits = self._bytes.get(peer, 0) + len(block.raw)
        self._first_at.setdefault(peer, now)
        if waits > most.get(peer, 0):
            most[peer] = waits

    def batch(self, now: float, each_takes: float) -> tuple[list[Waits], float]:
        """Take what shares the next commit, of all peers in turn; return it, and for how many seconds it is checked.

        What is urgent goes first, and then waits for no more.
        """
        taken: list[Waits] = []
        checking = 0.0
        may_hurry, self._hurried = not self._hurried, False
        while len(taken) < BATCH_BLOCKS and checking <= BATCH_S:
            chosen = self._room.next()
            if chosen is None:
                break
            found, urgent = chosen
            if self._hurried and not urgent:
                self._room.back(found)
                break
            self._served(found, now)
            taken.append(found)
            self._hurried = self._hurried or (urgent and may_hurry)
            checking += each_takes
        return taken, checking

    def _served(self, taken: Waits, now: float) -> None:
        """Note how long the first block of a peer waited."""
        peer, longest = taken.peer, self._waited.longest
        longest[peer] = max(now - self._first_at[peer], longest.get(peer, 0.0))
        self._blocks[peer] -= 1
        self._bytes[peer] -= len(taken.raw)
        if self._blocks[peer]:
            self._first_at[peer] = now
        else:
            del self._first_at[peer], self._blocks[peer]


def urgency(memory: Memory, check: Check) -> Urgency:
    """Return what says how urgent a block is beside what is held."""
    return Urgency(_Logs(memory), check.rule if isinstance(check, Checker) else ed25519)


class _Ending(NamedTuple):
    """Where a branch of a log ends."""

    seq: int
    id: RecordId


class _Logs:
    """What is asked of logs for that."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def genesis(self, log: LogId) -> Genesis | None:
        """Return how a log begins, None when it is not held."""
        held = self._memory.log(log)
        return held.genesis if held is not None else None

    def heads(self, log: LogId) -> list[_Ending]:
        """Return the ends of its branches, the longest first."""
        held = self._memory.log(log)
        return [_Ending(*each) for each in held.heads] if held is not None else []

    def fork_at(self, log: LogId) -> int | None:
        """Return the lowest place with two records."""
        held = self._memory.log(log)
        return held.fork if held is not None else None

    def raw_blocks(self, log: LogId, first: int, last: int) -> Iterator[bytes]:
        """Yield the blocks that hold a place from `first` to `last`."""
        held = self._memory.log(log)
        for block, _, _ in held.blocks if held is not None else ():
            if block.first <= last and block.last >= first:
                yield block.raw
