"""Loans: who has what since when, and what it takes out of the store. The fold touches a draft only; the rest reads a view.

A thing that is lent is somewhere else and still ours: it is less on hand, and never less by right. Its return brings
back all that the loan took, whoever writes it and whichever of the two is known first. Of several returns of one loan
the one that says the earliest time holds, of equals the one with the smallest id; the others are kept, shown and bring
nothing. A return that says an earlier time than its loan is taken as of the same moment: in between it would be there twice.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.goods import sums
from fedsync.crdt.goods.balances import bring_in, recompute
from fedsync.crdt.goods.facts import Moves
from fedsync.crdt.goods.tables import BALANCES, balance, balance_row
from fedsync.crdt.logs.sayings import Parsers, sayings
from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.view import Draft, KeyRow, Row
from fedsync.crdt.work.lendingtables import LOANS, RETURNS, LoanRow, ReturnRow, loan_row, return_row
from fedsync.records.block import Block, Record
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogId, PayloadId, RecordId
from fedsync.records.kinds.fields import plain
from fedsync.records.kinds.lending import LOAN, Loan, Returned, parse_loan

Said: TypeAlias = Loan | Returned
Key: TypeAlias = tuple[Realm, bytes, int, bytes]
"""Where a loan stands: realm, log, seq and id."""

PARSERS: Parsers[Said] = {LOAN: parse_loan}


class Loans:
    """What loans make of logs of facts."""

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Write down what a stretch of a block lends and brings back."""
        realm = realm_of(block.genesis)
        for record, said in sayings(block, PARSERS, first, stop):
            match said:
                case Loan():
                    key, row = _loan_row(realm, record, said)
                    with _Moving(draft, key):
                        draft.put(LOANS, key, row)
                case Returned():
                    with _Moving(draft, _named(realm, said)):
                        draft.put(RETURNS, *_return_row(realm, record, said))

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Strike out all that a log lent and brought back."""
        realm = realm_of(genesis)
        for block in draft.blocks(genesis.log):
            for record, said in sayings(block, PARSERS):
                match said:
                    case Loan():
                        key, _ = _loan_row(realm, record, said)
                        with _Moving(draft, key):
                            draft.drop(LOANS, key)
                    case Returned():
                        with _Moving(draft, _named(realm, said)):
                            draft.drop(RETURNS, _return_row(realm, record, said)[0])


def _loan_row(realm: Realm, record: Record, said: Loan) -> tuple[Key, Row]:
    row = (said.store, said.item, said.lot or b"", said.to, said.quantity, said.at, said.due)
    return (realm, record.log, record.seq, record.id), (*row, said.booking or b"")


def _return_row(realm: Realm, record: Record, said: Returned) -> tuple[KeyRow, Row]:
    words = "" if said.condition is None else plain(said.condition)
    return (*_named(realm, said), said.at, record.id), (record.log, record.seq, words)


def _named(realm: Realm, said: Returned) -> Key:
    return (realm, *said.loan)


# --- What it does to the store ------------------------------------------------------------------------------


class Custody(NamedTuple):
    """Things that left a store, or came back to it, and were the body's own all the time. `at` is in ms."""

    by: RecordId
    """The loan or the return that says so."""
    store: PayloadId
    item: PayloadId
    lot: PayloadId
    at: int
    delta: int
    """What it does to what is on hand."""


class _Moving:
    """Around a change of one loan or of its returns: what it did to the store before gives way to what it does now."""

    def __init__(self, draft: Draft, key: Key) -> None:
        self._draft, self._key = draft, key
        self._before: list[Custody] = []

    def __enter__(self) -> None:
        self._before = custody(self._draft, self._key)

    def __exit__(self, *_: object) -> None:
        after = custody(self._draft, self._key)
        for each in self._before:
            if each not in after:
                _take_back(self._draft, self._key[0], each)
        for each in after:
            if each not in self._before:
                _move(self._draft, self._key[0], each)


def custody(view: Reader, key: Key) -> list[Custody]:
    """Return what a loan and the return that holds do to the store: nothing while the loan itself is not held."""
    row = view.get(LOANS, key)
    if row is None:
        return []
    loan = loan_row(key, row)
    pool = (loan.store, loan.item, loan.lot)
    found = [Custody(loan.id, *pool, loan.at, -loan.quantity)]
    back = returned(view, key)
    if back is not None:
        found.append(Custody(back.id, *pool, max(back.at, loan.at), loan.quantity))
    return found


def _move(draft: Draft, realm: Realm, moved: Custody) -> None:
    """Have the balance of a store know of it: on hand, and the other way round of what is there by right beyond that."""
    key = (realm, moved.store, moved.item, moved.lot)
    # Each stands in a run of its own, as if in a log named by its record: a log's own runs are taken out together, and
    # a return does not go with the log of its loan.
    bring_in(draft, key, LogId(moved.by), 0, 0, Moves([moved.at], [moved.delta], -moved.delta), ())


def _take_back(draft: Draft, realm: Realm, moved: Custody) -> None:
    key, log = (realm, moved.store, moved.item, moved.lot), LogId(moved.by)
    taken, row = sums.take_out(draft, key, log, {moved.at // sums.SPAN}), draft.get(BALANCES, key)
    assert taken is not None, "what was brought in is there"
    assert row is not None, "what was brought in is there"
    old = balance(row)
    left = old._replace(
        apart=old.apart - taken.apart,
        events=old.events - taken.events,
        told=old.told - taken.events,
        latest=sums.latest(draft, key) if old.latest == moved.at else old.latest,
    )
    draft.put(BALANCES, key, balance_row(left))
    # Nobody counted in a log of this name, so the last counts are what they were.
    recompute(draft, key)


# --- Who has what -------------------------------------------------------------------------------------------


MAX_CLASHES = 16
"""Loans of the same thing that are named beside each: somebody may write down thousands of one drill."""
ENDLESS = 2**60
"""Later than every time in ms."""


@dataclass(frozen=True, slots=True)
class Lent:
    """A loan, the return that holds, returns that came too late to count, and loans of the same thing at the same time."""

    loan: LoanRow
    back: ReturnRow | None
    again: tuple[ReturnRow, ...]
    clashes: tuple[RecordId, ...]

    @property
    def out(self) -> bool:
        """Say whether it is still out."""
        return self.back is None

    def overdue(self, now: int) -> bool:
        """Say whether it should be back by `now` (ms) and is not."""
        return self.back is None and self.loan.due is not None and self.loan.due < now

    @property
    def until(self) -> int | None:
        """When it was back, in ms; None: it is out."""
        return None if self.back is None else max(self.back.at, self.loan.at)


def returns(view: Reader, key: Key) -> list[ReturnRow]:
    """Return the returns of a loan, the one that holds first."""
    return [return_row(each, row) for each, row in view.scan(RETURNS, key)]


def returned(view: Reader, key: Key) -> ReturnRow | None:
    """Return the return of a loan that holds."""
    return next((return_row(each, row) for each, row in view.scan(RETURNS, key)), None)


def loans(view: Reader, realm: Realm) -> list[Lent]:
    """Return all loans, in the order in which things were handed over."""
    found: list[Lent] = []
    # A thing of its own, by its lot, can be at one place only. What has no lot is told apart by its number on hand.
    out: dict[tuple[bytes, bytes, bytes], list[Lent]] = {}
    clashes: dict[RecordId, list[RecordId]] = {}
    for key, row in view.scan(LOANS, (realm,)):
        back = returns(view, key)  # type: ignore[arg-type]
        found.append(Lent(loan_row(key, row), back[0] if back else None, tuple(back[1:]), ()))
    found.sort(key=lambda each: (each.loan.at, each.loan.id))
    for each in found:
        if not each.loan.lot:
            continue
        thing = (each.loan.store, each.loan.item, each.loan.lot)
        still = [one for one in out.get(thing, []) if one.until is None or one.until > each.loan.at]
        for one in still:
            for mine, other in ((one, each), (each, one)):
                named = clashes.setdefault(mine.loan.id, [])
                if len(named) < MAX_CLASHES:
                    named.append(other.loan.id)
        # Whoever is left out now has met as many as are named, and those that stay are out for longer.
        still = sorted([*still, each], key=lambda one: ENDLESS if one.until is None else one.until)
        out[thing] = still[-MAX_CLASHES - 1 :]
    return [Lent(each.loan, each.back, each.again, tuple(clashes.get(each.loan.id, ()))) for each in found]
