"""What is needed, offered and promised: needs, offers, the rights to promise from an offer, promises, agreements. Pure.

A need and an offer are intents; the intent's id is its record's. The log that makes an offer begins with the right to
promise all of it. Rights go on by `rights_grant`, and whoever holds them gives promises from their own log alone. What a
record builds on it names with its place (`FactRef`), so that also who does not hold it knows where it would stand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from fedsync.records.codec import Value
from fedsync.records.header import MAX_TIME
from fedsync.records.ids import LogId, PayloadId, RecordId, Scope
from fedsync.records.kinds.fields import Text, bytes_of, exactly, list_of, map_of, optional, whole, words
from fedsync.records.kinds.parties import SCOPE_BYTES, Party, amount_of, check_note, party_of
from fedsync.records.kinds.refs import FactRef, fact_ref
from fedsync.records.void import Void

INTENT = "intent"
GRANT = "rights_grant"
COMMITMENT = "commitment"
RELEASE = "release"
AGREEMENT = "agreement"
KINDS = frozenset({INTENT, GRANT, COMMITMENT, RELEASE, AGREEMENT})

MAX_ACCEPTED = 64
"""Grants that one record accepts: a person looks at no more at once, and a record has 32 KiB."""
MAX_PARTIES = 64
"""Bodies that one agreement binds."""
MAX_CLAUSES = 64
MAX_NAME_CHARS = 200
"""Code points of the name of a clause, as of other names."""
MAX_WORDS_CHARS = 8000
"""Code points of a title or a clause, in each language: some pages, and a record has 32 KiB."""
MAX_NOTICE_DAYS = 3660
"""Ten years: whoever may leave later than that may not leave."""
DAY_MS = 24 * 3600 * 1000

ACTIONS = frozenset({"transfer", "use"})
"""What an intent is about: goods that change hands, or the use of a thing that comes back."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A need of `receiver`, or an offer of `provider`; the other one is None. Times are in ms."""

    item: PayloadId
    quantity: int
    provider: Scope | None
    receiver: Party | None
    due: int | None = None
    until: int | None = None
    """After this nothing is promised from the offer any more; a need is gone."""
    lot: PayloadId | None = None
    store: PayloadId | None = None
    action: str = "transfer"

    @property
    def is_offer(self) -> bool:
        """Say whether somebody offers it; else it is needed."""
        return self.provider is not None


@dataclass(frozen=True, slots=True)
class Grant:
    """So much of the right to promise from an offer goes to the log `to`; with None it is given up for good."""

    intent: RecordId
    quantity: int
    to: LogId | None
    expires: int | None = None
    """When the granter may take back what is left, in ms; None: only when the holder's log is ended."""
    accepts: tuple[FactRef, ...] = ()


@dataclass(frozen=True, slots=True)
class TakeBack:
    """The granter has back so much of its grant as was left at the holder's record `at`; None: before its first."""

    intent: RecordId
    quantity: int
    to: LogId
    """The granter's own log."""
    grant: RecordId
    at: FactRef | None


@dataclass(frozen=True, slots=True)
class Commitment:
    """A promise to give so much of an offer to `receiver`."""

    intent: RecordId
    receiver: Party
    quantity: int
    satisfies: RecordId | None = None
    due: int | None = None
    until: int | None = None
    accepts: tuple[FactRef, ...] = ()
    agreement: PayloadId | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The promise is given no more, and its rights are free again in the log that gave it."""

    commitment: RecordId
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What bodies agree on. A party has signed when a log of its own carries the very same words."""

    title: Text
    parties: tuple[Scope, ...]
    clauses: tuple[tuple[str, Text], ...]
    notice: int
    """Days from a party's word that it leaves to the end."""
    start: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """A party leaves an agreement from a moment on, in ms."""

    agreement: PayloadId
    at: int


Plan: TypeAlias = Intent | Grant | TakeBack | Commitment | Release | Agreement | Ending


# --- Reading ------------------------------------------------------------------------------------------


def parse_intent(value: Value, scope: Scope) -> Intent:
    """Return the need or the offer that a record in a log of `scope` states. Raises Void."""
    fields = map_of(value, "an intent")
    allowed = {"provider", "receiver", "due", "until", "lot", "store", "action", "note"}
    exactly(fields, {"resource_conforms_to", "quantity"}, allowed, "an intent")
    if ("provider" in fields) == ("receiver" in fields):
        raise Void("side", "an intent has a provider, who offers, or a receiver, who needs, and not both")
    provider = party_of(fields["provider"], "provider") if "provider" in fields else None
    receiver = party_of(fields["receiver"], "receiver") if "receiver" in fields else None
    if provider is not None and provider != scope:
        raise Void("stranger", "only the body in whose log an offer stands can make it")
    if isinstance(receiver, bytes) and receiver != scope:
        raise Void("stranger", "the need of a body stands in a log of its own")
    action = fields.get("action", "transfer")
    if not isinstance(action, str) or action not in ACTIONS:
        raise Void("action", f"an intent is about one of these: {', '.join(sorted(ACTIONS))}")
    check_note(fields)
    return Intent(
        item=PayloadId(bytes_of(fields, "resource_conforms_to", 32)),
        quantity=amount_of(fields["quantity"]),
        provider=None if provider is None else scope,
        receiver=receiver,
        due=_time(fields, "due"),
        until=_time(fields, "until"),
        lot=_payload(fields, "lot"),
        store=_payload(fields, "store"),
        action=action,
    )


def parse_grant(value: Value, log: LogId) -> Grant | TakeBack:
    """Return the grant, or the taking back of one, that a record in `log` states. Raises Void."""
    fields = map_of(value, "a grant")
    if "takes_back" in fields:
        return _take_back(fields, log)
    exactly(fields, {"intent", "quantity", "to"}, {"expires", "accepts"}, "a grant")
    to = None if fields["to"] is None else LogId(bytes_of(fields, "to", 32))
    if to == log:
        raise Void("self", "nobody grants rights to the log that has them")
    if to is None and "expires" in fields:
        raise Void("malformed", "what is given up has nobody to take it back from")
    return Grant(
        RecordId(bytes_of(fields, "intent", 32)),
        amount_of(fields["quantity"]),
        to,
        _time(fields, "expires"),
        accepted(fields, log),
    )


def _take_back(fields: dict[str, Value], log: LogId) -> TakeBack:
    exactly(fields, {"intent", "quantity", "to", "takes_back"}, {"at"}, "taking back a grant")
    if fields["to"] != log:
        raise Void("self", "what is taken back comes to the log that granted it")
    return TakeBack(
        RecordId(bytes_of(fields, "intent", 32)),
        amount_of(fields["quantity"]),
        log,
        RecordId(bytes_of(fields, "takes_back", 32)),
        fact_ref(fields["at"], "at") if "at" in fields else None,
    )


def parse_commitment(value: Value, log: LogId) -> Commitment:
    """Return the promise that a record in `log` gives. Raises Void."""
    fields = map_of(value, "a commitment")
    allowed = {"satisfies", "due", "until", "accepts", "agreement", "note"}
    exactly(fields, {"intent", "receiver", "quantity"}, allowed, "a commitment")
    check_note(fields)
    satisfies = optional(fields, "satisfies", 32)
    return Commitment(
        RecordId(bytes_of(fields, "intent", 32)),
        party_of(fields["receiver"], "receiver"),
        amount_of(fields["quantity"]),
        None if satisfies is None else RecordId(satisfies),
        _time(fields, "due"),
        _time(fields, "until"),
        accepted(fields, log),
        _payload(fields, "agreement"),
    )


def parse_release(value: Value) -> Release:
    """Return which promise a record takes back. Raises Void."""
    fields = map_of(value, "a release")
    exactly(fields, {"commitment"}, {"reason"}, "a release")
    return Release(
        RecordId(bytes_of(fields, "commitment", 32)), _words(fields, "reason") if "reason" in fields else None
    )


def parse_agreement(value: Value) -> Agreement | Ending:
    """Return the agreement that a record signs, or the one that it ends. Raises Void."""
    fields = map_of(value, "an agreement")
    if "ends" in fields:
        exactly(fields, {"ends", "from"}, set(), "the end of an agreement")
        return Ending(PayloadId(bytes_of(fields, "ends", 32)), whole(fields, "from", -MAX_TIME, MAX_TIME))
    exactly(fields, {"title", "parties", "clauses", "notice"}, {"from", "until"}, "an agreement")
    start, until = _time(fields, "from"), _time(fields, "until")
    if start is not None and until is not None and until <= start:
        raise Void("time", "an agreement ends after it begins")
    return Agreement(
        _words(fields, "title"),
        _parties(fields),
        _clauses(fields),
        whole(fields, "notice", 0, MAX_NOTICE_DAYS),
        start,
        until,
    )


PARSERS: Mapping[str, Callable[[Value, Scope, LogId], Plan]] = MappingProxyType(
    {
        INTENT: lambda value, scope, log: parse_intent(value, scope),
        GRANT: lambda value, scope, log: parse_grant(value, log),
        COMMITMENT: lambda value, scope, log: parse_commitment(value, log),
        RELEASE: lambda value, scope, log: parse_release(value),
        AGREEMENT: lambda value, scope, log: parse_agreement(value),
    }
)
"""For each kind, what turns its payload, in a log of a scope, into what it says."""


# --- Fields -------------------------------------------------------------------------------------------


def _time(fields: dict[str, Value], name: str) -> int | None:
    return whole(fields, name, -MAX_TIME, MAX_TIME) if name in fields else None


def _payload(fields: dict[str, Value], name: str) -> PayloadId | None:
    found = optional(fields, name, 32)
    return None if found is None else PayloadId(found)


def accepted(fields: dict[str, Value], log: LogId) -> tuple[FactRef, ...]:
    """Return the grants that a record in `log` accepts: different ones, none of its own log. Raises Void."""
    if "accepts" not in fields:
        return ()
    values = list_of(fields, "accepts", 1)
    if len(values) > MAX_ACCEPTED:
        raise Void("malformed", f"a record accepts {MAX_ACCEPTED} grants at most")
    refs = tuple(fact_ref(each, "accepts") for each in values)
    if len({ref.id for ref in refs}) < len(refs):
        raise Void("malformed", "accepts names a grant twice")
    if any(ref.log == log for ref in refs):
        raise Void("self", "nobody accepts a grant of their own log")
    return refs


def _words(fields: dict[str, Value], name: str) -> Text:
    found = words(fields, name)
    for text in found.values() if isinstance(found, dict) else [found]:
        if not text or len(text) > MAX_WORDS_CHARS:
            raise Void("words", f"{name} has 1 to {MAX_WORDS_CHARS} characters")
    return found


def _parties(fields: dict[str, Value]) -> tuple[Scope, ...]:
    values = list_of(fields, "parties", 2)
    parties = tuple(Scope(each) for each in values if isinstance(each, bytes) and len(each) == SCOPE_BYTES)
    # In order, each once: two who write down the same agreement write the same bytes, and so sign the same.
    if len(parties) != len(values) or len(parties) > MAX_PARTIES or list(parties) != sorted(set(parties)):
        raise Void("party", f"the parties are 2 to {MAX_PARTIES} different founding tags, ascending")
    return parties


def _clauses(fields: dict[str, Value]) -> tuple[tuple[str, Text], ...]:
    values = list_of(fields, "clauses")
    if len(values) > MAX_CLAUSES:
        raise Void("malformed", f"an agreement has {MAX_CLAUSES} clauses at most")
    found: list[tuple[str, Text]] = []
    for value in values:
        clause = map_of(value, "a clause")
        exactly(clause, {"name", "text"}, set(), "a clause")
        name = clause["name"]
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARS or "\n" in name:
            raise Void("name", f"a clause has a name, one line of 1 to {MAX_NAME_CHARS} characters")
        found.append((name, _words(clause, "text")))
    if len({name for name, _ in found}) < len(found):
        raise Void("name", "two clauses have one name")
    return tuple(found)
