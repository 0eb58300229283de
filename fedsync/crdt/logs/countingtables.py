"""The tables of how much of each log of facts and plans counts, and their rows as values. Touches nothing.

None is rooted: whether a log is known to fork, and how far it was read, follows from how its blocks came.
"""

from typing import NamedTuple

from fedsync.crdt.view import Row, Table
from fedsync.records.ids import Key, RecordId, Scope

COUNTED_LOGS = Table(
    "counted_log", ("log",), ("scope", "key", "bound", "limit", "fork", "read", "chain", "chain_seq")
)
COUNTED_LOGS_OF = Table("counted_log_of", ("scope", "key", "log"), ())
COUNTED_UNDER = Table("counted_under", ("page", "entry", "log"), ())
"""The logs that name an entry as their mandate, whether or not it is one, and theirs."""
TERM_USES = Table("term_use", ("log", "kind"), ("used", "last"))
"""Of a kind that a log's mandate limits, how many were read; `last`: where the last one stands that is allowed."""

COUNTING_TABLES = (COUNTED_LOGS, COUNTED_LOGS_OF, COUNTED_UNDER, TERM_USES)


class CountedLog(NamedTuple):
    """How much of a log of facts or plans counts, and how far it was taken."""

    scope: Scope
    key: Key
    bound: str
    """"pending", "all", "cut", or "suspended" while only pages that are not sealed cut it: what the book says."""
    limit: int | None
    """How many records from the first on count; None: all."""
    fork: int | None
    read: int = 0
    chain: RecordId | None = None
    """The record whose chain alone counts, once a book chose it and it is held."""
    chain_seq: int | None = None

    @property
    def done(self) -> bool:
        """Say whether all that counts is taken, whatever else arrives."""
        return self.limit is not None and self.read >= self.limit

    @property
    def waits(self) -> bool:
        """Say whether a book may have chosen a record of it that is not held yet: of such a log only a part counts."""
        return self.chain is None and self.limit is not None


def counted_log(row: Row) -> CountedLog:
    """Return the log in a row."""
    return CountedLog(*row)  # type: ignore[arg-type]
