"""`scripts/worlds`: plays worlds of a file through the production fold and says where an answer is not the known one."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.authority.build import failures


def play(file: Path, orders: int) -> dict[str, Any]:
    """Return how many worlds a file holds and what failed: {"worlds": n, "failed": [...]}. Raises ValueError."""
    worlds = 0
    failed: list[dict[str, Any]] = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        worlds += 1
        try:
            world = json.loads(line)
            failed += failures(world, orders)
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"line {number} is no world: {error!r}") from error
    return {"worlds": worlds, "failed": failed}


def main(argv: Sequence[str] | None = None) -> int:
    """Play the file; return 0 when every record came out as expected, 1 when one did not, 2 for a file that is none."""
    parser = argparse.ArgumentParser(prog="scripts/worlds", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--orders", type=int, default=10, metavar="N", help="shuffled orders per world (10)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    args = parser.parse_args(argv)
    if args.orders < 1:
        parser.error("--orders is at least 1")
    try:
        played = play(args.file, args.orders)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        print(f"scripts/worlds: {args.file}: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(played))
    else:
        for each in played["failed"]:
            print(f"{each['id']}: {each['record']} is {each['got']!r}, and {each['expected']!r} was expected")
        print(f"{played['worlds']} worlds, {len(played['failed'])} answers are not as expected")
    return 1 if played["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
