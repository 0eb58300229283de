"""What a stretch of a log of facts says, added up by store, item and lot. Pure; reads one block.

A first sync brings hundreds of thousands of movements, so they are read by columns: whole columns are checked at
once, and only a column with something wrong in it is gone through record by record. Both ways follow the rules of
`records.kinds.stock` to the letter; a test compares them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import sub
from typing import Any

from fedsync.crdt.goods.checkpoints import Count
from fedsync.crdt.goods.tables import Pool
from fedsync.records.block import Block, Columns
from fedsync.records.codec import Value
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.header import MAX_TIME, VERSION
from fedsync.records.ids import NO_LOT, LogClass, PayloadId, RecordId
from fedsync.records.kinds.actions import APART, SIGNS
from fedsync.records.kinds.goods import MAX_AHEAD_MS
from fedsync.records.kinds.parties import MAX_QUANTITY
from fedsync.records.kinds.stock import (
    EVENT,
    EVENT_FIELDS,
    KINDS,
    PARSERS,
    Counted,
    EconomicEvent,
    Lot,
    Specification,
    Store,
)
from fedsync.records.void import Void


@dataclass(slots=True)
class Moves:
    """Movements in one pool: when, and by how much; and what they did in all to what is there by right beyond that."""

    times: list[int] = field(default_factory=list)
    deltas: list[int] = field(default_factory=list)
    apart: int = 0


@dataclass(slots=True)
class Facts:
    """All that counts in a stretch of a log."""

    moves: dict[Pool, Moves] = field(default_factory=dict)
    counts: dict[Pool, list[Count]] = field(default_factory=dict)
    stores: dict[PayloadId, tuple[int, Store]] = field(default_factory=dict)
    """By id: the first record that made it, by seq, and what it says."""
    items: dict[PayloadId, tuple[int, Specification]] = field(default_factory=dict)
    lots: dict[PayloadId, tuple[int, Lot]] = field(default_factory=dict)
    linked: list[tuple[int, RecordId, EconomicEvent]] = field(default_factory=list)
    """Events that correct another, or keep a promise: seq, id and what they say. They are among the moves too."""

    @property
    def pools(self) -> Collection[Pool]:
        """The pools whose balance this bears on."""
        return {**self.moves, **self.counts}.keys()


def why_inert(genesis: Genesis) -> str | None:
    """Return why no record of a log counts as a fact of its body; None when they can."""
    if genesis.log_class is not LogClass.FACTS:
        return "its log is not one for facts"
    if genesis.capacity != SEAT and genesis.mandate is None:
        return "its log speaks neither for a seat nor under a mandate"
    return None


def read(block: Block, first: int, stop: int) -> Facts:
    """Return the facts of `block` from seq `first` up to, not including, `stop`. What is void is passed over.

    Of a whole block it is the same object each time: nobody changes it.
    """
    if first <= block.first and stop > block.last:
        return block.once(_all)
    return _between(block, first, stop)


def _all(block: Block) -> Facts:
    return _between(block, block.first, block.last + 1)


def _between(block: Block, first: int, stop: int) -> Facts:
    facts = Facts()
    low, high = max(0, first - block.first), min(block.count, stop - block.first)
    for columns in block.columns():
        if columns.kind not in KINDS or columns.version != VERSION:
            continue
        if low > 0 or high < block.count:
            columns = _cut(columns, low, high)
        if columns.rows and not (columns.kind == EVENT and _all_sound(facts, block, columns)):
            _one_by_one(facts, block, columns)
    return facts


def _cut(columns: Columns, low: int, high: int) -> Columns:
    keep = [at for at, row in enumerate(columns.rows) if low <= row < high]
    cols = {key: [column[at] for at in keep] for key, column in columns.cols.items()}
    return Columns(columns.kind, columns.version, columns.keys, [columns.rows[at] for at in keep], cols)


def _all_sound(facts: Facts, block: Block, columns: Columns) -> bool:
    """Add up movements, all at once, if nothing is wrong with any of them; else add nothing and return False."""
    # A note may be in several languages, and what names other records is looked at for itself: they go the long way.
    if columns.cols.keys() != EVENT_FIELDS and columns.cols.keys() != _LOT_FIELDS:
        return False
    # What the columns hold is checked here, at once, and no type checker can follow that.
    cols: dict[str, Any] = dict(columns.cols)
    actions, ids, items = cols["action"], cols["store"], cols["resource_conforms_to"]
    quantities, times = cols["quantity"], cols["has_point_in_time"]
    lots = cols.get("lot")
    if not (
        set(map(type, actions)) == {str}
        and set(map(type, ids)) == {bytes} == set(map(type, items))
        and set(map(type, quantities)) == {int} == set(map(type, times))
        and (lots is None or set(map(type, lots)) == {bytes})
    ):
        return False
    named, stores, kinds, batches = set(actions), set(ids), set(items), set(lots or ())
    claimed: Sequence[int] = block.times
    if len(columns.rows) < block.count:
        claimed = [claimed[row] for row in columns.rows]
    if not (
        named <= SIGNS.keys()
        and set(map(len, stores)) == {32} == set(map(len, kinds))
        and (lots is None or set(map(len, batches)) == {32})
        and min(quantities) >= 0
        and max(quantities) <= MAX_QUANTITY
        and min(times) >= -MAX_TIME
        and max(map(sub, times, claimed)) <= MAX_AHEAD_MS
    ):
        return False
    deltas = [SIGNS[action] * each for action, each in zip(actions, quantities, strict=True)]
    aparts = None
    if not named <= _ALIKE:
        aparts = [APART[action] * each for action, each in zip(actions, quantities, strict=True)]
    if len(stores) == 1 == len(kinds) and len(batches) < 2:
        pool = (stores.pop(), kinds.pop(), batches.pop() if batches else NO_LOT)
        moves = facts.moves.setdefault(pool, Moves())
        moves.times.extend(times)
        moves.deltas.extend(deltas)
        moves.apart += sum(aparts or ())
    else:
        pools = zip(ids, items, lots or repeat(NO_LOT), strict=False)
        _by_pool(facts.moves, pools, times, deltas, aparts or repeat(0))
    return True


def _by_pool(
    found: dict[Pool, Moves],
    pools: Iterable[Pool],
    times: Iterable[int],
    deltas: Iterable[int],
    aparts: Iterable[int],
) -> None:
    for pool, at, delta, apart in zip(pools, times, deltas, aparts, strict=False):
        moves = found.get(pool)
        if moves is None:
            moves = found[pool] = Moves()
        moves.times.append(at)
        moves.deltas.append(delta)
        moves.apart += apart


def _one_by_one(facts: Facts, block: Block, columns: Columns) -> None:
    parse = PARSERS[columns.kind]
    for at, row in enumerate(columns.rows):
        value: dict[str, Value] = {key: column[at] for key, column in columns.cols.items()}
        try:
            said = parse(value, block.genesis.scope, block.times[row])
        except Void:
            continue
        seq = block.first + row
        match said:
            case EconomicEvent():
                for store, delta, apart in said.moved:
                    moves = facts.moves.setdefault((store, said.item, said.lot), Moves())
                    moves.times.append(said.at)
                    moves.deltas.append(delta)
                    moves.apart += apart
                if said.corrects is not None or said.fulfills is not None:
                    facts.linked.append((seq, block.ids[row], said))
            case Counted():
                count = Count(
                    said.at, said.quantity, block.ids[row], block.log, seq, said.includes, said.excludes
                )
                facts.counts.setdefault((said.store, said.item, said.lot), []).append(count)
            case Store():
                facts.stores.setdefault(block.record(row).payload_id, (seq, said))
            case Specification():
                facts.items.setdefault(block.record(row).payload_id, (seq, said))
            case Lot():
                facts.lots.setdefault(block.record(row).payload_id, (seq, said))


_LOT_FIELDS = EVENT_FIELDS | {"lot"}
_ALIKE = frozenset(action for action, apart in APART.items() if not apart)
"""Actions that do to what one has by right what they do to what lies there."""
