"""Which branch of a forked log holds: what the sealed pages of its own body say. Touches a draft only.

A `settle` entry names a record of a plan or fact log of its own body; from the moment its page is sealed, the chain of
that record counts and nothing else of the log does, whether or not a fork is known here: nodes that hold different
branches must come to one state. In book order the first entry for a log holds; a later one changes nothing.
"""

from typing import NamedTuple

from fedsync.crdt.books.booktables import SEALED, SETTLED, SETTLES, Reader, status
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.view import Draft, Row
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope
from fedsync.records.kinds.entries import Settle


class Settled(NamedTuple):
    """The last record of the chain that holds, and the entry that says so."""

    seq: int
    id: RecordId
    page: PageId
    entry: int


def note_settle(draft: Draft, scope: Scope, number: int, page: PageId, index: int, entry: Settle) -> None:
    """Write down a settle entry of a known page, sealed or not."""
    draft.put(SETTLES, (scope, number, page, index), (entry.log, entry.seq, entry.id))


def settled(view: Reader, scope: Scope, log: LogId) -> Settled | None:
    """Return what the body's sealed book says of a log of its own, None when it says nothing."""
    row = view.get(SETTLED, (scope, log))
    return settled_row(row) if row else None


def settled_row(row: Row) -> Settled:
    """Return what a row of `settled` says."""
    return Settled(*row)  # type: ignore[arg-type]


def resettle(draft: Draft, scope: Scope) -> set[tuple[Scope, Key]]:
    """Work out anew which branches hold in a body; return the keys whose facts may count otherwise."""
    new: dict[LogId, Settled] = {}
    sealed: dict[PageId, bool] = {}
    for key, row in draft.scan(SETTLES, (scope,)):
        page, index = PageId(key[2]), int(key[3])  # type: ignore[arg-type]
        if page not in sealed:
            at = status(draft, scope, page)
            sealed[page] = at is not None and at.status == SEALED
        if sealed[page]:
            new.setdefault(LogId(row[0]), Settled(int(row[1]), RecordId(row[2]), page, index))  # type: ignore[arg-type]
    old = {LogId(key[1]): settled_row(row) for key, row in draft.scan(SETTLED, (scope,))}  # type: ignore[arg-type]
    changed = [log for log in old.keys() | new.keys() if old.get(log) != new.get(log)]
    for log in changed:
        if log in new:
            draft.put(SETTLED, (scope, log), tuple(new[log]))
        else:
            draft.drop(SETTLED, (scope, log))
    rows = [draft.get(COUNTED_LOGS, (log,)) for log in changed]
    return {
        (found.scope, found.key) for found in map(counted_log, filter(None, rows)) if found.scope == scope
    }
