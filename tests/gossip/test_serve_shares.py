"""Each class is served at its share of the bytes, however large its blocks are, and what is urgent at once."""

from itertools import pairwise
from random import Random

import pytest

from fedsync.gossip.holdings import TIP, Head
from fedsync.gossip.limits import LOW_SHARE, MAX_LOOKS
from fedsync.gossip.listing import Named, Salt
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import BlockMessage
from fedsync.gossip.priority import FIRST, of_class
from fedsync.gossip.serve import LOOK, Server
from fedsync.records.block import peek
from fedsync.records.ids import Extent, LogClass, LogId, RecordId
from tests.sim.world import BODY, Author

SALT = Salt(b"one", b"two")


def noise(die: Random, size: int) -> str:
    return die.randbytes(size // 2).hex()


def serving(sizes: dict[LogClass, tuple[int, int]], urgent: LogClass | None = None) -> Server:
    """Return a server of which so many blocks of such a size are wanted of each class."""
    die, memory, listed = Random(1), Memory(b"here".ljust(8)), dict[bytes, LogId]()
    memory.following = [(*BODY, Extent.ALL)]
    for number, (log_class, (count, size)) in enumerate(sizes.items(), 1):
        author = Author(number, log_class)
        for _ in range(count):
            block = author.write(noise(die, size))[0]
            memory.write(block)
        listed[SALT.log(block.log)] = block.log
        if log_class is urgent:
            memory.hurry(block.log, block.last)
    server = Server(memory, SALT, listed, lambda key: True)
    for short in listed:
        assert server.want(short, None) is None
    return server


class Counting(Memory):
    """Counts what is looked up."""

    looks = 0

    def id_at(self, log: LogId, head: Head, seq: int) -> RecordId | None:
        self.looks += 1
        return super().id_at(log, head, seq)


def test_a_thousand_places_that_lie_nowhere_cost_a_bounded_number_of_looks_which_the_peer_pays() -> None:
    memory, author = Counting(b"here".ljust(8)), Author(1, LogClass.AUTHORITY)
    memory.following = [(*BODY, Extent.ALL)]
    blocks = [author.write(str(number))[0] for number in range(1100)]
    for block in blocks:
        memory.write(block)
    log = blocks[0].log
    server = Server(memory, SALT, {SALT.log(log): log}, lambda key: True)
    false = [Named(TIP, seq, bytes(4)) for seq in range(1, 1025)]
    memory.looks = 0
    assert server.want(SALT.log(log), false, located=True) is None
    assert memory.looks == MAX_LOOKS
    assert server.costs.looked == MAX_LOOKS * LOOK
    _, message = server.next() or (0, None)
    assert isinstance(message, BlockMessage)
    assert peek(message.raw).first == 0, "who cannot be found on it gets all of it"
    true = Named(
        TIP,
        1000,
        SALT.record(memory.id_at(log, (blocks[-1].last, blocks[-1].tip), 1000) or bytes(32)),
    )
    assert server.want(SALT.log(log), [*false[:5], true], located=True) is None
    assert server.costs.looked == MAX_LOOKS * LOOK + LOOK
    _, message = server.next() or (0, None)
    assert isinstance(message, BlockMessage)
    assert peek(message.raw).first == 1001


@pytest.mark.parametrize(("large", "small"), [(12_000, 300), (300, 12_000), (4_000, 4_000)])
def test_lesser_classes_go_on_with_a_sixteenth_of_the_bytes_of_the_best(large: int, small: int) -> None:
    server = serving(
        {
            LogClass.AUTHORITY: (1_200_000 // small // 4, small),
            LogClass.PLANS: (150_000 // large, large),
            LogClass.TEXTS: (150_000 // large, large),
        }
    )
    gone = dict.fromkeys(LogClass, 0)
    while True:
        found = server.next()
        assert found is not None
        priority, message = found
        assert isinstance(message, BlockMessage)
        log_class = LogClass(priority - of_class(LogClass.AUTHORITY))
        if log_class is LogClass.AUTHORITY and message.last:
            break
        gone[log_class] += len(message.raw)
    best = gone[LogClass.AUTHORITY]
    for lesser in (LogClass.PLANS, LogClass.TEXTS):
        assert abs(gone[lesser] - best / (LOW_SHARE - 1)) <= 2 * max(large, small)


def test_what_is_urgent_is_served_before_all_and_takes_nothing_of_what_lesser_classes_have_saved_up() -> None:
    server = serving(
        {LogClass.AUTHORITY: (5, 2_000), LogClass.FACTS: (90, 2_000), LogClass.TEXTS: (20, 2_000)},
        urgent=LogClass.AUTHORITY,
    )
    turns = []
    for turn in range(100):
        found = server.next(first=turn % 20 == 10) or server.next()
        if found is None:
            break
        turns.append(found[0])
    assert turns[:5] == [FIRST] * 5
    texts = [at for at, turn in enumerate(turns) if turn == of_class(LogClass.TEXTS)]
    assert 4 <= len(texts) <= 7
    assert all(LOW_SHARE - 3 <= later - at <= LOW_SHARE + 3 for at, later in pairwise(texts))


def test_each_block_of_each_log_is_served_once_and_in_order() -> None:
    server = serving({each: (30, 500 * (each + 1)) for each in LogClass})
    seen: dict[LogId, int] = {}
    while (found := server.next()) is not None:
        message = found[1]
        assert isinstance(message, BlockMessage)
        header = peek(message.raw)
        assert header.first == seen.get(header.log, 0)
        seen[header.log] = header.last + 1
    assert list(seen.values()) == [31] * 4, "a genesis and thirty"
    assert not server.busy
