"""What the TLS between daemons needs of this machine's OpenSSL, tried out in memory. For `fedsync doctor` and tests."""

import contextlib
import ssl
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync.gossip import tls
from fedsync.records.ed25519 import public_key

FLIGHTS: Final = 4
"""A handshake with client certificates takes three flights; the fourth carries what is wrong."""


def self_test() -> list[str]:
    """Return the promises that do not hold here, as sentences; empty when all is well. Takes about 30 ms."""
    broken: list[str] = []
    for promise in PROMISES:
        try:
            kept = promise()
        except (ssl.SSLError, tls.NotThePeer, ValueError):
            kept = False
        if not kept:
            broken.append(f"TLS on this machine does not keep a promise: {promise.__doc__}")
    return broken


def handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Return both ends after a handshake in memory. Raises what either end raises."""
    ends = Ends(client, server)
    ends.shake()
    return ends.client, ends.server


class Ends:
    """Two ends of a connection in memory."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext) -> None:
        self.to_client, self.to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self.to_client, self.to_server)
        self.server = server.wrap_bio(self.to_server, self.to_client, server_side=True)

    def shake(self) -> None:
        """Run the handshake, the server first in each flight, so that its verdict is the one raised."""
        for _ in range(FLIGHTS):
            for end in (self.server, self.client):
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()


def two_nodes_meet_by_their_keys() -> bool:
    """two nodes that trust each other's key meet, by TLS 1.3"""
    mill, farm = _key(), _key()
    client, server = handshake(
        tls.dial_context(mill, public_key(farm)),
        tls.listen_context(farm, [public_key(_key()), public_key(mill)]),
    )
    known = tls.peer_key(client) == public_key(farm) and tls.peer_key(server) == public_key(mill)
    return known and client.version() == "TLSv1.3"


def strangers_are_refused() -> bool:
    """a key that is not trusted is refused"""
    mill, farm, stranger = _key(), _key(), _key()
    return _refused(
        tls.dial_context(stranger, public_key(farm)), tls.listen_context(farm, [public_key(mill)])
    ) and _refused(tls.dial_context(mill, public_key(stranger)), tls.listen_context(farm, [public_key(mill)]))


def no_peer_vouches_for_another() -> bool:
    """a trusted peer cannot vouch for another key, nor speak for one"""
    mill, farm, quarry = _key(), _key(), _key()
    listening = tls.listen_context(farm, [public_key(mill), public_key(quarry)])
    for chain in (
        # mill issues a leaf for another key that it holds,
        [tls.certificate(tls.LEAF_NAME, public_key(mill).hex(), public_key(other := _key()), mill, ca=False)],
        # or speaks in the name of quarry,
        [tls.certificate(tls.LEAF_NAME, public_key(quarry).hex(), public_key(other), mill, ca=False)],
        # or makes the other key an authority below itself.
        [
            tls.leaf(other),
            tls.certificate(
                public_key(other).hex(), public_key(mill).hex(), public_key(other), mill, ca=True
            ),
        ],
    ):
        lying = tls.context_of(ssl.PROTOCOL_TLS_CLIENT, other, chain, [public_key(farm)])
        if not _refused(lying, listening):
            return False
    return True


def a_cut_is_no_clean_end() -> bool:
    """a stream that was cut does not read as one that ended"""
    mill, farm = _key(), _key()
    ends = Ends(tls.dial_context(mill, public_key(farm)), tls.listen_context(farm, [public_key(mill)]))
    ends.shake()
    ends.to_server.write_eof()
    try:
        ends.server.read()
    except ssl.SSLError as error:
        return not isinstance(error, ssl.SSLWantReadError | ssl.SSLZeroReturnError)
    return False


def nothing_is_resumed() -> bool:
    """no session is resumed, since that would pass by a recall"""
    mill, farm = _key(), _key()
    ends = Ends(tls.dial_context(mill, public_key(farm)), tls.listen_context(farm, [public_key(mill)]))
    ends.shake()
    ends.server.write(b"hello")
    ends.client.read()
    session = ends.client.session
    return session is None or not session.has_ticket


PROMISES: Final[tuple[Callable[[], bool], ...]] = (
    two_nodes_meet_by_their_keys,
    strangers_are_refused,
    no_peer_vouches_for_another,
    a_cut_is_no_clean_end,
    nothing_is_resumed,
)


def _refused(client: ssl.SSLContext, server: ssl.SSLContext) -> bool:
    """Whether either end refuses the other, by OpenSSL's check or by ours."""
    try:
        for end in handshake(client, server):
            tls.peer_key(end)
    except (ssl.SSLError, tls.NotThePeer):
        return True
    return False


def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()
