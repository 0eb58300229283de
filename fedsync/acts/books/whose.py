"""Who is meant: people of other communities by name, and which node serves a body. Reads; writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

from fedsync.crdt.books.booktables import ACTS, POSTS, SEALED, status
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.people import names
from fedsync.errors import not_found, refused, usage
from fedsync.picking import the_one
from fedsync.reading import Reading
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Key, LogClass, PageId, Reach, Scope
from fedsync.records.kinds.authority import NODE_ROLE
from fedsync.records.kinds.entries import JOIN, LEAVE, Join, Leave, NodeSealer
from fedsync.store.peers import FollowedBody


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a community, who may have a seat elsewhere: the log follows from the key and the incarnation."""

    name: str
    home: FollowedBody
    key: Key
    incarnation: bytes

    def seat(self, scope: Scope) -> Genesis:
        """Return the log in which they speak in the book with this founding tag."""
        return Genesis(self.key, scope, SEAT, LogClass.AUTHORITY, Reach.WORLD, self.incarnation)


def person_at(reading: Reading, asked: str) -> Person:
    """Return the person written as PERSON@COMMUNITY; without a community, of our own. Raises a Problem (exit 6)."""
    name, home, key = key_at(reading, asked)
    incarnation = _incarnation(reading, home, key)
    if incarnation is None:
        raise not_found(
            f"log of {name} in {reading.name_of(home.scope)}",
            "yet",
            "Its records may not have come: fedsync status",
        )
    return Person(name, home, key, incarnation)


def key_at(reading: Reading, asked: str) -> tuple[str, FollowedBody, Key]:
    """Return what a person written as PERSON@COMMUNITY is called there, that body, and their key. Raises a Problem (exit 6)."""
    name, at, where = asked.rpartition("@")
    if not at:
        name, where = asked, ""
    if not name.strip() or (at and not where.strip()):
        raise usage(f"{asked} is nobody.", 'Write "PERSON@COMMUNITY", as in "Ann@Mill Lane".')
    home = reading.body(where.strip()) if at else reading.own()
    called = names(reading.view, home.scope)
    found = [key for key, each in called.items() if each.casefold() == name.strip().casefold()]
    place = reading.name_of(home.scope)
    key = the_one(
        f"person in {place} called", name.strip(), found, lambda key: key.hex()[:8], "fedsync bodies show all"
    )
    return called[key], home, key


def _incarnation(reading: Reading, home: FollowedBody, key: Key) -> bytes | None:
    """Return where a person of a community writes from: by their seat, else by their newest log of pages."""
    try:
        epoch = current_epoch(reading.view, home.scope, newest(reading.view, home.scope))
    except CannotDraft:
        epoch = None
    for seat in epoch.seats.values() if epoch is not None else ():
        if seat.key == key:
            return seat.genesis.incarnation
    found = []
    for log in reading.store.logs.named(home.scope, key):
        row = reading.store.logs.row(log)
        if row is not None and row.genesis.log_class is LogClass.AUTHORITY:
            found.append((reading.store.logs.created(log), row.genesis.incarnation))
    return max(found)[1] if found else None


def node_of(reading: Reading, member: FollowedBody, joining: PageId | None = None) -> NodeSealer:
    """Return the node that serves a body: as its book says it joins `joining`, else by its people's last word.

    Raises a Problem (exit 7) when none is known.
    """
    found = max(nodes_of(reading, member, joining), default=None)
    if found is None:
        raise refused(
            "no_node",
            f"No node of {reading.name_of(member.scope)} is known here.",
            "Say whose node seals for it, with --node (see --help). Or its records have not come yet: fedsync peers list",
        )
    return NodeSealer(Key(found[2]), found[3])


def nodes_of(
    reading: Reading, member: FollowedBody, joining: PageId | None = None
) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield the nodes that a body ever named: how much the word counts, when, key and incarnation."""
    for number, entry in said_of(reading, member.scope, joining):
        if isinstance(entry, Join) and entry.node is not None:
            yield 1, number, entry.node.key, entry.node.incarnation
    for key, cells in reading.view.scan(POSTS, (member.scope, NODE_ROLE)):
        yield 0, int(cells[2]), bytes(key[2]), bytes(cells[0])  # type: ignore[arg-type]


def said_of(reading: Reading, scope: Scope, body: PageId | None) -> Iterator[tuple[int, Join | Leave]]:
    """Yield where a body's sealed book says that it joins another, or leaves it, with the page's number."""
    for key, cells in reading.view.scan(ACTS, (scope,)) if body is not None else ():
        if cells[0] not in (JOIN, LEAVE):
            continue
        page = PageId(key[2])  # type: ignore[arg-type]
        entry, at = entry_at(reading.view, page, int(key[3])), status(reading.view, scope, page)
        if isinstance(entry, Join | Leave) and entry.body == body and at is not None and at.status == SEALED:
            yield int(key[1]), entry


def sits(reading: Reading, scope: Scope, body: PageId) -> str:
    """Return what a body's sealed book says last of its seat in another: "joined", "left" or "silent"."""
    word = "silent"
    for _, entry in said_of(reading, scope, body):
        word = "joined" if isinstance(entry, Join) else "left"
    return word
