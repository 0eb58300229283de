"""What the records of a minute book say: pages with their entries, signatures, approvals, persons. Pure.

Each `parse_*` returns a frozen value or raises `Void`: a payload that does not match exactly makes its record void
(kept, relayed, shown with the reason), never refused. What depends on other records (is the epoch sound, has the
signer a seat) is not judged here but by the fold.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from fedsync.records.codec import Value
from fedsync.records.genesis import BadGenesis, Genesis
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope
from fedsync.records.void import Void

PAGE = "page"
SIGNATURE = "signature"
APPROVAL = "approval"
PERSON = "person"

EPOCH = "epoch"
DECISION = "decision"
REPAIR_PAGE = "repair"

MAX_ROUND = 2**53
"""Rounds are small numbers; the bound only keeps "one more" within every language's integers."""
MAX_NAME_CHARS = 200

Text: TypeAlias = str | dict[str, str]
"""A text, or the same text in several languages: {"en": "...", "de": "..."}."""


@dataclass(frozen=True, slots=True)
class KeySeat:
    """A seat or sealer that is a log, named with its genesis so that whoever holds the page can admit the log."""

    genesis: Genesis

    @property
    def log(self) -> LogId:
        """The log that speaks."""
        return self.genesis.log

    @property
    def key(self) -> Key:
        """Whose log it is."""
        return self.genesis.key


@dataclass(frozen=True, slots=True)
class BodySeat:
    """A seat that is a body of a lower level, spoken for by its delegate."""

    body: PageId


Seat: TypeAlias = KeySeat | BodySeat


@dataclass(frozen=True, slots=True)
class Repair:
    """Who can mend a book that lost its tellers or split: keys kept apart from the tellers'."""

    keys: tuple[Key, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a log of a dropped seat is cut: what is on the chain of this record stays."""

    log: LogId
    seq: int
    id: RecordId


@dataclass(frozen=True, slots=True)
class EpochEntry:
    """Who speaks for the body from the next page on. Its numbers are not judged yet."""

    name: Text
    classification: str
    level: int
    seats: tuple[Seat, ...]
    k: int
    sealers: tuple[KeySeat, ...] | None = None
    w: int | None = None
    repair: Repair | None = None
    cuts: tuple[Tip, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What an assembly decided."""

    title: Text
    text: Text


@dataclass(frozen=True, slots=True)
class VoidEntry:
    """An entry of a known kind that does not match it exactly."""

    kind: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class UnknownEntry:
    """An entry of a kind that this version does not know: kept and inert."""

    kind: str


Entry: TypeAlias = EpochEntry | Decision | VoidEntry | UnknownEntry


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a book. `body` is None on page 0 alone, which carries the founding tag instead."""

    number: int
    body: PageId | None
    prev: PageId | None
    entries: tuple[Entry, ...]
    scope: Scope | None = None
    repair: bool = False

    @property
    def epoch(self) -> tuple[int, EpochEntry | VoidEntry] | None:
        """The index and value of the page's one epoch entry: the first that says it is one, sound or not."""
        for index, entry in enumerate(self.entries):
            if isinstance(entry, EpochEntry) or (isinstance(entry, VoidEntry) and entry.kind == EPOCH):
                return index, entry
        return None


@dataclass(frozen=True, slots=True)
class Signature:
    """A seat's or sealer's name under a page. `lock` is the round whose quorum frees a log that approved a rival."""

    page: PageId
    slot: PageId
    round: int
    lock: int | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Said after w sealers signed the page in this round; w of them in one round seal it."""

    page: PageId
    slot: PageId
    round: int


@dataclass(frozen=True, slots=True)
class Person:
    """What a key's holder is called."""

    key: Key
    name: str
    salt: bytes = field(repr=False)


def plain(text: Text) -> str:
    """Return a text in one language: English where there is, else the first by code. For lists; never for a verdict."""
    return text if isinstance(text, str) else text.get("en") or text[min(text)]


# --- Reading ------------------------------------------------------------------------------------------


def parse_page(value: Value) -> Page:
    """Return the page. Raises Void with the code malformed."""
    fields = _map(value, "a page")
    entries = fields.get("entries")
    if not isinstance(entries, list):
        raise Void("malformed", "a page's entries are a list")
    parsed = tuple(_entry(each) for each in entries)
    if type(fields.get("number")) is int and fields["number"] == 0:
        _exactly(fields, {"body", "number", "prev", "entries", "scope"}, set(), "page 0")
        if fields["body"] is not None or fields["prev"] is not None:
            raise Void("malformed", "page 0 has no body and no page before it")
        return Page(0, None, None, parsed, Scope(_bytes(fields, "scope", 16)))
    _exactly(fields, {"body", "number", "prev", "entries"}, {"by"}, "a page")
    if "by" in fields and fields["by"] != REPAIR_PAGE:
        raise Void("malformed", 'a page is by "repair" or says nothing of it')
    return Page(
        number=_whole(fields, "number", 1),
        body=PageId(_bytes(fields, "body", 32)),
        prev=PageId(_bytes(fields, "prev", 32)),
        entries=parsed,
        repair="by" in fields,
    )


def parse_signature(value: Value) -> Signature:
    """Return the signature. Raises Void with the code malformed."""
    fields = _map(value, "a signature")
    _exactly(fields, {"page", "slot", "round"}, {"lock"}, "a signature")
    lock = _whole(fields, "lock", -MAX_ROUND, MAX_ROUND) if "lock" in fields else None
    return Signature(*_voice(fields), lock)


def parse_approval(value: Value) -> Approval:
    """Return the approval. Raises Void with the code malformed."""
    fields = _map(value, "an approval")
    _exactly(fields, {"page", "slot", "round"}, set(), "an approval")
    return Approval(*_voice(fields))


def parse_person(value: Value) -> Person:
    """Return the person. Raises Void with the code malformed."""
    if not isinstance(value, list) or len(value) != 2:
        raise Void("malformed", "a person is salt and a map")
    salt, fields = value[0], _map(value[1], "a person")
    if not isinstance(salt, bytes) or len(salt) != 16:
        raise Void("malformed", "a person begins with 16 random bytes")
    _exactly(fields, {"key", "name"}, set(), "a person")
    name = fields["name"]
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARS:
        raise Void("malformed", f"a name is a text of 1 to {MAX_NAME_CHARS} characters")
    return Person(Key(_bytes(fields, "key", 32)), name, salt)


def _entry(value: Value) -> Entry:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str):
        raise Void("malformed", "each entry is a map with a kind")
    try:
        if kind == EPOCH:
            return _epoch(value)
        if kind == DECISION:
            return _decision(value)
    except Void as void:
        return VoidEntry(kind, void.code, void.sentence)
    return UnknownEntry(kind)


def _epoch(fields: dict[str, Value]) -> EpochEntry:
    needed = {"kind", "name", "classification", "level", "seats", "k"}
    _exactly(fields, needed, {"sealers", "w", "repair", "cuts"}, "an epoch")
    seats, sealers = fields["seats"], fields.get("sealers")
    if not isinstance(seats, list) or not seats:
        raise Void("malformed", "an epoch names its seats")
    if "sealers" in fields and (not isinstance(sealers, list) or not sealers):
        raise Void("malformed", "sealers are a list of logs")
    classification = fields["classification"]
    if not isinstance(classification, str):
        raise Void("malformed", "a classification is a text")
    return EpochEntry(
        name=_text(fields, "name"),
        classification=classification,
        level=_whole(fields, "level", 0),
        seats=tuple(_seat(each) for each in seats),
        k=_whole(fields, "k", 1),
        sealers=tuple(_key_seat(each) for each in sealers) if isinstance(sealers, list) else None,
        w=_whole(fields, "w", 1) if "w" in fields else None,
        repair=_repair(fields["repair"]) if "repair" in fields else None,
        cuts=_cuts(fields.get("cuts", [])),
    )


def _seat(value: Value) -> Seat:
    if isinstance(value, dict) and set(value) == {"body"}:
        return BodySeat(PageId(_bytes(value, "body", 32)))
    return _key_seat(value)


def _key_seat(value: Value) -> KeySeat:
    if not isinstance(value, dict) or set(value) != {"genesis"} or not isinstance(value["genesis"], bytes):
        raise Void("malformed", "a seat names the genesis of its log")
    try:
        return KeySeat(Genesis.parse(value["genesis"]))
    except BadGenesis as error:
        raise Void("malformed", f"a seat's genesis is wrong: {error}") from None


def _repair(value: Value) -> Repair:
    fields = _map(value, "repair")
    _exactly(fields, {"keys", "threshold"}, set(), "repair")
    keys = fields["keys"]
    if not isinstance(keys, list) or not all(isinstance(key, bytes) and len(key) == 32 for key in keys):
        raise Void("malformed", "repair keys are a list of keys")
    return Repair(tuple(Key(key) for key in keys if isinstance(key, bytes)), _whole(fields, "threshold", 1))


def _cuts(value: Value) -> tuple[Tip, ...]:
    if not isinstance(value, list):
        raise Void("malformed", "cuts are a list")
    return tuple(_tip(each) for each in value)


def _tip(value: Value) -> Tip:
    match value:
        case [bytes() as log, int() as seq, bytes() as id_] if type(seq) is int:
            if len(log) == 32 and len(id_) == 32 and seq >= 0:
                return Tip(LogId(log), seq, RecordId(id_))
    raise Void("malformed", "a cut is a log, a number and a record's id")


def _decision(fields: dict[str, Value]) -> Decision:
    _exactly(fields, {"kind", "title", "text"}, set(), "a decision")
    return Decision(_text(fields, "title"), _text(fields, "text"))


def _voice(fields: dict[str, Value]) -> tuple[PageId, PageId, int]:
    page, slot = PageId(_bytes(fields, "page", 32)), PageId(_bytes(fields, "slot", 32))
    return page, slot, _whole(fields, "round", 0, MAX_ROUND)


def _map(value: Value, what: str) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise Void("malformed", f"{what} is a map")
    return value


def _exactly(fields: dict[str, Value], needed: set[str], allowed: set[str], what: str) -> None:
    for name in sorted(needed - fields.keys()):
        raise Void("malformed", f"{what} lacks the field {name}")
    for name in sorted(fields.keys() - needed - allowed):
        raise Void("malformed", f"{what} has no field {name}")


def _bytes(fields: dict[str, Value], name: str, length: int) -> bytes:
    value = fields[name]
    if not isinstance(value, bytes) or len(value) != length:
        raise Void("malformed", f"{name} is not {length} bytes")
    return value


def _whole(fields: dict[str, Value], name: str, least: int, most: int = 2**63 - 1) -> int:
    value = fields[name]
    if type(value) is not int or not least <= value <= most:
        raise Void("malformed", f"{name} is not a whole number from {least}")
    return value


def _text(fields: dict[str, Value], name: str) -> Text:
    value = fields[name]
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value and all(isinstance(each, str) for each in value.values()):
        return {language: each for language, each in value.items() if isinstance(each, str)}
    raise Void("malformed", f"{name} is a text, or a text for each language")
