"""A session may be cut at any byte: at most one block comes twice, and nothing that was held is lost."""

from fedsync.gossip.memory import Memory
from fedsync.records.block import Block
from fedsync.sim.cuts import Pair, everywhere
from tests.sim.world import BODY, Author, checked


def memory(name: bytes, blocks: list[Block]) -> Memory:
    found = Memory(name * 8, checker=checked)
    found.follow(*BODY)
    for block in blocks:
        found.write(block)
    return found


def written(first: int, count: int, blocks: int = 2) -> list[Block]:
    found = []
    for number in range(first, first + count):
        author = Author(number)
        for at in range(blocks):
            found += author.write(*[f"{number} {at} {row}" for row in range(3)])
    return found


def test_two_who_never_met_may_be_cut_at_every_byte() -> None:
    ours, theirs = written(1, 1), written(4, 1)
    found = everywhere(memory(b"1", ours), memory(b"2", theirs))
    assert found.places == found.session_bytes > 1000
    assert found.most_twice == 1
    framed = 6
    assert found.most_bytes_twice <= framed + max(len(block.raw) for block in (*ours, *theirs))
    assert found.back == 0


def test_two_who_remember_each_other_may_be_cut_at_every_byte() -> None:
    old = written(1, 6, 1)
    pair = Pair(memory(b"1", old), memory(b"2", old[:5]))
    assert pair.meet()
    one, two = (half.memory for half in pair.halves)
    for block in written(100, 2, 1):
        one.write(block)
    for block in written(200, 1, 1):
        two.write(block)
    left, right = (half.remembered for half in pair.halves)
    found = everywhere(one, two, (left, right))
    # What is new follows at once, unasked; after the cut it is asked for.
    assert found.places == found.session_bytes > 900
    assert found.most_twice == 1
    assert found.back == 0


def test_a_session_that_is_cut_again_and_again_still_comes_to_its_end() -> None:
    pair = Pair(memory(b"1", written(1, 8)), memory(b"2", written(20, 8)))
    # Each is cut soon after its beginning, and brings a block or two.
    for _ in range(40):
        if pair.meet(1600):
            break
    assert pair.equal
    assert pair.toll.twice <= pair.toll.sessions
