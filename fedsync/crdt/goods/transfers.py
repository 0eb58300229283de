"""The fold of transfers: what a body announces, what it moved, what it says is missing. Touches a draft only.

Manifests stand in logs of plans, movements and discrepancies in logs of facts; this room is in the contents of both.
Nothing is judged here: whether a movement names a transfer that is known, and a line of it, may be known much later.
"""

from collections.abc import Iterator

from fedsync.crdt.goods.tables import small
from fedsync.crdt.goods.transfertables import CANCELS, DISCREPANCIES, LINES, MOVES, MOVES_OF, TRANSFERS
from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.view import Draft, KeyRow, Row, Table
from fedsync.records.block import Block, Record
from fedsync.records.codec import NotCanonical
from fedsync.records.genesis import Genesis
from fedsync.records.header import VERSION
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds import class_of
from fedsync.records.kinds.stock import EVENT, EconomicEvent, parse_event
from fedsync.records.kinds.transfers import PARSERS, Cancel, Discrepancy, Transfer
from fedsync.records.void import Void

PICKED, DROPPED, LOST = "picked", "dropped", "lost"
"""What a movement does to a transfer: pickup, dropoff, and `lower` with a reason, in no store."""

_WHAT = {"pickup": PICKED, "dropoff": DROPPED, "lower": LOST}

Rows = list[tuple[Table, KeyRow, Row]]


class Transfers:
    """What logs of plans and of facts say of transfers."""

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Write down what a stretch of a block announces, moves and misses."""
        for table, key, row in _rows(block, first, stop):
            draft.put(table, key, row)
        realm = realm_of(block.genesis)
        for event in _carried(block, first, stop):
            change(draft, realm, block.log, event, 1)

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Drop all that a log says of transfers."""
        for block in draft.blocks(genesis.log):
            for table, key, _ in _rows(block, block.first, block.last + 1):
                draft.drop(table, key)
        _take_out_moves(draft, realm_of(genesis), genesis.log)


def change(draft: Draft, realm: Realm, log: LogId, event: EconomicEvent, sign: int) -> None:
    """Add an event of a log to what it moved under a transfer; with a sign of -1 take away again what a correction replaces."""
    what = what_of(event.action, event.store is not None)
    if event.transfer is not None and what is not None:
        goods = (event.item, event.lot)
        add(draft, realm, log, event.transfer, goods, event.store or b"", what, sign * event.quantity, sign)


def what_of(action: str, in_store: bool) -> str | None:
    """Return what a movement that names a transfer does to it; None: nothing, such as the rights that go with it."""
    what = _WHAT.get(action)
    # What spoils in a store has arrived there, and what is taken out of one is in it: only the way has no store.
    return what if in_store is (what != LOST) else None


def add(
    draft: Draft,
    realm: Realm,
    log: LogId,
    transfer: RecordId,
    goods: tuple[bytes, bytes],
    store: bytes,
    what: str,
    quantity: int,
    events: int = 1,
) -> None:
    """Add movements of a log to what it moved under a transfer. `goods`: item and lot; a lot or store of none is empty.

    What a correction replaces is taken away again with a quantity and a number below zero.
    """
    key = (realm, transfer, *goods, log, store, what)
    row = draft.get(MOVES, key)
    total, number = (int(row[0] or 0), int(row[1] or 0)) if row else (0, 0)
    total, number = total + quantity, number + events
    # While a block is taken, what is replaced may be gone before it comes: then none is left of a sum that is not zero.
    if number or total:
        draft.put(MOVES, key, (small(total), number))
        draft.put(MOVES_OF, (log, transfer), ())
    else:
        draft.drop(MOVES, key)


def _take_out_moves(draft: Draft, realm: Realm, log: LogId) -> None:
    """Drop all that a log moved under transfers."""
    for of, _ in list(draft.scan(MOVES_OF, (log,))):
        for key, _ in list(draft.scan(MOVES, (realm, of[1]))):
            if key[4] == log:
                draft.drop(MOVES, key)
        draft.drop(MOVES_OF, of)


def _rows(block: Block, first: int, stop: int) -> Iterator[tuple[Table, KeyRow, Row]]:
    # A first sync brings mostly blocks of other kinds alone.
    if PARSERS.keys().isdisjoint(block.body.kinds):
        return
    realm = realm_of(block.genesis)
    for at, kind in enumerate(block.body.kinds):
        if kind in PARSERS and first <= block.first + at < stop:
            record = block.record(at)
            if record.version == VERSION and class_of(kind) is block.genesis.log_class:
                yield from _said(realm, record)


def _said(realm: Realm, record: Record) -> Rows:
    try:
        said = PARSERS[record.kind](record.value, record.genesis.scope, record.time)
    except (Void, NotCanonical):
        return []
    match said:
        case Transfer():
            manifest = (said.provider, said.receiver, said.carrier, said.store, said.to, said.due)
            rows: Rows = [(TRANSFERS, (realm, record.id), (record.log, record.seq, *manifest))]
            for line in said.lines:
                key = (realm, record.id, line.item, line.lot or b"")
                rows.append((LINES, key, (line.quantity, line.commitment)))
            return rows
        case Cancel():
            return [(CANCELS, (realm, said.transfer, record.log, record.seq), (record.id,))]
        case Discrepancy():
            place = (realm, said.transfer, said.item, said.lot or b"", record.log, record.seq)
            return [(DISCREPANCIES, place, (record.id, said.quantity, said.reason))]


def _carried(block: Block, first: int, stop: int) -> Iterator[EconomicEvent]:
    """Yield the events of a stretch of a block that name a transfer. Most blocks have none, and cost one look."""
    if block.genesis.log_class is not class_of(EVENT):
        return
    if not any(shape.keys is None or "transfer" in shape.keys for shape in block.body.shapes):
        return
    for columns in block.columns():
        if columns.kind != EVENT or columns.version != VERSION or "transfer" not in columns.cols:
            continue
        for at, row in enumerate(columns.rows):
            if first <= block.first + row < stop:
                value = {key: column[at] for key, column in columns.cols.items()}
                try:
                    yield parse_event(value, block.genesis.scope, block.times[row])
                except Void:
                    continue
