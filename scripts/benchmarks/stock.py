"""What one more fact costs in a store with a million movements, whenever it happened, and the million from scratch.

CPU time of the fold alone, twice: on a state in memory, and on the tables of a node's store, where what is written
belongs to the fold and the commit does not. Signatures are made beforehand and stand in no figure.
"""

import argparse
import gc
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.authority import InMemory, InStore, State
from benchmarks.granary import A_COUNT_EVERY, HOUR, STEP_MS, Granary
from benchmarks.nodes import make_home, opened, workplace
from fedsync.crdt.goods.levels import levels
from fedsync.node import GC_THRESHOLDS
from fedsync.records.block import Block

REACH_US, REACH_S = 100, 12
"""What issue and design ask for: one event more by the median, and a million from scratch."""

ITEMS, SHARE = 1000, 4
"""A second store has so many items, each moved about every week, and a quarter as many movements."""

Steps = list[tuple[str, list[Block]]]


class Held(InMemory):
    """The fold on a state in memory that holds the blocks, as facts may be read again."""

    def add(self, blocks: Sequence[Block]) -> float:
        """Fold blocks as one batch; to keep them is no part of it."""
        for block in blocks:
            self.view.hold(block)
        return super().add(blocks)


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return microseconds of each fact, and the seconds of all from scratch."""
    gc.set_threshold(*GC_THRESHOLDS)  # as in a running node
    granary = Granary(arguments.events)
    history = list(granary.blocks)
    steps = list(_steps(granary, arguments.singles))
    figures: dict[str, Any] = {"events": arguments.events, "reach_us": REACH_US, "reach_s": REACH_S}
    figures["memory"], shown = _measure(Held(), granary, history, steps)
    with workplace() as where, opened(make_home(where / "home", "Here")) as node:
        figures["store"], again = _measure(InStore(node), granary, history, steps)
    assert shown == again, (shown, again)
    some = arguments.events // SHARE
    many = Granary(some, items=ITEMS)
    figures["memory"]["of_many_items_us"] = _each(Held(), many, some)
    with workplace() as where, opened(make_home(where / "home", "Here")) as node:
        figures["store"]["of_many_items_us"] = _each(InStore(node), many, some)
    return figures


def _each(state: State, granary: Granary, events: int) -> float:
    """Return the microseconds of a movement when all are folded from scratch."""
    return round(1e6 * state.load(granary.bodies, granary.blocks) / events, 1)


def _measure(
    state: State, granary: Granary, history: Sequence[Block], steps: Steps
) -> tuple[dict[str, float], object]:
    found = {"from_scratch_s": round(state.load(granary.bodies, history), 3)}
    spent: dict[str, list[float]] = {}
    for name, blocks in steps:
        spent.setdefault(name, []).append(1e6 * state.add(blocks))
    for name, each in spent.items():
        ordered = sorted(each)
        found[f"{name}_us"] = round(statistics.median(ordered), 1)
        found[f"{name}_p95_us"] = round(ordered[len(ordered) * 95 // 100], 1)
    (level,) = levels(state.view, granary.scope)
    return found, (level.on_hand, level.unexplained, level.last_count)


def _steps(granary: Granary, singles: int) -> Iterator[tuple[str, list[Block]]]:
    """Yield one fact more of each kind, mixed, so that no kind has the store to itself."""
    random, first = granary.random, granary.first
    for _ in range(singles):
        granary.last += STEP_MS
        last = granary.last
        week = A_COUNT_EVERY * STEP_MS
        yield "event_at_the_end", granary.one(granary.movement(last))
        yield (
            "event_in_the_middle",
            granary.one(granary.movement((first + last) // 2 + random.randrange(week))),
        )
        yield "event_before_the_first_count", granary.one(granary.movement(first - random.randrange(HOUR)))
        yield "event_at_random", granary.one(granary.movement(random.randint(first, last)))
        yield (
            "event_before_the_last_count",
            granary.one(granary.movement(granary.counted_at - random.randrange(HOUR))),
        )
        yield "correction", granary.one(granary.correction(random.randint(first, last)))
    for _ in range(max(1, singles // 20)):
        yield "late_count", granary.one(granary.count(random.randint(first, granary.last)))
        lately = granary.last - random.randrange(A_COUNT_EVERY * STEP_MS)
        yield "late_count_of_this_week", granary.one(granary.count(lately))
        granary.last += STEP_MS
        yield "count_at_the_end", granary.one(granary.count(granary.last))
