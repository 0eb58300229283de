"""Inviting another community's node: the code that it needs, and the one-time key that this node will know it by."""

import secrets
import time
from collections.abc import Sequence

from fedsync import keyring
from fedsync.doors import Door
from fedsync.gossip.invite import TOKEN_BYTES, Address, Invitation
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key

DAY_MS = 86_400_000


def invite(
    home: Home,
    reading: Reading,
    door: Door,
    name: str,
    addresses: Sequence[Address],
    days: int,
) -> Invitation:
    """Open an invitation for so many days to one node, which will be called `name` here and call `addresses`."""
    own = reading.own()
    invitation = Invitation(
        secrets.token_bytes(TOKEN_BYTES),
        public_key(keyring.load_node_key(home)),
        own.scope,
        own.body,
        tuple(addresses),
    )
    until = int(time.time() * 1000) + days * DAY_MS
    door.call("invite", key=invitation.key.hex(), name=name, until=until)
    return invitation
