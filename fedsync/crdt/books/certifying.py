"""Making the certificate of a sealed page from what is held. Pure; reads a view, changes nothing."""

from collections.abc import Iterator

from fedsync.crdt.books.booktables import SEALED, VOICES, Known, Reader, book, known, page_row, status
from fedsync.crdt.books.certform import MAX_PAGES, Certificate, Voice
from fedsync.crdt.books.epoch import Epoch, epoch_on
from fedsync.crdt.books.slot import Judged, VoiceStatus
from fedsync.crdt.books.slotview import epoch_in_force, judge_slot
from fedsync.crdt.books.soundness import Sound, sound
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope


class CannotCertify(ValueError):
    """There is no certificate of this page, or not yet. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def certify(view: Reader, scope: Scope, number: int | None = None, first: int = 0) -> Certificate:
    """Return the certificate of a sealed page, the last one by default. Raises CannotCertify.

    `first`: the page that it begins with, for whoever trusts the one before it already.
    """
    at = book(view, scope)
    if at is None:
        raise CannotCertify("not-held", "the first page of this book is not here yet")
    number = at.number if number is None else number
    if not 0 <= first <= number:
        raise CannotCertify("no-such-page", f"it cannot begin with page {first} and end with page {number}")
    if number > at.number:
        raise CannotCertify(
            "not-sealed", f"the book is sealed up to page {at.number}, and page {number} is not"
        )
    if number - first >= MAX_PAGES:
        raise CannotCertify("too-long", f"a certificate holds {MAX_PAGES} pages at most: begin further on")
    way = list(_way(view, at.head, first, number))
    payloads, proofs, void = [], [], []
    for page, here in way:
        held = page_row(view, page)
        assert held is not None
        payloads.append(held.payload)
        epoch = epoch_on(held.payload, scope, here.level if here.number else None)
        holds = Sound.YES if epoch is None else sound(view, page)[0]
        if holds is Sound.PENDING:
            raise CannotCertify(
                "epoch-pending", f"whether the new seats on page {here.number} hold waits for other books"
            )
        if holds is Sound.NO:
            void.append(here.number)
        changes = epoch is not None and holds is Sound.YES
        if here.number and (changes or here.repair or here.number == number):
            proofs.append((here.number, tuple(_proof(view, page, here))))
    return Certificate(at.body, first, tuple(payloads), tuple(proofs), tuple(void))


def _way(view: Reader, head: PageId, first: int, last: int) -> Iterator[tuple[PageId, Known]]:
    """Yield the sealed pages from `first` to `last`, in order."""
    found: list[tuple[PageId, Known]] = []
    page: PageId | None = head
    while page is not None:
        here = known(view, page)
        assert here is not None
        if here.number <= last:
            found.append((page, here))
        page = here.prev if here.number > first else None
    yield from reversed(found)


def _proof(view: Reader, page: PageId, here: Known) -> Iterator[Voice]:
    """Yield the voices that prove a page: as few as will do."""
    assert here.prev is not None
    above = known(view, here.prev)
    assert above is not None
    epoch = epoch_in_force(view, above)
    at = status(view, here.scope, page)
    assert epoch is not None
    assert at is not None
    assert at.status == SEALED
    judged = judge_slot(view, here.prev)
    if here.repair:
        yield from _menders(view, page, here.prev, epoch, judged)
        return
    round_ = judged.seals(page)[0]
    tally = judged.tallies[page]
    chosen = sorted(tally.approved[round_] & epoch.sealers.keys())[: epoch.w]
    seats = sorted(tally.voices & epoch.seats.keys())
    lacking = epoch.k - sum(log in epoch.seats for log in chosen)
    chosen += [log for log in seats if log not in chosen][: max(0, lacking)]
    sealing = set(chosen[: epoch.w])
    for log in chosen:
        yield voice_of(view, _record(view, page, here.prev, log, judged, round_ if log in sealing else None))


def _menders(view: Reader, page: PageId, slot: PageId, epoch: Epoch, judged: Judged) -> Iterator[Voice]:
    keys: set[Key] = set()
    for log in sorted(judged.tallies[page].voices):
        key = judged.keys[log]
        if key not in keys and len(keys) < epoch.threshold:
            keys.add(key)
            yield voice_of(view, _record(view, page, slot, log, judged, None), begins=True)


def _record(
    view: Reader, page: PageId, slot: PageId, log: LogId, judged: Judged, round_: int | None
) -> tuple[LogId, int, RecordId]:
    """Return a proper voice of a log for a page: the approval of a round, or any."""
    for key, (approves, of, at, *_) in view.scan(VOICES, (slot, log)):
        id_ = RecordId(key[3])  # type: ignore[arg-type]
        if of != page or (round_ is not None and not (approves and at == round_)):
            continue
        if judged.verdicts[id_].status not in (VoiceStatus.VOID, VoiceStatus.PENDING):
            return log, int(key[2]), id_
    raise AssertionError("who was counted has spoken")


def voice_of(view: Reader, record: tuple[LogId, int, RecordId], begins: bool = False) -> Voice:
    """Return a record with what shows that it is signed: the headers from it to the next signature in its log."""
    log, seq, id_ = record
    block = next(
        each for each in view.blocks(log, seq) if each.first <= seq and each.ids[seq - each.first] == id_
    )
    at = seq - block.first
    end, signature = next((place, signed) for place, signed in block.signatures if place >= at)
    headers = tuple(block.record(each).header for each in range(at, end + 1))
    genesis = block.genesis.payload if begins else None
    return Voice(headers, signature, block.record(at).payload, genesis)
