"""Plays scenarios with one seed after the other until told to stop, and says what it did. See scripts/soak."""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from shlex import quote
from typing import NamedTuple, NoReturn

from fedsync.sim.form import BadScenario
from fedsync.sim.rare import RARE
from fedsync.sim.run import simulate
from fedsync.sim.scenario import Scenario, read

ROOT = Path(__file__).resolve().parents[2]
ALL = ROOT / "scenarios"
TOLD_EVERY_S = 60.0
"""Between two lines that say how far it is."""


@dataclass(frozen=True)
class Life:
    """What came of one seed of one scenario: a line of the log."""

    scenario: str
    text: str
    """Which version of the file: the first half of its SHA-256."""
    commit: str
    seed: int
    nodes: int
    hours: float
    """Of the federation, simulated."""
    cpu: float
    took: float | None
    records: int
    digest: str
    faults: list[str]
    seen: dict[str, int]


class Part(NamedTuple):
    """A scenario file and what it says."""

    path: Path
    scenario: Scenario
    text: str


def part_of(path: Path) -> Part:
    """Return a scenario file as it is now."""
    text = path.read_text("utf-8")
    return Part(path, read(text), sha256(text.encode()).hexdigest()[:32])


def parts_of(paths: Sequence[Path], refuse: Callable[[str], NoReturn]) -> list[Part]:
    """Return what the files say. `refuse`: told in words what is wrong with them."""
    found: list[Part] = []
    for path in paths:
        try:
            found.append(part_of(path))
        except (OSError, UnicodeDecodeError) as error:
            refuse(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}")
        except BadScenario as error:
            refuse(f"{path}, {error} (docs/simulator.md)")
    names = [each.path.name for each in found]
    if twice := [name for name in names if names.count(name) > 1]:
        refuse(f"two of the files are called {twice[0]}, and lives are told apart by that")
    return found


def play(path: Path, seed: int, commit: str) -> Life:
    """Live through one seed."""
    part, begun = part_of(path), time.process_time()
    outcome = simulate(part.scenario, seed)
    return Life(
        scenario=path.name, text=part.text, commit=commit, seed=seed, nodes=part.scenario.nodes,
        hours=round(outcome.hours, 3), cpu=round(time.process_time() - begun, 2), took=outcome.took,
        records=outcome.records, digest=outcome.digest, faults=list(outcome.faults), seen=outcome.seen,
    )  # fmt: skip


@dataclass
class Tally:
    """What came of all lives of one scenario."""

    part: Part
    lives: int = 0
    hours: float = 0.0
    cpu: float = 0.0
    longest: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)

    def note(self, life: Life) -> None:
        """Count one more."""
        self.lives += 1
        self.hours += life.hours
        self.cpu += life.cpu
        self.longest = max(self.longest, life.took or 0.0)
        self.seen.update(life.seen)
        if life.faults:
            self.failed.append(life.seed)
            print(f"{life.scenario}, seed {life.seed}:", *life.faults, sep="\n  ", flush=True)
            print(
                f"  It happens again with: fedsync simulate {quote(str(self.part.path))} --seed {life.seed}",
                flush=True,
            )

    @property
    def missed(self) -> list[str]:
        """What must have happened and never did."""
        return [each for each in self.part.scenario.must if not self.seen[each]]

    def line(self) -> str:
        """Return what it comes to."""
        nodes = self.part.scenario.nodes
        speed = self.hours * nodes / (self.cpu / 60) if self.cpu else 0
        return (
            f"{self.part.path.name}: {self.lives} lives of {nodes} nodes, {self.hours:,.1f} h of the federation, "
            f"{len(self.failed)} failed; the calm took {self.longest:.0f} s at most; {speed:,.0f} node-hours a minute of CPU"
        )


def lives(wanted: Iterator[tuple[Path, int]], processes: int, commit: str) -> Iterator[Life]:
    """Yield what comes of each, on so many cores; in order on one."""
    if processes == 1:
        for path, seed in wanted:
            yield play(path, seed, commit)
        return
    # Who is told to stop stops in the middle of a life, and says nothing of it.
    with ProcessPoolExecutor(
        processes, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    ) as pool:
        going: set[Future[Life]] = set()
        try:
            while True:
                while len(going) < 2 * processes and (found := next(wanted, None)) is not None:
                    going.add(pool.submit(play, *found, commit))
                if not going:
                    return
                done, going = wait(going, return_when=FIRST_COMPLETED)
                for each in done:
                    yield each.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def logged(log: Path | None) -> list[Life]:
    """Return what a log tells of already."""
    if log is None or not log.exists():
        return []
    return [Life(**json.loads(line)) for line in log.read_text("utf-8").splitlines() if line.endswith("}")]


def add_to(log: Path, life: Life) -> None:
    """Add a line; after one that a power failure cut off, on a line of its own."""
    with log.open("a+b") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - 1))
        cut = file.read(1) not in (b"", b"\n")
        file.write(b"\n" * cut + json.dumps(asdict(life)).encode() + b"\n")


def commit_here() -> str:
    """Return which version of the program this is, as git names it."""
    try:
        done = subprocess.run(
            ["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""  # Who got the program otherwise need not have git.
    return done.stdout.strip()[:12]


def main() -> int:
    """Play until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument(
        "scenarios", nargs="*", type=Path, help="scenario files; all that ship when none is named"
    )
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=0, help="stop after so many; 0: when told to")
    parser.add_argument("--processes", type=int, default=1, help="play on so many cores")
    parser.add_argument(
        "--log", type=Path, help="add a line for each life; what is there already is not played again"
    )
    words = parser.parse_args()
    if words.seeds < 0 or words.processes < 1:
        parser.error("--seeds is 0 or more, and --processes 1 or more")
    parts = parts_of(words.scenarios or sorted(ALL.glob("*.toml")), parser.error)
    if words.log is not None:
        try:
            words.log.open("ab").close()
        except OSError as error:
            parser.error(f"{words.log} cannot be written: {error.strerror}")
    tallies = {part.path.name: Tally(part) for part in parts}
    seeds = range(words.first, words.first + words.seeds) if words.seeds else count(words.first)
    done = set()
    for life in logged(words.log):
        tally = tallies.get(life.scenario)
        if tally is not None and tally.part.text == life.text and life.seed in seeds:
            done.add((life.scenario, life.seed))
            tally.note(life)
    wanted = (
        (tally.part.path, seed)
        for seed in seeds
        for name, tally in tallies.items()
        if (name, seed) not in done
    )
    told = time.monotonic()
    try:
        for life in lives(wanted, words.processes, commit_here()):
            tallies[life.scenario].note(life)
            if words.log is not None:
                add_to(words.log, life)
            if time.monotonic() > told + TOLD_EVERY_S:
                told = time.monotonic()
                print(*(each.line() for each in tallies.values()), sep="\n", flush=True)
    except KeyboardInterrupt:
        print("Told to stop.")
    return told_of([each for each in tallies.values() if each.lives])


def told_of(tallies: list[Tally]) -> int:
    """Print what came of it; return the exit code."""
    print(*(each.line() for each in tallies), sep="\n")
    for tally in tallies:
        for name in tally.missed:
            print(f"{tally.part.path.name}: never seen in all of them: {RARE[name]}.")
    return int(any(each.failed or each.missed for each in tallies))


if __name__ == "__main__":
    # A soak that is ended by its starter tells what it did, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
