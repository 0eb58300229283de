"""Whether an epoch with bodies as seats holds: their levels and their consents (rules 2 and 3). Pure; reads a view."""

from enum import Enum

from fedsync.crdt.books.booktables import SOUND, Known, Reader, is_outside, known, page_row, status
from fedsync.crdt.books.epoch import Epoch, epoch_on, read_page
from fedsync.records.ids import PageId
from fedsync.records.kinds.entries import Consent, EpochEntry, consent_digest
from fedsync.records.void import Void


class Sound(Enum):
    """What is known of an epoch. `YES` and `NO` never change."""

    YES = 1
    NO = 0
    PENDING = -1


def sound(view: Reader, page: PageId) -> tuple[Sound, set[PageId]]:
    """Return whether the epoch on a known page holds, and the pages that it waits for.

    `page` carries an epoch that is sound by its own numbers. From outside it is taken from the sealers, who sign only
    what holds (H4), that the bodies are of a lower level and consent; only that enough pages are listed is looked at.
    """
    settled = view.get(SOUND, (page,))
    if settled is not None:
        return Sound(settled[0]), set()
    here, held = known(view, page), page_row(view, page)
    assert here is not None
    assert held is not None
    epoch = epoch_on(held.payload, here.scope, here.level if here.number else None)
    assert epoch is not None
    if not epoch.members:
        return Sound.YES, set()
    if is_outside(view, here.scope):
        lists = not here.number or len(set(epoch.consents)) >= epoch.k
        return Sound.YES if lists else Sound.NO, set()
    waits: set[PageId] = set()
    for member in epoch.members:
        level = level_of(view, member)
        if level is None:
            waits.add(member)
        elif level is False or level >= epoch.level:
            return Sound.NO, set()
    if here.number:
        answer, more = _consented(view, here, epoch)
        if answer is Sound.NO:
            return Sound.NO, set()
        waits |= more
    return (Sound.PENDING, waits) if waits else (Sound.YES, set())


def level_of(view: Reader, body: PageId) -> int | bool | None:
    """Return the level that a body's page 0 fixes; False when it is no page 0 with one, None when it is not held."""
    held = page_row(view, body)
    if held is None:
        return None
    if held.prev is not None:
        return False
    try:
        found = read_page(held.payload).epoch
    except Void:
        return False
    return found[1].level if found is not None and isinstance(found[1], EpochEntry) else False


def _consented(view: Reader, here: Known, epoch: Epoch) -> tuple[Sound, set[PageId]]:
    bodies: set[PageId] = set()
    waits: set[PageId] = set()
    unknown = 0
    entry = EpochEntry(epoch.name, "", 0, (), 1, consent_to=epoch.consent_to)
    digest = consent_digest(here.body, entry)
    for page in epoch.consents:
        held = page_row(view, page)
        if held is None:
            unknown += 1
            waits.add(page)
            continue
        says = any(
            isinstance(each, Consent) and each.body == here.body and each.to == digest
            for each in read_page(held.payload).entries
        )
        if not says or held.body not in epoch.members:
            continue
        bodies.add(held.body)
        at = known(view, page)
        row = status(view, at.scope, page) if at is not None else None
        if row is None or not row.certified:
            waits.add(page)
    if len(bodies) + unknown < epoch.k:
        return Sound.NO, set()
    return (Sound.PENDING, waits) if waits else (Sound.YES, set())
