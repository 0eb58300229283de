"""Needs, offers and promises as people look at them, read off the folded state. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.plans.account import Account, Lot
from fedsync.crdt.plans.plantables import (
    ACCOUNTS,
    INTENT_LOGS,
    INTENTS,
    PLACES,
    STEPS,
    StepRow,
    intent_row,
    place,
    step_row,
)
from fedsync.crdt.realms import is_local, scope_of
from fedsync.records.codec import unpack
from fedsync.records.ids import LogId, PayloadId, RecordId, Scope
from fedsync.records.kinds.plans import (
    COMMITMENT,
    GRANT,
    Commitment,
    Grant,
    Intent,
    parse_commitment,
    parse_grant,
    parse_intent,
)
from fedsync.records.kinds.refs import FactRef


@dataclass(frozen=True, slots=True)
class IntentView:
    """A need or an offer. Times in ms."""

    id: RecordId
    realm: bytes
    log: LogId
    seq: int
    time: int
    said: Intent
    note: Any = None

    @property
    def scope(self) -> Scope:
        """The body in whose log it stands."""
        return scope_of(self.realm)

    @property
    def local(self) -> bool:
        """Whether only its community's nodes hold it."""
        return is_local(self.realm)

    def over(self, now: int) -> bool:
        """Say whether its time is over."""
        return self.said.until is not None and now > self.said.until


@dataclass(frozen=True, slots=True)
class PromiseView:
    """A promise, and what it is worth."""

    id: RecordId
    realm: bytes
    log: LogId
    seq: int
    time: int
    said: Commitment
    status: str
    code: str


@dataclass(frozen=True, slots=True)
class GrantView:
    """Rights that one log granted to another, and what the grant is worth."""

    id: RecordId
    realm: bytes
    log: LogId
    seq: int
    time: int
    said: Grant
    status: str
    code: str
    back: int = 0
    """How much of it was taken back."""

    @property
    def lot(self) -> Lot:
        """What it brings to its holder, who has not accepted it yet."""
        return Lot(self.id, self.said.quantity - self.back, self.said.expires)

    @property
    def ref(self) -> FactRef:
        """The grant with its place."""
        return FactRef(self.log, self.seq, self.id)


@dataclass(frozen=True, slots=True)
class RightsView:
    """What a log holds of an offer."""

    log: LogId
    realm: bytes
    account: Account
    open: tuple[GrantView, ...]
    """Grants to it that are worth something and that no record of it has accepted yet."""

    def free(self, now: int) -> int:
        """Return what it may promise now, with what it would have to accept first."""
        lots = [*self.account.lots, *(each.lot for each in self.open)]
        return sum(lot.left for lot in lots if lot.usable(now))


def intents(view: Reader, side: str | None = None) -> list[IntentView]:
    """Return needs and offers, or one "side" of them, oldest first."""
    ids = [RecordId(key[1]) for key, row in view.scan(INTENTS) if side in (None, intent_row(row).side)]  # type: ignore[arg-type]
    found = [each for each in (intent(view, id_) for id_ in ids) if each is not None]
    return sorted(found, key=lambda each: (each.time, each.id))


def intent(view: Reader, id_: RecordId) -> IntentView | None:
    """Return a need or an offer; None when it is not held, or does not count."""
    row = view.get(PLACES, (id_,))
    cells = None if row is None else view.get(INTENTS, (place(row).realm, id_))
    if row is None or cells is None:
        return None
    at, found = place(row), intent_row(cells)
    value: Any = unpack(found.payload)
    said = parse_intent(value, scope_of(at.realm))
    return IntentView(id_, at.realm, at.log, at.seq, found.time, said, value.get("note"))


def steps(view: Reader, about: RecordId) -> Iterator[tuple[bytes, LogId, int, StepRow]]:
    """Yield all records about an offer with their realm and place, log by log."""
    for (_, log), (realm,) in view.scan(INTENT_LOGS, (about,)):
        for key, row in view.scan(STEPS, (realm, about, log)):  # type: ignore[arg-type]
            yield realm, LogId(log), int(key[3]), step_row(row)  # type: ignore[arg-type, misc]


def promises(view: Reader, about: RecordId) -> list[PromiseView]:
    """Return what is promised of an offer, valid or not, oldest first."""
    found = [
        PromiseView(
            row.id,
            realm,
            log,
            seq,
            row.time,
            parse_commitment(unpack(row.payload), log),
            row.status,
            row.code,
        )
        for realm, log, seq, row in steps(view, about)
        if row.kind == COMMITMENT
    ]
    return sorted(found, key=lambda each: (each.time, each.id))


def all_promises(view: Reader) -> list[PromiseView]:
    """Return all promises, also those from offers that are not held."""
    abouts = {RecordId(key[0]) for key, _ in view.scan(INTENT_LOGS)}  # type: ignore[arg-type]
    return sorted(
        (each for about in abouts for each in promises(view, about)), key=lambda each: (each.time, each.id)
    )


def promise(view: Reader, id_: RecordId) -> PromiseView | None:
    """Return a promise; None when it is not held, or its log does not count that far."""
    row = view.get(PLACES, (id_,))
    if row is None or place(row).kind != COMMITMENT:
        return None
    return next((each for each in promises(view, RecordId(place(row).intent)) if each.id == id_), None)


def grants(view: Reader, about: RecordId) -> list[GrantView]:
    """Return the grants of rights of an offer, and what was given up."""
    found: dict[RecordId, GrantView] = {}
    for realm, log, seq, row in steps(view, about):
        if row.kind != GRANT:
            continue
        said = parse_grant(unpack(row.payload), log)
        if isinstance(said, Grant):
            found[row.id] = GrantView(row.id, realm, log, seq, row.time, said, row.status, row.code)
        elif row.status == "valid":
            # It stands later in the same log than what it takes back.
            grant = found[said.grant]
            found[said.grant] = replace(grant, back=grant.back + said.quantity)
    return list(found.values())


def rights(view: Reader, about: RecordId) -> list[RightsView]:
    """Return what each log holds of an offer, also those that hold grants only that they have not accepted."""
    every = grants(view, about)
    found = {}
    for (_, log), (realm,) in view.scan(INTENT_LOGS, (about,)):
        row = view.get(ACCOUNTS, (about, log))
        if row is not None:
            found[LogId(log)] = (realm, account_of(row[0]))  # type: ignore[arg-type]
    for grant in every:
        if grant.said.to is not None and grant.said.to not in found:
            found[grant.said.to] = (b"", Account())
    result = []
    for log, (realm, held) in found.items():
        open_ = tuple(
            each
            for each in every
            if each.said.to == log and each.status == "valid" and held.lot(each.id) is None and each.lot.left
        )
        if held.lots or open_:
            result.append(RightsView(log, realm, held, open_))  # type: ignore[arg-type]
    return result


def account_of(state: bytes) -> Account:
    """Return the account in a row of `ACCOUNTS`."""
    found: Any = unpack(state)
    lots, stuck, promised, granted = found
    return Account([Lot(*lot) for lot in lots], stuck, promised, granted)


def sums(view: Reader, about: RecordId) -> tuple[int, int]:
    """Return what is validly promised of an offer, and what was given up of it."""
    promised = given_up = 0
    for _, _, _, row in steps(view, about):
        if row.status == "valid" and row.kind == COMMITMENT:
            promised += row.quantity
        if row.code == "given-up":
            given_up += row.quantity
    return promised, given_up


MAX_MATCHES = 20
"""Suggestions for one need: thousands of needs and of offers of one thing must not make a page of millions of lines."""


@dataclass(frozen=True, slots=True)
class Match:
    """A suggestion: what could serve a need. Nothing is given to anybody by it."""

    need: IntentView
    offer: IntentView | None
    """None: it lies in a store of the body, and nobody has offered it."""
    scope: Scope
    free: int
    in_time: bool


def matches(
    view: Reader,
    now: int,
    same: dict[PayloadId, object],
    on_hand: dict[tuple[Scope, PayloadId], int],
) -> list[Match]:
    """Return for each open need the best `MAX_MATCHES` that could serve it: offers first, then free stock, what is in time
    before what is not, and what there is most of.

    `same`: what things are the same, by item. `on_hand`: what lies in all stores of a body. Needs are listed by their due
    date and say nothing of who goes first: that is for people to decide.
    """
    found: list[Match] = []
    offers = [(each, each.said.quantity - sum(sums(view, each.id))) for each in intents(view, "offer")]
    reserved: dict[tuple[Scope, object], int] = {}
    for offer, _ in offers:
        key = (offer.scope, same.get(offer.said.item, offer.said.item))
        if not offer.over(now):
            reserved[key] = reserved.get(key, 0) + offer.said.quantity - sums(view, offer.id)[1]
    met = met_needs(view)
    by_thing: dict[object, list[tuple[IntentView, int]]] = {}
    for offer, free in sorted(offers, key=lambda each: (-each[1], each[0].scope)):
        if free > 0 and not offer.over(now):
            thing = same.get(offer.said.item, offer.said.item)
            by_thing.setdefault((thing, offer.said.action), []).append((offer, free))
    for need in sorted(intents(view, "need"), key=lambda each: (each.said.due or 2**60, each.time, each.id)):
        if need.over(now) or met.get(need.id, 0) >= need.said.quantity:
            continue
        thing = same.get(need.said.item, need.said.item)
        mine = _offers_for(need, by_thing.get((thing, need.said.action), []))
        for (scope, item), lies in on_hand.items():
            if same.get(item, item) == thing and need.said.receiver != scope:
                free = lies - reserved.get((scope, thing), 0)
                if free > 0:
                    mine.append(Match(need, None, scope, free, True))
        mine.sort(key=lambda each: (not each.in_time, each.offer is None, -each.free, each.scope))
        found += mine[:MAX_MATCHES]
    return found


def _offers_for(need: IntentView, offers: list[tuple[IntentView, int]]) -> list[Match]:
    """Return the best of these offers, of which that with most free comes first; as many as are shown, in time and late."""
    found: dict[bool, list[Match]] = {True: [], False: []}
    for offer, free in offers:
        if need.said.receiver == offer.said.provider or need.said.lot not in (None, offer.said.lot):
            continue
        in_time = _in_time(need, offer)
        if len(found[in_time]) < MAX_MATCHES:
            found[in_time].append(Match(need, offer, offer.scope, free, in_time))
        elif in_time:
            break
    return found[True] + found[False]


def met_needs(view: Reader) -> dict[RecordId, int]:
    """Return how much is validly promised towards each need."""
    found: dict[RecordId, int] = {}
    for each in all_promises(view):
        if each.status == "valid" and each.said.satisfies is not None:
            found[each.said.satisfies] = found.get(each.said.satisfies, 0) + each.said.quantity
    return found


def _in_time(need: IntentView, offer: IntentView) -> bool:
    due = offer.said.due
    return need.said.due is None or due is None or due <= need.said.due
