"""What the tests of rotas, hours, loans and bookings share: logs of plans and facts, and a node that folds both."""

from collections.abc import Sequence
from typing import Any

from fedsync.crdt.logs.contents import CONTENTS
from fedsync.crdt.logs.counting import Counting
from fedsync.crdt.realms import Realm
from fedsync.records.block import Block, Record
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, LogId, PayloadId, Reach, RecordId
from fedsync.records.seal import Draft
from tests.crdt.granary import ALDER, HOUR, NOON, Node, genesis, id_of, item_value, store_value

OURS = Realm(ALDER)

DAY = 24 * HOUR


class Village(Node):
    """A node that folds plans and facts, all of them."""

    def __post_init__(self) -> None:
        """Count by what this node's books say."""
        self.counting = Counting(self.bound, CONTENTS)


def planner(name: str, reach: Reach = Reach.REGION) -> Genesis:
    """Return the beginning of a log of plans."""
    return genesis(f"plans of {name}", log_class=LogClass.PLANS, reach=reach)


def plan(name: str = "Cooking", time: int = NOON) -> Draft:
    """Return a plan."""
    return Draft("plan", {"name": name}, time)


def shift(of: RecordId, start: int = NOON, places: int = 1, stop: int | None = None) -> Draft:
    """Return a shift of an hour."""
    value: dict[str, Any] = {
        "plan": of,
        "from": start,
        "until": start + HOUR if stop is None else stop,
        "places": places,
    }
    return Draft("shift", value, NOON)


def cancelled(of: RecordId, *shifts: RecordId) -> Draft:
    """Return the record by which shifts do not take place."""
    value: dict[str, Any] = {"plan": of, "cancels": list(shifts)}
    return Draft("shift", value, NOON)


def signup(
    of: RecordId, who: str | None, drops: list[RecordId] | None = None, replaces: str | None = None
) -> Draft:
    """Return a sign-up, a leaving or a swap."""
    value: dict[str, Any] = {"shift": of}
    if who is not None:
        value["who"] = who
    if drops:
        value["drops"] = drops
    if replaces is not None:
        value["for"] = replaces
    return Draft("signup", value, NOON)


def tallied(who: str, at: int = NOON, corrects: Record | None = None, **minutes: int) -> Draft:
    """Return an entry of hours: given=60, or received=60."""
    value: dict[str, Any] = {"who": who, "has_point_in_time": at, **minutes}
    if corrects is not None:
        value["corrects"] = [corrects.log, corrects.seq, corrects.id]
    return Draft("work_tally", value, at)


def ids(blocks: list[Block]) -> list[RecordId]:
    """Return the ids of the records of a log but its genesis."""
    return [record.id for block in blocks for record in block.records() if record.kind != "genesis"]


DRILL, BLUE, SHED = id_of(item_value("Drill", "{piece}")), PayloadId(b"blue" * 8), id_of(store_value("Shed"))
CHAIR = id_of(item_value("Chair", "{piece}"))


def lent(
    to: str,
    at: int = NOON,
    due: int | None = None,
    lot: PayloadId | None = BLUE,
    item: PayloadId = DRILL,
    quantity: int = 1,
) -> Draft:
    """Return a loan out of the shed."""
    value: dict[str, Any] = {
        "resource_conforms_to": item,
        "store": SHED,
        "to": to,
        "quantity": quantity,
        "has_point_in_time": at,
    }
    if lot is not None:
        value["lot"] = lot
    if due is not None:
        value["due"] = due
    return Draft("loan", value, max(at, NOON))


def returned(loan: Record, at: int = NOON + HOUR, condition: str | None = None) -> Draft:
    """Return the return of a loan."""
    value: dict[str, Any] = {
        "loan": [loan.log, loan.seq, loan.id],
        "returned": True,
        "has_point_in_time": at,
    }
    if condition is not None:
        value["condition"] = condition
    return Draft("loan", value, max(at, NOON))


def last(blocks: list[Block]) -> Record:
    """Return the last record of a log."""
    return blocks[-1].record(blocks[-1].count - 1)


def offered(
    lot: PayloadId | None = None, quantity: int = 1, action: str = "use", scope: bytes = ALDER
) -> Draft:
    """Return the offer of a thing to be used."""
    value: dict[str, Any] = {
        "resource_conforms_to": DRILL,
        "quantity": quantity,
        "provider": scope,
        "action": action,
    }
    if lot is not None:
        value["lot"] = lot
    return Draft("intent", value, NOON)


def booked(
    of: RecordId,
    start: int,
    hours: int = 1,
    who: str = "Dora",
    accepts: Sequence[Record] = (),
    time: int = NOON,
) -> Draft:
    """Return a booking, some hours after noon."""
    value: dict[str, Any] = {
        "intent": of,
        "who": who,
        "from": NOON + start * HOUR,
        "until": NOON + (start + hours) * HOUR,
    }
    if accepts:
        value["accepts"] = [[each.log, each.seq, each.id] for each in accepts]
    return Draft("booking", value, time)


def granted(
    of: RecordId,
    to: LogId | None,
    accepts: Sequence[Record] = (),
    expires: int | None = None,
    time: int = NOON,
) -> Draft:
    """Return the grant of the one right to a thing."""
    value: dict[str, Any] = {"intent": of, "quantity": 1, "to": to}
    if accepts:
        value["accepts"] = [[each.log, each.seq, each.id] for each in accepts]
    if expires is not None:
        value["expires"] = expires
    return Draft("rights_grant", value, time)


def taken_back(grant: Record, at: Record | None, time: int) -> Draft:
    """Return the taking back of the right that a grant handed on, as of a record of its holder's log."""
    said: Any = grant.value
    value: dict[str, Any] = {
        "intent": said["intent"],
        "quantity": 1,
        "to": grant.log,
        "takes_back": grant.id,
    }
    if at is not None:
        value["at"] = [at.log, at.seq, at.id]
    return Draft("rights_grant", value, time)


def freed(booking: RecordId, time: int = NOON) -> Draft:
    """Return the release of a booking."""
    return Draft("release", {"commitment": booking}, time)
