"""What the store says in its own words: sets, heads, items, and what became of a block. Touches nothing."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple

from fedsync.records.block import Block
from fedsync.records.ids import LogClass, LogId, Reach, RecordId, Scope
from fedsync.records.places import Place


class SetId(NamedTuple):
    """A set that two nodes may both hold: neighbours who hold different parts agree on what they share."""

    scope: Scope
    reach: Reach
    log_class: LogClass


class ItemKind(IntEnum):
    """What an item of a set says of its log."""

    TIP = 0
    FORK = 1
    PENDING = 2


class Item(NamedTuple):
    """One tip of a log, or that it is forked: then `id` is zero and `seq` the lowest with two ids."""

    kind: ItemKind
    log: LogId
    seq: int
    id: RecordId


@dataclass(frozen=True, slots=True)
class Head:
    """The last record held of one branch; always signed."""

    seq: int
    id: RecordId
    place: Place


class Outcome(Enum):
    """What became of a block."""

    NEW = "new"
    """It continues a branch: kept, or the part of it that was not held."""
    KNOWN = "known"
    """All of it was held."""
    BRANCH = "branch"
    """It leaves a held branch at `fork_at`: kept, as proof or as a branch of its own."""
    BEYOND = "beyond"
    """The log is forked below it, so nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What `append` did. `kept` is the part that is held now and was not before; `number` its block's."""

    outcome: Outcome
    kept: Block | None = None
    number: int | None = None
    fork_at: int | None = None


class Found(NamedTuple):
    """A record found by the beginning of its id."""

    log: LogId
    seq: int
    id: RecordId
