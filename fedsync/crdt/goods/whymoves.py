"""What a movement or a count that counts does to what lies in stores now. Reads a view, changes nothing."""

from collections.abc import Callable, Iterator

from fedsync.crdt.goods.balances import counts_of
from fedsync.crdt.goods.checkpoints import Checkpoints, Count
from fedsync.crdt.goods.history import event_of, record_at
from fedsync.crdt.goods.levels import Reader
from fedsync.crdt.goods.tables import BALANCES, COUNTS, ITEMS, STORES, PoolKey, balance
from fedsync.crdt.realms import is_local, realm_of, scope_of
from fedsync.records.block import Record
from fedsync.records.codec import NotCanonical
from fedsync.records.ids import PayloadId
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import COUNT, EconomicEvent, parse_count
from fedsync.records.void import Void


def bearing(view: Reader, record: Record, day: Callable[[int], str]) -> list[str]:
    """Return lines on what a record that counts does, none for one that is neither a movement nor a count."""
    realm = realm_of(record.genesis)
    lines = (
        ["It never leaves the community's own nodes, and is added up there alone."] if is_local(realm) else []
    )
    event = event_of(record)
    if event is not None:
        lines.extend(_corrected(view, event))
        for store, delta, _ in event.moved:
            key = (realm, store, event.item, event.lot)
            lines.extend(_unknown(view, key))
            lines.extend(_moved(view, key, record, event, delta, day))
    elif record.kind == COUNT:
        try:
            said = parse_count(record.value, record.time)
        except (Void, NotCanonical):
            return lines
        key = (realm, said.store, said.item, said.lot)
        lines.extend(_unknown(view, key))
        lines.extend(_counted(view, key, record, said.at, day))
    return lines


def _name(view: Reader, realm: bytes, store: PayloadId) -> str | None:
    for each in (realm, scope_of(realm)):
        for _, row in view.scan(STORES, (each, store)):
            return str(row[0])
    return None


def _unknown(view: Reader, key: PoolKey) -> Iterator[str]:
    """Say that a store or an item has no name here yet: whoever made it has, and that is on its way."""
    realm, store, item, _ = key
    if _name(view, realm, store) is None:
        yield f"Store {store.hex()[:8]} is not known here yet: it waits for its name, and is not lost."
    if not any(True for each in (realm, scope_of(realm)) for _ in view.scan(ITEMS, (each, item))):
        yield f"Item {item.hex()[:8]} is not known here yet: it waits for its name, and is not lost."


def _corrected(view: Reader, event: EconomicEvent) -> Iterator[str]:
    ref = event.corrects
    if ref is None:
        return
    if record_at(view, ref.log, ref.seq, ref.id) is None:
        yield f"It puts record {ref.id.hex()[:8]} right, which is not held here: meanwhile it counts by itself."
    else:
        yield f"It stands in place of record {ref.id.hex()[:8]}."


def _moved(
    view: Reader, key: PoolKey, record: Record, event: EconomicEvent, delta: int, day: Callable[[int], str]
) -> Iterator[str]:
    row = view.get(BALANCES, key)
    where = _name(view, key[0], key[1]) or key[1].hex()[:8]
    now = balance(row) if row is not None else None
    if now is None or not delta:
        return
    if now.counted_at is None:
        yield f"It is part of what lies in {where}: nobody has counted there yet."
        return
    count = _last(view, key)
    said = count.named.get(FactRef(record.log, record.seq, record.id)) if count is not None else None
    as_said = "" if said is None else ", as who counted says"
    if said if said is not None else event.at > now.counted_at:
        yield f"It happened after the last count in {where}, of {day(now.counted_at)}{as_said}, so it changes what lies there now."
        return
    told = record_at(view, count.log, count.seq, count.id) if count is not None else None
    late = (
        f" It was recorded on {day(record.time)}, after that count."
        if told is not None and record.time > told.time
        else ""
    )
    yield (
        f"It happened before the last count in {where}, of {day(now.counted_at)}{as_said}: what lies there now was found then,"
        f" and it explains a part of that.{late}"
    )


def _last(view: Reader, key: PoolKey) -> Count | None:
    last, _ = Checkpoints.of(counts_of(view.scan(COUNTS, key))).last_two()
    return last.count if last is not None else None


def _counted(view: Reader, key: PoolKey, record: Record, at: int, day: Callable[[int], str]) -> Iterator[str]:
    row = view.get(BALANCES, key)
    if row is None:
        return
    now = balance(row)
    where = _name(view, key[0], key[1]) or key[1].hex()[:8]
    same = counts_of(view.scan(COUNTS, (*key, at)))
    instant, _ = Checkpoints.of(same).last_two()
    if instant is not None and instant.count.id != record.id:
        holds = instant.count.id.hex()[:8]
        if any(each.id == record.id for each in instant.register.rivals()):
            yield f"Contested: others counted at that moment; record {holds} is used meanwhile. Count again to settle it."
        else:
            yield f"Its author counted again for the same moment: record {holds} holds."
    elif instant is not None and instant.contested:
        yield "Contested: others counted at that moment; this one is used meanwhile. Count again to settle it."
    if now.counted_at is not None and at < now.counted_at:
        yield f"A later count in {where}, of {day(now.counted_at)}, says what lies there now."
    elif instant is not None and instant.count.id == record.id:
        yield f"It is the last count in {where}: what lies there is what it found, and what moved since."
