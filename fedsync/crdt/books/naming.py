"""What things of the authority family are called: people, bodies, pages, motions, mandates. Pure; reads a view.

Nothing here is judged. What is not held yet is called by the beginning of its id, so that a person can type it.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from fedsync.crdt.books import people
from fedsync.crdt.books.booktables import FOLLOWED, MOTIONS, POSTS, Reader, known, page_row
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.nodes import dropped
from fedsync.records.codec import NotCanonical, unpack
from fedsync.records.ids import Key, PageId, RecordId, Scope
from fedsync.records.kinds.authority import NODE_ROLE
from fedsync.records.kinds.entries import Decision, EntryId, Mandate
from fedsync.records.kinds.fields import plain
from fedsync.records.kinds.motions import WHOLE, Choice, Method, Motion, Of, Rule, parse_motion
from fedsync.records.void import Void

T = TypeVar("T")


def short(id_: bytes) -> str:
    """Return the beginning of an id, enough to type."""
    return id_.hex()[:8]


class Naming:
    """Names of what a view holds, each looked up once.

    `called` are names that go before those in the records; `book` names a body by its founding tag. `now`, in ms, is
    by whose clock terms are over; None: by nobody's.
    """

    def __init__(
        self,
        view: Reader,
        called: Mapping[Key, str] | None = None,
        book: Callable[[Scope], str] | None = None,
        now: int | None = None,
    ) -> None:
        self.view = view
        self.now = now
        self._called = called or {}
        self._book = book
        self._books: dict[Scope, str] = {}
        self._people: dict[tuple[Key, Scope | None], str] = {}
        self._nodes: dict[Key, str] | None = None
        self._found: dict[Hashable, Any] = {}

    def once(self, what: Hashable, look: Callable[[], T]) -> T:
        """Return what `look` finds, looked up once: for those who ask of each entry of a book in turn."""
        if what not in self._found:
            self._found[what] = look()
        return self._found[what]  # type: ignore[no-any-return]

    # --- People

    def person(self, key: Key, scope: Scope | None = None) -> str:
        """Return what a key's holder is called: in this body first, then wherever somebody said."""
        if key in self._called:
            return self._called[key]
        at = (key, scope)
        if at not in self._people:
            self._people[at] = self._person(key, scope)
        return self._people[at]

    def _person(self, key: Key, scope: Scope | None) -> str:
        here = people.name_of(self.view, scope, key) if scope is not None else None
        if here is not None:
            return here
        if self._nodes is None:
            self._nodes = {
                Key(found[2]): f"the node of {self.book(Scope(found[0]))}"  # type: ignore[arg-type]
                for found, _ in self.view.scan(POSTS)
                if found[1] == NODE_ROLE
            }
        if key in self._nodes:
            return self._nodes[key]
        for found, _ in self.view.scan(FOLLOWED):
            elsewhere = people.name_of(self.view, Scope(found[0]), key)  # type: ignore[arg-type]
            if elsewhere is not None:
                return elsewhere
        return short(key)

    def everyone(
        self, keys: "set[Key] | tuple[Key, ...] | frozenset[Key]", scope: Scope | None = None
    ) -> str:
        """Return names in a row, sorted; "nobody" for none."""
        return ", ".join(sorted(self.person(key, scope) for key in keys)) or "nobody"

    # --- Bodies and pages

    def book(self, scope: Scope) -> str:
        """Return what a body is called, by its founding tag."""
        if scope not in self._books:
            self._books[scope] = self._book(scope) if self._book is not None else self._own_name(scope)
        return self._books[scope]

    def _own_name(self, scope: Scope) -> str:
        try:
            epoch = current_epoch(self.view, scope, newest(self.view, scope))
        except CannotDraft:
            epoch = None
        if epoch is not None:
            return plain(epoch.name)
        bound = self.view.get(FOLLOWED, (scope,))
        return short(PageId(bound[0])) if bound is not None else short(scope)  # type: ignore[arg-type]

    def body(self, body: PageId) -> str:
        """Return what a body is called, by its id."""
        here, held = known(self.view, body), page_row(self.view, body)
        scope = here.scope if here is not None else held.scope if held is not None else None
        bound = self.view.get(FOLLOWED, (scope,)) if scope is not None else None
        followed = bound is not None and bound[0] == body
        return self.book(scope) if followed and scope is not None else f"body {short(body)}"

    def page(self, page: PageId) -> str:
        """Return which page of whose book it is."""
        held = page_row(self.view, page)
        if held is None:
            return f"page {short(page)}, which has not come yet"
        return f"page {held.number} of {self.body(held.body)} ({short(page)})"

    # --- What stands on pages, and beside them

    def motion(self, motion: RecordId, clause: str = WHOLE) -> str:
        """Return the title of a motion, and which of its clauses is meant."""
        found = motion_at(self.view, motion)
        title = f'"{plain(found.title)}"' if found is not None else f"the motion {short(motion)}"
        return title if clause == WHOLE else f"{title}, clause {clause}"

    def mandate(self, mandate: EntryId) -> str:
        """Return whose mandate it is, for what, and where it stands."""
        entry = entry_at(self.view, *mandate)
        if not isinstance(entry, Mandate):
            return f"the mandate {short(mandate[0])}:{mandate[1]}"
        here = known(self.view, mandate[0])
        who = self.person(entry.holder, here.scope if here else None)
        return f"the mandate of {who} {self.purpose(entry)}"

    def purpose(self, mandate: Mandate) -> str:
        """Return what a mandate is for."""
        return f"in {self.body(mandate.seat)}" if mandate.seat is not None else f'for "{mandate.task}"'

    def decision(self, decision: EntryId) -> str:
        """Return the title of a decision and where it stands."""
        entry = entry_at(self.view, *decision)
        if not isinstance(entry, Decision):
            return f"the decision {short(decision[0])}:{decision[1]}"
        held = page_row(self.view, decision[0])
        return f'"{plain(entry.title)}" of page {held.number if held else "?"}'


def motion_at(view: Reader, motion: RecordId) -> Motion | None:
    """Return a held motion, None when it is not held or says nothing."""
    row = view.get(MOTIONS, (motion,))
    if row is None:
        return None
    try:
        return parse_motion(unpack(row[3]))  # type: ignore[arg-type]
    except (NotCanonical, Void):
        return None


def choice_words(choice: Choice | None) -> str:
    """Return what a vote says; a list in its order."""
    if choice is None:
        return "no vote"
    return ", ".join(choice) if isinstance(choice, tuple) else str(choice)


_BASE = {Of.SEATS: "all seats", Of.PRESENT: "those present", Of.VOTING: "those voting"}


def rule_words(rule: Rule) -> str:
    """Return by which rule a question is decided."""
    of = _BASE[rule.of]
    match rule.method:
        case Method.MAJORITY:
            said = f"more than half of {of}"
        case Method.TWO_THIRDS:
            said = f"at least two thirds of {of}"
        case Method.CONSENSUS:
            said = f"consensus of {of}" + (f" but {rule.less}" if rule.less else "")
        case Method.CONDORCET:
            said = "the option that more rank above each other one"
        case Method.APPROVAL:
            said = "the option that the most approve of"
        case Method.THRESHOLD:
            said = f"at least {rule.need} for one option"
    return f"{said}; at least {rule.quorum} must be present" if rule.quorum else said


def dropped_in_words(view: Reader) -> dict[Key, str]:
    """Return why nothing is exchanged with each node that a followed body dropped and that none names."""
    naming = Naming(view)
    return {
        key: f"the book of {naming.book(by.scope)} no longer names this node: page {by.number} ({short(by.page)})"
        for key, by in dropped(view).items()
    }
