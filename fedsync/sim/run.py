"""One run: a scenario lived through with a seed, and what came of it."""

import gc
import traceback
from dataclasses import dataclass, field
from hashlib import sha256

from fedsync.sim.checks import faults
from fedsync.sim.rare import RARE
from fedsync.sim.scenario import Scenario
from fedsync.sim.sealings import note_sealed
from fedsync.sim.world import World


@dataclass(frozen=True)
class Outcome:
    """What came of a run. `digest` is equal for two runs exactly when everything in them was."""

    scenario: Scenario
    seed: int
    faults: tuple[str, ...]
    took: float | None
    """Seconds of calm until all were the same; None: they never were."""
    hours: float
    """Simulated, of the whole federation."""
    steps: int
    records: int
    """Records that were acknowledged."""
    bytes: int
    """Bytes of frames on all links."""
    copies: float
    """How often a block came to a node, on average over the second half of the storm."""
    quiet_bytes: float
    """Bytes an hour on the busiest link while nothing happens."""
    seen: dict[str, int]
    digest: str
    pictures: list[tuple[float, int, list[int]]] = field(repr=False)
    apart: list[tuple[float, float]] = field(repr=False)

    @property
    def good(self) -> bool:
        """Whether all was as it must be."""
        return not self.faults

    @property
    def missed(self) -> tuple[str, ...]:
        """What the scenario says must happen in a soak, and did not here."""
        return tuple(each for each in self.scenario.must if not self.seen.get(each))

    @property
    def node_hours(self) -> float:
        """Simulated hours, added up over all nodes."""
        return self.hours * self.scenario.nodes


def simulate(scenario: Scenario, seed: int) -> Outcome:
    """Live through a scenario. What is raised within is a fault like another."""
    often = gc.get_threshold()
    # Nearly all that is made lives to the end, and nearly all that does not goes by itself: a month of twenty nodes leaves 12,000
    # objects that are found by looking only, some 2 MB. To look once takes half a second.
    gc.set_threshold(5_000_000, 20, 20)
    try:
        return _simulate(scenario, seed)
    finally:
        gc.set_threshold(*often)


def _simulate(scenario: Scenario, seed: int) -> Outcome:
    world = World(scenario, seed)
    found: list[str] = []
    seen: dict[str, int] = {}
    try:
        world.live()
        note_sealed(world)
        # Before the checks, which let nodes crash too.
        seen = {name: world.seen.counts[name] for name in RARE if world.seen.counts[name]}
        found += faults(world)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename.rpartition('fedsync/')[2]}:{last.lineno}"
        found.append(f"at {world.heap.now:.3f} s something broke: {type(error).__name__} in {where}: {error}")
    seconds, quiet = world.quiet
    told = sha256(world.net.trace.digest())
    for node in world.nodes:
        told.update(node.state_root())
    told.update(repr((found, world.took, world.heap.now, world.heap.steps, seen)).encode())
    return Outcome(
        scenario=scenario,
        seed=seed,
        faults=tuple(found),
        took=world.took,
        hours=world.heap.now / 3600,
        steps=world.heap.steps,
        records=len(world.ledger.promised),
        bytes=world.net.sent,
        copies=world.copies,
        quiet_bytes=quiet * 3600 / seconds if seconds else 0.0,
        seen=seen,
        digest=told.hexdigest()[:16],
        pictures=world.progress.pictures,
        apart=world.severing.apart,
    )
