"""Bodies by short names, salted: who knows a body recognises it by its name, and who does not cannot tell which it is. Pure.

    alias = SHA-256(salt | scope | body)[:4], the last three bits zero
    row   = alias + how                       how = extent + 4 when what goes only as far as a region goes to you too
    page  = from | to | row...                of the aliases from `from` to below `to` these, and no others

Whoever tells what it follows takes a fresh salt, so an alias that two bodies share, or that somebody ground for, is gone the next
time; until then both sides only believe to share one body more than they do, and find that their roots differ.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from fedsync.gossip.following import ROW_BYTES, SCOPE_BYTES, Following
from fedsync.gossip.limits import ALIAS_BYTES, ALIAS_SALT_BYTES, MAX_BODIES, MAX_GAPS
from fedsync.gossip.messages import BadMessage, Bodies
from fedsync.gossip.paged import EVERYTHING, Paged, Span, cut

_HOW = 7
"""The bits of an alias's last byte in which a row says how its body is followed."""
_FEW = 64
"""Changed bodies, up to which each is told in a page of its own; more cost as much as all pages anew."""
_BYTE = [bytes((each,)) for each in range(256)]


class Aliases(Paged):
    """What one side was told of the other under one salt. Never changed."""

    __slots__ = ("salt",)
    KEY = ROW = ALIAS_BYTES

    def __init__(self, salt: bytes, data: bytes = b"", gaps: tuple[Span, ...] = ()) -> None:
        super().__init__(data, gaps)
        self.salt = salt

    def with_page(self, page: Bodies) -> "Aliases":
        """Return this with a page in place of what was known of its aliases; under another salt, all that was said before is
        void. Raises BadMessage for what is no page, or too much.

        A page that leaves too many gaps is passed over, like one that was lost.
        """
        _check(page)
        base = self if page.salt == self.salt else Aliases(page.salt, gaps=(EVERYTHING,))
        data, gaps = base.replaced(page.first, page.end, page.data)
        if (base is self and data == self.data and gaps == self.gaps) or len(gaps) > MAX_GAPS:
            return self
        if len(data) > MAX_BODIES * ALIAS_BYTES:
            raise BadMessage("field", f"more than {MAX_BODIES} bodies are followed")
        return Aliases(page.salt, data, gaps)

    def pages(self) -> list[Bodies]:
        """Return all of it, in as many pages as it needs."""
        return [
            Bodies(self.salt, first and plain(first), end and plain(end), data)
            for first, end, data in cut(self.data, ALIAS_BYTES, ALIAS_BYTES)
        ]

    def lines(self) -> list[bytes]:
        """Return the rows, by alias."""
        data = self.data
        return [data[at : at + ALIAS_BYTES] for at in range(0, len(data), ALIAS_BYTES)]

    def names(self) -> list[bytes]:
        """Return the aliases."""
        return [plain(line) for line in self.lines()]

    def pack(self) -> bytes:
        """Return the bytes to be kept."""
        return self.salt + self.data


def unpack(data: bytes) -> Aliases:
    """Return what `pack` kept."""
    return Aliases(data[:ALIAS_SALT_BYTES], data[ALIAS_SALT_BYTES:])


def plain(row: bytes) -> bytes:
    """Return the alias in a row."""
    return row[:-1] + _BYTE[row[-1] & ~_HOW]


def alias(salt: bytes, scope: bytes, body: bytes) -> bytes:
    """Return what a body is called under a salt."""
    return plain(sha256(salt + scope + body).digest()[:ALIAS_BYTES])


def full_row(row: bytes, scope: bytes, body: bytes) -> bytes:
    """Return a row in full, as `following` has it, of the body that its alias is."""
    return scope + _BYTE[row[-1] & _HOW] + body


def _row(alias: bytes, how: int) -> bytes:
    return alias[:-1] + _BYTE[alias[-1] | how]


class Naming:
    """All that a node follows, by its aliases under one salt."""

    __slots__ = ("_at", "_told", "following", "salt")

    def __init__(self, following: Following, salt: bytes) -> None:
        self.following, self.salt = following, salt
        data, last = following.data, ALIAS_BYTES - 1
        self._at: dict[bytes, int] = {}
        """Where the row of each stands."""
        for at in range(0, len(data), ROW_BYTES):
            body = data[at : at + SCOPE_BYTES] + data[at + SCOPE_BYTES + 1 : at + ROW_BYTES]
            name = sha256(salt + body).digest()
            self._at[name[:last] + _BYTE[name[last] & ~_HOW]] = at
        self._told: Aliases | None = None

    @property
    def clash(self) -> bool:
        """Whether two of these bodies have one alias, so that all cannot be told so."""
        return len(self._at) * ROW_BYTES != len(self.following.data)

    @property
    def told(self) -> Aliases:
        """All of it, as it is told."""
        if self._told is None:
            data, last = self.following.data, ALIAS_BYTES - 1
            rows = [name[:last] + _BYTE[name[last] | data[at + SCOPE_BYTES]] for name, at in self._at.items()]
            self._told = Aliases(self.salt, b"".join(sorted(rows)))
        return self._told

    def line(self, name: bytes) -> bytes | None:
        """Return the row of the body that has an alias; None when none has."""
        at = self._at.get(name)
        return None if at is None else self.following.data[at : at + ROW_BYTES]

    def known(self, said: Aliases) -> list[bytes]:
        """Return the rows of the bodies that are followed here and that the other side told, as the other side follows them."""
        data, at, last = self.following.data, self._at, ALIAS_BYTES - 1
        return [
            data[here : here + SCOPE_BYTES]
            + _BYTE[line[last] & _HOW]
            + data[here + SCOPE_BYTES + 1 : here + ROW_BYTES]
            for line in said.lines()
            if (name := line[:last] + _BYTE[line[last] & ~_HOW]) in at and (here := at[name]) >= 0
        ]

    def unheard(self, said: Aliases) -> list[bytes]:
        """Return the rows of those of which the other side was not heard yet."""
        data = self.following.data
        return [data[at : at + ROW_BYTES] for name, at in self._at.items() if not said.knows(name)]

    def strange(self, said: Aliases) -> list[bytes]:
        """Return the aliases that the other side told of bodies that are not followed here."""
        return [name for name in said.names() if name not in self._at]


def news(salt: bytes, told: Following, now: Following) -> list[Bodies] | None:
    """Return the pages that make of what was told what is; None when all pages anew cost less."""
    old, new = (set(each.lines()) for each in (told, now))
    if len(old ^ new) > 2 * _FEW:
        return None
    lines = {_called(salt, line): b"" for line in old - new}
    lines |= {_called(salt, line): line for line in new - old}
    return [
        Bodies(salt, name, _after(name), _row(name, line[SCOPE_BYTES]) if line else b"")
        for name, line in sorted(lines.items())
    ]


def _called(salt: bytes, line: bytes) -> bytes:
    return alias(salt, line[:SCOPE_BYTES], line[SCOPE_BYTES + 1 :])


def asked_for(naming: Naming, names: Iterable[bytes]) -> bytes:
    """Return those of these bodies in full that are followed here: scope 16 | body 32."""
    lines = [line for name in names if (line := naming.line(name)) is not None]
    return b"".join([line[:SCOPE_BYTES] + line[SCOPE_BYTES + 1 :] for line in lines])


def read_names(data: bytes) -> list[bytes]:
    """Return the aliases that a peer asks for. Raises BadMessage."""
    if len(data) % ALIAS_BYTES:
        raise BadMessage("field", "aliases that end within one")
    return [data[at : at + ALIAS_BYTES] for at in range(0, len(data), ALIAS_BYTES)]


def read_answer(data: bytes) -> Sequence[tuple[bytes, bytes]]:
    """Return the bodies that a peer names in full, each with its scope. Raises BadMessage."""
    size = SCOPE_BYTES + 32
    if len(data) % size:
        raise BadMessage("field", "bodies of which the last is cut off")
    return [
        (data[at : at + SCOPE_BYTES], data[at + SCOPE_BYTES : at + size]) for at in range(0, len(data), size)
    ]


def _check(page: Bodies) -> None:
    first, end, data = page.first, page.end, page.data
    if end and end <= first:
        raise BadMessage("field", "a page that ends before it begins")
    if any(edge and edge[-1] & _HOW for edge in (first, end)):
        raise BadMessage("field", "a page that begins or ends at no alias")
    if len(data) % ALIAS_BYTES:
        raise BadMessage("field", "a listing that ends within a body")
    last = first[:0]
    for at in range(0, len(data), ALIAS_BYTES):
        name, how = data[at : at + ALIAS_BYTES - 1], data[at + ALIAS_BYTES - 1]
        name += _BYTE[how & ~_HOW]
        if name <= last or not how & 3:
            raise BadMessage("field", "a body that is out of order, or followed in an unknown way")
        last = name
    if data and (plain(data[:ALIAS_BYTES]) < first or (end and last >= end)):
        raise BadMessage("field", "a page with a body that is not among its aliases")


def _after(name: bytes) -> bytes:
    """Return the next alias; empty when there is none."""
    number = int.from_bytes(name, "big") + _HOW + 1
    return b"" if number >> 8 * ALIAS_BYTES else number.to_bytes(ALIAS_BYTES, "big")
