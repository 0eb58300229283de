"""What waits in the system ahead of a slow reader is little, so that a recall need not wait for it."""

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.priority import FIRST, of_class
from fedsync.gossip.reader import AHEAD_SECONDS, MOST_AHEAD_BYTES, Ahead
from fedsync.gossip.tcp import tune
from fedsync.records.ids import Key, LogClass

SOMEONE = Key(bytes(32))
FACTS = of_class(LogClass.FACTS)
QUICK_BYTES = 50_000_000


def bound_after(rate: float, waits: float, seconds: float = 10.0) -> int:
    """Return the bound for a reader that takes 10 kB, again and again, and waits for this share of the time."""
    ahead, bound, now, each = Ahead(), MOST_AHEAD_BYTES, 0.0, 10_000 / rate
    while now < seconds:
        now += each
        bound = ahead.read(10_000, each * waits, now) or bound
    return bound


@given(st.integers(20_000, 10_000_000))
def test_it_is_what_a_slow_reader_reads_in_half_a_second_within_a_factor_of_two(rate: int) -> None:
    wanted = min(rate * AHEAD_SECONDS, MOST_AHEAD_BYTES)
    assert wanted / 2.2 <= bound_after(rate, 0.1) <= wanted * 2.2


@given(st.integers(20_000, 10_000_000))
def test_a_reader_that_waits_for_the_line_has_room_for_a_long_one(rate: int) -> None:
    assert bound_after(rate, 0.9) == MOST_AHEAD_BYTES


def test_a_reader_that_is_quick_again_has_room_again() -> None:
    ahead, now, bounds = Ahead(), 0.0, []
    for turn in range(80):
        now += 0.1
        waited = 0.0 if turn < 40 else 0.09
        bounds.append(ahead.read(5_000, waited, now))
    moved = [bound for bound in bounds if bound is not None]
    assert 24_000 <= moved[0] <= 28_000
    assert moved[1:] == [MOST_AHEAD_BYTES]


@pytest.fixture
def jumps() -> trio.testing.MockClock:
    """A clock by which nothing takes time but sleeping: when all sleep, and nothing is on its way in the kernel, it jumps."""
    return trio.testing.MockClock(autojump_threshold=0.02)


async def test_a_recall_waits_for_little_of_what_a_slow_reader_has_not_read(
    jumps: trio.testing.MockClock,
) -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    ours = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
    theirs = await listener.accept()
    await listener.aclose()
    for each in (ours, theirs):
        tune(each)
    writer, reader = Link(ours, SOMEONE), Link(theirs, SOMEONE)
    read = before = 0

    async def fill(link: Link) -> None:
        while True:
            await link.room()
            link.send(bytes(8_000), FACTS)
            await trio.lowlevel.checkpoint()

    async def slowly(link: Link) -> None:
        nonlocal read, before
        began, said = trio.current_time(), False
        while True:
            frames = await link.receive()
            size = sum(map(len, frames))
            read += size
            if b"the recall" in frames:
                raise writer.cut("closed", "test over")
            # Quick for so long that a system left alone takes in megabytes; then a megabyte in two seconds.
            if read > QUICK_BYTES:
                await trio.sleep(size / 500_000)
            if not said and trio.current_time() - began > 4:
                said, before = writer.send(b"the recall", FIRST), read

    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run, fill)
        with trio.fail_after(15):
            # By a clock that does not go while anything is done.
            ended = await reader.run(slowly)
        nursery.cancel_scope.cancel()
    assert isinstance(ended, LinkClosed)
    assert 0 < read - before < 900_000
