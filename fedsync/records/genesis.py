"""The first record of a log: whose it is, for what, and how far it travels. Pure."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TypeAlias

from fedsync.records.codec import NotCanonical, Value, pack, unpack
from fedsync.records.ids import Key, LogClass, LogId, PageId, Reach, Scope, log_id

GENESIS = "genesis"
"""The kind of every log's record 0."""

Capacity: TypeAlias = tuple[str | int | bytes, ...]
"""("seat",), ("repair",), ("person",), ("node",) or ("mandate", page id, index of the entry)."""

SEAT: Capacity = ("seat",)
REPAIR: Capacity = ("repair",)
PERSON: Capacity = ("person",)
NODE: Capacity = ("node",)

_FIELDS = {"capacity", "class", "incarnation", "key", "reach", "scope"}


class BadGenesis(ValueError):
    """The payload does not begin a log. Whoever made it is at fault."""


@dataclass(frozen=True)
class Genesis:
    """What a log's name commits to: key, capacity, class, reach, scope, and the incarnation of its writer."""

    key: Key
    scope: Scope
    capacity: Capacity
    log_class: LogClass
    reach: Reach
    incarnation: bytes

    @cached_property
    def payload(self) -> bytes:
        """The canonical bytes that are hashed to the log's id."""
        return pack(
            {
                "capacity": list(self.capacity),
                "class": int(self.log_class),
                "incarnation": self.incarnation,
                "key": self.key,
                "reach": int(self.reach),
                "scope": self.scope,
            }
        )

    @cached_property
    def log(self) -> LogId:
        """The id of the log that this begins."""
        return log_id(self.payload)

    @property
    def mandate(self) -> tuple[PageId, int] | None:
        """The entry that gives the mandate under which this log is written; None when it is no delegate's."""
        match self.capacity:
            case ("mandate", bytes() as page, int() as index) if len(page) == 32 and 0 <= index < 2**31:
                return PageId(page), index
        return None

    @classmethod
    def parse(cls, payload: bytes) -> "Genesis":
        """Return what `payload` says. Raises BadGenesis, saying which field is wrong."""
        try:
            value = unpack(payload)
        except NotCanonical as error:
            raise BadGenesis(str(error)) from None
        if not isinstance(value, dict) or set(value) != _FIELDS:
            raise BadGenesis("its fields are not those of a genesis")
        try:
            log_class, reach = LogClass(_whole(value["class"])), Reach(_whole(value["reach"]))
        except ValueError:
            raise BadGenesis("an unknown class or reach") from None
        return cls(
            key=Key(_bytes(value["key"], 32)),
            scope=Scope(_bytes(value["scope"], 16)),
            capacity=_capacity(value["capacity"]),
            log_class=log_class,
            reach=reach,
            incarnation=_bytes(value["incarnation"], 16),
        )


def later_incarnation(incarnation: bytes) -> bytes:
    """Return the incarnation in which a writer goes on when a log of theirs takes nothing more: it forked, or was ended."""
    return sha256(b"after a fork" + incarnation).digest()[:16]


def _bytes(value: Value, length: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise BadGenesis(f"a field that should hold {length} bytes does not")
    return value


def _whole(value: Value) -> int:
    if type(value) is not int:
        raise BadGenesis("class and reach are numbers")
    return value


def _capacity(value: Value) -> Capacity:
    # Capacities that this version does not know are kept: a log is taken whoever it speaks for.
    if not isinstance(value, list) or not value or not isinstance(value[0], str):
        raise BadGenesis("the capacity is not a list that begins with a word")
    parts: list[str | int | bytes] = []
    for part in value:
        if type(part) not in (str, int, bytes):
            raise BadGenesis("the capacity holds something else than words, numbers and ids")
        parts.append(part)  # type: ignore[arg-type]
    return tuple(parts)
