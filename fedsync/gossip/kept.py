"""What outlives a restart of an overlay: whom each group's views held. Pure."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgpack

from fedsync.gossip.events import Peer
from fedsync.records.ids import Scope

_FORM: Final = 1
"""Of the bytes; what another version wrote is forgotten, since views grow again by themselves."""
_KEY_BYTES: Final = 32
_SCOPE_BYTES: Final = 16


class Kept(NamedTuple):
    """Of one group."""

    good: tuple[Peer, ...] = ()
    """Links, or what was one not long ago: called first."""
    others: tuple[Peer, ...] = ()


def pack(views: Mapping[Scope, Kept]) -> bytes:
    """Return the bytes to be kept."""
    packed: bytes = msgpack.packb([_FORM, [[scope, *map(list, each)] for scope, each in views.items()]])
    return packed


def unpack(data: bytes) -> dict[Scope, Kept]:
    """Return what `pack` kept; nothing of bytes that mean nothing here, since it is a convenience only."""
    try:
        value = msgpack.unpackb(data)
        form, rows = value
        if form != _FORM:
            return {}
        return {
            Scope(_of(scope, _SCOPE_BYTES)): Kept(_peers(good), _peers(others))
            for scope, good, others in rows
        }
    except (ValueError, TypeError, msgpack.exceptions.UnpackException):
        return {}


def _of(value: Any, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise ValueError(f"no {size} bytes")
    return value


def _peers(values: Any) -> tuple[Peer, ...]:
    if not isinstance(values, list):
        raise ValueError("no list")
    return tuple(Peer(_of(each, _KEY_BYTES)) for each in values)
