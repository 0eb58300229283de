"""What became known here of logs before it was known that the peer wants to hear of them. Pure."""

from fedsync.records.ids import LogId

_NOTHING_NEW = 2**63
"""Stands for the record below what is new of a log of which nothing is."""


class Early:
    """Logs, each with the record below the first of what was stored of it since. The peer may not have said HELLO yet, or what it follows."""

    def __init__(self) -> None:
        self._logs: dict[LogId, int] = {}

    def stored(self, log: LogId, base: int) -> None:
        """Note that what comes after this record of a log was stored."""
        self._logs[log] = min(base, self._logs.get(log, base))

    def pinned(self, log: LogId) -> None:
        """Note that a log ends elsewhere now."""
        self._logs.setdefault(log, _NOTHING_NEW)

    def forget(self) -> None:
        """Leave it to a comparison."""
        self._logs.clear()

    def take(self) -> list[tuple[LogId, int]]:
        """Return what was noted, and forget it."""
        found = list(self._logs.items())
        self._logs.clear()
        return found
