"""Bookings as they stand: what records say is written down, and what they are worth is worked out when somebody asks.

The fold touches a draft only; the rest reads a view. Who may book is `schedule`'s rule, which rests on what `promises` says
of the rights to the offer. It is worked out when asked for, since a thing has some hundred bookings, not a million.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import TypeAlias

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.plans.plantables import (
    INTENT_LOGS,
    INTENTS,
    PLACES,
    STEPS,
    StepRow,
    intent_row,
    place,
    step_row,
)
from fedsync.crdt.realms import Realm, is_local, realm_of, scope_of
from fedsync.crdt.view import Draft, KeyRow, Row, Table
from fedsync.crdt.work.lendingtables import BOOKED_IN, BOOKINGS, FREED
from fedsync.crdt.work.schedule import (
    PENDING,
    VOID,
    Asked,
    Back,
    Freed,
    Granted,
    Place,
    Promised,
    Result,
    Step,
    TakenUp,
    Verdict,
    judge,
)
from fedsync.records.block import Block
from fedsync.records.codec import NotCanonical, Value, pack, unpack
from fedsync.records.genesis import Genesis
from fedsync.records.header import VERSION
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.lending import BOOKING, Booking, parse_booking
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
    parse_release,
)
from fedsync.records.kinds.refs import FactRef, fact_ref
from fedsync.records.void import Void

Rows: TypeAlias = list[tuple[Table, KeyRow, Row]]

USE = "use"
"""What an offer of a thing that comes back is about."""


class Bookings:
    """What bookings make of logs of plans."""

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Write down what a stretch of a block books and releases."""
        for table, key, row in _rows(block, first, stop):
            draft.put(table, key, row)

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Strike out all that a log booked and released."""
        for block in draft.blocks(genesis.log):
            for table, key, _ in _rows(block, block.first, block.last + 1):
                draft.drop(table, key)


def _rows(block: Block, first: int, stop: int) -> Rows:
    found: Rows = []
    if {BOOKING, RELEASE}.isdisjoint(block.kinds):
        return found
    realm = realm_of(block.genesis)
    for at in range(max(0, first - block.first), min(block.count, stop - block.first)):
        kind = block.kinds[at]
        if kind not in (BOOKING, RELEASE) or block.body.versions[at] != VERSION:
            continue
        where = (block.log, block.first + at)
        try:
            if kind == RELEASE:
                released = parse_release(block.value(at)).commitment
                found.append((FREED, (realm, released, *where), (block.ids[at],)))
                continue
            said = parse_booking(block.value(at), block.log)
        except (Void, NotCanonical):
            continue
        refs: list[Value] = [list(each) for each in said.accepts]
        cells = (block.ids[at], block.times[at], said.who, said.start, said.stop, pack(refs))
        found.append((BOOKINGS, (realm, said.intent, *where), cells))
        found.append((BOOKED_IN, (said.intent, block.log), (realm,)))
    return found


# --- What they are worth ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking, where it stands, and what it is worth. `time`: when, by its own word, in ms."""

    id: RecordId
    realm: Realm
    log: LogId
    seq: int
    time: int
    said: Booking
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Schedule:
    """The bookings of an offer, in the order in which they begin. `offer` and `where` are None while it is not held.

    `holder`: the log that holds the right; None: none does, or nobody can say which. `towards`: the log that it was handed
    to, which takes it up with what it books next.
    """

    intent: RecordId
    offer: Intent | None
    where: Place | None
    realm: Realm | None
    holder: LogId | None
    bookings: tuple[Booked, ...]
    towards: LogId | None = None


def schedule(view: Reader, intent: RecordId) -> Schedule:
    """Return the bookings of an offer, and what each is worth."""
    at = view.get(PLACES, (intent,))
    where = place(at) if at is not None and at[4] == INTENT else None
    asked = _asked(view, intent)
    if where is None:
        result = _all(asked, Verdict(PENDING, "offer-not-held"))
        return Schedule(intent, None, None, None, None, _told(asked, result))
    row = view.get(INTENTS, (where.realm, intent))
    assert row is not None, "what has a place is written down"
    offer = PARSERS[INTENT](unpack(intent_row(row).payload), scope_of(where.realm), where.log)
    assert isinstance(offer, Intent)
    fault = _why_not_bookable(offer)
    if fault is not None:
        result = _all(asked, Verdict(VOID, fault))
    else:
        result = _judged(view, intent, offer, Place(where.log, where.seq), Realm(where.realm), asked)
    return Schedule(
        intent,
        offer,
        Place(where.log, where.seq),
        Realm(where.realm),
        result.holder,
        _told(asked, result),
        result.towards,
    )


def _why_not_bookable(offer: Intent) -> str | None:
    if not offer.is_offer:
        return "not-an-offer"
    if offer.action != USE:
        return "not-for-use"
    return None if offer.quantity == 1 else "not-single"


_Asking: TypeAlias = list[tuple[Realm, LogId, Asked]]


def _asked(view: Reader, intent: RecordId) -> _Asking:
    found: _Asking = []
    for (_, log), (realm,) in view.scan(BOOKED_IN, (intent,)):
        for key, (id_, time, who, start, stop, accepts) in view.scan(BOOKINGS, (realm, intent, log)):  # type: ignore[arg-type]
            refs = unpack(accepts)  # type: ignore[arg-type]
            assert isinstance(refs, list)
            grants = tuple(fact_ref(each, "accepts") for each in refs)
            said = Booking(intent, who, start, stop, grants)  # type: ignore[arg-type]
            found.append((Realm(realm), LogId(log), Asked(int(key[3]), RecordId(id_), time, said)))  # type: ignore[arg-type]
    return found


def _all(asked: _Asking, verdict: Verdict) -> Result:
    return Result({each.id: verdict for _, _, each in asked}, None, [])


def _told(asked: _Asking, result: Result) -> tuple[Booked, ...]:
    found = [
        Booked(each.id, realm, log, each.seq, each.time, each.said, result.verdicts[each.id])
        for realm, log, each in asked
    ]
    return tuple(sorted(found, key=lambda each: (each.said.start, each.said.stop, each.id)))


def _judged(
    view: Reader, intent: RecordId, offer: Intent, where: Place, realm: Realm, asked: _Asking
) -> Result:
    """Judge bookings by the rights to the offer, and by what was released."""
    steps: dict[LogId, list[Step]] = defaultdict(list)
    apart: dict[RecordId, Verdict] = {}
    realms: dict[LogId, Realm] = {where.log: realm}
    waiting: set[RecordId] = set()
    for (_, log), (its,) in view.scan(INTENT_LOGS, (intent,)):
        realms[LogId(log)] = Realm(its)  # type: ignore[arg-type]
        for key, row in view.scan(STEPS, (its, intent, log)):  # type: ignore[arg-type]
            steps[LogId(log)] += _of_rights(Realm(its), LogId(log), int(key[3]), step_row(row))  # type: ignore[arg-type]
    _promises_end(view, steps, realms, intent)
    realms |= {log: its for its, log, _ in asked}
    for its, log, each in asked:
        if is_local(realm) and not is_local(its):
            # What never leaves its nodes is no offer for those who cannot hold it.
            apart[each.id] = Verdict(PENDING, "offer-not-held")
        elif offer.until is not None and each.time > offer.until:
            apart[each.id] = Verdict(VOID, "offer-over")
        else:
            steps[log].append(each)
        for its_too in set(realms.values()):
            for key, (id_,) in view.scan(FREED, (its_too, each.id)):
                steps[LogId(key[2])].append(Freed(int(key[3]), RecordId(id_), each.id))  # type: ignore[arg-type]
    for log, each_log in steps.items():
        each_log.sort(key=lambda step: (step.seq, not isinstance(step, TakenUp)))
        for step in each_log:
            if isinstance(step, Asked):
                waiting.update(
                    ref.id for ref in step.said.accepts if _waits(view, ref, intent, realms.get(log))
                )
    result = judge(intent, where, steps, frozenset(waiting))
    return result._replace(verdicts={**result.verdicts, **apart})


def _of_rights(realm: Realm, log: LogId, seq: int, row: StepRow) -> list[Step]:
    """Return what a promise, grant or taking back does to the one right."""
    said = PARSERS[row.kind](unpack(row.payload), scope_of(realm), log)
    found: list[Step] = []
    if (
        isinstance(said, Grant | Commitment)
        and said.accepts
        and row.status != PENDING
        and row.code != "no-grant"
    ):
        found.append(TakenUp(seq, tuple(each.id for each in said.accepts)))
    match said:
        case Grant() if row.status == "valid":
            found.append(Granted(seq, row.id, said.to, said.expires))
        case TakeBack() if row.status == "valid":
            found.append(Back(seq, said.grant, -1 if said.at is None else said.at.seq))
        case Commitment() if row.status in ("valid", "released"):
            found.append(Promised(seq, None))
    return found


def _promises_end(
    view: Reader, steps: dict[LogId, list[Step]], realms: dict[LogId, Realm], intent: RecordId
) -> None:
    """Say of promises that were released where that was."""
    for log, each in steps.items():
        ends: dict[int, int] = {}
        seqs: dict[RecordId, int] = {}
        for key, row in view.scan(STEPS, (realms[log], intent, log)):
            found, seq = step_row(row), int(key[3])
            if found.kind == COMMITMENT:
                seqs[found.id] = seq
            elif found.kind == RELEASE and found.status == "valid":
                said = PARSERS[RELEASE](unpack(found.payload), scope_of(realms[log]), log)
                assert isinstance(said, Release)
                ends[seqs[said.commitment]] = seq
        steps[log] = [
            Promised(step.seq, ends.get(step.seq)) if isinstance(step, Promised) else step for step in each
        ]


def _waits(view: Reader, ref: FactRef, intent: RecordId, by: Realm | None) -> bool:
    """Say whether nobody can tell yet, for a log in the realm `by`, whether a grant that it takes up is one."""
    row = view.get(PLACES, (ref.id,))
    found = None if row is None else place(row)
    if found is None or (found.log, found.seq) != (ref.log, ref.seq):
        return True
    if is_local(found.realm) and (by is None or not is_local(by)):
        return True
    step = view.get(STEPS, (found.realm, intent, found.log, found.seq))
    return step is not None and found.kind == GRANT and step_row(step).status == PENDING


def grants_to(view: Reader, intent: RecordId, log: LogId) -> tuple[FactRef, ...]:
    """Return the grants of the right to a log that it has not taken up yet."""
    named: set[bytes] = set()
    found: list[FactRef] = []
    for (_, by), (realm,) in view.scan(INTENT_LOGS, (intent,)):
        for key, row in view.scan(STEPS, (realm, intent, by)):  # type: ignore[arg-type]
            step = step_row(row)
            said = PARSERS[step.kind](unpack(step.payload), scope_of(realm), LogId(by))  # type: ignore[arg-type]
            if by == log and isinstance(said, Grant | Commitment):
                named.update(ref.id for ref in said.accepts)
            if isinstance(said, Grant) and said.to == log and step.status == "valid":
                found.append(FactRef(LogId(by), int(key[3]), step.id))  # type: ignore[arg-type]
    for _, by, each in _asked(view, intent):
        if by == log:
            named.update(ref.id for ref in each.said.accepts)
    return tuple(each for each in found if each.id not in named)
