"""`fedsync simulate` from within: scenarios converge, seeds replay, and each checker catches what it is there for."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from fedsync.crdt.books.booktables import STATUSES, VOTE_VERDICTS
from fedsync.gossip import link
from fedsync.records.ids import LogClass
from fedsync.sim.checks import faults
from fedsync.sim.disk import Kept
from fedsync.sim.links import QUEUE_BYTES
from fedsync.sim.node import Node
from fedsync.sim.run import simulate
from fedsync.sim.scenario import LIES, Scenario, read
from fedsync.sim.world import World
from tests.seeds import seeds

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.toml"))

SMALL = """
name = "A small one"
nodes = 4
storm = "5 min"
calm = "10 min"
[links]
loss = 0.05
[work]
stock = "30 s"
decisions = "1 min"
local = 0.3
[trouble]
fork_every = "20 s"
"""
GOVERNED = """
name = "A small region"
nodes = 3
storm = "10 min"
calm = "10 min"
region = 3
[work]
decisions = "20 s"
regions = "10 s"
[trouble]
recall_every = "1 min"
misdeed_every = "10 s"
"""


def scenario(name: str) -> Scenario:
    return read((ROOT / "scenarios" / f"{name}.toml").read_text("utf-8"))


@pytest.mark.parametrize("seed", seeds(3))
def test_after_a_storm_of_everything_all_nodes_come_to_the_same(seed: int) -> None:
    outcome = simulate(scenario("storm"), seed)
    assert not outcome.faults, f"replay with: fedsync simulate scenarios/storm.toml --seed {seed}"


@pytest.mark.parametrize("kind", LIES)
def test_a_liar_keeps_nobody_from_coming_to_the_same(kind: str) -> None:
    outcome = simulate(read(SMALL.replace("nodes = 4", "nodes = 5") + f'[[liars]]\nkind = "{kind}"'), 1)
    assert not outcome.faults
    assert outcome.seen["lied"]


def test_with_signatures_checked_by_each_node_the_same_happens() -> None:
    once, each = simulate(read(SMALL), 3), simulate(read(f'signatures = "each"\n{SMALL}'), 3)
    assert once.good
    assert (once.digest, once.took) == (each.digest, each.took)


@pytest.mark.parametrize("seed", seeds(2))
def test_nodes_that_hold_different_branches_come_to_the_one_that_a_page_names(seed: int) -> None:
    often = SMALL.replace('decisions = "1 min"', 'decisions = "15 s"').replace('"5 min"', '"20 min"')
    outcome = simulate(read(often), seed)
    assert not outcome.faults
    assert outcome.seen["settle"]
    assert outcome.seen["pinned"]


def test_communities_may_come_late_and_nodes_leave_for_good() -> None:
    seen: Counter[str] = Counter()
    for seed in range(3):
        coming = SMALL.replace("nodes = 4", "nodes = 6") + "late = 0.5\nleave = 0.4\n"
        outcome = simulate(read(coming), seed)
        assert not outcome.faults
        seen.update(outcome.seen)
    assert seen["joined"]
    assert seen["left"]


def test_every_scenario_that_ships_can_be_read() -> None:
    assert len(SCENARIOS) >= 4
    for path in SCENARIOS:
        found = read(path.read_text("utf-8"))
        assert found.about, path.name


@pytest.mark.parametrize(("name", "nodes"), [("storm", 4), ("scopes", 5), ("overlay", 10)])
def test_a_run_follows_from_its_seed_alone(name: str, nodes: int) -> None:
    told = []
    for hash_seed in ("1", "2"):
        words = [
            "-m",
            "fedsync.cli.main",
            "simulate",
            f"scenarios/{name}.toml",
            "--seed",
            "7",
            "--nodes",
            f"{nodes}",
        ]
        told.append(
            subprocess.run(
                [sys.executable, *words],
                env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
                timeout=180,
            ).stdout
        )
    assert told[0] == told[1]
    assert "all is well" in told[0]
    assert "digest" in told[0]


def test_another_seed_is_another_life() -> None:
    assert simulate(read(SMALL), 1).digest != simulate(read(SMALL), 2).digest


def test_a_simulated_link_takes_as_much_as_a_real_one() -> None:
    assert QUEUE_BYTES == link.QUEUE_BYTES


# --- What the checkers are there for: each is shown a world with that fault in it -------------------------


@cache
def _lived() -> Scenario:
    return read(SMALL)


def _world(text: str = SMALL) -> World:
    world = World(read(text), 2)
    world.live()
    return world


def _disk(world: World, at: int) -> list[Kept]:
    return [each for each in world.nodes[at].disk.entries if isinstance(each, Kept)]


def _lose(world: World) -> None:
    """What a disk that does not sync loses: the last thing on it that is in no dispute."""
    entries = world.nodes[2].disk.entries
    wanted = {each.id for each in world.ledger.promised if world.ledger.counts(each) and not each.local}
    held = [world.nodes[2].memory.log(log) for log in world.nodes[2].memory.logs()]
    counted = {block.raw for log in held if log for block, _, _ in log.blocks if wanted & {*block.ids}}
    entries.remove([each for each in entries if isinstance(each, Kept) and each.raw in counted][-1])


def _stray(world: World) -> None:
    local = {bytes(each.home.log) for each in world.communities[2].tellers + world.communities[3].tellers}
    held = _disk(world, 2) + _disk(world, 3)
    world.nodes[1].disk.entries.append(next(each for each in held if any(log in each.raw for log in local)))


def _leak(world: World) -> None:
    world.net.strayed += 1


def _miscount(world: World) -> None:
    """A fold that adds something up twice."""
    from fedsync.crdt.goods.tables import BALANCES

    view = world.nodes[1].view
    for key, row in list(view.scan(BALANCES, (world.communities[1].scope,))):
        view.commit({(BALANCES, key): tuple(each + 1 if type(each) is int else each for each in row)})


def _forget_a_fork(world: World) -> None:
    log, (_, seq) = next(each for each in world.ledger.forks.items() if each[0] not in world.rulings)
    world.ledger.forks[log] = LogClass.FACTS, seq + 1000


def _never(world: World) -> None:
    world.took = None


def _shout(world: World) -> None:
    world.quiet = 600.0, 10**6


def _heap_up(world: World) -> None:
    world.nodes[0].waited.most[world.nodes[1].peer] = 10**9


def _jam(world: World) -> None:
    world.net.most_queued = 10**9


def _count_what_was_cut_off(world: World) -> None:
    view = world.bodies.regions[0].members[-1].node.view
    key, row = next((key, row) for key, row in view.scan(VOTE_VERDICTS) if "void" in row)
    view.commit({(VOTE_VERDICTS, key): (*row[:2], "stands", "counts")})


def _seal_another(world: World) -> None:
    """A page that is drafted, shown as sealed; and one that is sealed, shown as only signed."""
    view = world.bodies.regions[0].members[-1].node.view
    drafted = next((key, row) for key, row in view.scan(STATUSES) if row[1] != "sealed")
    sealed = next((key, row) for key, row in view.scan(STATUSES) if row[1] == "sealed" and row[0])
    for (key, row), word in ((drafted, "sealed"), (sealed, "adopted")):
        view.commit({(STATUSES, key): (row[0], word, *row[2:])})


def _forge(world: World) -> None:
    world.ledger.signed.remove(next(each.id for each in world.ledger.promised if not each.local))


def _keep_waiting(world: World) -> None:
    world.nodes[0].waited.longest[world.nodes[1].peer] = 60.0


def _unfollow(world: World) -> None:
    disk = world.nodes[3].disk
    disk.entries.remove(next(each for each in disk.entries[5:] if not isinstance(each, Kept)))


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (_lose, "was acknowledged and is not at Village 3"),
        (_stray, "Village 2 holds what is local to others"),
        (_leak, "1 blocks of what is local were sent"),
        (_miscount, "Village 2 shows"),
        (_forget_a_fork, "cannot prove it"),
        (_never, "had not come to the same"),
        (_shout, "a link on which nothing happens"),
        (_heap_up, "waited at the door of Village 1"),
        (_jam, "waited to be sent on one link"),
        (_unfollow, "follow other bodies"),
        (_forge, "holds what nobody has signed"),
        (_keep_waiting, "waited 60.0 s at the door of Village 1"),
    ],
)
def test_a_fault_is_found_and_said_in_words(plant: Callable[[World], None], said: str) -> None:
    world = _world()
    assert faults(world) == []
    plant(world)
    assert any(said in each for each in faults(world))


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (_count_what_was_cut_off, ["as stands; it must be void"]),
        (_seal_another, ["as sealed, and too few spoke for it", "as sealed, and enough spoke for it"]),
    ],
)
def test_a_fault_in_a_book_is_found_and_said_in_words(
    plant: Callable[[World], None], said: list[str]
) -> None:
    world = _world(GOVERNED)
    assert faults(world) == []
    plant(world)
    found = faults(world)
    assert all(any(words in each for each in found) for words in said)


def test_a_disk_that_loses_what_it_said_was_safe_is_found_out() -> None:
    world = World(_lived(), 2)

    def lose_and_fall(node: Node) -> None:
        node.crash(loud=True)
        del node.disk.entries[-5:]
        node.start()

    # Cut off, so that nobody can give back what its disk forgets.
    node = world.nodes[0]
    for each in node.links:
        world.net.stop(each, "cut", loud=True)
    world.heap.at(150.0, lambda: lose_and_fall(node))
    try:
        world.live()
    except (AssertionError, ValueError):
        return  # A teller's own log does not fit what the node has: that is told as a fault too.
    assert faults(world)


OVERLAY = """
name = "A small overlay"
nodes = 12
storm = "10 min"
calm = "10 min"
quiet_bytes = 60_000
[links]
shape = "overlay"
[work]
stock = "2 min"
[trouble]
cut_every = "30 s"
crash_every = "1 min"
[[partition]]
begins = "2 min"
ends = "6 min"
"""


@pytest.mark.parametrize("seed", seeds(2))
def test_nodes_that_choose_their_links_mend_them_and_come_together(seed: int) -> None:
    outcome = simulate(read(OVERLAY), seed)
    assert not outcome.faults
    assert outcome.seen["partition"]


def test_a_node_on_an_island_and_one_with_too_many_links_are_found_out() -> None:
    world = World(read(OVERLAY), 1)
    world.live()
    assert not faults(world)
    lonely = world.honest[0]
    for end in list(lonely.ends.values()):
        world.calls.part(lonely, end.peer)
    world.net.most_ends[world.honest[1]] = 30
    found = faults(world)
    assert any("on an island" in each for each in found)
    assert any("links at once" in each for each in found)
