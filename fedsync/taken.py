"""What the door of a node says of a block."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fedsync.records.block import Block
from fedsync.records.ids import Key, LogId

UNWANTED: Final = frozenset({"not-followed", "extent", "local"})
"""Codes with which the door refuses all of a log."""


class Verdict(Enum):
    """What the door says of a block."""

    TAKEN = "taken"
    KNOWN = "known"
    FORKED = "forked"
    BEYOND = "beyond"
    PARKED = "parked"
    REFUSED = "refused"
    NO_BASE = "no-base"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one block. `log` is what the bytes say when they are not verified."""

    raw: bytes
    origin: Key | None
    verdict: Verdict
    log: LogId | None = None
    block: Block | None = None
    """The part that is held now and was not before."""
    fork_at: int | None = None
    code: str = ""
    reason: str = ""
    until: int = 0
    """When it may be taken, in ms, for what waits; 0: when authority changes."""
    fault: bool = False
    """The sender is to blame: a bad hash, chain or signature, even if part of the block was good."""
