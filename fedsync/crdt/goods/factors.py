"""Local units of a body, as its logs of facts say them. Touches a draft only.

A factor is there as long as one of the logs that said it counts. Which of several is meant is no matter of the
state: `fedsync.localunits` looks that up, and asks when it cannot know.
"""

from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.view import Draft, Table, View
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.header import VERSION
from fedsync.records.ids import PayloadId, Scope
from fedsync.records.kinds.units import FACTOR, UnitFactor, parse_factor
from fedsync.records.void import Void

FACTORS = Table(
    "unit_factor",
    ("realm", "id", "log"),
    ("name", "item", "place", "numerator", "denominator", "unit", "seq"),
    rooted=True,
)
"""Which logs said a factor, and what it says."""

FACTOR_TABLES = (FACTORS,)


def take_factors(draft: Draft, block: Block, first: int, stop: int) -> None:
    """Take it that the factors in a block from seq `first` up to, not including, `stop` count."""
    realm = realm_of(block.genesis)
    for id_, (seq, factor) in _said(block, first, stop).items():
        # The first record of a log that says it stands for all.
        if draft.get(FACTORS, (realm, id_, block.log)) is None:
            row = (
                *(factor.name, factor.item, factor.place),
                *(factor.numerator, factor.denominator, factor.unit, seq),
            )
            draft.put(FACTORS, (realm, id_, block.log), row)


def take_out_factors(draft: Draft, genesis: Genesis) -> None:
    """Take it that no factor of a log counts."""
    realm = realm_of(genesis)
    for block in draft.blocks(genesis.log):
        for id_ in _said(block, block.first, block.last + 1):
            draft.drop(FACTORS, (realm, id_, genesis.log))


def _said(block: Block, first: int, stop: int) -> dict[PayloadId, tuple[int, UnitFactor]]:
    """Return the factors in a stretch of a log, each with the first record that says it. What is void is passed over."""
    found: dict[PayloadId, tuple[int, UnitFactor]] = {}
    if FACTOR not in block.kinds:
        return found  # As nearly all blocks: thousands of movements are folded for each factor.
    for columns in block.columns():
        if columns.kind != FACTOR or columns.version != VERSION:
            continue
        for at, row in enumerate(columns.rows):
            if not first <= block.first + row < stop:
                continue
            try:
                factor = parse_factor({key: column[at] for key, column in columns.cols.items()})
            except Void:
                continue
            id_, seq = block.record(row).payload_id, block.first + row
            if id_ not in found or seq < found[id_][0]:
                found[id_] = seq, factor
    return found


def factors(view: View | Draft, realm: Realm | Scope) -> dict[PayloadId, UnitFactor]:
    """Return the local units of a body, by id."""
    found: dict[PayloadId, UnitFactor] = {}
    for key, row in view.scan(FACTORS, (realm,)):
        name, item, place, numerator, denominator, unit, _ = row
        found[PayloadId(key[1])] = UnitFactor(  # type: ignore[arg-type]
            name,  # type: ignore[arg-type]
            numerator,  # type: ignore[arg-type]
            denominator,  # type: ignore[arg-type]
            unit,  # type: ignore[arg-type]
            None if item is None else PayloadId(item),  # type: ignore[arg-type]
            place,  # type: ignore[arg-type]
        )
    return found
