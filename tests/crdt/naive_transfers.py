"""The naive twin of transfers: all records in a list, and each line worked out from it by looking at every one.

It shares no line with what it judges: which records are sound, who is who, and how far a line is are said here a second
time, as plainly as can be. It knows no forks and no books: all that it is told counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.crdt.naive_stock import Told

REASONS = {
    *("damaged", "spoiled", "contaminated", "expired", "cold_chain", "pests", "leaked"),
    *("lost", "stolen", "seized", "recalled_product", "miscounted", "other", "unknown"),
}


@dataclass(frozen=True)
class Line:
    """What is known of one thing on its way."""

    announced: int
    picked: int
    received: int
    returned: int
    lost: int
    settled: int
    in_transit: int
    stage: str


Ways = dict[bytes, dict[tuple[bytes, bytes], Line]]


def ways(told: Iterable[Told], keys: Mapping[bytes, bytes]) -> Ways:
    """Return each line of each transfer that a record names. `keys`: which key each log is written with."""
    records = list({each.id: each for each in told}.values())
    plans = [each for each in records if each.kind == "transfer"]
    manifests = {each.id: each for each in plans if "cancels" not in each.value and _sound_manifest(each)}
    off = {(each.scope, each.value["cancels"]) for each in plans if "cancels" in each.value}
    named = [each for each in records if each.kind in ("economic_event", "discrepancy") and _bears(each)]
    found: Ways = {}
    for transfer in manifests.keys() | {each.value["transfer"] for each in named}:
        manifest = manifests.get(transfer)
        about = [each for each in named if each.value["transfer"] == transfer]
        if manifest is not None:
            parties = (manifest.value["provider"], manifest.value["receiver"])
            carrier = manifest.value.get("carrier")
            about = [
                each
                for each in about
                if each.scope in parties
                or (each.value.get("action") == "lower" and carrier is not None and carrier == keys[each.log])
            ]
        places = {_place(each.value) for each in about}
        if manifest is not None:
            places |= {_place(line) for line in manifest.value["lines"]}
        found[transfer] = {
            place: _line(manifest, place, [each for each in about if _place(each.value) == place], keys)
            for place in places
        }
        if manifest is not None and (manifest.scope, transfer) in off:
            found[transfer] = {
                place: replace(line, stage="called off") if line.stage == "open" else line
                for place, line in found[transfer].items()
            }
    return found


def _place(value: Any) -> tuple[bytes, bytes]:
    return value["resource_conforms_to"], value.get("lot", b"")


def _line(
    manifest: Told | None, place: tuple[bytes, bytes], about: list[Told], keys: Mapping[bytes, bytes]
) -> Line:
    said = manifest.value if manifest is not None else {"provider": None, "receiver": None, "lines": []}
    announced = sum(line["quantity"] for line in said["lines"] if _place(line) == place)
    events = [each for each in about if each.kind == "economic_event"]

    def total(action: str, at_giver: bool) -> int:
        return sum(
            each.value["quantity"]
            for each in events
            if each.value["action"] == action and _at_giver(manifest, each) is at_giver
        )

    lost = sum(each.value["quantity"] for each in events if each.value["action"] == "lower")
    if manifest is None:
        picked = total("pickup", True) + total("pickup", False)
        received, returned = total("dropoff", True) + total("dropoff", False), 0
    else:
        picked, returned = total("pickup", True), total("dropoff", True)
        received = total("dropoff", False) - total("pickup", False)
        if isinstance(said["provider"], str):
            returned += total("pickup", False)
    words = {(each.value["quantity"], each.value["reason"]) for each in about if each.kind == "discrepancy"}
    agreed = {each for each in words if manifest is not None and _agreed(manifest, each, about, keys)}
    settled = sum(quantity for quantity, _ in agreed)
    rest = picked - received - returned - lost - settled
    if isinstance(said["receiver"], str) and rest > 0:
        received, rest = received + rest, 0
    if isinstance(said["provider"], str) and rest < 0:
        picked, rest = picked - rest, 0
    if not events:
        stage = "open"
    elif rest < 0:
        stage = "received before its pickup was recorded"
    elif rest > 0:
        stage = "discrepancy open" if words - agreed else "in transit"
    else:
        stage = "settled" if settled else "all accounted for"
    return Line(announced, picked, received, returned, lost, settled, rest, stage)


def _at_giver(manifest: Told | None, event: Told) -> bool:
    if manifest is None:
        return True
    value = manifest.value
    if value["provider"] == value["receiver"]:
        return bool(event.value.get("store") == value["store"])
    return bool(event.scope == value["provider"])


def _agreed(manifest: Told, word: tuple[int, str], about: list[Told], keys: Mapping[bytes, bytes]) -> bool:
    by = [
        each
        for each in about
        if each.kind == "discrepancy" and (each.value["quantity"], each.value["reason"]) == word
    ]
    provider, receiver = manifest.value["provider"], manifest.value["receiver"]
    if provider == receiver:
        return len({keys[each.log] for each in by}) >= 2
    silent = {each for each in (provider, receiver) if isinstance(each, str)}
    return {each.scope for each in by} | silent == {provider, receiver}


def _bears(told: Told) -> bool:
    value = told.value
    if told.kind == "discrepancy":
        return _amount(value["quantity"]) and value["reason"] in REASONS
    if "transfer" not in value:
        return False
    if value["action"] in ("pickup", "dropoff"):
        return "store" in value
    return value["action"] == "lower" and "store" not in value and value.get("reason") in REASONS


def _sound_manifest(told: Told) -> bool:
    value = told.value
    if told.scope not in (value["provider"], value["receiver"]):
        return False
    if value["provider"] == value["receiver"] and value.get("store") == value.get("to"):
        return False
    if value["provider"] == value["receiver"] and not ("store" in value and "to" in value):
        return False
    places = [_place(line) for line in value["lines"]]
    return len(set(places)) == len(places) and all(_amount(line["quantity"]) for line in value["lines"])


def _amount(quantity: int) -> bool:
    return 1 <= quantity <= 2**53
