"""The naive twin of rotas and hours: all records at once, add-wins sets as in the books, shift by shift."""

from collections.abc import Iterable
from typing import Any

from fedsync.crdt.laws.sets import AddWinsSet
from fedsync.records.ids import RecordId
from tests.crdt.naive_stock import Told

Rota = dict[bytes, tuple[list[str], list[str]]]
"""By shift: who holds a place and who waits, in order."""


def rota(told: Iterable[Told], plan: RecordId) -> Rota:
    """Return who comes to the shifts of a plan."""
    every: list[Any] = list({one.id: one for one in told}.values())
    about = [each for each in every if each.kind == "shift" and each.value["plan"] == plan]
    off = [id_ for each in about for id_ in each.value.get("cancels", [])]
    shifts = [each for each in about if "places" in each.value and each.id not in off]
    found: Rota = {}
    for shift in sorted(shifts, key=lambda each: (each.value["from"], each.value["until"], each.id)):
        people: AddWinsSet[str] = AddWinsSet()
        names = {each.id: each.value.get("who") for each in every if each.kind == "signup"}
        for each in every:
            if each.kind != "signup" or each.value["shift"] != shift.id:
                continue
            if "who" in each.value:
                people = people.add(each.value["who"], each.id)
            for dropped in each.value.get("drops", []):
                if names.get(dropped) is not None:
                    people = people.remove(names[dropped], [dropped])
        order = sorted(
            people,
            key=lambda who: (
                sum(who in held for held, _ in found.values()),
                min(people.additions(who)),
            ),
        )
        places = shift.value["places"]
        found[shift.id] = (order[:places], order[places:])
    return found


def hours(told: Iterable[Told]) -> dict[str, tuple[int, int]]:
    """Return what each gave and received, in minutes."""
    every: list[Any] = [each for each in {one.id: one for one in told}.values() if each.kind == "work_tally"]
    places = [[each.log, each.seq, each.id] for each in every]
    found: dict[str, tuple[int, int]] = {}
    for each in every:
        if each.value.get("corrects") in places:
            continue
        value = _last_word(each, every).value
        given, received = found.get(value["who"], (0, 0))
        found[value["who"]] = (given + value.get("given", 0), received + value.get("received", 0))
    return {who: sums for who, sums in found.items() if any(sums)}


def _last_word(entry: Any, every: list[Any]) -> Any:
    """Return what stands in place of an entry: of each log's corrections the last, of those the one with the largest id."""
    corrections = [each for each in every if each.value.get("corrects") == [entry.log, entry.seq, entry.id]]
    lasts = [
        each
        for each in corrections
        if each.seq == max(other.seq for other in corrections if other.log == each.log)
    ]
    return _last_word(max(lasts, key=lambda each: each.id), every) if lasts else entry
