"""What lies on the disks of simulated nodes, as the bytes say and not as the machines think. For the checks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fedsync.records.ids import Extent, LogClass, LogId, PayloadId, Reach, RecordId, Scope
from fedsync.sim.archive import Archive
from fedsync.sim.disk import Bound
from fedsync.sim.node import Node
from fedsync.sim.plainread import Beginning, Run, log_of, read
from fedsync.sim.seals import Seals

Rulings: TypeAlias = dict[LogId, set[RecordId]]
"""What holds of each log of which a book names a record: what leads to that."""
Chain: TypeAlias = dict[int, set[RecordId]]
"""The ids at each place of one log."""


@dataclass
class Shelf:
    """What lies on one disk, as its bytes say."""

    bodies: dict[Scope, PayloadId]
    extents: dict[Scope, Extent]
    """How much of each body is kept."""
    logs: dict[LogId, Beginning]
    chains: dict[LogId, Chain]
    runs: list[Run]
    books: Seals
    """What the books on it come to."""

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
        for log, of in self.logs.items():
            if of.reach is Reach.LOCAL or (books and of.log_class is not LogClass.AUTHORITY):
                continue
            if log in rulings:
                held = {each for at in self.chains[log].values() for each in at}
                found[log] = "settled", frozenset(held & rulings[log])
                continue
            fork = None if of.log_class is LogClass.AUTHORITY else self.fork(log)
            ids = {each for seq, at in self.chains[log].items() for each in at if fork is None or seq < fork}
            found[log] = fork, frozenset(ids)
        return found


class Reader:
    """Reads disks; the same bytes once for all of them, and books once for all that hold the same of them."""

    def __init__(self) -> None:
        self._known: dict[bytes, Run] = {}
        self._judged: dict[object, Seals] = {}

    def read(self, node: Node) -> Shelf:
        """Return what lies on a node's disk."""
        bodies, extents, logs = dict[Scope, PayloadId](), dict[Scope, Extent](), dict[LogId, Beginning]()
        chains: dict[LogId, Chain] = defaultdict(lambda: defaultdict(set))
        runs = list[Run]()
        for entry in node.disk.entries:
            if isinstance(entry, Bound):
                bodies[entry.scope], extents[entry.scope] = PayloadId(entry.body), entry.extent
                continue
            known = self._known.get(entry.raw)
            if known is None:
                known = self._known[entry.raw] = read(entry.raw, logs.get(log_of(entry.raw)))
            if known.first == 0:
                logs[known.of.log] = known.of
            runs.append(known)
            chain = chains[known.of.log]
            for each in known.records:
                chain[each.seq].add(each.id)
        return Shelf(bodies, extents, logs, chains, runs, self._books(runs, extents))

    def all_books(self, shelves: Iterable[Shelf]) -> Seals:
        """Return what books come to by all that these disks hold together, all of it seen from inside."""
        return self._books([run for shelf in shelves for run in shelf.runs], {})

    def _books(self, runs: Iterable[Run], extents: Mapping[Scope, Extent]) -> Seals:
        said = {
            each.id: each for run in runs if run.of.log_class is LogClass.AUTHORITY for each in run.records
        }
        outside = frozenset(scope for scope, extent in extents.items() if extent is not Extent.ALL)
        held = frozenset(said), outside
        if held not in self._judged:
            self._judged[held] = Seals(Archive().hear(said.values()), outside)
        return self._judged[held]


Shelves: TypeAlias = dict[Node, Shelf]
