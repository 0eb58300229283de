"""An introduction travels over a session that stands, whenever it was asked for, and a flood of them is cut off."""

from fedsync.gossip.events import Effect, Introduced, Introducing, Peer
from fedsync.gossip.limits import MAX_INTRODUCED
from fedsync.records.ids import Key
from tests.gossip.test_session import fill
from tests.sim.world import Node, World, equal


class Heard(World):
    """A world that keeps what nodes are told of others."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, Introduced]] = []

    def act(self, node: Node, effects: list[tuple[Peer, Effect]]) -> None:
        self.told += [(node.name, each) for _, each in effects if isinstance(each, Introduced)]
        super().act(node, [each for each in effects if not isinstance(each[1], Introduced)])


def of(number: int) -> Introducing:
    return Introducing(Key(bytes([number]) * 32), b"Quarry", b"q:1 r:2", b"s" * 16, b"b" * 32)


def test_an_introduction_is_heard_though_it_was_asked_for_before_the_first_word() -> None:
    world = Heard()
    north, south = world.node("north"), world.node("south")
    link = world.link(north, south)
    fill(north)
    world.connect(link)
    north.tell(south.peer, of(1))
    world.run(5)
    north.tell(south.peer, of(2))
    world.run(5)
    assert [(name, each.node[0], each.addresses) for name, each in world.told] == [
        ("south", 1, b"q:1 r:2"),
        ("south", 2, b"q:1 r:2"),
    ]
    assert equal([north, south])


def test_a_session_that_ends_by_itself_says_it_first() -> None:
    world = Heard()
    north, south = world.node("north"), world.node("south")
    link = world.link(north, south)
    world.connect(link, brief=True)
    south.tell(north.peer, of(1))
    world.run(30)
    assert [name for name, _ in world.told] == ["north"]
    assert link.closes == ["done", "done"]


def test_of_a_flood_of_introductions_so_many_are_heard_as_people_could_decide_on() -> None:
    world = Heard()
    north, south = world.node("north"), world.node("south")
    world.connect(world.link(north, south))
    for number in range(100):
        north.tell(south.peer, of(number))
    world.run(10)
    assert len(world.told) == MAX_INTRODUCED
    fill(north)
    assert world.run(60, lambda: equal([north, south])), "and all else goes on"
