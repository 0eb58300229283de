"""A link is never ruined by who uses it, never held up by who is at its other end, and always says why it ended."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from fedsync.gossip import link as links
from fedsync.gossip.framing import MAX_BODY, BadFrame, frame
from fedsync.gossip.lanes import FRAME_COST
from fedsync.gossip.link import PATIENCE, Link, LinkClosed, Meter, Patience
from fedsync.gossip.secure import answer_over, dial_over
from fedsync.gossip.tls import dial_context, listen_context
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Key

MILL, FARM, STRANGER = (private_key(bytes([n]) * 32) for n in (1, 2, 3))
SOMEONE = Key(bytes(32))


async def nothing(link: Link) -> None:
    """Return at once."""


async def wait(link: Link) -> None:
    """Use the link until it ends."""
    while True:
        await link.receive()


async def gather(link: Link, count: int) -> list[bytes]:
    """Return the next `count` frames."""
    frames: list[bytes] = []
    while len(frames) < count:
        frames += await link.receive()
    return frames


async def why(link: Link) -> LinkClosed:
    """Return why `receive` ends."""
    with pytest.raises(LinkClosed) as ended:
        await wait(link)
    return ended.value


def bare() -> tuple[Link, trio.abc.Stream]:
    """Return a link over a stream in memory, and the other end of the stream."""
    ours, theirs = memory_stream_pair()
    return Link(ours, SOMEONE), theirs


def pair(
    make: Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]] = memory_stream_pair,
) -> tuple[Link, Link]:
    """Return two links that are connected in memory, without TLS."""
    left, right = make()
    return Link(left, SOMEONE), Link(right, SOMEONE)


async def secured() -> tuple[Link, Link]:
    """Return two links that are connected in memory by TLS: the mill, which called, and the farm."""
    left, right = memory_stream_pair()
    ends: dict[str, Link] = {}

    async def dial() -> None:
        ends["mill"] = await dial_over(left, dial_context(MILL, public_key(FARM)), public_key(FARM))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(dial)
        listening = listen_context(FARM, [public_key(MILL)])
        ends["farm"] = await answer_over(right, listening, public_key(MILL).__eq__)
    return ends["mill"], ends["farm"]


async def test_frames_of_all_sizes_cross_tls_both_ways_in_order() -> None:
    mill, farm = await secured()
    assert (mill.peer, farm.peer) == (public_key(FARM), public_key(MILL))
    sizes = [1, 2, 16_383, 16_384, 16_385, MAX_BODY, 5]
    bodies = [bytes([n]) * size for n, size in enumerate(sizes)]
    got: dict[str, list[bytes]] = {}

    async def talk(link: Link) -> None:
        for body in bodies:
            assert link.send(body)
        got["mill" if link is mill else "farm"] = await gather(link, len(bodies))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(mill.run, talk)
        nursery.start_soon(farm.run, talk)
    assert got == {"mill": bodies, "farm": bodies}
    total = sum(sizes) + 2 * len(sizes)
    assert mill.bytes_in == mill.bytes_out == farm.bytes_in == farm.bytes_out == total
    assert total < mill.wire_out < total * 1.05


async def test_a_goodbye_is_a_clean_end_for_both() -> None:
    mill, farm = await secured()
    reasons: list[str] = []

    async def say_and_leave(link: Link) -> None:
        link.send(b"bye")

    async def run(link: Link, handle: Callable[[Link], Awaitable[None]]) -> None:
        reasons.append((await link.run(handle)).code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, mill, say_and_leave)
        nursery.start_soon(run, farm, wait)
    assert sorted(reasons) == ["closed", "ended"]
    assert farm.heard


async def test_a_cut_between_frames_is_no_clean_end_under_tls() -> None:
    mill, farm = await secured()

    async def say_and_drop(link: Link) -> None:
        link.send(b"so far")
        await link.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(mill.run, say_and_drop)
        assert await farm.receive() == [b"so far"]
        mill.cut("recalled", "cut")
        assert (await why(farm)).code == "truncated"
        farm.cut("closed", "test over")


@pytest.mark.parametrize("piece", [b"\x00", b"\x00\x09", b"\x00\x09half"])
async def test_an_end_inside_a_frame_is_no_clean_end(piece: bytes) -> None:
    link, theirs = bare()
    await theirs.send_all(frame(b"whole") + piece)
    await theirs.aclose()
    assert await link.receive() == [b"whole"]
    assert (await why(link)).code == "truncated"


async def test_an_end_before_the_first_frame_reads_as_a_refusal() -> None:
    link, theirs = bare()
    await theirs.aclose()
    assert (await why(link)).code == "refused"
    assert not link.heard


@pytest.mark.parametrize("length", [0, 4097, 65_535])
async def test_a_length_that_is_not_allowed_ends_the_link_before_the_body_comes(length: int) -> None:
    link, theirs = bare()
    link.limit = 4096
    await theirs.send_all(length.to_bytes(2, "big"))
    assert (await why(link)).code == "bad-frame"


async def test_what_cannot_be_a_frame_is_refused_where_it_is_sent() -> None:
    link, _ = bare()
    for body in (b"", bytes(MAX_BODY + 1)):
        with pytest.raises(BadFrame):
            link.send(body)
    assert link.queued == 0


async def test_a_drip_is_cut_off_though_every_read_brings_something(autojump_clock: MockClock) -> None:
    link, theirs = bare()

    async def drip() -> None:
        await theirs.send_all(frame(b"hello") + b"\xff\xff")
        with suppress(trio.BrokenResourceError):
            while True:
                await trio.sleep(9)
                await theirs.send_all(b"x")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(drip)
        assert await link.receive() == [b"hello"]
        began = trio.current_time()
        with trio.fail_after(PATIENCE.frame + 9):
            assert (await why(link)).code == "slow-frame"
        assert trio.current_time() - began <= PATIENCE.frame + 9
        nursery.cancel_scope.cancel()


async def test_a_frame_may_take_its_time_while_it_comes_in_time(autojump_clock: MockClock) -> None:
    link, theirs = bare()

    async def slowly() -> None:
        for _ in range(5):
            for byte in frame(b"0123456789"):
                await trio.sleep(9)
                await theirs.send_all(bytes([byte]))

    link.heard = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(slowly)
        assert await gather(link, 5) == [b"0123456789"] * 5


async def test_silence_between_frames_is_not_the_links_business(autojump_clock: MockClock) -> None:
    link, theirs = bare()
    await theirs.send_all(frame(b"hello"))
    await link.receive()
    with trio.move_on_after(1_000_000):
        await link.receive()
    assert link.ended is None


async def test_our_own_slowness_is_not_held_against_the_peer(autojump_clock: MockClock) -> None:
    link, theirs = bare()
    await theirs.send_all(frame(b"hello") + frame(b"world")[:3])
    assert await link.receive() == [b"hello"]
    with trio.move_on_after(1):
        await link.receive()
    await trio.sleep(100_000)
    await theirs.send_all(frame(b"world")[3:])
    assert await link.receive() == [b"world"]


async def test_a_peer_that_never_says_a_word_is_let_go(autojump_clock: MockClock) -> None:
    link, _theirs = bare()
    began = trio.current_time()
    assert (await why(link)).code == "no-answer"
    assert trio.current_time() - began == pytest.approx(PATIENCE.first_frame)


async def test_a_silent_caller_gets_ten_seconds_for_the_handshake(autojump_clock: MockClock) -> None:
    ours, _theirs = memory_stream_pair()
    began = trio.current_time()
    with pytest.raises(LinkClosed) as ended:
        await answer_over(ours, listen_context(FARM, [public_key(MILL)]), lambda key: True)
    assert ended.value.code == "slow-handshake"
    assert trio.current_time() - began == pytest.approx(10.0)


async def test_garbage_instead_of_tls_is_named_so() -> None:
    ours, theirs = memory_stream_pair()
    await theirs.send_all(b"GET / HTTP/1.1\r\n\r\n" * 10)
    with pytest.raises(LinkClosed) as ended:
        await answer_over(ours, listen_context(FARM, [public_key(MILL)]), lambda key: True)
    assert ended.value.code == "not-tls"
    assert await theirs.receive_some() == b""


async def test_garbage_under_an_open_link_ends_it() -> None:
    left, right = memory_stream_pair()
    ends: list[Link] = []

    async def dial() -> None:
        ends.append(await dial_over(left, dial_context(MILL, public_key(FARM)), public_key(FARM)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(dial)
        farm = await answer_over(right, listen_context(FARM, [public_key(MILL)]), lambda key: True)
    farm.heard = True
    await left.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert (await why(farm)).code == "garbled"


async def test_a_key_that_is_no_longer_allowed_is_refused_though_the_context_still_trusts_it() -> None:
    left, right = memory_stream_pair()

    async def dial() -> None:
        mill = await dial_over(left, dial_context(MILL, public_key(FARM)), public_key(FARM))
        assert (await why(mill)).code == "refused"
        assert not mill.heard

    async with trio.open_nursery() as nursery:
        nursery.start_soon(dial)
        with pytest.raises(LinkClosed) as ended:
            await answer_over(right, listen_context(FARM, [public_key(MILL)]), lambda key: False)
    assert ended.value.code == "stranger"


async def test_sending_refuses_when_the_queue_is_full_and_loses_nothing_of_what_it_took() -> None:
    left, right = pair()
    sent = 0
    while sent < 1000 and left.send(sent.to_bytes(4, "big") * 1000):
        sent += 1
    assert sent == links.QUEUE_BYTES // 4002 + 1, "the last may go beyond the bound by its own size"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.run, wait)
        got = await gather(right, sent)
        left.cut("closed", "test over")
    assert [int.from_bytes(body[:4], "big") for body in got] == list(range(sent))


async def test_many_small_frames_fill_the_queue_too() -> None:
    link, _ = bare()
    most = links.QUEUE_BYTES // FRAME_COST
    assert sum(link.send(b"x") for _ in range(most + 100)) == most


async def test_there_is_room_again_when_half_of_the_queue_is_written() -> None:
    left, right = pair()
    fed = 0

    async def feed(link: Link) -> None:
        nonlocal fed
        while fed < 500:
            if link.send(bytes(10_000)):
                fed += 1
            else:
                await link.room()
                assert link.queued <= links.QUEUE_BYTES // 2

    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.run, feed)
        assert len(await gather(right, 500)) == 500


async def test_small_frames_leave_in_large_writes() -> None:
    writes: list[int] = []

    class Counting(Meter):
        async def send_all(self, data: bytes | bytearray | memoryview) -> None:
            writes.append(len(data))
            await super().send_all(data)

    ours, theirs = memory_stream_pair()
    link, other = Link(Counting(ours), SOMEONE), Link(theirs, SOMEONE)
    for _ in range(200):
        link.send(bytes(1000))
    await link.run(nothing)
    assert len(await gather(other, 200)) == 200
    assert writes == [65_130, 65_130, 65_130, 5_010]


async def test_nothing_is_read_before_it_is_asked_for() -> None:
    left, right = pair(lockstep_stream_pair)
    written: list[int] = []

    async def feed(link: Link) -> None:
        while True:
            if not link.send(bytes(16_000)):
                written.append(link.bytes_out)
                await link.room()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.run, feed)
        await trio.testing.wait_all_tasks_blocked()
        assert (right.bytes_in, left.bytes_out) == (0, 0)
        await gather(right, 1)
        await trio.testing.wait_all_tasks_blocked()
        assert left.bytes_out <= links.WRITE_BYTES
        left.cut("closed", "test over")


async def test_a_slow_reader_does_not_hold_up_the_others() -> None:
    to_slow, _slow = pair(lockstep_stream_pair)
    to_quick, quick = pair(lockstep_stream_pair)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(to_slow.run, wait)
        nursery.start_soon(to_quick.run, wait)
        body, refused = bytes(50_000), 0
        for _ in range(100):  # one task serves both, and never waits for one of them
            refused += not to_slow.send(body)
            assert to_quick.send(body)
            await gather(quick, 1)
        assert refused > 80
        assert to_slow.queued < links.QUEUE_BYTES + 50_002
        to_slow.cut("closed", "test over")
        to_quick.cut("closed", "test over")


async def test_a_peer_that_takes_nothing_is_let_go(autojump_clock: MockClock) -> None:
    left, _right = pair(lockstep_stream_pair)
    left.heard, left._left = True, float("inf")
    left.send(b"anyone?")
    began = trio.current_time()
    assert (await left.run(wait)).code == "slow-reader"
    assert trio.current_time() - began == pytest.approx(PATIENCE.write)


async def test_who_sends_may_be_cancelled_and_the_frame_goes_out_whole() -> None:
    left, right = pair()

    async def send_and_be_cancelled(link: Link) -> None:
        with trio.CancelScope() as scope:
            for n in range(10):
                link.send(bytes([n]) * 30_000)
            scope.cancel()
            await trio.lowlevel.checkpoint()
        link.send(b"still whole")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.run, send_and_be_cancelled)
        got = await gather(right, 11)
    assert [body[0] for body in got[:10]] == list(range(10))
    assert got[10] == b"still whole"


async def test_who_receives_may_be_cancelled_and_misses_nothing() -> None:
    mill, farm = await secured()
    got: list[bytes] = []

    async def feed(link: Link) -> None:
        for n in range(50):
            link.send(bytes([n]) * 1000)
            await trio.testing.wait_all_tasks_blocked()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(mill.run, feed)
        while len(got) < 50:
            with trio.CancelScope() as scope:
                nursery.start_soon(cancel_when_all_wait, scope)
                got += await farm.receive()
        farm.cut("closed", "test over")
    assert [body[0] for body in got] == list(range(50))


async def cancel_when_all_wait(scope: trio.CancelScope) -> None:
    await trio.testing.wait_all_tasks_blocked()
    scope.cancel()


async def test_a_cancelled_write_ends_the_link_and_nothing_follows_half_a_frame() -> None:
    left, right = pair(lockstep_stream_pair)
    with trio.CancelScope() as scope:
        left.send(bytes(60_000))
        left.send(bytes(60_000))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(left.run, wait)
            await right._stream.receive_some(1000)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert left.ended is not None
    assert left.ended.code == "cancelled"
    with pytest.raises(LinkClosed):
        left.send(b"more")
    rest = b""
    while piece := await right._stream.receive_some():
        rest += piece
    assert len(rest) < 60_000


async def test_closing_never_waits_for_a_peer_that_does_not_read(autojump_clock: MockClock) -> None:
    left, _right = pair(lockstep_stream_pair)
    left.send(bytes(60_000))
    began = trio.current_time()
    assert (await left.run(nothing)).code == "closed"
    assert trio.current_time() - began <= PATIENCE.close


async def test_a_node_that_is_told_to_stop_still_says_goodbye() -> None:
    mill, farm = await secured()
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as stop:
            nursery.start_soon(cancel_when_all_wait, stop)
            mill.send(b"last word")
            await mill.run(wait)
        assert await farm.receive() == [b"last word"]
        assert (await why(farm)).code == "ended"
        farm.cut("closed", "test over")


async def test_a_recalled_peers_open_link_is_cut_at_once_even_while_it_is_used() -> None:
    mill, farm = await secured()
    reasons: dict[str, str] = {}

    async def busy(link: Link) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed_forever, link)
            await wait(link)

    async def feed_forever(link: Link) -> None:
        while True:
            if not link.send(bytes(10_000)):
                await link.room()
            await trio.lowlevel.checkpoint()

    async def run(name: str, link: Link) -> None:
        reasons[name] = (await link.run(busy)).code

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, "farm", farm)
        nursery.start_soon(run, "mill", mill)
        while not (farm.heard and mill.heard):
            await trio.lowlevel.checkpoint()
        farm.cut("recalled", "the community recalled the mill")
        assert farm.ended is not None
        assert farm.queued == 0
    assert reasons["farm"] == "recalled"
    assert reasons["mill"] in {"truncated", "lost"}


async def test_whoever_waits_for_a_link_that_ends_is_told_the_first_reason() -> None:
    link, _theirs = bare()
    while link.send(bytes(60_000)):
        pass
    told: list[str] = []

    async def ask(what: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(LinkClosed) as ended:
            await what()
        told.append(ended.value.code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, link.receive)
        nursery.start_soon(ask, link.room)
        await trio.testing.wait_all_tasks_blocked()
        link.cut("misbehaved", "first")
        link.cut("closed", "second")
    assert told == ["misbehaved"] * 2
    with pytest.raises(LinkClosed, match="first"):
        link.send(b"x")


async def test_an_error_of_the_one_who_uses_the_link_is_not_hidden() -> None:
    async def fail(link: Link) -> None:
        raise ZeroDivisionError

    link, theirs = bare()
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        await link.run(fail)
    assert await theirs.receive_some() == b""


def test_patience_can_be_set_for_a_carrier() -> None:
    assert Patience(frame=3600).handshake == PATIENCE.handshake
