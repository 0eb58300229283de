"""A movement put right: another stands in its place, whole, and names it. What was recorded stays to be seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.goodsnames import Names
from fedsync.acts.goods.recording import WrongWord, check_name, check_note, check_time, known_reason
from fedsync.acts.goods.rights import rights_put_right
from fedsync.acts.goods.stewards import write_goods
from fedsync.crdt.goods.corrections import MAX_LINE, Lines
from fedsync.crdt.goods.history import record_at
from fedsync.crdt.goods.tables import ITEMS
from fedsync.crdt.realms import realm_of
from fedsync.doors import Door
from fedsync.errors import Exit, Problem, refused
from fedsync.localunits import Stated
from fedsync.reading import Reading
from fedsync.records.block import Block, Record
from fedsync.records.codec import NotCanonical, Value
from fedsync.records.ids import LogClass, PayloadId, Reach
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import COUNT, EVENT, parse_event
from fedsync.records.seal import Draft
from fedsync.records.void import Void
from fedsync.units import plain_unit


@dataclass(frozen=True, slots=True)
class Change:
    """What is different of a movement; None: as it was. `quantity` in base units of `unit`, `at` in ms."""

    quantity: int | None = None
    unit: str = ""
    stated: Stated | None = None
    at: int | None = None
    store: str | None = None
    to: str | None = None
    lot: str | None = None
    reason: str | None = None
    note: str | None = None


def ref_of(record: Record) -> FactRef:
    """Return what names a record in another."""
    return FactRef(record.log, record.seq, record.id)


def check_movement(reading: Reading, record: Record) -> FactRef:
    """Return the reference of a movement of our own that can be put right. Raises a Problem (exit 2 or 7)."""
    short = record.id.hex()[:8]
    if record.kind == COUNT:
        raise Problem(
            "is_a_count",
            f"{short} is a count, and what was found is not changed afterwards.",
            "Count again for the same moment, with --at: of one person's counts the later holds.",
            Exit.USAGE,
        )
    if record.kind != EVENT:
        raise Problem(
            "no_movement",
            f"{short} is no movement of goods, so none can stand in its place.",
            "See what was recorded: fedsync stock history ITEM",
            Exit.USAGE,
        )
    own = reading.own().scope
    if record.genesis.scope != own:
        raise refused(
            "of_another_body",
            f"{short} was recorded by {reading.name_of(record.genesis.scope)}, and only they can put it right.",
            "Tell them; what arrived here is recorded here.",
        )
    try:
        parse_event(record.value, own, record.time)
    except (Void, NotCanonical):
        raise refused(
            "without_effect",
            f"{short} has no effect as it is, so there is nothing to put right.",
            f"See: fedsync why {short}",
        ) from None
    return ref_of(record)


def standing(reading: Reading, record: Record) -> Record:
    """Return the movement that stands in the place of one, itself if it was not put right yet.

    Of one that was put right so often that nothing can follow, the first: a correction of that begins anew.
    """
    lines = Lines(reading.view, realm_of(record.genesis))
    top = lines.top(ref_of(record))
    if top is None:
        return record
    refs = lines.line(top).refs
    ref = refs[-1] if len(refs) <= MAX_LINE else top
    return record_at(reading.view, *ref) or record


def check_fact(reading: Reading, record: Record) -> FactRef:
    """Return the reference of a movement that a count may name as included or excluded. Raises a Problem (exit 2)."""
    if record.kind != EVENT:
        raise Problem(
            "no_movement",
            f"{record.id.hex()[:8]} is no movement of goods, so a count can neither include nor exclude it.",
            "See what was recorded: fedsync stock history ITEM",
            Exit.USAGE,
        )
    if record.genesis.scope != reading.own().scope:
        raise refused(
            "of_another_body",
            f"{record.id.hex()[:8]} was recorded by {reading.name_of(record.genesis.scope)}, and moved nothing in our stores.",
            "See what moved here: fedsync stock history ITEM",
        )
    return ref_of(record)


def item_of(reading: Reading, record: Record) -> tuple[str, str]:
    """Return what a movement's item is called, and its unit. Raises a Problem (exit 9) when nobody has said yet."""
    value = record.value
    assert isinstance(value, dict)
    item = value["resource_conforms_to"]
    assert isinstance(item, bytes)
    for realm in (realm_of(record.genesis), record.genesis.scope):
        for _, row in reading.view.scan(ITEMS, (realm, item)):
            return str(row[0]), str(row[1])
    raise Problem(
        "unknown_item",
        f"What item {record.id.hex()[:8]} moved is not known here yet.",
        "Wait until this node is even with its peers: fedsync status",
        Exit.NOT_YET,
    )


def correct(author: Author, reading: Reading, door: Door, record: Record, change: Change) -> list[Block]:
    """Write a movement that stands in place of `record`, or of what was put in its place before.

    Raises a Problem; then nothing was written.
    """
    record = standing(reading, record)
    ref, now = check_movement(reading, record), now_ms()
    scope = reading.own().scope
    # What is kept local is put right where it is kept.
    local = record.genesis.reach is Reach.LOCAL
    names = Names(reading, scope, now, local)
    old = record.value
    assert isinstance(old, dict)
    value = {**old, **_changed(names, reading, record, change, now)}
    if change.quantity is not None and change.stated is None:
        value.pop("stated", None)
    if {**value, "corrects": None} == {**old, "corrects": None}:
        raise WrongWord(
            "quantity",
            "Nothing would be different from what was recorded.",
            "Say what was wrong, and how it was.",
        )
    value["corrects"] = ref.value
    try:
        parse_event(value, scope, now)
    except Void as void:
        raise WrongWord("action", f"That cannot be recorded: {void.sentence}.", "Type what it was.") from None
    with author.writing():
        # The rights that went with goods on their way go with what is right of them.
        rights = rights_put_right(reading, record, old, value)
        beside = [] if rights is None else [Draft(EVENT, rights, now)]
        drafts: Sequence[Draft] = [*names.made, *beside, Draft(EVENT, value, now)]
        reach = Reach.LOCAL if local else None
        return write_goods(author, reading, door, LogClass.FACTS, drafts, reach=reach)


def _changed(names: Names, reading: Reading, record: Record, change: Change, now: int) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if change.quantity is not None:
        item, unit = item_of(reading, record)
        if change.unit != unit:
            raise WrongWord(
                "unit",
                f"{item} was counted in {plain_unit(unit)} there.",
                f"Type a quantity in {plain_unit(unit)}.",
            )
        found["quantity"] = change.quantity
        if change.stated is not None:
            found["stated"] = change.stated.value
    if change.at is not None:
        check_time(change.at, now)
        found["has_point_in_time"] = change.at
    for name, store in (("store", change.store), ("to", change.to)):
        if store is not None:
            check_name("store", store)
            found[name] = names.store(store)
    if change.lot is not None:
        check_name("lot", change.lot)
        old = record.value
        assert isinstance(old, dict)
        item_id = old["resource_conforms_to"]
        assert isinstance(item_id, bytes)
        found["lot"] = names.lot(change.lot, None, PayloadId(item_id), taken=True)
    if change.reason is not None:
        found["reason"] = known_reason(change.reason)
    if change.note is not None:
        check_note(change.note)
        found["note"] = change.note
    return found
