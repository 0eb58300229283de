"""Why anything of the authority family is what it is: the one way in for `fedsync why`. Pure; reads a view.

Each answer says the status and its rule, the evidence (who signed and approved in which round, who is locked on what,
which page gave or ended a mandate), who is missing, and the next command.
"""

from collections.abc import Mapping
from shlex import quote

from fedsync.crdt.answer import Answer
from fedsync.crdt.books.addresses import announced
from fedsync.crdt.books.booktables import (
    DISSENTS,
    MANDATE_LOGS,
    PEOPLE,
    POSTS,
    VOTES_ON,
    LogRow,
    Reader,
    RecordRow,
    book,
    children,
    known,
    log_row,
    record_row,
    status,
)
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.motions import dissents, motion, versions
from fedsync.crdt.books.naming import Naming, rule_words, short
from fedsync.crdt.books.results import results_on
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.books.slotview import epoch_or_wait
from fedsync.crdt.books.whyentries import about_entry
from fedsync.crdt.books.whypages import PEERS, REPAIR, about_page, double_approvals, epoch_waits, short12
from fedsync.crdt.books.whyvoices import VERBS, about_voice, about_vote, mandate_status, verdict
from fedsync.records.genesis import GENESIS
from fedsync.records.ids import Key, PageId, RecordId, Scope
from fedsync.records.kinds import class_of
from fedsync.records.kinds.announcing import ANNOUNCEMENT
from fedsync.records.kinds.authority import PERSON, POST
from fedsync.records.kinds.motions import DISSENT, MOTION, VOTE

Names = Mapping[Key, str]

__all__ = ["about_body", "about_entry", "about_page", "about_record", "verdict", "why_page", "why_record"]


def why_page(view: Reader, page: PageId, names: Names | None = None) -> list[str]:
    """Return why a page has the status that it has, in lines."""
    return about_page(view, page, Naming(view, names)).lines


def why_record(view: Reader, record: RecordId, names: Names | None = None) -> list[str]:
    """Return why a record of an authority log counts or does not, in lines. KeyError when there is no such record."""
    return about_record(view, record, Naming(view, names)).lines


def about_record(view: Reader, record: RecordId, called: Naming) -> Answer:
    """Return why a record of an authority log counts or does not. KeyError when there is no such record."""
    held = record_row(view, record)
    if held is None:
        raise KeyError(record)
    whose = log_row(view, held.log)
    who = called.person(whose.key, whose.scope) if whose else "somebody"
    what = f"The {held.kind} {short12(record)} of {who}, number {held.seq} of its log,"
    id_ = record.hex()
    if held.fault is not None:
        return Answer(id_, held.kind, what, "void", held.fault)
    if held.slot is not None:
        return about_voice(view, record, held, what, called)
    if held.page is not None:
        after = about_page(view, held.page, called)
        return Answer(
            id_, held.kind, what, after.status, after.code, after=after,
            verb=f"brought page {short12(held.page)}, which is {after.status}",
        )  # fmt: skip
    if held.kind == VOTE:
        vote = about_vote(view, record, what, called)
        if vote is not None:
            return vote
    return _plainly(view, record, held, whose, what, called)


def _plainly(
    view: Reader, record: RecordId, held: RecordRow, whose: LogRow | None, what: str, called: Naming
) -> Answer:
    """Return the answer for a record that says nothing that counts or not by itself."""
    id_ = record.hex()
    match held.kind:
        case "genesis" if whose is not None:
            return Answer(id_, GENESIS, what, "kept", "begins-a-log", tuple(_log(view, held, whose, called)))
        case "motion":
            return _motion(view, record, what, called)
        case "dissent":
            return _dissent(view, record, what, called)
        case "person" if whose is not None:
            evidence = [
                f"It says that {called.person(Key(key[1]), whose.scope)} ({short(key[1])}) is called {cells[0]!s}."  # type: ignore[arg-type]
                for key, cells in view.scan(PEOPLE, (whose.scope,))
                if key[2] == record
            ]
            return Answer(id_, PERSON, what, "kept", "claims-a-name", tuple(evidence))
        case "post" if whose is not None:
            evidence = [
                f"It says that the key {short(key[2])} is the {key[1]!s} of {called.book(whose.scope)}."  # type: ignore[arg-type]
                for key, _ in view.scan(POSTS, (whose.scope,))
                if key[3] == record
            ]
            return Answer(id_, POST, what, "kept", "names-a-post", tuple(evidence))
        case "announcement" if whose is not None:
            last = announced(view, whose.scope).get((whose.scope, whose.key))
            evidence = ["Its node has announced something else since."]
            if last is not None and last.record == record:
                at = f"at {', '.join(last.addresses)}" if last.addresses else "nowhere any more"
                evidence = [f"It says that the node answers {at}."]
            return Answer(id_, ANNOUNCEMENT, what, "kept", "announces", tuple(evidence))
    known_kind = class_of(held.kind) is not None
    if not known_kind:
        verb = "is of a kind unknown here"
        return Answer(id_, held.kind, what, "kept", "unknown-kind", verb=verb)
    return Answer(id_, held.kind, what, "kept", "kept")


def _log(view: Reader, held: RecordRow, whose: LogRow, called: Naming) -> list[str]:
    who = called.person(whose.key, whose.scope)
    lines = [f"The log {short(held.log)} is {who}'s, as {whose.capacity} in {called.book(whose.scope)}."]
    if whose.page is not None and whose.entry is not None:
        mandate = (whose.page, whose.entry)
        lines.append(f"It is under {called.mandate(mandate)}: {mandate_status(view, mandate)}.")
        others = [key for key, _ in view.scan(MANDATE_LOGS, mandate) if key[2] != held.log]
        if others:
            lines.append(f"{len(others)} more logs are under the same mandate.")
    elif not whose.fit:
        lines.append("It can't speak for the body: it was made for another, or never leaves its nodes.")
    return lines


def _motion(view: Reader, record: RecordId, what: str, called: Naming) -> Answer:
    """Return what a motion is worth, and what was made of it."""
    found = motion(view, record)
    if found is None:
        return Answer(record.hex(), MOTION, what, "kept", "kept")
    said, worth = found.motion, found.verdict
    evidence = [f"It asks {called.body(said.body)}: {called.motion(record)}."]
    if found.giver is not None:
        evidence.append(f"Its author speaks for {called.body(found.giver)}.")
    for each in versions(view, record):
        if each.motion.amends == record:
            evidence.append(f"The motion {short(each.id)} is a new version of it.")
    if said.amends is not None:
        evidence.append(f"It is a new version of {called.motion(said.amends)} ({short(said.amends)}).")
    if said.rule is not None:
        evidence.append(f"It is to be decided by {rule_words(said.rule)}.")
    votes = sum(1 for _ in view.scan(VOTES_ON, (record,)))
    evidence.append(f"{votes} votes on it are held.")
    for result in results_on(view, record):
        clause = f" on clause {result.entry.clause}" if result.entry.clause else ""
        outcome = result.outcome or "nothing decided"
        evidence.append(f"The result{clause} on {called.page(result.page)}: {outcome}, {result.status}.")
    for statement in dissents(view, record):
        evidence.append(f"{called.person(statement.key, statement.scope)} dissents ({short(statement.id)}).")
    stands = worth.status is VoiceStatus.STANDS
    missing = (called.body(said.body),) if worth.code == "body-not-known" else ()
    if worth.code == "amended-not-held" and said.amends is not None:
        missing = (f"the motion {short(said.amends)}",)
    return Answer(
        record.hex(), MOTION, what, worth.status.value, "puts-a-motion" if stands else worth.code,
        tuple(evidence), missing, verb=VERBS[worth.status],
        next=f"fedsync votes open {short12(record)}" if stands else None,
    )  # fmt: skip


def _dissent(view: Reader, record: RecordId, what: str, called: Naming) -> Answer:
    """Return what a statement against something is worth, and what it is against."""
    for key, _ in view.scan(DISSENTS):
        if key[1] != record:
            continue
        about = bytes(key[0])  # type: ignore[arg-type]
        found = next(each for each in dissents(view, about) if each.id == record)
        held = record_row(view, RecordId(about))
        against = called.page(PageId(about)) if held is None else f"the {held.kind} {short(about)}"
        worth = found.verdict
        stands = worth.status is VoiceStatus.STANDS
        return Answer(
            record.hex(), DISSENT, what, worth.status.value, "dissents" if stands else worth.code,
            (f"It is against {against}, and stands beside it wherever that is shown.",), verb=VERBS[worth.status],
        )  # fmt: skip
    return Answer(record.hex(), DISSENT, what, "kept", "kept")


def about_body(view: Reader, scope: Scope, body: PageId, called: Naming) -> Answer:
    """Return how a body's book stands: founded, going on, split, or waiting for the consents of its members."""
    at = book(view, scope)
    what = f"{called.book(scope)} ({short(body)})"
    if at is None:
        return Answer(
            body.hex(), "body", what, "pending", "body-not-held", missing=("its page 0",), next=PEERS
        )
    evidence = [f"Sealed up to page {at.number}: {called.page(at.head)}."]
    if at.frozen:
        rivals = _certified_after(view, scope, at.head)
        evidence += double_approvals(view, at.head, rivals, scope, called)
        return Answer(body.hex(), "body", what, "frozen", "body-frozen", tuple(evidence), next=REPAIR)
    head = known(view, at.head)
    _, waits = epoch_or_wait(view, head) if head is not None else (None, None)
    if waits is not None:
        evidence += epoch_waits(view, waits, called)
        return Answer(body.hex(), "body", what, "pending", "epoch-not-settled", tuple(evidence), next=PEERS)
    try:
        epoch = current_epoch(view, scope, newest(view, scope))
    except CannotDraft:
        epoch = None
    if epoch is None:
        return Answer(body.hex(), "body", what, "void", "no-epoch", tuple(evidence))
    names = [
        *(called.body(each) for each in epoch.members),
        *(called.person(key, scope) for key in epoch.keys),
    ]
    evidence.append(f"{epoch.k} of these must sign: {', '.join(sorted(names))}.")
    evidence.append(f"{epoch.w} of {epoch.m} must seal; {epoch.bears} of them may lie without splitting it.")
    if at.number == 0:
        return Answer(
            body.hex(), "body", what, "being founded", "body-founding", tuple(evidence),
            next=f"fedsync book list --body {quote(called.book(scope))}",
        )  # fmt: skip
    return Answer(body.hex(), "body", what, "founded", "body-followed", tuple(evidence))


def _certified_after(view: Reader, scope: Scope, head: PageId) -> list[PageId]:
    return [
        page
        for page in children(view, head)
        if (at := status(view, scope, page)) is not None and at.certified
    ]
