"""The fold of needs, offers and promises: what is worth how much, kept up record by record. Touches a draft only.

A record at the end of its log is judged by its log's account alone. Where more hangs on what came (rights are taken back, an
offer came after its promises, a log was cut, forked or settled, somebody waited for it) the offer concerned is judged anew
as a whole. Both are `escrow`'s rules, and a test compares them.
"""

from collections import defaultdict
from collections.abc import Iterable

from fedsync.crdt.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.escrow import (
    ANY,
    PENDING,
    VALID,
    VOID,
    Account,
    Deed,
    Drawn,
    Held,
    Judge,
    Lot,
    Result,
    Step,
    Verdict,
    released,
    spend,
)
from fedsync.crdt.factchain import id_at
from fedsync.crdt.offers import account_of
from fedsync.crdt.plantables import (
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
    WAITS,
    WAITS_OF,
    Place,
    StepRow,
    intent_row,
    place,
    step_row,
)
from fedsync.crdt.realms import is_local, realm_of, scope_of
from fedsync.crdt.view import Draft
from fedsync.records.block import Block
from fedsync.records.codec import NotCanonical, pack, unpack
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
        again = {
            RecordId(key[2])  # type: ignore[arg-type]
            for key, _ in draft.scan(WAITS, (block.log,))
            if ends or first <= key[1] < stop  # type: ignore[operator]
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
        again |= {RecordId(key[2]) for key, _ in draft.scan(WAITS, (genesis.log,))}  # type: ignore[arg-type]
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
            _keep(draft, realm, step.id, step.log, Account([Lot(step.id, said.quantity)]))
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
        _set(draft, realm, intent, step, row, offer)
        return True
    account = _account(draft, intent, step.log)
    if isinstance(step.said, Release):
        return _release_one(draft, realm, intent, step, row, account)
    assert isinstance(step.said, Grant | Commitment)
    if step.said.accepts and draft.get(TAKEN_BACK, (intent,)) is not None:
        return False
    waits: set[tuple[LogId, int]] = set()

    def accepted(ref: FactRef) -> Lot | Verdict:
        return _accepted(draft, is_local(realm), intent, step.log, ref, waits)

    verdict, drawn = spend(offer, account, step, accepted)
    _wait(draft, intent, waits)
    if drawn is not None:
        draft.put(DRAWS, (intent, step.log, step.seq), (_packed(drawn),))
    _keep(draft, realm, intent, step.log, account)
    _set(draft, realm, intent, step, row, verdict)
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
        _set(draft, realm, intent, step, row, verdict)
        return True
    said = PARSERS[COMMITMENT](unpack(was.payload), scope_of(realm), step.log)
    assert isinstance(said, Commitment)
    drawn = draft.get(DRAWS, (intent, step.log, seq))
    if drawn is not None:
        account.give_back([(RecordId(source), part) for source, part in unpack(drawn[0])])  # type: ignore
        account.promised -= said.quantity
        draft.drop(DRAWS, (intent, step.log, seq))
        _keep(draft, realm, intent, step.log, account)
    over = released(Step(step.log, seq, was.id, was.time, said), step)
    draft.put(STEPS, key, tuple(was._replace(status=over.status, code=over.code)))
    _set(draft, realm, intent, step, row, Verdict(VALID, "released"))
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
        said = _said(at.realm, at.log, step_row(found))
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


# --- An offer as a whole --------------------------------------------------------------------------------


def judge_anew(draft: Draft, intent: RecordId) -> None:
    """Work out all that logs say about an intent."""
    rows: dict[tuple[LogId, int], tuple[bytes, StepRow]] = {}
    realms: dict[LogId, bytes] = {
        LogId(key[1]): row[0]  # type: ignore[arg-type, misc]
        for key, row in draft.scan(INTENT_LOGS, (intent,))
    }
    steps: dict[LogId, list[Step]] = defaultdict(list)
    for log, realm in realms.items():
        for key, row in draft.scan(STEPS, (realm, intent, log)):
            found, seq = step_row(row), int(key[3])
            rows[log, seq] = (realm, found)
            said = _said(realm, log, found)
            steps[log].append(Step(log, seq, found.id, found.time, said))
    # Local logs see more than others: an offer that never leaves its nodes is none for the others.
    offer = offer_of(draft, intent, local=True)
    if isinstance(offer, Step):
        at = draft.get(PLACES, (intent,))
        assert at is not None
        realms[offer.log] = place(at).realm
        draft.put(INTENT_LOGS, (intent, offer.log), (place(at).realm,))
        steps[offer.log].append(offer)
        steps[offer.log].sort(key=lambda step: step.seq)
        judge = Judge(
            offer,
            is_local(place(at).realm),
            steps,
            lambda log: held_of(draft, log, realms.get(log)),
            lambda log, seq: counted_id(draft, log, seq),
        )
        result = judge.run()
    else:
        verdicts = {at: _without_offer(draft, intent, realm) for at, (realm, _) in rows.items()}
        result = Result(verdicts, {log: Account() for log in realms}, {}, set())
    _forget_waits(draft, intent)
    _wait(draft, intent, result.waits)
    for log, account in result.accounts.items():
        _keep(draft, realms[log], intent, log, account)
    for place_, (realm, row_) in rows.items():
        verdict = result.verdicts[place_]
        if (row_.status, row_.code) != verdict:
            draft.put(
                STEPS,
                (realm, intent, *place_),
                tuple(row_._replace(status=verdict.status, code=verdict.code)),
            )
        _draws(draft, intent, place_, result.drawn.get(place_))


def _without_offer(draft: Draft, intent: RecordId, realm: bytes) -> Verdict:
    found = offer_of(draft, intent, is_local(realm))
    assert isinstance(found, Verdict)
    return found


def _draws(draft: Draft, intent: RecordId, at: tuple[LogId, int], drawn: Drawn | None) -> None:
    if drawn is not None:
        draft.put(DRAWS, (intent, *at), (_packed(drawn),))
    elif draft.get(DRAWS, (intent, *at)) is not None:
        draft.drop(DRAWS, (intent, *at))


def offer_of(draft: Draft, intent: RecordId, local: bool) -> Step | Verdict:
    """Return the offer of this id, or what all records about it are worth when there is none.

    `local`: whether who asks sees what never leaves a community's own nodes.
    """
    row = draft.get(PLACES, (intent,))
    if row is None or place(row).kind != INTENT or (is_local(place(row).realm) and not local):
        # A record of another kind counts as not held: it may be one of a log that others may not see.
        return Verdict(PENDING, "offer-not-held")
    at = place(row)
    found = draft.get(INTENTS, (at.realm, intent))
    assert found is not None
    said = PARSERS[INTENT](unpack(intent_row(found).payload), scope_of(at.realm), at.log)
    assert isinstance(said, Intent)
    if not said.is_offer:
        return Verdict(VOID, "not-an-offer")
    return Step(at.log, at.seq, intent, intent_row(found).time, said)


def held_of(draft: Draft, log: LogId, realm: bytes | None = None) -> Held | None:
    """Return how much of a log of plans counts; None when nothing is known of it, or not yet whether any of it does.

    `realm`: that of the log, where it is known; else its first block is read.
    """
    row = draft.get(COUNTED_LOGS, (log,))
    if row is None:
        return None
    found = counted_log(row)
    if found.bound == "pending":
        return None
    if realm is None:
        realm = realm_of(next(iter(draft.blocks(log))).genesis)
    return Held(found.read, found.bound == "cut" or found.chain is not None, is_local(realm))


def counted_id(draft: Draft, log: LogId, seq: int) -> RecordId:
    """Return the id of a record that counts."""
    row = draft.get(COUNTED_LOGS, (log,))
    assert row is not None
    found = counted_log(row)
    if found.chain is not None and found.chain_seq is not None:
        return id_at(draft, log, (found.chain_seq, found.chain), seq)
    # Below a fork all branches are one.
    return next(
        each.ids[seq - each.first] for each in draft.blocks(log, seq) if each.first <= seq <= each.last
    )


def _said(realm: bytes, log: LogId, row: StepRow) -> Deed:
    said = PARSERS[row.kind](unpack(row.payload), scope_of(realm), log)
    assert isinstance(said, Grant | TakeBack | Commitment | Release)
    return said


# --- Rows -------------------------------------------------------------------------------------------------


def _set(draft: Draft, realm: bytes, intent: RecordId, step: Step, row: StepRow, verdict: Verdict) -> None:
    cells = row._replace(status=verdict.status, code=verdict.code)
    draft.put(STEPS, (realm, intent, step.log, step.seq), tuple(cells))


def _keep(draft: Draft, realm: bytes, intent: RecordId, log: LogId, account: Account) -> None:
    lots = [[lot.source, lot.left, lot.expires] for lot in account.lots]
    state = pack([lots, account.stuck, account.promised, account.granted])  # type: ignore[list-item]
    draft.put(ACCOUNTS, (intent, log), (state,))
    if account.lots:
        draft.put(RIGHTS, (realm, intent, log), (account.left, account.promised, account.granted))
    elif draft.get(RIGHTS, (realm, intent, log)) is not None:
        draft.drop(RIGHTS, (realm, intent, log))


def _account(draft: Draft, intent: RecordId, log: LogId) -> Account:
    row = draft.get(ACCOUNTS, (intent, log))
    return account_of(row[0]) if row else Account()  # type: ignore[arg-type]


def _packed(drawn: Drawn) -> bytes:
    return pack([[source, part] for source, part in drawn])


def _wait(draft: Draft, intent: RecordId, waits: Iterable[tuple[LogId, int]]) -> None:
    for log, seq in waits:
        draft.put(WAITS, (log, seq, intent), ())
        draft.put(WAITS_OF, (intent, log, seq), ())


def _forget_waits(draft: Draft, intent: RecordId) -> None:
    for key, _ in list(draft.scan(WAITS_OF, (intent,))):
        draft.drop(WAITS, (key[1], key[2], intent))
        draft.drop(WAITS_OF, key)


__all__ = ["ANY", "Promises", "counted_id", "held_of", "judge_anew", "offer_of"]
