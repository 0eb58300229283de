"""Tables drawn without a library look as with it."""

import io
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fedsync.cli.out import Out
from fedsync.cli.tabling import drawn

CELLS = st.text(st.sampled_from("ab Z-9.,éß日本ü한e\u0301"), max_size=12).map(str.strip)
ROWS = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), max_size=6))


def by_rich(heads: list[str], rows: list[list[str]], right: list[str]) -> str:
    """Return what the library draws on a line that is long enough."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="right" if head in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    out = io.StringIO()
    Console(width=300, highlight=False, file=out).print(table)
    return out.getvalue()


@given(ROWS)
def test_a_table_that_fits_is_drawn_as_the_library_draws_it(rows: list[list[str]]) -> None:
    heads = [f"HEAD {at}" for at in range(len(rows[0]) if rows else 2)]
    right = heads[1:2]
    assert f"{drawn(heads, rows, right, 300, bold=False)}\n" == by_rich(heads, rows, right)


def test_what_is_longer_than_the_line_is_folded_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    out = io.StringIO()
    with redirect_stdout(out):
        Out().table(["A", "B"], [["x" * 30, "y" * 10]])
    assert (out.getvalue().count("x"), out.getvalue().count("y")) == (30, 10)
    assert max(map(len, out.getvalue().splitlines())) <= 20


def test_a_table_as_wide_as_the_line_is_not_folded() -> None:
    text = drawn(["A", "B"], [["xxx", "yy"]], [], 10, bold=False)
    assert text is not None
    assert max(map(len, text.splitlines())) == 10
    assert drawn(["A", "B"], [["xxx", "yy"]], [], 9, bold=False) is None
