"""One value, one sequence of bytes: the canonical msgpack of records. Pure.

A value is None, a bool, an int64, bytes, text, a list, or a dict with text keys. Two programs that hold
the same value must hash the same bytes, so there are no floats, no extension types, and no second way
to write anything: `unpack` takes bytes only when packing what they say gives them back.
"""

import re
from collections.abc import Sized
from typing import TypeAlias

import msgpack

Value: TypeAlias = bool | int | bytes | str | list["Value"] | dict[str, "Value"] | None

MAX_DEPTH = 8
"""Containers within containers, the outermost counted. Deeper values only serve to exhaust a stack."""
MAX_ITEMS = 4096
"""Members of one list or map. A header of 3 bytes makes a decoder set aside room for what it claims, and headers
within headers do so a thousand times before the depth is known; so what one can claim is bounded."""
MAX_RECORD_BYTES = 32 * 1024
"""Header and payload of one record. The epoch of a region with 200 seats and sealers must fit."""
INT_MIN, INT_MAX = -(2**63), 2**63 - 1

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
"""Characters that no text may hold: U+0000 to U+001F but line feed, and U+007F."""


class NotCanonical(ValueError):
    """The bytes or the value have no canonical form. The record is at fault; nothing can mend it."""


_packer = msgpack.Packer(autoreset=True, use_bin_type=True)


def pack(value: Value) -> bytes:
    """Return the canonical bytes of `value`.

    Raises NotCanonical for a float, an int beyond 64 bits, control characters, keys that are not text,
    more than MAX_DEPTH containers within each other, or MAX_ITEMS members in one.
    """
    return _pack_plain(ordered(value))


def unpack(data: bytes) -> Value:
    """Return the value of canonical `data`. Raises NotCanonical for anything else, never another error."""
    try:
        most = min(len(data), MAX_ITEMS)
        value = msgpack.unpackb(
            data, raw=False, strict_map_key=False, ext_hook=_no_ext, max_array_len=most, max_map_len=most
        )
    except NotCanonical:
        raise
    except Exception as error:  # msgpack raises a dozen kinds for bad input; all mean the same here
        raise NotCanonical(f"not msgpack: {error}") from None
    if _pack_plain(ordered(value)) != data:
        raise NotCanonical("not the canonical bytes of this value")
    return value  # type: ignore[no-any-return]


def ordered(value: object, depth: int = 1) -> Value:
    """Return `value` checked, with the keys of its maps sorted. Raises NotCanonical."""
    kind = type(value)
    if kind is str:
        check_text(value)  # type: ignore[arg-type]
    elif kind is int:
        check_int(value)  # type: ignore[arg-type]
    elif kind is list or kind is tuple:
        _check_container(value, depth)  # type: ignore[arg-type]
        # Ids are most of what a list holds.
        return [each if type(each) is bytes else ordered(each, depth + 1) for each in value]  # type: ignore[attr-defined]
    elif kind is dict:
        _check_container(value, depth)  # type: ignore[arg-type]
        for key in value:  # type: ignore[attr-defined]
            if type(key) is not str:
                raise NotCanonical("a key that is not text")
            check_text(key)
        # Code point order is the order of UTF-8 bytes.
        return {key: ordered(value[key], depth + 1) for key in sorted(value)}  # type: ignore[index,call-overload]
    elif value is not None and kind is not bool and kind is not bytes:
        raise NotCanonical(f"a value of type {kind.__name__}")
    return value  # type: ignore[return-value]


def _check_container(value: Sized, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotCanonical(f"more than {MAX_DEPTH} containers within each other")
    if len(value) > MAX_ITEMS:
        raise NotCanonical(f"more than {MAX_ITEMS} members in one list or map")


def check_text(text: str) -> None:
    """Raise NotCanonical when `text` holds a control character or a lone surrogate."""
    if CONTROL.search(text):
        raise NotCanonical("a control character in a text")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotCanonical("a text that is not Unicode") from None


def check_int(number: int) -> None:
    """Raise NotCanonical when `number` does not fit in 64 bits with a sign."""
    if not INT_MIN <= number <= INT_MAX:
        raise NotCanonical("an integer beyond 64 bits")


def _pack_plain(value: Value) -> bytes:
    packed: bytes = _packer.pack(value)
    return packed


def _no_ext(code: int, data: bytes) -> object:
    raise NotCanonical(f"an extension type ({code})")
