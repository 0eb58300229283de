"""Why so much lies somewhere, and whether a record that tells of goods counts. Reads a view, changes nothing."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from fedsync.crdt.balances import counts_of
from fedsync.crdt.checkpoints import Checkpoints, Instant
from fedsync.crdt.contents import CONTENTS
from fedsync.crdt.levels import Reader, StockLevel
from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.tables import BALANCES, COUNTS, REPLACED, Balance, balance
from fedsync.crdt.whystanding import Verdict as Verdict
from fedsync.crdt.whystanding import why_standing
from fedsync.records.block import Record
from fedsync.records.codec import NotCanonical, Value
from fedsync.records.header import VERSION
from fedsync.records.ids import NO_LOT, PayloadId, Scope
from fedsync.records.kinds import class_of, stock, transfers
from fedsync.records.kinds.units import FACTOR, parse_factor
from fedsync.records.void import Void


def counts_at(
    view: Reader, realm: Realm, store: PayloadId, item: PayloadId, lot: PayloadId = NO_LOT
) -> Instant | None:
    """Return the last counts of a pool, with their rivals."""
    return Checkpoints.of(counts_of(view.scan(COUNTS, (realm, store, item, lot)))).last_two()[0]


def why_stock(
    view: Reader,
    level: StockLevel,
    day: Callable[[int], str],
    amount: Callable[[int, str], str] = lambda quantity, unit: f"{quantity} {unit}",
) -> list[str]:
    """Return lines that say how a level comes about. `day` writes a time in ms, `amount` a quantity."""
    row = view.get(BALANCES, (level.realm, level.store_id, level.item_id, level.lot_id))
    if row is None:
        return [f"Nothing is known of {level.item} in {level.store}."]
    now = balance(row)
    last = counts_at(view, level.realm, level.store_id, level.item_id, level.lot_id)
    return list(_reasons(now, last, day, lambda quantity: amount(quantity, level.unit)))


def _reasons(
    now: Balance, last: Instant | None, day: Callable[[int], str], amount: Callable[[int], str]
) -> Iterator[str]:
    if now.counted_at is None or now.counted is None or now.unexplained is None:
        yield f"{amount(now.on_hand)} = {now.events} movements; nobody has counted yet."
    else:
        yield f"{amount(now.on_hand)} = count of {day(now.counted_at)}, {amount(now.counted)}, {_plus(now.after, amount)} since."
        before = "an empty store"
        if now.before_at is not None and now.before is not None:
            before = f"count of {day(now.before_at)}, {amount(now.before)},"
        expected = f"{before} {_plus(now.between, amount)} until then"
        if now.unexplained == 0:
            yield f"The count agrees with the records: {expected}."
        else:
            word = "more" if now.unexplained > 0 else "less"
            yield f"The count found {amount(abs(now.unexplained))} {word} than the records explain: {expected}."
    if last is not None and last.contested:
        rivals = ", ".join(
            f"{amount(each.value.quantity)} (record {each.id.hex()[:8]})" for each in last.register.rivals()
        )
        yield f"Contested: different logs counted at that moment: {rivals}. The larger id is used meanwhile."
    if now.on_hand < 0:
        yield "Less than nothing can't lie in a store: a movement was not recorded, or recorded twice. Count it."


def _plus(quantity: int, amount: Callable[[int], str]) -> str:
    return f"{'-' if quantity < 0 else '+'} {amount(abs(quantity))}"


KINDS: Mapping[str, Callable[[Value, Scope, int], object]] = MappingProxyType(
    {**stock.PARSERS, **transfers.PARSERS, FACTOR: lambda value, scope, time: parse_factor(value)}
)
"""The kinds of records that `why_fact` answers for, each with what tells whether it is as it should be."""


def why_fact(view: Reader, record: Record) -> Verdict:
    """Return whether a record that tells of goods counts, and why not."""
    log_class = class_of(record.kind)
    if record.kind not in KINDS or log_class is None or record.version != VERSION:
        return Verdict("inert", "unknown", "This version does not know this kind of record; it keeps it.")
    inert = CONTENTS[log_class].why_inert(record.genesis)
    if inert is not None:
        return Verdict("void", "log", f"It has no effect: {inert}.")
    try:
        KINDS[record.kind](record.value, record.genesis.scope, record.time)
    except Void as void:
        return Verdict("void", void.code, f"It has no effect: {void.sentence}.")
    except NotCanonical as error:
        return Verdict("void", "payload", f"It has no effect: its payload can't be read ({error}).")
    found = why_standing(view, record)
    row = view.get(REPLACED, (realm_of(record.genesis), record.log, record.seq))
    if found.status == "counts" and row is not None and row[0] == record.id:
        other = f"record {bytes(row[3]).hex()[:8]}"  # type: ignore[arg-type]
        return Verdict("replaced", "corrected", f"A correction stands in its place: {other}.")
    return found
