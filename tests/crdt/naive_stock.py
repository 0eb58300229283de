"""The naive twin of the stock fold: all facts in a list, and everything worked out from it each time.

It shares no line with what it judges: what is valid, what counts, what holds and what lies where is said here a second
time, as plainly as can be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DAY = 86_400_000
ADDS = {"raise", "produce", "dropoff", "modify", "separate"}
TAKES = {"lower", "consume", "pickup", "accept", "combine"}
LEAVES = {"use", "cite", "work", "deliver_service"}
HANDS = {"move", "transfer", "transfer_custody", "transfer_all_rights", "copy"}
OWNED = {"raise": 1, "produce": 1, "lower": -1, "consume": -1}
REASONS = set(
    "damaged spoiled contaminated expired cold_chain pests leaked lost stolen seized recalled_product"
    " miscounted other unknown".split()
)


@dataclass(frozen=True)
class Told:
    """One record of a log of facts, as it was said, and the realm that it was said in."""

    scope: bytes
    log: bytes
    seq: int
    id: bytes
    kind: str
    value: Any
    time: int


@dataclass(frozen=True)
class Level:
    """What lies in a pool."""

    on_hand: int
    unexplained: int | None = None
    counted_at: int | None = None
    contested: bool = False


Place = tuple[bytes, bytes, bytes, bytes]
LONGEST = 16


@dataclass(frozen=True)
class Line:
    """An event that holds, and the names of those in whose place it stands, the first first, and its own."""

    event: Told
    refs: list[list[Any]]


def levels(told: Iterable[Told], limits: Mapping[bytes, int | None]) -> dict[Place, Level]:
    """Return what lies where. `limits`: how many records of a log count; None: all."""
    sound = counting(told, limits)
    events = lines(sound)
    counts = [each for each in sound if each.kind == "count"]
    places = {_place(each, each.value["store"]) for each in counts}
    places |= {place for line in events for place in _ends(line.event)}
    return {
        place: _level(
            [(line, _ends(line.event)[place][0]) for line in events if place in _ends(line.event)],
            [each for each in counts if _place(each, each.value["store"]) == place],
        )
        for place in places
    }


def accounting(told: Iterable[Told], limits: Mapping[bytes, int | None]) -> dict[Place, int]:
    """Return what is where by right: what lies there, and what movements did to the one beyond the other."""
    told = list(told)
    found = {place: level.on_hand for place, level in levels(told, limits).items()}
    for line in lines(counting(told, limits)):
        for place, (onhand, owned) in _ends(line.event).items():
            found[place] += owned - onhand
    return found


def fulfilled(told: Iterable[Told], limits: Mapping[bytes, int | None]) -> dict[tuple[bytes, bytes], int]:
    """Return how much was handed over to keep each promise."""
    found: dict[tuple[bytes, bytes], int] = {}
    for line in lines(counting(told, limits)):
        value = line.event.value
        if (
            "fulfills" in value
            and value["action"] not in ADDS
            and not ("to" in value and "store" not in value)
        ):
            key = (line.event.scope, value["fulfills"])
            found[key] = found.get(key, 0) + value["quantity"]
    return found


def lines(sound: Sequence[Told]) -> list[Line]:
    """Return each event that holds, and in whose place it stands."""
    events = {
        (each.scope, each.log, each.seq, each.id): each for each in sound if each.kind == "economic_event"
    }
    above = {
        key: (key[0], *each.value["corrects"]) for key, each in events.items() if "corrects" in each.value
    }
    tops = set()
    for key in events:
        while key in above:
            key = above[key]
        tops.add(key)
    found = []
    for top in tops:
        line = [top]
        for _ in range(LONGEST):
            rivals = [key for key in above if above[key] == line[-1]]
            latest = [key for key in rivals if key[2] == max(each[2] for each in rivals if each[1] == key[1])]
            if latest:
                line.append(max(latest, key=lambda key: key[3]))
        if line[-1] in events:
            found.append(Line(events[line[-1]], [list(key[1:]) for key in line]))
    return found


def counting(told: Iterable[Told], limits: Mapping[bytes, int | None]) -> list[Told]:
    """Return the sound events and counts that count, each once."""
    once = {each.id: each for each in told}.values()
    counting = [each for each in once if limits[each.log] is None or each.seq < (limits[each.log] or 0)]
    return [each for each in counting if each.kind in ("economic_event", "count") and _sound(each)]


def _place(told: Told, store: bytes) -> Place:
    return told.scope, store, told.value["resource_conforms_to"], told.value.get("lot", b"")


def _ends(event: Told) -> dict[Place, tuple[int, int]]:
    """Return what an event did where: on hand, and by right."""
    value, action, many = event.value, event.value["action"], event.value["quantity"]
    first, second = (0, 0), (0, 0)
    if action in ADDS or action in TAKES:
        first = (many if action in ADDS else -many), OWNED.get(action, 0) * many
    elif action in ("move", "transfer"):
        first, second = (-many, -many), (many, many)
    elif action == "transfer_custody":
        first, second = (-many, 0), (many, 0)
    elif action == "transfer_all_rights":
        first, second = (0, -many), (0, many)
    elif action == "copy":
        second = (many, many)
    found = {}
    if "store" in value:
        found[_place(event, value["store"])] = first
    if "to" in value:
        found[_place(event, value["to"])] = second
    return found


def _level(moves: list[tuple[Line, int]], counts: list[Told]) -> Level:
    times = sorted({each.value["has_point_in_time"] for each in counts})
    if not times:
        return Level(sum(delta for _, delta in moves))
    last, contested = _found(counts, times[-1])
    before = _found(counts, times[-2])[0] if len(times) > 1 else None
    expected = before.value["quantity"] if before else 0
    expected += sum(
        delta for line, delta in moves if (before is None or _after(before, line)) and not _after(last, line)
    )
    after = sum(delta for line, delta in moves if _after(last, line))
    quantity = last.value["quantity"]
    return Level(quantity + after, quantity - expected, times[-1], contested)


def _after(count: Told, line: Line) -> bool:
    for ref in reversed(line.refs):
        if ref in count.value.get("excludes", []):
            return True
        if ref in count.value.get("includes", []):
            return False
    return bool(line.event.value["has_point_in_time"] > count.value["has_point_in_time"])


def _found(counts: list[Told], at: int) -> tuple[Told, bool]:
    by_log: dict[bytes, Told] = {}
    for each in sorted(counts, key=lambda each: each.seq):
        if each.value["has_point_in_time"] == at:
            by_log[each.log] = each
    return max(by_log.values(), key=lambda each: each.id), len(by_log) > 1


# --- What is sound --------------------------------------------------------------------------------------------

NEEDED = {"quantity", "resource_conforms_to", "has_point_in_time"}
IN_EVENT = set("store to lot reason note corrects transfer fulfills provider receiver stated".split())
IN_COUNT = {"note", "lot", "includes", "excludes", "stated"}


def _sound(told: Told) -> bool:
    value = told.value
    if not isinstance(value, dict):
        return False
    event = told.kind == "economic_event"
    needed = NEEDED | ({"action"} if event else {"store"})
    if not needed <= value.keys() <= needed | (IN_EVENT if event else IN_COUNT):
        return False
    if type(value["quantity"]) is not int or not 0 <= value["quantity"] <= 2**53:
        return False
    ids = ("store", "to", "resource_conforms_to", "lot", "transfer", "fulfills")
    if not all(_id(value[each]) for each in ids if each in value):
        return False
    at = value["has_point_in_time"]
    if type(at) is not int or not -(2**53) < at <= told.time + DAY or not _note(value.get("note", "")):
        return False
    return _event(told) if event else _count(value)


def _event(told: Told) -> bool:
    value, action = told.value, told.value["action"]
    if "corrects" in value and not _ref(value["corrects"]):
        return False
    if "reason" in value and (action != "lower" or value["reason"] not in REASONS):
        return False
    on_the_way = action == "lower" and "transfer" in value
    if on_the_way and ("reason" not in value or "store" in value):
        return False
    if any(each in value and not _party(value[each]) for each in ("provider", "receiver")):
        return False
    own = told.scope[:16]
    if action in tuple(HANDS):
        if "store" in value and "to" in value:
            return bool(value["store"] != value["to"])
        if "store" in value:
            return bool(value.get("receiver", own) != own)
        return "to" in value and bool(value.get("provider", own) != own)
    if action not in tuple(ADDS | TAKES | LEAVES) or "to" in value:
        return False
    return "store" in value or action in LEAVES or on_the_way


def _count(value: Any) -> bool:
    named = [value.get("includes", []), value.get("excludes", [])]
    if not all(isinstance(each, list) and len(each) <= 64 and all(map(_ref, each)) for each in named):
        return False
    refs = [tuple(ref) for each in named for ref in each]
    return len(refs) == len(set(refs))


def _id(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) == 32


def _ref(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 3:
        return False
    return _id(value[0]) and type(value[1]) is int and 0 <= value[1] < 2**53 and _id(value[2])


def _party(value: Any) -> bool:
    if isinstance(value, bytes):
        return len(value) == 16
    return isinstance(value, str) and bool(value.strip()) and len(value) <= 200 and "\n" not in value


def _note(note: Any) -> bool:
    texts = list(note.values()) if isinstance(note, dict) else [note]
    return all(isinstance(text, str) and len(text) <= 2000 for text in texts)
