"""Cells of a table: what is written is read back, whatever a program of whatever country made of it; no guessing."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.acts.goods.cells import number, quantity_cells, size_of, time_cell, time_of
from fedsync.acts.goods.recording import WrongWord
from fedsync.records.kinds.parties import MAX_QUANTITY

NOON = 1_778_594_400_123


@given(st.integers(0, MAX_QUANTITY), st.sampled_from(["g", "mL", "min", "{dose}", "{kisten äpfel}", "kWh"]))
def test_a_quantity_is_written_without_a_point_and_read_back(quantity: int, unit: str) -> None:
    cell, word = quantity_cells(quantity, unit)
    assert cell.isdigit()
    for delimiter in ",;\t":
        assert number(cell, delimiter) * size_of(word) == quantity


@pytest.mark.parametrize(
    ("cell", "delimiter", "found"),
    [
        ("12", ",", 12), ("12.5", ",", "12.5"), ("12,5", ";", "12.5"), ("12,5", ",", "12.5"), ("0,500", ";", "0.5"), ("1.234", ",", "1.234"),
        ("1 000", ",", 1000), ("1\u00a0000", ";", 1000), ("1'000", ";", 1000), ("0.123", ";", "0.123"), ("1234,567", ";", "1234.567"),
    ],
)  # fmt: skip
def test_a_number_is_taken_where_it_can_be_one_only(cell: str, delimiter: str, found: object) -> None:
    assert number(cell, delimiter) == Fraction(str(found))


@pytest.mark.parametrize(
    ("cell", "delimiter"),
    [
        ("1,500", ","), ("1,500", ";"), ("1.500", ";"), ("1.234.567", ","), ("1,234,567", ","), ("1,234.5", ","), ("1.234,5", ";"),
        ("1e3", ","), ("1.2E+06", ","), ("-3", ","), ("\u22123", ","), ("+3", ","), ("", ","), ("x", ","), ("#REF!", ","), ("12 kg", ","),
        ("٣", ","), ("1.", ","), (".5", ","),
    ],
)  # fmt: skip
def test_what_could_be_two_numbers_or_none_is_refused(cell: str, delimiter: str) -> None:
    with pytest.raises(WrongWord) as refused:
        number(cell, delimiter)
    assert refused.value.field == "quantity"
    assert refused.value.hint


@given(st.integers(-(2**53), 2**53))
def test_a_time_is_read_back_as_it_was(ms: int) -> None:
    cell = time_cell(ms)
    if not cell.endswith("ms"):
        assert time_of(cell) == ms == time_of(cell, ms)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-05-12T14:00:00.123Z", "2026-05-12 14:00:00", "2026-05-12T14:00", "2026-05-12", "2026-05-12T16:00:00+02:00",
        "2026-05-12 16:00+02:00",
    ],
)  # fmt: skip
def test_a_program_that_cut_a_time_off_has_not_changed_it(cell: str) -> None:
    assert time_cell(NOON) == "2026-05-12T14:00:00.123Z"
    assert time_of(cell, NOON) == NOON


@pytest.mark.parametrize(
    "cell", ["2026-05-13", "2026-05-12 00:00", "2026-05-12T14:01", "2026-05-12T14:00:01Z"]
)
def test_another_time_is_another(cell: str) -> None:
    assert time_of(cell, NOON) not in (NOON, None)


@pytest.mark.parametrize("cell", ["05/12/2026", "12.05.2026", "yesterday", "2026-13-01", "46154"])
def test_what_is_no_time_or_one_of_two_is_refused(cell: str) -> None:
    with pytest.raises(WrongWord) as refused:
        time_of(cell, NOON)
    assert refused.value.field == "at_utc"
