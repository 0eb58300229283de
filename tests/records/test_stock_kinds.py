"""What records of stock may say: exact fields, or void with a reason; and what each of ValueFlows' actions does."""

from collections.abc import Callable
from typing import Any

import pytest

from fedsync.records.codec import Value
from fedsync.records.ids import LogId, PayloadId, RecordId, Scope
from fedsync.records.kinds import class_of
from fedsync.records.kinds.actions import ACTIONS, TWO_STORES
from fedsync.records.kinds.goods import MAX_AHEAD_MS
from fedsync.records.kinds.parties import REASONS
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import (
    KINDS,
    Counted,
    Lot,
    Specification,
    Stated,
    Store,
    parse_count,
    parse_event,
    parse_lot,
    parse_specification,
    parse_store,
)
from fedsync.records.void import Void

SCOPE = Scope(b"s" * 16)
ITEM, STORE, BARN, LOT = (PayloadId(each * 32) for each in (b"i", b"g", b"b", b"l"))
REF = FactRef(LogId(b"l" * 32), 7, RecordId(b"r" * 32))
NOON = 1_700_000_000_000
COUNT: dict[str, Any] = {
    "quantity": 5,
    "resource_conforms_to": ITEM,
    "store": STORE,
    "has_point_in_time": NOON,
}
EVENT = {**COUNT, "action": "consume"}
MORE: dict[str, Any] = {
    "lot": LOT,
    "corrects": REF.value,
    "fulfills": b"f" * 32,
    "provider": SCOPE,
    "receiver": "Household 7",
    "stated": {"quantity": "2", "unit": "bowl", "factor": b"u" * 32},
}
PARSE: list[tuple[Callable[[Value, int], object], dict[str, Any]]] = [
    (lambda value, time: parse_event(value, SCOPE, time), EVENT),
    (parse_count, COUNT),
]


def test_stock_kinds_belong_in_logs_of_facts() -> None:
    assert {class_of(kind).name for kind in KINDS} == {"FACTS"}  # type: ignore[union-attr]


TABLE = """
                     accounting           onhand               location   contained  accountable
accept               none                 decrement            update     none       none
cite                 none                 none                 none       none       none
combine              none                 decrement            none       update     none
consume              decrement            decrement            none       none       none
copy                 increment_to         increment_to         new        none       new
deliver_service      none                 none                 none       none       none
dropoff              none                 increment            update     none       none
lower                decrement            decrement            none       none       new
modify               none                 increment            update     none       none
move                 decrement_increment  decrement_increment  update_to  none       none
pickup               none                 decrement            update     none       none
produce              increment            increment            new        none       new
raise                increment            increment            none       none       new
separate             none                 increment            none       remove     none
transfer             decrement_increment  decrement_increment  update_to  none       update_to
transfer_all_rights  decrement_increment  none                 none       none       update_to
transfer_custody     none                 decrement_increment  update_to  none       none
use                  none                 none                 none       none       none
work                 none                 none                 none       none       none
"""
"""Behaviours by action of ValueFlows 1.0.0, as its vocabulary's file has them; there "none" is "notApplicable"."""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS[1:], ids=lambda row: row[0])
def test_each_action_does_what_valueflows_says(row: list[str]) -> None:
    action = ACTIONS[row[0]]
    assert {column: getattr(action, column).value for column in ROWS[0]} == dict(
        zip(ROWS[0], row[1:], strict=True)
    )


def test_the_actions_are_nineteen() -> None:
    assert {row[0] for row in ROWS[1:]} == ACTIONS.keys()
    assert len(ACTIONS) == 19


DID = {
    "consume": [(STORE, -5, 0)],
    "lower": [(STORE, -5, 0)],
    "produce": [(STORE, 5, 0)],
    "raise": [(STORE, 5, 0)],
    "pickup": [(STORE, -5, 5)],
    "accept": [(STORE, -5, 5)],
    "combine": [(STORE, -5, 5)],
    "dropoff": [(STORE, 5, -5)],
    "modify": [(STORE, 5, -5)],
    "separate": [(STORE, 5, -5)],
    "use": [(STORE, 0, 0)],
    "cite": [(STORE, 0, 0)],
    "work": [(STORE, 0, 0)],
    "deliver_service": [(STORE, 0, 0)],
    "move": [(STORE, -5, 0), (BARN, 5, 0)],
    "transfer": [(STORE, -5, 0), (BARN, 5, 0)],
    "transfer_custody": [(STORE, -5, 5), (BARN, 5, -5)],
    "transfer_all_rights": [(STORE, 0, -5), (BARN, 0, 5)],
    "copy": [(STORE, 0, 0), (BARN, 5, 0)],
}
"""For 5 of each: on hand, and what one has by right beyond that."""


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_an_event_says_what_it_did_in_the_stores_that_it_names(action: str) -> None:
    value = {**EVENT, "action": action, **({"to": BARN} if action in TWO_STORES else {})}
    said = parse_event(value, SCOPE, NOON)
    assert (said.action, said.quantity, said.item, said.at) == (action, 5, ITEM, NOON)
    assert list(said.moved) == DID[action]
    accounting = {"consume": -5, "lower": -5, "produce": 5, "raise": 5, "copy": 5}.get(action, 0)
    assert sum(each.delta + each.apart for each in said.moved) == accounting


def test_an_event_says_more_where_there_is_more_to_say() -> None:
    said = parse_event({**EVENT, **MORE, "note": {"de": "mit dem Karren"}}, SCOPE, NOON)
    assert (said.lot, said.corrects, said.fulfills) == (LOT, REF, b"f" * 32)
    assert (said.provider, said.receiver) == (SCOPE, "Household 7")
    assert said.stated == Stated("2", "bowl", PayloadId(b"u" * 32))
    bare = parse_event({**EVENT, "stated": {"quantity": "5", "unit": "g"}}, SCOPE, NOON)
    assert bare.stated == Stated("5", "g", None)


def test_a_count_says_what_it_found_and_which_facts_it_takes_in_or_leaves_out() -> None:
    assert parse_count({**COUNT, "note": "two of us"}, NOON) == Counted(5, ITEM, STORE, NOON)
    other = FactRef(LogId(b"l" * 32), 8, RecordId(b"r" * 32))
    value = {**COUNT, "quantity": 0, "lot": LOT, "includes": [REF.value], "excludes": [other.value]}
    assert parse_count(value, NOON) == Counted(0, ITEM, STORE, NOON, LOT, (REF,), (other,))


@pytest.mark.parametrize("action", sorted(TWO_STORES))
def test_of_what_goes_from_one_store_to_another_both_ends_are_named(action: str) -> None:
    value: dict[str, Any] = {**EVENT, "action": action}
    del value["store"]
    other = Scope(b"t" * 16)
    for change in (
        {"store": STORE},
        {"to": STORE},
        {"store": STORE, "to": STORE},
        {"store": STORE, "receiver": SCOPE},
        {"to": STORE, "provider": SCOPE},
        {"store": STORE, "provider": other},
        {"provider": other, "receiver": other},
        {"receiver": other},
    ):
        with pytest.raises(Void) as caught:
            parse_event({**value, **change}, SCOPE, NOON)
        assert caught.value.code == "second_store"
    # Who has the other half tells of it: another body, or somebody outside.
    assert [
        each.store for each in parse_event({**value, "store": STORE, "receiver": other}, SCOPE, NOON).moved
    ] == [STORE]
    assert [
        each.store for each in parse_event({**value, "to": STORE, "provider": "Mill"}, SCOPE, NOON).moved
    ] == [STORE]


@pytest.mark.parametrize("action", sorted(ACTIONS.keys() - TWO_STORES))
def test_what_is_told_of_one_store_names_no_second(action: str) -> None:
    with pytest.raises(Void) as caught:
        parse_event({**EVENT, "action": action, "to": BARN}, SCOPE, NOON)
    assert caught.value.code == "second_store"


@pytest.mark.parametrize("action", sorted(ACTIONS.keys() - TWO_STORES))
def test_only_what_changes_no_stock_may_name_no_store(action: str) -> None:
    value = {name: each for name, each in {**EVENT, "action": action}.items() if name != "store"}
    if action in ("cite", "use", "work", "deliver_service"):
        assert parse_event(value, SCOPE, NOON).moved == ()
    else:
        with pytest.raises(Void, match="store"):
            parse_event(value, SCOPE, NOON)


def test_what_is_lost_on_the_way_names_its_transfer_and_no_store() -> None:
    lost: dict[str, Any] = {**EVENT, "action": "lower", "reason": "cold_chain", "transfer": b"t" * 32}
    for change, code in (({}, "transfer"), ({"store": None, "reason": None}, "reason")):
        with pytest.raises(Void) as caught:
            parse_event(
                {name: each for name, each in {**lost, **change}.items() if each is not None}, SCOPE, NOON
            )
        assert caught.value.code == code
    del lost["store"]
    said = parse_event(lost, SCOPE, NOON)
    assert (said.reason, said.transfer, said.moved) == ("cold_chain", b"t" * 32, ())


def test_a_loss_has_a_reason_of_the_closed_list() -> None:
    for reason in sorted(REASONS):
        assert parse_event({**EVENT, "action": "lower", "reason": reason}, SCOPE, NOON).reason == reason
    for change in (
        {"action": "lower", "reason": "eaten"},
        {"action": "lower", "reason": None},
        {"reason": "lost"},
    ):
        with pytest.raises(Void) as caught:
            parse_event({**EVENT, **change}, SCOPE, NOON)
        assert caught.value.code == "reason"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lot": b"short"}, "id"),
        ({"to": 5}, "id"),
        ({"corrects": REF.id}, "reference"),
        ({"corrects": [REF.log, True, REF.id]}, "reference"),
        ({"corrects": [REF.log, -1, REF.id]}, "reference"),
        ({"corrects": [REF.log, 7, b"short"]}, "reference"),
        ({"corrects": [REF.log, 7]}, "reference"),
        ({"transfer": None}, "id"),
        ({"fulfills": b"x" * 31}, "id"),
        ({"provider": b"x" * 32}, "party"),
        ({"receiver": ""}, "party"),
        ({"receiver": "two\nlines"}, "party"),
        ({"stated": "2 bowls"}, "fields"),
        ({"stated": {"quantity": "2"}}, "fields"),
        ({"stated": {"quantity": 2, "unit": "bowl"}}, "name"),
        ({"stated": {"quantity": "2", "unit": "bowl", "factor": "4300"}}, "id"),
    ],
)
def test_what_an_event_says_beyond_is_exact_too(change: dict[str, Value], code: str) -> None:
    with pytest.raises(Void) as caught:
        parse_event({**EVENT, **change}, SCOPE, NOON)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        {"includes": [REF.value], "excludes": [REF.value]},
        {"includes": [REF.value, REF.value]},
        {"includes": REF.value},
        {"excludes": {"a": REF.value}},
        {"includes": [[REF.log, at, REF.id] for at in range(1, 66)]},
    ],
)
def test_facts_that_a_count_names_are_told_once_and_are_few(change: dict[str, Any]) -> None:
    with pytest.raises(Void) as caught:
        parse_count({**COUNT, **change}, NOON)
    assert caught.value.code == "reference"


def test_a_quantity_is_at_most_what_every_program_can_count() -> None:
    assert parse_event({**EVENT, "quantity": 2**53}, SCOPE, NOON).quantity == 2**53
    assert parse_count({**COUNT, "quantity": 0}, NOON).quantity == 0
    for quantity in (2**53 + 1, 2**63 - 1):
        for parse, value in PARSE:
            with pytest.raises(Void) as caught:
                parse({**value, "quantity": quantity}, NOON)
            assert caught.value.code == "quantity"


def test_a_lot_is_of_one_item_and_may_expire() -> None:
    value: dict[str, Value] = {"code": "A7", "resource_conforms_to": ITEM}
    assert parse_lot(value) == Lot("A7", ITEM, None)
    assert parse_lot({**value, "expiration_date": NOON * 9}) == Lot("A7", ITEM, NOON * 9)
    for change in ({"code": ""}, {"resource_conforms_to": "x"}, {"expiration_date": "soon"}, {"odd": 1}):
        with pytest.raises(Void):
            parse_lot({**value, **change})


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
        ({"lot": "A7"}, "id"),
        ({"price": 5}, "fields"),
    ],
)
def test_what_does_not_match_exactly_is_void(change: dict[str, Value], code: str) -> None:
    for parse, value in PARSE:
        with pytest.raises(Void) as caught:
            parse({**value, **change}, NOON)
        assert caught.value.code == code
        assert caught.value.sentence


@pytest.mark.parametrize("action", ["vanish", "transferCustody", 5, None])
def test_an_unknown_action_is_void(action: Value) -> None:
    with pytest.raises(Void, match="ValueFlows"):
        parse_event({**EVENT, "action": action}, SCOPE, NOON)


@pytest.mark.parametrize("field", sorted(EVENT.keys() - {"store"}))
def test_a_missing_field_is_void(field: str) -> None:
    with pytest.raises(Void, match=field):
        parse_event({name: value for name, value in EVENT.items() if name != field}, SCOPE, NOON)


def test_what_happened_a_day_after_it_was_recorded_at_most_is_believed() -> None:
    assert (
        parse_event({**EVENT, "has_point_in_time": NOON + MAX_AHEAD_MS}, SCOPE, NOON).at
        == NOON + MAX_AHEAD_MS
    )


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
