"""Why a page, a signature, an approval or a decision is what it is, in lines that people read. Pure; reads a view.

Each says the status and its rule, the evidence (who signed and approved in which round, who is locked on what), who
is missing, and the next command.
"""

from collections.abc import Callable, Mapping

from fedsync.crdt.booktables import (
    ADOPTED,
    DISPLACED,
    DRAFTED,
    FOLLOWED,
    FROZEN,
    SEALED,
    VERDICTS,
    Known,
    PageRow,
    Reader,
    children,
    known,
    log_row,
    page_row,
    record_row,
    status,
)
from fedsync.crdt.minutes import PageView, entry_fault, page_view
from fedsync.crdt.reasons import reason
from fedsync.crdt.slot import Judged, Verdict, VoiceStatus
from fedsync.crdt.slotview import judge_slot
from fedsync.records.ids import Key, PageId, RecordId
from fedsync.records.kinds import class_of

Names = Mapping[Key, str]


def why_page(view: Reader, page: PageId, names: Names | None = None) -> list[str]:
    """Return why a page has the status that it has."""
    found = page_view(view, page)
    if found is None:
        return _why_pending(view, page)
    call = _caller(names)
    why = reason(found.reason)
    lines = [f"Page {found.number} {_short(page)} is {found.status}: {why.sentence} (rule {why.rule})."]
    lines += _evidence(found, call)
    if found.prev is not None:
        judged = judge_slot(view, found.prev)
        lines += _rivals(view, found, judged, call)
        lines += _missing(view, found, judged, call)
    for index, entry in enumerate(found.entries):
        fault = entry_fault(view, page, entry)
        if fault is not None:
            lines.append(f"Entry {index} has no effect: {fault[1]} ({fault[0]}).")
    return lines


def why_record(view: Reader, record: RecordId, names: Names | None = None) -> list[str]:
    """Return why a record of an authority log counts or does not. KeyError when there is no such record."""
    held = record_row(view, record)
    if held is None:
        raise KeyError(record)
    whose = log_row(view, held.log)
    who = _caller(names)(whose.key) if whose else "somebody"
    what = f"The {held.kind} {_short(record)} of {who}, number {held.seq} of its log,"
    if held.fault is not None:
        why = reason(held.fault)
        return [f"{what} is void: {why.sentence} (rule {why.rule})."]
    if held.page is None:
        known_kind = class_of(held.kind) is not None or held.kind == "genesis"
        return [f"{what} is kept." if known_kind else f"{what} is of a kind unknown here: kept, no effect."]
    if held.slot is None:
        return [f"{what} brought page {_short(held.page)}.", *why_page(view, held.page, names)]
    found = verdict(view, record)
    why = reason(found.code)
    lines = [f"{what} {_verb(found.status)}: {why.sentence} (rule {why.rule})."]
    if known(view, held.page) is not None:
        lines += why_page(view, held.page, names)
    return lines


def verdict(view: Reader, record: RecordId) -> Verdict:
    """Return what a signature or approval has come to. KeyError when there is no such record."""
    held = record_row(view, record)
    if held is None or held.page is None or held.slot is None:
        raise KeyError(record)
    page = known(view, held.page)
    if page is None:
        return Verdict(VoiceStatus.PENDING, "page-not-held")
    if page.prev != held.slot:
        return Verdict(VoiceStatus.VOID, "wrong-slot")
    row = view.get(VERDICTS, (page.scope, record))
    if row is not None:
        return Verdict(VoiceStatus(str(row[1])), str(row[2]))
    # What a log of another body says is not kept in the tables, only judged when asked for.
    return judge_slot(view, held.slot).verdicts[record]


def _why_pending(view: Reader, page: PageId) -> list[str]:
    held = page_row(view, page)
    if held is None:
        return [f"Page {_short(page)} is pending: {reason('log-not-held').sentence} (rule 1)."]
    code = _pending_code(view, page, held)
    why = reason(code)
    lines = [f"Page {held.number} {_short(page)} is pending: {why.sentence} (rule {why.rule})."]
    if code == "chain-not-held":
        missing: PageId | None = held.prev
        while missing is not None and (row := page_row(view, missing)) is not None:
            missing = row.prev
        if missing is not None:
            lines.append(f"Missing: page {_short(missing)}. It comes when a peer that has it is reached.")
    return lines


def _pending_code(view: Reader, page: PageId, held: PageRow) -> str:
    if held.prev is None:
        bound = view.get(FOLLOWED, (held.scope,)) if held.scope is not None else None
        return "not-followed" if bound is None else "another-founding"
    before: Known | None = known(view, held.prev)
    if before is None:
        return "chain-not-held"
    return "other-body" if before.body != held.body else "number"


def _evidence(found: PageView, call: Callable[[Key], str]) -> list[str]:
    lines = []
    for each in found.rounds:
        approved = f"; approved by {_list(each.approved, call)}" if each.approved else ""
        lines.append(f"Round {each.number}: signed by {_list(each.signed, call)}{approved}.")
    if found.repair and found.signed_by:
        lines.append(f"Signed by repair keys {_list(found.signed_by, call)}.")
    if found.moved_by:
        lines.append(f"Moved to a rival since: {_list(found.moved_by, call)}.")
    return lines


def _rivals(view: Reader, found: PageView, judged: Judged, call: Callable[[Key], str]) -> list[str]:
    lines = []
    assert found.prev is not None
    for rival in children(view, found.prev):
        row = status(view, found.scope, rival)
        if rival != found.id and row is not None:
            lines.append(f"Rival page {_short(rival)} is {row.status}.")
    epoch = judged.epoch
    for log, holds in sorted(judged.holds.items()):
        key = epoch.key_of(log) if epoch else None
        for hold in holds if key is not None else []:
            assert key is not None
            if hold.page != found.id:
                lines.append(f"{call(key)} is locked on {_short(hold.page)}, approved in round {hold.round}.")
    return lines


def _missing(view: Reader, found: PageView, judged: Judged, call: Callable[[Key], str]) -> list[str]:
    short = _short(found.id)
    assert found.prev is not None
    if found.status == SEALED or (found.status == DISPLACED):
        return []
    if found.status == FROZEN and not found.repair:
        return ["Next: fedsync bodies repair --sheet PATH --teller NAME ... --threshold K"]
    lines = []
    if found.signatures:
        lines.append(f"Missing: {_needed(found.signatures, found.to_sign, call)} to sign.")
        return [*lines, f"Next: fedsync book sign {short} --as NAME"]
    before = status(view, found.scope, found.prev)
    if before is not None and before.status in (DRAFTED, ADOPTED):
        lines.append(f"The page before it, {_short(found.prev)}, is to be sealed first.")
        return [*lines, f"Next: fedsync why {_short(found.prev)}"]
    if found.approvals:
        lines.append(f"Missing: {_needed(found.approvals, found.to_approve, call)} to approve.")
        lines.append(f"Next: fedsync book approve {short} --as NAME")
    return lines


def _needed(count: int, who: tuple[Key, ...], call: Callable[[Key], str]) -> str:
    return f"{count} of {_list(who, call)}" if count < len(who) else _list(who, call)


def _list(keys: tuple[Key, ...], call: Callable[[Key], str]) -> str:
    return ", ".join(sorted(call(key) for key in keys)) or "nobody"


def _caller(names: Names | None) -> Callable[[Key], str]:
    return lambda key: (names or {}).get(key) or key.hex()[:8]


def _short(id_: bytes) -> str:
    return id_.hex()[:12]


def _verb(word: VoiceStatus) -> str:
    match word:
        case VoiceStatus.STANDS:
            return "stands"
        case VoiceStatus.MOVED:
            return "no longer stands"
        case VoiceStatus.VOID:
            return "is void"
        case VoiceStatus.PENDING:
            return "is pending"
        case VoiceStatus.SUSPENDED:
            return "is suspended"
