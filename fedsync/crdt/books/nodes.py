"""Which nodes a body's book names, and which it named once and no longer does. Touches a draft only.

A book names nodes in two ways: as sealers of an epoch, and in `join` entries, beside the body that comes in. A later epoch
names anew who seals, a later `join` of the same body its node, and a `leave` takes that back. A sealed page counts, and
an adopted one at once; where rival adopted pages differ, what any of them drops is dropped meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from fedsync.crdt.books.booktables import (
    ADOPTED,
    NODE_ENTRIES,
    NODES,
    SEALED,
    Known,
    Reader,
    book,
    children,
    known,
    page_row,
    status,
)
from fedsync.crdt.books.epoch import epoch_on
from fedsync.crdt.view import Draft
from fedsync.records.genesis import NODE
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.entries import Join, Leave

NAMED, DROPPED = "named", "dropped"


class At(NamedTuple):
    """A page, in the order of its book."""

    number: int
    page: PageId


@dataclass(frozen=True, slots=True)
class Dropped:
    """The page that no longer names a node, and whose book that is."""

    scope: Scope
    page: PageId
    number: int


def note_node(draft: Draft, scope: Scope, number: int, page: PageId, index: int, entry: Join | Leave) -> None:
    """Write down an entry of a known page that bears on who is named, sealed or not."""
    key = entry.node.key if isinstance(entry, Join) and entry.node is not None else None
    draft.put(NODE_ENTRIES, (scope, number, page, index), (entry.body, key))


def named(view: Reader) -> Iterator[tuple[Scope, Key]]:
    """Yield each node that the book of a body names now, after the body's founding tag."""
    return ((scope, key) for scope, key, now in ever_named(view) if now)


def ever_named(view: Reader) -> Iterator[tuple[Scope, Key, bool]]:
    """Yield each node that the book of a body names or named once, after the body's founding tag, and whether it does so now."""
    for (scope, key), cells in view.scan(NODES):
        yield Scope(scope), Key(key), cells[0] == NAMED  # type: ignore[arg-type]


def dropped(view: Reader) -> dict[Key, Dropped]:
    """Return the nodes that some followed body dropped and that none names, with a page that says so."""
    still: set[Key] = set()
    gone: dict[Key, Dropped] = {}
    for (scope, key, *_), (standing, number, page) in view.scan(NODES):
        if standing == NAMED:
            still.add(Key(key))  # type: ignore[arg-type]
        else:
            gone.setdefault(Key(key), Dropped(Scope(scope), PageId(page), int(number)))  # type: ignore[arg-type]
    return {key: by for key, by in gone.items() if key not in still}


def rename(draft: Draft, scope: Scope) -> None:
    """Work out anew which nodes the book of a body names, and which it dropped."""
    new: dict[Key, tuple[str, int, PageId]] = {}
    for way in _ways(draft, scope):
        now = _along(draft, scope, way)
        for key, (standing, at) in now.items():
            # What any way drops is dropped; of several pages that say so the lowest in order is shown.
            row = (standing, at.number, at.page)
            if key not in new or (row[0] == DROPPED, *_low(row)) > (
                new[key][0] == DROPPED,
                *_low(new[key]),
            ):
                new[key] = row
    old = {Key(key[1]): row for key, row in draft.scan(NODES, (scope,))}  # type: ignore[arg-type]
    for key in old.keys() - new.keys():
        draft.drop(NODES, (scope, key))
    for key, row in new.items():
        if old.get(key) != row:
            draft.put(NODES, (scope, key), row)


def _low(row: tuple[str, int, PageId]) -> tuple[int, bytes]:
    return -row[1], bytes(255 - each for each in row[2])


Way: TypeAlias = frozenset[PageId]
"""Adopted pages, from the last sealed one on."""


def _ways(view: Reader, scope: Scope) -> Iterator[Way]:
    """Yield each way that adopted pages lead from the last sealed page on; an empty one when there are none."""
    at = book(view, scope)
    if at is None:
        return
    open_: list[tuple[PageId, Way]] = [(at.head, frozenset())]
    while open_:
        page, way = open_.pop()
        onward = [each for each in children(view, page) if _is(view, scope, each, ADOPTED)]
        open_.extend((each, way | {each}) for each in onward)
        if not onward:
            yield way


def _along(view: Reader, scope: Scope, way: Way) -> dict[Key, tuple[str, At]]:
    """Return each node that was ever named along a way: named or dropped, and since which page."""
    at = book(view, scope)
    assert at is not None
    changes: dict[At, list[tuple[object, frozenset[Key]]]] = {}
    end = max((known(view, page) for page in way), key=_number, default=None) or known(view, at.head)
    for where, keys in _sealers(view, end):
        changes.setdefault(where, []).append((_SEALERS, keys))
    counts: dict[object, bool] = {}
    for entry, (body, node) in view.scan(NODE_ENTRIES, (scope,)):
        where = At(int(entry[1]), PageId(entry[2]))  # type: ignore[arg-type]
        if where.page not in counts:
            counts[where.page] = where.page in way or _is(view, scope, where.page, SEALED)
        if counts[where.page]:
            changes.setdefault(where, []).append((body, frozenset({Key(node)} if node else ())))  # type: ignore[arg-type]
    named: dict[object, frozenset[Key]] = {}
    found: dict[Key, tuple[str, At]] = {}
    for where in sorted(changes):
        for source, keys in changes[where]:
            named[source] = keys
        now = frozenset[Key]().union(*named.values())
        for key in now | found.keys():
            standing = NAMED if key in now else DROPPED
            if key not in found or found[key][0] != standing:
                found[key] = (standing, where)
    return found


_SEALERS = "sealers"


def _sealers(view: Reader, page: Known | None) -> Iterator[tuple[At, frozenset[Key]]]:
    """Yield the nodes that each epoch up to a page names, newest first.

    As for seats, an epoch counts that is sound by its own numbers: k seats signed its page, whatever else it lacks.
    """
    while page is not None and page.epoch is not None:
        carrier, here = page_row(view, page.epoch), known(view, page.epoch)
        assert carrier is not None
        assert here is not None
        epoch = epoch_on(carrier.payload, here.scope, here.level if here.number else None)
        assert epoch is not None
        nodes = [each.key for each in epoch.sealers.values() if each.genesis.capacity == NODE]
        yield At(here.number, page.epoch), frozenset(nodes)
        page = known(view, here.prev) if here.prev is not None else None


def _number(page: Known | None) -> int:
    return -1 if page is None else page.number


def _is(view: Reader, scope: Scope, page: PageId, word: str) -> bool:
    found = status(view, scope, page)
    return found is not None and found.status == word
