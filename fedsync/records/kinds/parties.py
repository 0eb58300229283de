"""Who gives and who receives, how much, and why goods are gone: what several kinds of record say alike. Pure."""

from typing import TypeAlias

from fedsync.records.codec import Value
from fedsync.records.ids import Scope
from fedsync.records.void import Void

Party: TypeAlias = Scope | str
"""A body, by its founding tag, or a household, a person, an outsider by name: whoever keeps no records here."""

SCOPE_BYTES = 16
MAX_PARTY_CHARS = 200
"""Code points of the name of a party, as of other names."""
MAX_NOTE_CHARS = 2000
"""Code points of a note, in each language."""
MAX_QUANTITY = 2**53
"""Base units: 9 billion tons in grams. Readers whose numbers are floats still hold it exactly."""

REASONS = frozenset(
    {
        *("damaged", "spoiled", "contaminated", "expired", "cold_chain", "pests", "leaked"),
        *("lost", "stolen", "seized", "recalled_product", "miscounted", "other", "unknown"),
    }
)
"""Why goods are gone: a closed list, so that sums over many stores compare."""


def party_of(value: Value, what: str) -> Party:
    """Return who a value names. Raises Void, with `what` as the name of the field."""
    if isinstance(value, bytes) and len(value) == SCOPE_BYTES:
        return Scope(value)
    if isinstance(value, str) and value.strip() and len(value) <= MAX_PARTY_CHARS and "\n" not in value:
        return value
    raise Void(
        "party",
        f"{what} is a body's founding tag of {SCOPE_BYTES} bytes, or a name in one line of at most {MAX_PARTY_CHARS} characters",
    )


def amount_of(value: Value, least: int = 1) -> int:
    """Return a quantity of base units from `least` to `MAX_QUANTITY`. Raises Void."""
    if type(value) is not int or not least <= value <= MAX_QUANTITY:
        what = "more than nothing" if least else "zero or more"
        raise Void("quantity", f"a quantity is a whole number of its unit, {what}, at most 2^53")
    return value


def reason_of(value: Value) -> str:
    """Return why goods are gone. Raises Void."""
    if not isinstance(value, str) or value not in REASONS:
        raise Void("reason", f"a reason is one of these: {', '.join(sorted(REASONS))}")
    return value


def check_note(fields: dict[str, Value]) -> None:
    """Raise Void unless the field `note`, if there is one, is a text, or the same in several languages."""
    note = fields.get("note", "")
    for text in list(note.values()) if isinstance(note, dict) else [note]:
        if not isinstance(text, str) or len(text) > MAX_NOTE_CHARS:
            raise Void("note", f"a note is a text of {MAX_NOTE_CHARS} characters at most")
