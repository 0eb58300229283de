"""What the operator said of a link, and the plain state that follows from it at a moment. Pure."""

from dataclasses import dataclass, field
from typing import TypeAlias

from fedsync.gossip.schedule.windows import Windows


@dataclass(frozen=True, slots=True)
class Terms:
    """When a link may be used, and how much may go over it, both ways together, below TLS or whatever carries it."""

    windows: Windows = field(default_factory=Windows)
    hour_bytes: int | None = None
    """In any hour, wherever it begins; None: as much as it takes."""
    day_bytes: int | None = None
    session_s: int | None = None
    """How long it stands at most in one window."""
    early_end: bool = False
    """End it when nothing is left to say, and open it again when there is something new."""

    def __bool__(self) -> bool:
        return self != Terms()


@dataclass(frozen=True, slots=True)
class Open:
    """It may be used, until then without a break; `until` may be infinite."""

    until: float


@dataclass(frozen=True, slots=True)
class Shut:
    """It is outside of its windows, or has stood in this one as long as it may; it opens then."""

    until: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What may go over it in this hour, or day, is used up; enough for a session is free again then."""

    until: float
    span: int


@dataclass(frozen=True, slots=True)
class Resting:
    """Nothing is left to say; it is opened again then, or when there is something new."""

    until: float


State: TypeAlias = Open | Shut | Spent | Resting
