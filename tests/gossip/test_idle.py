"""A session in which nothing happens costs next to nothing, however many bodies both sides follow."""

from collections.abc import Sequence

from fedsync.gossip.holdings import SetKey
from fedsync.gossip.memory import Memory
from tests.sim.world import BODY, Author, World, equal


class Counting(Memory):
    """Counts how often somebody looks at all that is held."""

    looks = 0

    def sets(self) -> Sequence[SetKey]:
        self.looks += 1
        return super().sets()


def test_signs_of_life_look_at_no_sets_while_nothing_changes() -> None:
    world = World()
    one, two = world.node("one"), world.node("two")
    for node in (one, two):
        counting = Counting(node.name.encode().ljust(8))
        counting.follow(*BODY)
        node.restore(counting, {})
    world.connect(world.link(one, two))
    author = Author(1)
    one.write(author.write("hello"))
    assert world.run(10.0, lambda: equal([one, two]))
    world.run(120.0)
    memory = one.memory
    assert isinstance(memory, Counting)
    before = memory.looks
    world.run(3600.0)
    assert memory.looks == before
    one.write(author.write("and once more"))
    assert world.run(10.0, lambda: equal([one, two]))
    assert memory.looks > before
