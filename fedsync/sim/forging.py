"""What can be signed under a key of small order without any secret, by libraries that let such keys pass."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fedsync.records.genesis import GENESIS, SEAT, Genesis
from fedsync.records.header import VERSION, pack_header
from fedsync.records.ids import ZERO_ID, Key, LogClass, Reach, Scope, payload_id, record_id, signed_bytes
from fedsync.records.wire import Row, write

WEAK_KEY: Final = Key(bytes(32))
"""y = 0: a point of order 4. For a quarter of all messages each point of that order is a good R, with S = 0."""
_POINTS: Final = tuple(each.to_bytes(32, "little") for each in (1, 2**255 - 20, 0, 1 << 255))
"""The points of order 1, 2 and 4, as a signature names them."""


def weak_seat(scope: Scope, incarnation: bytes) -> Genesis:
    """Return the log of a seat that anybody could write."""
    return Genesis(WEAK_KEY, scope, SEAT, LogClass.AUTHORITY, Reach.WORLD, incarnation)


def forged(genesis: Genesis, time: int) -> bytes:
    """Return a block that begins a log under the weak key, dated `time` or a little later; nobody has signed it."""
    while True:
        payload = genesis.payload
        header = pack_header(
            VERSION, genesis.log, 0, ZERO_ID, GENESIS, time, payload_id(payload), len(payload), ()
        )
        signature = _forge(signed_bytes(record_id(header)))
        if signature is not None:
            rows = [Row(VERSION, GENESIS, time, (), payload)]
            return write(genesis.log, 0, ZERO_ID, rows, [(0, signature)])
        time += 1


def _forge(message: bytes) -> bytes | None:
    key = Ed25519PublicKey.from_public_bytes(WEAK_KEY)
    for point in _POINTS:
        try:
            key.verify(point + bytes(32), message)
        except InvalidSignature:
            continue
        return point + bytes(32)
    return None
