"""What the machines of gossip read of what is stored. Touches nothing; the store implements it.

All is read synchronously and shows committed state only: a byte must not leave before what it says is durable.
The shapes are plain tuples and attributes, so that the store can give its own without knowing this room.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from fedsync.records.ids import Extent, LogClass, LogId, Reach, RecordId, Scope

SetKey: TypeAlias = tuple[Scope, Reach, LogClass]
"""One set for each, so that neighbours who hold different parts agree on what they share."""

Head: TypeAlias = tuple[int, RecordId]
"""A record's seq and id: the last one of a branch, or any other that is named."""

TIP, FORK, PENDING = 0, 1, 2
"""Kinds of item: a log's tip; it is forked at `seq`; the tip that was named for it is still missing."""

Item: TypeAlias = tuple[int, LogId, int, RecordId]
"""(kind, log, seq, id). `id` is 32 zero bytes for FORK."""

Bucket: TypeAlias = tuple[bytes, int]
"""A trie node at depth 3: its canonical hash (a leaf where a leaf is due), and how many items lie in it."""


class Log(Protocol):
    """What is held of one log."""

    @property
    def set(self) -> SetKey:
        """The set it is in."""
        ...

    @property
    def heads(self) -> Sequence[Head]:
        """The last signed record of each branch that is held, the longest branch first; never empty."""
        ...

    @property
    def fork(self) -> int | None:
        """The lowest seq with two ids, both covered by verified signatures. Also told in the authority class."""
        ...

    @property
    def pin(self) -> Head | None:
        """The tip that the log's body named for it, if it did. Only its chain is judged then."""
        ...

    @property
    def urgent(self) -> int | None:
        """The seq up to which the log goes before all else, as the program above says; None when nothing does."""
        ...

    @property
    def created(self) -> int:
        """The journal's counter when the log was first held."""
        ...


class Holdings(Protocol):
    """What is stored, as the machines see it."""

    def journal(self) -> tuple[bytes, int]:
        """Return the journal's id (8 bytes, new whenever the directory was made, restored or copied) and its
        counter, which grows with each change of an item or of the bodies that are followed."""
        ...

    def bodies(self) -> Sequence[tuple[Scope, bytes, Extent]]:
        """Return the (scope, body id, extent) of each body that this node follows."""
        ...

    def followed_at(self) -> int:
        """Return the journal's counter when `bodies` changed last: that is seldom, and there may be thousands."""
        ...

    def sets(self) -> Sequence[SetKey]:
        """Return the sets that are not empty, of any scope and reach."""
        ...

    def buckets(self, key: SetKey) -> Mapping[int, Bucket]:
        """Return the buckets of a set that are not empty, by the first 12 bits of their logs' ids."""
        ...

    def count(self, key: SetKey) -> int:
        """Return how many items a set has."""
        ...

    def items(self, key: SetKey, low: bytes, high: bytes | None) -> Sequence[Item]:
        """Return the items of a set whose log is from `low` to below `high` (None: to the end), in any order.

        For each log: in the authority class a TIP for each head. In other classes a TIP; forked, FORK instead;
        with a pin, instead of either, TIP of the pin when it is held and PENDING when not.
        """
        ...

    def log(self, log: LogId) -> Log | None:
        """Return what is held of a log, None when nothing is."""
        ...

    def urgent(self, log: LogId) -> int | None:
        """Return the seq up to which a log goes before all else: `Log.urgent`, for those who ask of many logs."""
        ...

    def named(self, prefix: bytes) -> LogId | None:
        """Return the one log whose id begins with these 4 or 8 bytes; None when there is none, or more than one."""
        ...

    def changed(self, key: SetKey, since: int) -> Sequence[LogId]:
        """Return the logs of a set whose items changed after the journal's counter was `since`."""
        ...

    def moved(self, since: int) -> Sequence[SetKey]:
        """Return the sets of which an item changed after the journal's counter was `since`, in any order."""
        ...

    def fresh(self, log: LogId, since: int, limit: int) -> Sequence[bytes]:
        """Return blocks of a log stored after the counter was `since`, oldest first, of at most `limit` bytes."""
        ...

    def id_at(self, log: LogId, head: Head, seq: int) -> RecordId | None:
        """Return the id of the record at `seq` on the chain that ends in `head`, None when it has none."""
        ...

    def blocks(
        self, log: LogId, base: Head | None, head: Head, limit: int
    ) -> Sequence[tuple[bytes, Head]] | None:
        """Return the next blocks on the chain that ends in `head`, each with its last record.

        `base` is the last record that the asker holds, None for nothing: the first block follows exactly it
        (a stored block that straddles it is cut). At least one block, then up to `limit` bytes; [] when `base`
        is `head`; None when `base` is not on that chain.
        """
        ...
