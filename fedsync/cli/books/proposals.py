"""What waits for people in bodies of bodies: changes to consent to, changes that may be drafted, seats that were left."""

from collections.abc import Iterator
from shlex import quote
from typing import Any

from fedsync.acts.books.whose import sits
from fedsync.crdt.books.booktables import DRAFTED, STATUSES, known
from fedsync.crdt.books.consents import Asked, asked, is_proposal
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.naming import Naming, short
from fedsync.crdt.books.whypages import delegates_of
from fedsync.reading import Reading
from fedsync.records.ids import PageId
from fedsync.store.peers import FollowedBody

Json = dict[str, Any]


def proposals(reading: Reading, called: Naming) -> Iterator[Json]:
    """Yield what our community may consent to, and what may be drafted now that enough have."""
    own = reading.own()
    for body in _above(reading):
        for page in _proposed(reading, body):
            found = asked(reading.view, page)
            if found is not None:
                yield from _row(called, own, body, page, found)


def left(reading: Reading, called: Naming) -> Iterator[Json]:
    """Yield the seats of bodies that we sit in whose holders have left, by their own books."""
    own = reading.own()
    for body in _above(reading):
        try:
            epoch = current_epoch(reading.view, body.scope, newest(reading.view, body.scope))
        except CannotDraft:
            continue
        if epoch is None or own.body not in epoch.members:
            continue
        for other in reading.store.followed.all():
            if other.body in epoch.members and sits(reading, other.scope, body.body) == "left":
                if delegates_of(reading.view, other.body, body.body):
                    continue  # Leaving is undone by sending somebody.
                name, gone = called.book(body.scope), called.book(other.scope)
                yield {
                    "kind": "left",
                    "body": body.body.hex(),
                    "seat": other.body.hex(),
                    "line": f"{gone} has left {name}; its seat there is empty",
                    "next": f"fedsync bodies epoch --body {quote(name)} --drop-body {quote(gone)} --as NAME",
                }


def _above(reading: Reading) -> Iterator[FollowedBody]:
    """Yield the bodies that others can sit in; a community's book is not even looked into."""
    for body in reading.store.followed.all():
        here = known(reading.view, body.body)
        if here is not None and here.level:
            yield body


def _proposed(reading: Reading, body: FollowedBody) -> Iterator[PageId]:
    for key, row in reading.view.scan(STATUSES, (body.scope,)):
        page = PageId(key[1])  # type: ignore[arg-type]
        if row[1] == DRAFTED and is_proposal(reading.view, page):
            yield page


def _row(called: Naming, own: FollowedBody, body: FollowedBody, page: PageId, found: Asked) -> Iterator[Json]:
    name = called.book(body.scope)
    row: Json = {"kind": "consent", "body": body.body.hex(), "page": page.hex()}
    if len(found.certified) >= found.needed:
        yield row | {
            "kind": "consented",
            "line": f"enough have consented to the change of {name} ({short(page)})",
            "next": f"fedsync bodies epoch --body {quote(name)} --from {short(page)} --as NAME",
        }
    elif own.body in found.silent:
        yield row | {
            "line": f"a change of {name} ({short(page)}) waits for our consent",
            "next": f"fedsync bodies consent {short(page)} --as NAME",
        }
