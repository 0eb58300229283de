"""What a node follows: rows in full, as they are kept, and as bundles tell them. Sessions tell short names (`aliases`). Pure.

    row  = scope 16 | how 1 | body 32       how = extent + 4 when what goes only as far as a region goes to you too
    page = from | to | row...               of the scopes from `from` to below `to` these, and no others; empty: from the
                                            beginning, to the end

Rows stand one after the other by scope.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from fedsync.gossip.limits import MAX_BODIES, MAX_GAPS
from fedsync.gossip.messages import BadMessage
from fedsync.gossip.paged import EVERYTHING, Paged, cut
from fedsync.records.ids import Extent, Scope

SCOPE_BYTES = 16
ROW_BYTES = SCOPE_BYTES + 1 + 32
_NEAR = 4


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


class Page(NamedTuple):
    """The bodies followed of the scopes from `first` to below `end`; empty: from the beginning, to the end."""

    first: bytes
    end: bytes
    data: bytes


class Following(Paged):
    """What one side follows, as far as it was heard. Never changed: whoever has the same object has the same."""

    __slots__ = ()
    KEY, ROW = SCOPE_BYTES, ROW_BYTES

    @property
    def rows(self) -> tuple[Row, ...]:
        """The bodies, by scope."""
        return tuple(read_rows(self.data))

    def get(self, scope: Scope) -> Row | None:
        """Return how a body is followed; None when it is not, or that was not heard."""
        at = self.find(scope)
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

    def with_page(self, page: Page) -> "Following":
        """Return this with a page in place of what was known of its scopes. Raises BadMessage for what is no page, or too much.

        A page that leaves too many gaps is passed over, like one that was lost.
        """
        _check(page)
        data, gaps = self.replaced(*page)
        if (data == self.data and gaps == self.gaps) or len(gaps) > MAX_GAPS:
            return self
        if len(data) > MAX_BODIES * ROW_BYTES:
            raise BadMessage("field", f"more than {MAX_BODIES} bodies are followed")
        return Following(data, gaps)

    def pages(self) -> list[Page]:
        """Return all of it, in as many pages as it needs."""
        return [Page(*each) for each in cut(self.data, ROW_BYTES, SCOPE_BYTES)]

    def lines(self) -> list[bytes]:
        """Return the bodies as they are kept, by scope."""
        data = self.data
        return [data[at : at + ROW_BYTES] for at in range(0, len(data), ROW_BYTES)]


NOTHING_HEARD = Following(gaps=(EVERYTHING,))
"""What is known of a peer that has not said what it follows."""


def followed(
    bodies: Iterable[tuple[Scope, bytes, Extent]], near: Collection[Scope] | None = None
) -> Following:
    """Return what a node follows, as it tells a peer. `near`: of which bodies the peer gets all; None: of every one."""
    return Following(
        pack_rows(Row(scope, body, extent, near is None or scope in near) for scope, body, extent in bodies)
    )


_BYTE = [bytes((how,)) for how in range(2 * _NEAR)]
_LEAST = [
    [
        min(one % _NEAR, other % _NEAR) + _NEAR * (one >= _NEAR and other >= _NEAR)
        for other in range(2 * _NEAR)
    ]
    for one in range(2 * _NEAR)
]
"""Of two ways to follow a body, how both do."""


def common(mine: Following, theirs: Following) -> Following:
    """Return the bodies that both follow, each as far as both do. Of those of which nothing was heard we take it that they follow what
    we do."""
    if theirs is mine or theirs is NOTHING_HEARD or (theirs.whole and theirs.data == mine.data):
        return mine
    size = SCOPE_BYTES
    there = {line[:size]: line[size] for line in theirs.lines()}
    if theirs.gaps:
        unheard = [line for line in mine.lines() if not theirs.knows(line[:size])]
        there |= {line[:size]: line[size] for line in unheard}
    return Following(
        b"".join(
            [
                line[:size] + _BYTE[_LEAST[line[size]][there[line[:size]]]] + line[size + 1 :]
                for line in mine.lines()
                if line[:size] in there
            ]
        )
    )


def _check(page: Page) -> None:
    if page.end and page.end <= page.first:
        raise BadMessage("field", "a page that ends before it begins")
    for row in read_rows(page.data):
        if row.scope < page.first or (page.end and row.scope >= page.end):
            raise BadMessage("field", "a page with a body that is not among its scopes")
