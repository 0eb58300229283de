"""What a node says of itself in its own log: where it answers, and what it does for others. Pure.

Nothing is announced unless its operator says so. The newest announcement of a log holds; one without addresses takes
back what was announced.
"""

import re
from dataclasses import dataclass
from typing import Final

from fedsync.records.codec import Value
from fedsync.records.kinds import fields as read
from fedsync.records.void import Void

ANNOUNCEMENT: Final = "announcement"

MAX_ADDRESSES: Final = 8
"""Addresses of one node. Whoever looks for it tries all of them, one after another."""
MAX_HOST_CHARS: Final = 253
"""Characters of a host: what DNS can hold."""

_ADDRESS = re.compile(
    rf"(?:\[[0-9A-Fa-f:.]{{2,45}}\]|[0-9A-Za-z._-]{{1,{MAX_HOST_CHARS}}}):([1-9][0-9]{{0,4}})"
)
"""Few characters, so that an address can be shown and dialled as it is; names in other scripts have a form in these."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """Where a node answers, as host:port or [host]:port; none when it says so no longer."""

    addresses: tuple[str, ...]
    relay: bool = False
    """It passes on bytes for nodes that nobody can call."""


def is_address(text: str) -> bool:
    """Say whether an announcement may hold this address."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and int(found[1]) <= 65535


def announcement_value(said: Announcement) -> dict[str, Value]:
    """Return the payload that says so."""
    value: dict[str, Value] = {"addresses": list(said.addresses)}
    return value | {"relay": True} if said.relay else value


def parse_announcement(value: Value) -> Announcement:
    """Return the announcement. Raises Void with the code malformed."""
    fields = read.map_of(value, "an announcement")
    read.exactly(fields, {"addresses"}, {"relay"}, "an announcement")
    addresses = read.texts_of(fields, "addresses")
    if len(addresses) > MAX_ADDRESSES:
        raise Void("malformed", f"a node announces {MAX_ADDRESSES} addresses at most")
    if not all(is_address(each) for each in addresses):
        raise Void("malformed", "an address is host:port or [host]:port")
    if fields.get("relay", True) is not True:
        raise Void("malformed", "relay is true, or is not said")
    return Announcement(addresses, "relay" in fields)
