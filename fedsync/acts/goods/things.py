"""Things that come back: tools, chairs, rooms; what people call them, where they lie, and who may book them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fedsync.acts.goods.rotas import checked_name, realms
from fedsync.crdt.goods.levels import StockLevel, levels
from fedsync.crdt.goods.tables import ITEMS, LOTS, STORES
from fedsync.crdt.plans.plantables import INTENTS, intent_row
from fedsync.crdt.realms import Realm, is_local
from fedsync.crdt.work.bookings import USE, Schedule, schedule
from fedsync.crdt.work.lendingtables import BOOKINGS, LOANS
from fedsync.errors import refused
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.codec import unpack
from fedsync.records.ids import NO_LOT, PayloadId, RecordId, Scope
from fedsync.records.kinds.parties import Party
from fedsync.records.kinds.plans import Intent, parse_intent

PIECES = "{piece}"
"""The unit of what is counted one by one."""


class Called:
    """What items, lots and stores of a body are called, read once; what nobody has named goes by its short id."""

    def __init__(self, reading: Reading, scope: Scope) -> None:
        self._items: dict[bytes, tuple[str, str]] = {}
        self._lots: dict[bytes, str] = {}
        self._stores: dict[bytes, str] = {}
        for realm in realms(scope):
            for key, row in reading.view.scan(ITEMS, (realm,)):
                self._items[key[1]] = str(row[0]), str(row[1])  # type: ignore[index]
            for key, row in reading.view.scan(LOTS, (realm,)):
                self._lots[key[1]] = str(row[0])  # type: ignore[index]
            for key, row in reading.view.scan(STORES, (realm,)):
                self._stores[key[1]] = str(row[0])  # type: ignore[index]

    def item(self, item: bytes) -> str:
        """Return the name of a kind of thing."""
        return self._items[item][0] if item in self._items else item.hex()[:8]

    def unit(self, item: bytes) -> str:
        """Return the unit that it is counted in."""
        return self._items[item][1] if item in self._items else PIECES

    def lot(self, lot: bytes) -> str:
        """Return what stands on the thing; empty for what has no lot."""
        return self._lots.get(lot, lot.hex()[:8])

    def store(self, store: bytes | None) -> str:
        """Return the name of a store; empty for none."""
        return "" if store is None else self._stores.get(store, store.hex()[:8])

    def thing(self, item: bytes, lot: bytes) -> str:
        """Return what a thing is called: a drill, or the drill with this on it."""
        return f"{self.item(item)} {self.lot(lot)}" if lot else self.item(item)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that comes back. `level` is what is recorded of it in its store; `offers`: those by which it is booked."""

    realm: Realm
    """Where its loans are written: with its stock; of what is only booked, with its offer."""
    item: PayloadId
    lot: PayloadId
    store: PayloadId | None
    name: str
    code: str
    where: str
    unit: str
    level: StockLevel | None = None
    offers: tuple[Schedule, ...] = field(default=())

    @property
    def called(self) -> str:
        """What people call it."""
        return f"{self.name} {self.code}" if self.code else self.name

    @property
    def offer(self) -> Schedule | None:
        """Return the offer by which it is booked. There should be one; of more, the one with the smallest id."""
        return min(self.offers, key=lambda each: each.intent, default=None)


def all_things(reading: Reading, scope: Scope) -> list[Thing]:
    """Return the things of a body, by name: what is counted in pieces, and what is offered to be used."""
    called = Called(reading, scope)
    offers = list(_offers(reading, scope))
    found: list[Thing] = []
    for level in levels(reading.view, scope):
        mine = [each for each in offers if _is_of(each, level)]
        if level.unit == PIECES or mine:
            offers = [each for each in offers if each not in mine]
            found.append(_lying(level, tuple(mine)))
    apart: dict[tuple[bytes, bytes], list[Schedule]] = {}
    for each in offers:
        assert each.offer is not None
        apart.setdefault((each.offer.item, each.offer.lot or NO_LOT), []).append(each)
    found.extend(_only_offered(called, tuple(same)) for same in apart.values())
    return sorted(found, key=lambda each: (each.called.casefold(), each.where.casefold(), each.realm))


def _lying(level: StockLevel, offers: tuple[Schedule, ...]) -> Thing:
    return Thing(
        level.realm,
        level.item_id,
        level.lot_id,
        level.store_id,
        level.item,
        level.lot,
        level.store,
        level.unit,
        level,
        offers,
    )


def _only_offered(called: Called, offers: tuple[Schedule, ...]) -> Thing:
    one = offers[0]
    assert one.offer is not None
    assert one.realm is not None
    lot = one.offer.lot or NO_LOT
    return Thing(
        one.realm,
        one.offer.item,
        lot,
        one.offer.store,
        called.item(one.offer.item),
        called.lot(lot) if lot else "",
        called.store(one.offer.store),
        called.unit(one.offer.item),
        None,
        offers,
    )


def _offers(reading: Reading, scope: Scope) -> Iterator[Schedule]:
    for realm in realms(scope):
        for key, row in reading.view.scan(INTENTS, (realm,)):
            found = intent_row(row)
            if found.side == "offer" and _intent(found.payload, scope).action == USE:
                yield schedule(reading.view, RecordId(key[1]))  # type: ignore[arg-type]


def _intent(payload: bytes, scope: Scope) -> Intent:
    return parse_intent(unpack(payload), scope)


def _is_of(offered: Schedule, level: StockLevel) -> bool:
    """Say whether an offer is of what lies there. It need not say where the thing lies."""
    offer = offered.offer
    assert offer is not None
    same = (offer.item, offer.lot or NO_LOT) == (level.item_id, level.lot_id)
    return same and offer.store in (None, level.store_id)


def thing_at(reading: Reading, level: StockLevel) -> Thing:
    """Return what lies in a pool of our own as a thing."""
    offers = tuple(each for each in _offers(reading, level.scope) if _is_of(each, level))
    return _lying(level, offers)


def find_thing(reading: Reading, scope: Scope, asked: str, store: str | None = None) -> Thing:
    """Return the thing that is called so, by its name, by what stands on it, or by the id of its offer.

    Raises a Problem (exit 6).
    """
    word = asked.strip().casefold()
    every = [
        each
        for each in all_things(reading, scope)
        if store is None or each.where.casefold() == store.strip().casefold()
    ]
    found = [each for each in every if word in (each.code.casefold(), each.called.casefold())]
    found = found or [each for each in every if each.name.casefold() == word]
    found = found or [each for each in every if any(begins(asked, one.intent.hex()) for one in each.offers)]
    alike = len({each.called for each in found}) == 1
    apart = "Say where it lies: --store S." if alike else "Type what stands on it: its number, its lot."
    return the_one(
        "thing",
        asked,
        found,
        _told_apart,
        "fedsync stock things",
        apart,
    )


def _told_apart(thing: Thing) -> str:
    return f"{thing.called} in {thing.where}" if thing.where else thing.called


# --- Who has them -------------------------------------------------------------------------------------------


def party(reading: Reading, who: str) -> Party:
    """Return whom a person means: a body that is known here by this name, else somebody who is called so.

    A name that was written down before, in other capital letters, is meant again.
    """
    for body in reading.store.followed.all():
        if reading.name_of(body.scope).casefold() == who.strip().casefold():
            return body.scope
    name = checked_name(who)
    named = {
        str(row[at])
        for realm in realms(reading.own().scope)
        for table, at in ((LOANS, 3), (BOOKINGS, 2))
        for _, row in reading.view.scan(table, (realm,))
        if isinstance(row[at], str)
    }
    if name in named:
        return name
    return min((each for each in named if each.casefold() == name.casefold()), default=name)


def party_name(reading: Reading, who: Party) -> str:
    """Return what a party is called."""
    return who if isinstance(who, str) else reading.name_of(who)


def may_be_read(realm: Realm, who: Party, opened: bool, what: str) -> None:
    """Raise a Problem when a person would be named where others read it, and nobody said so."""
    if isinstance(who, str) and not is_local(realm) and not opened:
        raise refused(
            "names_stay_here",
            f"Others in the region would read {what}, and {who} is named. Nothing was written.",
            "If they may: add --open. What never leaves our own nodes is added and kept with --local.",
        )
