"""A copy of a memory shares what neither has changed; its naive twin is told again all that the copy ever was."""

from random import Random

import pytest

from fedsync.gossip.memory import Memory
from fedsync.gossip.trie import Tree
from fedsync.records.block import Block
from fedsync.records.ids import LogClass, Reach, Scope
from tests.sim.world import Author, checked


def shown(memory: Memory) -> object:
    """All that a peer could find out of it."""
    logs = {log: memory.log(log) for log in memory.logs()}
    return (
        memory.journal(),
        {key: (memory.buckets(key), Tree(memory, key).hash()) for key in memory.sets()},
        {
            log: (held.heads, held.fork, held.pin, held.urgent, held.changed, held.created, [*held.where])
            for log, held in logs.items()
            if held is not None
        },
        [memory.named(log[:8]) for log in logs],
        memory.moved(-1),
        [memory.changed(key, memory.journal()[1] - 3) for key in memory.sets()],
        memory.following,
    )


def change(memory: Memory, dice: Random, blocks: list[Block]) -> None:
    chosen = dice.choice(blocks)
    match dice.randrange(4):
        case 0 if memory.log(chosen.log) is not None:
            memory.pin(chosen.log, (chosen.last, chosen.tip))
        case 1:
            memory.hurry(chosen.log, chosen.last)
        case 2:
            memory.follow(Scope(dice.randbytes(16)), bytes(32))
        case _:
            memory.take(chosen.raw, 1)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_to_a_copy_or_to_what_it_was_made_of_is_seen_there_alone(seed: int) -> None:
    dice = Random(seed)
    blocks: list[Block] = []
    for number in range(6):
        author = Author(number, LogClass(number % 3), Reach.WORLD, Scope(bytes((number % 2,)) * 16))
        for step in range(4):
            at = author.at
            blocks += author.write(f"{step}")
            if dice.random() < 0.3:
                there, author.at = author.at, at
                blocks += author.write(f"{step} otherwise")
                author.at = there
    family: list[tuple[Memory, list[object]]] = [(Memory(bytes(8), checker=checked), [])]
    for step in range(120):
        memory, past = dice.choice(family)
        if dice.random() < 0.1 and len(family) < 5:
            family.append((memory.copied(dice.randbytes(8)), [*past]))
        past.append(dice.getstate())
        change(memory, dice, blocks)
        if step % 12 == 0:
            for one, told in family:
                assert shown(one) == shown(replayed(one, told, blocks))


def replayed(memory: Memory, past: list[object], blocks: list[Block]) -> Memory:
    twin = Memory(memory.journal()[0], checker=checked)
    for state in past:
        again = Random()
        again.setstate(state)  # type: ignore[arg-type]
        change(twin, again, blocks)
    return twin
