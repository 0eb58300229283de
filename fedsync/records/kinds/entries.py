"""What can stand on a page: epochs, decisions, mandates and their ends, words, witnesses, results. Pure.

How they stand in a payload, and how they are read: `entryform`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from fedsync.records.genesis import NODE, Genesis
from fedsync.records.ids import CONSENT_TAG, Key, LogClass, LogId, PageId, Reach, RecordId, Scope
from fedsync.records.kinds.fields import Text
from fedsync.records.kinds.motions import WHOLE, Choice, Rule
from fedsync.records.void import Void

EPOCH = "epoch"
DECISION = "decision"
REPEAL = "repeal"
MANDATE = "mandate"
RECALL = "recall"
CLOSING = "closing"
CONFIRM = "confirm"
RATIFY = "ratify"
WITNESS = "witness"
CONSENT = "consent"
RESULT = "result"
JOIN = "join"
LEAVE = "leave"
CREATE = "create"
SETTLE = "settle"

ANY = "*"
"""The question that instructions name when they are for whatever has none of its own."""
FREE = "free"

EntryId: TypeAlias = tuple[PageId, int]
"""A page and the index of an entry on it."""


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
class NodeSealer:
    """A sealer that is a community's node: its log in this book follows from its key, its incarnation and the book."""

    key: Key
    incarnation: bytes

    def seat(self, scope: Scope) -> KeySeat:
        """Return the sealer of the book with this founding tag."""
        return KeySeat(node_genesis(self.key, self.incarnation, scope))


@dataclass(frozen=True, slots=True)
class BodySeat:
    """A seat that is a body of a lower level, spoken for by its delegate."""

    body: PageId


Seat: TypeAlias = KeySeat | BodySeat
Sealer: TypeAlias = KeySeat | NodeSealer


@dataclass(frozen=True, slots=True)
class Repair:
    """Who can mend a book that lost its tellers or split: keys kept apart from the tellers'."""

    keys: tuple[Key, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a log is cut: what is on the chain of this record stays. Above its seq all is out at once."""

    log: LogId
    seq: int
    id: RecordId


@dataclass(frozen=True, slots=True)
class Rotation:
    """How long a delegate may serve, and how long before the same person may again, in days. The body's own rule."""

    longest: int
    cooling: int


@dataclass(frozen=True, slots=True)
class EpochEntry:
    """Who speaks for the body from the next page on. Its numbers are not judged yet."""

    name: Text
    classification: str
    level: int
    seats: tuple[Seat, ...]
    k: int
    sealers: tuple[Sealer, ...] | None = None
    w: int | None = None
    repair: Repair | None = None
    cuts: tuple[Tip, ...] = ()
    witness: PageId | Scope | None = None
    """A body of a higher level; by its founding tag when that body is yet to be founded."""
    consents: tuple[PageId, ...] = ()
    voting: Rule | None = None
    rotation: Rotation | None = None
    answers_to: PageId | None = None
    consent_to: bytes = b""
    """What a consent to this epoch names, but for the body: the hash of the entry without its consents."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an assembly decided. It may say from which motion it comes, when it lapses and what it replaces."""

    title: Text
    text: Text
    motion: RecordId | None = None
    expires: int | None = None
    supersedes: tuple[EntryId, ...] = ()


@dataclass(frozen=True, slots=True)
class Repeal:
    """An earlier decision of the same body no longer holds."""

    decision: EntryId


@dataclass(frozen=True, slots=True)
class Bounds:
    """The numbers that a delegate may vote for."""

    least: int
    most: int


Instruction: TypeAlias = tuple[Choice, ...] | Bounds | None
"""The options allowed, the numbers allowed, or None: free."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a delegate may do, and nothing else: rule 9."""

    holder: Key
    seat: PageId | None
    task: str | None
    instructions: tuple[tuple[str, Instruction], ...]
    may: tuple[str, ...] | None = None
    limits: tuple[tuple[str, int], ...] = ()
    until: int | None = None
    alternate: Key | None = None
    cuts: tuple[Tip, ...] = ()

    def instructed(self, motion: RecordId, clause: str) -> Instruction | Void:
        """Return what is said on a question: on its clause, else on the motion, else on all. Void when nothing is."""
        said = dict(self.instructions)
        for question in question_keys(motion, clause):
            if question in said:
                return said[question]
        return Void("uninstructed", "the mandate has no instruction on this motion")


@dataclass(frozen=True, slots=True)
class Recall:
    """The end of a mandate by its giver, with what is kept of each log. `closing` says that the term is simply over."""

    mandate: EntryId
    cuts: tuple[Tip, ...]
    closing: bool = False


@dataclass(frozen=True, slots=True)
class Confirm:
    """A body's word on a question: one vote of its seat, or none. `ratify` also cures a breach of the mandate."""

    motion: RecordId
    vote: RecordId | None
    clause: str = WHOLE
    ratify: bool = False


@dataclass(frozen=True, slots=True)
class Witness:
    """How far this body has seen the book of another."""

    body: PageId
    page: PageId


@dataclass(frozen=True, slots=True)
class Consent:
    """This body agrees to an epoch of one that it sits in. `to` is the digest of `consent_digest`."""

    body: PageId
    to: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """The certificate of a vote: of named votes of delegates, or of counts from the room, who voted what left there."""

    motion: RecordId
    rule: Rule
    votes: tuple[RecordId, ...] | None
    counts: tuple[tuple[Choice, int], ...] | None
    clause: str = WHOLE


@dataclass(frozen=True, slots=True)
class Join:
    """This body sits in another, or takes another in: each book says so. A joining body may name its node."""

    body: PageId
    node: NodeSealer | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """This body no longer sits in another. One book is enough. `cuts` as of a recall, for its delegates there."""

    body: PageId
    cuts: tuple[Tip, ...] = ()


@dataclass(frozen=True, slots=True)
class Create:
    """This body founds another that answers to it."""

    body: PageId


@dataclass(frozen=True, slots=True)
class Settle:
    """Of a forked plan or fact log, the branch that holds: the chain of this record."""

    log: LogId
    seq: int
    id: RecordId


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


SoundEntry: TypeAlias = (
    EpochEntry
    | Decision
    | Repeal
    | Mandate
    | Recall
    | Confirm
    | Witness
    | Consent
    | Result
    | Join
    | Leave
    | Create
    | Settle
)
Entry: TypeAlias = SoundEntry | VoidEntry | UnknownEntry


def node_genesis(key: Key, incarnation: bytes, scope: Scope) -> Genesis:
    """Return the genesis of the log in which a node seals the book with this founding tag."""
    return Genesis(key, scope, NODE, LogClass.AUTHORITY, Reach.WORLD, incarnation)


def question_keys(motion: RecordId, clause: str) -> tuple[str, ...]:
    """Return the names under which instructions can speak of a question, the most exact first."""
    whole = motion.hex()
    return (whole, ANY) if clause == WHOLE else (f"{whole}#{clause}", whole, ANY)


def consent_digest(body: PageId, epoch: EpochEntry) -> bytes:
    """Return what a `consent` to this epoch of `body` names: 32 bytes."""
    return hashlib.sha256(CONSENT_TAG + body + epoch.consent_to).digest()


def kind_of(entry: Entry) -> str:
    """Return the kind as it is written on the page."""
    match entry:
        case VoidEntry() | UnknownEntry():
            return entry.kind
        case Recall(closing=True):
            return CLOSING
        case Confirm(ratify=True):
            return RATIFY
    return _KIND_OF[type(entry)]


_KIND_OF: Mapping[type, str] = MappingProxyType(
    {
        EpochEntry: EPOCH,
        Decision: DECISION,
        Repeal: REPEAL,
        Mandate: MANDATE,
        Recall: RECALL,
        Confirm: CONFIRM,
        Witness: WITNESS,
        Consent: CONSENT,
        Result: RESULT,
        Join: JOIN,
        Leave: LEAVE,
        Create: CREATE,
        Settle: SETTLE,
    }
)
