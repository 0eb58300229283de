"""How much of what its mandate limits a delegate's log has done (rules 9 and 14). Pure; reads a view.

Counted on the log's own chain alone, whatever became of the acts, so what is beyond a limit is so for good and on
every node alike. Each log counts for itself: the holder's other devices and the alternate have their own count.
"""

from fedsync.crdt.books.booktables import LAST_VOICE, VOICES, VOTES, Reader, RecordRow, record_row
from fedsync.crdt.books.branches import on_chain
from fedsync.records.ids import LogId, PageId, RecordId
from fedsync.records.kinds.entries import Mandate

VOTE, SIGNATURE = "vote", "signature"
"""What can be limited: votes, and pages signed or approved. A page that is signed again in a later round, and a rival
in its place, are no further page."""


def limit(mandate: Mandate, kind: str) -> int | None:
    """Return how many acts of a kind a mandate allows, None for any number."""
    return dict(mandate.limits).get(kind)


def used_up(view: Reader, log: LogId, allowed: int | None) -> bool:
    """Say whether one more vote in a log would be beyond the first `allowed`; None is any number."""
    return allowed is not None and sum(1 for _ in view.scan(VOTES, (log,))) >= allowed


def too_many_votes(view: Reader, vote: RecordId, allowed: int | None) -> bool:
    """Say whether a held vote is beyond the first `allowed` votes of its chain; None is any number."""
    if allowed is None:
        return False
    at = _row(view, vote)
    if at.seq <= allowed:
        return False  # its chain is not long enough: the first of it is its genesis
    before = 0
    for key, _ in view.scan(VOTES, (at.log,)):
        record = RecordId(key[2])  # type: ignore[arg-type]
        if before >= allowed:
            return True
        if record == vote:
            return False
        before += on_chain(view, _row(view, record), at)
    raise ValueError("the vote is not held")


def too_many_pages(view: Reader, voice: RecordId, slot: PageId, allowed: int) -> bool:
    """Say whether a held signature or approval is in a place of a book beyond the first `allowed` of its chain."""
    at = _row(view, voice)
    own = _first(view, slot, at)
    assert own is not None
    if own <= allowed:
        return False  # its chain was not long enough: the first of it is its genesis
    places = {PageId(key[2]) for key, _ in view.scan(LAST_VOICE, (at.log,))} - {slot}  # type: ignore[arg-type]
    earlier = 0
    for place in places:
        if earlier >= allowed:
            break
        first = _first(view, place, at)
        earlier += first is not None and first < own
    return earlier >= allowed


def pages_used_up(view: Reader, log: LogId, slot: PageId, allowed: int | None) -> bool:
    """Say whether a signature that is not written yet would be in a place too many; None is any number."""
    if allowed is None:
        return False
    for key, _ in view.scan(VOICES, (slot, log)):
        # It spoke here before: another round is no further place.
        return too_many_pages(view, RecordId(key[3]), slot, allowed)  # type: ignore[arg-type]
    return len({key[2] for key, _ in view.scan(LAST_VOICE, (log,))}) >= allowed


def _first(view: Reader, slot: PageId, tip: RecordRow) -> int | None:
    """Return where a chain first spoke in a slot, up to `tip`."""
    for key, _ in view.scan(VOICES, (slot, tip.log)):
        at = _row(view, RecordId(key[3]))  # type: ignore[arg-type]
        if on_chain(view, at, tip):
            return at.seq
    return None


def _row(view: Reader, record: RecordId) -> RecordRow:
    at = record_row(view, record)
    assert at is not None
    return at
