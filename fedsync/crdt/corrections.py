"""Which of an event and its corrections holds, and which movements a count names. Touches a draft only.

An event that corrects stands in the place of the one that it names. Of several corrections of one event, in one log the
later holds, of different logs the one with the larger id; a correction of a correction goes on from it. So the
corrections of an event are a tree, and one line leads down it: its end holds, and nothing else of the tree counts. A correction
that names what is not held, or of another realm, is the top of a tree of its own meanwhile.
"""

from collections.abc import Iterator
from typing import NamedTuple

from fedsync.crdt.checkpoints import Count
from fedsync.crdt.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.factchain import along
from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.tables import CORRECTIONS, NAMED, REFERRED, Pool
from fedsync.crdt.view import Draft
from fedsync.records.block import Block
from fedsync.records.codec import NotCanonical
from fedsync.records.header import VERSION
from fedsync.records.ids import LogId, PayloadId, RecordId
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import EVENT, EconomicEvent, parse_event
from fedsync.records.void import Void


class Line(NamedTuple):
    """From the top of a tree of corrections down to the event that holds."""

    refs: tuple[FactRef, ...]
    event: EconomicEvent
    """The one that holds, the last of `refs`."""
    contested: bool
    """Corrections of different logs are rivals somewhere on the line."""


class Facts:
    """Events that count, read one by one by their place. `without`: a log of which nothing counts, whatever is written down."""

    def __init__(self, draft: Draft, realm: Realm, without: LogId | None = None) -> None:
        self._draft, self._realm, self._without = draft, realm, without
        self._read: dict[FactRef, EconomicEvent | None] = {}

    def event(self, ref: FactRef) -> EconomicEvent | None:
        """Return the event that a reference names; None when none that counts in the realm does."""
        if ref not in self._read:
            self._read[ref] = None if ref.log == self._without else self._find(ref)
        return self._read[ref]

    def _find(self, ref: FactRef) -> EconomicEvent | None:
        row = self._draft.get(COUNTED_LOGS, (ref.log,))
        if row is None or ref.seq >= counted_log(row).read:
            return None
        block = next((block for block, _ in along(self._draft, ref.log, counted_log(row), ref.seq)), None)
        if block is None or realm_of(block.genesis) != self._realm:
            return None
        return event_at(block, ref)

    def corrections(self, ref: FactRef) -> list[FactRef]:
        """Return the events that say that they correct this one."""
        return [
            FactRef(LogId(key[4]), int(key[5]), RecordId(row[0]))  # type: ignore[arg-type]
            for key, row in self._draft.scan(CORRECTIONS, (self._realm, *ref))
            if key[4] != self._without
        ]

    def top(self, ref: FactRef) -> FactRef:
        """Return the first event of the tree that one is in."""
        while (event := self.event(ref)) is not None and event.corrects is not None:
            if self.event(event.corrects) is None:
                break
            ref = event.corrects
        return ref

    def line(self, top: FactRef) -> Line | None:
        """Return the line from the top of a tree to the event that holds; None when the top does not count."""
        refs, contested = [top], False
        while True:
            latest: dict[LogId, FactRef] = {}
            for each in self.corrections(refs[-1]):
                if each.log not in latest or each.seq > latest[each.log].seq:
                    latest[each.log] = each
            if not latest:
                break
            contested = contested or len(latest) > 1
            refs.append(max(latest.values(), key=lambda each: each.id))
        event = self.event(refs[-1])
        return None if event is None else Line(tuple(refs), event, contested)

    def tree(self, top: FactRef) -> Iterator[FactRef]:
        """Yield all events of the tree below an event, and itself."""
        waiting = [top]
        while waiting:
            ref = waiting.pop()
            yield ref
            waiting.extend(self.corrections(ref))


def event_at(block: Block, ref: FactRef) -> EconomicEvent | None:
    """Return the event that a block holds at a place; None when it is another record, or no sound event."""
    at = ref.seq - block.first
    if not 0 <= at < block.count or block.kinds[at] != EVENT or block.body.versions[at] != VERSION:
        return None
    try:
        return (
            parse_event(block.value(at), block.genesis.scope, block.times[at])
            if block.ids[at] == ref.id
            else None
        )
    except (Void, NotCanonical):
        return None


# --- What refers to what --------------------------------------------------------------------------------------


def note_correction(draft: Draft, realm: Realm, corrected: FactRef, by: FactRef) -> None:
    """Write down that an event says that it corrects another."""
    draft.put(CORRECTIONS, (realm, *corrected, by.log, by.seq), (by.id,))
    _refer(draft, realm, corrected)


def note_named(draft: Draft, realm: Realm, pool: Pool, count: Count) -> None:
    """Write down which facts a count names."""
    for ref in count.named:
        draft.put(NAMED, (realm, *ref, count.log, count.seq), pool)
        _refer(draft, realm, ref)


def forget_named(draft: Draft, realm: Realm, count: Count) -> None:
    """Forget which facts a count names: it does not count."""
    for ref in count.named:
        draft.drop(NAMED, (realm, *ref, count.log, count.seq))


def _refer(draft: Draft, realm: Realm, ref: FactRef) -> None:
    row = draft.get(REFERRED, (realm, ref.log))
    low, high = (ref.seq, ref.seq) if row is None else row
    new = (min(low, ref.seq), max(high, ref.seq))  # type: ignore[type-var]
    if new != row:
        draft.put(REFERRED, (realm, ref.log), new)


def is_referred(draft: Draft, realm: Realm, log: LogId, first: int, stop: int) -> bool:
    """Say whether anything may name a fact of a stretch of a log. Costs one look, and for most logs the answer is no."""
    row = draft.get(REFERRED, (realm, log))
    return row is not None and row[0] < stop and row[1] >= first  # type: ignore[operator]


def corrected_in(draft: Draft, realm: Realm, block: Block, first: int, stop: int) -> list[FactRef]:
    """Return the events of a stretch that some correction names."""
    return _refs(draft, CORRECTIONS, realm, block, first, stop)


def named_in(draft: Draft, realm: Realm, block: Block, first: int, stop: int) -> list[FactRef]:
    """Return the facts of a stretch that some count names."""
    return _refs(draft, NAMED, realm, block, first, stop)


def _refs(draft: Draft, table: object, realm: Realm, block: Block, first: int, stop: int) -> list[FactRef]:
    found = {
        FactRef(block.log, int(key[2]), RecordId(key[3]))  # type: ignore[arg-type]
        for key, _ in draft.scan(table, (realm, block.log))  # type: ignore[arg-type]
        if first <= key[2] < stop  # type: ignore[operator]
    }
    return sorted(each for each in found if block.ids[each.seq - block.first] == each.id)


def pools_naming(draft: Draft, realm: Realm, ref: FactRef) -> set[Pool]:
    """Return the pools whose counts name a fact."""
    return {tuple(row) for _, row in draft.scan(NAMED, (realm, *ref))}  # type: ignore[misc]


def pools_naming_log(draft: Draft, realm: Realm, log: LogId) -> set[Pool]:
    """Return the pools whose counts name facts of a log."""
    return {tuple(row) for _, row in draft.scan(NAMED, (realm, log))}  # type: ignore[misc]


def orphans(draft: Draft, realm: Realm, log: LogId) -> list[FactRef]:
    """Return the corrections by other logs that name events of a log."""
    return [
        FactRef(LogId(key[4]), int(key[5]), RecordId(row[0]))  # type: ignore[arg-type]
        for key, row in draft.scan(CORRECTIONS, (realm, log))
        if key[4] != log
    ]


def in_pool(event: EconomicEvent, pool: tuple[PayloadId, ...]) -> int | None:
    """Return what an event did on hand in a pool; None when it is not of that pool."""
    for store, delta, _ in event.moved:
        if (store, event.item, event.lot) == pool:
            return delta
    return None
