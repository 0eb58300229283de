"""Needs, offers and promises from a file of ValueFlows: which are ours already, and writing the others, one by one."""

from dataclasses import dataclass, field

from fedsync.acts.author import Author
from fedsync.acts.goods.promising import Asked, Promising, promise, state
from fedsync.crdt.goods.tables import ITEMS
from fedsync.crdt.plans.offers import intent, intents, promises
from fedsync.doors import Door
from fedsync.errors import Problem
from fedsync.reading import Reading
from fedsync.records.ids import PayloadId, RecordId


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise in a file, from an offer of the file, by the file's ids. Times in ms."""

    id: str
    offer: str
    need: str | None
    quantity: int
    receiver: str
    due: int | None
    until: int | None
    note: str


@dataclass(slots=True)
class Plans:
    """What a file says of needs, offers and promises. `held`: needs and offers that are ours already, by the file's ids."""

    asked: dict[str, Asked] = field(default_factory=dict)
    held: dict[str, RecordId] = field(default_factory=dict)
    promised: list[Promised] = field(default_factory=list)


def leave_what_is_ours(reading: Reading, plans: Plans) -> int:
    """Take out of the plans what is recorded already, to the letter; return how much that is."""
    ours = _ours(reading)
    for id_, asked in list(plans.asked.items()):
        held = ours.get(_key(asked))
        if held is not None:
            plans.held[id_] = held
            del plans.asked[id_]
    new = [each for each in plans.promised if not _is_promised(reading, plans, each)]
    there = len(plans.held) + len(plans.promised) - len(new)
    plans.promised = new
    return there


def write_plans(author: Author, reading: Reading, door: Door, plans: Plans, left: list[str]) -> None:
    """Write needs and offers, then promises. What would be beyond our rights is added to `left`, in words."""
    ids = dict(plans.held)
    for id_, asked in plans.asked.items():
        ids[id_] = state(author, reading, door, asked, local=False)
    units = {id_: unit for id_, (_, unit) in _named(reading).items()}
    for each in list(plans.promised):
        offer = intent(reading.view, ids[each.offer])
        assert offer is not None, "what is promised from was taken in before"
        need = ids[each.need] if each.need is not None else None
        said = Promising(offer, each.quantity, each.receiver, need, each.due, each.until, note=each.note)
        try:
            promise(author, reading, door, said, units.get(offer.said.item, "{piece}"))
        except Problem as problem:
            plans.promised.remove(each)
            left.append(f"Commitment {each.id}: left out, {problem.message.rstrip('.')}")


def _is_promised(reading: Reading, plans: Plans, said: Promised) -> bool:
    if said.offer not in plans.held:
        return False
    same = said.quantity, said.receiver, said.due, said.until
    return any(
        (each.said.quantity, each.said.receiver, each.said.due, each.said.until) == same
        for each in promises(reading.view, plans.held[said.offer])
    )


def _ours(reading: Reading) -> dict[tuple[object, ...], RecordId]:
    """Return our needs and offers by what they say."""
    scope, names = reading.own().scope, _named(reading)
    return {
        (
            *names.get(said.item, ("", "")),
            said.quantity,
            said.receiver,
            said.due,
            said.until,
            said.action,
        ): each.id
        for each in intents(reading.view)
        for said in [each.said]
        if each.scope == scope and not each.local
    }


def _key(asked: Asked) -> tuple[object, ...]:
    action = "use" if asked.use else "transfer"
    return (asked.item, asked.unit, asked.quantity, asked.receiver, asked.due, asked.until, action)


def _named(reading: Reading) -> dict[PayloadId, tuple[str, str]]:
    rows = reading.view.scan(ITEMS, (reading.own().scope,))
    return {PayloadId(key[1]): (str(row[0]), str(row[1])) for key, row in rows}  # type: ignore[arg-type]
