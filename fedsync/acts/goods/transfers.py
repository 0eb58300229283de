"""Goods on their way: announcing them, and each party's own records of what left, arrived, came back or was lost.

Each end writes in its own books: the giver what was picked up, the receiver what was dropped off. Between bodies the
rights go with the goods, in records beside them, so that what a body may dispose of stays right. A loss on the way is
in no store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.goodsnames import Names
from fedsync.acts.goods.recording import check_name
from fedsync.acts.goods.stewards import goods_log, write_goods
from fedsync.crdt.books.naming import short
from fedsync.crdt.goods.tables import ITEMS, LOTS, STORES
from fedsync.crdt.goods.transit import LineView, Manifest, Stage, TransferView
from fedsync.crdt.realms import is_local, scope_of
from fedsync.crdt.view import Row, Table
from fedsync.doors import Door
from fedsync.errors import not_found, refused, usage
from fedsync.localunits import Stated
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import Key, LogClass, PayloadId, Reach, RecordId, Scope
from fedsync.records.kinds.parties import Party
from fedsync.records.kinds.transfers import DISCREPANCY, TRANSFER, parse_transfer
from fedsync.records.seal import Draft
from fedsync.records.void import Void


class Step(Enum):
    """What can be recorded of goods on their way."""

    PICKUP = "pickup"
    DROPOFF = "dropoff"
    LOSE = "lose"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Load:
    """How much of one thing, of one lot or of none."""

    item: PayloadId
    lot: PayloadId
    quantity: int
    stated: Stated | None = None
    """How it was said, where that is not a base unit."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A transfer as somebody announces it. `due` is in ms; `local`: neither it nor what moves leaves our own nodes."""

    provider: Party
    receiver: Party
    lines: tuple[tuple[Load, RecordId | None], ...]
    carrier: Key | str | None = None
    store: PayloadId | None = None
    to: PayloadId | None = None
    due: int | None = None
    note: str = ""
    local: bool = False

    @property
    def value(self) -> dict[str, Value]:
        """What stands in the manifest."""
        value: dict[str, Value] = {"provider": self.provider, "receiver": self.receiver}
        value["lines"] = [_line(load, promise) for load, promise in self.lines]
        more = {"carrier": self.carrier, "store": self.store, "to": self.to, "due": self.due}
        value |= {name: each for name, each in more.items() if each is not None}
        return {**value, "note": self.note} if self.note else value


def announce(
    author: Author, reading: Reading, door: Door, own: Scope, said: Announced, made: Sequence[Draft] = ()
) -> RecordId:
    """Write a manifest to the author's log of plans for a body; return the transfer's id. Raises a Problem.

    `made` gives names to goods that had none.
    """
    try:
        parse_transfer(said.value, own)
    except Void as void:
        raise usage(
            f"This can't be a transfer: {void.sentence}.", "See: fedsync stock transfer new --help"
        ) from None
    reach = Reach.LOCAL if said.local else None
    with author.writing():
        manifest = Draft(TRANSFER, said.value, now_ms())
        # Asked before anything is written: names alone would be of no use.
        genesis = goods_log(author, reading, LogClass.PLANS, [TRANSFER], own, reach)
        if made:
            write_goods(author, reading, door, LogClass.FACTS, made, None, reach, own)
        return author.write_as(door, reading, genesis, [manifest])[-1].tip


def cancel(
    author: Author, reading: Reading, door: Door, own: Scope, way: TransferView, note: str = ""
) -> RecordId:
    """Write that what a body announced will not come; return the record's id. Raises a Problem (exit 7)."""
    manifest = way.manifest
    if manifest is None or scope_of(manifest.realm) != own:
        who = "somebody else" if manifest is None else reading.name_of(scope_of(manifest.realm))
        raise refused(
            "not_announced_here",
            f"{who} announced transfer {short(way.id)}, so {reading.name_of(own)} cannot call it off.",
            "Ask them; or record what did arrive.",
        )
    if way.stage is not Stage.OPEN:
        raise refused(
            "not_open",
            f"Of transfer {short(way.id)} nothing is left to call off: {way.stage.value}.",
            f"See: fedsync stock transfer show {short(way.id)}",
        )
    value: dict[str, Value] = {"cancels": way.id}
    reach = Reach.LOCAL if is_local(manifest.realm) else None
    with author.writing():
        said = Draft(TRANSFER, {**value, "note": note} if note else value, now_ms())
        genesis = goods_log(author, reading, LogClass.PLANS, [TRANSFER], own, reach)
        return author.write_as(door, reading, genesis, [said])[-1].tip


def _write(
    author: Author,
    reading: Reading,
    door: Door,
    own: Scope,
    manifest: Manifest,
    values: Sequence[tuple[str, dict[str, Value]]],
    made: Sequence[Draft] = (),
) -> list[Block]:
    """Write records of these kinds to the author's log of facts for a body, all or none. Raises a Problem (exit 7)."""
    reach = Reach.LOCAL if is_local(manifest.realm) else None
    with author.writing():
        now = now_ms()
        drafts = [*made, *(Draft(kind, value, now) for kind, value in values)]
        return write_goods(author, reading, door, LogClass.FACTS, drafts, None, reach, own)


def _line(load: Load, promise: RecordId | None) -> Value:
    line: dict[str, Value] = {"resource_conforms_to": load.item, "quantity": load.quantity}
    if load.lot:
        line["lot"] = load.lot
    if promise is not None:
        line["commitment"] = promise
    return line


# --- What was carried ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Carried:
    """One step as somebody states it. `store` is None for what is lost on the way; `at` is in ms."""

    step: Step
    loads: tuple[Load, ...]
    store: PayloadId | None
    at: int
    reason: str | None = None
    note: str = ""


def standing(reading: Reading, manifest: Manifest, own: Scope, step: Step, key: Key | None = None) -> None:
    """Raise a Problem (exit 7) unless a body is who records this step, or `key` carries what is lost."""
    gives, receives = manifest.provider == own, manifest.receiver == own
    carries = step is Step.LOSE and key is not None and key == manifest.carrier
    if not gives and not receives and not carries:
        raise refused(
            "no_party",
            f"{reading.name_of(own)} neither gives nor receives transfer {short(manifest.id)}, so nothing it says of it counts.",
            f"See who does: fedsync stock transfer show {short(manifest.id)}",
        )
    if step is Step.PICKUP and not gives:
        raise refused(
            "not_giver",
            f"{party_name(reading, manifest.provider)} gives, so what it hands out is recorded in its own books.",
            f"When it arrives: fedsync stock transfer dropoff {short(manifest.id)} --store S --as NAME",
        )
    if step is Step.DROPOFF and not receives:
        raise refused(
            "not_receiver",
            f"{party_name(reading, manifest.receiver)} receives, so what arrives there is recorded in its own books.",
            f"What came back to us: fedsync stock transfer return {short(manifest.id)} --store S --as NAME",
        )


def default_loads(manifest: Manifest, way: TransferView, own: Scope, step: Step) -> tuple[Load, ...]:
    """Return what a step is taken to be about when nobody says it: all that is due of every line."""
    due = ((line, _due(manifest, line, own, step)) for line in way.lines)
    return tuple(Load(line.item, line.lot, quantity) for line, quantity in due if quantity > 0)


def _due(manifest: Manifest, line: LineView, own: Scope, step: Step) -> int:
    match step:
        case Step.PICKUP:
            return line.announced - line.picked
        case Step.DROPOFF:
            # Before its pickup is known here, what was announced is taken to have come.
            return line.in_transit if line.picked else line.announced - line.received
        case Step.RETURN if own != manifest.provider:
            return line.received
        case Step.RETURN | Step.LOSE:
            return line.in_transit


def record_step(
    author: Author,
    reading: Reading,
    door: Door,
    own: Scope,
    manifest: Manifest,
    way: TransferView,
    carried: Carried,
    made: Sequence[Draft] = (),
) -> list[Block]:
    """Write one party's record of a step to the author's log of facts, all of it or nothing. Raises a Problem.

    `made` gives names to goods that had none.
    """
    standing(reading, manifest, own, carried.step, author.key)
    if not carried.loads:
        raise refused(
            "nothing_due",
            f"Nothing of transfer {short(manifest.id)} waits for that.",
            f'If it happened all the same, say what: --line "ITEM QTY UNIT". See: fedsync stock transfer show {short(manifest.id)}',
        )
    promises = {(line.item, line.lot): line.commitment for line in way.lines}
    values = _names(reading, own, carried.loads)
    for load in carried.loads:
        promise = promises.get((load.item, load.lot))
        values += [("economic_event", each) for each in _values(manifest, own, carried, load, promise)]
    return _write(author, reading, door, own, manifest, values, made)


def _values(
    manifest: Manifest, own: Scope, carried: Carried, load: Load, promise: RecordId | None
) -> list[dict[str, Value]]:
    """Return the event of one load, and the event of the rights that go with it."""
    value: dict[str, Value] = {
        "quantity": load.quantity,
        "resource_conforms_to": load.item,
        "has_point_in_time": carried.at,
        "transfer": manifest.id,
    }
    if load.lot:
        value["lot"] = load.lot
    if carried.note:
        value["note"] = carried.note
    if load.stated is not None:
        value["stated"] = load.stated.value
    if carried.step is Step.LOSE:
        return [{**value, "action": "lower", "reason": carried.reason}]
    out = carried.step is Step.PICKUP or (carried.step is Step.RETURN and own != manifest.provider)
    moved = {**value, "action": "pickup" if out else "dropoff", "store": carried.store}
    if promise is not None and carried.step is Step.PICKUP:
        moved["fulfills"] = promise
    rights = {**value, "action": "transfer_all_rights"}
    if manifest.within:
        # They stay the body's; which store's they are changes once the goods have arrived.
        if carried.step is not Step.DROPOFF:
            return [moved]
        return [moved, {**rights, "store": manifest.store, "to": carried.store}]
    other = manifest.receiver if own == manifest.provider else manifest.provider
    end: dict[str, Value] = (
        {"store": carried.store, "receiver": other} if out else {"to": carried.store, "provider": other}
    )
    return [moved, {**rights, **end}]


def _names(reading: Reading, own: Scope, loads: Sequence[Load]) -> list[tuple[str, dict[str, Value]]]:
    """Return the records that give things and lots their name in our books, for those that only others named so far."""
    found: list[tuple[str, dict[str, Value]]] = []
    for item in dict.fromkeys(load.item for load in loads):
        row = _named_elsewhere(reading, own, ITEMS, item)
        if row is not None:
            found.append(("resource_specification", {"name": row[0], "unit": row[1]}))
    for lot in dict.fromkeys(load.lot for load in loads if load.lot):
        row = _named_elsewhere(reading, own, LOTS, lot)
        if row is not None:
            value: dict[str, Value] = {"code": row[0], "resource_conforms_to": row[1]}
            found.append(
                ("batch_lot_record", value if row[2] is None else {**value, "expiration_date": row[2]})
            )
    return found


def _named_elsewhere(reading: Reading, own: Scope, table: Table, id_: PayloadId) -> Row | None:
    """Return how others named something that our own books have no name for; None when that is not so."""
    named = {scope_of(key[0]): row for key, row in reading.view.scan(table) if key[1] == id_}  # type: ignore[arg-type]
    return None if own in named else next(iter(named.values()), None)


# --- What is missing for good --------------------------------------------------------------------------------


def settle(
    author: Author,
    reading: Reading,
    door: Door,
    own: Scope,
    manifest: Manifest,
    words: Sequence[tuple[Load, str]],
) -> list[Block]:
    """Write our word on what is missing and why; the other side's same word settles it. Raises a Problem."""
    if own not in manifest.parties:
        standing(reading, manifest, own, Step.LOSE)
    if not words:
        raise refused(
            "nothing_missing",
            f"Nothing of transfer {short(manifest.id)} is missing as far as it is known here.",
            f"See: fedsync stock transfer show {short(manifest.id)}",
        )
    values: list[tuple[str, dict[str, Value]]] = []
    for load, reason in words:
        value: dict[str, Value] = {
            "transfer": manifest.id,
            "resource_conforms_to": load.item,
            "quantity": load.quantity,
            "reason": reason,
        }
        values.append((DISCREPANCY, {**value, "lot": load.lot} if load.lot else value))
    return _write(author, reading, door, own, manifest, values)


# --- Whom and what is meant ----------------------------------------------------------------------------------


def party_name(reading: Reading, party: Party) -> str:
    """Return what a party is called."""
    return party if isinstance(party, str) else reading.name_of(party)


def our_store(
    reading: Reading, own: Scope, asked: str | None, usual: PayloadId | None, names: Names | None = None
) -> PayloadId:
    """Return which store of a body is meant: the one that is named, the one of the manifest, or the only one.

    With `names` one that is new is made. Raises a Problem (exit 2 or 6).
    """
    ours = {PayloadId(key[1]): str(row[0]) for key, row in reading.view.scan(STORES, (own,))}  # type: ignore[arg-type]
    shown = ", ".join(sorted(ours.values())) or "none yet"
    if asked is not None:
        for id_, name in ours.items():
            if name.casefold() == asked.strip().casefold():
                return id_
        if names is not None:
            check_name("store", asked)
            return names.store(asked)
        raise not_found(
            "store", asked, f"Our stores: {shown}. One is made with: fedsync stock add ... --store S"
        )
    if usual is not None and usual in ours:
        return usual
    if len(ours) == 1:
        return next(iter(ours))
    raise usage("It is not said which of our stores.", f"Add --store S. Our stores: {shown}.")


def check_reason(reason: str, known: frozenset[str]) -> str:
    """Return a reason as records write it. Raises a Problem (exit 2)."""
    word = reason.strip().lower().replace(" ", "_")
    if word in known:
        return word
    listed = ", ".join(each.replace("_", " ") for each in sorted(known))
    raise usage(f"{reason} is none of the reasons.", f"Reasons: {listed}.")
