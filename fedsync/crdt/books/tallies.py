"""One more voice in a slot, without judging all the others again. Touches a draft only.

What a log is bound by is read from its own chain, so one more voice changes what that log says and nothing that any
other says, until a count reaches a threshold: then the whole slot is judged. The counts are kept for that alone;
`judge_slot` is what they mean, and tests hold the two against each other.
"""

from collections import Counter

from fedsync.crdt.books.booktables import (
    ADOPTED,
    COUNTS,
    DRAFTED,
    NEEDED,
    SPOKEN,
    VERDICTS,
    VOICES,
    LogRow,
    children,
    is_outside,
    known,
    log_row,
    record_row,
    status,
)
from fedsync.crdt.books.slot import Judged, VoiceStatus, judge
from fedsync.crdt.books.slotview import Slot, read_slot
from fedsync.crdt.view import Draft
from fedsync.records.ids import LogId, PageId, RecordId, Scope

SLOT = "slot"
MAX_SINGLE = 8
"""Voices in one slot that are taken one by one; more are cheaper at once."""
SEATS = -1
"""The round of the row that counts seats."""

Counts = Counter[tuple[PageId, int, bool]]
"""(page, round, approved) -> sealers; with the round SEATS, (page, SEATS, stands) -> seats."""


def write_counts(draft: Draft, slot: PageId, judged: Judged) -> None:
    """Note the counts of a slot that was judged whole."""
    rows: dict[tuple[PageId, int], tuple[int, int]] = {}
    spoken: dict[tuple[PageId, PageId, LogId], int] = {}
    sealers = judged.epoch.sealers.keys() if judged.epoch else set()
    for page, tally in judged.tallies.items():
        if judged.epoch is None or tally.repair:
            continue
        voices = tally.voices
        rows[page, SEATS] = (len(judged.seats(voices)), len(judged.seats(tally.standing)))
        for round_, logs in tally.signed.items():
            rows[page, round_] = (len(logs & sealers), len(tally.approved.get(round_, set()) & sealers))
        for log in voices & judged.speaks.keys():
            spoken[page, judged.speaks[log], log] = int(log in tally.standing)
    for place in [key for key, _ in draft.scan(COUNTS, (slot,)) if key[1:] not in rows]:
        draft.drop(COUNTS, place)
    for place in [key for key, _ in draft.scan(SPOKEN, (slot,)) if key[1:] not in spoken]:
        draft.drop(SPOKEN, place)
    for of, counts in rows.items():
        if draft.get(COUNTS, (slot, *of)) != counts:
            draft.put(COUNTS, (slot, *of), counts)
    for who, stands in spoken.items():
        if draft.get(SPOKEN, (slot, *who)) != (stands,):
            draft.put(SPOKEN, (slot, *who), (stands,))


def add_voices(draft: Draft, slot: PageId, new: set[RecordId]) -> bool:
    """Take in new voices where that changes nothing but themselves; False when the slot must be judged whole."""
    here = known(draft, slot)
    if here is None or status(draft, here.scope, slot) is None:
        return False
    if len(new) > MAX_SINGLE or not any(True for _ in draft.scan(COUNTS, (slot,))):
        return False  # many are cheaper at once, and what was never judged whole has no counts
    by_log: dict[LogId, set[RecordId]] = {}
    for record in new:
        at = record_row(draft, record)
        assert at is not None
        by_log.setdefault(at.log, set()).add(record)
    return all(_add(draft, slot, here.scope, log, records) for log, records in by_log.items())


def recut(draft: Draft, slot: PageId, log: LogId) -> bool:
    """Say anew what became of one log's voices in a slot; False when only the whole slot can tell."""
    here = known(draft, slot)
    if here is None:
        return False
    read = read_slot(draft, slot, log)
    judged = _judge(read, set())
    if judged is None:
        return False
    write_verdicts(draft, here.scope, slot, judged, log)
    return True


def _add(draft: Draft, slot: PageId, scope: Scope, log: LogId, new: set[RecordId]) -> bool:
    read = read_slot(draft, slot, log)
    before, after = _judge(read, new), _judge(read, set())
    if before is None or after is None or after.epoch is None:
        return False
    epoch = after.epoch
    was, now = _counts(draft, slot, log, before), _counts(draft, slot, log, after)
    changes: dict[tuple[PageId, int], tuple[int, int]] = {}
    for page, round_, _ in was.keys() | now.keys():
        row = draft.get(COUNTS, (slot, page, round_))
        if row is None:
            if draft.get(COUNTS, (slot, page, SEATS)) is None:
                return False  # never judged whole
            row = (0, 0)
        old = (int(row[0]), int(row[1]))  # type: ignore[arg-type]
        fresh = tuple(old[at] + now[page, round_, bool(at)] - was[page, round_, bool(at)] for at in (0, 1))
        least = epoch.k if round_ == SEATS else epoch.w
        if any((one >= least) != (other >= least) for one, other in zip(old, fresh, strict=True)):
            return False
        changes[page, round_] = (fresh[0], fresh[1])
    for of, counts in changes.items():
        draft.put(COUNTS, (slot, *of), counts)
    for page, tally in after.tallies.items():
        body = after.speaks.get(log)
        if body is not None and log in tally.voices:
            draft.put(SPOKEN, (slot, page, body, log), (int(log in tally.standing),))
    write_verdicts(draft, scope, slot, after, log)
    return True


def _judge(read: Slot, without: set[RecordId]) -> Judged | None:
    """Judge one log's voices; None when what they are worth hangs on others', or on a page for repair."""
    if any(read.pages.values()) or read.waits is not None:
        return None
    voices = [voice for voice in read.voices if voice.id not in without]
    judged = judge(*read._replace(voices=voices))
    if any(verdict.code == "lock-not-shown" for verdict in judged.verdicts.values()):
        return None
    return judged


def _counts(draft: Draft, slot: PageId, log: LogId, judged: Judged) -> Counts:
    """Return what one log adds to the counts, given what the other logs of its seat say."""
    counts: Counts = Counter()
    assert judged.epoch is not None
    for page, tally in judged.tallies.items():
        if log in judged.epoch.sealers:
            for round_, logs in tally.signed.items():
                counts[page, round_, False] += log in logs
            for round_, logs in tally.approved.items():
                counts[page, round_, True] += log in logs
        if log not in tally.voices:
            continue
        body = judged.speaks.get(log)
        if body is None:
            counts[page, SEATS, False] += log in judged.epoch.seats
            counts[page, SEATS, True] += log in judged.epoch.seats and log in tally.standing
            continue
        others = [cells[0] for key, cells in draft.scan(SPOKEN, (slot, page, body)) if key[3] != log]
        counts[page, SEATS, False] += not others
        counts[page, SEATS, True] += log in tally.standing and not any(others)
    return counts


def write_verdicts(
    draft: Draft, scope: Scope, slot: PageId, judged: Judged, only: LogId | None = None
) -> None:
    """Write what became of the voices in a slot, or of one log's."""
    for key, cells in draft.scan(VOICES, (slot,) if only is None else (slot, only)):
        whose = log_row(draft, key[1])  # type: ignore[arg-type]
        if cells[1] not in judged.tallies or whose is None:
            continue
        guest = whose.scope != scope
        if guest and (whose.page is None or is_outside(draft, scope)):
            continue
        verdict = judged.verdicts[key[3]]  # type: ignore[index]
        if verdict.status is VoiceStatus.PENDING and whose.page is not None:
            need(draft, whose.page, SLOT, slot)
        # What a log of another body says here is void but for those that have a seat, and not every node that follows
        # this body holds it: a row would make two nodes differ in a body that both follow.
        if guest and not _is_sent(draft, judged, whose):
            continue
        now = (cells[1], verdict.status.value, verdict.code)
        if draft.get(VERDICTS, (scope, key[3])) != now:
            draft.put(VERDICTS, (scope, key[3]), now)


def _is_sent(draft: Draft, judged: Judged, whose: LogRow) -> bool:
    """Say whether a delegate's log is that of a body which has a seat here."""
    giver = known(draft, whose.page) if whose.page is not None else None
    return giver is not None and judged.epoch is not None and giver.body in judged.epoch.members


def need(draft: Draft, page: PageId, what: str, by: bytes) -> None:
    """Note that something has to be judged again when a page comes or is certified."""
    if draft.get(NEEDED, (page, what, by)) is None:
        draft.put(NEEDED, (page, what, by), (1,))


def is_open(draft: Draft, slot: PageId) -> bool:
    """Say whether a page of the slot is drafted or adopted."""
    here = known(draft, slot)
    if here is None:
        return False
    rows = [status(draft, here.scope, page) for page in children(draft, slot)]
    return not rows or any(row is None or row.status in (DRAFTED, ADOPTED) for row in rows)
