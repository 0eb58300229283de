"""What one side of a session follows, and how it is told: in pages that are each understood alone. Pure.

    row  = scope 16 | how 1 | body 32       how = extent + 4 when what goes only as far as a region goes to you too
    page = from | to | row...               of the scopes from `from` to below `to` these, and no others; empty: from the
                                            beginning, to the end

All is kept as it is sent, one row after the other by scope: with thousands of bodies a session reads hardly any of it.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from fedsync.gossip.limits import LISTING_BYTES, MAX_BODIES, MAX_GAPS
from fedsync.gossip.messages import BadMessage, Bodies
from fedsync.records.ids import Extent, Scope

SCOPE_BYTES = 16
ROW_BYTES = SCOPE_BYTES + 1 + 32
_NEAR = 4
_PAGE_ROWS = LISTING_BYTES // ROW_BYTES
_FEW = 64
"""Changed bodies, up to which each is told in a page of its own; more cost as much as all pages anew."""

Span: TypeAlias = tuple[bytes, bytes]
"""Scopes from the first to below the second; empty: from the beginning, to the end."""


class Row(NamedTuple):
    """A body that is followed. `near`: the other side gets what goes only as far as its region, too."""

    scope: Scope
    body: bytes
    extent: Extent
    near: bool = True


def pack_rows(rows: Iterable[Row]) -> bytes:
    """Return rows as they are sent, in whatever order they come."""
    return b"".join(
        [scope + bytes((extent + _NEAR * near,)) + body for scope, body, extent, near in sorted(rows)]
    )


def read_rows(data: bytes) -> Iterator[Row]:
    """Yield the rows of a listing. Raises BadMessage for what is none, or not in order."""
    if len(data) % ROW_BYTES:
        raise BadMessage("field", "a listing that ends within a body")
    last = b""
    for at in range(0, len(data), ROW_BYTES):
        scope, how = data[at : at + SCOPE_BYTES], data[at + SCOPE_BYTES]
        near, extent = divmod(how, _NEAR)
        if scope <= last or near > 1 or extent == 0:
            raise BadMessage("field", "a body that is out of order, or followed in an unknown way")
        last = scope
        yield Row(Scope(scope), data[at + SCOPE_BYTES + 1 : at + ROW_BYTES], Extent(extent), bool(near))


class Following:
    """What one side follows, as far as it was heard. Never changed: whoever has the same object has the same."""

    __slots__ = ("_digest", "data", "gaps")

    def __init__(self, data: bytes = b"", gaps: tuple[Span, ...] = ()) -> None:
        """`data`: rows in order. `gaps`: the scopes of which nothing was heard, in order."""
        self.data, self.gaps = data, gaps
        self._digest: bytes | None = None

    @property
    def whole(self) -> bool:
        """Whether all of it is known."""
        return not self.gaps

    @property
    def digest(self) -> bytes:
        """8 bytes that tell it from another one; zeros while it is not known as a whole."""
        if self._digest is None:
            self._digest = sha256(self.data).digest()[:8] if self.whole else bytes(8)
        return self._digest

    @property
    def rows(self) -> tuple[Row, ...]:
        """The bodies, by scope."""
        return tuple(read_rows(self.data))

    def get(self, scope: Scope) -> Row | None:
        """Return how a body is followed; None when it is not, or that was not heard."""
        at = self._find(scope)
        row = self.data[at : at + ROW_BYTES]
        if row[:SCOPE_BYTES] != scope:
            return None
        near, extent = divmod(row[SCOPE_BYTES], _NEAR)
        return Row(scope, row[SCOPE_BYTES + 1 :], Extent(extent), bool(near))

    def tag(self, body: bytes) -> Scope | None:
        """Return the founding tag under which a body is followed; None when it is not, as far as was heard."""
        at = self.data.find(body)
        while at >= 0 and at % ROW_BYTES != ROW_BYTES - len(body):
            at = self.data.find(body, at + 1)
        return Scope(self.data[at - at % ROW_BYTES :][:SCOPE_BYTES]) if at >= 0 else None

    def knows(self, scope: Scope) -> bool:
        """Say whether it was heard if this scope is followed or not."""
        at = bisect_right(self.gaps, scope, key=lambda gap: Scope(gap[0]))
        if not at:
            return True
        end = self.gaps[at - 1][1]
        return bool(end) and end <= scope

    def with_page(self, page: Bodies) -> "Following":
        """Return this with a page in place of what was known of its scopes. Raises BadMessage for what is no page, or too much.

        A page that leaves too many gaps is passed over, like one that was lost.
        """
        _check(page)
        low, high = self._find(page.first), self._find(page.end) if page.end else len(self.data)
        gaps = tuple(_without(self.gaps, (page.first, page.end)))
        if (self.data[low:high] == page.data and gaps == self.gaps) or len(gaps) > MAX_GAPS:
            return self
        data = self.data[:low] + page.data + self.data[high:]
        if len(data) > MAX_BODIES * ROW_BYTES:
            raise BadMessage("field", f"more than {MAX_BODIES} bodies are followed")
        return Following(data, gaps)

    def changed(self, before: "Following", page: Bodies) -> list[Scope]:
        """Return the scopes of which this says other than `before` did, this being that with a page; but where nothing was
        heard before, none of those that are not followed."""
        old, new = ({row.scope: row for row in each.among(page.first, page.end)} for each in (before, self))
        return sorted(scope for scope in old.keys() | new.keys() if old.get(scope) != new.get(scope))

    def among(self, first: bytes, end: bytes) -> Iterator[Row]:
        """Yield the rows of the scopes from `first` to below `end`; empty: from the beginning, to the end."""
        return read_rows(self.data[self._find(first) : self._find(end) if end else len(self.data)])

    def pages(self) -> list[Bodies]:
        """Return all of it, in as many pages as it needs."""
        return list(_cut(self.data))

    def news(self, told: "Following") -> list[Bodies]:
        """Return the pages that make of what was told what this is."""
        old, new = ({row.scope: row for row in each.rows} for each in (told, self))
        changed = sorted(scope for scope in old.keys() | new.keys() if old.get(scope) != new.get(scope))
        if len(changed) > _FEW:
            return self.pages()
        return [
            Bodies(scope, _after(scope), pack_rows([new[scope]] if scope in new else ())) for scope in changed
        ]

    def _find(self, scope: bytes) -> int:
        """Return where the rows from a scope on begin."""
        low, high = 0, len(self.data) // ROW_BYTES
        while low < high:
            middle = (low + high) // 2
            if self.data[middle * ROW_BYTES : middle * ROW_BYTES + SCOPE_BYTES] < scope:
                low = middle + 1
            else:
                high = middle
        return low * ROW_BYTES


NOTHING_HEARD = Following(gaps=((b"", b""),))
"""What is known of a peer that has not said what it follows."""


def followed(
    bodies: Iterable[tuple[Scope, bytes, Extent]], near: Collection[Scope] | None = None
) -> Following:
    """Return what a node follows, as it tells a peer. `near`: of which bodies the peer gets all; None: of every one."""
    return Following(
        pack_rows(Row(scope, body, extent, near is None or scope in near) for scope, body, extent in bodies)
    )


def _check(page: Bodies) -> None:
    if page.end and page.end <= page.first:
        raise BadMessage("field", "a page that ends before it begins")
    for row in read_rows(page.data):
        if row.scope < page.first or (page.end and row.scope >= page.end):
            raise BadMessage("field", "a page with a body that is not among its scopes")


def _cut(data: bytes) -> Iterator[Bodies]:
    step, first = _PAGE_ROWS * ROW_BYTES, b""
    for at in range(0, max(1, len(data)), step):
        end = data[at + step : at + step + SCOPE_BYTES]
        yield Bodies(first, end, data[at : at + step])
        first = end


def _after(scope: bytes) -> bytes:
    """Return the next scope; empty when there is none."""
    number = int.from_bytes(scope, "big") + 1
    return b"" if number >> 8 * SCOPE_BYTES else number.to_bytes(SCOPE_BYTES, "big")


def _without(gaps: Iterable[Span], heard: Span) -> Iterator[Span]:
    """Yield what is left of gaps when these scopes were heard."""
    first, end = heard
    for low, high in gaps:
        if low < first and (not high or first < high):
            yield low, first
        elif low < first:
            yield low, high
            continue
        if end and (not high or end < high):
            yield max(low, end), high
