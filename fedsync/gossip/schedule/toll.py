"""What a carrier asks before it writes, and tells of all that went and came. Pure."""

from typing import Protocol


class Toll(Protocol):
    """Stands at one link; it has the clock, the carrier has not."""

    def may(self, priority: int, size: int, before: int) -> bool:
        """Say whether a frame may go now, with so many bytes before it."""
        ...

    def wait(self, priority: int, size: int) -> float:
        """Return the seconds until a frame may go; infinite when that cannot be said."""
        ...

    def spend(self, size: int) -> None:
        """Count bytes that went, or came."""
        ...
