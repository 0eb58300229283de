"""The outer header of a record, frozen for every version: on it alone rests whether a record is taken. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

import msgpack

from fedsync.records.codec import NotCanonical, check_text, unpack
from fedsync.records.ids import LogId, PayloadId, RecordId, record_id

VERSION = 1
"""The version that this program writes. Records of a later one are kept, relayed, and have no effect."""
MAX_REFS = 8
"""Ids of records that a record builds on; longer lists go into the payload."""
MAX_KIND_BYTES = 64
MAX_TIME = 2**53 - 1
"""Ms before or after 1970. Two such times differ by less than 64 bits, so any two fit in one block."""

pack_fields: Callable[[tuple[object, ...]], bytes] = msgpack.Packer(autoreset=True, use_bin_type=True).pack
"""Packs a header's nine fields, in their order, that were checked: for the one loop that packs a million."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a record's id is the hash of. `time` is claimed, in ms since 1970; it is shown, never trusted."""

    version: int
    log: LogId
    seq: int
    prev: RecordId
    kind: str
    time: int
    payload: PayloadId
    payload_length: int
    refs: tuple[RecordId, ...]

    def pack(self) -> bytes:
        """Return the canonical bytes of this header."""
        return pack_header(
            self.version,
            self.log,
            self.seq,
            self.prev,
            self.kind,
            self.time,
            self.payload,
            self.payload_length,
            self.refs,
        )

    @property
    def id(self) -> RecordId:
        """The record's id."""
        return record_id(self.pack())

    @classmethod
    def parse(cls, data: bytes) -> "Header":
        """Return what `data` says. Raises NotCanonical for anything but a canonical header."""
        value = unpack(data)
        if not isinstance(value, list) or len(value) != 9:
            raise NotCanonical("a header is a list of nine")
        version, log, seq, prev, kind, time, payload, length, refs = value
        check_fields(version, kind, time, seq)
        if not isinstance(refs, list) or len(refs) > MAX_REFS or type(length) is not int or length < 0:
            raise NotCanonical("a header with wrong references or payload length")
        if not all(isinstance(each, bytes) and len(each) == 32 for each in (log, prev, payload, *refs)):
            raise NotCanonical("a header's ids are 32 bytes each")
        return cls(version, log, seq, prev, kind, time, payload, length, tuple(refs))  # type: ignore[arg-type]


def pack_header(
    version: int,
    log: bytes,
    seq: int,
    prev: bytes,
    kind: str,
    time: int,
    payload: bytes,
    length: int,
    refs: tuple[bytes, ...] | list[bytes],
) -> bytes:
    """Return the canonical bytes of a header whose fields were checked."""
    return pack_fields((version, log, seq, prev, kind, time, payload, length, refs))


def check_fields(version: object, kind: object, time: object, seq: object) -> None:
    """Raise NotCanonical unless these can stand in a header."""
    if type(version) is not int or not 1 <= version <= 0xFFFF:
        raise NotCanonical("a header's version is from 1 to 65535")
    if type(kind) is not str or not 1 <= len(kind.encode(errors="replace")) <= MAX_KIND_BYTES:
        raise NotCanonical(f"a kind is a word of 1 to {MAX_KIND_BYTES} bytes")
    check_text(kind)
    if type(time) is not int or not -MAX_TIME <= time <= MAX_TIME:
        raise NotCanonical("a header's time is a whole number of milliseconds, below 2^53")
    if type(seq) is not int or not 0 <= seq < 2**53:
        raise NotCanonical("a header's seq is a number from 0")
