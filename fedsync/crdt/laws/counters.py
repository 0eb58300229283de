"""Counters that merge: what each log has added up so far, and of each log the furthest word. Pure.

A log is a chain, so its total up to a place is one number and a longer part of it says all that a shorter one does.
Numbers only grow; what goes down is a second tally beside the first. The two are never made into one balance here:
hours given and hours received are two facts about a person, and their difference is a debt, which nobody keeps.
"""

from dataclasses import dataclass, field

from fedsync.records.ids import LogId


@dataclass(frozen=True, slots=True)
class Tally:
    """A sum over logs, each only ever growing."""

    parts: frozenset[tuple[LogId, int, int]] = field(default_factory=frozenset)
    """For each log how far it was read (the number of its records), and what they add up to."""

    @classmethod
    def of(cls, log: LogId, read: int, total: int) -> "Tally":
        """Return what the first `read` records of one log add up to. Raises ValueError below zero."""
        if read < 0 or total < 0:
            raise ValueError("a tally only grows, from zero")
        return cls(frozenset({(log, read, total)}))

    def __or__(self, other: "Tally") -> "Tally":
        """Return the tally of both: of each log the furthest word."""
        furthest: dict[LogId, tuple[int, int]] = {}
        for log, read, total in self.parts | other.parts:
            furthest[log] = max((read, total), furthest.get(log, (read, total)))
        return Tally(frozenset((log, read, total) for log, (read, total) in furthest.items()))

    @property
    def total(self) -> int:
        """What all logs add up to."""
        return sum(total for _, _, total in self.parts)


@dataclass(frozen=True, slots=True)
class TwoTallies:
    """What came and what went, kept apart."""

    up: Tally = field(default_factory=Tally)
    down: Tally = field(default_factory=Tally)

    def __or__(self, other: "TwoTallies") -> "TwoTallies":
        """Return both tallies, each merged with its own kind."""
        return TwoTallies(self.up | other.up, self.down | other.down)
