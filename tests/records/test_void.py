"""Why something is void is the same sentence on every node, in every run."""

import subprocess
import sys

PROGRAM = """
from fedsync.records.kinds.authority import parse_page
from fedsync.records.void import Void
for value in ({"number": 1, "entries": []}, {"number": 0, "entries": [], "x": 1, "y": 2, "z": 3}):
    try:
        parse_page(value)
    except Void as void:
        print(void.code, void.sentence)
"""


def test_the_reason_does_not_depend_on_the_order_of_a_set() -> None:
    # Python shuffles sets of texts anew in each process.
    said = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "1234"
    }
    assert len(said) == 1
