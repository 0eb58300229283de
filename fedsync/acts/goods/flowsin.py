"""Goods from a file of ValueFlows, as movements and counts of our own: all of them, or none.

Nothing is taken for signed: whoever takes the file in says it. What cannot be ours, or has no place in a record, is named.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import partial

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.flowplans import Plans, Promised, leave_what_is_ours, write_plans
from fedsync.acts.goods.flowsout import record_id
from fedsync.acts.goods.goodsnames import Names
from fedsync.acts.goods.ledger import content, ledger
from fedsync.acts.goods.measuring import Measures
from fedsync.acts.goods.promising import Asked
from fedsync.acts.goods.recording import COUNT, Line, LotNamed, check_line
from fedsync.acts.goods.stewards import goods_log
from fedsync.doors import Door
from fedsync.errors import Problem
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass
from fedsync.records.kinds.actions import ACTIONS, TWO_STORES
from fedsync.records.kinds.parties import Party
from fedsync.records.kinds.plans import ACTIONS as PLANNED
from fedsync.records.kinds.stock import EVENT, PARSERS
from fedsync.records.seal import Draft
from fedsync.records.void import Void
from fedsync.units import base_unit, one_rounded, plain_unit
from fedsync.valueflows.model import (
    Commitment,
    EconomicEvent,
    EconomicResource,
    Intent,
    Loaded,
    Measure,
)
from fedsync.valueflows.model import Count as FileCount

MAX_LEFT = 1_000
"""Things that are named one by one when they are left out; more are only counted."""


@dataclass(slots=True)
class Taken:
    """What a file comes to. `there`: things that are recorded already. `left`: what is not taken, and why."""

    drafts: list[Draft] = field(default_factory=list)
    made: list[Draft] = field(default_factory=list)
    plans: Plans = field(default_factory=Plans)
    there: int = 0
    left: list[str] = field(default_factory=list)

    def of(self, kind: str) -> int:
        """Return how many records of a kind are to be written."""
        return sum(each.kind == kind for each in self.drafts)


class _Left(ValueError):
    """A thing is not taken, and why."""


class Taking:
    """A file, read against what is recorded. `store`: where things are that the file says no place of."""

    def __init__(self, reading: Reading, loaded: Loaded, now: int, store: str = "") -> None:
        self._reading, self._flows, self._now, self._store = reading, loaded.flows, now, store
        self._scope = reading.own().scope
        self._names = Names(reading, self._scope, now)
        self._measures = Measures(reading)
        books = ledger(reading)
        self._recorded = {content(each.value) for each in books.standing()}
        self._ours = {record_id(ref.id): books.now(ref) for ref in books.entries}
        self._items = {each.id: each.name for each in self._flows.specifications}
        self._places = {each.id: each.name for each in self._flows.places}
        self._lots = {each.id: each for each in self._flows.lots}
        self._resources = {each.id: each for each in self._flows.resources}
        self._agents = {each.id: each.name for each in self._flows.agents}
        # Whose books the file is of: what is theirs there is ours here.
        self._keepers = {each.accountable for each in self._flows.resources if each.accountable} or {
            each.provider for each in self._flows.intents if each.provider
        }
        self._taken = Taken(left=list(loaded.notes))
        self._sums: dict[str, Fraction] = {}

    def take(self) -> Taken:
        """Return what is to be written."""
        for number, what in (
            (sum(bool(each.fulfills) for each in self._flows.events), "which promise a movement fulfils"),
            (
                sum(bool(each.clause_of) for each in self._flows.commitments),
                "which agreement a promise is part of",
            ),
        ):
            if number:
                self._taken.left.append(f"{what}: left out ({number} of them)")
        for event in self._flows.events:
            self._try(f"EconomicEvent {event.id}", partial(self._event, event))
        for count in self._flows.counts:
            self._try(f"Count {count.id}", partial(self._count, count))
        for each in self._flows.intents:
            self._try(f"Intent {each.id}", partial(self._intent, each))
        for commitment in self._flows.commitments:
            self._try(f"Commitment {commitment.id}", partial(self._commitment, commitment))
        for agreement in self._flows.agreements:
            self._leave(f"Agreement {agreement.id}", "each party signs for itself")
        self._taken.there += leave_what_is_ours(self._reading, self._taken.plans)
        self._compare()
        self._taken.made = self._names.made
        return self._taken

    def _compare(self) -> None:
        """Name what is said to lie somewhere and does not follow from the movements: it is counted, not taken over."""
        counted = {each.resource for each in self._flows.counts}
        for resource in self._flows.resources:
            if resource.onhand is None or resource.id in counted:
                continue
            said = self._exact(resource.onhand)
            found = self._sums.get(resource.id, Fraction())
            if said is None or said != found:
                self._leave(
                    f"EconomicResource {resource.id}",
                    f"{resource.onhand.number:f} {plain_unit(resource.onhand.unit)} are said to lie there, and its movements "
                    "come to something else: count what lies there with fedsync stock count",
                )

    def _exact(self, measure: Measure) -> Fraction | None:
        try:
            return Fraction(measure.number) * base_unit(measure.unit)[1]
        except Problem:
            return None

    def _add_up(self, event: EconomicEvent) -> None:
        amount = self._exact(event.quantity)
        if amount is None:
            return
        (here, _), (there, _) = ACTIONS[event.action].ends(1)
        for id_, sign in ((event.resource, here), (event.to_resource, there)):
            if id_:
                self._sums[id_] = self._sums.get(id_, Fraction()) + sign * amount

    def _try(self, what: str, act: Callable[[], None]) -> None:
        try:
            act()
        except _Left as why:
            self._leave(what, str(why))
        except Problem as problem:
            self._leave(what, problem.message.rstrip("."))

    def _leave(self, what: str, why: str) -> None:
        if len(self._taken.left) < MAX_LEFT:
            self._taken.left.append(f"{what}: left out, {why}")

    def _event(self, event: EconomicEvent) -> None:
        if event.action not in ACTIONS:
            raise _Left(f"there is no action {event.action}")
        self._add_up(event)
        if self._is_ours(event.id, event.quantity, event.at):
            return
        resource, to = self._resources.get(event.resource), self._resources.get(event.to_resource)
        for id_ in (event.resource, event.to_resource):
            if id_ and id_ not in self._resources:
                raise _Left(f"its resource {id_} is not in the file")
        provider, receiver = self._parties(event, resource or to)
        name = self._name(event.conforms_to, resource or to)
        needs = ACTIONS[event.action]
        idle = event.action not in TWO_STORES and needs.ends(1) == ((0, 0), (0, 0))
        store = self._place(resource) if resource is not None else ""
        second = self._place(to) if to is not None else ""
        if not store and not second and not idle:
            store = self._store or self._no_place()
        fields: dict[str, Value] = {}
        if event.action in TWO_STORES and not (store and second):
            # One end of it is ours: the other is whoever gives or receives.
            other = receiver if store else provider
            if not other:
                raise _Left(f"{event.action} has two ends, and only one of them is said")
            fields["receiver" if store else "provider"] = other
        else:
            fields |= {key: each for key, each in (("provider", provider), ("receiver", receiver)) if each}
        if event.stated is not None:
            fields["stated"] = {"quantity": event.stated[0], "unit": event.stated[1]}
        if event.action == "lower" and event.reason:
            fields["reason"] = event.reason
        self._write(
            EVENT,
            event.action,
            name,
            event.quantity,
            store,
            second,
            resource or to,
            event.at,
            event.note,
            fields,
        )

    def _count(self, count: FileCount) -> None:
        resource = self._resources.get(count.resource)
        if self._is_ours(count.id, count.quantity, count.at):
            return
        if resource is None:
            raise _Left("what was counted is not in the file")
        name, store = self._name("", resource), self._place(resource)
        self._write(COUNT, COUNT, name, count.quantity, store, "", resource, count.at, count.note, {})

    def _is_ours(self, id_: str, quantity: Measure, at: int) -> bool:
        """Say whether a movement or count is in our books already, by the name that they gave it when they were exported.

        Only its quantity and time are compared: for some of the rest ValueFlows has no word.
        """
        held = self._ours.get(id_)
        if held is None:
            return False
        differs = self._exact(quantity) != held.said.quantity or at != held.said.at
        if differs and id_ == record_id(held.ref.id):
            raise _Left(
                "it is recorded here, and otherwise: put it right with fedsync stock correct, or count again"
            )
        self._taken.there += 1
        return True

    def _intent(self, intent: Intent) -> None:
        if intent.action not in PLANNED:
            raise _Left(f"a need or an offer to {intent.action} has no place here")
        if bool(intent.provider) == bool(intent.receiver):
            raise _Left("it is a need or an offer, and says neither or both")
        name = self._name(intent.conforms_to, None)
        amount, unit = self._amount(name, intent.quantity)
        receiver: Party | None = None
        if intent.receiver:
            ours = intent.receiver in self._keepers
            receiver = self._scope if ours else self._agents.get(intent.receiver, intent.receiver)
        use = intent.action == "use"
        self._taken.plans.asked[intent.id] = Asked(
            name, amount, unit, receiver, intent.due, intent.until, use=use, note=intent.note
        )

    def _commitment(self, commitment: Commitment) -> None:
        asked = self._taken.plans.asked
        offer = next(
            (each for each in commitment.satisfies if each in asked and asked[each].receiver is None), None
        )
        need = next((each for each in commitment.satisfies if each in asked and each != offer), None)
        if offer is None:
            raise _Left("what it promises from is no offer in the file")
        if commitment.receiver in self._keepers:
            raise _Left("it is a promise to ourselves")
        amount, _ = self._amount(asked[offer].item, commitment.quantity)
        receiver = self._agents.get(commitment.receiver, commitment.receiver)
        self._taken.plans.promised.append(
            Promised(
                commitment.id,
                offer,
                need,
                amount,
                receiver,
                commitment.due,
                commitment.until,
                commitment.note,
            )
        )

    def _amount(self, name: str, quantity: Measure) -> tuple[int, str]:
        measured = self._measures.resolve(name, _plain(quantity.number), quantity.unit)
        amount = one_rounded(measured.amount, measured.unit, "it")
        if not amount:
            raise _Left("it is of nothing")
        return amount, measured.unit

    def _write(
        self,
        kind: str,
        action: str,
        name: str,
        quantity: Measure,
        store: str,
        to: str,
        resource: EconomicResource | None,
        at: int,
        note: str,
        fields: dict[str, Value],
    ) -> None:
        measured = self._measures.resolve(name, _plain(quantity.number), quantity.unit, store or None)
        if measured.amount.denominator != 1 and measured.stated is None:
            raise _Left("its quantity is not a whole number of its unit")
        amount = round(measured.amount)
        lot = self._lots.get(resource.lot) if resource is not None and resource.lot else None
        check_line(
            Line(
                action if action not in TWO_STORES else "raise",
                name,
                amount,
                measured.unit,
                store or to or "-",
                at,
                note,
                lot=LotNamed(lot.code, lot.expires) if lot is not None else None,
            ),
            self._now,
        )
        item = self._names.item(name, measured.unit)
        value: dict[str, Value] = {"quantity": amount, "resource_conforms_to": item, "has_point_in_time": at}
        if kind == EVENT:
            value["action"] = action
        if measured.stated is not None:
            value["stated"] = measured.stated.value
        if store:
            value["store"] = self._names.store(store)
        if to:
            value["to"] = self._names.store(to)
        if lot is not None:
            value["lot"] = self._names.lot(lot.code, lot.expires, item)
        if note:
            value["note"] = note
        value |= fields
        try:
            PARSERS[kind](value, self._scope, self._now)
        except Void as void:
            raise _Left(void.sentence) from None
        if content(value) in self._recorded:
            self._taken.there += 1
            return
        self._taken.drafts.append(Draft(kind, value, self._now))

    def _parties(self, event: EconomicEvent, resource: EconomicResource | None) -> tuple[str, str]:
        """Return who else gives and receives, by name: not whoever keeps the books that the file is of."""
        keeps = resource.accountable if resource is not None else ""
        if event.provider == event.receiver:
            return "", ""
        found = [
            "" if not each or each == keeps else self._agents.get(each, each)
            for each in (event.provider, event.receiver)
        ]
        return found[0], found[1]

    def _name(self, conforms_to: str, resource: EconomicResource | None) -> str:
        of = conforms_to or (resource.conforms_to if resource is not None else "")
        name = self._items.get(of) or (resource.name if resource is not None else "")
        if not name:
            raise _Left(f"what {of or 'it'} is called is not in the file")
        return name

    def _place(self, resource: EconomicResource) -> str:
        return self._places.get(resource.place) or self._store or self._no_place()

    def _no_place(self) -> str:
        raise _Left("it lies nowhere; say where such things are: --store NAME")


def take_in(author: Author, reading: Reading, door: Door, loaded: Loaded, store: str = "") -> Taken:
    """Write what a file comes to. Raises a Problem.

    Movements and counts are written all at once or not at all; then needs and offers, then promises. Who is interrupted takes
    the file in again: what is recorded already is not recorded twice.
    """
    with author.writing():
        taken = Taking(reading, loaded, now_ms(), store).take()
        if taken.drafts:
            drafts = [*taken.made, *taken.drafts]
            genesis = goods_log(author, reading, LogClass.FACTS, [each.kind for each in drafts])
            author.write_as(door, reading, genesis, drafts)
    write_plans(author, reading, door, taken.plans, taken.left)
    return taken


def _plain(number: Decimal) -> str:
    """Return a number in digits, without an exponent. What has more digits than anybody types is refused later."""
    exact = Fraction(number)
    return str(exact.numerator) if exact.denominator == 1 else f"{number:f}"
