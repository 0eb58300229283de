"""Plants one bug after the other, and shows which life of which scenario finds it. See scripts/planted."""

import argparse
import sys
import time
from typing import NamedTuple

import pytest

from fedsync.records import ed25519
from fedsync.sim.run import simulate
from tests.sim.plants import PLANTS, Plant
from tests.sim.slices import Slice


class Caught(NamedTuple):
    """Where a bug was found. `said`: what was said there; empty: it was not found."""

    seed: int
    said: str
    others: tuple[str, ...]
    """What else was said on the way."""


def hunt(plant: Plant) -> Caught:
    """Play lives with a planted bug until one finds it, or all that must be enough have been played."""
    scenario = Slice(plant.scenario, plant.nodes, plant.share, plant.seeds, plant.faster).scenario()
    others: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        plant.plant(patch)
        # Keys that were looked at before, or while the bug was in, are no part of what is tried.
        ed25519._parsed.cache_clear()
        try:
            for seed in range(plant.seeds):
                for fault in simulate(scenario, seed).faults:
                    if any(each in fault for each in plant.said):
                        return Caught(seed, fault, tuple(others))
                    others.append(fault)
        finally:
            ed25519._parsed.cache_clear()
    return Caught(-1, "", tuple(others))


def main() -> int:
    """Hunt for each, or for those named; return the exit code."""
    parser = argparse.ArgumentParser(prog="planted", description=__doc__)
    known = [each.name for each in PLANTS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of them alone: {', '.join(known)}")
    words = parser.parse_args()
    if strange := [each for each in words.names if each not in known]:
        parser.error(f"there is no {strange[0]}; there are {', '.join(known)}")
    missed = []
    for plant in PLANTS:
        if words.names and plant.name not in words.names:
            continue
        begun = time.process_time()
        found = hunt(plant)
        print(f"{plant.name}: {plant.what}")
        if found.said:
            print(f"  found by scenarios/{plant.scenario}.toml, seed {found.seed}: {found.said}")
        else:
            missed.append(plant.name)
            print(
                f"  NOT FOUND in {plant.seeds} lives of scenarios/{plant.scenario}.toml",
                *found.others,
                sep="\n  ",
            )
        print(f"  {time.process_time() - begun:.1f} s of CPU", flush=True)
    print(f"Not found: {', '.join(missed)}." if missed else "Each of them was found.")
    return int(bool(missed))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Told to stop.")
        sys.exit(130)
