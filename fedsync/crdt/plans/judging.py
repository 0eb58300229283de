"""All that logs say about one offer, judged from the rows that are kept of it: what `promises` asks for, as a whole. Touches a draft.

Also what both ask: which offer is meant, how much of a log counts, and the rows of accounts and of what waits.
"""

from collections import defaultdict
from collections.abc import Iterable

from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.logs.factchain import id_at
from fedsync.crdt.plans.account import (
    PENDING,
    VOID,
    Account,
    Deed,
    Drawn,
    Step,
    Verdict,
)
from fedsync.crdt.plans.escrow import Held, Judge, Result
from fedsync.crdt.plans.offers import account_of
from fedsync.crdt.plans.plantables import (
    ACCOUNTS,
    DRAWS,
    INTENT_LOGS,
    INTENTS,
    PLACES,
    RIGHTS,
    STEPS,
    WAIT_SPAN,
    WAITS,
    WAITS_OF,
    StepRow,
    intent_row,
    place,
    step_row,
)
from fedsync.crdt.realms import is_local, realm_of, scope_of
from fedsync.crdt.view import Draft
from fedsync.records.codec import pack, unpack
from fedsync.records.ids import LogClass, LogId, RecordId
from fedsync.records.kinds.plans import (
    INTENT,
    PARSERS,
    Commitment,
    Grant,
    Intent,
    Release,
    TakeBack,
)


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
            said = said_of(realm, log, found)
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
    wait(draft, intent, result.waits)
    for log, account in result.accounts.items():
        keep(draft, realms[log], intent, log, account)
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
        draft.put(DRAWS, (intent, *at), (packed(drawn),))
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

    `realm`: that of the log, where it is known to be one of plans; else its first block is read. A log of another class is
    as good as not held: no grant stands in it, and nobody is told here when more of it counts.
    """
    row = draft.get(COUNTED_LOGS, (log,))
    if row is None:
        return None
    found = counted_log(row)
    if found.bound == "pending":
        return None
    if realm is None:
        begins = next(iter(draft.blocks(log))).genesis
        if begins.log_class is not LogClass.PLANS:
            return None
        realm = realm_of(begins)
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


def said_of(realm: bytes, log: LogId, row: StepRow) -> Deed:
    """Return what a record of this family says, from its row."""
    said = PARSERS[row.kind](unpack(row.payload), scope_of(realm), log)
    assert isinstance(said, Grant | TakeBack | Commitment | Release)
    return said


# --- Rows -------------------------------------------------------------------------------------------------


def set_row(draft: Draft, realm: bytes, intent: RecordId, step: Step, row: StepRow, verdict: Verdict) -> None:
    """Set what a record is worth."""
    cells = row._replace(status=verdict.status, code=verdict.code)
    draft.put(STEPS, (realm, intent, step.log, step.seq), tuple(cells))


def keep(draft: Draft, realm: bytes, intent: RecordId, log: LogId, account: Account) -> None:
    """Set what a log holds of an offer, and the rights that all see."""
    lots = [[lot.source, lot.left, lot.expires] for lot in account.lots]
    state = pack([lots, account.stuck, account.promised, account.granted])  # type: ignore[list-item]
    draft.put(ACCOUNTS, (intent, log), (state,))
    if account.lots:
        draft.put(RIGHTS, (realm, intent, log), (account.left, account.promised, account.granted))
    elif draft.get(RIGHTS, (realm, intent, log)) is not None:
        draft.drop(RIGHTS, (realm, intent, log))


def account_at(draft: Draft, intent: RecordId, log: LogId) -> Account:
    """Return what a log holds of an offer, nothing when it never said anything of it."""
    row = draft.get(ACCOUNTS, (intent, log))
    return account_of(row[0]) if row else Account()  # type: ignore[arg-type]


def packed(drawn: Drawn) -> bytes:
    """Return the cell for what a promise was taken from."""
    return pack([[source, part] for source, part in drawn])


def wait(draft: Draft, intent: RecordId, waits: Iterable[tuple[LogId, int]]) -> None:
    """Note on which places of logs an offer hangs without their being held."""
    for log, seq in waits:
        draft.put(WAITS, (log, seq // WAIT_SPAN, seq, intent), ())
        draft.put(WAITS_OF, (intent, log, seq), ())


def _forget_waits(draft: Draft, intent: RecordId) -> None:
    for key, _ in list(draft.scan(WAITS_OF, (intent,))):
        draft.drop(WAITS, (key[1], int(key[2]) // WAIT_SPAN, key[2], intent))
        draft.drop(WAITS_OF, key)
