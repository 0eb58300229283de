"""What records of goods on their way may say: exact fields, or void with a reason."""

from typing import Any

import pytest

from fedsync.records.codec import MAX_RECORD_BYTES, Value, pack
from fedsync.records.ids import PayloadId, RecordId, Scope
from fedsync.records.kinds import class_of
from fedsync.records.kinds.parties import MAX_QUANTITY
from fedsync.records.kinds.transfers import (
    MAX_LINES,
    Cancel,
    Discrepancy,
    Line,
    Transfer,
    parse_cancel,
    parse_discrepancy,
    parse_transfer,
)
from fedsync.records.void import Void

ALDER, BIRCH, CEDAR = (Scope(name.encode() + bytes(11)) for name in ("alder", "birch", "cedar"))
ITEM, LOT, STORE, BARN, PROMISE = (name.encode() * 32 for name in "ilsbp")
LINE: dict[str, Any] = {"resource_conforms_to": ITEM, "quantity": 350_000}
SENT: dict[str, Any] = {"provider": ALDER, "receiver": BIRCH, "lines": [LINE]}
MISSING: dict[str, Any] = {
    "transfer": b"t" * 32,
    "resource_conforms_to": ITEM,
    "quantity": 9_000,
    "reason": "lost",
}


def void(value: Value, scope: Scope = ALDER) -> str:
    with pytest.raises(Void) as caught:
        parse_transfer(value, scope)
    return caught.value.code


def test_a_manifest_belongs_with_the_plans_and_a_discrepancy_with_the_facts() -> None:
    assert class_of("transfer").name == "PLANS"  # type: ignore[union-attr]
    assert class_of("discrepancy").name == "FACTS"  # type: ignore[union-attr]


def test_a_manifest_says_who_gives_what_to_whom() -> None:
    line = {**LINE, "lot": LOT, "commitment": PROMISE}
    said = {
        **SENT,
        "lines": [LINE, line],
        "carrier": "Cart",
        "store": STORE,
        "to": BARN,
        "due": 5,
        "note": "Wet",
    }
    item = PayloadId(ITEM)
    assert parse_transfer(said, BIRCH) == Transfer(
        ALDER,
        BIRCH,
        (Line(item, None, 350_000), Line(item, PayloadId(LOT), 350_000, RecordId(PROMISE))),
        "Cart",
        PayloadId(STORE),
        PayloadId(BARN),
        5,
    )
    assert parse_transfer({**SENT, "carrier": b"k" * 32}, ALDER).carrier == b"k" * 32


def test_a_transfer_is_called_off_by_its_name_and_by_nothing_else() -> None:
    assert parse_cancel({"cancels": bytes(32), "note": "no lorry"}) == Cancel(RecordId(bytes(32)))
    wrong: list[Value] = [
        {"cancels": bytes(31)},
        {"cancels": bytes(32), "due": 1},
        {"cancels": bytes(32), "note": 1},
        {},
    ]
    for value in wrong:
        with pytest.raises(Void):
            parse_cancel(value)


def test_a_party_that_keeps_no_records_goes_by_its_name() -> None:
    assert parse_transfer({**SENT, "receiver": "Free kitchen"}, ALDER).receiver == "Free kitchen"
    assert void({**SENT, "provider": "Anna", "receiver": "Free kitchen"}) == "stranger"
    for name in ("", " ", "x" * 201, "a\nb", b"short", 7, None):
        assert void({**SENT, "receiver": name}) == "party"


def test_only_who_gives_or_receives_makes_the_manifest() -> None:
    assert void(SENT, CEDAR) == "stranger"


def test_a_body_hands_to_itself_only_from_one_store_to_another() -> None:
    own = {**SENT, "receiver": ALDER}
    assert parse_transfer({**own, "store": STORE, "to": BARN}, ALDER).to == BARN
    for stores in ({}, {"store": STORE}, {"to": BARN}, {"store": STORE, "to": STORE}):
        assert void({**own, **stores}) == "self"


def test_a_manifest_that_names_a_line_twice_is_void() -> None:
    other_lot = {**LINE, "lot": LOT}
    assert len(parse_transfer({**SENT, "lines": [LINE, other_lot]}, ALDER).lines) == 2
    assert void({**SENT, "lines": [LINE, {**LINE, "quantity": 1}]}) == "twice"
    assert void({**SENT, "lines": [other_lot, LINE, other_lot]}) == "twice"


@pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1, True, "7", None])
def test_a_line_of_nothing_or_of_more_than_can_be_written_is_void(quantity: Value) -> None:
    assert void({**SENT, "lines": [{**LINE, "quantity": quantity}]}) == "quantity"
    with pytest.raises(Void, match="whole number"):
        parse_discrepancy({**MISSING, "quantity": quantity})


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {**SENT, "lines": []},
        {**SENT, "lines": LINE},
        {**SENT, "lines": [7]},
        {**SENT, "lines": [{**LINE, "lot": b"short"}]},
        {**SENT, "lines": [{**LINE, "unit": "g"}]},
        {**SENT, "store": "Granary"},
        {**SENT, "due": "tomorrow"},
        {**SENT, "due": 2**60},
        {**SENT, "sealed": True},
        {"provider": ALDER, "receiver": BIRCH},
    ],
)
def test_fields_that_are_wrong_missing_or_too_many_make_a_manifest_void(broken: Value) -> None:
    assert void(broken) == "malformed"


def test_carriers_notes_and_lines_have_their_bounds() -> None:
    for carrier in (b"k" * 31, "", " ", "x" * 201, "a\nb", 7):
        assert void({**SENT, "carrier": carrier}) == "carrier"
    assert void({**SENT, "note": "x" * 2001}) == "note"
    many: list[Value] = [
        {**LINE, "resource_conforms_to": at.to_bytes(32, "big")} for at in range(MAX_LINES + 1)
    ]
    assert void({**SENT, "lines": many}) == "lines"


def test_the_longest_manifest_fits_in_a_record() -> None:
    lines: list[Value] = [
        {
            "resource_conforms_to": ITEM,
            "quantity": MAX_QUANTITY,
            "lot": at.to_bytes(32, "big"),
            "commitment": PROMISE,
        }
        for at in range(MAX_LINES)
    ]
    said: dict[str, Value] = {
        **SENT,
        "lines": lines,
        "carrier": "x" * 200,
        "store": STORE,
        "to": BARN,
        "due": 2**53 - 1,
    }
    assert len(parse_transfer(said, ALDER).lines) == MAX_LINES
    assert len(pack(said)) < MAX_RECORD_BYTES - 512


def test_a_discrepancy_says_how_much_of_a_line_is_missing_and_why() -> None:
    assert parse_discrepancy({**MISSING, "lot": LOT}) == Discrepancy(
        RecordId(b"t" * 32), PayloadId(ITEM), PayloadId(LOT), 9_000, "lost"
    )
    for field, wrong in (
        ("reason", "because"),
        ("transfer", b"t"),
        ("resource_conforms_to", None),
        ("lot", 7),
    ):
        with pytest.raises(Void):
            parse_discrepancy({**MISSING, field: wrong})
    with pytest.raises(Void, match="no field note"):
        parse_discrepancy({**MISSING, "note": "x"})
