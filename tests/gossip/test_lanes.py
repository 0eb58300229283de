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


@given(
    st.lists(st.tuples(st.integers(FIRST, LAST), st.integers(2, 3000)), max_size=100), st.integers(1, 3000)
)
def test_frames_leave_by_priority_each_in_its_order_and_each_lesser_class_at_a_sixteenth_of_the_pace(
    frames: list[tuple[int, int]], limit: int
) -> None:
    lanes, left = Lanes(10**9, 0), [(at, priority, size) for at, (priority, size) in enumerate(frames)]
    for at, priority, size in left:
        assert lanes.put(at.to_bytes(2, "big") + bytes(size - 2), priority)
    taken: list[bytes] = []
    while more := lanes.take(limit):
        assert len(more) == 1 or sum(len(each) + 2 for each in more) <= limit
        taken += more
    # The twin looks through all that is left each time, and keeps what each class has saved up in its head.
    saved: dict[int, int] = {}
    for body in taken:
        heads = {priority: size + 2 for at, priority, size in reversed(left)}
        best = min(heads)
        saved = {lane: saved.get(lane, 0) for lane in heads if lane != best}
        ripe = [lane for lane in saved if lane != LAST and saved[lane] >= heads[lane] * (LOW_SHARE - 1)]
        wanted = min(ripe) if ripe and best != FIRST else best
        if wanted == best != FIRST:
            saved = {lane: before + heads[best] for lane, before in saved.items()}
        elif wanted != best:
            saved[wanted] -= heads[wanted] * (LOW_SHARE - 1)
        expected = next(each for each in left if each[1] == wanted)
        assert int.from_bytes(body[:2], "big") == expected[0]
        left.remove(expected)
    assert not left
    assert lanes.queued == 0


def test_large_texts_get_no_more_than_their_share_beside_small_votes_and_no_less() -> None:
    lanes, text, vote = Lanes(10**9, 0), bytes(48_000), bytes(150)
    votes, texts = of_class(LogClass.AUTHORITY), of_class(LogClass.TEXTS)
    for _ in range(40):
        assert lanes.put(text, texts)
    for _ in range(100_000):
        assert lanes.put(vote, votes)
    gone = [len(frame) for _ in range(40_000) for frame in lanes.take(1)]
    large = sum(size for size in gone if size == len(text))
    assert large > 0
    assert abs(large - sum(gone) / LOW_SHARE) <= 2 * len(text)


@given(st.lists(st.tuples(st.integers(FIRST, LAST), st.integers(1, 300)), max_size=60), st.integers(1, 600))
def test_what_may_not_go_holds_up_all_but_what_may_draw_on_more(
    frames: list[tuple[int, int]], room: int
) -> None:
    lanes = Lanes(10**9, 0)
    for priority, size in frames:
        assert lanes.put(bytes([priority]) * size, priority)
    plenty = (FIRST, WORDS, LAST)
    taken = lanes.take(
        10**9, lambda priority, size, before: before + size <= room + 1000 * (priority in plenty)
    )
    inside = sum(len(each) + 2 for each in taken)
    assert inside <= room + 1000
    for priority in plenty:
        first = next((size for each, size in frames if each == priority), None)
        if first is not None and first + 2 <= 1000 - sum(
            len(each) + 2 for each in taken if each[0] in plenty
        ):
            assert any(each[0] == priority for each in taken)


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
