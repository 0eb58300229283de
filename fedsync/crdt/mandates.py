"""The mandates that a body has given, and what ended them (rules 9 and 10). Touches a draft only.

In book order; the last for a seat ends the earlier ones. What a sealed page says is hard; what an adopted or frozen
page says suspends, from the moment that it is adopted.
"""

from dataclasses import dataclass, field

from fedsync.crdt.booktables import (
    ACTS,
    ADOPTED,
    DISPLACED,
    FROZEN,
    MANDATE_CUTS,
    MANDATES,
    SEALED,
    known,
    status,
)
from fedsync.crdt.delegates import entry_at
from fedsync.crdt.view import Draft
from fedsync.records.ids import PageId, Scope
from fedsync.records.kinds.entries import CLOSING, LEAVE, MANDATE, RECALL, EntryId, Leave, Mandate, Recall

NONE, PROVISIONAL, IN_FORCE, SUSPENDED, VOID = "none", "provisional", "in force", "suspended", "void"
ENDED, RECALLED = "ended", "recalled"

_FIRST = {SEALED: IN_FORCE, ADOPTED: PROVISIONAL, FROZEN: FROZEN}
_LAST = {ENDED: 0, RECALLED: 1}
_KINDS = (MANDATE, RECALL, CLOSING, LEAVE)


@dataclass(slots=True)
class _Given:
    number: int
    status: str
    what: tuple[str, object]
    """The seat, or the task."""
    ends: dict[EntryId, bool] = field(default_factory=dict)
    """What ends it -> whether that stands on a sealed page."""


def judge_mandates(draft: Draft, scope: Scope) -> dict[EntryId, bool]:
    """Write the status of each mandate in a book; return those that changed, by status or by what cuts them.

    The value says that a mandate was in force, and is now ended by sealed pages alone.
    """
    given: dict[EntryId, _Given] = {}
    for key, cells in draft.scan(ACTS, (scope,)):
        if cells[0] not in _KINDS:
            continue
        number, page, index = int(key[1]), PageId(key[2]), int(key[3])  # type: ignore[arg-type]
        at = status(draft, scope, page)
        entry = entry_at(draft, page, index)
        if isinstance(entry, Mandate):
            what = ("seat", entry.seat) if entry.seat is not None else ("task", entry.task)
            displaced = at is not None and at.status == DISPLACED
            given[page, index] = _Given(number, VOID if displaced else NONE, what)
        if at is not None and at.status in _FIRST and entry is not None:
            _act(given, (page, index), entry, at.status)
    changed: dict[EntryId, bool] = {}
    for id_, mandate in given.items():
        before = draft.get(MANDATES, (scope, *id_))
        simply = before is not None and before[1] == IN_FORCE and all(mandate.ends.values())
        simply = simply and not any(True for _ in draft.scan(MANDATE_CUTS, id_))
        if _write(draft, scope, id_, mandate):
            changed[id_] = simply
    return changed


def _act(given: dict[EntryId, _Given], id_: EntryId, entry: object, word: str) -> None:
    hard = word == SEALED
    if isinstance(entry, Mandate):
        new = given[id_]
        new.status = _FIRST[word]
        for other, old in given.items():
            if other != id_ and old.what == new.what and old.status not in (NONE, VOID, ENDED, RECALLED):
                _end(old, id_, hard, ENDED, softly=old.status)
    elif isinstance(entry, Recall):
        target = given.get(entry.mandate)
        if target is not None and target.status not in (NONE, VOID):
            _end(target, id_, hard, ENDED if entry.closing else RECALLED)
    elif isinstance(entry, Leave):
        for old in given.values():
            if old.what == ("seat", entry.body) and old.status not in (NONE, VOID, ENDED, RECALLED):
                _end(old, id_, hard, ENDED)


def _end(mandate: _Given, by: EntryId, hard: bool, word: str, softly: str = SUSPENDED) -> None:
    mandate.ends[by] = hard
    if hard and _LAST.get(mandate.status, -1) < _LAST[word]:
        mandate.status = word
    elif not hard and mandate.status not in _LAST:
        mandate.status = PROVISIONAL if softly == PROVISIONAL else SUSPENDED


def _write(draft: Draft, scope: Scope, id_: EntryId, mandate: _Given) -> bool:
    changed = False
    now = (mandate.number, mandate.status)
    if draft.get(MANDATES, (scope, *id_)) != now:
        draft.put(MANDATES, (scope, *id_), now)
        changed = True
    for key, cells in list(draft.scan(MANDATE_CUTS, id_)):
        by = (PageId(key[2]), int(key[3]))  # type: ignore[arg-type]
        if by not in mandate.ends:
            draft.drop(MANDATE_CUTS, key)
            changed = True
        elif bool(cells[0]) == mandate.ends[by]:
            del mandate.ends[by]
    for by, hard in mandate.ends.items():
        draft.put(MANDATE_CUTS, (*id_, *by), (int(hard),))
        changed = True
    return changed


def acts_on(draft: Draft, page: PageId, *kinds: str) -> bool:
    """Say whether a known page has an entry of one of these kinds."""
    here = known(draft, page)
    assert here is not None
    return any(cells[0] in kinds for _, cells in draft.scan(ACTS, (here.scope, here.number, page)))
