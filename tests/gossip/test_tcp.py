"""Over real sockets: who is let in, who is not, and that nobody is left hanging."""

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import trio

from fedsync.gossip import gate
from fedsync.gossip.gate import Gate
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.tcp import connect, serve, tune
from fedsync.gossip.tls import listen_context
from fedsync.records.ed25519 import PrivateKey, private_key, public_key
from fedsync.records.ids import Key

MILL, FARM, STRANGER, QUARRY = (private_key(bytes([n]) * 32) for n in (1, 2, 3, 4))
FARM_KEY = public_key(FARM)
HOST = "127.0.0.1"
SOON = 30.0
"""Seconds within which what must not hang has to be over."""


class Farm:
    """A listener that greets whoever is allowed, and what it saw."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.allowed = {public_key(MILL)}
        self.context = listen_context(FARM, self.allowed)
        self.gate = Gate()
        self.links: list[Link] = []
        self.reports: list[str] = []
        self.reported = trio.Event()

    def report(self, host: str, why: LinkClosed) -> None:
        assert host == HOST
        self.reports.append(why.code)
        self.reported.set()
        self.reported = trio.Event()

    async def greet(self, link: Link) -> None:
        self.links.append(link)
        link.send(b"hello")
        while True:
            for body in await link.receive():
                link.send(body)

    async def told(self, code: str) -> None:
        """Wait until a connection has ended for this reason."""
        with trio.fail_after(SOON):
            while code not in self.reports:
                await self.reported.wait()


@asynccontextmanager
async def listening(handle: Callable[[Link], Awaitable[None]] | None = None) -> AsyncIterator[Farm]:
    listeners = await trio.open_tcp_listeners(0, host=HOST)
    farm = Farm(listeners[0].socket.getsockname()[1])

    async def answer() -> None:
        await serve(
            listeners,
            context=lambda: farm.context,
            allowed=lambda key: key in farm.allowed,
            gate=farm.gate,
            handle=handle or farm.greet,
            report=farm.report,
        )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        yield farm
        nursery.cancel_scope.cancel()


async def dial(farm: Farm, own: PrivateKey = MILL, peer: Key = FARM_KEY) -> Link:
    return await connect(HOST, farm.port, own, peer, within=SOON)


async def raw(farm: Farm) -> trio.SocketStream:
    return await trio.open_tcp_stream(HOST, farm.port)


async def rest(stream: trio.SocketStream) -> bytes:
    """Return what comes until the other side hangs up."""
    got = b""
    with trio.fail_after(SOON), suppress(trio.BrokenResourceError):
        while piece := await stream.receive_some():
            got += piece
    await trio.aclose_forcefully(stream)
    return got


async def test_two_nodes_talk_and_part() -> None:
    async def talk(link: Link) -> None:
        assert await link.receive() == [b"hello"]
        assert link.heard
        link.send(b"echo")
        assert await link.receive() == [b"echo"]

    async with listening() as farm:
        assert (await (await dial(farm)).run(talk)).code == "closed"
        await farm.told("ended")
        assert farm.links[0].peer == public_key(MILL)
        assert farm.gate.strangers == 0


async def test_an_unknown_client_believes_that_it_connected_until_it_listens() -> None:
    async with listening() as farm:
        link = await dial(farm, STRANGER)  # no error: in TLS 1.3 the caller is done first
        assert not link.heard

        async def talk(link: Link) -> None:
            link.send(b"let me in")
            with trio.fail_after(SOON):
                await link.receive()

        assert (await link.run(talk)).code == "refused"
        assert not link.heard
        await farm.told("stranger")
        assert farm.links == []


async def test_who_answers_with_another_key_is_left_at_once() -> None:
    async with listening() as farm:
        with pytest.raises(LinkClosed) as ended:
            await dial(farm, MILL, public_key(QUARRY))
        assert ended.value.code == "wrong-peer"
        await farm.told("lost")


async def test_nobody_there_is_said_plainly() -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        port = unused.getsockname()[1]
    with pytest.raises(LinkClosed, match=f"^nobody answers at {HOST}:{port}: connection refused$") as ended:
        await connect(HOST, port, MILL, public_key(FARM))
    assert ended.value.code == "unreachable"


async def test_a_listener_that_says_nothing_does_not_hold_the_caller() -> None:
    [listener] = await trio.open_tcp_listeners(0, host=HOST)
    async with listener:
        with pytest.raises(LinkClosed) as ended:
            await connect(HOST, listener.socket.getsockname()[1], MILL, public_key(FARM), within=0.05)
        assert ended.value.code == "unreachable"


async def test_a_handshake_may_take_longer_than_the_system_there_has_to_answer(
    mock_clock: trio.testing.MockClock,
) -> None:
    [listener] = await trio.open_tcp_listeners(0, host=HOST)
    ended = list[LinkClosed]()

    async def call() -> None:
        port = listener.socket.getsockname()[1]
        with pytest.raises(LinkClosed, match=r"within 9 seconds") as found:
            await connect(HOST, port, MILL, public_key(FARM), within=9, answered=2)
        ended.append(found.value)

    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(call)
        async with await listener.accept() as stream:
            assert await stream.receive_some()  # the handshake begins
            mock_clock.jump(8)
            await trio.testing.wait_all_tasks_blocked()
            assert ended == []
            mock_clock.jump(1)


async def test_garbage_instead_of_tls_is_hung_up_on() -> None:
    async with listening() as farm:
        stream = await raw(farm)
        await stream.send_all(b"GET / HTTP/1.1\r\n\r\n")
        assert await rest(stream) == b""
        await farm.told("not-tls")


async def test_the_same_peer_is_let_in_after_a_stranger_was_refused() -> None:
    async with listening() as farm:
        for _ in range(3):
            with suppress(LinkClosed):
                stranger = await dial(farm, STRANGER)
                stranger.cut("closed", "gone")
        link = await dial(farm)
        assert await link.receive() == [b"hello"]
        link.cut("closed", "test over")


async def test_the_fifth_silent_connection_from_one_address_is_closed_at_once() -> None:
    async with listening() as farm:
        silent = [await raw(farm) for _ in range(gate.MAX_STRANGERS_EACH)]
        while farm.gate.strangers < gate.MAX_STRANGERS_EACH:
            await trio.testing.wait_all_tasks_blocked()
        assert await rest(await raw(farm)) == b""
        await farm.told("busy")
        for stream in silent:
            await stream.aclose()
        await farm.told("lost")
        while farm.gate.strangers:
            await trio.testing.wait_all_tasks_blocked()
        link = await dial(farm)
        assert await link.receive() == [b"hello"]
        link.cut("closed", "test over")


async def test_who_has_shown_a_key_does_not_count_as_a_stranger() -> None:
    async with listening() as farm:
        links = [await dial(farm) for _ in range(gate.MAX_STRANGERS_EACH + 2)]
        for link in links:
            assert await link.receive() == [b"hello"]
        assert farm.gate.strangers == 0
        for link in links:
            link.cut("closed", "test over")


async def test_a_recalled_peer_loses_its_open_connection_and_gets_no_other() -> None:
    async with listening() as farm:
        link = await dial(farm)
        assert await link.receive() == [b"hello"]

        farm.allowed.clear()  # the context still trusts the key: that is the moment that matters
        farm.links[0].cut("recalled", "the mill was recalled")
        with trio.fail_after(SOON), pytest.raises(LinkClosed) as ended:
            await link.receive()
        assert ended.value.code in {"truncated", "lost"}
        await farm.told("recalled")

        again = await dial(farm)
        with trio.fail_after(SOON), pytest.raises(LinkClosed) as ended:
            await again.receive()
        assert ended.value.code == "refused"
        await farm.told("stranger")


async def test_a_peer_that_is_added_is_let_in_by_the_next_context() -> None:
    async with listening() as farm:
        farm.allowed.add(public_key(QUARRY))
        farm.context = await trio.to_thread.run_sync(listen_context, FARM, set(farm.allowed))
        link = await dial(farm, QUARRY)
        assert await link.receive() == [b"hello"]
        link.cut("closed", "test over")


async def test_a_peer_that_reads_nothing_does_not_hold_up_another() -> None:
    async def flood(link: Link) -> None:
        while True:
            if not link.send(bytes(60_000)):
                await link.room()

    async with listening(flood) as farm:
        slow, quick = await dial(farm), await dial(farm)
        with trio.fail_after(SOON * 4):
            while quick.bytes_in < 30_000_000:
                await quick.receive()
        assert slow.bytes_in == 0
        slow.cut("closed", "test over")
        quick.cut("closed", "test over")


async def test_a_session_is_never_resumed() -> None:
    async with listening() as farm:
        link = await dial(farm)
        await link.receive()
        stream = link._stream
        assert isinstance(stream, trio.SSLStream)
        session: ssl.SSLSession | None = stream.session
        assert session is None or not session.has_ticket
        link.cut("closed", "test over")


async def test_sockets_are_tuned_where_the_system_allows_it() -> None:
    [listener] = await trio.open_tcp_listeners(0, host=HOST)
    async with listener, await trio.open_tcp_stream(HOST, listener.socket.getsockname()[1]) as stream:
        tune(stream)
        assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
