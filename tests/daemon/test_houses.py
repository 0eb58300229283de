"""Regions as real daemons with their real movements: links are cut, power fails, and all come to what the file adds up to."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.daemon.houses import Shown, faults, lines_of, main, moved, play
from tests.daemon.village import Village
from tests.seeds import seeds

REGIONS, ROUNDS, MOVEMENTS = 7, 3, 120
"""A cut of the data; `scripts/regions-soak` plays all 21 regions with all that they have."""


@pytest.mark.parametrize("seed", seeds(1))
def test_regions_that_are_cut_off_and_killed_at_work_end_with_what_the_file_says(
    village: Village, seed: int
) -> None:
    figures = play(village, seed, REGIONS, ROUNDS, MOVEMENTS, print)
    assert figures["movements"] == REGIONS * MOVEMENTS
    happened = {"cuts", "cuts healed", "restarts", "kills", "rounds apart"}
    assert happened <= figures.keys(), figures


def test_a_lost_movement_one_that_counts_twice_and_another_state_would_be_found() -> None:
    lines = lines_of(["LAZ", "ABR"], 3)
    right = Shown(
        dict.fromkeys(lines, b"root"),
        Counter({code: sum(int(row["delta_doses"]) for row in rows) for code, rows in lines.items()}),
        {code: Counter(map(moved, rows)) for code, rows in lines.items()},
    )
    assert faults(lines, {"LAZ": right, "ABR": right}) == []
    one = moved(lines["LAZ"][0])
    wrong = {
        "lacks": replace(right, movements=right.movements | {"LAZ": right.movements["LAZ"] - Counter([one])}),
        "too much": replace(
            right, movements=right.movements | {"LAZ": right.movements["LAZ"] + Counter([one])}
        ),
        "another state": replace(right, roots=right.roots | {"LAZ": b"else"}),
        "where": replace(right, stock=right.stock + Counter(LAZ=1)),
        "knows": replace(right, roots={"ABR": b"root"}),
    }
    for word, each in wrong.items():
        (said,) = faults(lines, {"LAZ": right, "ABR": each})
        assert word in said


@pytest.mark.parametrize(
    "words", [["--nodes", "22"], ["--nodes", "1"], ["--rounds", "0"], ["--movements", "0"]]
)
def test_more_regions_than_there_are_and_less_than_any_trouble_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
