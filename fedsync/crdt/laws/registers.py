"""A register that keeps rivals visible: what was written, and by nobody replaced, stands side by side. Pure.

Merging is the union of the writes, so any order, grouping and repetition gives one register. The alternative, the
last writer wins, would let a clock decide between two assemblies and hide that there was anything to decide.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fedsync.records.ids import LogId, RecordId

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Write(Generic[V]):
    """One record's word. It replaces what its own log wrote before, and the writes that it names."""

    id: RecordId
    log: LogId
    seq: int
    value: V
    replaces: frozenset[RecordId] = frozenset()


@dataclass(frozen=True, slots=True)
class Register(Generic[V]):
    """All that was ever written."""

    writes: frozenset[Write[V]] = frozenset()

    @classmethod
    def of(cls, writes: Iterable[Write[V]]) -> "Register[V]":
        """Return the register in which these were written."""
        return cls(frozenset(writes))

    def __or__(self, other: "Register[V]") -> "Register[V]":
        """Return the register in which both were written."""
        return Register(self.writes | other.writes)

    def rivals(self) -> tuple[Write[V], ...]:
        """Return the writes that no other replaces, by id. More than one: nobody has settled it."""
        named: set[RecordId] = set()
        latest: dict[LogId, int] = {}
        for each in self.writes:
            named |= each.replaces
            latest[each.log] = max(each.seq, latest.get(each.log, each.seq))
        standing = [each for each in self.writes if each.id not in named and each.seq == latest[each.log]]
        return tuple(sorted(standing, key=lambda each: each.id))

    @property
    def contested(self) -> bool:
        """Say whether rivals stand side by side."""
        return len(self.rivals()) > 1

    def meanwhile(self) -> Write[V] | None:
        """Return the write to go by until rivals are settled: the one with the largest id. None: nothing stands."""
        standing = self.rivals()
        return standing[-1] if standing else None
