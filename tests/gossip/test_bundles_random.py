"""Random holdings, forked logs among them, by bundles from one node to another, beside all blocks brought at once."""

import random
from collections.abc import Callable
from functools import partial

import pytest

from fedsync.gossip.bundles.form import Held, Tips, Wanted
from fedsync.gossip.bundles.making import Wish
from fedsync.gossip.holdings import TIP
from fedsync.gossip.memory import Memory
from fedsync.records.ids import LogClass, LogId
from tests.gossip.bundles import all_but_local, bring, contents, empty, files, raws, same
from tests.seeds import seeds
from tests.sim.world import Author

LOGS = 12


class Life:
    """Authors who write, some of whom write two branches, and the node that holds all of it."""

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.memory = dice, empty(b"journal1")
        self.authors = [Author(number, LogClass(number % 4)) for number in range(LOGS)]
        self.blocks: list[bytes] = []

    def go_on(self, writes: int) -> None:
        for _ in range(writes):
            author = self.dice.choice(self.authors)
            if self.dice.random() < 0.1 and author.at is not None:
                self._fork(author)
            else:
                self._write(author)

    def _write(self, author: Author) -> None:
        words = [f"{self.dice.random()}" for _ in range(self.dice.randint(1, 4))]
        for block in author.write(*words):
            self.blocks.append(block.raw)
            self.memory.take(block.raw)

    def _fork(self, author: Author) -> None:
        """Write another branch from where the log stood once."""
        held = self.memory.log(author.log)
        assert held is not None
        now, head = author.at, self.dice.choice(held.heads)
        seq = self.dice.randint(0, head[0])
        id_ = self.memory.id_at(author.log, head, seq)
        assert id_ is not None
        author.at = self.memory.base(author.log, (seq, id_))
        if author.at is not None:
            self._write(author)
        author.at = now if self.dice.random() < 0.5 or author.at is None else author.at


def known_of(memory: Memory, log: LogId) -> list[list[Held]]:
    held = memory.log(log)
    return [[Held(seq, id_[:8]) for seq, id_ in held.heads]] if held is not None else [[]]


def wanted(memory: Memory, told: list[object]) -> tuple[Wanted, ...]:
    """Return as wishes all that tips tell of and that is not held, as a node would find it."""
    found: dict[LogId, tuple[Held, ...]] = {}
    for each in told:
        for tip in each.rows if isinstance(each, Tips) else ():
            held = memory.log(tip.log)
            heads = held.heads if held is not None else []
            ends = [id_[:8] for head in heads if (id_ := memory.id_at(tip.log, head, tip.seq)) is not None]
            fork = held.fork if held is not None else None
            met = tip.name in ends if tip.kind == TIP else fork is not None and fork <= tip.seq
            if not met:
                found[tip.log] = tuple(Held(seq, id_[:8]) for seq, id_ in heads)
    return tuple(Wanted(log, held) for log, held in sorted(found.items()))


def whole(south: Memory) -> dict[str, object]:
    return {}


def by_what_it_holds(south: Memory) -> dict[str, object]:
    return {"known": partial(known_of, south)}


@pytest.mark.parametrize("seed", seeds(25))
@pytest.mark.parametrize("fields", [whole, by_what_it_holds])
def test_one_bundle_makes_the_reader_hold_the_same(
    fields: Callable[[Memory], dict[str, object]], seed: int
) -> None:
    dice = random.Random(seed)
    life, south = Life(dice), empty()
    life.go_on(30)
    bring(south, dice.sample(life.blocks, len(life.blocks) // 2))
    made = files(life.memory, Wish(all_but_local, **fields(south)))  # type: ignore[arg-type]
    bring(south, raws(contents(*made)))
    assert same(life.memory, south)


@pytest.mark.parametrize("seed", seeds(25))
def test_bundles_one_after_the_other_bring_what_is_new_and_no_block_twice(seed: int) -> None:
    dice = random.Random(seed)
    life, south = Life(dice), empty()
    came: list[bytes] = []
    counter = 0
    for _ in range(5):
        life.go_on(10)
        made = files(life.memory, Wish(all_but_local, since=(counter,) * 4, plain=True))
        counter = life.memory.journal()[1]
        found = raws(contents(*made))
        came += found
        bring(south, found)
        assert same(life.memory, south)
    assert len(set(came)) == len(came)


@pytest.mark.parametrize("seed", seeds(25))
def test_what_a_lost_bundle_held_is_found_by_tips_and_brought_by_wishes(seed: int) -> None:
    dice = random.Random(seed)
    life, south = Life(dice), empty()
    counter = 0
    told: list[object] = []
    for lost in (False, True, False):
        life.go_on(12)
        made = files(life.memory, Wish(all_but_local, since=(counter,) * 4))
        counter = life.memory.journal()[1]
        if not lost:
            told = list(contents(*made))
            bring(south, raws(contents(*made)))
    asked = wanted(south, told)
    made = files(life.memory, Wish(all_but_local, since=(counter,) * 4, asked=asked))
    bring(south, raws(contents(*made)))
    assert same(life.memory, south)
