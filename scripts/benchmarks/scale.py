"""What size costs: `scripts/scale --sizes 1x10,20x50`. One line of JSON for each size; see docs/scale.md.

A size is `size` communities in each of `regions` regions: `--sizes 1x10,1x100,20x50`.
"""

import argparse
import json
import re
import resource
import sys
from dataclasses import asdict
from time import process_time

from fedsync.sim.large import HOUR, Large
from fedsync.sim.lively import Lively


def main() -> int:
    """Measure each size that is named."""
    parser = argparse.ArgumentParser(prog="scripts/scale", description=__doc__)
    parser.add_argument(
        "--sizes", type=sizes, default="1x10,1x100,2x50", help="regions x communities in each, by commas"
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
    for regions, size in words.sizes:
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
            print(json.dumps({**told, "made_s": round(made, 1), "process_mb": _mb()}), flush=True)
            continue
        large = Large(regions, size, words.seed)
        made = process_time() - begun
        found = large.measure(words.settle, words.hours, words.warm, words.decisions, process_time)
        told = {name: round(value, 2) for name, value in asdict(found).items()}
        print(json.dumps({**told, "made_s": round(made, 1), "process_mb": _mb()}), flush=True)
    return 0


def sizes(text: str) -> list[tuple[int, int]]:
    """Return regions and communities in each, as `20x50` says."""
    found = [re.fullmatch("([1-9][0-9]{0,3})x([1-9][0-9]{0,4})", each, re.ASCII) for each in text.split(",")]
    pairs = [(int(each[1]), int(each[2])) for each in found if each is not None]
    if len(pairs) < len(found) or any(size < 2 for _, size in pairs):
        raise argparse.ArgumentTypeError(
            "a size is like 20x50: 20 regions of 50 communities each, 2 at least"
        )
    return pairs


def _mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
