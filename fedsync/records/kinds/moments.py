"""Times that people state, ids and a few words: what the records of loans and rotas say alike. Pure."""

from fedsync.records.codec import Value
from fedsync.records.header import MAX_TIME
from fedsync.records.ids import RecordId
from fedsync.records.kinds.fields import Text, bytes_of, whole, words
from fedsync.records.kinds.goods import MAX_AHEAD_MS, MAX_NAME_CHARS
from fedsync.records.kinds.parties import MAX_NOTE_CHARS
from fedsync.records.void import Void

MAX_IDS = 64
"""Records that one record may name in a list of them."""


def id_of(fields: dict[str, Value], field: str) -> RecordId:
    """Return a field that names a record. Raises Void."""
    return RecordId(bytes_of(fields, field, 32))


def ids(fields: dict[str, Value], field: str) -> tuple[RecordId, ...]:
    """Return a field that names different records, `MAX_IDS` at most; none when it is missing. Raises Void."""
    if field not in fields:
        return ()
    value = fields[field]
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_IDS:
        raise Void("malformed", f"{field} is a list of 1 to {MAX_IDS} ids")
    found = tuple(RecordId(each) for each in value if isinstance(each, bytes) and len(each) == 32)
    if len(found) != len(value) or len(set(found)) != len(found):
        raise Void("malformed", f"{field} is a list of different ids")
    return found


def moment(fields: dict[str, Value], field: str) -> int:
    """Return a field that is a time in ms. Raises Void."""
    return whole(fields, field, -MAX_TIME, MAX_TIME)


def stretch(fields: dict[str, Value]) -> tuple[int, int]:
    """Return from when until when something is, in ms: `from` belongs to it, `until` does not. Raises Void."""
    start, stop = moment(fields, "from"), moment(fields, "until")
    if stop <= start:
        raise Void("time", "it ends before it begins, or at once")
    return start, stop


def happened(fields: dict[str, Value], time: int) -> int:
    """Return when something happened, as a record claimed at `time` says, in ms. Raises Void."""
    at = moment(fields, "has_point_in_time")
    if at > time + MAX_AHEAD_MS:
        raise Void("ahead", "it is said to have happened more than a day after it was recorded")
    return at


def name(fields: dict[str, Value], field: str) -> str:
    """Return a field that is the name of somebody. Raises Void."""
    value = fields[field]
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME_CHARS or "\n" in value:
        raise Void("name", f"{field} is one line of 1 to {MAX_NAME_CHARS} characters")
    return value


def said(fields: dict[str, Value], field: str, longest: int = MAX_NOTE_CHARS) -> Text | None:
    """Return a field of a few words, in one language or several; None when it is missing. Raises Void."""
    if field not in fields:
        return None
    found = words(fields, field)
    for text in found.values() if isinstance(found, dict) else [found]:
        if len(text) > longest:
            raise Void("note", f"{field} has {longest} characters at most")
    return found
