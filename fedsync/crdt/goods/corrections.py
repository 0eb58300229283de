"""Which of an event and its corrections holds, and which facts are named by others. Touches a draft only.

An event that corrects stands in the place of the one that it names. Of several corrections of one event, in one log the
later holds, of different logs the one with the larger id; a correction of a correction goes on from it. So the corrections of an
event are a tree, and one line leads down it from the event itself: its end holds, and nothing else of the tree counts. That the
event is not held, or is none, changes nothing of that. A line has `MAX_LINE` corrections; what would go on from there counts
for nothing, so that nobody can make others walk for ever.
"""

from typing import NamedTuple

from fedsync.crdt.goods.checkpoints import Count
from fedsync.crdt.goods.tables import CORRECTIONS, CORRECTS, NAMED, REFERRED, REPLACED, STANDING, Pool
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.logs.factchain import along
from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.view import Draft, View
from fedsync.records.block import Block
from fedsync.records.codec import NotCanonical
from fedsync.records.header import VERSION
from fedsync.records.ids import LogId, PayloadId, RecordId
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import EVENT, EconomicEvent, parse_event
from fedsync.records.void import Void

MAX_LINE = 16
"""Corrections, each of the one before. Who still errs then can correct the first event, and begins a line beside."""
_ALL = (b"", b"", b"")
"""Instead of a pool: all."""
FEW = 100
"""References to a log's facts that are gone through all at once; where there are more, each record is looked up."""


class Line(NamedTuple):
    """From an event that is no correction down to what stands in its place. `contested`: rivals of different logs."""

    refs: tuple[FactRef, ...]
    contested: bool


class Lines:
    """The trees of corrections in a realm. `without`: a log of which nothing counts, whatever is written down."""

    def __init__(self, view: Draft | View, realm: Realm, without: LogId | None = None) -> None:
        self._view, self._realm, self._without = view, realm, without

    def event(self, ref: FactRef) -> EconomicEvent | None:
        """Return the event that a reference names; None when none that counts in the realm does."""
        row = self._view.get(COUNTED_LOGS, (ref.log,))
        if ref.log == self._without or row is None or ref.seq >= counted_log(row).read:
            return None
        block = next((block for block, _ in along(self._view, ref.log, counted_log(row), ref.seq)), None)
        if block is None or realm_of(block.genesis) != self._realm:
            return None
        return event_at(block, ref)

    def up(self, ref: FactRef) -> list[FactRef]:
        """Return an event and those in whose place it was said, from it up: all, or more than a line may have."""
        found = [ref]
        while len(found) <= MAX_LINE + 1:
            row = self._view.get(CORRECTS, (self._realm, ref.log, ref.seq))
            if row is None or row[0] != ref.id:
                break
            ref = FactRef(LogId(row[1]), int(row[2]), RecordId(row[3]))  # type: ignore[arg-type]
            found.append(ref)
        return found

    def top(self, ref: FactRef) -> FactRef | None:
        """Return the event that is no correction in whose tree one is; None when it is too far down."""
        line = self.up(ref)
        return line[-1] if len(line) <= MAX_LINE + 1 else None

    def corrections(self, ref: FactRef) -> list[FactRef]:
        """Return the latest corrections of an event, one of each log."""
        return [
            FactRef(LogId(key[4]), int(row[0]), RecordId(row[1]))  # type: ignore[arg-type]
            for key, row in self._view.scan(CORRECTIONS, (self._realm, *ref))
        ]

    def line(self, top: FactRef) -> Line:
        """Return the line from an event down to what stands in its place: itself, when nothing does."""
        refs, contested = [top], False
        while len(refs) <= MAX_LINE:
            rivals = self.corrections(refs[-1])
            if not rivals:
                break
            contested = contested or len(rivals) > 1
            refs.append(max(rivals, key=lambda each: each.id))
        return Line(tuple(refs), contested)

    def standing(self, ref: FactRef) -> tuple[FactRef | None, bool]:
        """Return what stands in an event's place, and whether that is contested; None, False: itself.

        Of an event that is too far down its line that is not known, and returned as None, True.
        """
        row = self._view.get(REPLACED, (self._realm, ref.log, ref.seq))
        if row is None or row[0] != ref.id:
            return None, False
        top = self.top(ref)
        row = self._view.get(STANDING, (self._realm, *top)) if top is not None else None
        return (None, True) if row is None else (standing(row), bool(row[3]))


def standing(row: tuple[object, ...]) -> FactRef:
    """Return what stands in an event's place, from its row."""
    return FactRef(LogId(row[0]), int(row[1]), RecordId(row[2]))  # type: ignore[arg-type, call-overload]


def event_at(block: Block, ref: FactRef) -> EconomicEvent | None:
    """Return the event that a block holds at a place; None when it is another record, or no sound event."""
    at = ref.seq - block.first
    if not 0 <= at < block.count or block.kinds[at] != EVENT or block.body.versions[at] != VERSION:
        return None
    if block.ids[at] != ref.id:
        return None
    try:
        return parse_event(block.value(at), block.genesis.scope, block.times[at])
    except (Void, NotCanonical):
        return None


# --- What refers to what --------------------------------------------------------------------------------------


def note_correction(draft: Draft, realm: Realm, corrected: FactRef, by: FactRef) -> None:
    """Write down that an event says that it corrects another."""
    draft.put(CORRECTS, (realm, by.log, by.seq), (by.id, *corrected))
    row = draft.get(CORRECTIONS, (realm, *corrected, by.log))
    if row is None or by.seq > row[0]:  # type: ignore[operator]
        draft.put(CORRECTIONS, (realm, *corrected, by.log), (by.seq, by.id))
    _refer(draft, realm, corrected)


def forget_correction(draft: Draft, realm: Realm, corrected: FactRef, by: FactRef) -> None:
    """Forget what a log says of an event: nothing of the log counts."""
    draft.drop(CORRECTS, (realm, by.log, by.seq))
    draft.drop(CORRECTIONS, (realm, *corrected, by.log))


def note_named(draft: Draft, realm: Realm, pool: Pool, count: Count) -> None:
    """Write down which facts a count names."""
    for ref in count.named:
        _name(draft, realm, ref, pool, 1)
        _refer(draft, realm, ref)


def forget_named(draft: Draft, realm: Realm, pool: Pool, count: Count) -> None:
    """Forget which facts a count names that was noted: it does not count."""
    for ref in count.named:
        _name(draft, realm, ref, pool, -1)


def _name(draft: Draft, realm: Realm, ref: FactRef, pool: Pool, more: int) -> None:
    for key in ((realm, *ref, *pool), (realm, *ref, *_ALL)):
        row = draft.get(NAMED, key)
        number = more + (0 if row is None else int(row[0]))  # type: ignore[arg-type]
        if number:
            draft.put(NAMED, key, (number,))
        else:
            draft.drop(NAMED, key)


def _refer(draft: Draft, realm: Realm, ref: FactRef) -> None:
    row = draft.get(REFERRED, (realm, ref.log))
    low, high, times = (ref.seq, ref.seq, 0) if row is None else row
    draft.put(REFERRED, (realm, ref.log), (min(low, ref.seq), max(high, ref.seq), int(times) + 1))  # type: ignore[type-var, arg-type]


def referred(
    draft: Draft, realm: Realm, block: Block, first: int, stop: int
) -> tuple[set[FactRef], set[Pool]]:
    """Return the events of a stretch that are corrected and no corrections themselves, and the pools whose counts name any.

    Costs one look, and for most logs the answer is that nothing names a fact of theirs.
    """
    row = draft.get(REFERRED, (realm, block.log))
    if row is None or row[0] >= stop or row[1] < first:  # type: ignore[operator]
        return set(), set()
    if int(row[2]) <= FEW:  # type: ignore[arg-type]
        named_by = [(FactRef(*key[1:4]), key[4:]) for key, _ in draft.scan(NAMED, (realm, block.log))]  # type: ignore[arg-type]
        tops = [FactRef(*key[1:]) for key, _ in draft.scan(STANDING, (realm, block.log))]  # type: ignore[arg-type]
        held = set(_held(block, first, stop))
        pools = {pool for ref, pool in named_by if ref in held and pool != _ALL}
        return {ref for ref in tops if ref in held}, pools  # type: ignore[return-value]
    corrected, pools = set(), set()
    for ref in _held(block, first, stop):
        pools |= pools_naming(draft, realm, ref)
        if draft.get(STANDING, (realm, *ref)) is not None:
            corrected.add(ref)
    return corrected, pools  # type: ignore[return-value]


def _held(block: Block, first: int, stop: int) -> list[FactRef]:
    return [FactRef(block.log, seq, block.ids[seq - block.first]) for seq in range(first, stop)]


def pools_naming(draft: Draft, realm: Realm, ref: FactRef) -> set[Pool]:
    """Return the pools whose counts name a fact."""
    return {key[4:] for key, _ in draft.scan(NAMED, (realm, *ref)) if key[4:] != _ALL}  # type: ignore[misc]


def is_named(draft: Draft, realm: Realm, ref: FactRef, pool: Pool | None = None) -> bool:
    """Say whether a count of a pool, or any count, names a fact."""
    return draft.get(NAMED, (realm, *ref, *(pool or _ALL))) is not None


def pools_naming_log(draft: Draft, realm: Realm, log: LogId) -> set[Pool]:
    """Return the pools whose counts name facts of a log."""
    return {key[4:] for key, _ in draft.scan(NAMED, (realm, log)) if key[4:] != _ALL}  # type: ignore[misc]


def in_pool(event: EconomicEvent, pool: tuple[PayloadId, ...]) -> int | None:
    """Return what an event did on hand in a pool; None when it is not of that pool."""
    for store, delta, _ in event.moved:
        if (store, event.item, event.lot) == pool:
            return delta
    return None
