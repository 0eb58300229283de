"""Shipments that are recorded up to a year and a half late change nothing that a later count has found.

The shipped file is made up, in the form of a real one that may not be shipped; `tests.stock.scms` checks that one too.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from fedsync.crdt.goods.levels import StockLevel
from tests.stock.naive_ledger import ledger
from tests.stock.scms import DAY_MS, Line, check, differences, main, read, with_counts, written

FILE = Path(__file__).parent / "shipments.csv"
LINES = read(FILE.read_text("utf-8").splitlines())


@pytest.mark.parametrize("seed", range(3))
def test_late_lines_and_counts_come_to_the_same_in_any_order_and_after_any_cuts(seed: int) -> None:
    done = check(LINES, 2, seed)
    assert done["failed"] == []
    assert done["lines"] == 120
    assert done["latest_days"] == 546
    assert done["late"] > 10
    assert done["counts"] > 30
    assert done["late_and_before_a_count"] > 0


def test_what_arrives_late_leaves_what_lies_there_and_changes_what_is_unexplained() -> None:
    every = with_counts(LINES, Random(0))
    late = max(LINES, key=lambda each: each.recorded - each.told.at)
    pool = late.told[:2]
    counts = [each for each in every if each.told[:2] == pool and each.told.found is not None]
    assert [each for each in counts if late.told.at <= each.told.at < late.recorded - DAY_MS]
    without = ledger(each.told for each in every if each != late)
    assert ledger(each.told for each in every)[pool].on_hand == without[pool].on_hand
    node = _node([each for each in every if each != late])
    assert differences("without", node, without) == []


def test_a_level_that_is_not_the_expected_one_is_found() -> None:
    shown, wanted = _node(LINES), ledger(each.told for each in LINES)
    pool = LINES[0].told[:2]
    wanted[pool] = wanted[pool]._replace(on_hand=-1)
    (found,) = differences("now", shown, wanted)
    assert str(pool) in found


def _node(lines: Sequence[Line]) -> list[StockLevel]:
    country, _ = written(lines, Random(0))
    node = country.node()
    node.take_all(country.blocks)
    return node.stock()


def test_a_file_is_checked_and_the_counts_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(FILE), "--orders", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["failed"] == []


HEAD = "id,shipment_no,origin,destination,item,delivered_date,recorded_date,quantity_packs"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "columns"),
        (f"{HEAD}\n", "columns"),
        (f"{HEAD}\n1,S,O,A,Gauze,2024-02-02,2024-02-01,4\n", "before it came"),
        (f"{HEAD}\n1,S,O,A,Gauze,yesterday,2024-02-01,4\n", "yesterday"),
        (f"{HEAD}\n1,S,O,A,Gauze,2024-02-01,2024-02-01,many\n", "many"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    (tmp_path / "bad.csv").write_text(text)
    assert main([str(tmp_path / "bad.csv")]) == 2
    assert why in capsys.readouterr().err
    assert main([str(tmp_path / "none.csv")]) == 2
