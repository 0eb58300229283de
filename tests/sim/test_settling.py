"""Two branches of a log of facts lie on different nodes; the book names one, and all nodes come to it.

FEDSYNC_SEEDS says which seeds: a count, or FIRST-LAST. 25 in CI; a failure replays from its seed alone.
"""

from pathlib import Path

import pytest

from fedsync.crdt.goods.levels import levels
from fedsync.crdt.root import body_root
from fedsync.crdt.view import Draft as StateDraft
from fedsync.gossip.limits import BEAT_S
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass
from tests.seeds import seeds
from tests.sim.houses import House, World
from tests.sim.tellers import Body, Teller


class Split:
    """Three houses in a row. Ann's log of facts forks between the first and the last, and both go on."""

    def __init__(self, seed: int, path: Path) -> None:
        world = self.world = World(seed, path)
        dice = self.dice = world.dice
        self.houses = [world.house(name) for name in ("north", "middle", "south")]
        self.body = Body("Oakfield", self.houses[0])
        self.body.found(3)
        self.links = [
            world.link(one, two, dice.choice([0.01, 0.05, 0.5]), dice.choice([1e6, 3e4]))
            for one, two in zip(self.houses, self.houses[1:], strict=False)
        ]
        self.ann = self.body.tellers[0]
        for _ in range(dice.randint(1, 3)):
            self.write(self.ann, self.houses[0])
        self.meet()
        end = self.ann.ends[LogClass.FACTS]
        twin = self.twin = self.ann.twin(LogClass.FACTS, end)
        self.part()
        for _ in range(dice.randint(1, 3)):
            self.write(self.ann, self.houses[0])
        for _ in range(dice.randint(1, 3)):
            self.write(twin, self.houses[2])

    def write(self, teller: Teller, house: House) -> None:
        before = teller.ends.get(LogClass.FACTS)
        # Now and then a teller keeps goods at home: that forks nothing, and is no part of what all come to.
        while teller.ends.get(LogClass.FACTS) == before:
            self.idle(house)
            assert self.body.trade(teller, house, self.dice)

    def idle(self, house: House) -> None:
        assert self.world.run(60.0, lambda: not house.busy)

    def meet(self) -> None:
        for link in self.links:
            if link.ends is None:
                self.world.connect(link)
        assert self.world.run(1000.0, self.equal)

    def part(self) -> None:
        for link in self.links:
            self.world.cut(link)
        for house in self.houses:
            self.idle(house)

    def equal(self) -> bool:
        return len({repr((each.bodies(), each.set_roots())) for each in self.houses}) == 1

    def draft(self, pen: Teller) -> None:
        """Let Ben draft the page that names what this pen wrote last, or something before, where that is held."""
        end = pen.ends[LogClass.FACTS]
        log = pen.logs[LogClass.FACTS].log
        house = next(each for each in self.houses if each.store.logs.holds(log, end.seq, end.id))
        seq = end.seq - self.dice.choice([0, 0, 1])
        id_ = house.holdings.id_at(log, (end.seq, end.id), seq)
        self.named = (seq, id_)
        entry: dict[str, Value] = {"kind": "settle", "log": log, "seq": seq, "id": id_}
        assert self.body.decide(self.body.tellers[1], house, entry)

    def seal(self) -> None:
        """Let Ben and Cem sign and approve it, at any house, while links come and go."""
        for teller in self.body.tellers[1:] * 2:
            house = self.dice.choice(self.houses)
            link = self.dice.choice(self.links)
            if link.ends is not None and self.dice.random() < 0.3:
                self.world.cut(link)
            if self.dice.random() < 0.2:
                self.dice.choice(self.houses).restart()
            self.world.run(self.dice.choice([0.2, 2.0]))
            for each in self.links:
                if each.ends is None and self.dice.random() < 0.7:
                    self.world.connect(each)
            self.idle(house)
            self.body.speak(teller, house, self.dice)


@pytest.mark.parametrize("seed", seeds(25))
def test_nodes_that_hold_different_branches_come_to_the_one_that_the_book_names(
    seed: int, tmp_path: Path
) -> None:
    split = Split(seed, tmp_path)
    world, body = split.world, split.body
    try:
        log = split.ann.logs[LogClass.FACTS].log
        pen = split.dice.choice([split.ann, split.twin])
        if split.dice.random() < 0.7:
            split.meet()
            assert {each.store.logs.fork_at(log) is not None for each in split.houses} == {True}
        split.draft(pen)
        split.seal()
        split.meet()
        for teller in body.tellers[1:] * 2:
            split.idle(split.houses[0])
            body.speak(teller, split.houses[0], split.dice)
        world.run(2.0)
        assert world.run(2 * BEAT_S, split.equal), f"replay with FEDSYNC_SEEDS={seed}-{seed}"
        for house in split.houses:
            assert house.store.logs.pinned(log) == split.named
            assert house.store.logs.holds(log, *split.named)
        shown = set()
        for each in split.houses:
            seen = [level for level in levels(each.node.state, body.scope) if not level.local]
            shown.add(repr((body_root(StateDraft(each.node.state), body.scope), seen)))
        assert len(shown) == 1
        for house in split.houses:
            before = house.node.state_root()
            house.node.rebuild()
            assert house.node.state_root() == before
            assert house.store.logs.pinned(log) == split.named
    finally:
        world.close()
