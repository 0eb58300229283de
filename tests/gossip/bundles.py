"""Bundles made and read in memory: what one holds, in files, and into another."""

import random
from collections.abc import Iterable, Sequence

from fedsync.gossip.bundles.form import Block, Content
from fedsync.gossip.bundles.making import Maker, Wish, make
from fedsync.gossip.bundles.reading import Bad, read
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.memory import Memory
from fedsync.gossip.trees import Trees
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Key, LogClass, Reach
from tests.sim.world import BODY, Author, checked

NOW = 1_760_000_000_000
PRIVATE = private_key(b"n" * 32)
NODE = public_key(PRIVATE)


def maker(number: int = 1) -> Maker:
    return Maker(NODE, PRIVATE.sign, number.to_bytes(16, "big"), NOW)


def empty(journal: bytes = b"elsewher") -> Memory:
    memory = Memory(journal, checker=checked)
    memory.follow(*BODY)
    return memory


def full(logs: int = 12, writes: int = 2, seed: int = 1) -> Memory:
    """Return a memory with logs of every class, each with a few blocks."""
    memory, dice = empty(b"journal1"), random.Random(seed)
    authors = [Author(number, LogClass(number % 4)) for number in range(logs)]
    for _ in range(writes):
        for author in authors:
            keep(memory, author, *[f"word {dice.random()}" for _ in range(dice.randint(1, 5))])
    return memory


def keep(memory: Memory, author: Author, *words: str) -> None:
    for block in author.write(*words):
        assert memory.write(block)


def all_but_local(key: SetKey) -> bool:
    return key[1] is not Reach.LOCAL


def wish(**fields: object) -> Wish:
    return Wish(all_but_local, **fields)  # type: ignore[arg-type]


def files(memory: Memory, wish: Wish, number: int = 1) -> list[bytes]:
    """Return the files of a bundle."""
    found: list[bytes] = []
    for part, data in make(memory, wish, maker(number)):
        if part == len(found):
            found.append(b"")
        found[part] += data
    return found


def contents(*files: bytes) -> list[Content]:
    """Return what files say; nothing of it may be bad."""
    found = [each for file in files for each in read([file])]
    assert not [each for each in found if isinstance(each, Bad)]
    return [each for each in found if not isinstance(each, Bad)]


def raws(found: Iterable[Content | Bad]) -> list[bytes]:
    return [each.raw for each in found if isinstance(each, Block)]


def bring(memory: Memory, blocks: Sequence[bytes]) -> None:
    """Bring blocks to a memory again and again, until none is taken any more: it keeps none that has no base."""
    left = list(blocks)
    while left:
        rest = [raw for raw in left if memory.take(raw)[1] is None]
        if len(rest) == len(left):
            return
        left = rest


def same(one: Memory, other: Memory) -> bool:
    return [*Trees(one).roots(one.sets())] == [*Trees(other).roots(other.sets())]


READER = Key(b"r" * 32)
