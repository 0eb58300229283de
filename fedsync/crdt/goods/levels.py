"""What lies where: the folded state of stores, by the names that people gave. Reads a view, changes nothing.

Lists that must come at once load this, so it loads little itself; `whystock` has the reasons.
"""

from itertools import chain
from typing import NamedTuple, TypeAlias

from fedsync.crdt.goods.tables import BALANCES, ITEMS, LOTS, STORES, PoolKey, balance
from fedsync.crdt.realms import Realm, is_local, local_realm, scope_of
from fedsync.crdt.view import Draft, View
from fedsync.records.ids import NO_LOT, PayloadId, Scope

Reader: TypeAlias = View | Draft

TABLES = (BALANCES, ITEMS, LOTS, STORES)
"""What `levels` reads."""


class Named(NamedTuple):
    """A kind of thing, and the UCUM code of the unit that its quantities count."""

    name: str
    unit: str


class LotNamed(NamedTuple):
    """Goods that were made together: their code, and until when they are good (ms; None: nothing is said)."""

    code: str
    expires: int | None = None


class StockLevel(NamedTuple):
    """What lies of one item, or of one lot of it, in one store. Quantities count `unit`; `last_count` is in ms, None: never counted."""

    scope: Scope
    store_id: PayloadId
    item_id: PayloadId
    store: str
    item: str
    unit: str
    on_hand: int
    unexplained: int | None
    last_count: int | None
    contested: bool
    local: bool = False
    """Kept on the community's own nodes, and added up apart from what others see."""
    lot_id: PayloadId = NO_LOT
    lot: str = ""
    """The code of the lot; empty for what is of none."""
    expires: int | None = None
    """When the lot expires, in ms."""
    accounting: int = 0
    """What is there by right: goods that were picked up and have not arrived are still theirs who gave them."""
    known: bool = True
    """What the store and the item are called has come here."""

    @property
    def realm(self) -> Realm:
        """The realm that it is added up in."""
        return local_realm(self.scope) if self.local else Realm(self.scope)

    @property
    def below_zero(self) -> bool:
        """Say whether less than nothing would lie there, which cannot be.

        What is kept local and was never counted is no store's whole: it may tell of the goods that households took alone.
        """
        return self.on_hand < 0 and not (self.local and self.last_count is None)

    @property
    def key(self) -> PoolKey:
        """The key of its balance."""
        return self.realm, self.store_id, self.item_id, self.lot_id


def levels(view: Reader, scope: Scope | None = None) -> list[StockLevel]:
    """Return the levels in all stores, or in those of one body, by the names of store and item.

    Two items of one name, in other units, are two rows. What nobody has named yet goes by its short id.
    """
    stores: dict[tuple[bytes, PayloadId], str] = {}
    items: dict[tuple[bytes, PayloadId], Named] = {}
    lots: dict[tuple[bytes, PayloadId], tuple[str, int | None]] = {}
    prefixes = [()] if scope is None else [(scope,), (local_realm(scope),)]
    for prefix in prefixes:
        for key, row in view.scan(STORES, prefix):
            stores[key[:2]] = row[0]  # type: ignore[index, assignment]
        for key, row in view.scan(ITEMS, prefix):
            items[key[:2]] = Named(row[0], row[1])  # type: ignore[index, arg-type]
        for key, row in view.scan(LOTS, prefix):
            lots[key[:2]] = row[0], row[2]  # type: ignore[index, assignment]
    found: list[StockLevel] = []
    for key, row in chain.from_iterable(view.scan(BALANCES, prefix) for prefix in prefixes):
        realm, store, item, lot = _balance_key(key)
        of, now = scope_of(realm), balance(row)
        if now.counted_at is None and not now.events:
            # All that was told here was corrected to have been elsewhere.
            continue
        code, expires = ("", None)
        if lot != NO_LOT:
            code, expires = lots.get((realm, lot)) or lots.get((of, lot)) or (lot.hex()[:8], None)
        # What is kept local may lie in a store, or be a kind of thing, that the whole region knows.
        thing = items.get((realm, item)) or items.get((of, item))
        place = stores.get((realm, store)) or stores.get((of, store))
        named = thing or Named(item.hex()[:8], "1")
        found.append(
            StockLevel(
                scope=of,
                store_id=store,
                item_id=item,
                store=place or store.hex()[:8],
                item=named.name,
                unit=named.unit,
                on_hand=now.on_hand,
                unexplained=now.unexplained,
                last_count=now.counted_at,
                contested=bool(now.contested),
                local=is_local(realm),
                lot_id=lot,
                lot=code,
                expires=expires,
                accounting=now.accounting,
                known=thing is not None and place is not None,
            )
        )
    return sorted(found, key=_order)


def find_store(view: Reader, realm: bytes, name: str) -> PayloadId | None:
    """Return the store of this name in a realm. There is one at most, since its name makes its id."""
    for key, row in view.scan(STORES, (realm,)):
        if row[0] == name:
            return PayloadId(key[1])  # type: ignore[arg-type]
    return None


def find_items(view: Reader, realm: bytes, name: str) -> dict[PayloadId, Named]:
    """Return the items of this name: rivals differ in their unit, and none is preferred."""
    found: dict[PayloadId, Named] = {}
    for key, row in view.scan(ITEMS, (realm,)):
        if row[0] == name:
            found[PayloadId(key[1])] = Named(row[0], row[1])  # type: ignore[arg-type]
    return found


def items_called(view: Reader, realm: bytes, name: str) -> dict[PayloadId, Named]:
    """Return the items of this name, else those whose name differs in capital letters only."""
    found: dict[PayloadId, Named] = {}
    for key, row in view.scan(ITEMS, (realm,)):
        if str(row[0]).casefold() == name.casefold():
            found[PayloadId(key[1])] = Named(row[0], row[1])  # type: ignore[arg-type]
    return {id_: each for id_, each in found.items() if each.name == name} or found


def lots_of(view: Reader, realm: bytes, item: PayloadId) -> dict[PayloadId, LotNamed]:
    """Return the lots of an item."""
    return {
        PayloadId(key[1]): LotNamed(row[0], row[2])  # type: ignore[arg-type]
        for key, row in view.scan(LOTS, (realm,))
        if row[1] == item
    }


def _order(level: StockLevel) -> tuple[str, str, str, str, bytes, bool, bytes]:
    return (level.store, level.item, level.unit, level.lot, level.scope, level.local, level.lot_id)


def _balance_key(key: tuple[bytes | int | str, ...]) -> tuple[Realm, PayloadId, PayloadId, PayloadId]:
    realm, store, item, lot = key
    return Realm(realm), PayloadId(store), PayloadId(item), PayloadId(lot)  # type: ignore[arg-type]
