"""Stores, items and lots by the names that people type: what is there is used, what is new is made."""

import unicodedata

from fedsync.crdt.levels import find_store, items_called, levels
from fedsync.crdt.realms import local_realm
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

    def lot(self, code: str, expires: int | None, item: PayloadId) -> PayloadId:
        """Return the lot of an item with this code."""
        value: dict[str, Value] = {"code": normal(code), "resource_conforms_to": item}
        if expires is not None:
            value["expiration_date"] = expires
        return self._make("batch_lot_record", value)

    def _make(self, kind: str, value: dict[str, Value]) -> PayloadId:
        draft = Draft(kind, value, self._now)
        if draft not in self.made:
            self.made.append(draft)
        return payload_id(pack(value))


def normal(name: str) -> str:
    """Return a name as sealing writes it, so that the id made here is the one that the record will have."""
    return unicodedata.normalize("NFC", name.strip())
