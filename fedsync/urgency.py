"""How urgent a block is that waits at the door, judged from what it says itself: nobody's word counts, and nothing is verified.

A lie costs nobody anything: who is served early by it is served less later (`gossip.waiting`), and the door itself judges
as ever.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeVar

from fedsync.crdt.books.urgent import looks_urgent
from fedsync.crdt.view import Draft, View
from fedsync.gossip.priority import FIRST, of_class
from fedsync.records import ed25519
from fedsync.records.block import BadBlock, claimed_genesis, claimed_records, peek
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, LogId, PageId, payload_id
from fedsync.records.kinds.authority import PAGE
from fedsync.records.wire import BlockHead

COMING: Final = 256
"""Urgent pages that were seen at the door of late, kept in mind for the voices that come with them."""
READ_RECORDS: Final = 32
"""Records of a block that are read to see how its log begins. What carries authority comes in small blocks; to read a full
one of facts a second time would cost a first sync a tenth of its time."""
BEGUN: Final = 4096
"""Logs whose genesis was seen at the door of late, and is not held yet."""


class Ending(Protocol):
    """Where a branch of a log ends."""

    @property
    def seq(self) -> int:
        """The place of its last record."""
        ...


class Logs(Protocol):
    """The logs that are held, as far as it is asked here."""

    def genesis(self, log: LogId) -> Genesis | None:
        """Return how a log begins, None when it is not held."""
        ...

    def heads(self, log: LogId) -> Sequence[Ending]:
        """Return the ends of its branches, the longest first."""
        ...

    def fork_at(self, log: LogId) -> int | None:
        """Return the lowest place with two records."""
        ...

    def raw_blocks(self, log: LogId, first: int, last: int) -> Iterable[bytes]:
        """Return the blocks that hold a place from `first` to `last`."""
        ...


class Urgency:
    """Looks at blocks for one node."""

    def __init__(self, logs: Logs, rule: ed25519.Rule = ed25519) -> None:
        """`rule`: another one only where nothing is real."""
        self._logs, self._rule = logs, rule
        self._coming: OrderedDict[PageId, None] = OrderedDict()
        self._begun: OrderedDict[LogId, Genesis] = OrderedDict()

    def turn(self, view: View | Draft, raw: bytes) -> int:
        """Return the turn of a block: a fork proof or something urgent first, then by its class."""
        try:
            head = peek(raw)
            genesis = self._genesis(head, raw)
            if genesis is None:
                return of_class(LogClass.TEXTS)
            if genesis.log_class is not LogClass.AUTHORITY:
                return FIRST if self._may_fork(head, raw) else of_class(genesis.log_class)
            for kind, payload in claimed_records(raw):
                if looks_urgent(view, genesis.scope, kind, payload, self._coming):
                    if kind == PAGE:
                        _remember(self._coming, PageId(payload_id(payload)), None, COMING)
                    return FIRST
            return of_class(LogClass.AUTHORITY)
        except BadBlock:
            return of_class(LogClass.TEXTS)

    def _genesis(self, head: BlockHead, raw: bytes) -> Genesis | None:
        held = self._logs.genesis(head.log) or self._begun.get(head.log)
        if held is None and head.first == 0 and head.count <= READ_RECORDS:
            held = claimed_genesis(raw, self._rule)
            if held is not None:
                _remember(self._begun, head.log, held, BEGUN)
        return held

    def _may_fork(self, head: BlockHead, raw: bytes) -> bool:
        """Say whether a block of a log that is held may show it to be forked: it begins below the end, and is no copy."""
        logs = self._logs
        heads = logs.heads(head.log)
        if not heads or head.first > heads[0].seq or logs.fork_at(head.log) is not None:
            return False
        return all(held != raw for held in logs.raw_blocks(head.log, head.first, head.first))


K = TypeVar("K")
V = TypeVar("V")


def _remember(kept: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    kept[key] = value
    if len(kept) > most:
        kept.popitem(last=False)
