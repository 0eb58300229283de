"""Files that somebody damaged, cut, shuffled or made up: each gives what is sound of it, and never an error or a lie.

`scripts/bundle-fuzz` does the same for a million files.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from functools import partial

import pytest

from fedsync.bundling import batches, chunks
from fedsync.gossip.bundles.chunks import MAGIC, MARK, Chunk, cut, pack
from fedsync.gossip.bundles.form import Block, Held, Kind, Receipt, Wanted
from fedsync.gossip.bundles.parity import mend, protect
from fedsync.gossip.bundles.reading import Bad, read
from fedsync.gossip.following import followed
from fedsync.records.ids import Extent
from tests.bundling.nodes import At, roots, two
from tests.gossip.bundles import READER, empty, files, full, maker, wish
from tests.sim.world import BODY

MUTANTS = 3000
"""Each day; the script does a million."""


def mutant(file: bytes, dice: random.Random) -> bytes:
    """Return a file as accidents and enemies leave it."""
    broken = bytearray(file)
    for _ in range(dice.choice((1, 1, 1, 2, 5, 20))):
        at = dice.randrange(len(broken) + 1)
        match dice.randrange(9):
            case 0:
                broken[at : at + 1] = bytes((dice.randrange(256),))
            case 1:
                del broken[at : at + dice.choice((1, 7, 100, 5000))]
            case 2:
                broken[at:at] = dice.randbytes(dice.choice((1, 15, 300)))
            case 3:
                del broken[at:]
            case 4:
                start = dice.randrange(len(broken) + 1)
                broken[at:at] = broken[start : start + dice.choice((10, 1000))]
            case 5:
                broken[at:at] = MARK * dice.randint(1, 5)
            case 6:
                broken[at:at] = MAGIC
            case 7:
                broken = bytearray(_forged(bytes(broken), dice))
            case _:
                broken[at : at + 8] = bytes(8)
    return bytes(broken)


def _forged(file: bytes, dice: random.Random) -> bytes:
    """Return a file with one chunk changed, and a check that holds."""
    found = [each for each in cut([file]) if isinstance(each, Chunk)]
    if not found:
        return file
    at = dice.randrange(len(found))
    chunk = found[at]
    body = bytearray(chunk.body)
    for _ in range(dice.randint(1, 4)):
        body[dice.randrange(len(body))] = dice.choice((0, 1, 0x7F, 0x80, 0xDD, 0xFF, dice.randrange(256)))
    kind = dice.choice((chunk.kind, chunk.kind, dice.choice(list(Kind)), dice.randrange(20)))
    found[at] = Chunk(kind, dice.choice((chunk.number, dice.randrange(1 << 24))), bytes(body))
    return MAGIC + b"".join(pack(each.kind, each.number, each.body) for each in found)


class Soil:
    """What mutants are made of, and what is sound in them."""

    def __init__(self) -> None:
        north = full(24, writes=3)
        logs = sorted(north.logs())
        words = wish(
            readers=(READER,),
            wants=tuple(Wanted(log, (Held(3, b"8 bytes."),)) for log in logs),
            receipts=(Receipt(READER, b"journal2", (1, 2, 3, 4), (b"b" * 16,)),),
            follows=tuple(followed([(*BODY, Extent.ALL)]).pages()),
        )
        whole = files(north, words)
        self.files = [*whole, *files(north, wish(part_bytes=73728, plain=True), 2)]
        extra = [b"", b""]
        for number, data in protect([partial(iter, [file]) for file in whole], 2, b"set name"):
            extra[number] += data
        self.files += extra
        self.sound = {each.raw for file in whole for each in read([file]) if isinstance(each, Block)}
        self.ids = {
            each for log in north.logs() if (held := north.log(log)) is not None for each in held.where
        }
        self.maker = maker().key

    def try_one(self, dice: random.Random) -> int:
        """Read a mutant; return how many of the blocks in it are sound. All else must be refused by the door's check."""
        file = mutant(dice.choice(self.files), dice)
        size = dice.choice((1000, 65536, len(file) + 1))
        pieces = [file[at : at + size] for at in range(0, len(file), size)]
        memory, good = empty(), 0
        for batch in batches(chunks(pieces)):
            for each in batch:
                match each:
                    case Block(raw):
                        good += raw in self.sound
                        if raw not in self.sound:
                            _, taken = memory.take(raw)
                            assert taken is None or self.ids.issuperset(taken.ids)
                    case Bad(at, size):
                        assert -1 <= at <= len(file)
                        assert 0 <= size <= len(file)
                    case other:
                        # Only what its maker signed is believed to be its word.
                        maker = other.title.said.maker if hasattr(other, "title") else other.said.maker
                        assert maker == self.maker
        if dice.random() < 0.1:
            for _ in mend([lambda: pieces, lambda: [self.files[0]]]):
                pass
        return good


def test_of_every_mutant_what_is_sound_is_read_and_nothing_else() -> None:
    soil, dice = Soil(), random.Random(1)
    assert sum(soil.try_one(dice) for _ in range(MUTANTS)) > MUTANTS


@pytest.mark.parametrize("seed", range(3))
def test_whatever_mutants_a_node_takes_in_it_comes_to_the_same_with_the_sound_file_behind_them(
    seed: int,
) -> None:
    dice = random.Random(seed)
    with two() as (north, south, scribe):
        scribe.seat("Dee", "Ama", "Ben", "Cy")
        for quantity in range(1, 20):
            scribe.move(dice.choice(("Ama", "Ben")), quantity)
        sound = north.file(south.key)
        south.take(*[mutant(sound, dice) for _ in range(20)])
        _whole_or_less(north, south)
        south.take(sound)
        assert roots(north) == roots(south)
        assert south.lacks() == {}


def _whole_or_less(north: At, south: At) -> None:
    ends = north.ends()
    for log, last in south.ends().items():
        assert last <= ends[log]


def _rounds(seconds: float, count: int) -> Iterator[int]:
    begun = time.monotonic()
    for number in range(count):
        if time.monotonic() - begun > seconds:
            return
        yield number


def main() -> None:
    """Read so many mutants, and say how many."""
    parser = argparse.ArgumentParser(prog="scripts/bundle-fuzz", description=main.__doc__)
    parser.add_argument("--mutants", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    soil, good, done = Soil(), 0, 0
    for number in _rounds(arguments.seconds, arguments.mutants):
        # Each from a seed of its own, so that one that fails is played again alone: --seed N --mutants 1
        seed = arguments.seed + number
        try:
            good += soil.try_one(random.Random(seed))
        except BaseException:
            print(f"failed at --seed {seed} --mutants 1", file=sys.stderr)
            raise
        done += 1
    print(f"{done} mutants read; {good} sound blocks in them, and nothing else was believed")


if __name__ == "__main__":
    main()
