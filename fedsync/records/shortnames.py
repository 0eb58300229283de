"""Short names for what both sides hold: logs by the first bytes of their ids, records and payloads by where they stand. Pure.

Used by `segment`. In a body an id of 32 bytes may stand as msgpack ext 1: log 3 | seq, the id of the record there; ext 2: the same, the
hash of its payload; ext 3: log 3, the log itself. Without the log it is the block's own, and seq is told from the block's first record back, in
3 bytes at most. No body of a block holds an ext, so that none is taken for what it is not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgpack

from fedsync.records.codec import MAX_ITEMS
from fedsync.records.ids import LogId, RecordId
from fedsync.records.wire import MAX_BODY_BYTES, BlockHead, Row

SHORT_BYTES = 3
"""Of a log's id: of 100,000 logs six in a thousand begin like another, and these are named in full."""
MAX_NAMED = 64
"""Ids in a segment that stand as places: each is a look into the store of whoever reads it."""
ID_BYTES = 32

_RECORD, _PAYLOAD, _LOG = 1, 2, 3

_pack = msgpack.Packer(autoreset=True, use_bin_type=True).pack


class BadSegment(ValueError):
    """The bytes could not be made a block. `code` is stable, and says who is at fault.

    `malformed`: the sender. `form`: this program is too old. `base`: what comes before is not held (yet). `unknown`: a log
    or record is not held here; `check`: it means something else here. The last four are nobody's fault: ask for the block.
    """

    def __init__(self, code: str, message: str, needs: LogId | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.log: LogId | None = None
        self.seq = -1
        """The log of the block and the seq before it, as far as they could be read."""
        self.needs = needs
        """Of `base` and `unknown`: the log that has the record that is not held, if it is known which."""
        self.short = b""
        """How that log is called, when it is not known which it is."""


class Names(Protocol):
    """What a sender knows a receiver to hold, and a receiver holds. Each method costs a look into a store at most."""

    def short(self, log: LogId) -> bool:
        """Say whether the receiver knows this log, and the first SHORT_BYTES of its id are those of no other."""
        ...

    def log(self, short: bytes) -> LogId | None:
        """Return the one log whose id begins so."""
        ...

    def held(self, log: LogId, seq: int) -> Sequence[RecordId]:
        """Return the ids of the records at `seq` of a log, one for each branch."""
        ...

    def recent(self, log: LogId, seq: int, record: RecordId, count: int) -> Sequence[Row]:
        """Return the last `count` records of the chain that ends in this one; () when they are not at hand."""
        ...

    def place(self, id_: bytes) -> "Place | None":
        """Return a place whose record or payload has this id, if the receiver is known to hold it."""
        ...

    def at(self, log: LogId, seq: int) -> "tuple[bytes, bytes] | None":
        """Return the id of the only record at this place, and that of its payload."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where an id is to be found: of a record, or of its payload."""

    log: LogId
    seq: int
    payload: bool = False


class Nothing:
    """Names for a receiver of whom nothing is known: what a stranger can read."""

    def short(self, log: LogId) -> bool:
        """No log is known."""
        return False

    def log(self, short: bytes) -> LogId | None:
        """No log is known."""
        return None

    def held(self, log: LogId, seq: int) -> Sequence[RecordId]:
        """No record is known."""
        return ()

    def recent(self, log: LogId, seq: int, record: RecordId, count: int) -> Sequence[Row]:
        """No record is known."""
        return ()

    def place(self, id_: bytes) -> Place | None:
        """No record is known."""
        return None

    def at(self, log: LogId, seq: int) -> tuple[bytes, bytes] | None:
        """No record is known."""
        return None


NOTHING = Nothing()


class Reader:
    """Takes bytes from the front. Raises BadSegment when there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise BadSegment("malformed", "a segment that is cut off")
        self._at += count
        return found

    def number(self) -> int:
        """Return the next number, in its shortest form."""
        found = 0
        for shift in range(0, 63, 7):
            (byte,) = self.take(1)
            found |= (byte & 127) << shift
            if byte < 128:
                if byte == 0 and shift:
                    break
                return found
        raise BadSegment("malformed", "a number that is too long")

    def rest(self) -> bytes:
        """Return what is left."""
        found, self._at = self._data[self._at :], len(self._data)
        return found


def leb(value: int) -> bytes:
    """Return a number with 7 bits in each byte, the lowest first."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def the_log(names: Names, short: bytes) -> LogId:
    """Return the log of a short name. Raises BadSegment."""
    log = names.log(short)
    if log is None:
        error = BadSegment("unknown", "no log here, or more than one, has that short name")
        error.short = short
        raise error
    return log


class Shortener:
    """Puts places in the stead of ids that the receiver can look up."""

    def __init__(self, names: Names, head: BlockHead, context: bytes) -> None:
        self._names, self._head, self._context = names, head, context
        self._found: dict[bytes, Any] = {}
        self._left = MAX_NAMED

    def body(self, body: bytes) -> bytes | None:
        """Return the body with places in it; None when there is none to put."""
        value = _read_value(body)
        if type(value) is not list or len(value) != 6:
            return None
        if type(value[3]) is list and value[3] and type(value[3][0]) is bytes:
            table = value[3][0]
            value[3][0] = [table[at : at + ID_BYTES] for at in range(0, len(table), ID_BYTES)]
        value = self._walk(value)
        if self._left == MAX_NAMED:
            return None
        written: bytes = _pack(value)
        return written

    def _walk(self, value: Any) -> Any:
        if type(value) is bytes and len(value) == ID_BYTES:
            return self._id(value)
        if type(value) is list:
            return [self._walk(each) for each in value]
        if type(value) is dict:
            return {key: self._walk(each) for key, each in value.items()}
        return value

    def _id(self, id_: bytes) -> Any:
        if id_ in self._found:
            return self._found[id_]
        # What was said shortly before costs less as a repetition of that.
        if self._left == 0 or id_ in self._context:
            return id_
        found = self._said(id_)
        if found is not id_:
            self._left -= 1
        self._found[id_] = found
        return found

    def _said(self, id_: bytes) -> Any:
        if id_ == self._head.log:
            return msgpack.ExtType(_LOG, b"")
        if self._names.short(LogId(id_)):
            return msgpack.ExtType(_LOG, id_[:SHORT_BYTES])
        place = self._names.place(id_)
        if place is None:
            return id_
        there = self._names.at(place.log, place.seq)
        if there is None or there[place.payload] != id_:
            return id_  # Two branches have a record there.
        code = _PAYLOAD if place.payload else _RECORD
        if place.log == self._head.log:
            back = leb(max(0, self._head.first - place.seq))
            return (
                msgpack.ExtType(code, back)
                if place.seq < self._head.first and len(back) <= SHORT_BYTES
                else id_
            )
        if not self._names.short(place.log):
            return id_
        return msgpack.ExtType(code, place.log[:SHORT_BYTES] + leb(place.seq))


class Filler:
    """Puts ids in the stead of places, and notices when there are too many."""

    def __init__(self, names: Names, head: BlockHead) -> None:
        self._names, self._head = names, head
        self._known: dict[tuple[int, bytes], bytes] = {}

    def body(self, body: bytes) -> bytes:
        """Return a block's body. Raises BadSegment."""
        value = _read_value(body, self._id)
        if type(value) is not list or len(value) != 6:
            raise BadSegment("malformed", "columns that are none")
        if type(value[3]) is list and value[3] and type(value[3][0]) is list:
            table = value[3][0]
            if not all(type(each) is bytes for each in table):
                raise BadSegment("malformed", "references that are none")
            value[3][0] = b"".join(table)
        try:
            written: bytes = _pack(value)
        except (ValueError, TypeError, OverflowError):
            raise BadSegment("malformed", "columns that are none") from None
        if len(written) > MAX_BODY_BYTES:
            raise BadSegment("malformed", "a body that is longer than one may be")
        return written

    def _id(self, code: int, data: bytes) -> bytes:
        known = self._known.get((code, data))
        if known is None:
            if len(self._known) == MAX_NAMED:
                raise BadSegment("malformed", f"more than {MAX_NAMED} places in a segment")
            known = self._known[code, data] = self._look(code, data)
        return known

    def _look(self, code: int, data: bytes) -> bytes:
        if code == _LOG:
            return the_log(self._names, data) if data else self._head.log
        if code not in (_RECORD, _PAYLOAD):
            raise BadSegment("form", "an id named in a way that this version does not know")
        reader = Reader(data)
        if len(data) > SHORT_BYTES:
            log, seq = the_log(self._names, reader.take(SHORT_BYTES)), reader.number()
        else:
            log, seq = self._head.log, self._head.first - reader.number()
        if reader.rest() or seq < 0:
            raise BadSegment("malformed", "a place that is none")
        found = self._names.at(log, seq)
        if found is None:
            raise BadSegment(
                "unknown", "a record that it names is not held here, or there are two of it", log
            )
        return found[code == _PAYLOAD]


def _read_value(body: bytes, ext: Callable[[int, bytes], object] | None = None) -> Any:
    most = min(len(body), MAX_ITEMS)
    try:
        return msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=False,
            ext_hook=ext or _no_ext,
            max_array_len=most,
            max_map_len=most,
        )
    except BadSegment:
        raise
    except Exception:  # msgpack raises a dozen kinds for bad input; all mean the same here
        raise BadSegment("malformed", "columns that are none") from None


def _no_ext(code: int, data: bytes) -> object:
    raise BadSegment("malformed", "columns that are none")
