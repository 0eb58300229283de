"""Counts as checkpoints in valid time: what lies in a store is the last count and what moved after it. Pure.

A movement that happened before a count and arrives after it explains a part of what the count found; it never
changes what lies there now. So who was offline for a week cannot make a counted sack vanish twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fedsync.crdt.laws.registers import Register, Write
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.refs import FactRef


@dataclass(frozen=True, slots=True)
class Count:
    """Somebody found `quantity` at the instant `at` (ms), and said so in the record `id` at `seq` of `log`."""

    at: int
    quantity: int
    id: RecordId
    log: LogId
    seq: int
    includes: tuple[FactRef, ...] = ()
    """Movements that happened before it, whatever time they say."""
    excludes: tuple[FactRef, ...] = ()
    """Movements that happened after it."""

    @property
    def named(self) -> dict[FactRef, bool]:
        """What it says of movements that it names: whether they happened after it."""
        return {**dict.fromkeys(self.includes, False), **dict.fromkeys(self.excludes, True)}


@dataclass(frozen=True, slots=True)
class Instant:
    """The counts of one moment. Of one log the later holds; those of different logs are rivals."""

    at: int
    register: Register[Count]

    @property
    def count(self) -> Count:
        """The count to go by: the only one that stands, or of rivals the one with the largest id."""
        write = self.register.meanwhile()
        assert write is not None, "an instant has a count"
        return write.value

    @property
    def contested(self) -> bool:
        """Say whether different logs counted at this moment."""
        return self.register.contested


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """All counts of one item in one store."""

    counts: frozenset[Count] = frozenset()

    @classmethod
    def of(cls, counts: Iterable[Count]) -> "Checkpoints":
        """Return the checkpoints that these counts are."""
        return cls(frozenset(counts))

    def __or__(self, other: "Checkpoints") -> "Checkpoints":
        """Return the counts of both."""
        return Checkpoints(self.counts | other.counts)

    def last_two(self) -> tuple[Instant | None, Instant | None]:
        """Return the last instant at which somebody counted, and the one before it."""
        times = sorted({each.at for each in self.counts}, reverse=True)[:2]
        instants = [self._instant(at) for at in times]
        return instants[0] if instants else None, instants[1] if len(instants) > 1 else None

    def _instant(self, at: int) -> Instant:
        writes = (Write(each.id, each.log, each.seq, each) for each in self.counts if each.at == at)
        return Instant(at, Register.of(writes))


@dataclass(frozen=True, slots=True)
class Level:
    """What lies in a store, and how one knows."""

    on_hand: int
    unexplained: int | None
    """What the last count found beyond what the records explain; less than zero: goods are missing."""
    last: Instant | None


def level(last: Instant | None, before: Instant | None, between: int, after: int) -> Level:
    """Return the level from the last two counts and the sums of movements around them.

    `between` is what moved after the count before the last, up to the last and at its very instant; `after` what
    moved later. Movements that a count names are on the side of it that it says. Without a count both begin with an empty store, and `between` is zero.
    """
    if last is None:
        return Level(after, None, None)
    expected = (before.count.quantity if before else 0) + between
    return Level(last.count.quantity + after, last.count.quantity - expected, last)
