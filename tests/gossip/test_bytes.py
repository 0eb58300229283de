"""What a session costs in bytes and round trips, frame headers included: the promises of docs/protocol.md."""

import pytest

from fedsync.gossip.engine import Engine
from fedsync.records.ids import LogClass
from tests.sim.world import Author, Link, Node, World, equal


def two_hundred_logs(remembered: bool) -> tuple[World, Node, Node, Link, list[Author]]:
    """Return two nodes that hold the same 200 logs, and a link of which a round trip takes two seconds."""
    world = World(1)
    north, south = world.node("north"), world.node("south")
    link = world.link(north, south, delay=1.0)
    authors = [Author(number, LogClass.FACTS) for number in range(200)]
    for author in authors:
        north.write(author.write("one", "two", "three"))
    if remembered:
        world.connect(link, brief=True)
        world.run(60)
    else:
        south.memory = north.memory.copied(b"southern")
        south.engine = Engine(south.memory)
    assert equal([north, south])
    return world, north, south, link, authors


def session(world: World, link: Link) -> tuple[int, float | None]:
    """Return the bytes beyond the blocks, both ways, and the round trips until the first block."""
    link.bytes.clear()
    link.block_bytes, link.first_block = 0, None
    link.closes.clear()
    start = world.now
    world.connect(link, brief=True)
    world.run(100)
    assert link.closes == ["done", "done"]
    first = None if link.first_block is None else (link.first_block - start) / 2
    return sum(link.bytes.values()) - link.block_bytes, first


@pytest.mark.parametrize(("remembered", "most", "trips"), [(True, 600, 1), (False, 1500, 4)])
@pytest.mark.parametrize("both", [False, True], ids=["one way", "both ways"])
def test_ten_changed_logs_of_two_hundred(remembered: bool, most: int, trips: int, both: bool) -> None:
    world, north, south, link, authors = two_hundred_logs(remembered)
    for number, author in enumerate(authors[:10]):
        (south if both and number % 2 else north).write(author.write("new"))
    beyond, first = session(world, link)
    assert equal([north, south])
    assert beyond <= most
    assert first is not None
    assert first <= trips


def test_nothing_new_costs_less_than_a_hundred_bytes_each_way() -> None:
    world, _, _, link, _ = two_hundred_logs(remembered=True)
    session(world, link)
    assert all(each <= 100 for each in link.bytes.values())


def test_a_log_that_is_far_behind_costs_no_more_than_one_that_is_a_little_behind() -> None:
    costs = []
    for words in (1, 400):
        world, north, _, link, authors = two_hundred_logs(remembered=True)
        north.write(authors[0].write(*["new"] * words))
        beyond, _ = session(world, link)
        costs.append(beyond)
    assert costs[1] - costs[0] <= 40
