"""Logs of plans and facts that the book has to say a word on: which there are, what it says, and the entry that does.

Those that forked, of which one branch can hold; and those of facts that a recall cut, of which the book can take up more.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fedsync.crdt.books.booktables import DISPLACED, SETTLES, status
from fedsync.crdt.logs.seats import Cut
from fedsync.crdt.logs.settling import Settled, settled
from fedsync.crdt.logs.standing import bound_of
from fedsync.errors import refused
from fedsync.picking import SHORTEST, begins, the_one
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, LogClass, LogId, PageId, RecordId, Scope


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a forked log, as far as it is held here."""

    seq: int
    id: RecordId
    """Its last record here."""


@dataclass(frozen=True, slots=True)
class Forked:
    """A log with two branches: whoever holds its key signed two different records at `fork`; or one that a recall cut."""

    log: LogId
    scope: Scope
    key: Key
    log_class: LogClass
    fork: int | None
    """None: it has one branch only, and a recall, closing or replacement keeps less of it than is here."""
    branches: tuple[Branch, ...]
    """The longest first."""
    settled: Settled | None
    """What the book of its body says, once that is sealed."""
    pages: tuple[PageId, ...]
    """Open pages that would settle it."""

    def command(self) -> str:
        """Return what to type to let one branch hold."""
        longest = self.branches[0].id.hex()[:8]
        return f"fedsync bodies settle {self.log.hex()[:8]} --branch {longest} --as NAME"


def forked_logs(reading: Reading) -> Iterator[Forked]:
    """Yield the forked logs of bodies that are followed here; of authority logs every branch counts."""
    for log in reading.store.logs.forked():
        found = forked_log(reading, log)
        if found is not None:
            yield found


def forked_log(reading: Reading, log: LogId) -> Forked | None:
    """Return how it stands with a log, None when it is not forked or every branch of it counts."""
    row, fork = reading.store.logs.row(log), reading.store.logs.fork_at(log)
    if row is None or fork is None or row.genesis.log_class is LogClass.AUTHORITY:
        return None
    return _standing(reading, row.genesis, fork)


def _standing(reading: Reading, genesis: Genesis, fork: int | None) -> Forked:
    log, scope = genesis.log, genesis.scope
    branches = [Branch(head.seq, head.id) for head in reading.store.logs.heads(log)]
    pages = [
        PageId(key[2])  # type: ignore[arg-type]
        for key, cells in reading.view.scan(SETTLES, (scope,))
        if cells[0] == log and _is_open(reading, scope, PageId(key[2]))  # type: ignore[arg-type]
    ]
    return Forked(
        log,
        scope,
        genesis.key,
        genesis.log_class,
        fork,
        tuple(branches),
        settled(reading.view, scope, log),
        tuple(pages),
    )


def _is_open(reading: Reading, scope: Scope, page: PageId) -> bool:
    at = status(reading.view, scope, page)
    return at is not None and at.status not in ("sealed", DISPLACED)


def find_forked(reading: Reading, asked: str) -> Forked:
    """Return the log whose id begins so: a forked one, or one of facts that a recall cut.

    Raises a Problem: exit 6, or 7 for a log of which all counts.
    """
    forked = [each for each in forked_logs(reading) if begins(asked, each.log.hex())]
    if not forked and len(asked) >= SHORTEST:
        forked = list(_cut_logs(reading, asked))
    if not forked and len(asked) >= SHORTEST and _is_log(reading, asked):
        raise refused(
            "not_forked",
            f"The log {asked} has no two branches here, and no recall cuts it: there is nothing to settle.",
            "See which have: fedsync status",
        )
    return the_one("forked log", asked, forked, lambda each: each.log.hex()[:12], "fedsync status")


def _cut_logs(reading: Reading, asked: str) -> Iterator[Forked]:
    """Yield the logs of facts whose id begins so, whose mandate is ended."""
    try:
        found = reading.store.logs.starting(bytes.fromhex(asked[: len(asked) // 2 * 2]))
    except ValueError:
        return
    for log in found:
        row = reading.store.logs.row(log)
        if row is None or not begins(asked, log.hex()) or row.genesis.log_class is not LogClass.FACTS:
            continue
        bound = bound_of(reading.view, row.genesis)
        if row.genesis.mandate is not None and isinstance(bound, Cut) and not bound.nothing:
            yield _standing(reading, row.genesis, None)


def _is_log(reading: Reading, asked: str) -> bool:
    try:
        return bool(reading.store.logs.starting(bytes.fromhex(asked[: len(asked) // 2 * 2])))
    except ValueError:
        return False


def settle_entry(reading: Reading, forked: Forked, asked: str) -> tuple[dict[str, Value], int]:
    """Return the entry that lets the chain of a record hold, and how many records after it count no more by it.

    `asked`: the beginning of the record's id. Raises a Problem (exit 6 or 7).
    """
    if forked.settled is not None:
        raise refused(
            "settled",
            f"The book has settled this log already: the branch up to record {forked.settled.id.hex()[:8]} holds, for good.",
            f"See: fedsync why {forked.settled.page.hex()[:8]}",
        )
    try:
        found = [each for each in reading.store.blocks.find_prefix(asked) if each.log == forked.log]
    except ValueError:
        found = []  # Not the beginning of any id.
    branches = ", ".join(f"{each.id.hex()[:8]} (record {each.seq})" for each in forked.branches)
    record = the_one(
        "record of this log",
        asked,
        found,
        lambda each: each.id.hex()[:12],
        f"fedsync why {forked.log.hex()[:8]}",
    )
    if forked.fork is not None and record.seq < forked.fork:
        raise refused(
            "on_every_branch",
            f"Record {record.id.hex()[:8]} is on every branch: it chooses none.",
            f"The branches end here with: {branches}.",
        )
    on = [each.seq for each in forked.branches if _is_on(reading, forked.log, record.seq, record.id, each)]
    entry: dict[str, Value] = {"kind": "settle", "log": forked.log, "seq": record.seq, "id": record.id}
    return entry, max(on, default=record.seq) - record.seq


def _is_on(reading: Reading, log: LogId, seq: int, id_: RecordId, branch: Branch) -> bool:
    """Say whether a record is on the chain of a branch."""
    at, end = branch.id, branch.seq
    while end >= seq:
        block = next(
            each
            for each in reading.store.logs.blocks(log, end)
            if each.first <= end and each.ids[end - each.first] == at
        )
        if block.first <= seq:
            return block.ids[seq - block.first] == id_
        at, end = block.prev, block.first - 1
    return False
