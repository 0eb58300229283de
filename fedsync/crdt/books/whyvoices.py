"""Why a signature, an approval or a vote counts or does not, and the mandate that it is written under. Pure."""

from typing import NamedTuple

from fedsync.crdt.answer import Answer, some
from fedsync.crdt.books import votes
from fedsync.crdt.books.booktables import (
    DISPLACED,
    LAST_VOICE,
    MANDATE_CUTS,
    MANDATE_LOGS,
    MANDATES,
    RESULTS,
    RESULTS_ON,
    VERDICTS,
    VOICES,
    VOTES,
    LogRow,
    Reader,
    RecordRow,
    is_outside,
    known,
    log_row,
    page_row,
    record_row,
    status,
)
from fedsync.crdt.books.delegates import entry_at, under
from fedsync.crdt.books.faults import mandate_fault
from fedsync.crdt.books.naming import Naming, choice_words, motion_at, short
from fedsync.crdt.books.results import vote_view
from fedsync.crdt.books.slot import Verdict, VoiceStatus
from fedsync.crdt.books.slotview import judge_slot
from fedsync.crdt.books.whypages import PEERS, about_page, short12
from fedsync.crdt.reasons import MANDATE_REASONS, reason
from fedsync.records.ids import LogId, PageId, RecordId
from fedsync.records.kinds.entries import Bounds, EntryId, Leave, Mandate, Recall, Tip
from fedsync.records.void import Void

VERBS = {
    VoiceStatus.STANDS: "stands",
    VoiceStatus.MOVED: "no longer stands",
    VoiceStatus.VOID: "is void",
    VoiceStatus.PENDING: "is pending",
    VoiceStatus.SUSPENDED: "is suspended",
}


def verdict(view: Reader, record: RecordId) -> Verdict:
    """Return what a signature or approval has come to. KeyError when there is no such record."""
    held = record_row(view, record)
    if held is None or held.page is None or held.slot is None:
        raise KeyError(record)
    page = known(view, held.page)
    if page is None:
        return Verdict(VoiceStatus.PENDING, "page-not-held")
    whose = log_row(view, held.log)
    if whose is not None and whose.scope != page.scope and is_outside(view, page.scope):
        return Verdict(VoiceStatus.PENDING, "seen-from-outside")
    if page.prev != held.slot:
        return Verdict(VoiceStatus.VOID, "wrong-slot")
    row = view.get(VERDICTS, (page.scope, record))
    if row is not None:
        return Verdict(VoiceStatus(str(row[1])), str(row[2]))
    # What a log of another body says is not kept in the tables, only judged when asked for.
    return judge_slot(view, held.slot).verdicts[record]


def about_voice(view: Reader, record: RecordId, held: RecordRow, what: str, called: Naming) -> Answer:
    """Return why a signature or approval counts or does not."""
    found = verdict(view, record)
    assert held.page is not None
    assert held.slot is not None
    whose = log_row(view, held.log)
    voice = view.get(VOICES, (held.slot, held.log, held.seq, record))
    evidence = []
    if voice is not None:
        freed = f", freed by the quorum of round {voice[3]!s}" if voice[3] is not None else ""
        evidence.append(f"It is for {called.page(held.page)}, in round {voice[2]!s}{freed}.")
    missing: list[str] = []
    if whose is not None and whose.page is not None:
        evidence += _mandate_lines(view, whose, record, called)
        missing = _waits_for(view, found, whose, called)
    here = known(view, held.page)
    after = about_page(view, held.page, called) if here is not None else None
    if here is None:
        missing.append(called.page(held.page))
    return Answer(
        record.hex(), held.kind, what, found.status.value, found.code, tuple(evidence), tuple(missing),
        verb=VERBS[found.status], after=after, next=PEERS if missing else None,
    )  # fmt: skip


# --- The mandate


def mandate_status(view: Reader, mandate: EntryId) -> str:
    """Return what has become of a mandate; "pending" when its page is not known."""
    here = known(view, mandate[0])
    row = view.get(MANDATES, (here.scope, *mandate)) if here is not None else None
    return str(row[1]) if row is not None else "pending"


class End(NamedTuple):
    """An entry that ends a mandate."""

    by: EntryId
    hard: bool
    word: str
    cuts: tuple[Tip, ...]


def ends_of(view: Reader, mandate: EntryId) -> list[End]:
    """Return what ends a mandate."""
    found = []
    for key, cells in view.scan(MANDATE_CUTS, mandate):
        by = (PageId(key[2]), int(key[3]))  # type: ignore[arg-type]
        entry = entry_at(view, *by)
        assert isinstance(entry, Mandate | Recall | Leave)
        if isinstance(entry, Recall):
            word = "closed" if entry.closing else "recalled"
        else:
            word = "ended by leaving" if isinstance(entry, Leave) else "replaced"
        found.append(End(by, bool(cells[0]), word, entry.cuts))
    return found


def _mandate_lines(view: Reader, whose: LogRow, record: RecordId, called: Naming) -> list[str]:
    """Return under which mandate a delegate's record is, what became of that, and up to where its log is kept."""
    assert whose.page is not None
    assert whose.entry is not None
    id_ = (whose.page, whose.entry)
    word = mandate_status(view, id_)
    if page_row(view, whose.page) is None:
        return [f"It is under a mandate on {called.page(whose.page)}."]
    lines = [f"It is under {called.mandate(id_)}, given on {called.page(whose.page)}: {word}."]
    held = record_row(view, record)
    assert held is not None
    for each in ends_of(view, id_):
        lines.append(_end_line(view, each, called))
        kept = [tip for tip in each.cuts if tip.log == held.log]
        upto = " or ".join(f"number {tip.seq} ({short(tip.id)})" for tip in kept)
        lines.append(
            f"Of this log that keeps all up to {upto}; this is number {held.seq}."
            if kept
            else "Of this log that keeps nothing."
        )
    return lines


def _end_line(view: Reader, end: End, called: Naming) -> str:
    at = known(view, end.by[0])
    page = status(view, at.scope, end.by[0]) if at is not None else None
    return f"The mandate was {end.word} on {called.page(end.by[0])}, {page.status if page else 'pending'}."


def _waits_for(view: Reader, found: Verdict, whose: LogRow, called: Naming) -> list[str]:
    """Return what has to come before a delegate's record can be judged."""
    assert whose.page is not None
    assert whose.entry is not None
    at = status(view, whose.scope, whose.page)
    if at is not None and at.status == DISPLACED:
        return []  # a rival was sealed: nothing that comes can give this mandate
    match found.code:
        case "mandate-not-held":
            return [called.page(whose.page)]
        case "mandate-not-certified" | "mandate-not-sealed" | "mandate-provisional":
            return [f"the seal of {called.page(whose.page)}"]
        case "tip-not-held":
            return [
                f"record {short(tip.id)} of the log {short(tip.log)}"
                for end in ends_of(view, (whose.page, whose.entry))
                for tip in end.cuts
                if record_row(view, tip.id) is None
            ]
    return []


def about_mandate(view: Reader, mandate: EntryId, entry: Mandate, called: Naming) -> Answer:
    """Return what has become of a mandate, what ended it, and what that made void."""
    word = mandate_status(view, mandate)
    page, index = mandate
    here = known(view, page)
    holder = called.person(entry.holder, here.scope if here else None)
    evidence = [f"It was given to {holder} {called.purpose(entry)} on {called.page(page)}."]
    for each in ends_of(view, mandate):
        evidence.append(_end_line(view, each, called))
        evidence += [
            f"Kept of the log {short(tip.log)}: all up to number {tip.seq} ({short(tip.id)})."
            for tip in each.cuts
        ] or ["Nothing that was said under it is kept by that."]
    vain = mandate_fault(view, here.body, entry) if here is not None else None
    if vain is not None:
        evidence.append(f"As things are it gives no voice there: {reason(vain).sentence} ({vain}).")
    evidence += _void_under(view, mandate, called)
    command = None
    after = None
    if word in ("none", "provisional", "pending"):
        after = about_page(view, page, called)
    elif word in ("ended", "recalled") and entry.seat is not None:
        command = "fedsync mandates list"
    return Answer(
        f"{page.hex()}:{index}", "mandate", f"The mandate {short12(page)}:{index}", word,
        MANDATE_REASONS[word], tuple(evidence), next=command, after=after,
    )  # fmt: skip


def _void_under(view: Reader, mandate: EntryId, called: Naming) -> list[str]:
    """Return what was said under a mandate and does not count, log by log."""
    lines = []
    for key, _ in view.scan(MANDATE_LOGS, mandate):
        log = LogId(key[2])  # type: ignore[arg-type]
        for slot, _ in view.scan(LAST_VOICE, (log,)):
            for voice, cells in view.scan(VOICES, (slot[2], log)):
                record = RecordId(voice[3])  # type: ignore[arg-type]
                found = verdict(view, record)
                if found.status in (VoiceStatus.VOID, VoiceStatus.SUSPENDED):
                    word = "approval" if cells[0] else "signature"
                    page = called.page(PageId(cells[1]))  # type: ignore[arg-type]
                    lines.append(f"The {word} {short(record)} of {page} is {found.status} ({found.code}).")
        for vote, _ in view.scan(VOTES, (log,)):
            record = RecordId(vote[2])  # type: ignore[arg-type]
            said = votes.cast(view, record)
            if said is None:
                continue
            found = votes.verdict(view, said)
            if found.status in (VoiceStatus.VOID, VoiceStatus.SUSPENDED):
                lines.append(
                    f"The vote {short(record)} on {called.motion(*said.question)} is {found.status} ({found.code})."
                )
    return some(sorted(set(lines)), "that do not count")


# --- Votes


def about_vote(view: Reader, record: RecordId, what: str, called: Naming) -> Answer | None:
    """Return why a vote counts or does not; None when the record is no vote that can be read."""
    said = votes.cast(view, record)
    if said is None:
        return None
    seen = vote_view(view, record)
    assert seen is not None
    found = seen.verdict
    if (now := votes.verdict(view, said)).code == "the-word":
        found = now  # whatever is missing, this is for good
    evidence = [f"It is for {choice_words(said.option)} on {called.motion(*said.question)}."]
    missing: list[str] = []
    if said.whose.page is not None:
        evidence += _mandate_lines(view, said.whose, record, called)
        evidence += _instruction(view, said, called)
        missing = _waits_for(view, found, said.whose, called)
    word = votes.Senders(view).word(said.whose.scope, said.question)
    if word is not None:
        whose = called.book(said.whose.scope)
        names = (
            "this vote" if word.vote == record else f"the vote {short(word.vote)}" if word.vote else "no vote"
        )
        open_ = "" if word.settled else ", which has not come or can't be judged yet"
        evidence.append(f"The word of {whose}, on {called.page(word.page)}, names {names}{open_}.")
    evidence += _results_with(view, said, called)
    if motion_at(view, said.question[0]) is None:
        missing.append(called.motion(said.question[0]))
    return Answer(
        record.hex(), "vote", what, found.status.value, found.code, tuple(evidence), tuple(missing),
        verb=VERBS[found.status], next=_after_vote(found, said, called),
    )  # fmt: skip


def _instruction(view: Reader, said: votes.Cast, called: Naming) -> list[str]:
    mandate = under(view, said.whose).mandate
    if mandate is None:
        return []
    told = mandate.instructed(*said.question)
    match told:
        case Void():
            return ["The mandate says nothing on this question."]
        case None:
            return ["The mandate leaves this question free."]
        case Bounds(least, most):
            return [f"The mandate allows from {least} to {most}."]
    return [f"The mandate allows {' or '.join(choice_words(each) for each in told) or 'no vote at all'}."]


def _results_with(view: Reader, said: votes.Cast, called: Naming) -> list[str]:
    lines = []
    for key, _ in view.scan(RESULTS_ON, said.question):
        page, index = PageId(key[3]), int(key[4])  # type: ignore[arg-type]
        row = view.get(RESULTS, (key[2], page, index))
        if row is not None and votes.names(view, page, index, {said.id}):
            outcome = f", {row[2]!s}" if row[2] is not None else ", nothing decided"
            lines.append(f"The result on {called.page(page)} names it: {row[1]!s}{outcome}.")
    return some(lines, "results that name it")


def _after_vote(found: Verdict, said: votes.Cast, called: Naming) -> str | None:
    if found.status is VoiceStatus.PENDING:
        return PEERS
    if found.code in votes.BREACHES:
        of = short12(said.question[0])
        return f"fedsync votes confirm {of} --vote {short12(said.id)} --ratify --as NAME"
    return None
