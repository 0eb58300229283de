"""Seeded stories of whole nodes: stores, doors and folds behind the machines. After a rough time all must agree.

FEDSYNC_SEEDS says which seeds: a count, or FIRST-LAST. 15 in CI; a failure replays from its seed alone.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seeds import seeds
from tests.sim.federation import Federation, first_sync


@pytest.mark.parametrize("seed", seeds(15))
def test_after_a_rough_time_all_nodes_show_the_same(seed: int, tmp_path: Path) -> None:
    story = Federation(seed, tmp_path)
    try:
        story.live()
        assert not story.faults(), f"replay with FEDSYNC_SEEDS={seed}-{seed}"
    finally:
        story.world.close()


@pytest.mark.parametrize("seed", seeds(15))
def test_a_first_sync_waits_for_no_timer(seed: int, tmp_path: Path) -> None:
    assert first_sync(seed, tmp_path) < 5.0, f"replay with FEDSYNC_SEEDS={seed}-{seed}"


def test_a_story_follows_from_its_seed_alone(tmp_path: Path) -> None:
    told = []
    for hash_seed in ("1", "2"):
        place = tmp_path / hash_seed
        place.mkdir()
        told.append(
            subprocess.run(
                [sys.executable, "-m", "tests.sim.federation", "7", str(place)],
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                cwd=Path(__file__).resolve().parents[2],
                capture_output=True,
                text=True,
                check=True,
                timeout=180,
            ).stdout
        )
    assert told[0] == told[1] != ""
