"""Why a page of a book of any kind is what it is: who signed, who seals, what the body waits for. Pure; reads a view."""

from collections.abc import Iterable, Iterator

from fedsync.crdt.answer import Answer, some
from fedsync.crdt.books.booktables import (
    ADOPTED,
    DISPLACED,
    DRAFTED,
    FOLLOWED,
    FROZEN,
    SEALED,
    VOICES,
    WITNESSES,
    Known,
    PageRow,
    Reader,
    children,
    known,
    log_row,
    page_row,
    status,
)
from fedsync.crdt.books.canon import witness_of
from fedsync.crdt.books.consents import why_consents
from fedsync.crdt.books.delegates import Given, given, under
from fedsync.crdt.books.epoch import read_page
from fedsync.crdt.books.mandates import IN_FORCE, PROVISIONAL
from fedsync.crdt.books.minutes import PageView, entry_fault, page_view
from fedsync.crdt.books.naming import Naming
from fedsync.crdt.books.slot import Judged, VoiceStatus
from fedsync.crdt.books.slotview import epoch_or_wait, judge_slot
from fedsync.crdt.books.soundness import sound
from fedsync.crdt.reasons import reason
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope
from fedsync.records.kinds.entries import Consent

REPAIR = "fedsync bodies repair --sheet PATH --teller NAME ... --threshold K"
PEERS = "fedsync peers list"


def about_page(view: Reader, page: PageId, called: Naming) -> Answer:
    """Return why a page has the status that it has."""
    found = page_view(view, page)
    if found is None:
        return _pending(view, page, called)
    code, needs, command = found.reason, "", None
    missing: tuple[str, ...] = ()
    evidence: list[str] = []
    if found.prev is not None:
        judged = judge_slot(view, found.prev)
        evidence += _rounds(found, judged, called)
        evidence += _unheard(view, found, judged, called)
        evidence += _rivals(view, found, judged, called)
        if found.status in (DRAFTED, ADOPTED):
            code, waits = _waits(view, found, judged, called)
            evidence += waits
        evidence += _split(view, found, called)
        missing, needs, command = _missing(view, found, judged, called)
    for index, entry in enumerate(found.entries):
        fault = entry_fault(view, page, entry)
        if fault is not None:
            evidence.append(f"Entry {index} has no effect: {fault[1]} ({fault[0]}).")
    consents = why_consents(view, page, called.body)
    if consents is not None:
        evidence += consents.lines
        if consents.next is not None:
            # Without them it is only a proposal, which our tools do not sign.
            missing, command = consents.missing, consents.next
            needs = f"the consent of {', '.join(missing)}" if missing else ""
    what = f"Page {found.number} {short12(page)}"
    return Answer(page.hex(), "page", what, found.status, code, tuple(evidence), missing, needs, command)


def short12(id_: bytes) -> str:
    """Return the beginning of an id by which even rivals are told apart."""
    return id_.hex()[:12]


# --- Pages that are not held whole


def _pending(view: Reader, page: PageId, called: Naming) -> Answer:
    held = page_row(view, page)
    if held is None:
        what = f"Page {short12(page)}"
        return Answer(
            page.hex(), "page", what, "pending", "log-not-held", missing=(what.lower(),), next=PEERS
        )
    code = _pending_code(view, page, held)
    what = f"Page {held.number} {short12(page)}"
    missing: tuple[str, ...] = ()
    needs = ""
    if code == "chain-not-held":
        at: PageId | None = held.prev
        while at is not None and (row := page_row(view, at)) is not None:
            at = row.prev
        if at is not None:
            missing = (f"page {short12(at)}",)
            needs = f"page {short12(at)}; it comes when a peer that has it is reached"
    return Answer(page.hex(), "page", what, "pending", code, (), missing, needs)


def _pending_code(view: Reader, page: PageId, held: PageRow) -> str:
    if held.prev is None:
        bound = view.get(FOLLOWED, (held.scope,)) if held.scope is not None else None
        return "not-followed" if bound is None else "another-founding"
    before: Known | None = known(view, held.prev)
    if before is None:
        return "chain-not-held"
    return "other-body" if before.body != held.body else "number"


# --- Who spoke


def _rounds(found: PageView, judged: Judged, called: Naming) -> list[str]:
    lines = []
    tally = judged.tallies[found.id]
    if not tally.repair:
        for number, logs in sorted(tally.signed.items()):
            signed = in_a_row(judged, logs, found.scope, called)
            by = tally.approved.get(number)
            approved = f"; approved by {in_a_row(judged, by, found.scope, called)}" if by else ""
            lines.append(f"Round {number}: signed by {signed}{approved}.")
    if found.repair and found.signed_by:
        lines.append(f"Signed by repair keys {called.everyone(found.signed_by, found.scope)}.")
    if found.moved_by:
        lines.append(f"Moved to a rival since: {called.everyone(found.moved_by, found.scope)}.")
    return lines


def in_a_row(judged: Judged, logs: Iterable[LogId], scope: Scope, called: Naming) -> str:
    """Return whose logs these are, and for which bodies they speak; "nobody" for none."""
    names = []
    for log in logs:
        name = called.person(judged.keys[log], scope)
        names.append(f"{name} for {called.body(judged.speaks[log])}" if log in judged.speaks else name)
    return ", ".join(sorted(names)) or "nobody"


def _unheard(view: Reader, found: PageView, judged: Judged, called: Naming) -> list[str]:
    """Return who spoke for the page and is not counted, and why."""
    if found.status in (SEALED, DISPLACED):
        return []
    lines = []
    assert found.prev is not None
    for key, cells in view.scan(VOICES, (found.prev,)):
        verdict = judged.verdicts.get(RecordId(key[3]))  # type: ignore[arg-type]
        if cells[1] != found.id or verdict is None:
            continue
        if verdict.status in (VoiceStatus.STANDS, VoiceStatus.MOVED):
            continue
        whose = log_row(view, LogId(key[1]))  # type: ignore[arg-type]
        assert whose is not None
        sent = under(view, whose).giver if whose.page is not None else None
        of = f" for {called.body(sent)}" if sent is not None else ""
        word = "approval" if cells[0] else "signature"
        why = reason(verdict.code)
        lines.append(
            f"The {word} of {called.person(whose.key, whose.scope)}{of} is {verdict.status}: "
            f"{why.sentence} (rule {why.rule})."
        )
    return some(lines, "that are not counted")


def _rivals(view: Reader, found: PageView, judged: Judged, called: Naming) -> list[str]:
    lines = []
    assert found.prev is not None
    for rival in children(view, found.prev):
        row = status(view, found.scope, rival)
        if rival != found.id and row is not None:
            lines.append(f"Rival page {short12(rival)} is {row.status}.")
    epoch = judged.epoch
    # Who is locked on what matters as long as something can still be signed here.
    holding = judged.holds if found.status in (DRAFTED, ADOPTED, FROZEN) else {}
    for log, holds in sorted(holding.items()):
        key = epoch.key_of(log) if epoch else None
        for hold in holds if key is not None else []:
            assert key is not None
            if hold.page != found.id:
                lines.append(
                    f"{called.person(key, found.scope)} is locked on {short12(hold.page)}, "
                    f"approved in round {hold.round}."
                )
    return lines


# --- What the body waits for


def _waits(view: Reader, found: PageView, judged: Judged, called: Naming) -> tuple[str, list[str]]:
    """Return the code of why an open page is open, and what its epoch in force waits for."""
    if judged.epoch is not None:
        return found.reason, []
    if judged.waits is None:
        return "no-epoch", []
    assert found.prev is not None
    before = known(view, found.prev)
    _, by = epoch_or_wait(view, before) if before is not None else (None, None)
    return judged.waits, epoch_waits(view, by, called) if by is not None else []


def epoch_waits(view: Reader, page: PageId, called: Naming) -> list[str]:
    """Return whom the epoch on a known page waits for: first pages of its bodies, and consents of their books."""
    lines = []
    for waited in sorted(sound(view, page)[1]):
        held = page_row(view, waited)
        if held is None:
            lines.append(f"The epoch on {called.page(page)} waits for {called.page(waited)}.")
        elif any(isinstance(each, Consent) for each in read_page(held.payload).entries):
            lines.append(
                f"The epoch on {called.page(page)} waits for the consent of {called.body(held.body)}: "
                f"{called.page(waited)} is not certified yet."
            )
        else:
            lines.append(f"The epoch on {called.page(page)} waits until {called.page(waited)} is certified.")
    return lines


def _split(view: Reader, found: PageView, called: Naming) -> list[str]:
    """Return what split a frozen book, with proof, or what was sealed in the place of a displaced page."""
    if found.status not in (FROZEN, DISPLACED):
        return []
    page, prev = found.id, found.prev
    while prev is not None and (above := status(view, found.scope, prev)) and above.status == found.status:
        page, here = prev, known(view, prev)
        prev = here.prev if here is not None else None
    if prev is None:
        return []
    lines = [] if page == found.id else [f"It follows on {called.page(page)}, which is {found.status} too."]
    if found.status == DISPLACED:
        return [*lines, *_in_its_place(view, found, page, prev, called)]
    rivals = [each for each in children(view, prev) if _is_certified(view, found.scope, each)]
    lines.append(f"Certified after one page: {', '.join(short12(each) for each in rivals)}.")
    lines += double_approvals(view, prev, rivals, found.scope, called)
    epoch = judge_slot(view, prev).epoch
    if epoch is not None and not epoch.repair:
        lines.append("The body named no repair keys, so nobody can mend the book.")
    by = witness_of(view, prev)
    if by is None:
        lines.append("No body of a higher level is named to witness which of them holds.")
    else:
        lines.append(f"The sealed book of {_body_name(by, called)} has not witnessed which of them holds.")
    return lines


def _in_its_place(view: Reader, found: PageView, page: PageId, prev: PageId, called: Naming) -> Iterator[str]:
    """Yield what was sealed instead of a displaced page, and where both are certified, by what that was settled."""
    certified = [each for each in children(view, prev) if _is_certified(view, found.scope, each)]
    for rival in certified:
        at, here = status(view, found.scope, rival), known(view, rival)
        if at is None or here is None or at.status != SEALED:
            continue
        if page != found.id:
            yield f"Sealed in its place: {called.page(rival)}."
        if page not in certified:
            return
        yield f"Both are certified: {short12(page)} and {short12(rival)}."
        yield from double_approvals(view, prev, certified, found.scope, called)
        by = witness_of(view, prev)
        seen = list(heads_seen(view, _scope_of(view, by), here.body)) if by is not None else []
        if by is not None and seen:
            yield f"The book of {_body_name(by, called)} witnessed the other one first."
        elif here.repair:
            yield "The other one is signed by the repair keys, which settles it."


def _scope_of(view: Reader, body: bytes) -> Scope:
    here = known(view, PageId(body)) if len(body) == 32 else None
    return here.scope if here is not None else Scope(body)


def _body_name(body: bytes, called: Naming) -> str:
    return called.body(PageId(body)) if len(body) == 32 else called.book(Scope(body))


def _is_certified(view: Reader, scope: Scope, page: PageId) -> bool:
    at = status(view, scope, page)
    return at is not None and at.certified


def double_approvals(
    view: Reader, slot: PageId, rivals: list[PageId], scope: Scope, called: Naming
) -> list[str]:
    """Return who approved several of the certified pages after one page: the proof of who split the book."""
    judged = judge_slot(view, slot)
    said: dict[Key, list[str]] = {}
    for page in rivals:
        for round_, logs in sorted(judged.tallies[page].approved.items()):
            for key in {judged.keys[log] for log in logs}:
                said.setdefault(key, []).append(f"{short12(page)} in round {round_}")
    return [
        f"{called.person(key, scope)} approved several of them: {', '.join(each)}."
        for key, each in sorted(said.items())
        if len({one.split()[0] for one in each}) > 1
    ]


# --- Who is missing


def _missing(
    view: Reader, found: PageView, judged: Judged, called: Naming
) -> tuple[tuple[str, ...], str, str | None]:
    """Return who is missing by name, the same in a sentence, and the next command."""
    short = short12(found.id)
    assert found.prev is not None
    if found.status in (SEALED, DISPLACED):
        return (), "", None
    if found.status == FROZEN and not found.repair:
        return (), "", REPAIR if judged.epoch is None or judged.epoch.repair else None
    if judged.epoch is None:
        # Without an epoch there are no repair keys either: such a book never goes on.
        return (), "", PEERS if judged.waits else "fedsync bodies found --help"
    before = status(view, found.scope, found.prev)
    if found.signatures:
        bodies = [_absent(view, each, found, called) for each in found.bodies_to_sign]
        names = (*bodies, *sorted(called.person(key, found.scope) for key in found.to_sign))
        seats = bool(found.bodies_to_sign) or bool(set(found.to_sign) & judged.epoch.keys)
        verb = "to sign" if seats or found.repair else "to seal"
        command = f"fedsync book sign {short} --as NAME"
        return (
            names,
            f"{_needed(found.signatures, names)} {verb}",
            command if seats or found.repair else PEERS,
        )
    if before is not None and before.status in (DRAFTED, ADOPTED):
        seal = f"the seal of the page before it, {short12(found.prev)}"
        return (seal,), seal, f"fedsync why {short12(found.prev)}"
    if found.approvals:
        names = tuple(sorted(called.person(key, found.scope) for key in found.to_approve))
        people = not judged.epoch.own_sealers
        command = f"fedsync book approve {short} --as NAME" if people else PEERS
        verb = "approve" if people else "seal"
        return names, f"{_needed(found.approvals, names)} to {verb}", command
    return (), "", None


def _needed(count: int, names: tuple[str, ...]) -> str:
    who = ", ".join(names) or "nobody"
    return f"{count} of {who}" if count < len(names) else who


def _absent(view: Reader, body: PageId, found: PageView, called: Naming) -> str:
    """Return a body whose delegate has not signed, and who that is."""
    here = known(view, found.id)
    assert here is not None
    sent = delegates_of(view, body, here.body)
    if not sent:
        there = known(view, body)
        why = "its book has not come" if there is None else "it has sent nobody"
        return f"{called.body(body)} ({why})"
    who = " or ".join(called.person(each.mandate.holder, each.scope) for each in sent)
    return f"{who} of {called.body(body)}"


def delegates_of(view: Reader, body: PageId, seat: PageId) -> list[Given]:
    """Return the mandates of a body for its seat in another that are in force, or will be once their page is sealed."""
    there = known(view, body)
    if there is None:
        return []
    return [
        each
        for each in given(view, there.scope)
        if each.mandate.seat == seat and each.status in (IN_FORCE, PROVISIONAL)
    ]


def heads_seen(view: Reader, scope: Scope, body: PageId) -> Iterator[tuple[PageId, PageId]]:
    """Yield the heads of a body that pages of a book witness, and these pages."""
    for key, cells in view.scan(WITNESSES, (scope, body)):
        yield PageId(cells[0]), PageId(key[3])  # type: ignore[arg-type]
