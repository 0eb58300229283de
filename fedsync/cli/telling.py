"""Times, ids, counts and records in the words of people."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fedsync.crdt.books import people
from fedsync.crdt.books.booktables import POSTS
from fedsync.errors import usage
from fedsync.plain import ago as ago
from fedsync.records.ids import Key, Scope

if TYPE_CHECKING:
    from fedsync.reading import Reading


def rfc3339(ms: int | None) -> str | None:
    """Return a time in ms since 1970 as RFC 3339, UTC; None for none, and for what no calendar has."""
    if ms is None:
        return None
    try:
        text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def peer_value(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `peers_shown` for programs: its times as RFC 3339."""
    stick = row["stick"]
    times = {name: rfc3339(stick[name]) for name in ("left_at", "arrived", "came")}
    return {**row, "last_contact": rfc3339(row["last_contact"]), "stick": {**stick, **times}}


def day(ms: int) -> str:
    """Return the day of a time in ms, as people here write it."""
    try:
        return datetime.fromtimestamp(ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"


def count(number: int | None) -> str:
    """Return a count; "?" when it is not known."""
    return "?" if number is None else f"{number:,}"


def short(id_: bytes) -> str:
    """Return the beginning of an id, enough to type."""
    return id_.hex()[:8]


def parse_time(text: str | None, now: int) -> int:
    """Return a time that a person typed, in ms since 1970; `now` for none. Raises a Problem (exit 2).

    RFC 3339 or its beginning: 2026-05-12, 2026-05-12 14:30, 2026-05-12T14:30:00Z. Without an offset it is this
    machine's time.
    """
    if text is None:
        return now
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise usage(f"{text} is not a time.", "Type one like 2026-05-12 or 2026-05-12T14:30.") from None
    try:
        return int(found.timestamp() * 1000)
    except (OverflowError, OSError, ValueError):
        raise usage(
            f"{text} is no time of this calendar.", "Type one like 2026-05-12 or 2026-05-12T14:30."
        ) from None


def end_of_day(text: str) -> int:
    """Return until when a time that a person typed lasts: a day to its end. Raises a Problem (exit 2)."""
    at = parse_time(text, 0)
    if len(text.strip()) > len("2026-05-12"):
        return at
    try:
        following = datetime.fromtimestamp(at / 1000) + timedelta(days=1)
        return int(following.timestamp() * 1000) - 1
    except (OverflowError, OSError, ValueError):
        raise usage(f"{text} is the end of this calendar.", "Type an earlier day, like 2026-05-12.") from None


def good_until(text: str) -> int:
    """Return until when a lot is good that a person typed. Raises a Problem (exit 2).

    A day lasts to its end in UTC, wherever it is typed: the time is part of what makes the lot, and two people who type
    the same day from the same sack mean one lot.
    """
    day_alone = len(text.strip()) <= len("2026-05-12")
    return parse_time(f"{text.strip()}T23:59:59.999Z" if day_alone else text, 0)


def body_name(reading: "Reading", scope: Scope) -> str:
    """Return what a body is called by its own book, else what it was announced as."""
    return reading.name_of(scope)


def person(reading: "Reading", scope: Scope, key: Key) -> str:
    """Return what the holder of a key is called in a body, else the key's beginning."""
    return (
        people.name_of(reading.view, scope, key)
        or _node_name(reading, key)
        or _elsewhere(reading, key)
        or short(key)
    )


def _elsewhere(reading: "Reading", key: Key) -> str | None:
    """Return what a key's holder is called at home: a guild's people come from several communities."""
    for body in reading.store.followed.all():
        name = people.name_of(reading.view, body.scope, key)
        if name is not None:
            return f"{name} of {reading.name_of(body.scope)}"
    return None


def _node_name(reading: "Reading", key: Key) -> str | None:
    """Return whose node a key is, None when it is nobody's that is known here."""
    from fedsync.records.kinds.authority import NODE_ROLE

    for found, _ in reading.view.scan(POSTS):
        if found[2] == key and found[1] == NODE_ROLE:
            return f"the node of {reading.name_of(Scope(found[0]))}"  # type: ignore[arg-type]
    return None


def text_of(value: Any) -> str:
    """Return a text, or one of its languages."""
    if isinstance(value, dict):
        return str(value.get("en") or next(iter(value.values()), ""))
    return str(value)
