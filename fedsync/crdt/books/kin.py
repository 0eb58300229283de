"""Which bodies a community's own book makes kin, and who may have what stays within its region. Pure; reads a view.

A body is **in** another when its own sealed book joined that one, or sends it a delegate, and the other's epoch gives it a
seat: both say so. Its own word alone would let anybody into a region; the other's alone would let a made-up region claim it.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final

from fedsync.crdt.books.booktables import POSTS, Book, Known, Reader, book, children, known, page_row
from fedsync.crdt.books.epoch import Epoch, epoch_on
from fedsync.crdt.books.fellows import joined_or_left
from fedsync.crdt.books.nodes import ever_named
from fedsync.crdt.books.slotview import epoch_or_wait
from fedsync.records.ids import Extent, Key, PageId, Scope
from fedsync.records.kinds.authority import NODE_ROLE

PAGE_BYTES: Final = 32
MAX_PROPOSALS: Final = 64
"""Pages that are not sealed, and bodies that they would take in, of each body: anybody whom a page names may draft any number."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a body stands, by its sealed book up to `head`."""

    head: PageId
    body: PageId
    joined: frozenset[PageId]
    """What it joined or sent a delegate to, and has not left. Of a body of bodies it may be one that it took in."""
    left: frozenset[PageId]
    """What it left, and has not joined again."""
    named: frozenset[PageId]
    """The bodies that its newest epoch gives a seat, whether that epoch comes to hold or not."""
    members: frozenset[PageId]
    """The bodies that have a seat in it."""
    former: frozenset[PageId]
    """The bodies that any of its epochs gave a seat: they signed its earlier pages."""
    witness: PageId | None
    people: frozenset[Key]
    """The keys that have a seat in it."""


class Circles:
    """Who sits in what, by the books of one view. A book is read once, and again when it goes on."""

    def __init__(self) -> None:
        self._places: dict[Scope, Place] = {}

    def place(self, view: Reader, scope: Scope) -> Place | None:
        """Return where the body of this founding tag stands; None when its book is not held."""
        at = book(view, scope)
        if at is None:
            return None
        found = self._places.get(scope)
        if found is None or found.head != at.head or found.body != at.body:
            found, settled = _read(view, scope, at)
            if settled:
                self._places[scope] = found
        return found

    def of(self, view: Reader, body: PageId) -> Place | None:
        """Return where a body stands; None when its book is not held."""
        here = known(view, body)
        return self.place(view, here.scope) if here is not None else None

    def above(self, view: Reader, place: Place) -> list[PageId]:
        """Return the bodies that this one joined, by its own word."""
        return sorted(
            each for each in place.joined if each not in place.named and _is_above(view, each, place.body)
        )

    def circle(self, view: Reader, place: Place) -> frozenset[PageId]:
        """Return where what a body keeps to its region goes round: in the bodies it is in; in itself, if bodies sit in it."""
        return frozenset({place.body}) if place.named else self._in(view, place)

    def circles(self, view: Reader, place: Place) -> frozenset[PageId]:
        """Return all bodies in whose circle the nodes of this one are."""
        return self._in(view, place) | ({place.body} if place.named else frozenset())

    def _in(self, view: Reader, place: Place) -> frozenset[PageId]:
        """Return the bodies that this one is in: its book says so, and theirs."""
        return frozenset(
            above
            for above in self.above(view, place)
            if (there := self.of(view, above)) is not None and place.body in there.members
        )


def kin(view: Reader, own: PageId, circles: Circles | None = None) -> dict[PageId, Extent]:
    """Return the bodies that our own book makes kin, and how much of each is followed.

    Our own, the bodies that it is in and on up to the world, and whoever sits beside it: all. Who sits beside these further
    up, as foreign regions do, who witnesses what is followed whole, and whom a page that is not sealed would take in there:
    the book. Whether such a page may be signed is not known without it. And of who sat there once: what they signed then
    counts for ever, and nobody who comes later could work out the pages before it without their books.
    """
    circles = circles or Circles()
    found = {own: Extent.ALL}
    here = circles.of(view, own)
    if here is None:
        return found
    found |= dict.fromkeys(here.named, Extent.ALL)
    books = set(_proposed(view, here))
    near = True
    level = circles.above(view, here)
    while level:
        above: list[PageId] = []
        for body in level:
            found[body] = Extent.ALL
            there = circles.of(view, body)
            if there is not None:
                above += [each for each in circles.above(view, there) if each not in found]
                if near:
                    found |= dict.fromkeys(there.named, Extent.ALL)
                else:
                    books |= there.named
                books |= {there.witness} if there.witness is not None else set()
                books |= there.former
                books.update(_proposed(view, there))
        level, near = above, False
    return found | {body: Extent.BOOK for body in books if body not in found}


def has_region(view: Reader, own: PageId, circles: Circles | None = None) -> bool:
    """Say whether our own book joined anything: from then on it says what is followed, and no longer what peers announce."""
    circles = circles or Circles()
    here = circles.of(view, own)
    return here is not None and bool(circles.above(view, here))


@dataclass(frozen=True, slots=True)
class Circulation:
    """Who may have what goes only as far as a region, as the books say at one moment."""

    within: Mapping[Scope, frozenset[PageId] | None]
    """Of each body where that goes round; None: it is in no region."""
    naming: Mapping[Key, frozenset[Scope]]
    """The bodies that name a node; none that its own community has left, whether that names it still or not."""
    circles: Mapping[Scope, frozenset[PageId]]
    """Of each body that names nodes, in whose circles these are."""

    def near(self, key: Key, own: Scope | None, invited: bool) -> frozenset[Scope]:
        """Return of which bodies a node may have all.

        Those whose book names it, and those in a region with one that does. What is in no region goes to whoever was
        invited by hand, and so does our own.
        """
        naming = self.naming.get(key, frozenset())
        mine = frozenset[PageId]().union(*[self.circles[each] for each in naming])
        return frozenset(
            scope
            for scope, within in self.within.items()
            if scope in naming
            or (invited and (within is None or scope == own))
            or (within is not None and not within.isdisjoint(mine))
        )


def circulation(view: Reader, bodies: Iterable[Scope], circles: Circles | None = None) -> Circulation:
    """Return who may have what of these bodies goes only as far as a region."""
    circles = circles or Circles()
    within: dict[Scope, frozenset[PageId] | None] = {}
    for scope in bodies:
        place = circles.place(view, scope)
        in_none = place is None or not (place.named or circles.above(view, place))
        within[scope] = None if place is None or in_none else circles.circle(view, place)
    naming: dict[Key, set[Scope]] = {}
    once: dict[Key, set[Scope]] = {}
    for key, scope, now in _naming(view, circles):
        (naming if now else once).setdefault(key, set()).add(scope)
    places = {
        scope: place
        for scope in set[Scope]().union(*naming.values(), *once.values())
        if (place := circles.place(view, scope)) is not None
    }
    # A book that is not held names nobody.
    held = places.keys()
    kept = {
        key: _still(places, scopes & held, once.get(key, frozenset[Scope]()) & held)
        for key, scopes in naming.items()
    }
    return Circulation(within, kept, {scope: circles.circles(view, place) for scope, place in places.items()})


def _still(places: Mapping[Scope, Place], naming: Set[Scope], once: Set[Scope]) -> frozenset[Scope]:
    """Return the bodies that name a node, without those that it belongs to no more by the word of its own community.

    A body of bodies has nodes of its members seal for it, until a page of its own says otherwise. That page may take long,
    and who left is out at once: such a node may go on sealing, which takes only what goes to the world. Where no member
    names the node now, those that did so once say whether it belongs there: else who leaves need only name it no longer.
    """
    gone = set[Scope]()
    for scope in naming if len(naming) + len(once) > 1 else ():
        whole = places[scope]
        members = [places[each] for each in naming if places[each].body in whole.named]
        members = members or [places[each] for each in once if places[each].body in whole.named]
        # Not by the word of one of several: who left might name another's node, so as to shut it out until that one's joining is heard.
        if members and all(whole.body in each.left for each in members):
            gone.add(scope)
    return frozenset(naming - gone)


def _naming(view: Reader, circles: Circles) -> Iterator[tuple[Key, Scope, bool]]:
    """Yield the nodes that bodies name, by a book or by the word of somebody who has a seat; False: it was so once."""
    for scope, key, now in ever_named(view):
        yield key, scope, now
    for (tag, role, node, *_), cells in view.scan(POSTS):
        place = circles.place(view, Scope(tag)) if role == NODE_ROLE else None  # type: ignore[arg-type]
        if place is not None:
            yield Key(node), Scope(tag), cells[1] in place.people  # type: ignore[arg-type]


def _read(view: Reader, scope: Scope, at: Book) -> tuple[Place, bool]:
    """Return where a body stands, and whether that holds as long as its book goes no further."""
    here = known(view, at.head)
    assert here is not None
    stays = joined_or_left(view, scope)
    epoch, waits = epoch_or_wait(view, here)
    place = Place(
        head=at.head,
        body=at.body,
        joined=frozenset(body for body in stays if stays[body]),
        left=frozenset(body for body in stays if not stays[body]),
        named=_named(view, scope, here),
        members=epoch.members if epoch is not None else frozenset(),
        former=_ever_named(view, scope, here),
        witness=_witness(epoch),
        people=epoch.keys if epoch is not None else frozenset(),
    )
    return place, waits is None


def _proposed(view: Reader, place: Place) -> Iterator[PageId]:
    """Yield the bodies to which pages that are not sealed yet would give a seat."""
    open_, seen, found = [place.head], 0, set[PageId]()
    while open_ and seen < MAX_PROPOSALS:
        for page in children(view, open_.pop()):
            open_.append(page)
            seen += 1
            here = known(view, page)
            if here is not None and here.epoch == page:
                found |= _named(view, here.scope, here) - place.named
    yield from sorted(found)[:MAX_PROPOSALS]


def _named(view: Reader, scope: Scope, page: Known) -> frozenset[PageId]:
    carrier = page_row(view, page.epoch) if page.epoch is not None else None
    if carrier is None:
        return frozenset()
    epoch = epoch_on(carrier.payload, scope, page.level if carrier.number else None)
    return epoch.members if epoch is not None else frozenset()


def _ever_named(view: Reader, scope: Scope, page: Known) -> frozenset[PageId]:
    found: set[PageId] = set()
    at: Known | None = page
    while at is not None and at.epoch is not None:
        found |= _named(view, scope, at)
        carrier = known(view, at.epoch)
        at = known(view, carrier.prev) if carrier is not None and carrier.prev is not None else None
    return frozenset(found)


def _witness(epoch: Epoch | None) -> PageId | None:
    named = epoch.witness if epoch is not None else None
    # It may be named by its founding tag, which is shorter; then it is followed for another reason or not at all.
    return PageId(named) if named is not None and len(named) == PAGE_BYTES else None


def _is_above(view: Reader, body: PageId, of: PageId) -> bool:
    """Say whether a body is of a higher level than another, as far as their books are held."""
    there, here = known(view, body), known(view, of)
    if there is None or here is None or there.level is None or here.level is None:
        return True
    return there.level > here.level
