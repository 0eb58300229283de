"""Auditing a body: working its book out again from the records, beside what a certificate and the kept state say.

Reads a store, changes nothing. The books that are worked out are the body's, those of the bodies that have seats in it, of
theirs, and of those that witness its splits: all that it can depend on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fedsync.again import Beside, numbers
from fedsync.crdt import fold
from fedsync.crdt.books.booktables import (
    ADOPTED,
    DRAFTED,
    SEALED,
    book,
    is_outside,
    known,
    page_row,
    status,
)
from fedsync.crdt.books.certificate import Certified
from fedsync.crdt.books.epoch import epoch_on
from fedsync.crdt.books.minutes import current_epoch, page_ids
from fedsync.crdt.root import note
from fedsync.crdt.view import Draft, MemoryView
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.ids import Extent, LogClass, PageId, Scope

BATCH_BLOCKS = 256


@dataclass(slots=True)
class Audit:
    """What came of it. Nothing missing and nothing different: the same."""

    bodies: int = 0
    """How many books were worked out again."""
    records: int = 0
    number: int | None = None
    """The last sealed page by the records; None when there is no book."""
    head: PageId | None = None
    missing: list[str] = field(default_factory=list)
    """What has to come before it can be told, a sentence each."""
    unknown: set[PageId] = field(default_factory=set)
    """Bodies whose books are needed and are not followed here."""
    differences: list[str] = field(default_factory=list)


def audit(reading: Reading, body: PageId, certified: Certified | None = None) -> Audit:
    """Work a body's book out again and compare it with a certificate, if given, and with the state that is kept."""
    found = Audit()
    followed = reading.store.followed.all()
    scopes = {each.body: each.scope for each in followed}
    outside = {each.body for each in followed if each.extent < Extent.ALL}
    if body not in scopes:
        found.missing.append("this node does not follow that body")
        found.unknown.add(body)
        return found
    scope = scopes[body]
    if certified is not None:
        # Pages and signatures lie in the logs of its members' people, and their mandates in the members' books.
        for member in certified.epoch.members.union(*(each.epoch.members for each in certified.proven)):
            if member not in scopes:
                _lack(found, member)
    # One state of the file: a daemon may write meanwhile, and must not be taken for damage.
    with reading.store.snapshot():
        view = _work_out(reading, body, scopes, outside, found)
        at = book(view, scope)
        if at is None:
            found.missing.append("the first page of its book has not come")
            return found
        found.number, found.head = at.number, at.head
        if is_outside(view, scope) and _seats_are_bodies(view, scope):
            found.missing.append(
                "of this body only the book is followed here: who signed for the bodies that have seats cannot be told"
            )
        if at.frozen:
            found.missing.append(
                f"its book is split after page {at.number}, and nothing says yet which side holds"
            )
        if certified is not None:
            _beside_certificate(view, scope, certified, found)
        _beside_state(reading, view, scope, found)
    return found


def _work_out(
    reading: Reading, body: PageId, scopes: dict[PageId, Scope], outside: set[PageId], found: Audit
) -> MemoryView:
    view = _folded(reading, scopes[body], found)
    todo, seen = [body], {body}
    while todo:
        here = todo.pop()
        draft = Draft(view)
        fold.apply_bind(draft, scopes[here], here, here in outside)
        note(draft)
        view.commit(draft.changes)
        found.bodies += 1
        for other, seated in _leans_on(view, scopes[here]):
            if other in seen:
                continue
            seen.add(other)
            if other in scopes:
                todo.append(other)
            elif seated:
                _lack(found, other)
    for other in sorted(seen & scopes.keys() - {body}):
        if book(view, scopes[other]) is None:
            found.missing.append(f"the first page of the body {other.hex()[:8]} has not come")
    return view


def _seats_are_bodies(view: MemoryView, scope: Scope) -> bool:
    """Say whether bodies have a seat by any sealed epoch of a book."""
    return any(seated for _, seated in _leans_on(view, scope))


def _lack(found: Audit, body: PageId) -> None:
    if body not in found.unknown:
        found.unknown.add(body)
        found.missing.append(f"the book of the body {body.hex()[:8]}, which has a seat, is not followed here")


def _folded(reading: Reading, scope: Scope, found: Audit) -> MemoryView:
    """Fold all that books are made of, and the facts of one body. No body is followed yet.

    Pages and voices of one body may lie in logs of any other, so all logs of pages and voices are read.
    """
    view = Beside(reading.view)
    batch: list[Block] = []
    for number, block in reading.store.since(0):
        genesis = block.genesis
        if genesis.log_class is LogClass.AUTHORITY or genesis.scope == scope:
            batch.append(block)
            found.records += block.count
        if number % BATCH_BLOCKS == 0:
            _take(reading, view, batch)
            batch.clear()
    _take(reading, view, batch)
    return view


def _take(reading: Reading, view: MemoryView, blocks: list[Block]) -> None:
    draft = Draft(view)
    for block in blocks:
        fork = reading.store.logs.fork_at(block.log)
        if fork is not None and block.genesis.log_class is not LogClass.AUTHORITY:
            fold.apply_fork(draft, block.log, fork)
    fold.apply_blocks(draft, blocks)
    note(draft)
    view.commit(draft.changes)


def _leans_on(view: MemoryView, scope: Scope) -> Iterator[tuple[PageId, bool]]:
    """Yield the bodies that the epochs of a book name: with a seat, or as its witness."""
    for page, _ in page_ids(view, scope):
        here, held = known(view, page), page_row(view, page)
        assert here is not None
        assert held is not None
        epoch = epoch_on(held.payload, scope, here.level if here.number else None)
        if epoch is None:
            continue
        at = status(view, scope, page)
        counts = at is not None and at.status in (SEALED, ADOPTED)
        for member in sorted(epoch.members):
            yield member, counts
        if isinstance(epoch.witness, bytes) and len(epoch.witness) == 32:
            yield PageId(epoch.witness), False


def _beside_certificate(view: MemoryView, scope: Scope, certified: Certified, found: Audit) -> None:
    sealed = {number: page for page, number in page_ids(view, scope) if _is_sealed(view, scope, page)}
    lacking: list[int] = []
    waiting: list[int] = []
    for number, page in enumerate(certified.ids, certified.first):
        at = status(view, scope, page)
        if number in sealed and sealed[number] != page:
            found.differences.append(
                f"page {number} of the certificate is {page.hex()[:8]}, and by the records "
                f"{sealed[number].hex()[:8]} is sealed there"
            )
            return
        if at is None:
            lacking.append(number)
        elif at.status in (DRAFTED, ADOPTED):
            waiting.append(number)
        elif at.status != SEALED:
            found.differences.append(f"page {number} of the certificate is {at.status} by the records")
            return
    if lacking:
        found.missing.append(f"{_pages(lacking)} of the certificate {_have(lacking)} not come")
    if waiting:
        found.missing.append(f"voices that seal {_pages(waiting)} of the certificate have not come")
    if lacking or waiting:
        return
    epoch = current_epoch(view, scope, certified.head)
    if epoch is None:
        found.missing.append(f"who speaks after page {certified.number} waits for the books of other bodies")
    elif epoch != certified.epoch:
        found.differences.append(f"who speaks after page {certified.number} is another by the records")


def _is_sealed(view: MemoryView, scope: Scope, page: PageId) -> bool:
    at = status(view, scope, page)
    return at is not None and at.status == SEALED


def _beside_state(reading: Reading, view: MemoryView, scope: Scope, found: Audit) -> None:
    for table in fold.TABLES:
        if not table.rooted or table.key[0] != "scope":
            continue
        kept = {key: numbers(row) for key, row in reading.view.scan(table, (scope,))}
        said = {key: numbers(row) for key, row in view.scan(table, (scope,))}
        wrong = sum(kept.get(key) != said.get(key) for key in kept.keys() | said.keys())
        if wrong:
            found.differences.append(
                f"{wrong} rows of {table.name} that are kept here are not what the records say"
            )


def _pages(pages: list[int]) -> str:
    if len(pages) == 1:
        return f"page {pages[0]}"
    if pages == list(range(pages[0], pages[-1] + 1)):
        return f"pages {pages[0]} to {pages[-1]}"
    return f"{len(pages)} pages from {pages[0]} to {pages[-1]}"


def _have(pages: list[int]) -> str:
    return "has" if len(pages) == 1 else "have"
