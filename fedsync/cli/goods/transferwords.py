"""Goods on their way, in words for people and as rows for programs."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from fedsync import units
from fedsync.cli.telling import day, person, rfc3339, short
from fedsync.crdt.goods.tables import ITEMS, LOTS, STORES
from fedsync.crdt.goods.transit import LineView, Stage, TransferView, Word
from fedsync.crdt.realms import local_realm, scope_of
from fedsync.crdt.view import Row, Table
from fedsync.reading import Reading
from fedsync.records.ids import Key, PayloadId, Scope
from fedsync.records.kinds.parties import Party

Json = dict[str, Any]

MAX_NAMED = 2
"""Things of a transfer that a list names; of more it says how many there are."""


class Goods:
    """What things, lots and stores are called: our own names come first. One is looked up, all are read when all are asked for."""

    def __init__(self, reading: Reading) -> None:
        self._reading, self.own = reading, reading.own().scope
        self._rows: dict[tuple[Table, bytes], Row | None] = {}

    @cached_property
    def items(self) -> dict[PayloadId, tuple[str, str]]:
        """All things: name and unit."""
        found: dict[PayloadId, tuple[str, str]] = {}
        rows = sorted(self._reading.view.scan(ITEMS), key=lambda each: scope_of(each[0][0]) != self.own)  # type: ignore[arg-type]
        for key, row in rows:
            found.setdefault(PayloadId(key[1]), (str(row[0]), str(row[1])))  # type: ignore[arg-type]
        return found

    @cached_property
    def lots(self) -> dict[PayloadId, tuple[str, PayloadId]]:
        """All lots: code, and what it is a lot of."""
        rows = self._reading.view.scan(LOTS)
        return {PayloadId(key[1]): (str(row[0]), PayloadId(row[1])) for key, row in rows}  # type: ignore[arg-type]

    def stores_of(self, scope: Scope) -> dict[PayloadId, str]:
        """Return the stores of a body by id."""
        rows = (
            each
            for realm in (scope, local_realm(scope))
            for each in self._reading.view.scan(STORES, (realm,))
        )
        return {PayloadId(key[1]): str(row[0]) for key, row in rows}  # type: ignore[arg-type]

    def item(self, item: PayloadId) -> str:
        """Return what a thing is called; its short id when its name has not come."""
        row = self._row(ITEMS, item)
        return short(item) if row is None else str(row[0])

    def unit(self, item: PayloadId) -> str:
        """Return the code of the unit that a thing is counted in."""
        row = self._row(ITEMS, item)
        return "1" if row is None else str(row[1])

    def lot(self, lot: PayloadId) -> str:
        """Return the code of a lot."""
        row = self._row(LOTS, lot)
        return short(lot) if row is None else str(row[0])

    def store(self, store: PayloadId) -> str:
        """Return what a store is called."""
        row = self._row(STORES, store)
        return short(store) if row is None else str(row[0])

    def named(self, item: PayloadId, name: str, unit: str) -> None:
        """Take it that a thing is about to be called so."""
        self.items[item] = (name, unit)
        self._rows[ITEMS, item] = (name, unit)

    def _row(self, table: Table, id_: PayloadId) -> Row | None:
        """Return how something is named, by our own books if they name it."""
        if (table, id_) not in self._rows:
            scopes = dict.fromkeys([self.own, *(body.scope for body in self._reading.store.followed.all())])
            realms = [realm for scope in scopes for realm in (scope, local_realm(scope))]
            rows = (row for realm in realms for _, row in self._reading.view.scan(table, (realm, id_)))
            self._rows[table, id_] = next(rows, None)
        return self._rows[table, id_]

    def amount(self, item: PayloadId, quantity: int) -> str:
        """Return a quantity of a thing in words."""
        return units.show(quantity, self.unit(item))

    def thing(self, item: PayloadId, lot: PayloadId) -> str:
        """Return what a line is about."""
        return f"{self.item(item)}, lot {self.lot(lot)}" if lot else self.item(item)


def party(reading: Reading, who: Party) -> str:
    """Return what a party is called."""
    return who if isinstance(who, str) else reading.name_of(who)


def what(goods: Goods, way: TransferView) -> str:
    """Return what a transfer is about, in a few words."""
    lines = [line for line in way.lines if line.announced] or list(way.lines)
    named = [
        f"{goods.amount(line.item, line.announced or max(line.picked, line.received))} of {goods.thing(line.item, line.lot)}"
        for line in lines[:MAX_NAMED]
    ]
    more = len(lines) - MAX_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def overdue(way: TransferView, now: int) -> bool:
    """Say whether a transfer should have arrived by now, and has not."""
    due = way.manifest.due if way.manifest is not None else None
    return due is not None and due < now and not way.stage.over


def row(reading: Reading, goods: Goods, way: TransferView, now: int) -> Json:
    """Return a transfer for programs."""
    manifest = way.manifest
    carrier = manifest.carrier if manifest is not None else None
    return {
        "transfer": way.id.hex(),
        "provider": None if manifest is None else party(reading, manifest.provider),
        "receiver": None if manifest is None else party(reading, manifest.receiver),
        "carrier": carrier.hex() if isinstance(carrier, bytes) else carrier,
        "from_store": goods.store(manifest.store) if manifest is not None and manifest.store else None,
        "to_store": goods.store(manifest.to) if manifest is not None and manifest.to else None,
        "due": rfc3339(manifest.due) if manifest is not None else None,
        "overdue": overdue(way, now),
        "status": "not announced yet" if manifest is None else way.stage.value,
        "others": sorted(reading.name_of(each) for each in way.strangers) if manifest is not None else [],
        "lines": [_line_row(reading, goods, line) for line in way.lines],
    }


def _line_row(reading: Reading, goods: Goods, line: LineView) -> Json:
    unit = goods.unit(line.item)
    return {
        "item": goods.item(line.item),
        "item_id": line.item.hex(),
        "lot": goods.lot(line.lot) if line.lot else None,
        "unit": unit,
        "announced": line.announced,
        "picked_up": line.picked,
        "received": line.received,
        "returned": line.returned,
        "lost": line.lost,
        "settled": line.settled,
        "in_transit": line.in_transit,
        "status": line.stage.value,
        "promise": line.commitment.hex() if line.commitment else None,
        "words": [
            {
                "quantity": word.quantity,
                "reason": word.reason,
                "said_by": sorted(reading.name_of(each) for each in word.said_by),
                "settled": word.settled,
            }
            for word in line.words
        ],
    }


def head(reading: Reading, goods: Goods, way: TransferView, now: int) -> str:
    """Return the first line on a transfer: who gives, who receives, who carries, until when, how far it is."""
    manifest = way.manifest
    if manifest is None:
        return f"Transfer {short(way.id)}: it is named by movements, and what announces it has not come yet"
    said = f"Transfer {short(way.id)}: {party(reading, manifest.provider)}"
    if manifest.store is not None:
        said += f" ({goods.store(manifest.store)})"
    said += f" gives {party(reading, manifest.receiver)}"
    if manifest.to is not None:
        said += f" ({goods.store(manifest.to)})"
    if manifest.carrier is not None:
        said += f", carried by {_carrier(reading, manifest.carrier)}"
    if manifest.due is not None:
        said += f", due {day(manifest.due)}" + (" (overdue)" if overdue(way, now) else "")
    return f"{said}: {way.stage.value}"


def _carrier(reading: Reading, carrier: Key | str) -> str:
    return carrier if isinstance(carrier, str) else person(reading, reading.own().scope, carrier)


def why_lines(reading: Reading, goods: Goods, way: TransferView) -> Iterator[str]:
    """Yield a line or more on each thing of a transfer: the sum that says where all of it is."""
    for line in way.lines:
        yield from _why_line(reading, goods, way, line)
    if way.manifest is not None and way.strangers:
        names = " and ".join(sorted(reading.name_of(each) for each in way.strangers))
        yield f"{names} wrote of it too, and neither gives nor receives: that is not counted."


def _why_line(reading: Reading, goods: Goods, way: TransferView, line: LineView) -> Iterator[str]:
    def amount(quantity: int) -> str:
        return goods.amount(line.item, quantity)

    thing = goods.thing(line.item, line.lot)
    if not line.moved:
        yield f"{thing}: {amount(line.announced)} announced, nothing picked up yet"
    else:
        parts = [(line.received, "received"), (line.returned, "returned"), (line.lost, "lost on the way")]
        parts += [(line.settled, "missing, as both sides say"), (max(line.in_transit, 0), "in transit")]
        # One below zero is part of the sum, too: more was sent back than is known to have arrived.
        found = " + ".join(f"{amount(quantity)} {word}" for quantity, word in parts if quantity)
        if line.in_transit < 0:
            yield f"{thing}: {amount(line.picked)} picked up so far, and {found}"
            yield (
                f"  that is {amount(-line.in_transit)} more than is known to have left: "
                "a pickup is not recorded yet, or a loss was recorded twice"
            )
        else:
            yield f"{thing}: {amount(line.picked)} picked up = {found or 'nothing'}"
        if line.received < 0:
            yield (
                f"  {amount(-line.received)} more were sent back than are known to have arrived: "
                "an arrival is not recorded yet, or what was sent back was recorded twice"
            )
        rest = line.announced - line.picked
        if way.manifest is not None and not line.announced:
            yield f"  {thing} is not on the list of what was announced"
        elif rest and way.manifest is not None and line.in_transit >= 0:
            less = "less" if rest > 0 else "more"
            yield f"  that is {amount(abs(rest))} {less} than announced ({amount(line.announced)})"
    for word in line.words:
        names = " and ".join(sorted(reading.name_of(each) for each in word.said_by))
        what = f"{amount(word.quantity)} {reason_words(word.reason)}"
        if word.settled:
            yield f"  settled: {names} say {what}"
        else:
            others = (
                "nobody else there has" if way.manifest and way.manifest.within else "the other side has not"
            )
            yield f"  {names} says {what}, and {others} said the same"


def says(reading: Reading, kind: str, value: dict[str, Any]) -> str:
    """Return the words of a manifest or a discrepancy. Raises KeyError and the like when it is not as it should be."""
    goods = Goods(reading)
    if kind == "discrepancy":
        missing = goods.amount(value["resource_conforms_to"], value["quantity"])
        thing = goods.thing(value["resource_conforms_to"], value.get("lot", b""))
        return f"says that of transfer {short(value['transfer'])} {missing} of {thing} are missing: {reason_words(value['reason'])}"
    if "cancels" in value:
        return f"says that transfer {short(value['cancels'])} will not come"
    said = ", ".join(
        f"{goods.amount(line['resource_conforms_to'], line['quantity'])} of {goods.thing(line['resource_conforms_to'], line.get('lot', b''))}"
        for line in value["lines"]
    )
    return (
        f"announces that {party(reading, value['provider'])} gives {party(reading, value['receiver'])} {said}"
    )


def reason_words(reason: str) -> str:
    """Return a reason as people say it."""
    return {"cold_chain": "spoiled by a broken cold chain", "unknown": "missing, nobody knows why"}.get(
        reason, reason.replace("_", " ")
    )


def next_step(way: TransferView, own: bytes) -> str | None:
    """Return what to type next on a transfer, None when nothing of it waits for us."""
    manifest = way.manifest
    if manifest is None or own not in (manifest.provider, manifest.receiver) or way.stage.over:
        return None
    id_ = short(way.id)
    if waits_for_our_word(way, own):
        return f"fedsync stock transfer settle {id_} --as NAME"
    if way.stage in (Stage.OPEN, Stage.EARLY) and manifest.provider == own:
        return f"fedsync stock transfer pickup {id_} --as NAME"
    if manifest.receiver == own and way.stage in (Stage.OPEN, Stage.TRANSIT):
        return f"fedsync stock transfer dropoff {id_} --as NAME"
    return None


def waits_for_our_word(way: TransferView, own: bytes) -> bool:
    """Say whether the other side said what is missing, and we have not said the same."""
    manifest = way.manifest
    if manifest is None or own not in manifest.parties:
        return False
    return any(line.in_transit > 0 and waits_for(way, word, own) for line in way.lines for word in line.words)


def waits_for(way: TransferView, word: Word, own: bytes) -> bool:
    """Say whether a body has to say the same, or another person of it, before a word settles anything."""
    within = way.manifest is not None and way.manifest.within
    return not word.settled and (within or own not in word.said_by)
