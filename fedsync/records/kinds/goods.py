"""Exact fields, times, ids and names in what records of goods say. Pure.

Each reader returns a value or raises Void; who gives and how much is in `parties`, which record is meant in `refs`.
"""

from collections.abc import Mapping

from fedsync.records.codec import Value
from fedsync.records.header import MAX_TIME
from fedsync.records.ids import PayloadId, RecordId
from fedsync.records.kinds.parties import Party, party_of
from fedsync.records.kinds.refs import FactRef, fact_ref
from fedsync.records.void import Void

MAX_NAME_CHARS = 200
MAX_AHEAD_MS = 24 * 3600 * 1000
"""How long after its record's claimed time a fact may say it happened: clocks and time zones differ, a day at most."""
MAX_NAMED = 64
"""Facts that a count names as included, and as excluded."""


def fields_of(
    value: Value, needed: set[str] | frozenset[str], allowed: set[str] | frozenset[str] = frozenset()
) -> dict[str, Value]:
    """Return a payload's fields: all that are needed, and none that is neither needed nor allowed."""
    if not isinstance(value, dict):
        raise Void("fields", "the payload is not a map of fields")
    missing, unknown = needed - value.keys(), value.keys() - needed - allowed
    if missing:
        raise Void("fields", f"the field {min(missing)} is missing")
    if unknown:
        # An older node must not count what it only half understands: the field may say "not".
        raise Void("fields", f"the field {min(unknown)!r} is not known")
    return value


def at_of(fields: Mapping[str, Value], time: int) -> int:
    """Return when something happened that was recorded at `time`, in ms: a day later at most."""
    at = fields["has_point_in_time"]
    if type(at) is not int or at < -MAX_TIME:
        raise Void("time", "has_point_in_time is a number of milliseconds since 1970")
    if at > time + MAX_AHEAD_MS:
        raise Void("ahead", "it is said to have happened more than a day after it was recorded")
    return at


def time_of(fields: Mapping[str, Value], name: str) -> int:
    """Return a time in ms, past or to come."""
    found = fields[name]
    if type(found) is not int or not -MAX_TIME <= found <= MAX_TIME:
        raise Void("time", f"{name} is a number of milliseconds since 1970")
    return found


def id_of(value: Value, what: str = "a store, an item and a lot are named") -> PayloadId:
    """Return a name of 32 bytes."""
    if not isinstance(value, bytes) or len(value) != 32:
        raise Void("id", f"{what} by 32 bytes")
    return PayloadId(value)


def optional_id(fields: Mapping[str, Value], name: str) -> PayloadId | None:
    """Return a field that is a name of 32 bytes; None when it is missing."""
    return id_of(fields[name], f"{name} is named") if name in fields else None


def optional_record(fields: Mapping[str, Value], name: str) -> RecordId | None:
    """Return a field that is a record's id; None when it is missing."""
    found = optional_id(fields, name)
    return None if found is None else RecordId(found)


def optional_party(fields: Mapping[str, Value], name: str) -> Party | None:
    """Return who gives or receives; None when that is not said."""
    return party_of(fields[name], name) if name in fields else None


def fact_refs(fields: Mapping[str, Value], name: str) -> tuple[FactRef, ...]:
    """Return a field that is a list of different facts, none when it is missing."""
    found = fields.get(name, [])
    if not isinstance(found, list) or len(found) > MAX_NAMED:
        raise Void("reference", f"{name} is a list of {MAX_NAMED} facts at most")
    refs = tuple(fact_ref(each, name) for each in found)
    if len(set(refs)) != len(refs):
        raise Void("reference", f"{name} names a fact twice")
    return refs


def name_of(value: Value, longest: int = MAX_NAME_CHARS) -> str:
    """Return a name: one line."""
    # Lengths in code points and the line feed alone: no verdict may rest on tables of Unicode, which change.
    if not isinstance(value, str) or not value or len(value) > longest or "\n" in value:
        raise Void("name", f"a name is one line of 1 to {longest} characters")
    return value
