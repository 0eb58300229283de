"""At which relays a node waits to be called, so that others find it there. Pure."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from fedsync.gossip.events import Peer

RELAYS_EACH: Final = 3
"""Relays at which a node waits, and through which it is called: one may be down, one may lie."""


def waits_at(peer: Peer, relays: Iterable[Peer]) -> list[Peer]:
    """Return the relays at which a node waits: whoever knows the same relays finds the same ones, spread over all."""
    others = [relay for relay in relays if relay != peer]
    return sorted(others, key=lambda relay: sha256(peer + relay).digest())[:RELAYS_EACH]
