"""Live push along a tree (Plumtree): whole blocks to some peers, only their tips to the others. Pure.

A peer from whom a block comes twice is pruned: from then on each tells the other of tips only. A tip whose block
does not come another way is asked for, which grafts the link into the tree again. What push misses, comparing
sets repairs; it is never relied on alone.
"""

from collections.abc import Iterable

from fedsync.gossip.compare import items_of
from fedsync.gossip.holdings import Holdings
from fedsync.gossip.listing import Salt
from fedsync.gossip.messages import BlockMessage, Tip
from fedsync.gossip.priority import FIRST, WORDS
from fedsync.records.ids import LogId


class Push:
    """What one peer is told of what was stored."""

    def __init__(self, holdings: Holdings, salt: Salt, listed: dict[bytes, LogId]) -> None:
        self.proven = False
        """Whether a block that was new came from the peer unasked."""
        self._holdings, self._salt, self._listed = holdings, salt, listed
        self.eager = True
        """Whether the peer gets whole blocks."""
        self.first: dict[LogId, None] = {}
        """Logs of which it is told before others, without waiting for room."""
        self.due: dict[LogId, None] = {}
        """The other logs of which it is told when there is room."""

    def block(self, log: LogId, raw: bytes) -> BlockMessage:
        """Return a block that nobody asked for."""
        self._listed[self._salt.log(log)] = log
        return BlockMessage(True, True, raw)

    def tell(self, log: LogId, first: bool = False) -> None:
        """Tell the peer of a log's tip when there is room. However often it moves until then, one word is enough.

        `first`: before others, and without waiting for room.
        """
        if first or log in self.first:
            self.due.pop(log, None)
            self.first[log] = None
        else:
            self.due[log] = None

    @property
    def logs(self) -> Iterable[LogId]:
        """The logs of which the peer is to be told."""
        return *self.first, *self.due

    def forget(self, log: LogId) -> None:
        """Do not tell: the peer will get it, or refuses it."""
        self.due.pop(log, None)
        self.first.pop(log, None)

    def hurry(self, log: LogId) -> None:
        """Tell of a log before others, if it is to be told of at all."""
        if log in self.due:
            self.tell(log, True)

    @property
    def busy(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.due or self.first)

    @property
    def pressing(self) -> bool:
        """Whether there is something to tell that does not wait for room."""
        return bool(self.first)

    def next(self) -> tuple[int, list[Tip]]:
        """Return what to say of the log that waits longest, and how urgent it is: a tip for each of its items."""
        line = self.first or self.due
        log = next(iter(line))
        del line[log]
        held = self._holdings.log(log)
        if held is None:
            return WORDS, []
        self._listed[self._salt.log(log)] = log
        items = items_of(log, held, self._holdings)
        urgent = -1 if held.urgent is None else held.urgent
        # Not by class: a tip takes back a REFUSED of its log, and must not come before it.
        priority = FIRST if line is self.first else WORDS
        return priority, [Tip(log, kind, seq, self._salt.record(id_), urgent) for kind, _, seq, id_ in items]
