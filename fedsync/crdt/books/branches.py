"""Where a record stands in its log when the log may have forked. Touches the tables of authority logs only.

Both branches of a forked authority log count, each by what its own chain says. So what came before a record is not
what has a lower seq, but what is on its chain: a branch remembers which branch it left, and where.
"""

from typing import NamedTuple

from fedsync.crdt.books.booktables import BRANCHES, LAST_VOICE, VOICES, Reader, RecordRow, record_row
from fedsync.crdt.view import Draft
from fedsync.records.ids import ZERO_ID, LogId, PageId, RecordId


class OutOfOrder(ValueError):
    """A record came before the one that it follows. The program that feeds the fold is at fault."""


class Branch(NamedTuple):
    """A run of a log: it left `parent` after seq `fork`, and has come to `tip`."""

    parent: int
    fork: int
    tip: RecordId
    tip_seq: int


def place(draft: Draft, log: LogId, seq: int, prev: RecordId, record: RecordId) -> int | None:
    """Return the branch that a record stands on, opened when the record forks its log; None when it is placed already.

    Moves the branch's tip.
    """
    trunk = draft.get(BRANCHES, (log, 0))
    if trunk is not None and trunk[2] == prev:
        # A tip only moves on, so what follows it is new: nearly every record, and none is looked up for it.
        draft.put(BRANCHES, (log, 0), (trunk[0], trunk[1], record, seq))
        return 0
    if record_row(draft, record) is not None:
        return None
    if prev == ZERO_ID:
        number, branch = 0, Branch(-1, -1, record, seq)
    else:
        before = record_row(draft, prev)
        if before is None:
            raise OutOfOrder("a log is folded from its genesis on, each record after the one before it")
        number = before.branch
        branch = _branch(draft, log, number)
        if branch.tip == prev:
            branch = branch._replace(tip=record, tip_seq=seq)
        else:
            branch = Branch(number, before.seq, record, seq)
            number = sum(1 for _ in draft.scan(BRANCHES, (log,)))
    draft.put(BRANCHES, (log, number), tuple(branch))
    return number


def last_voice(draft: Draft, log: LogId, branch: int, slot: PageId) -> RecordId | None:
    """Return the last record on the branch's chain that speaks in `slot`, None when there is none."""
    limit: int | None = None
    while True:
        row = draft.get(LAST_VOICE, (log, branch, slot))
        if row is not None:
            return _upto(draft, slot, RecordId(row[0]), limit)  # type: ignore[arg-type]
        here = _branch(draft, log, branch)
        if here.parent < 0:
            return None
        limit = here.fork if limit is None else min(limit, here.fork)
        branch = here.parent


def on_chain(view: Reader, record: RecordRow, tip: RecordRow) -> bool:
    """Say whether a record is on the chain that ends with `tip`, of the same log."""
    branch, limit = tip.branch, tip.seq
    while branch != record.branch:
        here = _branch(view, tip.log, branch)
        if here.parent < 0:
            return False
        branch, limit = here.parent, min(limit, here.fork)
    return record.seq <= limit


def _upto(draft: Draft, slot: PageId, record: RecordId | None, limit: int | None) -> RecordId | None:
    """Walk back along the chain's voices in `slot` to the last at or before seq `limit`."""
    while record is not None and limit is not None:
        at = record_row(draft, record)
        assert at is not None
        if at.seq <= limit:
            break
        voice = draft.get(VOICES, (slot, at.log, at.seq, record))
        assert voice is not None
        record = voice[4]  # type: ignore[assignment]
    return record


def _branch(draft: Reader, log: LogId, number: int) -> Branch:
    row = draft.get(BRANCHES, (log, number))
    assert row is not None
    return Branch(*row)  # type: ignore[arg-type]
