"""A community's goods as ValueFlows: movements and counts as they stand, what lies where, needs, offers and promises.

Reads; writes nothing. What never leaves the community's own nodes is not among it.
"""

from collections import Counter
from decimal import Decimal
from hashlib import sha256

from fedsync.acts.goods.ledger import Entry, Ledger, ledger
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.plans.agreements import Standing, agreements
from fedsync.crdt.plans.escrow import VALID
from fedsync.crdt.plans.offers import IntentView, PromiseView, intents, promises
from fedsync.crdt.realms import is_local
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import NO_LOT, PayloadId, RecordId, Scope
from fedsync.records.kinds.fields import plain
from fedsync.records.kinds.parties import Party
from fedsync.records.kinds.stock import Counted, EconomicEvent
from fedsync.valueflows import model
from fedsync.valueflows.model import ValueFlows


def publish(reading: Reading, scope: Scope) -> tuple[ValueFlows, tuple[str, ...]]:
    """Return what a body's goods are as ValueFlows, and in words what of its records has no place there."""
    books = ledger(reading, scope)
    writer = _Writer(reading, scope, books)
    standing = books.standing()
    for entry in standing:
        writer.put(entry)
    writer.put_plans()
    return writer.flows(), writer.notes(len(books.entries) - len(standing))


class _Writer:
    def __init__(self, reading: Reading, scope: Scope, books: Ledger) -> None:
        self._reading, self._scope, self._books = reading, scope, books
        self._own = agent_id(scope)
        self._agents = {self._own: model.Agent(self._own, reading.name_of(scope))}
        self._resources: dict[str, model.EconomicResource] = {}
        self._events: list[model.EconomicEvent] = []
        self._counts: list[model.Count] = []
        self._intents: list[model.Intent] = []
        self._commitments: list[model.Commitment] = []
        self._agreements: list[model.Agreement] = []
        self._left: Counter[str] = Counter()
        self._left["what is kept local"] += sum(each.local for each in levels(reading.view, scope))
        self._levels = {
            (each.store_id, each.item_id, each.lot_id): (each.on_hand, each.accounting)
            for each in levels(reading.view, scope)
            if not each.local
        }

    def put(self, entry: Entry) -> None:
        """Add a movement or a count."""
        match entry.said:
            case EconomicEvent() as said:
                self._events.append(self._event(entry, said))
            case Counted() as said:
                self._left["a count says which movements it includes or excludes"] += bool(
                    said.includes or said.excludes
                )
                self._counts.append(
                    model.Count(
                        record_id(entry.ref.id),
                        self._measure(said.quantity, said.item),
                        self._resource(said.store, said.item, said.lot),
                        said.at,
                        _note(entry.value),
                    )
                )

    def _event(self, entry: Entry, said: EconomicEvent) -> model.EconomicEvent:
        self._left["a movement names the transfer that it belongs to"] += said.transfer is not None
        self._left["how much a local unit is, of which movements were stated"] += (
            said.stated is not None and said.stated.factor is not None
        )
        # What goes nowhere else stays with whoever keeps the books.
        provider, receiver = self._agent(said.provider), self._agent(said.receiver)
        return model.EconomicEvent(
            record_id(entry.ref.id),
            said.action,
            self._measure(said.quantity, said.item),
            said.at,
            item_id(said.item),
            self._resource(said.store, said.item, said.lot) if said.store is not None else "",
            self._resource(said.to, said.item, said.lot) if said.to is not None else "",
            provider,
            receiver,
            record_id(said.fulfills) if said.fulfills is not None else "",
            _note(entry.value),
            said.reason or "",
            (said.stated.quantity, said.stated.unit) if said.stated is not None else None,
        )

    def put_plans(self) -> None:
        """Add needs, offers, what is promised of them, and agreements; not what stays at home."""
        view = self._reading.view
        for each in intents(view):
            if each.scope != self._scope or each.local:
                continue
            said = each.said
            self._left["a need or an offer is of one lot, or lies in one store"] += (
                said.lot is not None or said.store is not None
            )
            self._intents.append(
                model.Intent(
                    record_id(each.id),
                    said.action,
                    self._measure(said.quantity, said.item),
                    item_id(said.item),
                    self._agent(said.provider),
                    self._agent(said.receiver),
                    said.due,
                    said.until,
                    _note({"note": each.note} if each.note else {}),
                )
            )
            for promise in promises(view, each.id) if said.is_offer else ():
                if promise.status != VALID or is_local(promise.realm):
                    self._left["promises that do not count, or are taken back"] += promise.status != VALID
                    continue
                self._commitments.append(self._commitment(each, promise))
        for standing in agreements(view):
            if self._scope in standing.said.parties:
                self._agreements.append(self._agreement(standing))

    def _commitment(self, offer: IntentView, promise: PromiseView) -> model.Commitment:
        said = promise.said
        return model.Commitment(
            record_id(promise.id),
            offer.said.action,
            self._measure(said.quantity, offer.said.item),
            item_id(offer.said.item),
            self._agent(offer.said.provider),
            self._agent(said.receiver),
            (record_id(offer.id), *([record_id(said.satisfies)] if said.satisfies is not None else [])),
            agreement_id(said.agreement) if said.agreement is not None else "",
            said.due,
            said.until,
        )

    def _agreement(self, standing: Standing) -> model.Agreement:
        said = standing.said
        parties = ", ".join(self._reading.name_of(each) for each in said.parties)
        clauses = [f"{name}: {plain(text)}" for name, text in said.clauses]
        words = "\n".join([f"Between {parties}; notice: {said.notice} days.", *clauses])
        return model.Agreement(agreement_id(standing.id), plain(said.title), words)

    def _measure(self, quantity: int, item: PayloadId) -> model.Measure:
        named = self._books.items.get(item)
        if named is None:
            self._left["the unit of an item is not known here yet, so it is written as pieces"] += 1
        return model.Measure(Decimal(quantity), named.unit if named else "{piece}")

    def _resource(self, store: PayloadId, item: PayloadId, lot: PayloadId) -> str:
        id_ = f"urn:fedsync:resource:{store.hex()}:{item.hex()}" + (f":{lot.hex()}" if lot != NO_LOT else "")
        if id_ not in self._resources:
            named = self._books.items.get(item)
            onhand, accounting = self._levels.get((store, item, lot), (None, None))
            self._resources[id_] = model.EconomicResource(
                id_,
                item_id(item),
                store_id(store),
                named.name if named else "",
                lot_id(lot) if lot != NO_LOT else "",
                self._own,
                self._level(onhand, item),
                self._level(accounting, item),
            )
        return id_

    def _level(self, quantity: int | None, item: PayloadId) -> model.Measure | None:
        # Less than nothing is no quantity there: it is left out, and a reader adds up again.
        return self._measure(quantity, item) if quantity is not None and quantity >= 0 else None

    def _agent(self, party: Party | None) -> str:
        if party is None:
            return ""
        id_ = agent_id(party)
        name = party if isinstance(party, str) else self._reading.name_of(Scope(party))
        self._agents.setdefault(id_, model.Agent(id_, name))
        return id_

    def flows(self) -> ValueFlows:
        """Return all that was added, with the names in it."""
        return ValueFlows(
            agents=tuple(self._agents.values()),
            specifications=tuple(
                model.ResourceSpecification(item_id(id_), each.name, each.unit)
                for id_, each in sorted(self._books.items.items())
            ),
            places=tuple(
                model.Place(store_id(id_), each.name) for id_, each in sorted(self._books.stores.items())
            ),
            lots=tuple(
                model.BatchLotRecord(lot_id(id_), each.code, each.expires)
                for id_, each in sorted(self._books.lots.items())
            ),
            resources=tuple(self._resources.values()),
            events=tuple(self._events),
            counts=tuple(self._counts),
            intents=tuple(self._intents),
            commitments=tuple(self._commitments),
            agreements=tuple(self._agreements),
        )

    def notes(self, replaced: int) -> tuple[str, ...]:
        """Return what ValueFlows has no place for, in words."""
        found = []
        if replaced:
            found.append(f"what was corrected is written in its corrected form ({_times(replaced)})")
        if self._counts:
            found.append(
                f"counts are written under a name of our own: ValueFlows has none ({_times(len(self._counts))})"
            )
        found += [
            f"left out: {what} ({_times(number)})" for what, number in sorted(self._left.items()) if number
        ]
        return tuple(found)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _note(value: dict[str, Value]) -> str:
    note = value.get("note", "")
    if isinstance(note, dict):
        return plain({key: each for key, each in note.items() if isinstance(each, str)})
    return note if isinstance(note, str) else ""


def record_id(id_: RecordId) -> str:
    """Return what a record is called in a file."""
    return f"urn:fedsync:record:{id_.hex()}"


def item_id(id_: PayloadId) -> str:
    """Return what a kind of thing is called in a file."""
    return f"urn:fedsync:item:{id_.hex()}"


def store_id(id_: PayloadId) -> str:
    """Return what a store is called in a file."""
    return f"urn:fedsync:store:{id_.hex()}"


def lot_id(id_: PayloadId) -> str:
    """Return what a lot is called in a file."""
    return f"urn:fedsync:lot:{id_.hex()}"


def agreement_id(id_: PayloadId) -> str:
    """Return what an agreement is called in a file."""
    return f"urn:fedsync:agreement:{id_.hex()}"


def agent_id(party: Party) -> str:
    """Return what who gives or receives is called in a file: a name is one of its own for each name."""
    if isinstance(party, str):
        return f"urn:fedsync:party:{sha256(party.encode()).hexdigest()[:16]}"
    return f"urn:fedsync:body:{party.hex()}"
