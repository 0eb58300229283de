"""What the federation promised to keep, written down beside it, in the simplest form there is.

The checkers read this and not what the nodes think of themselves: who wrote which record where, what it does to a
store, and who wrote two records at one place.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from fedsync.records.ids import LogClass, LogId, PayloadId, RecordId, Scope


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


@dataclass
class Ledger:
    """All that was acknowledged, in order."""

    promised: list[Promised] = field(default_factory=list)
    forks: dict[LogId, tuple[LogClass, int]] = field(default_factory=dict)
    """Where somebody wrote two records at one place: the lowest seq, by log."""
    public: dict[RecordId, None] = field(default_factory=dict)
    """What all should come to hold, for pictures."""

    def note(self, record: Promised) -> None:
        """Write down what was acknowledged."""
        self.promised.append(record)
        if not record.local:
            self.public[record.id] = None

    def forked(self, log: LogId, log_class: LogClass, seq: int) -> None:
        """Write down that a log has two records at `seq`. What lies there and above is nobody's to keep."""
        if log in self.forks:
            seq = min(seq, self.forks[log][1])
        self.forks[log] = log_class, seq
        for each in self.promised:
            if each.log == log and each.seq >= seq:
                self.public.pop(each.id, None)

    def counts(self, record: Promised) -> bool:
        """Say whether it must be kept, and be counted: it does not lie in a dispute."""
        fork = self.forks.get(record.log)
        return fork is None or record.log_class is LogClass.AUTHORITY or record.seq < fork[1]
