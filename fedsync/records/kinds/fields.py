"""Reading a payload's fields exactly: what is missing, too much or of another type makes the record void. Pure."""

from typing import TypeAlias

from fedsync.records.codec import Value
from fedsync.records.void import Void

Text: TypeAlias = str | dict[str, str]
"""A text, or the same text in several languages: {"en": "...", "de": "..."}."""


def plain(text: Text) -> str:
    """Return a text in one language: English where there is, else the first by code. For lists; never for a verdict."""
    return text if isinstance(text, str) else text.get("en") or text[min(text)]


def map_of(value: Value, what: str) -> dict[str, Value]:
    """Return the value as a map. Raises Void."""
    if not isinstance(value, dict):
        raise Void("malformed", f"{what} is a map")
    return value


def exactly(fields: dict[str, Value], needed: set[str], allowed: set[str], what: str) -> None:
    """Raise Void unless the fields are the needed ones and no others than the allowed ones."""
    for name in sorted(needed - fields.keys()):
        raise Void("malformed", f"{what} lacks the field {name}")
    for name in sorted(fields.keys() - needed - allowed):
        raise Void("malformed", f"{what} has no field {name}")


def bytes_of(fields: dict[str, Value], name: str, length: int) -> bytes:
    """Return a field of exactly `length` bytes. Raises Void."""
    value = fields[name]
    if not isinstance(value, bytes) or len(value) != length:
        raise Void("malformed", f"{name} is not {length} bytes")
    return value


def whole(fields: dict[str, Value], name: str, least: int, most: int = 2**63 - 1) -> int:
    """Return a field that is a whole number within the bounds. Raises Void."""
    value = fields[name]
    if type(value) is not int or not least <= value <= most:
        raise Void("malformed", f"{name} is not a whole number from {least}")
    return value


def words(fields: dict[str, Value], name: str) -> Text:
    """Return a field that is a text, or a text for each language. Raises Void."""
    value = fields[name]
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value and all(isinstance(each, str) for each in value.values()):
        return {language: each for language, each in value.items() if isinstance(each, str)}
    raise Void("malformed", f"{name} is a text, or a text for each language")


def optional(fields: dict[str, Value], name: str, length: int) -> bytes | None:
    """Return a field of `length` bytes, or None when the map does not have it. Raises Void."""
    return bytes_of(fields, name, length) if name in fields else None


def list_of(fields: dict[str, Value], name: str, least: int = 0) -> list[Value]:
    """Return a field that is a list of at least `least` values. Raises Void."""
    value = fields[name]
    if not isinstance(value, list) or len(value) < least:
        raise Void("malformed", f"{name} is a list" + (f" of at least {least}" if least else ""))
    return value


def texts_of(fields: dict[str, Value], name: str, least: int = 0) -> tuple[str, ...]:
    """Return a field that is a list of different plain texts. Raises Void."""
    values = tuple(each for each in list_of(fields, name, least) if isinstance(each, str))
    if len(values) != len(list_of(fields, name)) or len(set(values)) != len(values):
        raise Void("malformed", f"{name} is a list of different texts")
    return values


def text_of(fields: dict[str, Value], name: str) -> str:
    """Return a field that is one plain, not empty text. Raises Void."""
    value = fields[name]
    if not isinstance(value, str) or not value:
        raise Void("malformed", f"{name} is a text")
    return value


def ids_of(fields: dict[str, Value], name: str) -> tuple[bytes, ...]:
    """Return a field that is a list of different ids of 32 bytes. Raises Void."""
    values = tuple(each for each in list_of(fields, name) if isinstance(each, bytes) and len(each) == 32)
    if len(values) != len(list_of(fields, name)) or len(set(values)) != len(values):
        raise Void("malformed", f"{name} is a list of different ids")
    return values
