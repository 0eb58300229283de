"""One slot of a book as it lies in the tables: the same judgement for the fold, for the tools and for `why`.

Touches nothing but a view.
"""

from typing import NamedTuple

from fedsync.crdt.books.booktables import (
    VOICES,
    Known,
    LogRow,
    Reader,
    children,
    is_outside,
    known,
    log_row,
    page_row,
)
from fedsync.crdt.books.delegates import Cuts, delegate
from fedsync.crdt.books.epoch import Epoch, epoch_on, read_page
from fedsync.crdt.books.limits import too_many_pages
from fedsync.crdt.books.slot import Delegate, Judged, Voice, judge
from fedsync.crdt.books.soundness import Sound, sound
from fedsync.records.genesis import REPAIR, SEAT
from fedsync.records.ids import LogId, PageId, RecordId
from fedsync.records.kinds.entries import kind_of


class Slot(NamedTuple):
    """A slot as it lies in the tables: what `judge` takes."""

    epoch: Epoch | None
    pages: dict[PageId, bool]
    voices: list[Voice]
    kinds: dict[PageId, frozenset[str]]
    waits: str | None
    outside: bool = False


def judge_slot(view: Reader, page: PageId) -> Judged:
    """Return what the voices in the slot after a known page amount to."""
    return judge(*read_slot(view, page))


def read_slot(view: Reader, page: PageId, only: LogId | None = None) -> Slot:
    """Return the slot after a known page. `only` one log's voices: its discipline is the same as among all."""
    here = known(view, page)
    assert here is not None
    pages: dict[PageId, bool] = {}
    kinds: dict[PageId, frozenset[str]] = {}
    epoch, waits = epoch_or_wait(view, here)
    outside = is_outside(view, here.scope)
    voices = _voices(view, page, here, only, outside)
    # What nobody speaks for is not read: anybody whom a page names may draft any number of rivals.
    spoken = {voice.page for voice in voices}
    for child in children(view, page):
        found = known(view, child)
        assert found is not None
        pages[child] = found.repair
        if epoch is not None and epoch.members and child in spoken:
            held = page_row(view, child)
            assert held is not None
            kinds[child] = frozenset(kind_of(entry) for entry in read_page(held.payload).entries)
    code = "epoch-not-settled" if waits else None
    return Slot(epoch, pages, voices, kinds, code, outside)


def epoch_in_force(view: Reader, page: Known) -> Epoch | None:
    """Return the epoch that governs the pages after a known page; None when there is no sound one, or not yet."""
    return epoch_or_wait(view, page)[0]


def epoch_or_wait(view: Reader, page: Known) -> tuple[Epoch | None, PageId | None]:
    """Return the epoch that governs the pages after a known page, or the page whose epoch is not settled yet."""
    founded = founds(view, page)
    if founded is not Sound.YES:
        return None, page.body if founded is Sound.PENDING else None
    at: Known | None = page
    while at is not None and at.epoch is not None:
        answer, _ = sound(view, at.epoch)
        if answer is Sound.PENDING:
            return None, at.epoch
        carrier, there = page_row(view, at.epoch), known(view, at.epoch)
        assert carrier is not None
        assert there is not None
        if answer is Sound.YES:
            return epoch_on(carrier.payload, page.scope, there.level if there.number else None), None
        at = known(view, there.prev) if there.prev is not None else None
    return None, None


def founds(view: Reader, page: Known) -> Sound:
    """Return whether page 0 of a known page's book founds a body, as far as another epoch is in question than its own."""
    return sound(view, page.body)[0] if page.epoch not in (None, page.body) else Sound.YES


def _voices(view: Reader, slot: PageId, here: Known, only: LogId | None, outside: bool) -> list[Voice]:
    scope = here.scope
    sent: dict[LogId, Delegate] = {}
    cuts: dict[LogId, Cuts] = {}
    logs: dict[bytes, LogRow] = {}
    found = []
    for key, cells in view.scan(VOICES, (slot,) if only is None else (slot, only)):
        log = LogId(key[1])  # type: ignore[arg-type]
        if log not in logs:
            held = log_row(view, log)
            assert held is not None
            logs[log] = held
            if held.page is not None and not (outside and held.scope != scope):
                sent[log] = delegate(view, held, here.body)
                cuts[log] = Cuts(view, log, held)
        whose = logs[log]
        if outside and whose.scope != scope:
            continue  # not every node that looks from outside holds such logs: all must come to one verdict
        approves, page, round_, lock, before, _, time = cells
        allowed = sent[log].pages if log in sent else None
        found.append(
            Voice(
                id=key[3],  # type: ignore[arg-type]
                log=log,
                seq=key[2],  # type: ignore[arg-type]
                before=before,  # type: ignore[arg-type]
                approves=bool(approves),
                page=page,  # type: ignore[arg-type]
                round=round_,  # type: ignore[arg-type]
                lock=lock,  # type: ignore[arg-type]
                key=whose.key,
                fit=bool(whose.fit) and whose.scope == scope,
                repairs=whose.capacity in (REPAIR[0], SEAT[0]),
                delegate=sent.get(log),
                cut=cuts[log].against(RecordId(key[3])) if log in cuts else None,  # type: ignore[arg-type]
                time=time,  # type: ignore[arg-type]
                beyond=allowed is not None and too_many_pages(view, RecordId(key[3]), slot, allowed),  # type: ignore[arg-type]
            )
        )
    return found
