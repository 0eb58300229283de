"""A connection has stalled when something is on its way and nothing of it arrives, and in no other case."""

import socket

import trio
from hypothesis import example, given
from hypothesis import strategies as st

from fedsync.gossip import kernel
from fedsync.gossip.stall import Progress, Stall


@example([(1, 1, 1), (6, 0, 0), (6, 0, 1)])
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 2), st.integers(0, 2)), max_size=60))
def test_it_is_stalled_exactly_when_a_look_at_all_that_was_says_so(
    looks: list[tuple[int, int, int]],
) -> None:
    stall, now, arrived = Stall(10.0), 0.0, 0
    seen: list[tuple[float, int, int]] = []
    for later, more, flying in looks:
        now, arrived = now + later, arrived + more
        seen.append((now, arrived, flying))
        # The twin goes back through all looks as long as nothing arrived and something was flying.
        begin = None
        for at, got, packets in reversed(seen):
            if packets == 0 or got != arrived:
                break
            begin = at
        assert stall.look(Progress(arrived, flying), now) is (begin is not None and now - begin >= 10)


async def connected() -> tuple[trio.SocketStream, trio.SocketStream]:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    ours = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
    theirs = await listener.accept()
    await listener.aclose()
    return ours, theirs


async def test_what_the_system_tells_of_a_connection_is_what_went_over_it() -> None:
    ours, theirs = await connected()
    before = kernel.progress(ours)
    if before is None:
        return  # not Linux
    await ours.send_all(bytes(10_000))
    with trio.fail_after(60):
        while (now := kernel.progress(ours)) is None or now.arrived - before.arrived < 10_000:
            await trio.sleep(0.01)
    assert now.flying == 0
    await trio.aclose_forcefully(theirs)
    await trio.aclose_forcefully(ours)
    assert kernel.progress(ours) is None


async def test_a_peer_that_reads_nothing_is_slow_and_has_not_stalled() -> None:
    ours, theirs = await connected()
    stall = Stall(0.5)
    with trio.move_on_after(1.5):
        while True:
            await ours.send_all(bytes(65_536))
    told = kernel.progress(ours)
    if told is not None:
        assert told.flying == 0, "it says that it has no room"
        assert not stall.look(told, 100.0)
    await trio.aclose_forcefully(theirs)
    await trio.aclose_forcefully(ours)


async def test_on_a_slow_line_the_kernel_takes_little_beyond_what_is_on_its_way() -> None:
    ours, theirs = await connected()
    kernel.keep_little(ours, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        least = kernel.LEAST_UNSENT_BYTES
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == least
    await trio.aclose_forcefully(theirs)
    await trio.aclose_forcefully(ours)
