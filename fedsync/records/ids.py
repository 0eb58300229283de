"""Names of things by their hash, and the tags that keep one hash from being taken for another.

Pure. Each tag names a purpose and a version, so that bytes signed or hashed for one purpose never
mean anything for another.
"""

from enum import IntEnum
from hashlib import sha256
from typing import NewType

RecordId = NewType("RecordId", bytes)
"""32 bytes: SHA-256 of the record tag and the header."""
LogId = NewType("LogId", bytes)
"""32 bytes: SHA-256 of the log tag and the genesis payload."""
PageId = NewType("PageId", bytes)
"""32 bytes: a page's payload hash, whoever drafted it. The id of page 0 is the id of its body."""
PayloadId = NewType("PayloadId", bytes)
"""32 bytes: a payload's hash. Pages, stores and resource specifications are named by it."""
NO_LOT = PayloadId(b"")
"""Stands for the lot of goods that are of none."""
Scope = NewType("Scope", bytes)
"""16 random bytes made when a body is founded and repeated on its page 0; each log of the body names them."""
Key = NewType("Key", bytes)
"""32 bytes: an Ed25519 public key."""

RECORD_TAG = b"fedsync/1/record\0"
PAYLOAD_TAG = b"fedsync/1/payload\0"
LOG_TAG = b"fedsync/1/log\0"
SIGN_TAG = b"fedsync/1/sign\0"
EPOCH_TAG = b"fedsync/1/epoch\0"
CONSENT_TAG = b"fedsync/1/consent\0"

ZERO_ID = RecordId(bytes(32))
"""Stands where a genesis has no previous record."""


class LogClass(IntEnum):
    """What kind of thing a log carries, so that what is urgent is a contiguous, signed range."""

    AUTHORITY = 0
    PLANS = 1
    FACTS = 2
    TEXTS = 3


class Reach(IntEnum):
    """How far a log may travel. LOCAL never leaves the community's own nodes."""

    LOCAL = 0
    REGION = 1
    WORLD = 2


class Extent(IntEnum):
    """How much of a body a node follows. Each holds what the one below it holds, and local never counts.

    Two nodes share what the smaller of their extents covers, so the numbers are compared, never added.
    """

    BOOK = 1
    """What carries authority, of every reach: enough to recompute each page, mandate and recall of the body."""
    WORLD = 2
    """BOOK, and all that the body publishes to the world."""
    ALL = 3

    def covers(self, reach: Reach, log_class: LogClass) -> bool:
        """Whether logs of this reach and class are among what is followed."""
        if reach is Reach.LOCAL:
            return False
        match self:
            case Extent.BOOK:
                return log_class is LogClass.AUTHORITY
            case Extent.WORLD:
                return log_class is LogClass.AUTHORITY or reach is Reach.WORLD
            case Extent.ALL:
                return True


def record_id(header: bytes) -> RecordId:
    """Return the id of the record with this header."""
    return RecordId(sha256(RECORD_TAG + header).digest())


def payload_id(payload: bytes) -> PayloadId:
    """Return the hash that a header gives for this payload."""
    return PayloadId(sha256(PAYLOAD_TAG + payload).digest())


def log_id(genesis_payload: bytes) -> LogId:
    """Return the id of the log that this genesis payload begins."""
    return LogId(sha256(LOG_TAG + genesis_payload).digest())


def signed_bytes(record: RecordId) -> bytes:
    """Return what a signature over `record`, and so over the chain up to it, signs."""
    return SIGN_TAG + record
