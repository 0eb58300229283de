"""Live push along a tree (Plumtree): whole blocks to some peers, only their tips to the others. Pure.

A peer from whom a block comes twice is pruned: from then on each tells the other of tips only. A tip whose block
does not come another way is asked for, which grafts the link into the tree again. What push misses, comparing
sets repairs; it is never relied on alone.
"""

from fedsync.gossip.compare import items_of
from fedsync.gossip.holdings import Holdings
from fedsync.gossip.listing import Salt
from fedsync.gossip.messages import BlockMessage, Tip
from fedsync.records.ids import LogId


class Push:
    """What one peer is told of what was stored."""

    def __init__(self, holdings: Holdings, salt: Salt, listed: dict[bytes, LogId]) -> None:
        self._holdings, self._salt, self._listed = holdings, salt, listed
        self.eager = True
        """Whether the peer gets whole blocks."""
        self._due: dict[LogId, None] = {}

    def block(self, log: LogId, raw: bytes) -> BlockMessage:
        """Return a block that nobody asked for."""
        self._listed[self._salt.log(log)] = log
        return BlockMessage(True, True, raw)

    def tell(self, log: LogId) -> None:
        """Tell the peer of a log's tip when there is room. However often it moves until then, one word is enough."""
        self._due[log] = None

    def forget(self, log: LogId) -> None:
        """Do not tell: the peer will get it, or refuses it."""
        self._due.pop(log, None)

    @property
    def busy(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._due)

    def next(self) -> list[Tip]:
        """Return what to say of the log that waits longest: a tip for each of its items."""
        log = next(iter(self._due))
        del self._due[log]
        held = self._holdings.log(log)
        if held is None:
            return []
        self._listed[self._salt.log(log)] = log
        items = items_of(log, held, self._holdings)
        return [Tip(log, kind, seq, self._salt.record(id_)) for kind, _, seq, id_ in items]
