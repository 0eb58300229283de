"""What records of rotas and work may say: exact fields, or void with a reason."""

from collections.abc import Callable
from typing import Any

import pytest

from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds import class_of
from fedsync.records.kinds.goods import MAX_AHEAD_MS
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.work import (
    MAX_PLACES,
    Cancelled,
    Plan,
    Shift,
    Signup,
    Tally,
    parse_plan,
    parse_shift,
    parse_signup,
    parse_tally,
)
from fedsync.records.void import Void

NOON = 1_700_000_000_000
HOUR = 3_600_000
PLAN, SHIFT, ONE, TWO = (RecordId(letter * 32) for letter in (b"p", b"s", b"1", b"2"))
A_SHIFT: dict[str, Any] = {"plan": PLAN, "from": NOON, "until": NOON + HOUR, "places": 2}
A_SIGNUP: dict[str, Any] = {"shift": SHIFT, "who": "Dora"}
A_TALLY: dict[str, Any] = {"who": "Dora", "given": 90, "has_point_in_time": NOON}


def test_rotas_are_plans_and_hours_are_facts() -> None:
    assert {class_of(kind).name for kind in ("plan", "shift", "signup")} == {"PLANS"}  # type: ignore[union-attr]
    assert class_of("work_tally").name == "FACTS"  # type: ignore[union-attr]


def test_a_plan_and_a_shift_say_what_work_and_when() -> None:
    assert parse_plan({"name": {"de": "Kochen"}, "note": "for all"}) == Plan({"de": "Kochen"})
    assert parse_shift(A_SHIFT) == Shift(PLAN, NOON, NOON + HOUR, 2)
    assert parse_shift({**A_SHIFT, "name": "Lunch"}) == Shift(PLAN, NOON, NOON + HOUR, 2, "Lunch")
    assert parse_shift({"plan": PLAN, "cancels": [ONE]}) == Cancelled(PLAN, (ONE,))


def test_a_signup_adds_takes_back_or_swaps() -> None:
    assert parse_signup(A_SIGNUP) == Signup(SHIFT, "Dora")
    assert parse_signup({"shift": SHIFT, "drops": [ONE, TWO]}) == Signup(SHIFT, None, (ONE, TWO))
    swap = {**A_SIGNUP, "drops": [ONE], "for": "Emil"}
    assert parse_signup(swap) == Signup(SHIFT, "Dora", (ONE,), "Emil")


def test_a_tally_says_what_somebody_gave_or_received() -> None:
    assert parse_tally(A_TALLY, NOON) == Tally("Dora", 90, 0, NOON)
    received: dict[str, Any] = {
        "who": "Emil",
        "received": 30,
        "has_point_in_time": NOON,
        "shift": SHIFT,
        "note": "shopping",
    }
    assert parse_tally(received, NOON) == Tally("Emil", 0, 30, NOON, SHIFT)


def test_an_entry_that_corrects_another_may_say_that_it_was_nothing() -> None:
    ref = FactRef(LogId(b"l" * 32), 3, ONE)
    nothing: dict[str, Any] = {**A_TALLY, "given": 0, "corrects": list(ref)}
    assert parse_tally(nothing, NOON) == Tally("Dora", 0, 0, NOON, None, ref)


@pytest.mark.parametrize(
    ("parse", "value", "code"),
    [
        (parse_plan, {}, "malformed"),
        (parse_plan, {"name": ""}, "name"),
        (parse_plan, {"name": {}}, "malformed"),
        (parse_plan, {"name": "two\nlines"}, "name"),
        (parse_plan, {"name": "x" * 201}, "note"),
        (parse_plan, {"name": "Cooking", "places": 2}, "malformed"),
        (parse_shift, {**A_SHIFT, "until": NOON}, "time"),
        (parse_shift, {**A_SHIFT, "places": 0}, "malformed"),
        (parse_shift, {**A_SHIFT, "places": MAX_PLACES + 1}, "malformed"),
        (parse_shift, {**A_SHIFT, "plan": "Cooking"}, "malformed"),
        (parse_shift, {**A_SHIFT, "name": " "}, "name"),
        (parse_shift, {"plan": PLAN, "cancels": []}, "malformed"),
        (parse_shift, {**A_SHIFT, "cancels": [ONE]}, "malformed"),
        (parse_signup, {"shift": SHIFT}, "malformed"),
        (parse_signup, {"shift": SHIFT, "who": ""}, "name"),
        (parse_signup, {"shift": SHIFT, "who": b"0" * 16}, "name"),
        (parse_signup, {"shift": SHIFT, "drops": [ONE, ONE]}, "malformed"),
        (parse_signup, {"shift": SHIFT, "drops": []}, "malformed"),
        (parse_signup, {"shift": SHIFT, "who": "Dora", "for": "Emil"}, "malformed"),
        (parse_signup, {"shift": SHIFT, "drops": [ONE], "for": "Emil"}, "malformed"),
        (lambda value: parse_tally(value, NOON), {**A_TALLY, "received": 90}, "malformed"),
        (lambda value: parse_tally(value, NOON), {"who": "Dora", "has_point_in_time": NOON}, "malformed"),
        (lambda value: parse_tally(value, NOON), {**A_TALLY, "given": 0}, "quantity"),
        (lambda value: parse_tally(value, NOON), {**A_TALLY, "given": -5}, "quantity"),
        (lambda value: parse_tally(value, NOON), {**A_TALLY, "given": 1.5}, "quantity"),
        (lambda value: parse_tally(value, NOON), {**A_TALLY, "given": 2**53 + 1}, "quantity"),
        (lambda value: parse_tally(value, NOON - MAX_AHEAD_MS - 1), A_TALLY, "ahead"),
        (lambda value: parse_tally(value, NOON), {**A_TALLY, "balance": 3}, "malformed"),
        (lambda value: parse_tally(value, NOON), {**A_TALLY, "corrects": ONE}, "reference"),
    ],
)
def test_what_says_anything_else_is_void(parse: Callable[[Any], object], value: Any, code: str) -> None:
    with pytest.raises(Void) as caught:
        parse(value)
    assert caught.value.code == code
