"""The naive twin of loans: all records at once, one loan after the other."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.crdt.naive_stock import Told


class Out(NamedTuple):
    """A loan: who has it, when it was back and by which return, and which others had the same thing meanwhile."""

    to: Any
    back: int | None
    by: bytes | None
    clashes: frozenset[bytes]


def loans(told: Iterable[Told]) -> dict[bytes, Out]:
    """Return the loans, by id."""
    every: list[Any] = [each for each in {one.id: one for one in told}.values() if each.kind == "loan"]
    lent = [each for each in every if "returned" not in each.value]
    ends: dict[bytes, tuple[int | None, bytes | None]] = {}
    for each in lent:
        back = [
            (other.value["has_point_in_time"], other.id)
            for other in every
            if other.value.get("loan") == [each.log, each.seq, each.id]
        ]
        at, by = min(back, default=(None, None))
        ends[each.id] = (None if at is None else max(at, each.value["has_point_in_time"]), by)
    return {
        each.id: Out(
            each.value["to"],
            *ends[each.id],
            frozenset(
                other.id
                for other in lent
                if other.id != each.id
                and _same(each, other)
                and _meet(each, ends[each.id][0], other, ends[other.id][0])
            ),
        )
        for each in lent
    }


def _same(one: Any, other: Any) -> bool:
    return "lot" in one.value and all(
        one.value.get(field) == other.value.get(field) for field in ("store", "resource_conforms_to", "lot")
    )


def _meet(one: Any, until: int | None, other: Any, other_until: int | None) -> bool:
    first: int = one.value["has_point_in_time"]
    second: int = other.value["has_point_in_time"]
    endless = 2**60
    if (first, one.id) <= (second, other.id):
        return second < (endless if until is None else until)
    return first < (endless if other_until is None else other_until)


def as_movements(told: Iterable[Told]) -> list[Told]:
    """Return all records with each loan, and the return that holds, as a movement that leaves whose it is as it was."""
    records = list({each.id: each for each in told}.values())
    found = [each for each in records if each.kind != "loan"]
    out = loans(records)
    for each in records:
        value: Any = each.value
        if each.id not in out:
            continue
        fields = {
            key: value[key] for key in ("store", "resource_conforms_to", "quantity", "lot") if key in value
        }
        back = out[each.id].back
        times = [("pickup", value["has_point_in_time"])] + ([] if back is None else [("dropoff", back)])
        for action, at in times:
            moved = {**fields, "action": action, "has_point_in_time": at}
            found.append(
                Told(each.scope, each.log, each.seq, action.encode() + each.id, "economic_event", moved, at)
            )
    return found
