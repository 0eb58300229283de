"""Plays scenarios with one seed after the other until told to stop, and says what it did. See scripts/simulate-soak."""

import argparse
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fedsync.sim.rare import RARE
from fedsync.sim.run import Outcome, simulate
from fedsync.sim.scenario import Scenario, read

ALL = Path(__file__).resolve().parents[2] / "scenarios"
TOLD_EVERY_S = 60.0
"""Between two lines that say how far it is."""


@dataclass
class Tally:
    """What came of all runs of one scenario."""

    path: Path
    scenario: Scenario
    runs: int = 0
    hours: float = 0.0
    cpu: float = 0.0
    longest: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)

    def note(self, outcome: Outcome, cpu: float) -> None:
        self.runs += 1
        self.hours += outcome.hours
        self.cpu += cpu
        self.longest = max(self.longest, outcome.took or 0.0)
        self.seen.update(outcome.seen)
        if outcome.faults:
            self.failed.append(outcome.seed)
            print(f"{self.path.name}, seed {outcome.seed}:", *outcome.faults, sep="\n  ", flush=True)
            print(f"  It happens again with: fedsync simulate {self.path} --seed {outcome.seed}", flush=True)

    @property
    def missed(self) -> list[str]:
        """What must have happened and never did."""
        return [each for each in self.scenario.must if not self.seen[each]]

    def line(self) -> str:
        nodes = self.scenario.nodes
        speed = self.hours * nodes / (self.cpu / 60) if self.cpu else 0
        return (
            f"{self.path.name}: {self.runs} lives of {nodes} nodes, {self.hours:,.1f} h of the federation, "
            f"{len(self.failed)} failed; the calm took {self.longest:.0f} s at most; {speed:,.0f} node-hours a minute of CPU"
        )


def main() -> int:
    """Play until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="simulate-soak", description=__doc__)
    parser.add_argument(
        "scenarios", nargs="*", type=Path, help="scenario files; all that ship when none is named"
    )
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=0, help="stop after so many; 0: when told to")
    words = parser.parse_args()
    paths = words.scenarios or sorted(ALL.glob("*.toml"))
    tallies = [Tally(path, read(path.read_text("utf-8"))) for path in paths]
    # A soak that is ended by its starter tells what it did, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    told, seed = time.monotonic(), words.first
    try:
        while not words.seeds or seed < words.first + words.seeds:
            for tally in tallies:
                begun = time.process_time()
                tally.note(simulate(tally.scenario, seed), time.process_time() - begun)
            seed += 1
            if time.monotonic() > told + TOLD_EVERY_S:
                told = time.monotonic()
                print(*(each.line() for each in tallies), sep="\n", flush=True)
    except KeyboardInterrupt:
        print("Told to stop.")
    print(f"Seeds {words.first} to {seed - 1}.", *(each.line() for each in tallies), sep="\n")
    for tally in tallies:
        for name in tally.missed if tally.runs else ():
            print(f"{tally.path.name}: never seen in all of them: {RARE[name]}.")
    return int(any(each.failed or (each.runs and each.missed) for each in tallies))


if __name__ == "__main__":
    sys.exit(main())
