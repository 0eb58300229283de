"""`scripts/worlds-soak`: many random worlds through the production fold, the naive twin and the promises, on all cores.

Prints how far it is, each failure with its seed, and at last one line of JSON: how many worlds, how many failures, how
often each interesting state was met. A run of 2,000 worlds or more that never met one of them fails.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.authority.meeting import WANTED
from tests.authority.playing import faults
from tests.authority.random_worlds import draw
from tests.authority.small_worlds import LONG, QUICK, explore

ENOUGH = 2000
"""Worlds after which every wanted state must have been met."""
AT_ONCE = 50
"""Worlds that a process plays before it reports."""
EVERY = 20
"""Of so many worlds one is looked at after each single block, the others after a few."""


def play(seeds: Sequence[int]) -> tuple[int, list[str], Counter[str]]:
    """Return how many worlds were played, what failed, and what was met (each state once a world)."""
    failed: list[str] = []
    met: Counter[str] = Counter()
    for seed in seeds:
        reached: Counter[str] = Counter()
        stops = 100_000 if seed % EVERY == 0 else 6
        try:
            found = faults(draw(seed), Random(f"soak {seed}"), stops, reached)
        except Exception as error:
            found = [f"error: {error!r}"]
        failed += [f"world {seed}: {each}" for each in found[:5]]
        met.update(set(reached))
    return len(seeds), failed, met


def run(first: int, worlds: int, processes: int) -> dict[str, object]:
    """Play the worlds of so many seeds from `first` on; return what came of it."""
    began, done, last = time.monotonic(), 0, 0.0
    failed: list[str] = []
    met: Counter[str] = Counter()
    seeds = range(first, first + worlds)
    parts = [seeds[at : at + AT_ONCE] for at in range(0, worlds, AT_ONCE)]
    with multiprocessing.Pool(processes) as pool:
        for number, more, seen in pool.imap_unordered(play, parts):
            done += number
            met += seen
            failed += more
            for each in more:
                print(each, file=sys.stderr)
            if time.monotonic() - last > 30:
                last = time.monotonic()
                print(f"{done} of {worlds} worlds, {len(failed)} failures", file=sys.stderr)
    never = sorted(WANTED - met.keys()) if worlds >= ENOUGH else []
    return {
        "worlds": done, "first_seed": first, "failures": len(failed), "failed": failed[:20], "never_met": never,
        "seconds": round(time.monotonic() - began), "met": {name: met[name] for name in sorted(met)},
    }  # fmt: skip


def small(processes: int) -> int:
    """Play all small worlds of all casts; print a line of JSON for each; return 1 when anything was wrong."""
    wrong = 0
    with multiprocessing.Pool(processes) as pool:
        for line, number in pool.imap_unordered(_cast, [*QUICK, *LONG], 1):
            print(line, flush=True)
            wrong += number
    return 1 if wrong else 0


def _cast(name: str) -> tuple[str, int]:
    began, seen = time.monotonic(), explore({**QUICK, **LONG}[name]())
    line = {
        "cast": name,
        "worlds": seen.worlds,
        "steps": seen.steps,
        "states": seen.states,
        "wrong": seen.wrong,
    }
    return json.dumps(line | {"seconds": round(time.monotonic() - began)}), len(seen.wrong)


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0 when nothing failed and every wanted state was met."""
    parser = argparse.ArgumentParser(prog="scripts/worlds-soak", description=__doc__)
    parser.add_argument("--worlds", type=int, default=100_000, metavar="N", help="how many worlds (100000)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="the first seed (0)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), metavar="P", help="(one a core)")
    parser.add_argument(
        "--small", action="store_true", help="all small worlds of the casts instead, larger ones too"
    )
    args = parser.parse_args(argv)
    if args.small:
        return small(args.processes)
    result = run(args.seed, args.worlds, args.processes)
    print(json.dumps(result))
    return 1 if result["failures"] or result["never_met"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
