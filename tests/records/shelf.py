"""What somebody holds, as a plain list of blocks: the naive names of segments."""

from collections.abc import Sequence

from fedsync.records.block import Block
from fedsync.records.ids import LogId, RecordId
from fedsync.records.shortnames import SHORT_BYTES, Place
from fedsync.records.wire import Row


class Shelf:
    """Blocks, in any order. It looks through all of them each time."""

    def __init__(self, *blocks: Block) -> None:
        self.blocks = list(blocks)

    def short(self, log: LogId) -> bool:
        return self.log(log[:SHORT_BYTES]) == log

    def log(self, short: bytes) -> LogId | None:
        found = {block.log for block in self.blocks if block.log[:SHORT_BYTES] == short}
        return found.pop() if len(found) == 1 else None

    def held(self, log: LogId, seq: int) -> Sequence[RecordId]:
        return [
            record.id
            for block in self.blocks
            for record in block.records()
            if (record.log, record.seq) == (log, seq)
        ]

    def recent(self, log: LogId, seq: int, record: RecordId, count: int) -> Sequence[Row]:
        rows: list[Row] = []
        while len(rows) < count:
            found = [each for block in self.blocks for each in block.records() if each.id == record]
            if not found:
                return ()
            one = found[0]
            rows.insert(0, Row(one.version, one.kind, one.time, one.refs, one.payload))
            record = one.prev
        return rows

    def place(self, id_: bytes) -> Place | None:
        for block in self.blocks:
            for record in block.records():
                if id_ in (record.id, record.payload_id):
                    return Place(record.log, record.seq, id_ == record.payload_id)
        return None

    def at(self, log: LogId, seq: int) -> tuple[bytes, bytes] | None:
        found = [
            record
            for block in self.blocks
            for record in block.records()
            if (record.log, record.seq) == (log, seq)
        ]
        return (found[0].id, found[0].payload_id) if len(found) == 1 else None
