"""What a stretch of a log of facts says, added up by store and item. Pure; reads one block.

A first sync brings hundreds of thousands of movements, so they are read by columns: whole columns are checked at
once, and only a column with something wrong in it is gone through record by record. Both ways follow the rules of
`records.kinds.stock` to the letter; a test compares them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from operator import sub
from typing import Any

from fedsync.crdt.checkpoints import Count
from fedsync.crdt.tables import Pair
from fedsync.records.block import Block, Columns
from fedsync.records.codec import Value
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.header import MAX_TIME, VERSION
from fedsync.records.ids import LogClass, PayloadId
from fedsync.records.kinds.actions import SIGNS
from fedsync.records.kinds.goods import MAX_AHEAD_MS
from fedsync.records.kinds.parties import MAX_QUANTITY
from fedsync.records.kinds.stock import (
    EVENT,
    EVENT_FIELDS,
    KINDS,
    PARSERS,
    Counted,
    EconomicEvent,
    Specification,
    Store,
)
from fedsync.records.void import Void


@dataclass(slots=True)
class Moves:
    """Movements of one item in one store: when, and by how much."""

    times: list[int] = field(default_factory=list)
    deltas: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Facts:
    """All that counts in a stretch of a log."""

    moves: dict[Pair, Moves] = field(default_factory=dict)
    counts: dict[Pair, list[Count]] = field(default_factory=dict)
    stores: dict[PayloadId, tuple[int, Store]] = field(default_factory=dict)
    """By id: the first record that made it, by seq, and what it says."""
    items: dict[PayloadId, tuple[int, Specification]] = field(default_factory=dict)

    @property
    def pairs(self) -> Collection[Pair]:
        """The stores and items whose balance this bears on."""
        return {**self.moves, **self.counts}.keys()


def why_inert(genesis: Genesis) -> str | None:
    """Return why no record of a log counts as a fact of its body; None when they can."""
    if genesis.log_class is not LogClass.FACTS:
        return "its log is not one for facts"
    if genesis.capacity != SEAT and genesis.mandate is None:
        return "its log speaks neither for a seat nor under a mandate"
    return None


def read(block: Block, first: int, stop: int) -> Facts:
    """Return the facts of `block` from seq `first` up to, not including, `stop`. What is void is passed over."""
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
    # A note may be in several languages, so events with one go the long way.
    if columns.cols.keys() != EVENT_FIELDS:
        return False
    # What the columns hold is checked here, at once, and no type checker can follow that.
    cols: dict[str, Any] = dict(columns.cols)
    actions, ids, items = cols["action"], cols["store"], cols["resource_conforms_to"]
    quantities, times = cols["quantity"], cols["has_point_in_time"]
    if not (
        set(map(type, actions)) == {str}
        and set(map(type, ids)) == {bytes} == set(map(type, items))
        and set(map(type, quantities)) == {int} == set(map(type, times))
    ):
        return False
    named, stores, kinds = set(actions), set(ids), set(items)
    claimed: Sequence[int] = block.times
    if len(columns.rows) < block.count:
        claimed = [claimed[row] for row in columns.rows]
    if not (
        named <= SIGNS.keys()
        and set(map(len, stores)) == {32} == set(map(len, kinds))
        and min(quantities) >= 0
        and max(quantities) <= MAX_QUANTITY
        and min(times) >= -MAX_TIME
        and max(map(sub, times, claimed)) <= MAX_AHEAD_MS
    ):
        return False
    deltas = [SIGNS[action] * each for action, each in zip(actions, quantities, strict=True)]
    if len(stores) == 1 == len(kinds):
        moves = facts.moves.setdefault((stores.pop(), kinds.pop()), Moves())
        moves.times.extend(times)
        moves.deltas.extend(deltas)
    else:
        _by_pair(facts.moves, zip(ids, items, strict=True), times, deltas)
    return True


def _by_pair(
    found: dict[Pair, Moves], pairs: "zip[Pair]", times: Sequence[int], deltas: Sequence[int]
) -> None:
    for pair, at, delta in zip(pairs, times, deltas, strict=True):
        moves = found.get(pair)
        if moves is None:
            moves = found[pair] = Moves()
        moves.times.append(at)
        moves.deltas.append(delta)


def _one_by_one(facts: Facts, block: Block, columns: Columns) -> None:
    parse = PARSERS[columns.kind]
    for at, row in enumerate(columns.rows):
        value: dict[str, Value] = {key: column[at] for key, column in columns.cols.items()}
        try:
            said = parse(value, block.genesis.scope, block.times[row])
        except Void:
            continue
        match said:
            case EconomicEvent():
                for store, delta, _ in said.moved:
                    moves = facts.moves.setdefault((store, said.item), Moves())
                    moves.times.append(said.at)
                    moves.deltas.append(delta)
            case Counted():
                seq = block.first + row
                count = Count(said.at, said.quantity, block.ids[row], block.log, seq)
                facts.counts.setdefault((said.store, said.item), []).append(count)
            case Store():
                facts.stores.setdefault(block.record(row).payload_id, (block.first + row, said))
            case Specification():
                facts.items.setdefault(block.record(row).payload_id, (block.first + row, said))
