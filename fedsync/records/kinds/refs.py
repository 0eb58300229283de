"""A record named so that it can be found: by its log, its number there and its id. Pure."""

from typing import NamedTuple

from fedsync.records.codec import Value
from fedsync.records.header import MAX_TIME
from fedsync.records.ids import LogId, RecordId
from fedsync.records.void import Void


class FactRef(NamedTuple):
    """A record, named with its place: it can be found without an index of all records."""

    log: LogId
    seq: int
    id: RecordId

    @property
    def value(self) -> list[Value]:
        """What stands in a payload for it."""
        return [self.log, self.seq, self.id]


def fact_ref(value: Value, what: str) -> FactRef:
    """Return which record a value names. Raises Void."""
    match value:
        case [bytes() as log, int() as seq, bytes() as id_] if (
            len(log) == 32 == len(id_) and type(seq) is int and 0 <= seq <= MAX_TIME
        ):
            return FactRef(LogId(log), seq, RecordId(id_))
    raise Void("reference", f"{what} names a record by its log, its number there and its id")
