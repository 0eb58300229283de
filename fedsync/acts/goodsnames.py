"""Stores, items and lots by the names that people type: what is there is used, what is new is made."""

import unicodedata

from fedsync.crdt.levels import find_store, items_called, levels
from fedsync.reading import Reading
from fedsync.records.codec import Value, pack
from fedsync.records.ids import PayloadId, Scope, payload_id
from fedsync.records.seal import Draft


class Names:
    """The names of a community, noting those that have to be made."""

    def __init__(self, reading: Reading, scope: Scope, now: int) -> None:
        self._view, self._scope, self._now = reading.view, scope, now
        self._stores: dict[str, PayloadId] = {}
        self._items: dict[tuple[str, str], PayloadId] = {}
        self._known = {level.store.casefold(): level.store_id for level in levels(reading.view, scope)}
        self.made: list[Draft] = []

    def store(self, name: str) -> PayloadId:
        """Return the store of this name; one that differs only in capital letters is meant, if there is one."""
        name = normal(name)
        if name not in self._stores:
            found = find_store(self._view, self._scope, name) or self._known.get(name.casefold())
            value: dict[str, Value] = {"name": name, "scope": self._scope}
            self._stores[name] = found or self._make("store", value)
        return self._stores[name]

    def item(self, name: str, unit: str) -> PayloadId:
        """Return the item of this name that is counted in this unit; capital letters as with stores."""
        name = normal(name)
        key = name.casefold(), unit
        if key not in self._items:
            found = items_called(self._view, self._scope, name)
            same = [id_ for id_, each in found.items() if each.unit == unit]
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
