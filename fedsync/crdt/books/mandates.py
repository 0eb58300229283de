"""The mandates that a body has given, and what ended them (rules 9 and 10). Touches a draft only.

In book order; the last for a seat ends the earlier ones. What a sealed page says is hard; what an adopted or frozen
page says suspends, from the moment that it is adopted. A page speaks of what stands before it on its own branch:
rivals do not end each other's mandates.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from fedsync.crdt.books.booktables import (
    ACTS,
    ADOPTED,
    DISPLACED,
    FROZEN,
    MANDATE_ACTS,
    MANDATE_CUTS,
    MANDATES,
    SEALED,
    known,
    status,
)
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.view import Draft
from fedsync.records.ids import PageId, Scope
from fedsync.records.kinds.entries import (
    CLOSING,
    LEAVE,
    MANDATE,
    RECALL,
    Entry,
    EntryId,
    Leave,
    Mandate,
    Recall,
)

Act = Mandate | Recall | Leave

NONE, PROVISIONAL, IN_FORCE, SUSPENDED, VOID = "none", "provisional", "in force", "suspended", "void"
ENDED, RECALLED = "ended", "recalled"

_FIRST = {SEALED: IN_FORCE, ADOPTED: PROVISIONAL, FROZEN: FROZEN}
_LAST = {ENDED: 0, RECALLED: 1}
_KINDS = (MANDATE, RECALL, CLOSING, LEAVE)


@dataclass(slots=True)
class _Given:
    number: int
    status: str
    sealed: bool
    ends: dict[EntryId, bool] = field(default_factory=dict)
    """What ends it -> whether that stands on a sealed page."""


def note_mandates(draft: Draft, scope: Scope, page: PageId) -> None:
    """Note the entries of a page that give or end mandates, so that they are found with what they bear on.

    Only once it is more than a draft, or was: anybody whom a page names may draft thousands, which bear on nothing.
    """
    here = known(draft, page)
    assert here is not None
    for key, cells in draft.scan(ACTS, (scope, here.number, page)):
        entry = entry_at(draft, page, int(key[3])) if cells[0] in _KINDS else None
        if isinstance(entry, Act):
            draft.put(MANDATE_ACTS, (scope, about(entry), here.number, page, int(key[3])), ())


def about(entry: Act) -> bytes:
    """Return what an entry is about. Only what is about one seat or task, or recalls one of its mandates, meets."""
    match entry:
        case Mandate(seat=None):
            return b"task " + str(entry.task).encode()
        case Mandate():
            assert entry.seat is not None
            return b"seat " + entry.seat
        case Leave():
            return b"seat " + entry.body
        case Recall():
            return _one(entry.mandate)


def _one(mandate: EntryId) -> bytes:
    return b"mandate " + mandate[0] + str(mandate[1]).encode()


def judge_mandates(draft: Draft, scope: Scope, pages: Iterable[PageId]) -> dict[EntryId, bool]:
    """Write the status of each mandate that entries of these pages give or end; return those that changed.

    They changed by status or by what cuts them. The value says that a mandate was in force, and is now ended by
    sealed pages alone.
    """
    changed: dict[EntryId, bool] = {}
    pages = list(pages)
    judged = [
        _judge(draft, scope, each)
        for each in {each for page in pages for each in _touched(draft, scope, page)}
    ]
    noted = set().union(*judged)
    for given in (*judged, *(_drafted(draft, scope, page, noted) for page in pages)):
        for id_, mandate in given.items():
            before = draft.get(MANDATES, (scope, *id_))
            simply = before is not None and before[1] == IN_FORCE and all(mandate.ends.values())
            simply = simply and not any(True for _ in draft.scan(MANDATE_CUTS, id_))
            if _write(draft, scope, id_, mandate):
                changed[id_] = simply
    return changed


def _drafted(draft: Draft, scope: Scope, page: PageId, noted: Collection[EntryId]) -> dict[EntryId, _Given]:
    """Return the mandates on a page that has never been more than a draft: they bear on nothing, nor does anything on them."""
    here, at = known(draft, page), status(draft, scope, page)
    assert here is not None
    word = VOID if at is not None and at.status == DISPLACED else NONE
    ids = [
        (page, int(key[3]))
        for key, cells in draft.scan(ACTS, (scope, here.number, page))
        if cells[0] == MANDATE
    ]
    return {id_: _Given(here.number, word, False) for id_ in ids if id_ not in noted}


def _touched(draft: Draft, scope: Scope, page: PageId) -> Iterator[bytes]:
    """Yield the seats and tasks whose mandates the entries of a known page bear on."""
    here = known(draft, page)
    assert here is not None
    for key, cells in draft.scan(ACTS, (scope, here.number, page)):
        if cells[0] not in _KINDS:
            continue
        entry = entry_at(draft, page, int(key[3]))
        if isinstance(entry, Recall):
            entry = entry_at(draft, *entry.mandate)
            if not isinstance(entry, Mandate):
                continue  # it recalls what is none, or is not held: that page will come by itself
        assert isinstance(entry, Mandate | Leave)
        yield about(entry)


def _judge(draft: Draft, scope: Scope, about: bytes) -> dict[EntryId, _Given]:
    """Return the mandates for one seat or task, as all entries about it leave them."""
    acts: list[tuple[int, PageId, int]] = []
    for key, _ in draft.scan(MANDATE_ACTS, (scope, about)):
        acts.append(key[2:])  # type: ignore[arg-type]
        id_: EntryId = key[3:]  # type: ignore[assignment]
        acts.extend(found[2:] for found, _ in draft.scan(MANDATE_ACTS, (scope, _one(id_))))  # type: ignore[misc]
    given: dict[EntryId, _Given] = {}
    open_: dict[EntryId, _Given] = {}
    for number, page, index in sorted(acts):
        at = status(draft, scope, page)
        entry = entry_at(draft, page, index)
        if isinstance(entry, Mandate):
            displaced = at is not None and at.status == DISPLACED
            sealed = at is not None and at.status == SEALED
            given[page, index] = _Given(number, VOID if displaced else NONE, sealed)
        if at is not None and at.status in _FIRST and entry is not None:
            _act(draft, given, open_, (page, index), entry, at.status)
    return given


def _act(
    draft: Draft, given: dict[EntryId, _Given], open_: dict[EntryId, _Given], id_: EntryId, entry: Entry,
    word: str,
) -> None:  # fmt: skip
    """Let an entry on an adopted, sealed or frozen page act on the mandates before it; `open_`: those not ended."""
    hard = word == SEALED
    # All that is sealed is on the branch of whatever acts.
    branch = set() if hard else _branch(draft, id_[0])
    if isinstance(entry, Recall):
        target = given.get(entry.mandate)
        before = target is not None and (hard or target.sealed or entry.mandate[0] in branch)
        if target is not None and before and target.status not in (NONE, VOID):
            _end(target, id_, hard, ENDED if entry.closing else RECALLED)
    else:
        for other, old in open_.items():
            if hard or old.sealed or other[0] in branch:
                _end(old, id_, hard, ENDED, softly=old.status if isinstance(entry, Mandate) else SUSPENDED)
    for ended in [other for other, old in open_.items() if old.status in _LAST]:
        del open_[ended]
    if isinstance(entry, Mandate):
        given[id_].status = _FIRST[word]
        open_[id_] = given[id_]


def _branch(draft: Draft, page: PageId) -> set[PageId]:
    """Return the pages from this one back to the last sealed one before it, without that."""
    branch: set[PageId] = set()
    at: PageId | None = page
    while at is not None:
        here = known(draft, at)
        assert here is not None
        now = status(draft, here.scope, at)
        if now is not None and now.status == SEALED:
            break
        branch.add(at)
        at = here.prev
    return branch


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
