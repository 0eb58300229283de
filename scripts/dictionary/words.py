"""The words of the dictionary: bodies of blocks with one record of each kind, and with several, rarest first.

What stands last is cheapest to point at. Ids are taken out of the bodies, since no two records have the same; what is left is
what all of a kind have in common. Names of goods, units and options are those of the shipped data.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from fedsync.data import movements, west_african_units
from fedsync.records.codec import Value, pack
from fedsync.records.dictionary import MAX_DICTIONARY_BYTES
from fedsync.records.genesis import GENESIS
from fedsync.records.wire import Row, pack_body

ID = bytes(range(200, 232))
"""Stands for an id, and is taken out."""
TAG = bytes(range(100, 116))
"""Stands for a founding tag."""
TIME = 1_795_000_000_000
"""In November 2026. Of such a time the first three bytes stay the same for half a year, the first two for 35 years."""
DAY = 86_400_000


def words() -> bytes:
    """Return the bytes of the dictionary."""
    parts = [*_texts(), *map(_body, _batches()), *map(_body, _singles())]
    seen: dict[bytes, None] = {}
    for part in reversed(parts):
        seen.setdefault(part)
    data = b"".join(reversed(seen))
    return data[-MAX_DICTIONARY_BYTES:]


def _body(rows: Sequence[Row]) -> bytes:
    return pack_body(rows).replace(ID, b"").replace(TAG, b"")


def _texts() -> Iterator[bytes]:
    units = Counter(each.name for each in west_african_units())
    items = Counter(each.item for each in west_african_units())
    products = Counter(each.product for each in movements() if each.product)
    for found in (items, units, products):
        names = sorted(found.items(), key=lambda each: (each[1], each[0]))
        yield " ".join(name for name, _ in names[-24:]).encode()


def _row(kind: str, value: Value, refs: int = 0, time: int = TIME) -> Row:
    return Row(1, kind, time, (ID,) * refs, pack(value))


def _batches() -> Iterator[list[Row]]:
    """Yield records of one kind as they stand together: in columns."""
    for count in (3, 8):
        yield [
            _row(
                "vote",
                {"motion": ID[:-1] + bytes((at,)), "option": ("yes", "no", "abstain")[at % 3]},
                0,
                TIME + 9 * at,
            )
            for at in range(count)
        ]
        yield [
            _row(
                "economic_event",
                {
                    "action": ("raise", "lower", "consume")[at % 3],
                    "has_point_in_time": TIME - DAY * at,
                    "quantity": 100 * at + 7 * at * at,
                    "resource_conforms_to": ID,
                    "store": ID,
                },
                0,
                TIME + 9 * at,
            )
            for at in range(count)
        ]


def _singles() -> Iterator[list[Row]]:
    """Yield a record of each kind alone, with the fields that it has most often: the commonest last."""
    ref: Value = [ID, 5, ID]
    name: Value = {"de": "Saatgut", "en": "Seed", "fr": "Semences"}
    for kind, value in (
        (GENESIS, _genesis(["mandate", ID, 1], 2)),
        (GENESIS, _genesis(["node"], 0)),
        (GENESIS, _genesis(["seat"], 2)),
        (GENESIS, _genesis(["seat"], 1)),
        (GENESIS, _genesis(["seat"], 0)),
        ("person", [TAG, {"key": ID, "name": "Anna"}]),
        ("post", {"incarnation": TAG, "key": ID, "role": "teller"}),
        ("announcement", {"addresses": ["node.example.org:7411"], "relay": True}),
        ("agreement", {"clauses": [{"name": "Seed", "text": "Half of the seed"}], "notice": 30, "parties": [TAG, TAG[::-1]], "title": "Seed", "from": TIME}),
        ("plan", {"name": "Harvest", "note": "Bring"}),
        ("shift", {"from": TIME, "name": "Harvest", "places": 4, "plan": ID, "until": TIME + DAY}),
        ("signup", {"shift": ID, "who": "Anna"}),
        ("work_tally", {"given": 120, "has_point_in_time": TIME, "shift": ID, "who": "Anna"}),
        ("work_tally", {"has_point_in_time": TIME, "received": 90, "who": "Anna"}),
        ("booking", {"from": TIME, "intent": ID, "until": TIME + DAY, "who": TAG}),
        ("loan", {"due": TIME + DAY, "has_point_in_time": TIME, "quantity": 1, "resource_conforms_to": ID, "store": ID, "to": TAG}),
        ("loan", {"condition": "good", "has_point_in_time": TIME, "loan": ref, "returned": True}),
        ("motion", {"body": ID, "options": ["yes", "no"], "rule": {"method": "majority", "of": "voting"}, "text": "The assembly", "title": "The"}),
        ("motion", {"body": ID, "text": "We ", "title": "Use of "}),
        ("dissent", {"about": ID, "text": "We "}),
        ("discrepancy", {"quantity": 2, "reason": "damaged", "resource_conforms_to": ID, "transfer": ID}),
        ("transfer", {"carrier": "", "due": TIME, "lines": [{"lot": ID, "quantity": 100, "resource_conforms_to": ID}], "note": "", "provider": TAG, "receiver": TAG, "store": ID}),
        ("transfer", {"lines": [{"commitment": ID, "quantity": 100, "resource_conforms_to": ID}], "provider": TAG, "receiver": TAG, "store": ID, "to": ID}),
        ("rights_grant", {"accepts": [ref], "expires": TIME + DAY, "intent": ID, "quantity": 100, "to": ID}),
        ("release", {"commitment": ID, "reason": ""}),
        ("commitment", {"accepts": [ref], "due": TIME, "intent": ID, "quantity": 100, "receiver": TAG, "satisfies": ID}),
        ("intent", {"action": "transfer", "due": TIME, "provider": TAG, "quantity": 100, "resource_conforms_to": ID, "store": ID, "until": TIME}),
        ("intent", {"action": "use", "quantity": 100, "receiver": TAG, "resource_conforms_to": ID}),
        ("unit_factor", {"denominator": 1, "name": "sack", "numerator": 100000, "place": "Tamale", "resource_conforms_to": ID, "unit": "g"}),
        ("batch_lot_record", {"code": "", "expiration_date": TIME, "resource_conforms_to": ID}),
        ("resource_specification", {"name": name, "unit": "mL"}),
        ("resource_specification", {"name": "Vaccine", "unit": "{dose}"}),
        ("resource_specification", {"name": "Maize", "unit": "g"}),
        ("store", {"name": "Granary", "scope": TAG}),
        ("page", {"body": ID, "entries": [{"cuts": [], "kind": "recall", "mandate": [ID, 0]}], "number": 12, "prev": ID}),
        ("page", {"body": ID, "entries": [{"holder": ID, "instructions": {"*": "free"}, "kind": "mandate", "limits": {}, "may": ["economic_event"], "seat": ID, "task": "", "until": TIME}], "number": 3, "prev": ID}),
        ("page", {"body": ID, "entries": [{"counts": [["yes", 12], ["no", 3]], "kind": "result", "motion": ID, "rule": {"method": "majority", "of": "voting", "quorum": 3}, "votes": [ID]}], "number": 3, "prev": ID}),
        ("page", {"body": ID, "entries": [{"kind": "confirm", "motion": ID, "vote": ID}], "number": 3, "prev": ID}),
        ("page", {"body": ID, "entries": [{"body": ID, "kind": "witness", "page": ID}], "number": 3, "prev": ID}),
        ("page", {"body": ID, "entries": [{"kind": "decision", "motion": ID, "text": "", "title": ""}], "number": 3, "prev": ID}),
        ("count", {"has_point_in_time": TIME, "lot": ID, "note": "", "quantity": 1000, "resource_conforms_to": ID, "store": ID}),
        ("count", {"has_point_in_time": TIME, "includes": [ref], "quantity": 1000, "resource_conforms_to": ID, "store": ID}),
        ("economic_event", {"action": "move", "has_point_in_time": TIME, "quantity": 5, "resource_conforms_to": ID, "stated": {"factor": ID, "quantity": "5", "unit": "kg"}, "store": ID, "to": ID}),
        ("economic_event", {"action": "lower", "has_point_in_time": TIME, "note": "", "quantity": 5, "reason": "spoiled", "receiver": "", "resource_conforms_to": ID, "store": ID, "transfer": ID}),
        ("economic_event", {"action": "produce", "corrects": ref, "fulfills": ID, "has_point_in_time": TIME, "lot": ID, "provider": TAG, "quantity": 5, "resource_conforms_to": ID, "store": ID}),
        ("economic_event", {"action": "consume", "has_point_in_time": TIME, "quantity": 5, "resource_conforms_to": ID, "stated": {"quantity": "5", "unit": "kg"}, "store": ID}),
        ("economic_event", {"action": "raise", "has_point_in_time": TIME, "quantity": 1000, "resource_conforms_to": ID, "store": ID}),
        ("signature", {"lock": 0, "page": ID, "round": 1, "slot": ID}),
        ("approval", {"page": ID, "round": 0, "slot": ID}),
        ("signature", {"page": ID, "round": 0, "slot": ID}),
        ("vote", {"clause": "", "motion": ID, "option": ["yes", "no"]}),
        ("vote", {"motion": ID, "option": "abstain"}),
        ("vote", {"motion": ID, "option": "no"}),
        ("vote", {"motion": ID, "option": "yes"}),
    ):  # fmt: skip
        if kind in ("vote", "economic_event", "transfer"):
            yield [_row(kind, value, 1)]
        yield [_row(kind, value)]


def _genesis(capacity: Value, log_class: int) -> Value:
    return {"capacity": capacity, "class": log_class, "incarnation": TAG, "key": ID, "reach": 1, "scope": TAG}
