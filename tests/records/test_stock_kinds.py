"""What records of stock may say: exact fields, or void with a reason; and the effects of ValueFlows' 19 actions."""

from typing import Any

import pytest

from fedsync.records.codec import Value
from fedsync.records.ids import PayloadId, Scope
from fedsync.records.kinds import class_of
from fedsync.records.kinds.stock import (
    ACTIONS,
    KINDS,
    MAX_AHEAD_MS,
    SIGNS,
    Counted,
    EconomicEvent,
    Effect,
    Specification,
    Store,
    parse_count,
    parse_event,
    parse_specification,
    parse_store,
)
from fedsync.records.void import Void

SCOPE = Scope(b"s" * 16)
ITEM, STORE = PayloadId(b"i" * 32), PayloadId(b"g" * 32)
NOON = 1_700_000_000_000
COUNT: dict[str, Any] = {
    "quantity": 5,
    "resource_conforms_to": ITEM,
    "store": STORE,
    "has_point_in_time": NOON,
}
EVENT = {**COUNT, "action": "consume"}


def test_stock_kinds_belong_in_logs_of_facts() -> None:
    assert {class_of(kind).name for kind in KINDS} == {"FACTS"}  # type: ignore[union-attr]


def test_the_nineteen_actions_do_to_stock_what_valueflows_says() -> None:
    def named(effect: Effect) -> set[str]:
        return {name for name, action in ACTIONS.items() if action.onhand is effect}

    assert len(ACTIONS) == 19
    assert named(Effect.INCREMENT) == {"produce", "raise", "dropoff", "modify", "separate"}
    assert named(Effect.DECREMENT) == {"consume", "lower", "pickup", "accept", "combine"}
    assert named(Effect.DECREMENT_INCREMENT) == {"transfer", "transfer_custody", "move"}
    assert named(Effect.INCREMENT_TO) == {"copy"}
    assert named(Effect.NONE) == {"use", "cite", "work", "deliver_service", "transfer_all_rights"}
    # What one has by right differs where goods change hands, or are only looked after.
    differ = {name for name, action in ACTIONS.items() if action.accounting is not action.onhand}
    assert differ == {
        *("accept", "combine", "dropoff", "modify", "pickup", "separate"),
        *("transfer_all_rights", "transfer_custody"),
    }


def test_an_event_says_what_it_did_to_one_store() -> None:
    assert parse_event(EVENT, NOON) == EconomicEvent("consume", -5, ITEM, STORE, NOON)
    assert parse_event({**EVENT, "action": "use", "note": {"de": "Leiter"}}, NOON).delta == 0
    assert parse_count({**COUNT, "note": "two of us"}, NOON) == Counted(5, ITEM, STORE, NOON)


@pytest.mark.parametrize("action", sorted(ACTIONS.keys() - SIGNS.keys()))
def test_an_action_between_two_stores_does_nothing_to_one(action: str) -> None:
    with pytest.raises(Void) as caught:
        parse_event({**EVENT, "action": action}, NOON)
    assert caught.value.code == "second_store"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": -1}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": "5"}, "quantity"),
        ({"has_point_in_time": None}, "time"),
        ({"has_point_in_time": False}, "time"),
        ({"has_point_in_time": -(2**53)}, "time"),
        ({"has_point_in_time": NOON + MAX_AHEAD_MS + 1}, "ahead"),
        ({"store": b"short"}, "id"),
        ({"resource_conforms_to": "wheat"}, "id"),
        ({"note": 5}, "note"),
        ({"note": {"en": 5}}, "note"),
        ({"note": "x" * 2001}, "note"),
        ({"lot": "A7"}, "fields"),
    ],
)
def test_what_does_not_match_exactly_is_void(change: dict[str, Value], code: str) -> None:
    for parse, value in ((parse_event, EVENT), (parse_count, COUNT)):
        with pytest.raises(Void) as caught:
            parse({**value, **change}, NOON)
        assert caught.value.code == code
        assert caught.value.sentence


@pytest.mark.parametrize("action", ["vanish", "transferCustody", 5, None])
def test_an_unknown_action_is_void(action: Value) -> None:
    with pytest.raises(Void, match="ValueFlows"):
        parse_event({**EVENT, "action": action}, NOON)


@pytest.mark.parametrize("field", sorted(EVENT))
def test_a_missing_field_is_void(field: str) -> None:
    with pytest.raises(Void, match=field):
        parse_event({name: value for name, value in EVENT.items() if name != field}, NOON)


def test_what_happened_a_day_after_it_was_recorded_at_most_is_believed() -> None:
    assert parse_event({**EVENT, "has_point_in_time": NOON + MAX_AHEAD_MS}, NOON).at == NOON + MAX_AHEAD_MS


def test_a_store_names_its_body() -> None:
    assert parse_store({"name": "Granary", "scope": SCOPE}, SCOPE) == Store("Granary")
    with pytest.raises(Void) as caught:
        parse_store({"name": "Granary", "scope": b"t" * 16}, SCOPE)
    assert caught.value.code == "scope"


def test_names_are_one_line() -> None:
    assert parse_specification({"name": "Wheat", "unit": "g"}) == Specification("Wheat", "g")
    for name in ("", "two\nlines", "x" * 201, 5, None):
        with pytest.raises(Void):
            parse_specification({"name": name, "unit": "g"})
    for unit in ("", "x" * 51):
        with pytest.raises(Void):
            parse_specification({"name": "Wheat", "unit": unit})
    with pytest.raises(Void):
        parse_specification(["Wheat", "g"])
