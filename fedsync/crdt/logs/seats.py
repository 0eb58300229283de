"""Whose facts count: the keys that have or had a seat in a body, and where a dropped seat's logs are cut.

Touches the tables of books. The epoch of a sealed page counts, and that of an adopted one provisionally: it adds
seats and suspends dropped ones at once. Where rival adopted pages differ, what any of them drops is suspended.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fedsync.crdt.books.booktables import (
    ADOPTED,
    CUTS,
    NAMED,
    SEATS,
    Known,
    Reader,
    book,
    children,
    known,
    page_row,
    status,
)
from fedsync.crdt.books.epoch import Epoch, epoch_on
from fedsync.crdt.view import Draft
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope
from fedsync.records.kinds.entries import Tip


@dataclass(frozen=True, slots=True)
class Pending:
    """No sealed or adopted page that is held gives the key a seat or mandate: not known yet, which is not no."""


@dataclass(frozen=True, slots=True)
class All:
    """The key has a seat or mandate: its logs count whole, unless they fork."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The log was cut: what is on the chain of one of these records counts, nothing if there is none."""

    tips: tuple[tuple[int, RecordId], ...]
    others: tuple[tuple[tuple[int, RecordId], ...], ...] = ()
    """The tips of further cuts: what counts is what each of them keeps."""
    chosen: tuple[int, RecordId] | None = None
    """The record that chooses among the branches of a forked log, as a `settle` does."""
    nothing: bool = False
    """It is no matter of tips: nothing of the log can count."""
    open: bool = False
    """No sealed page says so yet: the log is suspended, and may come to count again."""


Bound: TypeAlias = Pending | All | Cut

_HAS, _HAD = "seat", "dropped"


def fact_bound(view: Reader, genesis: Genesis) -> Bound:
    """Return how much of the log of facts or plans that begins so counts in its body."""
    scope, key, log = genesis.scope, genesis.key, genesis.log
    row = view.get(SEATS, (scope, key))
    if row is None:
        return Pending()
    if row[0] == _HAS:
        return All()
    return Cut(tuple((found[3], found[4]) for found, _ in view.scan(CUTS, (scope, key, log))))  # type: ignore[misc]


def named_keys(view: Reader, scope: Scope) -> Iterator[tuple[Key, LogId | None]]:
    """Yield the keys that any held page of the body names, drafts included, with their log; repair keys have none."""
    for key, _ in view.scan(NAMED, (scope,)):
        yield Key(key[1]), LogId(key[2]) if key[2] else None  # type: ignore[arg-type]


def is_named(view: Reader, scope: Scope, key: Key, log: LogId | None = None) -> bool:
    """Say whether a held page of the body names this key, and if a log is given, this log or a repair key."""
    if log is None:
        return next(iter(view.scan(NAMED, (scope, key))), None) is not None
    return any(view.get(NAMED, (scope, key, each)) is not None for each in (log, b""))


def reseat(draft: Draft, scope: Scope) -> set[Key]:
    """Work out the seats of a body anew; return the keys whose facts may now count otherwise."""
    seats: dict[Key, tuple[str, int]] = {}
    cuts: dict[tuple[Key, LogId, int, RecordId], int] = {}
    paths = [_seats_along(path) for path in _paths(draft, scope)]
    for key in {key for path in paths for key in path}:
        dropped = [found for found in (path.get(key) for path in paths) if found and found[1] is not None]
        number = max(path[key][0] for path in paths if key in path)
        seats[key] = (_HAD if dropped else _HAS, number)
        for tip in _lowest([tips for _, tips in dropped if tips is not None]):
            cuts[key, tip.log, tip.seq, tip.id] = number
    return _replace(draft, scope, seats, cuts)


def _replace(
    draft: Draft,
    scope: Scope,
    seats: dict[Key, tuple[str, int]],
    cuts: dict[tuple[Key, LogId, int, RecordId], int],
) -> set[Key]:
    changed: set[Key] = set()
    old_seats = {key[1]: row for key, row in draft.scan(SEATS, (scope,))}
    for key in old_seats.keys() - seats.keys():
        draft.drop(SEATS, (scope, key))
        changed.add(Key(key))  # type: ignore[arg-type]
    for key, row in seats.items():
        if old_seats.get(key) != row:
            draft.put(SEATS, (scope, key), row)
            changed.add(key)
    old_cuts = {key[1:]: row for key, row in draft.scan(CUTS, (scope,))}
    for cut in old_cuts.keys() - cuts.keys():
        draft.drop(CUTS, (scope, *cut))
        changed.add(Key(cut[0]))  # type: ignore[arg-type]
    for cut, number in cuts.items():
        if old_cuts.get(cut) != (number,):
            draft.put(CUTS, (scope, *cut), (number,))
            changed.add(cut[0])
    return changed


Path: TypeAlias = list[tuple[int, Epoch]]


def _paths(view: Reader, scope: Scope) -> list[Path]:
    """Return the epochs, oldest first, along each way from page 0 over sealed and then adopted pages."""
    at = book(view, scope)
    if at is None:
        return []
    found: list[Path] = []
    open_ = [at.head]
    while open_:
        page = open_.pop()
        onward = [each for each in children(view, page) if _adopted(view, scope, each)]
        open_.extend(onward)
        if not onward:
            found.append(_epochs_upto(view, page))
    return found


def _adopted(view: Reader, scope: Scope, page: PageId) -> bool:
    found = status(view, scope, page)
    return found is not None and found.status == ADOPTED


def _epochs_upto(view: Reader, page: PageId) -> Path:
    found: Path = []
    here: Known | None = known(view, page)
    while here is not None and here.epoch is not None:
        carrier, at = page_row(view, here.epoch), known(view, here.epoch)
        assert carrier is not None
        assert at is not None
        epoch = epoch_on(carrier.payload, at.scope, at.level if at.number else None)
        assert epoch is not None
        found.append((at.number, epoch))
        here = known(view, at.prev) if at.prev is not None else None
    return found[::-1]


def _seats_along(path: Path) -> dict[Key, tuple[int, tuple[Tip, ...] | None]]:
    """Return each key that ever had a seat: since which page it is as it is, and its cuts when it was dropped."""
    found: dict[Key, tuple[int, tuple[Tip, ...] | None]] = {}
    for number, epoch in path:
        for key in epoch.keys:
            if key not in found or found[key][1] is not None:
                found[key] = (number, None)
        for key in found.keys() - epoch.keys:
            if found[key][1] is None:
                found[key] = (number, epoch.cuts)
    return found


def _lowest(dropped: list[tuple[Tip, ...]]) -> list[Tip]:
    """Return the tips that all epochs that drop a key leave to it: of a log, those of whichever leaves the least."""
    if len(dropped) < 2:
        return [tip for tips in dropped for tip in tips]
    kept: list[Tip] = []
    for log in set.intersection(*({tip.log for tip in tips} for tips in dropped)):
        choices = [sorted((tip.seq, tip.id) for tip in tips if tip.log == log) for tips in dropped]
        kept.extend(Tip(log, seq, id_) for seq, id_ in min(choices))
    return kept
