"""What records of loans and bookings may say: exact fields, or void with a reason."""

from typing import Any

import pytest

from fedsync.records.ids import LogId, PayloadId, RecordId, Scope
from fedsync.records.kinds import class_of
from fedsync.records.kinds.goods import MAX_AHEAD_MS
from fedsync.records.kinds.lending import Booking, Loan, Returned, parse_booking, parse_loan
from fedsync.records.kinds.refs import FactRef
from fedsync.records.void import Void

NOON = 1_700_000_000_000
HOUR = 3_600_000
ALDER, BIRCH = Scope(b"alder" + bytes(11)), Scope(b"birch" + bytes(11))
DRILL, BLUE, SHED = PayloadId(b"d" * 32), PayloadId(b"b" * 32), PayloadId(b"s" * 32)
OFFER = RecordId(b"o" * 32)
LOG, THEIRS = LogId(b"l" * 32), LogId(b"t" * 32)
GRANT: Any = [THEIRS, 3, OFFER]

BOOKING: dict[str, Any] = {"intent": OFFER, "who": "Dora", "from": NOON, "until": NOON + HOUR}
LOAN: dict[str, Any] = {
    "resource_conforms_to": DRILL,
    "store": SHED,
    "to": "Dora",
    "quantity": 1,
    "has_point_in_time": NOON,
}
RETURN: dict[str, Any] = {"loan": [LOG, 7, OFFER], "returned": True, "has_point_in_time": NOON}


def without(value: dict[str, Any], field: str) -> dict[str, Any]:
    return {key: each for key, each in value.items() if key != field}


def test_a_booking_is_a_plan_and_a_loan_a_fact() -> None:
    assert (class_of("booking").name, class_of("loan").name) == ("PLANS", "FACTS")  # type: ignore[union-attr]


def test_a_booking_says_who_has_the_thing_of_an_offer_and_when() -> None:
    assert parse_booking(BOOKING, LOG) == Booking(OFFER, "Dora", NOON, NOON + HOUR)
    assert parse_booking({**BOOKING, "who": ALDER, "accepts": [GRANT]}, LOG).accepts == (
        FactRef(THEIRS, 3, OFFER),
    )


def test_one_booking_may_begin_when_another_ends() -> None:
    one = parse_booking(BOOKING, LOG)
    assert not one.overlaps(Booking(OFFER, "Emil", NOON + HOUR, NOON + 2 * HOUR))
    assert one.overlaps(Booking(OFFER, "Emil", NOON + HOUR - 1, NOON + 2 * HOUR))
    assert one.overlaps(Booking(OFFER, "Emil", NOON - 1, NOON + 2 * HOUR))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"until": NOON}, "time"),
        ({"until": NOON - 1}, "time"),
        ({"from": "noon"}, "malformed"),
        ({"until": 2**53}, "malformed"),
        ({"who": ""}, "party"),
        ({"who": b"short"}, "party"),
        ({"who": "two\nlines"}, "party"),
        ({"intent": b"short"}, "malformed"),
        ({"accepts": []}, "malformed"),
        ({"accepts": [GRANT, GRANT]}, "malformed"),
        ({"accepts": [OFFER]}, "reference"),
        ({"accepts": [[LOG, 3, OFFER]]}, "self"),
        ({"quantity": 1}, "malformed"),
    ],
)
def test_a_booking_that_says_anything_else_is_void(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Void) as caught:
        parse_booking({**BOOKING, **change}, LOG)
    assert caught.value.code == code


def test_a_loan_says_what_went_to_whom_from_where_and_when_it_is_due() -> None:
    assert parse_loan(LOAN, BIRCH, NOON) == Loan(DRILL, None, SHED, "Dora", 1, NOON)
    more: dict[str, Any] = {"lot": BLUE, "due": NOON + HOUR, "booking": OFFER, "to": ALDER}
    assert parse_loan({**LOAN, **more}, BIRCH, NOON) == Loan(
        DRILL, BLUE, SHED, ALDER, 1, NOON, NOON + HOUR, OFFER
    )


def test_a_return_names_its_loan() -> None:
    assert parse_loan(RETURN, BIRCH, NOON) == Returned(FactRef(LOG, 7, OFFER), NOON)
    broken: dict[str, Any] = {"en": "the cable is broken"}
    assert parse_loan({**RETURN, "condition": broken}, BIRCH, NOON) == Returned(
        FactRef(LOG, 7, OFFER), NOON, broken
    )


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({**LOAN, "quantity": 0}, "quantity"),
        ({**LOAN, "quantity": -1}, "quantity"),
        ({**LOAN, "quantity": 2**53 + 1}, "quantity"),
        ({**LOAN, "quantity": True}, "quantity"),
        ({**LOAN, "has_point_in_time": NOON + MAX_AHEAD_MS + 1}, "ahead"),
        ({**LOAN, "due": NOON - 1}, "time"),
        ({**LOAN, "to": 7}, "party"),
        ({**LOAN, "to": BIRCH}, "self"),
        ({**LOAN, "lot": b"short"}, "malformed"),
        ({**LOAN, "colour": "blue"}, "malformed"),
        (without(LOAN, "store"), "malformed"),
        ({**RETURN, "returned": False}, "malformed"),
        ({**RETURN, "returned": 1}, "malformed"),
        ({**RETURN, "loan": OFFER}, "reference"),
        ({**RETURN, "loan": [LOG, -1, OFFER]}, "reference"),
        ({**RETURN, "loan": [LOG, True, OFFER]}, "reference"),
        ({**RETURN, "has_point_in_time": NOON + MAX_AHEAD_MS + 1}, "ahead"),
        ({**RETURN, "condition": "x" * 2001}, "note"),
        ({**RETURN, "quantity": 1}, "malformed"),
        ("lent", "malformed"),
    ],
)
def test_a_loan_or_return_that_says_anything_else_is_void(value: Any, code: str) -> None:
    with pytest.raises(Void) as caught:
        parse_loan(value, BIRCH, NOON)
    assert caught.value.code == code
