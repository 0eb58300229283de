"""The queue of a link: what is urgent overtakes, and nothing starves."""

import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair, memory_stream_pair

from fedsync.gossip.framing import FrameReader
from fedsync.gossip.lanes import FRAME_COST, Lanes, cost
from fedsync.gossip.limits import LOW_SHARE
from fedsync.gossip.link import LEAST_WRITE_BYTES, QUEUE_BYTES, RESERVE_BYTES, WRITE_BYTES, Link
from fedsync.gossip.priority import FIRST, LAST, WORDS, of_class
from fedsync.records.ids import Key, LogClass

SOMEONE = Key(bytes(32))
FACTS = of_class(LogClass.FACTS)
MARK = b"the recall"


@given(st.lists(st.integers(FIRST, LAST), max_size=100), st.integers(1, 3000))
def test_frames_leave_by_priority_each_in_its_order_and_one_in_sixteen_from_below(
    priorities: list[int], limit: int
) -> None:
    lanes, left = Lanes(10**9, 0), list(enumerate(priorities))
    for at, priority in left:
        assert lanes.put(at.to_bytes(2, "big") * 100, priority)
    taken: list[bytes] = []
    while more := lanes.take(limit):
        assert len(more) == 1 or sum(len(each) + 2 for each in more) <= limit
        taken += more
    # The twin looks through all that is left each time.
    for number, body in enumerate(taken, 1):
        pick = max if number % LOW_SHARE == 0 else min
        wanted = pick(priority for _, priority in left)
        expected = next(each for each in left if each[1] == wanted)
        assert int.from_bytes(body[:2], "big") == expected[0]
        left.remove(expected)
    assert not left
    assert lanes.queued == 0


@given(st.integers(0, 400))
def test_what_waits_counts_for_its_bytes_or_more(size: int) -> None:
    lanes = Lanes(100_000, 0)
    assert lanes.put(bytes(size), FACTS)
    assert lanes.queued == cost(bytes(size)) == max(FRAME_COST, size + 2)


def test_words_and_what_is_urgent_find_room_where_facts_find_none() -> None:
    lanes, fact = Lanes(10_000, 1_000), bytes(998)
    assert sum(lanes.put(fact, FACTS) for _ in range(20)) == 10
    assert lanes.put(fact, WORDS)
    assert not lanes.put(fact, FIRST), "but not without end"


async def test_an_urgent_frame_overtakes_all_that_the_stream_has_not_been_given() -> None:
    ours, theirs = lockstep_stream_pair()
    link, reader = Link(ours, SOMEONE), FrameReader()
    while link.send(bytes(4000), FACTS):
        pass

    async def wait(link: Link) -> None:
        while True:
            await link.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run, wait)
        await trio.testing.wait_all_tasks_blocked()
        given_to_the_stream = QUEUE_BYTES - link.queued
        assert link.send(MARK, FIRST)
        frames: list[bytes] = []
        while MARK not in frames:
            frames += reader.feed(await theirs.receive_some())
        link.cut("closed", "test over")
    before = sum(len(each) + 2 for each in frames[: frames.index(MARK)])
    assert before <= given_to_the_stream + 4002 <= WRITE_BYTES + 8004


async def test_a_full_queue_ends_no_link_that_has_something_urgent_to_say() -> None:
    link = Link(memory_stream_pair()[0], SOMEONE)
    while link.send(bytes(4000), FACTS):
        pass
    assert link.send(bytes(60_000), FIRST)
    assert link.queued <= QUEUE_BYTES + RESERVE_BYTES


async def test_a_slow_stream_is_given_little_at_a_time(autojump_clock: trio.testing.MockClock) -> None:
    writes: list[int] = []
    speed = 10_000.0

    class Slow(trio.abc.Stream):
        async def send_all(self, data: bytes | bytearray | memoryview) -> None:
            writes.append(len(data))
            await trio.sleep(len(data) / speed)

        async def wait_send_all_might_not_block(self) -> None: ...
        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            await trio.sleep_forever()

        async def aclose(self) -> None: ...

    link = Link(Slow(), SOMEONE)
    for _ in range(500):
        link.send(bytes(1000), FACTS)

    async def later(link: Link) -> None:
        nonlocal speed
        await trio.sleep(15)
        assert writes[0] > WRITE_BYTES // 2
        assert writes[-1] <= LEAST_WRITE_BYTES
        speed = 10_000_000.0
        await trio.sleep(5)
        assert max(writes[-5:]) > WRITE_BYTES // 2

    await link.run(later)
