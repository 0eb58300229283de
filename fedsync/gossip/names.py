"""Short names for what both sides of a session hold, so that blocks may travel as segments. Pure.

Over what the store holds, and what of it the other side may know and does: nothing else is named, and nothing else is looked up
for it, or its questions would tell it what lies here.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from fedsync.gossip.costs import Costs
from fedsync.gossip.holdings import Head, Holdings, SetKey
from fedsync.records.block import BadBlock, claimed_ids, claimed_rows, peek
from fedsync.records.ids import LogId, RecordId, payload_id
from fedsync.records.shortnames import SHORT_BYTES, Place
from fedsync.records.wire import Row

MAX_PLACES = 20_000
"""Ids of records and payloads of which it is remembered where they stand: some 5 MB."""
NOTED_RECORDS = 16
"""A block of more records is not remembered: what refers to its records is an import, and no single word of somebody."""


READ_KEPT = 256
"""Looks into the store that are remembered: what is written is read back at once, and the next block follows soon."""
LOOK = 1
READ = 64
"""What a look into the store costs, and one that reads blocks, beside a log that is asked for."""


class Places:
    """Where the records stand that were last stored or sent, by their ids and those of their payloads; and what was read lately."""

    def __init__(self, most: int = MAX_PLACES) -> None:
        self._most = most
        self.rows: OrderedDict[tuple[RecordId, int], Sequence[Row]] = OrderedDict()
        """The records that end in one, so many. Its id says all before it, so that they never change."""
        self._found: OrderedDict[bytes, Place] = OrderedDict()

    def note(self, raw: bytes) -> None:
        """Remember where the records of a block stand."""
        try:
            head = peek(raw)
            if head.count > NOTED_RECORDS:
                return
            ids = claimed_ids(raw)
        except BadBlock:
            return
        for seq, (record, payload) in enumerate(ids, head.first):
            for id_, place in ((record, Place(head.log, seq)), (payload, Place(head.log, seq, True))):
                self._found[id_] = place
                self._found.move_to_end(id_)
        while len(self._found) > self._most:
            self._found.popitem(last=False)

    def of(self, id_: bytes) -> Place | None:
        """Return where the record with this id stands, or that with this payload."""
        return self._found.get(id_)


class HeldNames:
    """What is held here, as far as the other side may know it: `records.segment.Names`."""

    def __init__(
        self,
        holdings: Holdings,
        places: Places,
        may: Callable[[SetKey], bool],
        knows: Callable[[LogId, int], bool] | None = None,
        costs: Costs | None = None,
    ) -> None:
        """`may`: whether the other side may hold a set. `knows`: whether it holds the record at this seq; None to read what it
        sent, since it need not be asked what it knows then. `costs`: where what all looks cost is added."""
        self._holdings, self._places, self._may, self._knows = holdings, places, may, knows
        self._costs = costs or Costs()

    def short(self, log: LogId) -> bool:
        """Say whether the other side knows a log by its first bytes."""
        return self._known(log, 0) and self._holdings.named(log[:SHORT_BYTES]) == log

    def log(self, short: bytes) -> LogId | None:
        """Return the one log whose id begins so."""
        log = self._holdings.named(short)
        return log if log is not None and self._shared(log) else None

    def held(self, log: LogId, seq: int) -> Sequence[RecordId]:
        """Return the ids at `seq` of a log, one for each branch."""
        if not self._known(log, seq):
            return ()
        self._costs.looked += LOOK
        return list(dict.fromkeys(self._ids(log, seq)))

    def recent(self, log: LogId, seq: int, record: RecordId, count: int) -> Sequence[Row]:
        """Return the last `count` records of the chain that ends in this one."""
        if not self._known(log, seq):
            return ()
        kept = self._places.rows
        if (record, count) in kept:
            return kept[record, count]
        found = self._recent(log, seq, record, count)
        if found:
            kept[record, count] = found
            if len(kept) > READ_KEPT:
                kept.popitem(last=False)
        return found

    def _recent(self, log: LogId, seq: int, record: RecordId, count: int) -> Sequence[Row]:
        self._costs.looked += READ
        held = self._holdings.log(log)
        for head in held.heads if held is not None else ():
            if self._holdings.id_at(log, head, seq) == record:
                return self._rows(log, head, seq - count, count)
        return ()

    def _rows(self, log: LogId, head: Head, below: int, count: int) -> Sequence[Row]:
        """Return so many records after the seq `below` on the chain that ends in `head`, fewer when there are no more."""
        id_ = self._holdings.id_at(log, head, below) if below >= 0 else None
        if below >= 0 and id_ is None:
            return ()
        base = None if id_ is None else (below, id_)
        rows: list[Row] = []
        # One block at a time: mostly the first has them all.
        while len(rows) < count and (blocks := self._holdings.blocks(log, base, head, 1)):
            raw, base = blocks[0]
            rows += claimed_rows(raw)
        return rows[:count]

    def place(self, id_: bytes) -> Place | None:
        """Return where the other side finds the record or payload with this id."""
        place = self._places.of(id_)
        return place if place is not None and self._known(place.log, place.seq) else None

    def at(self, log: LogId, seq: int) -> tuple[bytes, bytes] | None:
        """Return the id of the only record at this place, and that of its payload."""
        if not self._shared(log):
            return None
        self._costs.looked += LOOK
        found = set(self._ids(log, seq))
        if len(found) != 1:
            return None
        (record,) = found
        rows = self.recent(log, seq, record, 1)
        return (record, payload_id(rows[0].payload)) if rows else None

    def _ids(self, log: LogId, seq: int) -> Iterable[RecordId]:
        held = self._holdings.log(log)
        for head in held.heads if held is not None else ():
            id_ = self._holdings.id_at(log, head, seq)
            if id_ is not None:
                yield id_

    def _known(self, log: LogId, seq: int) -> bool:
        return self._shared(log) and (self._knows is None or self._knows(log, seq))

    def _shared(self, log: LogId) -> bool:
        held = self._holdings.log(log)
        return held is not None and self._may(held.set)
