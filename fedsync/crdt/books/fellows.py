"""Which nodes belong to the bodies around ours, where they answer, and through whose book each came in. Pure; reads a view.

Around ours are: what our sealed book joined, what these joined, and so on up, and the members of all these. Their books
name their nodes, and who is named may connect. A node belongs to the group of a body when its book names it, or that of
a member; of a body in which ours sits only through another (the world, for a community) only bridges do: they
announced themselves where nodes beyond their own region hear it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Final, NamedTuple, TypeAlias

from fedsync.crdt.books.addresses import Announced, announced, bridges
from fedsync.crdt.books.booktables import ACTS, SEALED, Reader, book, known, status
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.nodes import named
from fedsync.crdt.books.slotview import epoch_in_force
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.entries import JOIN, LEAVE, MANDATE, Join, Leave, Mandate

MAX_ADMITTED: Final = 4096
"""Nodes that may connect because a book names them. Each costs an anchor of trust to prepare, a fifth of a ms."""
MAX_GROUPS: Final = 64
"""Bodies around ours of which groups are made. A book could join any number."""


class Fellow(NamedTuple):
    """A node that shares bodies with ours."""

    key: Key
    groups: tuple[tuple[Scope, bytes], ...]
    """What it shares with us, our own body first, then upwards; and the weight that it falls under there: the body whose
    book it came in by, or the key itself when the group's own book names it."""
    addresses: tuple[str, ...] = ()
    """Where it can be called; none: it calls."""
    relay: bool = False


class _Group(NamedTuple):
    """A body around ours with its members; `near`: our own body sits in it, not one that it sits in."""

    scope: Scope
    body: PageId
    members: tuple[tuple[Scope, PageId], ...]
    near: bool

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The body itself, and its members."""
        return self.scope, *(scope for scope, _ in self.members)


def joined(view: Reader, scope: Scope) -> set[PageId]:
    """Return the bodies that the sealed pages of a book joined, or sent a delegate to, and did not leave."""
    return {body for body, stays in joined_or_left(view, scope).items() if stays}


def joined_or_left(view: Reader, scope: Scope) -> dict[PageId, bool]:
    """Return the bodies that the sealed pages of a book joined, sent a delegate to, or left; False where it left last."""
    found: dict[PageId, bool] = {}
    for key, cells in view.scan(ACTS, (scope,)):
        page, index = PageId(key[2]), int(key[3])  # type: ignore[arg-type]
        if cells[0] not in (JOIN, LEAVE, MANDATE) or not _is_sealed(view, scope, page):
            continue
        match entry_at(view, page, index):
            case Join(body=body):
                found[body] = True
            case Mandate(seat=seat) if seat is not None:
                found[seat] = True
            case Leave(body=body):
                found[body] = False
    return found


class Around(NamedTuple):
    """The nodes of the bodies around ours."""

    admitted: Mapping[Key, Scope]
    """Who may connect because a book names them, each with the body nearest to ours that does."""
    fellows: Sequence[Fellow]
    """The same but our own node, sorted by key: what an overlay chooses from."""


def around(view: Reader, own: Scope, me: Key, also: Collection[Scope] = ()) -> Around:
    """Return the nodes of the bodies around ours. Each table is read once from end to end: there may be thousands.

    `also`: bodies that our own people founded or joined by their own word, as guilds of people from several communities.
    """
    groups = _groups(view, own, also)
    named = _named(view)
    admitted = _admitted(named, own, groups)
    near = {each.scope for each in groups if each.near}
    said = _said(view, named, own, groups)
    found: dict[Key, dict[Scope, bytes]] = {}
    at = book(view, own)
    if at is not None:
        for key in named.get(own, ()):
            found[key] = {own: bytes(at.body)}
    for group in groups:
        nodes = _nodes_of(named, group, said)
        if not group.near:
            afar = {
                key for scope in group.scopes for key in bridges(view, scope) if key in named.get(scope, ())
            }
            ours = {key for scope in near.intersection(group.scopes) for key in bridges(view, scope)} & afar
            if ours and me not in ours:
                continue  # Others of our region keep the links to other regions, and pass on what comes.
            nodes = {key: body for key, body in nodes.items() if key in afar}
        for key, body in nodes.items():
            found.setdefault(key, {})[group.scope] = body
    found.pop(me, None)
    fellows = [_fellow(key, of, said.get(key, {})) for key, of in sorted(found.items()) if key in admitted]
    return Around(admitted, fellows)


Named: TypeAlias = Mapping[Scope, Collection[Key]]
"""The nodes that each book names."""
Said: TypeAlias = dict[Key, dict[Scope, Announced]]
"""What nodes announced in the books that name them, and did not take back."""


def _named(view: Reader) -> Named:
    found: dict[Scope, dict[Key, None]] = {}
    for scope, key in named(view):
        found.setdefault(scope, {})[key] = None
    return found


def _admitted(named: Named, own: Scope, groups: Sequence[_Group]) -> dict[Key, Scope]:
    """Return who may connect: what our own book and those of our groups name, then of each other body one after another.

    There is an end to it, and no body can take the room of others by naming thousands.
    """
    near = [own, *(each.scope for each in groups if each.near)]
    others = dict.fromkeys(scope for each in groups for scope in each.scopes)
    rows = [(scope, list(named.get(scope, ()))) for scope in others if scope not in near]
    turns = chain.from_iterable(zip_longest(*([(scope, key) for key in keys] for scope, keys in rows)))
    found: dict[Key, Scope] = {}
    for turn in chain(((scope, key) for scope in near for key in named.get(scope, ())), turns):
        if turn is not None and len(found) < MAX_ADMITTED:
            found.setdefault(turn[1], turn[0])
    return found


def _said(view: Reader, named: Named, own: Scope, groups: Iterable[_Group]) -> Said:
    scopes = {own, *(scope for each in groups for scope in each.scopes)}
    found: Said = {}
    for (scope, key), each in announced(view).items():
        if scope in scopes and each.addresses and key in named.get(scope, ()):
            found.setdefault(key, {})[scope] = each
    return found


def _nodes_of(named: Named, group: _Group, said: Said) -> dict[Key, bytes]:
    """Return the nodes of a group and what each falls under.

    A member may name any number of nodes: all of them weigh as much as one that the group's own book names. That others'
    nodes are its own it can say as often as it likes: it holds for those alone that announced themselves in its book.
    """
    found: dict[Key, bytes] = {key: bytes(key) for key in named.get(group.scope, ())}
    own: set[Key] = set()
    for scope, body in group.members:
        for key in named.get(scope, ()):
            theirs = scope in said.get(key, {})
            if key not in found or (theirs and key not in own):
                found[key] = bytes(body)
            if theirs:
                own.add(key)
    return found


def _fellow(key: Key, of: Mapping[Scope, bytes], said: Mapping[Scope, Announced]) -> Fellow:
    last = max(said.values(), key=lambda each: (each.time, each.record), default=None)
    addresses, relay = (last.addresses, last.relay) if last is not None else ((), False)
    return Fellow(key, tuple(of.items()), addresses, relay)


def _groups(view: Reader, own: Scope, also: Collection[Scope]) -> list[_Group]:
    """Return the bodies above ours, as far as their books are held: what ours joined first, then what these did; and `also`."""
    found: list[_Group] = []
    seen, todo = {own}, [own]
    while todo and len(found) < MAX_GROUPS:
        below = todo.pop(0)
        level = _level(view, below)
        for body in sorted(joined(view, below)):
            here = known(view, body)
            if here is None or here.body != body or here.scope in seen or level is None:
                continue
            above = _level(view, here.scope)
            if above is not None and above > level and len(found) < MAX_GROUPS:
                seen.add(here.scope)
                todo.append(here.scope)
                found.append(_Group(here.scope, body, _members(view, here.scope), below == own))
    for scope in sorted(also):
        at = book(view, scope)
        if at is not None and scope not in seen and len(found) < MAX_GROUPS:
            seen.add(scope)
            found.append(_Group(scope, at.body, _members(view, scope), True))
    return found


def _members(view: Reader, scope: Scope) -> tuple[tuple[Scope, PageId], ...]:
    at = book(view, scope)
    head = known(view, at.head) if at is not None else None
    epoch = epoch_in_force(view, head) if head is not None else None
    pages = {body: known(view, body) for body in (epoch.members if epoch is not None else ())}
    return tuple(sorted((here.scope, body) for body, here in pages.items() if here is not None))


def _level(view: Reader, scope: Scope) -> int | None:
    at = book(view, scope)
    here = known(view, at.body) if at is not None else None
    return here.level if here is not None else None


def _is_sealed(view: Reader, scope: Scope, page: PageId) -> bool:
    found = status(view, scope, page)
    return found is not None and found.status == SEALED
