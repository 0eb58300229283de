"""What lies on the disks of simulated nodes, as the bytes say and not as the machines think. For the checks."""

from collections import defaultdict
from dataclasses import dataclass
from typing import TypeAlias

from fedsync.records.block import Block, load
from fedsync.records.genesis import GENESIS, Genesis
from fedsync.records.ids import Extent, LogClass, LogId, Reach, RecordId, Scope
from fedsync.records.wire import read_body, read_outer
from fedsync.sim.disk import Bound
from fedsync.sim.node import Node

Rulings: TypeAlias = dict[LogId, set[RecordId]]
"""What holds of each log of which a book names a record: what leads to that."""
Chain: TypeAlias = dict[int, set[RecordId]]
"""The ids at each place of one log."""


@dataclass
class Shelf:
    """What lies on one disk, as its bytes say."""

    bodies: dict[Scope, bytes]
    extents: dict[Scope, Extent]
    """How much of each body is kept."""
    logs: dict[LogId, Genesis]
    chains: dict[LogId, Chain]
    blocks: list[Block]

    def holds(self, log: LogId, seq: int, id_: RecordId) -> bool:
        """Say whether this record lies there."""
        return id_ in self.chains.get(log, {}).get(seq, ())

    def fork(self, log: LogId) -> int | None:
        """Return the lowest place with two records."""
        return min((seq for seq, ids in self.chains.get(log, {}).items() if len(ids) > 1), default=None)

    def shared(self, rulings: "Rulings", books: bool = False) -> dict[LogId, object]:
        """Return what two nodes must have in common of each log: below a dispute all, of it that there is one.

        `books`: of logs that carry authority alone.

        Of a log of which a book names a record: what leads to that, and nothing else.
        """
        found: dict[LogId, object] = {}
        for log, genesis in self.logs.items():
            if genesis.reach is Reach.LOCAL or (books and genesis.log_class is not LogClass.AUTHORITY):
                continue
            if log in rulings:
                held = {each for at in self.chains[log].values() for each in at}
                found[log] = "settled", frozenset(held & rulings[log])
                continue
            fork = None if genesis.log_class is LogClass.AUTHORITY else self.fork(log)
            ids = {each for seq, at in self.chains[log].items() for each in at if fork is None or seq < fork}
            found[log] = fork, frozenset(ids)
        return found


class Reader:
    """Reads disks; the same bytes once for all of them."""

    def __init__(self) -> None:
        self._known: dict[bytes, Block] = {}

    def read(self, node: Node) -> Shelf:
        """Return what lies on a node's disk."""
        shelf = Shelf({}, {}, {}, defaultdict(lambda: defaultdict(set)), [])
        for entry in node.disk.entries:
            if isinstance(entry, Bound):
                shelf.bodies[entry.scope] = entry.body
                shelf.extents[entry.scope] = entry.extent
                continue
            known = self._known.get(entry.raw)
            if known is None:
                known = self._known[entry.raw] = self._load(shelf, entry.raw)
            if known.first == 0:
                shelf.logs[known.log] = known.genesis
            shelf.blocks.append(known)
            chain = shelf.chains[known.log]
            for seq, id_ in enumerate(known.ids, known.first):
                chain[seq].add(id_)
        return shelf

    def _load(self, shelf: Shelf, raw: bytes) -> Block:
        """Read a block's bytes; its log has begun on this disk."""
        head, _, size, packed = read_outer(raw)
        if head.first:
            return load(raw, shelf.logs[head.log])
        body = read_body(packed, size, head.count)
        assert body.kinds[0] == GENESIS
        return load(raw, Genesis.parse(body.payloads()[0]))


Shelves: TypeAlias = dict[Node, Shelf]
