"""Sessions between two nodes: stories, in virtual time, over a link that keeps its promises."""

from fedsync.records.ids import LogClass
from tests.sim.world import Author, Link, Node, World, equal


def pair(world: World) -> tuple[Node, Node, Link]:
    north, south = world.node("north"), world.node("south")
    return north, south, world.link(north, south)


def test_an_empty_node_gets_all_that_its_peer_holds() -> None:
    world = World()
    north, south, link = pair(world)
    for number in range(20):
        author = Author(number, LogClass(number % 4))
        north.write(author.write("one", "two"))
        north.write(author.write(*"abc"))

    world.connect(link, brief=True)
    world.run(60)

    assert equal([north, south])
    assert link.closes == ["done", "done"]
