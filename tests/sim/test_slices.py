"""Two hundred seeds of all scenarios in small: within three minutes of a core nothing may be wrong in any of them."""

from collections import Counter
from collections.abc import Callable
from time import process_time

import pytest

from fedsync.sim.run import simulate
from tests.conftest import LIVES_CPU_S
from tests.sim.slices import SLICES, Slice
from tests.sim.soak import ALL

HALVES = [(part, half) for part in SLICES for half in range(min(2, part.seeds))]
"""Each in two parts, since tests are spread over cores by file and told one by one."""
USUAL = (
    "pushed",
    "delta",
    "range",
    "cut",
    "crash",
    "fork-met",
    "partition",
    "restore",
    "recalled-wrote",
    "void",
    "lied",
    "outbound",
    "relayed",
    "introduced",
    "introduced-again",
    "allied",
    "syndicate-sealed",
)
"""What two hundred lives must have met, or they test less than they say."""

SETTLES_S = 300.0
"""The tree of an overlay has been cut down to one way for each block by then."""


@pytest.fixture(scope="module")
def seen() -> Counter[str]:
    return Counter()


@pytest.mark.parametrize(("part", "half"), HALVES, ids=[f"{part.name}-{half}" for part, half in HALVES])
def test_no_seed_finds_a_fault(
    part: Slice, half: int, seen: Counter[str], record_property: Callable[[str, object], None]
) -> None:
    scenario, begun = part.scenario(), process_time()
    for seed in range(half, part.seeds, 2):
        outcome = simulate(scenario, seed)
        assert not outcome.faults, f"{part}, seed {seed}"
        seen.update(outcome.seen)
    record_property(LIVES_CPU_S, process_time() - begun)


def test_all_together_meet_what_is_rare(seen: Counter[str]) -> None:
    if not seen:
        pytest.skip("nothing was played before this")
    assert not [each for each in USUAL if not seen[each]]


def test_every_scenario_that_ships_has_its_slice_and_there_are_two_hundred_seeds() -> None:
    assert {each.name for each in SLICES} == {each.stem for each in ALL.glob("*.toml")}
    assert sum(each.seeds for each in SLICES) >= 200


def test_in_the_steady_state_of_an_overlay_a_block_comes_to_a_node_hardly_more_than_once() -> None:
    asked = {each.name: each.scenario() for each in SLICES}["settled"]
    assert asked.links.shape == "overlay"
    assert 1.0 <= asked.copies <= 1.15
    assert asked.storm >= 2 * SETTLES_S
