"""The fold of needs, offers and promises: what is worth how much, kept up record by record. Touches a draft only.

A record at the end of its log is judged by its log's account alone. Where more hangs on what came (rights are taken back, an
offer came after its promises, a log was cut, forked or settled, somebody waited for it) the offer concerned is judged anew
as a whole. Both are `escrow`'s rules, and a test compares them.
"""

from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.plans.account import PENDING, VALID, VOID, Account, Lot, Step, Verdict, released, spend
from fedsync.crdt.plans.judging import (
    account_at,
    held_of,
    judge_anew,
    keep,
    offer_of,
    packed,
    said_of,
    set_row,
    wait,
)
from fedsync.crdt.plans.plantables import (
    ACCOUNTS,
    DIRTY,
    DRAWS,
    INTENT_LOGS,
    INTENTS,
    LOG_STEPS,
    PLACES,
    RIGHTS,
    STEPS,
    TAKEN_BACK,
    WAIT_SPAN,
    WAITS,
    Place,
    StepRow,
    place,
    step_row,
)
from fedsync.crdt.realms import is_local, realm_of, scope_of
from fedsync.crdt.view import Draft, KeyRow
from fedsync.records.block import Block
from fedsync.records.codec import NotCanonical, unpack
from fedsync.records.genesis import Genesis
from fedsync.records.header import VERSION
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.plans import (
    COMMITMENT,
    GRANT,
    INTENT,
    PARSERS,
    RELEASE,
    Commitment,
    Grant,
    Intent,
    Release,
    TakeBack,
)
from fedsync.records.kinds.refs import FactRef
from fedsync.records.void import Void

_KINDS = frozenset({INTENT, GRANT, COMMITMENT, RELEASE})


class Promises:
    """The part of plans that is about offers and what is promised of them."""

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Judge the records of a stretch of a block."""
        row = draft.get(COUNTED_LOGS, (block.log,))
        # Of a log that the book ends, what is the last of it may matter to whoever waits.
        ends = row is not None and counted_log(row).limit is not None
        spans: list[KeyRow] = [(block.log, each) for each in range(first // WAIT_SPAN, -(-stop // WAIT_SPAN))]
        again = {
            RecordId(key[3])  # type: ignore[arg-type]
            for prefix in ([(block.log,)] if ends else spans)
            for key, _ in draft.scan(WAITS, prefix)
            if ends or first <= key[2] < stop  # type: ignore[operator]
        }
        for seq in range(first, stop):
            at = seq - block.first
            if block.kinds[at] not in _KINDS or block.body.versions[at] != VERSION:
                continue
            try:
                said = PARSERS[block.kinds[at]](block.value(at), block.genesis.scope, block.log)
            except (Void, NotCanonical):
                continue
            step = Step(block.log, seq, block.ids[at], block.times[at], said)  # type: ignore[arg-type]
            about = _take(draft, block.genesis, step, block.kinds[at], block.payloads[at], again)
            if about is not None:
                again.add(about)
        for intent in sorted(again):
            # A log that is being taken again is judged once, when all of it is taken.
            if draft.get(DIRTY, (intent,)) is None:
                judge_anew(draft, intent)

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Take all out that a log says. What it spoke of is judged when what still counts is taken again."""
        for key, row in list(draft.scan(LOG_STEPS, (genesis.log,))):
            at = draft.get(PLACES, (row[0],))  # type: ignore[arg-type]
            if at is None or at[4] not in _KINDS:
                continue
            found, id_ = place(at), row[0]
            intent = RecordId(found.intent)
            draft.put(DIRTY, (intent,), ())
            if found.kind == INTENT:
                draft.drop(INTENTS, (found.realm, intent))
            else:
                draft.drop(STEPS, (found.realm, intent, found.log, found.seq))
                draft.drop(DRAWS, (intent, found.log, found.seq))
            draft.drop(ACCOUNTS, (intent, found.log))
            draft.drop(RIGHTS, (found.realm, intent, found.log))
            draft.drop(INTENT_LOGS, (intent, found.log))
            draft.drop(PLACES, (id_,))  # type: ignore[arg-type]
            draft.drop(LOG_STEPS, key)

    def changed(self, draft: Draft, genesis: Genesis) -> None:
        """Judge what was set aside, and what waits for this log, anew."""
        again = {RecordId(key[0]) for key, _ in draft.scan(DIRTY)}  # type: ignore[arg-type]
        again |= {RecordId(key[3]) for key, _ in draft.scan(WAITS, (genesis.log,))}  # type: ignore[arg-type]
        for intent in sorted(again):
            draft.drop(DIRTY, (intent,))
            judge_anew(draft, intent)


# --- One record at the end of its log -------------------------------------------------------------------


def _take(
    draft: Draft, genesis: Genesis, step: Step, kind: str, payload: bytes, again: set[RecordId]
) -> RecordId | None:
    """Write a record down and judge it; return its intent when that has to be judged anew instead."""
    realm, said = realm_of(genesis), step.said
    if isinstance(said, Intent):
        _note(draft, Place(realm, step.id, step.log, step.seq, kind), step.id)
        side = "offer" if said.is_offer else "need"
        cells = (step.log, step.seq, step.time, side, said.item, said.quantity, payload)
        draft.put(INTENTS, (realm, step.id), cells)
        if next(iter(draft.scan(INTENT_LOGS, (step.id,))), None) is not None:
            return step.id
        if said.is_offer:
            draft.put(INTENT_LOGS, (step.id, step.log), (realm,))
            keep(draft, realm, step.id, step.log, Account([Lot(step.id, said.quantity)]))
        return None
    intent = _about(draft, step)
    if intent is None:
        return None
    _note(draft, Place(realm, intent, step.log, step.seq, kind), step.id)
    draft.put(INTENT_LOGS, (intent, step.log), (realm,))
    quantity = 0 if isinstance(said, Release) else said.quantity
    row = StepRow(kind, step.id, quantity, step.time, PENDING, "offer-not-held", payload)
    draft.put(STEPS, (realm, intent, step.log, step.seq), tuple(row))
    if isinstance(said, TakeBack):
        draft.put(TAKEN_BACK, (intent,), ())
        return intent
    if intent in again or draft.get(DIRTY, (intent,)) is not None:
        return None
    return None if _judge_one(draft, realm, intent, step, row) else intent


def _note(draft: Draft, at: Place, id_: RecordId) -> None:
    draft.put(PLACES, (id_,), tuple(at))
    draft.put(LOG_STEPS, (at.log, at.seq), (id_,))


def _about(draft: Draft, step: Step) -> RecordId | None:
    """Return the intent that a record is about; None for the release of what its log never promised."""
    if not isinstance(step.said, Release):
        assert not isinstance(step.said, Intent)
        return step.said.intent
    row = draft.get(PLACES, (step.said.commitment,))
    if row is None:
        return None
    found = place(row)
    return RecordId(found.intent) if found.log == step.log and found.kind == COMMITMENT else None


def _judge_one(draft: Draft, realm: bytes, intent: RecordId, step: Step, row: StepRow) -> bool:
    """Judge a record by its log's account; say whether that was possible."""
    offer = offer_of(draft, intent, is_local(realm))
    if not isinstance(offer, Step):
        set_row(draft, realm, intent, step, row, offer)
        return True
    account = account_at(draft, intent, step.log)
    if isinstance(step.said, Release):
        return _release_one(draft, realm, intent, step, row, account)
    assert isinstance(step.said, Grant | Commitment)
    if step.said.accepts and draft.get(TAKEN_BACK, (intent,)) is not None:
        return False
    waits: set[tuple[LogId, int]] = set()

    def accepted(ref: FactRef) -> Lot | Verdict:
        return _accepted(draft, is_local(realm), intent, step.log, ref, waits)

    verdict, drawn = spend(offer, account, step, accepted)
    wait(draft, intent, waits)
    if drawn is not None:
        draft.put(DRAWS, (intent, step.log, step.seq), (packed(drawn),))
    keep(draft, realm, intent, step.log, account)
    set_row(draft, realm, intent, step, row, verdict)
    return True


def _release_one(
    draft: Draft, realm: bytes, intent: RecordId, step: Step, row: StepRow, account: Account
) -> bool:
    assert isinstance(step.said, Release)
    at = draft.get(PLACES, (step.said.commitment,))
    assert at is not None
    seq = place(at).seq
    key = (realm, intent, step.log, seq)
    found = draft.get(STEPS, key)
    assert found is not None
    was = step_row(found)
    if was.status not in (VALID, PENDING):
        verdict = Verdict(VOID, "released-before" if was.status == "released" else "no-promise")
        set_row(draft, realm, intent, step, row, verdict)
        return True
    said = PARSERS[COMMITMENT](unpack(was.payload), scope_of(realm), step.log)
    assert isinstance(said, Commitment)
    drawn = draft.get(DRAWS, (intent, step.log, seq))
    if drawn is not None:
        account.give_back([(RecordId(source), part) for source, part in unpack(drawn[0])])  # type: ignore
        account.promised -= said.quantity
        draft.drop(DRAWS, (intent, step.log, seq))
        keep(draft, realm, intent, step.log, account)
    over = released(Step(step.log, seq, was.id, was.time, said), step)
    draft.put(STEPS, key, tuple(was._replace(status=over.status, code=over.code)))
    set_row(draft, realm, intent, step, row, Verdict(VALID, "released"))
    return True


def _accepted(
    draft: Draft, local: bool, intent: RecordId, log: LogId, ref: FactRef, waits: set[tuple[LogId, int]]
) -> Lot | Verdict:
    """Return what a grant brings to a log that accepts it now; what is said of it by `Judge` in the whole."""
    row = draft.get(PLACES, (ref.id,))
    at = None if row is None else place(row)
    if at is not None and (at.log, at.seq) != (ref.log, ref.seq):
        at = None
    held = held_of(draft, ref.log, None if at is None else at.realm)
    if held is not None and held.local and not local:
        held = None
    found = None if at is None else draft.get(STEPS, (at.realm, intent, at.log, at.seq))
    if held is not None and at is not None and found is not None:
        said = said_of(at.realm, at.log, step_row(found))
        if not isinstance(said, Grant) or said.to != log:
            return Verdict(VOID, "no-grant")
        match step_row(found).status:
            case "valid":
                return Lot(ref.id, said.quantity, said.expires)
            case "pending":
                return Verdict(PENDING, "granter-waits")
            case _:
                return Lot(ref.id, 0, said.expires)
    waits.add((ref.log, ref.seq))
    if held is not None and ref.seq < held.records:
        return Verdict(VOID, "no-grant")
    return Lot(ref.id, 0) if held is not None and held.ended else Verdict(PENDING, "grant-not-held")
