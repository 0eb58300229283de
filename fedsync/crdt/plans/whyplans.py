"""Why a need, an offer, a promise, a grant of rights or an agreement is worth what it is, in sentences. Reads a view."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.books.naming import short
from fedsync.crdt.goods.tables import FULFILLED
from fedsync.crdt.logs.contents import why_inert_plans
from fedsync.crdt.logs.whystanding import Verdict, why_standing
from fedsync.crdt.plans.agreements import agreement
from fedsync.crdt.plans.offers import grants, intent, promises, rights
from fedsync.crdt.plans.plantables import PLACES, STEPS, StepRow, place, step_row
from fedsync.crdt.realms import realm_of
from fedsync.records.block import Record
from fedsync.records.codec import NotCanonical
from fedsync.records.header import VERSION
from fedsync.records.ids import LogId, PayloadId, RecordId
from fedsync.records.kinds.plans import (
    KINDS,
    PARSERS,
    Agreement,
    Commitment,
    Ending,
    Grant,
    Intent,
    Plan,
    Release,
    TakeBack,
)
from fedsync.records.void import Void

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        # Promises
        "promise-stands": "It stands: its log held the rights to promise so much of the offer.",
        "beyond-rights": "It is not valid and never will be: it promises more of the offer than its log had the right to promise. "
        "Whoever has rights can promise it anew.",
        "promise-to-oneself": "It has no effect: who offers the goods promises them to itself.",
        "offer-over": "It has no effect: by its own time it was written after the offer was over.",
        "withdrawn": "It stood, and was taken back; its rights are free again.",
        "expired": "It stood, and was taken back after its time was over; its rights are free again.",
        # Rights
        "rights-granted": "It stands: so much of the right to promise went from its log to another one.",
        "given-up": "It stands: so much of the offer is given up, and nobody can promise it.",
        "taken-back": "It stands: so much of the right to promise came back to the log that granted it.",
        "not-over": "It has no effect: what it takes back was not over, and no page ended the log of who held it.",
        "already-spent": "It has no effect: so much was not left of the rights at the record that it names.",
        "at-falls": "It has no effect: rights of the same grant were taken back as of a later record already.",
        "at-elsewhere": "It has no effect: the record that it looked at is not of the log that holds the rights.",
        "at-not-counted": "It has no effect: the record that it looked at does not count in its log.",
        "no-grant": "It has no effect: what it names as the rights that it rests on is no grant to its log.",
        "released": "It stands: the promise that it names is over.",
        "released-before": "It has no effect: the promise was taken back before.",
        "no-promise": "It has no effect: what it names is no promise of its own log that stood.",
        # Waiting
        "offer-not-held": "It waits: the offer is not held here, or the page that counts its author has not come.",
        "not-an-offer": "It has no effect: what it names is a need, and no offer.",
        "grant-not-held": "It waits: the grant that it rests on is not held here yet, or stands above a fork of its log.",
        "granter-waits": "It waits: the grant that it rests on waits itself.",
        "rights-wait": "It waits: an earlier record of its log about this offer rests on what is not held here yet.",
        "at-not-held": "It waits: the record that it looked at in the log of who held the rights is not held here yet.",
        "holder-waits": "It waits: the log of who held the rights waits for records that are not held here yet.",
        # Needs, offers and agreements
        "offered": "It stands: the log that made it holds the right to promise all of it, and can hand that on.",
        "needed": "It stands until it is served, or over.",
        "signed": "It counts: it signs the agreement for its body.",
        "agreement-ended": "It counts: it ends the agreement for all.",
        "not-a-party": "It has no effect: its body is no party to the agreement.",
        "notice-too-short": "It has no effect: it ends the agreement earlier than the notice allows.",
        "agreement-not-held": "It waits: the agreement that it ends is not held here yet.",
    }
)
"""What is said of a record of this family, by the code of its verdict."""

__all__ = ["KINDS", "SENTENCES", "why_plan"]

_STATUS = {"valid": "counts"}
"""What `why` calls a status, where it has a word of its own for it."""


@dataclass(frozen=True, slots=True)
class Words:
    """How so much of an item is written, and what who writes a log is called."""

    amount: Callable[[int, bytes], str]
    who: Callable[[LogId], str]


def why_plan(view: Reader, record: Record, words: Words) -> tuple[Verdict, list[str]]:
    """Return whether a record of this family counts, and the lines that show why."""
    if record.kind not in KINDS or record.version != VERSION:
        return Verdict("inert", "unknown", "This version does not know this kind of record; it keeps it."), []
    inert = why_inert_plans(record.genesis)
    if inert is not None:
        return Verdict("void", "log", f"It has no effect: {inert}."), []
    try:
        said: Plan = PARSERS[record.kind](record.value, record.genesis.scope, record.log)
    except Void as void:
        return Verdict("void", void.code, f"It has no effect: {void.sentence}."), []
    except NotCanonical as error:
        return Verdict("void", "payload", f"It has no effect: its payload can't be read ({error})."), []
    standing = why_standing(view, record)
    if standing.status != "counts":
        return standing, []
    match said:
        case Intent():
            return _intent(view, record, said, words)
        case Agreement() | Ending():
            return _agreement(view, record, said)
    row = _row(view, record)
    if row is None:
        return _verdict("void", "no-promise"), []
    return _verdict(row.status, row.code, f"fedsync stock rights {short(_about(view, record))}"), list(
        _evidence(view, record, said, row, words)
    )


def _verdict(status: str, code: str, step: str | None = None) -> Verdict:
    return Verdict(_STATUS.get(status, status), code, SENTENCES[code], step)


def _row(view: Reader, record: Record) -> StepRow | None:
    row = view.get(PLACES, (record.id,))
    if row is None:
        return None
    at = place(row)
    found = view.get(STEPS, (at.realm, at.intent, at.log, at.seq))
    return None if found is None else step_row(found)


def _about(view: Reader, record: Record) -> RecordId:
    row = view.get(PLACES, (record.id,))
    assert row is not None, "a record with a verdict has a place"
    return RecordId(place(row).intent)


def _intent(view: Reader, record: Record, said: Intent, words: Words) -> tuple[Verdict, list[str]]:
    if not said.is_offer:
        return _verdict("counts", "needed", "fedsync stock match"), []
    given = [each for each in promises(view, record.id) if each.status == "valid"]
    promised = sum(each.said.quantity for each in given)
    gone = sum(each.said.quantity for each in grants(view, record.id) if each.code == "given-up")
    lines = [
        f"{words.amount(said.quantity, said.item)} are offered; {words.amount(promised, said.item)} are promised in {len(given)} promises"
        + (f", {words.amount(gone, said.item)} are given up." if gone else ".")
    ]
    for each in rights(view, record.id):
        rest = each.account.left + sum(grant.lot.left for grant in each.open)
        lines.append(f"{words.who(each.log)} may promise {words.amount(rest, said.item)}.")
    return _verdict("counts", "offered", f"fedsync stock rights {short(record.id)}"), lines


def _evidence(
    view: Reader,
    record: Record,
    said: Grant | TakeBack | Commitment | Release,
    row: StepRow,
    words: Words,
) -> Iterator[str]:
    about = _about(view, record)
    offer = intent(view, about)
    if offer is None or not offer.said.is_offer:
        return
    item = offer.said.item
    if row.code == "beyond-rights":
        for each in rights(view, about):
            if each.log == record.log:
                yield f"Its log holds {words.amount(each.account.left, item)} now; this says {words.amount(row.quantity, item)}."
    if isinstance(said, Commitment):
        rows = view.scan(FULFILLED, (realm_of(record.genesis), record.id))
        kept = sum(int(cells[0]) for _, cells in rows if cells[0] is not None)
        if kept:
            yield f"{words.amount(kept, item)} left the stores to keep it."
    if isinstance(said, Grant | Commitment):
        for ref in said.accepts:
            yield f"It rests on the grant {short(ref.id)} of {words.who(ref.log)}, {_worth(view, about, ref.id)}."
    if isinstance(said, Grant) and said.to is not None:
        yield f"It is to {words.who(said.to)}, {_taken(view, about, record.id, said.to)}."


def _worth(view: Reader, about: RecordId, id_: RecordId) -> str:
    found = next((each for each in grants(view, about) if each.id == id_), None)
    if found is None:
        return "which does not count here"
    return "which stands" if found.status == "valid" else f"which is {found.status}"


def _taken(view: Reader, about: RecordId, id_: RecordId, to: LogId) -> str:
    for each in rights(view, about):
        if each.log == to:
            lot = each.account.lot(id_)
            return "who has not accepted it yet" if lot is None else "who accepted it"
    return "who has not accepted it yet"


def _agreement(view: Reader, record: Record, said: Agreement | Ending) -> tuple[Verdict, list[str]]:
    id_ = said.agreement if isinstance(said, Ending) else PayloadId(record.payload_id)
    step = f"fedsync stock agreements show {short(id_)}"
    found = agreement(view, id_)
    if found is None:
        return _verdict("pending", "agreement-not-held"), []
    if isinstance(said, Ending):
        fault = next((fault for each, fault in found.endings if each.id == record.id), None)
        if fault is not None:
            return _verdict("void", fault, step), []
        return _verdict("counts", "agreement-ended", step), []
    if record.genesis.scope not in said.parties:
        return _verdict("void", "not-a-party", step), []
    return _verdict("counts", "signed", step), [
        f"{len(found.signed)} of {len(said.parties)} parties have signed it."
    ]
