"""Stores, items and lots by the names that people type: what is there is used, what is new is made."""

import unicodedata
from datetime import UTC, datetime

from fedsync.crdt.goods.levels import LotNamed, find_store, items_called, levels, lots_of
from fedsync.crdt.realms import local_realm
from fedsync.errors import Exit, Problem, not_found
from fedsync.reading import Reading
from fedsync.records.codec import Value, pack
from fedsync.records.ids import PayloadId, Scope, payload_id
from fedsync.records.seal import Draft


class Names:
    """The names of a community, noting those that have to be made.

    What is kept local may lie in a store that everybody knows; what everybody sees never has a name that is kept local.
    """

    def __init__(self, reading: Reading, scope: Scope, now: int, local: bool = False) -> None:
        self._view, self._scope, self._now = reading.view, scope, now
        self._realms: list[bytes] = [scope, local_realm(scope)] if local else [scope]
        self._stores: dict[str, PayloadId] = {}
        self._items: dict[tuple[str, str], PayloadId] = {}
        self._lots: dict[PayloadId, tuple[PayloadId, LotNamed]] = {}
        """Those that are made here, with their item."""
        self._known = {
            level.store.casefold(): level.store_id
            for level in levels(reading.view, scope)
            if local or not level.local
        }
        self.made: list[Draft] = []

    def store(self, name: str) -> PayloadId:
        """Return the store of this name; one that differs only in capital letters is meant, if there is one."""
        name = normal(name)
        if name not in self._stores:
            held = filter(None, (find_store(self._view, realm, name) for realm in self._realms))
            found = next(held, None) or self._known.get(name.casefold())
            value: dict[str, Value] = {"name": name, "scope": self._scope}
            self._stores[name] = found or self._make("store", value)
        return self._stores[name]

    def item(self, name: str, unit: str) -> PayloadId:
        """Return the item of this name that is counted in this unit; capital letters as with stores."""
        name = normal(name)
        key = name.casefold(), unit
        if key not in self._items:
            same = [
                id_
                for realm in self._realms
                for id_, each in items_called(self._view, realm, name).items()
                if each.unit == unit
            ]
            value: dict[str, Value] = {"name": name, "unit": unit}
            self._items[key] = same[0] if same else self._make("resource_specification", value)
        return self._items[key]

    def lot(self, code: str, expires: int | None, item: PayloadId, taken: bool = False) -> PayloadId:
        """Return the lot of an item with this code. `taken`: goods of it lie there already, so it must be known.

        Raises a Problem (exit 6) when it is not, and when several have this code.
        """
        code = normal(code)
        lots = {id_: each for id_, (of, each) in self._lots.items() if of == item}
        for realm in self._realms:
            lots |= lots_of(self._view, realm, item)
        named = {
            id_: each
            for id_, each in lots.items()
            if same(each.code, code) and expires in (None, each.expires)
        }
        # Of several, who names no day means the one of which none is said.
        found = {id_: each for id_, each in named.items() if each.expires == expires} or named
        if len(found) == 1:
            return next(iter(found))
        if len(found) > 1:
            shown = ", ".join(sorted(_lot_words(each) for each in found.values()))
            raise Problem(
                "ambiguous",
                f"Lot {code} may be any of these: {shown}.",
                "Add --expires DATE.",
                Exit.NOT_FOUND,
            )
        if taken:
            every = ", ".join(sorted(_lot_words(each) for each in lots.values()))
            raise not_found("lot", code, f"Lots of it: {every or 'none yet'}.")
        value: dict[str, Value] = {"code": code, "resource_conforms_to": item}
        if expires is not None:
            value["expiration_date"] = expires
        made = self._make("batch_lot_record", value)
        self._lots[made] = item, LotNamed(code, expires)
        return made

    def _make(self, kind: str, value: dict[str, Value]) -> PayloadId:
        draft = Draft(kind, value, self._now)
        if draft not in self.made:
            self.made.append(draft)
        return payload_id(pack(value))


def normal(name: str) -> str:
    """Return a name as sealing writes it, so that the id made here is the one that the record will have."""
    return unicodedata.normalize("NFC", name.strip())


def same(one: str, other: str) -> bool:
    """Say whether two names are one, whatever their capital letters."""
    return normal(one).casefold() == normal(other).casefold()


def _lot_words(lot: LotNamed) -> str:
    if lot.expires is None:
        return lot.code
    try:
        day = f"{datetime.fromtimestamp(lot.expires / 1000, UTC):%Y-%m-%d}"
    except (OverflowError, ValueError, OSError):
        day = "a day that no calendar has"
    return f"{lot.code} (good until {day})"
