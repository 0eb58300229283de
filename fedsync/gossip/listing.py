"""Packed listings: items, wants and places as a session names them, a dozen bytes each. Pure.

Within a session a log is named by its short, SHA-256(salt | log)[:6], and a record by SHA-256(salt | id)[:4]; the
salt is fresh for each session, so a collision that someone made, or met, is gone in the next.

    salt    = SHA-256(dialler's nonce | listener's nonce)
    seq     = LEB128: 7 bits in each byte, the lowest first
    named   = short 6 | kind 1 | seq | record 4                       in RANGE; the record left out for FORK
    changed = kind 1 + 4 * whole + 8 * follows | log 8 or 32 | seq | record 4      in DELTA; after SKIP only the log
    wanted  = short 6 | how 1 | seq | record 4                        in WANT; after how NOTHING only the short
    place   = seq | record 4                                          in LOCATE
    entry   = 64 * form + depth 1 | prefix | bitmap 2, node 4...  or  named...         in RANGE
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from fedsync.gossip.holdings import FORK, TIP, Item, SetKey
from fedsync.gossip.limits import MAX_LOCATOR, SHORT_BYTES
from fedsync.gossip.messages import BadMessage
from fedsync.records.ids import LogId

SKIP = 3
"""In DELTA: a log that I hold nothing to say of, because I refuse it."""

NODES, ITEMS, ANSWER = 0, 1, 2
"""Forms of an entry: hashes of children; all my items there; some of my items there, in answer to yours."""

URGENT, URGENT_CHANGED = 4, 16
"""Added to the kind of an item, in RANGE and in DELTA: after it stands how far its log goes before all else."""

BASE, NOTHING = 0, 1
"""How a wanted log is held: up to this record; not at all."""


class Salt:
    """How this session names logs and records."""

    def __init__(self, dialler: bytes, listener: bytes) -> None:
        self.agree(dialler, listener)

    def agree(self, dialler: bytes, listener: bytes) -> None:
        """Name by the nonces of both from now on."""
        self._salt = sha256(dialler + listener).digest()

    def log(self, log: bytes) -> bytes:
        """Return the bytes by which a log is named."""
        return sha256(self._salt + log).digest()[:SHORT_BYTES]

    def record(self, record: bytes) -> bytes:
        """Return the 4 bytes by which a record, or a node of the trie, is named."""
        return sha256(self._salt + record).digest()[:4]

    def root(self, root: bytes) -> bytes:
        """Return the 8 bytes by which a set's root is told."""
        return sha256(self._salt + root).digest()[:8]

    def set(self, key: SetKey) -> bytes:
        """Return the 4 bytes by which a set is named."""
        return sha256(self._salt + key[0] + bytes(key[1:])).digest()[:4]


class Named(NamedTuple):
    """An item as a peer names it. `record` is b"" for FORK."""

    kind: int
    seq: int
    record: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """What a peer says of one prefix."""

    form: int
    prefix: str
    nodes: dict[str, bytes]
    """For NODES: the children that are not empty, by their digit."""
    items: tuple[tuple[bytes, Named], ...]
    """For ITEMS and ANSWER: (short of the log, item)."""
    urgent: dict[bytes, int]
    """By short: the seq up to which the peer says that the log goes before all else."""


class Reader:
    """Reads a listing. Raises BadMessage when it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        found = self._data[self._at : self._at + count]
        if len(found) != count:
            raise BadMessage("field", "a listing that ends within an element")
        self._at += count
        return found

    def number(self) -> int:
        """Return the next number, below 2^63."""
        value = shift = 0
        while shift < 63:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise BadMessage("field", "a number that does not end")


def number(value: int) -> bytes:
    """Return a number as 7 bits in each byte."""
    if value < 128:
        return bytes((value,))
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def named(salt: Salt, item: Item, urgent: int | None = None) -> bytes:
    """Return an item as RANGE names it. `urgent`: the seq up to which its log goes before all else."""
    kind, log, seq, id_ = item
    return salt.log(log) + _said(salt, kind, seq, id_, URGENT, urgent)


def _said(salt: Salt, kind: int, seq: int, id_: bytes, flag: int, urgent: int | None) -> bytes:
    said = number(seq) + (b"" if kind == FORK else salt.record(id_))
    return bytes((kind,)) + said if urgent is None else bytes((kind + flag,)) + said + number(urgent)


def _hear(reader: Reader, kind: int) -> Named:
    if kind > 2:
        raise BadMessage("field", "an item of an unknown kind")
    seq = reader.number()
    return Named(kind, seq, b"" if kind == FORK else reader.take(4))


def nodes_entry(prefix: str, nodes: dict[str, bytes]) -> bytes:
    """Return an entry of hashes; `nodes` are the children that are not empty, by their digit."""
    bitmap = sum(1 << int(digit, 16) for digit in nodes)
    hashes = b"".join([nodes[digit] for digit in sorted(nodes)])
    return _prefix(NODES, prefix) + bitmap.to_bytes(2, "big") + hashes


def items_entry(form: int, prefix: str, items: Iterable[bytes]) -> bytes:
    """Return an entry of items that `named` made."""
    return _prefix(form, prefix) + b"".join(items)


def _prefix(form: int, prefix: str) -> bytes:
    return bytes((form << 6 | len(prefix),)) + bytes.fromhex(prefix + "0" * (len(prefix) % 2))


def read_entry(data: bytes) -> Entry:
    """Return what an entry says. Raises BadMessage."""
    reader = Reader(data)
    form, depth = divmod(reader.take(1)[0], 64)
    digits = reader.take((depth + 1) // 2).hex()
    prefix = digits[:depth]
    if form > ANSWER or digits[depth:].strip("0"):
        raise BadMessage("field", "an entry of an unknown form")
    if form == NODES:
        bitmap = int.from_bytes(reader.take(2), "big")
        nodes = {f"{at:x}": reader.take(4) for at in range(16) if bitmap >> at & 1}
        if reader.more or depth > 62:
            raise BadMessage("field", "an entry that is longer than it says")
        return Entry(form, prefix, nodes, (), {})
    items, urgent = [], {}
    while reader.more:
        short, kind = reader.take(SHORT_BYTES), reader.take(1)[0]
        items.append((short, _hear(reader, kind & ~URGENT)))
        if kind & URGENT:
            urgent[short] = reader.number()
    return Entry(form, prefix, {}, tuple(items), urgent)


def changed(
    salt: Salt,
    log: LogId,
    whole: bool,
    items: Sequence[Item],
    follows: bool = False,
    urgent: int | None = None,
) -> bytes:
    """Return the items of a changed log as DELTA names them; without items, that the log is refused.

    `whole`: the peer does not know the log. `follows`: its new blocks come unasked. `urgent`: the seq up to which it
    goes before all else.
    """
    name = log if whole else log[:8]
    flags = 4 * whole + 8 * follows
    if not items:
        return bytes((SKIP + flags,)) + name
    parts = []
    for kind, _, seq, id_ in items:
        said = _said(salt, kind, seq, id_, URGENT_CHANGED, urgent)
        parts.append(bytes((said[0] + flags,)) + name + said[1:])
    return b"".join(parts)


class Changed(NamedTuple):
    """An element of a DELTA. `name` is a log or the first 8 bytes of it; `item` None: the peer refuses the log."""

    name: bytes
    item: Named | None
    follows: bool
    urgent: int = -1


def read_changed(data: bytes) -> list[Changed]:
    """Return the elements of a DELTA's listing. Raises BadMessage."""
    reader, found = Reader(data), []
    while reader.more:
        byte = reader.take(1)[0]
        if byte > 31:
            raise BadMessage("field", "an item of an unknown kind")
        name = reader.take(32 if byte & 4 else 8)
        kind = byte & 3
        item = None if kind == SKIP else _hear(reader, kind)
        urgent = reader.number() if byte & URGENT_CHANGED else -1
        found.append(Changed(name, item, bool(byte & 8), urgent))
    return found


def wanted(salt: Salt, short: bytes, base: tuple[int, bytes] | None) -> bytes:
    """Return a log that is asked for, from `base` on or from its genesis."""
    if base is None:
        return short + bytes((NOTHING,))
    return short + bytes((BASE,)) + number(base[0]) + salt.record(base[1])


def read_wanted(data: bytes) -> list[tuple[bytes, Named | None]]:
    """Return (short, base) for each log asked for; None: the peer holds nothing of it."""
    reader, found = Reader(data), []
    while reader.more:
        short, how = reader.take(SHORT_BYTES), reader.take(1)[0]
        if how > NOTHING:
            raise BadMessage("field", "a log asked for in an unknown way")
        found.append((short, None if how == NOTHING else Named(TIP, reader.number(), reader.take(4))))
    return found


def places(salt: Salt, chain: Iterable[tuple[int, bytes]]) -> bytes:
    """Return records, by seq and id, as LOCATE names them."""
    return b"".join([number(seq) + salt.record(id_) for seq, id_ in chain])


def read_places(data: bytes) -> list[Named]:
    """Return the records that a LOCATE names."""
    reader, found = Reader(data), []
    while reader.more:
        found.append(Named(TIP, reader.number(), reader.take(4)))
        if len(found) > MAX_LOCATOR:
            raise BadMessage("field", f"more than {MAX_LOCATOR} places")
    return found
