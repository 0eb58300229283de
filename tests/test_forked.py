"""Commands that tests fork: they start however long the path to temporary files is, and none outlives the tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedsync.errors import Exit
from tests import forked
from tests.daemon.village import AT_ONCE, until

ROOT = Path(__file__).resolve().parent.parent
STARTS = """
import os
from tests import forked
nothing = os.open(os.devnull, os.O_RDWR)
print(forked.start(["simulate", "scenarios/everything.toml"], [nothing] * 3, dict(os.environ)).pid, flush=True)
"""


@pytest.mark.parametrize("deep", [0, 120])
def test_a_process_that_a_test_forked_ends_with_whoever_runs_the_tests(tmp_path: Path, deep: int) -> None:
    place = tmp_path / ("t" * deep)
    place.mkdir(exist_ok=True)
    around = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", STARTS], env=around, cwd=ROOT, check=True, capture_output=True, text=True
    )
    until(lambda: not Path("/proc", done.stdout.strip()).exists(), AT_ONCE)


def test_a_forked_command_gives_its_answer_its_complaint_and_its_exit_code(tmp_path: Path) -> None:
    said = forked.run(["--version"], dict(os.environ), "", AT_ONCE)
    assert (said.returncode, said.stdout[:8], said.stderr) == (0, "fedsync ", "")
    lost = forked.run(["--home", str(tmp_path / "none"), "status"], dict(os.environ), "", AT_ONCE)
    assert lost.returncode == Exit.NO_NODE
    assert lost.stderr
