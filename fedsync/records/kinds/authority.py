"""What the records of an authority log say: pages with their entries, signatures, approvals, persons, posts. Pure.

Each `parse_*` returns a frozen value or raises `Void`: a payload that does not match exactly makes its record void
(kept, relayed, shown with the reason), never refused. What depends on other records (is the epoch sound, has the
signer a seat) is not judged here but by the fold.
"""

from dataclasses import dataclass, field

from fedsync.records.codec import Value
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds import fields as read
from fedsync.records.kinds.entries import EPOCH, Entry, EpochEntry, VoidEntry
from fedsync.records.kinds.entryform import parse_entry
from fedsync.records.void import Void

PAGE = "page"
SIGNATURE = "signature"
APPROVAL = "approval"
PERSON = "person"
POST = "post"
REPAIR_PAGE = "repair"

NODE_ROLE = "node"
"""What a post is that says which node serves a body."""

MAX_ROUND = 2**53
"""Rounds are small numbers; the bound only keeps "one more" within every language's integers."""
MAX_NAME_CHARS = 200


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


@dataclass(frozen=True, slots=True)
class Post:
    """What a key serves a body as: a node, by its key and the incarnation of its logs. Others name it in an epoch."""

    role: str
    key: Key
    incarnation: bytes


# --- Reading ------------------------------------------------------------------------------------------


def parse_page(value: Value) -> Page:
    """Return the page. Raises Void with the code malformed."""
    fields = read.map_of(value, "a page")
    entries = fields.get("entries")
    if not isinstance(entries, list):
        raise Void("malformed", "a page's entries are a list")
    parsed = tuple(parse_entry(each) for each in entries)
    if type(fields.get("number")) is int and fields["number"] == 0:
        read.exactly(fields, {"body", "number", "prev", "entries", "scope"}, set(), "page 0")
        if fields["body"] is not None or fields["prev"] is not None:
            raise Void("malformed", "page 0 has no body and no page before it")
        return Page(0, None, None, parsed, Scope(read.bytes_of(fields, "scope", 16)))
    read.exactly(fields, {"body", "number", "prev", "entries"}, {"by"}, "a page")
    if "by" in fields and fields["by"] != REPAIR_PAGE:
        raise Void("malformed", 'a page is by "repair" or says nothing of it')
    return Page(
        number=read.whole(fields, "number", 1),
        body=PageId(read.bytes_of(fields, "body", 32)),
        prev=PageId(read.bytes_of(fields, "prev", 32)),
        entries=parsed,
        repair="by" in fields,
    )


def parse_signature(value: Value) -> Signature:
    """Return the signature. Raises Void with the code malformed."""
    fields = read.map_of(value, "a signature")
    read.exactly(fields, {"page", "slot", "round"}, {"lock"}, "a signature")
    lock = read.whole(fields, "lock", -MAX_ROUND, MAX_ROUND) if "lock" in fields else None
    return Signature(*_voice(fields), lock)


def parse_approval(value: Value) -> Approval:
    """Return the approval. Raises Void with the code malformed."""
    fields = read.map_of(value, "an approval")
    read.exactly(fields, {"page", "slot", "round"}, set(), "an approval")
    return Approval(*_voice(fields))


def parse_person(value: Value) -> Person:
    """Return the person. Raises Void with the code malformed."""
    if not isinstance(value, list) or len(value) != 2:
        raise Void("malformed", "a person is salt and a map")
    salt, fields = value[0], read.map_of(value[1], "a person")
    if not isinstance(salt, bytes) or len(salt) != 16:
        raise Void("malformed", "a person begins with 16 random bytes")
    read.exactly(fields, {"key", "name"}, set(), "a person")
    name = fields["name"]
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARS:
        raise Void("malformed", f"a name is a text of 1 to {MAX_NAME_CHARS} characters")
    return Person(Key(read.bytes_of(fields, "key", 32)), name, salt)


def parse_post(value: Value) -> Post:
    """Return the post. Raises Void with the code malformed."""
    fields = read.map_of(value, "a post")
    read.exactly(fields, {"role", "key", "incarnation"}, set(), "a post")
    return Post(
        read.text_of(fields, "role"),
        Key(read.bytes_of(fields, "key", 32)),
        read.bytes_of(fields, "incarnation", 16),
    )


def _voice(fields: dict[str, Value]) -> tuple[PageId, PageId, int]:
    page, slot = PageId(read.bytes_of(fields, "page", 32)), PageId(read.bytes_of(fields, "slot", 32))
    return page, slot, read.whole(fields, "round", 0, MAX_ROUND)
