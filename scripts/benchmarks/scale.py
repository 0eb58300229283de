"""What size costs: `scripts/scale --sizes 1x10,20x50`. One line of JSON for each size; see docs/scale.md.

A size is `regions`x`communities in each`. `1000*1x10` is a thousand such federations side by side in one process that know nothing of
each other: as many nodes as in 200x50 on the same machine, and what an idle hour of one costs there is to be compared with.
"""

import argparse
import json
import re
import resource
import sys
from dataclasses import asdict
from time import process_time

from fedsync.sim.large import HOUR, Idle, Large, rest, side_by_side
from fedsync.sim.lively import Lively


def main() -> int:
    """Measure each size that is named."""
    parser = argparse.ArgumentParser(prog="scripts/scale", description=__doc__)
    parser.add_argument(
        "--sizes",
        type=sizes,
        default="1x10,1x100,2x50",
        help="regions x communities in each, by commas; 1000*1x10: a thousand side by side, idle figures only",
    )
    parser.add_argument("--settle", type=float, default=2.0, help="hours before anything is measured")
    parser.add_argument("--hours", type=float, default=4.0, help="idle hours")
    parser.add_argument("--decisions", type=int, default=10, help="decisions that are measured")
    parser.add_argument("--warm", type=int, default=20, help="decisions before any is measured")
    parser.add_argument(
        "--work",
        type=float,
        default=0.0,
        help="in place of all that: hours between two acts of each community",
    )
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    if words.hours <= 0 or min(words.settle, words.warm, words.decisions, words.work) < 0:
        parser.error("--hours is more than 0, and the other numbers are not below it")
    if words.work and any(worlds > 1 for worlds, _, _ in words.sizes):
        parser.error("--work is for one world at a time")
    for worlds, regions, size in words.sizes:
        begun = process_time()
        if words.work:
            lively = Lively(regions, size, words.seed)
            made = process_time() - begun
            lively.heap.run(words.settle * HOUR)
            speed = lively.work(words.hours, words.work, process_time)
            told = {
                "communities": regions * size,
                "regions": regions,
                "node_hours_a_minute": round(speed),
                "with_founding": round(
                    lively.heap.now / HOUR * regions * size * 60 / (process_time() - begun)
                ),
                "records": len(lively.ledger.promised),
                "regions_apart": lively.apart(),
            }
        elif worlds > 1:
            many = side_by_side(worlds, regions, size, words.seed)
            made = process_time() - begun
            told = _rounded(rest(many, words.settle, words.hours, process_time))
        else:
            large = Large(regions, size, words.seed)
            made = process_time() - begun
            found = large.measure(words.settle, words.hours, words.warm, words.decisions, process_time)
            told = _rounded(found)
        print(json.dumps({**told, "made_s": round(made, 1), "process_mb": _mb()}), flush=True)
    return 0


def sizes(text: str) -> list[tuple[int, int, int]]:
    """Return how many worlds, regions in each, and communities in each of these, as `20x50` or `1000*1x10` says."""
    form = "(?:([1-9][0-9]{0,3})[*])?([1-9][0-9]{0,3})x([1-9][0-9]{0,4})"
    found = [re.fullmatch(form, each, re.ASCII) for each in text.split(",")]
    sizes = [(int(each[1] or 1), int(each[2]), int(each[3])) for each in found if each is not None]
    if len(sizes) < len(found) or any(size < 2 for _, _, size in sizes):
        raise argparse.ArgumentTypeError(
            "a size is like 20x50: 20 regions of 50 communities each, 2 at least; 1000*1x10: a thousand of 1x10"
        )
    return sizes


def _rounded(found: Idle) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(found).items()}


def _mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
