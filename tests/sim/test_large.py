"""Large federations, here small ones: what a node costs does not grow with how many others there are."""

from dataclasses import asdict
from time import process_time

import pytest

from fedsync.sim.large import Figures, Large, rest, side_by_side
from fedsync.sim.lively import Lively


def measured(regions: int, size: int) -> Figures:
    return Large(regions, size, 1).measure(settle=4.0, hours=1.0, warm=20, decisions=5, clock=process_time)


@pytest.fixture(scope="module")
def smallest() -> Figures:
    return measured(1, 10)


@pytest.mark.parametrize(("regions", "size"), [(1, 40), (2, 30)])
def test_an_idle_hour_costs_a_node_the_same_in_a_larger_federation(
    smallest: Figures, regions: int, size: int
) -> None:
    larger = measured(regions, size)
    assert larger.idle_bytes <= 1.2 * smallest.idle_bytes
    # A tenth of the nodes of two regions of 30 keep links with the other region, and do twice the work.
    assert larger.idle_calls <= (1.35 if regions == 1 else 1.5) * smallest.idle_calls


def test_decisions_come_to_all_and_hardly_ever_twice(smallest: Figures) -> None:
    assert smallest.late == 0
    assert smallest.copies <= 1.15
    assert 1 <= smallest.near95 <= smallest.near_all <= 10


def test_the_same_seed_gives_the_same_figures(smallest: Figures) -> None:
    again = measured(1, 10)
    clocks = {"idle_cpu_ms", "node_hours_a_minute"}
    one, two = (
        {name: value for name, value in asdict(each).items() if name not in clocks}
        for each in (again, smallest)
    )
    assert one == two


def test_worlds_side_by_side_take_turns_and_each_plays_as_it_would_alone() -> None:
    worlds, seed = side_by_side(3, 1, 5, seed=2), 6
    found = rest(worlds, settle=0.2, hours=1.0, clock=process_time)
    assert (found.communities, found.worlds, found.regions) == (15, 3, 1)
    alone = [Large(1, 5, seed + at) for at in range(3)]
    each = [rest([one], settle=0.2, hours=1.0, clock=process_time) for one in alone]
    assert [one.net.trace.digest() for one in worlds] == [one.net.trace.digest() for one in alone]
    assert len({one.net.trace.digest() for one in worlds}) == 3, "they are not three times the same"
    assert found.idle_bytes == pytest.approx(sum(one.idle_bytes for one in each) / 3)
    assert found.idle_bytes_most == max(one.idle_bytes_most for one in each)
    assert found.idle_calls == pytest.approx(sum(one.idle_calls for one in each) / 3, rel=0.01)


def test_nodes_that_fold_come_to_the_same_in_each_region() -> None:
    lively = Lively(2, 5)
    assert lively.work(hours=24.0, every=4.0, clock=process_time) > 0
    lively.heap.run(lively.heap.now + 3600.0)
    assert len(lively.ledger.promised) > 100
    assert lively.apart() == 0
