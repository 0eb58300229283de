"""Whole daemons in one loop, and at every step of one of them something is done to it. See scripts/shell-soak.

A story has some hundred steps at some hundred checkpoints: places in the program where a task waits. Each step of each
node gets each deed in a story of its own, and after it all must be whole: nothing that was acknowledged is gone, the stores
open and verify, no task is left and nothing was logged as a mistake, and both nodes come to the same state.
"""

import argparse
import gc
import logging
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from tests.daemon.shell import Checkpoint, Deed, House, Shell, build

PATIENCE = 60.0
"""Virtual seconds from what was done to the end of the story; most of it goes by between two calls."""


class Told(logging.Handler):
    """What was logged as a mistake."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was said."""
        self.said.append(record.getMessage())


@contextmanager
def listening() -> Iterator[Told]:
    """Listen for mistakes that are only logged, and for streams that nobody closed."""
    told = Told()
    logging.getLogger().addHandler(told)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", ResourceWarning)
            yield told
            gc.collect()
        told.said += [str(each.message) for each in warned if issubclass(each.category, ResourceWarning)]
    finally:
        logging.getLogger().removeHandler(told)


def play(houses: list[House], victim: int, deed: Deed, at: int, seed: int) -> str:
    """Tell one story in which something is done at a step; return what is wrong, "" when nothing is."""
    try:
        with listening() as told:
            hand = Shell(houses, victim, deed, at).play(seed)
    except Exception as error:
        return f"{type(error).__name__}: {_first(error)}"
    if told.said:
        return f"said: {told.said[0]}"
    if not hand.done:
        return "there was no such step"
    return f"it took {hand.took:.0f} virtual seconds" if hand.took >= PATIENCE else ""


def _first(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__} {error}"[:500]


def checkpoints(houses: list[House], victim: int, seed: int) -> dict[Checkpoint, list[int]]:
    """Return the steps, from 1, before which a task of the victim stood at each checkpoint when nothing is done."""
    found: dict[Checkpoint, list[int]] = {}
    for at, where in enumerate(Shell(houses, victim).play(seed).stood, 1):
        found.setdefault(where, []).append(at)
    return found


def chosen(steps: dict[Checkpoint, list[int]], every: bool) -> list[tuple[int, Checkpoint]]:
    """Return the steps to do something at: all, or the first and the last at each checkpoint."""
    return sorted(
        (at, where)
        for where, each in steps.items()
        for at in (each if every else dict.fromkeys((each[0], each[-1])))
    )


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """Give what Ctrl-C and SIGTERM set. It is looked at between two stories: in one it would be taken for what is done there."""
    stop = threading.Event()
    signals = signal.SIGINT, signal.SIGTERM
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in signals}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def main() -> int:
    """Go through all of it, again with the next seed until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="shell-soak", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=0, help="stop after so many; 0: when told to")
    parser.add_argument("--deed", choices=get_args(Deed), action="append", help="only this; may be repeated")
    parser.add_argument(
        "--victim", type=int, choices=(0, 1), action="append", help="only the inviter, or the invited"
    )
    parser.add_argument("--at", type=int, action="append", help="only at this step; may be repeated")
    parser.add_argument(
        "--checkpoints", action="store_true", help="the first and last step at each checkpoint, not all"
    )
    words = parser.parse_args()
    failed, told, seed = 0, Counter[str](), words.first
    with told_to_stop() as stop, tempfile.TemporaryDirectory(prefix="fedsync-shell-") as place:
        houses = build(Path(place))
        while not stop.is_set() and (not words.seeds or seed < words.first + words.seeds):
            for victim in words.victim or (0, 1):
                steps = {} if stop.is_set() else checkpoints(houses, victim, seed)
                todo = chosen(steps, not words.checkpoints)
                todo = [each for each in todo if not words.at or each[0] in words.at]
                for deed in words.deed or get_args(Deed):
                    failed += _round(houses, victim, deed, seed, todo, told, stop)
            seed += 1
        if stop.is_set():
            print("Told to stop.")
    print(f"{sum(told.values())} stories, {failed} failed; by task:")
    for task, count in sorted(told.items()):
        print(f"  {count:6} {task}")
    missed = bool(words.at) and not told
    if missed:
        print("No story has such a step.")
    return int(failed > 0 or missed)


def _round(
    houses: list[House],
    victim: int,
    deed: Deed,
    seed: int,
    todo: Iterable[tuple[int, Checkpoint]],
    told: Counter[str],
    stop: threading.Event,
) -> int:
    if stop.is_set():
        return 0
    begun, count, failed = time.monotonic(), 0, 0
    places: set[Checkpoint] = set()
    for at, where in todo:
        if stop.is_set():
            break
        wrong = play(houses, victim, deed, at, seed)
        count += 1
        places.add(where)
        told[where.task] += 1
        if wrong:
            failed += 1
            print(f"step {at}, {where.task} at {where.place or 'its beginning'}: {wrong}")
            print(
                f"  again: scripts/shell-soak --first {seed} --seeds 1 --victim {victim} --deed {deed} --at {at}"
            )
        sys.stdout.flush()
    took = time.monotonic() - begun
    who = ("inviter", "invited")[victim]
    print(
        f"seed {seed}, {who}, {deed}: {count} steps at {len(places)} checkpoints, {failed} failed, {took:.0f} s",
        flush=True,
    )
    return failed


if __name__ == "__main__":
    # For the whole process, so not in `main`: tests call that in theirs.
    logging.getLogger().setLevel(logging.ERROR)
    sys.exit(main())
