"""Movements and counts of goods: stores and items are made by name at first use."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from fedsync.acts.author import Author, now_ms
from fedsync.crdt.levels import find_store, items_called, levels
from fedsync.crdt.seats import All, fact_bound
from fedsync.doors import Door
from fedsync.errors import Exit, Problem, refused
from fedsync.localunits import Stated
from fedsync.plain import is_plain
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.codec import Value, pack
from fedsync.records.ids import LogClass, PayloadId, Scope, payload_id
from fedsync.records.kinds.actions import ACTIONS, SIGNS
from fedsync.records.kinds.goods import MAX_AHEAD_MS, MAX_NAME_CHARS
from fedsync.records.kinds.parties import MAX_NOTE_CHARS
from fedsync.records.seal import Draft

ONE_LINE = "Type one line of plain text."
COUNT = "count"
"""What stands in a movement's place for a count."""


@dataclass(frozen=True, slots=True)
class Line:
    """One movement or count as somebody states it. `quantity` in base units of `unit`, `at` in ms."""

    action: str
    item: str
    quantity: int
    unit: str
    store: str
    at: int
    note: str = ""
    stated: Stated | None = None
    """How it was said, where that is not the unit itself."""


class WrongWord(Problem):
    """A word of a line that cannot be; `field` is which."""

    def __init__(self, field: str, message: str, hint: str) -> None:
        super().__init__("usage", message, hint, Exit.USAGE)
        self.field = field


def check_line(line: Line, now: int) -> None:
    """Raise WrongWord (exit 2) that says which word of the line cannot be."""
    if line.action != COUNT:
        check_action(line.action)
    for what, text in (("item", line.item), ("store", line.store)):
        if not text.strip():
            raise WrongWord(what, f"The {what} has no name.", f"Type what the {what} is called.")
        # Measured as it is written: what was typed in another form may grow.
        if len(_normal(text)) > MAX_NAME_CHARS:
            raise WrongWord(
                what, f"The name of the {what} is longer than {MAX_NAME_CHARS} letters.", "Shorten it."
            )
        if not is_plain(text):
            raise WrongWord(what, f"The name of the {what} holds what is no letter or sign.", ONE_LINE)
    if len(unicodedata.normalize("NFC", line.note)) > MAX_NOTE_CHARS:
        raise WrongWord("note", f"The note is longer than {MAX_NOTE_CHARS} letters.", "Shorten it.")
    if not is_plain(line.note):
        raise WrongWord("note", "The note holds what is no letter or sign.", ONE_LINE)
    if line.at > now + MAX_AHEAD_MS:
        raise WrongWord(
            "at",
            "It cannot have happened later than tomorrow.",
            "Look at the time, and at this machine's clock.",
        )


def check_action(action: str) -> None:
    """Raise WrongWord (exit 2) unless this is something that can be said of one store."""
    if action in SIGNS:
        return
    if action in ACTIONS:
        raise WrongWord(
            "action",
            f"{action} takes from one store for another, and this version names one store only.",
            "Record both ends: lower in the one store, raise in the other.",
        )
    known = ", ".join(sorted(SIGNS))
    raise WrongWord(
        "action", f"There is no action {action}.", f"ValueFlows has, of those that one store tells: {known}."
    )


def record_lines(
    author: Author, reading: Reading, door: Door, lines: Sequence[Line], once: bytes | None = None
) -> list[Block]:
    """Write movements and counts to the author's log of facts, all or none. Raises a Problem.

    `once`: 32 bytes that name what is written, if it must not be written a second time here.
    """
    own = reading.own()
    may_write_facts(author, reading, own.scope)
    with author.writing():
        now = now_ms()
        drafts = _drafts(reading, own.scope, lines, now)
        return author.write(door, reading, LogClass.FACTS, drafts, once=once)


def may_write_facts(author: Author, reading: Reading, scope: Scope) -> None:
    """Raise a Problem (exit 7) unless the author has a seat now."""
    genesis = author.genesis(reading, LogClass.FACTS)
    if not isinstance(fact_bound(reading.view, genesis), All):
        raise refused(
            "no_seat",
            f"{author.name} is no teller of this community now, so nothing that they record would count.",
            "A teller can record it, or the community can give them a seat: fedsync bodies epoch --add",
        )


def _drafts(reading: Reading, scope: Scope, lines: Sequence[Line], now: int) -> list[Draft]:
    names = _Names(reading, scope, now)
    drafts: list[Draft] = []
    for line in lines:
        store, item = names.store(line.store), names.item(line.item, line.unit)
        value: dict[str, Value] = {
            "quantity": line.quantity,
            "resource_conforms_to": item,
            "store": store,
            "has_point_in_time": line.at,
        }
        if line.action != COUNT:
            value["action"] = line.action
        if line.note:
            value["note"] = line.note
        if line.stated is not None:
            value["stated"] = line.stated.value
        drafts.append(Draft("count" if line.action == COUNT else "economic_event", value, now))
    # What is new by name comes first, so that a reader of the log meets it before it is used.
    return names.made + drafts


class _Names:
    """Stores and items by name, noting those that have to be made."""

    def __init__(self, reading: Reading, scope: Scope, now: int) -> None:
        self._view, self._scope, self._now = reading.view, scope, now
        self._stores: dict[str, PayloadId] = {}
        self._items: dict[tuple[str, str], PayloadId] = {}
        self._known = {level.store.casefold(): level.store_id for level in levels(reading.view, scope)}
        self.made: list[Draft] = []

    def store(self, name: str) -> PayloadId:
        """Return the store of this name; one that differs only in capital letters is meant, if there is one."""
        name = _normal(name)
        if name not in self._stores:
            found = find_store(self._view, self._scope, name) or self._known.get(name.casefold())
            value: dict[str, Value] = {"name": name, "scope": self._scope}
            self._stores[name] = found or self._make("store", value)
        return self._stores[name]

    def item(self, name: str, unit: str) -> PayloadId:
        """Return the item of this name that is counted in this unit; capital letters as with stores."""
        name = _normal(name)
        key = name.casefold(), unit
        if key not in self._items:
            found = items_called(self._view, self._scope, name)
            same = [id_ for id_, each in found.items() if each.unit == unit]
            value: dict[str, Value] = {"name": name, "unit": unit}
            self._items[key] = same[0] if same else self._make("resource_specification", value)
        return self._items[key]

    def _make(self, kind: str, value: dict[str, Value]) -> PayloadId:
        draft = Draft(kind, value, self._now)
        if draft not in self.made:
            self.made.append(draft)
        return payload_id(pack(value))


def _normal(name: str) -> str:
    # As sealing writes it, so that the id made here is the one that the record will have.
    return unicodedata.normalize("NFC", name.strip())


def made_names(blocks: Sequence[Block]) -> list[str]:
    """Return the names of stores and items that these blocks made, for a word to the person who typed them."""
    found = []
    for block in blocks:
        for record in block.records():
            if record.kind in ("store", "resource_specification") and isinstance(value := record.value, dict):
                found.append(f"{'store' if record.kind == 'store' else 'item'} {value['name']!s}")
    return found
