"""An author floods a row of nodes that each take so much an hour: all come to the same in the end, and honest people wait for nothing.

Whole nodes over SQLite in virtual time, with crashes and cuts. FEDSYNC_SEEDS says which seeds; a failure replays from it.
"""

from collections import Counter
from pathlib import Path

import pytest

from fedsync.intake import FIRST_RECORDS, HOUR_MS, Room, Share, Whose, read_name
from fedsync.records.ids import LogClass
from fedsync.records.seal import Draft
from tests.seeds import seeds
from tests.sim.houses import House, World
from tests.sim.tellers import Body, Teller

SHARE = 600
"""Records of one author in an hour."""
BLOCK = 128
HOURS = 7
"""Within which 3,000 records pass three doors, one after the other, each of which takes 600 and up to a block more an hour."""
SOON_S = 60.0
"""Seconds within which an honest word passes them: it may wait for a first answer, and for a link that is made again."""


class Row:
    """Four houses in a row, the first of which has the body; the others take little."""

    def __init__(self, seed: int, path: Path) -> None:
        self.world = World(seed, path)
        self.dice = self.world.dice
        self.houses = [self.world.house(f"house{at}") for at in range(4)]
        self.body = Body("Oakfield", self.houses[0])
        self.body.found(3)
        self.links = [
            self.world.link(one, two, self.dice.choice([0.01, 0.2]), 1e6)
            for one, two in zip(self.houses, self.houses[1:], strict=False)
        ]
        self.limit()
        self.connect()
        assert self.world.run(1000.0, self.equal)

    def limit(self) -> None:
        for house in self.houses[1:]:
            house.node.intake.author = Share(SHARE, 10**9, 10**9, 10**9)
            house.node.intake.body = Share(4 * SHARE, 10**9, 10**9, 10**9)

    def connect(self) -> None:
        for link in self.links:
            if link.ends is None:
                self.world.connect(link)

    def equal(self) -> bool:
        return len({repr((each.bodies(), each.set_roots())) for each in self.houses}) == 1

    def write(self, teller: Teller, count: int, log_class: LogClass = LogClass.FACTS) -> int:
        """Let somebody write at home; return the number of the last record."""
        home = self.houses[0]
        assert self.world.run(60.0, lambda: not home.busy)
        drafts = [Draft("note", {"text": f"number {n}"}, self.world.wall()) for n in range(count)]
        assert teller.write(home, log_class, drafts, self.body.acknowledged)
        return teller.ends[log_class].seq

    def held(self, house: House, teller: Teller, log_class: LogClass = LogClass.FACTS) -> int:
        tip = house.store.logs.tip(teller.logs[log_class].log)
        return tip.seq if tip is not None else -1

    def arrives(self, teller: Teller, seq: int, log_class: LogClass) -> bool:
        """Say whether a record comes to the last house soon."""
        return self.world.run(SOON_S, lambda: self.held(self.houses[-1], teller, log_class) == seq)


@pytest.mark.parametrize("seed", seeds(6))
def test_a_flood_comes_through_share_by_share_and_delays_no_honest_word(seed: int, tmp_path: Path) -> None:
    row = Row(seed, tmp_path)
    ann, ben, cleo = row.body.tellers
    far, world = row.houses[-1], row.world
    try:
        end = row.write(cleo, 3000)
        world.run(20.0)
        began = world.wall()
        assert SHARE <= row.held(row.houses[1], cleo) < 2 * SHARE + 2 * BLOCK, (
            "it began in one hour, or in two"
        )
        for log_class in (LogClass.FACTS, LogClass.AUTHORITY):
            for pen in (ann, ben):
                last = row.write(pen, 2, log_class)
                assert row.arrives(pen, last, log_class)
        waits = [read_name(each) for each in row.houses[1].store.intake.waiting(world.wall())]
        assert [(each.whose, each.room, each.id) for each in waits] == [
            (Whose.AUTHOR, Room.FACTS, cleo.logs[LogClass.FACTS].key)
        ]
        # Nodes fall over and links break meanwhile.
        for _ in range(4):
            world.run(row.dice.random() * 900)
            if row.dice.random() < 0.5:
                house = row.dice.choice(row.houses[1:])
                house.node.tidy() if not house.busy else None
                house.restart()
                row.limit()
            else:
                world.cut(row.dice.choice(row.links))
            row.connect()
        most = Counter[int]()
        for _ in range(HOURS * 4):
            if world.run(HOUR_MS / 4000, row.equal):
                break
            hour = (world.wall() - began) // HOUR_MS
            for at, house in enumerate(row.houses[1:]):
                most[at] = max(most[at], row.held(house, cleo) - (hour + 2) * (SHARE + BLOCK))
        assert row.equal(), [row.held(each, cleo) for each in row.houses]
        assert row.held(far, cleo) == end
        assert max(most.values()) <= 0, "it took more than its share"
    finally:
        world.close()


SOCKS = 20


@pytest.mark.parametrize("seed", seeds(2))
def test_a_body_that_admits_many_keys_floods_with_all_of_them_and_delays_nobody_honest(
    seed: int, tmp_path: Path
) -> None:
    row = Row(seed, tmp_path)
    home, near, far = row.houses[0], row.houses[1], row.houses[-1]
    world = row.world
    try:
        puppets = Body("Puppets", home)
        puppets.found(SOCKS + 1)
        honest, *socks = puppets.tellers
        assert world.run(1000.0, row.equal)
        before = near.store.logs.count()
        for house in row.houses[1:]:
            house.node.intake.body = Share(1000, 10**9, 10**9, 10**9)
        ends = [row.write(each, 3 * FIRST_RECORDS) for each in socks]
        world.run(20.0)
        # In one hour, or in the last seconds of one and the first of another.
        assert near.store.logs.count() - before < 2 * (1000 + SOCKS * (FIRST_RECORDS + BLOCK))
        for pen, log_class in (
            (honest, LogClass.FACTS),
            (row.body.tellers[0], LogClass.FACTS),
            (honest, LogClass.AUTHORITY),
        ):
            assert row.arrives(pen, row.write(pen, 3, log_class), log_class)
        for house in row.houses[1:]:
            house.node.tidy() if not house.busy else None
        waits = {read_name(each).whose for each in near.store.intake.waiting(world.wall())}
        assert Whose.BODY in waits
        for _ in range(HOURS * 4):
            if world.run(HOUR_MS / 4000, row.equal):
                break
        assert row.equal()
        assert [row.held(far, each) for each in socks] == ends
    finally:
        world.close()
