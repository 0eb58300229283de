"""`scripts/bench NAME [options]`: run one benchmark, or all, and print JSON."""

import argparse
import json
import sys

from benchmarks import (
    authority,
    away,
    budget,
    bundle,
    catchup,
    cuts,
    door,
    flaky,
    latency,
    recall,
    startup,
    stock,
    stocklist,
    sync,
    table,
    wire,
)

BENCHES = {
    "sync": sync.main,
    "door": door.main,
    "catchup": catchup.main,
    "cuts": cuts.main,
    "away": away.away,
    "ferry": away.ferry,
    "idle": away.idle,
    "budget": budget.main,
    "flaky": flaky.bulk,
    "flaky-recall": flaky.recall,
    "latency": latency.main,
    "recall": recall.main,
    "import": table.main,
    "start": startup.main,
    "stocklist": stocklist.main,
    "authority": authority.main,
    "stock": stock.main,
    "wire": wire.main,
    "bundle": bundle.main,
}


def main() -> None:
    """Run what the first argument names."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("bench", choices=[*BENCHES, "all"])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--logs", type=int, default=200)
    parser.add_argument("--changed", type=int, default=10)
    parser.add_argument("--runs", type=int, default=1, help="how often; the median is quoted")
    parser.add_argument("--communities", type=int, default=200)
    parser.add_argument("--acts", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument(
        "--singles", type=int, default=60, help="acts of each kind that are measured one by one"
    )
    parser.add_argument("--seeds", type=int, default=20, help="of what is played in virtual time")
    parser.add_argument("--json", action="store_true", help="accepted everywhere; JSON is all there is")
    arguments = parser.parse_args()
    names = list(BENCHES) if arguments.bench == "all" else [arguments.bench]
    for name in names:
        print(json.dumps({"bench": name, **BENCHES[name](arguments)}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
