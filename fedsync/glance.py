"""The bodies that a node follows, and a quick look at what it knows of them, for lists that must come at once.

Loads next to nothing: the fold, the rules of books and the signing of records stay where they are. Reading is the
same, and more, for those that need more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType

from fedsync.crdt.books.booktables import ADOPTED, BOOKS, CHILDREN, KNOWN, NAMES, SOUND, STATUSES
from fedsync.crdt.version import VERSION
from fedsync.crdt.view import Table
from fedsync.errors import Problem
from fedsync.home import Home
from fedsync.picking import begins, the_one
from fedsync.records.ids import Scope
from fedsync.store.peek import Peek, peek
from fedsync.store.peers import Followed, FollowedBody
from fedsync.store.state import StateTables


class Bodies:
    """The bodies that a node follows, by name."""

    @property
    def bodies(self) -> Followed:
        """The table of them."""
        raise NotImplementedError

    def name_of(self, scope: Scope) -> str:
        """Return what a body is called by its own book, else as it was announced, else its short id."""
        raise NotImplementedError

    def own(self) -> FollowedBody:
        """Return the body whose node this is."""
        for body in self.bodies.all():
            if body.source == "own":
                return body
        raise Problem("no_body", "This node has no community of its own.", "Make one with: fedsync init")

    def body(self, asked: str) -> FollowedBody:
        """Return the followed body called `asked`, or whose id begins so. Raises a Problem (exit 6)."""
        every = self.bodies.all()
        found = [body for body in every if self.name_of(body.scope).casefold() == asked.casefold()]
        found = found or [body for body in every if begins(asked, body.body.hex())]
        return the_one("body", asked, found, self._told_apart, "fedsync bodies show all")

    def _told_apart(self, body: FollowedBody) -> str:
        return f"{self.name_of(body.scope)} ({body.body.hex()[:8]})"


@dataclass
class Glance(Bodies):
    """An open look at some tables of the state. Reads no blocks."""

    _peek: Peek
    _slow_name: Callable[[Scope], str]
    _names: dict[Scope, str] = field(default_factory=dict)

    @classmethod
    def open(cls, home: Home, tables: Iterable[Table], slow: Callable[[Scope], str]) -> "Glance | None":
        """Look at the store of `home`; None when only Reading can say what is wrong with it, if anything is.

        `slow` names a body whose book has more to it than can be seen here.
        """
        found = peek(home.store, (*tables, BOOKS, CHILDREN, KNOWN, NAMES, SOUND, STATUSES), VERSION)
        return cls(found, slow) if found is not None else None

    @property
    def bodies(self) -> Followed:
        """The table of the bodies that are followed."""
        return self._peek.followed

    @property
    def view(self) -> StateTables:
        """The state, in the tables that were asked for."""
        return self._peek.state

    def name_of(self, scope: Scope) -> str:
        """Return what a body is called by its own book, else as it was announced, else its short id."""
        if scope not in self._names:
            self._names[scope] = quick_name(self.view, scope) or self._slow_name(scope)
        return self._names[scope]

    def __enter__(self) -> "Glance":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._peek.close()


def quick_name(view: StateTables, scope: Scope) -> str | None:
    """Return what a body's book calls it, where that is plain: no page in question, and its epoch held to be sound."""
    book = view.get(BOOKS, (scope,))
    if book is None or book[3]:
        return None
    body, head = book[:2]
    assert isinstance(head, bytes)
    for (_, page), _ in view.scan(CHILDREN, (head,)):
        found = view.get(STATUSES, (scope, page))
        if found is not None and found[1] == ADOPTED:
            return None
    known = view.get(KNOWN, (head,))
    if known is None:
        return None
    epoch, level = known[5:7]
    if not isinstance(epoch, bytes):
        return None
    if level != 0 and not all(_sound(view, each) for each in {epoch, body}):
        return None
    name = view.get(NAMES, (epoch,))
    return str(name[0]) if name is not None else None


def _sound(view: StateTables, page: object) -> bool:
    # On level 0 every epoch that governs is: it has no bodies whose levels and consents could be in question.
    return isinstance(page, bytes) and view.get(SOUND, (page,)) == (1,)
