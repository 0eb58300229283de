"""The decisions of a book with all their states. Pure; reads a view.

A decision is what its page is, until a later page of the same book ends it: one that supersedes it, or repeals it.
Only a sealed page ends anything: while it is adopted, the decision stays in force and is shown as about to end. What
ended does not come back when the page that ended it is itself repealed. Whether a term is over is asked by who reads,
with their own clock; nothing that nodes compare rests on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fedsync.crdt.books.booktables import ADOPTED, SEALED, STATUSES, Reader, Status, known, page_row, status
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.epoch import read_page
from fedsync.crdt.books.minutes import DECISION_WORDS
from fedsync.crdt.books.results import Outcome, ResultView, outcomes, result_view
from fedsync.records.ids import PageId, RecordId, Scope
from fedsync.records.kinds.entries import DECISION, Decision, Entry, EntryId, Repeal, VoidEntry
from fedsync.records.kinds.fields import Text
from fedsync.records.kinds.motions import WHOLE

IN_FORCE, VOID = "in_force", "void"
SUPERSEDED, REPEALED, EXPIRED = "superseded", "repealed", "expired"


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision of an assembly. Its id is its page and its place on it."""

    page: PageId
    index: int
    number: int
    title: Text
    text: Text
    status: str
    reason: str
    """A code of `reasons`."""
    motion: RecordId | None = None
    expires: int | None = None
    supersedes: tuple[EntryId, ...] = ()
    ended_by: EntryId | None = None
    ending: tuple[str, EntryId] | None = None
    """How it will end, and by which entry, once an adopted page is sealed."""

    @property
    def id(self) -> EntryId:
        """Its page, and its place there."""
        return self.page, self.index


def decisions(view: Reader, scope: Scope, now: int | None = None) -> list[DecisionView]:
    """Return the decisions of a book in the order of its pages, void ones too. `now`, in ms, ends terms."""
    found: dict[EntryId, DecisionView] = {}
    acts: list[tuple[int, EntryId, str, str, EntryId]] = []
    for page, row in _statuses(view, scope):
        held = page_row(view, page)
        assert held is not None
        for index, entry in enumerate(read_page(held.payload).entries):
            id_ = (page, index)
            if isinstance(entry, Decision):
                found[id_] = _view(id_, row, entry)
            elif isinstance(entry, VoidEntry) and entry.kind == DECISION:
                found[id_] = DecisionView(page, index, row.number, "", entry.sentence, VOID, entry.code)
            for word, target in _ends(entry):
                acts.append((row.number, id_, row.status, word, target))
    for _, by, page_status, word, target in sorted(acts):
        old = found.get(target)
        if old is None or old.status not in (IN_FORCE, "provisional"):
            continue
        if page_status == SEALED and old.status == IN_FORCE:
            found[target] = replace(old, status=word, reason=word, ended_by=by, ending=None)
        elif page_status == ADOPTED and old.ending is None:
            found[target] = replace(old, ending=(word, by))
    if now is not None:
        for id_, each in found.items():
            if each.status == IN_FORCE and each.expires is not None and each.expires <= now:
                found[id_] = replace(each, status=EXPIRED, reason=EXPIRED)
    return sorted(found.values(), key=lambda each: (each.number, each.page, each.index))


def result_at(view: Reader, scope: Scope, of: DecisionView) -> Outcome | None:
    """Return the result that a decision rests on: of its own body, on the whole of its motion, the first that holds."""
    if of.motion is None:
        return None
    found = [each for each in outcomes(view, scope, of.motion) if each.clause == WHOLE]
    return min(found, key=lambda each: _order(view, scope, each), default=None)


def _order(view: Reader, scope: Scope, of: Outcome) -> tuple[bool, int, bytes, int]:
    at = status(view, scope, of.page)
    assert at is not None
    return at.status != SEALED, at.number, of.page, of.entry


def result_of(view: Reader, scope: Scope, of: DecisionView) -> ResultView | None:
    """Return the result that a decision rests on, with all that is known of it; see `result_at`."""
    found = result_at(view, scope, of)
    return result_view(view, found.page, found.entry) if found is not None else None


def end_fault(view: Reader, scope: Scope, target: EntryId) -> str | None:
    """Return the code of why an entry of this book cannot end `target`; None when it can, or did."""
    there, held = known(view, target[0]), page_row(view, target[0])
    if there is None:
        return "decision-not-held" if held is None else "not-our-decision"
    if there.scope != scope:
        return "not-our-decision"
    if not isinstance(entry_at(view, *target), Decision):
        return "no-decision"
    return None


def ended(view: Reader, scope: Scope, by: EntryId) -> list[tuple[EntryId, str | None]]:
    """Return what an entry of a book's page is to end, each with the code of why it does not; None when it does or will."""
    entry, here = entry_at(view, *by), status(view, scope, by[0])
    if entry is None or here is None:
        return []
    every = {each.id: each for each in decisions(view, scope)}
    found: list[tuple[EntryId, str | None]] = []
    for _, target in _ends(entry):
        code = end_fault(view, scope, target)
        if code is None and here.status in (SEALED, ADOPTED):
            now = every[target]
            mine = now.ended_by == by or (now.ending is not None and now.ending[1] == by)
            code = None if mine else "ended-before" if now.ended_by or now.ending else "decision-not-in-force"
        found.append((target, code))
    return found


def _view(id_: EntryId, row: Status, entry: Decision) -> DecisionView:
    return DecisionView(
        page=id_[0],
        index=id_[1],
        number=row.number,
        title=entry.title,
        text=entry.text,
        status=DECISION_WORDS[row.status],
        reason=row.status,
        motion=entry.motion,
        expires=entry.expires,
        supersedes=entry.supersedes,
    )


def _ends(entry: Entry) -> Iterator[tuple[str, EntryId]]:
    if isinstance(entry, Decision):
        yield from ((SUPERSEDED, each) for each in entry.supersedes)
    elif isinstance(entry, Repeal):
        yield REPEALED, entry.decision


def _statuses(view: Reader, scope: Scope) -> Iterator[tuple[PageId, Status]]:
    for key, row in view.scan(STATUSES, (scope,)):
        yield PageId(key[1]), Status(row[0], row[1], bool(row[2]))  # type: ignore[arg-type]
