"""Quantities: what people type comes back as they would say it, and nothing is rounded."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.errors import Exit, Problem
from fedsync.units import BASE, MAX_QUANTITY, base_unit, parse_quantity, plain_unit, show


@pytest.mark.parametrize(
    ("number", "unit", "quantity", "code"),
    [
        ("12", "kg", 12_000, "g"),
        ("2.5", "kg", 2_500, "g"),
        ("0", "g", 0, "g"),
        ("1 000", "g", 1_000, "g"),
        ("1_000", "g", 1_000, "g"),
        ("007", "L", 7_000, "mL"),
        ("1.50", "h", 90, "min"),
        ("3", "pieces", 3, "{piece}"),
        ("3", "doses", 3, "{dose}"),
        ("3", "Dose", 3, "{dose}"),
        ("3", "{dose}", 3, "{dose}"),
        ("3", "glass", 3, "{glass}"),
        ("3", " kg ", 3_000, "g"),
        ("3", "Kg", 3_000, "g"),
        ("3", "KILOS", 3_000, "g"),
        ("3", "grams", 3, "g"),
        ("3", "ML", 3, "mL"),
        ("3", "Litres", 3_000, "mL"),
        ("2", "hours", 120, "min"),
        ("1", "LB", 454, "g"),
        ("3", "Kisten Äpfel", 3, "{kisten äpfel}"),
    ],
)
def test_what_people_type_is_taken(number: str, unit: str, quantity: int, code: str) -> None:
    assert parse_quantity(number, unit) == (quantity, code)


@pytest.mark.parametrize(
    ("number", "unit"),
    [
        ("0.5", "g"), ("1.0005", "kg"), ("0.5", "pieces"), ("1.5", "doses"),
        ("", "g"), ("x", "g"), ("-1", "g"), ("+1", "g"), ("nan", "g"), ("inf", "g"), ("1e3", "g"),
        ("1e999999999", "kg"), ("1e-999999999", "kg"), ("1,5", "kg"), ("1,500", "g"), ("1.", "g"), (".5", "kg"),
        ("1.2.3", "kg"), ("٣", "g"), ("½", "kg"), ("0x10", "g"), ("9" * 31, "g"), (str(MAX_QUANTITY), "kg"),
        ("1", ""), ("1", "42"), ("1", "k/g"), ("1", "x" * 60), ("1", "a\nb"), ("1", "a\x1b"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_quantity_is_refused_with_what_to_type(number: str, unit: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_quantity(number, unit)
    assert refused.value.exit_code is Exit.USAGE
    assert refused.value.hint


@given(st.text(max_size=20), st.text(max_size=20))
def test_anything_typed_is_a_whole_quantity_or_a_problem(number: str, unit: str) -> None:
    try:
        quantity, code = parse_quantity(number, unit)
    except Problem:
        return
    assert type(quantity) is int
    assert 0 <= quantity <= MAX_QUANTITY
    assert code


units = st.sampled_from(sorted(BASE)) | st.sampled_from(["doses", "boxes", "glass"])
numbers = st.decimals(min_value=0, max_value=10**9, places=3)


@given(numbers, units)
def test_nothing_is_rounded(number: Decimal, unit: str) -> None:
    exact = number * base_unit(unit)[1]
    try:
        quantity, _ = parse_quantity(str(number), unit)
    except Problem:
        assert exact != exact.to_integral_value()
    else:
        assert quantity == exact


@given(st.integers(0, MAX_QUANTITY), units)
def test_what_is_shown_can_be_typed_again(quantity: int, unit: str) -> None:
    code, _ = base_unit(unit)
    number, _, word = show(quantity, code).partition(" ")
    assert parse_quantity(number.replace(",", ""), word) == (quantity, code)


@given(st.integers(1, MAX_QUANTITY), units)
def test_what_is_missing_is_shown_as_what_is_there_with_a_minus(quantity: int, unit: str) -> None:
    code, _ = base_unit(unit)
    assert show(-quantity, code).removeprefix("-") in (show(quantity, code), show(quantity, code) + "s")


@pytest.mark.parametrize(
    ("quantity", "unit", "words"),
    [
        (12_500, "g", "12.5 kg"), (999, "g", "999 g"), (0, "g", "0 g"), (-999_995, "g", "-999.995 kg"),
        (1_234_567, "mL", "1,234.567 L"), (1, "{piece}", "1 piece"), (2, "{piece}", "2 pieces"),
        (1, "{dose}", "1 dose"), (0, "{dose}", "0 doses"), (1_000, "{dose}", "1,000 doses"), (90, "min", "90 min"),
        (5, "kWh", "5 kWh"),
    ],
)  # fmt: skip
def test_quantities_are_shown_as_people_say_them(quantity: int, unit: str, words: str) -> None:
    assert show(quantity, unit) == words


@given(st.text(max_size=60))
def test_a_unit_has_one_code_however_often_it_is_written(unit: str) -> None:
    try:
        code, _ = base_unit(unit)
    except Problem:
        return
    assert base_unit(code) == (code, 1)
    assert plain_unit(code) == plain_unit(plain_unit(code))
