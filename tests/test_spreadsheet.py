"""Tables as CSV: whatever a table program makes of a file, it says the same; no cell is obeyed."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.errors import Exit, Problem
from fedsync.spreadsheet import plain, read, safe, write

HEADS = ("id", "item", "note")
ROWS = [
    ("1", "Oats", ""),
    ("2", "Oats, rolled", 'He said "no"'),
    ("3", "a;b", "two\nlines"),
    ("4", "=1+1", "'tis"),
]


def rows(raw: bytes) -> list[tuple[str, ...]]:
    return [tuple(line.cells[head] for head in HEADS) for line in read(raw, "it.csv", HEADS).lines]


def saved(rows: Sequence[Sequence[str]], **more: object) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, **more).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def test_what_is_written_is_read_back() -> None:
    assert rows(write(HEADS, ROWS).encode()) == ROWS


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_whatever_a_program_saves_is_the_same_table(
    delimiter: str, quoting: int, ends: str, encoding: str
) -> None:
    first = list(csv.reader(io.StringIO(write(HEADS, ROWS), newline="")))
    text = saved(first, delimiter=delimiter, quoting=quoting, lineterminator=ends)
    assert rows(text.encode(encoding)) == ROWS


def test_columns_may_be_moved_and_added_and_rows_be_empty() -> None:
    text = "mine,note,item,id,,\n\n,,,,,\nx,n,Oats,1,,\n,,Rye\n"
    table = read(text.encode(), "it.csv", HEADS)
    assert [(each.number, each.cells["item"], each.cells["id"]) for each in table.lines] == [
        (4, "Oats", "1"),
        (5, "Rye", ""),
    ]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no column id"), (b"id,item\n", "no column note"), (b"id,item,note,id\n", "more than one column id"),
        (b"id,item,note\n1,2,3,4\n", "line 2"), (b'id,item,note\n1,"2,3\n', "line 2"), (b"\xe4,\xf6", "UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_the_line(raw: bytes, said: str) -> None:
    with pytest.raises(Problem) as refused:
        read(raw, "it.csv", HEADS)
    assert refused.value.exit_code is Exit.FOREIGN_FILE
    assert said in refused.value.message
    assert refused.value.hint


cells = st.from_regex(r"'?[0-9.:/-]{1,8}", fullmatch=True) | st.text(
    st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12
).map(lambda each: each.strip(" \u00a0\t\r\n"))


@given(cells)
def test_no_cell_is_a_formula_and_each_is_read_as_it_was(cell: str) -> None:
    assert not safe(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert plain(safe(cell)) == cell


@pytest.mark.parametrize(
    "cell",
    ["007", "1-2", "1/2", "3.10", "1,5", "2E5", "12345678901234567890", "12:30", "MAR1", "Sept-2", "5 %", "true", "2026-05-12", "12.05.26"],
)  # fmt: skip
def test_what_a_program_would_write_in_another_way_is_kept_from_it(cell: str) -> None:
    assert safe(cell) == f"'{cell}"
    assert plain(safe(cell)) == cell == plain(cell)


@pytest.mark.parametrize("cell", ["12", "12500", "Oats", "2026-05-12T14:30:00Z", "rf00", "90s", "L-7", "may"])
def test_other_cells_are_written_as_they_are(cell: str) -> None:
    assert safe(cell) == cell
    assert plain(f"'{cell}") == f"'{cell}"


@given(st.lists(st.tuples(cells, cells, cells).filter(any), max_size=6))
def test_any_table_comes_back(table: list[tuple[str, str, str]]) -> None:
    assert rows(write(HEADS, table).encode()) == table


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_problem(raw: bytes) -> None:
    try:
        read(raw, "it.csv", HEADS)
    except Problem as problem:
        said = problem.hint
    else:
        said = "a table"
    assert said
