"""What the federation promised to keep, written down beside it, in the simplest form there is.

The checkers read this and not what the nodes think of themselves: who wrote which record where, what it does to a
store, and who wrote two records at one place.
"""

from collections.abc import Collection
from typing import NamedTuple

from fedsync.records.ids import LogClass, LogId, PayloadId, RecordId, Scope
from fedsync.sim.signing import REAL, Signing


class Promised(NamedTuple):
    """A record that a node acknowledged to who wrote it. `change`: by how much it changes what lies in its store."""

    scope: Scope
    log: LogId
    log_class: LogClass
    seq: int
    id: RecordId
    local: bool
    item: PayloadId | None = None
    change: int = 0


class Ledger:
    """All that was acknowledged, in order; less what restores from backups lost for good, until it turns up again."""

    def __init__(self) -> None:
        self.promised: list[Promised] = []
        self.forks: dict[LogId, tuple[LogClass, int]] = {}
        """Where somebody wrote two records at one place: the lowest seq, by log."""
        self.public: dict[RecordId, None] = {}
        """What all should come to hold, for pictures."""
        self.signed: set[RecordId] = set()
        """All records that anybody signed, liars too. Whatever else lies anywhere was forged."""
        self.signing: Signing = REAL
        """How it is signed."""
        self._written: list[Promised] = []
        self._forgiven: set[RecordId] = set()

    def note(self, record: Promised) -> None:
        """Write down what was acknowledged."""
        self._written.append(record)
        self.promised.append(record)
        if not record.local:
            self.public[record.id] = None

    def forked(self, log: LogId, log_class: LogClass, seq: int) -> None:
        """Write down that a log has two records at `seq`. What lies there and above is nobody's to keep."""
        if log in self.forks:
            seq = min(seq, self.forks[log][1])
        self.forks[log] = log_class, seq
        # Of a log of authority all branches count.
        for each in self.promised if log_class is not LogClass.AUTHORITY else ():
            if each.log == log and each.seq >= seq:
                self.public.pop(each.id, None)

    def survey(self, before: Collection[RecordId], everywhere: Collection[RecordId]) -> bool:
        """Forgive a restore what only that node had: `before`, and is held nowhere now; return whether there is any.

        That is what a backup costs; whatever else is missing stays promised. What turns up again is promised again. A
        log of which one branch is gone for good is not forked any more, or not there; once that turns up again, it is.
        """
        self._forgiven = (self._forgiven | set(before)) - set(everywhere)
        self.promised = [each for each in self._written if each.id not in self._forgiven]
        self.public = {each.id: None for each in self.promised if not each.local}
        self.forks = {}
        first: dict[tuple[LogId, int], RecordId] = {}
        # Looked for in the records, and not in what was told of forks before: that does not say which of them came back.
        twice = [each for each in self.promised if first.setdefault((each.log, each.seq), each.id) != each.id]
        for each in sorted(twice, key=lambda each: each.seq):
            if each.log not in self.forks:
                self.forked(each.log, each.log_class, each.seq)
        return len(self.promised) < len(self._written)

    def counts(self, record: Promised) -> bool:
        """Say whether it must be kept, and be counted: it does not lie in a dispute."""
        fork = self.forks.get(record.log)
        return fork is None or record.log_class is LogClass.AUTHORITY or record.seq < fork[1]
