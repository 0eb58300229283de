"""What is short: stock below zero, needs that nobody promised, promises beyond what is there, late loads, old lots. Reads a view.

Nothing here is a fault of a record: each is what people may have to do something about. `now`, in ms, comes from whoever
looks, and no state hangs on it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fedsync.crdt.goods.levels import StockLevel, levels
from fedsync.crdt.goods.tables import FULFILLED
from fedsync.crdt.goods.transit import Reader, TransferView, all_transfers
from fedsync.crdt.plans.escrow import VALID
from fedsync.crdt.plans.plantables import INTENTS, PLACES, STEPS, intent_row, place, step_row
from fedsync.crdt.realms import is_local, local_realm, scope_of
from fedsync.records.codec import unpack
from fedsync.records.ids import LogId, PayloadId, RecordId, Scope
from fedsync.records.kinds.parties import Party
from fedsync.records.kinds.plans import COMMITMENT, Commitment, Intent, parse_commitment, parse_intent


@dataclass(frozen=True, slots=True)
class BelowZero:
    """Less than nothing is recorded to lie in a store."""

    level: StockLevel


@dataclass(frozen=True, slots=True)
class Unmet:
    """A need of which less is promised than is needed. Quantities in the item's base unit."""

    need: RecordId
    scope: Scope
    receiver: Party
    item: PayloadId
    quantity: int
    promised: int
    due: int | None


@dataclass(frozen=True, slots=True)
class Overpromised:
    """A body promised more, and has not handed it out yet, than lies in all its stores."""

    scope: Scope
    item: PayloadId
    promised: int
    on_hand: int


@dataclass(frozen=True, slots=True)
class Late:
    """A transfer that should have arrived."""

    way: TransferView


@dataclass(frozen=True, slots=True)
class Expiring:
    """A lot of which something lies in a store, and that expires soon or has."""

    level: StockLevel
    at: int


Shortage: TypeAlias = BelowZero | Unmet | Overpromised | Late | Expiring


@dataclass(frozen=True, slots=True)
class Promise:
    """A valid promise, and of what."""

    id: RecordId
    said: Commitment
    provider: Scope
    item: PayloadId


def shortages(view: Reader, now: int, scope: Scope | None = None, soon: int = 0) -> Iterator[Shortage]:
    """Yield what is short, of one body or of all that are known here. `soon`: within how many ms lots expire."""
    lying = levels(view, scope)
    yield from (BelowZero(level) for level in lying if level.below_zero)
    given = list(promises(view, now))
    yield from _unmet(view, now, scope, given)
    yield from _overpromised(view, lying, given, scope)
    for way in all_transfers(view):
        if _late(way, now) and (scope is None or _concerns(way, scope)):
            yield Late(way)
    for level in lying:
        if level.expires is not None and level.on_hand > 0 and level.expires < now + soon:
            yield Expiring(level, level.expires)


def promises(view: Reader, now: int) -> Iterator[Promise]:
    """Yield the promises that are valid and not over."""
    intents: dict[RecordId, Intent | None] = {}
    for key, row in view.scan(STEPS):
        step = step_row(row)
        if step.kind != COMMITMENT or step.status != VALID:
            continue
        said = parse_commitment(unpack(step.payload), LogId(key[2]))  # type: ignore[arg-type]
        if said.until is not None and said.until < now:
            continue
        if said.intent not in intents:
            intents[said.intent] = _offer(view, said.intent)
        offer = intents[said.intent]
        if offer is not None and offer.provider is not None:
            yield Promise(step.id, said, offer.provider, offer.item)


def _offer(view: Reader, intent: RecordId) -> Intent | None:
    at = view.get(PLACES, (intent,))
    if at is None:
        return None
    realm = place(at).realm
    row = view.get(INTENTS, (realm, intent))
    return None if row is None else parse_intent(unpack(intent_row(row).payload), scope_of(realm))


def _unmet(view: Reader, now: int, scope: Scope | None, given: list[Promise]) -> Iterator[Unmet]:
    met: Counter[RecordId] = Counter()
    for promise in given:
        if promise.said.satisfies is not None:
            met[promise.said.satisfies] += promise.said.quantity
    prefixes: list[tuple[bytes, ...]] = [()] if scope is None else [(scope,), (local_realm(scope),)]
    for prefix in prefixes:
        for key, row in view.scan(INTENTS, prefix):
            found = intent_row(row)
            need = RecordId(key[1])  # type: ignore[arg-type]
            if found.side != "need" or met[need] >= found.quantity:
                continue
            of = scope_of(key[0])  # type: ignore[arg-type]
            said = parse_intent(unpack(found.payload), of)
            if said.until is None or said.until >= now:
                yield Unmet(need, of, said.receiver or of, said.item, said.quantity, met[need], said.due)


def _overpromised(
    view: Reader, lying: list[StockLevel], given: list[Promise], scope: Scope | None
) -> Iterator[Overpromised]:
    left: Counter[RecordId] = Counter()
    for key, row in view.scan(FULFILLED):
        left[RecordId(key[1])] += int(row[0] or 0)  # type: ignore[arg-type]
    open_: Counter[tuple[Scope, PayloadId]] = Counter()
    for promise in given:
        open_[promise.provider, promise.item] += max(0, promise.said.quantity - left[promise.id])
    there: Counter[tuple[Scope, PayloadId]] = Counter()
    for level in lying:
        # What is kept local was taken from the same stores.
        there[level.scope, level.item_id] += level.on_hand
    for (of, item), promised in sorted(open_.items()):
        if promised > there[of, item] and (scope is None or of == scope):
            yield Overpromised(of, item, promised, there[of, item])


def _late(way: TransferView, now: int) -> bool:
    due = way.manifest.due if way.manifest is not None else None
    return due is not None and due < now and not way.stage.over


def _concerns(way: TransferView, scope: Scope) -> bool:
    manifest = way.manifest
    if manifest is None:
        return False
    return scope in manifest.parties and (not is_local(manifest.realm) or scope_of(manifest.realm) == scope)
