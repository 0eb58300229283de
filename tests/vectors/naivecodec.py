"""Canonical msgpack once more, byte by byte after the specification: slow, shared with nothing in fedsync.

`read` knows only the shortest form of each value, so whatever it does not know is refused; `write` makes that form.
"""

from typing import Any

MAX_DEPTH = 8
MAX_ITEMS = 4096


class Refused(Exception):
    """The bytes or the value have no canonical form."""


def read(data: bytes) -> Any:
    """Return the value of canonical `data`, or raise Refused."""
    value, rest = _value(data, 0)
    if rest:
        raise Refused("bytes after the value")
    return value


def _value(data: bytes, depth: int) -> tuple[Any, bytes]:
    first, rest = _take(data, 1)
    code = first[0]
    match code:
        case 0xC0:
            return None, rest
        case 0xC2 | 0xC3:
            return code == 0xC3, rest
        case _ if code < 0x80:
            return code, rest
        case _ if code >= 0xE0:
            return code - 256, rest
        case 0xCC | 0xCD | 0xCE | 0xCF:
            number, rest = _number(rest, 1 << code - 0xCC, least=(128, 256, 2**16, 2**32)[code - 0xCC])
            if number >= 2**63:
                raise Refused("beyond int64")
            return number, rest
        case 0xD0 | 0xD1 | 0xD2 | 0xD3:
            size = 1 << code - 0xD0
            raw, rest = _take(rest, size)
            number = int.from_bytes(raw, "big", signed=True)
            if number >= (-32, -128, -(2**15), -(2**31))[code - 0xD0]:
                raise Refused("not the shortest integer")
            return number, rest
        case _ if 0xA0 <= code < 0xC0:
            return _text(rest, code - 0xA0)
        case 0xD9 | 0xDA | 0xDB:
            length, rest = _number(rest, 1 << code - 0xD9, least=(32, 256, 2**16)[code - 0xD9])
            return _text(rest, length)
        case 0xC4 | 0xC5 | 0xC6:
            length, rest = _number(rest, 1 << code - 0xC4, least=(0, 256, 2**16)[code - 0xC4])
            return _take(rest, length)
        case _ if 0x90 <= code < 0xA0:
            return _array(rest, code - 0x90, depth + 1)
        case 0xDC | 0xDD:
            length, rest = _number(rest, 2 << code - 0xDC, least=(16, 2**16)[code - 0xDC])
            return _array(rest, length, depth + 1)
        case _ if 0x80 <= code < 0x90:
            return _map(rest, code - 0x80, depth + 1)
        case 0xDE | 0xDF:
            length, rest = _number(rest, 2 << code - 0xDE, least=(16, 2**16)[code - 0xDE])
            return _map(rest, length, depth + 1)
    raise Refused(f"a type that is not used: {code:#x}")


def _take(data: bytes, length: int) -> tuple[bytes, bytes]:
    if len(data) < length:
        raise Refused("the bytes end too early")
    return data[:length], data[length:]


def _number(data: bytes, size: int, *, least: int) -> tuple[int, bytes]:
    raw, rest = _take(data, size)
    number = int.from_bytes(raw, "big")
    if number < least:
        raise Refused("not the shortest form")
    return number, rest


def _text(data: bytes, length: int) -> tuple[str, bytes]:
    raw, rest = _take(data, length)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("not UTF-8") from None
    _check_text(text)
    return text, rest


def _check_text(text: str) -> None:
    if any((ord(each) < 0x20 and each != "\n") or ord(each) == 0x7F for each in text):
        raise Refused("a control character")


def _check_container(length: int, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused("too deep")
    if length > MAX_ITEMS:
        raise Refused("too many members")


def _array(data: bytes, length: int, depth: int) -> tuple[list[Any], bytes]:
    _check_container(length, depth)
    items = []
    for _ in range(length):
        item, data = _value(data, depth)
        items.append(item)
    return items, data


def _map(data: bytes, length: int, depth: int) -> tuple[dict[str, Any], bytes]:
    _check_container(length, depth)
    items: dict[str, Any] = {}
    last: bytes | None = None
    for _ in range(length):
        key, data = _value(data, depth)
        if type(key) is not str:
            raise Refused("a key that is not text")
        if last is not None and key.encode() <= last:
            raise Refused("keys out of order, or twice")
        last = key.encode()
        items[key], data = _value(data, depth)
    return items, data


def write(value: Any, depth: int = 0) -> bytes:
    """Return the canonical bytes of `value`, or raise Refused."""
    if value is None:
        return b"\xc0"
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if type(value) is int:
        return _integer(value)
    if type(value) is bytes:
        return _head(len(value), None, (0xC4, 0xC5, 0xC6)) + value
    if type(value) is str:
        _check_text(value)
        try:
            raw = value.encode()
        except UnicodeEncodeError:
            raise Refused("not Unicode") from None
        return _head(len(raw), (0xA0, 32), (0xD9, 0xDA, 0xDB)) + raw
    if type(value) in (list, dict):
        _check_container(len(value), depth + 1)
    if type(value) is list:
        return _head(len(value), (0x90, 16), (None, 0xDC, 0xDD)) + b"".join(
            write(each, depth + 1) for each in value
        )
    if type(value) is dict:
        if not all(type(key) is str for key in value):
            raise Refused("a key that is not text")
        parts = sorted((key.encode("utf-8", "surrogatepass"), key) for key in value)
        packed = [write(key, depth + 1) + write(value[key], depth + 1) for _, key in parts]
        return _head(len(value), (0x80, 16), (None, 0xDE, 0xDF)) + b"".join(packed)
    raise Refused(f"a type that is not used: {type(value)}")


def _integer(number: int) -> bytes:
    if not -(2**63) <= number < 2**63:
        raise Refused("beyond int64")
    if -32 <= number < 128:
        return (number & 0xFF).to_bytes(1, "big")
    for power in range(4):
        size = 1 << power
        if 0 <= number < 1 << 8 * size:
            return bytes([0xCC + power]) + number.to_bytes(size, "big")
        if -(1 << 8 * size - 1) <= number < 0:
            return bytes([0xD0 + power]) + number.to_bytes(size, "big", signed=True)
    raise AssertionError("unreachable")


def _head(length: int, short: tuple[int, int] | None, codes: tuple[int | None, int, int]) -> bytes:
    if short and length < short[1]:
        return bytes([short[0] + length])
    for size, code in zip((1, 2, 4), codes, strict=True):
        if code is not None and length < 1 << 8 * size:
            return bytes([code]) + length.to_bytes(size, "big")
    raise Refused("too long")
