"""The movements and counts of a community, each as it stands now: what was corrected stands in its corrected form.

Reads records; what lies where is folded elsewhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fedsync.crdt.goods.corrections import Lines
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, COUNTED_LOGS_OF, counted_log
from fedsync.crdt.logs.factchain import along
from fedsync.crdt.realms import Realm
from fedsync.reading import Reading
from fedsync.records.block import Record
from fedsync.records.codec import NotCanonical, Value
from fedsync.records.header import VERSION
from fedsync.records.ids import Key, LogClass, LogId, PayloadId, Reach, Scope
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import (
    COUNT,
    EVENT,
    KINDS,
    PARSERS,
    Counted,
    EconomicEvent,
    Lot,
    Specification,
    Store,
)
from fedsync.records.void import Void


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement or count that counts: where it stands, what it says, and the payload that says it."""

    ref: FactRef
    kind: str
    value: dict[str, Value]
    said: EconomicEvent | Counted
    author: Key
    recorded: int

    @property
    def is_count(self) -> bool:
        """Say whether somebody counted here; else something moved."""
        return self.kind == COUNT


@dataclass(slots=True)
class Ledger:
    """All movements and counts of a community that others see, and the names in them."""

    entries: dict[FactRef, Entry] = field(default_factory=dict)
    instead: dict[FactRef, FactRef] = field(default_factory=dict)
    """What stands in place of an entry."""
    stores: dict[PayloadId, Store] = field(default_factory=dict)
    items: dict[PayloadId, Specification] = field(default_factory=dict)
    lots: dict[PayloadId, Lot] = field(default_factory=dict)

    def standing(self) -> list[Entry]:
        """Return the entries as they stand now, in the order in which they happened."""
        # What was corrected keeps its place among others of the same moment.
        first = {ref: (each.recorded, ref) for ref, each in self.entries.items()}
        for ref in self.instead:
            holds = self.now(ref).ref
            first[holds] = min(first[holds], (self.entries[ref].recorded, ref))
        found = [each for ref, each in self.entries.items() if ref not in self.instead]
        return sorted(found, key=lambda each: (each.said.at, first[each.ref]))

    def now(self, ref: FactRef) -> Entry:
        """Return the entry in whose form this one stands now: itself, when nothing stands in its place."""
        while ref in self.instead:
            ref = self.instead[ref]
        return self.entries[ref]


def ledger(reading: Reading, scope: Scope | None = None) -> Ledger:
    """Return the movements and counts of a body, ours if none is said."""
    found, scope = Ledger(), scope or reading.own().scope
    for record in _records(reading, scope):
        _note(found, record)
    _put_corrections(found, Lines(reading.view, Realm(scope)))
    _put_recounts(found)
    return found


def content(value: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    """Return what a payload says of goods, without what it corrects and how it was said."""
    return tuple(
        sorted((key, repr(each)) for key, each in value.items() if key not in ("corrects", "stated"))
    )


def _records(reading: Reading, scope: Scope) -> Iterator[Record]:
    """Yield the records of goods that count for a body, log by log, along their chains."""
    view = reading.view
    for key, _ in view.scan(COUNTED_LOGS_OF, (scope,)):
        log = LogId(key[2])  # type: ignore[arg-type]
        row = view.get(COUNTED_LOGS, (log,))
        if row is None:
            continue
        counting = counted_log(row)
        for block, stop in along(view, log, counting, 0):
            genesis = block.genesis
            if genesis.log_class is not LogClass.FACTS or genesis.reach is Reach.LOCAL:
                break
            for record in block.records():
                if (
                    record.seq < min(stop, counting.read)
                    and record.kind in KINDS
                    and record.version == VERSION
                ):
                    yield record


def _note(found: Ledger, record: Record) -> None:
    try:
        value = record.value
        said = PARSERS[record.kind](value, record.genesis.scope, record.time)
    except (Void, NotCanonical):
        return
    assert isinstance(value, dict)
    match said:
        case Store():
            found.stores[record.payload_id] = said
        case Specification():
            found.items[record.payload_id] = said
        case Lot():
            found.lots[record.payload_id] = said
        case EconomicEvent() | Counted():
            ref = FactRef(record.log, record.seq, record.id)
            found.entries[ref] = Entry(ref, record.kind, value, said, record.genesis.key, record.time)


def _put_corrections(found: Ledger, lines: Lines) -> None:
    """Let one version stand in place of each movement and all its corrections."""
    for ref, entry in list(found.entries.items()):
        if entry.kind != EVENT:
            continue
        by, too_far = lines.standing(ref)
        if by is not None and by in found.entries:
            found.instead[ref] = by
        elif too_far:
            del found.entries[ref]


def _put_recounts(found: Ledger) -> None:
    """Let the later of two counts by one log of one thing at one instant stand in place of the earlier."""
    last: dict[tuple[object, ...], FactRef] = {}
    for ref, entry in sorted(found.entries.items(), key=lambda each: each[0].seq):
        if isinstance(entry.said, Counted):
            pool = (ref.log, entry.said.store, entry.said.item, entry.said.lot, entry.said.at)
            if pool in last:
                found.instead[last[pool]] = ref
            last[pool] = ref
