"""The naive twin of the stock fold: all facts in a list, and everything worked out from it each time.

It shares no line with what it judges: what is valid, what counts and what lies where is said here a second time, as
plainly as can be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DAY = 86_400_000
ADDS = {"raise", "produce", "dropoff", "modify", "separate"}
TAKES = {"lower", "consume", "pickup", "accept", "combine"}
LEAVES = {"use", "cite", "work", "deliver_service"}


@dataclass(frozen=True)
class Told:
    """One record of a log of facts, as it was said."""

    scope: bytes
    log: bytes
    seq: int
    id: bytes
    kind: str
    value: Any
    time: int


@dataclass(frozen=True)
class Level:
    """What lies in a store of one item."""

    on_hand: int
    unexplained: int | None = None
    counted_at: int | None = None
    contested: bool = False


Place = tuple[bytes, bytes, bytes]


def levels(told: Iterable[Told], limits: Mapping[bytes, int | None]) -> dict[Place, Level]:
    """Return what lies where. `limits`: how many records of a log count; None: all."""
    once = {each.id: each for each in told}.values()
    counting = [each for each in once if limits[each.log] is None or each.seq < (limits[each.log] or 0)]
    sound = [each for each in counting if each.kind in ("economic_event", "count") and _sound(each)]
    places = {(each.scope, each.value["store"], each.value["resource_conforms_to"]) for each in sound}
    return {
        place: _level(
            [
                each
                for each in sound
                if (each.scope, each.value["store"], each.value["resource_conforms_to"]) == place
            ]
        )
        for place in places
    }


def _level(told: list[Told]) -> Level:
    moves = [
        (each.value["has_point_in_time"], _delta(each)) for each in told if each.kind == "economic_event"
    ]
    counts = [each for each in told if each.kind == "count"]
    times = sorted({each.value["has_point_in_time"] for each in counts})
    if not times:
        return Level(sum(delta for _, delta in moves))
    last = times[-1]
    quantity, contested = _found(counts, last)
    expected, since = 0, None
    if len(times) > 1:
        since = times[-2]
        expected = _found(counts, since)[0]
    expected += sum(delta for at, delta in moves if (since is None or at > since) and at <= last)
    after = sum(delta for at, delta in moves if at > last)
    return Level(quantity + after, quantity - expected, last, contested)


def _found(counts: list[Told], at: int) -> tuple[int, bool]:
    by_log: dict[bytes, Told] = {}
    for each in sorted(counts, key=lambda each: each.seq):
        if each.value["has_point_in_time"] == at:
            by_log[each.log] = each
    chosen = max(by_log.values(), key=lambda each: each.id)
    return chosen.value["quantity"], len(by_log) > 1


def _delta(told: Told) -> int:
    quantity: int = told.value["quantity"]
    action = told.value["action"]
    return quantity if action in ADDS else -quantity if action in TAKES else 0


def _sound(told: Told) -> bool:
    value = told.value
    if not isinstance(value, dict):
        return False
    fields = {"quantity", "resource_conforms_to", "store", "has_point_in_time"}
    fields |= {"action"} if told.kind == "economic_event" else set()
    if value.keys() - {"note"} != fields or not _note(value.get("note", "")):
        return False
    if told.kind == "economic_event" and value["action"] not in tuple(ADDS | TAKES | LEAVES):
        return False
    if type(value["quantity"]) is not int or not 0 <= value["quantity"] <= 2**53:
        return False
    if not all(
        isinstance(value[each], bytes) and len(value[each]) == 32
        for each in ("store", "resource_conforms_to")
    ):
        return False
    at = value["has_point_in_time"]
    return type(at) is int and -(2**53) < at <= told.time + DAY


def _note(note: Any) -> bool:
    texts = list(note.values()) if isinstance(note, dict) else [note]
    return all(isinstance(text, str) and len(text) <= 2000 for text in texts)
